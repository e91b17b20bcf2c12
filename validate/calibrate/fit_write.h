/* validate/calibrate/fit_write.h - a fit's coefficients as a file of models/. */
#ifndef REPRISE_VALIDATE_CALIBRATE_FIT_WRITE_H
#define REPRISE_VALIDATE_CALIBRATE_FIT_WRITE_H

#include "base/config_tree.h"

/* Writes target by its schema, behind the comment (whole lines, each with its '#'), to path: whole
 * or not at all. STATUS_IO: cannot be written. */
enum status fit_write(const char *path, const char *comment, const struct config_row *rows,
                      const void *target, struct error *err);

/* To the four digits that a fit is worth at most: what a file says is then what was judged. */
void fit_round(double *value);

#endif
