/* tests/sweep/test_size.c - the search finds what trying everything finds, for less; more servers
 * and less load never make it worse; what it says is what was run. */
#include "sweep/size.h"

#include "base/units.h"
#include "sim/engine/cost.h"
#include "tests/sim/import_trace.h"
#include "tests/support.h"
#include "tests/validate/store/cases.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char base[] =
    "{model: llama-3-70b, hardware: h100, engine.version: vllm-0.19, warmup_turns: 100, workload: "
    "{sessions: 240, sessions_per_s: 1, prompt_tokens.mean: 1200, reply_tokens.mean: 150,"
    " mean_turns: 6}}";
static const char *const axes[] = { "gpus=4,8", "policy=scheduler-aware,lru",
                                    "tiers.dram.capacity=0,64GB,128GB,512GB",
                                    "tiers.ssd.capacity=0,16TB", "cluster.replicas=1,2,3,4" };
enum { AXES = sizeof axes / sizeof *axes };

static const struct pricing own_prices = { 0 };

static struct size_space spaced(const char *yaml, const char *const *vary, uint32_t count)
{
    struct config_tree *tree;
    struct size_space space;
    struct error err = { 0 };
    ck_assert_int_eq(config_tree_parse(yaml, "test", &tree, &err), STATUS_OK);
    if (size_space_make(tree, vary, count, &own_prices, &space, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("space refused");
    }
    config_tree_free(tree);
    return space;
}

static bool tell(void *context, double share, uint32_t runs, const char *what)
{
    (void)context, (void)runs;
    ck_assert(share >= 0.0 && share <= 1.0 + 1e-9);
    ck_assert_uint_gt(strlen(what), 5);
    return true;
}

static struct size_question question_on(struct size_space *space, const char *promise)
{
    struct size_question question = { .space = space,
                                      .promise_count = 1,
                                      .ssd_years_least = -1,
                                      .command = "test",
                                      .asked = "test" };
    struct error err = { 0 };
    const struct size_point *first;
    ck_assert_int_eq(promise_parse(promise, &question.promise[0], &err), STATUS_OK);
    ck_assert_int_eq(size_space_point(space, 0, &first, &err), STATUS_OK);
    ck_assert_int_eq(size_workload_read(NULL, &first->experiment, &question.workload, &err),
                     STATUS_OK);
    return question;
}

/* What the search runs in. */
struct bench {
    struct ranks *ranks;
    struct runner *runner;
    struct store *store;
};

static struct bench opened(const char *path, uint32_t threads)
{
    struct bench bench;
    struct error err = { 0 };
    bench.store = store_opened(path);
    ck_assert_int_eq(ranks_begin(&bench.ranks, &err), STATUS_OK);
    ck_assert_int_eq(runner_open(bench.ranks, threads, false, NULL, &bench.runner, &err),
                     STATUS_OK);
    return bench;
}

static void closed(struct bench *bench)
{
    runner_close(bench->runner);
    ranks_end(bench->ranks);
    store_close(bench->store);
}

static struct size_answer answered(const struct size_question *question, const char *path,
                                   uint32_t threads)
{
    struct size_answer answer;
    struct size_watch watch = { tell, NULL };
    struct error err = { 0 };
    struct bench bench = opened(path, threads);
    if (size_search(question, bench.runner, bench.store, &watch, &answer, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("search failed");
    }
    closed(&bench);
    return answer;
}

static double objective_of(const struct size_answer *answer, uint32_t point)
{
    return size_whole(answer, point)->objective;
}

START_TEST(the_search_is_within_2_percent_of_trying_everything)
{
    static const char *const promises[] = { "ttft_p99=1s", "ttft_p99=4s", "goodput=95%" };
    struct size_space space = spaced(base, axes, AXES);
    struct size_question question = question_on(&space, promises[_i]);
    char *path = database_path();
    struct size_answer found = answered(&question, path, 2);
    question.exhaustive = true;
    struct size_answer all = answered(&question, path, 2);
    ck_assert_uint_ne(all.best, SIZE_NONE);
    ck_assert_uint_ne(found.best, SIZE_NONE);
    double reached = objective_of(&found, found.best), best = objective_of(&all, all.best);
    ck_assert_msg(reached <= 1.02 * best, "%s: %g against %g", promises[_i], reached, best);
    ck_assert(size_whole(&found, found.best)->violation <= 1.0);
    ck_assert_uint_lt(2 * found.runs[SIZE_WHOLE], all.runs[SIZE_WHOLE]);
    for (int kv = SIZE_KV_HBM; kv < SIZE_KVS; kv++) {
        ck_assert_int_eq(found.without[kv] == SIZE_NONE, all.without[kv] == SIZE_NONE);
        if (all.without[kv] != SIZE_NONE)
            ck_assert(objective_of(&found, found.without[kv]) <=
                      1.02 * objective_of(&all, all.without[kv]));
    }
    size_answer_free(&found);
    size_answer_free(&all);
    database_remove(path);
    size_space_free(&space);
}
END_TEST

static const char chat[] =
    "{model: llama-3-8b, hardware: h100, warmup_turns: 500, workload: {sessions: 1100, "
    "sessions_per_s: 2, prompt_tokens.mean: 300, reply_tokens.mean: 60, mean_turns: 6}}";
static const char *const chat_axes[] = { "gpus=1,2,4,8", "policy=scheduler-aware,lru",
                                         "tiers.dram.capacity=0,64GB,256GB", "tiers.ssd.capacity=0",
                                         "cluster.replicas=1,2,3,4" };

static double least_usd(struct size_space *space, uint32_t index)
{
    const struct size_point *point;
    struct error err = { 0 };
    ck_assert_int_eq(size_space_point(space, index, &point, &err), STATUS_OK);
    return point->usd_least;
}

/* One GPU does: two are tried as its neighbours, and eight, of which one server costs more, at no
 * level. */
START_TEST(kinds_that_cost_more_than_what_is_found_are_not_run)
{
    struct size_space space = spaced(chat, chat_axes, AXES);
    struct size_question question = question_on(&space, "ttft_p99=10s");
    char *path = database_path();
    struct size_answer answer = answered(&question, path, 2);
    uint32_t gpus = size_space_axis(&space, "gpus");
    ck_assert_uint_gt(answer.runs[SIZE_PART], 0);
    ck_assert_uint_gt(answer.kinds_not_run, 0);
    ck_assert_uint_lt(answer.kinds_not_run, answer.kinds);
    ck_assert_uint_eq(size_space_place(&space, answer.best, gpus), 0);
    for (uint32_t i = 0; i < space.count; i++) {
        if (size_space_place(&space, i, gpus) < 3)
            continue;
        ck_assert_ptr_null(answer.value[SIZE_PART][i]);
        ck_assert_ptr_null(answer.value[SIZE_WHOLE][i]);
        ck_assert(least_usd(&space, i) >= least_usd(&space, answer.best));
    }
    size_answer_free(&answer);
    database_remove(path);
    size_space_free(&space);
}
END_TEST

/* No kind keeps it, so that no price rules another out. */
START_TEST(every_kind_is_run_where_none_is_found)
{
    struct size_space space = spaced(chat, chat_axes, AXES);
    struct size_question question = question_on(&space, "ttft_p99=1ms");
    char *path = database_path();
    struct size_answer answer = answered(&question, path, 2);
    uint32_t gpus = size_space_axis(&space, "gpus"), dear = 0;
    ck_assert_uint_eq(answer.best, SIZE_NONE);
    ck_assert_uint_gt(answer.kinds, 8);
    ck_assert_uint_eq(answer.kinds_not_run, 0);
    for (uint32_t i = 0; i < space.count; i++)
        dear += size_space_place(&space, i, gpus) == 3 && answer.value[SIZE_WHOLE][i] != NULL;
    ck_assert_uint_ge(dear, 3);
    size_answer_free(&answer);
    database_remove(path);
    size_space_free(&space);
}
END_TEST

START_TEST(threads_and_what_is_stored_change_nothing)
{
    struct size_space space = spaced(base, axes, AXES);
    struct size_question question = question_on(&space, "ttft_p99=1s");
    char *path = database_path();
    struct size_answer one = answered(&question, path, 1), again = answered(&question, path, 3);
    int64_t runs = sql_number(path, "SELECT count(*) FROM run");
    ck_assert_uint_eq(one.best, again.best);
    ck_assert_uint_eq(one.front_count, again.front_count);
    ck_assert_mem_eq(one.front, again.front, one.front_count * sizeof *one.front);
    for (uint32_t i = 0; i < space.count; i++)
        ck_assert_int_eq(size_whole(&one, i) == NULL, size_whole(&again, i) == NULL);
    ck_assert_int_le(runs, one.runs[SIZE_WHOLE] + one.runs[SIZE_PART]);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM sweep_run"),
                     one.runs[SIZE_WHOLE] + one.runs[SIZE_PART]);
    size_answer_free(&one);
    size_answer_free(&again);
    database_remove(path);
    size_space_free(&space);
}
END_TEST

START_TEST(no_point_of_the_front_is_worse_in_both)
{
    struct size_space space = spaced(base, axes, AXES);
    struct size_question question = question_on(&space, "ttft_p99=1s");
    char *path = database_path();
    struct size_answer answer = answered(&question, path, 2);
    ck_assert_uint_gt(answer.front_count, 1);
    for (uint32_t i = 1; i < answer.front_count; i++) {
        const struct size_value *before = size_whole(&answer, answer.front[i - 1]);
        const struct size_value *value = size_whole(&answer, answer.front[i]);
        ck_assert(value->objective >= before->objective);
        ck_assert(value->metrics.ttft_p99_ns < before->metrics.ttft_p99_ns);
        ck_assert(value->wear <= 1.0);
    }
    size_answer_free(&answer);
    database_remove(path);
    size_space_free(&space);
}
END_TEST

START_TEST(an_impossible_promise_is_told_with_the_nearest_point_and_what_idle_servers_reach)
{
    struct size_space space = spaced(base, axes, AXES);
    struct size_question question = question_on(&space, "ttft_p99=1ms");
    struct size_idle idle[SIZE_IDLES_MOST];
    struct size_watch watch = { tell, NULL };
    struct error err = { 0 };
    uint32_t count = 0;
    char *path = database_path();
    struct size_answer answer = answered(&question, path, 2);
    ck_assert_uint_eq(answer.best, SIZE_NONE);
    ck_assert_uint_ne(answer.nearest, SIZE_NONE);
    ck_assert(size_whole(&answer, answer.nearest)->violation > 1.0);
    struct bench bench = opened(path, 2);
    ck_assert_int_eq(
        size_run_idle(&question, &answer, bench.runner, bench.store, &watch, idle, &count, &err),
        STATUS_OK);
    ck_assert_uint_ge(count, 2);
    for (uint32_t i = 0; i < count; i++) {
        /* Nobody waits there, and even so the promise is missed: no number of servers helps. */
        ck_assert_double_lt(idle[i].value.metrics.queueing_mean_ns,
                            0.2 * idle[i].value.metrics.ttft_mean_ns);
        ck_assert(idle[i].value.missed > 1.0);
        ck_assert_double_le(idle[i].value.metrics.ttft_p99_ns,
                            size_whole(&answer, answer.nearest)->metrics.ttft_p99_ns * 2);
    }
    closed(&bench);
    size_answer_free(&answer);
    database_remove(path);
    size_space_free(&space);
}
END_TEST

/* First turns only: there is no history to keep. */
START_TEST(where_nothing_comes_back_no_kv_is_kept)
{
    struct size_space space =
        spaced("{model: llama-3-8b, hardware: h100, gpus: 1, warmup_turns: 0, workload:"
               " {sessions: 300, multi_turn_share: 0, mean_turns: 1}}",
               (const char *[]){ "cluster.replicas=1,2", "tiers.dram.capacity=0,64GB,256GB",
                                 "policy=lru,none" },
               3);
    struct size_question question = question_on(&space, "ttft_p99=5s");
    char *path = database_path();
    struct size_answer answer = answered(&question, path, 2);
    ck_assert(!question.workload.can_reuse);
    ck_assert_uint_ne(answer.best, SIZE_NONE);
    ck_assert(!size_point(&answer, answer.best)->bought.keeps_kv);
    size_answer_free(&answer);
    database_remove(path);
    size_space_free(&space);
}
END_TEST

/* Exhaustive grids, so that each number of servers is there. A turn that finds more servers finds a
 * shorter queue; but an engine with less to do hides less of its CPU's work behind the GPU's, some
 * milliseconds of half a second. */
START_TEST(more_servers_never_raise_the_tail)
{
    static const char *const kept[] = { "policy=lru", "policy=scheduler-aware", "policy=none" };
    struct size_space space =
        spaced(base,
               (const char *[]){ kept[_i], "gpus=4", "tiers.ssd.capacity=0",
                                 "tiers.dram.capacity=1TB", "cluster.replicas=1,2,3,4,6,8,12" },
               5);
    struct size_question question = question_on(&space, "ttft_p99=1s");
    question.exhaustive = true;
    char *path = database_path();
    struct size_answer answer = answered(&question, path, 2);
    double before = INFINITY;
    uint32_t kv = _i == 2 ? SIZE_KV_NONE : SIZE_KV_KEPT;
    for (uint32_t v = 0; v < 7; v++) {
        const struct size_value *value =
            size_whole(&answer, kv * space.grid + size_space_moved(&space, 0, 4, v));
        ck_assert_ptr_nonnull(value);
        ck_assert_msg(value->metrics.ttft_p99_ns <= before * 1.03, "servers %s: %g s after %g s",
                      space.axes[4].value[v], value->metrics.ttft_p99_ns / 1e9, before / 1e9);
        before = value->metrics.ttft_p99_ns;
    }
    size_answer_free(&answer);
    database_remove(path);
    size_space_free(&space);
}
END_TEST

START_TEST(twice_the_load_never_lowers_the_tail_and_never_takes_fewer_servers)
{
    struct size_space space = spaced(base, axes, AXES);
    struct size_question question = question_on(&space, "ttft_p99=2s");
    struct size_load loads[SIZE_LOADS];
    struct size_watch watch = { tell, NULL };
    struct error err = { 0 };
    char *path = database_path();
    struct size_answer answer = answered(&question, path, 2);
    struct bench bench = opened(path, 2);
    ck_assert_uint_ne(answer.best, SIZE_NONE);
    ck_assert_int_eq(
        size_run_loads(&question, &answer, bench.runner, bench.store, &watch, loads, &err),
        STATUS_OK);
    ck_assert_uint_eq(loads[1].servers, size_point(&answer, answer.best)->bought.servers);
    ck_assert_double_eq(loads[1].same.metrics.ttft_p99_ns,
                        size_whole(&answer, answer.best)->metrics.ttft_p99_ns);
    for (int i = 1; i < SIZE_LOADS; i++) {
        ck_assert(loads[i].run);
        ck_assert_double_ge(loads[i].same.metrics.ttft_p99_ns,
                            loads[i - 1].same.metrics.ttft_p99_ns);
        /* 0: more than the axis has. */
        ck_assert_uint_ge(loads[i].servers > 0 ? loads[i].servers : 1000,
                          loads[i - 1].servers > 0 ? loads[i - 1].servers : 1000);
    }
    closed(&bench);
    size_answer_free(&answer);
    database_remove(path);
    size_space_free(&space);
}
END_TEST

/* One server and eight, billed: eight times the GPUs, and the tokens of the same load. */
START_TEST(all_servers_are_billed)
{
    struct size_space space =
        spaced(base,
               (const char *[]){ "cluster.replicas=1,8", "tiers.dram.capacity=128GB",
                                 "tiers.ssd.capacity=0", "policy=lru" },
               4);
    struct size_question question = question_on(&space, "ttft_p99=100s");
    char *path = database_path();
    question.exhaustive = true;
    struct size_answer answer = answered(&question, path, 2);
    const struct size_value *one = size_whole(&answer, 0), *eight = size_whole(&answer, 1);
    for (int item = BILL_GPUS; item <= BILL_DRAM; item++) {
        ck_assert_double_eq_tol(eight->bill.line[item].count, 8 * one->bill.line[item].count, 1e-9);
        ck_assert_double_eq_tol(eight->bill.line[item].usd_per_month,
                                8 * one->bill.line[item].usd_per_month, 1e-6);
    }
    /* More of the same dollars for the same tokens. */
    double month = eight->bill.usd_per_month / one->bill.usd_per_month;
    double mtok = eight->bill.usd_per_mtok / one->bill.usd_per_mtok;
    ck_assert_msg(fabs(mtok / month - 1.0) < 1e-9, "%g and %g", mtok, month);
    /* A run's own dollars are the search's. */
    ck_assert_double_eq(eight->metrics.owned_usd_per_month, eight->bill.usd_per_month);
    ck_assert_double_eq(eight->metrics.owned_usd_per_mtok, eight->bill.usd_per_mtok);
    size_answer_free(&answer);
    database_remove(path);
    size_space_free(&space);
}
END_TEST

START_TEST(points_that_are_the_same_servers_are_run_once)
{
    struct size_space space =
        spaced("{hardware: h100, engine.version: vllm-0.19, gpus: 1, tiers.hbm.cache: 1PB}",
               (const char *[]){ "policy=none,lru,scheduler-aware", "tiers.dram.capacity=64GB,0",
                                 "tiers.ssd.capacity=0,4TB", "tiers.ssd.inclusive=true,false" },
               4);
    struct error err = { 0 };
    uint32_t canonical, distinct = 0;
    for (uint32_t i = 0; i < space.count; i++) {
        ck_assert_int_eq(size_space_canonical(&space, i, &canonical, &err), STATUS_OK);
        distinct += canonical == i;
        uint32_t again;
        ck_assert_int_eq(size_space_canonical(&space, canonical, &again, &err), STATUS_OK);
        ck_assert_uint_eq(again, canonical);
    }
    /* Two policies with DRAM alone, SSD alone and both, these two written either way, and in HBM
     * only; none. */
    ck_assert_uint_eq(distinct, 2 * (1 + 2 + 2 + 1) + 1);
    size_space_free(&space);
}
END_TEST

/* What is said of HBM, or of a life in it, matters where nothing is kept below; which policy, too.
 */
START_TEST(what_matters_in_hbm_makes_a_point_of_its_own)
{
    static const char *const axis[] = { "tiers.hbm.cache=1GB,40GB", "placement.ttl=1s,1h",
                                        "policy=mru,lru" };
    for (size_t i = 0; i < sizeof axis / sizeof *axis; i++) {
        struct size_space space =
            spaced("{hardware: h100, gpus: 1, policy: lru, tiers: {hbm.cache: 1PB,"
                   " dram.capacity: 0, ssd.capacity: 0}}",
                   &axis[i], 1);
        struct error err = { 0 };
        uint32_t first, second;
        ck_assert_int_eq(size_space_canonical(&space, 2, &first, &err), STATUS_OK);
        ck_assert_int_eq(size_space_canonical(&space, 3, &second, &err), STATUS_OK);
        ck_assert_msg(first != second, "%s", axis[i]);
        ck_assert_int_eq(size_space_canonical(&space, 4, &first, &err), STATUS_OK);
        ck_assert_int_eq(size_space_canonical(&space, 5, &second, &err), STATUS_OK);
        ck_assert_msg(first == second, "%s, nothing kept", axis[i]);
        size_space_free(&space);
    }
}
END_TEST

/* Prices of which one tells of owning only, another of renting only, are of no common kind. */
START_TEST(prices_that_do_not_compare_are_refused)
{
    struct config_tree *tree;
    struct size_space space;
    struct error err = { 0 };
    const char *const nothing[] = { "rent.usd_per_gpu_hour=0", "owned.usd_per_gpu=0" };
    const struct pricing free_of_charge = { .assignments = nothing, .assignment_count = 2 };
    const char *gpus = "gpus=1,2";
    ck_assert_int_eq(config_tree_parse("{hardware: h100}", "test", &tree, &err), STATUS_OK);
    ck_assert_int_eq(size_space_make(tree, &gpus, 1, &free_of_charge, &space, &err), STATUS_INPUT);
    size_space_free(&space);
    err = (struct error){ 0 };
    const char *const owned[] = { "rent.usd_per_gpu_hour=0" };
    const struct pricing owned_only = { .assignments = owned, .assignment_count = 1 };
    const char *hardware = "hardware=h100,l4";
    ck_assert_int_eq(size_space_make(tree, &hardware, 1, &owned_only, &space, &err), STATUS_INPUT);
    size_space_free(&space);
    config_tree_free(tree);
}
END_TEST

START_TEST(a_name_of_any_length_fits_its_description)
{
    struct size_point point = { .bought = { .servers = 2,
                                            .gpus = 8,
                                            .stores = 2,
                                            .keeps_kv = true,
                                            .dram_bytes = 1,
                                            .ssd_bytes = 1,
                                            .drives = 2,
                                            .pool_bytes = 1 } };
    char text[64];
    memset(point.experiment.hardware, 'h', CONFIG_TEXT_BYTES - 1);
    memset(point.experiment.drive, 'd', CONFIG_TEXT_BYTES - 1);
    memset(point.experiment.policy, 'p', CONFIG_TEXT_BYTES - 1);
    for (size_t bytes = 1; bytes <= sizeof text; bytes++) {
        memset(text, '#', sizeof text);
        size_describe(&point, text, bytes);
        ck_assert_uint_lt(strlen(text), bytes);
    }
}
END_TEST

START_TEST(capacities_are_in_their_order_whatever_the_users)
{
    struct size_space space =
        spaced("{}", (const char *[]){ "tiers.dram.capacity=1TB,0,64GB", "policy=none,lru" }, 2);
    ck_assert_str_eq(space.axes[0].value[0], "0");
    ck_assert_str_eq(space.axes[0].value[1], "64GB");
    ck_assert_str_eq(space.axes[0].value[2], "1TB");
    ck_assert_str_eq(space.axes[1].value[0], "none");
    size_space_free(&space);
}
END_TEST

START_TEST(servers_of_which_one_is_for_rent_only_are_all_billed_as_rented)
{
    struct size_space space =
        spaced("{}", (const char *[]){ "hardware=h100,l4,b200", "gpus=1" }, 2);
    for (const struct size_server *server = space.servers; server != NULL; server = server->next)
        ck_assert_int_eq(server->billing, BILL_RENTED);
    size_space_free(&space);
    space = spaced("{}", (const char *[]){ "hardware=h100,b200", "gpus=1" }, 2);
    for (const struct size_server *server = space.servers; server != NULL; server = server->next)
        ck_assert_int_eq(server->billing, BILL_OWNED);
    size_space_free(&space);
}
END_TEST

START_TEST(an_axis_that_cannot_be_is_refused_before_anything_runs)
{
    static const char *const bad[] = { "replicas=1,2",       "cluster.replicas=0,1",
                                       "gpus=many",          "hardware=h100,no-such",
                                       "policy=lru,no-such", "workload.sessions=10,20",
                                       "trace=a,b" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct config_tree *tree;
        struct size_space space;
        struct error err = { 0 };
        ck_assert_int_eq(config_tree_parse("{}", "test", &tree, &err), STATUS_OK);
        enum status status = size_space_make(tree, &bad[i], 1, &own_prices, &space, &err);
        ck_assert_msg(status == STATUS_INPUT, "%s was taken", bad[i]);
        size_space_free(&space);
        config_tree_free(tree);
    }
}
END_TEST

static bool stop_after_three(void *context, double share, uint32_t runs, const char *what)
{
    (void)context, (void)share, (void)what;
    return runs < 3;
}

START_TEST(interrupted_it_tells_the_best_so_far)
{
    struct size_space space = spaced(base, axes, AXES);
    struct size_question question = question_on(&space, "ttft_p99=100s");
    question.exhaustive = true;
    struct size_answer answer;
    struct size_watch watch = { stop_after_three, NULL };
    struct error err = { 0 };
    char *path = database_path();
    struct bench bench = opened(path, 1);
    ck_assert_int_eq(size_search(&question, bench.runner, bench.store, &watch, &answer, &err),
                     STATUS_INTERRUPTED);
    ck_assert(answer.interrupted);
    ck_assert_uint_ge(answer.runs[SIZE_WHOLE], 3);
    ck_assert(answer.best != SIZE_NONE || answer.nearest != SIZE_NONE);
    closed(&bench);
    size_answer_free(&answer);
    database_remove(path);
    size_space_free(&space);
}
END_TEST

START_TEST(a_trace_file_is_read_as_the_import_keys_say)
{
    char *trace = import_trace_file(), *path = database_path(), yaml[512];
    snprintf(yaml, sizeof yaml,
             "{warmup_turns: 0, trace: %s, import: {format: " IMPORT_TRACE_FORMAT
             ", session_gap: " IMPORT_TRACE_GAP "}}",
             trace);
    struct size_space space =
        spaced(yaml, (const char *[]){ "gpus=1,2", "engine.batch=1..60:lin60" }, 2);
    ck_assert_uint_eq(space.grid, 120);
    struct size_question question = question_on(&space, "ttft_p99=100s");
    ck_assert_uint_eq(question.workload.turns, IMPORT_TRACE_TURNS);
    struct size_answer answer = answered(&question, path, 1);
    ck_assert_uint_ne(answer.best, SIZE_NONE);
    const struct metrics *best = &size_whole(&answer, answer.best)->metrics;
    ck_assert(best->turns == IMPORT_TRACE_TURNS && best->sessions == IMPORT_TRACE_SESSIONS);
    size_answer_free(&answer);
    size_space_free(&space);
    database_remove(path);
    unlink(trace);
    free(trace);
}
END_TEST

/* The sessions that stand in for a trace have its requests a second, its replies and, history
 * included, its mean prompt: generated, they are measured. */
START_TEST(sessions_offered_for_a_trace_without_them_have_its_load)
{
    struct size_workload workload = { .turns = 36000,
                                      .duration_ns = 3600 * NS_PER_S,
                                      .prompt_tokens_mean = 3000,
                                      .reply_tokens_mean = 200 };
    struct size_space space = spaced("{}", (const char *[]){ "gpus=1" }, 1);
    const struct workload *base_workload = &space.point[0]->experiment.workload;
    char text[512];
    double prompt;
    size_workload_sessions(&workload, base_workload, 5, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "workload.sessions_per_s=2 "));
    ck_assert_ptr_nonnull(strstr(text, "workload.sessions=7200 "));
    ck_assert_ptr_nonnull(strstr(text, "workload.reply_tokens.mean=200"));
    ck_assert_int_eq(sscanf(strstr(text, "prompt_tokens.mean=") + 19, "%lf", &prompt), 1);
    struct workload made = *base_workload;
    made.sessions = 7200;
    made.mean_turns = 5;
    made.prompt_tokens_mean = prompt;
    made.reply_tokens_mean = 200;
    struct trace *trace;
    struct trace_session session;
    struct error err = { 0 };
    double context = 0, turns = 0;
    ck_assert_int_eq(trace_generate(&made, &trace, &err), STATUS_OK);
    while (trace_next(trace, &session, &err) == TRACE_ITEM)
        for (uint32_t i = 0, history = 0; i < session.turn_count; i++, turns++) {
            context += history + session.turns[i].prompt_tokens;
            history += session.turns[i].prompt_tokens + session.turns[i].reply_tokens;
        }
    trace_close(trace);
    ck_assert_msg(fabs(context / turns / 3000 - 1) < 0.05, "%g tokens", context / turns);
    size_space_free(&space);
}
END_TEST

START_TEST(a_workload_that_ends_before_its_sessions_do_is_told_so)
{
    static const struct {
        const char *yaml;
        bool told;
    } cases[] = { { "{workload: {sessions: 100, sessions_per_s: 10, think_time.mean: 1min}}",
                    true },
                  { "{workload: {sessions: 3000, sessions_per_s: 1, think_time.mean: 1s}}", false },
                  { "{workload: {sessions: 100, concurrency: 4, think_time.mean: 1min}}", false },
                  { "{workload: {sessions: 100, multi_turn_share: 0, mean_turns: 1}}", false } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct size_space space = spaced(cases[i].yaml, (const char *[]){ "gpus=1" }, 1);
        struct size_question question = question_on(&space, "ttft_p99=1s");
        char text[512];
        size_workload_unsteady(&question.workload, text, sizeof text);
        ck_assert_msg((*text != '\0') == cases[i].told, "%s: %g late", cases[i].yaml,
                      question.workload.late_share);
        size_space_free(&space);
    }
}
END_TEST

static void workload_up_to(uint64_t max_turns, struct size_workload *workload)
{
    char yaml[256];
    snprintf(yaml, sizeof yaml,
             "{max_turns: %" PRIu64 ", workload: {sessions: 100, sessions_per_s: 10, "
             "think_time.mean: 1min}}",
             max_turns);
    struct size_space space = spaced(yaml, (const char *[]){ "gpus=1" }, 1);
    *workload = question_on(&space, "ttft_p99=1s").workload;
    size_space_free(&space);
}

START_TEST(only_a_limit_that_is_reached_ends_the_turns_that_are_late)
{
    struct size_workload whole, cut;
    workload_up_to(0, &whole);
    double late = whole.late_share * (double)whole.turns;
    ck_assert(late > 100);
    workload_up_to(100 * whole.turns, &cut); /* never reached */
    ck_assert(cut.late_share == whole.late_share);
    workload_up_to(whole.turns - 50, &cut); /* behind the last arrival */
    ck_assert_double_eq_tol(cut.late_share, (late - 50) / (double)(whole.turns - 50), 1e-9);
    workload_up_to(whole.turns - (uint64_t)(late + 0.5), &cut); /* while sessions come */
    ck_assert(cut.late_share == 0.0);
}
END_TEST

START_TEST(objectives_are_read)
{
    enum objective objective;
    struct error err = { 0 };
    ck_assert_int_eq(objective_parse("usd_per_month", &objective, &err), STATUS_OK);
    ck_assert_int_eq(objective, OBJECTIVE_USD_PER_MONTH);
    ck_assert_int_eq(objective_parse("euros", &objective, &err), STATUS_INPUT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("size");
    TCase *tcase = tcase_create("size");
    tcase_set_timeout(tcase, 100);
    tcase_add_loop_test(tcase, the_search_is_within_2_percent_of_trying_everything, 0, TRIES(3));
    tcase_add_test(tcase, kinds_that_cost_more_than_what_is_found_are_not_run);
    tcase_add_test(tcase, every_kind_is_run_where_none_is_found);
    tcase_add_test(tcase, threads_and_what_is_stored_change_nothing);
    tcase_add_test(tcase, no_point_of_the_front_is_worse_in_both);
    tcase_add_test(
        tcase, an_impossible_promise_is_told_with_the_nearest_point_and_what_idle_servers_reach);
    tcase_add_test(tcase, where_nothing_comes_back_no_kv_is_kept);
    tcase_add_loop_test(tcase, more_servers_never_raise_the_tail, 0, TRIES(3));
    tcase_add_test(tcase, twice_the_load_never_lowers_the_tail_and_never_takes_fewer_servers);
    tcase_add_test(tcase, all_servers_are_billed);
    tcase_add_test(tcase, points_that_are_the_same_servers_are_run_once);
    tcase_add_test(tcase, what_matters_in_hbm_makes_a_point_of_its_own);
    tcase_add_test(tcase, prices_that_do_not_compare_are_refused);
    tcase_add_test(tcase, a_name_of_any_length_fits_its_description);
    tcase_add_test(tcase, capacities_are_in_their_order_whatever_the_users);
    tcase_add_test(tcase, servers_of_which_one_is_for_rent_only_are_all_billed_as_rented);
    tcase_add_test(tcase, an_axis_that_cannot_be_is_refused_before_anything_runs);
    tcase_add_test(tcase, interrupted_it_tells_the_best_so_far);
    tcase_add_test(tcase, a_trace_file_is_read_as_the_import_keys_say);
    tcase_add_test(tcase, sessions_offered_for_a_trace_without_them_have_its_load);
    tcase_add_test(tcase, a_workload_that_ends_before_its_sessions_do_is_told_so);
    tcase_add_test(tcase, only_a_limit_that_is_reached_ends_the_turns_that_are_late);
    tcase_add_test(tcase, objectives_are_read);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
