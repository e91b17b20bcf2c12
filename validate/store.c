/* validate/store.c - see store.h: opening and writing. Reading is store_read.c. */
#include "validate/store.h"

#include "base/memory.h"
#include "validate/host.h"
#include "validate/schema.h"
#include "validate/series_blob.h"
#include "validate/store_handle.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Another process's transaction is over in milliseconds; one that holds the lock longer than this
 * hangs. */
#define LOCK_WAIT_MS 5000

/* ---- opening ---- */

static enum status open_connection(struct sql *sql, const char *name, int flags, struct error *err)
{
    sqlite3_close(sql->db);
    sql->db = NULL;
    int rc = sqlite3_open_v2(name, &sql->db, flags, NULL);
    if (sql->db == NULL)
        memory_exhausted();
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(sql->db, LOCK_WAIT_MS);
    return sql_check(sql, rc, "open database", err);
}

/* "file:PATH?immutable=1", with what is special in a URI escaped. */
static char *immutable_uri(const char *path)
{
    sqlite3_str *uri = sqlite3_str_new(NULL);
    sqlite3_str_appendall(uri, "file:");
    for (; *path != '\0'; path++)
        sqlite3_str_appendf(uri, *path == '?' || *path == '#' || *path == '%' ? "%%%02X" : "%c",
                            (unsigned char)*path);
    sqlite3_str_appendall(uri, "?immutable=1");
    char *text = sqlite3_str_finish(uri);
    if (text == NULL)
        memory_exhausted();
    return text;
}

/* In WAL mode even a reader writes (the index of the log), which a read-only folder does not allow:
 * nobody else can write there either, so the file is read as it lies. */
static enum status open_immutable(struct sql *sql, struct error *err)
{
    char *uri = immutable_uri(sql->path);
    enum status status = open_connection(sql, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
    sqlite3_free(uri);
    return status;
}

static enum status check_readable(struct sql *sql, struct error *err)
{
    bool current = false;
    enum status status = schema_check(sql, &current, err);
    if (status == STATUS_OK && !current)
        return error_io(err, sql->path, "read database",
                        "it is empty, or of an older schema that the next `reprise sim` migrates");
    return status;
}

static enum status open_to_read(struct sql *sql, struct error *err)
{
    /* Opened for writing as far as the file system lets us: a read-only connection would leave the
     * log's files behind. query_only holds back our own statements. */
    enum status status = open_connection(sql, sql->path, SQLITE_OPEN_READWRITE, err);
    if (status == STATUS_OK)
        status = sql_exec(sql, "PRAGMA query_only = 1", "open database", err);
    if (status != STATUS_OK)
        return status;
    struct error first = { 0 };
    if (check_readable(sql, &first) == STATUS_OK)
        return STATUS_OK;
    int rc = sqlite3_errcode(sql->db);
    if (rc != SQLITE_CANTOPEN && rc != SQLITE_READONLY) {
        *err = first;
        return first.status;
    }
    status = open_immutable(sql, err);
    return status == STATUS_OK ? check_readable(sql, err) : status;
}

static enum status open_to_write(struct sql *sql, struct error *err)
{
    enum status status =
        open_connection(sql, sql->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
    if (status != STATUS_OK)
        return status;
    /* SQLite falls back to reading in silence; a simulation must not run for nothing. */
    if (sqlite3_db_readonly(sql->db, "main") == 1)
        return error_io(err, sql->path, "write database", "the file is read-only");
    bool current = false;
    status = schema_check(sql, &current, err);
    if (status == STATUS_OK && !current)
        status = sql_exec(sql, "PRAGMA journal_mode = WAL", "write database", err);
    if (status == STATUS_OK)
        status = sql_exec(sql, "PRAGMA foreign_keys = 1", "open database", err);
    /* Takes the write lock, needed or not: what cannot be written is refused now. */
    return status == STATUS_OK ? schema_migrate(sql, err) : status;
}

enum status store_open(const char *path, bool read_only, struct store **store, struct error *err)
{
    if (*path == '\0') /* SQLite takes it for a temporary database */
        return error_io(err, path, "open database", "its name is empty");
    struct store *opened = memory_new(1, sizeof *opened);
    opened->sql.path = memory_text(path);
    enum status status =
        read_only ? open_to_read(&opened->sql, err) : open_to_write(&opened->sql, err);
    if (status != STATUS_OK) {
        store_close(opened);
        return status;
    }
    *store = opened;
    return STATUS_OK;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    sqlite3_close(store->sql.db);
    free(store->sql.path);
    free(store);
}

/* ---- writing ---- */

/* The statements of one transaction, prepared once for all its runs. */
struct writer {
    const struct sql *sql;
    sqlite3_stmt *comparison, *run, *metric, *series;
    int64_t comparison_id;
};

static enum status writer_prepare(struct writer *writer, struct error *err)
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
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof statements / sizeof *statements; i++)
        status = sql_prepare(writer->sql, statements[i].text, statements[i].statement, err);
    return status;
}

static void writer_release(struct writer *writer)
{
    sqlite3_finalize(writer->comparison);
    sqlite3_finalize(writer->run);
    sqlite3_finalize(writer->metric);
    sqlite3_finalize(writer->series);
}

static enum status put(const struct writer *writer, sqlite3_stmt *statement, int bind_rc,
                       const char *what, struct error *err)
{
    enum status status = sql_check(writer->sql, bind_rc, what, err);
    return status == STATUS_OK ? sql_run(writer->sql, statement, what, err) : status;
}

static enum status put_comparison(struct writer *writer, struct error *err)
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

static enum status put_whole_run(const struct writer *writer, const struct store_run *run,
                                 int64_t *run_id, struct error *err)
{
    enum status status = put_run(writer, run, err);
    *run_id = sqlite3_last_insert_rowid(writer->sql->db);
    if (status == STATUS_OK)
        status = put_metrics(writer, *run_id, &run->result->metrics, err);
    return status == STATUS_OK ? put_series(writer, *run_id, run->result, err) : status;
}

static enum status put_all(struct writer *writer, const struct store_run *runs, uint32_t count,
                           int64_t *first_id, struct error *err)
{
    enum status status = schema_register_metrics(writer->sql, err);
    if (status == STATUS_OK)
        status = writer_prepare(writer, err);
    if (status == STATUS_OK)
        status = put_comparison(writer, err);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        int64_t run_id;
        status = put_whole_run(writer, &runs[i], &run_id, err);
        if (i == 0)
            *first_id = run_id;
    }
    return status;
}

enum status store_put_runs(struct store *store, const struct store_run *runs, uint32_t count,
                           int64_t *first_id, struct error *err)
{
    assert(count > 0);
    const struct sql *sql = &store->sql;
    enum status status = sql_exec(sql, "BEGIN IMMEDIATE", "write runs", err);
    if (status != STATUS_OK)
        return status;
    struct writer writer = { .sql = sql };
    status = put_all(&writer, runs, count, first_id, err);
    writer_release(&writer);
    if (status == STATUS_OK)
        status = sql_exec(sql, "COMMIT", "write runs", err);
    /* Where SQLite has rolled back by itself this finds nothing to do, which is no matter. */
    if (status != STATUS_OK)
        sqlite3_exec(sql->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}
