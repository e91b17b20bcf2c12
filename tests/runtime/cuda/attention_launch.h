/* tests/runtime/cuda/attention_launch.h - attention's launches in the order in which the backend
 * queues them (runtime/cuda/batch.c), over arrays of a rig. */
#ifndef REPRISE_TESTS_RUNTIME_CUDA_ATTENTION_LAUNCH_H
#define REPRISE_TESTS_RUNTIME_CUDA_ATTENTION_LAUNCH_H

#include "runtime/cuda/plan.h"

/* All in device memory. */
struct attention_arrays {
    struct kernel_attention a;
    uint32_t *row_sequence, *ids;
    struct kernel_work *prefill, *decode;
    struct kernel_merge *merges;
};

/* Stores the KV of `rows` new tokens and attends. */
void attention_launch(const struct attention_arrays *d, const struct plan *plan, uint32_t rows);
/* Sets a.merges and a.arrivals, where all else of d is there; whether decode has left these as they
 * were, for the layer behind. */
void attention_arrivals_new(struct attention_arrays *d, const struct plan *plan);
bool attention_arrivals_are_zero(const struct attention_arrays *d, const struct plan *plan);
/* Every array, those of `a` too. */
void attention_arrays_free(struct attention_arrays *d);

#endif
