/* tests/models/test_print.c - what `reprise models show` tells. */
#include "models/hbm.h"
#include "tests/models/cases.h"

#include <stdlib.h>
#include <string.h>

static char *printed(const struct model *model, const struct hardware *hardware, uint32_t ranks)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_ptr_nonnull(out);
    models_print(out, model, hardware, ranks, &engine_memory_plain, NULL);
    fclose(out);
    return text;
}

START_TEST(it_tells_size_budget_times_and_their_source)
{
    struct model model = shipped_model("llama-65b");
    struct hardware hardware = shipped_hardware("paper-4xa100");
    char *text = printed(&model, &hardware, 4);
    static const char *const told[] = {
        "llama-65b", "65.3G", "2.62 MB", "189 GB", "layers of a100-2024", "192 ms", "2048"
    };
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        ck_assert_msg(strstr(text, told[i]) != NULL, "no %s in:\n%s", told[i], text);
    free(text);
}
END_TEST

START_TEST(a_model_that_does_not_fit_is_described_and_the_reason_told)
{
    struct model model = shipped_model("llama-65b");
    struct hardware hardware = shipped_hardware("paper-4xa100");
    char *text = printed(&model, &hardware, 1);
    ck_assert_ptr_nonnull(strstr(text, "2.62 MB"));
    ck_assert_ptr_nonnull(strstr(text, "does not run on 1 of its GPUs"));
    ck_assert_ptr_nonnull(strstr(text, "bytes of weights"));
    ck_assert_ptr_null(strstr(text, "prefill"));
    free(text);
}
END_TEST

START_TEST(windows_and_states_are_told)
{
    struct hardware hardware = shipped_hardware("h100");
    struct model windowed = shipped_model("gpt-oss-20b"), hybrid = shipped_model("nemotron-h-8b");
    char *text = printed(&windowed, &hardware, 1);
    ck_assert_ptr_nonnull(strstr(text, "12 of 24 see 128 tokens"));
    ck_assert_ptr_nonnull(strstr(text, "24.6 kB")); /* 12 * 2 * 8 * 64 * 2 B */
    free(text);
    text = printed(&hybrid, &hardware, 1);
    ck_assert_ptr_nonnull(strstr(text, "state per sequence"));
    ck_assert_ptr_nonnull(strstr(text, "24 of 52"));
    free(text);
}
END_TEST

START_TEST(a_server_without_a_link_is_no_division_by_zero)
{
    struct model model = shipped_model("llama-2-7b");
    struct hardware hardware = shipped_hardware("h100");
    hardware.h2d_bytes_per_s = 0;
    char *text = printed(&model, &hardware, 1);
    ck_assert_ptr_nonnull(strstr(text, "no link"));
    free(text);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("models/print");
    TCase *tests = tcase_create("print");
    tcase_add_test(tests, it_tells_size_budget_times_and_their_source);
    tcase_add_test(tests, a_model_that_does_not_fit_is_described_and_the_reason_told);
    tcase_add_test(tests, windows_and_states_are_told);
    tcase_add_test(tests, a_server_without_a_link_is_no_division_by_zero);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
