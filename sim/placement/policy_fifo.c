/* sim/placement/policy_fifo.c - see policy_fifo.h. */
#include "sim/placement/policy_fifo.h"

const struct policy policy_fifo = POLICY_CALLS_fifo;
