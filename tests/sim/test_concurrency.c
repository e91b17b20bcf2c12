/* tests/sim/test_concurrency.c - a closed loop at fixed concurrency, as most measurements of
 * servers are made: its latency where arithmetic has an answer, Little's law where it has none, and
 * that arrival times are not heeded. */
#include "tests/sim/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One turn at a time, each a prefill and nothing else. */
#define SINGLE_SERVER                                                                              \
    "policy: none\n"                                                                               \
    "warmup_turns: 0\n"                                                                            \
    "engine: {batch: 1}\n"                                                                         \
    "workload: {sessions: 500, multi_turn_share: 0, mean_turns: 1, lengths: constant,"             \
    " prompt_tokens.mean: 600, reply_tokens.mean: 1}\n"

/* As vLLM's and InferenceMAX's benchmarks are: 1k/1k at range ratio 0.8, ten requests a place. */
#define BENCHMARK                                                                                  \
    "model: llama-3-8b\nhardware: h100\ngpus: 1\npolicy: none\nwarmup_turns: 0\n"                  \
    "engine: {version: none, batch: 256, scheduling: chunked}\n"                                   \
    "workload: {sessions: 640, multi_turn_share: 0, mean_turns: 1, lengths: uniform}\n"

static struct metrics at(const char *yaml, uint32_t concurrency, const char *more)
{
    char settings[512];
    snprintf(settings, sizeof settings, "workload.concurrency=%u %s", concurrency, more);
    return run_all(yaml, settings);
}

static double in_flight(const struct metrics *metrics)
{
    return metrics->turns * metrics->e2e_mean_ns / metrics->elapsed_ns;
}

/* A server that takes S for each: with N in flight the i-th of the first N ends at i S, and each
 * later one, asked when one has ended, N S after that. */
START_TEST(one_at_a_time_takes_as_often_as_there_are_in_flight)
{
    static const uint32_t concurrencies[] = { 1, 2, 7, 40 };
    double n = concurrencies[_i], all = 500;
    struct metrics metrics = at(SINGLE_SERVER, concurrencies[_i], "");
    double service_ns = metrics.prefill_mean_ns;
    ck_assert_double_eq(metrics.turns, all);
    ck_assert_double_eq_tol(metrics.elapsed_ns, all * service_ns, 1.0);
    ck_assert_double_eq_tol(metrics.e2e_mean_ns,
                            (n * (n + 1) / 2 + (all - n) * n) / all * service_ns,
                            1e-9 * all * service_ns);
    ck_assert_double_eq_tol(metrics.gpu_utilisation, 1.0, 1e-9);
}
END_TEST

START_TEST(alone_a_turn_takes_its_first_token_and_its_decoding)
{
    struct metrics metrics = at(BENCHMARK, 1,
                                "workload.sessions=50 workload.lengths=constant "
                                "workload.prompt_tokens.mean=1024 "
                                "workload.reply_tokens.mean=257");
    ck_assert_double_eq(metrics.queueing_mean_ns, 0);
    ck_assert_double_eq(metrics.batch_mean, 1);
    ck_assert_double_eq_tol(metrics.e2e_mean_ns, metrics.ttft_mean_ns + 256 * metrics.tpot_mean_ns,
                            256);
    ck_assert_double_eq_tol(metrics.tpot_mean_ns, metrics.tbt_mean_ns, 1.0); /* all are alike */
    ck_assert_double_eq_tol(metrics.elapsed_ns, 50 * metrics.e2e_mean_ns, 1000);
}
END_TEST

/* N = X R, but for the end, when there are no more to ask: the last N end within one R. */
START_TEST(littles_law_holds)
{
    static const uint32_t concurrencies[] = { 4, 16, 64 };
    double n = concurrencies[_i];
    char sessions[64];
    snprintf(sessions, sizeof sessions, "workload.sessions=%u", 20 * concurrencies[_i]);
    struct metrics metrics = at(BENCHMARK, concurrencies[_i], sessions);
    ck_assert_double_le(in_flight(&metrics), n * (1 + 1e-9));
    ck_assert_double_ge(in_flight(&metrics), n * (1 - 1.0 / 20));
    ck_assert_double_le(metrics.batch_mean, n);
}
END_TEST

START_TEST(servers_share_what_is_in_flight)
{
    struct metrics one = at(BENCHMARK, 64, ""),
                   four = at(BENCHMARK, 64, "cluster.replicas=4 cluster.router=least-loaded");
    ck_assert_double_le(in_flight(&four), 64 * (1 + 1e-9));
    ck_assert_double_eq(four.turns, 640);
    ck_assert_double_lt(four.batch_mean, 17);
    ck_assert_double_lt(four.e2e_mean_ns, one.e2e_mean_ns);
}
END_TEST

START_TEST(more_in_flight_are_served_faster_and_each_slower)
{
    struct metrics few = at(BENCHMARK, 8, ""), many = at(BENCHMARK, 64, "");
    ck_assert_double_gt(many.reply_tokens_per_s, 2 * few.reply_tokens_per_s);
    ck_assert_double_gt(many.e2e_mean_ns, few.e2e_mean_ns);
    ck_assert_double_gt(many.tpot_mean_ns, few.tpot_mean_ns);
}
END_TEST

/* Where there are places for all, nobody waits for another's end. */
START_TEST(with_places_for_all_they_come_at_once)
{
    const char *sessions = "workload.sessions=80 workload.mean_turns=3 "
                           "workload.multi_turn_share=0.5 workload.think_time.mean=1s";
    char at_once[256];
    snprintf(at_once, sizeof at_once, "workload.sessions_per_s=inf %s", sessions);
    struct metrics places = at(BENCHMARK, 80, sessions), rate = at(BENCHMARK, 0, at_once);
    ck_assert_int_eq(memcmp(&places, &rate, sizeof places), 0);
}
END_TEST

/* The next one of a session whose user thinks long is not asked meanwhile. */
START_TEST(a_session_holds_its_place_while_its_user_thinks)
{
    const char *thinking = "workload.sessions=20 workload.mean_turns=2 workload.multi_turn_share=1 "
                           "workload.think_time.distribution=constant workload.think_time.mean=1h";
    struct metrics metrics = at(BENCHMARK, 2, thinking);
    ck_assert_double_gt(metrics.elapsed_ns, 10 * 3600e9); /* twenty hours of thinking, by two */
    ck_assert_double_lt(metrics.elapsed_ns, 11 * 3600e9);
}
END_TEST

START_TEST(turns_to_ask_end_a_closed_loop_too)
{
    struct metrics metrics = at(BENCHMARK, 3,
                                "max_turns=37 workload.mean_turns=3 workload.multi_turn_share=0.5 "
                                "workload.think_time.mean=1s");
    ck_assert_double_eq(metrics.turns, 37);
}
END_TEST

/* Sessions of a trace come in its order; their times say nothing. */
START_TEST(a_traces_arrivals_are_not_heeded)
{
    char text[4096] = "session,arrival_s,think_s,prompt_tokens,reply_tokens\n", settings[256];
    size_t used = strlen(text);
    for (int i = 0; i < 60; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%d,%d,,%d,%d\n", i, 9 * i * i,
                                 100 + 37 * i % 900, 10 + 11 * i % 70);
    char *path = test_temp_file(text);
    snprintf(settings, sizeof settings, "trace=%s", path);
    struct metrics recorded = at(BENCHMARK, 0, settings), closed = at(BENCHMARK, 4, settings);
    snprintf(settings, sizeof settings, "import.rate=3 trace=%s", path);
    struct metrics denser = at(BENCHMARK, 4, settings);
    unlink(path);
    free(path);
    ck_assert_double_gt(recorded.elapsed_ns, 9.0 * 59 * 59 * 1e9);
    ck_assert_double_lt(closed.elapsed_ns, 0.01 * recorded.elapsed_ns);
    ck_assert_double_eq(closed.wanted_tokens, recorded.wanted_tokens);
    ck_assert_double_ge(in_flight(&closed), 3.5);
    ck_assert_int_eq(memcmp(&closed, &denser, sizeof closed), 0);
}
END_TEST

/* ---- what they wait for ---- */

static bool says_batch(const char *settings[])
{
    struct experiment experiment = experiment_of(BENCHMARK, settings);
    struct sim_result result;
    struct error err = { 0 };
    bool says = false;
    ck_assert_int_eq(sim_run(&experiment, NULL, &result, &err), STATUS_OK);
    for (int i = 0; i < SIM_FINDINGS_MAX; i++)
        says |= strstr(result.finding[i], "for engine.batch = ") != NULL;
    const struct metrics *m = &result.metrics;
    double waiting_ns =
        m->waiting_batch_ns + m->waiting_hbm_ns + m->waiting_kv_ns + m->waiting_gpu_ns;
    ck_assert_double_eq_tol(waiting_ns, m->queue_mean * m->elapsed_ns, 1e-9 * waiting_ns);
    sim_result_free(&result);
    return says;
}

START_TEST(a_batch_that_holds_turns_up_is_told_of_and_memory_that_does_is_not_taken_for_it)
{
    ck_assert(says_batch((const char *[]){ "workload.concurrency=64", "engine.batch=16", NULL }));
    ck_assert(!says_batch((const char *[]){ "workload.concurrency=64", NULL }));
    /* HBM for 16 turns of at most 2,048 tokens. */
    ck_assert(!says_batch((const char *[]){ "workload.concurrency=64", "engine.hbm_tokens=32768",
                                            "engine.context_window=2048", NULL }));
    /* Both are full: more places would let nobody in. */
    ck_assert(
        !says_batch((const char *[]){ "workload.concurrency=64", "engine.hbm_tokens=32768",
                                      "engine.context_window=2048", "engine.batch=17", NULL }));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("concurrency");
    TCase *tcase = tcase_create("closed loop");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, one_at_a_time_takes_as_often_as_there_are_in_flight, 0, 4);
    tcase_add_test(tcase, alone_a_turn_takes_its_first_token_and_its_decoding);
    tcase_add_loop_test(tcase, littles_law_holds, 0, 3);
    tcase_add_test(tcase, servers_share_what_is_in_flight);
    tcase_add_test(tcase, more_in_flight_are_served_faster_and_each_slower);
    tcase_add_test(tcase, with_places_for_all_they_come_at_once);
    tcase_add_test(tcase, a_session_holds_its_place_while_its_user_thinks);
    tcase_add_test(tcase, turns_to_ask_end_a_closed_loop_too);
    tcase_add_test(tcase, a_traces_arrivals_are_not_heeded);
    tcase_add_test(tcase,
                   a_batch_that_holds_turns_up_is_told_of_and_memory_that_does_is_not_taken_for_it);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
