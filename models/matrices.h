/* models/matrices.h - the matrices that a model's layers multiply by: what its size and its timing
 * are both computed from. Private to models/. */
#ifndef REPRISE_MODELS_MATRICES_H
#define REPRISE_MODELS_MATRICES_H

#include "models/models.h"

/* How tensor parallelism cuts a matrix (Megatron-LM, arXiv 1909.08053, 3). */
enum split {
    SPLIT_OUTPUTS, /* by columns: each rank makes a part of the result */
    SPLIT_INPUTS,  /* by rows: each rank makes a summand; an all-reduce follows */
    SPLIT_NOT      /* every rank holds all of it */
};

/* Whose weights: they may be in formats of their own. Routers are in 2 bytes whatever the others
 * are (vLLM: `gate` without quant_config; the files of DeepSeek-V3, Qwen3, gpt-oss). */
enum matrix_part {
    MATRIX_OTHER,
    MATRIX_ATTENTION,
    MATRIX_STATE,
    MATRIX_FFN,
    MATRIX_SHARED,
    MATRIX_EXPERTS,
    MATRIX_ROUTER,
    MATRIX_HEAD
};

struct matrix {
    const char *name;
    uint64_t inputs, outputs; /* over all ranks */
    enum split split;
    uint32_t layers;      /* that have it */
    uint32_t count, used; /* routed experts: how many, and by a token; else 1 and 1 */
    bool down;            /* reads what the activation made */
    enum matrix_part part;
};

/* Fills matrix[] for a group of that many ranks; returns how many. The embedding and the output
 * head are not among them. */
uint32_t model_matrices(const struct model *model, uint32_t ranks,
                        struct matrix matrix[TIMING_MATRICES_MAX]);

/* The product behind the last layer that makes logits. */
struct matrix model_head(const struct model *model);

double matrix_weight_bytes(const struct matrix *matrix, const struct model *model);
/* What its weights are in: as the model says, else as their bytes do. */
enum number_format matrix_format(const struct matrix *matrix, const struct model *model);

/* An element-wise operator of a layer: a kernel of its own. A norm adds the residual first, in the
 * same kernel (vLLM's fused_add_rms_norm, since 0.1; SGLang and TensorRT-LLM alike). */
struct stream {
    const char *name;
    enum stream_kind kind; /* the measured one that it behaves like */
    double values;         /* read and written for a token on one rank */
    double sum_values;     /* and by a sum in the same kernel */
    double width;          /* of a row */
    double share;          /* of the layers that have it */
};
#define STREAMS_MAX 9

/* What other fits hold already: attention's storing its KV, the experts' their activation. */
struct streams_without {
    bool storing, expert_activation;
};
/* Fills stream[]; returns how many. The embedding is not among them. */
uint32_t model_streams(const struct model *model, uint32_t ranks, struct streams_without without,
                       struct stream stream[STREAMS_MAX]);

/* Channels that the convolution before a state passes over, over all ranks. */
uint64_t model_state_channels(const struct model *model);

/* KV heads that a rank holds: with more ranks than heads, several ranks hold the same one. */
double heads_of_rank(uint32_t kv_heads, uint32_t ranks);

/* Inner width of a layer's shared experts together. */
uint64_t model_shared_width(const struct model *model);

#endif
