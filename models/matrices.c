/* models/matrices.c - see matrices.h. */
#include "models/matrices.h"

#include <assert.h>

struct list {
    struct matrix *matrix;
    uint32_t count;
};

static struct matrix *add(struct list *list, enum matrix_part part, const char *name,
                          uint64_t inputs, uint64_t outputs, enum split split, uint32_t layers)
{
    assert(list->count < TIMING_MATRICES_MAX);
    list->matrix[list->count] = (struct matrix){ .name = name,
                                                 .inputs = inputs,
                                                 .outputs = outputs,
                                                 .split = split,
                                                 .layers = layers,
                                                 .count = 1,
                                                 .used = 1,
                                                 .part = part };
    return &list->matrix[list->count++];
}

struct attention_heads model_full_attention(const struct model *model)
{
    uint32_t layers = model_attention_layers(model) - model->window_layers;
    uint32_t shared = model->shared_kv_layers - model->shared_kv_window_layers;
    return (struct attention_heads){ .layers = layers,
                                     .kept_layers = layers - shared,
                                     .heads = model->heads,
                                     .kv_heads = model->kv_heads,
                                     .key_dim = model->head_dim,
                                     .value_dim = model->value_dim > 0 ? model->value_dim
                                                                       : model->head_dim };
}

static uint32_t own(uint32_t value, uint32_t others)
{
    return value > 0 ? value : others;
}

struct attention_heads model_window_attention(const struct model *model)
{
    struct attention_heads full = model_full_attention(model);
    uint32_t width = own(model->window_head_dim, full.key_dim);
    return (struct attention_heads){
        .layers = model->window_layers,
        .kept_layers = model->window_layers - model->shared_kv_window_layers,
        .heads = own(model->window_heads, full.heads),
        .kv_heads = own(model->window_kv_heads, full.kv_heads),
        .key_dim = width,
        .value_dim =
            own(model->window_value_dim, model->window_head_dim > 0 ? width : full.value_dim)
    };
}

/* The queries' width, with a gate of the output where the model has one. */
static uint64_t made_queries(const struct model *model, struct attention_heads of)
{
    uint64_t gate = model->gated_attention ? (uint64_t)of.heads * of.value_dim : 0;
    return (uint64_t)of.heads * of.key_dim + gate;
}

/* Layers that keep KV make keys and values with the queries, the others queries alone. A rank needs
 * a KV head for its query heads, even if others hold the same one. */
static void add_heads(struct list *list, const struct model *model, struct attention_heads of,
                      bool keys_only, uint32_t ranks)
{
    uint64_t kv_heads = of.kv_heads > ranks ? of.kv_heads : ranks;
    uint64_t made = made_queries(model, of), inputs = model->hidden;
    uint64_t kept = kv_heads * (keys_only ? of.key_dim : (uint64_t)of.key_dim + of.value_dim);
    if (of.layers == 0)
        return;
    if (model->query_latent_dim > 0) {
        add(list, MATRIX_ATTENTION, "query compression", inputs, model->query_latent_dim, SPLIT_NOT,
            of.layers);
        add(list, MATRIX_ATTENTION, "query", model->query_latent_dim, made, SPLIT_OUTPUTS,
            of.layers);
        made = 0;
    }
    if (of.kept_layers > 0)
        add(list, MATRIX_ATTENTION, made > 0 ? "query, key, value" : "key, value", inputs,
            made + kept, SPLIT_OUTPUTS, of.kept_layers);
    if (of.layers > of.kept_layers && made > 0)
        add(list, MATRIX_ATTENTION, "query", inputs, made, SPLIT_OUTPUTS,
            of.layers - of.kept_layers);
    add(list, MATRIX_ATTENTION, "attention output", (uint64_t)of.heads * of.value_dim,
        model->hidden, SPLIT_INPUTS, of.layers);
}

/* Windowed layers are the same matrices where their heads are. */
static void add_multi_head(struct list *list, const struct model *model, uint32_t ranks)
{
    struct attention_heads full = model_full_attention(model);
    struct attention_heads window = model_window_attention(model);
    bool alike = window.heads == full.heads && window.kv_heads == full.kv_heads &&
                 window.key_dim == full.key_dim && window.value_dim == full.value_dim &&
                 !model->values_are_keys;
    if (alike) {
        full.layers += window.layers;
        full.kept_layers += window.kept_layers;
    }
    add_heads(list, model, full, model->values_are_keys, ranks);
    if (!alike)
        add_heads(list, model, window, false, ranks);
}

/* The indexer (DeepSeek-V3.2-Exp, inference/model.py, Indexer): its queries from the compressed
 * one, one key a token, a weight for each head. Whole on every rank. */
static void add_indexer(struct list *list, const struct model *model)
{
    uint64_t query = own(model->query_latent_dim, model->hidden);
    if (model->index_layers == 0)
        return;
    add(list, MATRIX_ATTENTION, "indexer, query", query,
        (uint64_t)model->index_heads * model->index_dim, SPLIT_NOT, model->index_layers);
    add(list, MATRIX_ATTENTION, "indexer, key and weights", model->hidden,
        (uint64_t)model->index_dim + model->index_heads, SPLIT_NOT, model->index_layers);
}

/* The compressions are whole on every rank, since every head reads all of the latent vector. */
static void add_latent(struct list *list, const struct model *model)
{
    struct attention_heads of = model_full_attention(model);
    uint64_t heads = of.heads, query_dim = (uint64_t)of.key_dim + model->rope_dim;
    uint64_t query_inputs = model->hidden;
    uint32_t layers = model_attention_layers(model);
    if (model->query_latent_dim > 0) {
        add(list, MATRIX_ATTENTION, "query compression", model->hidden, model->query_latent_dim,
            SPLIT_NOT, layers);
        query_inputs = model->query_latent_dim;
    }
    add(list, MATRIX_ATTENTION, "query", query_inputs, heads * query_dim, SPLIT_OUTPUTS, layers);
    add(list, MATRIX_ATTENTION, "KV compression", model->hidden,
        (uint64_t)model->latent_dim + model->rope_dim, SPLIT_NOT, layers);
    add(list, MATRIX_ATTENTION, "KV decompression", model->latent_dim,
        heads * ((uint64_t)of.key_dim + of.value_dim), SPLIT_OUTPUTS, layers);
    add(list, MATRIX_ATTENTION, "attention output", heads * of.value_dim, model->hidden,
        SPLIT_INPUTS, layers);
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
    add(list, MATRIX_STATE, "state, in", model->hidden,
        2 * inner + keys + per_head * model->state_heads, SPLIT_OUTPUTS, (uint32_t)layers);
    if (model->state == STATE_MAMBA) {
        add(list, MATRIX_STATE, "state, time step and B and C", inner,
            model->state_rank + 2 * (uint64_t)model->state_dim, SPLIT_INPUTS, (uint32_t)layers);
        add(list, MATRIX_STATE, "state, time step", model->state_rank, inner, SPLIT_OUTPUTS,
            (uint32_t)layers);
    }
    add(list, MATRIX_STATE, "state, out", inner, model->hidden, SPLIT_INPUTS, (uint32_t)layers);
}

/* Of so many layers, from `inputs` to `width` and back. */
static struct matrix *add_feed_forward(struct list *list, enum matrix_part part, const char *up,
                                       const char *down, uint64_t inputs, uint64_t width,
                                       bool gated, uint32_t layers)
{
    add(list, part, up, inputs, (gated ? 2 : 1) * width, SPLIT_OUTPUTS, layers);
    struct matrix *last = add(list, part, down, width, inputs, SPLIT_INPUTS, layers);
    last->down = true;
    return last;
}

/* Latent ones read and write less than the stream: what leads there is whole on every rank
 * (vllm nemotron_h.py: fc1_latent_proj, ReplicatedLinear). */
static void add_experts(struct list *list, const struct model *model, uint32_t layers)
{
    uint64_t width = model_expert_hidden(model);
    bool gated = model->gated_ffn;
    add(list, MATRIX_ROUTER, "router", model->hidden, model->experts, SPLIT_NOT, layers);
    if (model->shared_experts > 0)
        add_feed_forward(list, MATRIX_SHARED, "shared experts, up", "shared experts, down",
                         model->hidden, model_shared_width(model), gated, layers);
    if (width != model->hidden) {
        add(list, MATRIX_OTHER, "to the experts' width", model->hidden, width, SPLIT_NOT, layers);
        add(list, MATRIX_OTHER, "from the experts' width", width, model->hidden, SPLIT_NOT, layers);
    }
    struct matrix *down = add_feed_forward(list, MATRIX_EXPERTS, "experts, up", "experts, down",
                                           width, model->expert_ffn, gated, layers);
    for (struct matrix *matrix = down - 1; matrix <= down; matrix++) {
        matrix->count = model->experts;
        matrix->used = model->experts_per_token;
    }
}

/* A layer's own embedding is gated by the stream and led back into it; one product makes all
 * layers' part of the stream (transformers, modeling_gemma3n.py). */
static void add_layer_embedding(struct list *list, const struct model *model)
{
    uint64_t width = model->layer_embedding_dim;
    add(list, MATRIX_OTHER, "layer embedding, gate", model->hidden, width, SPLIT_NOT,
        model->layers);
    add(list, MATRIX_OTHER, "layer embedding, out", width, model->hidden, SPLIT_NOT, model->layers);
    add(list, MATRIX_OTHER, "layer embedding, of the stream", model->hidden, width, SPLIT_NOT,
        model->layers);
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
    add_indexer(&list, model);
    if (model->state_layers > 0)
        add_state(&list, model);
    if (dense_layers > 0)
        add_feed_forward(&list, MATRIX_FFN, "up", "down", model->hidden, model->ffn,
                         model->gated_ffn, dense_layers);
    if (model->experts > 0)
        add_experts(&list, model, ffn_layers - dense_layers);
    if (model->layer_embedding_dim > 0)
        add_layer_embedding(&list, model);
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
                            .part = MATRIX_HEAD };
}

/* A part's bytes a parameter, 0 for those of the model, and its format. */
static double own_bytes(const struct matrix *matrix, const struct model *model, int *format)
{
    *format = model->weight_format;
    const struct {
        double bytes;
        int format;
    } parts[] = {
        [MATRIX_OTHER] = { 0, 0 },
        [MATRIX_ATTENTION] = { model->attention_bytes_per_parameter, model->attention_format },
        [MATRIX_STATE] = { model->state_weight_bytes_per_parameter, model->state_format },
        [MATRIX_FFN] = { model->ffn_bytes_per_parameter, model->ffn_format },
        [MATRIX_SHARED] = { model->shared_bytes_per_parameter, model->shared_format },
        [MATRIX_EXPERTS] = { model->expert_bytes_per_parameter, model->expert_format },
        [MATRIX_ROUTER] = { model->weight_bytes_per_parameter < 2 ? 2 : 0, 0 },
        /* fp8, gptq, awq and mxfp4 files leave embedding and head in 16 bits. */
        [MATRIX_HEAD] = { model->head_bytes_per_parameter > 0     ? model->head_bytes_per_parameter
                          : model->weight_bytes_per_parameter < 2 ? 2
                                                                  : 0,
                          0 },
    };
    double bytes = parts[matrix->part].bytes;
    if (bytes > 0)
        *format = parts[matrix->part].format;
    return bytes;
}

double matrix_weight_bytes(const struct matrix *matrix, const struct model *model)
{
    int format;
    double bytes = own_bytes(matrix, model, &format);
    return bytes > 0 ? bytes : model->weight_bytes_per_parameter;
}

enum number_format matrix_format(const struct matrix *matrix, const struct model *model)
{
    int format;
    own_bytes(matrix, model, &format);
    return matrix->part == MATRIX_HEAD || format == 0
               ? number_format_of_bytes(matrix_weight_bytes(matrix, model))
               : (enum number_format)(format - 1);
}

/* ---- element-wise operators ---- */

double heads_of_rank(uint32_t heads, uint32_t ranks)
{
    return heads > ranks ? (double)heads / ranks : 1;
}

uint64_t model_shared_width(const struct model *model)
{
    return (uint64_t)model->shared_experts * own(model->shared_expert_ffn, model->expert_ffn);
}

/* Values of a token that the activation writes, of the average feed-forward. */
static double activated_values(const struct model *model, bool routed)
{
    double dense_share =
        model->experts > 0 ? (double)model->dense_layers / model_ffn_layers(model) : 1;
    return dense_share * model->ffn +
           (1 - dense_share) * model->expert_ffn * (routed ? (double)model->experts_per_token : 0) +
           (1 - dense_share) * (double)model_shared_width(model);
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

/* Values of a token that an attention layer rotates, and that it stores: of the average one. */
struct stored {
    double rotated, stored;
};

static struct stored stored_by(const struct model *model, uint32_t ranks)
{
    struct attention_heads kinds[] = { model_full_attention(model), model_window_attention(model) };
    struct stored sum = { 0, 0 };
    if (model->attention == ATTENTION_LATENT)
        return (struct stored){ ((double)model->heads / ranks + 1) * model->rope_dim,
                                (double)model->latent_dim + model->rope_dim };
    for (int i = 0; i < 2; i++) {
        double share = (double)kinds[i].layers / model_attention_layers(model);
        double kept = (double)kinds[i].kept_layers / model_attention_layers(model);
        double heads = (double)kinds[i].heads / ranks;
        double kv_heads = heads_of_rank(kinds[i].kv_heads, ranks);
        sum.rotated += (share * heads + kept * kv_heads) * kinds[i].key_dim;
        sum.stored += kept * kv_heads * ((double)kinds[i].key_dim + kinds[i].value_dim);
    }
    return sum;
}

/* Norms and sums are whole on every rank. Side by side, attention and FFN share one norm and end in
 * one sum of three. */
uint32_t model_streams(const struct model *model, uint32_t ranks, struct streams_without without,
                       struct stream stream[STREAMS_MAX])
{
    bool side_by_side = model->parallel_attention;
    double hidden = model->hidden;
    struct stored kept = stored_by(model, ranks);
    double active = activated_values(model, !without.expert_activation) / ranks,
           layers = model->layers;
    double mixers = model_mixer_layers(model) / layers;
    double attention = model_attention_layers(model) / layers,
           ffn = model_ffn_layers(model) / layers;
    struct streams streams = { .stream = stream };
    add_norm(&streams, hidden, side_by_side ? 2 : 1, mixers);
    add_stream(&streams, "rotary position", STREAM_ROPE, 2 * kept.rotated, kept.rotated, attention);
    add_stream(&streams, "storing KV", STREAM_SUM, 2 * kept.stored, kept.stored,
               without.storing ? 0 : attention);
    add_state_stream(&streams, model, ranks);
    add_stream(&streams, "activation", STREAM_ACTIVATION, (model->gated_ffn ? 3 : 2) * active,
               active, active > 0 ? ffn : 0);
    if (!side_by_side)
        add_norm(&streams, hidden, 1, ffn);
    return streams.count;
}
