/* runtime/feed_forward.h - a layer's feed-forward: dense, or a mixture of experts, and the memory
 * that it works in. Private to the executor.
 *
 * With experts: h -> SUM over the chosen experts of weight * expert(h), and the shared experts,
 * which are one dense feed-forward of their width together. A router's product gives each expert a
 * score; the best experts_per_token are chosen and weighted by the softmax over their scores. That
 * is Mixtral's rule (arXiv 2401.04088, 2.1) and Qwen3's (norm_topk_prob). DeepSeek's models choose
 * by the same order but for V3's bias, and weight by softmax or sigmoid over all experts, with a
 * factor: which, a model's file does not say, and it changes neither times nor bytes. */
#ifndef REPRISE_RUNTIME_FEED_FORWARD_H
#define REPRISE_RUNTIME_FEED_FORWARD_H

#include "runtime/executor.h"

struct feed_forward {
    const struct executor_config *config;
    /* Of the rows, or of the routed experts' slots, one after the other: inner values before and
     * behind the activation; of the slots, their experts' results. */
    void *wide, *active, *routed;
    void *routing_memory; /* NULL: no layer has experts */
    struct routing routing;
};

/* Takes its memory from HBM; config must stay. STATUS_IO: it does not suffice; then and later
 * feed_forward_free() gives back what was taken. */
enum status feed_forward_open(struct feed_forward *ffn, const struct executor_config *config,
                              struct error *err);
void feed_forward_free(struct feed_forward *ffn);
uint64_t feed_forward_bytes(const struct executor_config *config);

/* out[rows][hidden] = the layer's feed-forward of in[rows][hidden], queued. in is not out. */
void feed_forward_run(struct feed_forward *ffn, const struct layer_weights *layer, bool experts,
                      uint32_t rows, const void *in, void *out);
/* backend.warm() of its products. */
void feed_forward_warm(struct feed_forward *ffn, const struct executor_weights *weights,
                       const void *in, void *out);

#endif
