/* The worker role: one process per device slice, the only one that loads OpenCL. Serves an engine or
 * one use of a trained model on fd 3, or answers a one-off question (probe, self-test) on its standard output. */
#ifndef VAETOP_WORKER_WORKER_H
#define VAETOP_WORKER_WORKER_H

int worker_serve(int fd);                 /* until EOF: then it ends at once. Returns the exit status. */
int worker_probe(int out_fd);             /* devices of the drivers this process sees, as frames */
int worker_self_test(int argc, char **argv);
int worker_use(int fd);                   /* a trained model: one USE frame in, USED out */
int worker_bench(int fd);                 /* how fast the device is: one BENCH frame in, MEASURED and BENCHED out */

#endif
