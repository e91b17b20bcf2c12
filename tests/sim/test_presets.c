/* tests/sim/test_presets.c - presets: engines as bundles of keys. What the experiment says goes
 * before a preset's keys, and its fixed keys go before what the experiment says. */
#include "base/random.h"
#include "models/models.h"
#include "tests/sim/runs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MISTRAL                                                                                    \
    "model: mistral-7b\ngpus: 1\nwarmup_turns: 0\n"                                                \
    "workload: {sessions: 60, sessions_per_s: 0.5}\n"

struct notes {
    int count;
    char last[512];
};

static void note(void *context, const char *sentence)
{
    struct notes *notes = context;
    notes->count++;
    snprintf(notes->last, sizeof notes->last, "%s", sentence);
}

static struct experiment load(const char *yaml, struct notes *heard)
{
    struct error err = { 0 };
    struct config_tree *tree = NULL;
    struct experiment experiment;
    const struct experiment_notes notes = { note, heard };
    ck_assert_int_eq(config_tree_parse(yaml, "test", &tree, &err), STATUS_OK);
    if (experiment_from_tree(tree, heard != NULL ? &notes : NULL, &experiment, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("experiment refused");
    }
    config_tree_free(tree);
    return experiment;
}

START_TEST(a_preset_sets_what_the_experiment_leaves_open)
{
    struct experiment experiment = load("policy: lmcache-lfu\n", NULL);
    ck_assert_str_eq(experiment.policy, "lmcache-lfu");
    ck_assert_str_eq(experiment.eviction, "head-lfu");
    ck_assert_int_eq(experiment.unit, PLACE_BLOCKS);
    ck_assert_uint_eq(experiment.block_tokens, 256);
    ck_assert_int_eq(experiment.scheduling, SCHEDULE_CHUNKED);
}
END_TEST

START_TEST(the_experiment_s_own_keys_go_first)
{
    struct experiment experiment = load(
        "policy: lmcache-lfu\nplacement: {block_tokens: 64}\nengine.chunk_tokens: 512\n", NULL);
    ck_assert_uint_eq(experiment.block_tokens, 64);
    ck_assert_uint_eq(experiment.chunk_tokens, 512);
    ck_assert_str_eq(experiment.eviction, "head-lfu");
}
END_TEST

START_TEST(fixed_keys_go_before_the_experiment_s_and_that_is_told)
{
    struct notes heard = { 0 };
    struct experiment experiment =
        load("policy: vllm-lru\ntiers: {dram: {capacity: 64GB}, ssd: {capacity: 0}}\n", &heard);
    ck_assert_uint_eq(experiment.dram_bytes, 0);
    ck_assert_int_eq(heard.count, 1); /* not of the SSD: it is what was asked */
    ck_assert_ptr_nonnull(strstr(heard.last, "vllm-lru: tiers.dram.capacity stays 0"));
    ck_assert_ptr_nonnull(strstr(heard.last, "64GB"));
}
END_TEST

START_TEST(a_preset_without_an_ssd_says_so_unless_it_was_asked)
{
    struct notes heard = { 0 };
    struct experiment experiment = load("policy: lmcache-lru\n", &heard);
    ck_assert_uint_eq(experiment.ssd_bytes, 0);
    ck_assert_int_eq(heard.count, 1);
    ck_assert_ptr_nonnull(strstr(heard.last, "no SSD, as the engine has by default"));
    heard = (struct notes){ 0 };
    experiment = load("policy: lmcache-lru\ntiers.ssd.capacity: 1TB\n", &heard);
    ck_assert_uint_eq(experiment.ssd_bytes, 1000000000000);
    load("policy: vllm-lru\n", &heard);
    ck_assert_int_eq(heard.count, 0);
}
END_TEST

START_TEST(a_policy_of_the_core_takes_no_preset)
{
    struct experiment experiment = load("policy: lru\n", NULL);
    ck_assert_str_eq(experiment.eviction, "");
    ck_assert_int_eq(experiment.unit, PLACE_AUTO);
    experiment = load("policy: vllm-lru\n", NULL);
    experiment_set_policy(&experiment, "fifo");
    ck_assert_str_eq(experiment.policy, "fifo");
    ck_assert_str_eq(experiment.eviction, "");
}
END_TEST

START_TEST(a_name_that_is_neither_is_refused)
{
    struct experiment experiment = load("policy: vllm-lfu\n", NULL);
    struct sim_result result;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(&experiment, NULL, &result, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "policy");
    ck_assert_str_eq(err.found, "vllm-lfu");
}
END_TEST

START_TEST(a_preset_written_out_is_the_same_experiment)
{
    struct experiment experiment = load("policy: kvbm\nengine.chunk_tokens: 512\n", NULL);
    char *text = config_values_text(experiment_sections, &experiment);
    struct experiment again = load(text, NULL);
    char *again_text = config_values_text(experiment_sections, &again);
    ck_assert_str_eq(text, again_text);
    free(text);
    free(again_text);
}
END_TEST

static const char *const asked[] = {
    "vllm-lru",
    "vllm-offload-lru",
    "vllm-offload-arc",
    "vllm-offload-lru@0.21",
    "vllm-offload-arc@0.21",
    "vllm-offload-lru@0.31",
    "vllm-offload-arc@0.31",
    "sglang-hicache-write_through",
    "sglang-hicache-write_through_selective",
    "sglang-hicache-write_back",
    "sglang-unified-write_through",
    "sglang-unified-write_through_selective",
    "trtllm-priority",
    "trtllm-v2",
    "mooncake-store",
    "kvbm",
    "kvbm-v2",
    "kvbm-v2-multi-lru",
    "lmcache-lru",
    "lmcache-lfu",
    "lmcache-fifo",
    "lmcache-mru",
    "lmcache-mp",
};

static void count_asked(const char *name, void *context)
{
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        *(size_t *)context += strcmp(name, asked[i]) == 0;
}

static void check_preset(const char *name, void *context)
{
    (void)context;
    char yaml[512], summary[CONFIG_TEXT_BYTES];
    struct error err = { 0 };
    ck_assert_int_eq(preset_summary(name, summary, &err), STATUS_OK);
    snprintf(yaml, sizeof yaml,
             MISTRAL "policy: %s\ntiers: {dram: {capacity: 4GB}, ssd: {capacity: 16GB}}\n"
                     "engine.hbm_utilisation: 0.25\n",
             name);
    struct experiment experiment = load(yaml, NULL);
    ck_assert_str_ne(experiment.eviction, "");
    struct metrics metrics = run_experiment(&experiment);
    ck_assert_double_gt(metrics.turns, 100);
    ck_assert_double_gt(metrics.hit_tokens_hbm, 0);
}

START_TEST(every_shipped_preset_runs_and_finds_kv_in_hbm)
{
    struct error err = { 0 };
    size_t found = 0;
    ck_assert_int_eq(models_list("engines", count_asked, &found, &err), STATUS_OK);
    ck_assert_uint_eq(found, sizeof asked / sizeof *asked);
    ck_assert_int_eq(models_list("engines", check_preset, NULL, &err), STATUS_OK);
}
END_TEST

/* Sessions long enough that contexts lose their beginning: 13B's window is 2,048 tokens. */
#define TRUNCATED "warmup_turns: 0\nworkload: {sessions: 400}\n"

static void check_turns(const char *name, void *turns)
{
    char yaml[256];
    snprintf(yaml, sizeof yaml, TRUNCATED "policy: %s\n", name);
    struct experiment experiment = load(yaml, NULL);
    ck_assert_double_eq(run_experiment(&experiment).turns, *(const double *)turns);
}

START_TEST(every_shipped_preset_serves_every_turn)
{
    struct error err = { 0 };
    double turns = run(TRUNCATED, "policy=none").turns;
    ck_assert_double_gt(turns, 2000);
    ck_assert_int_eq(models_list("engines", check_turns, &turns, &err), STATUS_OK);
}
END_TEST

/* Requests at once, of ids that are no prefix hashes: each comes after any other. */
enum { SHUFFLED = 120, SHUFFLED_IDS = 15, SHUFFLED_WINDOW = 16 * SHUFFLED_IDS + 40 };

static char *shuffled_trace(uint64_t seed)
{
    struct random random = random_from(seed, 0);
    char *text = malloc(SHUFFLED * 256), *at = text;
    for (int i = 0; i < SHUFFLED; i++) {
        uint32_t id[SHUFFLED_IDS], count = 1 + (uint32_t)random_below(&random, SHUFFLED_IDS);
        for (uint32_t j = 0; j < SHUFFLED_IDS; j++) {
            uint32_t with = (uint32_t)random_below(&random, j + 1ULL);
            id[j] = id[with];
            id[with] = j + 1;
        }
        at += sprintf(at,
                      "{\"timestamp\": 0, \"input_length\": %u, \"output_length\": %u, "
                      "\"hash_ids\": [%u",
                      16 * count, 1 + (uint32_t)random_below(&random, 40), id[0]);
        for (uint32_t j = 1; j < count; j++)
            at += sprintf(at, ", %u", id[j]);
        at += sprintf(at, "]}\n");
    }
    char *path = test_temp_file(text);
    free(text);
    return path;
}

static void check_shuffled(const char *name, void *path)
{
    const uint32_t spare[] = { 0, 32 }; /* of HBM beside one context */
    const char *const dram[] = { "60MB", "400MB" };
    if (strncmp(name, "sglang", 6) != 0 && strncmp(name, "trtllm", 6) != 0)
        return; /* leaves of a tree go first in theirs alone */
    for (int i = 0; i < 2; i++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml,
                 "policy: %s\ntrace: %s\nwarmup_turns: 0\nimport.block_tokens: 16\n"
                 "engine: {block_tokens: 16, context_window: %d, hbm_tokens: %u}\n"
                 "tiers.dram.capacity: %s\n",
                 name, (const char *)path, SHUFFLED_WINDOW, SHUFFLED_WINDOW + spare[i], dram[i]);
        struct experiment experiment = load(yaml, NULL);
        ck_assert_double_eq(run_experiment(&experiment).turns, SHUFFLED);
    }
}

START_TEST(ids_that_are_no_prefix_hashes_are_served)
{
    struct error err = { 0 };
    char *path = shuffled_trace((uint64_t)_i);
    ck_assert_int_eq(models_list("engines", check_shuffled, path, &err), STATUS_OK);
    unlink(path);
    free(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("presets");
    TCase *tests = tcase_create("presets");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_preset_sets_what_the_experiment_leaves_open);
    tcase_add_test(tests, the_experiment_s_own_keys_go_first);
    tcase_add_test(tests, fixed_keys_go_before_the_experiment_s_and_that_is_told);
    tcase_add_test(tests, a_preset_without_an_ssd_says_so_unless_it_was_asked);
    tcase_add_test(tests, a_policy_of_the_core_takes_no_preset);
    tcase_add_test(tests, a_name_that_is_neither_is_refused);
    tcase_add_test(tests, a_preset_written_out_is_the_same_experiment);
    tcase_add_test(tests, every_shipped_preset_runs_and_finds_kv_in_hbm);
    tcase_add_loop_test(tests, every_shipped_preset_serves_every_turn, 0, OF_RESULTS(1));
    tcase_add_loop_test(tests, ids_that_are_no_prefix_hashes_are_served, 1, 3);
    return test_main(suite);
}
