/* sim/placement/policy_s3_fifo.c - see policy_s3_fifo.h. */
#include "sim/placement/policy_s3_fifo.h"

const struct policy policy_s3_fifo = POLICY_CALLS_s3_fifo;
