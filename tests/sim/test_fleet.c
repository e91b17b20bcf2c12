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
    if (sim_run_from(NULL, threads > 0 ? threads : 1, experiment, threads > 0 ? NULL : &told,
                     &result, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("the run failed");
    }
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

static void must_be_alike_on_any_threads(const struct experiment *experiment, const char *what)
{
    struct sim_result whole = run_on(experiment, 0);
    static const uint32_t threads[] = { 1, 2, 8 };
    for (int i = 0; i < 3; i++) {
        struct sim_result result = run_on(experiment, threads[i]);
        must_be_alike(&whole, &result, what);
        sim_result_free(&result);
    }
    sim_result_free(&whole);
}

static const char *one_of(struct random *random, const char *const *words, uint32_t count)
{
    return words[random_below(random, count)];
}
#define ONE_OF(random, ...)                                                                        \
    one_of(random, (const char *const[]){ __VA_ARGS__ },                                           \
           sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

/* The settings that `what` names behind its colon, over these. */
static struct experiment experiment_from(const char *what, const char *over)
{
    char words[1024], *rest = words, *word;
    const char *settings[20] = { NULL };
    int count = 0;
    snprintf(words, sizeof words, "%s", strstr(what, ": ") + 2);
    while ((word = strtok_r(rest, " ", &rest)) != NULL)
        settings[count++] = word;
    return experiment_of(over, settings);
}

/* Simultaneous arrivals and lengths that are all alike bring ties; prompts that outgrow the window
 * cuts. */
static struct experiment random_fleet(struct random *random, const char *router, char *what,
                                      size_t bytes)
{
    snprintf(what, bytes, "seed %" PRIu64 ": %s %s %s %s %s %s %s %s %s", test_seed(), router,
             ONE_OF(random, "cluster.replicas=32", "cluster.replicas=33", "cluster.replicas=47"),
             ONE_OF(random, "policy=scheduler-aware", "policy=lru", "policy=none",
                    "policy=lru placement.unit=block", "policy=fifo placement.unit=block",
                    "policy=vllm-offload-lru placement.unit=block"),
             ONE_OF(random, "engine.scheduling=chunked", "engine.scheduling=prefill-first"),
             ONE_OF(random, "workload.sessions_per_s=inf", "workload.sessions_per_s=30",
                    "workload.sessions_per_s=200"),
             ONE_OF(random, "workload.think_time.mean=1s", "workload.think_time.mean=20s",
                    "workload.think_time.distribution=constant"),
             ONE_OF(random, "workload.lengths=constant", "workload.lengths=lognormal"),
             ONE_OF(random, "warmup_turns=0", "warmup_turns=40", "warmup_turns=300"),
             ONE_OF(random, "tiers.hbm.cache=0", "tiers.hbm.cache=4GB"));
    return experiment_from(what, "workload: {sessions: 250}\nengine: {context_window: 4096}\n"
                                 "tiers: {dram: {capacity: 8GB}, ssd: {capacity: 20GB}}\n");
}

enum { FLEETS = 6 };

START_TEST(threads_change_nothing_whatever_the_fleet)
{
    char what[1024];
    struct random random = random_from(test_seed(), 100 + (uint64_t)_i);
    struct experiment experiment =
        random_fleet(&random, "cluster.router=session-sticky", what, sizeof what);
    must_be_alike_on_any_threads(&experiment, what);
}
END_TEST

/* Sessions that arrive by twos and threes, of whole milliseconds: fewer turns than `turns` + 1,
 * thinking for less than think_ms, one of so many lengths of prompts and (0: one) replies. */
struct crowd {
    uint32_t sessions, turns, think_ms, prompts, reply_least, replies;
};

static uint32_t any_reply(struct random *random, const struct crowd *crowd)
{
    uint32_t more = crowd->replies > 0 ? (uint32_t)random_below(random, crowd->replies) : 0;
    return crowd->reply_least + more;
}

static void write_crowd(struct random *random, const struct crowd *crowd)
{
    FILE *trace = fopen("trace.csv", "w");
    ck_assert_ptr_nonnull(trace);
    fprintf(trace, "session,arrival_s,think_s,prompt_tokens,reply_tokens\n");
    for (uint32_t session = 0, at_ms = 0; session < crowd->sessions; session++) {
        uint32_t turns = 1 + (uint32_t)random_below(random, crowd->turns);
        at_ms += (uint32_t)random_below(random, 3);
        for (uint32_t turn = 0; turn < turns; turn++)
            fprintf(trace, "%u,%u.%03u,0.%03u,%u,%u\n", session, at_ms / 1000, at_ms % 1000,
                    turn > 0 ? (uint32_t)random_below(random, crowd->think_ms) : 0,
                    90 + 100 * (uint32_t)random_below(random, crowd->prompts),
                    any_reply(random, crowd));
    }
    ck_assert_int_eq(fclose(trace), 0);
}

/* On servers whose every time is a whole millisecond sessions arrive as turns end, and several at
 * once: an arrival sees of what happens at its very time what was scheduled before it, and nothing
 * else. */
START_TEST(what_happens_at_an_arrivals_very_time_is_in_order)
{
    struct random random = random_from(test_seed(), 300 + (uint64_t)_i);
    const struct crowd crowd = {
        .sessions = 600, .turns = 3, .think_ms = 20, .prompts = 6, .reply_least = 1, .replies = 40
    };
    write_crowd(&random, &crowd);
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
    "cluster.router=least-loaded", "cluster.router=round-robin", "cluster.router=prefix-affinity",
    "cluster.replicas=31",         "cluster.prefill_replicas=8", "max_turns=100",
    "workload.concurrency=64",     "engine.saving=synchronous",
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
        cluster.service.engines = experiment.replicas;
        cluster.service.prefill_engines =
            experiment.prefill_replicas > 0 ? experiment.prefill_replicas : experiment.replicas;
        ck_assert_int_eq(fleet_may_begin(&cluster, 1), i == 0);
        cluster.service.turns_started = 8; /* the first measured turn has not started */
        ck_assert(!fleet_may_begin(&cluster, 2));
    }
}
END_TEST

/* ---- with a pool that all share ---- */

/* Smaller or larger than what is written, DRAM full or not, so that things go, expire and come
 * back. */
static struct experiment random_pool_fleet(struct random *random, char *what, size_t bytes)
{
    snprintf(what, bytes, "seed %" PRIu64 ": %s %s %s %s %s %s %s %s %s %s %s", test_seed(),
             ONE_OF(random, "cluster.replicas=32", "cluster.replicas=45"),
             ONE_OF(random, "policy=scheduler-aware", "policy=lru", "policy=fifo", "policy=sieve",
                    "policy=vllm-offload-lru placement.unit=block"),
             ONE_OF(random, "workload.sessions_per_s=inf", "workload.sessions_per_s=30",
                    "workload.sessions_per_s=200"),
             ONE_OF(random, "workload.think_time.mean=1s", "workload.think_time.mean=20s",
                    "workload.think_time.distribution=constant"),
             ONE_OF(random, "workload.lengths=constant", "workload.lengths=lognormal"),
             ONE_OF(random, "warmup_turns=0", "warmup_turns=100"),
             ONE_OF(random, "tiers.remote.capacity=55GB", "tiers.remote.capacity=90GB",
                    "tiers.remote.capacity=200GB", "tiers.remote.capacity=1TB"),
             ONE_OF(random, "tiers.remote.write=through", "tiers.remote.write=back",
                    "tiers.remote.write=selective"),
             ONE_OF(random, "placement.ttl=0", "placement.ttl=1h", "placement.ttl=5s",
                    "placement.ttl=20ms"),
             ONE_OF(random, "tiers.dram.capacity=8GB", "tiers.dram.capacity=100GB"),
             ONE_OF(random, "tiers.ssd.capacity=0", "tiers.ssd.capacity=20GB"));
    return experiment_from(what, "workload: {sessions: 400}\nengine: {context_window: 4096}\n");
}

enum { POOL_FLEETS = 12 };

START_TEST(threads_change_nothing_where_servers_share_a_pool)
{
    char what[1024];
    struct random random = random_from(test_seed(), 400 + (uint64_t)_i);
    struct experiment experiment = random_pool_fleet(&random, what, sizeof what);
    must_be_alike_on_any_threads(&experiment, what);
}
END_TEST

/* Every time is a multiple of 100 us, so that servers read and write at once, and who of them was
 * first decides what goes: a pool of some forty contexts, which is written anew several times. */
START_TEST(what_is_told_the_pool_at_one_time_is_in_order)
{
    struct random random = random_from(test_seed(), 500 + (uint64_t)_i);
    char what[1024];
    const struct crowd crowd = {
        .sessions = 800, .turns = 4, .think_ms = 200, .prompts = 3, .reply_least = 10
    };
    write_crowd(&random, &crowd);
    snprintf(what, sizeof what, "seed %" PRIu64 ": %s %s %s %s", test_seed(),
             ONE_OF(&random, "tiers.remote.capacity=17MB", "tiers.remote.capacity=40MB"),
             ONE_OF(&random, "tiers.remote.write=through", "tiers.remote.write=back"),
             ONE_OF(&random, "placement.ttl=0", "placement.ttl=150ms"),
             ONE_OF(&random, "tiers.dram.capacity=2MB", "tiers.dram.capacity=1GB"));
    struct experiment experiment = experiment_from(
        what, "model: ./model.yaml\nhardware: ./plain.yaml\ngpus: 1\ntrace: ./trace.csv\n"
              "warmup_turns: 20\npolicy: lru\nssd.drive: ./drive.yaml\n"
              "engine: {preloading: none, reuse: always, context_window: 1024}\n"
              "cluster: {replicas: 40, network_bytes_per_s: 100MB/s, network_latency: 0}\n"
              "tiers: {dram: {reserve: 0}, ssd: {capacity: 0}, remote: {latency: 0}}\n");
    must_be_alike_on_any_threads(&experiment, what);
}
END_TEST

static bool must_begin_again(const struct experiment *experiment, uint32_t threads)
{
    struct engine_setup setup;
    struct trace *trace;
    struct sim_result result = { 0 };
    struct error err = { 0 };
    bool again;
    ck_assert_int_eq(engine_setup_open(experiment, &setup, &trace, &err), STATUS_OK);
    ck_assert_int_eq(cluster_run(&setup, trace, threads, NULL, &result, &again, &err), STATUS_OK);
    trace_close(trace);
    sim_result_free(&result);
    return again;
}

/* A pool that all write anew within a window, blocks, KV that does not outlive a window, a trace
 * that comes once; and lanes cost more than one thread gains. */
START_TEST(a_pool_that_lanes_cannot_share_is_left_in_one_lane)
{
    static const struct {
        uint64_t tokens, ttl_ns;
        uint32_t unit_tokens;
        uint32_t threads;
        bool comes_once, may;
    } cases[] = {
        { 1600, 0, UINT32_MAX, 2, false, true },
        { 1599, 0, UINT32_MAX, 2, false, false },
        { 1600, 0, 16, 2, false, false },
        { 1600, 0, UINT32_MAX, 1, false, false },
        { 1600, 1000000, UINT32_MAX, 2, false, true },
        { 1600, 999999, UINT32_MAX, 2, false, false },
        { 1600, 0, UINT32_MAX, 2, true, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *settings[] = { "cluster.replicas=64", NULL };
        struct experiment experiment = experiment_of("warmup_turns: 0\n", settings);
        struct engine_setup setup = { .experiment = &experiment,
                                      .remote_bytes = cases[i].tokens * 10,
                                      .kv.tier_bytes[TIER_REMOTE] = 10,
                                      .window_tokens = 100,
                                      .unit_tokens = cases[i].unit_tokens };
        struct cluster cluster = { .setup = &setup,
                                   .may_begin_again = !cases[i].comes_once,
                                   .service = { .engines = 64,
                                                .prefill_engines = 64,
                                                .turns_started = 1,
                                                .pool =
                                                    pool_new(cases[i].tokens, cases[i].ttl_ns) } };
        ck_assert_int_eq(fleet_may_begin(&cluster, cases[i].threads), cases[i].may);
        pool_free(cluster.service.pool);
    }
}
END_TEST

/* All sessions act at once and then wait at once, so that at times far more goes than was foreseen,
 * and is asked for as well. */
static const char *const bursts[] = {
    "policy=lru cluster.replicas=45 tiers.remote.capacity=90GB placement.ttl=20ms "
    "tiers.dram.capacity=100GB",
    "policy=scheduler-aware cluster.replicas=45 tiers.remote.capacity=90GB placement.ttl=5s "
    "tiers.dram.capacity=8GB",
    "policy=lru cluster.replicas=32 tiers.remote.capacity=55GB placement.ttl=20ms "
    "tiers.dram.capacity=8GB workload.think_time.distribution=exponential "
    "workload.think_time.mean=20s",
};

START_TEST(a_run_that_foresaw_too_little_begins_again)
{
    uint32_t again = 0;
    for (size_t i = 0; i < sizeof bursts / sizeof *bursts; i++) {
        char what[1024];
        snprintf(what, sizeof what, "a burst: %s", bursts[i]);
        struct experiment experiment = experiment_from(
            what, "workload: {sessions: 400, sessions_per_s: inf, lengths: constant,"
                  " think_time: {distribution: constant}}\nwarmup_turns: 0\n"
                  "engine: {context_window: 4096}\n"
                  "tiers: {ssd: {capacity: 20GB}, remote: {write: through}}\n");
        again += must_begin_again(&experiment, 2);
        ck_assert(!must_begin_again(&experiment, 1));
        must_be_alike_on_any_threads(&experiment, what);
    }
    ck_assert_uint_ge(again, 1);
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
    tcase_add_loop_test(tcase, threads_change_nothing_where_servers_share_a_pool, 0, POOL_FLEETS);
    tcase_add_test(tcase, a_pool_that_lanes_cannot_share_is_left_in_one_lane);
    tcase_add_test(tcase, a_run_that_foresaw_too_little_begins_again);
    tcase_add_loop_test(tcase, what_needs_the_order_of_all_is_left_in_one_lane, 0,
                        sizeof refused / sizeof *refused);
    tcase_add_test(tcase, a_fleet_that_is_told_to_stop_stops);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("ties");
    tcase_add_checked_fixture(tcase, plain_server_write, plain_server_remove);
    tcase_add_loop_test(tcase, what_happens_at_an_arrivals_very_time_is_in_order, 0, 6);
    tcase_add_loop_test(tcase, what_is_told_the_pool_at_one_time_is_in_order, 0, 8);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
