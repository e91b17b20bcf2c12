/* plots/gantt.c - see gantt.h. Numbers are written here, drawing is gantt.gp's. */
#include "plots/gantt.h"

#include "base/units.h"
#include "plots/picture.h"
#include "plots/timeline_turn.h"
#include "plots/workshop.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum lane { LANE_LOAD, LANE_COMPUTE, LANE_SAVE };

struct page {
    const struct timeline_turn *turn;
    uint32_t turns;
    double least_ms, most_ms; /* what is drawn, since a turn's prefill began */
};

/* What is being written. */
struct panel {
    FILE *out;
    const struct timeline_turn *turn;
    double least_ms;
};

/* A block of the lane, in ms since the turn's prefill began. */
static void put_block(const struct panel *panel, enum lane lane, double begin_ns, double end_ns,
                      uint32_t layer)
{
    double start_ns = panel->turn->prefill_start_ns;
    double begin_ms = (begin_ns - start_ns) / (double)NS_PER_MS;
    double end_ms = (end_ns - start_ns) / (double)NS_PER_MS;
    if (end_ms > panel->least_ms)
        fprintf(panel->out, "%d %.6f %.6f %" PRIu32 "\n", (int)lane,
                fmax(begin_ms, panel->least_ms), end_ms, layer);
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
static void put_loads(const struct panel *panel)
{
    const struct timeline_turn *turn = panel->turn;
    double before_ns = first_load_ns(turn);
    bool by_layer = false;
    for (uint32_t i = 0; i < turn->layers; i++) {
        if (turn->layer[i].arrival_ns <= 0.0)
            continue;
        double begin_ns = load_begin_ns(turn, i, before_ns);
        by_layer = true;
        before_ns = load_end_ns(turn, i);
        if (before_ns > begin_ns)
            put_block(panel, LANE_LOAD, begin_ns, before_ns, turn->layer[i].layer);
    }
    for (uint32_t i = 0; i < turn->loads && !by_layer; i++)
        put_block(panel, LANE_LOAD, turn->load[i].begin_ns, turn->load[i].end_ns, 0);
}

static void put_computing(const struct panel *panel)
{
    const struct timeline_turn *turn = panel->turn;
    for (uint32_t i = 0; i < turn->layers; i++)
        put_block(panel, LANE_COMPUTE, turn->layer[i].begin_ns, turn->layer[i].end_ns,
                  turn->layer[i].layer);
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
static void put_saves(const struct panel *panel)
{
    const struct timeline_turn *turn = panel->turn;
    uint32_t layers = layer_count(turn);
    for (uint32_t i = 0; i < turn->saves; i++) {
        const struct timeline_copy *save = &turn->save[i];
        double layer_ns = (save->end_ns - save->begin_ns) / layers;
        if (save->begin_ns > turn->first_token_ns)
            continue;
        for (uint32_t layer = 0; layer < layers; layer++)
            put_block(panel, LANE_SAVE, save->begin_ns + layer * layer_ns,
                      save->begin_ns + (layer + 1) * layer_ns, layer);
    }
}

static void put_title(FILE *out, const struct timeline_turn *turn, uint32_t number)
{
    char text[256], name[32], prefill[48], wait[48];
    units_format(turn->first_token_ns - turn->prefill_start_ns, UNIT_DURATION, prefill,
                 sizeof prefill);
    units_format(turn->load_wait_ns, UNIT_DURATION, wait, sizeof wait);
    snprintf(text, sizeof text,
             "%.60s: session %" PRIu64 "'s turn %" PRIu64
             ", %.0f tokens reused and %.0f computed; prefill %s, waiting for KV %s",
             turn->policy, turn->session, turn->turn_of_session, turn->reused_tokens,
             turn->computed_tokens, prefill, wait);
    snprintf(name, sizeof name, "title_%" PRIu32, number);
    picture_put_text(out, name, text);
}

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

/* What was read long before the prefill began would leave no room for it: half as long as what
 * follows is shown of it. */
static void set_range(struct page *page)
{
    page->least_ms = page->most_ms = 0.0;
    for (uint32_t t = 0; t < page->turns; t++)
        page->most_ms =
            fmax(page->most_ms,
                 (last_ns(&page->turn[t]) - page->turn[t].prefill_start_ns) / (double)NS_PER_MS);
    for (uint32_t t = 0; t < page->turns; t++) {
        double start_ns = page->turn[t].prefill_start_ns;
        double from_ns = start_ns - 0.5 * page->most_ms * (double)NS_PER_MS;
        double first_ns = first_seen_ns(&page->turn[t], from_ns);
        page->least_ms = fmin(page->least_ms, (first_ns - start_ns) / (double)NS_PER_MS);
    }
}

/* Layers whose KV had come before what is drawn. */
static uint32_t layers_before(const struct timeline_turn *turn, double least_ms)
{
    double from_ns = turn->prefill_start_ns + least_ms * (double)NS_PER_MS;
    uint32_t count = 0;
    for (uint32_t i = 0; i < turn->layers; i++)
        count += turn->layer[i].arrival_ns > 0.0 && turn->layer[i].arrival_ns <= from_ns;
    return count;
}

static void put_before(FILE *out, const struct timeline_turn *turn, double least_ms,
                       uint32_t number)
{
    char text[64] = "", name[32];
    uint32_t count = layers_before(turn, least_ms);
    if (count > 0)
        snprintf(text, sizeof text, "%" PRIu32 " layers had come before", count);
    snprintf(name, sizeof name, "before_%" PRIu32, number);
    picture_put_text(out, name, text);
}

static void put_page(FILE *out, const void *data)
{
    const struct page *page = data;
    fprintf(out, "turns = %" PRIu32 "\nx_least = %.9g\nx_most = %.9g\n", page->turns,
            page->least_ms, page->most_ms);
    for (uint32_t t = 0; t < page->turns; t++) {
        const struct timeline_turn *turn = &page->turn[t];
        const struct panel panel = { out, turn, page->least_ms };
        put_title(out, turn, t + 1);
        put_before(out, turn, page->least_ms, t + 1);
        fprintf(out, "first_token_%" PRIu32 " = %.9g\n$blocks_%" PRIu32 " << END\n", t + 1,
                (turn->first_token_ns - turn->prefill_start_ns) / (double)NS_PER_MS, t + 1);
        put_loads(&panel);
        put_computing(&panel);
        put_saves(&panel);
        fputs("END\n", out);
    }
}

static enum status draw(const struct page *page, const char *folder, const char *ending,
                        void (*told)(const char *path, void *context), void *context,
                        struct error *err)
{
    char path[WORKSHOP_PATH_BYTES];
    snprintf(path, sizeof path, "%s/timeline.%s", folder, ending);
    enum status status = picture_draw("--out", path, "gantt.gp", put_page, page, err);
    if (status == STATUS_OK && told != NULL)
        told(path, context);
    return status;
}

enum status gantt_draw(const char *const *timeline, uint32_t files, uint64_t turn,
                       const char *folder, void (*told)(const char *path, void *context),
                       void *context, struct error *err)
{
    struct timeline_turn read[GANTT_FILES_MOST];
    struct page page = { .turn = read, .turns = files };
    enum status status = STATUS_OK;
    memset(read, 0, sizeof read);
    for (uint32_t i = 0; i < files && status == STATUS_OK; i++)
        status = timeline_turn_read(timeline[i], i == 0 ? turn : read[0].turn, &read[i], err);
    set_range(&page);
    if (status == STATUS_OK)
        status = workshop_make_folder(folder, err);
    if (status == STATUS_OK)
        status = draw(&page, folder, "png", told, context, err);
    if (status == STATUS_OK)
        status = draw(&page, folder, "svg", told, context, err);
    for (uint32_t i = 0; i < files; i++)
        timeline_turn_free(&read[i]);
    return status;
}
