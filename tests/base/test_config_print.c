/* tests/base/test_config_print.c - a run's record reads back to the same run; the reference is
 * whole. */
#include "base/config_tree.h"

#include "base/random.h"
#include "tests/base/config_fixture.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

static char *printed_values(const struct fixture_target *target)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_ptr_nonnull(out);
    config_print_values(out, fixture_sections, target);
    fclose(out);
    return text;
}

static char *printed_rows(bool markdown)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_ptr_nonnull(out);
    config_print_rows(out, fixture_sections, markdown);
    fclose(out);
    return text;
}

static void check_reads_back(const struct fixture_target *target)
{
    char *text = printed_values(target);
    struct config_tree *tree = NULL;
    struct fixture_target read = { 0 };
    struct error err = { 0 };
    bool taken = config_tree_parse(text, "record", &tree, &err) == STATUS_OK &&
                 config_load(fixture_sections, tree, &read, &err) == STATUS_OK;
    ck_assert_msg(taken, "line %llu, %s: expected %s, found \"%s\" in\n%s",
                  (unsigned long long)err.line, err.key, err.expected, err.found, text);
    ck_assert_str_eq(read.model, target->model);
    ck_assert_uint_eq(read.batch, target->batch);
    ck_assert_int_eq(read.overflow, target->overflow);
    ck_assert_uint_eq(read.capacity_bytes, target->capacity_bytes);
    ck_assert(read.share == target->share);
    ck_assert_int_eq(read.inclusive, target->inclusive);
    ck_assert_uint_eq(read.ttl_ns, target->ttl_ns);
    ck_assert(read.inner.rate_per_s == target->inner.rate_per_s);
    ck_assert_uint_eq(read.inner.seed, target->inner.seed);
    config_tree_free(tree);
    free(text);
}

static struct fixture_target defaults(void)
{
    struct fixture_target target = { 0 };
    struct error err = { 0 };
    ck_assert_int_eq(config_load(fixture_sections, NULL, &target, &err), STATUS_OK);
    return target;
}

START_TEST(values_are_printed_one_dotted_key_a_line)
{
    struct fixture_target target = defaults();
    char *text = printed_values(&target);
    ck_assert_str_eq(text, "model: \"llama-13b\"\n"
                           "engine.batch: 24\n"
                           "engine.overflow: truncate\n"
                           "tiers.dram.capacity: hardware\n"
                           "tiers.dram.reserve: 0.1\n"
                           "tiers.inclusive: true\n"
                           "ttl: 3600000000000\n"
                           "workload.rate: 1\n"
                           "workload.seed: 1\n");
    free(text);
}
END_TEST

START_TEST(defaults_read_back)
{
    struct fixture_target target = defaults();
    check_reads_back(&target);
}
END_TEST

START_TEST(any_values_read_back_to_the_last_bit)
{
    struct random random = random_from(test_seed(), 0);
    for (int i = 0; i < 5000; i++) {
        struct fixture_target target = defaults();
        target.batch = 1 + (uint32_t)random_below(&random, 4096);
        target.capacity_bytes = random_below(&random, UINT64_C(1000000000000000000));
        target.ttl_ns = random_below(&random, UINT64_C(1000000000000000000));
        target.share = 0.9 * random_uniform(&random);
        target.inclusive = random_below(&random, 2) > 0;
        target.overflow = (int)random_below(&random, 2);
        target.inner.rate_per_s = 0.001 + 999 * random_uniform(&random);
        target.inner.seed = random_u64(&random);
        check_reads_back(&target);
    }
}
END_TEST

START_TEST(texts_that_yaml_would_misread_read_back)
{
    static const char *const texts[] = { "",    "~",           "null",         "true",       "5",
                                         "- a", "a: b",        "# no",         "\"quoted\"", "'s",
                                         " x ", "*a",          "!tag",         "{",          "%",
                                         "\\n", "caf\xC3\xA9", "\xE2\x82\xAC", "---",        "...",
                                         "@" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct fixture_target target = defaults();
        strcpy(target.model, texts[i]);
        check_reads_back(&target);
    }
    struct fixture_target target = defaults();
    memset(target.model, 'w', CONFIG_TEXT_BYTES - 1); /* longer than a line that would be folded */
    for (int i = 5; i < CONFIG_TEXT_BYTES - 1; i += 5)
        target.model[i] = ' ';
    check_reads_back(&target);
}
END_TEST

START_TEST(the_reference_has_every_row_with_its_range_default_and_help)
{
    char *text = printed_rows(false);
    ck_assert_ptr_nonnull(strstr(text, "engine.batch: turns that decode together\n"
                                       "    a whole number from 1 to 4096; default: 24\n"));
    ck_assert_ptr_nonnull(strstr(text, "workload.seed: of the generator\n"));
    free(text);
}
END_TEST

START_TEST(the_markdown_reference_is_a_table)
{
    char *text = printed_rows(true);
    ck_assert_ptr_nonnull(strstr(text,
                                 "| `engine.batch` | a whole number from 1 to 4096 | 24 | turns "
                                 "that decode together |\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "| truncate \\| invalidate |\n")); /* bars do not end a cell */
    int lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    ck_assert_int_eq(lines, 2 + 9);
    free(text);
}
END_TEST

START_TEST(a_key_is_told_in_words)
{
    static const char *const cases[][2] = {
        { "policy", "policy" },
        { "gpus", "GPUs" },
        { "tiers.dram.capacity", "DRAM capacity" },
        { "workload.sessions_per_s", "sessions per second" },
        { "workload.think_time.mean", "think time mean" },
        { "cluster.network_bytes_per_s", "cluster network bytes per second" },
        { "slo.ttft", "SLO TTFT" },
        { "placement.s3_fifo.small_share", "placement s3 FIFO small share" },
    };
    char name[CONFIG_NAME_BYTES], long_key[300];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(config_key_name(cases[i][0], name), cases[i][1]);
    memset(long_key, 'k', sizeof long_key - 1);
    long_key[sizeof long_key - 1] = '\0';
    ck_assert_uint_eq(strlen(config_key_name(long_key, name)), CONFIG_NAME_BYTES - 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/config_print");
    TCase *tcase = tcase_create("config_print");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, values_are_printed_one_dotted_key_a_line);
    tcase_add_test(tcase, defaults_read_back);
    tcase_add_test(tcase, any_values_read_back_to_the_last_bit);
    tcase_add_test(tcase, texts_that_yaml_would_misread_read_back);
    tcase_add_test(tcase, the_reference_has_every_row_with_its_range_default_and_help);
    tcase_add_test(tcase, the_markdown_reference_is_a_table);
    tcase_add_test(tcase, a_key_is_told_in_words);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
