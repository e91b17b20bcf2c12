/* tests/base/test_config_tree.c - which YAML is taken, and how the rest is refused: each with its
 * line. What a tree holds is asked through config_load, as its users do. */
#include "base/config_entries.h"

#include "base/random.h"
#include "tests/base/config_fixture.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A tree that must parse; to be freed. */
static struct config_tree *parsed(const char *text)
{
    struct config_tree *tree = NULL;
    struct error err = { 0 };
    enum status status = config_tree_parse(text, "t.yaml", &tree, &err);
    ck_assert_msg(status == STATUS_OK, "line %llu: expected %s, found %s",
                  (unsigned long long)err.line, err.expected, err.found);
    return tree;
}

static struct fixture_target loaded(struct config_tree *tree)
{
    struct fixture_target target = { 0 };
    struct error err = { 0 };
    enum status status = config_load(fixture_sections, tree, &target, &err);
    ck_assert_msg(status == STATUS_OK, "%s: expected %s", err.key, err.expected);
    config_tree_free(tree);
    return target;
}

static void check_refused(const char *text, uint64_t line, const char *key, const char *expected)
{
    struct config_tree *tree = NULL;
    struct error err = { 0 };
    ck_assert_int_eq(config_tree_parse(text, "t.yaml", &tree, &err), STATUS_INPUT);
    ck_assert_ptr_null(tree);
    ck_assert_str_eq(err.file, "t.yaml");
    ck_assert_uint_eq(err.line, line);
    ck_assert_str_eq(err.key, key);
    ck_assert_msg(strstr(err.expected, expected) != NULL, "\"%s\" lacks \"%s\"", err.expected,
                  expected);
}

/* ---- a record, a key a line, has a reader of its own ---- */

static enum status parse(const char *text, struct config_tree **tree)
{
    struct error err = { 0 };
    *tree = NULL;
    return config_tree_parse(text, "t.yaml", tree, &err);
}

/* A comment is for libyaml: with one behind it, the same text goes the general way. */
static void compare_with_libyaml(const char *text)
{
    char whole[2048];
    struct config_tree *own, *general;
    const char *newline = *text != '\0' && text[strlen(text) - 1] == '\n' ? "" : "\n";
    ck_assert_int_lt(snprintf(whole, sizeof whole, "%s%s# end\n", text, newline), sizeof whole);
    enum status status = parse(text, &own), expected = parse(whole, &general);
    ck_assert_msg(status == expected, "%d, libyaml %d: %s", status, expected, text);
    if (status != STATUS_OK)
        return;
    ck_assert_uint_eq(own->count, general->count);
    for (uint32_t i = 0; i < own->count; i++) {
        const struct config_entry *a = &own->entry[i], *b = &general->entry[i];
        ck_assert_str_eq(a->key, b->key);
        ck_assert_msg((a->value == NULL) == (b->value == NULL), "%s", text);
        if (a->value != NULL)
            ck_assert_msg(strcmp(a->value, b->value) == 0, "%s: %s, libyaml %s", text, a->value,
                          b->value);
        ck_assert_uint_eq(a->line, b->line);
    }
    config_tree_free(own);
    config_tree_free(general);
}

START_TEST(a_record_is_read_as_libyaml_reads_it)
{
    static const char *const texts[] = {
        "a: 1\n",
        "a.b: -1\nc: \"\"\n",
        "a: \"x: y # z\"\nb: every-rank\n",
        "a: null\n",
        "a: nulls\n",
        "a: \"null\"\n",
        "a: ~\n",
        "a:\n",
        "a: \n",
        "a: 1 \n",
        "a:  1\n",
        "a : 1\n",
        " a: 1\n",
        "a: 1",
        "a: 1\r\nb: 2\n",
        "a: 1\n\nb: 2\n",
        "a: 1\n  b: 2\n",
        "a: 1\n  2\n",
        "a: \"1\n  2\"\n",
        "a: \"\\n\"\n",
        "a: \"\t\"\n",
        "a: 'b'\n",
        "- a\n",
        "a: - b\n",
        "a: -\n",
        "a: -b\n",
        "a: .5\n",
        "---\na: 1\n",
        "a: 1\n---\nb: 1\n",
        "a: 1\n...\n",
        "a: 1 # b\n",
        "a: 1# b\n",
        "a: b: c\n",
        "a: b:c\n",
        "a: *b\n",
        "a: &b c\n",
        "a: !b c\n",
        "a: [1]\n",
        "a: {}\n",
        "a: |\n  b\n",
        "? a\n",
        "a: @b\n",
        "%a: b\n",
        "a: 1\na: 2\n",
        "a: 1e+06\n",
        "a: x/y.z_\n",
        "a: \"b\" \n",
        "a: \"b\"c\n",
        "a: \"b\n",
        "_.: 1\n",
        "a-b: 1\n",
        "1: 1\n",
        "a: 0x1\n",
        "",
        "\n",
        "a\n",
        "a: \"\xc3\xa9\"\n",
        "a: \x7f\n",
        "a: \"\x7f\"\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        compare_with_libyaml(texts[i]);
    char key[200] = { 0 }, text[256];
    for (int length = 90; length < 100; length++) {
        memset(key, 'k', (size_t)length);
        snprintf(text, sizeof text, "%s: 1\n", key);
        compare_with_libyaml(text);
    }
}
END_TEST

/* Lines as they are printed, in which now and then a letter is another. */
START_TEST(any_record_is_read_as_libyaml_reads_it)
{
    static const char *const lines[] = { "tiers.dram.capacity: 64000000000\n",
                                         "model: \"llama-3-8b\"\n",
                                         "a.b_c: 0.25\n",
                                         "engine.version: \"\"\n",
                                         "x: -3\n",
                                         "placement.save: lacking\n",
                                         "y: true\n" };
    static const char letters[] = "ab01 .:-_\"\\#,[]{}&*!|>'%@`~?\n\t\r/+";
    struct random random = random_from(test_seed(), 21);
    for (int round = 0; round < 4000; round++) {
        char text[512] = "";
        uint64_t count = 1 + random_below(&random, 5), changes = random_below(&random, 3);
        for (uint64_t i = 0; i < count; i++)
            strcat(text, lines[random_below(&random, sizeof lines / sizeof *lines)]);
        for (uint64_t i = 0; i < changes; i++)
            text[random_below(&random, strlen(text))] =
                letters[random_below(&random, sizeof letters - 1)];
        compare_with_libyaml(text);
    }
}
END_TEST

START_TEST(nested_mappings_give_dotted_keys)
{
    struct fixture_target target = loaded(parsed("# an experiment\n"
                                                 "model: \"opt: 30b\" # quoted\n"
                                                 "tiers:\n"
                                                 "  dram:\n"
                                                 "    capacity: 128GB\n"
                                                 "    reserve: 0.25\n"
                                                 "  inclusive: no\n"
                                                 "engine: { batch: 8, overflow: invalidate }\n"));
    ck_assert_str_eq(target.model, "opt: 30b");
    ck_assert_uint_eq(target.capacity_bytes, UINT64_C(128000000000));
    ck_assert(target.share == 0.25);
    ck_assert(!target.inclusive);
    ck_assert_uint_eq(target.batch, 8);
    ck_assert_int_eq(target.overflow, 1);
}
END_TEST

START_TEST(dotted_keys_mean_the_same_as_nested_ones)
{
    struct fixture_target target = loaded(parsed("tiers.dram.capacity: 1kB\n"
                                                 "tiers:\n  inclusive: false\n"));
    ck_assert_uint_eq(target.capacity_bytes, 1000);
    ck_assert(!target.inclusive);
}
END_TEST

START_TEST(an_empty_mapping_is_all_defaults)
{
    ck_assert_uint_eq(loaded(parsed("{}")).batch, 24);
    ck_assert_uint_eq(loaded(parsed("---\ntiers: {}\n...\n")).batch, 24);
}
END_TEST

START_TEST(a_quoted_empty_text_is_a_value)
{
    ck_assert_str_eq(loaded(parsed("model: \"\"\n")).model, "");
    ck_assert_str_eq(loaded(parsed("model: 'null'\n")).model, "null");
}
END_TEST

START_TEST(an_empty_file_is_refused)
{
    check_refused("", 0, "", "a mapping");
    check_refused("# all commented out\n", 0, "", "a mapping");
}
END_TEST

START_TEST(a_top_that_is_no_mapping_is_refused)
{
    check_refused("just a text\n", 1, "", "a mapping");
    check_refused("\n- a\n- b\n", 2, "", "a mapping");
}
END_TEST

START_TEST(sequences_are_refused_by_line_and_key)
{
    check_refused("model: m\nengine:\n  batch: [1, 2]\n", 3, "engine.batch", "not a sequence");
    check_refused("engine:\n  - batch: 1\n", 2, "engine", "not a sequence");
}
END_TEST

START_TEST(aliases_are_refused)
{
    check_refused("ttl: &x 1h\nmodel: *x\n", 2, "model", "not an alias");
    check_refused("a: &a\n  b: 1\nc:\n  <<: *a\n", 4, "c.<<", "not an alias");
}
END_TEST

START_TEST(tags_are_refused)
{
    check_refused("model: !!binary aGk=\n", 1, "model", "without a YAML tag");
    check_refused("model: m\nengine: !strange { batch: 1 }\n", 2, "engine", "without a YAML tag");
}
END_TEST

START_TEST(duplicate_keys_are_refused_and_the_first_is_named)
{
    check_refused("model: a\nttl: 1h\nmodel: b\n", 3, "model", "in line 1 already");
    check_refused("tiers:\n  inclusive: yes\ntiers:\n  dram:\n    reserve: 0\n", 3, "tiers",
                  "in line 1 already");
    check_refused("tiers:\n  inclusive: yes\ntiers.inclusive: yes\n", 3, "tiers.inclusive",
                  "in line 2 already");
    check_refused("z: 1\na: 1\na: 2\nz: 2\n", 3, "a", "in line 2 already");
}
END_TEST

START_TEST(a_key_without_a_value_is_refused)
{
    check_refused("ttl: 1h\nmodel:\n", 2, "model", "a value");
    check_refused("model: ~\n", 1, "model", "a value");
    check_refused("model: null\n", 1, "model", "a value");
}
END_TEST

START_TEST(a_second_document_is_refused)
{
    check_refused("model: a\n---\nmodel: b\n", 2, "", "the end of the file");
}
END_TEST

START_TEST(malformed_yaml_is_refused_by_its_line)
{
    check_refused("model: a\nengine: {batch: 1\n", 3, "", "valid YAML");
    check_refused("model: a\n\tttl: 1h\n", 2, "", "valid YAML");
    check_refused("model: \"never closed\n\n\n", 4, "", "valid YAML");
    check_refused("model: a\nttl: b: c\n", 2, "", "valid YAML");
}
END_TEST

START_TEST(keys_that_are_no_short_texts_are_refused)
{
    check_refused("model: m\n? [a, b]\n: 1\n", 2, "", "a key");
    check_refused("model: m\n\"\": 1\n", 2, "", "a key");
    check_refused("model: m\n\"a\\nb\": 1\n", 2, "", "a key");
    check_refused("model: m\n\"a\\0b\": 1\n", 2, "", "a key");
    char text[400] = "engine:\n  ";
    memset(text + strlen(text), 'k', 200);
    strcat(text, ": 1\n");
    struct config_tree *tree = NULL;
    struct error err = { 0 };
    ck_assert_int_eq(config_tree_parse(text, "t.yaml", &tree, &err), STATUS_INPUT);
    ck_assert_uint_eq(err.line, 2);
    ck_assert_ptr_nonnull(strstr(err.expected, "at most 95 bytes"));
}
END_TEST

START_TEST(a_depth_that_no_schema_has_is_refused)
{
    char text[4096] = "";
    for (int i = 0; i < 1000; i++)
        strcat(text, "{a: ");
    check_refused(text, 1,
                  "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
                  "a.a.a.a.a.a.a.a.a.a.a.a",
                  "at most 95 bytes");
}
END_TEST

START_TEST(a_nul_byte_in_a_value_is_refused)
{
    check_refused("ttl: 1h\nmodel: \"a\\0b\"\n", 2, "model", "NUL");
}
END_TEST

/* YAML writes any character in double quotes. */
START_TEST(control_characters_are_refused_by_line_and_key)
{
    check_refused("ttl: 1h\nmodel: \"a\\e[31mb\"\n", 2, "model", "control characters");
    check_refused("ttl: 1h\nmodel: \"a\\u202eb\"\n", 2, "model", "control characters");
    check_refused("ttl: 1h\nmodel: \"a\\N\"\n", 2, "model", "control characters");
    check_refused("ttl: 1h\n\"mo\\adel\": b\n", 2, "", "control characters");
    check_refused("ttl: 1h\n\"mo\\ndel\": b\n", 2, "", "a key");
}
END_TEST

START_TEST(a_text_of_several_lines_is_read_but_is_no_name)
{
    struct config_tree *tree = parsed("model: \"a\\nsystem('x')\"\n");
    struct fixture_target target;
    struct error err = { 0 };
    ck_assert_str_eq(config_tree_value(tree, "model"), "a\nsystem('x')");
    ck_assert_int_eq(config_load(fixture_sections, tree, &target, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "model");
    ck_assert_uint_eq(err.line, 1);
    ck_assert_ptr_nonnull(strstr(err.expected, "in one line"));
    ck_assert_str_eq(err.found, "a\\nsystem('x')");
    config_tree_free(tree);
}
END_TEST

START_TEST(text_that_is_not_utf8_is_refused_by_its_line)
{
    check_refused("ttl: 1h\nmodel: \xFF\xFE\n", 2, "", "valid YAML");
    check_refused("ttl: 1h\n\nmodel: a\xC3\n", 3, "", "valid YAML");
    check_refused("ttl: 1h\nmodel: a\x01\n", 2, "", "valid YAML");
}
END_TEST

/* Reads a file with that content; the status and *err are config_tree_read's. */
static enum status read_file(const char *content, size_t bytes, struct error *err)
{
    char *path = test_temp_file("");
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(content, 1, bytes, file), bytes);
    fclose(file);
    struct config_tree *tree = NULL;
    enum status status = config_tree_read(path, &tree, err);
    ck_assert_int_eq(tree != NULL, status == STATUS_OK);
    if (status != STATUS_OK)
        ck_assert_str_eq(err->file, path);
    config_tree_free(tree);
    unlink(path);
    free(path);
    return status;
}

START_TEST(a_file_is_read)
{
    struct error err = { 0 };
    static const char text[] = "\xEF\xBB\xBFmodel: caf\xC3\xA9\n"; /* with a byte order mark */
    ck_assert_int_eq(read_file(text, sizeof text - 1, &err), STATUS_OK);
}
END_TEST

START_TEST(a_nul_byte_in_a_file_is_refused_by_its_line)
{
    struct error err = { 0 };
    static const char text[] = "model: a\nttl: 1h\0\n";
    ck_assert_int_eq(read_file(text, sizeof text - 1, &err), STATUS_INPUT);
    ck_assert_uint_eq(err.line, 2);
    ck_assert_str_eq(err.found, "a NUL byte");
}
END_TEST

START_TEST(a_file_of_1_mib_is_read_and_a_byte_more_refused)
{
    const size_t limit = 1 << 20;
    char *text = malloc(limit + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, '#', limit + 1);
    memcpy(text, "a: 1\n", 5);
    struct error err = { 0 };
    ck_assert_int_eq(read_file(text, limit, &err), STATUS_OK);
    ck_assert_int_eq(read_file(text, limit + 1, &err), STATUS_INPUT);
    ck_assert_str_eq(err.expected, "a file of at most 1 MiB");
    free(text);
}
END_TEST

START_TEST(a_file_of_nothing_but_keys_is_refused_in_good_time)
{
    /* 1 MiB of distinct keys: anything quadratic would run for minutes. */
    const size_t limit = 1 << 20;
    char *text = malloc(limit + 16);
    ck_assert_ptr_nonnull(text);
    size_t bytes = 0;
    for (uint32_t i = 0; bytes < limit - 16; i++)
        bytes += (size_t)sprintf(text + bytes, "k%x: 1\n", i);
    struct error err = { 0 };
    ck_assert_int_eq(read_file(text, bytes, &err), STATUS_OK);
    bytes += (size_t)sprintf(text + bytes, "k7: 1\n");
    ck_assert_int_eq(read_file(text, bytes, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "k7");
    free(text);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_an_io_error)
{
    struct config_tree *tree = NULL;
    struct error err = { 0 }, folder_err = { 0 };
    ck_assert_int_eq(config_tree_read("/nonexistent/x.yaml", &tree, &err), STATUS_IO);
    ck_assert_str_eq(err.file, "/nonexistent/x.yaml");
    ck_assert_str_eq(err.expected, "open");
    ck_assert_int_eq(config_tree_read("/", &tree, &folder_err), STATUS_IO);
    ck_assert_str_eq(folder_err.expected, "read");
    ck_assert_ptr_null(tree);
}
END_TEST

START_TEST(set_replaces_what_the_file_says_and_adds_what_it_does_not)
{
    struct config_tree *tree = parsed("engine:\n  batch: 8\n");
    struct error err = { 0 };
    ck_assert_int_eq(config_tree_set(tree, "engine.batch=16", &err), STATUS_OK);
    ck_assert_int_eq(config_tree_set(tree, "engine.batch=32", &err), STATUS_OK);
    ck_assert_int_eq(config_tree_set(tree, "tiers.dram.capacity=64 GiB", &err), STATUS_OK);
    ck_assert_int_eq(config_tree_set(tree, "model=a=b: #c", &err), STATUS_OK);
    struct fixture_target target = loaded(tree);
    ck_assert_uint_eq(target.batch, 32);
    ck_assert_uint_eq(target.capacity_bytes, UINT64_C(64) << 30);
    ck_assert_str_eq(target.model, "a=b: #c");
}
END_TEST

START_TEST(set_to_nothing_is_an_empty_text)
{
    struct config_tree *tree = parsed("model: m\n");
    struct error err = { 0 };
    ck_assert_int_eq(config_tree_set(tree, "model=", &err), STATUS_OK);
    ck_assert_str_eq(loaded(tree).model, "");
}
END_TEST

START_TEST(a_malformed_set_is_refused)
{
    static const char *const assignments[] = { "",           "engine.batch",  "=5",
                                               "model=\xFF", "model=\x1b[2K", "model=a\nb" };
    struct config_tree *tree = parsed("{}");
    for (size_t i = 0; i < sizeof assignments / sizeof assignments[0]; i++) {
        struct error err = { 0 };
        ck_assert_int_eq(config_tree_set(tree, assignments[i], &err), STATUS_INPUT);
        ck_assert_str_eq(err.file, "--set");
        ck_assert_ptr_nonnull(strstr(err.expected, "KEY=VALUE"));
    }
    config_tree_free(tree);
}
END_TEST

START_TEST(any_damage_to_a_file_is_taken_or_refused_but_never_crashes)
{
    static const char good[] = "# experiment\nmodel: \"m\\x20n\"\ntiers: {dram: {capacity: 1GB}}\n"
                               "engine:\n  batch: 8\n  overflow: 'truncate'\nttl: |\n  1h\n";
    struct random random = random_from(test_seed(), 0);
    int refused = 0;
    for (int i = 0; i < 20000; i++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (uint64_t edits = 1 + random_below(&random, 4); edits > 0; edits--)
            text[random_below(&random, sizeof good - 1)] =
                random_below(&random, 2) > 0 ? (char)(1 + random_below(&random, 255))
                                             : "{}[]:,&*!|>'\"%@#-? \n"[random_below(&random, 20)];
        struct config_tree *tree = NULL;
        struct error err = { 0 };
        if (config_tree_parse(text, "t.yaml", &tree, &err) != STATUS_OK) {
            refused++;
            ck_assert_ptr_null(tree);
            ck_assert_uint_ne(strlen(err.expected), 0);
            continue;
        }
        struct fixture_target target;
        config_load(fixture_sections, tree, &target, &err);
        config_tree_free(tree);
    }
    ck_assert_int_gt(refused, 1000); /* or the damage was none */
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/config_tree");
    TCase *tcase = tcase_create("config_tree");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_record_is_read_as_libyaml_reads_it);
    tcase_add_test(tcase, any_record_is_read_as_libyaml_reads_it);
    tcase_add_test(tcase, nested_mappings_give_dotted_keys);
    tcase_add_test(tcase, dotted_keys_mean_the_same_as_nested_ones);
    tcase_add_test(tcase, an_empty_mapping_is_all_defaults);
    tcase_add_test(tcase, a_quoted_empty_text_is_a_value);
    tcase_add_test(tcase, an_empty_file_is_refused);
    tcase_add_test(tcase, a_top_that_is_no_mapping_is_refused);
    tcase_add_test(tcase, sequences_are_refused_by_line_and_key);
    tcase_add_test(tcase, aliases_are_refused);
    tcase_add_test(tcase, tags_are_refused);
    tcase_add_test(tcase, duplicate_keys_are_refused_and_the_first_is_named);
    tcase_add_test(tcase, a_key_without_a_value_is_refused);
    tcase_add_test(tcase, a_second_document_is_refused);
    tcase_add_test(tcase, malformed_yaml_is_refused_by_its_line);
    tcase_add_test(tcase, keys_that_are_no_short_texts_are_refused);
    tcase_add_test(tcase, a_depth_that_no_schema_has_is_refused);
    tcase_add_test(tcase, a_nul_byte_in_a_value_is_refused);
    tcase_add_test(tcase, control_characters_are_refused_by_line_and_key);
    tcase_add_test(tcase, a_text_of_several_lines_is_read_but_is_no_name);
    tcase_add_test(tcase, text_that_is_not_utf8_is_refused_by_its_line);
    tcase_add_test(tcase, a_file_is_read);
    tcase_add_test(tcase, a_nul_byte_in_a_file_is_refused_by_its_line);
    tcase_add_test(tcase, a_file_of_1_mib_is_read_and_a_byte_more_refused);
    tcase_add_test(tcase, a_file_of_nothing_but_keys_is_refused_in_good_time);
    tcase_add_test(tcase, a_file_that_cannot_be_read_is_an_io_error);
    tcase_add_test(tcase, set_replaces_what_the_file_says_and_adds_what_it_does_not);
    tcase_add_test(tcase, set_to_nothing_is_an_empty_text);
    tcase_add_test(tcase, a_malformed_set_is_refused);
    tcase_add_test(tcase, any_damage_to_a_file_is_taken_or_refused_but_never_crashes);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
