/* plots/lesson_picture.c - see lesson_picture.h. Data are written here, drawing is
 * page_lesson.gp's, and of a turn gantt.c's. */
#include "plots/lesson_picture.h"

#include "base/units.h"
#include "plots/gantt.h"
#include "plots/gnuplot_text.h"
#include "plots/picture.h"
#include "plots/ticks.h"
#include "plots/timeline_turn.h"
#include "plots/workshop.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define SEEN 25.0

/* ---- where points stand ---- */

/* Values that double (16, 32, 64) are as far apart as they are in factors. */
static bool same_factor(const double *value, uint32_t count)
{
    for (uint32_t k = 2; k < count; k++)
        if (fabs(value[k] * value[0] / (value[k - 1] * value[1]) - 1.0) > 1e-9)
            return false;
    return value[0] > 0.0;
}

/* From 1 to the number of points: as far apart as their values are, which so are no steps of equal
 * width where they differ; evenly where the values are no numbers, or have one factor between them.
 */
static void set_places(const struct lesson *lesson, double place[LESSON_POINTS])
{
    double value[LESSON_POINTS];
    uint32_t last = lesson->point_count - 1;
    bool numbers = last > 0;
    for (uint32_t k = 0; k <= last; k++) {
        place[k] = k + 1.0;
        numbers = numbers && units_parse(lesson->value[k], UNIT_BYTES, &value[k]) &&
                  (k == 0 || value[k] > value[k - 1]);
    }
    if (!numbers || same_factor(value, last + 1))
        return;
    for (uint32_t k = 0; k <= last; k++)
        place[k] = 1.0 + last * (value[k] - value[0]) / (value[last] - value[0]);
}

/* ---- the page's data ---- */

/* $panel_N: a row a point: its place, then the metric of each line. y_N_*: its axis. */
static void put_panel(FILE *out, const struct lesson *lesson, uint32_t n,
                      const double place[LESSON_POINTS])
{
    const struct lesson_panel *panel = &lesson->panel[n];
    double least = INFINITY, most = 0.0;
    char name[32];
    fprintf(out, "$panel_%u << END\n", n + 1);
    for (uint32_t k = 0; k < lesson->point_count; k++) {
        fprintf(out, "%.9g", place[k]);
        for (uint32_t i = 0; i < lesson->line_count; i++) {
            double value = metric_value(&lesson->line[i].at[k], panel->metric);
            fprintf(out, " %.9g", value);
            least = fmin(least, value);
            most = fmax(most, value);
        }
        fputc('\n', out);
    }
    fputs("END\n", out);
    snprintf(name, sizeof name, "y_%u", n + 1);
    /* From 0 as long as the lowest point is told from it. */
    struct ticks ticks =
        ticks_make(ticks_kind(panel->metric), most < SEEN * least ? 0.0 : least, most, true);
    ticks_write(out, name, &ticks);
    snprintf(name, sizeof name, "panel_title[%u]", n + 1);
    gnuplot_put_variable(out, name, panel->title);
}

static void put_page(FILE *out, const void *data)
{
    const struct lesson *lesson = data;
    char name[32];
    double place[LESSON_POINTS];
    set_places(lesson, place);
    fprintf(out, "panels = %u\nlines = %u\npoints = %u\n", lesson->panel_count, lesson->line_count,
            lesson->point_count);
    fprintf(out, "array panel_title[%d]\narray line_label[%d]\narray x_label[%d]\narray x_at[%d]\n",
            LESSON_PANELS, LESSON_LINES, LESSON_POINTS, LESSON_POINTS);
    for (uint32_t n = 0; n < lesson->panel_count; n++)
        put_panel(out, lesson, n, place);
    for (uint32_t i = 0; i < lesson->line_count; i++) {
        snprintf(name, sizeof name, "line_label[%u]", i + 1);
        gnuplot_put_variable(out, name, lesson->line[i].label);
    }
    for (uint32_t k = 0; k < lesson->point_count; k++) {
        snprintf(name, sizeof name, "x_label[%u]", k + 1);
        ticks_put_label(out, name, lesson->value[k]);
        fprintf(out, "x_at[%u] = %.9g\n", k + 1, place[k]);
    }
    gnuplot_put_variable(out, "x_name", lesson->x_label);
}

enum status lesson_picture_draw(const struct lesson *lesson, const char *path, struct error *err)
{
    return picture_draw("--out", path, "page_lesson.gp", put_page, lesson, err);
}

/* ---- a turn ---- */

static enum status read_shown(const struct lesson *lesson, uint32_t i, const char *folder,
                              struct timeline_turn *told, struct error *err)
{
    char path[WORKSHOP_PATH_BYTES];
    snprintf(path, sizeof path, "%s/turn.json", folder);
    enum status status = lesson_record(lesson, i, path, err);
    if (status == STATUS_OK)
        status = timeline_turn_read(path, lesson->shown[i].row.turn, NULL, told, err);
    unlink(path);
    return status;
}

enum status lesson_turn_draw(const struct lesson *lesson, const char *path, struct error *err)
{
    struct timeline_turn told[LESSON_SHOWN];
    struct gantt_panel panel[LESSON_SHOWN];
    struct workshop workshop;
    memset(told, 0, sizeof told);
    enum status status = workshop_open(&workshop, err);
    if (status != STATUS_OK)
        return status;
    for (uint32_t i = 0; status == STATUS_OK && i < lesson->shown_count; i++) {
        status = read_shown(lesson, i, workshop.folder, &told[i], err);
        panel[i].turn = &told[i];
        snprintf(panel[i].title, sizeof panel[i].title, "%s", lesson->shown[i].label);
    }
    workshop_close(&workshop);
    if (status == STATUS_OK)
        status = gantt_draw_turns(panel, lesson->shown_count, true, "--out", path, err);
    for (uint32_t i = 0; i < LESSON_SHOWN; i++)
        timeline_turn_free(&told[i]);
    return status;
}
