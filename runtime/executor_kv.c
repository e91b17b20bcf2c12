/* runtime/executor_kv.c - how the executor's KV lies: see executor_kv.h and executor.h. */
#include "runtime/executor_kv.h"

#include <inttypes.h>
#include <stdio.h>

/* Whether the backend stores KV in that many bytes a value, and how. */
static bool kv_format(const struct backend *backend, double bytes, enum kv_format *format)
{
    static const enum kv_format formats[] = { KV_AS_ELEMENTS, KV_BF16, KV_FP8_E4M3 };
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const struct attention_dims shape = { .kv = formats[i] };
        *format = formats[i];
        if ((backend->kv_formats >> formats[i] & 1U) != 0 &&
            kv_value_bytes(backend, &shape) == bytes)
            return true;
    }
    return false;
}

enum status executor_kv_supports(const struct backend *backend, const struct model *model,
                                 struct error *err)
{
    enum kv_format format;
    char expected[64] = "", found[32];
    int at = 0;
    if (kv_format(backend, model->kv_bytes_per_value, &format))
        return STATUS_OK;
    for (uint32_t bytes = 4; bytes >= 1; bytes /= 2)
        if (kv_format(backend, bytes, &format))
            at += snprintf(expected + at, sizeof expected - (size_t)at, "%s%" PRIu32,
                           at == 0 ? "" : " or ", bytes);
    snprintf(expected + at, sizeof expected - (size_t)at, " on backend %s", backend->name);
    snprintf(found, sizeof found, "%g", model->kv_bytes_per_value);
    return error_input(err, NULL, 0, "kv_bytes_per_value", expected, found);
}

struct attention_dims executor_shape_of(const struct backend *backend, const struct model *model,
                                         uint32_t page_tokens)
{
    bool latent = model->attention == ATTENTION_LATENT;
    struct attention_dims shape = { .heads = model->heads,
                                     .kv_heads = model->kv_heads,
                                     .head_dim = model->head_dim,
                                     .layers = model->layers,
                                     .page_tokens = page_tokens,
                                     .latent_dim = latent ? model->latent_dim : 0,
                                     .rope = { .dims = latent ? model->rope_dim : model->head_dim,
                                               .theta = EXECUTOR_ROPE_THETA },
                                     .window = { .layers = model->window_layers,
                                                 .tokens = model->window_tokens,
                                                 .chunked = model->window == WINDOW_CHUNKED } };
    if (!kv_format(backend, model->kv_bytes_per_value, &shape.kv))
        shape.kv = KV_AS_ELEMENTS;
    return shape;
}

uint64_t executor_pool_bytes(const struct executor_config *config)
{
    const struct attention_dims shape =
        executor_shape_of(config->backend, &config->model, config->page_tokens);
    uint64_t bytes = slice_bytes(config->backend, &shape) * config->model.layers * config->pages;
    uint32_t width = config->backend->element_bytes;
    return (bytes + width - 1) / width * width;
}

uint32_t executor_page_tokens(const struct backend *backend, const struct model *model,
                              uint32_t window_tokens)
{
    const struct attention_dims shape = executor_shape_of(backend, model, 1);
    uint32_t share = window_tokens / 128, tokens = 4;
    uint64_t token_bytes = slice_bytes(backend, &shape);
    while (tokens < share && tokens < 16)
        tokens *= 2;
    while (tokens * token_bytes % 4096 != 0 && tokens < 4096)
        tokens *= 2;
    return tokens;
}
