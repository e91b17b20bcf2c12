/* sweep/size_columns.c - see size_columns.h. */
#include "sweep/size_columns.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A part misses no more than this, and the whole may yet keep it. */
#define PART_SLACK 1.3
#define PART_FAR 4.0 /* and more than this it will not keep */

/* ---- places ---- */

static bool is_storage(const struct size_space *space, uint32_t axis)
{
    return space->role[axis] == ROLE_CAPACITY || strcmp(space->axes[axis].key, "ssd.drive") == 0;
}

static uint32_t servers_axis(const struct size_space *space)
{
    return size_space_axis(space, "cluster.replicas");
}

uint32_t column_point(const struct columns *columns, uint32_t column, uint32_t servers,
                      uint32_t storage)
{
    const struct size_space *space = columns->space;
    uint32_t point = columns->column[column].base, axis = servers_axis(space);
    if (servers >= columns->servers)
        return SIZE_NONE;
    if (axis != SIZE_NONE)
        point = size_space_moved(space, point, axis, servers);
    if (columns->column[column].kv != SIZE_KV_KEPT)
        return point;
    for (uint32_t a = space->axis_count; a-- > 0;)
        if (is_storage(space, a)) {
            point = size_space_moved(space, point, a, storage % space->axes[a].count);
            storage /= space->axes[a].count;
        }
    return point;
}

static uint32_t top(const struct columns *columns, uint32_t column, uint32_t servers)
{
    return column_point(columns, column, servers, columns->storages - 1);
}

/* ---- which there are ---- */

static uint32_t group_of(const struct size_space *space, uint32_t point)
{
    uint32_t hardware = size_space_axis(space, "hardware");
    uint32_t place = hardware != SIZE_NONE ? size_space_place(space, point, hardware) : 0;
    return place * SIZE_KVS + size_space_kv(space, point);
}

/* Whether the point is a column's base: nothing of what a column varies. */
static bool is_base(const struct size_space *space, uint32_t point)
{
    for (uint32_t a = 0; a < space->axis_count; a++)
        if ((space->role[a] == ROLE_SERVERS || is_storage(space, a)) &&
            size_space_place(space, point, a) != 0)
            return false;
    return true;
}

static void add_column(struct columns *columns, uint32_t point)
{
    memory_grow(&columns->column, &columns->capacity, (uint64_t)columns->count + 1,
                sizeof *columns->column);
    struct column *column = &columns->column[columns->count++];
    *column = (struct column){ .base = point,
                               .kv = size_space_kv(columns->space, point),
                               .group = group_of(columns->space, point),
                               .part_keeps = columns->servers,
                               .keeps = columns->servers };
    if (columns->whole_only)
        column->part_breaks = column->part_keeps = columns->servers / 2;
}

/* Whether it is a column of its own. One that keeps KV does so with the most storage: then it may
 * still be another point's twin, as of a policy that has no SSD. */
static enum status consider(struct size_runs *runs, struct columns *columns, uint32_t point,
                            struct error *err)
{
    uint32_t tried, canonical;
    if (!is_base(columns->space, point))
        return STATUS_OK;
    add_column(columns, point);
    tried = top(columns, columns->count - 1, 0);
    enum status status = size_space_canonical(runs->question->space, tried, &canonical, err);
    bool own = columns->column[columns->count - 1].kv == SIZE_KV_KEPT
                   ? size_space_kv(columns->space, canonical) == SIZE_KV_KEPT
                   : canonical == tried;
    if (status == STATUS_OK && !own)
        columns->count--;
    return status;
}

enum status columns_make(struct size_runs *runs, struct columns *columns, struct error *err)
{
    struct size_space *space = runs->question->space;
    uint32_t axis = servers_axis(space);
    enum status status = STATUS_OK;
    *columns = (struct columns){ .space = space,
                                 .storages = 1,
                                 .whole_only = runs->answer->share[SIZE_PART] >= 1.0 };
    columns->servers = axis != SIZE_NONE ? space->axes[axis].count : 1;
    for (uint32_t a = 0; a < space->axis_count; a++)
        columns->storages *= is_storage(space, a) ? space->axes[a].count : 1;
    for (uint32_t i = 0; status == STATUS_OK && i < space->count; i++)
        status = consider(runs, columns, i, err);
    return status;
}

void columns_free(struct columns *columns)
{
    free(columns->column);
    *columns = (struct columns){ 0 };
}

/* ---- on a part ---- */

bool column_next_part(const struct columns *columns, uint32_t index, uint32_t *point)
{
    const struct column *column = &columns->column[index];
    if (column->part_breaks >= column->part_keeps)
        return false;
    *point = top(columns, index, (column->part_breaks + column->part_keeps) / 2);
    return true;
}

void column_heed_part(const struct size_runs *runs, struct columns *columns, uint32_t index)
{
    struct column *column = &columns->column[index];
    uint32_t point;
    while (column_next_part(columns, index, &point)) {
        const struct size_value *value = runs->answer->value[SIZE_PART][point];
        uint32_t tried = (column->part_breaks + column->part_keeps) / 2;
        if (value == NULL)
            return;
        if (value->missed <= PART_SLACK)
            column->part_keeps = tried;
        else
            column->part_breaks = tried + 1;
        if (value->missed > PART_FAR)
            column->part_far = tried + 1;
    }
}

/* ---- on the whole ---- */

/* Where the part says; from there up or down in growing steps until there is one on each side, then
 * the middle between. */
uint32_t column_next_whole(const struct columns *columns, uint32_t index)
{
    const struct column *column = &columns->column[index];
    uint32_t last = columns->servers - 1, breaks = column->breaks, keeps = column->keeps;
    uint32_t guess = column->part_keeps < last ? column->part_keeps : last, next = guess;
    if (keeps <= last && breaks > 0) {
        next = (breaks + keeps) / 2;
    } else if (keeps <= last) {
        uint32_t step = keeps <= guess ? 1 + guess - keeps : 1;
        next = keeps > step ? keeps - step : 0;
    } else if (breaks > guess) {
        next = breaks + (breaks - guess) / 2;
    }
    return top(columns, index, next < last ? next : last);
}

static uint32_t place_of(const struct columns *columns, uint32_t point)
{
    uint32_t axis = servers_axis(columns->space);
    return axis != SIZE_NONE ? size_space_place(columns->space, point, axis) : 0;
}

void column_heed_whole(const struct size_runs *runs, struct columns *columns, uint32_t index)
{
    struct column *column = &columns->column[index];
    while (!column->closed) {
        uint32_t point = column_next_whole(columns, index), place = place_of(columns, point);
        const struct size_value *value = size_whole(runs->answer, point);
        if (value == NULL)
            return;
        if (value->missed <= 1.0)
            column->keeps = place;
        else
            column->breaks = place + 1;
        column->closed = column->breaks >= column->keeps || column->breaks >= columns->servers;
    }
}

uint32_t columns_best(const struct size_runs *runs, const struct columns *columns, uint32_t group)
{
    uint32_t best = SIZE_NONE;
    for (uint32_t i = 0; i < columns->space->count; i++) {
        const struct size_value *value = size_whole(runs->answer, i);
        if (value == NULL || value->state != SIZE_RUN || value->violation > 1.0 ||
            group_of(columns->space, i) != group)
            continue;
        if (best == SIZE_NONE ||
            size_point(runs->answer, i)->usd_least < size_point(runs->answer, best)->usd_least)
            best = i;
    }
    return best;
}

/* The least that the column's answer can cost: as many servers as may be enough, no storage. */
static enum status least_usd(struct size_runs *runs, const struct columns *columns, uint32_t index,
                             double *usd, struct error *err)
{
    const struct column *column = &columns->column[index];
    const struct size_point *point;
    uint32_t servers = column->breaks > column->part_far ? column->breaks : column->part_far;
    if (servers >= columns->servers)
        servers = columns->servers - 1;
    *usd = INFINITY;
    enum status status = size_space_point(runs->question->space,
                                          column_point(columns, index, servers, 0), &point, err);
    if (status == STATUS_OK)
        *usd = point->usd_least;
    return status;
}

/* Keeps list[] and usd[] in order. */
static void insert(uint32_t *list, double *usd, uint32_t count, uint32_t index, double value)
{
    uint32_t at = count;
    for (; at > 0 && usd[at - 1] > value; at--) {
        usd[at] = usd[at - 1];
        list[at] = list[at - 1];
    }
    usd[at] = value;
    list[at] = index;
}

/* A part on which the most servers miss a promise by far says enough. */
static bool is_hopeless(const struct columns *columns, const struct column *column)
{
    return column->part_keeps >= columns->servers && column->part_breaks >= columns->servers &&
           column->breaks == 0 && column->keeps == columns->servers;
}

uint32_t columns_cheapest_open(struct size_runs *runs, struct columns *columns, uint32_t *chosen,
                               uint32_t most, struct error *err)
{
    uint32_t *list = memory_new(columns->count, sizeof *list), count = 0;
    double *usd = memory_new(columns->count, sizeof *usd);
    for (uint32_t c = 0; err->status == STATUS_OK && c < columns->count; c++) {
        struct column *column = &columns->column[c];
        double least = 0.0;
        if (column->closed || least_usd(runs, columns, c, &least, err) != STATUS_OK)
            continue;
        uint32_t best = columns_best(runs, columns, column->group);
        if (best != SIZE_NONE && size_point(runs->answer, best)->usd_least <= least)
            column->closed = true;
        else
            insert(list, usd, count++, c, is_hopeless(columns, column) ? 1e300 : least);
    }
    count = count < most ? count : most;
    memcpy(chosen, list, count * sizeof *chosen);
    free(usd);
    free(list);
    return err->status == STATUS_OK ? count : 0;
}

uint32_t columns_not_run(const struct columns *columns)
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < columns->count; c++) {
        const struct column *column = &columns->column[c];
        bool part_was_run = column->part_breaks > 0 || column->part_keeps < columns->servers;
        count += column->closed && column->breaks == 0 && column->keeps == columns->servers &&
                 (columns->whole_only || !part_was_run);
    }
    return count;
}

uint32_t columns_by_price(const struct size_runs *runs, const struct columns *columns,
                          uint32_t *order)
{
    double *usd = memory_new(columns->count, sizeof *usd);
    uint32_t count = 0;
    for (uint32_t c = 0; c < columns->count; c++) {
        uint32_t keeps = columns->column[c].keeps;
        if (keeps < columns->servers)
            insert(order, usd, count++, c,
                   size_point(runs->answer, top(columns, c, keeps))->usd_least);
    }
    free(usd);
    return count;
}
