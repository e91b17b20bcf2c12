/* plots/validation_plots.c - see validation_plots.h. Data are written here, drawing is
 * page_validation.gp's. */
#include "plots/validation_plots.h"

#include "plots/gnuplot_text.h"
#include "plots/picture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The policy's number among those seen before it. */
static uint32_t policy_number(const struct store_validation *validation, uint32_t index)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < index; i++) {
        bool first = true;
        if (strcmp(validation->rows[i].policy, validation->rows[index].policy) == 0)
            return policy_number(validation, i);
        for (uint32_t before = 0; before < i && first; before++)
            first = strcmp(validation->rows[before].policy, validation->rows[i].policy) != 0;
        number += first;
    }
    return number;
}

/* $NAME: policy's number, load in %, sim, run, half of its interval, error in %. Times in ms. */
static void put_metric(FILE *out, const struct store_validation *validation, const char *name)
{
    fprintf(out, "$%s << EOD\n", name);
    for (uint32_t i = 0; i < validation->count; i++) {
        const struct store_validated *row = &validation->rows[i];
        if (strcmp(row->metric, name) != 0)
            continue;
        double scale = strstr(name, "_ns") != NULL ? 1e-6 : 1.0;
        double half_width = isnan(row->half_width) ? 0.0 : row->half_width;
        fprintf(out, "%u %.6g %.9g %.9g %.9g %.6g\n", policy_number(validation, i),
                row->load_percent, row->sim * scale, row->run * scale, half_width * scale,
                row->error);
    }
    fputs("EOD\n", out);
}

static void put_page(FILE *out, const void *data)
{
    static const char *const names[] = { "ttft_mean_ns", "ttft_p50_ns", "ttft_p99_ns",
                                         "turns_per_s" };
    const struct store_validation *validation = data;
    uint32_t policies = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put_metric(out, validation, names[i]);
    fputs("array policy[16]\n", out);
    for (uint32_t i = 0; i < validation->count; i++)
        if (policy_number(validation, i) == policies && policies < 16) {
            char name[24];
            snprintf(name, sizeof name, "policy[%u]", ++policies);
            gnuplot_put_variable(out, name, validation->rows[i].policy);
        }
    fprintf(out, "policies = %u\n", policies);
    gnuplot_put_variable(out, "device", validation->device);
}

enum status validation_plots_draw(const struct store_validation *validation, const char *path,
                                  struct error *err)
{
    return picture_draw("--plot", path, "page_validation.gp", put_page, validation, err);
}
