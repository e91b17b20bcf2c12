/* tests/runtime/test_serve_experts.c - mixtures of experts, and latent attention, served in real
 * time: turns whose KV was kept and moved end as if it had been recomputed. */
#include "base/memory.h"
#include "tests/runtime/serve_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ATTENTION                                                                                  \
    "name: tiny\nsource: made up\nhidden: 64\nheads: 4\nkv_heads: 4\nhead_dim: 16\n"               \
    "vocabulary: 128\ncontext_window_tokens: 1024\nweight_bytes_per_parameter: 4\n"                \
    "kv_bytes_per_value: 4\n"

static const char *const models[] = {
    ATTENTION "layers: 4\nexperts: 8\nexperts_per_token: 2\nexpert_ffn: 48\n",
    ATTENTION "layers: 4\nffn: 128\ndense_layers: 1\nexperts: 12\nexperts_per_token: 3\n"
              "shared_experts: 2\nexpert_ffn: 32\n",
    /* DeepSeek's kind with its attention, of as many bytes a token as the others. */
    ATTENTION "layers: 4\nffn: 128\ndense_layers: 1\nexperts: 12\nexperts_per_token: 3\n"
              "shared_experts: 2\nexpert_ffn: 32\nattention: latent\nlatent_dim: 96\n"
              "rope_dim: 32\nquery_latent_dim: 24\n",
};

static char *model_path;

static void make_files(void)
{
    serve_case_open(backend_find("host"));
}

static void remove_files(void)
{
    serve_case_close();
    if (model_path != NULL)
        unlink(model_path);
    free(model_path);
}

static struct serve_case_seen recomputed, reused; /* too large for a stack */

static struct served served_under(const char *policy, struct serve_case_seen *seen)
{
    struct experiment experiment = serve_case_short_turns(policy);
    snprintf(experiment.model, sizeof experiment.model, "%s", model_path);
    return serve_case_run_seen(&experiment, serve_case_config(backend_find("host")), seen);
}

/* Of the sessions some turn of which ended elsewhere. */
static uint32_t sessions_apart(const struct serve_case_seen *a, const struct serve_case_seen *b)
{
    static struct serve_case_seen left, right;
    uint32_t apart = 0;
    for (uint32_t s = 0; s < SERVE_CASE_SESSIONS; s++) {
        memset(&left, 0, sizeof left);
        memset(&right, 0, sizeof right);
        memcpy(left.logits[s], a->logits[s], sizeof left.logits[s]);
        memcpy(right.logits[s], b->logits[s], sizeof right.logits[s]);
        apart += serve_case_furthest(&left, &right) > 2e-5;
    }
    return apart;
}

/* Which turns share an iteration, and so the order of its sums, is a matter of real time. Of some
 * ten thousand choices of experts one may be so near a tie that rounding makes it, in one run of a
 * hundred or so: its session then goes on otherwise, rightly. KV that is wrong spoils most. */
START_TEST(turns_whose_kv_went_through_dram_and_ssd_end_as_if_it_had_been_recomputed)
{
    model_path = test_temp_file(models[_i]);
    struct served none = served_under("none", &recomputed);
    struct served run = served_under("lru+on-demand", &reused);
    ck_assert(none.result.metrics.overflows == 0);
    ck_assert(run.result.metrics.hit_tokens_dram > 0 && run.result.metrics.hit_tokens_ssd > 0);
    ck_assert_uint_gt(reused.count, 20);
    ck_assert_uint_eq(recomputed.count, reused.count);
    printf("%u turns, %.0f tokens from DRAM and %.0f from SSD: logits within %.1e\n", reused.count,
           run.result.metrics.hit_tokens_dram, run.result.metrics.hit_tokens_ssd,
           serve_case_furthest(&reused, &recomputed));
    ck_assert_uint_le(sessions_apart(&reused, &recomputed), 1);
    ck_assert_uint_eq(run.report.checksum_failures, 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("experts");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, make_files, remove_files);
    tcase_add_loop_test(tests,
                        turns_whose_kv_went_through_dram_and_ssd_end_as_if_it_had_been_recomputed,
                        0, (int)(sizeof models / sizeof *models));
    Suite *suite = suite_create("experts served");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
