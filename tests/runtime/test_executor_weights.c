/* tests/runtime/test_executor_weights.c - weights in HBM that several executors use, and how much
 * of it they and an executor take. */
#include "tests/runtime/cases.h"

#include <stdlib.h>

static struct device *device;
static const struct backend *host;

static void open_host(void)
{
    struct error err = { 0 };
    struct backend_config config = { .hbm_bytes = 64 << 20, .dram_bytes = 1 << 20, .threads = 1 };
    host = backend_at(0);
    ck_assert_int_eq(host->open(&config, &device, &err), STATUS_OK);
}

static void close_host(void)
{
    host->close(device);
}

static struct executor_config config_of(const struct model *model,
                                        const struct executor_weights *loaded)
{
    return (struct executor_config){ .backend = host,
                                     .device = device,
                                     .model = *model,
                                     .page_tokens = CASE_PAGE_TOKENS,
                                     .pages = CASE_PAGES,
                                     .rows = 64,
                                     .contexts = 2,
                                     .seed = CASE_SEED,
                                     .loaded = loaded };
}

static float *logits_of(const struct executor_config *config)
{
    struct runtime_case c = { .backend = host, .device = device, .model = config->model };
    struct error err = { 0 };
    ck_assert_int_eq(executor_new(config, &c.executor, &err), STATUS_OK);
    float *logits = case_run(&c, 0, 0, 0, 0, 40);
    executor_free(c.executor);
    return logits;
}

static struct executor_weights *weights_of(const struct model *model, const struct backend *backend)
{
    struct error err = { 0 };
    struct executor_weights *weights = NULL;
    ck_assert_int_eq(executor_weights_new(backend, device, model, NULL, CASE_SEED, &weights, &err),
                     STATUS_OK);
    return weights;
}

START_TEST(executors_one_after_the_other_compute_on_the_same_weights_what_one_of_its_own_does)
{
    struct model model = case_model(_i);
    struct executor_config own = config_of(&model, NULL);
    float *expected = logits_of(&own);
    struct executor_weights *weights = weights_of(&model, host);
    struct executor_config shared = config_of(&model, weights);
    shared.seed = CASE_SEED + 1; /* of weights that it does not draw */
    for (int i = 0; i < 2; i++) {
        float *found = logits_of(&shared);
        ck_assert_mem_eq(found, expected, model.vocabulary * sizeof *found);
        free(found);
    }
    executor_weights_free(weights);
    free(expected);
}
END_TEST

static uint64_t allocated_bytes;
static enum status allocate_counted(struct device *of, enum tier tier, uint64_t size_bytes,
                                    void **memory, struct error *err)
{
    allocated_bytes += size_bytes;
    return host->allocate(of, tier, size_bytes, memory, err);
}

START_TEST(the_bytes_that_are_told_are_those_that_are_taken)
{
    struct model model = case_model(_i);
    struct backend counted = *host;
    struct error err = { 0 };
    struct executor *executor = NULL;
    counted.allocate = allocate_counted;
    counted.gemm_slack_rows = 5;
    allocated_bytes = 0;
    struct executor_weights *weights = weights_of(&model, &counted);
    uint64_t of_weights = allocated_bytes;
    ck_assert_uint_eq(of_weights, executor_weights_bytes(&counted, &model));
    for (int own = 0; own < 2; own++) {
        struct executor_config config = config_of(&model, own ? NULL : weights);
        config.backend = &counted;
        allocated_bytes = 0;
        ck_assert_int_eq(executor_new(&config, &executor, &err), STATUS_OK);
        ck_assert_uint_eq(allocated_bytes, executor_bytes(&config));
        ck_assert(own ? allocated_bytes > of_weights : allocated_bytes > 0);
        executor_free(executor);
    }
    executor_weights_free(weights);
}
END_TEST

START_TEST(weights_fit_models_of_their_shape_only)
{
    struct model model = case_model(0), renamed = model, wider = model, deeper = model;
    struct executor_weights *weights = weights_of(&model, host);
    snprintf(renamed.name, sizeof renamed.name, "another name");
    wider.ffn += 8;
    deeper.layers++;
    ck_assert(executor_weights_fit(weights, &renamed));
    ck_assert(!executor_weights_fit(weights, &wider));
    ck_assert(!executor_weights_fit(weights, &deeper));
    executor_weights_free(weights);
}
END_TEST

/* All of it comes back: the next run's executor needs it. */
START_TEST(hbm_is_free_again_when_executor_and_weights_are)
{
    struct model model = case_model(0);
    struct error err = { 0 };
    void *all = NULL;
    struct executor_config own = config_of(&model, NULL);
    free(logits_of(&own));
    executor_weights_free(weights_of(&model, host));
    ck_assert_int_eq(host->allocate(device, TIER_HBM, 64 << 20, &all, &err), STATUS_OK);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("weights");
    tcase_add_checked_fixture(tests, open_host, close_host);
    tcase_add_loop_test(
        tests, executors_one_after_the_other_compute_on_the_same_weights_what_one_of_its_own_does,
        0, CASE_MODELS);
    tcase_add_loop_test(tests, the_bytes_that_are_told_are_those_that_are_taken, 0, CASE_MODELS);
    tcase_add_test(tests, weights_fit_models_of_their_shape_only);
    tcase_add_test(tests, hbm_is_free_again_when_executor_and_weights_are);
    Suite *suite = suite_create("executor weights");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
