/* runtime/executor_weights.h - a model's matrices in a device's HBM. Made once on a device, they
 * serve any number of executors of that model there, one after the other or side by side
 * (executor_config.loaded): drawing or reading them takes longer than most runs do. */
#ifndef REPRISE_RUNTIME_EXECUTOR_WEIGHTS_H
#define REPRISE_RUNTIME_EXECUTOR_WEIGHTS_H

#include "models/models.h"
#include "runtime/backend.h"

/* Addresses in HBM. Only the executor looks at them. */
struct layer_weights {
    void *attention_norm, *ffn_norm; /* one norm when attention and FFN stand side by side */
    void *qkv, *output;
    /* Gate and up together when gated. In a layer with experts: of the shared ones, or NULL. */
    void *up, *down;
    void *router, *expert_up, *expert_down; /* of all routed experts; NULL: the layer has none */
    /* Latent attention; qkv then is the queries' (second) matrix. query_down, query_norm: NULL
     * unless queries are compressed. */
    void *query_down, *query_norm, *kv_down, *kv_norm, *kv_up;
};

struct executor_weights {
    const struct backend *backend;
    struct device *device;
    struct model model;
    struct layer_weights *layers;
    void *embedding, *head, *last_norm; /* head: the embedding's where they are tied */
    bool rope_interleaved;              /* struct rope */
    void **taken;                       /* what was allocated */
    uint32_t taken_count, taken_capacity;
};

/* Whether a layer's feed-forward has experts: all but the first dense_layers. */
static inline bool layer_has_experts(const struct model *model, uint32_t layer)
{
    return model->experts > 0 && layer >= model->dense_layers;
}

/* From a file (weights.h), or where path is NULL random ones of the seed, into the device's HBM.
 * STATUS_INPUT: not such a file, another model's shape; STATUS_IO: it cannot be read, or the memory
 * does not suffice. *weights is the caller's to executor_weights_free(), before the device closes
 * and after the last executor that uses them. */
enum status executor_weights_new(const struct backend *backend, struct device *device,
                                 const struct model *model, const char *path, uint64_t seed,
                                 struct executor_weights **weights, struct error *err);
void executor_weights_free(struct executor_weights *weights); /* NULL is fine */

/* Bytes of HBM that they take. */
uint64_t executor_weights_bytes(const struct backend *backend, const struct model *model);
/* Whether an executor of this model can use them: each matrix has its shape. */
bool executor_weights_fit(const struct executor_weights *weights, const struct model *model);

#endif
