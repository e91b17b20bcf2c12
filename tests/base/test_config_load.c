/* tests/base/test_config_load.c - a schema's promises: defaults, ranges, and what refusals say. */
#include "base/config_tree.h"

#include "tests/base/config_fixture.h"
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Loads text into *target; returns what error_print() would write, "" for none; to be freed. */
static char *load(const char *text, struct fixture_target *target)
{
    struct config_tree *tree = NULL;
    struct error err = { 0 };
    char *printed = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&printed, &bytes);
    ck_assert_ptr_nonnull(out);
    if (config_tree_parse(text, "t.yaml", &tree, &err) ||
        config_load(fixture_sections, tree, target, &err))
        error_print(out, &err);
    fclose(out);
    config_tree_free(tree);
    return printed;
}

static struct fixture_target loaded(const char *text)
{
    struct fixture_target target = { 0 };
    char *printed = load(text, &target);
    ck_assert_str_eq(printed, "");
    free(printed);
    return target;
}

static void check_refused(const char *text, const char *message)
{
    struct fixture_target target;
    char *printed = load(text, &target);
    ck_assert_str_eq(printed, message);
    free(printed);
}

START_TEST(without_a_tree_every_row_has_its_default)
{
    struct fixture_target target = { .before = 7, .after = 8 };
    struct error err = { 0 };
    ck_assert_int_eq(config_load(fixture_sections, NULL, &target, &err), STATUS_OK);
    ck_assert_str_eq(target.model, "llama-13b");
    ck_assert_uint_eq(target.batch, 24);
    ck_assert_int_eq(target.overflow, 0);
    ck_assert_uint_eq(target.capacity_bytes, UINT64_MAX);
    ck_assert(target.share == 0.1);
    ck_assert(target.inclusive);
    ck_assert_uint_eq(target.ttl_ns, UINT64_C(3600000000000));
    ck_assert(target.inner.rate_per_s == 1);
    ck_assert_uint_eq(target.inner.seed, 1);
    ck_assert_uint_eq(target.before, 7);
    ck_assert_uint_eq(target.after, 8);
}
END_TEST

START_TEST(a_sections_rows_go_below_its_prefix_and_to_its_offset)
{
    struct fixture_target target = loaded("workload:\n  rate: 2.5/s\n  seed: 9\n");
    ck_assert(target.inner.rate_per_s == 2.5);
    ck_assert_uint_eq(target.inner.seed, 9);
}
END_TEST

START_TEST(numbers_are_read_in_their_rows_unit)
{
    struct fixture_target target = loaded("ttl: 250us\ntiers.dram.capacity: 0.5KiB\n");
    ck_assert_uint_eq(target.ttl_ns, 250000);
    ck_assert_uint_eq(target.capacity_bytes, 512);
    ck_assert_uint_eq(loaded("ttl: 1.6\n").ttl_ns, 2); /* rounded */
}
END_TEST

START_TEST(all_64_bits_of_a_whole_number_count)
{
    ck_assert_uint_eq(loaded("workload.seed: 18446744073709551615\n").inner.seed, UINT64_MAX);
    ck_assert_uint_eq(loaded("workload.seed: 9007199254740993\n").inner.seed,
                      UINT64_C(9007199254740993));
}
END_TEST

START_TEST(the_word_of_a_row_is_all_ones)
{
    ck_assert_uint_eq(loaded("tiers.dram.capacity: hardware\n").capacity_bytes, UINT64_MAX);
    ck_assert_uint_eq(loaded("tiers.dram.capacity: 0\n").capacity_bytes, 0);
}
END_TEST

START_TEST(the_word_of_a_number_with_a_fraction_is_infinite)
{
    struct fixture_target target = loaded("workload.rate: boundless\n");
    ck_assert(isinf(target.inner.rate_per_s));
    char *text = config_values_text(fixture_sections, &target);
    ck_assert_ptr_nonnull(strstr(text, "workload.rate: boundless\n")); /* as it is read again */
    free(text);
    ck_assert(loaded("workload.rate: 2/s\n").inner.rate_per_s == 2.0);
}
END_TEST

START_TEST(booleans_have_three_spellings)
{
    static const char *const yes[] = { "true", "yes", "on" }, *const no[] = { "false", "no",
                                                                              "off" };
    for (int i = 0; i < 3; i++) {
        char text[64];
        snprintf(text, sizeof text, "tiers.inclusive: %s\n", yes[i]);
        ck_assert(loaded(text).inclusive);
        snprintf(text, sizeof text, "tiers.inclusive: %s\n", no[i]);
        ck_assert(!loaded(text).inclusive);
    }
}
END_TEST

START_TEST(the_ends_of_a_range_are_in_it)
{
    ck_assert_uint_eq(loaded("engine.batch: 1\n").batch, 1);
    ck_assert_uint_eq(loaded("engine.batch: 4096\n").batch, 4096);
    ck_assert(loaded("tiers.dram.reserve: 0.9\n").share == 0.9);
}
END_TEST

START_TEST(a_value_out_of_range_is_refused_with_the_range)
{
    check_refused("model: m\nengine:\n  batch: 0\n",
                  "reprise: t.yaml:3: engine.batch: expected a whole number from 1 to 4096, found "
                  "\"0\"\n");
    check_refused("tiers:\n  dram:\n    reserve: 0.91\n",
                  "reprise: t.yaml:3: tiers.dram.reserve: expected a number from 0 to 0.9, found "
                  "\"0.91\"\n");
    check_refused("tiers.dram.capacity: -1GB\n",
                  "reprise: t.yaml:1: tiers.dram.capacity: expected a size such as 128GB, 64GiB or "
                  "512kB, from 0 B to 1.00 EB, or the word hardware, found \"-1GB\"\n");
}
END_TEST

START_TEST(a_value_of_the_wrong_type_is_refused_with_the_right_one)
{
    check_refused("engine.batch: 1.5\n", "reprise: t.yaml:1: engine.batch: expected a whole number "
                                         "from 1 to 4096, found \"1.5\"\n");
    check_refused("engine.batch: many\n",
                  "reprise: t.yaml:1: engine.batch: expected a whole number "
                  "from 1 to 4096, found \"many\"\n");
    check_refused("engine.batch: ''\n", "reprise: t.yaml:1: engine.batch: expected a whole number "
                                        "from 1 to 4096, found \"(empty)\"\n");
    check_refused("engine.batch: 5000000000\n",
                  "reprise: t.yaml:1: engine.batch: expected a whole number from 1 to 4096, found "
                  "\"5000000000\"\n");
    check_refused("engine.overflow: drop\n", "reprise: t.yaml:1: engine.overflow: expected one of "
                                             "truncate, invalidate, found \"drop\"\n");
    check_refused("tiers.inclusive: 1\n",
                  "reprise: t.yaml:1: tiers.inclusive: expected true or false, found \"1\"\n");
    check_refused("workload.rate: nan\n",
                  "reprise: t.yaml:1: workload.rate: expected a rate such as 1.0/s or 0.5, from "
                  "0.00100/s to 1.00k/s, or the word boundless, found \"nan\"\n");
}
END_TEST

START_TEST(a_whole_number_beyond_64_bits_is_refused)
{
    static const char *const texts[] = { "18446744073709551616", "1e20", "99999999999999999999999",
                                         "1.8446744073709552e19" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char text[64];
        struct fixture_target target;
        snprintf(text, sizeof text, "workload.seed: %s\n", texts[i]);
        char *printed = load(text, &target);
        ck_assert_ptr_nonnull(strstr(printed, texts[i]));
        free(printed);
    }
}
END_TEST

START_TEST(a_text_longer_than_its_field_is_refused_and_one_that_fits_is_whole)
{
    char text[400] = "model: ";
    memset(text + 7, 'm', CONFIG_TEXT_BYTES - 1);
    ck_assert_uint_eq(strlen(loaded(text).model), CONFIG_TEXT_BYTES - 1);
    strcat(text, "m");
    struct fixture_target target;
    char *printed = load(text, &target);
    ck_assert_ptr_nonnull(strstr(printed, "t.yaml:1: model: expected a text of at most 255 bytes"));
    free(printed);
}
END_TEST

START_TEST(an_unknown_key_is_refused_with_the_nearest_known_one)
{
    check_refused("tiers:\n  dram:\n    capacty: 1GB\n",
                  "reprise: t.yaml:3: tiers.dram.capacty: expected a known key (did you mean "
                  "tiers.dram.capacity?)\n");
    check_refused("modle: m\n", "reprise: t.yaml:1: modle: expected a known key (did you mean "
                                "model?)\n");
    check_refused("workload:\n  sede: 1\n",
                  "reprise: t.yaml:2: workload.sede: expected a known key "
                  "(did you mean workload.seed?)\n");
}
END_TEST

START_TEST(an_unknown_section_is_refused_with_the_nearest_known_one)
{
    check_refused("teirs:\n  dram:\n    capacity: 1GB\n",
                  "reprise: t.yaml:1: teirs: expected a known key (did you mean tiers?)\n");
    check_refused("tiers:\n  dramm:\n    capacity: 1GB\n",
                  "reprise: t.yaml:2: tiers.dramm: expected a known key (did you mean "
                  "tiers.dram?)\n");
    check_refused("quite_another_thing: {}\n",
                  "reprise: t.yaml:1: quite_another_thing: expected a known key\n");
}
END_TEST

START_TEST(a_key_unlike_all_others_gets_no_hint)
{
    check_refused("xyzzy: 1\n", "reprise: t.yaml:1: xyzzy: expected a known key\n");
}
END_TEST

START_TEST(a_mapping_in_a_values_place_is_refused_and_the_reverse)
{
    check_refused(
        "engine:\n  batch:\n    size: 1\n",
        "reprise: t.yaml:2: engine.batch: expected a whole number from 1 to 4096, found \"a "
        "mapping\"\n");
    check_refused("model: m\ntiers: 5GB\n",
                  "reprise: t.yaml:2: tiers: expected a mapping of keys such as "
                  "tiers.dram.capacity, found \"5GB\"\n");
}
END_TEST

/* What a wrong --set makes config_load say. */
static void check_set_refused(const char *assignment, const char *expected, const char *found)
{
    struct config_tree *tree = NULL;
    struct fixture_target target;
    struct error err = { 0 };
    ck_assert_int_eq(config_tree_parse("engine: {batch: 8}", "t.yaml", &tree, &err), STATUS_OK);
    ck_assert_int_eq(config_tree_set(tree, assignment, &err), STATUS_OK);
    ck_assert_int_eq(config_load(fixture_sections, tree, &target, &err), STATUS_INPUT);
    ck_assert_int_eq(strncmp(err.file, "--set ", 6), 0);
    ck_assert_uint_eq(err.line, 0);
    ck_assert_str_eq(err.key, "");
    ck_assert_str_eq(err.expected, expected);
    ck_assert_str_eq(err.found, found);
    config_tree_free(tree);
}

START_TEST(a_wrong_set_is_named_as_the_option_it_was)
{
    check_set_refused("engine.batch=0", "a whole number from 1 to 4096", "0");
    check_set_refused("engine.batsh=4", "a known key (did you mean engine.batch?)", "");
    check_set_refused("engine=4", "a mapping of keys such as engine.batch", "4");
    check_set_refused("engine..batch=4", "a known key (did you mean engine.batch?)", "");
}
END_TEST

static const struct config_row required_rows[] = {
    { .key = "layers", .kind = CONFIG_U32, .offset = 0, .min = 1, .max = 256, .help = "layers" },
    { .key = NULL },
};
static const struct config_section required_sections[] = {
    { .prefix = "", .rows = required_rows, .offset = 0 },
    { .rows = NULL },
};

START_TEST(a_row_without_a_default_must_be_given)
{
    struct config_tree *tree = NULL;
    uint32_t layers = 0;
    struct error err = { 0 }, no_tree = { 0 };
    ck_assert_int_eq(config_tree_parse("{}", "m.yaml", &tree, &err), STATUS_OK);
    ck_assert_int_eq(config_load(required_sections, tree, &layers, &err), STATUS_INPUT);
    ck_assert_str_eq(err.file, "m.yaml");
    ck_assert_str_eq(err.key, "layers");
    ck_assert_str_eq(err.expected, "a whole number from 1 to 256");
    ck_assert_str_eq(err.found, "nothing: it has no default");
    ck_assert_int_eq(config_load(required_sections, NULL, &layers, &no_tree), STATUS_INPUT);
    config_tree_free(tree);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/config_load");
    TCase *tcase = tcase_create("config_load");
    tcase_add_test(tcase, without_a_tree_every_row_has_its_default);
    tcase_add_test(tcase, a_sections_rows_go_below_its_prefix_and_to_its_offset);
    tcase_add_test(tcase, numbers_are_read_in_their_rows_unit);
    tcase_add_test(tcase, all_64_bits_of_a_whole_number_count);
    tcase_add_test(tcase, the_word_of_a_row_is_all_ones);
    tcase_add_test(tcase, the_word_of_a_number_with_a_fraction_is_infinite);
    tcase_add_test(tcase, booleans_have_three_spellings);
    tcase_add_test(tcase, the_ends_of_a_range_are_in_it);
    tcase_add_test(tcase, a_value_out_of_range_is_refused_with_the_range);
    tcase_add_test(tcase, a_value_of_the_wrong_type_is_refused_with_the_right_one);
    tcase_add_test(tcase, a_whole_number_beyond_64_bits_is_refused);
    tcase_add_test(tcase, a_text_longer_than_its_field_is_refused_and_one_that_fits_is_whole);
    tcase_add_test(tcase, an_unknown_key_is_refused_with_the_nearest_known_one);
    tcase_add_test(tcase, an_unknown_section_is_refused_with_the_nearest_known_one);
    tcase_add_test(tcase, a_key_unlike_all_others_gets_no_hint);
    tcase_add_test(tcase, a_mapping_in_a_values_place_is_refused_and_the_reverse);
    tcase_add_test(tcase, a_wrong_set_is_named_as_the_option_it_was);
    tcase_add_test(tcase, a_row_without_a_default_must_be_given);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
