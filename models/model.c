/* models/model.c - the YAML of a large language model: its keys, and what makes one consistent.
 * What follows from the numbers (parameters, bytes) is size.c. */
#include "models/folder.h"
#include "models/models.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

const char *const model_weight_format_choices[] = { "by-bytes",
                                                    NUMBER_FORMAT_LIST(CHOICE_WORD) NULL };

#define AT(member) offsetof(struct model, member)
#define COUNT_ROW(key_, most, help_)                                                               \
    {                                                                                              \
        .key = #key_, .kind = CONFIG_U32, .offset = AT(key_), .min = 0, .max = (most),             \
        .standard = "0", .help = (help_)                                                           \
    }

#define BYTES_ROW(key_, help_)                                                                     \
    {                                                                                              \
        .key = #key_, .kind = CONFIG_DOUBLE, .offset = AT(key_), .min = 0, .max = 8,               \
        .standard = "0", .help = (help_)                                                           \
    }
#define FORMAT_ROW(key_, help_)                                                                    \
    {                                                                                              \
        .key = #key_, .kind = CONFIG_CHOICE, .offset = AT(key_),                                   \
        .choices = model_weight_format_choices, .standard = "by-bytes", .help = (help_)            \
    }

static const char *const attention_choices[] = {
    [ATTENTION_MULTI_HEAD] = "multi-head", [ATTENTION_LATENT] = "latent", NULL
};

static const char *const window_choices[] = {
    [WINDOW_SLIDING] = "sliding", [WINDOW_CHUNKED] = "chunked", NULL
};
static const char *const state_choices[] = { [STATE_MAMBA] = "mamba",
                                             [STATE_MAMBA2] = "mamba2",
                                             [STATE_DELTA] = "delta",
                                             [STATE_LINEAR] = "linear",
                                             NULL };

/* The ranges are those of models that could exist; with them no sum in size.c leaves 64 bits. */
const struct config_row model_rows[] = {
    { .key = "name",
      .kind = CONFIG_TEXT,
      .offset = AT(name),
      .help = "as in models/llm/NAME.yaml" },
    { .key = "source",
      .kind = CONFIG_TEXT,
      .offset = AT(source),
      .help = "where the numbers come from" },
    { .key = "notes",
      .kind = CONFIG_TEXT,
      .offset = AT(notes),
      .standard = "",
      .help = "what an import took for granted" },
    { .key = "layers",
      .kind = CONFIG_U32,
      .offset = AT(layers),
      .min = 1,
      .max = MODEL_LAYERS_MAX,
      .help = "decoder layers" },
    { .key = "hidden",
      .kind = CONFIG_U32,
      .offset = AT(hidden),
      .min = 1,
      .max = 131072,
      .help = "width of the residual stream" },
    { .key = "attention",
      .kind = CONFIG_CHOICE,
      .offset = AT(attention),
      .choices = attention_choices,
      .standard = "multi-head",
      .help = "multi-head: MHA, GQA or MQA by kv_heads; latent: MLA (DeepSeek)" },
    { .key = "heads",
      .kind = CONFIG_U32,
      .offset = AT(heads),
      .min = 1,
      .max = 1024,
      .help = "query heads" },
    { .key = "kv_heads",
      .kind = CONFIG_U32,
      .offset = AT(kv_heads),
      .min = 1,
      .max = 1024,
      .help = "key and value heads; fewer than heads: GQA" },
    { .key = "head_dim",
      .kind = CONFIG_U32,
      .offset = AT(head_dim),
      .min = 1,
      .max = 4096,
      .help = "width of a head; MLA: of its part without position" },
    COUNT_ROW(value_dim, 4096, "width of a value's head; 0: head_dim"),
    { .key = "values_are_keys",
      .kind = CONFIG_BOOL,
      .offset = AT(values_are_keys),
      .standard = "false",
      .help = "layers that see everything make keys and values by one projection (Gemma 4)" },
    { .key = "ffn",
      .kind = CONFIG_U32,
      .offset = AT(ffn),
      .min = 0,
      .max = 1048576,
      .standard = "0",
      .help = "inner width of the dense feed-forward; 0: every layer has experts" },
    { .key = "gated_ffn",
      .kind = CONFIG_BOOL,
      .offset = AT(gated_ffn),
      .standard = "true",
      .help = "three matrices (SwiGLU), not two" },
    { .key = "parallel_attention",
      .kind = CONFIG_BOOL,
      .offset = AT(parallel_attention),
      .standard = "false",
      .help = "attention and feed-forward side by side (Falcon)" },
    { .key = "tied_embeddings",
      .kind = CONFIG_BOOL,
      .offset = AT(tied_embeddings),
      .standard = "false",
      .help = "the output head is the embedding's matrix" },
    { .key = "vocabulary",
      .kind = CONFIG_U32,
      .offset = AT(vocabulary),
      .min = 1,
      .max = 16777216,
      .help = "tokens known" },
    { .key = "context_window_tokens",
      .kind = CONFIG_U32,
      .offset = AT(context_window_tokens),
      .min = 1,
      .max = 16777216,
      .help = "longest context" },
    { .key = "latent_dim",
      .kind = CONFIG_U32,
      .offset = AT(latent_dim),
      .min = 0,
      .max = 65536,
      .standard = "0",
      .help = "MLA: width of the compressed KV" },
    { .key = "rope_dim",
      .kind = CONFIG_U32,
      .offset = AT(rope_dim),
      .min = 0,
      .max = 4096,
      .standard = "0",
      .help = "MLA: width of the decoupled RoPE key" },
    { .key = "query_latent_dim",
      .kind = CONFIG_U32,
      .offset = AT(query_latent_dim),
      .min = 0,
      .max = 65536,
      .standard = "0",
      .help = "width of the compressed query (MLA, Step-3); 0: not compressed" },
    { .key = "experts",
      .kind = CONFIG_U32,
      .offset = AT(experts),
      .min = 0,
      .max = 4096,
      .standard = "0",
      .help = "routed experts a layer; 0: dense" },
    { .key = "experts_per_token",
      .kind = CONFIG_U32,
      .offset = AT(experts_per_token),
      .min = 0,
      .max = 4096,
      .standard = "0",
      .help = "routed experts a token passes through" },
    { .key = "shared_experts",
      .kind = CONFIG_U32,
      .offset = AT(shared_experts),
      .min = 0,
      .max = 4096,
      .standard = "0",
      .help = "experts every token passes through" },
    { .key = "expert_ffn",
      .kind = CONFIG_U32,
      .offset = AT(expert_ffn),
      .min = 0,
      .max = 1048576,
      .standard = "0",
      .help = "inner width of an expert" },
    COUNT_ROW(expert_hidden, 131072,
              "width that routed experts read and write (latent MoE); 0: hidden"),
    COUNT_ROW(shared_expert_ffn, 1048576, "inner width of a shared expert; 0: expert_ffn"),
    { .key = "dense_layers",
      .kind = CONFIG_U32,
      .offset = AT(dense_layers),
      .min = 0,
      .max = MODEL_LAYERS_MAX,
      .standard = "0",
      .help = "layers whose feed-forward has no experts" },
    COUNT_ROW(window_layers, MODEL_LAYERS_MAX, "attention layers that see a window only"),
    COUNT_ROW(window_tokens, 16777216, "what those see: so many tokens, the last one included"),
    { .key = "window",
      .kind = CONFIG_CHOICE,
      .offset = AT(window),
      .choices = window_choices,
      .standard = "sliding",
      .help = "sliding: the last window_tokens; chunked: those of one's own chunk (Llama 4)" },
    COUNT_ROW(window_heads, 1024, "query heads of windowed layers; 0: heads"),
    COUNT_ROW(window_kv_heads, 1024, "KV heads of windowed layers; 0: kv_heads"),
    COUNT_ROW(window_head_dim, 4096, "width of a head of windowed layers; 0: head_dim"),
    COUNT_ROW(window_value_dim, 4096, "width of their values; 0: as value_dim is of head_dim"),
    COUNT_ROW(shared_kv_layers, MODEL_LAYERS_MAX,
              "attention layers that read an earlier layer's KV and keep none"),
    COUNT_ROW(shared_kv_window_layers, MODEL_LAYERS_MAX, "those of them that see a window"),
    COUNT_ROW(index_layers, MODEL_LAYERS_MAX,
              "attention layers with an indexer, which keeps a key of its own for each token "
              "(DeepSeek-V3.2)"),
    COUNT_ROW(index_heads, 1024, "heads of the indexer"),
    COUNT_ROW(index_dim, 4096, "width of its keys: 1 byte a value, and 4 for each 128"),
    COUNT_ROW(index_tokens, 16777216, "tokens that it chooses, which attention then reads"),
    COUNT_ROW(state_layers, MODEL_LAYERS_MAX, "layers that keep a state of fixed size and no KV"),
    { .key = "state_beside_attention",
      .kind = CONFIG_BOOL,
      .offset = AT(state_beside_attention),
      .standard = "false",
      .help = "layers that keep a state attend too (Falcon-H1)" },
    { .key = "state",
      .kind = CONFIG_CHOICE,
      .offset = AT(state),
      .choices = state_choices,
      .standard = "mamba",
      .help = "mamba: Mamba-1; mamba2; delta: gated delta rule (Qwen3-Next); linear: lightning "
              "attention (MiniMax)" },
    COUNT_ROW(state_heads, 65536, "heads of the state's values; mamba: its inner width"),
    COUNT_ROW(state_head_dim, 65536, "width of such a head; mamba: 1"),
    COUNT_ROW(state_dim, 65536, "width of the state that each value channel has; of a key"),
    COUNT_ROW(state_groups, 65536, "heads of B and C, or of keys; mamba: 0"),
    COUNT_ROW(state_rank, 65536, "mamba: width of the compressed time step"),
    COUNT_ROW(state_conv, 64, "width of the convolution before the state; 0: none"),
    COUNT_ROW(
        ffn_only_layers, MODEL_LAYERS_MAX,
        "layers that are a feed-forward alone (Nemotron-H): the others then have none, unless "
        "ffn_layers says so"),
    COUNT_ROW(ffn_layers, MODEL_LAYERS_MAX,
              "layers with a feed-forward; 0: ffn_only_layers, or all"),
    { .key = "gated_attention",
      .kind = CONFIG_BOOL,
      .offset = AT(gated_attention),
      .standard = "false",
      .help = "the query's projection makes a gate of attention's output too (Qwen3-Next)" },
    COUNT_ROW(learned_positions, 16777216, "rows of a learned position embedding; 0: none"),
    COUNT_ROW(layer_embedding_dim, 4096,
              "values of a token's embedding for each layer by itself (Gemma 3n); 0: none"),
    { .key = "weight_bytes_per_parameter",
      .kind = CONFIG_DOUBLE,
      .offset = AT(weight_bytes_per_parameter),
      .min = 0.125,
      .max = 8,
      .standard = "2",
      .help = "2: bf16 and fp16; 1: fp8" },
    { .key = "expert_bytes_per_parameter",
      .kind = CONFIG_DOUBLE,
      .offset = AT(expert_bytes_per_parameter),
      .min = 0,
      .max = 8,
      .standard = "0",
      .help = "of the routed experts; 0: weight_bytes_per_parameter; 0.53125: mxfp4" },
    { .key = "head_bytes_per_parameter",
      .kind = CONFIG_DOUBLE,
      .offset = AT(head_bytes_per_parameter),
      .min = 0,
      .max = 8,
      .standard = "0",
      .help = "of embedding and output head; 0: weight_bytes_per_parameter, but 2 at least" },
    BYTES_ROW(attention_bytes_per_parameter,
              "of attention's products; 0: weight_bytes_per_parameter"),
    BYTES_ROW(state_weight_bytes_per_parameter, "of products around a state; 0: the same"),
    BYTES_ROW(ffn_bytes_per_parameter, "of dense feed-forwards; 0: the same"),
    BYTES_ROW(shared_bytes_per_parameter, "of shared experts; 0: the same"),
    { .key = "weight_format",
      .kind = CONFIG_CHOICE,
      .offset = AT(weight_format),
      .choices = model_weight_format_choices,
      .standard = "by-bytes",
      .help = "what products are computed from; by-bytes: as weight_bytes_per_parameter says" },
    { .key = "expert_format",
      .kind = CONFIG_CHOICE,
      .offset = AT(expert_format),
      .choices = model_weight_format_choices,
      .standard = "by-bytes",
      .help = "of routed experts that have expert_bytes_per_parameter" },
    FORMAT_ROW(attention_format, "of attention's products that have bytes of their own"),
    FORMAT_ROW(state_format, "of products around a state that have bytes of their own"),
    FORMAT_ROW(ffn_format, "of dense feed-forwards that have bytes of their own"),
    FORMAT_ROW(shared_format, "of shared experts that have bytes of their own"),
    { .key = "kv_bytes_per_value",
      .kind = CONFIG_DOUBLE,
      .offset = AT(kv_bytes_per_value),
      .min = 0.125,
      .max = 8,
      .standard = "2",
      .help = "2: bf16 and fp16; 1: fp8" },
    { .key = "state_bytes_per_value",
      .kind = CONFIG_DOUBLE,
      .offset = AT(state_bytes_per_value),
      .min = 0.125,
      .max = 8,
      .standard = "2",
      .help = "of a state; 4: fp32" },
    { .key = NULL },
};

static enum status refuse(const char *path, const char *key, const char *expected, uint64_t found,
                          struct error *err)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, found);
    return error_input(err, path, 0, key, expected, text);
}

static enum status check_attention(const struct model *model, const char *path, struct error *err)
{
    if (model->heads % model->kv_heads != 0)
        return refuse(path, "kv_heads", "a divisor of heads", model->kv_heads, err);
    bool latent = model->attention == ATTENTION_LATENT;
    if (latent && model->latent_dim == 0)
        return refuse(path, "latent_dim", "a width above 0, since attention is latent", 0, err);
    if (latent && model->rope_dim == 0)
        return refuse(path, "rope_dim", "a width above 0, since attention is latent", 0, err);
    const char *unused = "0, since attention is multi-head";
    if (!latent && model->latent_dim != 0)
        return refuse(path, "latent_dim", unused, model->latent_dim, err);
    if (!latent && model->rope_dim != 0)
        return refuse(path, "rope_dim", unused, model->rope_dim, err);
    return STATUS_OK;
}

static enum status check_window_heads(const struct model *model, const char *path,
                                      struct error *err)
{
    struct attention_heads window = model_window_attention(model);
    const struct {
        const char *key;
        uint32_t value;
    } own[] = { { "window_heads", model->window_heads },
                { "window_kv_heads", model->window_kv_heads },
                { "window_head_dim", model->window_head_dim },
                { "window_value_dim", model->window_value_dim } };
    bool none = model->window_layers == 0 || model->attention == ATTENTION_LATENT;
    for (size_t i = 0; i < sizeof own / sizeof *own && none; i++)
        if (own[i].value != 0)
            return refuse(path, own[i].key, "0, since no layer has heads and a window",
                          own[i].value, err);
    if (window.heads % window.kv_heads != 0)
        return refuse(path, "window_kv_heads", "a divisor of the windowed layers' heads",
                      window.kv_heads, err);
    return STATUS_OK;
}

/* Layers that read another's KV need one that keeps it. */
static enum status check_shared_kv(const struct model *model, const char *path, struct error *err)
{
    uint32_t full = model_attention_layers(model) - model->window_layers;
    uint32_t windowed = model->shared_kv_window_layers;
    if (windowed > model->shared_kv_layers || (windowed > 0 && windowed >= model->window_layers))
        return refuse(path, "shared_kv_window_layers",
                      "fewer than window_layers, and at most shared_kv_layers", windowed, err);
    uint32_t others = model->shared_kv_layers - windowed;
    if (others > 0 && others >= full)
        return refuse(path, "shared_kv_layers", "fewer than the layers that keep KV",
                      model->shared_kv_layers, err);
    return STATUS_OK;
}

static enum status check_indexer(const struct model *model, const char *path, struct error *err)
{
    const struct {
        const char *key;
        uint32_t value;
    } parts[] = { { "index_heads", model->index_heads },
                  { "index_dim", model->index_dim },
                  { "index_tokens", model->index_tokens } };
    if (model->index_layers > model_attention_layers(model))
        return refuse(path, "index_layers", "at most the attention layers", model->index_layers,
                      err);
    if (model->index_layers > 0 && model->window_layers > 0)
        return refuse(path, "index_layers", "0, since layers have a window", model->index_layers,
                      err);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (model->index_layers > 0 && parts[i].value == 0)
            return refuse(path, parts[i].key, "above 0, since layers have an indexer", 0, err);
        if (model->index_layers == 0 && parts[i].value != 0)
            return refuse(path, parts[i].key, "0, since no layer has an indexer", parts[i].value,
                          err);
    }
    return STATUS_OK;
}

static enum status check_windows(const struct model *model, const char *path, struct error *err)
{
    if (model->window_layers > model_attention_layers(model))
        return refuse(path, "window_layers", "at most the attention layers", model->window_layers,
                      err);
    if (model->window_layers > 0 && model->window_tokens == 0)
        return refuse(path, "window_tokens", "tokens above 0, since layers have a window", 0, err);
    if (model->window_layers == 0 && model->window_tokens != 0)
        return refuse(path, "window_tokens", "0, since no layer has a window", model->window_tokens,
                      err);
    return STATUS_OK;
}

/* A shape's row and whether it is wanted. */
struct state_row {
    const char *key;
    uint32_t value;
    bool wanted, allowed;
};

static enum status check_state(const struct model *model, const char *path, struct error *err)
{
    bool any = model->state_layers > 0, mamba = model->state == STATE_MAMBA;
    const struct state_row rows[] = {
        { "state_heads", model->state_heads, any, any },
        { "state_head_dim", model->state_head_dim, any, any },
        { "state_dim", model->state_dim, any, any },
        { "state_groups", model->state_groups, any && !mamba, any && !mamba },
        { "state_rank", model->state_rank, any && mamba, any && mamba },
        { "state_conv", model->state_conv, false, any },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].wanted && rows[i].value == 0)
            return refuse(path, rows[i].key, "above 0, since layers keep a state", 0, err);
        if (!rows[i].allowed && rows[i].value != 0)
            return refuse(path, rows[i].key, "0, since no layer keeps a state that has it",
                          rows[i].value, err);
    }
    return STATUS_OK;
}

/* Without attention there is no KV, and nothing for a cache of KV to keep. */
static enum status check_layers(const struct model *model, const char *path, struct error *err)
{
    if (model->ffn_only_layers >= model->layers)
        return refuse(path, "ffn_only_layers", "fewer than layers", model->ffn_only_layers, err);
    uint32_t mixers = model_mixer_layers(model), states = model->state_layers;
    if (states > mixers || (states == mixers && !model->state_beside_attention))
        return refuse(path, "state_layers", "fewer than the layers that are not ffn_only_layers",
                      model->state_layers, err);
    if (model->ffn_layers > model->layers)
        return refuse(path, "ffn_layers", "at most layers", model->ffn_layers, err);
    enum status status = check_windows(model, path, err);
    if (status == STATUS_OK)
        status = check_window_heads(model, path, err);
    if (status == STATUS_OK)
        status = check_shared_kv(model, path, err);
    if (status == STATUS_OK)
        status = check_indexer(model, path, err);
    return status == STATUS_OK ? check_state(model, path, err) : status;
}

static enum status check_dense(const struct model *model, const char *path, struct error *err)
{
    const char *unused = "0, since there are no experts";
    if (model->ffn == 0)
        return refuse(path, "ffn", "a width above 0, since there are no experts", 0, err);
    if (model->experts_per_token != 0)
        return refuse(path, "experts_per_token", unused, model->experts_per_token, err);
    if (model->shared_experts != 0)
        return refuse(path, "shared_experts", unused, model->shared_experts, err);
    if (model->expert_ffn != 0)
        return refuse(path, "expert_ffn", unused, model->expert_ffn, err);
    if (model->expert_hidden != 0)
        return refuse(path, "expert_hidden", unused, model->expert_hidden, err);
    if (model->shared_expert_ffn != 0)
        return refuse(path, "shared_expert_ffn", unused, model->shared_expert_ffn, err);
    if (model->dense_layers != 0)
        return refuse(path, "dense_layers", unused, model->dense_layers, err);
    if (model->expert_bytes_per_parameter > 0)
        return refuse(path, "expert_bytes_per_parameter", unused, 1, err);
    if (model->expert_format != 0)
        return refuse(path, "expert_format", "by-bytes, since there are no experts", 1, err);
    return STATUS_OK;
}

static enum status check_experts(const struct model *model, const char *path, struct error *err)
{
    if (model->experts_per_token == 0 || model->experts_per_token > model->experts)
        return refuse(path, "experts_per_token", "1 to experts", model->experts_per_token, err);
    if (model->expert_ffn == 0)
        return refuse(path, "expert_ffn", "a width above 0, since there are experts", 0, err);
    if (model->dense_layers >= model_ffn_layers(model))
        return refuse(path, "dense_layers", "fewer than layers", model->dense_layers, err);
    if (model->dense_layers > 0 && model->ffn == 0)
        return refuse(path, "ffn", "a width above 0, since there are dense layers", 0, err);
    if (model->dense_layers == 0 && model->ffn != 0)
        return refuse(path, "ffn", "0, since no layer is dense", model->ffn, err);
    return STATUS_OK;
}

enum status model_check(const struct model *model, const char *path, struct error *err)
{
    enum status status = check_attention(model, path, err);
    if (status == STATUS_OK)
        status = check_layers(model, path, err);
    if (status != STATUS_OK)
        return status;
    return model->experts == 0 ? check_dense(model, path, err) : check_experts(model, path, err);
}

enum status model_load(const char *name_or_path, struct model *model, struct error *err)
{
    char path[MODELS_PATH_BYTES];
    if (model_is_config(name_or_path))
        return model_import(name_or_path, NULL, model, NULL, err);
    memset(model, 0, sizeof *model);
    enum status status = models_path("llm", "model", name_or_path, path, err);
    if (status == STATUS_OK)
        status = models_read(path, model_rows, model, err);
    return status == STATUS_OK ? model_check(model, path, err) : status;
}
