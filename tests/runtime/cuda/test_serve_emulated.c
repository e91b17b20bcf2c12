/* tests/runtime/cuda/test_serve_emulated.c - whole turns on the CUDA backend without a GPU: KV that
 * was saved layer by layer behind the computation, went through DRAM and SSD and was loaded layer
 * by layer before it, gives what computing all again gives, however late or early each stream runs.
 */
#include "runtime/calibrate.h"
#include "tests/runtime/cuda/fake_cuda.h"
#include "tests/runtime/serve_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct backend backend_cuda;

static struct serve_case_seen recomputed, reused;

static struct experiment few_turns(const char *policy)
{
    struct experiment experiment = serve_case_short_turns(policy);
    experiment.workload.sessions = 5;
    experiment.workload.mean_turns = 3;
    experiment.workload.reply_tokens_mean = 4;
    experiment.dram_bytes = 60000;
    experiment.read_buffer_layers = 1;
    return experiment;
}

static const unsigned hurries[] = { 0, FAKE_COMPUTE, FAKE_LOAD | FAKE_SAVE };

START_TEST(turns_through_dram_and_ssd_are_those_computed_again)
{
    struct fake_cuda machine = fake_cuda_default();
    struct serve_config config = serve_case_config(&backend_cuda);
    struct experiment again = few_turns("none"), kept = few_turns("lru+on-demand");
    machine.eager = hurries[_i];
    machine.seed = _i == 2 ? (unsigned)test_seed() : 0;
    /* Of a microsecond or two: what is waited for comes late. */
    machine.patience = _i == 2 ? 1 : 1000;
    fake_cuda_is(&machine);
    struct served none = serve_case_run_seen(&again, config, &recomputed);
    struct served run = serve_case_run_seen(&kept, config, &reused);
    ck_assert(none.result.metrics.overflows == 0);
    ck_assert(run.result.metrics.hit_tokens_dram > 0 && run.result.metrics.hit_tokens_ssd > 0);
    ck_assert_uint_eq(recomputed.count, reused.count);
    ck_assert_uint_eq(run.report.checksum_failures + run.report.recomputed_turns, 0);
    double distance = serve_case_furthest(&reused, &recomputed);
    printf("%u turns, %.0f tokens from DRAM and %.0f from SSD: logits within %.1e\n", reused.count,
           run.result.metrics.hit_tokens_dram, run.result.metrics.hit_tokens_ssd, distance);
    ck_assert(distance < 3e-2); /* bf16, as case_tolerance() */
}
END_TEST

/* Several turns at once, in chunks beside others' decoding, whose blocks HBM shares and copies
 * where it must; what HBM gives up is read from DRAM in the background, or written back first. */
START_TEST(turns_of_an_engines_preset_are_those_computed_again)
{
    static const char *const presets[] = { "vllm-offload-lru", "sglang-hicache-write_back" };
    struct fake_cuda machine = fake_cuda_default();
    struct serve_config config = serve_case_config(&backend_cuda);
    char yaml[1024];
    snprintf(
        yaml, sizeof yaml,
        "policy: %s\ngpus: 1\nwarmup_turns: 0\nplacement.block_tokens: 16\nengine.block_tokens: "
        "16\nengine.hbm_tokens: 300\nengine.context_window: 290\nengine.chunk_tokens: 48\n"
        "engine.batch: 3\nengine.partial_blocks: true\ntiers.dram.capacity: 600kB\n"
        "workload: {sessions: 8, sessions_per_s: 400, mean_turns: 2, session_length_cv: 0, "
        "prompt_tokens: {mean: 24, "
        "cv: 0.5}, reply_tokens: {mean: 5, cv: 0.5}, think_time: {mean: 2ms}, seed: 3}\n",
        presets[_i]);
    struct experiment kept = serve_case_yaml(yaml), again = kept;
    machine.eager = hurries[_i + 1];
    fake_cuda_is(&machine);
    experiment_set_policy(&again, "none");
    struct served none = serve_case_run_seen(&again, config, &recomputed);
    struct served run = serve_case_run_seen(&kept, config, &reused);
    const struct metrics *m = &run.result.metrics;
    double distance = serve_case_furthest(&reused, &recomputed);
    printf("%s: %u answers, %.0f tokens from HBM and %.0f from DRAM, %.0f preempted: logits within "
           "%.1e\n",
           presets[_i], reused.count, m->hit_tokens_hbm, m->hit_tokens_dram, m->preemptions,
           distance);
    ck_assert(none.result.metrics.overflows == 0);
    ck_assert(m->hit_tokens_hbm > 0 && m->hit_tokens_dram > 0);
    ck_assert_uint_eq(recomputed.count, reused.count);
    ck_assert(distance < 3e-2); /* bf16, as case_tolerance() */
}
END_TEST

/* Times mean nothing here; that every copy stays within its memory does (the emulation ends the
 * process where one does not), and what is measured. */
START_TEST(a_calibration_copies_slices_of_pages_and_asks_the_disk_for_them)
{
    struct fake_cuda machine = fake_cuda_default();
    struct calibration_config config = { .serve = serve_case_config(&backend_cuda),
                                         .model = { .layers = 3,
                                                    .hidden = 64,
                                                    .heads = 2,
                                                    .kv_heads = 2,
                                                    .head_dim = 32,
                                                    .ffn = 64,
                                                    .gated_ffn = true,
                                                    .vocabulary = 64,
                                                    .kv_bytes_per_value = 2 },
                                         .ssd_bytes = 1 << 20,
                                         .window_tokens = 64,
                                         .batch = 2,
                                         .repeats = 2 };
    struct calibration_samples samples;
    struct error err = { 0 };
    double least[2] = { 1e18, 1e18 }, most[2] = { 0 };
    fake_cuda_is(&machine);
    uint32_t before = fake_cuda_counts().pageable_copies;
    enum status status = calibrate(&config, NULL, NULL, &samples, &err);
    ck_assert_msg(status == STATUS_OK, "%s: %s, %s", err.key, err.expected, err.found);
    /* Nine tensors a layer, and three: the weights; what the product and attention take. */
    ck_assert_uint_eq(fake_cuda_counts().pageable_copies - before, 3 * 9 + 3 + 2);
    for (uint32_t i = 0; i < samples.count; i++) {
        bool copy = strncmp(samples.sample[i].what, "copy_", 5) == 0;
        if (!copy && strncmp(samples.sample[i].what, "ssd_", 4) != 0)
            continue;
        least[copy] = samples.sample[i].x < least[copy] ? samples.sample[i].x : least[copy];
        most[copy] = samples.sample[i].x > most[copy] ? samples.sample[i].x : most[copy];
    }
    /* 16 tokens of 64 values for K and for V make a slice of 4 KiB; the pool has 2 * 64 tokens and
     * 4 pages more. */
    ck_assert_double_eq(least[1], 4096);
    ck_assert_double_eq(most[1], 12 * 3 * 4096);
    ck_assert_double_eq(least[0], 4096);
    ck_assert_double_eq(most[0], 3 * 4096);
    free(samples.sample);
    ck_assert_uint_eq(fake_cuda_counts().pinned_ranges, 0);
}
END_TEST

static void make_files(void)
{
    serve_case_open(&backend_cuda);
}

/* Of the first three, the machine of random haste: how streams come otherwise is emulated in
 * test_backend.c. Under sanitizers, five times as slow, one preset. */
enum { RANDOM_HASTE = sizeof hurries / sizeof *hurries - 1, PRESETS_TO = TRIES(2) };

int main(void)
{
    TCase *tests = tcase_create("serving");
    tcase_set_timeout(tests, 200);
    tcase_add_unchecked_fixture(tests, make_files, serve_case_close);
    tcase_add_loop_test(tests, turns_through_dram_and_ssd_are_those_computed_again, RANDOM_HASTE,
                        sizeof hurries / sizeof *hurries);
    tcase_add_loop_test(tests, turns_of_an_engines_preset_are_those_computed_again, 0, PRESETS_TO);
    tcase_add_test(tests, a_calibration_copies_slices_of_pages_and_asks_the_disk_for_them);
    Suite *suite = suite_create("Serving on the emulated GPU");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
