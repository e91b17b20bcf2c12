/* validate/calibrate/calibrate_operators.h - `reprise calibrate --from-profile` of layers, products
 * and experts: from tables to a models/timing/ file and a report. Private to its folder. */
#ifndef REPRISE_VALIDATE_CALIBRATE_CALIBRATE_OPERATORS_H
#define REPRISE_VALIDATE_CALIBRATE_CALIBRATE_OPERATORS_H

#include "validate/calibrate/calibrate_from_profile.h"
#include "validate/calibrate/profile_tables.h"

/* Fits what the tables hold of layers (profile.h), products and experts (kernel_tables.h); what
 * they do not hold stays as the hardware's gpu.timing has it. Prints the report (markdown) and
 * writes calibration->out, whole or not at all. STATUS_INPUT: the hardware has no gpu.timing, or a
 * table's line is none. */
enum status calibrate_operators(const struct profile_calibration *calibration,
                                const struct hardware *hardware,
                                const struct profile_tables *tables, FILE *report,
                                struct error *err);

#endif
