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
    const struct attention_dims shape = { .head_dim = head_dim };
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

/* A width behind hidden in the model's ratio, as multiples of 32 that a kernel's tiles like; 0
 * stays 0. */
static uint32_t in_ratio(uint32_t width, uint32_t hidden, uint32_t small_hidden)
{
    uint32_t scaled = (uint32_t)((uint64_t)width * small_hidden / hidden);
    return width == 0 ? 0 : at_least_1(scaled / 32) * 32;
}

/* Latent attention. The part of a head that has a position keeps its share, in steps of 8. */
static void scale_latent(struct model *small, const struct model *model)
{
    small->kv_heads = small->heads;
    small->latent_dim = in_ratio(model->latent_dim, model->hidden, small->hidden);
    small->query_latent_dim = in_ratio(model->query_latent_dim, model->hidden, small->hidden);
    small->rope_dim = at_least_1(model->rope_dim * small->head_dim / model->head_dim / 8) * 8;
}

/* How many experts there are and are chosen stays: which share of the weights an iteration reads
 * depends on nothing else. */
static void scale_experts(struct model *small, const struct model *model)
{
    small->expert_ffn = in_ratio(model->expert_ffn, model->hidden, small->hidden);
    small->expert_bytes_per_parameter = 0;
    small->expert_format = 0;
    if (small->dense_layers >= small->layers)
        small->dense_layers = small->layers - 1;
    if (small->dense_layers == 0)
        small->ffn = 0;
}

/* As many of the layers, and as much of a context, as the model has windowed; at least one of each,
 * and not all layers where it has some that see everything. */
static void scale_windows(const struct model *model, struct model *small)
{
    if (model->window_layers == 0)
        return;
    bool all = model->window_layers == model->layers;
    uint64_t layers = (uint64_t)small->layers * model->window_layers / model->layers;
    small->window_layers = at_least_1((uint32_t)layers);
    if (!all && small->window_layers == small->layers && small->layers > 1)
        small->window_layers--;
    if (model->context_window_tokens > small->context_window_tokens)
        small->window_tokens =
            at_least_1((uint32_t)((uint64_t)model->window_tokens * small->context_window_tokens /
                                  model->context_window_tokens));
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
    if (model->attention == ATTENTION_LATENT)
        scale_latent(&small, model);
    small.ffn = in_ratio(model->ffn, model->hidden, small.hidden);
    small.layers = layers;
    if (model->experts > 0)
        scale_experts(&small, model);
    small.vocabulary = vocabulary;
    small.context_window_tokens = window_tokens;
    scale_windows(model, &small);
    small.weight_bytes_per_parameter = small.kv_bytes_per_value = backend->element_bytes;
    small.head_bytes_per_parameter = small.weight_format = 0;
    snprintf(small.name, sizeof small.name, "%.200s-scaled", model->name);
    snprintf(small.source, sizeof small.source, "scaled down from %.200s by reprise calibrate",
             model->name);
    return small;
}
