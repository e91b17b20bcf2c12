/* validate/store/metric_values.h - a run's metrics by name, as the database has them. Private to
 * its folder. */
#ifndef REPRISE_VALIDATE_STORE_METRIC_VALUES_H
#define REPRISE_VALIDATE_STORE_METRIC_VALUES_H

#include "sim/engine/metrics.h"

/* All NaN: what an older reprise did not measure stays so. */
void metrics_set_unknown(struct metrics *metrics);
/* A name that this reprise does not know is passed over. */
void metrics_set(struct metrics *metrics, const char *name, double value);

#endif
