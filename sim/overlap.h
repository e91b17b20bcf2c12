/* sim/overlap.h - layer by layer: when each layer's KV comes in, and what a prefill makes of that.
 * Source: CachedAttention (ATC'24), layer-wise pre-loading and asynchronous saving. */
#ifndef REPRISE_SIM_OVERLAP_H
#define REPRISE_SIM_OVERLAP_H

#include "models/models.h"

#include <stdint.h>

/* When the last byte of each layer's KV is in HBM; 0: it was there from the start. */
struct layer_arrivals {
    uint32_t layers; /* <= MODEL_LAYERS_MAX */
    uint64_t arrival_ns[MODEL_LAYERS_MAX];
    uint64_t begin_ns[MODEL_LAYERS_MAX]; /* when it began to come in, for who watches */
};

void layer_arrivals_reset(struct layer_arrivals *arrivals, uint32_t layers);
/* No pre-loading: no layer may begin before the last one is there. */
void layer_arrivals_all_at(struct layer_arrivals *arrivals, uint64_t time_ns);

/* A flow that carries layers [first, last) in order, equal bytes each. */
struct overlap_load {
    uint32_t first, last, next; /* next: the first layer not yet in */
    double layer_bytes;
    uint64_t next_began_ns;     /* when the next layer began to come in */
    uint64_t noted_ns;          /* up to when, and how much of it, progress was noted */
    double noted_bytes;
};

void overlap_load_begin(struct overlap_load *load, uint32_t first, uint32_t last, uint64_t now_ns,
                        uint64_t size_bytes);
/* done_bytes of the flow are in at now_ns, at a constant rate since the last note: writes the arrival
 * of the layers that came in between, rounded up. Where several flows carry parts of a layer, the
 * latest part counts. */
void overlap_note_progress(struct overlap_load *load, uint64_t now_ns, double done_bytes,
                           struct layer_arrivals *arrivals);
/* The flow has ended: all its layers are in. */
void overlap_load_end(struct overlap_load *load, uint64_t now_ns, struct layer_arrivals *arrivals);

struct overlap_end {
    uint64_t first_layer_ns; /* end of the first layer's computation */
    uint64_t end_ns;         /* end of the last one's */
    uint64_t wait_ns;        /* in between and before: layers waiting for their KV */
};

/* When the layer begins, if the one before it ended then. */
static inline uint64_t overlap_layer_begin(const struct layer_arrivals *arrivals, uint32_t layer,
                                           uint64_t before_ns)
{
    uint64_t arrival_ns = arrivals->arrival_ns[layer];
    return arrival_ns > before_ns ? arrival_ns : before_ns;
}

/* end(i) = max(end(i - 1), arrival(i)) + layer_ns, end(-1) = start_ns. */
struct overlap_end overlap_prefill_end(const struct layer_arrivals *arrivals, uint64_t start_ns,
                                       uint64_t layer_ns);

/* When a save of all layers, b = layer_save_ns each, may begin as one flow so that no layer leaves
 * before it is made: max(first_end, last_end - (layers - 1) * b). It then ends at last_end + b or, if
 * the link is the slower one, at first_end + layers * b. */
uint64_t overlap_save_start(uint64_t first_end_ns, uint64_t last_end_ns, uint32_t layers,
                            uint64_t layer_save_ns);

#endif
