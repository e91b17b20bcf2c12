/* models/timing.c - how long prefill and decode take. Where the hardware names fits to
 * measurements, products, element-wise operators and all-reduces are timing_tables.c's and attention
 * is timing_mixing.c's; else from first principles: the longer of arithmetic and memory traffic. docs/model.md has
 * every equation, its error against measurements, and what is left out.
 *
 * Here "layer" is the average layer: a mixture-of-experts model's dense layers are spread over all
 * of them, since a prefill's layers are to take the same time. */
#include "base/random.h"
#include "models/matrices.h"
#include "models/models.h"
#include "models/timing_measured.h"
#include "models/timing_mixing.h"
#include "models/timing_rates.h"
#include "models/timing_tables.h"

#include <assert.h>

#define NS_PER_SECOND 1e9

static double longer(double a, double b)
{
    return a > b ? a : b;
}

/* ---- preparing ---- */

static struct timing_matrix time_matrix(const struct matrix *matrix, const struct model *model,
                                        uint32_t ranks, struct timing_rates rates)
{
    double inputs = (double)matrix->inputs / (matrix->split == SPLIT_INPUTS ? ranks : 1);
    double outputs = (double)matrix->outputs / (matrix->split == SPLIT_OUTPUTS ? ranks : 1);
    double share = (double)matrix->layers / model->layers;
    return (struct timing_matrix){
        .compute_ns = share * matrix->used * 2 * inputs * outputs / rates.gemm_flop,
        .weights_ns = share * matrix->count * inputs * outputs *
                      matrix_weight_bytes(matrix, model) / rates.bytes,
        .stream_ns =
            share * matrix->used * (inputs + outputs) * TIMING_ACTIVATION_BYTES / rates.bytes,
        .routed = matrix->count > 1,
    };
}

static void prepare_matrices(struct timing *timing, const struct model *model,
                             const struct hardware *hardware, uint32_t ranks,
                             struct timing_rates rates)
{
    struct matrix matrix[TIMING_MATRICES_MAX];
    timing->matrices = model_matrices(model, ranks, matrix);
    for (uint32_t i = 0; i < timing->matrices; i++) {
        timing->matrix[i] = time_matrix(&matrix[i], model, ranks, rates);
        timing->layer_ns +=
            (double)matrix[i].layers / model->layers * (double)hardware->kernel_launch_ns;
    }
    struct matrix head = model_head(model);
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
    return ring * model->hidden * TIMING_ACTIVATION_BYTES * NS_PER_SECOND /
           hardware->allreduce_bytes_per_s;
}

static void prepare_streams(struct timing *timing, const struct model *model,
                            const struct hardware *hardware, uint32_t ranks,
                            struct timing_rates rates)
{
    struct stream stream[STREAMS_MAX];
    uint32_t count =
        model_streams(model, ranks, timing_streams_without(timing, hardware, model), stream);
    double values = 0, kernels = 0;
    for (uint32_t i = 0; i < count; i++) {
        values += stream[i].share * (stream[i].values + stream[i].sum_values);
        kernels += stream[i].share;
    }
    timing->layer_ns += kernels * (double)hardware->kernel_launch_ns;
    timing->layer_token_ns += values * TIMING_ACTIVATION_BYTES / rates.bytes;
}

/* What stands between a layer's products and element-wise operators. */
static void prepare_allreduces(struct timing *timing, const struct model *model,
                               const struct hardware *hardware, uint32_t ranks)
{
    if (ranks == 1)
        return;
    double layers = model->layers, mixers = model_mixer_layers(model) / layers;
    double after = model->parallel_attention ? 0 : model_ffn_layers(model) / layers;
    /* Mamba-1's B, C and time step are few values, but every rank has a part of each. */
    double small = model->state == STATE_MAMBA ? model->state_layers / layers : 0;
    if (hardware->allreduce_timing[0] != '\0') {
        timing->allreduces = mixers + after;
        timing_tables_allreduce(timing, model, hardware, ranks);
        timing->layer_ns += small * timing->allreduce_table.few[0];
        return;
    }
    timing->layer_ns += (mixers + after + small) * (double)hardware->allreduce_latency_ns;
    timing->layer_token_ns += (mixers + after) * allreduce_token_ns(model, hardware, ranks);
    /* One behind the embedding, of which every rank has a part of the vocabulary. */
    timing->iteration_ns += (double)hardware->allreduce_latency_ns;
    timing->token_ns += allreduce_token_ns(model, hardware, ranks);
}

static void prepare_embedding(struct timing *timing, const struct model *model,
                              const struct hardware *hardware, struct timing_rates rates)
{
    const double kernels = 3; /* embedding, last norm, output head */
    timing->iteration_ns += kernels * (double)hardware->kernel_launch_ns;
    timing->token_ns += 2 * model->hidden * TIMING_ACTIVATION_BYTES / rates.bytes;
}

struct timing timing_new(const struct model *model, const struct hardware *hardware, uint32_t ranks)
{
    assert(ranks >= 1 && model->heads % ranks == 0);
    struct timing timing = { .layers = model->layers, .source = "roofline (analytic)" };
    struct timing_rates rates = timing_rates_of(hardware);
    timing.host.iteration_ns = (double)hardware->iteration_overhead_ns;
    timing_mixing_prepare(&timing, model, hardware, ranks);
    if (hardware->timing[0] != '\0') {
        timing_tables_prepare(&timing, model, hardware, ranks);
    } else {
        prepare_matrices(&timing, model, hardware, ranks, rates);
        prepare_streams(&timing, model, hardware, ranks, rates);
        prepare_embedding(&timing, model, hardware, rates);
    }
    prepare_allreduces(&timing, model, hardware, ranks);
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
    if (timing->allreduces > 0)
        sum_ns += timing->allreduces * timing_table_ns(&timing->allreduce_table, tokens);
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

/* A conversion of what uint64_t cannot hold is undefined; half a millennium is long enough. */
static uint64_t whole_ns(double ns)
{
    return ns < 0x1p63 ? (uint64_t)(ns + 0.5) : (uint64_t)1 << 63;
}

void timing_set_host(struct timing *timing, struct timing_host host)
{
    timing->host = host;
}

static double launching_ns(const struct timing *timing, double tokens)
{
    return tokens > timing->host.graph_tokens ? timing->layers * timing->host.layer_ns : 0;
}

/* What the CPU's work adds to so much of the GPU's. */
static double exposed_ns(const struct timing *timing, double gpu_ns, double tokens,
                         double sequences)
{
    const struct timing_host *host = &timing->host;
    double cpu_ns = host->iteration_ns + sequences * host->sequence_ns;
    double launching = launching_ns(timing, tokens);
    if (host->overlaps)
        return longer(0, cpu_ns + launching - gpu_ns);
    return cpu_ns + longer(0, launching - gpu_ns);
}

/* Layers that take layer_ns of the GPU each, and the rest of the iteration. */
static struct prefill_time iteration_of(const struct timing *timing, double layer_ns,
                                        double once_ns, double tokens, double sequences)
{
    once_ns += timing->host.gap_ns;
    double gpu_ns = timing->layers * layer_ns + once_ns;
    return (struct prefill_time){
        .layer_ns = whole_ns(layer_ns),
        .overhead_ns = whole_ns(once_ns + exposed_ns(timing, gpu_ns, tokens, sequences)),
    };
}

static double once_ns(const struct timing *timing, double tokens, double logits)
{
    double sum_ns = timing->iteration_ns + tokens * timing->token_ns + head_ns(timing, logits);
    if (timing->allreduces > 0)
        sum_ns += timing_table_ns(&timing->allreduce_table, tokens);
    return sum_ns;
}

struct prefill_time timing_prefill(const struct timing *timing, uint64_t new_tokens,
                                   uint64_t cached_tokens)
{
    assert(new_tokens >= 1);
    if (timing->is_measured)
        return measured_timing_prefill(&timing->measured, new_tokens, cached_tokens);
    double tokens = (double)new_tokens;
    return iteration_of(timing,
                        layer_ns(timing, tokens) +
                            timing_mixing_prefill_ns(timing, 1, new_tokens, cached_tokens),
                        once_ns(timing, tokens, 1), tokens, 1);
}

/* As long as the CPU is the longer, an iteration takes as long as it does. */
static void overlap_host(double cpu_ns, uint32_t batch, uint64_t context_tokens,
                         uint64_t window_tokens, struct decode_time *time)
{
    double gpu_ns = decode_time_ns(time, context_tokens, window_tokens);
    double growth_ns = (time->per_token_ns + time->window_token_ns) * batch;
    if (gpu_ns >= cpu_ns)
        return;
    double more = growth_ns > 0 ? (cpu_ns - gpu_ns) / growth_ns : 0x1p62;
    uint64_t repeats = more < 0x1p62 ? (uint64_t)more + 1 : UINT64_MAX;
    *time = (struct decode_time){ .base_ns = cpu_ns,
                                  .repeats = repeats < time->repeats ? repeats : time->repeats };
}

struct decode_time timing_decode(const struct timing *timing, uint32_t batch,
                                 uint64_t context_tokens, uint64_t window_tokens)
{
    assert(batch >= 1);
    if (timing->is_measured)
        return measured_timing_decode(&timing->measured, batch);
    double tokens = batch, layers = timing->layers;
    struct decode_time time = timing_mixing_decode(timing, batch, context_tokens, window_tokens);
    time.base_ns =
        layers * (layer_ns(timing, tokens) + time.base_ns) + once_ns(timing, tokens, tokens) + timing->host.gap_ns;
    time.per_token_ns *= layers;
    time.window_token_ns *= layers;
    double cpu_ns = timing->host.iteration_ns + tokens * timing->host.sequence_ns;
    double launching = launching_ns(timing, tokens);
    if (timing->host.overlaps) {
        overlap_host(cpu_ns + launching, batch, context_tokens, window_tokens, &time);
    } else {
        overlap_host(launching, batch, context_tokens, window_tokens, &time);
        time.base_ns += cpu_ns;
    }
    return time;
}

double timing_reply_ns(const struct timing *timing, uint64_t context_tokens, uint64_t tokens)
{
    double sum_ns = 0;
    while (tokens > 0) {
        uint64_t window = timing_window_context(timing, context_tokens);
        uint64_t growth = timing_window_growth(timing, context_tokens), repeats = tokens;
        struct decode_time time = timing_decode(timing, 1, context_tokens, window);
        if (time.repeats < repeats)
            repeats = time.repeats;
        if (growth != UINT64_MAX && growth + 1 < repeats)
            repeats = growth + 1;
        double times = (double)repeats, more = times * (times - 1) / 2;
        double grows = growth == UINT64_MAX ? 0 : more;
        sum_ns += times * time.base_ns +
                  time.per_token_ns * (times * (double)context_tokens + more) +
                  time.window_token_ns * (times * (double)window + grows);
        context_tokens += repeats;
        tokens -= repeats;
    }
    return sum_ns;
}

/* Measured were single prefills: one of as many tokens, and of as many pairs of tokens that attend
 * to each other. Several prompts from their start have fewer pairs: then none cached. */
static struct prefill_time measured_mixed(const struct timing *timing,
                                          const struct timing_work *work)
{
    double each = work->prefill_alike > 0 ? (double)work->prefill_alike
                  : work->prefills > 0    ? (double)work->prefill_new / work->prefills
                                          : 0;
    double cached = (double)work->prefill_cached - ((double)work->prefill_new - each) / 2;
    return measured_timing_mixed(&timing->measured, work->prefill_new,
                                 cached > 0 ? (uint64_t)(cached + 0.5) : 0, work->decodes,
                                 work->decode_context);
}

struct prefill_time timing_mixed(const struct timing *timing, const struct timing_work *work)
{
    assert(work->prefill_new + work->decodes >= 1);
    if (timing->is_measured)
        return measured_mixed(timing, work);
    double tokens = (double)work->prefill_new + work->decodes;
    double sequences = (double)work->prefills + work->decodes;
    uint64_t each = work->prefills == 0       ? 0
                    : work->prefill_alike > 0 ? work->prefill_alike
                                              : work->prefill_new / work->prefills;
    double alike = work->prefills > 0 ? (double)work->prefill_new / (double)each : 0;
    double mixing_ns =
        timing_mixing_both_ns(timing, alike, each, work->prefill_cached, work->decodes,
                              work->decode_context, work->decode_window);
    return iteration_of(timing, layer_ns(timing, tokens) + mixing_ns,
                        once_ns(timing, tokens, sequences), tokens, sequences);
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
