/* tests/sim/test_remote.c - the pool of KV that servers share: what it saves, what it costs, in
 * whole runs with known answers. */
#include "tests/sim/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One session, whose second turn goes to the other server: it is asked long after the first one's
 * KV is in the pool. */
#define TWO_TURNS                                                                                  \
    "policy: lru\n"                                                                                \
    "warmup_turns: 0\n"                                                                            \
    "max_turns: 2\n"                                                                               \
    "cluster: {replicas: 2, router: round-robin, network_bytes_per_s: 1GB/s}\n"                    \
    "engine: {reuse: always, preloading: none}\n"                                                  \
    "tiers: {dram: {capacity: 64GB}, ssd: {capacity: 0}, remote: {capacity: 100GB, latency: "      \
    "1ms}}\n"                                                                                      \
    "workload: {sessions: 1, multi_turn_share: 1, mean_turns: 90, session_length_cv: 0,"           \
    " think_time: {mean: 100s, distribution: constant},"                                           \
    " prompt_tokens: {mean: 500, cv: 0}, reply_tokens: {mean: 100, cv: 0}}\n"

static double prefill_ns(uint64_t tokens, uint64_t cached, double *bytes_per_token)
{
    struct model model;
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(model_load("llama-13b", &model, &err), STATUS_OK);
    ck_assert_int_eq(hardware_load("paper-4xa100", &hardware, &err), STATUS_OK);
    struct timing timing = timing_new(&model, &hardware, 2);
    struct prefill_time time = timing_prefill(&timing, tokens, cached);
    *bytes_per_token = (double)model_kv_bytes_per_token(&model, 2);
    return (double)(time.layer_ns * model.layers + time.overhead_ns);
}

START_TEST(the_other_servers_kv_is_found_in_the_pool_at_its_links_rate)
{
    double bytes_per_token;
    double first_ns = prefill_ns(500, 0, &bytes_per_token);
    double second_ns = prefill_ns(500, 600, &bytes_per_token);
    struct metrics metrics = run_all(TWO_TURNS, "");
    ck_assert_double_eq(metrics.turns, 2.0);
    ck_assert_double_eq(metrics.hit_tokens_remote, 600.0);
    ck_assert_double_eq(metrics.hit_tokens_dram, 0.0);
    ck_assert_double_eq(metrics.hit_rate_history_tokens, 1.0);
    ck_assert_double_eq(metrics.load_remote_hbm_bytes, 600.0 * bytes_per_token);
    ck_assert_double_eq(metrics.remote_read_bytes, 600.0 * bytes_per_token);
    ck_assert_double_eq(metrics.write_dram_remote_bytes, 1200.0 * bytes_per_token);
    ck_assert_double_eq(metrics.network_bytes, 1200.0 * bytes_per_token);
    ck_assert_double_eq(metrics.peak_remote_bytes, 1200.0 * bytes_per_token);
    double load_ns = 1e6 + 600.0 * bytes_per_token; /* at a byte a ns */
    ck_assert_double_eq_tol(metrics.ttft_mean_ns, (first_ns + second_ns + load_ns) / 2.0, 2.0);
}
END_TEST

START_TEST(without_a_pool_it_is_computed_again)
{
    struct metrics metrics = run_all(TWO_TURNS, "tiers.remote.capacity=0");
    ck_assert_double_eq(metrics.hit_rate_history_tokens, 0.0);
    ck_assert_double_eq(metrics.network_bytes, 0.0);
    ck_assert_double_eq(metrics.cost_remote_usd, 0.0);
}
END_TEST

START_TEST(what_is_not_worth_its_way_is_computed_again)
{
    struct metrics slow = run_all(TWO_TURNS, "engine.reuse=if-faster");
    ck_assert_double_eq(slow.hit_tokens_remote, 0.0);
    ck_assert_double_eq(slow.passed_over_tokens, 600.0);
    struct metrics fast =
        run_all(TWO_TURNS, "engine.reuse=if-faster cluster.network_bytes_per_s=100GB/s");
    ck_assert_double_eq(fast.hit_tokens_remote, 600.0);
}
END_TEST

START_TEST(selective_and_filters_keep_it_out_of_the_pool)
{
    ck_assert_double_eq(run_all(TWO_TURNS, "tiers.remote.write=selective").hit_tokens_remote, 0.0);
    ck_assert_double_eq(run_all(TWO_TURNS, "tiers.remote.admit_uses=2").hit_tokens_remote, 0.0);
    /* DRAM gives nothing up. */
    ck_assert_double_eq(run_all(TWO_TURNS, "tiers.remote.write=back").network_bytes, 0.0);
}
END_TEST

/* A server that swaps: its DRAM holds a few sessions. */
#define SWAPPING                                                                                   \
    "policy: lru\n"                                                                                \
    "warmup_turns: 200\n"                                                                          \
    "placement: {ttl: 0}\n"                                                                        \
    "engine: {reuse: always}\n"                                                                    \
    "workload: {sessions: 400, sessions_per_s: 0.5}\n"

/* The hardware with an SSD that writes as fast as it reads. */
static void write_even_hardware(const char *path)
{
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(hardware_load("paper-4xa100", &hardware, &err), STATUS_OK);
    char source[512];
    const char *models = getenv("REPRISE_MODELS");
    snprintf(source, sizeof source, "%s/hardware/paper-4xa100.yaml",
             models != NULL ? models : "models");
    FILE *from = fopen(source, "r");
    FILE *to = fopen(path, "w");
    ck_assert(from != NULL && to != NULL);
    char line[512];
    while (fgets(line, sizeof line, from) != NULL) {
        const char *key = strstr(line, "write_bytes_per_s:");
        if (key != NULL)
            fprintf(to, "%.*s%.0f\n", (int)(key - line) + 19, line, hardware.ssd_read_bytes_per_s);
        else
            fputs(line, to);
    }
    fclose(from);
    fclose(to);
}

START_TEST(one_servers_pool_is_an_ssd_with_the_networks_rates)
{
    char folder[] = "/tmp/reprise-remote-XXXXXX", path[64], ssd[512], pool[512];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/even.yaml", folder);
    write_even_hardware(path);
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(hardware_load(path, &hardware, &err), STATUS_OK);
    snprintf(ssd, sizeof ssd, "hardware=%s tiers.dram.capacity=48GB tiers.ssd.capacity=100TB",
             path);
    snprintf(
        pool, sizeof pool,
        "hardware=%s tiers.dram.capacity=48GB tiers.ssd.capacity=0 tiers.remote.capacity=100TB "
        "tiers.remote.write=back cluster.network_bytes_per_s=%.0fB/s "
        "cluster.network_latency=%lluns tiers.remote.latency=%lluns",
        path, hardware.ssd_read_bytes_per_s, (unsigned long long)hardware.ssd_latency_ns,
        (unsigned long long)hardware.ssd_latency_ns);
    struct metrics a = run_all(SWAPPING, ssd), b = run_all(SWAPPING, pool);
    unlink(path);
    rmdir(folder);
    ck_assert_double_gt(a.hit_tokens_ssd, 0.0);
    ck_assert_double_eq(b.hit_tokens_remote, a.hit_tokens_ssd);
    ck_assert_double_eq(b.hit_tokens_dram, a.hit_tokens_dram);
    ck_assert_double_eq(b.demote_dram_remote_bytes, a.demote_dram_ssd_bytes);
    ck_assert_double_eq(b.ttft_mean_ns, a.ttft_mean_ns);
    ck_assert_double_eq(b.ttft_p99_ns, a.ttft_p99_ns);
}
END_TEST

/* Three servers that are busy, not swamped. */
#define THREE                                                                                      \
    "warmup_turns: 200\n"                                                                          \
    "policy: lru\n"                                                                                \
    "cluster: {replicas: 3, router: round-robin}\n"                                                \
    "engine: {reuse: always}\n"                                                                    \
    "tiers: {dram: {capacity: 64GB}, ssd: {capacity: 200GB}}\n"                                    \
    "workload: {sessions: 400, sessions_per_s: 0.9}\n"

START_TEST(with_a_large_pool_any_server_finds_what_the_session_left)
{
    struct metrics alone = run_all(THREE, ""), sticky = run_all(THREE, "cluster.router="
                                                                       "session-sticky");
    const char *const units[] = { "placement.unit=session", "placement.unit=block" };
    for (int i = 0; i < 2; i++) {
        char settings[256];
        snprintf(settings, sizeof settings, "tiers.remote.capacity=20TB %s", units[i]);
        struct metrics pooled = run_all(THREE, settings);
        ck_assert_double_gt(pooled.hit_tokens_remote, 0.0);
        ck_assert_double_gt(pooled.hit_rate_history_tokens, alone.hit_rate_history_tokens + 0.2);
        ck_assert_double_ge(pooled.hit_rate_history_tokens, sticky.hit_rate_history_tokens - 0.02);
        ck_assert_double_le(pooled.remote_dropped_bytes, 0.0);
    }
}
END_TEST

START_TEST(a_pool_that_is_too_small_gives_up_and_holds_no_more_than_it_can)
{
    struct metrics small = run_all(THREE, "tiers.remote.capacity=100GB");
    struct metrics large = run_all(THREE, "tiers.remote.capacity=20TB");
    ck_assert_double_gt(small.remote_dropped_bytes, 0.0);
    ck_assert_double_le(small.peak_remote_bytes, 100e9);
    ck_assert_double_lt(small.hit_tokens_remote, large.hit_tokens_remote);
    ck_assert_double_lt(small.cost_remote_usd, large.cost_remote_usd);
}
END_TEST

START_TEST(look_ahead_brings_blocks_from_the_pool_to_dram)
{
    const char *settings = "policy=lru+scheduler-aware placement.unit=block tiers.ssd.capacity=0 "
                           "tiers.remote.capacity=20TB workload.sessions_per_s=4";
    struct metrics metrics = run_all(THREE, settings);
    ck_assert_double_gt(metrics.fetch_remote_dram_bytes, 0.0);
    ck_assert_double_gt(metrics.hit_tokens_dram, 0.0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("remote");
    TCase *tests = tcase_create("runs");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, the_other_servers_kv_is_found_in_the_pool_at_its_links_rate);
    tcase_add_test(tests, without_a_pool_it_is_computed_again);
    tcase_add_test(tests, what_is_not_worth_its_way_is_computed_again);
    tcase_add_test(tests, selective_and_filters_keep_it_out_of_the_pool);
    tcase_add_test(tests, one_servers_pool_is_an_ssd_with_the_networks_rates);
    tcase_add_test(tests, with_a_large_pool_any_server_finds_what_the_session_left);
    tcase_add_test(tests, a_pool_that_is_too_small_gives_up_and_holds_no_more_than_it_can);
    tcase_add_test(tests, look_ahead_brings_blocks_from_the_pool_to_dram);
    return test_main(suite);
}
