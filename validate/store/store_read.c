/* validate/store/store_read.c - see store.h: reading runs back. */
#include "base/memory.h"
#include "base/shown.h"
#include "validate/store/checked.h"
#include "validate/store/metric_values.h"
#include "validate/store/series_blob.h"
#include "validate/store/store_handle.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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

/* ---- all runs of a comparison ---- */

struct listed_run {
    int64_t id;
    char *name;
    uint64_t seed_number;
    int64_t copy;    /* of its name and seed: a policy may be given twice */
    uint32_t place;  /* in the order of ids */
    uint32_t policy; /* by first appearance */
    uint32_t seed;   /* by its order under that */
};

struct listed_runs {
    struct listed_run *item;
    uint32_t count, capacity, policies;
};

static void add_listed(struct listed_runs *runs, sqlite3_stmt *statement)
{
    memory_grow(&runs->item, &runs->capacity, (uint64_t)runs->count + 1, sizeof *runs->item);
    runs->item[runs->count] =
        (struct listed_run){ .id = sqlite3_column_int64(statement, 0),
                             .name = sql_shown(statement, 1),
                             .seed_number = (uint64_t)sqlite3_column_int64(statement, 2),
                             .copy = sqlite3_column_int64(statement, 3),
                             .place = runs->count };
    runs->count++;
}

static bool same_policy(const struct listed_run *a, const struct listed_run *b)
{
    return a->copy == b->copy && strcmp(a->name, b->name) == 0;
}

static int by_policy(const void *a, const void *b)
{
    const struct listed_run *left = a, *right = b;
    int names = strcmp(left->name, right->name);
    if (names != 0)
        return names;
    if (left->copy != right->copy)
        return left->copy < right->copy ? -1 : 1;
    return left->place < right->place ? -1 : left->place > right->place;
}

static int by_place(const void *a, const void *b)
{
    const struct listed_run *left = a, *right = b;
    return left->place < right->place ? -1 : left->place > right->place;
}

/* Runs come seed by seed, so that a policy's are numbered as the seeds are; policies by their first
 * run. Sorted, since the comparison of anyone's file may be long. */
static void number_policies(struct listed_runs *runs)
{
    uint32_t *policy_at = memory_new(runs->count, sizeof *policy_at); /* by its first run's place */
    assert(runs->count > 0);
    qsort(runs->item, runs->count, sizeof *runs->item, by_policy);
    for (uint32_t i = 0, first = 0; i < runs->count; i++) {
        if (!same_policy(&runs->item[first], &runs->item[i]))
            first = i;
        runs->item[i].policy = runs->item[first].place;
        runs->item[i].seed = i - first;
    }
    qsort(runs->item, runs->count, sizeof *runs->item, by_place);
    for (uint32_t i = 0; i < runs->count; i++) {
        if (runs->item[i].seed == 0)
            policy_at[i] = runs->policies++;
        runs->item[i].policy = policy_at[runs->item[i].policy];
    }
    free(policy_at);
}

/* As many as every policy has. */
static uint32_t whole_seeds(const struct listed_runs *runs)
{
    uint32_t *of_policy = memory_new(runs->policies, sizeof *of_policy), least = UINT32_MAX;
    for (uint32_t i = 0; i < runs->count; i++)
        of_policy[runs->item[i].policy]++;
    for (uint32_t i = 0; i < runs->policies; i++)
        least = of_policy[i] < least ? of_policy[i] : least;
    free(of_policy);
    return least;
}

static void arrange(const struct listed_runs *listed, struct store_runs *runs)
{
    runs->policies = listed->policies;
    runs->seeds = whole_seeds(listed);
    runs->id = memory_new((size_t)runs->policies * runs->seeds, sizeof *runs->id);
    runs->seed = memory_new(runs->seeds, sizeof *runs->seed);
    for (uint32_t i = 0; i < listed->count; i++) {
        const struct listed_run *run = &listed->item[i];
        if (run->seed >= runs->seeds)
            continue;
        runs->id[(size_t)run->seed * runs->policies + run->policy] = run->id;
        if (run->policy == 0)
            runs->seed[run->seed] = run->seed_number;
    }
}

void store_runs_free(struct store_runs *runs)
{
    free(runs->id);
    free(runs->seed);
    *runs = (struct store_runs){ 0 };
}

enum status store_comparison_runs(struct store *store, int64_t run, struct store_runs *runs,
                                  struct error *err)
{
    static const char text[] =
        "SELECT id, name, seed, row_number() OVER (PARTITION BY name, seed ORDER BY id)"
        "  FROM run WHERE comparison_id = CASE WHEN ?1 > 0"
        "    THEN (SELECT comparison_id FROM run WHERE id = ?1)"
        "    ELSE (SELECT max(comparison_id) FROM run) END ORDER BY id";
    struct listed_runs listed = { 0 };
    sqlite3_stmt *statement = NULL;
    *runs = (struct store_runs){ 0 };
    enum status status = query(store, text, run, &statement, err);
    bool row = status == STATUS_OK;
    while (row) {
        row = false;
        status = sql_step(&store->sql, statement, &row, "read runs", err);
        if (row)
            add_listed(&listed, statement);
    }
    sqlite3_finalize(statement);
    if (status == STATUS_OK && listed.count == 0)
        status = no_such_run(store, run, err);
    if (status == STATUS_OK) {
        number_policies(&listed);
        arrange(&listed, runs);
    }
    for (uint32_t i = 0; i < listed.count; i++)
        free(listed.item[i].name);
    free(listed.item);
    return status;
}

/* ---- how they differ ---- */

static double column_number(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL
               ? NAN
               : sqlite3_column_double(statement, column);
}

/* Its place among the ids; count: it is none of them. */
static uint32_t place_of(const int64_t *ids, uint32_t count, int64_t id)
{
    uint32_t place = 0;
    while (place < count && ids[place] != id)
        place++;
    return place;
}

static struct store_run_difference read_difference(sqlite3_stmt *statement)
{
    return (struct store_run_difference){
        .metric = column_text(statement, 1),
        .value = column_number(statement, 2),
        .half_width = column_number(statement, 3),
        .pairs = (uint32_t)sqlite3_column_int64(statement, 5),
        .block_ns = (uint64_t)sqlite3_column_int64(statement, 6),
        .resamples = (uint32_t)sqlite3_column_int64(statement, 7),
    };
}

enum status store_differences(struct store *store, const int64_t *ids, uint32_t count,
                              void (*told)(const struct store_run_difference *difference,
                                           void *context),
                              void *context, struct error *err)
{
    static const char text[] = "SELECT base_id, metric, value, half_width, no_interval, pairs,"
                               " block_ns, resamples FROM difference WHERE run_id = ?";
    enum status status = STATUS_OK;
    for (uint32_t run = 0; status == STATUS_OK && run < count; run++) {
        sqlite3_stmt *statement = NULL;
        status = query(store, text, ids[run], &statement, err);
        bool row = status == STATUS_OK;
        while (row) {
            row = false;
            status = sql_step(&store->sql, statement, &row, "read differences", err);
            struct store_run_difference difference = { 0 };
            if (row)
                difference = read_difference(statement);
            difference.run = run;
            difference.base =
                row ? place_of(ids, count, sqlite3_column_int64(statement, 0)) : count;
            bool told_why = row && sqlite3_column_type(statement, 4) != SQLITE_NULL;
            char *no_interval = told_why ? sql_shown(statement, 4) : NULL;
            difference.no_interval = no_interval;
            if (difference.base < count)
                told(&difference, context);
            free(no_interval);
        }
        sqlite3_finalize(statement);
    }
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
        shown_fit(column_text(statement, 0), name, name_bytes);
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
        if (!row)
            continue;
        char *sentence = sql_shown(statement, 0);
        told(sentence, context);
        free(sentence);
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

/* Of numbers that can be drawn. */
static bool is_curve(const struct series *series)
{
    for (uint32_t i = 0; i < series->count; i++)
        if (!(fabs(series->x[i]) <= 1e30 && fabs(series->y[i]) <= 1e30))
            return false;
    return true;
}

static enum status read_series(const struct store *store, sqlite3_stmt *statement,
                               struct series *series, struct error *err)
{
    int64_t points = sqlite3_column_int64(statement, 2);
    const void *blob = sqlite3_column_blob(statement, 3);
    size_t blob_bytes = (size_t)sqlite3_column_bytes(statement, 3);
    if (points < 0 || points > CHECKED_POINTS_MOST || blob == NULL ||
        !series_unpack(blob, blob_bytes, (uint32_t)points, &series->x, &series->y))
        return error_io(err, store->sql.path, "read series", "its blob is damaged");
    series->count = (uint32_t)points;
    if (!is_curve(series))
        return error_io(err, store->sql.path, "read series", "its blob is no curve of a run's");
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
