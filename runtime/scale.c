/* runtime/scale.c - a model made small enough for the machine. */
#include "runtime/calibrate.h"

#include <stdio.h>

static uint32_t at_least_1(uint32_t value)
{
    return value > 0 ? value : 1;
}

struct model model_scaled(const struct model *model, const struct backend *backend, uint32_t layers,
                          uint32_t hidden, uint32_t vocabulary, uint32_t window_tokens)
{
    struct model small = *model;
    uint32_t dim = hidden >= 256 ? 64 : 32;
    small.head_dim = dim < model->head_dim ? dim : model->head_dim;
    small.heads = at_least_1(hidden / small.head_dim);
    small.hidden = small.heads * small.head_dim;
    small.kv_heads = at_least_1((uint32_t)((uint64_t)small.heads * model->kv_heads / model->heads));
    while (small.heads % small.kv_heads != 0)
        small.kv_heads--;
    small.ffn =
        at_least_1((uint32_t)((uint64_t)model->ffn * small.hidden / model->hidden / 32)) * 32;
    small.layers = layers;
    small.vocabulary = vocabulary;
    small.context_window_tokens = window_tokens;
    small.weight_bytes_per_parameter = small.kv_bytes_per_value = backend->element_bytes;
    snprintf(small.name, sizeof small.name, "%.200s-scaled", model->name);
    snprintf(small.source, sizeof small.source, "scaled down from %.200s by reprise calibrate",
             model->name);
    return small;
}
