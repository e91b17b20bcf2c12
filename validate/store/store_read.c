/* validate/store/store_read.c - see store.h: reading runs back. */
#include "base/memory.h"
#include "validate/store/metric_values.h"
#include "validate/store/series_blob.h"
#include "validate/store/store_handle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static enum status no_such_run(const struct store *store, int64_t run, struct error *err)
{
    char found[32];
    snprintf(found, sizeof found, "%" PRId64, run);
    if (run <= 0)
        return error_input(err, store->sql.path, 0, NULL, "a database with runs", "none");
    return error_input(err, store->sql.path, 0, "run", "the id of a run in the database", found);
}

/* Our tables hold no NULL, but the file may be anyone's. */
static const char *column_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    return text != NULL ? (const char *)text : "";
}

/* Prepares a query whose only parameter is a run's id. */
static enum status query(const struct store *store, const char *text, int64_t run,
                         sqlite3_stmt **statement, struct error *err)
{
    enum status status = sql_prepare(&store->sql, text, statement, err);
    if (status != STATUS_OK)
        return status;
    return sql_check(&store->sql, sqlite3_bind_int64(*statement, 1, run), "read runs", err);
}

enum status store_comparison(struct store *store, int64_t run, int64_t *ids, uint32_t capacity,
                             uint32_t *count, struct error *err)
{
    /* Runs of one name are the same under other seeds, seed by seed: nth says which seed. */
    static const char text[] =
        "WITH chosen AS (SELECT id, row_number() OVER (PARTITION BY name ORDER BY id) AS nth"
        "  FROM run WHERE comparison_id = CASE WHEN ?1 > 0"
        "    THEN (SELECT comparison_id FROM run WHERE id = ?1)"
        "    ELSE (SELECT max(comparison_id) FROM run) END)"
        "SELECT id FROM chosen"
        "  WHERE nth = coalesce((SELECT nth FROM chosen WHERE id = ?1), 1) ORDER BY id";
    sqlite3_stmt *statement = NULL;
    enum status status = query(store, text, run, &statement, err);
    bool row = true;
    *count = 0;
    while (status == STATUS_OK && *count < capacity) {
        status = sql_step(&store->sql, statement, &row, "read runs", err);
        if (status != STATUS_OK || !row)
            break;
        ids[(*count)++] = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    if (status == STATUS_OK && *count == 0 && capacity > 0)
        return no_such_run(store, run, err);
    return status;
}

enum status store_run_name(struct store *store, int64_t run, char *name, size_t name_bytes,
                           struct error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status = query(store, "SELECT name FROM run WHERE id = ?", run, &statement, err);
    if (status == STATUS_OK)
        status = sql_step(&store->sql, statement, &row, "read run", err);
    if (row)
        snprintf(name, name_bytes, "%s", column_text(statement, 0));
    sqlite3_finalize(statement);
    return status == STATUS_OK && !row ? no_such_run(store, run, err) : status;
}

enum status store_metrics(struct store *store, int64_t run, struct metrics *metrics,
                          struct error *err)
{
    static const char text[] = "SELECT name, value FROM metric JOIN metric_name"
                               " ON metric_name.id = metric_id WHERE run_id = ?";
    sqlite3_stmt *statement = NULL;
    enum status status = query(store, text, run, &statement, err);
    bool row = true, any = false;
    metrics_set_unknown(metrics);
    while (status == STATUS_OK) {
        status = sql_step(&store->sql, statement, &row, "read metrics", err);
        if (status != STATUS_OK || !row)
            break;
        any = true;
        metrics_set(metrics, column_text(statement, 0), sqlite3_column_double(statement, 1));
    }
    sqlite3_finalize(statement);
    return status == STATUS_OK && !any ? no_such_run(store, run, err) : status;
}

enum status store_findings(struct store *store, int64_t run,
                           void (*told)(const char *sentence, void *context), void *context,
                           struct error *err)
{
    static const char text[] = "SELECT sentence FROM finding WHERE run_id = ? ORDER BY number";
    sqlite3_stmt *statement = NULL;
    enum status status = query(store, text, run, &statement, err);
    bool row = status == STATUS_OK;
    while (row) {
        row = false;
        status = sql_step(&store->sql, statement, &row, "read findings", err);
        if (row)
            told(column_text(statement, 0), context);
    }
    sqlite3_finalize(statement);
    return status;
}

/* SQLite keeps the unit's text only while the row lasts; ours are few and known. */
static const char *known_unit(const char *text)
{
    static const char *const units[] = { "ns", "share", "tokens", "turns", "bytes", "1" };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i], text) == 0)
            return units[i];
    return "";
}

static enum status read_series(const struct store *store, sqlite3_stmt *statement,
                               struct series *series, struct error *err)
{
    int64_t points = sqlite3_column_int64(statement, 2);
    const void *blob = sqlite3_column_blob(statement, 3);
    size_t blob_bytes = (size_t)sqlite3_column_bytes(statement, 3);
    if (points < 0 || points > UINT32_MAX || blob == NULL ||
        !series_unpack(blob, blob_bytes, (uint32_t)points, &series->x, &series->y))
        return error_io(err, store->sql.path, "read series", "its blob is damaged");
    series->count = (uint32_t)points;
    series->x_unit = known_unit(column_text(statement, 0));
    series->y_unit = known_unit(column_text(statement, 1));
    return STATUS_OK;
}

enum status store_series(struct store *store, int64_t run, const char *name, struct series *series,
                         struct error *err)
{
    static const char text[] = "SELECT x_unit, y_unit, points, xy_zstd FROM series"
                               " WHERE run_id = ? AND name = ?";
    memset(series, 0, sizeof *series);
    snprintf(series->name, sizeof series->name, "%s", name);
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status = query(store, text, run, &statement, err);
    if (status == STATUS_OK)
        status = sql_check(&store->sql, sqlite3_bind_text(statement, 2, name, -1, SQLITE_STATIC),
                           "read series", err);
    if (status == STATUS_OK)
        status = sql_step(&store->sql, statement, &row, "read series", err);
    if (row)
        status = read_series(store, statement, series, err);
    sqlite3_finalize(statement);
    return status;
}
