/* tests/runtime/test_serve.c - a trace served in real time on a small model: the books agree with
 * the simulator's where the order of events is the same, KV that was moved is right, faults are
 * told. */
#include "base/clock.h"
#include "base/memory.h"
#include "sim/placement/policy.h"
#include "sim/sim.h"
#include "tests/runtime/counts.h"
#include "tests/runtime/serve_case.h"
#include "tests/sim/import_trace.h"
#include "tests/support.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first three store. */
static const char *const policies[] = { "scheduler-aware", "lru", "fifo", "none",
                                        "scheduler-aware+on-demand" };

START_TEST(every_turn_is_served_and_every_token_accounted_for)
{
    struct experiment experiment = serve_case_experiment(policies[_i]);
    struct serve_config config = serve_case_config(backend_find("host"));
    struct served run = serve_case_run(&experiment, &config);
    const struct metrics *m = &run.result.metrics;
    struct sim_result sim;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(&experiment, NULL, &sim, &err), STATUS_OK);
    ck_assert(m->turns == sim.metrics.turns);
    ck_assert(m->wanted_tokens == sim.metrics.wanted_tokens);
    ck_assert(m->reply_tokens == sim.metrics.reply_tokens);
    ck_assert(m->overflows == sim.metrics.overflows);
    ck_assert(m->hit_tokens_dram + m->hit_tokens_ssd + m->computed_tokens >= m->wanted_tokens);
    ck_assert(m->ttft_p50_ns > 0 && m->gpu_busy_ns > 0);
    ck_assert_uint_eq(run.report.checksum_failures, 0);
    ck_assert_uint_eq(run.report.recomputed_turns, 0);
    printf("%s: %.0f turns; hits run %.0f DRAM %.0f SSD, sim %.0f and %.0f; SSD read %.0f and %.0f "
           "B\n",
           policies[_i], m->turns, m->hit_tokens_dram, m->hit_tokens_ssd,
           sim.metrics.hit_tokens_dram, sim.metrics.hit_tokens_ssd, m->ssd_read_bytes,
           sim.metrics.ssd_read_bytes);
    sim_result_free(&sim);
}
END_TEST

/* Turns that never meet: what comes first does not depend on how long each step takes. */
static struct experiment one_turn_at_a_time(const char *policy)
{
    struct experiment experiment = serve_case_experiment(policy);
    experiment.workload.sessions = 4;
    experiment.workload.sessions_per_s = 2.5;
    experiment.workload.seed = 5; /* whose sessions arrive far apart */
    experiment.workload.think_time = THINK_CONSTANT;
    experiment.workload.think_mean_ns = 25000000;
    experiment.workload.reply_tokens_mean = 6;
    experiment.dram_bytes = 250000;
    experiment.placement.dram_reserve_share = 0.3;
    return experiment;
}

/* Simulates it and runs it once: the first count that differs, or NULL. */
static const char *difference(const struct experiment *experiment, const char *what)
{
    struct serve_config config = serve_case_config(backend_find("host"));
    struct sim_result sim;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(experiment, NULL, &sim, &err), STATUS_OK);
    struct served run = serve_case_run(experiment, &config);
    const struct metrics *m = &run.result.metrics;
    const char *different = counts_different(m, &sim.metrics);
    printf("%s: %s; DRAM hits %.0f and %.0f, SSD hits %.0f and %.0f, SSD written %.0f and %.0f B\n",
           what, different == NULL ? "all counts equal" : different, m->hit_tokens_dram,
           sim.metrics.hit_tokens_dram, m->hit_tokens_ssd, sim.metrics.hit_tokens_ssd,
           m->ssd_written_bytes, sim.metrics.ssd_written_bytes);
    sim_result_free(&sim);
    return different;
}

/* Four sessions whose turns take turns, so far apart, and grow to several times what DRAM holds, so
 * that policies differ in what they keep, while never two turns are there at once. The caller
 * unlinks and frees it. */
static char *turns_in_turn(int apart_ms)
{
    enum { SESSIONS = 4, TURNS = 5 };
    char text[2048] = "session,arrival_s,think_s,prompt_tokens,reply_tokens\n";
    size_t used = strlen(text);
    for (int session = 0; session < SESSIONS; session++)
        for (int turn = 0; turn < TURNS; turn++) {
            double s = 1e-3 * apart_ms * (turn == 0 ? session : SESSIONS);
            used +=
                (size_t)snprintf(text + used, sizeof text - used,
                                 turn == 0 ? "s%d,%.3f,0,%d,%d\n" : "s%d,,%.3f,%d,%d\n", session, s,
                                 12 + 9 * ((3 * session + 5 * turn) % 4), 3 + (session + turn) % 3);
        }
    ck_assert_uint_lt(used, sizeof text);
    return test_temp_file(text);
}

/* A machine so slow that turns meet all the same is asked again with more time between them. */
START_TEST(every_count_is_the_simulators_under_every_policy_when_the_order_of_events_is)
{
    const char *policy = policy_at(_i)->name, *different = "";
    for (int apart_ms = 60; apart_ms <= 960 && different != NULL; apart_ms *= 2) {
        char *path = turns_in_turn(apart_ms);
        struct experiment experiment = serve_case_experiment(policy);
        snprintf(experiment.trace, sizeof experiment.trace, "%s", path);
        /* Or the order within a turn hangs on microseconds. */
        experiment.saving = SAVING_SYNCHRONOUS;
        experiment.dram_bytes = 260000;
        experiment.ssd_bytes = 400000;
        different = difference(&experiment, policy);
        unlink(path);
        free(path);
    }
    ck_assert_msg(different == NULL, "%s: %s differs", policy, different);
}
END_TEST

/* A machine that stops this process for longer than a turn's distance changes the order: asked
 * again. */
START_TEST(every_count_is_the_simulators_however_ssd_is_written)
{
    static const char *const ways[] = { "through", "selective", "from the second use on" };
    struct experiment experiment = one_turn_at_a_time(_i % 2 == 0 ? "scheduler-aware" : "lru");
    const char *different = "";
    if (_i < 2)
        experiment.placement.write[TIER_SSD] = _i == 0 ? WRITE_THROUGH : WRITE_SELECTIVE;
    else
        experiment.placement.admit_uses[TIER_SSD] = 2;
    for (int attempt = 0; attempt < 6 && different != NULL; attempt++)
        different = difference(&experiment, ways[_i]);
    ck_assert_msg(different == NULL, "%s: %s differs", ways[_i], different);
}
END_TEST

/* ---- what was moved is what was computed ---- */

static void make_files(void)
{
    serve_case_open(backend_find("host"));
}

static struct served seen_under(const char *policy, struct serve_case_seen *seen,
                                struct serve_config config)
{
    struct experiment experiment = serve_case_short_turns(policy);
    return serve_case_run_seen(&experiment, config, seen);
}

static struct serve_case_seen recomputed, reused; /* too large for a stack */

START_TEST(turns_whose_kv_went_through_dram_and_ssd_end_as_if_it_had_been_recomputed)
{
    struct experiment experiment = serve_case_short_turns("lru");
    struct served none = seen_under("none", &recomputed, serve_case_config(backend_find("host")));
    struct serve_config config = serve_case_config(backend_find("host"));
    config.links_free = _i == 1; /* whose disk answers in any order */
    struct served run = seen_under("lru+on-demand", &reused, config);
    ck_assert(experiment.workload.sessions <= SERVE_CASE_SESSIONS &&
              none.result.metrics.overflows == 0);
    ck_assert(run.result.metrics.hit_tokens_dram > 0 && run.result.metrics.hit_tokens_ssd > 0);
    ck_assert_uint_eq(recomputed.count, reused.count);
    double distance = serve_case_furthest(&reused, &recomputed);
    printf("%u turns, %.0f tokens from DRAM and %.0f from SSD: logits within %.1e\n", reused.count,
           run.result.metrics.hit_tokens_dram, run.result.metrics.hit_tokens_ssd, distance);
    ck_assert(distance < 2e-5);
    ck_assert_uint_eq(run.report.checksum_failures, 0);
}
END_TEST

/* ---- a machine that outlives its runs ---- */

/* The same answers as with a machine of its own, whatever was run on it before. */
START_TEST(what_runs_before_on_a_machine_that_is_kept_leaves_nothing_behind)
{
    struct serve_config own = serve_case_config(backend_find("host")), kept = own;
    struct experiment small = serve_case_short_turns("lru"), large = small, other = small;
    own.links_free = kept.links_free = true;
    large.dram_bytes = 4000000;
    large.batch = 8;
    other.workload.seed = small.workload.seed + 1; /* other weights, other turns */
    const struct experiment *runs[] = { &small, &other, &large, &small };
    kept.machine = serve_machine_new();
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        serve_case_run_seen(runs[i], own, &recomputed);
        struct served run = serve_case_run_seen(runs[i], kept, &reused);
        ck_assert_uint_eq(recomputed.count, reused.count);
        ck_assert(serve_case_furthest(&reused, &recomputed) < 2e-5);
        ck_assert_uint_lt(run.report.late_ns, run.report.run_ns + 1);
    }
    serve_machine_free(kept.machine);
}
END_TEST

/* Most of a short run's time is that of drawing weights. */
START_TEST(weights_are_drawn_once_for_runs_on_one_machine)
{
    struct experiment experiment = serve_case_experiment("none");
    struct serve_config config = serve_case_config(backend_find("host"));
    uint64_t took_ns[2];
    char *model = serve_case_large_model();
    snprintf(experiment.model, sizeof experiment.model, "%s", model);
    experiment.workload.sessions = 1;
    experiment.max_turns = 1;
    config.links_free = true;
    config.machine = serve_machine_new();
    for (int i = 0; i < 2; i++) {
        uint64_t begin_ns = clock_now_ns();
        struct served run = serve_case_run(&experiment, &config);
        took_ns[i] = clock_now_ns() - begin_ns - run.report.run_ns;
    }
    printf("before and after the run: %.0f ms with weights to draw, %.0f without\n",
           (double)took_ns[0] / 1e6, (double)took_ns[1] / 1e6);
    ck_assert_uint_lt(2 * took_ns[1], took_ns[0]);
    serve_machine_free(config.machine);
    unlink(model);
    free(model);
}
END_TEST

START_TEST(a_server_with_more_memory_than_the_machine_is_told_and_not_begun)
{
    struct experiment experiment = serve_case_experiment("lru");
    struct serve_config config = serve_case_config(backend_find("host"));
    struct sim_result result;
    struct serve_report report;
    struct error err = { 0 };
    experiment.dram_bytes = UINT64_C(1) << 48;
    ck_assert_int_eq(serve_run(&experiment, &config, NULL, &result, &report, &err), STATUS_IO);
    ck_assert_ptr_nonnull(strstr(err.found, "of memory in all"));
}
END_TEST

START_TEST(what_would_be_refused_is_known_before_anything_runs)
{
    struct experiment experiment = serve_case_experiment("lru");
    struct serve_config config = serve_case_config(backend_find("host"));
    struct error err = { 0 };
    ck_assert_int_eq(serve_check(&experiment, &config, &err), STATUS_OK);
    ck_assert_int_ne(access(config.ssd_path, F_OK), 0);
    experiment.unit = PLACE_BLOCKS;
    experiment.block_tokens = 3; /* whose KV of a layer is 1,536 bytes */
    ck_assert_int_eq(serve_check(&experiment, &config, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "placement.block_tokens");
}
END_TEST

/* ---- a disk that fails ---- */

struct failing_disk {
    uint32_t reads, every;
    int error; /* 0: it changes a byte */
};

static int64_t fail_reads(void *context, const struct ssd_request *request, int64_t result)
{
    struct failing_disk *disk = context;
    if (request->write || ++disk->reads % disk->every != 0)
        return result;
    if (disk->error != 0)
        return -disk->error;
    ((char *)request->memory)[7] ^= 1;
    return result;
}

/* Its numbers are those of a run that computed more than was asked. */
static void check_is_no_result(const struct serve_report *report, const struct serve_config *config,
                               int error)
{
    struct error err = { 0 };
    ck_assert_int_eq(serve_check_disk(report, config, &err), STATUS_IO);
    ck_assert_str_eq(err.expected, "serve from the SSD tier");
    ck_assert_msg(error == 0 || strstr(err.found, strerror(error)) != NULL, "%s", err.found);
    ck_assert_msg(strstr(err.found, "the run ended, but is no result") != NULL, "%s", err.found);
}

static void check_failing_disk(int error)
{
    struct failing_disk disk = { .every = 3, .error = error };
    struct serve_config config = serve_case_config(backend_find("host"));
    config.links_free = true;
    config.ssd_fault = fail_reads;
    config.ssd_fault_context = &disk;
    seen_under("none", &recomputed, serve_case_config(backend_find("host")));
    struct served run = seen_under("lru", &reused, config);
    ck_assert_uint_gt(run.report.recomputed_turns, 0);
    ck_assert_uint_gt(error != 0 ? run.report.ssd_errors : run.report.checksum_failures, 0);
    ck_assert_int_eq(run.report.ssd_error, error);
    check_is_no_result(&run.report, &config, error);
    ck_assert(serve_case_furthest(&reused, &recomputed) < 2e-5);
}

START_TEST(kv_whose_checksum_fails_is_recomputed_and_counted)
{
    check_failing_disk(0);
}
END_TEST

START_TEST(kv_that_the_disk_refuses_to_give_is_recomputed_and_counted)
{
    check_failing_disk(EIO);
}
END_TEST

static int64_t fail_writes(void *context, const struct ssd_request *request, int64_t result)
{
    (void)context;
    return request->write ? -(int64_t)ENOSPC : result;
}

START_TEST(a_disk_that_is_full_when_written_costs_recomputing_and_nothing_else)
{
    struct serve_config config = serve_case_config(backend_find("host"));
    config.ssd_fault = fail_writes;
    seen_under("none", &recomputed, serve_case_config(backend_find("host")));
    struct served run = seen_under("lru", &reused, config);
    ck_assert_uint_gt(run.report.ssd_errors, 0);
    check_is_no_result(&run.report, &config, ENOSPC);
    ck_assert_uint_gt(run.report.recomputed_turns, 0);
    ck_assert(serve_case_furthest(&reused, &recomputed) < 2e-5);
}
END_TEST

/* Prefills of a file of iterations, and whether each line's times are in order; closed and removed.
 */
static void read_iterations(const char *path, uint64_t counts[ITERATION_KINDS])
{
    char line[256], kind[16];
    uint64_t begin_ns, queued_ns, end_ns, seen_ns, waited_ns, predicted_ns, last_end_ns = 0;
    FILE *in = fopen(path, "r");
    ck_assert_ptr_nonnull(in);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, in)); /* the heading */
    while (fgets(line, sizeof line, in) != NULL) {
        ck_assert_int_eq(sscanf(line,
                                "%15[a-z],%*u,%*u,%" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64
                                ",%" SCNu64 ",%" SCNu64,
                                kind, &begin_ns, &queued_ns, &end_ns, &seen_ns, &waited_ns,
                                &predicted_ns),
                         7);
        ck_assert(begin_ns <= queued_ns && end_ns <= seen_ns && begin_ns <= end_ns);
        ck_assert(waited_ns <= end_ns - begin_ns && predicted_ns > 0 && end_ns > last_end_ns);
        last_end_ns = end_ns;
        counts[strcmp(kind, "decode") == 0]++;
    }
    fclose(in);
    unlink(path);
}

/* One turn at a time: each load, fetch and demotion is alone, and longer than the disk is deep. */
START_TEST(a_lone_transfer_has_as_much_out_as_the_disk_takes)
{
    for (uint32_t depth = 2; depth <= 8; depth *= 2) {
        struct experiment experiment = one_turn_at_a_time("lru");
        struct serve_config config = serve_case_config(backend_find("host"));
        config.ssd_depth = depth;
        struct served run = serve_case_run(&experiment, &config);
        ck_assert_uint_ge(run.report.ssd_most_out, depth);
        ck_assert_uint_eq(run.report.checksum_failures, 0);
    }
}
END_TEST

START_TEST(every_iteration_is_written_down_beside_what_timing_says_of_it)
{
    struct experiment experiment = serve_case_experiment("lru");
    struct serve_config config = serve_case_config(backend_find("host"));
    char *path = test_temp_file("");
    uint64_t counts[ITERATION_KINDS] = { 0 };
    config.iterations_path = path;
    struct served run = serve_case_run(&experiment, &config);
    read_iterations(path, counts);
    const struct iteration_totals *totals = run.report.iterations;
    ck_assert_uint_eq(counts[ITERATION_PREFILL], (uint64_t)run.result.metrics.turns);
    for (int kind = 0; kind < ITERATION_KINDS; kind++) {
        ck_assert_uint_eq(counts[kind], totals[kind].count);
        ck_assert(totals[kind].computing_ns > 0.0 && totals[kind].predicted_ns > 0.0);
    }
    ck_assert(totals[ITERATION_PREFILL].waited_ns > 0.0 &&
              totals[ITERATION_DECODE].waited_ns == 0.0);
    free(path);
}
END_TEST

static bool stop_at_once(void *context, uint64_t done, uint64_t expected, double share)
{
    (void)context, (void)expected, (void)share;
    return done < 5;
}

START_TEST(a_run_that_is_stopped_in_the_middle_leaves_no_file)
{
    struct experiment experiment = serve_case_experiment("lru");
    struct serve_config config = serve_case_config(backend_find("host"));
    struct sim_progress progress = { .tell = stop_at_once };
    struct sim_result result;
    struct serve_report report;
    struct error err = { 0 };
    ck_assert_int_eq(serve_run(&experiment, &config, &progress, &result, &report, &err), STATUS_OK);
    ck_assert(result.interrupted);
    sim_result_free(&result);
    ck_assert_int_ne(access(config.ssd_path, F_OK), 0);
}
END_TEST

START_TEST(a_trace_file_is_read_as_the_simulator_reads_it)
{
    char *path = import_trace_file();
    struct experiment experiment = serve_case_experiment("lru");
    struct serve_config config = serve_case_config(backend_find("host"));
    snprintf(experiment.trace, sizeof experiment.trace, "%s", path);
    snprintf(experiment.import.format, sizeof experiment.import.format, IMPORT_TRACE_FORMAT);
    experiment.import.session_gap_ns = IMPORT_TRACE_GAP_NS;
    struct served run = serve_case_run(&experiment, &config);
    struct sim_result sim;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(&experiment, NULL, &sim, &err), STATUS_OK);
    ck_assert_uint_eq(run.result.trace_hash, sim.trace_hash);
    ck_assert(run.result.metrics.turns == IMPORT_TRACE_TURNS);
    ck_assert(run.result.metrics.sessions == IMPORT_TRACE_SESSIONS);
    ck_assert(run.result.metrics.wanted_tokens == sim.metrics.wanted_tokens);
    sim_result_free(&sim);
    unlink(path);
    free(path);
}
END_TEST

/* ---- the write buffer ---- */

/* Two sessions of one turn, the second asked while the first is served, with one place in the
 * batch. Returns for how long the second waited. */
static double second_ones_wait_ns(uint64_t write_buffer_bytes)
{
    struct experiment experiment = serve_case_experiment("lru");
    struct serve_config config = serve_case_config(backend_find("host"));
    char *hardware = serve_case_hardware("200kB/s", "200MB/s");
    char *trace = test_temp_file("session,arrival_s,think_s,prompt_tokens,reply_tokens\n"
                                 "a,0,,40,2\nb,0.001,,40,2\n");
    snprintf(experiment.hardware, sizeof experiment.hardware, "%s", hardware);
    snprintf(experiment.trace, sizeof experiment.trace, "%s", trace);
    experiment.batch = 1;
    experiment.write_buffer_bytes = write_buffer_bytes;
    struct served run = serve_case_run(&experiment, &config);
    unlink(hardware);
    unlink(trace);
    free(hardware);
    free(trace);
    ck_assert(run.result.metrics.turns == 2 && run.result.metrics.batch_mean == 1);
    return 2 * run.result.metrics.queueing_mean_ns; /* the first did not wait */
}

/* 42 tokens of 2,048 bytes take 430 ms to save, and some ms to make. */
START_TEST(kv_that_the_write_buffer_has_no_room_for_keeps_its_turns_place)
{
    const double saving_ns = 42 * 2048 / 200e3 * 1e9;
    double full_ns = second_ones_wait_ns(0), roomy_ns = second_ones_wait_ns(UINT64_C(10000000000));
    printf("the second turn waits for %.0f ms, and %.0f with room in the write buffer\n",
           full_ns / 1e6, roomy_ns / 1e6);
    ck_assert(full_ns > 0.9 * saving_ns);
    ck_assert(roomy_ns < 0.5 * saving_ns);
}
END_TEST

START_TEST(what_the_runtime_cannot_do_is_refused_by_its_key)
{
    static const char *const keys[] = { "gpus", "cluster.prefill_replicas" };
    for (int i = 0; i < (int)(sizeof keys / sizeof *keys); i++) {
        struct experiment experiment = serve_case_experiment("lru");
        struct serve_config config = serve_case_config(backend_find("host"));
        struct sim_result result;
        struct serve_report report;
        struct error err = { 0 };
        experiment.gpus = i == 0 ? 2 : 1;
        experiment.replicas = i == 1 ? 2 : 1;
        experiment.prefill_replicas = i == 1 ? 1 : 0;
        ck_assert_int_eq(serve_run(&experiment, &config, NULL, &result, &report, &err),
                         STATUS_INPUT);
        ck_assert_str_eq(err.key, keys[i]);
        ck_assert_str_eq(err.found, i == 0 ? "2" : "1");
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("serve");
    TCase *tcase = tcase_create("host");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, make_files, serve_case_close);
    int listed = 0;
    while (policy_at(listed) != NULL)
        listed++;
    tcase_add_loop_test(
        tcase, every_count_is_the_simulators_under_every_policy_when_the_order_of_events_is, 0,
        TRIES(listed));
    tcase_add_loop_test(tcase, every_count_is_the_simulators_however_ssd_is_written, 0, TRIES(3));
    tcase_add_loop_test(tcase, every_turn_is_served_and_every_token_accounted_for, 0, TRIES(5));
    tcase_add_loop_test(
        tcase, turns_whose_kv_went_through_dram_and_ssd_end_as_if_it_had_been_recomputed, 0, 2);
    tcase_add_test(tcase, what_runs_before_on_a_machine_that_is_kept_leaves_nothing_behind);
    tcase_add_test(tcase, weights_are_drawn_once_for_runs_on_one_machine);
    tcase_add_test(tcase, a_server_with_more_memory_than_the_machine_is_told_and_not_begun);
    tcase_add_test(tcase, what_would_be_refused_is_known_before_anything_runs);
    tcase_add_test(tcase, kv_whose_checksum_fails_is_recomputed_and_counted);
    tcase_add_test(tcase, kv_that_the_disk_refuses_to_give_is_recomputed_and_counted);
    tcase_add_test(tcase, a_disk_that_is_full_when_written_costs_recomputing_and_nothing_else);
    tcase_add_test(tcase, a_lone_transfer_has_as_much_out_as_the_disk_takes);
    tcase_add_test(tcase, every_iteration_is_written_down_beside_what_timing_says_of_it);
    tcase_add_test(tcase, a_run_that_is_stopped_in_the_middle_leaves_no_file);
    tcase_add_test(tcase, a_trace_file_is_read_as_the_simulator_reads_it);
    tcase_add_test(tcase, kv_that_the_write_buffer_has_no_room_for_keeps_its_turns_place);
    tcase_add_test(tcase, what_the_runtime_cannot_do_is_refused_by_its_key);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
