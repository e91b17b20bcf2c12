/* tests/sweep/test_sweep.c - a sweep does what is missing and nothing else, and loses nothing. */
#include "sweep/sweep.h"

#include "tests/support.h"
#include "tests/validate/store/cases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char base[] = "{workload.sessions: 30, warmup_turns: 0}";
static const char *const axes[] = { "tiers.dram.capacity=0,64GB,128GB", "policy=lru,none" };

static struct plan planned(const char *const *vary, uint32_t count)
{
    struct config_tree *tree;
    struct design grid = { .kind = DESIGN_GRID };
    struct plan plan;
    struct error err = { 0 };
    ck_assert_int_eq(config_tree_parse(base, "test", &tree, &err), STATUS_OK);
    ck_assert_int_eq(plan_make(tree, vary, count, &grid, 1, NULL, &plan, &err), STATUS_OK);
    config_tree_free(tree);
    return plan;
}

/* Stops the sweep when that many runs are finished. */
struct stopper {
    uint32_t after;
};

static bool tell(void *context, const struct sweep_count *count)
{
    const struct stopper *stopper = context;
    return count->finished < stopper->after;
}

static enum status run(const struct plan *plan, const char *path, struct shard shard,
                       uint32_t threads, uint32_t stop_after, struct sweep_count *count)
{
    struct error err = { 0 };
    struct ranks *ranks;
    struct runner *runner;
    struct stopper stopper = { stop_after };
    struct sweep_watch watch = { tell, &stopper };
    int64_t sweep;
    struct store *store = store_opened(path);
    ck_assert_int_eq(ranks_begin(&ranks, &err), STATUS_OK);
    ck_assert_int_eq(runner_open(ranks, threads, false, NULL, &runner, &err), STATUS_OK);
    enum status status =
        sweep_run(plan, shard, "a test", runner, store, &watch, &sweep, count, &err);
    runner_close(runner);
    ranks_end(ranks);
    store_close(store);
    return status;
}

static char *dumped(const char *path)
{
    struct error err = { 0 };
    struct store *store = store_opened(path);
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_int_eq(store_dump(store, out, &err), STATUS_OK);
    fclose(out);
    store_close(store);
    return text;
}

static const struct shard whole = { 1, 1 };

START_TEST(a_finished_sweep_is_found_and_not_run_again)
{
    struct plan plan = planned(axes, 2);
    struct sweep_count count;
    char *path = database_path();
    ck_assert_int_eq(run(&plan, path, whole, 2, UINT32_MAX, &count), STATUS_OK);
    ck_assert_uint_eq(count.total, 6);
    ck_assert_uint_eq(count.found, 0);
    ck_assert_uint_eq(count.finished, 6);
    ck_assert_int_eq(run(&plan, path, whole, 2, UINT32_MAX, &count), STATUS_OK);
    ck_assert_uint_eq(count.found, 6);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM run"), 6);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM sweep"), 1);
    database_remove(path);
    plan_free(&plan);
}
END_TEST

START_TEST(another_sweep_takes_over_the_points_they_share)
{
    struct plan plan = planned(axes, 2),
                larger = planned(
                    (const char *[]){ "tiers.dram.capacity=0,64GB,128GB,256GB", "policy=lru,none" },
                    2);
    struct sweep_count count;
    char *path = database_path();
    ck_assert_int_eq(run(&plan, path, whole, 1, UINT32_MAX, &count), STATUS_OK);
    ck_assert_int_eq(run(&larger, path, whole, 1, UINT32_MAX, &count), STATUS_OK);
    ck_assert_uint_eq(count.found, 6);
    ck_assert_uint_eq(count.finished, 8);
    struct sweep_table table;
    struct error err = { 0 };
    struct store *store = store_opened(path);
    ck_assert_int_eq(store_load_sweep(store, 2, &table, &err), STATUS_OK);
    ck_assert_uint_eq(table.count, 8);
    for (uint32_t i = 0; i < table.count; i++) {
        ck_assert_int_gt(table.rows[i].run, 0);
        ck_assert(table.rows[i].metrics.turns > 0);
        ck_assert_str_eq(table.rows[i].values[1], i % 2 == 0 ? "lru" : "none");
    }
    sweep_table_free(&table);
    store_close(store);
    database_remove(path);
    plan_free(&plan);
    plan_free(&larger);
}
END_TEST

START_TEST(stopped_and_begun_again_it_ends_as_if_never_stopped)
{
    struct plan plan = planned(axes, 2);
    struct sweep_count count;
    char *straight = database_path(), *stopped = database_path();
    ck_assert_int_eq(run(&plan, straight, whole, 2, UINT32_MAX, &count), STATUS_OK);
    enum status status = run(&plan, stopped, whole, 1, 1, &count);
    ck_assert(status == STATUS_INTERRUPTED || status == STATUS_OK); /* it may have been quicker */
    ck_assert_uint_ge(count.finished, 1);
    ck_assert_int_eq(sql_number(stopped, "SELECT count(*) FROM run"), count.finished);
    uint32_t before = count.finished;
    ck_assert_int_eq(run(&plan, stopped, whole, 3, UINT32_MAX, &count), STATUS_OK);
    ck_assert_uint_eq(count.found, before);
    char *expected = dumped(straight), *got = dumped(stopped);
    ck_assert_str_eq(expected, got);
    free(expected);
    free(got);
    database_remove(straight);
    database_remove(stopped);
    plan_free(&plan);
}
END_TEST

START_TEST(shards_merged_in_any_order_are_the_whole)
{
    struct plan plan = planned(axes, 2);
    struct sweep_count count;
    struct error err = { 0 };
    char *straight = database_path(), *merged = database_path(), *part[4];
    ck_assert_int_eq(run(&plan, straight, whole, 2, UINT32_MAX, &count), STATUS_OK);
    for (uint32_t i = 0; i < 4; i++) {
        part[i] = database_path();
        ck_assert_int_eq(run(&plan, part[i], (struct shard){ i + 1, 4 }, 1, UINT32_MAX, &count),
                         STATUS_OK);
        ck_assert_uint_eq(count.total, i < 2 ? 2 : 1);
    }
    struct store *store = store_opened(merged);
    static const int order[] = { 2, 0, 3, 1, 0 };
    uint64_t added, sum = 0;
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(store_merge(store, part[order[i]], &added, &err), STATUS_OK);
        sum += added;
    }
    ck_assert_uint_eq(added, 0); /* the last one was there */
    ck_assert_uint_eq(sum, 6);
    err = (struct error){ 0 };
    ck_assert_int_eq(store_merge(store, merged, &added, &err), STATUS_INPUT); /* into itself */
    store_close(store);
    char *expected = dumped(straight), *got = dumped(merged);
    ck_assert_str_eq(expected, got);
    ck_assert_int_eq(sql_number(merged, "SELECT count(*) FROM comparison"), 1);
    free(expected);
    free(got);
    for (int i = 0; i < 4; i++)
        database_remove(part[i]);
    database_remove(straight);
    database_remove(merged);
    plan_free(&plan);
}
END_TEST

START_TEST(a_point_that_cannot_run_is_told_and_holds_up_no_other)
{
    struct plan plan = planned((const char *[]){ "gpus=2,8" }, 1);
    struct sweep_count count;
    struct error err = { 0 };
    struct sweep_table table;
    char *path = database_path();
    ck_assert_int_eq(run(&plan, path, whole, 1, UINT32_MAX, &count), STATUS_OK);
    ck_assert_uint_eq(count.finished, 2);
    ck_assert_uint_eq(count.failed, 1);
    struct store *store = store_opened(path);
    ck_assert_int_eq(store_load_sweep(store, 0, &table, &err), STATUS_OK);
    ck_assert_ptr_null(table.rows[0].failure);
    ck_assert_int_eq(table.rows[1].run, 0);
    ck_assert(isnan(table.rows[1].metrics.turns));
    ck_assert_str_eq(table.rows[1].failure,
                     "gpus: expected at most the 4 of paper-4xa100, found \"8\"");
    sweep_table_free(&table);
    store_close(store);
    ck_assert_int_eq(run(&plan, path, whole, 1, UINT32_MAX, &count), STATUS_OK);
    ck_assert_uint_eq(count.found, 2);
    database_remove(path);
    plan_free(&plan);
}
END_TEST

START_TEST(where_nothing_can_run_the_sweep_fails)
{
    struct plan plan = planned((const char *[]){ "gpus=8,16" }, 1);
    struct sweep_count count;
    char *path = database_path();
    ck_assert_int_eq(run(&plan, path, whole, 1, UINT32_MAX, &count), STATUS_INPUT);
    database_remove(path);
    plan_free(&plan);
}
END_TEST

START_TEST(a_shard_is_i_of_n)
{
    struct shard shard;
    struct error err = { 0 };
    ck_assert_int_eq(shard_parse("3/12", &shard, &err), STATUS_OK);
    ck_assert_uint_eq(shard.number, 3);
    ck_assert_uint_eq(shard.count, 12);
    static const char *const bad[] = { "0/4", "5/4", "1", "1/", "/4", "1/4x", "-1/4", "" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err = (struct error){ 0 };
        ck_assert_int_eq(shard_parse(bad[i], &shard, &err), STATUS_INPUT);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep");
    TCase *tcase = tcase_create("sweep");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_finished_sweep_is_found_and_not_run_again);
    tcase_add_test(tcase, another_sweep_takes_over_the_points_they_share);
    tcase_add_test(tcase, stopped_and_begun_again_it_ends_as_if_never_stopped);
    tcase_add_test(tcase, shards_merged_in_any_order_are_the_whole);
    tcase_add_test(tcase, a_point_that_cannot_run_is_told_and_holds_up_no_other);
    tcase_add_test(tcase, where_nothing_can_run_the_sweep_fails);
    tcase_add_test(tcase, a_shard_is_i_of_n);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
