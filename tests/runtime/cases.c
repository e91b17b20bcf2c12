/* tests/runtime/cases.c - see cases.h. */
#include "tests/runtime/cases.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void make_latent(struct model *model, bool queries_compressed)
{
    strcpy(model->name, queries_compressed ? "latent, queries too" : "latent");
    model->attention = ATTENTION_LATENT;
    model->kv_heads = model->heads;
    model->latent_dim = queries_compressed ? 40 : 32;
    model->rope_dim = queries_compressed ? 8 : 32;
    model->query_latent_dim = queries_compressed ? 24 : 0;
}

struct model case_model(int i)
{
    struct model model = { .name = "grouped",
                           .layers = 3,
                           .hidden = 64,
                           .heads = 4,
                           .kv_heads = 2,
                           .head_dim = 16,
                           .ffn = 96,
                           .gated_ffn = true,
                           .vocabulary = 101,
                           .context_window_tokens = 512,
                           .weight_bytes_per_parameter = 4,
                           .kv_bytes_per_value = 4 };
    if (i == 1) {
        strcpy(model.name, "multi-query, side by side");
        model.kv_heads = 1;
        model.gated_ffn = false;
        model.parallel_attention = model.tied_embeddings = true;
    } else if (i == 2) {
        strcpy(model.name, "multi-head");
        model.kv_heads = model.heads;
    } else if (i == CASE_NARROW) {
        strcpy(model.name, "KV in fp8, sliding windows");
        model.kv_bytes_per_value = 1;
        model.window_layers = 2;
        model.window_tokens = 37;
    } else if (i == CASE_NARROW + 1) {
        strcpy(model.name, "KV in bf16, chunked windows");
        model.kv_bytes_per_value = 2;
        model.window_layers = 1;
        model.window_tokens = 24;
        model.window = WINDOW_CHUNKED;
    } else if (i == CASE_NARROW + 2) {
        strcpy(model.name, "multi-head, KV in fp8");
        model.kv_heads = model.heads;
        model.kv_bytes_per_value = 1;
    } else if (i >= CASE_LATENT) {
        make_latent(&model, i > CASE_LATENT);
    }
    return model;
}

struct model case_expert_model(int i)
{
    struct model model = case_model(0);
    strcpy(model.name, "experts");
    model.ffn = 0;
    model.experts = 8;
    model.experts_per_token = 2;
    model.expert_ffn = 48;
    if (i == 1) {
        strcpy(model.name, "shared experts behind a dense layer");
        model.ffn = 96;
        model.dense_layers = 1;
        model.experts = 12;
        model.experts_per_token = 3;
        model.shared_experts = 2;
        model.expert_ffn = 40;
    }
    return model;
}

struct runtime_case case_open(const struct backend *backend, const struct model *model,
                              const char *weights, bool rotated_k_stored)
{
    struct runtime_case c = { .backend = backend, .model = *model };
    struct error err = { 0 };
    struct backend_config config = { .hbm_bytes = 256 << 20, .dram_bytes = 64 << 20, .threads = 1 };
    struct executor_config executor = { .backend = backend,
                                        .model = *model,
                                        .page_tokens = CASE_PAGE_TOKENS,
                                        .pages = CASE_PAGES,
                                        .rows = 512,
                                        .contexts = 8,
                                        .weights = weights,
                                        .seed = CASE_SEED,
                                        .rotated_k_stored = rotated_k_stored };
    ck_assert_int_eq(backend->open(&config, &c.device, &err), STATUS_OK);
    executor.device = c.device;
    if (model->kv_bytes_per_value > backend->element_bytes) /* as elements, whatever they are */
        executor.model.kv_bytes_per_value = backend->element_bytes;
    enum status status = executor_new(&executor, &c.executor, &err);
    ck_assert_msg(status == STATUS_OK, "%s %s", err.expected, err.found);
    return c;
}

void case_close(struct runtime_case *c)
{
    executor_free(c->executor);
    c->backend->close(c->device);
}

uint32_t case_token(const struct model *model, uint32_t i)
{
    return (i * 2654435761U >> 8) % model->vocabulary;
}

float *case_run(struct runtime_case *c, uint32_t first_page, uint32_t skip, uint32_t cached,
                uint32_t from, uint32_t new_tokens)
{
    uint32_t pages[CASE_PAGES], tokens[512];
    for (uint32_t i = 0; i < CASE_PAGES; i++)
        pages[i] = first_page + i;
    for (uint32_t i = 0; i < new_tokens; i++)
        tokens[i] = case_token(&c->model, from + i);
    struct sequence sequence = { .pages = pages,
                                 .page_count = (skip + cached + new_tokens + CASE_PAGE_TOKENS - 1) /
                                               CASE_PAGE_TOKENS,
                                 .skip = skip,
                                 .cached_tokens = cached,
                                 .new_tokens = new_tokens };
    executor_forward(c->executor, &sequence, 1, tokens);
    float *logits = memory_new(c->model.vocabulary, sizeof *logits);
    executor_logits(c->executor, 1, logits);
    return logits;
}

double case_distance(const struct model *model, const float *a, const double *b)
{
    double difference = 0, length = 0;
    for (uint32_t i = 0; i < model->vocabulary; i++) {
        difference += (a[i] - b[i]) * (a[i] - b[i]);
        length += b[i] * b[i];
    }
    return sqrt(difference / length);
}

double case_distance_f(const struct model *model, const float *a, const float *b)
{
    double wide[4096];
    for (uint32_t i = 0; i < model->vocabulary; i++)
        wide[i] = b[i];
    return case_distance(model, a, wide);
}

double case_tolerance(const struct backend *backend)
{
    return backend->element_bytes == 4 ? 2e-5 : 3e-2; /* fp32; bf16's unit is 2^-8 */
}

double case_tolerance_of(const struct backend *backend, const struct model *model)
{
    bool narrower = model->kv_bytes_per_value < backend->element_bytes;
    if (!narrower)
        return case_tolerance(backend);
    /* A value halfway between two of the format becomes the one here, the other there, by what
     * tolerance() is about: one in some thousands, off by 1/8 (fp8) or 1/256 (bf16). */
    return case_tolerance(backend) + (model->kv_bytes_per_value == 1 ? 1e-3 : 5e-5);
}
