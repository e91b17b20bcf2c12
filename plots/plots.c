/* plots/plots.c - see plots.h. One script is written into a temporary folder: the data, then for
 * each picture and format where it goes and which of the scripts beside this file draws it. */
#include "plots/plots.h"

#include "plots/gnuplot.h"
#include "plots/plot_data.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096

/* ttft_cdf is drawn by page_ttft_cdf.gp, and so on. */
static const char *const pictures[] = { "ttft_cdf", "hits_over_time", "bytes_by_link", "overview" };
static const char *const formats[] = { "png", "svg" };
enum { PICTURES = sizeof pictures / sizeof *pictures, FORMATS = sizeof formats / sizeof *formats };

/* What a drawing works in; removed at its end. */
struct workshop {
    char folder[64], script[96], log[96];
};

static enum status check_name(const char *what, const char *path, struct error *err)
{
    if (strlen(path) > PATH_BYTES - 64)
        return error_input(err, NULL, 0, what, "a folder's name of less than 4,000 bytes", path);
    for (const char *byte = path; *byte != '\0'; byte++)
        if ((unsigned char)*byte < 0x20) /* gnuplot's strings end with the line */
            return error_input(err, NULL, 0, what, "a folder's name without control characters",
                               path);
    return STATUS_OK;
}

static const char *scripts_folder(void)
{
    const char *folder = getenv("REPRISE_PLOTS");
    return folder != NULL && *folder != '\0' ? folder : REPRISE_PLOTS_FOLDER;
}

static enum status make_folder(const char *folder, struct error *err)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s", folder);
    /* The folders above it first: "a", "a/b", "a/b/c". */
    for (char *slash = path + 1; *path != '\0' && *slash != '\0'; slash++) {
        if (*slash != '/')
            continue;
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return error_io(err, path, "create folder", strerror(errno));
        *slash = '/';
    }
    struct stat facts;
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return error_io(err, folder, "create folder", strerror(errno));
    if (stat(path, &facts) != 0 || !S_ISDIR(facts.st_mode))
        return error_io(err, folder, "create folder", "there is a file of that name");
    if (access(path, W_OK) != 0)
        return error_io(err, folder, "write into folder", strerror(errno));
    return STATUS_OK;
}

static enum status open_workshop(struct workshop *workshop, struct error *err)
{
    snprintf(workshop->folder, sizeof workshop->folder, "/tmp/reprise-plot-XXXXXX");
    if (mkdtemp(workshop->folder) == NULL)
        return error_io(err, workshop->folder, "create folder", strerror(errno));
    snprintf(workshop->script, sizeof workshop->script, "%s/plot.gp", workshop->folder);
    snprintf(workshop->log, sizeof workshop->log, "%s/log", workshop->folder);
    return STATUS_OK;
}

static void close_workshop(const struct workshop *workshop)
{
    unlink(workshop->script);
    unlink(workshop->log);
    rmdir(workshop->folder);
}

static void picture_path(char path[PATH_BYTES], const char *folder, int picture, int format)
{
    snprintf(path, PATH_BYTES, "%s/%s.%s", folder, pictures[picture], formats[format]);
}

static void write_pages(FILE *out, const char *folder)
{
    char path[PATH_BYTES];
    fputs("scripts = ", out);
    plot_data_write_text(out, scripts_folder());
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
        status = check_name("--out", folder, err);
    if (status == STATUS_OK)
        status = check_name("$REPRISE_PLOTS", scripts_folder(), err);
    if (status == STATUS_OK)
        status = make_folder(folder, err);
    if (status == STATUS_OK)
        status = open_workshop(&workshop, err);
    if (status != STATUS_OK)
        return status;
    status = draw_in(&workshop, store, ids, runs, folder, err);
    close_workshop(&workshop);
    return status == STATUS_OK ? tell_pictures(folder, wrote, context, err) : status;
}
