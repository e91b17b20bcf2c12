/* sim/engine/placement_keys.h - the experiment's keys placement.* and tiers.*, for the simulator and the
 * runtime alike. */
#ifndef REPRISE_SIM_ENGINE_PLACEMENT_KEYS_H
#define REPRISE_SIM_ENGINE_PLACEMENT_KEYS_H

#include "base/error.h"
#include "sim/engine/experiment.h"
#include "sim/placement/placement.h"

/* Fills what of config follows from the keys alone: neither policy, unit, sizes nor capacities. */
void placement_keys_set(const struct experiment *experiment, struct placement_config *config);

/* STATUS_INPUT: keys that contradict each other. */
enum status placement_keys_check(const struct experiment *experiment, struct error *err);

#endif
