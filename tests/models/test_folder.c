/* tests/models/test_folder.c - how a name becomes a file. */
#include "tests/models/cases.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(names_are_listed_sorted_and_without_their_extension)
{
    struct case_names names = case_names("hardware");
    ck_assert_uint_ge(names.count, 4);
    for (uint32_t i = 0; i < names.count; i++) {
        ck_assert_ptr_null(strstr(names.name[i], ".yaml"));
        if (i > 0)
            ck_assert_str_lt(names.name[i - 1], names.name[i]);
    }
}
END_TEST

START_TEST(an_unknown_name_is_refused_with_the_known_ones)
{
    struct model model;
    struct error err = { 0 };
    ck_assert_int_eq(model_load("llama-13c", &model, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "model");
    ck_assert_str_eq(err.found, "llama-13c");
    ck_assert_ptr_nonnull(strstr(err.expected, "llama-13b, llama-2-70b"));

    struct hardware hardware;
    struct error hardware_err = { 0 };
    ck_assert_int_eq(hardware_load("b100", &hardware, &hardware_err), STATUS_INPUT);
    ck_assert_str_eq(hardware_err.key, "hardware");
    ck_assert_ptr_nonnull(strstr(hardware_err.expected, "paper-4xa100"));
}
END_TEST

START_TEST(a_name_of_any_length_or_shape_is_refused_not_opened)
{
    static const char *const shapes[] = { "", ".", "..", "%s%n", "llama-13b.yam" };
    struct model model;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct error err = { 0 };
        ck_assert_int_eq(model_load(shapes[i], &model, &err), STATUS_INPUT);
    }
    char name[5000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    struct error err = { 0 };
    ck_assert_int_eq(model_load(name, &model, &err), STATUS_INPUT);
    memcpy(name + sizeof name - 6, ".yaml", 5);
    struct error path_err = { 0 };
    ck_assert_int_eq(model_load(name, &model, &path_err), STATUS_INPUT);
}
END_TEST

/* A stranger's file of a server opens nothing outside the folder that one works in. */
START_TEST(what_a_file_names_does_not_lead_elsewhere)
{
    static const char *const keys[] = { "gpu.timing", "gpu.attention", "allreduce.timing", "prices",
                                        "timing.measured" };
    static const char *const paths[] = { "/etc/passwd", "../../etc/passwd", "..", "a/../../b.yaml",
                                         "./../x.yaml" };
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
            char line[128];
            struct hardware hardware;
            struct error err = { 0 };
            snprintf(line, sizeof line, "%s: %s", keys[k], paths[i]);
            char *path = case_server_file(line);
            ck_assert_int_eq(hardware_load(path, &hardware, &err), STATUS_INPUT);
            ck_assert_str_eq(err.key, keys[k]);
            ck_assert_str_eq(err.file, path);
            ck_assert_str_eq(err.found, paths[i]);
            unlink(path);
            free(path);
        }
    struct error err = { 0 };
    ck_assert_int_eq(models_check_inside(NULL, "k", "a..b/...yaml", &err), STATUS_OK);
}
END_TEST

START_TEST(a_text_with_a_slash_is_a_path)
{
    char *path = case_model_file(NULL);
    struct model model;
    struct error err = { 0 };
    ck_assert_ptr_null(strstr(path, ".yaml"));
    ck_assert_int_eq(model_load(path, &model, &err), STATUS_OK);
    ck_assert_str_eq(model.name, "case");
    unlink(path);
    ck_assert_int_eq(model_load(path, &model, &err), STATUS_IO);
    ck_assert_str_eq(err.file, path);
    free(path);
}
END_TEST

START_TEST(a_text_that_ends_in_yaml_is_a_path)
{
    struct model model;
    struct error err = { 0 };
    ck_assert_int_eq(model_load("not-there.yaml", &model, &err), STATUS_IO);
    ck_assert_str_eq(err.file, "not-there.yaml");
}
END_TEST

START_TEST(the_environments_folder_goes_before_the_builds)
{
    char folder[] = "/tmp/reprise-models-XXXXXX";
    char kind[64], target[80];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(kind, sizeof kind, "%s/llm", folder);
    snprintf(target, sizeof target, "%s/mine.yaml", kind);
    ck_assert_int_eq(mkdir(kind, 0700), 0);
    char *path = case_model_file("name: mine");
    ck_assert_int_eq(rename(path, target), 0);

    ck_assert_int_eq(setenv("REPRISE_MODELS", folder, 1), 0);
    struct case_names names = case_names("llm");
    struct model mine = shipped_model("mine"), model;
    struct error err = { 0 };
    enum status status = model_load("llama-13b", &model, &err);
    ck_assert_int_eq(unsetenv("REPRISE_MODELS"), 0);

    ck_assert_uint_eq(names.count, 1);
    ck_assert_str_eq(mine.name, "mine");
    ck_assert_int_eq(status, STATUS_INPUT);
    ck_assert_str_eq(shipped_model("llama-13b").name, "llama-13b");
    unlink(target);
    rmdir(kind);
    rmdir(folder);
    free(path);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_an_io_error)
{
    struct error err = { 0 }, load_err = { 0 };
    struct model model;
    struct case_names names = { .count = 0 };
    ck_assert_int_eq(setenv("REPRISE_MODELS", "/nowhere/at/all", 1), 0);
    ck_assert_int_eq(models_list("llm", NULL, &names, &err), STATUS_IO);
    ck_assert_int_eq(model_load("llama-13b", &model, &load_err), STATUS_IO);
    ck_assert_int_eq(unsetenv("REPRISE_MODELS"), 0);
    ck_assert_str_eq(err.file, "/nowhere/at/all/llm");
    ck_assert_str_eq(load_err.file, "/nowhere/at/all/llm");
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("models/folder");
    TCase *tests = tcase_create("names");
    tcase_add_test(tests, names_are_listed_sorted_and_without_their_extension);
    tcase_add_test(tests, an_unknown_name_is_refused_with_the_known_ones);
    tcase_add_test(tests, a_name_of_any_length_or_shape_is_refused_not_opened);
    tcase_add_test(tests, what_a_file_names_does_not_lead_elsewhere);
    tcase_add_test(tests, a_text_with_a_slash_is_a_path);
    tcase_add_test(tests, a_text_that_ends_in_yaml_is_a_path);
    tcase_add_test(tests, the_environments_folder_goes_before_the_builds);
    tcase_add_test(tests, a_folder_that_is_not_there_is_an_io_error);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
