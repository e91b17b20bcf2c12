/* sim/engine/policy_name.h - the experiment's key `policy`, for the simulator and the runtime alike. */
#ifndef REPRISE_SIM_ENGINE_POLICY_NAME_H
#define REPRISE_SIM_ENGINE_POLICY_NAME_H

#include "base/error.h"
#include "sim/placement/placement.h"

/* "EVICTION" or "EVICTION+FETCHING" into config's policy and fetches. text is shorter than
 * CONFIG_TEXT_BYTES. STATUS_INPUT: one of them is not known. */
enum status policy_name_parse(const char *text, struct placement_config *config, struct error *err);
/* Whether text is EVICTION or begins with EVICTION+, an eviction that the core knows. */
bool policy_name_known(const char *text);

#endif
