/* models/attention.c - see attention.h. Evaluated in an iteration's time: no allocation, no
 * transcendental function, only + - * / sqrt and rounding, so that a time is the same on every
 * machine; what no token changes was prepared (attention_prepare.c). Times are ns, rates per ns. */
#include "models/attention.h"

#include <math.h>

#define SPLIT_KEYS 128.0 /* a context is not split into parts of fewer */
#define FULL_BLOCKS 2.0  /* a split fills so many blocks on each multiprocessor */
/* Sequences that FlashAttention-3 plans ahead, 31 in each of 32 warps
 * (hopper/flash_prepare_scheduler.cu). */
#define PLANNED_MOST 992.0
/* Below any part of a whole that tokens make, above what a product of them is rounded by. */
#define ROUNDING 1e-6

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
    double whole = (double)(int64_t)(value - ROUNDING);
    return whole < value - ROUNDING ? whole + 1 : whole;
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

/* The share of what a launch moves that did not stay in the L2 since it was last moved, where
 * `bytes` passed in between. */
static double missed(const struct attention_prepared *of, double bytes)
{
    return clamped((bytes * of->bytes.l2_inverse - 1) * of->bytes.fade_inverse, 0, 1);
}

/* ns a byte takes at the whole HBM bandwidth, where the launch moves `bytes` in all. */
static double byte_ns(const struct attention_prepared *of, double bytes, bool cold)
{
    return cold ? of->bytes.ns : of->bytes.ns * (1 - (1 - missed(of, bytes)) * of->bytes.l2_saved);
}

/* Writing a token's new K and V to the cache: a thread block a token, in waves; or their bytes. */
static double update_ns(const struct attention_prepared *of, double per_byte_ns)
{
    if (per_byte_ns == of->bytes.ns)
        return of->prefill.update_cold_ns;
    return together(of->prefill.update_ns, of->prefill.update_bytes * per_byte_ns, 0);
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
static double tiles_ns(const struct attention_prepared *of, const struct tiles *tiles)
{
    double passed_ns = tiles->busy_ns + of->tiles.tail * tiles->longest_ns;
    if (tiles->alike == 0)
        return most(tiles->alone_ns, passed_ns);
    double waves = tiles->busy_ns / tiles->longest_ns;
    double each_ns = tiles->alone_ns + (tiles->longest_ns - tiles->alone_ns) * least(waves, 1);
    double whole_ns = most(1, up(waves)) * each_ns;
    return most(tiles->alone_ns, tiles->alike * whole_ns + (1 - tiles->alike) * passed_ns);
}

/* Steps of all tiles of a sequence, tile i = 1.. of `count` taking the least of first + i * span,
 * last and window; 1 at least. */
static double steps_of(const struct attention_prepared *of, double count, double first, double cap)
{
    double growing = clamped(down(most(0, (cap - first) * of->tiles.span_inverse)), 0, count);
    double sum =
        growing * (growing + 1) * 0.5 * of->tiles.span + growing * first + (count - growing) * cap;
    return most(sum, count);
}

static double splits_of(const struct attention_prepared *of, double tiles, double steps)
{
    if (!of->tiles.splitting || tiles >= of->processors)
        return 1;
    return least(of->processors / tiles, most(1, steps * of->tiles.parts_per_step));
}

static struct tiles prefill_tiles(const struct attention_prepared *of, double sequences,
                                  double new_tokens, double cached)
{
    double count = up(new_tokens * of->tiles.per_token);
    double last = up((cached + new_tokens) * of->tiles.keys_inverse);
    double longest = of->windowed ? least(last, of->tiles.window_steps) : last;
    double steps = steps_of(of, count, cached * of->tiles.keys_inverse + of->tiles.first, longest);
    double heads = sequences * of->tiles.per_sequence;
    double splits = splits_of(of, heads * count, longest);
    double own_ns = of->tiles.own_ns, step_ns = of->tiles.step_ns;
    double alone = splits > 1 ? longest / splits : longest;
    return (struct tiles){
        .busy_ns = heads * (steps * step_ns + count * own_ns) * of->processors_inverse,
        .longest_ns = longest * step_ns + own_ns,
        .alone_ns =
            of->tiles.alone * (alone * step_ns + own_ns) + (splits > 1 ? of->tiles.split_ns : 0),
        .alike = of->tiles.splitting ? 0 : clamped(2 * steps / (count * longest) - 1, 0, 1),
        .splits = splits,
    };
}

/* ---- prefill ---- */

/* What of a sequence a prefill reads: with a window, not all of what is cached. */
static double seen(const struct attention_prepared *of, double new_tokens, double cached)
{
    return new_tokens + (of->windowed ? least(cached, of->window_tokens - 1) : cached);
}

static double prefill_ns(const struct attention_prepared *of, const struct tiles *tiles,
                         double sequences, double new_tokens, double cached_tokens)
{
    double tokens = sequences * new_tokens;
    double moved =
        tokens * of->bytes.query + sequences * seen(of, new_tokens, cached_tokens) * of->bytes.kv;
    double written = tokens * of->bytes.written;
    /* A layer's queries and new K and V were made just before, whatever the run. */
    double per_byte_ns = byte_ns(of, moved + written, of->cold && cached_tokens > 0);
    double joining_ns = tiles->splits > 1 ? tokens * of->prefill.join_ns : 0;
    return of->prefill.launch_ns + joining_ns +
           together(tiles_ns(of, tiles), moved * per_byte_ns * of->prefill.stream_inverse,
                    of->prefill.overlap) +
           tokens * update_ns(of, per_byte_ns);
}

double attention_prefill_prepared_ns(const struct attention_prepared *of, double sequences,
                                     double new_tokens, double cached_tokens)
{
    if (sequences <= 0 || new_tokens <= 0)
        return 0;
    if (new_tokens == 1)
        return attention_decode_prepared_ns(of, sequences, sequences * (cached_tokens + 1));
    struct tiles tiles = prefill_tiles(of, sequences, new_tokens, cached_tokens);
    return prefill_ns(of, &tiles, sequences, new_tokens, cached_tokens);
}

/* ---- decode ---- */

/* Query heads of a KV head that are tiles of their own read its KV each for itself: again from HBM,
 * if between them lie more tiles than the GPU holds, and more bytes than its L2. */
static double reread_bytes(const struct attention_prepared *of, double sequences, double kv)
{
    double fulls = of->group * sequences * of->decode.reread_inverse;
    if (fulls <= 1)
        return 0;
    return (of->group - 1) * missed(of, kv / of->kv_heads) * least((fulls - 1) * 0.5, 1) * kv;
}

/* KV heads of a token that came with the one before, and left the L2 before their turn: in another
 * wave, if one KV head of all sequences fills the GPU. */
static double line_bytes(const struct attention_prepared *of, double sequences, double kv)
{
    double more = of->bytes.line_more, fulls = sequences * of->processors_inverse;
    if (more == 0 || fulls <= 1)
        return 0;
    return more * missed(of, (1 + more) * kv / of->kv_heads) * least(2 * (fulls - 1), 1) * kv;
}

static double decode_splits(const struct attention_prepared *of, double sequences, double keys)
{
    double tiles = of->decode.tiles * sequences, blocks = FULL_BLOCKS * of->processors;
    if (of->decode.whole || tiles >= blocks || keys <= SPLIT_KEYS)
        return 1;
    double parts = least(of->decode.splits_most, keys * (1 / SPLIT_KEYS));
    return most(1, least(blocks / tiles, parts));
}

/* Tiles' and heads' own time, over the multiprocessors. */
static double decode_tiles_ns(const struct attention_prepared *of, double sequences, bool far)
{
    double ns = sequences * (of->decode.own_ns + (far ? of->decode.far_ns : 0));
    if (of->decode.blocks_ns == 0)
        return ns;
    double walked = sequences * (of->decode.blocks_ns + sequences * of->decode.walk_ns);
    return ns + (sequences > PLANNED_MOST
                     ? walked * of->decode.unplanned
                     : walked + sequences * sequences * of->decode.join_walk_ns);
}

double attention_decode_prepared_ns(const struct attention_prepared *of, double sequences,
                                    double context_tokens)
{
    if (sequences <= 0)
        return 0;
    double keys = context_tokens / sequences;
    bool far = of->windowed && keys > of->window_tokens;
    if (far)
        keys = of->window_tokens;
    double splits = decode_splits(of, sequences, keys), parts = splits - 1;
    double longest_ns = of->decode.longest_ns +
                        (splits > 1 ? keys / splits : keys) * of->decode.key_ns +
                        least(1, parts) * of->decode.split_ns + parts * of->decode.part_ns;
    keys = most(0, keys - of->decode.hidden_keys);
    double kv = sequences * keys * of->bytes.kv, bytes = kv + sequences * of->bytes.query;
    double again =
        (of->decode.alone ? reread_bytes(of, sequences, kv) : 0) + line_bytes(of, sequences, kv);
    double moving_ns = together((bytes + again) * byte_ns(of, bytes, of->cold) * of->decode.inverse,
                                sequences * keys * of->decode.flop_ns, 0);
    double work_ns = together(decode_tiles_ns(of, sequences, far), moving_ns, of->decode.overlap);
    double planning_ns = sequences <= PLANNED_MOST ? sequences * of->decode.planning_ns : 0;
    return of->decode.launch_ns + (sequences > 1 ? of->decode.regroup_ns : 0) + planning_ns +
           together(work_ns, longest_ns, of->decode.mix);
}

/* ---- both in one launch ---- */

/* FlashAttention-2's grid has as many tiles for each sequence as the longest prefill needs
 * (csrc/flash_attn/src/flash_fwd_launch_template.h: num_m_block of max_seqlen_q): those behind a
 * decoding sequence's first are launched, find no query and end. */
static double empty_ns(const struct attention_prepared *of, double sequences, double new_tokens)
{
    return sequences * (up(new_tokens * of->tiles.per_token) - 1) * of->tiles.empty_ns;
}

/* Decoding sequences in a launch of prefill tiles: a tile a query head (FlashAttention-2) or KV
 * head, most of whose rows are empty, over all of its context. */
static struct tiles decode_as_tiles(const struct attention_prepared *of, double sequences,
                                    double keys)
{
    struct tiles one = prefill_tiles(of, sequences, 1, keys - 1);
    one.alike = of->kernel == ATTENTION_FLASH_3 ? 0 : 1;
    return one;
}

/* Short tiles fill what room long ones leave. */
static struct tiles joined(const struct tiles *a, const struct tiles *b)
{
    double busy_ns = a->busy_ns + b->busy_ns, longest_ns = most(a->longest_ns, b->longest_ns);
    double alike = a->alike * a->busy_ns * a->longest_ns + b->alike * b->busy_ns * b->longest_ns;
    return (struct tiles){
        .busy_ns = busy_ns,
        .longest_ns = longest_ns,
        .alone_ns = most(a->alone_ns, b->alone_ns),
        .alike = alike == 0 ? 0 : alike / (busy_ns * longest_ns),
    };
}

static double one_launch_ns(const struct attention_prepared *of, const struct tiles *prefill,
                            double prefills, double new_tokens, double cached, double sequences,
                            double context)
{
    double keys = context / sequences;
    struct tiles decode = decode_as_tiles(of, sequences, keys);
    struct tiles all = joined(prefill, &decode);
    if (of->windowed)
        keys = least(keys, of->window_tokens);
    double kv = sequences * keys * of->bytes.kv, decoded = kv + sequences * of->bytes.query;
    double prefilled =
        prefills * (new_tokens * of->bytes.query + seen(of, new_tokens, cached) * of->bytes.kv);
    double per_byte_ns = byte_ns(of, decoded + prefilled, of->cold);
    double fresh_ns = cached > 0 ? per_byte_ns : byte_ns(of, decoded + prefilled, false);
    double again = of->kernel == ATTENTION_FLASH_2 ? reread_bytes(of, sequences, kv) : 0;
    double moving_ns = prefilled * fresh_ns * of->prefill.stream_inverse +
                       (decoded + again) * per_byte_ns * of->decode.inverse;
    double computing_ns =
        most(tiles_ns(of, &all), tiles_ns(of, prefill)) + empty_ns(of, sequences, new_tokens);
    return of->prefill.launch_ns + together(computing_ns, moving_ns, of->prefill.overlap) +
           (prefills * new_tokens + sequences) * update_ns(of, fresh_ns);
}

double attention_mixed_prepared_ns(const struct attention_prepared *of, double sequences,
                                   double new_tokens, double cached_tokens, double decode_sequences,
                                   double decode_context)
{
    if (decode_sequences <= 0)
        return attention_prefill_prepared_ns(of, sequences, new_tokens, cached_tokens);
    if (sequences <= 0 || new_tokens <= 0)
        return attention_decode_prepared_ns(of, decode_sequences, decode_context);
    if (of->kernel == ATTENTION_FLASHINFER || of->kernel == ATTENTION_TRTLLM)
        return attention_prefill_prepared_ns(of, sequences, new_tokens, cached_tokens) +
               attention_decode_prepared_ns(of, decode_sequences, decode_context);
    struct tiles tiles = prefill_tiles(of, sequences, new_tokens, cached_tokens);
    double together_ns = one_launch_ns(of, &tiles, sequences, new_tokens, cached_tokens,
                                       decode_sequences, decode_context);
    if (of->kernel == ATTENTION_FLASH_2)
        return together_ns;
    /* FlashAttention-3 decodes by the same tiles, with others or without, whose empty rows are
     * computed while their keys come: one after the other they take no longer than in two launches.
     * prefill's overlap, fitted where nothing was decoded, would say so of large batches. */
    double alone_ns = new_tokens == 1
                          ? attention_prefill_prepared_ns(of, sequences, new_tokens, cached_tokens)
                          : prefill_ns(of, &tiles, sequences, new_tokens, cached_tokens);
    return least(together_ns,
                 alone_ns + attention_decode_prepared_ns(of, decode_sequences, decode_context));
}

/* ---- a single time ---- */

double attention_prefill_ns(const struct attention_fit *fit, struct gpu_peak peak,
                            const struct attention_shape *shape, double sequences,
                            double new_tokens, double cached_tokens)
{
    struct attention_prepared of = attention_prepare(fit, peak, shape);
    return attention_prefill_prepared_ns(&of, sequences, new_tokens, cached_tokens);
}

double attention_decode_ns(const struct attention_fit *fit, struct gpu_peak peak,
                           const struct attention_shape *shape, double sequences,
                           double context_tokens)
{
    struct attention_prepared of = attention_prepare(fit, peak, shape);
    return attention_decode_prepared_ns(&of, sequences, context_tokens);
}

double attention_mixed_ns(const struct attention_fit *fit, struct gpu_peak peak,
                          const struct attention_shape *shape, double new_tokens,
                          double cached_tokens, double decode_sequences, double decode_context)
{
    struct attention_prepared of = attention_prepare(fit, peak, shape);
    return attention_mixed_prepared_ns(&of, 1, new_tokens, cached_tokens, decode_sequences,
                                       decode_context);
}
