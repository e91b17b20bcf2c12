/* runtime/cuda/latent_plan.h - how a batch's latent attention is cut into blocks (latent.cu): one
 * for each LATENT_PAIRS pairs of a sequence and, where those are too few to fill the GPU, even
 * parts of its keys. Plain C on the host, made once a batch. Private to runtime/cuda/. */
#ifndef REPRISE_RUNTIME_CUDA_LATENT_PLAN_H
#define REPRISE_RUNTIME_CUDA_LATENT_PLAN_H

#include "runtime/cuda/kernels.h"

/* Zeroed memory is a valid empty plan. */
struct latent_plan {
    uint32_t heads; /* for which it is made; 0: none is */
    struct kernel_work *works;
    uint32_t work_count, work_capacity;
    struct kernel_merge *merges;
    uint32_t merge_count, merge_capacity;
    uint32_t parts; /* partial results, each of one pair */
    /* On the GPU, in the batch's slot. */
    const struct kernel_work *gpu_works;
    const struct kernel_merge *gpu_merges;
};

/* Sets all but the addresses on the GPU. */
void latent_plan_build(struct latent_plan *plan, uint32_t heads, uint32_t multiprocessors,
                       const struct kernel_sequence *sequences, uint32_t count);
void latent_plan_free(struct latent_plan *plan);

#endif
