/* sim/placement/policy_sieve.c - see policy_sieve.h. */
#include "sim/placement/policy_sieve.h"

const struct policy policy_sieve = POLICY_CALLS_sieve;
