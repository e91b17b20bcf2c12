/* plots/picture.c - see picture.h. */
#include "plots/picture.h"

#include "plots/gnuplot.h"
#include "plots/plot_data.h"
#include "plots/workshop.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "png" or "svg", as the name ends; NULL: neither. */
static const char *format_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (dot != NULL && (strcmp(dot, ".png") == 0 || strcmp(dot, ".svg") == 0))
        return dot + 1;
    return NULL;
}

void picture_put_text(FILE *out, const char *name, const char *text)
{
    fprintf(out, "%s = ", name);
    plot_data_write_text(out, text);
    fputc('\n', out);
}

static enum status draw_in(const struct workshop *workshop, const char *path, const char *page,
                           void (*put)(FILE *out, const void *data), const void *data,
                           struct error *err)
{
    FILE *out = fopen(workshop->script, "w");
    if (out == NULL)
        return error_io(err, workshop->script, "create", strerror(errno));
    put(out, data);
    picture_put_text(out, "scripts", workshop_scripts());
    picture_put_text(out, "picture_format", format_of(path));
    picture_put_text(out, "picture_file", path);
    fprintf(out, "load scripts.'/style.gp'\nload scripts.'/%s'\nunset output\n", page);
    bool written = ferror(out) == 0;
    if (fclose(out) != 0 || !written)
        return error_io(err, workshop->script, "write", strerror(errno));
    return gnuplot_run(workshop->script, workshop->log, err);
}

/* gnuplot goes on, and ends well, where its disk is full. */
static enum status check_picture(const char *path, struct error *err)
{
    struct stat facts;
    if (stat(path, &facts) != 0)
        return error_io(err, path, "write", strerror(errno));
    return facts.st_size > 0 ? STATUS_OK
                             : error_io(err, path, "write", "it came out empty: is the disk full?");
}

/* gnuplot says little of a picture that it cannot write. */
static enum status check_place(const char *path, struct error *err)
{
    FILE *file = fopen(path, "ab");
    if (file == NULL)
        return error_io(err, path, "create", strerror(errno));
    fclose(file);
    return STATUS_OK;
}

enum status picture_draw(const char *what, const char *path, const char *page,
                         void (*put)(FILE *out, const void *data), const void *data,
                         struct error *err)
{
    struct workshop workshop;
    if (format_of(path) == NULL)
        return error_input(err, NULL, 0, what, "a name that ends in .png or .svg", path);
    if (workshop_check_name(what, path, err) ||
        workshop_check_name("$REPRISE_PLOTS", workshop_scripts(), err) || check_place(path, err) ||
        workshop_open(&workshop, err))
        return err->status;
    enum status status = draw_in(&workshop, path, page, put, data, err);
    workshop_close(&workshop);
    if (status == STATUS_OK)
        status = check_picture(path, err);
    if (status != STATUS_OK)
        unlink(path);
    return status;
}
