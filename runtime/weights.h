/* runtime/weights.h - where a transformer's matrices come from: seeded random numbers, a llama2.c
 * checkpoint, or a safetensors file with Hugging Face's names. Private to runtime/. */
#ifndef REPRISE_RUNTIME_WEIGHTS_H
#define REPRISE_RUNTIME_WEIGHTS_H

#include "models/models.h"

enum tensor {
    TENSOR_EMBEDDING, /* vocabulary * hidden */
    TENSOR_ATTENTION_NORM,
    TENSOR_QUERY, /* heads * head_dim outputs of hidden inputs, and so on: outputs first */
    TENSOR_KEY,
    TENSOR_VALUE,
    TENSOR_OUTPUT,
    TENSOR_FFN_NORM,
    TENSOR_GATE,
    TENSOR_UP,
    TENSOR_DOWN,
    TENSOR_LAST_NORM,
    TENSOR_HEAD,
    /* Latent attention, which has no TENSOR_KEY and TENSOR_VALUE. A head of TENSOR_QUERY is
     * [head_dim without a position | rope_dim with one], of TENSOR_KV_UP [key head_dim | value
     * head_dim]; TENSOR_KV_DOWN gives [latent_dim | rope_dim]. */
    TENSOR_QUERY_DOWN, /* where query_latent_dim > 0: its output, normed, is TENSOR_QUERY's input */
    TENSOR_QUERY_NORM,
    TENSOR_KV_DOWN,
    TENSOR_KV_NORM,
    TENSOR_KV_UP,
    TENSOR_ROUTER,      /* experts * hidden */
    TENSOR_EXPERT_GATE, /* of one routed expert: expert_ffn * hidden */
    TENSOR_EXPERT_UP,
    TENSOR_EXPERT_DOWN,
    TENSOR_SHARED_GATE, /* of all shared experts, which are one of their width together */
    TENSOR_SHARED_UP,
    TENSOR_SHARED_DOWN,
    TENSOR_COUNT
};

/* layer and expert: 0 where there is but one of the tensor. */
struct tensor_at {
    enum tensor tensor;
    uint32_t layer, expert;
};

struct weights;

/* path NULL: random, each value a function of seed, tensor, layer, expert and place (whatever the number of
 * threads that draw), of mean 0 and deviation 1 / sqrt(inputs); norms are 1. The file's shape must
 * be the model's. The source is the caller's to weights_close(). STATUS_INPUT: not such a file,
 * another shape; STATUS_IO: cannot be read. */
enum status weights_open(const char *path, uint64_t seed, const struct model *model,
                         struct weights **weights, struct error *err);
void weights_close(struct weights *weights); /* NULL is fine */

/* The tensor's values, row by row, into to[weights_count()]. */
enum status weights_read(struct weights *weights, struct tensor_at at, float *to,
                         struct error *err);
/* The same as bf16, rounded to the nearest; a file that holds bf16 is not converted at all. */
enum status weights_read_bf16(struct weights *weights, struct tensor_at at, uint16_t *to,
                              struct error *err);
uint64_t weights_count(const struct model *model, enum tensor tensor);
/* llama2.c and DeepSeek's latent attention pair neighbours, Hugging Face else the halves (struct
 * rope). */
bool weights_rope_interleaved(const struct weights *weights);

#endif
