/* tests/base/test_config_fill.c - one tree's values laid under or over another's. */
#include "tests/base/config_fixture.h"
#include "tests/support.h"

#include <string.h>

static struct config_tree *parse(const char *text, const char *name)
{
    struct config_tree *tree = NULL;
    struct error err = { 0 };
    ck_assert_int_eq(config_tree_parse(text, name, &tree, &err), STATUS_OK);
    return tree;
}

struct losses {
    int count;
    char text[256];
};

static void lose(void *context, const char *key, const char *given, const char *taken)
{
    struct losses *losses = context;
    losses->count++;
    snprintf(losses->text, sizeof losses->text, "%s %s %s", key, given, taken);
}

static const char preset[] = "summary: of no section\nkeys: {engine: {batch: 8}, model: m}\n"
                             "fixed: {engine.batch: 16}\n";

START_TEST(values_of_a_section_fill_what_is_open)
{
    struct config_tree *tree = parse("model: mine\n", "test"), *from = parse(preset, "preset.yaml");
    config_tree_fill(tree, from, "keys.", false, NULL);
    ck_assert_str_eq(config_tree_value(tree, "engine.batch"), "8");
    ck_assert_str_eq(config_tree_value(tree, "model"), "mine");
    ck_assert_ptr_null(config_tree_value(tree, "summary"));
    ck_assert_ptr_null(config_tree_value(tree, "keys.model"));
    config_tree_free(from);
    config_tree_free(tree);
}
END_TEST

START_TEST(laid_over_they_win_and_what_gave_way_is_told)
{
    struct losses losses = { 0 };
    const struct config_lost lost = { lose, &losses };
    struct config_tree *tree = parse("engine: {batch: 4}\n", "test"),
                       *from = parse(preset, "preset.yaml");
    config_tree_fill(tree, from, "fixed.", true, &lost);
    ck_assert_str_eq(config_tree_value(tree, "engine.batch"), "16");
    ck_assert_int_eq(losses.count, 1);
    ck_assert_str_eq(losses.text, "engine.batch 4 16");
    config_tree_fill(tree, from, "fixed.", true, &lost); /* the same already */
    ck_assert_int_eq(losses.count, 1);
    config_tree_free(from);
    config_tree_free(tree);
}
END_TEST

START_TEST(a_wrong_value_is_told_by_the_file_that_it_came_from)
{
    struct error err = { 0 };
    struct fixture_target target;
    struct config_tree *tree = parse("{}", "test"),
                       *from = parse("keys: {engine.batch: many}\n", "preset.yaml");
    config_tree_fill(tree, from, "keys.", false, NULL);
    ck_assert_int_eq(config_load(fixture_sections, tree, &target, &err), STATUS_INPUT);
    ck_assert_str_eq(err.file, "preset.yaml: engine.batch");
    ck_assert_str_eq(err.found, "many");
    config_tree_free(from);
    config_tree_free(tree);
}
END_TEST

static enum status note_name(void *context, const char *name, struct error *err)
{
    char *names = context;
    strcat(strcat(names, name), " ");
    return strcmp(name, "stop") != 0 ? STATUS_OK : error_input(err, NULL, 0, "name", "go", name);
}

START_TEST(sections_are_the_topmost_mappings_in_their_order)
{
    char names[64] = "";
    struct error err = { 0 };
    struct config_tree *tree =
        parse("b: {engine: {batch: 4}}\na.1: {engine.batch: 5}\nempty: {}\n", "test");
    ck_assert_int_eq(config_tree_sections(tree, "a name", note_name, names, &err), STATUS_OK);
    ck_assert_str_eq(names, "b a.1 empty ");
    config_tree_free(tree);
    tree = parse("a: {x: 1}\nengine.batch: 4\n", "test");
    ck_assert_int_eq(config_tree_sections(tree, "a name", note_name, names, &err), STATUS_INPUT);
    ck_assert_uint_eq(err.line, 2);
    ck_assert_str_eq(err.expected, "a name");
    config_tree_free(tree);
    err = (struct error){ 0 };
    tree = parse("stop: {x: 1}\nafter: {x: 1}\n", "test");
    names[0] = '\0';
    ck_assert_int_eq(config_tree_sections(tree, "a name", note_name, names, &err), STATUS_INPUT);
    ck_assert_str_eq(names, "stop ");
    config_tree_free(tree);
}
END_TEST

START_TEST(a_copy_is_the_same_and_its_own)
{
    struct error err = { 0 };
    struct config_tree *tree = parse("engine: {batch: 4}\n", "test");
    struct config_tree *copy = config_tree_copy(tree);
    ck_assert_int_eq(config_tree_set(copy, "engine.batch=5", &err), STATUS_OK);
    ck_assert_str_eq(config_tree_value(tree, "engine.batch"), "4");
    ck_assert_str_eq(config_tree_value(copy, "engine.batch"), "5");
    ck_assert_ptr_null(config_tree_value(copy, "engine"));
    config_tree_free(copy);
    config_tree_free(tree);
}
END_TEST

struct children {
    char names[128];
    const char *refused;
};

static enum status note_child(void *context, const char *name, struct error *err)
{
    struct children *children = context;
    if (children->refused != NULL && strcmp(name, children->refused) == 0)
        return error_input(err, NULL, 0, name, "another", name);
    strncat(children->names, name, sizeof children->names - strlen(children->names) - 2);
    strcat(children->names, " ");
    return STATUS_OK;
}

START_TEST(children_are_told_once_in_the_files_order_and_a_refused_one_with_its_place)
{
    struct config_tree *tree = parse("keys: {z.a: 1, y: 2}\nrows: {b: {k: 1, l: 2}, a.k: 3}\n"
                                     "rowsx: 4\n",
                                     "test.yaml");
    struct children all = { 0 }, rows = { 0 }, refused = { .refused = "a" };
    struct error err = { 0 };
    ck_assert_int_eq(config_tree_children(tree, "", note_child, &all, &err), STATUS_OK);
    ck_assert_str_eq(all.names, "keys rows rowsx ");
    ck_assert_int_eq(config_tree_children(tree, "rows.", note_child, &rows, &err), STATUS_OK);
    ck_assert_str_eq(rows.names, "b a ");
    ck_assert_int_eq(config_tree_children(tree, "rows.", note_child, &refused, &err), STATUS_INPUT);
    ck_assert_str_eq(err.file, "test.yaml");
    ck_assert_uint_eq(err.line, 2);
    config_tree_free(tree);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config_fill");
    TCase *tests = tcase_create("config_fill");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, values_of_a_section_fill_what_is_open);
    tcase_add_test(tests, laid_over_they_win_and_what_gave_way_is_told);
    tcase_add_test(tests, a_wrong_value_is_told_by_the_file_that_it_came_from);
    tcase_add_test(tests, sections_are_the_topmost_mappings_in_their_order);
    tcase_add_test(tests, a_copy_is_the_same_and_its_own);
    tcase_add_test(tests,
                   children_are_told_once_in_the_files_order_and_a_refused_one_with_its_place);
    return test_main(suite);
}
