/* models/attention.c - see attention.h. Evaluated in an iteration's time: no allocation, no
 * transcendental function, only + - * / sqrt and rounding, so that a time is the same on every
 * machine. Times are ns, rates per ns. */
#include "models/attention.h"

#include <math.h>

#define ACTIVATION_BYTES 2.0 /* queries, outputs, new K and V: bf16 and fp16 */
#define UPDATE_THREADS 512.0 /* of the kernel that writes K and V, a block a token, at most */
#define DECODE_ROWS 64.0     /* query heads of one KV head that share a tile of decode, */
#define FEW_ROWS 16.0        /* and the least that tensor cores compute */
#define SPLIT_KEYS 128.0     /* a context is not split into parts of fewer */
#define FULL_BLOCKS 2.0      /* a split fills so many blocks on each multiprocessor */
/* Sequences that FlashAttention-3 plans ahead, 31 in each of 32 warps
 * (hopper/flash_prepare_scheduler.cu). */
#define PLANNED_MOST 992.0

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

static double clamped(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* ceil() and floor() of what is not negative and below 2^53: a call each, without SSE4.1. */
static double up(double value)
{
    double whole = (double)(int64_t)value;
    return whole < value ? whole + 1 : whole;
}

static double down(double value)
{
    return (double)(int64_t)value;
}

/* Two things that happen together: the longer one at overlap -> 0, the sum at 2. */
static double together(double a, double b, double overlap)
{
    return sqrt(a * a + b * b + overlap * a * b);
}

static const struct attention_coefficients *coefficients_of(const struct attention_fit *fit,
                                                            const struct attention_shape *shape)
{
    return shape->kv_bytes < 2 && fit->narrow_fitted ? &fit->narrow : &fit->wide;
}

static const struct attention_width *width_of(const struct attention_coefficients *of,
                                              double head_dim)
{
    return &of->width[head_dim <= 64    ? 0
                      : head_dim <= 128 ? 1
                      : head_dim <= 192 ? 2
                      : head_dim <= 256 ? 3
                                        : 4];
}

/* ns a byte takes at the whole HBM bandwidth, where the launch moves `bytes` in all. */
static double byte_ns(const struct attention_fit *fit, const struct attention_coefficients *of,
                      struct gpu_peak peak, double bytes, bool cold)
{
    double l2 = (double)fit->l2_bytes * of->l2_start;
    double hit = cold ? 0 : clamped(1 - (bytes / l2 - 1) / of->l2_fade, 0, 1);
    return (1 - hit + hit / of->l2_gain) / peak.bytes;
}

/* Writing new K and V to the cache: a thread block a token, in waves; or their bytes. */
static double update_ns(const struct attention_fit *fit, const struct attention_coefficients *of,
                        const struct attention_shape *shape, double tokens, double per_byte_ns)
{
    double values = shape->kv_heads * shape->head_dim;
    double threads = least(UPDATE_THREADS, values);
    double waves = tokens * threads / ((double)fit->multiprocessors * fit->threads);
    double bytes = tokens * values * 2 * (ACTIVATION_BYTES + shape->kv_bytes);
    return together(waves * of->update_ns, bytes * per_byte_ns / of->update_efficiency, 0);
}

/* ---- tiles ---- */

/* Tiles of one launch, all multiprocessors together: busy_ns, their work over the number of
 * multiprocessors; longest_ns, the longest of them among others, and alone_ns, by itself; alike:
 * from 0, lengths grow as those of a causal prefill, to 1, all have the same. */
struct tiles {
    double busy_ns, longest_ns, alone_ns, alike;
    double splits; /* of each over its keys; 1: none */
};

/* The multiprocessors take tiles as they come: the last one ends late; where all are alike, whole
 * waves pass. A tile is slowed by the others as far as there are some. */
static double tiles_ns(const struct attention_coefficients *of, const struct tiles *tiles)
{
    double waves = tiles->busy_ns / tiles->longest_ns;
    double each_ns = tiles->alone_ns + (tiles->longest_ns - tiles->alone_ns) * least(waves, 1);
    double whole_ns = most(1, up(waves - 1e-6)) * each_ns;
    double passed_ns = tiles->busy_ns + of->tail * tiles->longest_ns;
    return most(tiles->alone_ns, tiles->alike * whole_ns + (1 - tiles->alike) * passed_ns);
}

/* Steps of all tiles of a sequence, tile i = 1.. of `count` taking the least of first + i * span,
 * last and window; 1 at least. */
static double steps_of(double count, double span, double first, double last, double window)
{
    double cap = least(last, window);
    double growing = clamped(down(most(0, (cap - first) / span)), 0, count);
    double sum = growing * (growing + 1) / 2 * span + growing * first + (count - growing) * cap;
    return most(sum, count);
}

static struct tiles prefill_tiles(const struct attention_fit *fit,
                                  const struct attention_coefficients *of, struct gpu_peak peak,
                                  const struct attention_shape *shape, double sequences,
                                  double new_tokens, double cached)
{
    const struct attention_width *width = width_of(of, shape->head_dim);
    bool windowed = shape->window_tokens > 0;
    double rows = windowed ? width->window_rows : width->rows;
    double keys = windowed ? width->window_keys : width->keys;
    bool splitting = of->kernel == ATTENTION_FLASH_3 || of->kernel == ATTENTION_FLASHINFER;
    double packed = splitting ? shape->heads / shape->kv_heads : 1;
    double count = up(new_tokens * packed / rows), span = rows / packed / keys;
    double last = up((cached + new_tokens) / keys);
    double window = windowed ? shape->window_tokens / keys + most(1, span) : last;
    /* Half a step more where a tile's rows end within a step. */
    double first = cached / keys + (span < 1 ? 0.5 * (1 - span) : 0);
    double steps = steps_of(count, span, first, last, window);
    double longest = least(last, window), processors = fit->multiprocessors;
    double step_ns =
        4 * rows * keys * shape->head_dim * processors / (peak.flop * width->efficiency);
    double heads = sequences * shape->heads / packed;
    double parts = of->kernel == ATTENTION_FLASH_3 ? longest / 2 : longest * keys / SPLIT_KEYS;
    double splits = splitting ? clamped(processors / (heads * count), 1, most(1, parts)) : 1;
    double alike = clamped(2 * steps / (count * longest) - 1, 0, 1);
    return (struct tiles){
        .busy_ns = heads * (steps * step_ns + count * width->tile_ns) / processors,
        .longest_ns = longest * step_ns + width->tile_ns,
        .alone_ns = of->longest * (longest / splits * step_ns + width->tile_ns) +
                    (splits > 1 ? of->split_ns : 0),
        .alike = splitting ? 0 : alike,
        .splits = splits,
    };
}

/* ---- prefill ---- */

static double query_bytes(const struct attention_shape *shape, double tokens)
{
    return tokens * shape->heads * shape->head_dim * 2 * ACTIVATION_BYTES;
}

static double kv_bytes(const struct attention_shape *shape, double tokens)
{
    return tokens * shape->kv_heads * shape->head_dim * 2 * shape->kv_bytes;
}

/* What of a sequence a prefill reads: with a window, not all of what is cached. */
static double seen(const struct attention_shape *shape, double new_tokens, double cached)
{
    return new_tokens +
           (shape->window_tokens > 0 ? least(cached, shape->window_tokens - 1) : cached);
}

double attention_prefill_ns(const struct attention_fit *fit, struct gpu_peak peak,
                            const struct attention_shape *shape, double sequences,
                            double new_tokens, double cached_tokens)
{
    if (sequences <= 0 || new_tokens <= 0)
        return 0;
    if (new_tokens == 1)
        return attention_decode_ns(fit, peak, shape, sequences, sequences * (cached_tokens + 1));
    const struct attention_coefficients *of = coefficients_of(fit, shape);
    struct tiles tiles = prefill_tiles(fit, of, peak, shape, sequences, new_tokens, cached_tokens);
    double tokens = sequences * new_tokens;
    double moved = query_bytes(shape, tokens) +
                   kv_bytes(shape, sequences * seen(shape, new_tokens, cached_tokens));
    double written = tokens * shape->kv_heads * shape->head_dim * 2 * ACTIVATION_BYTES;
    /* A layer's queries and new K and V were made just before, whatever the run. */
    double per_byte_ns = byte_ns(fit, of, peak, moved + written, shape->cold && cached_tokens > 0);
    double joining_ns = of->kernel == ATTENTION_FLASHINFER && tiles.splits > 1
                            ? tokens * shape->heads * of->join_ns
                            : 0;
    return of->prefill_ns + joining_ns +
           together(tiles_ns(of, &tiles), moved * per_byte_ns / of->stream_efficiency,
                    of->overlap) +
           update_ns(fit, of, shape, tokens, per_byte_ns);
}

/* ---- decode ---- */

/* One query a sequence. */
struct decode {
    double keys;       /* that a sequence sees */
    double tile_ns;    /* tiles' and heads' own time, over the multiprocessors */
    double longest_ns; /* a tile's walk along its keys */
    double bytes, moving_ns;
    double regroup_ns;
};

/* Query heads of a KV head that are tiles of their own read its KV each for itself: again from HBM,
 * if between them lie more tiles than the GPU holds, and more bytes than its L2. */
static double reread_bytes(const struct attention_fit *fit, const struct attention_coefficients *of,
                           const struct attention_shape *shape, double sequences, double kv)
{
    double group = shape->heads / shape->kv_heads;
    double fulls = group * sequences / fit->multiprocessors;
    double too_large = clamped(kv / shape->kv_heads / (double)fit->l2_bytes - 1, 0, 1);
    return (group - 1) * too_large * clamped((fulls / of->reread - 1) / 2, 0, 1) * kv;
}

static double decode_splits(const struct attention_fit *fit,
                            const struct attention_coefficients *of, double tiles, double keys)
{
    double full = FULL_BLOCKS * fit->multiprocessors / tiles;
    return most(1, least(least(full, of->splits_most), keys / SPLIT_KEYS));
}

static struct decode decode_of(const struct attention_fit *fit,
                               const struct attention_coefficients *of, struct gpu_peak peak,
                               const struct attention_shape *shape, double sequences,
                               double context)
{
    const struct attention_width *width = width_of(of, shape->head_dim);
    double group = shape->heads / shape->kv_heads, mean = context / sequences;
    bool windowed = shape->window_tokens > 0, first_kind = of->kernel == ATTENTION_FLASH_2;
    bool far = windowed && mean > shape->window_tokens, alone = windowed && first_kind;
    struct decode decode = { .keys = far ? shape->window_tokens : mean };
    double tiles = sequences * (alone ? shape->heads : shape->kv_heads * up(group / DECODE_ROWS));
    double splits =
        first_kind && (alone || group == 1) ? 1 : decode_splits(fit, of, tiles, decode.keys);
    decode.tile_ns = (tiles * (width->decode_tile_ns + (far ? width->decode_window_ns : 0)) +
                      sequences * shape->heads * of->head_ns * shape->head_dim / 128) /
                     fit->multiprocessors;
    decode.longest_ns =
        decode.keys / splits * shape->head_dim * 2 * shape->kv_bytes / of->tile_bytes_per_ns +
        least(1, splits - 1) * of->split_ns + (splits - 1) * of->split_part_ns;
    double kv = kv_bytes(shape, sequences * decode.keys);
    decode.bytes = kv + query_bytes(shape, sequences);
    double again = alone ? reread_bytes(fit, of, shape, sequences, kv) : 0;
    decode.moving_ns = (decode.bytes + again) * byte_ns(fit, of, peak, decode.bytes, shape->cold) /
                       width->decode_efficiency;
    double row_tile =
        of->kernel >= ATTENTION_FLASHINFER && group <= FEW_ROWS ? FEW_ROWS : DECODE_ROWS;
    double rows =
        alone ? shape->heads * DECODE_ROWS : shape->kv_heads * up(group / row_tile) * row_tile;
    double flop = 4 * sequences * decode.keys * rows * shape->head_dim;
    decode.moving_ns = together(decode.moving_ns, flop / (peak.flop * of->decode_flop_share), 0);
    /* Two copies, for which K heads of B sequences need other strides. */
    decode.regroup_ns = first_kind && !windowed && group > 1 && shape->kv_heads > 1 && sequences > 1
                            ? of->regroup_ns
                            : 0;
    return decode;
}

double attention_decode_ns(const struct attention_fit *fit, struct gpu_peak peak,
                           const struct attention_shape *shape, double sequences,
                           double context_tokens)
{
    if (sequences <= 0)
        return 0;
    const struct attention_coefficients *of = coefficients_of(fit, shape);
    struct decode decode = decode_of(fit, of, peak, shape, sequences, context_tokens);
    double work_ns = together(decode.tile_ns, decode.moving_ns, of->decode_overlap);
    double planning_ns = of->kernel == ATTENTION_FLASH_3 && sequences <= PLANNED_MOST
                             ? sequences * of->sequence_ns
                             : 0;
    return of->decode_ns + decode.regroup_ns + planning_ns +
           together(work_ns, decode.longest_ns, of->decode_mix);
}

/* ---- both in one launch ---- */

/* FlashAttention-2's grid has as many tiles for each sequence as the longest prefill needs
 * (csrc/flash_attn/src/flash_fwd_launch_template.h: num_m_block of max_seqlen_q): those behind a
 * decoding sequence's first are launched, find no query and end. */
static double empty_ns(const struct attention_fit *fit, const struct attention_coefficients *of,
                       const struct attention_shape *shape, double sequences, double new_tokens)
{
    if (of->kernel != ATTENTION_FLASH_2)
        return 0;
    const struct attention_width *width = width_of(of, shape->head_dim);
    double rows = shape->window_tokens > 0 ? width->window_rows : width->rows;
    double empty = sequences * shape->heads * (up(new_tokens / rows) - 1);
    return empty * of->empty_ns / fit->multiprocessors;
}

/* Decoding sequences in a launch of prefill tiles: a tile a query head (FlashAttention-2) or KV
 * head, most of whose rows are empty, over all of its context. */
static struct tiles decode_as_tiles(const struct attention_fit *fit,
                                    const struct attention_coefficients *of, struct gpu_peak peak,
                                    const struct attention_shape *shape, double sequences,
                                    double context)
{
    struct tiles one = prefill_tiles(fit, of, peak, shape, sequences, 1, context / sequences - 1);
    one.alike = of->kernel == ATTENTION_FLASH_3 ? 0 : 1;
    return one;
}

/* Short tiles fill what room long ones leave. */
static struct tiles joined(const struct tiles *a, const struct tiles *b)
{
    double busy_ns = a->busy_ns + b->busy_ns, longest_ns = most(a->longest_ns, b->longest_ns);
    return (struct tiles){
        .busy_ns = busy_ns,
        .longest_ns = longest_ns,
        .alone_ns = most(a->alone_ns, b->alone_ns),
        .alike = (a->alike * a->busy_ns * a->longest_ns + b->alike * b->busy_ns * b->longest_ns) /
                 (busy_ns * longest_ns),
    };
}

static double one_launch_ns(const struct attention_fit *fit,
                            const struct attention_coefficients *of, struct gpu_peak peak,
                            const struct attention_shape *shape, double new_tokens, double cached,
                            double sequences, double context)
{
    struct tiles prefill = prefill_tiles(fit, of, peak, shape, 1, new_tokens, cached);
    struct tiles decode = decode_as_tiles(fit, of, peak, shape, sequences, context);
    struct tiles all = joined(&prefill, &decode);
    double keys = context / sequences;
    if (shape->window_tokens > 0)
        keys = least(keys, shape->window_tokens);
    double kv = kv_bytes(shape, sequences * keys), decoded = kv + query_bytes(shape, sequences);
    double prefilled =
        query_bytes(shape, new_tokens) + kv_bytes(shape, seen(shape, new_tokens, cached));
    double per_byte_ns = byte_ns(fit, of, peak, decoded + prefilled, shape->cold);
    double fresh_ns = byte_ns(fit, of, peak, decoded + prefilled, shape->cold && cached > 0);
    double again =
        of->kernel == ATTENTION_FLASH_2 ? reread_bytes(fit, of, shape, sequences, kv) : 0;
    double efficiency = width_of(of, shape->head_dim)->decode_efficiency;
    double moving_ns =
        prefilled * fresh_ns / of->stream_efficiency + (decoded + again) * per_byte_ns / efficiency;
    double computing_ns = most(tiles_ns(of, &all), tiles_ns(of, &prefill)) +
                          empty_ns(fit, of, shape, sequences, new_tokens);
    return of->prefill_ns + together(computing_ns, moving_ns, of->overlap) +
           update_ns(fit, of, shape, new_tokens + sequences, fresh_ns);
}

double attention_mixed_ns(const struct attention_fit *fit, struct gpu_peak peak,
                          const struct attention_shape *shape, double new_tokens,
                          double cached_tokens, double decode_sequences, double decode_context)
{
    if (decode_sequences <= 0)
        return attention_prefill_ns(fit, peak, shape, 1, new_tokens, cached_tokens);
    if (new_tokens <= 0)
        return attention_decode_ns(fit, peak, shape, decode_sequences, decode_context);
    const struct attention_coefficients *of = coefficients_of(fit, shape);
    if (of->kernel == ATTENTION_FLASH_2)
        return one_launch_ns(fit, of, peak, shape, new_tokens, cached_tokens, decode_sequences,
                             decode_context);
    double apart_ns = attention_prefill_ns(fit, peak, shape, 1, new_tokens, cached_tokens) +
                      attention_decode_ns(fit, peak, shape, decode_sequences, decode_context);
    if (of->kernel != ATTENTION_FLASH_3)
        return apart_ns;
    /* FlashAttention-3 decodes by the same tiles, with others or without, whose empty rows are
     * computed while their keys come: one after the other they take no longer than in two launches.
     * prefill's overlap, fitted where nothing was decoded, would say so of large batches. */
    return least(apart_ns, one_launch_ns(fit, of, peak, shape, new_tokens, cached_tokens,
                                         decode_sequences, decode_context));
}
