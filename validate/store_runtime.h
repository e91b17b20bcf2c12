/* validate/store_runtime.h - calibrations and validations in the store; docs/store.md has the
 * tables. */
#ifndef REPRISE_VALIDATE_STORE_RUNTIME_H
#define REPRISE_VALIDATE_STORE_RUNTIME_H

#include "validate/calibration.h"
#include "validate/comparison.h"
#include "validate/store.h"

/* Each in one transaction: whole or not at all. */
enum status store_put_calibration(struct store *store, const char *name,
                                  const struct calibration_samples *samples,
                                  const struct calibration_fits *fits, struct error *err);
enum status store_put_validation(struct store *store, const struct validation *validation,
                                 struct error *err);

/* Lines with their intervals and residuals; the grid's dispersion. */
void calibration_print(FILE *out, const struct calibration_samples *samples,
                       const struct calibration_fits *fits);

#endif
