/* sim/placement/policy_lru.c - see policy_lru.h. */
#include "sim/placement/policy_lru.h"

const struct policy policy_lru = POLICY_CALLS_lru;
