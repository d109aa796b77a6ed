/* The command line of vaetop: design section 6. */
#ifndef VAETOP_CLI_CLI_H
#define VAETOP_CLI_CLI_H

int cli_main(int argc, char **argv); /* returns the exit status */

#endif
