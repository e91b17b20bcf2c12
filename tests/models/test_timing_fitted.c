/* tests/models/test_timing_fitted.c - times from fitted operators: the tables against summing the
 * operators one by one, what any such model must keep, the paper's point, and what the source
 * tells. Against measurements: tests/validate/calibrate/test_fit_measured.c. */
#include "base/random.h"
#include "models/timing_range.h"
#include "models/timing_tables.h"
#include "tests/models/cases.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static double prefill_ns(const struct timing *timing, uint64_t tokens, uint64_t cached)
{
    struct prefill_time time = timing_prefill(timing, tokens, cached);
    return (double)timing->layers * (double)time.layer_ns + (double)time.overhead_ns;
}

/* Every layer by itself, without a table: product by product, kernel by kernel. */
static double slow_layers_ns(const struct model *model, const struct hardware *hardware,
                             uint32_t ranks, struct streams_without without, double tokens)
{
    struct gpu_peak peak = timing_peak(hardware);
    struct matrix matrix[TIMING_MATRICES_MAX];
    struct stream stream[STREAMS_MAX];
    uint32_t matrices = model_matrices(model, ranks, matrix);
    uint32_t streams = model_streams(model, ranks, without, stream);
    double sum = 0;
    bool experts = timing_experts_fitted(&hardware->operators, model);
    if (experts) /* of the layers that have them */
        sum += (model_ffn_layers(model) - model->dense_layers) *
               timing_expert_parts(&hardware->operators, peak, model, ranks, tokens).whole_ns;
    for (uint32_t i = 0; i < matrices; i++)
        for (uint32_t layer = 0; layer < matrix[i].layers; layer++)
            sum += experts && matrix[i].count > 1
                       ? 0
                       : timing_product_ns(&hardware->operators, peak, &matrix[i], model, ranks,
                                           tokens);
    for (uint32_t i = 0; i < streams; i++)
        sum += model->layers * stream[i].share *
               timing_stream_ns(&hardware->operators, peak, &stream[i], tokens);
    return sum;
}

typedef void check_case(const struct model *model, const struct hardware *hardware, uint32_t ranks,
                        struct random *random);

static void for_every_case(check_case *check)
{
    static const char *const servers[] = { "a100-80gb", "h100", "h200" };
    struct case_names names = case_names("llm");
    struct random random = random_from(test_seed(), 1);
    for (uint32_t m = 0; m < names.count; m++)
        for (size_t s = 0; s < sizeof servers / sizeof *servers; s++) {
            struct model model = shipped_model(names.name[m]);
            struct hardware hardware = shipped_hardware(servers[s]);
            uint32_t ranks = 1u << random_below(&random, 3);
            if (model.heads % ranks == 0)
                check(&model, &hardware, ranks, &random);
        }
}

/* At 1 to 64 tokens and at multiples of 64 the table holds the sum itself; between, a line. */
static void table_is_the_sum(const struct model *model, const struct hardware *hardware,
                             uint32_t ranks, struct random *random)
{
    struct timing timing = timing_new(model, hardware, ranks);
    for (int i = 0; i < 12; i++) {
        double tokens = i < 4 ? 1 + (double)random_below(random, 64)
                              : 64 * (1 + (double)random_below(random, i < 8 ? 128 : 24));
        if (i >= 8)
            tokens += 1 + (double)random_below(random, 63);
        double expected = slow_layers_ns(model, hardware, ranks,
                                         timing_streams_without(&timing, hardware, model), tokens);
        double tabled = model->layers * timing_table_ns(&timing.layer_table, tokens);
        double tolerance = i < 8 && model->experts == 0 ? 1e-9 : 0.03;
        ck_assert_msg(fabs(tabled / expected - 1) < tolerance, "%s on %u of %s, %g tokens: %g, %g",
                      model->name, ranks, hardware->name, tokens, tabled, expected);
    }
}

START_TEST(a_table_gives_what_its_operators_sum_to)
{
    for_every_case(table_is_the_sum);
}
END_TEST

/* Attention's last wave of tiles may be fuller with a few tokens more. */
static void never_falls(const struct model *model, const struct hardware *hardware, uint32_t ranks,
                        struct random *random)
{
    struct timing timing = timing_new(model, hardware, ranks);
    double before = 0, base_before = 0;
    for (uint64_t tokens = 1; tokens < 100000; tokens += 1 + tokens / 17) {
        double now = prefill_ns(&timing, tokens, 0);
        ck_assert_double_ge(now, 0.97 * before);
        ck_assert_double_ge(prefill_ns(&timing, tokens, random_below(random, 50000)), 0.97 * now);
        before = now;
    }
    for (uint32_t batch = 1; batch < 2000; batch++) {
        double base_ns = timing_decode(&timing, batch, 0, 0).base_ns;
        ck_assert_double_ge(base_ns, base_before);
        base_before = base_ns;
    }
}

START_TEST(more_work_never_takes_less_time)
{
    for_every_case(never_falls);
}
END_TEST

/* A wave that is nearly full ends, another begins: parts may beat the whole, but by little. Beside
 * a prefill FlashAttention-2 does not split a decoding turn's context: that may take longer than
 * two launches. */
static void parts_and_mixtures(const struct model *model, const struct hardware *hardware,
                               uint32_t ranks, struct random *random)
{
    struct timing timing = timing_new(model, hardware, ranks);
    for (int i = 0; i < 50; i++) {
        uint64_t first = 1 + random_below(random, 4000), second = 1 + random_below(random, 4000);
        uint32_t batch = (uint32_t)(1 + random_below(random, 256));
        uint64_t context = batch * random_below(random, 4000);
        double whole = prefill_ns(&timing, first + second, 0);
        double parts = prefill_ns(&timing, first, 0) + prefill_ns(&timing, second, first);
        ck_assert_double_ge(parts, 0.9 * whole);
        struct decode_time decode = timing_decode(&timing, batch, context, 0);
        double decoding = decode.base_ns + (double)context * decode.per_token_ns;
        struct prefill_time mixed =
            timing_mixed(&timing, &(struct timing_work){ .prefills = first > 0,
                                                         .prefill_new = first,
                                                         .prefill_cached = second,
                                                         .decodes = batch,
                                                         .decode_context = context });
        double both = (double)timing.layers * (double)mixed.layer_ns + (double)mixed.overhead_ns;
        double prefill = prefill_ns(&timing, first, second);
        bool unsplit = timing.attention_fitted && timing.attention.wide.kernel == ATTENTION_FLASH_2;
        if (!unsplit)
            ck_assert_double_le(both, 1.2 * (prefill + decoding));
        ck_assert_double_ge(both + model->layers, fmax(prefill, decoding));
    }
}

START_TEST(parts_cost_no_less_than_the_whole_and_mixing_saves_but_for_a_wave)
{
    for_every_case(parts_and_mixtures);
}
END_TEST

static void within_the_datasheet(const struct model *model, const struct hardware *hardware,
                                 uint32_t ranks, struct random *random)
{
    struct timing timing = timing_new(model, hardware, ranks);
    uint64_t tokens = 1 + random_below(random, 8192);
    double embedding = (double)model->vocabulary * model->hidden;
    double flop = 2 * (double)tokens * ((double)model_active_parameters(model) - embedding);
    ck_assert_double_gt(prefill_ns(&timing, tokens, 0),
                        flop / (ranks * hardware->flop_per_s) * 1e9);
    double read = (double)model_active_parameters(model) * model->weight_bytes_per_parameter;
    ck_assert_double_gt(timing_decode(&timing, 1, 0, 0).base_ns,
                        read / (ranks * hardware->hbm_bytes_per_s) * 1e9);
}

START_TEST(no_time_beats_the_datasheet)
{
    for_every_case(within_the_datasheet);
}
END_TEST

/* What a GPU shows and a roofline does not: 129 rows take two row tiles of 128. */
START_TEST(a_row_more_than_a_tile_costs_a_tile)
{
    struct hardware hardware = shipped_hardware("a100-80gb");
    struct product product = {
        .tokens = 256, .inputs = 8192, .outputs = 8192, .groups = 1, .weight_bytes = 2
    };
    struct gpu_peak peak = timing_peak(&hardware);
    double full = operator_product_ns(&hardware.operators, peak, &product);
    product.tokens = 257;
    double more = operator_product_ns(&hardware.operators, peak, &product);
    product.tokens = 320;
    ck_assert_double_gt(more, 1.15 * full);
    ck_assert_double_lt(operator_product_ns(&hardware.operators, peak, &product), 1.05 * more);
}
END_TEST

START_TEST(the_papers_prefill_of_65b_is_met_within_a_tenth)
{
    struct model model = shipped_model("llama-65b");
    struct hardware hardware = shipped_hardware("paper-4xa100");
    struct timing timing = timing_new(&model, &hardware, 4);
    ck_assert_double_eq_tol(prefill_ns(&timing, 2048, 0) / 1e6, 360, 36);
}
END_TEST

START_TEST(the_source_tells_range_error_and_what_is_outside)
{
    struct hardware hardware = shipped_hardware("h200");
    struct model dense = shipped_model("llama-2-7b"), experts = shipped_model("deepseek-v3");
    struct timing timing = timing_new(&dense, &hardware, 1);
    ck_assert_ptr_nonnull(strstr(timing.source, "1-8192 tokens"));
    ck_assert_ptr_nonnull(strstr(timing.source, "bf16 products of h100 "));
    ck_assert_ptr_nonnull(strstr(timing.source, "attention of h100 "));
    ck_assert_ptr_null(strstr(timing.source, "all-reduce"));
    ck_assert_ptr_null(strstr(timing.source, "outside"));
    ck_assert_uint_eq(timing.fitted_tokens, 8192);
    timing = timing_new(&experts, &hardware, 8);
    ck_assert_ptr_nonnull(strstr(timing.source, "fp8_block products of h100 "));
    ck_assert_ptr_nonnull(strstr(timing.source, "MLA of h100 "));
    ck_assert_ptr_nonnull(strstr(timing.source, "all-reduce of h100-nvlink "));
    ck_assert_ptr_null(strstr(timing.source, "experts"));
    ck_assert_ptr_null(strstr(timing.source, "weights"));
    hardware.attention_file[0] = hardware.allreduce_timing[0] = '\0';
    timing = timing_new(&experts, &hardware, 8);
    ck_assert_ptr_nonnull(strstr(timing.source, "attention by a roofline, not measured"));
    ck_assert_ptr_nonnull(strstr(timing.source, "all-reduce by latency and bandwidth"));
    ck_assert_ptr_nonnull(strstr(timing.source, "outside the fit: shapes of products"));
    hardware.timing[0] = '\0';
    timing = timing_new(&dense, &hardware, 1);
    ck_assert_str_eq(timing.source, "roofline (analytic)");
    ck_assert_uint_eq(timing.fitted_tokens, 0);
}
END_TEST

START_TEST(an_iteration_beyond_the_fitted_tokens_is_extrapolated)
{
    struct model model = shipped_model("llama-2-7b");
    struct hardware hardware = shipped_hardware("h100");
    struct timing timing = timing_new(&model, &hardware, 1);
    char text[TIMING_RANGE_BYTES];
    ck_assert(!timing_is_extrapolated(&timing, 8192, UINT64_C(1) << 40, 0));
    ck_assert(timing_is_extrapolated(&timing, 8193, 0, 0));
    ck_assert(!timing_is_extrapolated(&timing, 8000, 0, 192));
    ck_assert(timing_is_extrapolated(&timing, 8000, 0, 193));
    ck_assert_str_eq(timing_range_text(&timing, text), "8192 tokens");
    hardware.timing[0] = '\0';
    timing = timing_new(&model, &hardware, 1);
    ck_assert(!timing_is_extrapolated(&timing, UINT64_C(1) << 40, 0, 0));
    timing.is_measured = true;
    timing.measured = (struct measured_timing){ .news = 2, .cacheds = 2, .batches = 2 };
    timing.measured.new_tokens[1] = 100;
    timing.measured.cached_tokens[1] = 200;
    timing.measured.batch[1] = 8;
    ck_assert(!timing_is_extrapolated(&timing, 100, 200, 8));
    ck_assert(timing_is_extrapolated(&timing, 101, 0, 0));
    ck_assert(timing_is_extrapolated(&timing, 1, 201, 0));
    ck_assert(!timing_is_extrapolated(&timing, 0, 201, 8));
    ck_assert(timing_is_extrapolated(&timing, 0, 0, 9));
    ck_assert_str_eq(timing_range_text(&timing, text),
                     "100 new and 200 cached tokens and 8 sequences");
}
END_TEST

START_TEST(token_counts_beyond_reason_end_in_a_number)
{
    struct model model = shipped_model("llama-2-7b");
    struct hardware hardware = shipped_hardware("h100");
    struct timing timing = timing_new(&model, &hardware, 1);
    ck_assert_uint_eq(timing_prefill(&timing, UINT64_C(1) << 50, UINT64_C(1) << 50).layer_ns,
                      UINT64_C(1) << 63);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("models/timing_fitted");
    TCase *tests = tcase_create("fitted");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_table_gives_what_its_operators_sum_to);
    tcase_add_test(tests, more_work_never_takes_less_time);
    tcase_add_test(tests, parts_cost_no_less_than_the_whole_and_mixing_saves_but_for_a_wave);
    tcase_add_test(tests, no_time_beats_the_datasheet);
    tcase_add_test(tests, a_row_more_than_a_tile_costs_a_tile);
    tcase_add_test(tests, the_papers_prefill_of_65b_is_met_within_a_tenth);
    tcase_add_test(tests, the_source_tells_range_error_and_what_is_outside);
    tcase_add_test(tests, an_iteration_beyond_the_fitted_tokens_is_extrapolated);
    tcase_add_test(tests, token_counts_beyond_reason_end_in_a_number);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
