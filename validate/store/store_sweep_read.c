/* validate/store/store_sweep_read.c - see store_sweep.h: a sweep as one table. */
#include "validate/store/store_sweep.h"

#include "base/memory.h"
#include "validate/store/metric_values.h"
#include "validate/store/store_handle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Calls take(statement, context) for each row of a query whose only parameter is a number. */
static enum status for_each(struct store *store, const char *text, int64_t parameter,
                            void (*take)(sqlite3_stmt *statement, void *context), void *context,
                            struct error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = true;
    enum status status = sql_prepare(&store->sql, text, &statement, err);
    if (status == STATUS_OK)
        status =
            sql_check(&store->sql, sqlite3_bind_int64(statement, 1, parameter), "read sweep", err);
    while (status == STATUS_OK && row) {
        status = sql_step(&store->sql, statement, &row, "read sweep", err);
        if (status == STATUS_OK && row)
            take(statement, context);
    }
    sqlite3_finalize(statement);
    return status;
}

static void take_head(sqlite3_stmt *statement, void *context)
{
    struct sweep_table *table = context;
    table->sweep = sqlite3_column_int64(statement, 0);
    table->command = sql_shown(statement, 1);
    table->axes = (uint32_t)sqlite3_column_int64(statement, 2);
    table->count = (uint32_t)sqlite3_column_int64(statement, 3);
}

struct cursor {
    struct sweep_table *table;
    uint32_t at; /* the next row, or axis, to fill */
};

static void take_axis(sqlite3_stmt *statement, void *context)
{
    struct cursor *cursor = context;
    if (cursor->at < cursor->table->axes)
        cursor->table->axis_keys[cursor->at++] = sql_shown(statement, 0);
}

static void take_row(sqlite3_stmt *statement, void *context)
{
    struct cursor *cursor = context;
    struct sweep_table *table = cursor->table;
    if (cursor->at == table->count)
        return;
    struct sweep_row *row = &table->rows[cursor->at++];
    row->number = (uint32_t)sqlite3_column_int64(statement, 0);
    row->point = (uint32_t)sqlite3_column_int64(statement, 1);
    row->replication = (uint32_t)sqlite3_column_int64(statement, 2);
    row->run = sqlite3_column_int64(statement, 3); /* NULL gives 0 */
    if (sqlite3_column_type(statement, 4) != SQLITE_NULL)
        row->failure = sql_shown(statement, 4);
    if (row->run > 0 && table->any_run == 0)
        table->any_run = row->run;
    row->values = memory_new(table->axes, sizeof *row->values);
    metrics_set_unknown(&row->metrics);
}

static struct sweep_row *find_row(struct sweep_table *table, uint32_t number)
{
    uint32_t low = 0, high = table->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (table->rows[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < table->count && table->rows[low].number == number ? &table->rows[low] : NULL;
}

static void take_value(sqlite3_stmt *statement, void *context)
{
    struct sweep_table *table = context;
    struct sweep_row *row = find_row(table, (uint32_t)sqlite3_column_int64(statement, 0));
    uint32_t axis = (uint32_t)sqlite3_column_int64(statement, 1);
    if (row != NULL && axis < table->axes && row->values[axis] == NULL)
        row->values[axis] = sql_shown(statement, 2);
}

static void take_metric(sqlite3_stmt *statement, void *context)
{
    struct sweep_row *row = find_row(context, (uint32_t)sqlite3_column_int64(statement, 0));
    const unsigned char *name = sqlite3_column_text(statement, 1);
    if (row != NULL && name != NULL)
        metrics_set(&row->metrics, (const char *)name, sqlite3_column_double(statement, 2));
}

static enum status load_rows(struct store *store, struct sweep_table *table, struct error *err)
{
    struct cursor axes = { table, 0 }, rows = { table, 0 };
    table->axis_keys = memory_new(table->axes, sizeof *table->axis_keys);
    table->rows = memory_new(table->count, sizeof *table->rows);
    enum status status =
        for_each(store, "SELECT key FROM sweep_axis WHERE sweep_id = ? ORDER BY axis", table->sweep,
                 take_axis, &axes, err);
    if (status == STATUS_OK)
        status = for_each(store,
                          "SELECT number, point, replication, run_id, failure FROM sweep_run"
                          " LEFT JOIN point ON point.key = sweep_run.point_key"
                          " WHERE sweep_id = ? ORDER BY number",
                          table->sweep, take_row, &rows, err);
    if (status == STATUS_OK)
        status = for_each(store,
                          "SELECT number, axis, value FROM sweep_run JOIN sweep_value"
                          " ON sweep_value.sweep_id = sweep_run.sweep_id"
                          " AND sweep_value.point = sweep_run.point"
                          " WHERE sweep_run.sweep_id = ?",
                          table->sweep, take_value, table, err);
    if (status == STATUS_OK)
        status = for_each(store,
                          "SELECT number, name, value FROM sweep_run"
                          " JOIN point ON point.key = point_key"
                          " JOIN metric ON metric.run_id = point.run_id"
                          " JOIN metric_name ON metric_name.id = metric_id"
                          " WHERE sweep_id = ?",
                          table->sweep, take_metric, table, err);
    return status;
}

enum status store_load_sweep(struct store *store, int64_t sweep, struct sweep_table *table,
                             struct error *err)
{
    memset(table, 0, sizeof *table);
    enum status status =
        for_each(store,
                 "SELECT id, command, (SELECT count(*) FROM sweep_axis WHERE sweep_id = id),"
                 " (SELECT count(*) FROM sweep_run WHERE sweep_id = id) FROM sweep"
                 " WHERE id = CASE WHEN ?1 > 0 THEN ?1 ELSE (SELECT max(id) FROM sweep) END",
                 sweep, take_head, table, err);
    if (status != STATUS_OK)
        return status;
    if (table->sweep == 0) {
        char found[32];
        snprintf(found, sizeof found, "%" PRId64, sweep);
        return error_input(err, store->sql.path, 0, "sweep", "the id of a sweep in the database",
                           sweep > 0 ? found : "none at all");
    }
    return load_rows(store, table, err);
}

void sweep_table_free(struct sweep_table *table)
{
    for (uint32_t i = 0; table->rows != NULL && i < table->count; i++) {
        for (uint32_t a = 0; table->rows[i].values != NULL && a < table->axes; a++)
            free(table->rows[i].values[a]);
        free(table->rows[i].values);
        free(table->rows[i].failure);
    }
    for (uint32_t a = 0; table->axis_keys != NULL && a < table->axes; a++)
        free(table->axis_keys[a]);
    free(table->axis_keys);
    free(table->rows);
    free(table->command);
    *table = (struct sweep_table){ 0 };
}

struct listing {
    void (*visit)(const struct sweep_summary *sweep, void *context);
    void *context;
};

static void take_summary(sqlite3_stmt *statement, void *context)
{
    const struct listing *listing = context;
    char *command = sql_shown(statement, 3);
    struct sweep_summary sweep = { .id = sqlite3_column_int64(statement, 0),
                                   .runs = (uint32_t)sqlite3_column_int64(statement, 1),
                                   .done = (uint32_t)sqlite3_column_int64(statement, 2),
                                   .command = command };
    listing->visit(&sweep, listing->context);
    free(command);
}

enum status store_list_sweeps(struct store *store,
                              void (*visit)(const struct sweep_summary *sweep, void *context),
                              void *context, struct error *err)
{
    struct listing listing = { visit, context };
    return for_each(store,
                    "SELECT id, (SELECT count(*) FROM sweep_run WHERE sweep_id = id),"
                    " (SELECT count(*) FROM sweep_run JOIN point ON key = point_key"
                    "  WHERE sweep_id = id), command FROM sweep WHERE id > ? ORDER BY id",
                    0, take_summary, &listing, err);
}

static void take_number(sqlite3_stmt *statement, void *context)
{
    *(int64_t *)context = sqlite3_column_int64(statement, 0);
}

enum status store_sweep_of(struct store *store, int64_t run, int64_t *sweep, struct error *err)
{
    *sweep = 0;
    return for_each(store,
                    "SELECT id FROM sweep WHERE comparison_id = CASE WHEN ?1 > 0"
                    " THEN (SELECT comparison_id FROM run WHERE id = ?1)"
                    " ELSE (SELECT max(id) FROM comparison) END",
                    run, take_number, sweep, err);
}

/* As it is: it is parsed. */
static void take_text(sqlite3_stmt *statement, void *context)
{
    const unsigned char *text = sqlite3_column_text(statement, 0);
    *(char **)context = memory_text(text != NULL ? (const char *)text : "");
}

enum status store_run_config(struct store *store, int64_t run, char **config_yaml,
                             struct error *err)
{
    *config_yaml = NULL;
    enum status status = for_each(store, "SELECT config_yaml FROM run WHERE id = ?", run, take_text,
                                  config_yaml, err);
    if (status != STATUS_OK || *config_yaml != NULL)
        return status;
    char found[32];
    snprintf(found, sizeof found, "%" PRId64, run);
    return error_input(err, store->sql.path, 0, "run", "the id of a run in the database", found);
}
