/* validate/store/store_dump.c - see store_sweep.h: a database's content, in an order of its own. */
#include "base/shown.h"
#include "validate/store/store_handle.h"
#include "validate/store/store_sweep.h"

/* One line a row: the columns with tabs between them, as SQLite writes their text, of which shown.h
 * escapes line breaks (configurations have them) and what a terminal would obey; %.17g for REAL, so
 * that no bit is lost. */
static void print_row(FILE *out, const char *what, sqlite3_stmt *statement)
{
    fputs(what, out);
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        fputc('\t', out);
        if (sqlite3_column_type(statement, i) == SQLITE_FLOAT)
            fprintf(out, "%.17g", sqlite3_column_double(statement, i));
        else if (sqlite3_column_type(statement, i) != SQLITE_NULL)
            shown_put(out, (const char *)sqlite3_column_text(statement, i));
    }
    fputc('\n', out);
}

static enum status print_query(const struct sql *sql, FILE *out, const char *what, const char *text,
                               struct error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = true;
    enum status status = sql_prepare(sql, text, &statement, err);
    while (status == STATUS_OK && row) {
        status = sql_step(sql, statement, &row, "read database", err);
        if (status == STATUS_OK && row)
            print_row(out, what, statement);
    }
    sqlite3_finalize(statement);
    return status;
}

enum status store_dump(struct store *store, FILE *out, struct error *err)
{
    static const struct {
        const char *what, *text;
    } queries[] = {
        { "sweep", "SELECT hash, command FROM sweep ORDER BY hash" },
        { "axis", "SELECT hash, axis, key FROM sweep JOIN sweep_axis ON sweep_id = id"
                  " ORDER BY hash, axis" },
        { "sweep_run", "SELECT hash, number, point, replication, point_key FROM sweep"
                       " JOIN sweep_run ON sweep_id = id ORDER BY hash, number" },
        { "value", "SELECT hash, point, axis, value FROM sweep JOIN sweep_value ON sweep_id = id"
                   " ORDER BY hash, point, axis" },
        { "point", "SELECT key, failure, name, config_yaml, config_hash, seed, trace_hash,"
                   " trace_format, open_loop, timing_source, kv_bytes_per_token, kv_budget_bytes"
                   " FROM point LEFT JOIN run ON run.id = run_id ORDER BY key" },
        { "metric", "SELECT key, name, value FROM point JOIN metric ON metric.run_id = point.run_id"
                    " JOIN metric_name ON metric_name.id = metric_id ORDER BY key, name" },
        { "tenant_metric", "SELECT key, tenant, metric, value FROM point JOIN tenant_metric"
                           " ON tenant_metric.run_id = point.run_id ORDER BY key, tenant, metric" },
        { "finding", "SELECT key, number, sentence FROM point JOIN finding"
                     " ON finding.run_id = point.run_id ORDER BY key, number" },
        { "series", "SELECT key, name, x_unit, y_unit, points, hex(xy_zstd) FROM point"
                    " JOIN series ON series.run_id = point.run_id ORDER BY key, name" },
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof queries / sizeof *queries; i++)
        status = print_query(&store->sql, out, queries[i].what, queries[i].text, err);
    return status;
}
