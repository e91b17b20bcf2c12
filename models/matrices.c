/* models/matrices.c - see matrices.h. */
#include "models/matrices.h"

#include <assert.h>

struct list {
    struct matrix *matrix;
    uint32_t count;
};

static void add(struct list *list, uint64_t inputs, uint64_t outputs, enum split split,
                uint32_t layers)
{
    assert(list->count < TIMING_MATRICES_MAX);
    list->matrix[list->count++] = (struct matrix){ .inputs = inputs,
                                                   .outputs = outputs,
                                                   .split = split,
                                                   .layers = layers,
                                                   .count = 1,
                                                   .used = 1 };
}

static void add_multi_head(struct list *list, const struct model *model, uint32_t ranks)
{
    /* A rank needs a KV head for its query heads, even if others hold the same one. */
    uint64_t kv_heads = model->kv_heads > ranks ? model->kv_heads : ranks;
    uint64_t query = (uint64_t)model->heads * model->head_dim;
    add(list, model->hidden, query + 2 * kv_heads * model->head_dim, SPLIT_OUTPUTS, model->layers);
    add(list, query, model->hidden, SPLIT_INPUTS, model->layers);
}

/* The compressions are whole on every rank, since every head reads all of the latent vector. */
static void add_latent(struct list *list, const struct model *model)
{
    uint64_t heads = model->heads, query_dim = (uint64_t)model->head_dim + model->rope_dim;
    uint64_t query_inputs = model->hidden;
    if (model->query_latent_dim > 0) {
        add(list, model->hidden, model->query_latent_dim, SPLIT_NOT, model->layers);
        query_inputs = model->query_latent_dim;
    }
    add(list, query_inputs, heads * query_dim, SPLIT_OUTPUTS, model->layers);
    add(list, model->hidden, (uint64_t)model->latent_dim + model->rope_dim, SPLIT_NOT,
        model->layers);
    add(list, model->latent_dim, 2 * heads * model->head_dim, SPLIT_OUTPUTS, model->layers);
    add(list, heads * model->head_dim, model->hidden, SPLIT_INPUTS, model->layers);
}

static void add_feed_forward(struct list *list, const struct model *model, uint64_t width,
                             uint32_t layers)
{
    add(list, model->hidden, (model->gated_ffn ? 2 : 1) * width, SPLIT_OUTPUTS, layers);
    add(list, width, model->hidden, SPLIT_INPUTS, layers);
}

static void add_experts(struct list *list, const struct model *model, uint32_t layers)
{
    add(list, model->hidden, model->experts, SPLIT_NOT, layers); /* the router */
    if (model->shared_experts > 0)
        add_feed_forward(list, model, (uint64_t)model->shared_experts * model->expert_ffn, layers);
    uint32_t first = list->count;
    add_feed_forward(list, model, model->expert_ffn, layers);
    for (uint32_t i = first; i < list->count; i++) {
        list->matrix[i].count = model->experts;
        list->matrix[i].used = model->experts_per_token;
    }
}

uint32_t model_matrices(const struct model *model, uint32_t ranks,
                        struct matrix matrix[TIMING_MATRICES_MAX])
{
    struct list list = { .matrix = matrix };
    uint32_t dense_layers = model->experts > 0 ? model->dense_layers : model->layers;
    if (model->attention == ATTENTION_LATENT)
        add_latent(&list, model);
    else
        add_multi_head(&list, model, ranks);
    if (dense_layers > 0)
        add_feed_forward(&list, model, model->ffn, dense_layers);
    if (model->experts > 0)
        add_experts(&list, model, model->layers - dense_layers);
    return list.count;
}
