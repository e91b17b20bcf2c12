/* tests/runtime/cuda/attention_case.h - a batch of contexts with random KV in shuffled pages, run
 * through the kernels as the backend runs them (plan, rotate, prefill, decode, merge), and the same
 * by definition. */
#ifndef REPRISE_TESTS_RUNTIME_CUDA_ATTENTION_CASE_H
#define REPRISE_TESTS_RUNTIME_CUDA_ATTENTION_CASE_H

#include "runtime/cuda/plan.h"

enum { CASE_SEQUENCES_MAX = 8 };

struct context {
    uint32_t cached_tokens, new_tokens, skip;
};

/* What a test chooses. theta is 10000; layers 2, of which the second is run. */
struct attention_case {
    enum element element;
    uint32_t heads, kv_heads, head_dim, page_tokens;
    enum rotation rotation;
    uint32_t rope_dims; /* 0: head_dim */
    bool pool_rotated;
    bool kv_fp8;            /* the pool stores E4M3 */
    uint32_t window_tokens; /* 0: all is seen */
    bool window_chunked;
    struct context contexts[CASE_SEQUENCES_MAX]; /* up to one without new tokens */
    uint32_t multiprocessors;                    /* 0: RIG_MULTIPROCESSORS */
    bool plain_prefill;                          /* not by prefill_hopper.cu, even on Hopper */
    bool no_reference; /* expected stays 0: for what is compared otherwise */
};

struct case_result {
    float *out;       /* rows of heads * head_dim */
    double *expected; /* the same, by definition */
    uint64_t count;
    uint32_t prefills, decodes, merges; /* what the plan had */
    bool ways_agree;                    /* every rig_way() gave the same bits */
    bool kv_exact;                      /* store_kv() wrote the new K and V bit by bit, rounded */
};

struct case_result case_run(const struct attention_case *c);
void case_free(struct case_result *result);

#endif
