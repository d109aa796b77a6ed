/* The engine: owns a study, its only writer; a single-threaded poll loop. The supervisor keeps it running. */
#ifndef VAETOP_ENGINE_ENGINE_H
#define VAETOP_ENGINE_ENGINE_H

#include "vaetop/base/err.h"

/* Runs in the process started by client_start(): setsid, no terminal; starts the engine and restarts it with back-off
 * when it dies of anything but its own decision. Returns the exit status. ready_fd gets one line when the engine
 * answers or has failed: "ok" or "CODE TEXT". */
int engine_supervise(const char *study_dir, const char *device, int ready_fd);

/* The engine itself, in the supervisor's child. */
int engine_main(const char *study_dir, const char *device, int ready_fd);

#endif
