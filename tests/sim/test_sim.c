/* tests/sim/test_sim.c - whole runs: known answers, and what must hold of any run. */
#include "tests/sim/plain_server.h"
#include "tests/sim/runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- known answers ---- */

#define LONE                                                                                       \
    "warmup_turns: 0\n"                                                                            \
    "workload: {sessions: 1, multi_turn_share: 0, mean_turns: 1, session_length_cv: 0,"            \
    " prompt_tokens: {mean: 500, cv: 0}, reply_tokens: {mean: 100, cv: 0}}\n"

START_TEST(a_lone_turn_takes_exactly_its_prefill_and_decode_time)
{
    struct metrics metrics = run(LONE, "policy=none");
    struct model model;
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(model_load("llama-13b", &model, &err), STATUS_OK);
    ck_assert_int_eq(hardware_load("paper-4xa100", &hardware, &err), STATUS_OK);
    struct timing timing = timing_new(&model, &hardware, 2);
    struct prefill_time prefill = timing_prefill(&timing, 500, 0);
    double prefill_ns = (double)(prefill.layer_ns * model.layers + prefill.overhead_ns);
    ck_assert_double_eq(metrics.turns, 1.0);
    ck_assert_double_eq(metrics.ttft_mean_ns, prefill_ns);
    ck_assert_double_eq(metrics.queueing_mean_ns, 0.0);
    struct decode_time decode = timing_decode(&timing, 1, 0, 0);
    double decode_ns = 0.0; /* 99 iterations follow the token that prefill gave */
    for (int k = 0; k < 99; k++)
        decode_ns += decode.base_ns + decode.per_token_ns * (501.0 + k);
    ck_assert_double_eq_tol(metrics.gpu_decode_ns, decode_ns, 1.0);
    ck_assert_double_eq_tol(metrics.tbt_mean_ns, decode_ns / 99.0, decode_ns / 99.0 * 1e-6);
    ck_assert_double_eq_tol(metrics.gpu_busy_ns, prefill_ns + decode_ns, 1.0);
}
END_TEST

START_TEST(with_room_for_everything_every_history_is_reused_whatever_the_policy)
{
    const char *const policies[] = { "policy=scheduler-aware", "policy=lru", "policy=fifo" };
    for (int i = 0; i < 3; i++) {
        const char *settings[] = { policies[i],
                                   "tiers.dram.capacity=100TB",
                                   "engine.context_window=60000",
                                   "engine.hbm_utilisation=1",
                                   "placement.ttl=0",
                                   "workload.session_length_cv=0.3",
                                   NULL };
        struct experiment experiment = experiment_of(SMALL, settings);
        struct metrics metrics = run_experiment(&experiment);
        ck_assert_double_eq(metrics.overflows, 0.0);
        ck_assert_double_eq(metrics.hit_rate_history_tokens, 1.0);
        ck_assert_double_eq(metrics.hit_tokens_dram, metrics.history_tokens);
        ck_assert_double_eq(metrics.hit_tokens_ssd, 0.0);
    }
}
END_TEST

START_TEST(with_no_tier_to_store_in_everything_is_recomputed)
{
    const char *settings[] = { "tiers.dram.capacity=0", "tiers.ssd.capacity=0", NULL };
    struct experiment experiment = experiment_of(SMALL, settings);
    struct metrics bare = run_experiment(&experiment);
    struct metrics none = run(SMALL, "policy=none");
    ck_assert_double_eq(bare.hit_rate_tokens, 0.0);
    ck_assert_double_eq(bare.ttft_mean_ns, none.ttft_mean_ns);
    ck_assert_double_eq(bare.gpu_busy_ns, none.gpu_busy_ns);
    ck_assert_double_gt(bare.unsaved_bytes, 0.0);
    ck_assert_double_eq(none.unsaved_bytes, 0.0);
}
END_TEST

/* DRAM has room for one of three sessions: an SSD would take the others, and give them back. */
START_TEST(an_ssd_that_moves_nothing_is_no_tier)
{
    const char *turns = "a,0,,100,11\na,,3,100,11\nb,1,,100,11\nc,2,,100,11\n";
    const char *small = "tiers.dram.capacity=150kB tiers.ssd.capacity=";
    char none[128], some[128], broken[128];
    snprintf(none, sizeof none, "%s0", small);
    snprintf(some, sizeof some, "%s1GB", small);
    snprintf(broken, sizeof broken, "%s1GB hardware=./broken.yaml", small);
    struct metrics without = plain_server_run(turns, none), with = plain_server_run(turns, some);
    struct metrics unmoved = plain_server_run(turns, broken);
    ck_assert_double_eq(with.hit_tokens_ssd, 111.0);
    ck_assert_mem_eq(&unmoved, &without, sizeof unmoved);
}
END_TEST

/* ---- what theory says ---- */

START_TEST(with_a_long_queue_look_ahead_wins_and_recompute_is_last)
{
    struct metrics aware = run(SMALL, "policy=scheduler-aware"), lru = run(SMALL, "policy=lru");
    struct metrics fifo = run(SMALL, "policy=fifo"), none = run(SMALL, "policy=none");
    ck_assert_double_gt(aware.hit_rate_history_tokens, 2.0 * lru.hit_rate_history_tokens);
    ck_assert_double_gt(aware.hit_rate_history_tokens, 2.0 * fifo.hit_rate_history_tokens);
    ck_assert_double_gt(fifo.hit_rate_history_tokens, 0.0);
    ck_assert_double_eq(none.hit_rate_history_tokens, 0.0);
    ck_assert_double_lt(aware.ttft_mean_ns, lru.ttft_mean_ns);
    ck_assert_double_lt(aware.ttft_mean_ns, fifo.ttft_mean_ns);
    ck_assert_double_lt(lru.ttft_mean_ns, none.ttft_mean_ns);
    ck_assert_double_lt(fifo.ttft_mean_ns, none.ttft_mean_ns);
}
END_TEST

/* In overload every session waits for about as long, so that recency says nothing and LRU is no
 * better than FIFO. Where turns follow each other at their users' pace, it does. */
START_TEST(with_a_short_queue_lru_beats_fifo_and_recompute_is_last)
{
    const char *idle = "workload.sessions_per_s=0.05";
    struct metrics lru = run2(SMALL, "policy=lru", idle), fifo = run2(SMALL, "policy=fifo", idle);
    struct metrics none = run2(SMALL, "policy=none", idle);
    ck_assert_double_gt(lru.hit_rate_history_tokens, fifo.hit_rate_history_tokens);
    ck_assert_double_lt(lru.ttft_mean_ns, fifo.ttft_mean_ns);
    ck_assert_double_lt(fifo.ttft_mean_ns, none.ttft_mean_ns);
}
END_TEST

START_TEST(with_an_idle_queue_look_ahead_has_little_to_look_at)
{
    const char *busy = "workload.sessions_per_s=2.0", *idle = "workload.sessions_per_s=0.05";
    double busy_gain = run2(SMALL, "policy=scheduler-aware", busy).hit_rate_history_tokens -
                       run2(SMALL, "policy=lru", busy).hit_rate_history_tokens;
    double idle_gain = run2(SMALL, "policy=scheduler-aware", idle).hit_rate_history_tokens -
                       run2(SMALL, "policy=lru", idle).hit_rate_history_tokens;
    ck_assert_double_gt(busy_gain, 0.05);
    ck_assert_double_lt(fabs(idle_gain), busy_gain / 4.0);
}
END_TEST

/* A window of two tokens more than a turn leaves room for no history: every turn overflows and has
 * none, and only one in five is a session's first. */
START_TEST(a_turn_that_lost_its_history_is_no_first_turn)
{
    struct metrics metrics =
        run_all("warmup_turns: 0\n"
                "workload: {sessions: 10, multi_turn_share: 1, mean_turns: 5, session_length_cv: 0,"
                " prompt_tokens: {mean: 500, cv: 0}, reply_tokens: {mean: 100, cv: 0}}\n",
                "engine.context_window=602");
    ck_assert_double_eq(metrics.sessions, 10.0);
    ck_assert_double_eq(metrics.history_tokens, 0.0);
    ck_assert_double_eq(metrics.overflows, metrics.turns - 10.0);
    ck_assert_double_gt(metrics.turns, 20.0);
    ck_assert_double_eq(metrics.hit_rate_later_turns, 0.0);
}
END_TEST

START_TEST(overflow_without_decoupling_loses_hits)
{
    struct metrics truncate = run(SMALL, "engine.overflow=truncate");
    struct metrics invalidate = run(SMALL, "engine.overflow=invalidate");
    ck_assert_double_gt(truncate.overflows, 0.0);
    ck_assert_double_lt(invalidate.hit_rate_history_tokens, truncate.hit_rate_history_tokens);
}
END_TEST

START_TEST(pre_loading_shortens_prefill_and_a_read_buffer_more_so)
{
    struct metrics none = run(SMALL, "engine.preloading=none");
    struct metrics layers = run(SMALL, "engine.read_buffer_layers=0");
    struct metrics buffer = run(SMALL, "engine.read_buffer_layers=15");
    ck_assert_double_lt(layers.prefill_mean_ns, none.prefill_mean_ns);
    ck_assert_double_lt(buffer.prefill_mean_ns, layers.prefill_mean_ns);
}
END_TEST

START_TEST(asynchronous_saving_spares_the_gpus_the_wait)
{
    struct metrics synchronous = run(SMALL, "engine.saving=synchronous");
    struct metrics asynchronous = run(SMALL, "engine.saving=asynchronous");
    ck_assert_double_gt(synchronous.gpu_save_wait_ns, 0.0);
    ck_assert_double_eq(asynchronous.gpu_save_wait_ns, 0.0);
    ck_assert_double_lt(asynchronous.gpu_busy_ns, synchronous.gpu_busy_ns);
}
END_TEST

/* ---- what holds of any run ---- */

static const char *const everything[] = {
    "policy=scheduler-aware",
    "policy=lru",
    "policy=fifo",
    "policy=lru+scheduler-aware",
    "policy=scheduler-aware+on-demand",
    "policy=none",
    "tiers.ssd.inclusive=false",
    "placement.unit=block",
    "tiers.hbm.cache=20GB",
    "engine.saving=synchronous",
    "engine.preloading=none",
    "engine.overflow=invalidate",
    "placement.ttl=30s",
    "tiers.dram.capacity=0",
    "tiers.ssd.capacity=0",
    "tiers.ssd.capacity=20GB",
    "engine.write_buffer=0",
    "engine.batch=1",
    "engine.context_window=512",
    "engine.reuse=always",
    "tiers.dram.admit_uses=2",
    "tiers.ssd.admit_uses=2",
    "tiers.ssd.write=through",
    "tiers.ssd.write=selective",
    "tiers.hbm.cache=1PB tiers.dram.write=selective",
    "tiers.hbm.cache=40GB tiers.dram.write=back",
    "tiers.hbm.cache=1PB tiers.dram.write=back placement.unit=block tiers.dram.inclusive=false",
    "tiers.hbm.cache=1PB tiers.dram.write=lazy tiers.ssd.write=through placement.unit=block",
    "tiers.hbm.cache=1PB tiers.dram.write=back placement.unit=block engine.allocation=grow "
    "engine.scheduling=chunked engine.preloading=background",
    "tiers.remote.capacity=300GB",
    "tiers.remote.capacity=300GB tiers.remote.write=back tiers.ssd.capacity=100GB",
    "tiers.remote.capacity=1TB tiers.remote.write=back tiers.ssd.capacity=0 engine.reuse=always",
    "tiers.remote.capacity=1TB placement.unit=block cluster.replicas=3 cluster.router=round-robin "
    "tiers.ssd.write=through engine.reuse=always placement.ttl=5min",
};
enum { EVERYTHING = sizeof everything / sizeof *everything };

static struct metrics run_from_start(int i)
{
    char settings[512];
    snprintf(settings, sizeof settings, "%s warmup_turns=0", everything[i]);
    return run_all(SMALL, settings);
}

START_TEST(every_byte_on_a_link_has_a_cause_and_every_token_a_source)
{
    struct metrics metrics = run_from_start(_i);
    ck_assert_double_eq(metrics.h2d_bytes, metrics.load_dram_hbm_bytes +
                                               metrics.load_ssd_hbm_bytes +
                                               metrics.load_remote_hbm_bytes);
    ck_assert_double_eq(metrics.remote_read_bytes,
                        metrics.load_remote_hbm_bytes + metrics.fetch_remote_dram_bytes);
    ck_assert_double_eq(metrics.network_bytes,
                        metrics.write_dram_remote_bytes + metrics.demote_dram_remote_bytes +
                            metrics.demote_ssd_remote_bytes);
    ck_assert_double_eq(metrics.d2h_bytes,
                        metrics.save_hbm_dram_bytes + metrics.save_hbm_ssd_bytes);
    ck_assert_double_eq(metrics.ssd_read_bytes,
                        metrics.fetch_ssd_dram_bytes + metrics.load_ssd_hbm_bytes +
                            metrics.demote_ssd_remote_bytes);
    ck_assert_double_eq(metrics.ssd_written_bytes, metrics.demote_dram_ssd_bytes +
                                                       metrics.save_hbm_ssd_bytes +
                                                       metrics.write_dram_ssd_bytes);
    ck_assert_double_ge(metrics.stored_bytes, metrics.stored_never_loaded_bytes);
    double hits = metrics.hit_tokens_hbm + metrics.hit_tokens_dram + metrics.hit_tokens_ssd +
                  metrics.hit_tokens_remote;
    ck_assert_double_eq(metrics.computed_tokens + hits, metrics.wanted_tokens);
    ck_assert_double_le(hits, metrics.history_tokens);
    ck_assert_double_eq(metrics.sessions, 400.0);
    double servers = strstr(everything[_i], "cluster.replicas=3") != NULL ? 3.0 : 1.0;
    ck_assert_double_le(metrics.gpu_busy_ns, servers * metrics.elapsed_ns * (1.0 + 1e-9));
    ck_assert_double_eq_tol(
        metrics.gpu_busy_ns,
        metrics.gpu_prefill_ns + metrics.gpu_decode_ns + metrics.gpu_save_wait_ns, 1.0);
}
END_TEST

START_TEST(littles_law_holds_of_the_queue)
{
    struct metrics metrics = run_from_start(_i);
    /* Turns in the queue on average = arrivals per time * their mean wait; the first turn starts
     * when it arrives, so that measuring begins with the first arrival. */
    double waiting = metrics.queueing_mean_ns * metrics.turns / metrics.elapsed_ns;
    ck_assert_double_eq_tol(metrics.queue_mean, waiting, 1e-6 * (1.0 + waiting));
}
END_TEST

START_TEST(littles_law_holds_of_the_measured_part_too)
{
    struct metrics metrics = run_all(SMALL, everything[_i]);
    double waited_ns = metrics.queueing_mean_ns * metrics.turns;
    double within_ns = metrics.queue_mean * metrics.elapsed_ns;
    ck_assert_double_eq_tol(within_ns + metrics.queueing_before_ns, waited_ns,
                            1e-6 * (1.0 + waited_ns));
}
END_TEST

START_TEST(the_same_experiment_gives_the_same_result_to_the_bit)
{
    struct metrics once = run_all(SMALL, everything[_i]);
    struct metrics again = run_all(SMALL, everything[_i]);
    ck_assert_mem_eq(&once, &again, sizeof once);
}
END_TEST

/* ---- refusals ---- */

static struct error refused2(const char *first, const char *second)
{
    const char *settings[] = { first, second, NULL };
    struct experiment experiment = experiment_of(SMALL, settings);
    struct sim_result result;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(&experiment, NULL, &result, &err), STATUS_INPUT);
    return err;
}

static struct error refused(const char *setting)
{
    return refused2(setting, NULL);
}

START_TEST(what_cannot_run_is_refused_by_key)
{
    ck_assert_str_eq(refused("policy=belady").key, "policy");
    ck_assert_str_eq(refused("policy=lru+psychic").key, "policy");
    ck_assert_str_eq(refused("gpus=5").key, "gpus");
    ck_assert_str_eq(refused("engine.context_window=1000000").key, "engine.context_window");
    ck_assert_ptr_nonnull(strstr(refused("model=deepseek-v3").expected, "HBM"));
    ck_assert_str_eq(refused("cluster.prefill_replicas=1").key, "cluster.prefill_replicas");
    ck_assert_str_eq(refused2("tiers.remote.capacity=1TB", "tiers.dram.capacity=0").key,
                     "tiers.dram.capacity");
    ck_assert_str_eq(refused("tiers.dram.write=back").key, "tiers.dram.write");
    ck_assert_str_eq(refused("tiers.dram.inclusive=false").key, "tiers.dram.inclusive");
    ck_assert_str_eq(refused2("tiers.ssd.write=through", "tiers.ssd.inclusive=false").key,
                     "tiers.ssd.inclusive");
}
END_TEST

static bool stop_at_once(void *context, uint64_t done, uint64_t expected, double share)
{
    (void)expected, (void)share;
    *(uint64_t *)context = done;
    return false;
}

START_TEST(progress_can_stop_a_run_and_what_was_done_is_told)
{
    struct experiment experiment = experiment_of(SMALL, NULL);
    uint64_t done = UINT64_MAX;
    struct sim_progress progress = { .tell = stop_at_once, .context = &done };
    struct sim_result result;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(&experiment, &progress, &result, &err), STATUS_OK);
    ck_assert(result.interrupted);
    ck_assert_uint_lt(done, 2200);
    sim_result_free(&result);
}
END_TEST

/* Nobody shall take the hits of cut prompts for those of the trace. */
START_TEST(turns_that_were_cut_to_the_window_are_told_of)
{
    const char *narrow[] = { "engine.context_window=512", NULL };
    const char *roomy[] = { "engine.context_window=60000", NULL };
    struct experiment wide = experiment_of(SMALL, roomy), cut = experiment_of(SMALL, narrow);
    struct sim_result result;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(&cut, NULL, &result, &err), STATUS_OK);
    ck_assert_ptr_nonnull(strstr(result.finding[0], "context window of 512 tokens"));
    sim_result_free(&result);
    ck_assert_int_eq(sim_run(&wide, NULL, &result, &err), STATUS_OK);
    for (int i = 0; i < SIM_FINDINGS_MAX; i++)
        ck_assert_ptr_null(strstr(result.finding[i], "context window"));
    sim_result_free(&result);
}
END_TEST

/* One prefill of 5,000 tokens where at most 4,096 were measured, then 100 decode steps, less the
 * first token's, of one. */
START_TEST(iterations_beyond_what_was_measured_are_counted_and_told_of)
{
    const char *long_prompt[] = { "workload.prompt_tokens.mean=5000", "engine.context_window=60000",
                                  NULL };
    const char *chunked[] = { "workload.prompt_tokens.mean=5000", "engine.context_window=60000",
                              "engine.scheduling=chunked", NULL };
    struct experiment whole = experiment_of(LONE, long_prompt);
    struct experiment chunks = experiment_of(LONE, chunked);
    struct sim_result result;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(&whole, NULL, &result, &err), STATUS_OK);
    ck_assert_double_eq(result.metrics.extrapolated_iterations, 1);
    ck_assert_double_eq(result.metrics.iterations, 100);
    ck_assert_double_eq_tol(result.metrics.extrapolated_time_share,
                            result.metrics.gpu_prefill_ns / result.metrics.gpu_busy_ns, 1e-9);
    ck_assert_ptr_nonnull(strstr(result.finding[0], "1 of 100 iterations, is extrapolated"));
    ck_assert_ptr_nonnull(strstr(result.finding[0], "beyond the 4096 tokens measured"));
    sim_result_free(&result);
    ck_assert_int_eq(sim_run(&chunks, NULL, &result, &err), STATUS_OK);
    ck_assert_double_eq(result.metrics.extrapolated_iterations, 0);
    ck_assert_double_eq(result.metrics.extrapolated_time_share, 0);
    ck_assert_double_gt(result.metrics.iterations, 100);
    ck_assert_ptr_null(strstr(result.finding[0], "extrapolated"));
    sim_result_free(&result);
}
END_TEST

/* ---- each turn ---- */

struct told_turns {
    double turns, ttft_ns, wanted_tokens, reused_tokens;
    uint64_t next_asked_ns[400]; /* by session */
    uint32_t next_turn[400];
};

static void add_told(void *context, const struct turn_times *turn)
{
    struct told_turns *told = context;
    told->turns += 1.0;
    told->ttft_ns += (double)turn->ttft_ns;
    told->wanted_tokens += turn->wanted_tokens;
    told->reused_tokens += turn->reused_tokens;
    ck_assert_uint_lt(turn->session, 400);
    /* A session's turns follow each other, each asked when the one before it had ended. */
    ck_assert_uint_ge(turn->turn, told->next_turn[turn->session]);
    ck_assert_uint_ge(turn->asked_ns, told->next_asked_ns[turn->session]);
    told->next_turn[turn->session] = turn->turn + 1;
    told->next_asked_ns[turn->session] = turn->asked_ns + turn->ttft_ns + turn->decode_ns;
}

START_TEST(what_is_told_of_each_turn_adds_up_to_the_metrics)
{
    const char *const policies[] = { "policy=scheduler-aware", "policy=lru", "policy=vllm-lru" };
    for (int i = 0; i < 3; i++) {
        const char *settings[] = { policies[i], NULL };
        struct experiment experiment = experiment_of(SMALL, settings);
        struct told_turns told = { 0 };
        const struct sim_progress progress = { .context = &told, .turn_ended = add_told };
        struct sim_result result;
        struct error err = { 0 };
        ck_assert_int_eq(sim_run(&experiment, &progress, &result, &err), STATUS_OK);
        const struct metrics *metrics = &result.metrics;
        ck_assert_double_eq(told.turns, metrics->turns);
        ck_assert_double_eq_tol(told.ttft_ns / told.turns, metrics->ttft_mean_ns, 1.0);
        ck_assert_double_eq(told.wanted_tokens, metrics->wanted_tokens);
        ck_assert_double_eq_tol(told.reused_tokens / told.wanted_tokens, metrics->hit_rate_tokens,
                                1e-12);
        ck_assert_double_gt(told.reused_tokens, 0.0);
        sim_result_free(&result);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("sim");
    TCase *tcase = tcase_create("runs");
    tcase_set_timeout(tcase, 100);
    tcase_add_test(tcase, what_is_told_of_each_turn_adds_up_to_the_metrics);
    tcase_add_test(tcase, a_lone_turn_takes_exactly_its_prefill_and_decode_time);
    tcase_add_test(tcase, with_room_for_everything_every_history_is_reused_whatever_the_policy);
    tcase_add_test(tcase, with_no_tier_to_store_in_everything_is_recomputed);
    tcase_add_test(tcase, with_a_long_queue_look_ahead_wins_and_recompute_is_last);
    tcase_add_test(tcase, with_a_short_queue_lru_beats_fifo_and_recompute_is_last);
    tcase_add_test(tcase, with_an_idle_queue_look_ahead_has_little_to_look_at);
    tcase_add_test(tcase, a_turn_that_lost_its_history_is_no_first_turn);
    tcase_add_test(tcase, overflow_without_decoupling_loses_hits);
    tcase_add_test(tcase, turns_that_were_cut_to_the_window_are_told_of);
    tcase_add_test(tcase, iterations_beyond_what_was_measured_are_counted_and_told_of);
    tcase_add_test(tcase, pre_loading_shortens_prefill_and_a_read_buffer_more_so);
    tcase_add_test(tcase, asynchronous_saving_spares_the_gpus_the_wait);
    tcase_add_loop_test(tcase, every_byte_on_a_link_has_a_cause_and_every_token_a_source, 0,
                        EVERYTHING);
    tcase_add_loop_test(tcase, littles_law_holds_of_the_queue, 0, EVERYTHING);
    tcase_add_loop_test(tcase, littles_law_holds_of_the_measured_part_too, 0, EVERYTHING);
    tcase_add_loop_test(tcase, the_same_experiment_gives_the_same_result_to_the_bit, 0,
                        OF_RESULTS(EVERYTHING));
    tcase_add_test(tcase, what_cannot_run_is_refused_by_key);
    tcase_add_test(tcase, progress_can_stop_a_run_and_what_was_done_is_told);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("on the plain server");
    tcase_add_checked_fixture(tcase, plain_server_write, plain_server_remove);
    tcase_add_test(tcase, an_ssd_that_moves_nothing_is_no_tier);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
