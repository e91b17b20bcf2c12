/* tests/runtime/cuda/test_large.c - attention at the sizes of a served model, over a pool larger
 * than 32 bits count: sampled rows against the definition in double precision, and where the GPU is
 * a Hopper both prefill kernels against each other, row by row. On a GPU; emulated, the same at a
 * 64th of the size (rig.h). */
#include "tests/runtime/cuda/large_case.h"
#include "tests/runtime/cuda/reference.h"
#include "tests/runtime/cuda/rig.h"
#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* What is rounded to bf16 on its way: turned queries and keys, which moves a score by some 0.2 % of
 * it; weights; the output. Scores deviate by 2, so that errors of 2e-3 to 6e-3 are met, of a single
 * row up to 1e-2 (emulated, also at 65,536 tokens; on an H200 with scores that deviate by 1: 1e-3
 * to 3e-3, 5e-3). What they must show: of n keys, m that are missing or another's move an output by
 * sqrt(m / n) or more, whatever their weights. A page of 16 among 65,536 tokens: 1.6 %, of all
 * samples of that context; among 8,192 one key: 1.1 %; a tile of 64 among 65,536: 3.1 %. One row
 * alone may have had its own fault: a tile, or a part. */
static const double TOLERANCE = 0.01, ROW_TOLERANCE = 0.02;

#define ALL(seqs, cached, fresh) { { seqs, cached, fresh } }

static const struct large_case cases[] = {
    { "prefill, 8 KV heads", 32, 8, 128, .groups = ALL(1, 0, 8192) },
    { "prefill, 32 KV heads", 32, 32, 128, .groups = ALL(1, 0, 8192) },
    { "turn, 8 KV heads", 32, 8, 128, .groups = ALL(1, 8064, 128) },
    { "turn, 32 KV heads", 32, 32, 128, .groups = ALL(1, 8064, 128) },
    { "long turn, 8 KV heads", 32, 8, 128, .groups = ALL(1, 65408, 128) },
    { "long turn, 32 KV heads", 32, 32, 128, .groups = ALL(1, 65408, 128) },
    { "decode, 8 KV heads", 32, 8, 128, .groups = ALL(64, 4095, 1) },
    { "decode, 32 KV heads", 32, 32, 128, .groups = ALL(16, 4095, 1) },
    { "long decode, 8 KV heads", 32, 8, 128, .groups = ALL(1, 65535, 1) },
    { "long decode, 32 KV heads", 32, 32, 128, .groups = ALL(1, 65535, 1) },
    { "last iteration, 8 KV heads", 32, 8, 128, .groups = ALL(64, 4094, 2) },
    { "last iteration, 32 KV heads", 32, 32, 128, .groups = ALL(1, 65534, 2) },
    { "chunk beside decodes", 32, 8, 128, .groups = { { 16, 4095, 1 }, { 4, 6144, 512 } } },
    { "prefill, heads of 64", 32, 8, 64, .groups = ALL(1, 0, 8192) },
    { "turn, heads of 64", 32, 8, 64, .groups = ALL(1, 8064, 128) },
    { "decode, heads of 64", 32, 8, 64, .groups = ALL(64, 4095, 1) },
    { "turn, heads of 80", 32, 32, 80, .groups = ALL(1, 8064, 128) },
    { "decode, heads of 80", 32, 32, 80, .groups = ALL(16, 4095, 1) },
    { "prefill, fp8", 32, 8, 128, .fp8 = true, .groups = ALL(1, 0, 8192) },
    { "long turn, fp8", 32, 8, 128, .fp8 = true, .groups = ALL(1, 65408, 128) },
    { "decode, fp8", 32, 8, 128, .fp8 = true, .groups = ALL(64, 4095, 1) },
    { "long decode, fp8", 32, 8, 128, .fp8 = true, .groups = ALL(1, 65535, 1) },
    { "long turn, window", 32, 8, 128, .window_tokens = 4096, .groups = ALL(1, 65408, 128) },
    { "prefill, window", 32, 8, 128, .window_tokens = 4096, .groups = ALL(1, 0, 8192) },
    { "long decode, window", 32, 8, 128, .window_tokens = 4096, .groups = ALL(1, 65535, 1) },
};

/* Heads of 128 beside their latents, as in DeepSeek-V2; all of its 128 heads. */
static const struct large_case latent_cases[] = {
    { "latent turn", 128, 128, 128, .groups = ALL(1, 8064, 128) },
    { "latent decode", 128, 128, 128, .groups = ALL(16, 4095, 1) },
    { "latent turn, fp8", 128, 128, 128, .fp8 = true, .groups = ALL(1, 8064, 128) },
    { "latent long decode", 128, 128, 128, .groups = ALL(1, 65535, 1) },
};

static void hold(const struct large_case *c, const char *how, const struct large_result *r)
{
    printf("%-28s %-8s %6u blocks, %6u merged: error %.1e, worst row %.1e\n", c->name, how,
           r->prefills, r->merges, r->error.all, r->error.worst);
    ck_assert_msg(r->error.numbers, "%s, %s: not all of the output are numbers", c->name, how);
    ck_assert_msg(r->stored, "%s, %s: the pool is not what was stored", c->name, how);
    ck_assert_msg(r->ways_agree, "%s, %s: not the same bits twice", c->name, how);
    ck_assert_msg(r->error.all <= TOLERANCE, "%s, %s: error %g", c->name, how, r->error.all);
    ck_assert_msg(r->error.worst <= ROW_TOLERANCE, "%s, %s: error %g of head %u, row %u, token %u",
                  c->name, how, r->error.worst, r->error.of.head, r->error.of.row,
                  r->error.of.position);
}

/* Of every head of every row, one way beside the other. */
static void hold_together(const struct large_case *c, const struct large_result *a,
                          const struct large_result *b)
{
    for (uint64_t first = 0; first < a->count; first += c->head_dim) {
        double difference = 0, size = 0;
        for (uint64_t i = first; i < first + c->head_dim; i++) {
            double x = (double)element_value(ELEMENT_BF16, a->out[i]);
            double y = (double)element_value(ELEMENT_BF16, b->out[i]);
            difference += (x - y) * (x - y);
            size += y * y;
        }
        ck_assert_msg(sqrt(difference / size) <= ROW_TOLERANCE,
                      "%s: the two prefills differ by %g in head %lu", c->name,
                      sqrt(difference / size), (unsigned long)(first / c->head_dim));
    }
}

START_TEST(attention_at_served_sizes_is_the_definition)
{
    struct large_case c = large_scaled(&cases[_i]);
    struct large_batch *batch = large_batch_new(&c);
    struct large_result plain = large_batch_run(batch, false);
    hold(&c, "", &plain);
    if (rig_hopper() && plain.prefills > 0 && c.window_tokens == 0) {
        struct large_result fast = large_batch_run(batch, true);
        hold(&c, "(sm_90a)", &fast);
        hold_together(&c, &fast, &plain);
        free(fast.out);
    }
    free(plain.out);
    large_batch_free(batch);
}
END_TEST

START_TEST(latent_attention_at_served_sizes_is_the_definition)
{
    struct large_case c = large_scaled(&latent_cases[_i]);
    struct large_result result = large_latent_run(&c);
    hold(&c, "", &result);
    free(result.out);
}
END_TEST

int main(void)
{
    if (!rig_open())
        return TEST_SKIPPED;
    TCase *latent = tcase_create("latent");
    tcase_set_timeout(latent, 100);
    tcase_add_loop_test(latent, latent_attention_at_served_sizes_is_the_definition, 0,
                        sizeof latent_cases / sizeof *latent_cases);
    TCase *attention = tcase_create("attention");
    tcase_set_timeout(attention, 100);
    tcase_add_loop_test(attention, attention_at_served_sizes_is_the_definition, 0,
                        sizeof cases / sizeof *cases);
    Suite *suite = suite_create("CUDA attention at served sizes");
    suite_add_tcase(suite, latent);
    suite_add_tcase(suite, attention);
    return test_main(suite);
}
