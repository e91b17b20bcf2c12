/* tests/base/test_shown.c - whatever bytes a name has, what is shown of it is one line of plain
 * UTF-8. */
#include "base/random.h"
#include "base/shown.h"
#include "tests/hostile.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

static void becomes(const char *text, const char *wanted)
{
    char *shown = shown_new(text);
    ck_assert_str_eq(shown, wanted);
    ck_assert_int_eq(shown_is_plain(text), strcmp(text, wanted) == 0);
    free(shown);
}

START_TEST(text_stays)
{
    becomes("", "");
    becomes("llama-13b \\ \"x\" <y> 100 %", "llama-13b \\ \"x\" <y> 100 %");
    becomes("é漢😀 של \xc2\xa0", "é漢😀 של \xc2\xa0");
}
END_TEST

START_TEST(what_is_obeyed_is_named)
{
    becomes("a\nb\tc\r", "a\\nb\\tc\\r");
    becomes("\x1b[31m\x7f\b", "\\x1b[31m\\x7f\\x08");
    becomes("\xc2\x9b\xc2\x85", "\\u009b\\u0085");
    becomes("a\xe2\x80\xae"
            "b\xe2\x81\xa9\xe2\x80\xa8",
            "a\\u202eb\\u2069\\u2028");
    becomes("\xf3\xa0\x80\x81\xef\xbb\xbf\xef\xbf\xbe", "\\U000e0001\\ufeff\\ufffe");
}
END_TEST

START_TEST(what_is_no_utf8_is_named_byte_by_byte)
{
    becomes("\xff\xc3(", "\\xff\\xc3(");
    becomes("\xc0\xaf", "\\xc0\\xaf");                   /* "/", overlong */
    becomes("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* a surrogate */
    becomes("\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"); /* above U+10FFFF */
    becomes("\xe2\x82", "\\xe2\\x82");                   /* cut off */
}
END_TEST

START_TEST(a_nul_byte_is_named_too)
{
    char out[16];
    ck_assert_uint_eq(shown_text("a\0b", 3, out, sizeof out), 6);
    ck_assert_str_eq(out, "a\\x00b");
}
END_TEST

START_TEST(what_does_not_fit_is_cut_at_a_character)
{
    char out[8];
    ck_assert_uint_eq(shown_text("abc\ndef", 7, out, 5), 3);
    ck_assert_str_eq(out, "abc");
    ck_assert_uint_eq(shown_text("ab\xc3\xa9", 4, out, 4), 2);
    ck_assert_str_eq(out, "ab");
    ck_assert_uint_eq(shown_text("a", 1, out, 1), 0);
    ck_assert_str_eq(out, "");
}
END_TEST

static void check_plain(const char *text, size_t bytes, uint64_t seed)
{
    char out[SHOWN_ROOM(256)];
    size_t length = shown_text(text, bytes, out, sizeof out);
    ck_assert_msg(shown_is_plain(out) && strlen(out) == length && length >= bytes / 4, "seed %llu",
                  (unsigned long long)seed);
}

START_TEST(hostile_names_become_plain)
{
#define PLAIN(what, text) check_plain(text, strlen(text), 0);
    HOSTILE(PLAIN)
#undef PLAIN
}
END_TEST

START_TEST(any_bytes_become_plain)
{
    uint64_t seed = test_seed();
    struct random random = random_from(seed, 0);
    for (uint32_t i = 0; i < TRIES(4000); i++) {
        char text[256];
        size_t bytes = (size_t)(random_u64(&random) % sizeof text);
        for (size_t at = 0; at < bytes; at++)
            text[at] = (char)random_u64(&random);
        check_plain(text, bytes, seed);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/shown");
    TCase *tests = tcase_create("shown");
    tcase_add_test(tests, text_stays);
    tcase_add_test(tests, what_is_obeyed_is_named);
    tcase_add_test(tests, what_is_no_utf8_is_named_byte_by_byte);
    tcase_add_test(tests, a_nul_byte_is_named_too);
    tcase_add_test(tests, what_does_not_fit_is_cut_at_a_character);
    tcase_add_test(tests, hostile_names_become_plain);
    tcase_add_test(tests, any_bytes_become_plain);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
