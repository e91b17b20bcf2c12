/* models/matrices.c - see matrices.h. */
#include "models/matrices.h"

#include <assert.h>

struct list {
    struct matrix *matrix;
    uint32_t count;
};

static void add(struct list *list, const char *name, uint64_t inputs, uint64_t outputs,
                enum split split, uint32_t layers)
{
    assert(list->count < TIMING_MATRICES_MAX);
    list->matrix[list->count++] = (struct matrix){ .name = name,
                                                   .inputs = inputs,
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
    add(list, "query, key, value", model->hidden, query + 2 * kv_heads * model->head_dim,
        SPLIT_OUTPUTS, model->layers);
    add(list, "attention output", query, model->hidden, SPLIT_INPUTS, model->layers);
}

/* The compressions are whole on every rank, since every head reads all of the latent vector. */
static void add_latent(struct list *list, const struct model *model)
{
    uint64_t heads = model->heads, query_dim = (uint64_t)model->head_dim + model->rope_dim;
    uint64_t query_inputs = model->hidden;
    if (model->query_latent_dim > 0) {
        add(list, "query compression", model->hidden, model->query_latent_dim, SPLIT_NOT,
            model->layers);
        query_inputs = model->query_latent_dim;
    }
    add(list, "query", query_inputs, heads * query_dim, SPLIT_OUTPUTS, model->layers);
    add(list, "KV compression", model->hidden, (uint64_t)model->latent_dim + model->rope_dim,
        SPLIT_NOT, model->layers);
    add(list, "KV decompression", model->latent_dim, 2 * heads * model->head_dim, SPLIT_OUTPUTS,
        model->layers);
    add(list, "attention output", heads * model->head_dim, model->hidden, SPLIT_INPUTS,
        model->layers);
}

static void add_feed_forward(struct list *list, const struct model *model, const char *up,
                             const char *down, uint64_t width, uint32_t layers)
{
    add(list, up, model->hidden, (model->gated_ffn ? 2 : 1) * width, SPLIT_OUTPUTS, layers);
    add(list, down, width, model->hidden, SPLIT_INPUTS, layers);
    list->matrix[list->count - 1].down = true;
}

static void add_experts(struct list *list, const struct model *model, uint32_t layers)
{
    add(list, "router", model->hidden, model->experts, SPLIT_NOT, layers); /* the router */
    if (model->shared_experts > 0)
        add_feed_forward(list, model, "shared experts, up", "shared experts, down",
                         (uint64_t)model->shared_experts * model->expert_ffn, layers);
    uint32_t first = list->count;
    add_feed_forward(list, model, "experts, up", "experts, down", model->expert_ffn, layers);
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
        add_feed_forward(&list, model, "up", "down", model->ffn, dense_layers);
    if (model->experts > 0)
        add_experts(&list, model, model->layers - dense_layers);
    return list.count;
}

/* ---- element-wise operators ---- */

double model_kv_heads_of_rank(const struct model *model, uint32_t ranks)
{
    return model->kv_heads > ranks ? (double)model->kv_heads / ranks : 1;
}

/* Values of a token that the activation writes, of the average layer. */
static double activated_values(const struct model *model)
{
    double dense_share = model->experts > 0 ? (double)model->dense_layers / model->layers : 1;
    return dense_share * model->ffn +
           (1 - dense_share) * model->expert_ffn *
               ((double)model->experts_per_token + model->shared_experts);
}

/* Norms and sums are whole on every rank. Side by side, attention and FFN share one norm and end in
 * one sum of three. */
uint32_t model_streams(const struct model *model, uint32_t ranks, struct stream stream[STREAMS_MAX])
{
    bool latent = model->attention == ATTENTION_LATENT, side_by_side = model->parallel_attention;
    double hidden = model->hidden, heads = (double)model->heads / ranks;
    double kv_heads = model_kv_heads_of_rank(model, ranks);
    double rotated = latent ? (heads + 1) * model->rope_dim : (heads + kv_heads) * model->head_dim;
    double stored =
        latent ? (double)model->latent_dim + model->rope_dim : 2 * kv_heads * model->head_dim;
    double active = activated_values(model) / ranks;
    uint32_t count = 0;
    stream[count++] = (struct stream){ "norm", STREAM_NORM, 2 * hidden, hidden };
    stream[count++] = (struct stream){ "rotary position", STREAM_ROPE, 2 * rotated, rotated };
    stream[count++] = (struct stream){ "storing KV", STREAM_SUM, 2 * stored, stored };
    stream[count++] = (struct stream){ "activation", STREAM_ACTIVATION,
                                       (model->gated_ffn ? 3 : 2) * active, active };
    stream[count++] = (struct stream){ "sum", STREAM_SUM, (side_by_side ? 4 : 3) * hidden, hidden };
    if (!side_by_side) {
        stream[count++] = (struct stream){ "norm", STREAM_NORM, 2 * hidden, hidden };
        stream[count++] = (struct stream){ "sum", STREAM_SUM, 3 * hidden, hidden };
    }
    return count;
}
