/* cli/output.c - see output.h. */
#include "cli/output.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int output_exit(struct error *err)
{
    bool failed_before = ferror(stdout) != 0;
    errno = 0;
    if (fflush(stdout) != 0 || failed_before)
        error_io(err, "standard output", "write",
                 errno != 0 ? strerror(errno) : "it was cut short");
    if (err->status != STATUS_OK)
        error_print(stderr, err);
    return error_exit_code(err->status);
}
