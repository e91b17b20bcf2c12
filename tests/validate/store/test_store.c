/* tests/validate/store/test_store.c - what is put into the store comes out of it, and can be asked
 * for in SQL as docs/store.md says. */
#include "tests/support.h"
#include "tests/validate/store/cases.h"
#include "validate/store/store_sweep.h"
#include "validate/store/store_turns.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct store *reopened(struct store *store, const char *path)
{
    struct error err = { 0 };
    store_close(store);
    ck_assert_int_eq(store_open(path, true, &store, &err), STATUS_OK);
    return store;
}

START_TEST(metrics_come_back_exactly)
{
    char *path = database_path();
    struct store *store = store_opened(path);
    struct error err = { 0 };
    int64_t first;
    ck_assert_int_eq(put_numbered(store, 3, 10, &first, &err), STATUS_OK);
    store = reopened(store, path);
    for (uint32_t run = 0; run < 3; run++) {
        struct metrics metrics;
        ck_assert_int_eq(store_metrics(store, first + run, &metrics, &err), STATUS_OK);
        for (int i = 0; i < METRIC_COUNT; i++)
            ck_assert_double_eq(metric_value(&metrics, i), 1000.0 * run + i + 0.5);
    }
    store_close(store);
    database_remove(path);
}
END_TEST

static void add_sentence(const char *sentence, void *context)
{
    strcat(context, sentence);
    strcat(context, ";");
}

/* Also where a database of it is merged into another. */
START_TEST(findings_of_a_run_are_kept_in_their_order)
{
    char *path = database_path(), *other = database_path(), sentences[128] = "";
    struct store *store = store_opened(path), *all = store_opened(other);
    struct error err = { 0 };
    struct sim_result result = result_numbered(0, 10);
    int64_t id;
    uint64_t added;
    strcpy(result.finding[0], "first");
    strcpy(result.finding[1], "second");
    const struct store_run run = { .name = "lru", .config_yaml = "{}", .result = &result };
    ck_assert_int_eq(store_put_runs(store, &run, 1, &id, &err), STATUS_OK);
    store_close(store);
    ck_assert_int_eq(store_merge(all, path, &added, &err), STATUS_OK);
    ck_assert_int_eq(store_findings(all, 1, add_sentence, sentences, &err), STATUS_OK);
    ck_assert_str_eq(sentences, "first;second;");
    store_close(all);
    sim_result_free(&result);
    database_remove(path);
    database_remove(other);
}
END_TEST

/* Also where a database of it is merged into another. */
START_TEST(tenants_of_a_run_are_kept_with_their_metrics)
{
    char *path = database_path(), *other = database_path();
    struct store *store = store_opened(path), *all = store_opened(other);
    struct error err = { 0 };
    struct sim_result result = result_numbered(0, 10);
    int64_t id;
    uint64_t added;
    result.tenant_count = 2;
    result.tenant[0] = (struct tenant_result){ .name = "chat", .metrics = { .turns = 7 } };
    result.tenant[1] = (struct tenant_result){ .name = "batch", .metrics = { .ttft_p99_ns = 0.5 } };
    const struct store_run run = { .name = "lru", .config_yaml = "{}", .result = &result };
    ck_assert_int_eq(store_put_runs(store, &run, 1, &id, &err), STATUS_OK);
    store_close(store);
    ck_assert_int_eq(store_merge(all, path, &added, &err), STATUS_OK);
    store_close(all);
    for (int i = 0; i < 2; i++) {
        const char *of = i == 0 ? path : other;
        ck_assert_int_eq(sql_number(of, "SELECT count(*) FROM tenant_metric"),
                         2 * TENANT_METRIC_COUNT);
        ck_assert_int_eq(sql_number(of, "SELECT value FROM tenant_metric JOIN run ON id = run_id"
                                        " WHERE name = 'lru' AND tenant = 'chat'"
                                        " AND metric = 'turns'"),
                         7);
        ck_assert_int_eq(sql_number(of, "SELECT 2 * value FROM tenant_metric WHERE"
                                        " tenant = 'batch' AND metric = 'ttft_p99_ns'"),
                         1);
    }
    sim_result_free(&result);
    database_remove(path);
    database_remove(other);
}
END_TEST

START_TEST(series_come_back_bit_for_bit_and_an_unknown_one_is_empty)
{
    char *path = database_path();
    struct store *store = store_opened(path);
    struct error err = { 0 };
    int64_t first;
    ck_assert_int_eq(put_numbered(store, 1, 200, &first, &err), STATUS_OK);
    store = reopened(store, path);
    struct sim_result expected = result_numbered(0, 200);
    struct series series;
    ck_assert_int_eq(store_series(store, first, "queue_over_time", &series, &err), STATUS_OK);
    ck_assert_uint_eq(series.count, 200);
    ck_assert_mem_eq(series.x, expected.series[1].x, 200 * sizeof *series.x);
    ck_assert_mem_eq(series.y, expected.series[1].y, 200 * sizeof *series.y);
    ck_assert_str_eq(series.x_unit, "ns");
    free(series.x);
    free(series.y);
    ck_assert_int_eq(store_series(store, first, "no_such", &series, &err), STATUS_OK);
    ck_assert_uint_eq(series.count, 0);
    sim_result_free(&expected);
    store_close(store);
    database_remove(path);
}
END_TEST

START_TEST(a_comparison_is_found_by_any_of_its_runs_and_the_latest_by_none)
{
    char *path = database_path();
    struct store *store = store_opened(path);
    struct error err = { 0 };
    int64_t first, second, ids[8];
    uint32_t count;
    ck_assert_int_eq(put_numbered(store, 3, 1, &first, &err), STATUS_OK);
    ck_assert_int_eq(put_numbered(store, 2, 1, &second, &err), STATUS_OK);
    ck_assert_int_eq(second, first + 3);
    ck_assert_int_eq(store_comparison(store, 0, ids, 8, &count, &err), STATUS_OK);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(ids[0], second);
    for (int64_t run = first; run < second; run++) {
        ck_assert_int_eq(store_comparison(store, run, ids, 8, &count, &err), STATUS_OK);
        ck_assert_uint_eq(count, 3);
        ck_assert_int_eq(ids[0], first);
        ck_assert_int_eq(ids[2], first + 2);
    }
    ck_assert_int_eq(store_comparison(store, first, ids, 2, &count, &err), STATUS_OK);
    ck_assert_uint_eq(count, 2);
    char name[32];
    ck_assert_int_eq(store_run_name(store, first + 2, name, sizeof name, &err), STATUS_OK);
    ck_assert_str_eq(name, "policy-2");
    store_close(store);
    database_remove(path);
}
END_TEST

START_TEST(of_several_seeds_a_comparison_is_the_firsts_or_that_of_the_run_asked_for)
{
    char *path = database_path();
    struct store *store = store_opened(path);
    struct error err = { 0 };
    struct sim_result result = result_numbered(0, 1);
    static const char *const names[] = { "lru", "fifo", "lru", "fifo", "lru", "fifo" };
    struct store_run runs[6];
    int64_t first, ids[8];
    uint32_t count;
    for (uint64_t i = 0; i < 6; i++)
        runs[i] = (struct store_run){
            .name = names[i], .config_yaml = "{}", .seed = 1 + i / 2, .result = &result
        };
    ck_assert_int_eq(store_put_runs(store, runs, 6, &first, &err), STATUS_OK);
    for (int asked = -1; asked < 6; asked++) {
        int64_t run = asked < 0 ? 0 : first + asked;
        int64_t expected = first + (asked < 0 ? 0 : asked / 2 * 2);
        ck_assert_int_eq(store_comparison(store, run, ids, 8, &count, &err), STATUS_OK);
        ck_assert_uint_eq(count, 2);
        ck_assert_int_eq(ids[0], expected);
        ck_assert_int_eq(ids[1], expected + 1);
    }
    sim_result_free(&result);
    store_close(store);
    database_remove(path);
}
END_TEST

START_TEST(a_comparison_comes_back_as_its_policies_under_each_seed)
{
    char *path = database_path();
    struct store *store = store_opened(path);
    struct error err = { 0 };
    struct sim_result result = result_numbered(0, 1);
    /* A policy that was given twice stays two; the last seed is not whole. */
    static const char *const names[] = { "lru", "fifo", "lru", "lru", "fifo", "lru", "lru" };
    struct store_run put[7];
    struct store_runs runs;
    int64_t first;
    for (uint64_t i = 0; i < 7; i++)
        put[i] = (struct store_run){
            .name = names[i], .config_yaml = "{}", .seed = 40 + i / 3, .result = &result
        };
    ck_assert_int_eq(store_put_runs(store, put, 7, &first, &err), STATUS_OK);
    for (int64_t run = 0; run <= first; run += first) {
        ck_assert_int_eq(store_comparison_runs(store, run, &runs, &err), STATUS_OK);
        ck_assert_uint_eq(runs.policies, 3);
        ck_assert_uint_eq(runs.seeds, 2);
        for (int64_t i = 0; i < 6; i++)
            ck_assert_int_eq(runs.id[i], first + i);
        ck_assert_uint_eq(runs.seed[0], 40);
        ck_assert_uint_eq(runs.seed[1], 41);
        store_runs_free(&runs);
    }
    ck_assert_int_eq(store_comparison_runs(store, 99, &runs, &err), STATUS_INPUT);
    store_runs_free(&runs);
    sim_result_free(&result);
    store_close(store);
    database_remove(path);
}
END_TEST

static void add_difference(const struct store_run_difference *difference, void *context)
{
    char *text = context;
    snprintf(text + strlen(text), 256 - strlen(text), "%u-%u %s %g %g %s %u %u %u;",
             difference->run, difference->base, difference->metric, difference->value,
             difference->half_width,
             difference->no_interval != NULL ? difference->no_interval : "told", difference->pairs,
             difference->resamples, (unsigned)difference->block_ns);
}

/* Also where a database of them is merged into one that has runs. */
START_TEST(differences_of_runs_are_kept_between_the_same_runs)
{
    static const char expected[] = "1-0 ttft_mean_ns -2.5 0.25 told 7 1000 60;"
                                   "2-0 ttft_p99_ns nan nan few-turns 7 1000 60;";
    const struct store_run_difference differences[] = {
        { 0, 1, "ttft_mean_ns", -2.5, 0.25, NULL, 7, 1000, 60 },
        { 0, 2, "ttft_p99_ns", NAN, NAN, "few-turns", 7, 1000, 60 },
    };
    char *path = database_path(), *other = database_path(), text[256] = "";
    struct store *store = store_opened(path), *all = store_opened(other);
    struct error err = { 0 };
    struct sim_result result = result_numbered(0, 1);
    struct store_run runs[3];
    int64_t first;
    uint64_t added;
    for (int i = 0; i < 3; i++)
        runs[i] = (struct store_run){ .name = "a", .config_yaml = "{}", .result = &result };
    ck_assert_int_eq(store_put_comparison(store, runs, 3, differences, 2, &first, &err), STATUS_OK);
    const int64_t here[] = { first, first + 1, first + 2 };
    ck_assert_int_eq(store_differences(store, here, 3, add_difference, text, &err), STATUS_OK);
    ck_assert_str_eq(text, expected);
    text[0] = '\0'; /* of fewer runs: what is between those */
    ck_assert_int_eq(store_differences(store, here + 1, 2, add_difference, text, &err), STATUS_OK);
    ck_assert_str_eq(text, "");
    store_close(store);
    ck_assert_int_eq(put_numbered(all, 2, 1, &first, &err), STATUS_OK);
    ck_assert_int_eq(store_merge(all, path, &added, &err), STATUS_OK);
    const int64_t there[] = { 3, 4, 5 };
    ck_assert_int_eq(store_differences(all, there, 3, add_difference, text, &err), STATUS_OK);
    ck_assert_str_eq(text, expected);
    store_close(all);
    sim_result_free(&result);
    database_remove(path);
    database_remove(other);
}
END_TEST

START_TEST(an_unknown_run_and_an_empty_database_are_the_users_error)
{
    char *path = database_path();
    struct store *store = store_opened(path);
    struct error err = { 0 };
    int64_t ids[1], first;
    uint32_t count;
    struct metrics metrics;
    char name[8];
    ck_assert_int_eq(store_comparison(store, 0, ids, 1, &count, &err), STATUS_INPUT);
    err = (struct error){ 0 };
    ck_assert_int_eq(put_numbered(store, 1, 1, &first, &err), STATUS_OK);
    ck_assert_int_eq(store_comparison(store, 99, ids, 1, &count, &err), STATUS_INPUT);
    ck_assert_str_eq(err.found, "99");
    err = (struct error){ 0 };
    ck_assert_int_eq(store_metrics(store, 99, &metrics, &err), STATUS_INPUT);
    err = (struct error){ 0 };
    ck_assert_int_eq(store_run_name(store, 99, name, sizeof name, &err), STATUS_INPUT);
    store_close(store);
    database_remove(path);
}
END_TEST

START_TEST(the_record_says_configuration_seed_trace_version_and_host)
{
    char *path = database_path();
    struct store *store = store_opened(path);
    struct error err = { 0 };
    int64_t first;
    ck_assert_int_eq(put_numbered(store, 2, 1, &first, &err), STATUS_OK);
    store_close(store);
    static const char text[] =
        "SELECT count(*) FROM run JOIN comparison ON comparison.id = comparison_id"
        " WHERE config_yaml = 'policy: \"x\"' || char(10) AND length(config_hash) = 16"
        " AND seed = 6 + run.id AND trace_hash = printf('fedcba987654321%d', run.id - 1)"
        " AND open_loop = run.id - 1 AND reprise_version = '0.1.0' AND host_kernel LIKE 'Linux %'"
        " AND host_cpu <> '' AND abs(julianday('now') - julianday(created_at)) < 0.01";
    ck_assert_int_eq(sql_number(path, text), 2);
    database_remove(path);
}
END_TEST

START_TEST(the_views_show_each_metric_as_a_row_and_as_a_column)
{
    char *path = database_path();
    struct store *store = store_opened(path);
    struct error err = { 0 };
    int64_t first;
    ck_assert_int_eq(put_numbered(store, 2, 1, &first, &err), STATUS_OK);
    store_close(store);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM run_metric"), 2 * METRIC_COUNT);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM run_metric WHERE policy = 'policy-1'"
                                      " AND metric = 'turns' AND value = 1000.5 AND unit = '1'"),
                     1);
    ck_assert_int_eq(sql_number(path, "SELECT run FROM run_wide WHERE elapsed_ns = 1001.5"), 2);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM pragma_table_info('run_wide')"),
                     METRIC_COUNT + 3);
    database_remove(path);
}
END_TEST

static struct turn_row row_numbered(uint64_t turn)
{
    struct turn_row row;
    for (uint32_t i = 0; i < turn_column_count; i++)
        *(uint64_t *)(void *)((char *)&row + turn_columns[i].offset) = 100 * turn + i;
    row.turn = turn;
    row.lost_why = turn % 2 == 0 ? ABSENT_REFUSED : TURN_NOTHING;
    row.lost_tier = turn % 2 == 0 ? TIER_REMOTE : TURN_NOTHING;
    return row;
}

static void expect_turns(struct store *store, int64_t run)
{
    struct turn_row *rows;
    uint32_t count;
    struct error err = { 0 };
    ck_assert_int_eq(store_turns(store, run, &rows, &count, &err), STATUS_OK);
    ck_assert_uint_eq(count, 3);
    for (uint32_t i = 0; i < count; i++) {
        struct turn_row expected = row_numbered(i + 1);
        ck_assert_int_eq(memcmp(&rows[i], &expected, sizeof expected), 0);
    }
    free(rows);
}

/* Also where a database of it is merged into another; by number, whatever their order was. */
START_TEST(turns_that_are_kept_come_back_whole)
{
    char *path = database_path(), *other = database_path();
    struct store *store = store_opened(path), *all = store_opened(other);
    struct error err = { 0 };
    struct sim_result result = result_numbered(0, 10);
    const struct turn_row rows[] = { row_numbered(3), row_numbered(1), row_numbered(2) };
    struct store_run run = {
        .name = "lru", .config_yaml = "{}", .result = &result, .turns = rows, .turn_count = 3
    };
    int64_t id;
    uint64_t added;
    ck_assert_int_eq(put_numbered(all, 2, 10, &id, &err), STATUS_OK);
    ck_assert_int_eq(store_put_runs(store, &run, 1, &id, &err), STATUS_OK);
    expect_turns(store, id);
    ck_assert_int_eq(store_merge(all, path, &added, &err), STATUS_OK);
    expect_turns(all, 3);
    sim_result_free(&result);
    store_close(store);
    store_close(all);
    database_remove(path);
    database_remove(other);
}
END_TEST

/* A run's time ends with 64 bits' sign: what it wrote last is no reason to refuse its database. */
START_TEST(times_up_to_the_end_of_simulated_time_are_read_again)
{
    char *path = database_path();
    struct store *store = store_opened(path);
    struct error err = { 0 };
    struct sim_result result = result_numbered(0, 10);
    struct turn_row row = row_numbered(1), *rows;
    row.asked_ns = row.end_ns = INT64_MAX;
    struct store_run run = {
        .name = "lru", .config_yaml = "{}", .result = &result, .turns = &row, .turn_count = 1
    };
    int64_t id;
    uint32_t count;
    ck_assert_int_eq(store_put_runs(store, &run, 1, &id, &err), STATUS_OK);
    store_close(store);
    store = store_opened(path);
    ck_assert_int_eq(store_turns(store, id, &rows, &count, &err), STATUS_OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(rows->end_ns, INT64_MAX);
    free(rows);
    sim_result_free(&result);
    store_close(store);
    database_remove(path);
}
END_TEST

/* As long as reading allows, and a byte more: refused before anything is written. */
START_TEST(a_sweep_s_command_is_no_longer_than_what_is_read_again)
{
    enum { MOST = 1 << 20 };
    char *path = database_path(), *command = malloc(MOST + 2);
    struct store *store = store_opened(path);
    struct error err = { 0 };
    struct store_sweep sweep = { .hash = "long", .command = command };
    int64_t id;
    memset(command, 'x', MOST + 1);
    command[MOST + 1] = '\0';
    ck_assert_int_eq(store_begin_sweep(store, &sweep, &id, &err), STATUS_INPUT);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM sweep"), 0);
    command[MOST] = '\0';
    err = (struct error){ 0 };
    ck_assert_int_eq(store_begin_sweep(store, &sweep, &id, &err), STATUS_OK);
    store_close(store);
    store_close(store_opened(path));
    free(command);
    database_remove(path);
}
END_TEST

START_TEST(the_table_of_turns_has_every_column)
{
    char *path = database_path(), text[128];
    store_close(store_opened(path));
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM pragma_table_info('turn')"),
                     turn_column_count + 1);
    for (uint32_t i = 0; i < turn_column_count; i++) {
        snprintf(text, sizeof text, "SELECT cid FROM pragma_table_info('turn') WHERE name = '%s'",
                 turn_columns[i].name);
        ck_assert_int_eq(sql_number(path, text), i + 1);
    }
    database_remove(path);
}
END_TEST

/* As a file of an older reprise is: a name is not there yet, and a name of ours is not used. */
START_TEST(a_metric_that_an_older_run_lacks_is_not_a_number)
{
    char *path = database_path();
    struct store *store = store_opened(path);
    struct error err = { 0 };
    int64_t first;
    ck_assert_int_eq(put_numbered(store, 1, 1, &first, &err), STATUS_OK);
    store_close(store);
    sql_do(path, "DELETE FROM metric WHERE metric_id ="
                 " (SELECT id FROM metric_name WHERE name = 'cost_usd');"
                 "DELETE FROM metric_name WHERE name = 'cost_usd';"
                 "UPDATE metric_name SET name = 'dropped_since' WHERE name = 'turns'");
    store = store_opened(path);
    struct metrics metrics;
    ck_assert_int_eq(store_metrics(store, first, &metrics, &err), STATUS_OK);
    ck_assert(isnan(metrics.cost_usd) && isnan(metrics.turns));
    ck_assert_double_eq(metrics.elapsed_ns, 1.5);
    ck_assert_int_eq(put_numbered(store, 1, 1, &first, &err), STATUS_OK);
    ck_assert_int_eq(store_metrics(store, first, &metrics, &err), STATUS_OK);
    ck_assert_double_eq(metrics.turns, 0.5);
    store_close(store);
    database_remove(path);
}
END_TEST

START_TEST(a_file_without_bytes_becomes_a_database)
{
    char *path = test_temp_file("");
    struct store *store = store_opened(path);
    struct error err = { 0 };
    int64_t first;
    ck_assert_int_eq(put_numbered(store, 1, 1, &first, &err), STATUS_OK);
    ck_assert_int_eq(first, 1);
    store_close(store);
    database_remove(path);
}
END_TEST

START_TEST(opening_and_closing_changes_no_byte_and_leaves_no_file)
{
    char *path = database_path(), log[4200];
    struct store *store = store_opened(path);
    struct error err = { 0 };
    int64_t first;
    ck_assert_int_eq(put_numbered(store, 2, 50, &first, &err), STATUS_OK);
    store_close(store);
    size_t before_bytes, after_bytes, log_bytes;
    char *before = file_content(path, &before_bytes);
    for (int read_only = 0; read_only <= 1; read_only++) {
        ck_assert_int_eq(store_open(path, read_only == 1, &store, &err), STATUS_OK);
        int64_t ids[4];
        uint32_t count;
        ck_assert_int_eq(store_comparison(store, 0, ids, 4, &count, &err), STATUS_OK);
        store_close(store);
        char *after = file_content(path, &after_bytes);
        ck_assert_uint_eq(before_bytes, after_bytes);
        ck_assert_mem_eq(before, after, before_bytes);
        free(after);
        snprintf(log, sizeof log, "%s-wal", path);
        ck_assert_ptr_null(file_content(log, &log_bytes));
    }
    free(before);
    database_remove(path);
}
END_TEST

START_TEST(two_writers_take_turns)
{
    char *path = database_path();
    struct store *one = store_opened(path), *other = store_opened(path);
    struct error err = { 0 };
    int64_t first;
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(put_numbered(one, 1, 1, &first, &err), STATUS_OK);
        ck_assert_int_eq(first, 2 * i + 1);
        ck_assert_int_eq(put_numbered(other, 1, 1, &first, &err), STATUS_OK);
        ck_assert_int_eq(first, 2 * i + 2);
    }
    store_close(one);
    store_close(other);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM comparison"), 20);
    database_remove(path);
}
END_TEST

/* What `reprise plot` asks must be look-ups: neither a scan nor a sort may be planned. */
START_TEST(among_many_runs_a_comparison_is_looked_up_not_searched)
{
    char *path = database_path();
    struct store *store = store_opened(path);
    struct error err = { 0 };
    int64_t first, ids[4];
    uint32_t count;
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(put_numbered(store, 40, 1, &first, &err), STATUS_OK);
    clock_t start = clock();
    for (int i = 0; i < 1000; i++) {
        struct metrics metrics;
        ck_assert_int_eq(store_comparison(store, 1 + 2 * i, ids, 4, &count, &err), STATUS_OK);
        ck_assert_int_eq(store_metrics(store, ids[3], &metrics, &err), STATUS_OK);
        ck_assert_double_eq(metrics.turns, 3000.5);
    }
    /* 0.2 s here; searching 2,000 runs of 60 metrics a thousand times takes minutes. */
    ck_assert_int_lt((clock() - start) / CLOCKS_PER_SEC, 20);
    store_close(store);
    database_remove(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *tcase = tcase_create("store");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, metrics_come_back_exactly);
    tcase_add_test(tcase, findings_of_a_run_are_kept_in_their_order);
    tcase_add_test(tcase, tenants_of_a_run_are_kept_with_their_metrics);
    tcase_add_test(tcase, series_come_back_bit_for_bit_and_an_unknown_one_is_empty);
    tcase_add_test(tcase, a_comparison_is_found_by_any_of_its_runs_and_the_latest_by_none);
    tcase_add_test(tcase, of_several_seeds_a_comparison_is_the_firsts_or_that_of_the_run_asked_for);
    tcase_add_test(tcase, a_comparison_comes_back_as_its_policies_under_each_seed);
    tcase_add_test(tcase, differences_of_runs_are_kept_between_the_same_runs);
    tcase_add_test(tcase, an_unknown_run_and_an_empty_database_are_the_users_error);
    tcase_add_test(tcase, the_record_says_configuration_seed_trace_version_and_host);
    tcase_add_test(tcase, the_views_show_each_metric_as_a_row_and_as_a_column);
    tcase_add_test(tcase, turns_that_are_kept_come_back_whole);
    tcase_add_test(tcase, times_up_to_the_end_of_simulated_time_are_read_again);
    tcase_add_test(tcase, a_sweep_s_command_is_no_longer_than_what_is_read_again);
    tcase_add_test(tcase, the_table_of_turns_has_every_column);
    tcase_add_test(tcase, a_metric_that_an_older_run_lacks_is_not_a_number);
    tcase_add_test(tcase, a_file_without_bytes_becomes_a_database);
    tcase_add_test(tcase, opening_and_closing_changes_no_byte_and_leaves_no_file);
    tcase_add_test(tcase, two_writers_take_turns);
    tcase_add_test(tcase, among_many_runs_a_comparison_is_looked_up_not_searched);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
