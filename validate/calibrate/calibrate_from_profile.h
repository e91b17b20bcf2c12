/* validate/calibrate/calibrate_from_profile.h - `reprise calibrate --from-profile`: from measured
 * operators to a models/timing/ file and a report. */
#ifndef REPRISE_VALIDATE_CALIBRATE_CALIBRATE_FROM_PROFILE_H
#define REPRISE_VALIDATE_CALIBRATE_CALIBRATE_FROM_PROFILE_H

#include "base/error.h"

#include <stdint.h>
#include <stdio.h>

struct profile_calibration {
    const char *path;     /* a folder of profiles, or one file (profile.h) */
    const char *hardware; /* whose gpu.timing names the file with the GPU's facts and tiles */
    const char *out;      /* the timing file to write; NULL: none */
    const char *source;   /* what that file shall say of the measurements; NULL: the path's name */
    uint32_t stride;      /* fit every stride-th token count; errors are of all */
};

/* Fits, leaves each model out in turn, prints the report (markdown) and writes the file, whole or
 * not at all. Tables of attention alone are calibrate_attention()'s. STATUS_INPUT: the hardware has no gpu.timing, or what profile_read() refuses. */
enum status calibrate_from_profile(const struct profile_calibration *calibration, FILE *report,
                                   struct error *err);

#endif
