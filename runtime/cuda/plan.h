/* runtime/cuda/plan.h - how a batch's attention is cut into blocks: what a GPU needs to be full.
 * Plain C on the host, made once a batch and used by every layer. Private to runtime/cuda/.
 *
 * A sequence with a few new tokens (PLAN_DECODE_QUERIES) goes to decode.cu, once for each of them;
 * one with more to prefill.cu. Where that gives too few blocks to fill the GPU, the keys of a block
 * are cut into even parts that run beside each other and are joined (prefill's by merge.cu,
 * decode's by the last of their blocks): a turn of 100 new tokens over 8,000 cached ones would else
 * run on a few of its multiprocessors.
 *
 * Of layers with a window, a block's keys begin with the first that its first query sees: those
 * layers have a plan of their own. Decode then needs no mask at all, and prefill one for the later
 * queries' begins. */
#ifndef REPRISE_RUNTIME_CUDA_PLAN_H
#define REPRISE_RUNTIME_CUDA_PLAN_H

#include "runtime/cuda/kernels.h"

/* A reply's last iteration brings two tokens. Prefill would turn all of the context's keys for
 * them: as much to read and write as two decodes, of which the second finds most KV in L2. */
#define PLAN_DECODE_QUERIES 4u

struct plan_shape {
    uint32_t heads, kv_heads;
    bool turns_keys;        /* keys are turned when used: RoPE, and K stored before it */
    bool decode_turns_keys; /* decode.cu can do that here: decode_can_turn() */
    bool widens_kv;         /* KV is stored as fp8: prefill.cu has it as elements, in a scratch */
    uint32_t multiprocessors;
    uint32_t prefill_resident; /* kernel_prefill_resident() */
    uint32_t window_tokens;    /* of these layers (backend.h, window_begin()); 0: all is seen */
    bool window_chunked;
};

/* Zeroed memory is a valid empty plan; kernel_plan_build() fills it again and again,
 * kernel_plan_free() ends it.
 */
struct plan {
    struct kernel_work *prefill, *decode; /* the longest first, so that the last to end are short */
    uint32_t prefills, decodes;
    struct kernel_merge *merges;
    uint32_t merge_count, prefill_merges; /* prefill's, which are first: merge.cu's */
    uint32_t parts;                       /* of partial results, each of all heads */
    uint32_t *rotated; /* sequences whose keys are turned, or KV widened, into the scratch */
    uint32_t rotated_count, rotated_longest;
    uint64_t rotated_rows; /* of the scratch */
    uint32_t prefill_capacity, decode_capacity, merge_capacity, rotated_capacity;
};

/* Sets sequences[].rotated_row. */
void kernel_plan_build(struct plan *plan, const struct plan_shape *shape,
                       struct kernel_sequence *sequences, uint32_t count);
void kernel_plan_free(struct plan *plan);

#endif
