/* runtime/executor.h - runs a decoder-only transformer on a backend: one iteration at a time, for
 * any batch of contexts whose KV lies in pages. Knows nothing of tiers, policies or sessions.
 *
 * Architectures: multi-head, grouped, multi-query and latent (MLA) attention; gated (SwiGLU,
 * RMSNorm) or plain (GELU, LayerNorm) feed-forward, dense or of experts (feed_forward.h); attention
 * beside or before it; tied or own output head; layers that see a sliding window or their chunk
 * only, spread as layer_window() says (backend.h). Refused: recurrent states, layers without
 * attention, learned positions, windows of latent attention. RoPE of theta 10,000 over the whole
 * head; latent: over rope_dim of it, neighbours paired as DeepSeek has them, without YaRN.
 *
 * KV is stored as the model's kv_bytes_per_value says: as elements where that is their width, else
 * 2: bf16, 1: fp8 (e4m3), where the backend takes it. All layers' KV is in the pages, windowed
 * ones' too, whatever of it is still seen.
 *
 * A layer's steps are those of docs/model.md, so that what is measured here is what timing
 * describes: norm, QKV product, KV stored, attention, output product, sum, norm, up product,
 * activation, down product, sum, with experts the router and their weighted sum; once an iteration
 * the embedding, the last norm and the logits of each context's last token. A sum and the norm
 * behind it may be one operator, and so a layer's first norm is made at the end of the layer before
 * it. Latent attention has steps of its own (executor_latent.h). */
#ifndef REPRISE_RUNTIME_EXECUTOR_H
#define REPRISE_RUNTIME_EXECUTOR_H

#include "models/models.h"
#include "runtime/backend.h"
#include "runtime/executor_weights.h"

struct executor;

struct executor_config {
    const struct backend *backend;
    struct device *device;
    struct model model;
    uint32_t page_tokens;
    uint32_t pages;        /* of the KV pool */
    uint32_t rows;         /* most new tokens of an iteration */
    uint32_t contexts;     /* most contexts of an iteration */
    const char *weights;   /* a file (weights.h); NULL: random */
    uint64_t seed;         /* of random weights */
    /* Weights that are on the device already, of this model (executor_weights_fit()); they stay the
     * caller's. NULL: the executor makes its own, of `weights` and `seed`. */
    const struct executor_weights *loaded;
    bool rotated_k_stored; /* coupled position encoding, to show what truncation does to it */
};

/* Takes its memory from the device's HBM. STATUS_INPUT: an architecture it cannot run; STATUS_IO:
 * the memory does not suffice. *executor is the caller's to executor_free(), before the device
 * closes. */
enum status executor_new(const struct executor_config *config, struct executor **executor,
                         struct error *err);
void executor_free(struct executor *executor); /* NULL is fine */

/* STATUS_INPUT for what executor_new() would refuse of a model: its architecture, or by key
 * kv_bytes_per_value a width that the backend does not store KV in. */
enum status executor_supports(const struct backend *backend, const struct model *model,
                              struct error *err);

/* How the KV of a model that executor_supports() lies, and what attends to it: what executor_shape()
 * of its executor says, but for how RoPE pairs dimensions (the weights' to say) and when it is
 * applied. */
struct attention_dims executor_shape_of(const struct backend *backend, const struct model *model,
                                         uint32_t page_tokens);

/* Tokens of a KV page when none are asked for: a 128th of the window, since what a copy on disk
 * rounds up to whole pages shall be little of a context, but 4 to 16, and doubled until a page's
 * slice of a layer is a multiple of 4096 bytes (O_DIRECT) or has 4096 tokens. */
uint32_t executor_page_tokens(const struct backend *backend, const struct model *model,
                              uint32_t window_tokens);

void *executor_pool(const struct executor *executor); /* of `pages` pages, in HBM */
const struct attention_dims *executor_shape(const struct executor *executor);
/* Where the experts that were chosen in the last layer that has any are found (routing.h), in HBM;
 * the next such layer writes over it. NULL: the model has none. Tests look at it. */
const struct routing *executor_routing(const struct executor *executor);
/* Bytes of HBM that the executor itself takes: activations, the pool, and weights unless they are
 * `loaded`. */
uint64_t executor_bytes(const struct executor_config *config);

/* An iteration in steps, queued on STREAM_COMPUTE: begin, each layer in order, end. tokens[] are
 * the new tokens of all sequences, one after the other. What is read of the caller's is copied
 * before a step returns; between steps the caller may make STREAM_COMPUTE wait for a layer's KV or
 * record that a layer has ended. */
void executor_begin(struct executor *executor, const struct sequence *sequences, uint32_t count,
                    const uint32_t *tokens);
void executor_layer(struct executor *executor, uint32_t layer);
void executor_end(struct executor *executor);
/* All steps at once. */
void executor_forward(struct executor *executor, const struct sequence *sequences, uint32_t count,
                      const uint32_t *tokens);

/* What a device does slower the first time is done once (backend.h, warm): afterwards no shape of
 * product is new, and workspaces are as large as contexts of at most context_tokens make them. To
 * be called before KV is stored: it is written to the pool's first pages. Waits. Does nothing on a
 * device without such first times. */
void executor_warm(struct executor *executor, uint32_t context_tokens);

/* The last iteration's logits, vocabulary values a sequence, into logits; waits for it. */
void executor_logits(struct executor *executor, uint32_t sequences, float *logits);

#endif
