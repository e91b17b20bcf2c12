/* models/timing.c - how long prefill and decode take. Products and element-wise operators are
 * timing_tables.c's where they were fitted to measurements; else, and attention and all-reduces
 * always, from first principles: the longer of arithmetic and memory traffic. docs/model.md has
 * every equation, its error against measurements, and what is left out.
 *
 * Here "layer" is the average layer: a mixture-of-experts model's dense layers are spread over all
 * of them, since a prefill's layers are to take the same time. */
#include "base/random.h"
#include "models/matrices.h"
#include "models/models.h"
#include "models/timing_measured.h"
#include "models/timing_tables.h"

#include <assert.h>

#define NS_PER_SECOND 1e9
#define ACTIVATION_BYTES 2.0 /* bf16 and fp16, whatever the weights are */

/* What everything below is divided by: one GPU, as attained. */
struct rates {
    double gemm_flop, attention_flop, bytes; /* per ns */
};

static struct rates rates_of(const struct hardware *hardware)
{
    return (struct rates){
        .gemm_flop = hardware->flop_per_s * hardware->gemm_efficiency / NS_PER_SECOND,
        .attention_flop = hardware->flop_per_s * hardware->attention_efficiency / NS_PER_SECOND,
        .bytes = hardware->hbm_bytes_per_s * hardware->hbm_efficiency / NS_PER_SECOND,
    };
}

static double longer(double a, double b)
{
    return a > b ? a : b;
}

/* ---- preparing ---- */

static struct timing_matrix time_matrix(const struct matrix *matrix, const struct model *model,
                                        uint32_t ranks, struct rates rates)
{
    double inputs = (double)matrix->inputs / (matrix->split == SPLIT_INPUTS ? ranks : 1);
    double outputs = (double)matrix->outputs / (matrix->split == SPLIT_OUTPUTS ? ranks : 1);
    double share = (double)matrix->layers / model->layers;
    return (struct timing_matrix){
        .compute_ns = share * matrix->used * 2 * inputs * outputs / rates.gemm_flop,
        .weights_ns = share * matrix->count * inputs * outputs *
                      matrix_weight_bytes(matrix, model) / rates.bytes,
        .stream_ns = share * matrix->used * (inputs + outputs) * ACTIVATION_BYTES / rates.bytes,
        .routed = matrix->count > 1,
    };
}

static void prepare_matrices(struct timing *timing, const struct model *model,
                             const struct hardware *hardware, uint32_t ranks, struct rates rates)
{
    struct matrix matrix[TIMING_MATRICES_MAX];
    timing->matrices = model_matrices(model, ranks, matrix);
    for (uint32_t i = 0; i < timing->matrices; i++) {
        timing->matrix[i] = time_matrix(&matrix[i], model, ranks, rates);
        timing->layer_ns +=
            (double)matrix[i].layers / model->layers * (double)hardware->kernel_launch_ns;
    }
    struct matrix head = { .inputs = model->hidden,
                           .outputs = model->vocabulary,
                           .split = SPLIT_OUTPUTS,
                           .layers = model->layers,
                           .count = 1,
                           .used = 1 };
    timing->head = time_matrix(&head, model, ranks, rates);
    /* With every expert used by every token none is missed: the ln of 0 is not asked for. */
    timing->expert_miss_log =
        model->experts > model->experts_per_token
            ? exact_log(1.0 - (double)model->experts_per_token / model->experts)
            : 0;
}

/* A ring moves 2(n-1)/n of the bytes through each GPU's link: the "bus bandwidth" of nccl-tests is
 * that over the time. */
static double allreduce_token_ns(const struct model *model, const struct hardware *hardware,
                                 uint32_t ranks)
{
    double ring = 2.0 * (ranks - 1) / ranks;
    return ring * model->hidden * ACTIVATION_BYTES * NS_PER_SECOND /
           hardware->allreduce_bytes_per_s;
}

static void prepare_streams(struct timing *timing, const struct model *model,
                            const struct hardware *hardware, uint32_t ranks, struct rates rates)
{
    struct stream stream[STREAMS_MAX];
    uint32_t count = model_streams(model, ranks, stream);
    double values = 0, kernels = 0;
    for (uint32_t i = 0; i < count; i++) {
        values += stream[i].share * stream[i].values;
        kernels += stream[i].share;
    }
    timing->layer_ns += kernels * (double)hardware->kernel_launch_ns;
    timing->layer_token_ns += values * ACTIVATION_BYTES / rates.bytes;
}

/* What stands between a layer's products and element-wise operators. */
static void prepare_allreduces(struct timing *timing, const struct model *model,
                               const struct hardware *hardware, uint32_t ranks)
{
    double layers = model->layers, mixers = model_mixer_layers(model) / layers;
    double after = model->parallel_attention ? 0 : model_ffn_layers(model) / layers;
    double allreduces = ranks == 1 ? 0 : mixers + after;
    timing->layer_ns += mixers * (double)hardware->kernel_launch_ns + /* attention's kernel */
                        allreduces * (double)hardware->allreduce_latency_ns;
    timing->layer_token_ns += allreduces * allreduce_token_ns(model, hardware, ranks);
    /* Mamba-1's B, C and time step are few values, but every rank has a part of each. */
    if (ranks > 1 && model->state == STATE_MAMBA)
        timing->layer_ns += model->state_layers / layers * (double)hardware->allreduce_latency_ns;
}

static void prepare_multi_head(struct timing *timing, const struct model *model, uint32_t ranks,
                               struct rates rates)
{
    double heads = (double)model->heads / ranks;
    double kv_heads = model_kv_heads_of_rank(model, ranks);
    double flop = 4 * heads * model->head_dim; /* q.k and p.v: a multiplication and a sum each */
    timing->pair_ns = flop / rates.attention_flop;
    timing->query_stream_ns = 2 * heads * model->head_dim * ACTIVATION_BYTES / rates.bytes;
    timing->kv_stream_ns = 2 * kv_heads * model->head_dim * model->kv_bytes_per_value / rates.bytes;
    timing->decode_context_ns = longer(timing->pair_ns, timing->kv_stream_ns);
}

/* Prefill decompresses K and V and attends with them; decode attends in the latent space, where a
 * context token is one vector for all heads (DeepSeek-V2, arXiv 2405.04434, 2.1). */
static void prepare_latent(struct timing *timing, const struct model *model, uint32_t ranks,
                           struct rates rates)
{
    double heads = (double)model->heads / ranks;
    double key_dim = (double)model->head_dim + model->rope_dim, value_dim = model->head_dim;
    double latent_key_dim = (double)model->latent_dim + model->rope_dim;
    timing->pair_ns = 2 * heads * (key_dim + value_dim) / rates.attention_flop;
    timing->query_stream_ns = heads * (key_dim + value_dim) * ACTIVATION_BYTES / rates.bytes;
    timing->kv_stream_ns = heads * (key_dim + value_dim) * ACTIVATION_BYTES / rates.bytes;
    double decompressed = heads * 2 * model->head_dim;
    timing->cached_ns =
        longer(2 * model->latent_dim * decompressed / rates.gemm_flop,
               (latent_key_dim * model->kv_bytes_per_value + decompressed * ACTIVATION_BYTES) /
                   rates.bytes);
    timing->decode_context_ns =
        longer(2 * heads * (latent_key_dim + model->latent_dim) / rates.attention_flop,
               latent_key_dim * model->kv_bytes_per_value / rates.bytes);
}

static void prepare_kinds(struct timing *timing, const struct model *model)
{
    double layers = model->layers;
    uint32_t attention = model_attention_layers(model);
    timing->full_share = (attention - model->window_layers) / layers;
    timing->window_share = model->window_layers / layers;
    timing->window_tokens = model->window_tokens;
    timing->window_chunked = model->window == WINDOW_CHUNKED;
}

/* The scan over a state. A token decays it, adds an outer product and reads it: five operations a
 * value (delta: two more, to see what the key held). In prefill its vectors pass through memory and
 * the state stays on chip; each sequence of an iteration reads and writes its state once. A lower
 * bound: no scan was measured. */
static void prepare_state(struct timing *timing, const struct model *model, uint32_t ranks,
                          struct rates rates)
{
    if (model->state_layers == 0)
        return;
    double share = (double)model->state_layers / model->layers;
    double inner = (double)model->state_heads * model->state_head_dim / ranks;
    double operations = model->state == STATE_DELTA ? 7 : 5;
    double vectors = 3 * inner + 2 * (double)model->state_groups * model->state_dim / ranks;
    double state_bytes =
        (double)model_kv_shape(model, ranks).state_bytes / model->state_layers / ranks;
    timing->state_token_ns =
        share * longer(operations * inner * model->state_dim / rates.attention_flop,
                       vectors * ACTIVATION_BYTES / rates.bytes);
    timing->state_sequence_ns = share * 2 * state_bytes / rates.bytes;
}

static void prepare_iteration(struct timing *timing, const struct model *model,
                              const struct hardware *hardware, uint32_t ranks)
{
    timing->iteration_ns = (double)hardware->iteration_overhead_ns +
                           (ranks > 1 ? (double)hardware->allreduce_latency_ns : 0);
    timing->token_ns = allreduce_token_ns(model, hardware, ranks);
}

static void prepare_embedding(struct timing *timing, const struct model *model,
                              const struct hardware *hardware, struct rates rates)
{
    const double kernels = 3; /* embedding, last norm, output head */
    timing->iteration_ns += kernels * (double)hardware->kernel_launch_ns;
    timing->token_ns += 2 * model->hidden * ACTIVATION_BYTES / rates.bytes;
}

struct timing timing_new(const struct model *model, const struct hardware *hardware, uint32_t ranks)
{
    assert(ranks >= 1 && model->heads % ranks == 0);
    struct timing timing = { .layers = model->layers, .source = "roofline (analytic)" };
    struct rates rates = rates_of(hardware);
    prepare_iteration(&timing, model, hardware, ranks);
    if (hardware->timing[0] != '\0') {
        timing_tables_prepare(&timing, model, hardware, ranks);
    } else {
        prepare_matrices(&timing, model, hardware, ranks, rates);
        prepare_streams(&timing, model, hardware, ranks, rates);
        prepare_embedding(&timing, model, hardware, rates);
    }
    prepare_allreduces(&timing, model, hardware, ranks);
    if (model->attention == ATTENTION_LATENT)
        prepare_latent(&timing, model, ranks, rates);
    else
        prepare_multi_head(&timing, model, ranks, rates);
    prepare_kinds(&timing, model);
    prepare_state(&timing, model, ranks, rates);
    timing.is_measured = ranks == 1 && measured_timing_of(&hardware->measured, model);
    if (timing.is_measured) {
        timing.measured = hardware->measured;
        snprintf(timing.source, sizeof timing.source, "%s", "measured (calibration)");
    }
    return timing;
}

/* ---- evaluating ---- */

/* The expected share of experts that at least one of the tokens chose, each at random. */
static double touched_share(const struct timing *timing, double tokens)
{
    return timing->expert_miss_log == 0 ? 1 : 1 - exact_exp(tokens * timing->expert_miss_log);
}

static double matrix_ns(const struct timing_matrix *matrix, double tokens, double touched)
{
    double weights_ns = matrix->routed ? touched * matrix->weights_ns : matrix->weights_ns;
    return longer(tokens * matrix->compute_ns, weights_ns + tokens * matrix->stream_ns);
}

/* A layer without its attention. */
static double layer_ns(const struct timing *timing, double tokens)
{
    double sum_ns = timing->layer_ns + tokens * timing->layer_token_ns;
    if (timing->tabled)
        return sum_ns + timing_table_ns(&timing->layer_table, tokens);
    double touched = touched_share(timing, tokens);
    for (uint32_t i = 0; i < timing->matrices; i++)
        sum_ns += matrix_ns(&timing->matrix[i], tokens, touched);
    return sum_ns;
}

static double head_ns(const struct timing *timing, double tokens)
{
    return timing->tabled ? timing_table_ns(&timing->head_table, tokens)
                          : matrix_ns(&timing->head, tokens, 1);
}

static double full_attention_ns(const struct timing *timing, double new_tokens,
                                double cached_tokens)
{
    double pairs = new_tokens * cached_tokens + new_tokens * (new_tokens + 1) / 2;
    double stream_ns =
        new_tokens * timing->query_stream_ns + (new_tokens + cached_tokens) * timing->kv_stream_ns;
    return longer(pairs * timing->pair_ns, stream_ns) + cached_tokens * timing->cached_ns;
}

/* Pairs of a token and one that it sees, of the tokens before position `end`, each seeing the
 * window's last, itself included. */
static double sliding_pairs(double end, double window)
{
    double growing = end < window ? end : window;
    return growing * (growing + 1) / 2 + (end - growing) * window;
}

static double chunked_pairs(uint64_t end, uint64_t chunk)
{
    double whole = (double)(end / chunk), rest = (double)(end % chunk), size = (double)chunk;
    return whole * size * (size + 1) / 2 + rest * (rest + 1) / 2;
}

static double window_attention_ns(const struct timing *timing, uint64_t new_tokens,
                                  uint64_t cached_tokens)
{
    uint64_t end = new_tokens + cached_tokens, window = timing->window_tokens;
    double pairs = timing->window_chunked
                       ? chunked_pairs(end, window) - chunked_pairs(cached_tokens, window)
                       : sliding_pairs((double)end, (double)window) -
                             sliding_pairs((double)cached_tokens, (double)window);
    uint64_t seen = cached_tokens == 0 ? 0 : timing_window_context(timing, cached_tokens);
    double stream_ns = (double)new_tokens * timing->query_stream_ns +
                       (double)(new_tokens + seen) * timing->kv_stream_ns;
    return longer(pairs * timing->pair_ns, stream_ns) + (double)seen * timing->cached_ns;
}

/* What passes tokens on from one to another, of the average layer. */
static double prefill_mixing_ns(const struct timing *timing, uint64_t new_tokens,
                                uint64_t cached_tokens)
{
    double sum_ns =
        timing->full_share * full_attention_ns(timing, (double)new_tokens, (double)cached_tokens);
    if (timing->window_tokens > 0)
        sum_ns += timing->window_share * window_attention_ns(timing, new_tokens, cached_tokens);
    return sum_ns + (double)new_tokens * timing->state_token_ns + timing->state_sequence_ns;
}

/* The same for a token of each of `batch` sequences, without what grows with their contexts. */
static double decode_mixing_ns(const struct timing *timing, double batch)
{
    double attention = timing->full_share + timing->window_share;
    return attention * (batch * timing->query_stream_ns) +
           batch * (timing->state_token_ns + timing->state_sequence_ns);
}

/* A conversion of what uint64_t cannot hold is undefined; half a millennium is long enough. */
static uint64_t whole_ns(double ns)
{
    return ns < 0x1p63 ? (uint64_t)(ns + 0.5) : (uint64_t)1 << 63;
}

struct prefill_time timing_prefill(const struct timing *timing, uint64_t new_tokens,
                                   uint64_t cached_tokens)
{
    assert(new_tokens >= 1);
    if (timing->is_measured)
        return measured_timing_prefill(&timing->measured, new_tokens, cached_tokens);
    double tokens = (double)new_tokens;
    return (struct prefill_time){
        .layer_ns = whole_ns(layer_ns(timing, tokens) +
                             prefill_mixing_ns(timing, new_tokens, cached_tokens)),
        .overhead_ns =
            whole_ns(timing->iteration_ns + tokens * timing->token_ns + head_ns(timing, 1)),
    };
}

struct decode_time timing_decode(const struct timing *timing, uint32_t batch)
{
    assert(batch >= 1);
    if (timing->is_measured)
        return measured_timing_decode(&timing->measured, batch);
    double tokens = batch;
    return (struct decode_time){
        .base_ns = timing->layers * (layer_ns(timing, tokens) + decode_mixing_ns(timing, tokens)) +
                   timing->iteration_ns + tokens * timing->token_ns + head_ns(timing, tokens),
        .per_token_ns = timing->layers * timing->full_share * timing->decode_context_ns,
        .window_token_ns = timing->layers * timing->window_share * timing->decode_context_ns,
    };
}

struct prefill_time timing_mixed(const struct timing *timing, uint64_t prefill_new,
                                 uint64_t prefill_cached, uint32_t decode_batch,
                                 uint64_t decode_context, uint64_t decode_window)
{
    assert(prefill_new + decode_batch >= 1);
    if (timing->is_measured)
        return measured_timing_mixed(&timing->measured, prefill_new, prefill_cached, decode_batch,
                                     decode_context);
    double tokens = (double)prefill_new + decode_batch;
    double logits = (double)decode_batch + (prefill_new > 0 ? 1 : 0);
    double mixing_ns = decode_mixing_ns(timing, decode_batch) +
                       timing->full_share * ((double)decode_context * timing->decode_context_ns) +
                       timing->window_share * ((double)decode_window * timing->decode_context_ns);
    if (prefill_new > 0)
        mixing_ns += prefill_mixing_ns(timing, prefill_new, prefill_cached);
    return (struct prefill_time){
        .layer_ns = whole_ns(layer_ns(timing, tokens) + mixing_ns),
        .overhead_ns =
            whole_ns(timing->iteration_ns + tokens * timing->token_ns + head_ns(timing, logits)),
    };
}

struct recompute_time timing_recompute(const struct timing *timing)
{
    const uint64_t tokens = 512, deep = 8192;
    double first = (double)timing_prefill(timing, tokens, 0).layer_ns;
    double last = (double)timing_prefill(timing, tokens, deep).layer_ns;
    double slope_ns = timing->layers * (last - first) / (double)tokens / (double)deep;
    return (struct recompute_time){ .base_ns = timing->layers * first / (double)tokens,
                                    .slope_ns = last > first ? slope_ns : 0.0 };
}
