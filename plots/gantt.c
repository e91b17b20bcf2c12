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

/* What a block shows: a layer, GPUs that stand still, GPUs that compute something else; and layers
 * without a gap between them, of which every second is then drawn: half as large a picture. */
enum block { BLOCK_LAYER, BLOCK_WAIT, BLOCK_OTHER, BLOCK_RUN };

struct page {
    const struct gantt_panel *panel;
    uint32_t panels;
    bool small;
    double least_ms, most_ms; /* what is drawn, since a turn's prefill began */
};

/* What is being written. */
struct panel {
    FILE *out;
    const struct timeline_turn *turn;
    double least_ms, most_ms;
    enum lane run_lane; /* layers without a gap, so far */
    double run_begin_ns, run_end_ns;
};

/* In ms since the turn's prefill began. */
static void put(const struct panel *panel, enum lane lane, enum block block, double begin_ns,
                double end_ns, uint32_t layer)
{
    double start_ns = panel->turn->prefill_start_ns;
    double begin_ms = fmax((begin_ns - start_ns) / (double)NS_PER_MS, panel->least_ms);
    double end_ms = fmin((end_ns - start_ns) / (double)NS_PER_MS, panel->most_ms);
    if (end_ms > begin_ms)
        fprintf(panel->out, "%d %.6f %.6f %" PRIu32 " %d\n", (int)lane, begin_ms, end_ms, layer,
                (int)block);
}

static void end_run(struct panel *panel)
{
    put(panel, panel->run_lane, BLOCK_RUN, panel->run_begin_ns, panel->run_end_ns, 0);
    panel->run_begin_ns = panel->run_end_ns = 0.0;
}

static void put_layer(struct panel *panel, enum lane lane, double begin_ns, double end_ns,
                      uint32_t layer)
{
    const double rounding_ns = 1.0;
    put(panel, lane, BLOCK_LAYER, begin_ns, end_ns, layer);
    if (panel->run_lane != lane || fabs(begin_ns - panel->run_end_ns) > rounding_ns) {
        end_run(panel);
        panel->run_lane = lane;
        panel->run_begin_ns = begin_ns;
    }
    panel->run_end_ns = end_ns;
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
static void put_loads(struct panel *panel)
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
            put_layer(panel, LANE_LOAD, begin_ns, before_ns, turn->layer[i].layer);
    }
    for (uint32_t i = 0; i < turn->loads && !by_layer; i++)
        put_layer(panel, LANE_LOAD, turn->load[i].begin_ns, turn->load[i].end_ns, 0);
}

/* What stands before a layer within its iteration, it waited for its KV. */
static void put_computing(struct panel *panel)
{
    const struct timeline_turn *turn = panel->turn;
    double free_ns = turn->prefill_start_ns;
    for (uint32_t i = 0; i < turn->layers; i++) {
        const struct timeline_layer *layer = &turn->layer[i];
        if (i == 0 || layer->layer > turn->layer[i - 1].layer)
            put(panel, LANE_COMPUTE, BLOCK_WAIT, free_ns, layer->begin_ns, 0);
        put_layer(panel, LANE_COMPUTE, layer->begin_ns, layer->end_ns, layer->layer);
        free_ns = layer->end_ns;
    }
    for (uint32_t i = 0; i < turn->arounds; i++)
        put(panel, LANE_COMPUTE, turn->around[i].waits_for_saving ? BLOCK_WAIT : BLOCK_OTHER,
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
static void put_saves(struct panel *panel)
{
    const struct timeline_turn *turn = panel->turn;
    uint32_t layers = layer_count(turn);
    for (uint32_t i = 0; i < turn->saves; i++) {
        const struct timeline_copy *save = &turn->save[i];
        double layer_ns = (save->end_ns - save->begin_ns) / layers;
        if (save->begin_ns > turn->first_token_ns)
            continue;
        for (uint32_t layer = 0; layer < layers; layer++)
            put_layer(panel, LANE_SAVE, save->begin_ns + layer * layer_ns,
                      save->begin_ns + (layer + 1) * layer_ns, layer);
    }
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

static void put_facts(FILE *out, const struct timeline_turn *turn, uint32_t number)
{
    char text[192], name[32], prefill[48], wait[48];
    units_format(turn->first_token_ns - turn->prefill_start_ns, UNIT_DURATION, prefill,
                 sizeof prefill);
    int length = snprintf(text, sizeof text, "prefill %s", prefill);
    units_format(turn->load_wait_ns, UNIT_DURATION, wait, sizeof wait);
    if (turn->load_wait_ns > 0.0)
        length +=
            snprintf(text + length, sizeof text - (size_t)length, ", waiting for KV %s", wait);
    units_format(save_wait_ns(turn), UNIT_DURATION, wait, sizeof wait);
    if (save_wait_ns(turn) > 0.0)
        snprintf(text + length, sizeof text - (size_t)length, ", then waiting to save %s", wait);
    snprintf(name, sizeof name, "facts_%" PRIu32, number);
    picture_put_text(out, name, text);
}

static void put_title(FILE *out, const struct gantt_panel *panel, uint32_t number)
{
    char name[32];
    snprintf(name, sizeof name, "title_%" PRIu32, number);
    picture_put_text(out, name, panel->title);
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
    for (uint32_t t = 0; t < page->panels; t++)
        page->most_ms = fmax(
            page->most_ms, (last_ns(page->panel[t].turn) - page->panel[t].turn->prefill_start_ns) /
                               (double)NS_PER_MS);
    for (uint32_t t = 0; t < page->panels; t++) {
        double start_ns = page->panel[t].turn->prefill_start_ns;
        double from_ns = start_ns - 0.5 * page->most_ms * (double)NS_PER_MS;
        double first_ns = first_seen_ns(page->panel[t].turn, from_ns);
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
    fprintf(out, "small = %d\nturns = %" PRIu32 "\nx_least = %.9g\nx_most = %.9g\n", page->small,
            page->panels, page->least_ms, page->most_ms);
    for (uint32_t t = 0; t < page->panels; t++) {
        const struct timeline_turn *turn = page->panel[t].turn;
        struct panel panel = {
            .out = out, .turn = turn, .least_ms = page->least_ms, .most_ms = page->most_ms
        };
        put_title(out, &page->panel[t], t + 1);
        put_facts(out, turn, t + 1);
        put_before(out, turn, page->least_ms, t + 1);
        fprintf(out, "first_token_%" PRIu32 " = %.9g\n$blocks_%" PRIu32 " << END\n", t + 1,
                (turn->first_token_ns - turn->prefill_start_ns) / (double)NS_PER_MS, t + 1);
        put_loads(&panel);
        put_computing(&panel);
        put_saves(&panel);
        end_run(&panel);
        fputs("END\n", out);
    }
}

enum status gantt_draw_turns(const struct gantt_panel *panel, uint32_t panels, bool small,
                             const char *what, const char *path, struct error *err)
{
    struct page page = { .panel = panel, .panels = panels, .small = small };
    set_range(&page);
    return picture_draw(what, path, "gantt.gp", put_page, &page, err);
}

/* ---- of timelines ---- */

static void set_title(const struct timeline_turn *turn, struct gantt_panel *panel)
{
    panel->turn = turn;
    snprintf(panel->title, sizeof panel->title,
             "%.60s: session %" PRIu64 "'s turn %" PRIu64 ", %.0f tokens reused and %.0f computed",
             turn->policy, turn->session, turn->turn_of_session, turn->reused_tokens,
             turn->computed_tokens);
}

static enum status draw(const struct gantt_panel *panel, uint32_t panels, const char *folder,
                        const char *ending, void (*told)(const char *path, void *context),
                        void *context, struct error *err)
{
    char path[WORKSHOP_PATH_BYTES];
    snprintf(path, sizeof path, "%s/timeline.%s", folder, ending);
    enum status status = gantt_draw_turns(panel, panels, false, "--out", path, err);
    if (status == STATUS_OK && told != NULL)
        told(path, context);
    return status;
}

enum status gantt_draw(const char *const *timeline, uint32_t files, uint64_t turn,
                       const char *folder, void (*told)(const char *path, void *context),
                       void *context, struct error *err)
{
    struct timeline_turn read[GANTT_FILES_MOST];
    struct gantt_panel panel[GANTT_FILES_MOST];
    enum status status = STATUS_OK;
    memset(read, 0, sizeof read);
    for (uint32_t i = 0; i < files && status == STATUS_OK; i++) {
        status = timeline_turn_read(timeline[i], turn, i > 0 ? &read[0] : NULL, &read[i], err);
        set_title(&read[i], &panel[i]);
    }
    if (status == STATUS_OK)
        status = workshop_make_folder(folder, err);
    if (status == STATUS_OK)
        status = draw(panel, files, folder, "png", told, context, err);
    if (status == STATUS_OK)
        status = draw(panel, files, folder, "svg", told, context, err);
    for (uint32_t i = 0; i < files; i++)
        timeline_turn_free(&read[i]);
    return status;
}
