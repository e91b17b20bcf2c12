/* plots/workshop.c - see workshop.h. */
#include "plots/workshop.h"

#include "plots/gnuplot.h"
#include "plots/gnuplot_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES WORKSHOP_PATH_BYTES

enum status workshop_check_name(const char *what, const char *path, struct error *err)
{
    if (strlen(path) > PATH_BYTES - 64)
        return error_input(err, NULL, 0, what, "a folder's name of less than 4,000 bytes", path);
    return STATUS_OK;
}

enum status workshop_make_folder(const char *folder, struct error *err)
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
    if (stat(path, &facts) != 0)
        return error_io(err, folder, "create folder", strerror(errno));
    if (!S_ISDIR(facts.st_mode))
        return error_io(err, folder, "create folder", "there is a file of that name");
    if (access(path, W_OK) != 0)
        return error_io(err, folder, "write into folder", strerror(errno));
    return STATUS_OK;
}

/* ---- a drawing's own folder ---- */

/* An absolute path, which gnuplot takes for one, whatever is in it. */
static enum status put_scripts(FILE *out, struct error *err)
{
    const char *folder = getenv("REPRISE_PLOTS");
    if (folder == NULL || *folder == '\0')
        folder = REPRISE_PLOTS_FOLDER;
    char *whole = realpath(folder, NULL);
    if (whole == NULL)
        return error_io(err, folder, "find the scripts that draw ($REPRISE_PLOTS)",
                        strerror(errno));
    gnuplot_put_variable(out, "scripts", whole);
    free(whole);
    return STATUS_OK;
}

enum status workshop_open(struct workshop *workshop, struct error *err)
{
    *workshop = (struct workshop){ .out = NULL };
    if (scratch_make("plot", workshop->folder, err) != STATUS_OK)
        return err->status;
    snprintf(workshop->script, sizeof workshop->script, "%s/plot.gp", workshop->folder);
    snprintf(workshop->log, sizeof workshop->log, "%s/log", workshop->folder);
    if (whole_file_open(&workshop->file, workshop->script, err) == STATUS_OK) {
        workshop->out = workshop->file.out;
        put_scripts(workshop->out, err);
    }
    if (err->status != STATUS_OK)
        workshop_close(workshop);
    return err->status;
}

void workshop_close(struct workshop *workshop)
{
    whole_file_abandon(&workshop->file);
    workshop->out = NULL;
    scratch_remove(workshop->folder);
}

/* ---- its script and its pictures ---- */

void workshop_add(struct workshop *workshop, const char *name, const char *format,
                  const char *canvas, const char *page)
{
    FILE *out = workshop->out;
    fprintf(out, "picture_format = '%s'\npicture_name = '%s'\npicture_file = '%s.%s'\n", format,
            name, name, format);
    fputs("load scripts.'/style.gp'\n", out);
    if (canvas != NULL)
        fprintf(out, "load scripts.'/%s'\n", canvas);
    fprintf(out, "load scripts.'/%s'\nunset output\n", page);
}

enum status workshop_draw(struct workshop *workshop, struct error *err)
{
    workshop->out = NULL;
    if (whole_file_close(&workshop->file, err) != STATUS_OK)
        return err->status;
    return gnuplot_run(workshop->folder, workshop->script, workshop->log, err);
}

/* gnuplot goes on, and ends well, where its disk is full: a picture is whole if it has its format's
 * end. */
static bool is_whole(const char *drawn, const char *format)
{
    static const char png[] = "IEND\xae\x42\x60\x82", svg[] = "</svg>";
    const char *end = strcmp(format, "png") == 0 ? png : svg;
    char last[17] = "";
    FILE *file = fopen(drawn, "r");
    if (file == NULL)
        return false;
    if (fseek(file, -(long)(sizeof last - 1), SEEK_END) == 0)
        (void)!fread(last, 1, sizeof last - 1, file);
    fclose(file);
    size_t bytes = sizeof last - 1;
    while (bytes > 0 && (last[bytes - 1] == '\n' || last[bytes - 1] == '\0'))
        bytes--;
    return bytes >= strlen(end) && memcmp(last + bytes - strlen(end), end, strlen(end)) == 0;
}

enum status workshop_give(const struct workshop *workshop, const char *name, const char *format,
                          const char *path, struct error *err)
{
    char drawn[SCRATCH_PATH_BYTES + 128];
    struct stat facts;
    snprintf(drawn, sizeof drawn, "%s/%s.%s", workshop->folder, name, format);
    if (stat(drawn, &facts) != 0)
        return error_io(err, path, "draw", strerror(errno));
    if (!is_whole(drawn, format))
        return error_io(err, path, "draw",
                        "it came out cut short: is the disk of $TMPDIR, or /tmp, full?");
    return whole_file_copy(drawn, path, err);
}
