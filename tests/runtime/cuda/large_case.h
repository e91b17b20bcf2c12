/* tests/runtime/cuda/large_case.h - attention of a batch of served size by the kernels, as the
 * backend runs them, beside sampled rows of it by definition. bf16; RoPE in halves; pages of 16
 * tokens. large_case.c: K and V. large_latent.c: latent attention. */
#ifndef REPRISE_TESTS_RUNTIME_CUDA_LARGE_CASE_H
#define REPRISE_TESTS_RUNTIME_CUDA_LARGE_CASE_H

#include "tests/runtime/cuda/large_samples.h"

enum { LARGE_PAGE_TOKENS = 16 };

struct large_case {
    const char *name;
    uint32_t heads, kv_heads, head_dim; /* all of a head is turned */
    bool fp8;
    uint32_t window_tokens; /* 0: all is seen */
    struct large_group groups[LARGE_GROUPS_MAX];
};

/* Where rig_small(): an eighth of the heads, a 64th of the tokens and a few more, at most five
 * sequences. Up to four new tokens stay as many: they go another way than more do. */
struct large_case large_scaled(const struct large_case *c);

/* How many of the rig_ways() are gone: order is what the small suites try. */
unsigned large_ways(void);

/* What came of one way to run a case. */
struct large_result {
    struct large_error error;
    uint16_t *out; /* rows of heads * dim elements; free() it */
    uint64_t count;
    bool ways_agree;           /* every way gave the same bits */
    bool stored;               /* large_pool_is_stored() */
    uint32_t prefills, merges; /* what the plan had */
};

struct large_batch;
struct large_batch *large_batch_new(const struct large_case *c);
/* hopper: by prefill_hopper.cu where the shape is for it; only where rig_hopper(). */
struct large_result large_batch_run(struct large_batch *b, bool hopper);
void large_batch_free(struct large_batch *b);

/* kv_heads and window_tokens mean nothing; latents of 512 and rope keys of 64 values. stored: the
 * new tokens' rows are their definition to a unit in the last place. */
struct large_result large_latent_run(const struct large_case *c);

#endif
