/* The terminal's health: saved modes, the way back from any crash, signals as bytes in a pipe. One terminal a process.
 */
#ifndef VAETOP_UI_TTY_H
#define VAETOP_UI_TTY_H

#include <stddef.h>

/* Remembers the modes of fd and the bytes that bring its screen back, and restores both at exit() and before a crash.
 * Call before the screen is taken over, again with better bytes when they are known. */
void tty_guard(int fd, const char *bytes);
/* Forgets it: the screen was given back in the ordinary way. */
void tty_release(void);
/* Only write(2) and tcsetattr(3): fit for a signal handler. */
void tty_restore(void);

/* WINCH, HUP, TERM, INT, TSTP, CONT arrive through tty_signal_fd(); PIPE is ignored. */
void tty_signals_on(void);
void tty_signals_off(void);
int tty_signal_fd(void);
int tty_signal_next(void); /* 0: no more */

/* Stops the foreground job as Ctrl-Z does, then returns when it goes on. */
void tty_stop_job(void);

#endif
