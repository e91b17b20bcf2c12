/* plots/plots.c - see plots.h. One script is written into a temporary folder: the data, then for
 * each picture and format where it goes and which of the scripts beside this file draws it. */
#include "plots/plots.h"

#include "plots/gnuplot.h"
#include "plots/plot_data.h"
#include "plots/workshop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES WORKSHOP_PATH_BYTES

/* A picture's file, the script that draws it (page_NAME.gp) and what that is told. */
struct picture {
    char name[32];
    const char *page, *told;
};

struct drawing {
    const char *folder;
    uint32_t count, formats; /* of the formats below, the first ones */
    struct picture picture[PLOT_POLICIES_MAX + 8];
};
static const char *const formats[] = { "svg", "png" };

static void add(struct drawing *drawing, const char *name, const char *page, const char *told)
{
    struct picture *picture = &drawing->picture[drawing->count++];
    snprintf(picture->name, sizeof picture->name, "%s", name);
    picture->page = page;
    picture->told = told;
}

static void add_pictures(struct drawing *drawing)
{
    drawing->formats = 2;
    add(drawing, "overview", "overview", "");
    add(drawing, "ttft_cdf", "curves", "");
    add(drawing, "hits_over_time", "hits_over_time", "");
    add(drawing, "bytes_by_link", "bytes_by_link", "");
}

static void add_column(struct drawing *drawing, uint32_t policies)
{
    char name[32];
    drawing->formats = 1;
    add(drawing, "ttft_mean", "bars", "shown = 1");
    add(drawing, "ttft_p99", "bars", "shown = 2");
    add(drawing, "sources", "sources", "");
    add(drawing, "cost", "bars", "shown = 3");
    add(drawing, "ttft_cdf", "curves", "");
    add(drawing, "bytes_by_link", "bytes_by_link", "");
    for (uint32_t i = 0; i < policies; i++) {
        snprintf(name, sizeof name, "hits_%u", i + 1);
        add(drawing, name, "hits", "");
    }
}

static void picture_path(char path[PATH_BYTES], const struct drawing *drawing, uint32_t picture,
                         uint32_t format)
{
    snprintf(path, PATH_BYTES, "%s/%s.%s", drawing->folder, drawing->picture[picture].name,
             formats[format]);
}

/* hits_N is of policy N. */
static void write_pages(FILE *out, const struct drawing *drawing)
{
    char path[PATH_BYTES];
    fputs("scripts = ", out);
    plot_data_write_text(out, workshop_scripts());
    fputc('\n', out);
    for (uint32_t i = 0; i < drawing->count; i++)
        for (uint32_t format = 0; format < drawing->formats; format++) {
            const struct picture *picture = &drawing->picture[i];
            picture_path(path, drawing, i, format);
            fprintf(out, "picture_format = '%s'\npicture_name = '%s'\n%s\npicture_file = ",
                    formats[format], picture->name, picture->told);
            plot_data_write_text(out, path);
            fprintf(out, "\nload scripts.'/style.gp'\nload scripts.'/page_%s.gp'\nunset output\n",
                    picture->page);
        }
}

static enum status write_script(const struct workshop *workshop, struct store *store,
                                const struct compared_kept *kept, const struct drawing *drawing,
                                struct error *err)
{
    FILE *out = fopen(workshop->script, "w");
    if (out == NULL)
        return error_io(err, workshop->script, "create", strerror(errno));
    enum status status = plot_data_write(out, store, kept, err);
    write_pages(out, drawing);
    bool written = ferror(out) == 0;
    if (fclose(out) != 0 || !written)
        return error_io(err, workshop->script, "write", strerror(errno));
    return status;
}

/* gnuplot goes on, and ends well, where its disk is full. */
static enum status tell_pictures(const struct drawing *drawing, void (*wrote)(const char *, void *),
                                 void *context, struct error *err)
{
    char path[PATH_BYTES];
    for (uint32_t picture = 0; picture < drawing->count; picture++)
        for (uint32_t format = drawing->formats; format-- > 0;) {
            struct stat facts;
            picture_path(path, drawing, picture, format);
            if (stat(path, &facts) != 0)
                return error_io(err, path, "write", strerror(errno));
            if (facts.st_size == 0)
                return error_io(err, path, "write", "it came out empty: is the disk full?");
            wrote(path, context);
        }
    return STATUS_OK;
}

static enum status draw_in(const struct workshop *workshop, struct store *store,
                           const struct compared_kept *kept, const struct drawing *drawing,
                           struct error *err)
{
    enum status status = write_script(workshop, store, kept, drawing, err);
    return status == STATUS_OK ? gnuplot_run(workshop->script, workshop->log, err) : status;
}

enum status plots_draw(struct store *store, const struct compared_kept *kept, enum plots_form form,
                       const char *folder, void (*wrote)(const char *path, void *context),
                       void *context, struct error *err)
{
    struct drawing drawing = { .folder = folder };
    struct workshop workshop;
    if (kept->compared.count > PLOT_POLICIES_MAX)
        return error_input(err, NULL, 0, "plot", "a comparison of at most 12 policies", "more");
    enum status status = workshop_check_name("--out", folder, err);
    if (status == STATUS_OK)
        status = workshop_check_name("$REPRISE_PLOTS", workshop_scripts(), err);
    if (status == STATUS_OK)
        status = workshop_make_folder(folder, err);
    if (status == STATUS_OK)
        status = workshop_open(&workshop, err);
    if (status != STATUS_OK)
        return status;
    if (form == PLOTS_PICTURES)
        add_pictures(&drawing);
    else
        add_column(&drawing, kept->compared.count);
    status = draw_in(&workshop, store, kept, &drawing, err);
    workshop_close(&workshop);
    return status == STATUS_OK ? tell_pictures(&drawing, wrote, context, err) : status;
}
