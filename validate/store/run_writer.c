/* validate/store/run_writer.c - see run_writer.h. */
#include "validate/store/run_writer.h"

#include "base/host.h"
#include "validate/store/series_blob.h"
#include "validate/store/turn_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum status writer_prepare(struct writer *writer, struct error *err)
{
    const struct {
        sqlite3_stmt **statement;
        const char *text;
    } statements[] = {
        { &writer->comparison,
          "INSERT INTO comparison (created_at, reprise_version, host_cpu, host_kernel)"
          " VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?, ?, ?)" },
        { &writer->run,
          "INSERT INTO run (comparison_id, name, config_yaml, config_hash, seed, trace_hash,"
          " trace_format, open_loop, timing_source, kv_bytes_per_token, kv_budget_bytes)"
          " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" },
        { &writer->metric, "INSERT INTO metric (run_id, metric_id, value)"
                           " VALUES (?, (SELECT id FROM metric_name WHERE name = ?), ?)" },
        { &writer->series, "INSERT INTO series (run_id, name, x_unit, y_unit, points, xy_zstd)"
                           " VALUES (?, ?, ?, ?, ?, ?)" },
        { &writer->tenant_metric, "INSERT INTO tenant_metric (run_id, tenant, metric, value)"
                                  " VALUES (?, ?, ?, ?)" },
        { &writer->finding, "INSERT INTO finding (run_id, number, sentence) VALUES (?, ?, ?)" },
        { &writer->difference,
          "INSERT INTO difference (run_id, base_id, metric, value, half_width, no_interval, pairs,"
          " block_ns, resamples) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)" },
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof statements / sizeof *statements; i++)
        status = sql_prepare(writer->sql, statements[i].text, statements[i].statement, err);
    return status;
}

void writer_release(struct writer *writer)
{
    sqlite3_finalize(writer->comparison);
    sqlite3_finalize(writer->run);
    sqlite3_finalize(writer->metric);
    sqlite3_finalize(writer->series);
    sqlite3_finalize(writer->tenant_metric);
    sqlite3_finalize(writer->finding);
    sqlite3_finalize(writer->difference);
}

static enum status put(const struct writer *writer, sqlite3_stmt *statement, int bind_rc,
                       const char *what, struct error *err)
{
    enum status status = sql_check(writer->sql, bind_rc, what, err);
    return status == STATUS_OK ? sql_run(writer->sql, statement, what, err) : status;
}

enum status writer_put_comparison(struct writer *writer, struct error *err)
{
    struct host host = host_here();
    sqlite3_stmt *statement = writer->comparison;
    int rc = sqlite3_bind_text(statement, 1, REPRISE_VERSION, -1, SQLITE_STATIC) |
             sqlite3_bind_text(statement, 2, host.cpu, -1, SQLITE_TRANSIENT) |
             sqlite3_bind_text(statement, 3, host.kernel, -1, SQLITE_TRANSIENT);
    enum status status = put(writer, statement, rc, "write comparison", err);
    writer->comparison_id = sqlite3_last_insert_rowid(writer->sql->db);
    return status;
}

static int bind_hash(sqlite3_stmt *statement, int column, uint64_t hash)
{
    char text[17]; /* hexadecimal: SQLite's integers are signed */
    snprintf(text, sizeof text, "%016" PRIx64, hash);
    return sqlite3_bind_text(statement, column, text, -1, SQLITE_TRANSIENT);
}

static enum status put_run(const struct writer *writer, const struct store_run *run,
                           struct error *err)
{
    const struct sim_result *result = run->result;
    sqlite3_stmt *statement = writer->run;
    uint64_t config_hash = XXH64(run->config_yaml, strlen(run->config_yaml), 0);
    int rc = sqlite3_bind_int64(statement, 1, writer->comparison_id) |
             sqlite3_bind_text(statement, 2, run->name, -1, SQLITE_STATIC) |
             sqlite3_bind_text(statement, 3, run->config_yaml, -1, SQLITE_STATIC) |
             bind_hash(statement, 4, config_hash) |
             sqlite3_bind_int64(statement, 5, (sqlite3_int64)run->seed) |
             bind_hash(statement, 6, result->trace_hash) |
             sqlite3_bind_text(statement, 7, result->trace_format, -1, SQLITE_STATIC) |
             sqlite3_bind_int(statement, 8, result->open_loop) |
             sqlite3_bind_text(statement, 9, result->timing_source, -1, SQLITE_STATIC) |
             sqlite3_bind_int64(statement, 10, (sqlite3_int64)result->kv_bytes_per_token) |
             sqlite3_bind_int64(statement, 11, (sqlite3_int64)result->kv_budget_bytes);
    return put(writer, statement, rc, "write run", err);
}

static enum status put_metrics(const struct writer *writer, int64_t run_id,
                               const struct metrics *metrics, struct error *err)
{
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < METRIC_COUNT; i++) {
        int rc = sqlite3_bind_int64(writer->metric, 1, run_id) |
                 sqlite3_bind_text(writer->metric, 2, metric_rows[i].name, -1, SQLITE_STATIC) |
                 sqlite3_bind_double(writer->metric, 3, metric_value(metrics, i));
        status = put(writer, writer->metric, rc, "write metric", err);
    }
    return status;
}

static enum status put_tenant(const struct writer *writer, int64_t run_id,
                              const struct tenant_result *tenant, struct error *err)
{
    sqlite3_stmt *statement = writer->tenant_metric;
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < TENANT_METRIC_COUNT; i++) {
        int rc = sqlite3_bind_int64(statement, 1, run_id) |
                 sqlite3_bind_text(statement, 2, tenant->name, -1, SQLITE_STATIC) |
                 sqlite3_bind_text(statement, 3, tenant_metric_rows[i].name, -1, SQLITE_STATIC) |
                 sqlite3_bind_double(statement, 4, tenant_metric_value(&tenant->metrics, i));
        status = put(writer, statement, rc, "write tenant's metric", err);
    }
    return status;
}

static enum status put_findings(const struct writer *writer, int64_t run_id,
                                const struct sim_result *result, struct error *err)
{
    sqlite3_stmt *statement = writer->finding;
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < SIM_FINDINGS_MAX; i++) {
        if (result->finding[i][0] == '\0')
            break;
        int rc = sqlite3_bind_int64(statement, 1, run_id) | sqlite3_bind_int(statement, 2, i) |
                 sqlite3_bind_text(statement, 3, result->finding[i], -1, SQLITE_STATIC);
        status = put(writer, statement, rc, "write finding", err);
    }
    return status;
}

static enum status put_one_series(const struct writer *writer, int64_t run_id,
                                  const struct series *series, struct error *err)
{
    sqlite3_stmt *statement = writer->series;
    size_t blob_bytes;
    void *blob = series_pack(series->x, series->y, series->count, &blob_bytes);
    int rc = sqlite3_bind_int64(statement, 1, run_id) |
             sqlite3_bind_text(statement, 2, series->name, -1, SQLITE_STATIC) |
             sqlite3_bind_text(statement, 3, series->x_unit, -1, SQLITE_STATIC) |
             sqlite3_bind_text(statement, 4, series->y_unit, -1, SQLITE_STATIC) |
             sqlite3_bind_int64(statement, 5, series->count) |
             sqlite3_bind_blob64(statement, 6, blob, blob_bytes, SQLITE_TRANSIENT);
    free(blob);
    return put(writer, statement, rc, "write series", err);
}

static enum status put_series(const struct writer *writer, int64_t run_id,
                              const struct sim_result *result, struct error *err)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < result->series_count; i++)
        status = put_one_series(writer, run_id, &result->series[i], err);
    return status;
}

enum status writer_put_run(const struct writer *writer, const struct store_run *run,
                           int64_t *run_id, struct error *err)
{
    enum status status = put_run(writer, run, err);
    *run_id = sqlite3_last_insert_rowid(writer->sql->db);
    if (status == STATUS_OK)
        status = put_metrics(writer, *run_id, &run->result->metrics, err);
    for (uint32_t i = 0; status == STATUS_OK && i < run->result->tenant_count; i++)
        status = put_tenant(writer, *run_id, &run->result->tenant[i], err);
    if (status == STATUS_OK)
        status = turn_rows_put(writer->sql, *run_id, run->turns, run->turn_count, err);
    if (status == STATUS_OK)
        status = put_findings(writer, *run_id, run->result, err);
    return status == STATUS_OK ? put_series(writer, *run_id, run->result, err) : status;
}

/* SQLite keeps a NaN as NULL. */
enum status writer_put_difference(const struct writer *writer, int64_t first_id,
                                  const struct store_run_difference *difference, struct error *err)
{
    sqlite3_stmt *statement = writer->difference;
    int rc = sqlite3_bind_int64(statement, 1, first_id + difference->run) |
             sqlite3_bind_int64(statement, 2, first_id + difference->base) |
             sqlite3_bind_text(statement, 3, difference->metric, -1, SQLITE_STATIC) |
             sqlite3_bind_double(statement, 4, difference->value) |
             sqlite3_bind_double(statement, 5, difference->half_width) |
             sqlite3_bind_text(statement, 6, difference->no_interval, -1, SQLITE_STATIC) |
             sqlite3_bind_int64(statement, 7, difference->pairs) |
             sqlite3_bind_int64(statement, 8, (sqlite3_int64)difference->block_ns) |
             sqlite3_bind_int64(statement, 9, difference->resamples);
    return put(writer, statement, rc, "write difference", err);
}
