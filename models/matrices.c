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
    uint64_t made = model->gated_attention ? 2 * query : query;
    uint32_t layers = model_attention_layers(model);
    add(list, "query, key, value", model->hidden, made + 2 * kv_heads * model->head_dim,
        SPLIT_OUTPUTS, layers);
    add(list, "attention output", query, model->hidden, SPLIT_INPUTS, layers);
}

/* The compressions are whole on every rank, since every head reads all of the latent vector. */
static void add_latent(struct list *list, const struct model *model)
{
    uint64_t heads = model->heads, query_dim = (uint64_t)model->head_dim + model->rope_dim;
    uint64_t query_inputs = model->hidden;
    uint32_t layers = model_attention_layers(model);
    if (model->query_latent_dim > 0) {
        add(list, "query compression", model->hidden, model->query_latent_dim, SPLIT_NOT, layers);
        query_inputs = model->query_latent_dim;
    }
    add(list, "query", query_inputs, heads * query_dim, SPLIT_OUTPUTS, layers);
    add(list, "KV compression", model->hidden, (uint64_t)model->latent_dim + model->rope_dim,
        SPLIT_NOT, layers);
    add(list, "KV decompression", model->latent_dim, 2 * heads * model->head_dim, SPLIT_OUTPUTS,
        layers);
    add(list, "attention output", heads * model->head_dim, model->hidden, SPLIT_INPUTS, layers);
}

static uint64_t state_inner(const struct model *model)
{
    return (uint64_t)model->state_heads * model->state_head_dim;
}

uint64_t model_state_channels(const struct model *model)
{
    if (model->state_conv == 0)
        return 0;
    return state_inner(model) + 2 * (uint64_t)model->state_groups * model->state_dim;
}

/* Sources, as read in huggingface/transformers (modeling_jamba.py, modeling_mamba2.py,
 * modeling_qwen3_next.py, modeling_minimax.py): Mamba-1 makes B, C and the compressed time step
 * from its channels; the others make them from the stream, with values, gate, B and C (or keys and
 * queries) in one product; a gate and a time step a head (delta: two). Lightning attention has the
 * same parts but the last. */
static void add_state(struct list *list, const struct model *model)
{
    uint64_t inner = state_inner(model), layers = model->state_layers;
    uint64_t keys = 2 * (uint64_t)model->state_groups * model->state_dim;
    uint64_t per_head = model->state == STATE_DELTA ? 2 : model->state == STATE_MAMBA2 ? 1 : 0;
    add(list, "state, in", model->hidden, 2 * inner + keys + per_head * model->state_heads,
        SPLIT_OUTPUTS, (uint32_t)layers);
    if (model->state == STATE_MAMBA) {
        add(list, "state, time step and B and C", inner,
            model->state_rank + 2 * (uint64_t)model->state_dim, SPLIT_INPUTS, (uint32_t)layers);
        add(list, "state, time step", model->state_rank, inner, SPLIT_OUTPUTS, (uint32_t)layers);
    }
    add(list, "state, out", inner, model->hidden, SPLIT_INPUTS, (uint32_t)layers);
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
    uint32_t ffn_layers = model_ffn_layers(model);
    uint32_t dense_layers = model->experts > 0 ? model->dense_layers : ffn_layers;
    if (model->attention == ATTENTION_LATENT)
        add_latent(&list, model);
    else
        add_multi_head(&list, model, ranks);
    if (model->state_layers > 0)
        add_state(&list, model);
    if (dense_layers > 0)
        add_feed_forward(&list, model, "up", "down", model->ffn, dense_layers);
    if (model->experts > 0)
        add_experts(&list, model, ffn_layers - dense_layers);
    return list.count;
}

struct matrix model_head(const struct model *model)
{
    return (struct matrix){ .name = "output head",
                            .inputs = model->hidden,
                            .outputs = model->vocabulary,
                            .split = SPLIT_OUTPUTS,
                            .layers = model->layers,
                            .count = 1,
                            .used = 1,
                            .head = true };
}

static bool has_own_format(const struct matrix *matrix, const struct model *model)
{
    return matrix->count > 1 && model->expert_bytes_per_parameter > 0;
}

double matrix_weight_bytes(const struct matrix *matrix, const struct model *model)
{
    /* fp8, gptq, awq and mxfp4 files leave embedding and head in 16 bits. */
    if (matrix->head && model->head_bytes_per_parameter > 0)
        return model->head_bytes_per_parameter;
    if (matrix->head && model->weight_bytes_per_parameter < 2)
        return 2;
    return has_own_format(matrix, model) ? model->expert_bytes_per_parameter
                                         : model->weight_bytes_per_parameter;
}

enum number_format matrix_format(const struct matrix *matrix, const struct model *model)
{
    bool by_bytes = matrix->head;
    int format = has_own_format(matrix, model) ? model->expert_format : model->weight_format;
    return by_bytes || format == 0 ? number_format_of_bytes(matrix_weight_bytes(matrix, model))
                                   : (enum number_format)(format - 1);
}

/* ---- element-wise operators ---- */

double model_kv_heads_of_rank(const struct model *model, uint32_t ranks)
{
    return model->kv_heads > ranks ? (double)model->kv_heads / ranks : 1;
}

/* Values of a token that the activation writes, of the average feed-forward. */
static double activated_values(const struct model *model, bool routed)
{
    double dense_share =
        model->experts > 0 ? (double)model->dense_layers / model_ffn_layers(model) : 1;
    return dense_share * model->ffn +
           (1 - dense_share) * model->expert_ffn *
               ((routed ? (double)model->experts_per_token : 0) + model->shared_experts);
}

struct streams {
    struct stream *stream;
    uint32_t count;
};

static void add_stream(struct streams *streams, const char *name, enum stream_kind kind,
                       double values, double width, double share)
{
    if (share > 0)
        streams->stream[streams->count++] = (struct stream){
            .name = name, .kind = kind, .values = values, .width = width, .share = share
        };
}

/* The residual is read and written, and what is to be added read; what is normed is there already.
 */
static void add_norm(struct streams *streams, double hidden, double summands, double share)
{
    add_stream(streams, "sum and norm", STREAM_NORM, 2 * hidden, hidden, share);
    if (share > 0)
        streams->stream[streams->count - 1].sum_values = (1 + summands) * hidden;
}

/* Between the products of a layer with a state: convolution, norm and gate. The scan itself is
 * timing.c's. */
static void add_state_stream(struct streams *streams, const struct model *model, uint32_t ranks)
{
    double inner = (double)state_inner(model) / ranks;
    double channels = (double)model_state_channels(model) / ranks;
    add_stream(streams, "convolution and gate", STREAM_ACTIVATION, 2 * channels + 3 * inner, inner,
               (double)model->state_layers / model->layers);
}

/* Norms and sums are whole on every rank. Side by side, attention and FFN share one norm and end in
 * one sum of three. */
uint32_t model_streams(const struct model *model, uint32_t ranks, struct streams_without without,
                       struct stream stream[STREAMS_MAX])
{
    bool latent = model->attention == ATTENTION_LATENT, side_by_side = model->parallel_attention;
    double hidden = model->hidden, heads = (double)model->heads / ranks;
    double kv_heads = model_kv_heads_of_rank(model, ranks);
    double rotated = latent ? (heads + 1) * model->rope_dim : (heads + kv_heads) * model->head_dim;
    double stored =
        latent ? (double)model->latent_dim + model->rope_dim : 2 * kv_heads * model->head_dim;
    double active = activated_values(model, !without.expert_activation) / ranks, layers = model->layers;
    double mixers = model_mixer_layers(model) / layers;
    double attention = model_attention_layers(model) / layers,
           ffn = model_ffn_layers(model) / layers;
    struct streams streams = { .stream = stream };
    add_norm(&streams, hidden, side_by_side ? 2 : 1, mixers);
    add_stream(&streams, "rotary position", STREAM_ROPE, 2 * rotated, rotated, attention);
    add_stream(&streams, "storing KV", STREAM_SUM, 2 * stored, stored, without.storing ? 0 : attention);
    add_state_stream(&streams, model, ranks);
    add_stream(&streams, "activation", STREAM_ACTIVATION, (model->gated_ffn ? 3 : 2) * active,
               active, active > 0 ? ffn : 0);
    if (!side_by_side)
        add_norm(&streams, hidden, 1, ffn);
    return streams.count;
}
