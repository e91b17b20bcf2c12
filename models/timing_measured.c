/* models/timing_measured.c - times as they were measured on one machine with one model: prefill by
 * bilinear interpolation over (new, cached) tokens, decode linear in the context for each batch and
 * interpolated between batches. Outside the grid its last cells are continued, but for what a token
 * of context takes in decode: that falls towards what memory gives, and stays as it last was.
 * The file (written by `reprise calibrate`) has a line a point:
 *   shape,LAYERS,HIDDEN,HEADS,KV_HEADS,HEAD_DIM,FFN,VOCABULARY   whose times these are
 *   experts,EXPERTS,A_TOKENS,SHARED,EXPERT_FFN,DENSE_LAYERS   and of a model with experts; no such
 *                                               line: a dense one's, as files older than it are
 *   prefill,NEW,CACHED,LAYER_NS,OVERHEAD_NS     in order of NEW, then CACHED: a full grid
 *   decode,BATCH,BASE_NS,PER_TOKEN_NS           in order of BATCH
 *   mixed,LAYER_NS                              of a launch that prefills and decodes, besides what
 *                                               it is put together of; no such line: nothing
 *   held,FLOP_PER_S,BYTES_PER_S                 what a host's operators were held to, if they were
 *   disk,free                                   the disk was held to no rate
 * Lines that begin with # are comments. */
#include "models/timing_measured.h"

#include "base/plain_file.h"
#include "base/read_end.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static enum status bad_line(const char *path, uint64_t line, const char *expected, const char *text,
                            struct error *err)
{
    return error_input(err, path, line, NULL, expected, text);
}

/* The place of value on an ascending axis, appended at its end; MEASURED_MOST: no room, or not in
 * order. */
static uint32_t axis_place(double *axis, uint32_t *count, double value)
{
    for (uint32_t i = 0; i < *count; i++)
        if (axis[i] == value)
            return i;
    if (*count == MEASURED_MOST || (*count > 0 && axis[*count - 1] > value))
        return MEASURED_MOST;
    axis[*count] = value;
    return (*count)++;
}

static bool add_prefill(struct measured_timing *measured, const double value[4])
{
    uint32_t i = axis_place(measured->new_tokens, &measured->news, value[0]);
    uint32_t j = axis_place(measured->cached_tokens, &measured->cacheds, value[1]);
    if (i == MEASURED_MOST || j == MEASURED_MOST || value[2] <= 0.0 || value[3] < 0.0)
        return false;
    measured->layer_ns[i][j] = value[2];
    measured->overhead_ns[i] = value[3];
    measured->points++;
    return true;
}

static bool add_decode(struct measured_timing *measured, const double value[3])
{
    uint32_t before = measured->batches;
    uint32_t i = axis_place(measured->batch, &measured->batches, value[0]);
    if (i == MEASURED_MOST || measured->batches == before || value[1] <= 0.0 || value[2] < 0.0)
        return false;
    measured->base_ns[i] = value[1];
    measured->per_token_ns[i] = value[2];
    return true;
}

static bool add_line(struct measured_timing *measured, const char *text)
{
    double v[4];
    uint32_t *s = measured->shape, *e = measured->experts;
    if (sscanf(text, "prefill,%lf,%lf,%lf,%lf", &v[0], &v[1], &v[2], &v[3]) == 4)
        return add_prefill(measured, v);
    if (sscanf(text, "decode,%lf,%lf,%lf", &v[0], &v[1], &v[2]) == 3)
        return add_decode(measured, v);
    if (sscanf(text, "mixed,%lf", &v[0]) == 1) {
        measured->mixed_layer_ns = v[0];
        return v[0] >= 0.0;
    }
    if (sscanf(text, "held,%lf,%lf", &v[0], &v[1]) == 2) {
        measured->held_flop_per_s = v[0];
        measured->held_bytes_per_s = v[1];
        return v[0] >= 0.0 && v[1] >= 0.0;
    }
    if (strcmp(text, "disk,free") == 0)
        return measured->disk_free = true;
    if (sscanf(text, "experts,%" SCNu32 ",%" SCNu32 ",%" SCNu32 ",%" SCNu32 ",%" SCNu32, &e[0],
               &e[1], &e[2], &e[3], &e[4]) == 5)
        return e[0] > 0;
    return sscanf(text,
                  "shape,%" SCNu32 ",%" SCNu32 ",%" SCNu32 ",%" SCNu32 ",%" SCNu32 ",%" SCNu32
                  ",%" SCNu32,
                  &s[0], &s[1], &s[2], &s[3], &s[4], &s[5], &s[6]) == 7;
}

enum status measured_timing_read(const char *path, struct measured_timing *measured,
                                 struct error *err)
{
    char text[256];
    enum status status = STATUS_OK;
    FILE *file;
    if (plain_file_open(path, &file, err) != STATUS_OK)
        return err->status;
    memset(measured, 0, sizeof *measured);
    for (uint64_t line = 1; status == STATUS_OK && fgets(text, sizeof text, file) != NULL; line++) {
        text[strcspn(text, "\n")] = '\0';
        if (text[0] != '#' && text[0] != '\0' && !add_line(measured, text))
            status = bad_line(
                path, line, "a shape, experts, mixed, held, disk, prefill or decode line, in order",
                text, err);
    }
    if (read_end(file, path, err) != STATUS_OK)
        return err->status;
    if (measured->news < 2 || measured->cacheds < 2 || measured->batches < 1 ||
        measured->points != measured->news * measured->cacheds)
        return error_input(err, path, 0, NULL, "a full grid of prefill points and decode lines",
                           "a part of one");
    return STATUS_OK;
}

void measured_timing_is_of(struct measured_timing *measured, const struct model *model)
{
    const uint32_t shape[] = { model->layers,   model->hidden, model->heads,     model->kv_heads,
                               model->head_dim, model->ffn,    model->vocabulary };
    const uint32_t experts[] = { model->experts, model->experts_per_token, model->shared_experts,
                                 model->expert_ffn, model->dense_layers };
    memcpy(measured->shape, shape, sizeof shape);
    memcpy(measured->experts, experts, sizeof experts);
}

bool measured_timing_of(const struct measured_timing *measured, const struct model *model)
{
    struct measured_timing wanted;
    measured_timing_is_of(&wanted, model);
    bool plain = model->window_layers == 0 && model->state_layers == 0 && model->value_dim == 0 &&
                 model->shared_kv_layers == 0 && model->index_layers == 0 &&
                 model->ffn_layers == 0 && model->expert_hidden == 0 &&
                 model->shared_expert_ffn == 0 && model->layer_embedding_dim == 0;
    return plain && measured->points > 0 &&
           memcmp(wanted.shape, measured->shape, sizeof wanted.shape) == 0 &&
           memcmp(wanted.experts, measured->experts, sizeof wanted.experts) == 0;
}

/* The cell [i, i + 1] that holds value, or the nearest; *share: how far into it, beyond 0..1
 * outside. */
static uint32_t cell_of(const double *axis, uint32_t count, double value, double *share)
{
    uint32_t i = 0;
    while (i + 2 < count && axis[i + 1] <= value)
        i++;
    *share = count > 1 ? (value - axis[i]) / (axis[i + 1] - axis[i]) : 0.0;
    return i;
}

static double between(double a, double b, double share)
{
    return a + (b - a) * share;
}

static uint64_t whole_ns(double ns)
{
    return ns < 1.0 ? 1 : ns < 0x1p63 ? (uint64_t)(ns + 0.5) : (uint64_t)1 << 63;
}

static double layer_at(const struct measured_timing *measured, double new_tokens,
                       double cached_tokens)
{
    double x, y;
    uint32_t i = cell_of(measured->new_tokens, measured->news, new_tokens, &x);
    uint32_t j = cell_of(measured->cached_tokens, measured->cacheds, cached_tokens, &y);
    double low = between(measured->layer_ns[i][j], measured->layer_ns[i][j + 1], y);
    double high = between(measured->layer_ns[i + 1][j], measured->layer_ns[i + 1][j + 1], y);
    return between(low, high, x);
}

struct prefill_time measured_timing_prefill(const struct measured_timing *measured,
                                            uint64_t new_tokens, uint64_t cached_tokens)
{
    double x;
    uint32_t i = cell_of(measured->new_tokens, measured->news, (double)new_tokens, &x);
    return (struct prefill_time){
        .layer_ns = whole_ns(layer_at(measured, (double)new_tokens, (double)cached_tokens)),
        .overhead_ns = whole_ns(between(measured->overhead_ns[i], measured->overhead_ns[i + 1], x)),
    };
}

struct decode_time measured_timing_decode(const struct measured_timing *measured, uint32_t batch)
{
    double x;
    uint32_t i = cell_of(measured->batch, measured->batches, batch, &x);
    uint32_t j = measured->batches > 1 ? i + 1 : i;
    double base_ns = between(measured->base_ns[i], measured->base_ns[j], x);
    double inside = x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x;
    double slope_ns = between(measured->per_token_ns[i], measured->per_token_ns[j], inside);
    return (struct decode_time){ .base_ns = base_ns > 1.0 ? base_ns : 1.0,
                                 .per_token_ns = slope_ns > 0.0 ? slope_ns : 0.0,
                                 .repeats = UINT64_MAX };
}

/* What one row more costs a layer but for its attention: prefills of m and of 2m rows that attend
 * to as many pairs of tokens, 2m over none and m over 1.5m, differ by m rows. Over so many that
 * a tile's step is in it by its share, and that it is more than what samples differ by. */
static double row_ns(const struct measured_timing *measured, double rows)
{
    static const double LEAST = 8.0;
    const double most = measured->new_tokens[measured->news - 1] / 2.0;
    const double some = rows > LEAST ? rows : LEAST, fewer = some < most ? some : most;
    const double difference_ns =
        layer_at(measured, 2.0 * fewer, 0.0) - layer_at(measured, fewer, 1.5 * fewer);
    return difference_ns > 0.0 ? difference_ns / fewer : 0.0;
}

/* The prefill, the decoding rows in its products, and attention to their contexts as decode alone
 * has it; besides, what calibration found such a launch to take. */
struct prefill_time measured_timing_mixed(const struct measured_timing *measured,
                                          uint64_t prefill_new, uint64_t prefill_cached,
                                          uint32_t decode_batch, uint64_t decode_context)
{
    if (decode_batch == 0)
        return measured_timing_prefill(measured, prefill_new, prefill_cached);
    const double layers = measured->shape[0], decodes = decode_batch;
    const struct decode_time decode = measured_timing_decode(measured, decode_batch);
    const double context_ns = decode.per_token_ns * (double)decode_context;
    if (prefill_new == 0)
        return (struct prefill_time){ .layer_ns =
                                          whole_ns((decode.base_ns + context_ns) / layers) };
    const double fresh = (double)prefill_new;
    struct prefill_time time = measured_timing_prefill(measured, prefill_new, prefill_cached);
    time.layer_ns =
        whole_ns((double)time.layer_ns + context_ns / layers + measured->mixed_layer_ns +
                 decodes * row_ns(measured, fresh > decodes ? fresh : decodes));
    return time;
}
