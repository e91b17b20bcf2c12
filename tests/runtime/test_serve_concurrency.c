/* tests/runtime/test_serve_concurrency.c - a closed loop at fixed concurrency in real time: as many
 * in flight as were asked for, whatever their arrivals, and the simulator's counts. */
#include "sim/sim.h"
#include "tests/runtime/serve_case.h"
#include "tests/support.h"

/* Single turns that would come minutes apart. */
static struct experiment closed_loop(uint32_t concurrency)
{
    struct experiment experiment = serve_case_experiment("none");
    experiment.workload.sessions = 24;
    experiment.workload.sessions_per_s = 0.01;
    experiment.workload.multi_turn_share = 0.0;
    experiment.workload.mean_turns = 1.0;
    experiment.workload.lengths = LENGTHS_UNIFORM;
    experiment.workload.prompt_tokens_least = 20;
    experiment.workload.prompt_tokens_most = 60;
    experiment.workload.reply_tokens_least = 5;
    experiment.workload.reply_tokens_most = 12;
    experiment.workload.concurrency = concurrency;
    return experiment;
}

static struct metrics served(const struct experiment *experiment)
{
    struct serve_config config = serve_case_config(backend_find("host"));
    return serve_case_run(experiment, &config).result.metrics;
}

static double in_flight(const struct metrics *metrics)
{
    return metrics->turns * metrics->e2e_mean_ns / metrics->elapsed_ns;
}

static void make_files(void)
{
    serve_case_open(backend_find("host"));
}

START_TEST(as_many_are_in_flight_as_were_asked_for)
{
    static const uint32_t concurrencies[] = { 1, 3, 4 };
    double n = concurrencies[_i];
    struct experiment experiment = closed_loop(concurrencies[_i]);
    struct metrics metrics = served(&experiment);
    ck_assert_double_eq(metrics.turns, 24);
    ck_assert_double_le(in_flight(&metrics), n * (1 + 1e-9));
    /* Less at the end; and on a machine that stops this process between an end and what is next. */
    ck_assert_double_gt(in_flight(&metrics), 0.5 * n);
    ck_assert_double_le(metrics.batch_mean, n);
    ck_assert_double_gt(metrics.e2e_mean_ns, metrics.ttft_mean_ns);
}
END_TEST

START_TEST(turns_and_tokens_are_the_simulators)
{
    struct experiment experiment = closed_loop(3);
    experiment.workload.multi_turn_share = 0.5;
    experiment.workload.mean_turns = 2.0;
    experiment.workload.think_mean_ns = 2000000;
    struct metrics metrics = served(&experiment), simulated;
    struct sim_result sim;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(&experiment, NULL, &sim, &err), STATUS_OK);
    simulated = sim.metrics;
    sim_result_free(&sim);
    ck_assert_double_eq(metrics.turns, simulated.turns);
    ck_assert_double_eq(metrics.sessions, 24);
    ck_assert_double_eq(metrics.wanted_tokens, simulated.wanted_tokens);
    ck_assert_double_eq(metrics.reply_tokens, simulated.reply_tokens);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve");
    TCase *tcase = tcase_create("closed loop");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, make_files, serve_case_close);
    tcase_add_loop_test(tcase, as_many_are_in_flight_as_were_asked_for, 0, 3);
    tcase_add_test(tcase, turns_and_tokens_are_the_simulators);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
