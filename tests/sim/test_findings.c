/* tests/sim/test_findings.c - what a run's findings name, each where it is so and not where it is
 * not. */
#include "tests/sim/runs.h"
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One sentence has both texts. */
static bool has(const struct sim_result *result, const char *text, const char *also)
{
    for (int i = 0; i < SIM_FINDINGS_MAX; i++)
        if (strstr(result->finding[i], text) != NULL && strstr(result->finding[i], also) != NULL)
            return true;
    return false;
}

static struct sim_result result_of(const char *yaml, const char *settings[])
{
    struct experiment experiment = experiment_of(yaml, settings);
    struct sim_result result;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(&experiment, NULL, &result, &err), STATUS_OK);
    return result;
}

static bool says(const char *yaml, const char *settings[], const char *text, const char *also)
{
    struct sim_result result = result_of(yaml, settings);
    bool said = has(&result, text, also);
    sim_result_free(&result);
    return said;
}

#define WITH(...) ((const char *[]){ __VA_ARGS__, NULL })

/* Requests of one turn, so many in flight. */
#define FLIGHT                                                                                     \
    "warmup_turns: 0\nworkload: {concurrency: 64, sessions: 300, multi_turn_share: 0, "            \
    "mean_turns: 1}\n"

static void check_overload(const char *yaml, const char *settings[], bool overloaded)
{
    struct sim_result result = result_of(yaml, settings);
    bool told = false;
    for (int i = 0; i < SIM_FINDINGS_MAX; i++)
        told = told || finding_tells_overload(result.finding[i]);
    ck_assert_int_eq(told, overloaded);
    ck_assert_int_eq(has(&result, "overloaded: ", ""), overloaded);
    sim_result_free(&result);
}

START_TEST(a_server_is_overloaded_where_its_queue_grows_and_not_where_it_keeps_up)
{
    check_overload(SMALL, WITH("policy=none"), true);
    check_overload(SMALL, WITH("workload.sessions_per_s=0.05"), false);
    /* Turns wait for a place that others have: nobody offers more than is served. */
    check_overload(FLIGHT, WITH("engine.batch=8"), false);
    check_overload(SMALL, WITH("workload.sessions_per_s=inf"), false);
    /* A burst: served later than it came, but most of it at once. */
    check_overload(FLIGHT,
                   WITH("workload.concurrency=0", "workload.sessions=12",
                        "workload.sessions_per_s=10", "engine.batch=8"),
                   false);
}
END_TEST

START_TEST(what_offers_the_load_is_the_key_to_change)
{
    ck_assert(says(SMALL, WITH("policy=none"), "overloaded: ", "workload.sessions_per_s"));
    ck_assert(!says(SMALL, WITH("policy=none"), "overloaded: ", "import.rate"));
}
END_TEST

/* By name or by place, of what is generated or of nobody's trace. */
START_TEST(terms_of_tenants_that_do_not_occur_are_told)
{
    const char *const told = "no tenant of this run is ", *two = "workload.tenants=chat=3/batch=1";
    ck_assert(says(SMALL, WITH(two, "tenants.dram_quota=bach=0.5/chat=0.3"),
                   "no tenant of this run is bach (tenants.dram_quota): ", "chat, batch"));
    ck_assert(
        says(SMALL, WITH(two, "tenants.priority=10/20/30"), told, "no. 3 (tenants.priority): "));
    ck_assert(says(SMALL, WITH("tenants.ssd_quota=vip=0.5"), told, "vip (tenants.ssd_quota): "));
    ck_assert(says(SMALL, WITH("tenants.ssd_quota=vip=0.5"), told, "it has default"));
    ck_assert(
        !says(SMALL, WITH(two, "tenants.priority=10/20", "tenants.ssd_quota=batch=0.5"), told, ""));
    ck_assert(!says(SMALL, WITH("tenants.priority=10"), told, ""));
    ck_assert(!says(SMALL, WITH("tenants.priority=default=10"), told, ""));
}
END_TEST

/* Each with the share that its own metric has. */
static void check_cut(const char *settings[], bool alone, bool history)
{
    const char *window = "the context window of";
    struct sim_result result = result_of(SMALL, settings);
    const struct metrics *metrics = &result.metrics;
    char of_alone[64], of_history[64];
    snprintf(of_alone, sizeof of_alone, "%.0f %% of the turns have a prompt or a reply",
             100.0 * metrics->clamped_turns / metrics->turns);
    snprintf(of_history, sizeof of_history, "%.0f %% of the turns have a history that did not fit",
             100.0 * metrics->overflows / metrics->turns);
    ck_assert_int_eq(has(&result, window, of_alone), alone);
    ck_assert_int_eq(has(&result, window, of_history), history);
    ck_assert_int_eq(has(&result, window, ""), alone || history);
    sim_result_free(&result);
}

START_TEST(what_the_window_cuts_is_told_by_what_was_too_long)
{
    check_cut(WITH("engine.context_window=512"), true, true);
    check_cut(WITH("engine.context_window=16384"), false, true);
    check_cut(WITH("engine.context_window=60000"), false, false);
    check_cut(
        WITH("engine.context_window=512", "workload.multi_turn_share=0", "workload.mean_turns=1"),
        true, false);
}
END_TEST

START_TEST(an_hbm_that_turns_wait_for_is_too_small)
{
    const char *const told = "HBM is too small";
    ck_assert(says(FLIGHT, WITH("engine.hbm_tokens=32768", "engine.context_window=4096"), told,
                   "engine.kv_dtype"));
    ck_assert(!says(FLIGHT, WITH("engine.batch=8"), told, ""));
    ck_assert(!says(FLIGHT, WITH("workload.concurrency=4"), told, ""));
}
END_TEST

/* Short requests, one a second, each done by then, but for the tenth, which takes a dozen of
 * seconds. */
static char *one_long_reply(void)
{
    enum { REQUESTS = 1500 };
    char *text = malloc(REQUESTS * 64), *at = text;
    at += sprintf(at, "session,arrival_s,think_s,prompt_tokens,reply_tokens\n");
    for (int i = 1; i <= REQUESTS; i++)
        at += sprintf(at, "%d,%d,,100,%d\n", i, i, i == 10 ? 500 : 2);
    char *path = test_temp_file(text);
    free(text);
    return path;
}

START_TEST(a_mean_that_a_few_turns_make_is_told)
{
    const char *const told = "the slowest 1 % of the turns";
    char yaml[256], *path = one_long_reply();
    snprintf(yaml, sizeof yaml, "warmup_turns: 0\ntrace: %s\n", path);
    ck_assert(says(yaml, WITH("engine.batch=1"), told, "mostly for a place in the batch"));
    ck_assert(!says(yaml, WITH("engine.batch=8"), told, ""));
    ck_assert(!says(SMALL, WITH("policy=none"), told, ""));     /* overloaded: all wait */
    ck_assert(!says(FLIGHT, WITH("engine.batch=8"), told, "")); /* and here, alike */
    unlink(path);
    free(path);
}
END_TEST

START_TEST(replies_that_push_others_out_of_hbm_are_thrashing)
{
    const char *const told = "HBM is thrashing";
    ck_assert(says(FLIGHT,
                   WITH("engine.hbm_tokens=16384", "engine.context_window=4096",
                        "engine.allocation=grow", "engine.batch=64", "engine.scheduling=chunked"),
                   told, "engine.batch"));
    ck_assert(!says(FLIGHT, WITH("engine.allocation=grow", "engine.scheduling=chunked"), told, ""));
}
END_TEST

/* LRU on demand: nearly all that was saved lies on SSD when its turn comes, and reading it from
 * there takes longer. */
START_TEST(what_was_found_and_computed_again_is_told_with_its_place_and_its_rule)
{
    const char *const told = "but computed again";
    ck_assert(says(SMALL, WITH("policy=lru"), told, "100 % on SSD"));
    ck_assert(says(SMALL, WITH("policy=lru"), told, "engine.reuse: if-faster"));
    ck_assert(!says(SMALL, WITH("policy=lru", "engine.reuse=always"), told, ""));
    ck_assert(!says(SMALL, WITH("policy=none"), told, ""));
    const char *limited[] = { "policy=lru", "engine.reuse=always", "engine.fetch_min_tokens=100000",
                              NULL };
    ck_assert(says(SMALL, limited, told, "engine.fetch_min_tokens do not let it be loaded"));
    ck_assert(!says(SMALL, limited, told, "if-faster"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("findings");
    TCase *tcase = tcase_create("findings");
    tcase_add_test(tcase, a_server_is_overloaded_where_its_queue_grows_and_not_where_it_keeps_up);
    tcase_add_test(tcase, what_offers_the_load_is_the_key_to_change);
    tcase_add_test(tcase, terms_of_tenants_that_do_not_occur_are_told);
    tcase_add_test(tcase, what_the_window_cuts_is_told_by_what_was_too_long);
    tcase_add_test(tcase, an_hbm_that_turns_wait_for_is_too_small);
    tcase_add_test(tcase, a_mean_that_a_few_turns_make_is_told);
    tcase_add_test(tcase, replies_that_push_others_out_of_hbm_are_thrashing);
    tcase_add_test(tcase, what_was_found_and_computed_again_is_told_with_its_place_and_its_rule);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
