/* models/attention_prepare.c - what of attention's times no token changes; attention.c evaluates
 * the rest. */
#include "models/attention.h"

#include <math.h>

#define ACTIVATION_BYTES 2.0 /* queries, outputs, new K and V: bf16 and fp16 */
#define UPDATE_THREADS 512.0 /* of the kernel that writes K and V, a block a token, at most */
#define DECODE_ROWS 64.0     /* query heads of one KV head that share a tile of decode, */
#define FEW_ROWS 16.0        /* and the least that tensor cores compute */
#define BLOCKS 2.0           /* of decode on a multiprocessor, one waiting while another works */
#define SPLIT_KEYS 128.0     /* a prefill's keys are not split into parts of fewer */

static const struct attention_coefficients *coefficients_of(const struct attention_fit *fit,
                                                            const struct attention_shape *shape)
{
    return shape->kv_bytes < 2 && fit->narrow_fitted ? &fit->narrow : &fit->wide;
}

static const struct attention_width *width_of(const struct attention_coefficients *from,
                                              double head_dim)
{
    return &from->width[head_dim <= 64    ? 0
                        : head_dim <= 128 ? 1
                        : head_dim <= 192 ? 2
                        : head_dim <= 256 ? 3
                                          : 4];
}

static void prepare_bytes(struct attention_prepared *of, const struct attention_fit *fit,
                          const struct attention_coefficients *from, struct gpu_peak peak,
                          const struct attention_shape *shape)
{
    double row = shape->head_dim * shape->kv_bytes;
    of->bytes.query = shape->heads * shape->head_dim * 2 * ACTIVATION_BYTES;
    of->bytes.kv = shape->kv_heads * 2 * row;
    of->bytes.written = shape->kv_heads * shape->head_dim * 2 * ACTIVATION_BYTES;
    of->bytes.ns = 1 / peak.bytes;
    of->bytes.l2_inverse = 1 / ((double)fit->l2_bytes * from->l2_start);
    of->bytes.fade_inverse = 1 / from->l2_fade;
    of->bytes.l2_saved = 1 - 1 / from->l2_gain;
    bool together = from->kernel == ATTENTION_FLASHINFER && shape->kv_heads > 1;
    of->bytes.line_more = together && row < from->line_bytes ? from->line_bytes / row - 1 : 0;
}

static void prepare_tiles(struct attention_prepared *of, const struct attention_coefficients *from,
                          const struct attention_width *width, struct gpu_peak peak,
                          const struct attention_shape *shape)
{
    double rows = of->windowed ? width->window_rows : width->rows;
    double keys = of->windowed ? width->window_keys : width->keys;
    of->tiles.splitting = from->kernel == ATTENTION_FLASH_3 || from->kernel == ATTENTION_FLASHINFER;
    double packed = of->tiles.splitting ? of->group : 1;
    double span = rows / packed / keys;
    of->tiles.per_token = packed / rows;
    of->tiles.per_sequence = shape->heads / packed;
    of->tiles.keys = keys;
    of->tiles.keys_inverse = 1 / keys;
    of->tiles.span = span;
    of->tiles.span_inverse = packed * keys / rows;
    /* Half a step more where a tile's rows end within a step. */
    of->tiles.first = span < 1 ? 0.5 * (1 - span) : 0;
    of->tiles.window_steps = shape->window_tokens / keys + (span > 1 ? span : 1);
    of->tiles.step_ns =
        4 * rows * keys * shape->head_dim * of->processors / (peak.flop * width->efficiency);
    bool uneven = from->kernel == ATTENTION_FLASH_3 && ceil(rows / packed) * packed > rows;
    of->tiles.own_ns = width->tile_ns + (uneven ? from->uneven_ns * shape->head_dim / 128 : 0);
    of->tiles.parts_per_step = from->kernel == ATTENTION_FLASH_3 ? 0.5 : keys / SPLIT_KEYS;
    of->tiles.alone = from->longest;
    of->tiles.split_ns = from->split_ns;
    of->tiles.tail = from->tail;
    of->tiles.empty_ns = from->kernel == ATTENTION_FLASH_2
                             ? shape->heads * from->empty_ns * of->processors_inverse
                             : 0;
}

static void prepare_prefill(struct attention_prepared *of, const struct attention_fit *fit,
                            const struct attention_coefficients *from,
                            const struct attention_shape *shape)
{
    double values = shape->kv_heads * shape->head_dim;
    double threads = values < UPDATE_THREADS ? values : UPDATE_THREADS;
    of->prefill.launch_ns = from->prefill_ns;
    of->prefill.join_ns = from->kernel == ATTENTION_FLASHINFER ? shape->heads * from->join_ns : 0;
    of->prefill.overlap = from->overlap;
    of->prefill.stream_inverse = 1 / from->stream_efficiency;
    of->prefill.update_ns = threads * from->update_ns / (of->processors * fit->threads);
    double row = shape->head_dim * shape->kv_bytes, line = row;
    if (from->kernel != ATTENTION_FLASHINFER && shape->kv_heads > 1 && row < from->line_bytes)
        line = from->line_bytes;
    of->prefill.update_bytes =
        2 * (values * ACTIVATION_BYTES + shape->kv_heads * line) / from->update_efficiency;
    double cold_ns = of->prefill.update_bytes * of->bytes.ns;
    of->prefill.update_cold_ns =
        sqrt(of->prefill.update_ns * of->prefill.update_ns + cold_ns * cold_ns);
}

/* Query rows that a sequence's tiles of decode compute, most of them empty. */
static double decode_rows(const struct attention_prepared *of)
{
    double tile =
        of->kernel >= ATTENTION_FLASHINFER && of->group <= FEW_ROWS ? FEW_ROWS : DECODE_ROWS;
    return of->decode.alone ? of->heads * DECODE_ROWS
                            : of->kv_heads * ceil(of->group / tile) * tile;
}

/* A tile's own time; with FlashAttention-4, of its blocks. */
static void prepare_decode_tiles(struct attention_prepared *of,
                                 const struct attention_coefficients *from,
                                 const struct attention_width *width,
                                 const struct attention_shape *shape)
{
    bool large = of->kernel == ATTENTION_FLASHINFER && of->group > FEW_ROWS;
    double own_ns = width->decode_tile_ns + (large ? width->decode_group_ns / BLOCKS : 0);
    double heads_ns = shape->heads * from->head_ns * shape->head_dim / 128;
    of->decode.tiles =
        of->decode.alone ? shape->heads : shape->kv_heads * ceil(of->group / DECODE_ROWS);
    double each = of->decode.tiles * of->processors_inverse;
    of->decode.far_ns = each * width->decode_window_ns;
    of->decode.longest_ns = large ? width->decode_group_ns : 0;
    of->decode.own_ns = heads_ns * of->processors_inverse;
    bool walks = of->kernel == ATTENTION_FLASH_3 && width == &from->width[ATTENTION_WIDTHS - 1] &&
                 from->walk_splits > 0;
    if (!walks) {
        of->decode.own_ns += each * own_ns;
        return;
    }
    of->decode.blocks_ns = each * from->walk_splits * own_ns;
    of->decode.walk_ns = each * from->walk_splits * from->walk_ns;
    of->decode.join_walk_ns = shape->heads * from->walk_join_ns * of->processors_inverse;
    of->decode.unplanned = 1 / from->walk_splits;
}

static void prepare_decode(struct attention_prepared *of, const struct attention_coefficients *from,
                           const struct attention_width *width, struct gpu_peak peak,
                           const struct attention_shape *shape)
{
    bool first_kind = from->kernel == ATTENTION_FLASH_2;
    of->decode.alone = of->windowed && first_kind;
    of->decode.whole = first_kind && (of->decode.alone || of->group == 1);
    prepare_decode_tiles(of, from, width, shape);
    of->decode.launch_ns = from->decode_ns;
    /* Two copies, for which K heads of B sequences need other strides. */
    of->decode.regroup_ns =
        first_kind && !of->windowed && of->group > 1 && shape->kv_heads > 1 ? from->regroup_ns : 0;
    of->decode.planning_ns = from->kernel == ATTENTION_FLASH_3 ? from->sequence_ns : 0;
    of->decode.hidden_keys = from->kernel == ATTENTION_FLASH_3 ? from->hidden_keys : 0;
    of->decode.key_ns = shape->head_dim * 2 * shape->kv_bytes / from->tile_bytes_per_ns;
    of->decode.split_ns = from->split_ns;
    of->decode.part_ns = from->split_part_ns;
    of->decode.splits_most = from->splits_most;
    of->decode.flop_ns =
        4 * decode_rows(of) * shape->head_dim / (peak.flop * from->decode_flop_share);
    of->decode.inverse = 1 / width->decode_efficiency;
    of->decode.overlap = of->decode.blocks_ns > 0 ? 0 : from->decode_overlap;
    of->decode.mix = from->decode_mix;
    of->decode.reread_inverse = of->processors_inverse / from->reread;
}

struct attention_prepared attention_prepare(const struct attention_fit *fit, struct gpu_peak peak,
                                            const struct attention_shape *shape)
{
    const struct attention_coefficients *from = coefficients_of(fit, shape);
    const struct attention_width *width = width_of(from, shape->head_dim);
    struct attention_prepared of = { .kernel = from->kernel,
                                     .windowed = shape->window_tokens > 0,
                                     .cold = shape->cold,
                                     .window_tokens = shape->window_tokens,
                                     .heads = shape->heads,
                                     .kv_heads = shape->kv_heads,
                                     .group = shape->heads / shape->kv_heads,
                                     .processors = fit->multiprocessors,
                                     .processors_inverse = 1.0 / fit->multiprocessors };
    prepare_bytes(&of, fit, from, peak, shape);
    prepare_tiles(&of, from, width, peak, shape);
    prepare_prefill(&of, fit, from, shape);
    prepare_decode(&of, from, width, peak, shape);
    return of;
}
