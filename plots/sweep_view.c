/* plots/sweep_view.c - see sweep_view.h. */
#include "plots/sweep_view.h"

#include "base/memory.h"
#include "base/units.h"
#include "plots/sweep_costs.h"
#include "sweep/axis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows and axes ---- */

static bool is_part(const struct sweep_table *table, const struct sweep_row *row)
{
    for (uint32_t a = 0; a < table->axes; a++)
        if (strcmp(table->axis_keys[a], "fidelity") == 0 && row->values[a] != NULL &&
            strcmp(row->values[a], "1") != 0)
            return true;
    return false;
}

static void find_shown(struct sweep_view *view)
{
    view->shown = memory_new(view->table.count, sizeof *view->shown);
    for (uint32_t i = 0; i < view->table.count; i++) {
        const struct sweep_row *row = &view->table.rows[i];
        bool whole = row->run > 0 && row->metrics.turns > 0 && !is_part(&view->table, row);
        for (uint32_t a = 0; a < view->table.axes; a++)
            whole = whole && row->values[a] != NULL;
        if (whole)
            view->shown[view->shown_count++] = i;
    }
}

static double number_of(const struct sweep_axis_view *axis, const char *text)
{
    double number;
    return axis->row != NULL && units_parse(text, axis->row->unit, &number) ? number : NAN;
}

static void add_value(struct sweep_axis_view *axis, char *text)
{
    uint32_t at = axis->count;
    for (uint32_t i = 0; i < axis->count; i++)
        if (strcmp(axis->value[i], text) == 0)
            return;
    while (axis->number && at > 0 && number_of(axis, axis->value[at - 1]) > number_of(axis, text)) {
        axis->value[at] = axis->value[at - 1];
        at--;
    }
    axis->value[at] = text;
    axis->count++;
}

/* Of an axis with more distinct values than this no picture makes a column each. */
#define VALUES_MOST 64

static void find_axes(struct sweep_view *view)
{
    view->axes = memory_new(view->table.axes, sizeof *view->axes);
    for (uint32_t a = 0; a < view->table.axes; a++) {
        struct sweep_axis_view *axis = &view->axes[a];
        axis->row = axis_row(view->table.axis_keys[a]);
        axis->value = memory_new(VALUES_MOST + 1, sizeof *axis->value);
        axis->number = true;
        for (uint32_t i = 0; i < view->shown_count; i++)
            if (isnan(number_of(axis, view->table.rows[view->shown[i]].values[a])))
                axis->number = false;
        for (uint32_t i = 0; i < view->shown_count && axis->count < VALUES_MOST; i++)
            add_value(axis, view->table.rows[view->shown[i]].values[a]);
    }
}

static void find_reference(struct sweep_view *view)
{
    double least = INFINITY;
    view->reference = view->shown[0];
    for (uint32_t i = 0; i < view->shown_count; i++)
        if (view->cost[view->shown[i]] < least) {
            least = view->cost[view->shown[i]];
            view->reference = view->shown[i];
        }
}

bool sweep_view_beside(const struct sweep_view *view, uint32_t row, int a, int b)
{
    const struct sweep_table *table = &view->table;
    for (uint32_t axis = 0; axis < table->axes; axis++)
        if ((int)axis != a && (int)axis != b &&
            strcmp(table->rows[row].values[axis], table->rows[view->reference].values[axis]) != 0)
            return false;
    return true;
}

/* How many values the axis takes in rows that differ from the reference in it alone. */
static uint32_t spread(const struct sweep_view *view, int axis)
{
    uint32_t count = 0;
    for (uint32_t v = 0; v < view->axes[axis].count; v++)
        for (uint32_t i = 0; i < view->shown_count; i++)
            if (sweep_view_beside(view, view->shown[i], axis, -1) &&
                strcmp(view->table.rows[view->shown[i]].values[axis], view->axes[axis].value[v]) ==
                    0) {
                count++;
                break;
            }
    return count;
}

/* x: the number with the most values beside the reference; series: a name, else the next number; y:
 * the next number. */
static void choose_axes(struct sweep_view *view)
{
    uint32_t most = 1, next = 1, names = 1;
    view->x = view->series = view->y = -1;
    for (uint32_t a = 0; a < view->table.axes; a++) {
        uint32_t count = spread(view, (int)a);
        if (view->axes[a].number && count > most) {
            most = count;
            view->x = (int)a;
        }
    }
    for (uint32_t a = 0; a < view->table.axes; a++) {
        uint32_t count = spread(view, (int)a);
        if ((int)a == view->x || count < 2)
            continue;
        if (view->axes[a].number && count > next) {
            next = count;
            view->y = (int)a;
        } else if (!view->axes[a].number && count > names) {
            names = count;
            view->series = (int)a;
        }
    }
    view->grid = view->x >= 0;
    if (view->series < 0)
        view->series = view->y;
    for (uint32_t a = 0; view->x < 0 && a < view->table.axes; a++)
        if (view->axes[a].number && view->axes[a].count > 1)
            view->x = (int)a;
}

enum status sweep_view_load(struct store *store, int64_t sweep, const struct pricing *pricing,
                            struct sweep_view *view, struct error *err)
{
    memset(view, 0, sizeof *view);
    enum status status = store_load_sweep(store, sweep, &view->table, err);
    if (status != STATUS_OK)
        return status;
    find_shown(view);
    if (view->shown_count == 0)
        return error_input(err, NULL, 0, "sweep", "a sweep with finished runs", "none");
    status = sweep_costs_find(store, pricing, view, err);
    if (status != STATUS_OK)
        return status;
    find_axes(view);
    find_reference(view);
    choose_axes(view);
    return STATUS_OK;
}

void sweep_view_free(struct sweep_view *view)
{
    for (uint32_t a = 0; view->axes != NULL && a < view->table.axes; a++)
        free(view->axes[a].value);
    free(view->axes);
    free(view->shown);
    free(view->cost);
    sweep_table_free(&view->table);
}

uint32_t sweep_view_place(const struct sweep_view *view, int axis, uint32_t row)
{
    for (uint32_t v = 0; v < view->axes[axis].count; v++)
        if (strcmp(view->axes[axis].value[v], view->table.rows[row].values[axis]) == 0)
            return v;
    return 0;
}

char *sweep_view_name(const struct sweep_view *view, uint32_t row, char *out, size_t out_bytes)
{
    size_t used = 0;
    snprintf(out, out_bytes, "%s", "base");
    for (uint32_t a = 0; a < view->table.axes && used < out_bytes; a++) {
        char shown[CONFIG_TEXT_BYTES];
        if (strcmp(view->table.axis_keys[a], "fidelity") == 0)
            continue;
        axis_show(view->axes[a].row, view->table.rows[row].values[a], shown, sizeof shown);
        used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", used > 0 ? ", " : "", shown);
    }
    return out;
}

/* ---- the front ---- */

struct trade {
    uint32_t row;
    double cost, ttft_ns;
};

static int compare_trades(const void *a, const void *b)
{
    const struct trade *left = a, *right = b;
    if (left->cost != right->cost)
        return left->cost < right->cost ? -1 : 1;
    return left->ttft_ns < right->ttft_ns ? -1 : left->ttft_ns > right->ttft_ns;
}

uint32_t sweep_view_front(const struct sweep_view *view, uint32_t *front)
{
    struct trade *trades = memory_new(view->shown_count, sizeof *trades);
    uint32_t kept = 0;
    double least = INFINITY;
    for (uint32_t i = 0; i < view->shown_count; i++) {
        uint32_t row = view->shown[i];
        trades[i] =
            (struct trade){ row, view->cost[row], view->table.rows[row].metrics.ttft_p99_ns };
    }
    qsort(trades, view->shown_count, sizeof *trades, compare_trades);
    for (uint32_t i = 0; i < view->shown_count; i++)
        if (trades[i].ttft_ns < least) {
            least = trades[i].ttft_ns;
            front[kept++] = trades[i].row;
        }
    free(trades);
    return kept;
}
