/* tests/sim/test_kv_layout.c - what KV takes where: against counting layer by layer, and through
 * whole runs of models whose layers have windows or states. */
#include "base/random.h"
#include "models/hbm.h"
#include "sim/engine/kv_layout.h"
#include "tests/sim/runs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct model model_of(const char *name)
{
    struct model model;
    struct error err = { 0 };
    ck_assert_int_eq(model_load(name, &model, &err), STATUS_OK);
    return model;
}

static struct experiment settings(const char *setting)
{
    const char *list[] = { setting, NULL };
    return experiment_of("gpus: 1", list);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Layer by layer, one GPU, 2 bytes a value. */
static uint64_t slow_bytes(const struct model *model, uint64_t tokens, uint64_t window)
{
    uint64_t sum = 0, token = 2ull * model->kv_heads * model->head_dim * 2;
    for (uint32_t layer = 0; layer < model_attention_layers(model); layer++)
        sum += token * (layer < model->window_layers ? least(tokens, window) : tokens);
    return sum;
}

START_TEST(where_all_layers_are_alike_a_token_is_a_token)
{
    struct experiment experiment = settings("policy=lru");
    struct model model = model_of("llama-3-8b");
    struct random random = random_from(test_seed(), 3);
    for (int blocks = 0; blocks < 2; blocks++) {
        struct kv_layout layout =
            kv_layout_new(&model, &experiment, blocks ? 256 : UINT32_MAX, true);
        ck_assert_uint_eq(layout.bytes_per_token, 131072);
        for (int i = 0; i < 1000; i++) {
            uint32_t tokens = (uint32_t)random_below(&random, 1000000);
            ck_assert_uint_eq(kv_layout_room(&layout, tokens), tokens);
            ck_assert_uint_eq(kv_layout_stored(&layout, tokens), tokens);
            ck_assert_uint_eq(kv_layout_moved_bytes(&layout, tokens), tokens * 131072ull);
            ck_assert_uint_eq(kv_layout_load_bytes(&layout, tokens * 131072ull),
                              tokens * 131072ull);
            ck_assert_uint_eq(kv_layout_longest(&layout, tokens * 131072ull + 5), tokens);
            ck_assert_uint_eq(kv_layout_measured_bytes(&layout, tokens, 8192), tokens * 131072ull);
        }
    }
}
END_TEST

/* Gemma 2: 21 of 42 layers see 4,096 tokens. */
START_TEST(in_hbm_and_in_loads_a_windowed_layer_takes_its_window)
{
    struct experiment experiment = settings("policy=lru");
    struct model model = model_of("gemma-2-9b");
    struct kv_layout layout = kv_layout_new(&model, &experiment, UINT32_MAX, true);
    struct random random = random_from(test_seed(), 4);
    ck_assert_uint_eq(layout.bytes_per_token, 42 * 8192);
    for (int i = 0; i < 2000; i++) {
        uint32_t tokens = (uint32_t)random_below(&random, i < 1000 ? 8192 : 200000);
        uint64_t room = slow_bytes(&model, tokens, 4096 + 16); /* a block of 16 across its end */
        ck_assert_uint_eq(kv_layout_room(&layout, tokens), (room + 42 * 8192 - 1) / (42 * 8192));
        ck_assert_uint_eq(kv_layout_moved_bytes(&layout, tokens), slow_bytes(&model, tokens, 4096));
        uint32_t more = kv_layout_room(&layout, tokens + 1) - kv_layout_room(&layout, tokens);
        ck_assert_uint_le(more, 1);
    }
    /* What is stored has all tokens of all layers. */
    ck_assert_uint_eq(kv_layout_load_bytes(&layout, 10000 * layout.bytes_per_token),
                      slow_bytes(&model, 10000, 4096));
}
END_TEST

START_TEST(without_the_hybrid_manager_all_layers_keep_all_tokens)
{
    struct model model = model_of("gpt-oss-20b");
    struct experiment whole = settings("engine.hybrid_kv=false");
    struct experiment cache = settings("tiers.hbm.cache=1GB");
    struct experiment by_layer = settings("policy=lru");
    struct kv_layout layout = kv_layout_new(&model, &whole, UINT32_MAX, true);
    ck_assert_uint_eq(kv_layout_room(&layout, 100000), 100000);
    ck_assert_uint_eq(kv_layout_moved_bytes(&layout, 100000), 100000 * 49152ull);
    layout = kv_layout_new(&model, &cache, 256, true);
    ck_assert_uint_eq(kv_layout_room(&layout, 100000), 100000);
    ck_assert_uint_eq(kv_layout_moved_bytes(&layout, 100000), slow_bytes(&model, 100000, 128));
    struct model state = model_of("nemotron-h-8b");
    layout = kv_layout_new(&state, &whole, 512, true); /* states are as they are */
    struct kv_layout hybrid = kv_layout_new(&state, &by_layer, 512, true);
    ck_assert_uint_eq(kv_layout_room(&layout, 1000), kv_layout_room(&hybrid, 1000));
    layout = kv_layout_new(&model, &by_layer, UINT32_MAX, true);
    ck_assert_uint_eq(kv_layout_room(&layout, 100000), 50000 + (128 + 16) / 2);
}
END_TEST

START_TEST(a_sessions_state_is_stored_once_and_a_prefixs_with_each_block)
{
    struct experiment experiment = settings("policy=lru");
    struct model model = model_of("nemotron-h-8b");
    uint64_t state = model_kv_shape(&model, 1).state_bytes;
    struct kv_layout layout = kv_layout_new(&model, &experiment, UINT32_MAX, true);
    uint64_t snapshot = layout.state_tokens * layout.bytes_per_token;
    ck_assert_uint_eq(layout.bytes_per_token, 16384);
    ck_assert_uint_ge(snapshot, state);
    ck_assert_uint_lt(snapshot, state + 16384);
    ck_assert_uint_eq(kv_layout_stored(&layout, 0), 0);
    ck_assert_uint_eq(kv_layout_stored(&layout, 7), 7 + layout.state_tokens);
    ck_assert_uint_eq(kv_layout_load_bytes(&layout, 7 * 16384 + snapshot), 7 * 16384 + state);
    /* Two states beside a running turn's KV: the one that runs, the one that was kept. */
    ck_assert_uint_eq(kv_layout_room(&layout, 100), (100 * 16384 + 2 * state + 16383) / 16384);
    layout = kv_layout_new(&model, &experiment, 512, true);
    ck_assert_uint_eq(layout.state_tokens, 0);
    ck_assert_uint_eq(layout.bytes_per_token, 16384 + (state + 511) / 512);
    ck_assert_uint_eq(kv_layout_load_bytes(&layout, 1024 * layout.bytes_per_token),
                      1024 * 16384 + state);
    layout = kv_layout_new(&model, &experiment, UINT32_MAX, false);
    ck_assert_uint_eq(kv_layout_room(&layout, 100), (100 * 16384 + state + 16383) / 16384);
}
END_TEST

START_TEST(of_what_is_found_the_snapshot_is_no_context)
{
    struct experiment experiment = settings("policy=lru");
    struct model model = model_of("nemotron-h-8b");
    struct kv_layout layout = kv_layout_new(&model, &experiment, UINT32_MAX, true);
    struct random random = random_from(test_seed(), 5);
    for (int i = 0; i < 1000; i++) {
        struct placement_hits hits = { 0 };
        uint32_t sum = 0, left = 0;
        for (int tier = 0; tier < TIER_COUNT; tier++)
            sum += hits.tokens[tier] = (uint32_t)random_below(&random, 2 * layout.state_tokens);
        kv_layout_found(&layout, &hits);
        for (int tier = 0; tier < TIER_COUNT; tier++)
            left += hits.tokens[tier];
        ck_assert_uint_eq(left, sum > layout.state_tokens ? sum - layout.state_tokens : 0);
    }
}
END_TEST

/* N tokens, as vLLM prints them, are N / window contexts of the whole window. */
START_TEST(measured_tokens_are_contexts_of_the_whole_window)
{
    static const char *const names[] = { "llama-3-8b", "gemma-2-9b", "gpt-oss-20b", "jamba-v0.1" };
    struct experiment experiment = settings("policy=lru");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct model model = model_of(names[i]);
        struct kv_layout layout = kv_layout_new(&model, &experiment, UINT32_MAX, true);
        for (uint32_t window = 1000; window < 100000; window *= 3)
            for (uint64_t contexts = 1; contexts < 50; contexts += 7) {
                uint64_t bytes = kv_layout_measured_bytes(&layout, contexts * window, window);
                uint64_t context = slow_bytes(&model, window, model.window_tokens + 16) +
                                   2 * layout.shape.state_bytes;
                ck_assert_uint_eq(bytes, contexts * context);
                /* As many run: what one takes is rounded up to a token of the core. */
                uint64_t room = kv_layout_room(&layout, window) * layout.bytes_per_token;
                ck_assert_uint_le(contexts * (room - layout.bytes_per_token), bytes);
            }
    }
}
END_TEST

/* What the engine printed does not depend on what is placed here, or how. */
START_TEST(measured_tokens_are_the_same_hbm_under_any_policy_and_unit)
{
    static const char *const names[] = { "llama-3-8b", "gemma-2-9b", "gpt-oss-120b",
                                         "nemotron-h-8b", "jamba-v0.1" };
    struct experiment none = settings("policy=none"), cached = settings("policy=vllm-lru");
    ck_assert_uint_gt(cached.hbm_cache_bytes, 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct model model = model_of(names[i]);
        struct kv_layout plain = kv_layout_new(&model, &none, UINT32_MAX, false);
        const uint64_t bytes = kv_layout_measured_bytes(&plain, 1630790, 131072);
        const uint32_t units[] = { 16, 256, UINT32_MAX };
        for (size_t k = 0; k < sizeof units / sizeof *units; k++) {
            struct kv_layout layout = kv_layout_new(&model, &cached, units[k], true);
            ck_assert_uint_eq(kv_layout_measured_bytes(&layout, 1630790, 131072), bytes);
        }
        ck_assert_uint_eq(engine_held_tokens(&plain.shape, 16, 131072, bytes), 1630790);
    }
}
END_TEST

/* ---- whole runs ---- */

static struct sim_result result_of(const char *text)
{
    char copy[512];
    const char *list[16] = { NULL };
    size_t count = 0;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *part = strtok(copy, " "); part != NULL; part = strtok(NULL, " "))
        list[count++] = part;
    struct experiment experiment = experiment_of(SMALL, list);
    struct sim_result result;
    struct error err = { 0 };
    if (sim_run(&experiment, NULL, &result, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("refused: %s", text);
    }
    sim_result_free(&result); /* its numbers stay */
    return result;
}

START_TEST(measured_tokens_and_fp8_are_taken_as_they_are_given)
{
    struct sim_result plain = result_of("warmup_turns=0 max_turns=100 engine.batch=1"), eight,
                      measured;
    eight = result_of("warmup_turns=0 max_turns=100 engine.batch=1 engine.kv_dtype=fp8");
    measured = result_of("warmup_turns=0 max_turns=100 engine.hbm_tokens=12345");
    ck_assert_uint_eq(plain.kv_bytes_per_token, 2 * eight.kv_bytes_per_token);
    ck_assert_uint_eq(plain.kv_budget_bytes, eight.kv_budget_bytes);
    ck_assert_uint_eq(measured.kv_budget_bytes, 12345 * plain.kv_bytes_per_token);
    /* Attention of decoding is bound by reading KV. */
    ck_assert_double_lt(eight.metrics.gpu_decode_ns, plain.metrics.gpu_decode_ns);
    /* 13B's weights do not fit a tenth of a GPU of 80 GB; measured, they do. */
    const char *list[] = { "engine.hbm_tokens=12345", "engine.hbm_utilisation=0.1", "gpus=1",
                           "warmup_turns=0", NULL };
    struct experiment experiment = experiment_of(SMALL "max_turns: 10\n", list);
    run_experiment(&experiment);
}
END_TEST

/* 0.85 MB a token (13B): 80 GB beside 26 GB of weights hold about 66,000. */
START_TEST(more_tokens_than_the_gpus_hold_are_refused_with_what_they_hold)
{
    const char *settings_of[2][4] = {
        { "engine.hbm_tokens=60000", "gpus=1", "warmup_turns=0", NULL },
        { "engine.hbm_tokens=100000000000", "gpus=1", "warmup_turns=0", NULL }
    };
    struct sim_result result;
    struct error err = { 0 };
    struct experiment fits = experiment_of(SMALL "max_turns: 10\n", settings_of[0]);
    run_experiment(&fits);
    struct experiment refused = experiment_of(SMALL "max_turns: 10\n", settings_of[1]);
    ck_assert_int_eq(sim_run(&refused, NULL, &result, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "engine.hbm_tokens");
    unsigned long most = 0;
    ck_assert_int_eq(sscanf(err.expected, "at most %lu tokens", &most), 1);
    refused.hbm_tokens = most;
    sim_result_free(&result);
    run_experiment(&refused);
    refused.hbm_tokens = most + 1;
    ck_assert_int_eq(sim_run(&refused, NULL, &result, &err), STATUS_INPUT);
    ck_assert_ptr_nonnull(strstr(err.expected, "engine.weight_format"));
}
END_TEST

static void hear(void *context, const char *sentence)
{
    snprintf(context, 600, "%s", sentence);
}

START_TEST(a_share_of_hbm_beside_measured_tokens_is_said_to_be_ignored)
{
    static const char *const yaml[] = {
        "{policy: lru, engine: {hbm_utilisation: 0.5}}",
        "{policy: trtllm-priority, engine: {hbm_tokens: 1000}}", /* 0.9 is its version's own */
        "{policy: lru, engine: {hbm_tokens: 1000, hbm_utilisation: 0.5}}",
    };
    for (size_t i = 0; i < sizeof yaml / sizeof *yaml; i++) {
        char heard[600] = "";
        const struct experiment_notes notes = { hear, heard };
        struct config_tree *tree = NULL;
        struct experiment experiment;
        struct error err = { 0 };
        ck_assert_int_eq(config_tree_parse(yaml[i], "test", &tree, &err), STATUS_OK);
        ck_assert_int_eq(experiment_from_tree(tree, &notes, &experiment, &err), STATUS_OK);
        config_tree_free(tree);
        ck_assert_int_eq(strstr(heard, "engine.hbm_utilisation 0.5 is ignored") != NULL, i == 2);
    }
}
END_TEST

/* ---- blocks that hold a state ---- */

#define CONFIG(name) TEST_CONFIGS "/" name ".json"

/* Qwen3-Next: 12 layers of 2 KV heads of 256, 36 states of 32 * 128 * 128 and a convolution's. vLLM
 * says 544 of it (vllm#37467), and 672 of Nemotron-Nano-9B-v2. */
START_TEST(a_block_is_the_multiple_of_16_whose_kv_holds_a_state)
{
    struct model next = model_of(CONFIG("qwen3-next-80b-a3b")), plain = model_of("llama-3-8b");
    ck_assert_uint_eq(engine_state_block_tokens(&next, 1, 16), 544);
    ck_assert_uint_eq(engine_state_block_tokens(&next, 2, 16), 544);
    /* Each of 4 ranks has a whole KV head, and a quarter of the states. */
    ck_assert_uint_eq(engine_state_block_tokens(&next, 4, 16), 272);
    ck_assert_uint_eq(engine_state_block_tokens(&next, 2, 0), 0);
    ck_assert_uint_eq(engine_state_block_tokens(&plain, 1, 16), 0);
    for (uint32_t ranks = 1; ranks <= 8; ranks *= 2)
        for (uint32_t multiple = 1; multiple < 300; multiple += 7) {
            uint64_t block = engine_state_block_tokens(&next, ranks, multiple);
            uint64_t token = model_kv_bytes_per_token(&next, ranks) / 12;
            uint64_t state = model_kv_shape(&next, ranks).state_bytes / 36;
            ck_assert_uint_eq(block % multiple, 0);
            ck_assert_uint_ge(block * token, state);
            ck_assert_uint_lt((block - multiple) * token, state);
        }
}
END_TEST

static uint32_t raised(const char *policy, const char *model, const char *more)
{
    char yaml[1024];
    snprintf(yaml, sizeof yaml,
             "model: %s\nhardware: h200\ngpus: 2\npolicy: %s\nwarmup_turns: 0\nmax_turns: 4\n"
             "engine.context_window: 8192\nworkload: {sessions: 2}\n",
             model, policy);
    const char *list[] = { more, NULL };
    struct experiment experiment = experiment_of(yaml, list);
    struct sim_result result;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(&experiment, NULL, &result, &err), STATUS_OK);
    uint32_t tokens = result.raised_block_tokens;
    sim_result_free(&result);
    return tokens;
}

START_TEST(presets_make_blocks_as_long_as_their_engine_where_there_are_states)
{
    const char *next = CONFIG("qwen3-next-80b-a3b");
    static const char same[] = "warmup_turns=0";
    ck_assert_uint_eq(raised("vllm-lru", next, same), 544);
    ck_assert_uint_eq(raised("vllm-offload-lru", next, same), 544);
    ck_assert_uint_eq(raised("vllm-lru", next, "placement.block_tokens=32"), 544);
    ck_assert_uint_eq(raised("vllm-lru", next, "placement.block_tokens=1000"), 0);
    ck_assert_uint_eq(raised("vllm-lru", next, "engine.state_block_multiple=0"), 0);
    ck_assert_uint_eq(raised("sglang-hicache-write_through", next, same), 256);
    ck_assert_uint_eq(raised("vllm-lru", "llama-3-8b", same), 0);
}
END_TEST

/* 24.6 kB a token and 39.5 MB a block. */
START_TEST(the_whole_window_of_a_model_with_states_fits_where_the_engine_runs_it)
{
    const char *yaml = "{hardware: h200, gpus: 2, policy: vllm-lru, max_turns: 4, warmup_turns: 0, "
                       "workload: {sessions: 2}, model: " CONFIG("qwen3-next-80b-a3b") "}";
    struct experiment experiment = experiment_of(yaml, NULL);
    struct sim_result result;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(&experiment, NULL, &result, &err), STATUS_OK);
    double state = 36 * (32.0 * 128 * 128 * 2 + 3 * 8192 * 2);
    ck_assert_double_eq_tol((double)result.kv_bytes_per_token, 12 * 2048 + state / 544, 1.0);
    sim_result_free(&result);
}
END_TEST

/* ---- one copy below HBM ---- */

/* The same prompt of 8 blocks of 512 three times, 30 s apart. */
static char *same_prompt(void)
{
    char text[1024] = "";
    size_t used = 0;
    for (int i = 0; i < 3; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "{\"timestamp\": %d, \"input_length\": 4096, \"output_length\": 2,"
                                 " \"hash_ids\": [1, 2, 3, 4, 5, 6, 7, 8]}\n",
                                 30000 * i);
    return test_temp_file(text);
}

/* Nothing stays in HBM; each turn but the first loads what the first wrote. */
static struct metrics run_copies(const char *model, const char *copies, const char *more)
{
    char yaml[1024], *trace = same_prompt();
    snprintf(
        yaml, sizeof yaml,
        "trace: %s\nmodel: %s\nhardware: h200\ngpus: 8\npolicy: lru\nwarmup_turns: 0\n"
        "engine: {version: none, reuse: always, rank_copies: %s}\n"
        "tiers: {dram: {capacity: 100GB, reserve: 0}, ssd: {capacity: 100GB, write: through}}\n",
        trace, model, copies);
    struct metrics metrics = run_all(yaml, more);
    unlink(trace);
    free(trace);
    return metrics;
}

/* DeepSeek-V2-Lite: 27 layers of 576 values of 2 bytes, alike on 8 ranks. */
START_TEST(what_all_ranks_have_alike_is_kept_and_moved_as_often_as_the_engine_does)
{
    static const struct {
        const char *mode;
        double saved, written, loaded;
    } cases[] = { { "every-rank", 8, 8, 8 },
                  { "one-in-storage", 8, 1, 8 },
                  { "one", 1, 1, 8 },
                  { "one-broadcast", 1, 1, 1 } };
    const double copy = 4096.0 * 27 * 576 * 2;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct metrics metrics = run_copies("deepseek-v2-lite", cases[i].mode, "");
        ck_assert_double_eq(metrics.save_hbm_dram_bytes, cases[i].saved * copy);
        ck_assert_double_eq(metrics.d2h_bytes, cases[i].saved * copy);
        ck_assert_double_eq(metrics.peak_dram_bytes, cases[i].saved * copy);
        ck_assert_double_eq(metrics.ssd_written_bytes, cases[i].written * copy);
        ck_assert_double_eq(metrics.peak_ssd_bytes, cases[i].written * copy);
        ck_assert_double_eq(metrics.load_dram_hbm_bytes, 2 * cases[i].loaded * copy);
        ck_assert_double_eq(metrics.hit_tokens_dram, 2 * 4095); /* the last one is computed */
    }
}
END_TEST

START_TEST(a_tier_holds_as_many_more_tokens_as_it_keeps_fewer_copies)
{
    /* One copy of the prompt is 127 MB; of 8 ranks' copies as much is a block of 8. */
    const char *small = "tiers.dram.capacity=140MB tiers.ssd.capacity=0";
    ck_assert_double_le(run_copies("deepseek-v2-lite", "every-rank", small).hit_tokens_dram,
                        2 * 512);
    ck_assert_double_eq(run_copies("deepseek-v2-lite", "one", small).hit_tokens_dram, 2 * 4095);
    const char *ssd = "tiers.dram.capacity=0 tiers.ssd.capacity=140MB tiers.ssd.write=back";
    ck_assert_double_eq(run_copies("deepseek-v2-lite", "one-in-storage", ssd).hit_tokens_ssd,
                        2 * 4095);
}
END_TEST

/* Llama 3: 8 KV heads on 8 ranks, each its own. */
START_TEST(other_models_have_nothing_alike_to_keep_once)
{
    struct metrics every = run_copies("llama-3-8b", "every-rank", "");
    struct metrics one = run_copies("llama-3-8b", "one-broadcast", "");
    ck_assert_mem_eq(&every, &one, sizeof every);
    struct experiment experiment = settings("engine.rank_copies=one");
    struct model model = model_of("deepseek-v2-lite");
    experiment.gpus = 8;
    struct kv_layout alike = kv_layout_new(&model, &experiment, 64, true);
    ck_assert_uint_eq(8 * alike.tier_bytes[TIER_SSD], alike.tier_bytes[TIER_HBM]);
    model.state_layers = 1; /* beside MLA: engines keep such models as they are */
    model.state_heads = model.state_head_dim = model.state_dim = 8;
    struct kv_layout mixed = kv_layout_new(&model, &experiment, 64, true);
    ck_assert_uint_eq(mixed.tier_bytes[TIER_SSD], mixed.tier_bytes[TIER_HBM]);
}
END_TEST

#define LONE                                                                                       \
    "policy: none\n"                                                                               \
    "warmup_turns: 0\n"                                                                            \
    "hardware: h100\n"                                                                             \
    "gpus: 1\n"                                                                                    \
    "engine.version: none\n"                                                                       \
    "workload: {sessions: 1, multi_turn_share: 0, mean_turns: 1, session_length_cv: 0,"            \
    " prompt_tokens: {mean: 3900, cv: 0}, reply_tokens: {mean: 600, cv: 0}}\n"

/* Each iteration by itself, whatever segments the engine advances by. */
static void decodes_iteration_by_iteration(const char *name)
{
    char model_line[600];
    snprintf(model_line, sizeof model_line, "model=%s", name);
    const char *list[] = { model_line, NULL };
    struct experiment experiment = experiment_of(LONE, list);
    struct model model = model_of(name);
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(hardware_load("h100", &hardware, &err), STATUS_OK);
    struct timing timing = timing_new(&model, &hardware, 1);
    double expected_ns = 0;
    for (uint64_t context = 3901; context < 3901 + 599; context++) {
        uint64_t window = timing_window_context(&timing, context);
        struct decode_time time = timing_decode(&timing, 1, context, window);
        expected_ns += time.base_ns + (double)context * time.per_token_ns +
                       (double)window * time.window_token_ns;
    }
    ck_assert_double_eq_tol(timing_reply_ns(&timing, 3901, 599), expected_ns, 1e-9 * expected_ns);
    struct metrics metrics = run_experiment(&experiment);
    ck_assert_double_eq_tol(metrics.gpu_decode_ns, expected_ns, 5.0);
}

START_TEST(decoding_slows_down_until_the_windows_are_full)
{
    decodes_iteration_by_iteration("gemma-2-9b"); /* full at 4,096 tokens */
    decodes_iteration_by_iteration("gpt-oss-20b");
    decodes_iteration_by_iteration("nemotron-h-8b");
}
END_TEST

START_TEST(decoding_gets_faster_where_a_chunk_begins)
{
    char *path =
        test_temp_file("name: chunks\nsource: made up\nlayers: 32\nhidden: 4096\nheads: 32\n"
                       "kv_heads: 8\nhead_dim: 128\nffn: 14336\nvocabulary: 32000\n"
                       "context_window_tokens: 8192\nwindow_layers: 24\n"
                       "window_tokens: 1024\nwindow: chunked\n");
    decodes_iteration_by_iteration(path);
    unlink(path);
    free(path);
}
END_TEST

START_TEST(a_state_cannot_be_cut_so_what_overflows_invalidates)
{
    const char *state = "model=nemotron-h-8b hardware=h100 gpus=1 engine.context_window=1024 ";
    char cut[256], invalid[256];
    snprintf(cut, sizeof cut, "%sengine.overflow=truncate", state);
    snprintf(invalid, sizeof invalid, "%sengine.overflow=invalidate", state);
    struct metrics a = run_all(SMALL, cut), b = run_all(SMALL, invalid);
    ck_assert_double_gt(a.overflows, 0);
    ck_assert_mem_eq(&a, &b, sizeof a);
}
END_TEST

/* The same turns, with windows kept whole or not: less HBM is taken, and loads move less. */
START_TEST(windows_spare_hbm_and_the_links)
{
    /* No cache in HBM, in which windows are kept whole. */
    const char *oss = "model=gpt-oss-20b hardware=h100 gpus=1 engine.version=none "
                      "engine.context_window=8192 "
                      "workload.sessions_per_s=0.2 engine.reuse=always ";
    char by_layer[256], whole[256];
    snprintf(by_layer, sizeof by_layer, "%sengine.hybrid_kv=true", oss);
    snprintf(whole, sizeof whole, "%sengine.hybrid_kv=false", oss);
    struct metrics a = run_all(SMALL, by_layer), b = run_all(SMALL, whole);
    ck_assert_double_lt(a.peak_hbm_bytes, 0.6 * b.peak_hbm_bytes);
    ck_assert_double_lt(a.h2d_bytes, 0.6 * b.h2d_bytes);
    ck_assert_double_eq(a.wanted_tokens, b.wanted_tokens);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("sim/kv_layout");
    TCase *tests = tcase_create("layout");
    tcase_add_test(tests, where_all_layers_are_alike_a_token_is_a_token);
    tcase_add_test(tests, in_hbm_and_in_loads_a_windowed_layer_takes_its_window);
    tcase_add_test(tests, without_the_hybrid_manager_all_layers_keep_all_tokens);
    tcase_add_test(tests, a_sessions_state_is_stored_once_and_a_prefixs_with_each_block);
    tcase_add_test(tests, of_what_is_found_the_snapshot_is_no_context);
    tcase_add_test(tests, measured_tokens_are_contexts_of_the_whole_window);
    tcase_add_test(tests, measured_tokens_are_the_same_hbm_under_any_policy_and_unit);
    tcase_add_test(tests, more_tokens_than_the_gpus_hold_are_refused_with_what_they_hold);
    tcase_add_test(tests, a_share_of_hbm_beside_measured_tokens_is_said_to_be_ignored);
    tcase_add_test(tests, measured_tokens_and_fp8_are_taken_as_they_are_given);
    tcase_add_test(tests, what_all_ranks_have_alike_is_kept_and_moved_as_often_as_the_engine_does);
    tcase_add_test(tests, a_block_is_the_multiple_of_16_whose_kv_holds_a_state);
    tcase_add_test(tests, presets_make_blocks_as_long_as_their_engine_where_there_are_states);
    tcase_add_test(tests, the_whole_window_of_a_model_with_states_fits_where_the_engine_runs_it);
    tcase_add_test(tests, a_tier_holds_as_many_more_tokens_as_it_keeps_fewer_copies);
    tcase_add_test(tests, other_models_have_nothing_alike_to_keep_once);
    tcase_add_test(tests, decoding_slows_down_until_the_windows_are_full);
    tcase_add_test(tests, decoding_gets_faster_where_a_chunk_begins);
    tcase_add_test(tests, a_state_cannot_be_cut_so_what_overflows_invalidates);
    tcase_add_test(tests, windows_spare_hbm_and_the_links);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
