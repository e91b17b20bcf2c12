/* tests/runtime/test_serve_engines.c - presets in real time: blocks that turns share in HBM,
 * chunked prefill beside decoding, replies that grow, all ways of writing. Where the order of
 * events is the same, every count is the simulator's; where it is not, every answer is what
 * computing all of it again gives. */
#include "base/memory.h"
#include "sim/sim.h"
#include "tests/runtime/counts.h"
#include "tests/runtime/serve_case.h"
#include "tests/support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const presets[] = {
    "vllm-lru",
    "vllm-offload-lru",
    "vllm-offload-arc",
    "sglang-hicache-write_back",
    "sglang-hicache-write_through",
    "sglang-hicache-write_through_selective",
    "trtllm-priority",
    "kvbm",
    "lmcache-lru",
    "lmcache-lfu",
    "lmcache-fifo",
    "lmcache-mru",
    "mooncake-store",
    "vllm-offload-arc@0.31",
    "lmcache-mp",
    "trtllm-v2",
};
enum { PRESETS = sizeof presets / sizeof *presets };

static void make_files(void)
{
    serve_case_open(backend_find("host"));
}

/* HBM and DRAM hold a part of what is alive, so that all tiers are used. */
static struct experiment engine_experiment(const char *preset, const char *more)
{
    char yaml[1024];
    snprintf(
        yaml, sizeof yaml,
        "policy: %s\ngpus: 1\nwarmup_turns: 0\nplacement.block_tokens: 16\nengine.block_tokens: "
        "16\nengine.hbm_tokens: 600\nengine.context_window: 512\nengine.chunk_tokens: 96\n"
        "engine.batch: 4\ntiers.dram.capacity: 2200kB\ntiers.ssd.capacity: 4MB\n%s",
        preset, more);
    return serve_case_yaml(yaml);
}

/* ---- the simulator's counts ---- */

/* Sessions whose turns take turns, so far apart, and grow to several times what HBM holds. The
 * caller unlinks and frees it. */
static char *in_turn(int sessions, int apart_ms)
{
    enum { TURNS = 5 };
    char text[4096] = "session,arrival_s,think_s,prompt_tokens,reply_tokens\n";
    size_t used = strlen(text);
    for (int session = 0; session < sessions; session++)
        for (int turn = 0; turn < TURNS; turn++) {
            double s = 1e-3 * apart_ms * (turn == 0 ? session : sessions);
            used += (size_t)snprintf(text + used, sizeof text - used,
                                     turn == 0 ? "s%d,%.3f,0,%d,%d\n" : "s%d,,%.3f,%d,%d\n",
                                     session, s, 20 + 17 * ((3 * session + 5 * turn) % 4),
                                     2 + (session + turn) % 4);
        }
    ck_assert_uint_lt(used, sizeof text);
    return test_temp_file(text);
}

static char *sessions_in_turn(int apart_ms)
{
    return in_turn(6, apart_ms);
}

/* Simulates it and runs it once: the first count that differs, or NULL. */
static const char *difference(const struct experiment *experiment)
{
    struct serve_config config = serve_case_config(backend_find("host"));
    struct sim_result sim;
    struct error err = { 0 };
    config.links_free = true;
    ck_assert_int_eq(sim_run(experiment, NULL, &sim, &err), STATUS_OK);
    struct served run = serve_case_run(experiment, &config);
    const struct metrics *m = &run.result.metrics;
    const char *different = counts_different(m, &sim.metrics);
    printf("%s: %s; hits of %.0f tokens: HBM %.0f, %.0f; DRAM %.0f, %.0f; SSD %.0f, %.0f; "
           "pool %.0f, %.0f; H2D %.0f, %.0f; D2H %.0f, %.0f; SSD written %.0f, %.0f\n",
           experiment->policy, different == NULL ? "all counts equal" : different, m->wanted_tokens,
           m->hit_tokens_hbm, sim.metrics.hit_tokens_hbm, m->hit_tokens_dram,
           sim.metrics.hit_tokens_dram, m->hit_tokens_ssd, sim.metrics.hit_tokens_ssd,
           m->hit_tokens_remote, sim.metrics.hit_tokens_remote, m->h2d_bytes, sim.metrics.h2d_bytes,
           m->d2h_bytes, sim.metrics.d2h_bytes, m->ssd_written_bytes,
           sim.metrics.ssd_written_bytes);
    ck_assert_uint_eq(run.report.checksum_failures, 0);
    sim_result_free(&sim);
    return different;
}

/* A machine so slow that turns meet all the same is asked again with more time between them. */
static void check_counts(const char *preset, char *(*trace)(int apart_ms), int apart_ms)
{
    const char *different = "";
    for (int attempt = 0; attempt < 4 && different != NULL; attempt++, apart_ms *= 2) {
        char *path = trace(apart_ms);
        struct experiment experiment = engine_experiment(preset, "");
        snprintf(experiment.trace, sizeof experiment.trace, "%s", path);
        different = difference(&experiment);
        unlink(path);
        free(path);
    }
    ck_assert_msg(different == NULL, "%s: %s differs", preset, different);
}

START_TEST(one_turn_at_a_time_every_count_of_every_preset_is_the_simulators)
{
    check_counts(presets[_i], sessions_in_turn, 40);
}
END_TEST

/* Two servers whose turns take turns, and a pool from which each has what the other computed. */
static const char *const pools[] = {
    "placement.unit: block\ntiers.remote.write: through\n",
    "placement.unit: block\ntiers.remote.write: back\n",
    "placement.unit: block\ntiers.remote.write: back\n",
    "tiers.remote.write: selective\nplacement.unit: session\n",
};

START_TEST(one_turn_at_a_time_every_count_of_servers_that_share_a_pool_is_the_simulators)
{
    const char *different = "";
    int apart_ms = 40;
    for (int attempt = 0; attempt < 4 && different != NULL; attempt++, apart_ms *= 2) {
        char *path = in_turn(5, apart_ms), more[512]; /* so that each server has each session */
        snprintf(more, sizeof more,
                 "cluster: {replicas: 2, router: round-robin}\ntiers.hbm.cache: 300kB\n"
                 "tiers.remote.capacity: 6MB\n%s",
                 pools[_i]);
        struct experiment experiment = engine_experiment("lru", more);
        snprintf(experiment.trace, sizeof experiment.trace, "%s", path);
        experiment.dram_bytes = 900000;
        experiment.ssd_bytes = _i % 2 == 0 ? 1200000 : 0;
        different = difference(&experiment);
        unlink(path);
        free(path);
    }
    ck_assert_msg(different == NULL, "%s: %s differs", pools[_i], different);
}
END_TEST

/* ---- a real trace ---- */

enum { SCALE = 32, FEW = 40 }; /* Mooncake's blocks of 512 tokens become blocks of 16 */

/* The number behind the name in the line. */
static uint64_t number_of(const char *line, const char *name)
{
    const char *at = strstr(line, name);
    ck_assert_ptr_nonnull(at);
    return strtoull(at + strlen(name), NULL, 10);
}

/* How many requests of the trace are served; REPRISE_REQUESTS asks for more. */
static uint64_t requests_asked(void)
{
    const char *asked = getenv("REPRISE_REQUESTS");
    return asked != NULL ? strtoull(asked, NULL, 10) : FEW;
}

/* The first requests of the Mooncake conversation trace, a 32nd as long and one after the other:
 * what they share is what they share there. The caller unlinks and frees it. */
static char *mooncake_in_turn(int apart_ms)
{
    FILE *in = fopen(test_data("traces/mooncake_conversation.jsonl"), "r");
    char *line = memory_new(1 << 16, 1), *text = memory_new(requests_asked(), 1 << 12);
    size_t used = 0;
    double time_ms = 0.0;
    ck_assert_ptr_nonnull(in);
    for (uint64_t i = 0; i < requests_asked() && fgets(line, 1 << 16, in) != NULL; i++) {
        uint64_t tokens = number_of(line, "\"input_length\": ");
        uint64_t short_tokens = (tokens + SCALE - 1) / SCALE;
        const char *keys = strstr(line, "\"hash_ids\": ");
        ck_assert_ptr_nonnull(keys);
        used += (size_t)sprintf(text + used,
                                "{\"chat_id\": %" PRIu64
                                ", \"parent_chat_id\": -1, \"timestamp\": %.3f, "
                                "\"input_length\": %" PRIu64 ", \"output_length\": %" PRIu64
                                ", \"type\": \"text\", \"turn\": 1, %s",
                                i, 1e-3 * time_ms, short_tokens,
                                1 + number_of(line, "\"output_length\": ") / (4 * SCALE), keys);
        time_ms += apart_ms * (1.0 + (double)short_tokens / 300.0);
    }
    fclose(in);
    char *path = test_temp_file(text);
    free(text);
    free(line);
    return path;
}

START_TEST(one_request_of_a_real_trace_at_a_time_every_count_of_every_preset_is_the_simulators)
{
    const char *different = "";
    int apart_ms = 64;
    for (int attempt = 0; attempt < 4 && different != NULL; attempt++, apart_ms *= 2) {
        char *path = mooncake_in_turn(apart_ms);
        struct experiment experiment = engine_experiment(presets[_i], "");
        snprintf(experiment.trace, sizeof experiment.trace, "%s", path);
        experiment.context_window_tokens = 4096;
        experiment.hbm_tokens = 5000;
        experiment.dram_bytes = experiment.dram_bytes > 0 ? 40000000 : 0;
        experiment.ssd_bytes = experiment.ssd_bytes > 0 ? 100000000 : 0;
        experiment.unit = PLACE_AUTO;
        different = difference(&experiment);
        unlink(path);
        free(path);
    }
    ck_assert_msg(different == NULL, "%s: %s differs", presets[_i], different);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("serve_engines");
    TCase *tcase = tcase_create("host");
    tcase_set_timeout(tcase, 1200);
    tcase_add_unchecked_fixture(tcase, make_files, serve_case_close);
    tcase_add_loop_test(tcase, one_turn_at_a_time_every_count_of_every_preset_is_the_simulators, 0,
                        PRESETS);
    tcase_add_loop_test(
        tcase, one_turn_at_a_time_every_count_of_servers_that_share_a_pool_is_the_simulators, 0,
        sizeof pools / sizeof *pools);
    if (test_data("traces/mooncake_conversation.jsonl") == NULL)
        printf("skipped: a real trace needs REPRISE_DATA\n");
    else
        tcase_add_loop_test(
            tcase,
            one_request_of_a_real_trace_at_a_time_every_count_of_every_preset_is_the_simulators, 0,
            requests_asked() > FEW ? PRESETS : 2);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
