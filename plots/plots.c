/* plots/plots.c - see plots.h. One script is written into a temporary folder: the data, then for
 * each picture and format where it goes and which of the scripts beside this file draws it. */
#include "plots/plots.h"

#include "plots/plot_data.h"
#include "plots/workshop.h"

#include <assert.h>
#include <stdio.h>

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
static void add_pages(struct workshop *workshop, const struct drawing *drawing)
{
    assert(drawing->formats <= sizeof formats / sizeof formats[0]);
    for (uint32_t i = 0; i < drawing->count; i++)
        for (uint32_t format = 0; format < drawing->formats; format++) {
            const struct picture *picture = &drawing->picture[i];
            char page[64];
            snprintf(page, sizeof page, "page_%s.gp", picture->page);
            fprintf(workshop->out, "%s\n", picture->told);
            workshop_add(workshop, picture->name, formats[format], NULL, page);
        }
}

static enum status give_pictures(const struct workshop *workshop, const struct drawing *drawing,
                                 void (*wrote)(const char *, void *), void *context,
                                 struct error *err)
{
    char path[PATH_BYTES];
    for (uint32_t picture = 0; picture < drawing->count; picture++)
        for (uint32_t format = drawing->formats; format-- > 0;) {
            picture_path(path, drawing, picture, format);
            if (workshop_give(workshop, drawing->picture[picture].name, formats[format], path,
                              err) != STATUS_OK)
                return err->status;
            wrote(path, context);
        }
    return STATUS_OK;
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
        status = workshop_make_folder(folder, err);
    if (status == STATUS_OK)
        status = workshop_open(&workshop, err);
    if (status != STATUS_OK)
        return status;
    if (form == PLOTS_PICTURES)
        add_pictures(&drawing);
    else
        add_column(&drawing, kept->compared.count);
    status = plot_data_write(workshop.out, store, kept, err);
    add_pages(&workshop, &drawing);
    if (status == STATUS_OK)
        status = workshop_draw(&workshop, err);
    if (status == STATUS_OK)
        status = give_pictures(&workshop, &drawing, wrote, context, err);
    workshop_close(&workshop);
    return status;
}
