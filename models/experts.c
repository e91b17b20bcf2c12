/* models/experts.c - see experts.h. Only + - * / sqrt: the same on every machine. */
#include "models/experts.h"

#include <math.h>

#define VALUE_BYTES 2.0
#define TILE_COLUMNS 128.0

const double expert_tile_rows[EXPERT_TILES] = { 16, 64, 128 };

static double smooth_max(double a, double b)
{
    double a2 = a * a, b2 = b * b;
    return sqrt(sqrt(a2 * a2 + b2 * b2));
}

/* Of one expert. */
static double row_tiles(const struct experts_call *call, double rows)
{
    double whole = call->pairs / call->touched / rows;
    return call->even ? fmax(1, ceil(whole - 1e-9)) : fmax(1, whole + 0.5);
}

/* One of the two grouped products, by the fastest tile. */
static double computing_ns(const struct experts_fit *fit, double flop, uint32_t multiprocessors,
                           const struct experts_call *call, double inputs, double outputs)
{
    double best_ns = INFINITY, each = flop / multiprocessors;
    for (uint32_t i = 0; i < EXPERT_TILES; i++) {
        double rows = expert_tile_rows[i];
        double tiles = call->touched * row_tiles(call, rows) * ceil(outputs / TILE_COLUMNS);
        double tile_ns = 2 * rows * TILE_COLUMNS * inputs / (each * fit->efficiency[i]);
        best_ns = fmin(best_ns, fmax(1, tiles / multiprocessors) * tile_ns);
    }
    return best_ns;
}

/* Rows gathered, both results, the activation's, and the sum over a token's experts. */
static double streamed_bytes(const struct experts_call *call)
{
    double made = (call->gated ? 2 : 1) * call->inter;
    double of_pair = 2 * call->hidden + made + call->inter + 2 * call->hidden;
    return VALUE_BYTES * (call->pairs * of_pair + call->tokens * call->hidden);
}

struct expert_parts experts_parts(const struct experts_fit *fit, struct gpu_peak peak,
                                  uint32_t multiprocessors, const struct experts_call *call)
{
    double made = (call->gated ? 2 : 1) * call->inter, flop = gpu_peak_flop(peak, call->format);
    double inputs[2] = { call->hidden, call->inter }, outputs[2] = { made, call->hidden };
    double around_ns =
        call->pairs * fit->pair_ns + streamed_bytes(call) / (peak.bytes * fit->stream_efficiency);
    struct expert_parts parts = { .starting_ns = fit->fixed_ns + call->touched * fit->expert_ns };
    for (int i = 0; i < 2; i++) {
        double weights = call->touched * inputs[i] * outputs[i] * call->weight_bytes;
        double moving_ns = weights / (peak.bytes * fit->hbm_efficiency);
        double products_ns = computing_ns(fit, flop, multiprocessors, call, inputs[i], outputs[i]);
        parts.moving_ns += moving_ns;
        parts.computing_ns += products_ns;
        parts.whole_ns += smooth_max(moving_ns, products_ns);
    }
    parts.moving_ns += around_ns;
    parts.whole_ns += around_ns + parts.starting_ns;
    return parts;
}
