/* runtime/scale.c - a model made small enough for the machine. */
#include "runtime/calibrate.h"

#include <stdio.h>

static uint32_t at_least_1(uint32_t value)
{
    return value > 0 ? value : 1;
}

enum { HEADS_WANTED = 4 }; /* so that heads still share KV and a kernel has several to spread */

static bool takes(const struct backend *backend, uint32_t head_dim)
{
    const struct attention_shape shape = { .head_dim = head_dim };
    struct error ignored = { 0 };
    return backend->supports == NULL || backend->supports(&shape, NULL, 0, &ignored) == STATUS_OK;
}

/* See calibrate.h. */
static uint32_t head_width(const struct model *model, const struct backend *backend,
                           uint32_t hidden)
{
    const uint32_t widths[] = { model->head_dim, 128, 64, 32 };
    enum { WIDTHS = sizeof widths / sizeof *widths };
    for (int whole = 1; whole >= 0; whole--)
        for (int i = 0; i < WIDTHS; i++)
            if (widths[i] <= model->head_dim && hidden / widths[i] >= HEADS_WANTED &&
                (!whole || hidden % widths[i] == 0) && takes(backend, widths[i]))
                return widths[i];
    return model->head_dim < 32 ? model->head_dim : 32;
}

struct model model_scaled(const struct model *model, const struct backend *backend, uint32_t layers,
                          uint32_t hidden, uint32_t vocabulary, uint32_t window_tokens)
{
    struct model small = *model;
    small.head_dim = head_width(model, backend, hidden);
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
