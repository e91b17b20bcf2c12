/* sim/placement/policy_arc.c - see policy_arc.h. */
#include "sim/placement/policy_arc.h"

const struct policy policy_arc = POLICY_CALLS_arc;
