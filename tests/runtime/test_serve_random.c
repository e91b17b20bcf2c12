/* tests/runtime/test_serve_random.c - random experiments served in real time, several turns at
 * once: whatever is shared, evicted, written back, preempted or fails, every turn's logits are
 * those of computing all of its context again. */
#include "base/memory.h"
#include "base/random.h"
#include "tests/runtime/serve_case.h"
#include "tests/support.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXPERIMENTS = TRIES(6), SHARED = TRIES(4), FAULTY = TRIES(4) };

enum where { ANYWHERE, ON_SSD, IN_POOL }; /* what is reused comes from, mostly */

static void make_files(void)
{
    serve_case_open(backend_find("host"));
}

/* ---- drawing ---- */

struct text {
    char yaml[2048];
    size_t used;
};

static void add(struct text *text, const char *key, const char *value)
{
    text->used += (size_t)snprintf(text->yaml + text->used, sizeof text->yaml - text->used,
                                   "%s: %s\n", key, value);
    ck_assert_uint_lt(text->used, sizeof text->yaml);
}

static const char *one_of(struct random *random, const char *const *words, uint64_t count)
{
    return words[random_below(random, count)];
}
#define ONE_OF(...)                                                                                \
    one_of(random, (const char *const[]){ __VA_ARGS__ },                                           \
           sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static void add_number(struct text *text, struct random *random, const char *key, uint64_t least,
                       uint64_t most)
{
    char value[32];
    snprintf(value, sizeof value, "%" PRIu64, least + random_below(random, most - least + 1));
    add(text, key, value);
}

static void draw_engine(struct text *text, struct random *random)
{
    add(text, "engine.scheduling", ONE_OF("prefill-first", "chunked"));
    add(text, "engine.allocation", ONE_OF("reserve", "grow", "grow"));
    add(text, "engine.preloading", ONE_OF("none", "layers", "layers", "background"));
    add(text, "engine.saving", ONE_OF("asynchronous", "asynchronous", "synchronous"));
    add(text, "engine.partial_blocks", ONE_OF("true", "false"));
    add(text, "engine.overflow", ONE_OF("truncate", "truncate", "invalidate"));
    add(text, "engine.order", ONE_OF("fcfs", "fcfs", "priority", "longest-prefix"));
    add(text, "engine.urgent_share", "0.3");
    add(text, "engine.fetch_wait", ONE_OF("complete", "complete", "timeout", "best-effort"));
    add(text, "engine.reuse", ONE_OF("always", "always", "if-faster"));
    add(text, "engine.write_buffer", ONE_OF("0", "100kB", "32MB"));
    add_number(text, random, "engine.chunk_tokens", 8, 200);
    add_number(text, random, "engine.read_buffer_layers", 0, 4);
    add_number(text, random, "engine.batch", 1, 8);
    add_number(text, random, "engine.hbm_tokens", 400, 700);
}

static void draw_tiers(struct text *text, struct random *random, enum where where)
{
    bool cached = random_below(random, 3) > 0;
    add(text, "tiers.hbm.cache",
        !cached             ? "0"
        : where == ANYWHERE ? ONE_OF("200kB", "1PB", "1PB")
                            : "100kB");
    add(text, "tiers.dram.capacity",
        where == ANYWHERE ? ONE_OF("0", "150kB", "400kB", "800kB", "2MB")
        : where == ON_SSD ? ONE_OF("0", "100kB", "150kB")
                          : ONE_OF("150kB", "400kB"));
    add(text, "tiers.ssd.capacity",
        where == ANYWHERE ? ONE_OF("0", "300kB", "1MB", "4MB")
        : where == ON_SSD ? ONE_OF("8MB", "16MB")
                          : ONE_OF("0", "0", "300kB"));
    add(text, "tiers.dram.write",
        cached ? ONE_OF("through", "selective", "back", "back", "lazy") : "through");
    const char *write = ONE_OF("through", "selective", "back", "back");
    add(text, "tiers.ssd.write", write);
    add(text, "tiers.ssd.inclusive", strcmp(write, "back") == 0 ? ONE_OF("true", "false") : "true");
    add(text, "tiers.dram.reserve", ONE_OF("0", "0.1", "0.3"));
    add_number(text, random, "tiers.ssd.admit_uses", 1, 2);
}

/* Several servers, and a pool that they share. */
static void draw_servers(struct text *text, struct random *random)
{
    add(text, "cluster.replicas", ONE_OF("1", "2", "3"));
    add(text, "cluster.router",
        ONE_OF("round-robin", "least-loaded", "prefix-affinity", "session-sticky"));
    add(text, "tiers.remote.capacity", ONE_OF("400kB", "2MB", "8MB"));
    add(text, "tiers.remote.write", ONE_OF("through", "selective", "back"));
}

static void draw_workload(struct text *text, struct random *random)
{
    add(text, "workload.sessions", "16");
    add(text, "workload.mean_turns", "4");
    add(text, "workload.sessions_per_s", ONE_OF("100", "400", "2000"));
    add(text, "workload.prompt_tokens", ONE_OF("{mean: 20, cv: 0.5}", "{mean: 45, cv: 0.8}"));
    add(text, "workload.reply_tokens", "{mean: 16, cv: 0.8}");
    add(text, "workload.think_time", ONE_OF("{mean: 2ms}", "{mean: 30ms}"));
    add_number(text, random, "workload.seed", 1, 1000000);
}

static struct experiment draw(uint64_t seed, enum where where, struct text *text)
{
    struct random state = random_from(test_seed(), seed), *random = &state;
    *text = (struct text){ .used = 0 };
    add(text, "policy",
        ONE_OF("scheduler-aware", "lru", "lru+on-demand", "s3-fifo", "head-lru", "fifo"));
    add(text, "gpus", "1");
    add(text, "warmup_turns", "0");
    add(text, "placement.unit", ONE_OF("session", "block", "block"));
    add(text, "placement.block_tokens", ONE_OF("8", "16", "16", "32"));
    add(text, "engine.block_tokens", ONE_OF("1", "16"));
    add(text, "placement.leaf_only", ONE_OF("true", "false"));
    add(text, "engine.context_window", ONE_OF("128", "400", "400", "400"));
    draw_engine(text, random);
    draw_tiers(text, random, where);
    if (where == IN_POOL)
        draw_servers(text, random);
    draw_workload(text, random);
    return serve_case_yaml(text->yaml);
}

/* Requests whose prompts begin as others do: keys of blocks of 16 tokens are a path in a tree,
 * whose branches are few. The caller unlinks and frees it. */
static char *trace_of_blocks(uint64_t seed)
{
    enum { REQUESTS = 40, DEPTH = 12, BLOCK = 16 };
    struct random random = random_from(test_seed(), seed + 1000);
    char *text = memory_new(REQUESTS * 512, 1);
    size_t used = 0;
    uint64_t time_ms = 0;
    for (int i = 0; i < REQUESTS; i++) {
        uint64_t blocks = 1 + random_below(&random, DEPTH), path = 1;
        uint64_t tokens = (blocks - 1) * BLOCK + 1 + random_below(&random, BLOCK);
        time_ms += random_below(&random, 12);
        used += (size_t)sprintf(text + used,
                                "{\"chat_id\": %d, \"parent_chat_id\": -1, \"timestamp\": %.3f, "
                                "\"input_length\": %" PRIu64 ", \"output_length\": %" PRIu64
                                ", \"type\": \"text\", \"turn\": 1, \"hash_ids\": [",
                                i, 1e-3 * (double)time_ms, tokens, 1 + random_below(&random, 20));
        for (uint64_t block = 0; block < blocks; block++) {
            path = path * 4 + random_below(&random, 8) / 5;
            used += (size_t)sprintf(text + used, "%s%" PRIu64, block > 0 ? ", " : "", path);
        }
        used += (size_t)sprintf(text + used, "]}\n");
    }
    char *path = test_temp_file(text);
    free(text);
    return path;
}

/* ---- running ---- */

static struct serve_case_seen expected, found; /* too large for a stack */

/* The same context's logits with nothing reused. */
static void compute_all(struct experiment experiment)
{
    experiment_set_policy(&experiment, "none");
    experiment.replicas = 1;
    serve_case_run_seen(&experiment, serve_case_config(backend_find("host")), &expected);
}

static struct served check(uint64_t seed, enum where where, struct serve_config config)
{
    struct text text;
    struct experiment experiment = draw(seed, where, &text);
    char *trace = seed % 3 == 2 ? trace_of_blocks(seed) : NULL;
    if (trace != NULL) {
        snprintf(experiment.trace, sizeof experiment.trace, "%s", trace);
        experiment.unit = PLACE_AUTO;
    }
    compute_all(experiment);
    struct served run = serve_case_run_seen(&experiment, config, &found);
    const struct metrics *m = &run.result.metrics;
    double furthest = serve_case_furthest(&found, &expected);
    printf("%3" PRIu64 ": %3.0f turns, %2.0f overflowed, hits HBM %5.0f DRAM %5.0f SSD %5.0f pool "
           "%5.0f, %2.0f preempted, %" PRIu64 " computed again, logits within %.1e\n",
           seed, m->turns, m->overflows, m->hit_tokens_hbm, m->hit_tokens_dram, m->hit_tokens_ssd,
           m->hit_tokens_remote, m->preemptions, run.report.recomputed_turns, furthest);
    /* KV that is reused after truncation has seen what was cut off; computing again has not. */
    if (m->overflows > 0)
        furthest = 0.0;
    ck_assert_msg(found.count == expected.count && furthest < 2e-5,
                  "seed %" PRIu64 ", %u of %u answers, furthest %.1e:\n%s", seed, found.count,
                  expected.count, furthest, text.yaml);
    if (trace != NULL)
        unlink(trace);
    free(trace);
    return run;
}

START_TEST(whatever_servers_share_in_a_pool_every_answer_is_that_of_computing_all_again)
{
    struct serve_config config = serve_case_config(backend_find("host"));
    config.links_free = true;
    struct served run = check(200 + (uint64_t)_i, IN_POOL, config);
    ck_assert_uint_eq(run.report.checksum_failures, 0);
    ck_assert_uint_eq(run.report.recomputed_turns, 0);
}
END_TEST

START_TEST(whatever_is_reused_every_answer_is_that_of_computing_all_again)
{
    struct serve_config config = serve_case_config(backend_find("host"));
    config.links_free = _i % 2 == 1;
    struct served run = check((uint64_t)_i, ANYWHERE, config);
    ck_assert_uint_eq(run.report.checksum_failures, 0);
    ck_assert_uint_eq(run.report.recomputed_turns, 0);
}
END_TEST

/* All begin with the tokens of one block, some with more of them, and are there at once: HBM has
 * the block while others write their replies behind what they share of it. */
START_TEST(turns_that_share_a_part_of_a_block_go_on_each_in_its_own_way)
{
    enum { REQUESTS = 12, LINE = 192 };
    char text[REQUESTS * LINE];
    size_t used = 0;
    for (int i = 0; i < REQUESTS; i++)
        used += (size_t)snprintf(
            text + used, sizeof text - used,
            "{\"chat_id\": %d, \"parent_chat_id\": -1, \"timestamp\": %.3f, \"input_length\": %d, "
            "\"output_length\": 90, \"type\": \"text\", \"turn\": 1, \"hash_ids\": [1, 2]}\n",
            i, 0.001 * i, 16 + 4 + i % 3 * 3);
    char *trace = test_temp_file(text);
    struct experiment experiment = serve_case_yaml(
        "gpus: 1\nwarmup_turns: 0\npolicy: lru\nengine.context_window: 128\nengine.batch: 6\n"
        "engine.hbm_tokens: 2000\ntiers.hbm.cache: 1PB\nengine.partial_blocks: true\n"
        "engine.reuse: always\nengine.scheduling: chunked\n");
    struct serve_config config = serve_case_config(backend_find("host"));
    config.links_free = true;
    snprintf(experiment.trace, sizeof experiment.trace, "%s", trace);
    compute_all(experiment);
    struct served run = serve_case_run_seen(&experiment, config, &found);
    unlink(trace);
    free(trace);
    double furthest = serve_case_furthest(&found, &expected);
    printf("%.0f tokens from HBM, %.1f turns at a time: logits within %.1e\n",
           run.result.metrics.hit_tokens_hbm, run.result.metrics.batch_mean, furthest);
    ck_assert_msg(run.result.metrics.hit_tokens_hbm > 0 && run.result.metrics.batch_mean > 1.5,
                  "%.0f tokens from HBM, %.1f turns at a time", run.result.metrics.hit_tokens_hbm,
                  run.result.metrics.batch_mean);
    ck_assert(found.count == expected.count && furthest < 2e-5);
}
END_TEST

/* ---- a disk that fails ---- */

struct failing_disk {
    struct random random;
    uint64_t failed, damaged;
};

/* One request in eight fails: short, refused, full, or with another byte than was written. */
static int64_t fail_some(void *context, const struct ssd_request *request, int64_t result)
{
    struct failing_disk *disk = context;
    uint64_t drawn = random_below(&disk->random, 32);
    if (result <= 0 || drawn > 3)
        return result;
    if (drawn == 0)
        return result > 4096 ? result / 2 / 4096 * 4096 : result; /* goes on where it stopped */
    if (drawn == 1 && !request->write) {
        ((char *)request->memory)[random_below(&disk->random, request->size_bytes)] ^= 4;
        disk->damaged++;
        return result;
    }
    disk->failed++;
    return request->write ? -(int64_t)ENOSPC : -(int64_t)EIO;
}

START_TEST(whatever_the_disk_refuses_every_answer_is_right_and_what_failed_is_counted)
{
    struct failing_disk disk = { .random = random_from(test_seed(), (uint64_t)_i + 5000) };
    struct serve_config config = serve_case_config(backend_find("host"));
    config.links_free = true;
    config.ssd_fault = fail_some;
    config.ssd_fault_context = &disk;
    struct served run = check(100 + (uint64_t)_i, ON_SSD, config);
    ck_assert_uint_eq(run.report.ssd_errors, disk.failed);
    ck_assert_uint_le(run.report.checksum_failures, disk.damaged);
    if (run.result.metrics.hit_tokens_ssd > 500)
        ck_assert_uint_gt(run.report.recomputed_turns, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("serve_random");
    TCase *tcase = tcase_create("host");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, make_files, serve_case_close);
    tcase_add_loop_test(tcase, whatever_is_reused_every_answer_is_that_of_computing_all_again, 0,
                        EXPERIMENTS);
    tcase_add_test(tcase, turns_that_share_a_part_of_a_block_go_on_each_in_its_own_way);
    tcase_add_loop_test(
        tcase, whatever_servers_share_in_a_pool_every_answer_is_that_of_computing_all_again, 0,
        SHARED);
    tcase_add_loop_test(tcase,
                        whatever_the_disk_refuses_every_answer_is_right_and_what_failed_is_counted,
                        0, FAULTY);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
