/* models/hf_quant_parts.c - each part's bytes a parameter: the mean over its products and layers,
 * weighted by their parameters, each by the rule that a checkpoint's name for it falls under.
 *
 * Names: the modules of huggingface/transformers' modeling_*.py and of models' own files (DeepSeek,
 * MiniMax, Nemotron-H, Qwen3-Next). One product has several, by family; a rule for one of them is
 * of it. Layers with a window or with none of their own KV are weighted as the rest. */
#include "models/hf_quant.h"

#include "models/matrices.h"

#include <math.h>
#include <string.h>

/* How much of a matrix of matrices.h a module is. */
enum share {
    SHARE_ALL,
    SHARE_QUERY, /* of queries, keys and values in one */
    SHARE_KEY,
    SHARE_VALUE,
    SHARE_GATE, /* of a feed-forward's two, where it has a gate */
    SHARE_UP,
    SHARE_CHANNELS, /* of a state's: all but what makes a number a head */
    SHARE_HEADS,
    SHARE_INDEX_KEY, /* an indexer's key, and its heads' weights */
    SHARE_INDEX_WEIGHTS
};

/* family: of model_type's beginning, NULL: of all that no row before names. Names are a parent and
 * a leaf, each out of a list; "#" in a parent is an expert's number, "-" no parent. */
struct module {
    const char *matrix, *family;
    enum share share;
    bool wide; /* whatever the rules say: engines make it without them */
    const char *parents, *leaves;
};

#define ATTENTION "self_attn|attention|attn|self_attention|mixer|temporal_block"
#define FUSED "qkv_proj|Wqkv|query_key_value|c_attn|W_pack|qkv"
#define MLP "mlp|feed_forward|ffn|mixer|-|block_sparse_moe"
#define SHARED                                                                                     \
    "mlp.shared_experts|mlp.shared_expert|mlp.shared_mlp|block_sparse_moe.shared_experts|"         \
    "feed_forward.shared_expert|mixer.shared_experts|ffn.shared_experts|shared_mlp|"               \
    "shared_experts|moe.shared_experts|share_expert|block_sparse_moe.shared_mlp"
#define EXPERTS                                                                                    \
    "mlp.experts.#|block_sparse_moe.experts.#|feed_forward.experts.#|mixer.experts.#|"             \
    "ffn.experts.#|moe.experts.#|mlp.experts|feed_forward.experts|block_sparse_moe|moe"
#define STATE "linear_attn|mamba|mixer|self_attn|ssm|linear_attention"

static const struct module modules[] = {
    { "query compression", NULL, SHARE_ALL, false, ATTENTION,
      "q_a_proj|wq_a|q_down_proj|fused_qkv_a_proj_with_mqa" },
    { "query", NULL, SHARE_ALL, false, ATTENTION, "q_b_proj|q_proj|wq_b|q_up_proj|wq" },
    { "KV compression", NULL, SHARE_ALL, false, ATTENTION,
      "kv_a_proj_with_mqa|wkv_a|wkv|kv_a_proj|fused_qkv_a_proj_with_mqa" },
    { "KV decompression", NULL, SHARE_ALL, false, ATTENTION, "kv_b_proj|wkv_b" },
    { "indexer, query", NULL, SHARE_ALL, false, "self_attn.indexer|attn.indexer|self_attn",
      "wq_b|index_q_proj" },
    { "indexer, key and weights", NULL, SHARE_INDEX_KEY, false,
      "self_attn.indexer|attn.indexer|self_attn", "wk|index_k_proj" },
    /* vllm deepseek_v2.py, Indexer: weights_proj without quant_config; its files too */
    { "indexer, key and weights", NULL, SHARE_INDEX_WEIGHTS, true, "self_attn.indexer",
      "weights_proj" },
    { "query, key, value", NULL, SHARE_QUERY, false, ATTENTION, "q_proj|wq|" FUSED },
    { "query, key, value", NULL, SHARE_KEY, false, ATTENTION, "k_proj|wk|" FUSED },
    { "query, key, value", NULL, SHARE_VALUE, false, ATTENTION, "v_proj|wv|" FUSED },
    { "key, value", NULL, SHARE_KEY, false, ATTENTION, "k_proj|wk|" FUSED },
    { "key, value", NULL, SHARE_VALUE, false, ATTENTION, "v_proj|wv|" FUSED },
    { "attention output", NULL, SHARE_ALL, false, ATTENTION,
      "o_proj|out_proj|dense|c_proj|wo|wo_b" },
    { "state, in", NULL, SHARE_CHANNELS, false, STATE,
      "in_proj|in_proj_qkvz|in_proj_qkv|in_proj_z|qkv_proj" },
    { "state, in", NULL, SHARE_HEADS, false, STATE, "in_proj|in_proj_ba|in_proj_b|in_proj_a" },
    { "state, time step and B and C", NULL, SHARE_ALL, false, STATE, "x_proj" },
    { "state, time step", NULL, SHARE_ALL, false, STATE, "dt_proj" },
    { "state, out", NULL, SHARE_ALL, false, STATE, "out_proj" },
    { "up", NULL, SHARE_GATE, false, MLP, "gate_proj|gate_up_proj|w1" },
    { "up", NULL, SHARE_UP, false, MLP,
      "up_proj|gate_up_proj|w3|fc1|c_fc|dense_h_to_4h|fc_in|up_gate_proj" },
    { "down", NULL, SHARE_ALL, false, MLP, "down_proj|w2|fc2|c_proj|dense_4h_to_h|fc_out" },
    /* Gemma 4: a dense feed-forward beside the experts, which are not within it. */
    { "shared experts, up", "gemma4", SHARE_GATE, false, "mlp", "gate_proj|gate_up_proj" },
    { "shared experts, up", "gemma4", SHARE_UP, false, "mlp", "up_proj|gate_up_proj" },
    { "shared experts, down", "gemma4", SHARE_ALL, false, "mlp", "down_proj" },
    { "experts, up", "gemma4", SHARE_ALL, false, "experts.#|moe.experts.#|experts|moe.experts",
      "gate_up_proj|gate_proj|up_proj" },
    { "experts, down", "gemma4", SHARE_ALL, false, "experts.#|moe.experts.#|experts|moe.experts",
      "down_proj" },
    { "shared experts, up", NULL, SHARE_GATE, false, SHARED,
      "gate_proj|gate_up_proj|w1|input_linear" },
    { "shared experts, up", NULL, SHARE_UP, false, SHARED, "up_proj|gate_up_proj|w3|input_linear" },
    { "shared experts, down", NULL, SHARE_ALL, false, SHARED, "down_proj|w2|output_linear" },
    { "experts, up", NULL, SHARE_GATE, false, EXPERTS, "gate_proj|gate_up_proj|w1|input_linear" },
    { "experts, up", NULL, SHARE_UP, false, EXPERTS, "up_proj|gate_up_proj|w3|input_linear" },
    { "experts, down", NULL, SHARE_ALL, false, EXPERTS, "down_proj|w2|output_linear" },
    { "to the experts' width", NULL, SHARE_ALL, false, "mixer|mlp", "fc1_latent_proj" },
    { "from the experts' width", NULL, SHARE_ALL, false, "mixer|mlp", "fc2_latent_proj" },
    { "layer embedding, gate", NULL, SHARE_ALL, false, "-", "per_layer_input_gate" },
    { "layer embedding, out", NULL, SHARE_ALL, false, "-", "per_layer_projection" },
    { "layer embedding, of the stream", NULL, SHARE_ALL, false, "-", "per_layer_model_projection" },
};
#define MODULES (sizeof modules / sizeof *modules)

/* In no layer. */
#define HEADS "lm_head|head|embed_out|output"
#define EMBEDDINGS "embed_tokens|embeddings|word_embeddings|wte|embed"

/* ---- names ---- */

static const char *next_word(const char **list, int *length)
{
    const char *word = *list;
    if (*word == '\0')
        return NULL;
    *length = (int)strcspn(word, "|");
    *list = word + *length + (word[*length] == '|');
    return word;
}

static uint32_t words(const char *list)
{
    uint32_t count = 0;
    for (int length; next_word(&list, &length) != NULL;)
        count++;
    return count;
}

uint32_t quant_names(void)
{
    uint32_t count = words(HEADS) + words(EMBEDDINGS);
    for (size_t i = 0; i < MODULES; i++)
        count += words(modules[i].parents) * words(modules[i].leaves);
    return count;
}

static uint32_t first_name(const struct module *module)
{
    uint32_t id = words(HEADS) + words(EMBEDDINGS);
    for (const struct module *before = modules; before < module; before++)
        id += words(before->parents) * words(before->leaves);
    return id;
}

/* Parent and leaf, with the expert's number for "#". */
static void join(char tail[QUANT_TAIL_BYTES], const char *parent, int parent_length,
                 const char *leaf, int leaf_length, uint32_t expert)
{
    if (parent_length == 1 && *parent == '-')
        snprintf(tail, QUANT_TAIL_BYTES, "%.*s", leaf_length, leaf);
    else if (parent[parent_length - 1] == '#')
        snprintf(tail, QUANT_TAIL_BYTES, "%.*s%u.%.*s", parent_length - 1, parent, expert,
                 leaf_length, leaf);
    else
        snprintf(tail, QUANT_TAIL_BYTES, "%.*s.%.*s", parent_length, parent, leaf_length, leaf);
}

/* The first rule for any of the module's names in that layer. */
static uint32_t find_rule(const struct quant *quant, const struct module *module, uint32_t layer,
                          uint32_t expert)
{
    char tail[QUANT_TAIL_BYTES];
    struct quant_name name = { .id = first_name(module), .layer = layer, .tail = tail };
    uint32_t first = UINT32_MAX;
    const char *parents = module->parents, *parent;
    for (int length; (parent = next_word(&parents, &length)) != NULL;) {
        const char *leaves = module->leaves, *leaf;
        for (int leaf_length; (leaf = next_word(&leaves, &leaf_length)) != NULL; name.id++) {
            join(tail, parent, length, leaf, leaf_length, expert);
            uint32_t place = quant_rules_find(quant->rules, &name);
            first = place < first ? place : first;
        }
    }
    return first;
}

/* ---- sums ---- */

struct sum {
    double parameters, bytes;
    double of_format[NUMBER_FORMATS]; /* parameters */
};

static void add(struct sum *sum, double parameters, double matrices, struct quant_format format)
{
    sum->parameters += parameters;
    sum->bytes += parameters * format.bytes + matrices * format.matrix_bytes;
    sum->of_format[format.format - 1] += parameters;
}

static double bytes_of(const struct sum *sum)
{
    return sum->parameters > 0 ? sum->bytes / sum->parameters : 0;
}

/* Of most of the part; 0 where bytes say the same. */
static int format_of(const struct sum *sum)
{
    int most = 0;
    for (int i = 1; i < NUMBER_FORMATS; i++)
        if (sum->of_format[i] > sum->of_format[most])
            most = i;
    return most == FORMAT_BF16 && bytes_of(sum) >= 2 ? 0 : 1 + most;
}

static double share_of(const struct model *model, const struct matrix *matrix, enum share share)
{
    struct attention_heads heads = model_full_attention(model);
    double made = heads.heads * (double)heads.key_dim +
                  (model->gated_attention ? heads.heads * (double)heads.value_dim : 0);
    double keys = heads.kv_heads * (double)heads.key_dim;
    double values = heads.kv_heads * (double)heads.value_dim;
    double per_head = model->state == STATE_DELTA ? 2.0 * model->state_heads : 0;
    double index = (double)model->index_dim + model->index_heads;
    if (strcmp(matrix->name, "key, value") == 0)
        made = 0;
    switch (share) {
    case SHARE_QUERY:
        return made / (made + keys + values);
    case SHARE_KEY:
        return keys / (made + keys + values);
    case SHARE_VALUE:
        return values / (made + keys + values);
    case SHARE_GATE:
        return model->gated_ffn ? 0.5 : 0;
    case SHARE_UP:
        return model->gated_ffn ? 0.5 : 1;
    case SHARE_CHANNELS:
        return 1 - per_head / (double)matrix->outputs;
    case SHARE_HEADS:
        return per_head / (double)matrix->outputs;
    case SHARE_INDEX_KEY:
        return model->index_dim / index;
    case SHARE_INDEX_WEIGHTS:
        return model->index_heads / index;
    default:
        return 1;
    }
}

/* Whether a layer has products of the part. */
static bool layer_has(const struct hf *hf, uint32_t layer, enum matrix_part part)
{
    const struct hf_layer *is = &hf->layer[layer];
    bool both = hf->model->state_beside_attention;
    switch (part) {
    case MATRIX_ATTENTION:
        return is->mixer != HF_NO_MIXER && (is->mixer != HF_STATE || both);
    case MATRIX_STATE:
        return is->mixer == HF_STATE || (both && is->mixer != HF_NO_MIXER);
    case MATRIX_FFN:
        return is->ffn == HF_DENSE;
    case MATRIX_SHARED:
    case MATRIX_EXPERTS:
        return is->ffn == HF_SPARSE;
    default:
        return true;
    }
}

static struct quant_format standard_of(const struct quant *quant, enum matrix_part part)
{
    return part == MATRIX_EXPERTS && quant->experts.bytes > 0 ? quant->experts : quant->standard;
}

/* One module in one layer: all its experts, or each by itself where rules tell them apart. */
static void add_layer(const struct quant *quant, const struct module *module,
                      const struct matrix *matrix, uint32_t layer, double parameters,
                      double matrices, struct sum *sum)
{
    bool apart = matrix->part == MATRIX_EXPERTS && quant_rules_by_expert(quant->rules);
    uint32_t experts = apart ? matrix->count : 1;
    for (uint32_t expert = 0; expert < experts; expert++) {
        uint32_t place = module->wide ? UINT32_MAX : find_rule(quant, module, layer, expert);
        struct quant_format format = module->wide          ? quant_wide()
                                     : place != UINT32_MAX ? quant_rules_format(quant->rules, place)
                                                           : standard_of(quant, matrix->part);
        add(sum, parameters / experts, matrices * matrix->count / experts, format);
    }
}

static void add_module(const struct quant *quant, const struct module *module,
                       const struct matrix *matrix, struct sum *sum)
{
    const struct model *model = quant->hf->model;
    double share = share_of(model, matrix, module->share);
    uint32_t have = 0;
    for (uint32_t i = 0; i < model->layers; i++)
        have += layer_has(quant->hf, i, matrix->part);
    if (share <= 0 || have == 0)
        return;
    double layers = (double)matrix->layers / have; /* of those, that have this matrix */
    double parameters =
        share * layers * (double)matrix->inputs * (double)matrix->outputs * matrix->count;
    for (uint32_t i = 0; i < model->layers; i++)
        if (layer_has(quant->hf, i, matrix->part))
            add_layer(quant, module, matrix, i, parameters, layers, sum);
}

static bool is_of_family(const struct quant *quant, const struct module *module)
{
    const char *type = json_string_value(hf_field(quant->hf, "model_type"));
    return module->family == NULL ||
           (type != NULL && strncmp(type, module->family, strlen(module->family)) == 0);
}

/* A matrix that no row names is as the standard says. */
static void add_matrix(const struct quant *quant, const struct matrix *matrix, struct sum *sum)
{
    const char *family = NULL;
    bool found = false;
    for (size_t i = 0; i < MODULES; i++) {
        const struct module *module = &modules[i];
        if (strcmp(module->matrix, matrix->name) != 0 || !is_of_family(quant, module) ||
            (found && module->family != family))
            continue;
        add_module(quant, module, matrix, sum);
        family = module->family;
        found = true;
    }
    if (!found)
        add(sum, (double)matrix->layers * (double)matrix->inputs * (double)matrix->outputs,
            matrix->layers, standard_of(quant, matrix->part));
}

/* ---- into the model ---- */

static uint32_t find_loose(const struct quant *quant, const char *list, uint32_t id, bool named)
{
    char tail[QUANT_TAIL_BYTES];
    struct quant_name name = { .id = id, .layer = QUANT_NO_LAYER, .tail = tail };
    uint32_t first = UINT32_MAX;
    const char *word;
    for (int length; (word = next_word(&list, &length)) != NULL; name.id++) {
        snprintf(tail, sizeof tail, "%.*s", length, word);
        uint32_t place = quant_rules_find(quant->rules, &name);
        if (place < first && (!named || quant_rules_is_name(quant->rules, place)))
            first = place;
    }
    return first;
}

/* Embedding and head are wide unless a rule is of them: an embedding by its name alone. One matrix
 * for both is the embedding's. */
static double table_bytes(const struct quant *quant)
{
    const struct model *model = quant->hf->model;
    double rows = (double)model->vocabulary * model->hidden;
    double others = (double)model->learned_positions * model->hidden +
                    (double)model->layer_embedding_dim * model->layers * model->vocabulary;
    uint32_t head = find_loose(quant, HEADS, 0, false);
    uint32_t embedding = find_loose(quant, EMBEDDINGS, words(HEADS), true);
    double head_bytes = head != UINT32_MAX ? quant_rules_format(quant->rules, head).bytes : 2;
    double bytes = embedding != UINT32_MAX ? quant_rules_format(quant->rules, embedding).bytes : 2;
    double tables = model->tied_embeddings ? bytes * rows : (bytes + head_bytes) * rows;
    double parameters = (model->tied_embeddings ? rows : 2 * rows) + others;
    return parameters > 0 ? (tables + 2 * others) / parameters : 2;
}

/* The model's own width is that of products without a part of their own, where there are any; else
 * of the largest part but the experts. */
static const struct sum *largest(const struct sum sums[])
{
    static const enum matrix_part parts[] = { MATRIX_ATTENTION, MATRIX_STATE, MATRIX_FFN,
                                              MATRIX_SHARED };
    const struct sum *most = &sums[MATRIX_OTHER];
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (sums[MATRIX_OTHER].parameters == 0 && sums[parts[i]].parameters > most->parameters)
            most = &sums[parts[i]];
    return most->parameters > 0 ? most : &sums[MATRIX_EXPERTS];
}

static void set_part(const struct quant *quant, const struct sum *sum, double *bytes, int *format)
{
    const struct model *model = quant->hf->model;
    double own = bytes_of(sum);
    bool same = fabs(own - model->weight_bytes_per_parameter) < 1e-9 &&
                format_of(sum) == model->weight_format;
    *bytes = sum->parameters > 0 && !same ? own : 0;
    *format = *bytes > 0 ? format_of(sum) : 0;
    if (*bytes > 0)
        hf_note(quant->hf, bytes, quant->note);
}

static void set_parts(const struct quant *quant, const struct sum sums[])
{
    struct model *model = quant->hf->model;
    const struct sum *most = largest(sums);
    double tables = table_bytes(quant);
    model->weight_bytes_per_parameter = bytes_of(most);
    model->weight_format = format_of(most);
    if (model->weight_bytes_per_parameter < 2)
        hf_note(quant->hf, &model->weight_bytes_per_parameter, quant->note);
    set_part(quant, &sums[MATRIX_ATTENTION], &model->attention_bytes_per_parameter,
             &model->attention_format);
    set_part(quant, &sums[MATRIX_STATE], &model->state_weight_bytes_per_parameter,
             &model->state_format);
    set_part(quant, &sums[MATRIX_FFN], &model->ffn_bytes_per_parameter, &model->ffn_format);
    set_part(quant, &sums[MATRIX_SHARED], &model->shared_bytes_per_parameter,
             &model->shared_format);
    set_part(quant, &sums[MATRIX_EXPERTS], &model->expert_bytes_per_parameter,
             &model->expert_format);
    if (model->weight_bytes_per_parameter == 2 && tables == 2)
        return;
    model->head_bytes_per_parameter = tables;
    hf_note(quant->hf, &model->head_bytes_per_parameter,
            tables == 2 ? "engines quantise neither embedding nor head"
                        : "mean of embedding and head, one of which is quantised");
}

void quant_apply(struct quant *quant)
{
    struct matrix matrix[TIMING_MATRICES_MAX];
    struct sum sums[MATRIX_HEAD + 1] = { { .parameters = 0 } };
    if (quant->hf->model->layers == 0 || quant->hf->model->layers > MODEL_LAYERS_MAX)
        return; /* model_check() refuses it */
    uint32_t count = model_matrices(quant->hf->model, 1, matrix);
    for (uint32_t i = 0; i < count; i++)
        if (matrix[i].part != MATRIX_ROUTER)
            add_matrix(quant, &matrix[i], &sums[matrix[i].part]);
    set_parts(quant, sums);
}
