/* validate/accuracy/rollup.c - see rollup.h. */
#include "validate/accuracy/rollup.h"

#include "base/memory.h"
#include "validate/accuracy/points.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct accuracy_key shared_key(const struct accuracy_key *key, unsigned members)
{
    struct accuracy_key shared = *key;
    if (!(members & ROLLUP_GPU))
        shared.gpu[0] = '\0';
    if (!(members & ROLLUP_ENGINE))
        shared.engine[0] = '\0';
    if (!(members & ROLLUP_MODEL))
        shared.model[0] = '\0';
    if (!(members & ROLLUP_FORMAT))
        shared.format[0] = '\0';
    if (!(members & ROLLUP_RANKS))
        shared.ranks = 0;
    if (!(members & ROLLUP_LOAD))
        shared.load = 0;
    return shared;
}

static bool is_wanted(const struct accuracy_group *group, enum accuracy_family family,
                      const char *quantity)
{
    return group->key.family == family &&
           (quantity[0] == '\0' || strcmp(quantity, group->key.quantity) == 0);
}

struct filter {
    const struct accuracy_key *key;
    unsigned members;
};

static bool belongs(const struct accuracy_group *group, const void *context)
{
    const struct filter *filter = context;
    struct accuracy_key key = shared_key(&group->key, filter->members);
    return points_is_key(&key, filter->key);
}

/* The median of one of a row's two times. */
static double median_of(const struct accuracy *accuracy, const struct filter *filter,
                        bool predicted, uint32_t count)
{
    double *value = memory_new(count, sizeof *value);
    uint32_t at = 0;
    for (uint32_t i = 0; i < accuracy->groups; i++) {
        const struct accuracy_group *group = &accuracy->group[i];
        if (!belongs(group, filter))
            continue;
        memcpy(value + at, predicted ? group->predicted : group->measured,
               group->count * sizeof *value);
        at += group->count;
    }
    gsl_sort(value, 1, count);
    double median = count > 0 ? gsl_stats_median_from_sorted_data(value, 1, count) : NAN;
    free(value);
    return median;
}

static void fill(const struct accuracy *accuracy, unsigned members, struct rollup_row *row)
{
    const struct filter filter = { .key = &row->key, .members = members };
    row->held_out_median = row->held_out_p95 = NAN;
    row->errors = accuracy_errors(accuracy, belongs, &filter);
    row->measured = median_of(accuracy, &filter, false, row->errors.count);
    row->predicted = median_of(accuracy, &filter, true, row->errors.count);
    for (uint32_t i = 0; i < accuracy->groups; i++) {
        const struct accuracy_group *group = &accuracy->group[i];
        if (!belongs(group, &filter))
            continue;
        row->fitted |= group->origin == ACCURACY_FITTED;
        row->held_out_median = fmax(row->held_out_median, group->held_out_median);
        row->held_out_p95 = fmax(row->held_out_p95, group->held_out_p95);
    }
}

static bool is_there(const struct rollup_row *row, uint32_t count, const struct accuracy_key *key)
{
    for (uint32_t i = 0; i < count; i++)
        if (points_is_key(&row[i].key, key))
            return true;
    return false;
}

static int by_load(const void *one, const void *other)
{
    const struct rollup_row *a = one, *b = other;
    int engines = strcmp(a->key.engine, b->key.engine);
    if (engines != 0)
        return engines;
    return (a->key.load > b->key.load) - (a->key.load < b->key.load);
}

uint32_t rollup(const struct accuracy *accuracy, enum accuracy_family family, const char *quantity,
                unsigned members, struct rollup_row **rows)
{
    uint32_t count = 0, capacity = 0;
    *rows = NULL;
    for (uint32_t i = 0; i < accuracy->groups; i++) {
        const struct accuracy_group *group = &accuracy->group[i];
        struct accuracy_key key = shared_key(&group->key, members);
        if (!is_wanted(group, family, quantity) || is_there(*rows, count, &key))
            continue;
        memory_grow(rows, &capacity, count + 1, sizeof **rows);
        (*rows)[count++].key = key;
    }
    for (uint32_t i = 0; i < count; i++)
        fill(accuracy, members, &(*rows)[i]);
    if ((members & ROLLUP_LOAD) && count > 0)
        qsort(*rows, count, sizeof **rows, by_load);
    return count;
}
