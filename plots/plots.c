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

/* ttft_cdf is drawn by page_ttft_cdf.gp, and so on. */
static const char *const pictures[] = { "overview", "ttft_cdf", "hits_over_time", "bytes_by_link" };
static const char *const formats[] = { "png", "svg" };
enum { PICTURES = sizeof pictures / sizeof *pictures, FORMATS = sizeof formats / sizeof *formats };

static void picture_path(char path[PATH_BYTES], const char *folder, int picture, int format)
{
    snprintf(path, PATH_BYTES, "%s/%s.%s", folder, pictures[picture], formats[format]);
}

static void write_pages(FILE *out, const char *folder)
{
    char path[PATH_BYTES];
    fputs("scripts = ", out);
    plot_data_write_text(out, workshop_scripts());
    fputc('\n', out);
    for (int picture = 0; picture < PICTURES; picture++)
        for (int format = 0; format < FORMATS; format++) {
            picture_path(path, folder, picture, format);
            fprintf(out, "picture_format = '%s'\npicture_file = ", formats[format]);
            plot_data_write_text(out, path);
            fprintf(out, "\nload scripts.'/style.gp'\nload scripts.'/page_%s.gp'\nunset output\n",
                    pictures[picture]);
        }
}

static enum status write_script(const struct workshop *workshop, struct store *store,
                                const int64_t *ids, uint32_t runs, const char *folder,
                                struct error *err)
{
    FILE *out = fopen(workshop->script, "w");
    if (out == NULL)
        return error_io(err, workshop->script, "create", strerror(errno));
    enum status status = plot_data_write(out, store, ids, runs, err);
    write_pages(out, folder);
    bool written = ferror(out) == 0;
    if (fclose(out) != 0 || !written)
        return error_io(err, workshop->script, "write", strerror(errno));
    return status;
}

/* gnuplot goes on, and ends well, where its disk is full. */
static enum status tell_pictures(const char *folder, void (*wrote)(const char *, void *),
                                 void *context, struct error *err)
{
    char path[PATH_BYTES];
    for (int picture = 0; picture < PICTURES; picture++)
        for (int format = 0; format < FORMATS; format++) {
            struct stat facts;
            picture_path(path, folder, picture, format);
            if (stat(path, &facts) != 0)
                return error_io(err, path, "write", strerror(errno));
            if (facts.st_size == 0)
                return error_io(err, path, "write", "it came out empty: is the disk full?");
            wrote(path, context);
        }
    return STATUS_OK;
}

static enum status draw_in(const struct workshop *workshop, struct store *store, const int64_t *ids,
                           uint32_t runs, const char *folder, struct error *err)
{
    enum status status = write_script(workshop, store, ids, runs, folder, err);
    return status == STATUS_OK ? gnuplot_run(workshop->script, workshop->log, err) : status;
}

enum status plots_draw(struct store *store, int64_t run, const char *folder,
                       void (*wrote)(const char *path, void *context), void *context,
                       struct error *err)
{
    int64_t ids[PLOT_RUNS_MAX + 1];
    uint32_t runs;
    struct workshop workshop;
    enum status status = store_comparison(store, run, ids, PLOT_RUNS_MAX + 1, &runs, err);
    if (status == STATUS_OK && runs > PLOT_RUNS_MAX)
        return error_input(err, NULL, 0, "plot", "a comparison of at most 12 runs", "more");
    if (status == STATUS_OK)
        status = workshop_check_name("--out", folder, err);
    if (status == STATUS_OK)
        status = workshop_check_name("$REPRISE_PLOTS", workshop_scripts(), err);
    if (status == STATUS_OK)
        status = workshop_make_folder(folder, err);
    if (status == STATUS_OK)
        status = workshop_open(&workshop, err);
    if (status != STATUS_OK)
        return status;
    status = draw_in(&workshop, store, ids, runs, folder, err);
    workshop_close(&workshop);
    return status == STATUS_OK ? tell_pictures(folder, wrote, context, err) : status;
}
