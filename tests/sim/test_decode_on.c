/* tests/sim/test_decode_on.c - iterations that follow each other without an event each
 * (engine_decode_on()) are those that events make: who watches gets the events, and a run that is
 * watched has the same results. */
#include "tests/sim/runs.h"

#include <string.h>

/* HBM that fills up with idle KV, so that replies grow into it block by block. */
#define FULL                                                                                       \
    "model: llama-3-8b\nhardware: h100\ngpus: 1\nwarmup_turns: 100\n"                              \
    "workload: {sessions: 200, sessions_per_s: 2}\n"

static const char *const cases[] = {
    "policy=vllm-lru engine.hbm_tokens=40000",
    "policy=vllm-lru engine.hbm_tokens=12000", /* turns are preempted */
    "policy=vllm-lru engine.hbm_tokens=60000 model=gpt-oss-20b engine.context_window=8192",
    "policy=vllm-lru engine.hbm_tokens=60000 engine.overlap_schedule=true",
    "policy=vllm-offload-lru engine.hbm_tokens=40000 tiers.dram.capacity=20GB",
    "policy=vllm-offload-arc engine.hbm_tokens=40000 tiers.dram.capacity=20GB",
    "policy=sglang-hicache-write_through engine.hbm_tokens=40000 tiers.dram.capacity=20GB",
    "policy=sglang-hicache-write_back engine.hbm_tokens=40000 tiers.dram.capacity=20GB",
    "policy=sglang-hicache-write_back engine.hbm_tokens=14000 tiers.dram.capacity=3GB",
    "policy=lru+on-demand placement.unit=block engine.hbm_tokens=14000 tiers.dram.write=back "
    "tiers.dram.capacity=2GB tiers.ssd.capacity=8GB",
    "policy=vllm-lru engine.hbm_tokens=30000 cluster.replicas=3 cluster.router=prefix-affinity",
    "policy=vllm-lru engine.hbm_tokens=30000 workload.concurrency=8",
    "policy=lru engine.hbm_tokens=20000 engine.allocation=grow",
};

struct run {
    struct metrics metrics;
    uint64_t events;
};

static struct run run_of(const char *settings, const struct sim_progress *progress)
{
    char text[256];
    const char *parts[9] = { NULL };
    size_t count = 0;
    strcpy(text, settings);
    for (char *part = strtok(text, " "); part != NULL; part = strtok(NULL, " "))
        parts[count++] = part;
    struct experiment experiment = experiment_of(FULL, parts);
    struct sim_result result;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(&experiment, progress, &result, &err), STATUS_OK);
    struct run run = { result.metrics, result.events };
    sim_result_free(&result);
    return run;
}

START_TEST(a_run_that_is_watched_event_by_event_has_the_same_results)
{
    const struct watch watch = { 0 }; /* wants to be told of nothing, and yet is told */
    const struct sim_progress watched = { .watch = &watch };
    struct run plain = run_of(cases[_i], NULL), events = run_of(cases[_i], &watched);
    ck_assert_mem_eq(&plain.metrics, &events.metrics, sizeof plain.metrics);
    ck_assert_uint_eq(plain.events, events.events);
}
END_TEST

static bool count_tells(void *context, uint64_t done, uint64_t expected, double share)
{
    (void)done;
    (void)expected;
    (void)share;
    ++*(uint64_t *)context;
    return true;
}

START_TEST(progress_is_told_of_as_often_however_many_iterations_need_no_event)
{
    uint64_t tells = 0;
    const struct sim_progress progress = { .tell = count_tells, .context = &tells };
    struct run run = run_of(cases[0], &progress);
    /* Between two tells are 4,096 events, and as many iterations more as follow the last of them.
     */
    ck_assert_uint_ge(tells, run.events / 5000);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("decode_on");
    TCase *tcase = tcase_create("same");
    tcase_add_loop_test(tcase, a_run_that_is_watched_event_by_event_has_the_same_results, 0,
                        (int)(sizeof cases / sizeof *cases));
    tcase_add_test(tcase, progress_is_told_of_as_often_however_many_iterations_need_no_event);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
