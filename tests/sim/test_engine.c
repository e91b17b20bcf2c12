/* tests/sim/test_engine.c - what an engine of today promises: chunks do the work of whole prefills,
 * HBM that grows loses nothing when it runs out, orders of the queue, blocks reused whole. */
#include "tests/sim/plain_server.h"
#include "tests/sim/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What each entry below leaves open is the paper's. */
#define SERVER                                                                                     \
    "hardware=h100 gpus=1 engine.version=none engine.context_window=4096 engine.batch=64 "
#define WINDOWS "model=gpt-oss-20b " SERVER
#define STATES "model=nemotron-h-8b " SERVER

/* Every way to run an engine, for what must hold of each. */
static const char *const engines[] = {
    "engine.scheduling=prefill-first",
    "engine.scheduling=chunked",
    "engine.scheduling=chunked engine.chunk_tokens=64",
    "engine.scheduling=chunked engine.preloading=none",
    "engine.scheduling=chunked engine.preloading=background engine.allocation=grow",
    "engine.scheduling=chunked engine.allocation=grow engine.hbm_utilisation=0.3 engine.batch=64",
    "engine.allocation=grow engine.hbm_utilisation=0.3 engine.batch=64",
    "engine.allocation=grow engine.hbm_utilisation=0.3 engine.batch=64 placement.unit=block "
    "tiers.hbm.cache=2GB",
    "engine.allocation=grow engine.hbm_utilisation=0.3 engine.order=priority engine.batch=64",
    "engine.preloading=background",
    "engine.preloading=background placement.unit=block engine.partial_blocks=false",
    "engine.scheduling=chunked engine.saving=synchronous",
    "engine.order=longest-prefix engine.scheduling=chunked placement.unit=block",
    "engine.order=priority",
    "cluster.replicas=3 cluster.router=round-robin",
    "cluster.replicas=3 cluster.router=prefix-affinity placement.unit=block",
    "cluster.replicas=3 cluster.router=round-robin engine.overflow=invalidate",
    "cluster.replicas=3 cluster.prefill_replicas=1 engine.scheduling=chunked",
    "cluster.replicas=2 cluster.prefill_replicas=1 engine.batch=8",
    WINDOWS "engine.scheduling=chunked engine.allocation=grow engine.hbm_tokens=20000",
    WINDOWS
    "engine.allocation=grow engine.hbm_tokens=30000 placement.unit=block tiers.hbm.cache=1GB",
    WINDOWS "engine.hybrid_kv=false cluster.replicas=3 cluster.prefill_replicas=1",
    STATES "engine.scheduling=chunked engine.allocation=grow engine.hbm_tokens=20000",
    STATES "engine.allocation=grow engine.hbm_tokens=20000 placement.unit=block",
    STATES "engine.saving=synchronous placement.unit=block tiers.hbm.cache=9GB",
    STATES "cluster.replicas=3 cluster.router=prefix-affinity",
};
enum { ENGINES = sizeof engines / sizeof *engines };

/* The workload's turns and tokens are its own, however they are served. */
START_TEST(every_turn_ends_once_with_all_of_its_reply)
{
    struct metrics plain = run_all(SMALL, "warmup_turns=0");
    char settings[512];
    snprintf(settings, sizeof settings, "warmup_turns=0 %s", engines[_i]);
    struct metrics metrics = run_all(SMALL, settings);
    ck_assert_double_eq(metrics.turns, plain.turns);
    ck_assert_double_eq(metrics.reply_tokens, plain.reply_tokens);
    if (strstr(engines[_i], "block") == NULL) /* blocks are cut whole, sessions to the token */
        ck_assert_double_eq(metrics.wanted_tokens, plain.wanted_tokens);
    double hits = metrics.hit_tokens_hbm + metrics.hit_tokens_dram + metrics.hit_tokens_ssd;
    ck_assert_double_eq(metrics.computed_tokens + hits, metrics.wanted_tokens);
    ck_assert_double_eq_tol(
        metrics.gpu_busy_ns,
        metrics.gpu_prefill_ns + metrics.gpu_decode_ns + metrics.gpu_save_wait_ns, 1.0);
}
END_TEST

START_TEST(queueing_is_littles_law_in_every_engine)
{
    char settings[512];
    snprintf(settings, sizeof settings, "warmup_turns=0 %s", engines[_i]);
    struct metrics metrics = run_all(SMALL, settings);
    double waiting = metrics.queueing_mean_ns * metrics.turns / metrics.elapsed_ns;
    ck_assert_double_eq_tol(metrics.queue_mean, waiting, 1e-6 * (1.0 + waiting));
}
END_TEST

START_TEST(every_engine_gives_the_same_bits_again)
{
    struct metrics once = run_all(SMALL, engines[_i]), again = run_all(SMALL, engines[_i]);
    ck_assert_mem_eq(&once, &again, sizeof once);
}
END_TEST

/* ---- chunks ---- */

#define LONE_LONG                                                                                  \
    "policy: none\n"                                                                               \
    "warmup_turns: 0\n"                                                                            \
    "workload: {sessions: 1, multi_turn_share: 0, mean_turns: 1, session_length_cv: 0,"            \
    " prompt_tokens: {mean: 2000, cv: 0}, reply_tokens: {mean: 1, cv: 0}}\n"

static struct timing timing_13b(uint32_t *layers)
{
    struct model model;
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(model_load("llama-13b", &model, &err), STATUS_OK);
    ck_assert_int_eq(hardware_load("paper-4xa100", &hardware, &err), STATUS_OK);
    *layers = model.layers;
    return timing_new(&model, &hardware, 2);
}

START_TEST(a_lone_prompts_chunks_take_the_sum_of_their_iterations)
{
    uint32_t layers, done = 0;
    struct timing timing = timing_13b(&layers);
    double expected_ns = 0.0;
    while (done < 2000) {
        uint32_t chunk = 2000 - done < 512 ? 2000 - done : 512;
        struct prefill_time time = timing_mixed(&timing, &(struct timing_work){ .prefills = chunk > 0,
                                                       .prefill_new = chunk,
                                                       .prefill_cached = done,
                                                       .decodes = 0,
                                                       .decode_context = 0 });
        expected_ns += (double)(time.layer_ns * layers + time.overhead_ns);
        done += chunk;
    }
    struct metrics metrics =
        run_all(LONE_LONG, "engine.scheduling=chunked engine.chunk_tokens=512");
    ck_assert_double_eq(metrics.ttft_mean_ns, expected_ns);
    ck_assert_double_eq(metrics.computed_tokens, 2000.0);
}
END_TEST

/* b and c come while a decodes: they are prefilled in one iteration, in which a has no token. */
START_TEST(prefill_batches_take_several_turns_and_pause_the_batch)
{
    char *path = test_temp_file("session,arrival_s,think_s,prompt_tokens,reply_tokens\n"
                                "a,0,,100,40\nb,0.200,,300,2\nc,0.200,,300,2\n");
    char yaml[512];
    snprintf(yaml, sizeof yaml,
             "trace: %s\npolicy: none\nwarmup_turns: 0\nimport: {format: session-csv}\n", path);
    uint32_t layers;
    struct timing timing = timing_13b(&layers);
    struct prefill_time first = timing_prefill(&timing, 100, 0);
    struct prefill_time both =
        timing_mixed(&timing, &(struct timing_work){ .prefills = 2, .prefill_new = 600 });
    double expected_ns = (double)((first.layer_ns + both.layer_ns) * layers + first.overhead_ns +
                                  both.overhead_ns);
    struct metrics metrics = run_all(yaml, "engine.scheduling=prefill-batches engine.chunk_tokens=600");
    ck_assert_double_eq(metrics.gpu_prefill_ns, expected_ns);
    ck_assert_double_eq(metrics.iterations, 2 + 39);
    unlink(path);
    free(path);
}
END_TEST

START_TEST(one_chunk_that_holds_the_whole_prompt_is_a_whole_prefill)
{
    struct metrics whole = run_all(LONE_LONG, "engine.scheduling=prefill-first");
    struct metrics chunk = run_all(LONE_LONG, "engine.scheduling=chunked engine.chunk_tokens=4096");
    ck_assert_double_eq_tol(chunk.ttft_mean_ns, whole.ttft_mean_ns, 100.0);
}
END_TEST

START_TEST(chunks_compute_what_whole_prefills_do)
{
    struct metrics whole = run_all(SMALL, "policy=none warmup_turns=0");
    struct metrics chunks = run_all(SMALL, "policy=none warmup_turns=0 engine.scheduling=chunked");
    ck_assert_double_eq(chunks.computed_tokens, whole.computed_tokens);
    ck_assert_double_eq(chunks.prefilled_again_tokens, 0.0);
}
END_TEST

START_TEST(small_chunks_spare_the_batch_the_pause_of_a_whole_prefill)
{
    const char *steady = "policy=none workload.sessions_per_s=0.3 engine.scheduling=";
    char whole[256], chunked[256];
    snprintf(whole, sizeof whole, "%sprefill-first", steady);
    snprintf(chunked, sizeof chunked, "%schunked engine.chunk_tokens=256", steady);
    ck_assert_double_lt(run_all(SMALL, chunked).tbt_p99_ns, run_all(SMALL, whole).tbt_p99_ns);
}
END_TEST

/* ---- HBM that grows ---- */

#define TIGHT "engine.hbm_utilisation=0.3 engine.batch=64 warmup_turns=0 "

START_TEST(reserving_never_pushes_a_turn_out)
{
    ck_assert_double_eq(run_all(SMALL, TIGHT).preemptions, 0.0);
}
END_TEST

START_TEST(growing_admits_more_and_pushes_out_when_hbm_ends)
{
    struct metrics reserve = run_all(SMALL, TIGHT);
    struct metrics grow = run_all(SMALL, TIGHT "engine.allocation=grow");
    ck_assert_double_gt(grow.batch_mean, reserve.batch_mean);
    ck_assert_double_gt(grow.preemptions, 0.0);
    ck_assert_double_gt(grow.preempted_tokens, grow.preemptions);
    ck_assert_double_gt(grow.prefilled_again_tokens, 0.0);
}
END_TEST

START_TEST(growing_with_room_for_all_pushes_nobody_out)
{
    struct metrics reserve = run_all(SMALL, "engine.batch=4 warmup_turns=0");
    struct metrics grow = run_all(SMALL, "engine.batch=4 warmup_turns=0 engine.allocation=grow");
    ck_assert_double_eq(grow.preemptions, 0.0);
    ck_assert_double_eq(grow.ttft_mean_ns, reserve.ttft_mean_ns);
    ck_assert_double_lt(grow.peak_hbm_bytes, reserve.peak_hbm_bytes);
}
END_TEST

/* ---- orders ---- */

START_TEST(urgent_turns_are_sooner_under_priority)
{
    struct metrics fcfs = run_all(SMALL, "engine.order_wait=1h");
    struct metrics priority = run_all(SMALL, "engine.order_wait=1h engine.order_window=100000 "
                                             "engine.order=priority");
    ck_assert_double_lt(priority.ttft_urgent_mean_ns, 0.2 * fcfs.ttft_urgent_mean_ns);
}
END_TEST

START_TEST(with_no_patience_every_order_is_first_come_first_served)
{
    struct metrics fcfs = run_all(SMALL, "engine.order_wait=0");
    struct metrics prefix = run_all(SMALL, "engine.order_wait=0 engine.order=longest-prefix "
                                           "workload.think_time.mean=1us");
    struct metrics same = run_all(SMALL, "engine.order_wait=0 workload.think_time.mean=1us");
    ck_assert_double_gt(fcfs.turns, 0.0);
    ck_assert_double_eq(prefix.ttft_p99_ns, same.ttft_p99_ns);
}
END_TEST

START_TEST(longest_prefix_first_finds_more_under_pressure)
{
    const char *tight = "policy=lru engine.reuse=always tiers.ssd.capacity=0 engine.order_wait=1h ";
    char fcfs[256], prefix[256];
    snprintf(fcfs, sizeof fcfs, "%sengine.order=fcfs", tight);
    snprintf(prefix, sizeof prefix, "%sengine.order=longest-prefix", tight);
    ck_assert_double_gt(run_all(SMALL, prefix).hit_rate_history_tokens,
                        run_all(SMALL, fcfs).hit_rate_history_tokens);
}
END_TEST

START_TEST(partial_blocks_are_reused_only_where_they_can_be_shared)
{
    const char *roomy = "placement.unit=block tiers.dram.capacity=100TB engine.reuse=always "
                        "placement.ttl=0 workload.session_length_cv=0.3 warmup_turns=0 "
                        "engine.context_window=60000 engine.hbm_utilisation=1 ";
    char full[512], partial[512];
    snprintf(full, sizeof full, "%sengine.partial_blocks=false", roomy);
    snprintf(partial, sizeof partial, "%sengine.partial_blocks=true", roomy);
    struct metrics whole = run_all(SMALL, full), shared = run_all(SMALL, partial);
    ck_assert_double_eq(shared.hit_rate_history_tokens, 1.0);
    double lost = whole.history_tokens * (1.0 - whole.hit_rate_history_tokens);
    ck_assert_double_gt(lost, 0.0); /* on average half a block of 256 tokens a turn */
    ck_assert_double_eq_tol(lost / whole.turns, 128.0, 30.0);
}
END_TEST

/* Loads beside the batch cost no GPU time, loads within a prefill do. */
START_TEST(loading_in_the_background_keeps_the_gpus_from_waiting)
{
    struct metrics layers = run_all(SMALL, "policy=lru engine.reuse=always");
    struct metrics background =
        run_all(SMALL, "policy=lru engine.reuse=always engine.preloading=background");
    ck_assert_double_gt(layers.gpu_load_wait_ns, 0.0);
    ck_assert_double_eq(background.gpu_load_wait_ns, 0.0);
    ck_assert_double_lt(background.gpu_busy_ns, layers.gpu_busy_ns);
}
END_TEST

/* ---- who is pushed out ---- */

/* HBM for 200 tokens, by tens: after 20 steps a, which started first, has 121 tokens and needs a
 * block more; b has 81. The latest goes, b with its prompt of 60, unless it is urgent: then a does,
 * with its 100. By the share z, long gone, and b are urgent. */
START_TEST(an_urgent_turn_keeps_its_place_while_another_can_go)
{
    const char *turns = "z,0,,10,1\na,1,,100,41\nb,1,,60,31\n";
    const char *tight = "policy=none engine.hbm_tokens=200 engine.context_window=150 "
                        "engine.allocation=grow engine.block_tokens=10 engine.urgent_share=0.5 "
                        "engine.order=";
    char fcfs[512], priority[512];
    snprintf(fcfs, sizeof fcfs, "%sfcfs", tight);
    snprintf(priority, sizeof priority, "%spriority", tight);
    struct metrics latest = plain_server_run(turns, fcfs);
    struct metrics other = plain_server_run(turns, priority);
    ck_assert_double_eq(latest.ttft_urgent_mean_ns, (0.2 + 1.8) / 2 * 1e6); /* z's and b's */
    ck_assert_double_eq(latest.preempted_tokens, 60.0);
    ck_assert_double_eq(latest.prefilled_again_tokens, 81.0);
    ck_assert_double_eq(other.preempted_tokens, 100.0);
    ck_assert_double_eq(other.prefilled_again_tokens, 121.0);
}
END_TEST

/* 64 bits of nanoseconds are 584 years: a workload that outlasts half of them is refused, not
 * wrapped. */
START_TEST(a_workload_that_outlasts_the_clock_is_refused)
{
    const char *settings[] = { "workload.think_time.mean=1157d", "workload.mean_turns=100", NULL };
    struct experiment experiment = experiment_of(SMALL, settings);
    struct sim_result result;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(&experiment, NULL, &result, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "workload");
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("engine");
    TCase *tcase = tcase_create("any engine");
    tcase_set_timeout(tcase, 100);
    tcase_add_loop_test(tcase, every_turn_ends_once_with_all_of_its_reply, 0, ENGINES);
    tcase_add_loop_test(tcase, queueing_is_littles_law_in_every_engine, 0, OF_RESULTS(ENGINES));
    tcase_add_loop_test(tcase, every_engine_gives_the_same_bits_again, 0, OF_RESULTS(ENGINES));
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("ways to serve");
    tcase_set_timeout(tcase, 100);
    tcase_add_test(tcase, a_lone_prompts_chunks_take_the_sum_of_their_iterations);
    tcase_add_test(tcase, prefill_batches_take_several_turns_and_pause_the_batch);
    tcase_add_test(tcase, one_chunk_that_holds_the_whole_prompt_is_a_whole_prefill);
    tcase_add_test(tcase, chunks_compute_what_whole_prefills_do);
    tcase_add_test(tcase, small_chunks_spare_the_batch_the_pause_of_a_whole_prefill);
    tcase_add_test(tcase, reserving_never_pushes_a_turn_out);
    tcase_add_test(tcase, growing_admits_more_and_pushes_out_when_hbm_ends);
    tcase_add_test(tcase, growing_with_room_for_all_pushes_nobody_out);
    tcase_add_test(tcase, urgent_turns_are_sooner_under_priority);
    tcase_add_test(tcase, with_no_patience_every_order_is_first_come_first_served);
    tcase_add_test(tcase, longest_prefix_first_finds_more_under_pressure);
    tcase_add_test(tcase, partial_blocks_are_reused_only_where_they_can_be_shared);
    tcase_add_test(tcase, loading_in_the_background_keeps_the_gpus_from_waiting);
    tcase_add_test(tcase, a_workload_that_outlasts_the_clock_is_refused);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("on the plain server");
    tcase_add_checked_fixture(tcase, plain_server_write, plain_server_remove);
    tcase_add_test(tcase, an_urgent_turn_keeps_its_place_while_another_can_go);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
