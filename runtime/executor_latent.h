/* runtime/executor_latent.h - a layer's latent attention (MLA; DeepSeek-V2, arXiv 2405.04434, 2.1).
 * Private to runtime/executor*.c.
 *
 * Its steps, from the layer's norm: where queries are compressed, a product to query_latent_dim and
 * a norm; the product to queries, heads * [head_dim | rope_dim]; the product to [latent | rope
 * key], whose latent is normed as it is stored, the rope key as it is. Then the absorbed form: each
 * head's key matrix into its query (gemm_heads), attention over the latents, each head's value
 * matrix into what that gave. It reads a token's KV as it is kept, where decompressing would first
 * make 2 * heads * head_dim values of each cached token: best for decode, and for prefill some (2 *
 * latent_dim + rope_dim) / (2 * head_dim + rope_dim) times the arithmetic of attention, which
 * models/timing.c counts decompressed there. */
#ifndef REPRISE_RUNTIME_EXECUTOR_LATENT_H
#define REPRISE_RUNTIME_EXECUTOR_LATENT_H

#include "runtime/backend.h"
#include "runtime/executor_weights.h"

/* Activations that no other attention has. */
enum latent_array { LATENT_QUERY_DOWN, LATENT_COMPRESSED, LATENT_QUERY, LATENT_ARRAYS };
struct latent_activations {
    void *array[LATENT_ARRAYS]; /* rows of latent_width(); NULL where that is 0 */
};
uint64_t latent_width(const struct model *model, enum latent_array array);
/* Of a row of all of them. */
uint64_t latent_values(const struct model *model);
/* Of a row of queries. */
uint64_t latent_query_width(const struct model *model);

struct latent_layer {
    const struct backend *backend;
    struct device *device;
    const struct model *model;
    const struct attention_dims *shape;
    float epsilon; /* of its norms, which are NORM_RMS */
    const struct layer_weights *weights;
    uint32_t index;
    const struct latent_activations *activations;
    /* In: rows of hidden. query: scratch, rows of latent_query_width(). Out: rows of heads *
     * head_dim. */
    const void *normed;
    void *query, *pool, *attended;
};

void latent_attend(const struct latent_layer *layer, uint32_t rows);
/* backend.h, warm(), of its products. */
void latent_warm(const struct latent_layer *layer, uint32_t most_rows);

#endif
