/* plots/gantt_blocks.c - see gantt_blocks.h. */
#include "plots/gantt_blocks.h"

#include "base/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#define GANTT_LOOK(lane, name, dark, light) [lane] = { name, dark, light },
const struct gantt_lane_look gantt_lanes[GANTT_LANE_COUNT] = { GANTT_LANES(GANTT_LOOK) };
#undef GANTT_LOOK

/* ---- blocks ---- */

/* What is being told. */
struct drawing {
    const struct timeline_turn *turn;
    struct gantt_range range;
    void (*tell)(void *context, const struct gantt_block *block);
    void *context;
    enum gantt_lane run_lane; /* layers without a gap, so far */
    double run_begin_ns, run_end_ns;
};

static double ms_since_start(const struct timeline_turn *turn, double time_ns)
{
    return (time_ns - turn->prefill_start_ns) / (double)NS_PER_MS;
}

static void put(const struct drawing *drawing, enum gantt_lane lane, enum gantt_kind kind,
                double begin_ns, double end_ns, uint32_t layer)
{
    const struct gantt_block block = {
        .lane = lane,
        .kind = kind,
        .begin_ms = fmax(ms_since_start(drawing->turn, begin_ns), drawing->range.least_ms),
        .end_ms = fmin(ms_since_start(drawing->turn, end_ns), drawing->range.most_ms),
        .layer = layer
    };
    if (block.end_ms > block.begin_ms)
        drawing->tell(drawing->context, &block);
}

static void end_run(struct drawing *drawing)
{
    put(drawing, drawing->run_lane, GANTT_RUN, drawing->run_begin_ns, drawing->run_end_ns, 0);
    drawing->run_begin_ns = drawing->run_end_ns = 0.0;
}

static void put_layer(struct drawing *drawing, enum gantt_lane lane, double begin_ns, double end_ns,
                      uint32_t layer)
{
    const double rounding_ns = 1.0;
    put(drawing, lane, GANTT_LAYER, begin_ns, end_ns, layer);
    if (drawing->run_lane != lane || fabs(begin_ns - drawing->run_end_ns) > rounding_ns) {
        end_run(drawing);
        drawing->run_lane = lane;
        drawing->run_begin_ns = begin_ns;
    }
    drawing->run_end_ns = end_ns;
}

static double first_load_ns(const struct timeline_turn *turn)
{
    double first_ns = INFINITY;
    for (uint32_t i = 0; i < turn->loads; i++)
        first_ns = fmin(first_ns, turn->load[i].begin_ns);
    return first_ns;
}

/* When the layer's KV began to come in: behind that of the layer before it, where nobody told. */
static double load_begin_ns(const struct timeline_turn *turn, uint32_t i, double before_ns)
{
    return turn->layer[i].load_begin_ns > 0.0 ? turn->layer[i].load_begin_ns : before_ns;
}

/* Where no layer may begin before all have come, each has come when the next began to. */
static double load_end_ns(const struct timeline_turn *turn, uint32_t i)
{
    double arrival_ns = turn->layer[i].arrival_ns;
    return i + 1 < turn->layers && turn->layer[i + 1].load_begin_ns > turn->layer[i].load_begin_ns
               ? fmin(arrival_ns, turn->layer[i + 1].load_begin_ns)
               : arrival_ns;
}

/* Where layers are not told apart (loads in the background), a transfer is one block. */
static void put_loads(struct drawing *drawing)
{
    const struct timeline_turn *turn = drawing->turn;
    double before_ns = first_load_ns(turn);
    bool by_layer = false;
    for (uint32_t i = 0; i < turn->layers; i++) {
        if (turn->layer[i].arrival_ns <= 0.0)
            continue;
        double begin_ns = load_begin_ns(turn, i, before_ns);
        by_layer = true;
        before_ns = load_end_ns(turn, i);
        if (before_ns > begin_ns)
            put_layer(drawing, GANTT_LOAD, begin_ns, before_ns, turn->layer[i].layer);
    }
    for (uint32_t i = 0; i < turn->loads && !by_layer; i++)
        put_layer(drawing, GANTT_LOAD, turn->load[i].begin_ns, turn->load[i].end_ns, 0);
}

/* Since when the layer might have been computed: the end of the one before it in its iteration. */
static double free_since_ns(const struct timeline_turn *turn, uint32_t i)
{
    const struct timeline_layer *layer = &turn->layer[i];
    if (i > 0 && layer->layer > layer[-1].layer)
        return layer[-1].end_ns;
    return layer->iteration_begin_ns > 0.0 ? layer->iteration_begin_ns : layer->begin_ns;
}

/* What stands before a layer within its iteration, it waited for its KV. */
static void put_computing(struct drawing *drawing)
{
    const struct timeline_turn *turn = drawing->turn;
    for (uint32_t i = 0; i < turn->layers; i++) {
        const struct timeline_layer *layer = &turn->layer[i];
        put(drawing, GANTT_COMPUTE, GANTT_WAIT, free_since_ns(turn, i), layer->begin_ns, 0);
        put_layer(drawing, GANTT_COMPUTE, layer->begin_ns, layer->end_ns, layer->layer);
    }
    for (uint32_t i = 0; i < turn->arounds; i++)
        put(drawing, GANTT_COMPUTE, turn->around[i].waits_for_saving ? GANTT_WAIT : GANTT_OTHER,
            turn->around[i].begin_ns, turn->around[i].end_ns, 0);
}

static uint32_t layer_count(const struct timeline_turn *turn)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < turn->layers; i++)
        count = turn->layer[i].layer >= count ? turn->layer[i].layer + 1 : count;
    return count;
}

/* The prompt's: what begins by the first token. A save moves its layers in order, as many bytes of
 * each. */
static void put_saves(struct drawing *drawing)
{
    const struct timeline_turn *turn = drawing->turn;
    uint32_t layers = layer_count(turn);
    for (uint32_t i = 0; i < turn->saves; i++) {
        const struct timeline_copy *save = &turn->save[i];
        double layer_ns = (save->end_ns - save->begin_ns) / layers;
        if (save->begin_ns > turn->first_token_ns)
            continue;
        for (uint32_t layer = 0; layer < layers; layer++)
            put_layer(drawing, GANTT_SAVE, save->begin_ns + layer * layer_ns,
                      save->begin_ns + (layer + 1) * layer_ns, layer);
    }
}

void gantt_blocks(const struct timeline_turn *turn, struct gantt_range range,
                  void (*tell)(void *context, const struct gantt_block *block), void *context)
{
    struct drawing drawing = { .turn = turn, .range = range, .tell = tell, .context = context };
    put_loads(&drawing);
    put_computing(&drawing);
    put_saves(&drawing);
    end_run(&drawing);
}

double gantt_first_token_ms(const struct timeline_turn *turn)
{
    return ms_since_start(turn, turn->first_token_ns);
}

/* ---- the range ---- */

static double last_ns(const struct timeline_turn *turn)
{
    double last = turn->first_token_ns;
    for (uint32_t i = 0; i < turn->saves; i++)
        if (turn->save[i].begin_ns <= turn->first_token_ns)
            last = fmax(last, turn->save[i].end_ns);
    return last;
}

/* When the first layer's KV came that ended after `from`; the prefill's start, if none did before
 * that. */
static double first_seen_ns(const struct timeline_turn *turn, double from_ns)
{
    double first_ns = turn->prefill_start_ns;
    for (uint32_t i = 0; i < turn->layers; i++)
        if (turn->layer[i].arrival_ns > from_ns && turn->layer[i].load_begin_ns > 0.0)
            first_ns = fmin(first_ns, turn->layer[i].load_begin_ns);
    return fmax(first_ns, from_ns);
}

struct gantt_range gantt_range(const struct timeline_turn *const *turn, uint32_t turns)
{
    struct gantt_range range = { 0.0, 0.0 };
    for (uint32_t t = 0; t < turns; t++)
        range.most_ms = fmax(range.most_ms, ms_since_start(turn[t], last_ns(turn[t])));
    for (uint32_t t = 0; t < turns; t++) {
        double from_ns = turn[t]->prefill_start_ns - 0.5 * range.most_ms * (double)NS_PER_MS;
        range.least_ms =
            fmin(range.least_ms, ms_since_start(turn[t], first_seen_ns(turn[t], from_ns)));
    }
    return range;
}

/* ---- words ---- */

char *gantt_title(const struct timeline_turn *turn, char *out)
{
    snprintf(out, GANTT_TEXT_BYTES,
             "%.60s: session %" PRIu64 "'s turn %" PRIu64 ", %.0f tokens reused and %.0f computed",
             turn->policy, turn->session, turn->turn_of_session, turn->reused_tokens,
             turn->computed_tokens);
    return out;
}

/* The GPUs stand still from the prefill's end on. */
static double save_wait_ns(const struct timeline_turn *turn)
{
    double wait_ns = 0.0;
    for (uint32_t i = 0; i < turn->arounds; i++)
        if (turn->around[i].waits_for_saving && turn->around[i].begin_ns == turn->first_token_ns)
            wait_ns += turn->around[i].end_ns - turn->around[i].begin_ns;
    return wait_ns;
}

char *gantt_facts(const struct timeline_turn *turn, char *out)
{
    char time[48];
    units_format(turn->first_token_ns - turn->prefill_start_ns, UNIT_DURATION, time, sizeof time);
    int length = snprintf(out, GANTT_TEXT_BYTES, "prefill %s", time);
    units_format(turn->load_wait_ns, UNIT_DURATION, time, sizeof time);
    if (turn->load_wait_ns > 0.0)
        length +=
            snprintf(out + length, GANTT_TEXT_BYTES - (size_t)length, ", waiting for KV %s", time);
    units_format(save_wait_ns(turn), UNIT_DURATION, time, sizeof time);
    if (save_wait_ns(turn) > 0.0)
        snprintf(out + length, GANTT_TEXT_BYTES - (size_t)length, ", then waiting to save %s",
                 time);
    return out;
}

static uint32_t layers_before(const struct timeline_turn *turn, double least_ms)
{
    double from_ns = turn->prefill_start_ns + least_ms * (double)NS_PER_MS;
    uint32_t count = 0;
    for (uint32_t i = 0; i < turn->layers; i++)
        count += turn->layer[i].arrival_ns > 0.0 && turn->layer[i].arrival_ns <= from_ns;
    return count;
}

char *gantt_before(const struct timeline_turn *turn, struct gantt_range range, char *out)
{
    uint32_t count = layers_before(turn, range.least_ms);
    out[0] = '\0';
    if (count > 0)
        snprintf(out, GANTT_TEXT_BYTES, "%" PRIu32 " layers had come before", count);
    return out;
}
