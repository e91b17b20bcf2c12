/* tests/sim/test_cluster.c - several servers on one clock: what routers promise, and what it costs
 * to prefill and decode on different servers. */
#include "tests/sim/runs.h"

#include <stdio.h>

/* Three servers that are busy, not swamped. */
#define THREE                                                                                      \
    "warmup_turns: 200\n"                                                                          \
    "cluster: {replicas: 3}\n"                                                                     \
    "engine: {reuse: always}\n"                                                                    \
    "tiers: {dram: {capacity: 64GB}, ssd: {capacity: 200GB}}\n"                                    \
    "workload: {sessions: 400, sessions_per_s: 0.9}\n"

START_TEST(a_session_that_stays_finds_what_it_left)
{
    struct metrics sticky = run(THREE, "cluster.router=session-sticky");
    struct metrics robin = run(THREE, "cluster.router=round-robin");
    struct metrics affine = run(THREE, "cluster.router=prefix-affinity");
    struct metrics least = run(THREE, "cluster.router=least-loaded");
    ck_assert_double_gt(sticky.hit_rate_history_tokens, robin.hit_rate_history_tokens + 0.2);
    ck_assert_double_gt(affine.hit_rate_history_tokens, robin.hit_rate_history_tokens + 0.2);
    ck_assert_double_ge(sticky.hit_rate_history_tokens, least.hit_rate_history_tokens);
    ck_assert_double_lt(sticky.ttft_mean_ns, robin.ttft_mean_ns);
}
END_TEST

START_TEST(round_robin_gives_every_server_as_many_turns)
{
    struct metrics robin = run(THREE, "cluster.router=round-robin");
    ck_assert_double_ge(robin.router_imbalance, 1.0);
    ck_assert_double_lt(robin.router_imbalance, 1.005);
    ck_assert_double_gt(run(THREE, "cluster.router=session-sticky").router_imbalance,
                        robin.router_imbalance);
}
END_TEST

/* With one server there is nothing to choose. */
START_TEST(of_one_server_every_router_is_the_same)
{
    struct metrics first = run(SMALL, "cluster.router=round-robin");
    const char *const routers[] = { "cluster.router=least-loaded", "cluster.router=prefix-affinity",
                                    "cluster.router=session-sticky" };
    for (int i = 0; i < 3; i++) {
        struct metrics other = run(SMALL, routers[i]);
        ck_assert_mem_eq(&first, &other, sizeof first);
    }
}
END_TEST

/* Of one draw of sessions that is chance: over several. */
START_TEST(prefix_affinity_gives_way_to_balance)
{
    double loyal_imbalance = 0, fair_imbalance = 0;
    for (int seed = 1; seed <= 6; seed++) {
        char loyal_settings[128], fair_settings[128];
        static const char common[] =
            "cluster.router=prefix-affinity workload.seed=%d cluster.router_slack=%d";
        snprintf(loyal_settings, sizeof loyal_settings, common, seed, 1000);
        snprintf(fair_settings, sizeof fair_settings, common, seed, 1);
        struct metrics loyal = run_all(THREE, loyal_settings), fair = run_all(THREE, fair_settings);
        loyal_imbalance += loyal.router_imbalance;
        fair_imbalance += fair.router_imbalance;
        ck_assert_double_lt(fair.hit_rate_history_tokens, loyal.hit_rate_history_tokens);
    }
    ck_assert_double_lt(fair_imbalance, loyal_imbalance);
}
END_TEST

/* ---- prefill and decoding apart ---- */

#define LONE_APART                                                                                 \
    "policy: none\n"                                                                               \
    "warmup_turns: 0\n"                                                                            \
    "cluster: {replicas: 2, prefill_replicas: 1, network_bytes_per_s: 10GB/s, network_latency: "   \
    "1ms}\n"                                                                                       \
    "workload: {sessions: 1, multi_turn_share: 0, mean_turns: 1, session_length_cv: 0,"            \
    " prompt_tokens: {mean: 1000, cv: 0}, reply_tokens: {mean: 2, cv: 0}}\n"

START_TEST(a_lone_turns_second_token_waits_for_the_network)
{
    struct model model;
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(model_load("llama-13b", &model, &err), STATUS_OK);
    ck_assert_int_eq(hardware_load("paper-4xa100", &hardware, &err), STATUS_OK);
    struct timing timing = timing_new(&model, &hardware, 2);
    struct prefill_time prefill = timing_prefill(&timing, 1000, 0);
    struct decode_time decode = timing_decode(&timing, 1, 0, 0);
    double kv_bytes = 1000.0 * (double)model_kv_bytes_per_token(&model, 2);
    struct metrics metrics = run_all(LONE_APART, "");
    ck_assert_double_eq(metrics.network_bytes, kv_bytes);
    ck_assert_double_eq(metrics.ttft_mean_ns,
                        (double)(prefill.layer_ns * model.layers + prefill.overhead_ns));
    double gap_ns = 1e6 + kv_bytes / 10.0 + decode.base_ns + decode.per_token_ns * 1001.0;
    ck_assert_double_eq_tol(metrics.tbt_mean_ns, gap_ns, 10.0);
}
END_TEST

START_TEST(only_prompts_are_stored_where_replies_are_made_elsewhere)
{
    const char *roomy = "policy=lru engine.reuse=always tiers.dram.capacity=100TB warmup_turns=0 "
                        "placement.ttl=0 engine.context_window=60000 engine.hbm_utilisation=1 "
                        "workload.session_length_cv=0.3 cluster.replicas=2 ";
    char apart[512], together[512];
    snprintf(apart, sizeof apart, "%scluster.prefill_replicas=1", roomy);
    snprintf(together, sizeof together, "%scluster.prefill_replicas=0", roomy);
    ck_assert_double_eq(run_all(SMALL, together).hit_rate_history_tokens, 1.0);
    double hits = run_all(SMALL, apart).hit_rate_history_tokens;
    ck_assert_double_gt(hits, 0.0);
    ck_assert_double_lt(hits, 1.0);
}
END_TEST

START_TEST(a_slow_network_delays_replies_but_not_first_tokens_of_an_idle_cluster)
{
    const char *idle = "policy=none warmup_turns=0 workload.sessions_per_s=0.02 cluster.replicas=2 "
                       "cluster.prefill_replicas=1 cluster.network_bytes_per_s=";
    char slow[256], fast[256];
    snprintf(slow, sizeof slow, "%s1GB/s", idle);
    snprintf(fast, sizeof fast, "%s100GB/s", idle);
    struct metrics by_slow = run_all(SMALL, slow), by_fast = run_all(SMALL, fast);
    ck_assert_double_gt(by_slow.tbt_mean_ns, by_fast.tbt_mean_ns);
    ck_assert_double_eq_tol(by_slow.prefill_mean_ns, by_fast.prefill_mean_ns,
                            1e-3 * by_fast.prefill_mean_ns);
    ck_assert_double_eq(by_slow.network_bytes, by_fast.network_bytes);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("cluster");
    TCase *tcase = tcase_create("servers");
    tcase_set_timeout(tcase, 100);
    tcase_add_test(tcase, a_session_that_stays_finds_what_it_left);
    tcase_add_test(tcase, round_robin_gives_every_server_as_many_turns);
    tcase_add_test(tcase, of_one_server_every_router_is_the_same);
    tcase_add_test(tcase, prefix_affinity_gives_way_to_balance);
    tcase_add_test(tcase, a_lone_turns_second_token_waits_for_the_network);
    tcase_add_test(tcase, only_prompts_are_stored_where_replies_are_made_elsewhere);
    tcase_add_test(tcase, a_slow_network_delays_replies_but_not_first_tokens_of_an_idle_cluster);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
