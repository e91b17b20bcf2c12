/* plots/paper_page.c - see paper_page.h: pictures by gnuplot, then the page around them. */
#include "plots/paper_page.h"

#include "plots/gnuplot.h"
#include "plots/paper_html.h"
#include "plots/plot_data.h"
#include "plots/workshop.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
    fprintf(out, "series_name_%u[%u] = ", n, i + 1);
    plot_data_write_text(out, series->name);
    fprintf(out, "\nseries_published_%u[%u] = %d\n", n, i + 1, series->published);
    return most;
}

static void write_text_entry(FILE *out, const char *array, uint32_t n, const char *text)
{
    fprintf(out, "%s[%u] = ", array, n);
    plot_data_write_text(out, text);
    fputc('\n', out);
}

static void write_panel(FILE *out, const struct paper_panel *panel, uint32_t n)
{
    static const char *const kinds[] = { "bars", "stacked", "lines" };
    double most = 0.0;
    fprintf(out, "array series_name_%u[%u]\narray series_published_%u[%u]\n", n, PAPER_SERIES, n,
            PAPER_SERIES);
    for (uint32_t i = 0; i < panel->series_count; i++)
        most = fmax(most, write_series(out, panel, n, i));
    write_text_entry(out, "panel_kind", n, kinds[panel->kind]);
    write_text_entry(out, "panel_title", n, panel->title);
    write_text_entry(out, "panel_x", n, panel->x_label);
    write_text_entry(out, "panel_y", n, panel->y_label);
    char tics[PAPER_POINTS * 64] = "(";
    size_t length = 1;
    for (uint32_t i = 0; i < panel->groups; i++)
        length += (size_t)snprintf(tics + length, sizeof tics - length, "%s\"%s\" %u",
                                   i > 0 ? ", " : "", panel->group[i], i + 1);
    snprintf(tics + length, sizeof tics - length, ")");
    write_text_entry(out, "panel_tics", n, tics);
    fprintf(out, "panel_most[%u] = %.9g\npanel_groups[%u] = %u\npanel_series[%u] = %u\n", n, most,
            n, panel->groups, n, panel->series_count);
}

static void write_figure(FILE *out, const struct paper *paper, const char *part, const char *folder)
{
    uint32_t panels = count_panels(paper, part), n = 0;
    if (panels == 0)
        return;
    static const char *const arrays[] = { "kind", "title", "x",      "y",
                                          "tics", "most",  "groups", "series" };
    fprintf(out, "panels = %u\n", panels);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        fprintf(out, "array panel_%s[%u]\n", arrays[i], panels);
    for (uint32_t i = 0; i < paper->panel_count; i++)
        if (strcmp(paper->panels[i].part, part) == 0)
            write_panel(out, &paper->panels[i], ++n);
    for (int format = 0; format < FORMATS; format++) {
        char path[PATH_BYTES];
        paper_picture_path(path, folder, part, formats[format]);
        fprintf(out, "picture_format = '%s'\npicture_file = ", formats[format]);
        plot_data_write_text(out, path);
        fputs("\nload scripts.'/style.gp'\nload scripts.'/paper_figure.gp'\nunset output\n", out);
    }
}

struct figures {
    const struct paper *paper;
    const char *folder;
    FILE *out;
    void (*wrote)(const char *path, void *context);
    void *context;
    struct error *err;
};

static void write_each(const char *part, const char *title, void *context)
{
    const struct figures *figures = context;
    (void)title;
    write_figure(figures->out, figures->paper, part, figures->folder);
}

static enum status write_script(struct figures *figures, const char *path, struct error *err)
{
    figures->out = fopen(path, "w");
    if (figures->out == NULL)
        return error_io(err, path, "create", strerror(errno));
    fputs("scripts = ", figures->out);
    plot_data_write_text(figures->out, workshop_scripts());
    fputc('\n', figures->out);
    paper_parts(write_each, figures);
    bool written = ferror(figures->out) == 0;
    if (fclose(figures->out) != 0 || !written)
        return error_io(err, path, "write", strerror(errno));
    return STATUS_OK;
}

/* gnuplot goes on, and ends well, where its disk is full. */
static void tell_each(const char *part, const char *title, void *context)
{
    const struct figures *figures = context;
    (void)title;
    for (int format = 0; format < FORMATS && count_panels(figures->paper, part) > 0; format++) {
        char path[PATH_BYTES];
        struct stat facts;
        paper_picture_path(path, figures->folder, part, formats[format]);
        if (stat(path, &facts) != 0)
            error_io(figures->err, path, "write", strerror(errno));
        else if (facts.st_size == 0)
            error_io(figures->err, path, "write", "it came out empty: is the disk full?");
        else
            figures->wrote(path, figures->context);
    }
}

/* ---- all ---- */

static enum status draw_pictures(struct figures *figures, struct error *err)
{
    struct workshop workshop;
    if (figures->paper->panel_count == 0)
        return STATUS_OK;
    enum status status = workshop_open(&workshop, err);
    if (status != STATUS_OK)
        return status;
    status = write_script(figures, workshop.script, err);
    if (status == STATUS_OK)
        status = gnuplot_run(workshop.script, workshop.log, err);
    workshop_close(&workshop);
    if (status == STATUS_OK)
        paper_parts(tell_each, figures);
    return err->status;
}

enum status paper_page_draw(const struct paper *paper, const char *folder,
                            void (*wrote)(const char *path, void *context), void *context,
                            struct error *err)
{
    struct figures figures = { paper, folder, NULL, wrote, context, err };
    enum status status = workshop_check_name("--out", folder, err);
    if (status == STATUS_OK)
        status = workshop_check_name("$REPRISE_PLOTS", workshop_scripts(), err);
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
