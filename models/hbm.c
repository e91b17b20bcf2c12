/* models/hbm.c - see hbm.h. Activations are of two bytes; an engine sizes its trial run for its
 * largest iteration, whatever is asked of it later. */
#include "models/hbm.h"
#include "models/matrices.h"

#include <inttypes.h>
#include <math.h>

const struct engine_memory engine_memory_plain = {
    .rule = HBM_PROFILED,
    .tokens = 2048,
    .sequences = 24,
    .sampler_bytes = 14,
    .process_bytes = UINT64_C(100) << 20,
    .block_tokens = 16,
};

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* Values of a token while a dense feed-forward computes its activation: what came in and what will
 * be added, both halves of a gated product, and the product. */
static double dense_values(const struct model *model, uint32_t ranks, double width)
{
    double halves = model->gated_ffn ? 2 : 1;
    return 2.0 * model->hidden + (halves + 1) * width / ranks;
}

/* vLLM's fused_moe: two work spaces for the tokens of each chosen expert, the larger of which holds
 * the gated product and then the down projection; and the sum over experts. DeepGEMM's fp8 experts
 * (deep_gemm_moe.py, workspace_shapes): both as wide as the model, each expert's rows up to a
 * multiple of 128, and the quantised input. */
static double expert_values(const struct model *model, uint32_t ranks, double tokens)
{
    double hidden = model_expert_hidden(model), width = (double)model->expert_ffn / ranks;
    double product = (model->gated_ffn ? 2 : 1) * width, used = model->experts_per_token;
    double bytes = model->expert_bytes_per_parameter > 0 ? model->expert_bytes_per_parameter
                                                         : model->weight_bytes_per_parameter;
    if (bytes != 1)
        return 3 * hidden + used * (larger(product, hidden) + width);
    double rows = used + 127.0 * model->experts / tokens;
    return 3 * hidden + rows * (larger(product, hidden) + larger(width, hidden) + hidden / 2);
}

/* While attention runs: queries, keys, values and what it makes of them. */
static double attention_values(const struct model *model, uint32_t ranks)
{
    double queries = (double)model->heads * model->head_dim / ranks;
    double keys = (double)(model->kv_heads > ranks ? model->kv_heads / ranks : 1) * model->head_dim;
    if (model->attention == ATTENTION_LATENT) /* decompressed: K and V of every head */
        keys = queries;
    return 2.0 * model->hidden + 2 * queries + 2 * keys;
}

static double layer_values(const struct model *model, uint32_t ranks, double tokens)
{
    double values = attention_values(model, ranks);
    if (model->experts == 0 || model->dense_layers > 0)
        values = larger(values, dense_values(model, ranks, model->ffn));
    if (model->experts > 0)
        values = larger(values, expert_values(model, ranks, tokens));
    return values;
}

uint64_t engine_activation_bytes(const struct model *model, uint32_t ranks,
                                 const struct engine_memory *engine)
{
    const double value_bytes = 2;
    double tokens = (double)engine->tokens;
    double sequences =
        (double)(engine->sequences < engine->tokens ? engine->sequences : engine->tokens);
    double layer = value_bytes * tokens * layer_values(model, ranks, tokens);
    /* Every rank has the logits of the whole vocabulary, and the hidden states they are made of. */
    double sampler = engine->sampler_bytes * sequences * model->vocabulary +
                     value_bytes * tokens * model->hidden;
    /* cos and sin of each position, half of the head's width each. */
    double rotary = value_bytes * model->context_window_tokens *
                    (model->attention == ATTENTION_LATENT ? model->rope_dim : model->head_dim);
    return (uint64_t)(larger(layer, sampler) + rotary);
}

static uint64_t process_bytes(const struct hardware *hardware, uint32_t ranks,
                              const struct engine_memory *engine)
{
    /* vLLM's "non-torch memory" behind NVSwitch: 1.4 GiB of 2 GPUs, 2.1 of 8. */
    double grown = ranks > 1 ? 1 + ranks / 8.0 : 0;
    return engine->process_bytes + (uint64_t)(grown * (double)hardware->hbm_collectives_bytes);
}

uint64_t engine_reserved_bytes(const struct model *model, const struct hardware *hardware,
                               uint32_t ranks, const struct engine_memory *engine)
{
    if (hardware->hbm_reserved_bytes != HBM_RESERVED_DERIVED)
        return hardware->hbm_reserved_bytes;
    uint64_t process = process_bytes(hardware, ranks, engine);
    return process + (engine->rule == HBM_STATIC ? engine->withheld_bytes
                                                 : engine_activation_bytes(model, ranks, engine));
}

/* vLLM pads experts of 4 bits to what its kernels take (Marlin's, quantization/mxfp4.py): inputs
 * and outputs of the model's width to 256, a rank's part of an expert's to 128. Over all ranks. */
static uint64_t padding_bytes(const struct model *model, uint32_t ranks,
                              const struct engine_memory *engine)
{
    double bytes = model->expert_bytes_per_parameter;
    if (engine->rule != HBM_PROFILED || model->experts == 0 || bytes <= 0 || bytes >= 1)
        return 0;
    struct matrix matrix[TIMING_MATRICES_MAX];
    uint32_t count = model_matrices(model, ranks, matrix);
    double taken = model_expert_hidden(model);
    double hidden = ceil(taken / 256.0) * 256 / taken, held = 0;
    double width = ceil(model->expert_ffn / 128.0 / ranks) * 128 * ranks / model->expert_ffn;
    for (uint32_t i = 0; i < count; i++)
        if (matrix[i].count > 1)
            held +=
                (double)(matrix[i].layers * matrix[i].inputs * matrix[i].outputs) * matrix[i].count;
    return (uint64_t)(held * bytes * (hidden * width - 1));
}

/* Of one GPU, for weights and KV; below 0 where the engine alone is too large. */
static double usable_bytes(const struct model *model, const struct hardware *hardware,
                           uint32_t ranks, const struct engine_memory *engine)
{
    double hbm = (double)hardware->hbm_bytes;
    double process = (double)process_bytes(hardware, ranks, engine);
    if (hardware->hbm_reserved_bytes == HBM_RESERVED_DERIVED && engine->rule == HBM_STATIC)
        return (hbm - process) * (1 - (double)engine->withheld_bytes / hbm);
    double reserved = (double)engine_reserved_bytes(model, hardware, ranks, engine);
    if (hardware->hbm_reserved_bytes == HBM_RESERVED_DERIVED && engine->rule == HBM_FREE) {
        double weights = (double)model_weight_bytes(model, ranks) / ranks;
        return weights + hardware->hbm_utilisation * (hbm - reserved - weights);
    }
    return hbm * hardware->hbm_utilisation - reserved;
}

enum status engine_kv_budget_bytes(const struct model *model, const struct hardware *hardware,
                                   uint32_t ranks, const struct engine_memory *engine,
                                   uint64_t *bytes, struct error *err)
{
    enum status status = model_check_ranks(model, hardware, ranks, err);
    if (status != STATUS_OK)
        return status;
    double usable_per_gpu = usable_bytes(model, hardware, ranks, engine);
    uint64_t usable = usable_per_gpu > 0 ? (uint64_t)(ranks * usable_per_gpu) : 0;
    uint64_t weights = model_weight_bytes(model, ranks) + padding_bytes(model, ranks, engine);
    if (weights < usable) {
        *bytes = usable - weights;
        return STATUS_OK;
    }
    char expected[sizeof err->expected], found[sizeof err->found];
    snprintf(expected, sizeof expected,
             "more than the %" PRIu64 " bytes of weights of %.128s in usable HBM", weights,
             model->name);
    snprintf(found, sizeof found, "%" PRIu64 " bytes on %" PRIu32 " of the GPUs of %.128s", usable,
             ranks, hardware->name);
    return error_input(err, NULL, 0, "gpus", expected, found);
}

/* ---- bytes and printed tokens ---- */

__extension__ typedef unsigned __int128 wide;

static uint64_t context_bytes(const struct kv_shape *shape, uint32_t block_tokens,
                              uint32_t window_tokens)
{
    struct kv_shape running = *shape;
    running.state_bytes *= ENGINE_STATES_RUNNING;
    return kv_shape_bytes(&running, window_tokens, block_tokens);
}

static bool alike(const struct kv_shape *shape)
{
    return shape->window_bytes == 0 && shape->state_bytes == 0;
}

static uint64_t narrow(wide value)
{
    return value < UINT64_MAX ? (uint64_t)value : UINT64_MAX;
}

uint64_t engine_held_tokens(const struct kv_shape *shape, uint32_t block_tokens,
                            uint32_t window_tokens, uint64_t bytes)
{
    if (alike(shape))
        return bytes / shape->full_bytes;
    return narrow((wide)bytes * window_tokens / context_bytes(shape, block_tokens, window_tokens));
}

uint64_t engine_held_bytes(const struct kv_shape *shape, uint32_t block_tokens,
                           uint32_t window_tokens, uint64_t tokens)
{
    if (alike(shape))
        return narrow((wide)tokens * shape->full_bytes);
    wide bytes = (wide)tokens * context_bytes(shape, block_tokens, window_tokens);
    return narrow((bytes + window_tokens - 1) / window_tokens);
}

static uint64_t divided_up(uint64_t value, uint64_t by)
{
    return (value + by - 1) / by;
}

uint32_t engine_state_block_tokens(const struct model *model, uint32_t ranks, uint32_t multiple)
{
    uint32_t attention = model_attention_layers(model);
    if (multiple == 0 || model->state_layers == 0 || attention == 0)
        return 0;
    /* Of one layer, over all ranks: each has its share of both. */
    uint64_t token = model_kv_bytes_per_token(model, ranks) / attention;
    uint64_t state = divided_up(model_kv_shape(model, ranks).state_bytes, model->state_layers);
    uint64_t tokens = multiple * divided_up(state, multiple * token);
    return tokens < UINT32_MAX ? (uint32_t)tokens : UINT32_MAX - 1;
}

uint64_t engine_kv_most_bytes(const struct model *model, const struct hardware *hardware,
                              uint32_t ranks)
{
    uint64_t weights = model_weight_bytes(model, ranks), all = ranks * hardware->hbm_bytes;
    return weights < all ? all - weights : 0;
}

enum status model_kv_budget_bytes(const struct model *model, const struct hardware *hardware,
                                  uint32_t ranks, uint64_t *bytes, struct error *err)
{
    return engine_kv_budget_bytes(model, hardware, ranks, &engine_memory_plain, bytes, err);
}
