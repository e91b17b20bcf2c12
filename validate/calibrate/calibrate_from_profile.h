/* validate/calibrate/calibrate_from_profile.h - `reprise calibrate --from-profile`: from tables of
 * what others measured on a GPU to files of coefficients and a report. */
#ifndef REPRISE_VALIDATE_CALIBRATE_CALIBRATE_FROM_PROFILE_H
#define REPRISE_VALIDATE_CALIBRATE_CALIBRATE_FROM_PROFILE_H

#include "base/error.h"

#include <stdint.h>
#include <stdio.h>

struct profile_calibration {
    const char *path;     /* a folder of tables, or one file (profile_tables.h) */
    const char *hardware; /* whose GPU's tables are fitted; its gpu.timing, gpu.attention and
                             allreduce.timing name files with the GPU's and libraries' facts */
    const char *out;      /* the file to write; NULL: none */
    const char *source;   /* what that file shall say of the measurements; NULL: the path's name */
    uint32_t stride;      /* fit every stride-th token count; errors are of all */
};

/* Fits what the tables hold, told by their headings: layers, products and experts into a
 * models/timing/ file, attention into one of models/attention/, all-reduces into one of
 * models/collectives/. Parts are left out in turn; the report (markdown) says the errors. With more
 * than one of the three, `out` is the first's, and the others' have "-attention" and "-collectives"
 * in their names. STATUS_INPUT: the tables are of another GPU than the hardware's, by their names;
 * no table of a known heading; the hardware lacks the key of what is fitted; what the fits refuse.
 */
enum status calibrate_from_profile(const struct profile_calibration *calibration, FILE *report,
                                   struct error *err);

#endif
