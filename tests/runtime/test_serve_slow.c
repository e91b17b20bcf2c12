/* tests/runtime/test_serve_slow.c - links so slow that turns overtake what moves: contexts are cut
 * while their KV is on its way between any two tiers, KV that a disk damaged is repaired behind a
 * queue of saves, much waits for the disk at once. Each case once ended in a wrong answer, a failed
 * run or an assertion of the core. */
#include "base/memory.h"
#include "base/random.h"
#include "tests/runtime/serve_case.h"
#include "tests/support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void make_files(void)
{
    serve_case_open(backend_find("host"));
}

#define SESSIONS                                                                                   \
    "gpus: 1\nwarmup_turns: 0\nplacement.unit: session\nengine.reuse: always\nengine.batch: 4\n"   \
    "engine.hbm_tokens: 500\n"

/* Contexts overflow again and again. */
static const struct {
    const char *what, *d2h, *ssd, *yaml;
} cut[] = {
    { "a fetch that its turn does not wait for", "5MB/s", "8MB/s",
      SESSIONS
      "policy: scheduler-aware\nengine.context_window: 128\ntiers.dram.capacity: 400kB\n"
      "tiers.ssd.capacity: 8MB\nengine.fetch_wait: best-effort\n"
      "workload: {sessions: 40, sessions_per_s: 400, mean_turns: 8, prompt_tokens: {mean: 20, "
      "cv: 0.5}, reply_tokens: {mean: 12, cv: 0.5}, think_time: {mean: 3ms}, seed: 3}\n" },
    { "KV that is written ahead", "2MB/s", "8MB/s",
      SESSIONS
      "policy: lru\nengine.context_window: 96\ntiers.hbm.cache: 150kB\n"
      "tiers.dram.capacity: 2MB\ntiers.ssd.capacity: 8MB\ntiers.dram.write: lazy\n"
      "workload: {sessions: 16, sessions_per_s: 2000, mean_turns: 6, prompt_tokens: {mean: 35, "
      "cv: 0.5}, reply_tokens: {mean: 4, cv: 0.5}, think_time: {mean: 1ms}, seed: 3}\n" },
    { "KV that is written back", "5MB/s", "8MB/s",
      SESSIONS
      "policy: lru\nengine.context_window: 96\ntiers.hbm.cache: 150kB\n"
      "tiers.dram.capacity: 2MB\ntiers.ssd.capacity: 8MB\ntiers.dram.write: back\n"
      "workload: {sessions: 12, sessions_per_s: 2000, mean_turns: 8, prompt_tokens: {mean: 20, "
      "cv: 0.5}, reply_tokens: {mean: 4, cv: 0.5}, think_time: {mean: 1ms}, seed: 3}\n" },
    { "copies in the pool", "500MB/s", "200MB/s",
      SESSIONS
      "policy: lru\nengine.context_window: 128\ntiers.dram.capacity: 400kB\n"
      "tiers.ssd.capacity: 0\ntiers.remote.capacity: 2MB\n"
      "workload: {sessions: 6, sessions_per_s: 400, mean_turns: 40, prompt_tokens: {mean: 20, "
      "cv: 0.5}, reply_tokens: {mean: 12, cv: 0.5}, think_time: {mean: 3ms}, seed: 1}\n" },
};

static struct served run_slowly(const char *yaml, const char *d2h, const char *ssd)
{
    struct experiment experiment = serve_case_yaml(yaml);
    struct serve_config config = serve_case_config(backend_find("host"));
    char *hardware = serve_case_hardware(d2h, ssd);
    snprintf(experiment.hardware, sizeof experiment.hardware, "%s", hardware);
    struct served run = serve_case_run(&experiment, &config);
    unlink(hardware);
    free(hardware);
    return run;
}

START_TEST(contexts_are_cut_while_their_kv_is_on_its_way)
{
    struct served run = run_slowly(cut[_i].yaml, cut[_i].d2h, cut[_i].ssd);
    const struct metrics *m = &run.result.metrics;
    printf("%s: %.0f turns, %.0f overflows; hits HBM %.0f, DRAM %.0f, SSD %.0f, pool %.0f\n",
           cut[_i].what, m->turns, m->overflows, m->hit_tokens_hbm, m->hit_tokens_dram,
           m->hit_tokens_ssd, m->hit_tokens_remote);
    ck_assert(m->overflows > 10);
    ck_assert(m->hit_tokens_hbm + m->hit_tokens_dram + m->hit_tokens_remote > 0);
    ck_assert_uint_eq(run.report.checksum_failures, 0);
}
END_TEST

START_TEST(what_hbm_saves_straight_to_a_slow_disk_has_pages_to_pass_through)
{
    struct served run =
        run_slowly("gpus: 1\nwarmup_turns: 0\npolicy: lru\nplacement.unit: "
                   "session\nengine.context_window: 400\n"
                   "engine.batch: 16\nengine.hbm_tokens: 6000\ntiers.dram.capacity: "
                   "0\ntiers.ssd.capacity: 16MB\n"
                   "engine.reuse: always\nengine.write_buffer: 32MB\n"
                   "workload: {sessions: 20, sessions_per_s: 800, mean_turns: 2, prompt_tokens: "
                   "{mean: 150, cv: "
                   "0.3}, reply_tokens: {mean: 12, cv: 0.5}, think_time: {mean: 3ms}, seed: 1}\n",
                   "500MB/s", "4MB/s");
    ck_assert(run.result.metrics.turns >= 20 && run.result.metrics.save_hbm_ssd_bytes > 0);
}
END_TEST

/* Two of 2 and 1 MB/s, on a server whose own disks have 500. */
START_TEST(a_named_drive_holds_the_disk_to_its_rates_and_not_the_servers)
{
    char *file = test_temp_file(""), drive[256], yaml[2048];
    snprintf(drive, sizeof drive, "%s.yaml", file);
    FILE *out = fopen(drive, "w");
    ck_assert_ptr_nonnull(out);
    fprintf(out, "name: slow\nsource: made up\ncapacity: 1GB\nread_bytes_per_s: 2MB/s\n"
                 "write_bytes_per_s: 1MB/s\nendurance: 1TB\nwarranty_years: 5\n");
    ck_assert_int_eq(fclose(out), 0);
    snprintf(
        yaml, sizeof yaml,
        "gpus: 1\nwarmup_turns: 0\npolicy: lru\nplacement.unit: session\n"
        "engine.context_window: 400\nengine.batch: 4\nengine.hbm_tokens: 1600\n"
        "tiers.dram.capacity: 0\ntiers.ssd.capacity: 16MB\nengine.reuse: always\n"
        "engine.write_buffer: 32MB\nssd.drive: %s\nssd.drives: 2\n"
        "workload: {sessions: 6, sessions_per_s: 800, mean_turns: 2, prompt_tokens: {mean: "
        "150, cv: 0.3}, reply_tokens: {mean: 12, cv: 0.5}, think_time: {mean: 3ms}, seed: 1}\n",
        drive);
    struct served run = run_slowly(yaml, "500MB/s", "500MB/s");
    const struct metrics *m = &run.result.metrics;
    double elapsed_s = m->elapsed_ns / 1e9;
    printf("%.3f s: read %.0f, written %.0f\n", elapsed_s, m->ssd_read_bytes, m->ssd_written_bytes);
    /* A request's bytes count when it has ended, and the last one ends as the clock does: some of
     * its time may be missing. */
    const double ends = 1.005;
    ck_assert_double_gt(m->ssd_read_bytes, 0.0);
    ck_assert_double_le(m->ssd_read_bytes, ends * 4e6 * elapsed_s);
    ck_assert_double_le(m->ssd_written_bytes, ends * 2e6 * elapsed_s);
    unlink(drive);
    unlink(file);
    free(file);
}
END_TEST

/* ---- repairs behind a queue of saves ---- */

static struct serve_case_seen expected, found; /* too large for a stack */

static int64_t damage_some(void *context, const struct ssd_request *request, int64_t result)
{
    struct random *random = context;
    if (!request->write && result > 0 && random_below(random, 6) == 0)
        ((char *)request->memory)[random_below(random, request->size_bytes)] ^= 4;
    return result;
}

/* Three prompts each begin alike, so that what one turn has repaired the next loads at once. */
static char *trace_of_few_prompts(void)
{
    enum { REQUESTS = 48, BLOCKS = 10, LINE = 256 };
    char *text = memory_new(REQUESTS, LINE);
    size_t used = 0;
    for (int i = 0; i < REQUESTS; i++) {
        used += (size_t)sprintf(text + used,
                                "{\"chat_id\": %d, \"parent_chat_id\": -1, \"timestamp\": %.3f, "
                                "\"input_length\": %d, \"output_length\": 4, \"type\": \"text\", "
                                "\"turn\": 1, \"hash_ids\": [",
                                i, 0.004 * i, BLOCKS * 16);
        for (int block = 0; block < BLOCKS; block++)
            used += (size_t)sprintf(text + used, "%s%d", block > 0 ? ", " : "",
                                    1 + block + (block < 8 ? 100 * (i / 3 % 5) : 1000 * i));
        used += (size_t)sprintf(text + used, "]}\n");
    }
    char *path = test_temp_file(text);
    free(text);
    return path;
}

START_TEST(kv_that_was_repaired_is_right_for_whoever_loads_it_next)
{
    struct experiment experiment = serve_case_yaml(
        "gpus: 1\nwarmup_turns: 0\npolicy: lru\nengine.context_window: 256\nengine.batch: 4\n"
        "engine.hbm_tokens: 800\nengine.reuse: always\nengine.partial_blocks: false\n"
        "tiers.dram.capacity: 700kB\ntiers.ssd.capacity: 8MB\ntiers.ssd.write: through\n");
    struct serve_config config = serve_case_config(backend_find("host"));
    struct random random = random_from(test_seed(), (uint64_t)_i);
    char *trace = trace_of_few_prompts(), *hardware = serve_case_hardware("4MB/s", "200MB/s");
    snprintf(experiment.trace, sizeof experiment.trace, "%s", trace);
    snprintf(experiment.hardware, sizeof experiment.hardware, "%s", hardware);
    struct experiment again = experiment;
    experiment_set_policy(&again, "none");
    serve_case_run_seen(&again, config, &expected);
    config.ssd_fault = damage_some;
    config.ssd_fault_context = &random;
    struct served run = serve_case_run_seen(&experiment, config, &found);
    double furthest = serve_case_furthest(&found, &expected);
    printf("%" PRIu64 " turns computed again, hits DRAM %.0f, SSD %.0f: logits within %.1e\n",
           run.report.recomputed_turns, run.result.metrics.hit_tokens_dram,
           run.result.metrics.hit_tokens_ssd, furthest);
    unlink(trace);
    unlink(hardware);
    free(trace);
    free(hardware);
    ck_assert_uint_gt(run.report.recomputed_turns, 0);
    ck_assert(found.count == expected.count && furthest < 2e-5);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("serve_slow");
    TCase *tcase = tcase_create("host");
    tcase_set_timeout(tcase, 120);
    tcase_add_unchecked_fixture(tcase, make_files, serve_case_close);
    tcase_add_loop_test(tcase, contexts_are_cut_while_their_kv_is_on_its_way, 0,
                        sizeof cut / sizeof *cut);
    tcase_add_test(tcase, what_hbm_saves_straight_to_a_slow_disk_has_pages_to_pass_through);
    tcase_add_test(tcase, a_named_drive_holds_the_disk_to_its_rates_and_not_the_servers);
    tcase_add_loop_test(tcase, kv_that_was_repaired_is_right_for_whoever_loads_it_next, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
