/* validate/calibrate/fit_write.c - see fit_write.h. */
#include "validate/calibrate/fit_write.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum status fit_write(const char *path, const char *comment, const struct config_row *rows,
                      const void *target, struct error *err)
{
    const struct config_section sections[] = { { .prefix = "", .rows = rows }, { .rows = NULL } };
    char temporary[1024];
    int length = snprintf(temporary, sizeof temporary, "%s.part", path);
    if (length < 0 || (size_t)length >= sizeof temporary)
        return error_io(err, path, "write", strerror(ENAMETOOLONG));
    FILE *out = fopen(temporary, "w");
    if (out == NULL)
        return error_io(err, temporary, "write", strerror(errno));
    fputs(comment, out);
    config_print_values(out, sections, target);
    bool written = !ferror(out);
    written = fclose(out) == 0 && written;
    if (written && rename(temporary, path) == 0)
        return STATUS_OK;
    enum status status = error_io(err, path, "write", strerror(errno));
    unlink(temporary);
    return status;
}

void fit_round(double *value)
{
    char text[32];
    snprintf(text, sizeof text, "%.4g", *value);
    *value = strtod(text, NULL);
}
