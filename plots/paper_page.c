/* plots/paper_page.c - see paper_page.h: pictures by gnuplot, then the page around them. */
#include "plots/paper_page.h"

#include "plots/gnuplot_text.h"
#include "plots/paper_html.h"
#include "plots/ticks.h"
#include "plots/workshop.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PATH_BYTES WORKSHOP_PATH_BYTES

static const char *const formats[] = { "png", "svg" };
enum { FORMATS = sizeof formats / sizeof *formats };

static uint32_t count_panels(const struct paper *paper, const char *part)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < paper->panel_count; i++)
        count += strcmp(paper->panels[i].part, part) == 0;
    return count;
}

/* ---- what gnuplot is fed ---- */

static void write_number(FILE *out, double value)
{
    if (isnan(value))
        fputs(" NaN", out);
    else
        fprintf(out, " %.9g", value);
}

/* What the bars of a stack below series `above` reach at its k-th point. */
static double stack_below(const struct paper_panel *panel, uint32_t above, uint32_t k)
{
    double sum = 0.0;
    for (uint32_t i = 0; panel->kind == PAPER_STACKED && i < above; i++)
        sum += panel->series[i].y[k];
    return sum;
}

static double write_series(FILE *out, const struct paper_panel *panel, uint32_t n, uint32_t i)
{
    const struct paper_series *series = &panel->series[i];
    double most = 0.0;
    fprintf(out, "$s_%u_%u << EOD\n", n, i + 1);
    for (uint32_t k = 0; k < series->count; k++) {
        double low = stack_below(panel, i, k);
        write_number(out, series->x[k]);
        write_number(out, low);
        write_number(out, low + series->y[k]);
        fputc('\n', out);
        if (low + series->y[k] > most)
            most = low + series->y[k];
    }
    fputs("EOD\n", out);
    char name[32];
    snprintf(name, sizeof name, "series_name_%u[%u]", n, i + 1);
    gnuplot_put_variable(out, name, series->name);
    fprintf(out, "series_published_%u[%u] = %d\n", n, i + 1, series->published);
    return most;
}

static void write_text_entry(FILE *out, const char *array, uint32_t n, const char *text)
{
    char name[32];
    snprintf(name, sizeof name, "%s[%u]", array, n);
    gnuplot_put_variable(out, name, text);
}

static void write_panel(FILE *out, const struct paper_panel *panel, uint32_t n)
{
    static const char *const kinds[] = { "bars", "stacked", "lines" };
    double most = 0.0;
    fprintf(out, "array series_name_%u[%d]\narray series_published_%u[%d]\n", n, PAPER_SERIES, n,
            PAPER_SERIES);
    for (uint32_t i = 0; i < panel->series_count; i++)
        most = fmax(most, write_series(out, panel, n, i));
    write_text_entry(out, "panel_kind", n, kinds[panel->kind]);
    write_text_entry(out, "panel_title", n, panel->title);
    write_text_entry(out, "panel_x", n, panel->x_label);
    write_text_entry(out, "panel_y", n, panel->y_label);
    fprintf(out, "array panel_group_%u[%d]\n", n, PAPER_POINTS);
    for (uint32_t i = 0; i < panel->groups; i++) {
        char name[32];
        snprintf(name, sizeof name, "panel_group_%u[%u]", n, i + 1);
        ticks_put_label(out, name, panel->group[i]);
    }
    fprintf(out, "panel_most[%u] = %.9g\npanel_groups[%u] = %u\npanel_series[%u] = %u\n", n, most,
            n, panel->groups, n, panel->series_count);
}

static void write_figure(struct workshop *workshop, const struct paper *paper, const char *part)
{
    FILE *out = workshop->out;
    uint32_t panels = count_panels(paper, part), n = 0;
    if (panels == 0)
        return;
    static const char *const arrays[] = { "kind", "title", "x", "y", "most", "groups", "series" };
    fprintf(out, "panels = %u\n", panels);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        fprintf(out, "array panel_%s[%u]\n", arrays[i], panels);
    for (uint32_t i = 0; i < paper->panel_count; i++)
        if (strcmp(paper->panels[i].part, part) == 0)
            write_panel(out, &paper->panels[i], ++n);
    for (int format = 0; format < FORMATS; format++)
        workshop_add(workshop, part, formats[format], NULL, "paper_figure.gp");
}

struct figures {
    const struct paper *paper;
    const char *folder;
    struct workshop *workshop;
    void (*wrote)(const char *path, void *context);
    void *context;
    struct error *err;
};

static void write_each(const char *part, const char *title, void *context)
{
    const struct figures *figures = context;
    (void)title;
    write_figure(figures->workshop, figures->paper, part);
}

static void give_each(const char *part, const char *title, void *context)
{
    const struct figures *figures = context;
    (void)title;
    for (int format = 0; format < FORMATS && count_panels(figures->paper, part) > 0; format++) {
        char path[PATH_BYTES];
        paper_picture_path(path, figures->folder, part, formats[format]);
        if (workshop_give(figures->workshop, part, formats[format], path, figures->err) ==
            STATUS_OK)
            figures->wrote(path, figures->context);
    }
}

/* ---- all ---- */

static enum status draw_pictures(struct figures *figures, struct error *err)
{
    struct workshop workshop;
    if (figures->paper->panel_count == 0)
        return STATUS_OK;
    if (workshop_open(&workshop, err) != STATUS_OK)
        return err->status;
    figures->workshop = &workshop;
    paper_parts(write_each, figures);
    if (workshop_draw(&workshop, err) == STATUS_OK)
        paper_parts(give_each, figures);
    figures->workshop = NULL;
    workshop_close(&workshop);
    return err->status;
}

enum status paper_page_draw(const struct paper *paper, const char *folder,
                            void (*wrote)(const char *path, void *context), void *context,
                            struct error *err)
{
    struct figures figures = { paper, folder, NULL, wrote, context, err };
    enum status status = workshop_check_name("--out", folder, err);
    if (status == STATUS_OK)
        status = workshop_make_folder(folder, err);
    if (status == STATUS_OK)
        status = draw_pictures(&figures, err);
    if (status != STATUS_OK)
        return status;
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/index.html", folder);
    status = paper_html_write(paper, folder, path, err);
    if (status == STATUS_OK)
        wrote(path, context);
    return status;
}
