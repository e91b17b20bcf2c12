/* plots/validation_plots.c - see validation_plots.h. Data are written here, drawing is
 * page_validation.gp's. */
#include "plots/validation_plots.h"

#include "plots/picture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct validated_metric *metric_of(const struct validated_point *point,
                                                const char *name)
{
    for (int i = 0; i < VALIDATED_COUNT; i++)
        if (strcmp(point->metric[i].name, name) == 0)
            return &point->metric[i];
    return NULL;
}

/* The policy's number among those seen before it. */
static uint32_t policy_number(const struct validation *validation, uint32_t index)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < index; i++) {
        bool first = true;
        if (strcmp(validation->point[i].policy, validation->point[index].policy) == 0)
            return policy_number(validation, i);
        for (uint32_t before = 0; before < i && first; before++)
            first = strcmp(validation->point[before].policy, validation->point[i].policy) != 0;
        number += first;
    }
    return number;
}

/* $NAME: policy's number, load in %, sim, run, half of its interval, error in %. Times in ms. */
static void put_metric(FILE *out, const struct validation *validation, const char *name)
{
    fprintf(out, "$%s << EOD\n", name);
    for (uint32_t i = 0; i < validation->count; i++) {
        const struct validated_point *point = &validation->point[i];
        const struct validated_metric *metric = metric_of(point, name);
        double scale = strstr(name, "_ns") != NULL ? 1e-6 : 1.0;
        double half_width = isnan(metric->half_width) ? 0.0 : metric->half_width;
        fprintf(out, "%u %.6g %.9g %.9g %.9g %.6g\n", policy_number(validation, i),
                point->load_percent, metric->sim * scale, metric->run * scale, half_width * scale,
                metric->error_percent);
    }
    fputs("EOD\n", out);
}

static void put_page(FILE *out, const void *data)
{
    static const char *const names[] = { "ttft_mean_ns", "ttft_p50_ns", "ttft_p99_ns",
                                         "turns_per_s" };
    const struct validation *validation = data;
    uint32_t policies = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put_metric(out, validation, names[i]);
    fputs("array policy[16]\n", out);
    for (uint32_t i = 0; i < validation->count; i++)
        if (policy_number(validation, i) == policies && policies < 16) {
            char name[24];
            snprintf(name, sizeof name, "policy[%u]", ++policies);
            picture_put_text(out, name, validation->point[i].policy);
        }
    fprintf(out, "policies = %u\n", policies);
    picture_put_text(out, "device", validation->device);
}

enum status validation_plots_draw(const struct validation *validation, const char *path,
                                  struct error *err)
{
    return picture_draw("--plot", path, "page_validation.gp", put_page, validation, err);
}
