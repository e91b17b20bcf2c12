/* cli/output.h - how every command ends. */
#ifndef REPRISE_CLI_OUTPUT_H
#define REPRISE_CLI_OUTPUT_H

#include "base/error.h"

/* Makes sure that all of standard output was written (a full disk and a closed pipe are STATUS_IO),
 * prints err if it holds an error, and gives the process's exit code. */
int output_exit(struct error *err);

#endif
