/* tests/runtime/test_serve.c - a trace served in real time on a small model: the books agree with
 * the simulator's where the order of events is the same, KV that was moved is right, faults are
 * told. */
#include "base/memory.h"
#include "runtime/serve.h"
#include "tests/support.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char model_yaml[] = "name: tiny\nsource: made up\nlayers: 4\nhidden: 64\nheads: 4\n"
                                 "kv_heads: 4\nhead_dim: 16\nffn: 128\ngated_ffn: true\n"
                                 "vocabulary: 128\ncontext_window_tokens: 1024\n"
                                 "weight_bytes_per_parameter: 4\nkv_bytes_per_value: 4\n";

static const char hardware_yaml[] =
    "name: here\nsource: made up\ngpus: 1\n"
    "gpu: {hbm_bytes: 24MB, hbm_bytes_per_s: 10GB/s, flop_per_s: 20GFLOP/s, gemm_efficiency: 0.5,\n"
    "      attention_efficiency: 0.2, hbm_efficiency: 0.5, kernel_launch: 20us}\n"
    "allreduce: {bytes_per_s: 1GB/s, latency: 0}\n"
    "engine: {iteration_overhead: 20us, hbm_utilisation: 1, hbm_reserved_bytes: 0}\n"
    "pcie: {h2d_bytes_per_s: 500MB/s, d2h_bytes_per_s: 500MB/s, h2d_bytes_per_s_per_gpu: 500MB/s,\n"
    "       d2h_bytes_per_s_per_gpu: 500MB/s, latency: 0}\n"
    "dram: {bytes: 1MB}\n"
    "ssd: {bytes: 6MB, read_bytes_per_s: 200MB/s, write_bytes_per_s: 200MB/s, latency: 0}\n"
    "price: {usd_per_gpu_hour: 1, usd_per_dram_gb_hour: 0.01, usd_per_ssd_gb_hour: 0.0001}\n";

static char *model_path, *hardware_path;

static char *yaml_file(const char *text)
{
    char *plain = test_temp_file(text), *path = memory_new(strlen(plain) + 6, 1);
    sprintf(path, "%s.yaml", plain);
    ck_assert_int_eq(rename(plain, path), 0);
    free(plain);
    return path;
}

static void make_files(void)
{
    model_path = yaml_file(model_yaml);
    hardware_path = yaml_file(hardware_yaml);
}

static void remove_files(void)
{
    unlink(model_path);
    unlink(hardware_path);
    free(model_path);
    free(hardware_path);
}

/* Sessions far enough apart that none is asked while another is served. */
static struct experiment experiment_of(const char *policy)
{
    struct experiment experiment;
    struct error err = { 0 };
    ck_assert_int_eq(config_load(experiment_sections, NULL, &experiment, &err), STATUS_OK);
    snprintf(experiment.model, sizeof experiment.model, "%s", model_path);
    snprintf(experiment.hardware, sizeof experiment.hardware, "%s", hardware_path);
    snprintf(experiment.policy, sizeof experiment.policy, "%s", policy);
    experiment.gpus = 1;
    experiment.warmup_turns = 0;
    experiment.reuse = REUSE_ALWAYS;
    experiment.batch = 4;
    experiment.read_buffer_layers = 2;
    experiment.workload.sessions = 10;
    experiment.workload.sessions_per_s = 60;
    experiment.workload.mean_turns = 4;
    experiment.workload.prompt_tokens_mean = 30;
    experiment.workload.reply_tokens_mean = 12;
    experiment.workload.think_mean_ns = 20000000;
    experiment.context_window_tokens = 256;
    experiment.dram_bytes = 400000;
    return experiment;
}

static struct serve_config config_here(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/reprise-test-serve-%d", (int)getpid());
    return (struct serve_config){ .backend = backend_find("host"), .threads = 1, .ssd_path = path };
}

struct served {
    struct sim_result result;
    struct serve_report report;
};

static struct served serve(const struct experiment *experiment, const struct serve_config *config)
{
    struct served served;
    struct error err = { 0 };
    enum status status = serve_run(experiment, config, NULL, &served.result, &served.report, &err);
    ck_assert_msg(status == STATUS_OK, "%s: %s, %s", err.key, err.expected, err.found);
    sim_result_free(&served.result);
    return served;
}

/* The first three store. */
static const char *const policies[] = { "scheduler-aware", "lru", "fifo", "none",
                                        "scheduler-aware+on-demand" };

START_TEST(every_turn_is_served_and_every_token_accounted_for)
{
    struct experiment experiment = experiment_of(policies[_i]);
    struct serve_config config = config_here();
    struct served run = serve(&experiment, &config);
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
    struct experiment experiment = experiment_of(policy);
    experiment.workload.sessions = 4;
    experiment.workload.sessions_per_s = 2.5;
    experiment.workload.seed = 5; /* whose sessions arrive far apart */
    experiment.workload.think_time = THINK_CONSTANT;
    experiment.workload.think_mean_ns = 25000000;
    experiment.workload.reply_tokens_mean = 6;
    experiment.dram_bytes = 250000;
    experiment.dram_reserve = 0.3;
    return experiment;
}

static bool same_books(const struct metrics *a, const struct metrics *b)
{
    const double differences[] = {
        a->hit_tokens_dram - b->hit_tokens_dram,
        a->hit_tokens_ssd - b->hit_tokens_ssd,
        a->computed_tokens - b->computed_tokens,
        a->load_dram_hbm_bytes - b->load_dram_hbm_bytes,
        a->load_ssd_hbm_bytes - b->load_ssd_hbm_bytes,
        a->fetch_ssd_dram_bytes - b->fetch_ssd_dram_bytes,
        a->save_hbm_dram_bytes - b->save_hbm_dram_bytes,
        a->save_hbm_ssd_bytes - b->save_hbm_ssd_bytes,
        a->demote_dram_ssd_bytes - b->demote_dram_ssd_bytes,
        a->write_dram_ssd_bytes - b->write_dram_ssd_bytes,
        a->refused_ssd_bytes - b->refused_ssd_bytes,
        a->h2d_bytes - b->h2d_bytes,
        a->d2h_bytes - b->d2h_bytes,
        a->ssd_read_bytes - b->ssd_read_bytes,
        a->ssd_written_bytes - b->ssd_written_bytes,
        a->stored_never_loaded_bytes - b->stored_never_loaded_bytes,
    };
    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++)
        if (differences[i] != 0.0)
            return false;
    return true;
}

/* A machine that stops this process for longer than a turn's distance changes the order: asked
 * again. */
/* How SSD is written, of each of these. */
static struct experiment written_as(int i)
{
    struct experiment experiment = one_turn_at_a_time(policies[i % 3]);
    if (i >= 3)
        experiment.ssd_write = i == 3 ? WRITE_THROUGH : WRITE_SELECTIVE;
    if (i == 5) {
        experiment.ssd_write = WRITE_BACK;
        experiment.ssd_admit_uses = 2;
    }
    return experiment;
}

START_TEST(hits_and_bytes_of_every_tier_are_the_simulators_when_the_order_of_events_is)
{
    struct experiment experiment = written_as(_i);
    struct serve_config config = config_here();
    struct sim_result sim;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(&experiment, NULL, &sim, &err), STATUS_OK);
    bool same = false;
    setvbuf(stdout, NULL, _IONBF, 0);
    for (int attempt = 0; attempt < 4 && !same; attempt++) {
        struct served run = serve(&experiment, &config);
        same = same_books(&run.result.metrics, &sim.metrics);
        printf("%s: %s: DRAM hits %.0f and %.0f, SSD hits %.0f and %.0f, SSD written %.0f and %.0f "
               "B\n",
               policies[_i % 3], same ? "equal" : "not equal", run.result.metrics.hit_tokens_dram,
               sim.metrics.hit_tokens_dram, run.result.metrics.hit_tokens_ssd,
               sim.metrics.hit_tokens_ssd, run.result.metrics.ssd_written_bytes,
               sim.metrics.ssd_written_bytes);
    }
    ck_assert(same);
    sim_result_free(&sim);
}
END_TEST

/* ---- what was moved is what was computed ---- */

enum { SESSIONS = 10, TURNS = 64, VOCABULARY = 128 };

struct seen {
    float logits[SESSIONS][TURNS][VOCABULARY];
    uint32_t count;
};

static void see(void *context, uint64_t session, uint32_t turn, const float *logits)
{
    struct seen *seen = context;
    ck_assert(session < SESSIONS && turn < TURNS);
    memcpy(seen->logits[session][turn], logits, sizeof seen->logits[session][turn]);
    seen->count++;
}

static double furthest(const struct seen *a, const struct seen *b)
{
    double most = 0;
    for (int i = 0; i < SESSIONS * TURNS; i++) {
        const float *x = a->logits[i / TURNS][i % TURNS], *y = b->logits[i / TURNS][i % TURNS];
        double difference = 0, length = 0;
        for (int v = 0; v < VOCABULARY; v++) {
            difference += (double)(x[v] - y[v]) * (x[v] - y[v]);
            length += (double)y[v] * y[v];
        }
        if (length > 0 && sqrt(difference / length) > most)
            most = sqrt(difference / length);
    }
    return most;
}

/* Without overflow, so that reused and recomputed KV mean the same context. */
static struct experiment short_turns(const char *policy)
{
    struct experiment experiment = experiment_of(policy);
    experiment.workload.prompt_tokens_mean = 20;
    experiment.workload.prompt_tokens_cv = 0.3;
    experiment.workload.reply_tokens_cv = 0.3;
    experiment.workload.session_length_cv = 0;
    experiment.context_window_tokens = 0;
    experiment.dram_bytes = 250000;
    experiment.dram_reserve = 0.3;
    return experiment;
}

static struct served serve_seen(const char *policy, struct seen *seen, struct serve_config config)
{
    struct experiment experiment = short_turns(policy);
    memset(seen, 0, sizeof *seen);
    config.observe = see;
    config.observe_context = seen;
    return serve(&experiment, &config);
}

static struct seen recomputed, reused; /* too large for a stack */

START_TEST(turns_whose_kv_went_through_dram_and_ssd_end_as_if_it_had_been_recomputed)
{
    struct experiment experiment = short_turns("lru");
    struct served none = serve_seen("none", &recomputed, config_here());
    struct served run = serve_seen("lru+on-demand", &reused, config_here());
    ck_assert(experiment.workload.sessions == SESSIONS && none.result.metrics.overflows == 0);
    ck_assert(run.result.metrics.hit_tokens_dram > 0 && run.result.metrics.hit_tokens_ssd > 0);
    ck_assert_uint_eq(recomputed.count, reused.count);
    double distance = furthest(&reused, &recomputed);
    printf("%u turns, %.0f tokens from DRAM and %.0f from SSD: logits within %.1e\n", reused.count,
           run.result.metrics.hit_tokens_dram, run.result.metrics.hit_tokens_ssd, distance);
    ck_assert(distance < 2e-5);
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

static void check_failing_disk(int error)
{
    struct failing_disk disk = { .every = 3, .error = error };
    struct serve_config config = config_here();
    config.ssd_fault = fail_reads;
    config.ssd_fault_context = &disk;
    serve_seen("none", &recomputed, config_here());
    struct served run = serve_seen("lru", &reused, config);
    ck_assert_uint_gt(run.report.recomputed_turns, 0);
    ck_assert_uint_gt(error != 0 ? run.report.ssd_errors : run.report.checksum_failures, 0);
    ck_assert(furthest(&reused, &recomputed) < 2e-5);
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
    struct serve_config config = config_here();
    config.ssd_fault = fail_writes;
    serve_seen("none", &recomputed, config_here());
    struct served run = serve_seen("lru", &reused, config);
    ck_assert_uint_gt(run.report.ssd_errors, 0);
    ck_assert_uint_gt(run.report.recomputed_turns, 0);
    ck_assert(furthest(&reused, &recomputed) < 2e-5);
}
END_TEST

static bool stop_at_once(void *context, uint64_t done, uint64_t expected, double share)
{
    (void)context, (void)expected, (void)share;
    return done < 5;
}

START_TEST(a_run_that_is_stopped_in_the_middle_leaves_no_file)
{
    struct experiment experiment = experiment_of("lru");
    struct serve_config config = config_here();
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

START_TEST(what_the_runtime_cannot_do_is_refused_by_its_key)
{
    static const char *const keys[] = {
        "gpus",
        "tiers.hbm.cache",
        "placement.unit",
        "policy",
        "engine.preloading",
        "engine.scheduling",
        "engine.allocation",
        "engine.order",
        "cluster.replicas",
    };
    for (int i = 0; i < (int)(sizeof keys / sizeof *keys); i++) {
        struct experiment experiment = experiment_of(i == 3 ? "no-such" : "lru");
        struct serve_config config = config_here();
        struct sim_result result;
        struct serve_report report;
        struct error err = { 0 };
        experiment.gpus = i == 0 ? 2 : 1;
        experiment.hbm_cache_bytes = i == 1;
        experiment.unit = i == 2 ? PLACE_BLOCKS : PLACE_AUTO;
        experiment.preloading = i == 4 ? PRELOAD_BACKGROUND : PRELOAD_LAYERS;
        experiment.scheduling = i == 5 ? SCHEDULE_CHUNKED : SCHEDULE_PREFILL_FIRST;
        experiment.allocation = i == 6 ? ALLOCATE_GROW : ALLOCATE_RESERVE;
        experiment.order = i == 7 ? ORDER_PRIORITY : ORDER_FCFS;
        experiment.replicas = i == 8 ? 2 : 1;
        ck_assert_int_eq(serve_run(&experiment, &config, NULL, &result, &report, &err),
                         STATUS_INPUT);
        ck_assert_str_eq(err.key, keys[i]);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("serve");
    TCase *tcase = tcase_create("host");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, make_files, remove_files);
    tcase_add_loop_test(
        tcase, hits_and_bytes_of_every_tier_are_the_simulators_when_the_order_of_events_is, 0, 6);
    tcase_add_loop_test(tcase, every_turn_is_served_and_every_token_accounted_for, 0, 5);
    tcase_add_test(tcase,
                   turns_whose_kv_went_through_dram_and_ssd_end_as_if_it_had_been_recomputed);
    tcase_add_test(tcase, kv_whose_checksum_fails_is_recomputed_and_counted);
    tcase_add_test(tcase, kv_that_the_disk_refuses_to_give_is_recomputed_and_counted);
    tcase_add_test(tcase, a_disk_that_is_full_when_written_costs_recomputing_and_nothing_else);
    tcase_add_test(tcase, a_run_that_is_stopped_in_the_middle_leaves_no_file);
    tcase_add_test(tcase, what_the_runtime_cannot_do_is_refused_by_its_key);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
