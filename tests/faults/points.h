/* What is done while every single system call of it fails in turn. The same program is the test and, with arguments,
 * the one that does the work under the shim. */
#ifndef VAETOP_TEST_FAULTS_POINTS_H
#define VAETOP_TEST_FAULTS_POINTS_H

#include "check.h"

/* Work by name in dir: write, checkpoint, create, store. After each step that the code called durable "ack N" goes to
 * standard output. An error is tried again once, as the programs do. Returns the exit status: 0, or 1 and a line. */
int points_work(const char *what, const char *dir);

/* Before the work; and what must hold after it: acked steps, or one more. 0 and text when it does not. */
void points_prepare(const char *what, const char *dir);
int points_holds(const char *what, const char *dir, int acked, int died, char *why, size_t cap);
int points_steps(const char *what);

#endif
