/* validate/calibrate/fit_write.c - see fit_write.h. */
#include "validate/calibrate/fit_write.h"

#include "base/whole_file.h"

#include <stdlib.h>

enum status fit_write(const char *path, const char *comment, const struct config_row *rows,
                      const void *target, struct error *err)
{
    const struct config_section sections[] = { { .prefix = "", .rows = rows }, { .rows = NULL } };
    struct whole_file file;
    if (whole_file_open(&file, path, err) != STATUS_OK)
        return err->status;
    fputs(comment, file.out);
    config_print_values(file.out, sections, target);
    return whole_file_close(&file, err);
}

void fit_round(double *value)
{
    char text[32];
    snprintf(text, sizeof text, "%.4g", *value);
    *value = strtod(text, NULL);
}
