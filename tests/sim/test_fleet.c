/* tests/sim/test_fleet.c - a fleet's result is the same to the byte on one thread, on two and on
 * eight, and the one that a run gives whose servers are all in one lane. */
#include "base/random.h"
#include "sim/cluster.h"
#include "tests/sim/plain_server.h"
#include "tests/sim/runs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void ignore(void *context, const struct turn_times *turn)
{
    (void)context, (void)turn;
}

/* threads 0: in one lane, as whoever hears of each turn has it. */
static struct sim_result run_on(const struct experiment *experiment, uint32_t threads)
{
    const struct sim_progress told = { .turn_ended = ignore };
    struct sim_result result;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run_from(NULL, threads > 0 ? threads : 1, experiment,
                                  threads > 0 ? NULL : &told, &result, &err),
                     STATUS_OK);
    return result;
}

static void must_be_alike(const struct sim_result *a, const struct sim_result *b, const char *what)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        ck_assert_msg(metric_value(&a->metrics, i) == metric_value(&b->metrics, i),
                      "%s: %s: %.17g and %.17g", what, metric_rows[i].name,
                      metric_value(&a->metrics, i), metric_value(&b->metrics, i));
    ck_assert_msg(a->events == b->events, "%s: events", what);
    ck_assert_uint_eq(a->series_count, b->series_count);
    for (uint32_t i = 0; i < a->series_count; i++) {
        const struct series *x = &a->series[i], *y = &b->series[i];
        ck_assert_uint_eq(x->count, y->count);
        ck_assert_msg(memcmp(x->x, y->x, x->count * sizeof *x->x) == 0 &&
                          memcmp(x->y, y->y, x->count * sizeof *x->y) == 0,
                      "%s: %s", what, x->name);
    }
    ck_assert_uint_eq(a->tenant_count, b->tenant_count);
    ck_assert_msg(memcmp(a->tenant, b->tenant, a->tenant_count * sizeof *a->tenant) == 0,
                  "%s: tenants", what);
}

static const char *one_of(struct random *random, const char *const *words, uint32_t count)
{
    return words[random_below(random, count)];
}
#define ONE_OF(random, ...)                                                                        \
    one_of(random, (const char *const[]){ __VA_ARGS__ },                                           \
           sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

/* Simultaneous arrivals and lengths that are all alike bring ties; prompts that outgrow the window
 * cuts. */
static struct experiment random_fleet(struct random *random, const char *router, char *what,
                                      size_t bytes)
{
    snprintf(what, bytes, "seed %" PRIu64 ": %s %s %s %s %s %s %s %s %s %s", test_seed(), router,
             ONE_OF(random, "cluster.replicas=32", "cluster.replicas=33", "cluster.replicas=47"),
             ONE_OF(random, "policy=scheduler-aware", "policy=lru", "policy=fifo", "policy=none",
                    "policy=vllm-offload-lru"),
             ONE_OF(random, "placement.unit=session", "placement.unit=block"),
             ONE_OF(random, "engine.scheduling=chunked", "engine.scheduling=prefill-first"),
             ONE_OF(random, "workload.sessions_per_s=inf", "workload.sessions_per_s=30",
                    "workload.sessions_per_s=200"),
             ONE_OF(random, "workload.think_time.mean=1s", "workload.think_time.mean=20s",
                    "workload.think_time.distribution=constant"),
             ONE_OF(random, "workload.lengths=constant", "workload.lengths=lognormal"),
             ONE_OF(random, "warmup_turns=0", "warmup_turns=40", "warmup_turns=300"),
             ONE_OF(random, "tiers.hbm.cache=0", "tiers.hbm.cache=4GB"));
    char words[1024], *rest = words, *word;
    const char *settings[16] = { NULL };
    int count = 0;
    snprintf(words, sizeof words, "%s", strstr(what, ": ") + 2);
    while ((word = strtok_r(rest, " ", &rest)) != NULL)
        settings[count++] = word;
    return experiment_of("workload: {sessions: 250}\nengine: {context_window: 4096}\n"
                         "tiers: {dram: {capacity: 8GB}, ssd: {capacity: 20GB}}\n",
                         settings);
}

enum { FLEETS = 6 };

START_TEST(threads_change_nothing_whatever_the_fleet)
{
    char what[1024];
    struct random random = random_from(test_seed(), 100 + (uint64_t)_i);
    struct experiment experiment =
        random_fleet(&random, "cluster.router=session-sticky", what, sizeof what);
    struct sim_result whole = run_on(&experiment, 0);
    static const uint32_t threads[] = { 1, 2, 8 };
    for (int i = 0; i < 3; i++) {
        struct sim_result result = run_on(&experiment, threads[i]);
        must_be_alike(&whole, &result, what);
        sim_result_free(&result);
    }
    sim_result_free(&whole);
}
END_TEST

/* On servers whose every time is a whole millisecond sessions arrive as turns end, and several at
 * once: an arrival sees of what happens at its very time what was scheduled before it, and nothing
 * else. */
START_TEST(what_happens_at_an_arrivals_very_time_is_in_order)
{
    struct random random = random_from(test_seed(), 300 + (uint64_t)_i);
    FILE *trace = fopen("trace.csv", "w");
    ck_assert_ptr_nonnull(trace);
    fprintf(trace, "session,arrival_s,think_s,prompt_tokens,reply_tokens\n");
    for (uint32_t session = 0, at_ms = 0; session < 600; session++) {
        uint32_t turns = 1 + (uint32_t)random_below(&random, 3);
        at_ms += (uint32_t)random_below(&random, 3);
        for (uint32_t turn = 0; turn < turns; turn++)
            fprintf(trace, "%u,%u.%03u,0.%03u,%u,%u\n", session, at_ms / 1000, at_ms % 1000,
                    turn > 0 ? (uint32_t)random_below(&random, 20) : 0,
                    90 + 100 * (uint32_t)random_below(&random, 6),
                    1 + (uint32_t)random_below(&random, 40));
    }
    ck_assert_int_eq(fclose(trace), 0);
    struct experiment experiment =
        experiment_of("model: ./model.yaml\nhardware: ./plain.yaml\ngpus: 1\ntrace: ./trace.csv\n"
                      "warmup_turns: 20\npolicy: lru\nplacement.ttl: 0\nssd.drive: ./drive.yaml\n"
                      "engine: {preloading: none, reuse: always}\ncluster.replicas: 32\n"
                      "tiers: {dram: {capacity: 1GB, reserve: 0}, ssd: {capacity: 0}}\n",
                      NULL);
    struct sim_result whole = run_on(&experiment, 0), lanes = run_on(&experiment, 2);
    must_be_alike(&whole, &lanes, "plain servers");
    sim_result_free(&whole);
    sim_result_free(&lanes);
}
END_TEST

static const char *const others[] = { "cluster.router=round-robin", "cluster.router=least-loaded",
                                      "cluster.router=prefix-affinity" };

START_TEST(threads_change_nothing_where_each_turn_is_routed)
{
    char what[1024];
    struct random random = random_from(test_seed(), 200 + (uint64_t)_i);
    struct experiment experiment = random_fleet(&random, others[_i], what, sizeof what);
    struct sim_result one = run_on(&experiment, 1), two = run_on(&experiment, 2);
    must_be_alike(&one, &two, what);
    sim_result_free(&one);
    sim_result_free(&two);
}
END_TEST

/* Of what depends on all servers' order nothing may be done in lanes. */
static const char *const refused[] = {
    "cluster.router=least-loaded",
    "cluster.router=round-robin",
    "cluster.router=prefix-affinity",
    "cluster.replicas=31",
    "cluster.prefill_replicas=8",
    "tiers.remote.capacity=10GB",
    "max_turns=100",
    "workload.concurrency=64",
    "engine.saving=synchronous",
};

START_TEST(what_needs_the_order_of_all_is_left_in_one_lane)
{
    const char *fits[] = { "cluster.replicas=64", NULL };
    const char *does_not[] = { "cluster.replicas=64", refused[_i], NULL };
    const struct service served = { .engines = 64, .prefill_engines = 64, .turns_started = 9 };
    for (int i = 0; i < 2; i++) {
        struct experiment experiment = experiment_of("warmup_turns: 8\n", i == 0 ? fits : does_not);
        struct engine_setup setup = { .experiment = &experiment };
        struct cluster cluster = { .setup = &setup, .service = served };
        struct pool *pool = (struct pool *)&setup; /* never looked into */
        cluster.service.engines = experiment.replicas;
        cluster.service.prefill_engines =
            experiment.prefill_replicas > 0 ? experiment.prefill_replicas : experiment.replicas;
        cluster.service.pool = experiment.remote_bytes > 0 ? pool : NULL;
        ck_assert_int_eq(fleet_may_begin(&cluster), i == 0);
        cluster.service.turns_started = 8; /* the first measured turn has not started */
        ck_assert(!fleet_may_begin(&cluster));
    }
}
END_TEST

static bool stop(void *context, uint64_t turns_done, uint64_t turns_expected, double share_read)
{
    (void)turns_expected, (void)share_read;
    uint64_t *told = context;
    ck_assert_uint_ge(turns_done, *told);
    *told = turns_done;
    return turns_done < 400;
}

START_TEST(a_fleet_that_is_told_to_stop_stops)
{
    const char *settings[] = { "cluster.replicas=40", "warmup_turns=0", "workload.sessions=3000",
                               "workload.sessions_per_s=40", NULL };
    struct experiment experiment = experiment_of("gpus: 2\n", settings);
    uint64_t told = 0;
    const struct sim_progress progress = { .tell = stop, .context = &told };
    struct sim_result result;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run_from(NULL, 2, &experiment, &progress, &result, &err), STATUS_OK);
    ck_assert(result.interrupted);
    ck_assert_uint_ge(told, 400);
    ck_assert_double_lt(result.metrics.turns, 10000);
    sim_result_free(&result);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/fleet");
    TCase *tcase = tcase_create("fleet");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, threads_change_nothing_whatever_the_fleet, 0, FLEETS);
    tcase_add_loop_test(tcase, threads_change_nothing_where_each_turn_is_routed, 0, 3);
    tcase_add_loop_test(tcase, what_needs_the_order_of_all_is_left_in_one_lane, 0,
                        sizeof refused / sizeof *refused);
    tcase_add_test(tcase, a_fleet_that_is_told_to_stop_stops);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("ties");
    tcase_add_checked_fixture(tcase, plain_server_write, plain_server_remove);
    tcase_add_loop_test(tcase, what_happens_at_an_arrivals_very_time_is_in_order, 0, 6);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
