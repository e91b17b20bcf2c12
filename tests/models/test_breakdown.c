/* tests/models/test_breakdown.c - an iteration taken apart: its rows sum to the simulator's time,
 * attention (what is left of that) is attention's own equation, arithmetic and bytes are the
 * model's, and what binds is what must. */
#include "base/random.h"
#include "models/breakdown.h"
#include "tests/models/cases.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef void check_case(const struct model *model, const struct hardware *hardware, uint32_t ranks,
                        struct random *random);

/* Every shipped model on every kind of timing: fitted on three servers, and the roofline. */
static void for_every_case(check_case *check)
{
    static const char *const servers[] = { "a100-80gb", "h100", "paper-4xa100" };
    struct case_names names = case_names("llm");
    struct random random = random_from(test_seed(), 1);
    for (uint32_t m = 0; m < names.count; m++)
        for (size_t s = 0; s < 4; s++) {
            struct model model = shipped_model(names.name[m]);
            struct hardware hardware = shipped_hardware(servers[s % 3]);
            uint32_t ranks = 1u << random_below(&random, 3);
            if (s == 3)
                hardware.timing[0] = '\0';
            if (model.heads % ranks == 0)
                check(&model, &hardware, ranks, &random);
        }
}

static double total(const struct breakdown *breakdown)
{
    double sum = 0;
    for (uint32_t i = 0; i < breakdown->rows; i++)
        sum += breakdown->row[i].times * breakdown->row[i].ns;
    return sum;
}

static const struct breakdown_row *row_named(const struct breakdown *breakdown, const char *name)
{
    for (uint32_t i = 0; i < breakdown->rows; i++)
        if (strcmp(breakdown->row[i].name, name) == 0)
            return &breakdown->row[i];
    ck_abort_msg("no row %s", name);
    return NULL;
}

static uint64_t any_tokens(struct random *random)
{
    static const uint64_t most[] = { 64, 4096, 8192, 40000 };
    return 1 + random_below(random, most[random_below(random, 4)]);
}

/* Mixtures' tables hold the sum up where fewer tokens would take longer: by up to 3 %. */
static double tolerance_ns(const struct model *model, double iteration_ns)
{
    return model->experts > 0 ? 0.03 * iteration_ns : model->layers + 1e-6 * iteration_ns;
}

static void prefill_is_the_simulators(const struct model *model, const struct hardware *hardware,
                                      uint32_t ranks, struct random *random)
{
    struct timing timing = timing_new(model, hardware, ranks);
    for (int i = 0; i < 3; i++) {
        uint64_t tokens = any_tokens(random), cached = random_below(random, 20000);
        struct breakdown whole = breakdown_prefill(model, hardware, NULL, ranks, tokens, cached);
        struct prefill_time time = timing_prefill(&timing, tokens, cached);
        double expected = (double)timing.layers * (double)time.layer_ns + (double)time.overhead_ns;
        ck_assert_double_eq_tol(total(&whole), expected, 1e-9 * expected);
        ck_assert_double_eq_tol(whole.iteration_ns, expected, 1e-9 * expected);
        ck_assert_double_eq_tol(whole.layer_ns, (double)time.layer_ns, 2);
        if (model->window_layers + model->state_layers > 0 || timing.attention_fitted)
            continue; /* timing.c's own suite has those, attention.c's the fitted ones */
        double fresh = (double)tokens, all = fresh + (double)cached;
        double pairs = fresh * (double)cached + fresh * (fresh + 1) / 2;
        double attention =
            fmax(pairs * timing.full_rates.pair_ns,
                 fresh * timing.full_rates.query_stream_ns + all * timing.full_rates.kv_stream_ns);
        attention = model->layers * (attention + (double)hardware->kernel_launch_ns);
        ck_assert_msg(
            fabs(whole.row[0].times * whole.row[0].ns - attention) < tolerance_ns(model, expected),
            "%s on %u of %s, %" PRIu64 " after %" PRIu64 " tokens: %g, %g", model->name, ranks,
            hardware->name, tokens, cached, whole.row[0].times * whole.row[0].ns, attention);
    }
}

START_TEST(a_prefills_rows_sum_to_the_simulators_time_and_leave_attention_its_own)
{
    for_every_case(prefill_is_the_simulators);
}
END_TEST

static void decode_is_the_simulators(const struct model *model, const struct hardware *hardware,
                                     uint32_t ranks, struct random *random)
{
    struct timing timing = timing_new(model, hardware, ranks);
    for (int i = 0; i < 3; i++) {
        uint32_t batch = (uint32_t)(1 + random_below(random, 300));
        uint64_t context = batch * (1 + random_below(random, 5000));
        struct breakdown whole = breakdown_decode(model, hardware, NULL, ranks, batch, context);
        uint64_t window = batch * timing_window_context(&timing, context / batch);
        struct decode_time time = timing_decode(&timing, batch, context, window);
        double expected = time.base_ns + time.per_token_ns * (double)context +
                          time.window_token_ns * (double)window;
        ck_assert_double_eq_tol(total(&whole), expected, 1e-9 * expected);
        if (model->window_layers + model->state_layers > 0 || timing.attention_fitted)
            continue;
        double attention = batch * timing.full_rates.query_stream_ns +
                           (double)context * timing.full_rates.decode_context_ns +
                           (double)hardware->kernel_launch_ns;
        ck_assert_double_eq_tol(whole.row[0].times * whole.row[0].ns, model->layers * attention,
                                tolerance_ns(model, expected));
    }
}

START_TEST(a_decodes_rows_sum_to_the_simulators_time_and_leave_attention_its_own)
{
    for_every_case(decode_is_the_simulators);
}
END_TEST

/* Of all ranks together: two operations a parameter and token, every parameter read once. */
static void work_is_the_models(const struct model *model, const struct hardware *hardware,
                               uint32_t ranks, struct random *random)
{
    uint32_t batch = (uint32_t)(1 + random_below(random, 300));
    struct breakdown whole = breakdown_decode(model, hardware, NULL, ranks, batch, 0);
    double flop = 0, weights = 0;
    for (uint32_t i = 1; i < whole.rows; i++) { /* the first is attention's and states' */
        flop += whole.row[i].times * whole.row[i].flop;
        weights += whole.row[i].times * whole.row[i].weight_bytes;
    }
    if (model->attention == ATTENTION_LATENT || ranks > model->kv_heads || model->experts > 0)
        return; /* matrices that every rank has, experts that no token touches */
    double embedding =
        (double)model->learned_positions * model->hidden * model->weight_bytes_per_parameter;
    embedding += model->tied_embeddings ? 0
                                        : (double)model->vocabulary * model->hidden *
                                              model->weight_bytes_per_parameter;
    ck_assert_double_eq_tol(ranks * flop / (2.0 * batch * (double)model_active_parameters(model)),
                            1, 1e-9);
    ck_assert_double_eq_tol(
        (ranks * weights + embedding) / (double)model_weight_bytes(model, ranks), 1, 1e-9);
}

START_TEST(arithmetic_and_weights_are_the_models)
{
    for_every_case(work_is_the_models);
}
END_TEST

START_TEST(an_expert_is_read_when_a_token_chooses_it)
{
    struct model model = shipped_model("deepseek-v3");
    struct hardware hardware = shipped_hardware("h200");
    struct breakdown one = breakdown_decode(&model, &hardware, NULL, 8, 1, 0);
    struct breakdown many = breakdown_prefill(&model, &hardware, NULL, 8, 8192, 0);
    double expert = 3.0 * model.hidden * model.expert_ffn / 8 * model.weight_bytes_per_parameter;
    ck_assert_double_eq_tol(row_named(&one, "experts")->weight_bytes / expert,
                            model.experts_per_token, 1e-6);
    ck_assert_double_eq_tol(row_named(&many, "experts")->weight_bytes / expert, model.experts,
                            1e-6);
    ck_assert_double_eq(row_named(&one, "experts")->times, model.layers - model.dense_layers);
    ck_assert_double_eq(row_named(&one, "up")->times, model.dense_layers);
}
END_TEST

START_TEST(weights_bind_decode_arithmetic_binds_prefill_and_starting_binds_what_is_small)
{
    struct model model = shipped_model("llama-3-70b");
    struct hardware hardware = shipped_hardware("h100");
    for (int roofline = 0; roofline < 2; roofline++) {
        struct breakdown decode =
            breakdown_decode(&model, &hardware, NULL, 4, 8, UINT64_C(8) * 4096);
        struct breakdown prefill = breakdown_prefill(&model, &hardware, NULL, 4, 4096, 0);
        ck_assert_int_eq(row_named(&decode, "up")->bound, BOUND_MEMORY);
        ck_assert_int_eq(row_named(&decode, "attention")->bound, BOUND_MEMORY);
        ck_assert_int_eq(row_named(&decode, "sum and norm")->bound, BOUND_LAUNCH);
        ck_assert_int_eq(row_named(&decode, "all-reduce")->bound, BOUND_LAUNCH);
        ck_assert_int_eq(row_named(&decode, "CPU")->bound, BOUND_OVERHEAD);
        ck_assert_int_eq(row_named(&prefill, "up")->bound, BOUND_COMPUTE);
        ck_assert_int_eq(row_named(&prefill, "attention")->bound, BOUND_COMPUTE);
        ck_assert_int_eq(row_named(&prefill, "sum and norm")->bound, BOUND_MEMORY);
        ck_assert_int_eq(row_named(&prefill, "all-reduce")->bound, BOUND_LINK);
        hardware.timing[0] = '\0';
    }
}
END_TEST

static void within_the_peaks(const struct model *model, const struct hardware *hardware,
                             uint32_t ranks, struct random *random)
{
    uint64_t tokens = any_tokens(random);
    struct breakdown whole = breakdown_prefill(model, hardware, NULL, ranks, tokens, 0);
    for (uint32_t i = 0; i < whole.layer_rows; i++) {
        const struct breakdown_row *row = &whole.row[i];
        /* Narrow weights may be multiplied by faster units. */
        double peak = model->weight_bytes_per_parameter < 2
                          ? fmax(hardware->flop_per_s, hardware->fp8_flop_per_s)
                          : hardware->flop_per_s;
        ck_assert_msg(row->flop <= 1.001 * row->ns * peak / 1e9 || (i == 0 && model->experts > 0),
                      "%s, %s", model->name, row->name);
    }
}

START_TEST(no_row_beats_the_datasheets_arithmetic)
{
    for_every_case(within_the_peaks);
}
END_TEST

/* CachedAttention's point: 2,048 tokens load in 192 ms and are computed in 369. */
START_TEST(loading_beats_computing_by_the_rates_of_tokens)
{
    struct model model = shipped_model("llama-65b");
    struct hardware hardware = shipped_hardware("paper-4xa100");
    struct breakdown prefill = breakdown_prefill(&model, &hardware, NULL, 4, 2048, 0);
    struct breakdown_links links = breakdown_links(&prefill, &model, &hardware, 4);
    ck_assert_str_eq(links.link[0].tier, "DRAM");
    ck_assert_double_eq_tol(2048 / links.link[0].tokens_per_s, 0.192, 0.001);
    ck_assert_double_eq_tol(links.link[0].gain, prefill.iteration_ns / 192.3e6, 0.01);
    ck_assert_double_le(links.link[1].bytes_per_s, hardware.ssd_read_bytes_per_s);
    /* Were the link as fast as that, nothing would be won. */
    hardware.h2d_bytes_per_s = hardware.h2d_bytes_per_s_per_gpu = links.even_bytes_per_s;
    ck_assert_double_eq_tol(breakdown_links(&prefill, &model, &hardware, 4).link[0].gain, 1, 1e-9);
}
END_TEST

START_TEST(measured_times_are_not_taken_apart)
{
    struct model model = case_model();
    struct hardware hardware = case_server();
    hardware.measured = (struct measured_timing){
        .shape = { model.layers, model.hidden, model.heads, model.kv_heads, model.head_dim,
                   model.ffn, model.vocabulary },
        .news = 2,
        .cacheds = 2,
        .batches = 1,
        .points = 4,
        .new_tokens = { 1, 100 },
        .cached_tokens = { 0, 100 },
        .batch = { 1 },
        .layer_ns = { { 10, 20 }, { 1000, 2000 } },
        .overhead_ns = { 7, 7 },
        .base_ns = { 500 },
        .per_token_ns = { 2 },
    };
    struct breakdown prefill = breakdown_prefill(&model, &hardware, NULL, 1, 100, 0);
    struct breakdown decode = breakdown_decode(&model, &hardware, NULL, 1, 1, 10);
    ck_assert_uint_eq(prefill.rows, 2);
    ck_assert_double_eq(total(&prefill), model.layers * 1000 + 7);
    ck_assert_double_eq(total(&decode), 520);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("models/breakdown");
    TCase *tests = tcase_create("breakdown");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_prefills_rows_sum_to_the_simulators_time_and_leave_attention_its_own);
    tcase_add_test(tests, a_decodes_rows_sum_to_the_simulators_time_and_leave_attention_its_own);
    tcase_add_test(tests, arithmetic_and_weights_are_the_models);
    tcase_add_test(tests, an_expert_is_read_when_a_token_chooses_it);
    tcase_add_test(tests,
                   weights_bind_decode_arithmetic_binds_prefill_and_starting_binds_what_is_small);
    tcase_add_test(tests, no_row_beats_the_datasheets_arithmetic);
    tcase_add_test(tests, loading_beats_computing_by_the_rates_of_tokens);
    tcase_add_test(tests, measured_times_are_not_taken_apart);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
