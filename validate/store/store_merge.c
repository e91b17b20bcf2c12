/* validate/store/store_merge.c - see store_sweep.h: another database's results into this one.
 * Ids of this database are those of the other one, moved behind what is here: an offset each for
 * comparisons, runs and sweeps. */
#include "base/same_file.h"
#include "validate/store/schema.h"
#include "validate/store/sql_open.h"
#include "validate/store/store_handle.h"
#include "validate/store/store_sweep.h"
#include "validate/store/turn_rows.h"

/* What is copied is decided once, into temporary tables: runs behind points that are not here, and
 * runs that belong to no point; comparisons and sweeps likewise. */
static const char choose[] =
    "CREATE TEMP TABLE merge_run AS SELECT run.id AS id FROM other.run AS run"
    "  LEFT JOIN other.point AS point ON point.run_id = run.id"
    "  WHERE point.key IS NULL OR NOT EXISTS (SELECT 1 FROM main.point AS mine"
    "                                         WHERE mine.key = point.key);"
    "CREATE TEMP TABLE merge_sweep AS SELECT id, hash, comparison_id FROM other.sweep"
    "  WHERE hash NOT IN (SELECT hash FROM main.sweep);"
    /* Comparisons that come along; one of a sweep that is here already becomes that sweep's own. */
    "CREATE TEMP TABLE merge_comparison (id INTEGER PRIMARY KEY, mine INTEGER NOT NULL);"
    "INSERT INTO merge_comparison SELECT theirs.comparison_id, ours.comparison_id"
    "  FROM other.sweep AS theirs JOIN main.sweep AS ours ON ours.hash = theirs.hash;"
    "INSERT INTO merge_comparison SELECT comparison.id, comparison.id +"
    "    (SELECT coalesce(max(id), 0) FROM main.comparison)"
    "  FROM other.comparison AS comparison WHERE comparison.id NOT IN"
    "    (SELECT id FROM merge_comparison) AND (comparison.id IN (SELECT comparison_id FROM"
    "    merge_sweep) OR comparison.id IN (SELECT comparison_id FROM other.run JOIN merge_run"
    "    ON merge_run.id = other.run.id));"
    "CREATE TEMP TABLE merge_base AS SELECT"
    "  (SELECT coalesce(max(id), 0) FROM main.run) AS run,"
    "  (SELECT coalesce(max(id), 0) FROM main.sweep) AS sweep;";

static const char copy_runs[] =
    "INSERT INTO main.comparison SELECT merge.mine, created_at, reprise_version, host_cpu,"
    "    host_kernel FROM other.comparison AS comparison JOIN merge_comparison AS merge"
    "  ON merge.id = comparison.id WHERE merge.mine NOT IN (SELECT id FROM main.comparison);"
    "INSERT INTO main.run SELECT run.id + (SELECT run FROM merge_base), merge.mine, name,"
    "    config_yaml, config_hash, seed, trace_hash, trace_format, open_loop, timing_source,"
    "    kv_bytes_per_token, kv_budget_bytes"
    "  FROM other.run AS run JOIN merge_run ON merge_run.id = run.id"
    "  JOIN merge_comparison AS merge ON merge.id = run.comparison_id;"
    "INSERT OR IGNORE INTO main.metric_name (name, unit, meaning)"
    "  SELECT name, unit, meaning FROM other.metric_name;"
    "INSERT INTO main.metric SELECT metric.run_id + (SELECT run FROM merge_base), mine.id, value"
    "  FROM other.metric AS metric JOIN merge_run ON merge_run.id = metric.run_id"
    "  JOIN other.metric_name AS theirs ON theirs.id = metric.metric_id"
    "  JOIN main.metric_name AS mine ON mine.name = theirs.name;"
    "INSERT INTO main.series SELECT series.run_id + (SELECT run FROM merge_base), name, x_unit,"
    "    y_unit, points, xy_zstd FROM other.series AS series JOIN merge_run"
    "  ON merge_run.id = series.run_id;"
    "INSERT INTO main.tenant_metric SELECT of.run_id + (SELECT run FROM merge_base), tenant, "
    "metric,"
    "    value FROM other.tenant_metric AS of JOIN merge_run ON merge_run.id = of.run_id;"
    "INSERT INTO main.turn (run_id" TURN_ROWS_NAMES ")"
    "  SELECT of.run_id + (SELECT run FROM merge_base)" TURN_ROWS_NAMES
    "  FROM other.turn AS of JOIN merge_run ON merge_run.id = of.run_id;"
    "INSERT INTO main.finding SELECT of.run_id + (SELECT run FROM merge_base), number, sentence"
    "  FROM other.finding AS of JOIN merge_run ON merge_run.id = of.run_id;"
    "INSERT INTO main.difference SELECT of.run_id + base.run, of.base_id + base.run, metric, value,"
    "    half_width, no_interval, pairs, block_ns, resamples FROM other.difference AS of"
    "  JOIN merge_run AS one ON one.id = of.run_id JOIN merge_run AS two ON two.id = of.base_id"
    "  JOIN merge_base AS base;"
    "INSERT INTO main.point SELECT key, run_id + (SELECT run FROM merge_base), failure"
    "  FROM other.point WHERE key NOT IN (SELECT key FROM main.point);";

/* A sweep that is here already may lack members that the other one's search found. */
static const char copy_sweeps[] =
    "INSERT INTO main.sweep SELECT sweep.id + (SELECT sweep FROM merge_base), sweep.hash,"
    "    merge.mine, command FROM other.sweep AS sweep JOIN merge_sweep"
    "  ON merge_sweep.id = sweep.id JOIN merge_comparison AS merge"
    "  ON merge.id = sweep.comparison_id;"
    "INSERT OR IGNORE INTO main.sweep_axis SELECT ours.id, axis, key FROM other.sweep_axis AS axis"
    "  JOIN other.sweep AS theirs ON theirs.id = axis.sweep_id"
    "  JOIN main.sweep AS ours ON ours.hash = theirs.hash;"
    "INSERT OR IGNORE INTO main.sweep_run SELECT ours.id, number, point, replication, point_key"
    "  FROM other.sweep_run AS run JOIN other.sweep AS theirs ON theirs.id = run.sweep_id"
    "  JOIN main.sweep AS ours ON ours.hash = theirs.hash;"
    "INSERT OR IGNORE INTO main.sweep_value SELECT ours.id, point, axis, value"
    "  FROM other.sweep_value AS value JOIN other.sweep AS theirs ON theirs.id = value.sweep_id"
    "  JOIN main.sweep AS ours ON ours.hash = theirs.hash;";

static const char forget[] = "DROP TABLE IF EXISTS temp.merge_run;"
                             "DROP TABLE IF EXISTS temp.merge_sweep;"
                             "DROP TABLE IF EXISTS temp.merge_comparison;"
                             "DROP TABLE IF EXISTS temp.merge_base;";

static enum status count_added(const struct sql *sql, uint64_t *added, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    enum status status = sql_prepare(sql, "SELECT count(*) FROM merge_run", &statement, err);
    if (status == STATUS_OK)
        status = sql_step(sql, statement, &row, "merge databases", err);
    if (row)
        *added = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return status;
}

static enum status copy_all(const struct sql *sql, const struct sql *other, uint64_t *added,
                            struct error *err)
{
    static const char *const steps[] = { choose, copy_runs, copy_sweeps };
    enum status status = sql_exec(sql, "BEGIN IMMEDIATE", "merge databases", err);
    if (status != STATUS_OK)
        return status;
    status = schema_register_metrics(sql, err);
    for (size_t i = 0; status == STATUS_OK && i < sizeof steps / sizeof *steps; i++)
        status = sql_exec(sql, steps[i], "merge databases", err);
    if (status == STATUS_OK)
        status = count_added(sql, added, err);
    if (status == STATUS_OK)
        status = sql_exec(sql, forget, "merge databases", err);
    if (status == STATUS_OK)
        status = sql_still(other, err);
    if (status == STATUS_OK)
        status = sql_exec(sql, "COMMIT", "merge databases", err);
    if (status != STATUS_OK)
        sqlite3_exec(sql->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

/* The other one is anyone's: what it is is looked at as it is attached, and not before. */
static enum status attach(const struct sql *sql, const char *path, struct sql *other,
                          struct error *err)
{
    bool current = false;
    enum status status = sql_attach_read(sql, path, other, err);
    if (status == STATUS_OK)
        status = schema_check(other, "other", &current, err);
    sql_trust(sql);
    if (status == STATUS_OK && !current)
        return error_io(err, path, "read database",
                        "it is empty, or of an older schema that the next `reprise sim` migrates");
    return status;
}

enum status store_merge(struct store *store, const char *from, uint64_t *added, struct error *err)
{
    struct sql other;
    *added = 0;
    if (same_file(from, store->sql.path))
        return error_input(err, NULL, 0, "merge", "two different databases", from);
    enum status status = attach(&store->sql, from, &other, err);
    if (status == STATUS_OK)
        status = copy_all(&store->sql, &other, added, err);
    sqlite3_exec(store->sql.db, "DETACH DATABASE other", NULL, NULL, NULL);
    return status;
}
