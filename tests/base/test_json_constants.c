/* tests/base/test_json_constants.c - Python's Infinity and NaN become null outside strings, and
 * nothing else changes. */
#include "base/json_constants.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

static void becomes(const char *text, const char *wanted)
{
    size_t length;
    char *plain = json_without_constants(text, strlen(text), &length);
    ck_assert_str_eq(plain, wanted);
    ck_assert_uint_eq(length, strlen(wanted));
    free(plain);
}

START_TEST(constants_become_null_outside_strings)
{
    becomes("{\"a\": Infinity, \"b\": [-Infinity,NaN]}", "{\"a\": null, \"b\": [null,null]}");
    becomes("NaN", "null");
    becomes("[\"NaN\", \"a \\\" Infinity\", \"\\\\\", NaN]",
            "[\"NaN\", \"a \\\" Infinity\", \"\\\\\", null]");
}
END_TEST

START_TEST(what_only_looks_like_one_stays)
{
    becomes("{\"x\": NaNs, \"y\": Infinity1,\n\"z\": 1e5}",
            "{\"x\": NaNs, \"y\": Infinity1,\n\"z\": 1e5}");
    becomes("", "");
    becomes("\"\\", "\"\\");
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/json_constants");
    TCase *tests = tcase_create("constants");
    tcase_add_test(tests, constants_become_null_outside_strings);
    tcase_add_test(tests, what_only_looks_like_one_stays);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
