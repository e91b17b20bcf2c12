/* validate/store/schema.c - see schema.h. */
#include "validate/store/schema.h"

#include "base/memory.h"
#include "sim/engine/metrics.h"
#include "validate/store/checked.h"

#include <stdint.h>
#include <stdio.h>

/* A metric's value is found by (run, metric) when a run is shown: one look-up, however many runs
 * there are. */
static const char version_1[] =
    "CREATE TABLE comparison ("
    "  id INTEGER PRIMARY KEY,"
    "  created_at TEXT NOT NULL,"
    "  reprise_version TEXT NOT NULL,"
    "  host_cpu TEXT NOT NULL,"
    "  host_kernel TEXT NOT NULL"
    ") STRICT;"
    "CREATE TABLE run ("
    "  id INTEGER PRIMARY KEY,"
    "  comparison_id INTEGER NOT NULL REFERENCES comparison (id) ON DELETE CASCADE,"
    "  name TEXT NOT NULL,"
    "  config_yaml TEXT NOT NULL,"
    "  config_hash TEXT NOT NULL,"
    "  seed INTEGER NOT NULL,"
    "  trace_hash TEXT NOT NULL,"
    "  trace_format TEXT NOT NULL,"
    "  open_loop INTEGER NOT NULL CHECK (open_loop IN (0, 1)),"
    "  timing_source TEXT NOT NULL,"
    "  kv_bytes_per_token INTEGER NOT NULL,"
    "  kv_budget_bytes INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX run_by_comparison ON run (comparison_id);"
    "CREATE TABLE metric_name ("
    "  id INTEGER PRIMARY KEY,"
    "  name TEXT NOT NULL UNIQUE,"
    "  unit TEXT NOT NULL,"
    "  meaning TEXT NOT NULL"
    ") STRICT;"
    "CREATE TABLE metric ("
    "  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
    "  metric_id INTEGER NOT NULL REFERENCES metric_name (id),"
    "  value REAL NOT NULL,"
    "  PRIMARY KEY (run_id, metric_id)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX metric_by_value ON metric (metric_id, value);"
    "CREATE TABLE series ("
    "  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
    "  name TEXT NOT NULL,"
    "  x_unit TEXT NOT NULL,"
    "  y_unit TEXT NOT NULL,"
    "  points INTEGER NOT NULL,"
    "  xy_zstd BLOB NOT NULL,"
    "  PRIMARY KEY (run_id, name)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE VIEW run_metric AS"
    "  SELECT run.id AS run, run.comparison_id AS comparison, run.name AS policy,"
    "         metric_name.name AS metric, metric.value AS value, metric_name.unit AS unit"
    "  FROM metric JOIN run ON run.id = metric.run_id"
    "              JOIN metric_name ON metric_name.id = metric.metric_id;";

/* What sweeps and searches need: a finished run is found by all that it depends on
 * (sweep/point_key.h), and a sweep knows its runs before they are done. A point that cannot run
 * says why. */
static const char version_2[] =
    /* Values come in no order: each run dirtied a page of this index for each metric, most of the
     * 3.7 ms that storing one took among 10,000 (tests/bench/bench_store.c); without it and with
     * synchronous NORMAL it is 0.6. Ranking the runs is a scan. */
    "DROP INDEX metric_by_value;"
    "CREATE TABLE point ("
    "  key TEXT PRIMARY KEY,"
    "  run_id INTEGER UNIQUE REFERENCES run (id) ON DELETE CASCADE,"
    "  failure TEXT,"
    "  CHECK ((run_id IS NULL) <> (failure IS NULL))"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE sweep ("
    "  id INTEGER PRIMARY KEY,"
    "  hash TEXT NOT NULL UNIQUE,"
    "  comparison_id INTEGER NOT NULL REFERENCES comparison (id),"
    "  command TEXT NOT NULL"
    ") STRICT;"
    "CREATE UNIQUE INDEX sweep_by_comparison ON sweep (comparison_id);"
    "CREATE TABLE sweep_axis ("
    "  sweep_id INTEGER NOT NULL REFERENCES sweep (id) ON DELETE CASCADE,"
    "  axis INTEGER NOT NULL,"
    "  key TEXT NOT NULL,"
    "  PRIMARY KEY (sweep_id, axis)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE sweep_run ("
    "  sweep_id INTEGER NOT NULL REFERENCES sweep (id) ON DELETE CASCADE,"
    "  number INTEGER NOT NULL,"
    "  point INTEGER NOT NULL,"
    "  replication INTEGER NOT NULL,"
    "  point_key TEXT NOT NULL,"
    "  PRIMARY KEY (sweep_id, number)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE sweep_value ("
    "  sweep_id INTEGER NOT NULL REFERENCES sweep (id) ON DELETE CASCADE,"
    "  point INTEGER NOT NULL,"
    "  axis INTEGER NOT NULL,"
    "  value TEXT NOT NULL,"
    "  PRIMARY KEY (sweep_id, point, axis)"
    ") STRICT, WITHOUT ROWID;";

static const char version_3[] =
    "CREATE TABLE calibration ("
    "  id INTEGER PRIMARY KEY,"
    "  created_at TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  device TEXT NOT NULL,"
    "  host_cpu TEXT NOT NULL"
    ") STRICT;"
    "CREATE TABLE sample ("
    "  calibration_id INTEGER NOT NULL REFERENCES calibration (id) ON DELETE CASCADE,"
    "  number INTEGER NOT NULL,"
    "  what TEXT NOT NULL,"
    "  x REAL NOT NULL,"
    "  y REAL NOT NULL,"
    "  value_ns REAL NOT NULL,"
    "  PRIMARY KEY (calibration_id, number)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE fit ("
    "  calibration_id INTEGER NOT NULL REFERENCES calibration (id) ON DELETE CASCADE,"
    "  number INTEGER NOT NULL,"
    "  what TEXT NOT NULL,"
    "  parameter TEXT NOT NULL,"
    "  x REAL NOT NULL,"
    "  y REAL NOT NULL,"
    "  value REAL NOT NULL,"
    "  low REAL,"
    "  high REAL,"
    "  residual REAL,"
    "  samples INTEGER NOT NULL,"
    "  PRIMARY KEY (calibration_id, number)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE validation ("
    "  id INTEGER PRIMARY KEY,"
    "  created_at TEXT NOT NULL,"
    "  model TEXT NOT NULL,"
    "  hardware TEXT NOT NULL,"
    "  device TEXT NOT NULL"
    ") STRICT;"
    "CREATE TABLE validation_metric ("
    "  validation_id INTEGER NOT NULL REFERENCES validation (id) ON DELETE CASCADE,"
    "  policy TEXT NOT NULL,"
    "  load_percent REAL NOT NULL,"
    "  metric TEXT NOT NULL,"
    "  sim REAL NOT NULL,"
    "  run REAL NOT NULL,"
    "  half_width REAL,"
    "  tolerance_percent REAL NOT NULL,"
    "  repeats INTEGER NOT NULL,"
    "  PRIMARY KEY (validation_id, policy, load_percent, metric)"
    ") STRICT, WITHOUT ROWID;";

/* What was a tolerance in % may be one in points; which load was asked for and not reached; and
 * what one policy has over another. */
static const char version_4[] =
    "ALTER TABLE validation ADD COLUMN rate_key TEXT;"
    "ALTER TABLE validation_metric ADD COLUMN tolerance_unit TEXT NOT NULL DEFAULT '%';"
    "ALTER TABLE validation_metric ADD COLUMN sim_half_range REAL;"
    "CREATE TABLE validation_load ("
    "  validation_id INTEGER NOT NULL REFERENCES validation (id) ON DELETE CASCADE,"
    "  load_percent REAL NOT NULL,"
    "  reached INTEGER NOT NULL CHECK (reached IN (0, 1)),"
    "  rate REAL NOT NULL,"
    "  least_percent REAL NOT NULL,"
    "  most_percent REAL NOT NULL,"
    "  run_percent REAL,"
    "  PRIMARY KEY (validation_id, load_percent)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE validation_difference ("
    "  validation_id INTEGER NOT NULL REFERENCES validation (id) ON DELETE CASCADE,"
    "  policy TEXT NOT NULL,"
    "  minus TEXT NOT NULL,"
    "  load_percent REAL NOT NULL,"
    "  metric TEXT NOT NULL,"
    "  sim REAL NOT NULL,"
    "  sim_half_range REAL NOT NULL,"
    "  run REAL NOT NULL,"
    "  half_width REAL,"
    "  tolerance_percent REAL NOT NULL,"
    "  verdict TEXT NOT NULL,"
    "  repeats INTEGER NOT NULL,"
    "  PRIMARY KEY (validation_id, policy, minus, load_percent, metric)"
    ") STRICT, WITHOUT ROWID;";

/* What each tenant of a trace had of a run; nothing of traces that name fewer than two. */
static const char version_5[] = "CREATE TABLE tenant_metric ("
                                "  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
                                "  tenant TEXT NOT NULL,"
                                "  metric TEXT NOT NULL,"
                                "  value REAL NOT NULL,"
                                "  PRIMARY KEY (run_id, tenant, metric)"
                                ") STRICT, WITHOUT ROWID;";

/* Turns of the runs that kept them; columns as in sim/engine/turn_row.h, NULL for what is none. */
static const char version_6[] =
    "CREATE TABLE turn ("
    "  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
    "  turn INTEGER NOT NULL,  session INTEGER,  turn_of_session INTEGER,  tenant INTEGER,"
    "  server INTEGER,  decode_server INTEGER,  measured INTEGER,  asked_ns INTEGER,"
    "  queued_ns INTEGER,  prepared_ns INTEGER,  prefill_start_ns INTEGER,"
    "  first_token_ns INTEGER,  end_ns INTEGER,  ttft_ns INTEGER,  decode_ns INTEGER,"
    "  load_wait_ns INTEGER,  waiting_batch_ns INTEGER,  waiting_hbm_ns INTEGER,"
    "  waiting_kv_ns INTEGER,  waiting_gpu_ns INTEGER,  wanted_tokens INTEGER,"
    "  history_tokens INTEGER,  cut_tokens INTEGER,  reply_tokens INTEGER,"
    "  found_tokens INTEGER,  reused_tokens INTEGER,  reused_hbm_tokens INTEGER,"
    "  reused_dram_tokens INTEGER,  reused_ssd_tokens INTEGER,  reused_remote_tokens INTEGER,"
    "  computed_tokens INTEGER,  new_tokens INTEGER,  never_stored_tokens INTEGER,"
    "  evicted_tokens INTEGER,  expired_tokens INTEGER,  invalidated_tokens INTEGER,"
    "  unsaved_tokens INTEGER,  refused_tokens INTEGER,  elsewhere_tokens INTEGER,"
    "  behind_gap_tokens INTEGER,  too_slow_tokens INTEGER,  not_fetched_tokens INTEGER,"
    "  rule_tokens INTEGER,  lost_why TEXT,  lost_tier TEXT,  lost_ns INTEGER,"
    "  lost_for_turn INTEGER,  preemptions INTEGER,  computed_again_tokens INTEGER,"
    "  PRIMARY KEY (run_id, turn)"
    ") STRICT, WITHOUT ROWID;";

/* What a run's metrics mean, in sentences, most important first. */
static const char version_7[] = "CREATE TABLE finding ("
                                "  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
                                "  number INTEGER NOT NULL,"
                                "  sentence TEXT NOT NULL,"
                                "  PRIMARY KEY (run_id, number)"
                                ") STRICT, WITHOUT ROWID;";

/* How runs of a comparison differ by their turns, which are not kept: with an interval, or why
 * there is none. */
static const char version_8[] = "CREATE TABLE difference ("
                                "  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
                                "  base_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
                                "  metric TEXT NOT NULL,"
                                "  value REAL,"
                                "  half_width REAL,"
                                "  no_interval TEXT,"
                                "  pairs INTEGER NOT NULL,"
                                "  block_ns INTEGER NOT NULL,"
                                "  resamples INTEGER NOT NULL,"
                                "  PRIMARY KEY (run_id, base_id, metric)"
                                ") STRICT, WITHOUT ROWID;";

/* migrations[v] takes a file from version v to v + 1. A version that was released is never edited:
 * a change is a new line. */
static const char *const migrations[] = { version_1, version_2, version_3, version_4,
                                          version_5, version_6, version_7, version_8 };
enum { LATEST_VERSION = sizeof migrations / sizeof *migrations };

struct identity {
    int64_t application, version, tables;
};

/* The number that a statement gives; the database's name stands in it. */
static enum status read_number(const struct sql *sql, const char *pattern, const char *database,
                               int64_t *number, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    char *text = sqlite3_mprintf(pattern, database);
    enum status status = sql_prepare(sql, text, &statement, err);
    if (status == STATUS_OK)
        status = sql_step(sql, statement, &row, "read database", err);
    if (row)
        *number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_free(text);
    return status;
}

static enum status read_identity(const struct sql *sql, const char *database,
                                 struct identity *identity, struct error *err)
{
    enum status status =
        read_number(sql, "PRAGMA \"%w\".application_id", database, &identity->application, err);
    if (status == STATUS_OK)
        status = read_number(sql, "PRAGMA \"%w\".user_version", database, &identity->version, err);
    if (status == STATUS_OK)
        status = read_number(sql, "SELECT count(*) FROM \"%w\".sqlite_schema", database,
                             &identity->tables, err);
    return status;
}

static bool is_empty(const struct identity *identity)
{
    return identity->application == 0 && identity->version == 0 && identity->tables == 0;
}

static enum status check_identity(const struct sql *sql, const struct identity *identity,
                                  struct error *err)
{
    if (is_empty(identity))
        return STATUS_OK;
    if (identity->application != SCHEMA_APPLICATION_ID || identity->version < 1)
        return error_io(err, sql->path, "use database",
                        "it is an SQLite file, but not one of reprise's");
    if (identity->version > LATEST_VERSION) {
        char reason[128];
        snprintf(reason, sizeof reason,
                 "its schema is version %lld, written by a newer reprise; this one knows up to %d",
                 (long long)identity->version, LATEST_VERSION);
        return error_io(err, sql->path, "use database", reason);
    }
    return STATUS_OK;
}

static enum status check_all(const struct sql *sql, const char *database, bool *current,
                             struct error *err)
{
    struct identity identity = { 0 };
    enum status status = read_identity(sql, database, &identity, err);
    *current = identity.version == LATEST_VERSION;
    if (status == STATUS_OK)
        status = check_identity(sql, &identity, err);
    if (status != STATUS_OK || is_empty(&identity))
        return status;
    status = checked_tables(sql, database, identity.version, err);
    return status == STATUS_OK ? checked_content(sql, database, err) : status;
}

/* One transaction: version, tables and rows are of one moment, whoever migrates meanwhile. */
enum status schema_check(const struct sql *sql, const char *database, bool *current,
                         struct error *err)
{
    *current = false;
    enum status status = sql_exec(sql, "SAVEPOINT one_moment", "read database", err);
    if (status != STATUS_OK)
        return status;
    status = check_all(sql, database, current, err);
    sqlite3_exec(sql->db, "RELEASE one_moment", NULL, NULL, NULL); /* nothing was written */
    return status;
}

enum status schema_reference(int64_t version, struct sql *reference, struct error *err)
{
    int rc = sqlite3_open_v2(":memory:", &reference->db, SQLITE_OPEN_READWRITE, NULL);
    if (reference->db == NULL)
        memory_exhausted();
    enum status status = sql_check(reference, rc, "open database", err);
    for (int64_t v = 0; status == STATUS_OK && v < version; v++)
        status = sql_exec(reference, migrations[v], "write tables", err);
    return status;
}

static enum status migrate_from(const struct sql *sql, int64_t version, struct error *err)
{
    char pragmas[96];
    snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             SCHEMA_APPLICATION_ID, LATEST_VERSION);
    enum status status = STATUS_OK;
    for (; status == STATUS_OK && version < LATEST_VERSION; version++)
        status = sql_exec(sql, migrations[version], "write tables", err);
    return status == STATUS_OK ? sql_exec(sql, pragmas, "write tables", err) : status;
}

enum status schema_migrate(const struct sql *sql, struct error *err)
{
    enum status status = sql_exec(sql, "BEGIN IMMEDIATE", "write database", err);
    if (status != STATUS_OK)
        return status;
    /* Read again under the lock: another process may have been here first. */
    struct identity identity = { 0 };
    status = read_identity(sql, "main", &identity, err);
    if (status == STATUS_OK)
        status = check_identity(sql, &identity, err);
    if (status == STATUS_OK && identity.version < LATEST_VERSION)
        status = migrate_from(sql, identity.version, err);
    if (status == STATUS_OK)
        status = sql_exec(sql, "COMMIT", "write tables", err);
    if (status != STATUS_OK)
        sqlite3_exec(sql->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static enum status insert_names(const struct sql *sql, sqlite3_stmt *insert, bool *added,
                                struct error *err)
{
    *added = false;
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric_row *row = &metric_rows[i];
        int rc = sqlite3_bind_text(insert, 1, row->name, -1, SQLITE_STATIC) |
                 sqlite3_bind_text(insert, 2, row->unit, -1, SQLITE_STATIC) |
                 sqlite3_bind_text(insert, 3, row->meaning, -1, SQLITE_STATIC);
        enum status status = sql_check(sql, rc, "write metric name", err);
        if (status == STATUS_OK)
            status = sql_run(sql, insert, "write metric name", err);
        if (status != STATUS_OK)
            return status;
        *added = *added || sqlite3_changes(sql->db) > 0;
    }
    return STATUS_OK;
}

/* One subquery a column: SQLite evaluates those that a query names and no others. */
static enum status create_wide_view(const struct sql *sql, struct error *err)
{
    sqlite3_str *text = sqlite3_str_new(sql->db);
    sqlite3_str_appendall(text, "DROP VIEW IF EXISTS main.run_wide;"
                                " CREATE VIEW main.run_wide AS SELECT"
                                " run.id AS run, run.comparison_id AS comparison,"
                                " run.name AS policy");
    for (int i = 0; i < METRIC_COUNT; i++)
        sqlite3_str_appendf(text,
                            ", (SELECT value FROM metric WHERE run_id = run.id AND metric_id ="
                            " (SELECT id FROM metric_name WHERE name = %Q)) AS \"%w\"",
                            metric_rows[i].name, metric_rows[i].name);
    sqlite3_str_appendall(text, " FROM run");
    char *statement = sqlite3_str_finish(text);
    if (statement == NULL)
        memory_exhausted();
    enum status status = sql_exec(sql, statement, "write view run_wide", err);
    sqlite3_free(statement);
    return status;
}

enum status schema_register_metrics(const struct sql *sql, struct error *err)
{
    sqlite3_stmt *insert = NULL;
    bool added = false;
    enum status status =
        sql_prepare(sql, "INSERT OR IGNORE INTO metric_name (name, unit, meaning) VALUES (?, ?, ?)",
                    &insert, err);
    if (status == STATUS_OK)
        status = insert_names(sql, insert, &added, err);
    sqlite3_finalize(insert);
    return status == STATUS_OK && added ? create_wide_view(sql, err) : status;
}
