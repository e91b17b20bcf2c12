/* sweep/design.c - see design.h. */
#include "sweep/design.h"

#include "base/memory.h"
#include "base/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status refuse_count(const char *key, double count, struct error *err)
{
    char found[32];
    snprintf(found, sizeof found, "%.0f", count);
    return error_input(err, NULL, 0, key, "1 to 100000 points", found);
}

static void allocate(struct points *points, uint32_t count, uint32_t axes)
{
    points->count = count;
    points->axes = axes;
    points->value = memory_new((size_t)count * axes, sizeof *points->value);
}

static enum status fill_grid(const struct axis *axes, uint32_t axis_count, struct points *points,
                             struct error *err)
{
    double count = 1.0;
    for (uint32_t a = 0; a < axis_count; a++) {
        if (axes[a].continuous)
            return error_input(err, NULL, 0, axes[a].key,
                               "a number of values (LOW..HIGH:logN), or samples of the range "
                               "(--random N, --latin N)",
                               "a range without one");
        count *= axes[a].count;
    }
    if (count > DESIGN_POINTS_MOST)
        return refuse_count("--vary", count, err);
    allocate(points, (uint32_t)count, axis_count);
    for (uint32_t p = 0; p < points->count; p++) {
        uint32_t rest = p;
        for (uint32_t a = axis_count; a-- > 0; rest /= axes[a].count)
            points->value[(size_t)p * axis_count + a] =
                memory_text(axes[a].value[rest % axes[a].count]);
    }
    return STATUS_OK;
}

/* order[0..count-1] becomes a random permutation of 0..count-1. */
static void shuffle(uint32_t *order, uint32_t count, struct random *random)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = (uint32_t)random_below(random, i), held = order[i - 1];
        order[i - 1] = order[j];
        order[j] = held;
    }
}

/* An axis has a stream of its own, so that another axis leaves its draws as they were. */
static void sample_axis(const struct design *design, const struct axis *axis, uint32_t a,
                        struct points *points)
{
    struct random random = random_from(design->seed, a);
    uint32_t *stratum = memory_new(points->count, sizeof *stratum);
    bool strata = design->kind == DESIGN_LATIN_HYPERCUBE;
    if (strata)
        shuffle(stratum, points->count, &random);
    for (uint32_t p = 0; p < points->count; p++) {
        double share = random_uniform(&random);
        if (strata)
            share = (stratum[p] + share) / points->count;
        points->value[(size_t)p * points->axes + a] = axis_value_at(axis, share);
    }
    free(stratum);
}

enum status design_points(const struct design *design, const struct axis *axes, uint32_t axis_count,
                          struct points *points, struct error *err)
{
    memset(points, 0, sizeof *points);
    if (design->kind == DESIGN_GRID)
        return fill_grid(axes, axis_count, points, err);
    if (design->samples < 1 || design->samples > DESIGN_POINTS_MOST)
        return refuse_count(design->kind == DESIGN_RANDOM ? "--random" : "--latin",
                            (double)design->samples, err);
    allocate(points, (uint32_t)design->samples, axis_count);
    for (uint32_t a = 0; a < axis_count; a++)
        sample_axis(design, &axes[a], a, points);
    return STATUS_OK;
}

void points_free(struct points *points)
{
    for (size_t i = 0; i < (size_t)points->count * points->axes; i++)
        free(points->value[i]);
    free(points->value);
    *points = (struct points){ 0 };
}
