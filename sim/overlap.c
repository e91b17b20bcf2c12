/* sim/overlap.c - the recurrence over layers, and the arrivals that feed it. */
#include "sim/overlap.h"

#include <assert.h>

void layer_arrivals_reset(struct layer_arrivals *arrivals, uint32_t layers)
{
    assert(layers <= MODEL_LAYERS_MAX);
    arrivals->layers = layers;
    for (uint32_t i = 0; i < layers; i++)
        arrivals->arrival_ns[i] = arrivals->begin_ns[i] = 0;
}

void layer_arrivals_all_at(struct layer_arrivals *arrivals, uint64_t time_ns)
{
    for (uint32_t i = 0; i < arrivals->layers; i++)
        arrivals->arrival_ns[i] = time_ns;
}

/* The load's next layer is in. */
static void arrive(struct layer_arrivals *arrivals, struct overlap_load *load, uint64_t time_ns)
{
    uint32_t layer = load->next++;
    uint64_t *begin_ns = &arrivals->begin_ns[layer];
    if (arrivals->arrival_ns[layer] < time_ns)
        arrivals->arrival_ns[layer] = time_ns;
    if (*begin_ns == 0 || *begin_ns > load->next_began_ns)
        *begin_ns = load->next_began_ns;
    load->next_began_ns = time_ns;
}

void overlap_load_begin(struct overlap_load *load, uint32_t first, uint32_t last, uint64_t now_ns,
                        uint64_t size_bytes)
{
    assert(first < last);
    *load = (struct overlap_load){ .first = first,
                                   .last = last,
                                   .next = first,
                                   .layer_bytes = (double)size_bytes / (last - first),
                                   .next_began_ns = now_ns,
                                   .noted_ns = now_ns };
}

void overlap_note_progress(struct overlap_load *load, uint64_t now_ns, double done_bytes,
                           struct layer_arrivals *arrivals)
{
    double moved_bytes = done_bytes - load->noted_bytes;
    double span_ns = (double)(now_ns - load->noted_ns);
    while (load->next < load->last) {
        double needed_bytes = load->layer_bytes * (load->next - load->first + 1);
        if (needed_bytes > done_bytes || moved_bytes <= 0.0)
            break;
        double share = (needed_bytes - load->noted_bytes) / moved_bytes;
        uint64_t after_ns = (uint64_t)(share * span_ns) + 1;
        uint64_t arrival_ns = load->noted_ns + after_ns;
        arrive(arrivals, load, arrival_ns < now_ns ? arrival_ns : now_ns);
    }
    load->noted_ns = now_ns;
    load->noted_bytes = done_bytes;
}

void overlap_load_end(struct overlap_load *load, uint64_t now_ns, struct layer_arrivals *arrivals)
{
    double size_bytes = load->layer_bytes * (load->last - load->first);
    overlap_note_progress(load, now_ns, size_bytes, arrivals);
    while (load->next < load->last)
        arrive(arrivals, load, now_ns);
}

struct overlap_end overlap_prefill_end(const struct layer_arrivals *arrivals, uint64_t start_ns,
                                       uint64_t layer_ns)
{
    struct overlap_end result = { .end_ns = start_ns };
    for (uint32_t i = 0; i < arrivals->layers; i++) {
        uint64_t begin_ns = overlap_layer_begin(arrivals, i, result.end_ns);
        result.wait_ns += begin_ns - result.end_ns;
        result.end_ns = begin_ns + layer_ns;
        if (i == 0)
            result.first_layer_ns = result.end_ns;
    }
    return result;
}

uint64_t overlap_save_start(uint64_t first_end_ns, uint64_t last_end_ns, uint32_t layers,
                            uint64_t layer_save_ns)
{
    uint64_t others_ns = (uint64_t)(layers - 1) * layer_save_ns;
    uint64_t paced_ns = last_end_ns > others_ns ? last_end_ns - others_ns : 0;
    return paced_ns > first_end_ns ? paced_ns : first_end_ns;
}
