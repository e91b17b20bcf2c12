/* tests/validate/calibrate/test_fit_measured.c - the fitted operators on measurements: what
 * docs/timing.md claims, held. Skipped without $REPRISE_DATA. */
#include "models/models.h"
#include "tests/support.h"
#include "validate/calibrate/fit_operators.h"

#include <stdlib.h>
#include <string.h>

struct measured {
    struct hardware hardware;
    struct profile profile;
    struct gpu_peak peak;
};

/* gpu "h100": operators of the library that Vidur measured, on a server of today. */
static struct measured measured(const char *gpu)
{
    struct measured measured;
    struct error err = { 0 };
    char folder[1024];
    snprintf(folder, sizeof folder, "%s", test_data("measurements"));
    bool h100 = strcmp(gpu, "h100") == 0;
    ck_assert_int_eq(hardware_load(h100 ? "h100" : "a100-80gb", &measured.hardware, &err),
                     STATUS_OK);
    ck_assert_int_eq(operators_load(h100 ? "h100-2024" : "a100-2024", &measured.hardware.operators,
                                    &err),
                     STATUS_OK);
    ck_assert_int_eq(profile_read(folder, gpu, &measured.profile, &err), STATUS_OK);
    ck_assert_uint_eq(measured.profile.models, 3);
    measured.peak = (struct gpu_peak){ .flop = measured.hardware.flop_per_s / 1e9,
                                       .bytes = measured.hardware.hbm_bytes_per_s / 1e9 };
    return measured;
}

/* The bounds asked for: half of all layers within 5 %, 95 in 100 within 15 %. */
static void unseen_models_are_predicted(const char *gpu)
{
    struct measured m = measured(gpu);
    struct operators operators = m.hardware.operators, held_out[PROFILE_MODELS_MAX];
    const uint32_t stride = 12; /* the documented fit takes every second: this is for speed */
    fit_operators(&m.profile, m.peak, (struct fit_choice){ .stride = stride, .without = FIT_NO_MODEL }, &operators,
                  NULL);
    ck_assert_int_eq(fit_hold_out(&m.profile, m.peak, stride, &operators, held_out), 1);
    ck_assert_double_le(operators.record.held_out_median_error, 0.05);
    ck_assert_double_le(operators.record.held_out_p95_error, 0.15);
    for (uint32_t model = 0; model < 3; model++) {
        struct fit_errors layer = fit_layer_errors(&m.profile, m.peak, &held_out[model], model, 0);
        printf("%s, %s unseen: median %.1f %%, P95 %.1f %%\n", gpu, m.profile.model[model],
               100 * layer.median, 100 * layer.p95);
        ck_assert_double_le(layer.median, 0.05);
        ck_assert_double_le(layer.p95, 0.17);
    }
    profile_free(&m.profile);
}

START_TEST(layers_of_a_model_never_seen_are_predicted_on_an_a100)
{
    unseen_models_are_predicted("a100");
}
END_TEST

START_TEST(layers_of_a_model_never_seen_are_predicted_on_an_h100)
{
    unseen_models_are_predicted("h100");
}
END_TEST

/* What a shipped file says of itself is what its coefficients do. */
static void says_its_own_error(const char *gpu)
{
    struct measured m = measured(gpu);
    const struct fit_record *record = &m.hardware.operators.record;
    struct fit_errors layer =
        fit_layer_errors(&m.profile, m.peak, &m.hardware.operators, FIT_NO_MODEL, 0);
    ck_assert_double_eq_tol(layer.median, record->median_error, 1e-9);
    ck_assert_double_eq_tol(layer.p95, record->p95_error, 1e-9);
    ck_assert_uint_eq(m.profile.layers, record->rows);
    profile_free(&m.profile);
}

START_TEST(a_shipped_file_says_its_own_error)
{
    says_its_own_error("a100");
    says_its_own_error("h100");
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("validate/fit_measured");
    TCase *tests = tcase_create("vidur");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, layers_of_a_model_never_seen_are_predicted_on_an_a100);
    tcase_add_test(tests, layers_of_a_model_never_seen_are_predicted_on_an_h100);
    tcase_add_test(tests, a_shipped_file_says_its_own_error);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    if (test_data("measurements") == NULL)
        return TEST_SKIPPED;
    return test_main(suite());
}
