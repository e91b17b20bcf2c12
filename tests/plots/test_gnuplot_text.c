/* tests/plots/test_gnuplot_text.c - no text gets into a script of gnuplot's but as a string of
 * harmless characters. */
#include "base/random.h"
#include "base/shown.h"
#include "plots/gnuplot_text.h"
#include "tests/hostile.h"
#include "tests/support.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The string's end, or NULL: a slow reading of what gnuplot_text.h promises. */
static const char *end_of_string(const char *at)
{
    if (*at++ != '"')
        return NULL;
    while (*at != '\0' && *at != '"') {
        unsigned char byte = (unsigned char)*at;
        if (byte == '\\') {
            for (int i = 1; i <= 4; i++)
                if (at[i] < '0' || at[i] > '7')
                    return NULL;
            if (at[1] != '0')
                return NULL;
            at += 5;
        } else if (byte >= 0x80 || isalnum(byte) || strchr(" .,:;/()+-_=%[]*", byte) != NULL) {
            at++;
        } else {
            return NULL;
        }
    }
    return *at == '"' ? at + 1 : NULL;
}

static void check_string(const char *text, size_t bytes, size_t room)
{
    char out[GNUPLOT_STRING_ROOM(256)];
    size_t length = gnuplot_string(text, bytes, out, room);
    const char *end = end_of_string(out);
    ck_assert_msg(end != NULL && *end == '\0', "%s", out);
    ck_assert_uint_eq(length, (size_t)(end - out));
    ck_assert_uint_lt(length, room);
    ck_assert(shown_is_plain(out));
}

START_TEST(hostile_names_become_strings)
{
#define STRING(what, text) check_string(text, strlen(text), GNUPLOT_STRING_ROOM(strlen(text)));
    HOSTILE(STRING)
#undef STRING
}
END_TEST

START_TEST(letters_stay_and_the_rest_is_a_number)
{
    char out[128];
    gnuplot_string("llama-13b 4:3", 13, out, sizeof out);
    ck_assert_str_eq(out, "\"llama-13b 4:3\"");
    gnuplot_string("a\"1`\\", 5, out, sizeof out);
    ck_assert_str_eq(out, "\"a\\00421\\0140\\0134\"");
    gnuplot_string("\n\xff", 2, out, sizeof out);
    ck_assert_str_eq(out, "\"\\0134n\\0134xff\"");
}
END_TEST

START_TEST(any_bytes_in_any_room_become_strings)
{
    struct random random = random_from(test_seed(), 0);
    for (uint32_t i = 0; i < TRIES(4000); i++) {
        char text[256];
        size_t bytes = (size_t)(random_u64(&random) % sizeof text);
        size_t room = 3 + (size_t)(random_u64(&random) % (GNUPLOT_STRING_ROOM(bytes) - 2));
        for (size_t at = 0; at < bytes; at++)
            text[at] = (char)random_u64(&random);
        check_string(text, bytes, room);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("plots/gnuplot_text");
    TCase *tests = tcase_create("strings");
    tcase_add_test(tests, hostile_names_become_strings);
    tcase_add_test(tests, letters_stay_and_the_rest_is_a_number);
    tcase_add_test(tests, any_bytes_in_any_room_become_strings);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
