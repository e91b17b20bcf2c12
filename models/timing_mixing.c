/* models/timing_mixing.c - see timing_mixing.h. docs/model.md has each equation. */
#include "models/timing_mixing.h"

#include "models/matrices.h"
#include "models/timing_rates.h"
#include "models/timing_surface.h"
#include "models/timing_tables.h"

static double longer(double a, double b)
{
    return a > b ? a : b;
}

/* ---- preparing ---- */

static struct timing_attention multi_head(const struct model *model, struct attention_heads of,
                                          uint32_t ranks, struct timing_rates rates)
{
    double heads = (double)of.heads / ranks, both = (double)of.key_dim + of.value_dim;
    double kv_heads = heads_of_rank(of.kv_heads, ranks);
    /* q.k and p.v: a multiplication and a sum each */
    double pair_ns = 2 * heads * both / rates.attention_flop;
    double kv_ns = kv_heads * both * model->kv_bytes_per_value / rates.bytes;
    return (struct timing_attention){ .pair_ns = pair_ns,
                                      .query_stream_ns =
                                          heads * both * TIMING_ACTIVATION_BYTES / rates.bytes,
                                      .kv_stream_ns = kv_ns,
                                      .decode_context_ns = longer(pair_ns, kv_ns) };
}

/* Prefill decompresses K and V and attends with them; decode attends in the latent space, where a
 * context token is one vector for all heads (DeepSeek-V2, arXiv 2405.04434, 2.1). */
static struct timing_attention latent(const struct model *model, uint32_t ranks,
                                      struct timing_rates rates)
{
    struct attention_heads of = model_full_attention(model);
    double heads = (double)of.heads / ranks;
    double key_dim = (double)of.key_dim + model->rope_dim, value_dim = of.value_dim;
    double latent_key_dim = (double)model->latent_dim + model->rope_dim;
    double decompressed = heads * ((double)of.key_dim + value_dim);
    double stream_ns = heads * (key_dim + value_dim) * TIMING_ACTIVATION_BYTES / rates.bytes;
    return (struct timing_attention){
        .pair_ns = 2 * heads * (key_dim + value_dim) / rates.attention_flop,
        .query_stream_ns = stream_ns,
        .kv_stream_ns = stream_ns,
        .cached_ns = longer(
            2 * model->latent_dim * decompressed / rates.gemm_flop,
            (latent_key_dim * model->kv_bytes_per_value + decompressed * TIMING_ACTIVATION_BYTES) /
                rates.bytes),
        .decode_context_ns =
            longer(2 * heads * (latent_key_dim + model->latent_dim) / rates.attention_flop,
                   latent_key_dim * model->kv_bytes_per_value / rates.bytes)
    };
}

/* The indexer scores every pair by a product of keys, all of it on every rank; its keys are of one
 * byte. Computed at attention's rate, though in fp8: an upper bound. */
static struct timing_attention indexer(const struct model *model, struct timing_rates rates)
{
    double pair_ns = 2.0 * model->index_heads * model->index_dim / rates.attention_flop;
    double key_ns = model->index_dim / rates.bytes;
    return (struct timing_attention){ .pair_ns = pair_ns,
                                      .query_stream_ns = (double)model->index_heads *
                                                         model->index_dim / rates.bytes,
                                      .kv_stream_ns = key_ns,
                                      .decode_context_ns = longer(pair_ns, key_ns) };
}

/* With an indexer, what sees everything is the indexer, and attention reads what it chose. */
static void prepare_attention(struct timing *timing, const struct model *model, uint32_t ranks,
                              struct timing_rates rates)
{
    bool is_latent = model->attention == ATTENTION_LATENT;
    timing->full_rates = is_latent ? latent(model, ranks, rates)
                                   : multi_head(model, model_full_attention(model), ranks, rates);
    timing->window_rates = is_latent
                               ? timing->full_rates
                               : multi_head(model, model_window_attention(model), ranks, rates);
    if (model->index_layers > 0) {
        timing->window_rates = timing->full_rates;
        timing->full_rates = indexer(model, rates);
    }
}

static void prepare_kinds(struct timing *timing, const struct model *model)
{
    double layers = model->layers;
    uint32_t attention = model_attention_layers(model);
    bool indexed = model->index_layers > 0;
    timing->full_share =
        (indexed ? model->index_layers : attention - model->window_layers) / layers;
    timing->window_share = (indexed ? attention : model->window_layers) / layers;
    timing->window_tokens = indexed ? model->index_tokens : model->window_tokens;
    timing->window_chunked = model->window == WINDOW_CHUNKED;
}

/* The scan over a state. A token decays it, adds an outer product and reads it: five operations a
 * value (delta: two more, to see what the key held). In prefill its vectors pass through memory and
 * the state stays on chip; each sequence of an iteration reads and writes its state once. A lower
 * bound: no scan was measured. */
static void prepare_state(struct timing *timing, const struct model *model, uint32_t ranks,
                          struct timing_rates rates)
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
                       vectors * TIMING_ACTIVATION_BYTES / rates.bytes);
    timing->state_sequence_ns = share * 2 * state_bytes / rates.bytes;
}

/* ---- fitted attention ---- */

static double full_decode_ns(const void *what, double batch, double tokens)
{
    const struct timing *timing = what;
    return timing->attention_latent ? attention_latent_decode_ns(&timing->attention, timing->peak,
                                                                 &timing->latent, batch, tokens)
                                    : attention_decode_prepared_ns(&timing->full, batch, tokens);
}

static double window_decode_ns(const void *what, double batch, double tokens)
{
    const struct timing *timing = what;
    return attention_decode_prepared_ns(&timing->window_decoding, batch, tokens);
}

/* What windows show of the batch's contexts, told so that contexts beyond all of them are beyond.
 */
static double windowed(const struct timing *timing, double batch, double window_tokens)
{
    bool full = !timing->window_chunked && window_tokens >= batch * timing->window_tokens;
    return full ? window_tokens + batch : window_tokens;
}

/* Keys and values of unlike widths are as wide as their mean. */
static struct attention_shape shape_of(const struct model *model, struct attention_heads of,
                                       uint32_t ranks)
{
    return (struct attention_shape){ .heads = (double)of.heads / ranks,
                                     .kv_heads = heads_of_rank(of.kv_heads, ranks),
                                     .head_dim = ((double)of.key_dim + of.value_dim) / 2,
                                     .kv_bytes = model->kv_bytes_per_value,
                                     .cold = true };
}

/* In serving, what a layer reads is not in the L2 any more: other layers ran in between. Of a
 * chunk's tokens each sees half of the chunk on average. */
static void prepare_fitted(struct timing *timing, const struct model *model,
                           const struct hardware *hardware, uint32_t ranks)
{
    bool latent = model->attention == ATTENTION_LATENT;
    timing->attention_fitted = hardware->attention_file[0] != '\0' &&
                               model_attention_layers(model) > 0 && model->index_layers == 0 &&
                               (!latent || hardware->attention.latent_fitted);
    if (!timing->attention_fitted)
        return;
    timing->attention = hardware->attention;
    timing->attention_latent = latent;
    timing->peak = timing_peak(hardware);
    struct attention_heads of = model_full_attention(model);
    timing->latent = (struct latent_shape){ .heads = (double)of.heads / ranks,
                                            .latent_dim = model->latent_dim,
                                            .rope_dim = model->rope_dim,
                                            .head_dim = model->head_dim,
                                            .kv_bytes = model->kv_bytes_per_value };
    struct attention_shape shape = shape_of(model, of, ranks);
    timing->full = attention_prepare(&timing->attention, timing->peak, &shape);
    shape = shape_of(model, model_window_attention(model), ranks);
    shape.window_tokens =
        timing->window_chunked ? (double)model->window_tokens / 2 : model->window_tokens;
    timing->window = attention_prepare(&timing->attention, timing->peak, &shape);
    shape.window_tokens = model->window_tokens;
    timing->window_decoding = attention_prepare(&timing->attention, timing->peak, &shape);
    timing_surface_fill(&timing->full_decode, full_decode_ns, timing);
    if (timing->window_tokens > 0)
        timing_surface_fill(&timing->window_decode, window_decode_ns, timing);
}

/* A kind of layer's prefills, and the turns that decode in the same launch. */
static double fitted_full_ns(const struct timing *timing, double sequences, double new_tokens,
                             double cached_tokens, double decodes, double context_tokens)
{
    if (!timing->attention_latent)
        return attention_mixed_prepared_ns(&timing->full, sequences, new_tokens, cached_tokens,
                                           decodes, context_tokens);
    /* MLA's are two kernels. */
    return attention_latent_prefill_ns(&timing->attention, timing->peak, &timing->latent, sequences,
                                       new_tokens, cached_tokens) +
           attention_latent_decode_ns(&timing->attention, timing->peak, &timing->latent, decodes,
                                      context_tokens);
}

static double fitted_ns(const struct timing *timing, double sequences, double new_tokens,
                        double cached_tokens, double decodes, double context_tokens,
                        double window_tokens)
{
    double sum_ns = timing->full_share * fitted_full_ns(timing, sequences, new_tokens,
                                                        cached_tokens, decodes, context_tokens);
    if (timing->window_tokens > 0)
        sum_ns += timing->window_share *
                  attention_mixed_prepared_ns(&timing->window, sequences, new_tokens, cached_tokens,
                                              decodes, windowed(timing, decodes, window_tokens));
    return sum_ns;
}

/* ---- all of them ---- */

void timing_mixing_prepare(struct timing *timing, const struct model *model,
                           const struct hardware *hardware, uint32_t ranks)
{
    struct timing_rates rates = timing_rates_of(hardware);
    prepare_attention(timing, model, ranks, rates);
    prepare_kinds(timing, model);
    prepare_state(timing, model, ranks, rates);
    prepare_fitted(timing, model, hardware, ranks);
    uint32_t attending = timing->attention_fitted ? 0 : model_attention_layers(model);
    uint32_t kernels = attending + model->state_layers + model->index_layers;
    timing->layer_ns += (double)kernels / model->layers * (double)hardware->kernel_launch_ns;
}

/* ---- prefill ---- */

static double full_attention_ns(const struct timing *timing, double sequences, double new_tokens,
                                double cached_tokens)
{
    double pairs = new_tokens * cached_tokens + new_tokens * (new_tokens + 1) / 2;
    const struct timing_attention *rates = &timing->full_rates;
    double stream_ns =
        new_tokens * rates->query_stream_ns + (new_tokens + cached_tokens) * rates->kv_stream_ns;
    return sequences *
           (longer(pairs * rates->pair_ns, stream_ns) + cached_tokens * rates->cached_ns);
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
    uint64_t chunks = end / chunk;
    double whole = (double)chunks, rest = (double)(end % chunk), size = (double)chunk;
    return whole * size * (size + 1) / 2 + rest * (rest + 1) / 2;
}

static double window_attention_ns(const struct timing *timing, double sequences,
                                  uint64_t new_tokens, uint64_t cached_tokens)
{
    uint64_t end = new_tokens + cached_tokens, window = timing->window_tokens;
    double pairs = timing->window_chunked
                       ? chunked_pairs(end, window) - chunked_pairs(cached_tokens, window)
                       : sliding_pairs((double)end, (double)window) -
                             sliding_pairs((double)cached_tokens, (double)window);
    uint64_t seen = cached_tokens == 0 ? 0 : timing_window_context(timing, cached_tokens);
    const struct timing_attention *rates = &timing->window_rates;
    double stream_ns = (double)new_tokens * rates->query_stream_ns +
                       (double)(new_tokens + seen) * rates->kv_stream_ns;
    return sequences *
           (longer(pairs * rates->pair_ns, stream_ns) + (double)seen * rates->cached_ns);
}

static double roofline_ns(const struct timing *timing, double sequences, uint64_t new_tokens,
                          uint64_t cached_tokens)
{
    double sum_ns = timing->full_share *
                    full_attention_ns(timing, sequences, (double)new_tokens, (double)cached_tokens);
    if (timing->window_tokens > 0)
        sum_ns += timing->window_share *
                  window_attention_ns(timing, sequences, new_tokens, cached_tokens);
    return sum_ns;
}

static double states_ns(const struct timing *timing, double sequences, double new_tokens)
{
    return sequences * (new_tokens * timing->state_token_ns + timing->state_sequence_ns);
}

double timing_mixing_prefill_ns(const struct timing *timing, double sequences, uint64_t new_tokens,
                                uint64_t cached_tokens)
{
    double fresh = (double)new_tokens;
    double ns = timing->attention_fitted
                    ? fitted_ns(timing, sequences, fresh, (double)cached_tokens, 0, 0, 0)
                    : roofline_ns(timing, sequences, new_tokens, cached_tokens);
    return ns + states_ns(timing, sequences, fresh);
}

/* ---- decode ---- */

static struct decode_time roofline_decode(const struct timing *timing, double batch)
{
    const struct timing_attention *full = &timing->full_rates, *window = &timing->window_rates;
    return (
        struct decode_time){ .base_ns = batch * (timing->full_share * full->query_stream_ns +
                                                 timing->window_share * window->query_stream_ns),
                             .per_token_ns = timing->full_share * full->decode_context_ns,
                             .window_token_ns = timing->window_share * window->decode_context_ns,
                             .repeats = UINT64_MAX };
}

/* Where every window is full, contexts lie beyond: a time of its own, for ever. */
static struct timing_line window_line(const struct timing *timing, uint32_t batch,
                                      uint64_t window_tokens)
{
    double seen = windowed(timing, batch, (double)window_tokens);
    if (seen <= (double)window_tokens)
        return timing_surface_line(&timing->window_decode, batch, window_tokens, batch);
    return (struct timing_line){ .base_ns = window_decode_ns(timing, batch, seen),
                                 .repeats = UINT64_MAX };
}

static struct decode_time fitted_decode(const struct timing *timing, uint32_t batch,
                                        uint64_t context_tokens, uint64_t window_tokens)
{
    struct timing_line full =
        timing_surface_line(&timing->full_decode, batch, context_tokens, batch);
    struct decode_time time = { .base_ns = timing->full_share * full.base_ns,
                                .per_token_ns = timing->full_share * full.slope_ns,
                                .repeats = full.repeats };
    if (timing->window_tokens == 0)
        return time;
    struct timing_line window = window_line(timing, batch, window_tokens);
    time.base_ns += timing->window_share * window.base_ns;
    time.window_token_ns = timing->window_share * window.slope_ns;
    time.repeats = window.repeats < time.repeats ? window.repeats : time.repeats;
    return time;
}

struct decode_time timing_mixing_decode(const struct timing *timing, uint32_t batch,
                                        uint64_t context_tokens, uint64_t window_tokens)
{
    struct decode_time time = timing->attention_fitted
                                  ? fitted_decode(timing, batch, context_tokens, window_tokens)
                                  : roofline_decode(timing, batch);
    time.base_ns += states_ns(timing, batch, 1);
    return time;
}

/* ---- both ---- */

static double decode_ns(const struct timing *timing, uint32_t decodes, uint64_t context_tokens,
                        uint64_t window_tokens)
{
    struct decode_time time = timing_mixing_decode(timing, decodes, context_tokens, window_tokens);
    return decode_time_ns(&time, context_tokens, window_tokens);
}

double timing_mixing_both_ns(const struct timing *timing, double sequences, uint64_t new_tokens,
                             uint64_t cached_tokens, uint32_t decodes, uint64_t context_tokens,
                             uint64_t window_tokens)
{
    if (sequences <= 0)
        return decode_ns(timing, decodes, context_tokens, window_tokens);
    if (decodes == 0)
        return timing_mixing_prefill_ns(timing, sequences, new_tokens, cached_tokens);
    if (!timing->attention_fitted)
        return timing_mixing_prefill_ns(timing, sequences, new_tokens, cached_tokens) +
               decode_ns(timing, decodes, context_tokens, window_tokens);
    double fresh = (double)new_tokens;
    return fitted_ns(timing, sequences, fresh, (double)cached_tokens, decodes,
                     (double)context_tokens, (double)window_tokens) +
           states_ns(timing, sequences, fresh) + states_ns(timing, decodes, 1);
}
