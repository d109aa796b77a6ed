/* The advisor role: suggestions in a process of their own. Serves an engine (or `run --dry-run`) on fd 3. */
#ifndef VAETOP_ADVISOR_ADVISOR_H
#define VAETOP_ADVISOR_ADVISOR_H

int advisor_serve(int fd); /* until EOF. Returns the exit status. */

#endif
