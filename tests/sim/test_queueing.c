/* tests/sim/test_queueing.c - the engine against queueing theory, where theory has an answer.
 * With a batch of one and replies of one token an engine is a single server whose service time is a
 * prefill: the wait of an M/G/1 queue is known (Pollaczek and Khinchine). */
#include "tests/sim/runs.h"

#include <stdio.h>

/* Recompute, single turns; the prefill's length decides the service time. */
#define SINGLE_SERVER                                                                              \
    "policy: none\n"                                                                               \
    "warmup_turns: 0\n"                                                                            \
    "engine: {batch: 1}\n"                                                                         \
    "workload: {sessions: 40000, multi_turn_share: 0, mean_turns: 1, session_length_cv: 0,"        \
    " reply_tokens: {mean: 1, cv: 0}}\n"

static double prefill_ns(uint32_t tokens)
{
    struct model model;
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(model_load("llama-13b", &model, &err), STATUS_OK);
    ck_assert_int_eq(hardware_load("paper-4xa100", &hardware, &err), STATUS_OK);
    struct timing timing = timing_new(&model, &hardware, 2);
    struct prefill_time prefill = timing_prefill(&timing, tokens, 0);
    return (double)(prefill.layer_ns * model.layers + prefill.overhead_ns);
}

static const double loads_per_s[] = { 3.0, 9.0, 14.0 };

static struct metrics run_at(double sessions_per_s, const char *cv)
{
    char settings[256];
    snprintf(
        settings, sizeof settings,
        "workload.sessions_per_s=%g workload.prompt_tokens.mean=600 workload.prompt_tokens.cv=%s",
        sessions_per_s, cv);
    return run_all(SINGLE_SERVER, settings);
}

START_TEST(constant_service_waits_as_m_d_1_does)
{
    struct metrics metrics = run_at(loads_per_s[_i], "0");
    double service_ns = prefill_ns(600), load = loads_per_s[_i] * service_ns * 1e-9;
    ck_assert_double_lt(load, 0.95);
    double wait_ns = load * service_ns / (2.0 * (1.0 - load));
    ck_assert_double_eq_tol(metrics.prefill_mean_ns, service_ns, 1.0);
    ck_assert_double_eq_tol(metrics.queueing_mean_ns, wait_ns, 0.08 * wait_ns);
    ck_assert_double_eq_tol(metrics.gpu_utilisation, load, 0.02 * load);
}
END_TEST

START_TEST(littles_law_holds_at_every_load)
{
    struct metrics metrics = run_at(loads_per_s[_i], "1");
    double waiting = metrics.queueing_mean_ns * metrics.turns / metrics.elapsed_ns;
    ck_assert_double_eq_tol(metrics.queue_mean, waiting, 1e-6 * (1.0 + waiting));
}
END_TEST

START_TEST(varied_service_waits_longer_at_the_same_load)
{
    ck_assert_double_gt(run_at(9.0, "1").queueing_mean_ns, 1.5 * run_at(9.0, "0").queueing_mean_ns);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("queueing");
    TCase *tcase = tcase_create("single server");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, constant_service_waits_as_m_d_1_does, 0, 3);
    tcase_add_loop_test(tcase, littles_law_holds_at_every_load, 0, 3);
    tcase_add_test(tcase, varied_service_waits_longer_at_the_same_load);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
