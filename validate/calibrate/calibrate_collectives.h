/* validate/calibrate/calibrate_collectives.h - `reprise calibrate --from-profile` of measured
 * all-reduces: from tables to a models/collectives/ file and a report. */
#ifndef REPRISE_VALIDATE_CALIBRATE_CALIBRATE_COLLECTIVES_H
#define REPRISE_VALIDATE_CALIBRATE_CALIBRATE_COLLECTIVES_H

#include "validate/calibrate/calibrate_from_profile.h"

/* Fits, leaves every third size out in turn, prints the report (markdown) and writes the file,
 * whole or not at all. The hardware's allreduce.timing names the file that says which sizes go
 * which way, and whose GPU's tables are read: what its name has before '-'. stride is not asked.
 * STATUS_INPUT: the hardware has no allreduce.timing, or what collective_profile_read() refuses. */
enum status calibrate_collectives(const struct profile_calibration *calibration, FILE *report,
                                  struct error *err);

#endif
