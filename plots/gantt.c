/* plots/gantt.c - see gantt.h. What is drawn is gantt_blocks.c's, drawing is gantt.gp's. */
#include "plots/gantt.h"

#include "plots/gantt_blocks.h"
#include "plots/gnuplot_text.h"
#include "plots/picture.h"
#include "plots/timeline_turn.h"
#include "plots/workshop.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct page {
    const struct gantt_panel *panel;
    uint32_t panels;
    bool small;
    struct gantt_range range;
};

static void put_colours(FILE *out)
{
    fprintf(out, "array lane_name[%d]\narray lane_dark[%d]\narray lane_light[%d]\n",
            GANTT_LANE_COUNT, GANTT_LANE_COUNT, GANTT_LANE_COUNT);
    for (int lane = 0; lane < GANTT_LANE_COUNT; lane++)
        fprintf(out, "lane_name[%d] = '%s'\nlane_dark[%d] = '%s'\nlane_light[%d] = '%s'\n",
                lane + 1, gantt_lanes[lane].name, lane + 1, gantt_lanes[lane].dark, lane + 1,
                gantt_lanes[lane].light);
    fputs("waits = '" GANTT_WAIT_COLOUR "'\nother = '" GANTT_OTHER_COLOUR "'\n", out);
}

/* "title_2 = ...". */
static void put_words(FILE *out, const char *what, uint32_t number, const char *text)
{
    char name[32];
    snprintf(name, sizeof name, "%s_%" PRIu32, what, number);
    gnuplot_put_variable(out, name, text);
}

static void put_block(void *context, const struct gantt_block *block)
{
    fprintf(context, "%d %.6f %.6f %" PRIu32 " %d\n", (int)block->lane, block->begin_ms,
            block->end_ms, block->layer, (int)block->kind);
}

static void put_turn(FILE *out, const struct page *page, uint32_t t)
{
    const struct timeline_turn *turn = page->panel[t].turn;
    char text[GANTT_TEXT_BYTES];
    put_words(out, "title", t + 1, page->panel[t].title);
    put_words(out, "facts", t + 1, gantt_facts(turn, text));
    put_words(out, "before", t + 1, gantt_before(turn, page->range, text));
    fprintf(out, "first_token_%" PRIu32 " = %.9g\n$blocks_%" PRIu32 " << END\n", t + 1,
            gantt_first_token_ms(turn), t + 1);
    gantt_blocks(turn, page->range, put_block, out);
    fputs("END\n", out);
}

static void put_page(FILE *out, const void *data)
{
    const struct page *page = data;
    fprintf(out, "small = %d\nturns = %" PRIu32 "\nx_least = %.9g\nx_most = %.9g\n", page->small,
            page->panels, page->range.least_ms, page->range.most_ms);
    put_colours(out);
    for (uint32_t t = 0; t < page->panels; t++)
        put_turn(out, page, t);
}

enum status gantt_draw_turns(const struct gantt_panel *panel, uint32_t panels, bool small,
                             const char *what, const char *path, struct error *err)
{
    const struct timeline_turn *turn[GANTT_FILES_MOST];
    for (uint32_t t = 0; t < panels; t++)
        turn[t] = panel[t].turn;
    const struct page page = {
        .panel = panel, .panels = panels, .small = small, .range = gantt_range(turn, panels)
    };
    return picture_draw(what, path, "gantt.gp", put_page, &page, err);
}

/* ---- of timelines ---- */

static void set_title(const struct timeline_turn *turn, struct gantt_panel *panel)
{
    panel->turn = turn;
    gantt_title(turn, panel->title);
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
