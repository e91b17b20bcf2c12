/* tests/traces/test_head.c - what a message says of a file that is no trace: its keys or columns,
 * and never a value, whatever it begins with and wherever it is cut off. */
#include "tests/support.h"
#include "traces/head.h"

#include <stdlib.h>
#include <string.h>

/* Each: how a file begins, and how it is named. "secret" must be in none. */
static const struct {
    const char *text, *described;
} heads[] = {
    { "{\"id\":\"secret\",\"n\":[{\"secret\":1}],\"t\" : 5}\n{\"other\":1}\n",
      "JSON with the keys id, t and 1 other" },
    { "[ {\"a\": \"secret\", \"b\\\\\": 1}, {\"c\": 1}]", "JSON with the keys 2 others" },
    { "{\"id\": \"sec\\\"ret: secret", "JSON with the keys id" },
    { "{\n \"id\": {\"b\": {\"secret\": 1}},\n \"text\": tr", "JSON with the keys id, text" },
    { "{\"tell me the secret\": 1}", "JSON with the keys 1 other" },
    { "{\"secret\": 1, \"id\": 2, \"a secret\": 1}", "JSON with the keys id and 2 others" },
    { "{\"text\": \"he said \"secret\": no\"}", "JSON with the keys text" },
    { "secret,hunter2\n", "text that is neither JSON nor columns with a heading" },
    { "my secret,TIMESTAMP\n", "the columns TIMESTAMP and 1 other" },
    { "{}", "JSON without keys" },
    { "[\"secret\", \"secret\"]", "JSON without keys" },
    { "arrived_at,num_prefill_tokens\n1,secret\n", "the columns arrived_at, num_prefill_tokens" },
    { "Timestamp,Request tokens\r\n", "the columns Timestamp, Request tokens" },
    { "1,2,secret\n", "text that is neither JSON nor columns with a heading" },
    { "Tell me a secret, please\n", "text that is neither JSON nor columns with a heading" },
    { "secret\n", "text that is neither JSON nor columns with a heading" },
    { "\x93\x01secret", "bytes that are no text" },
};

START_TEST(a_head_is_named_without_its_values)
{
    char text[256];
    for (size_t length = strlen(heads[_i].text); length > 0; length--) {
        char *cut = strndup(heads[_i].text, length);
        struct head head = head_of(cut, length);
        head_describe(&head, text, sizeof text);
        if (length == strlen(heads[_i].text))
            ck_assert_str_eq(text, heads[_i].described);
        ck_assert_msg(strstr(text, "secret") == NULL, "%s", text);
        free(cut);
    }
}
END_TEST

START_TEST(a_list_of_names_longer_than_a_message_is_cut)
{
    char text[64], line[1000] = "";
    for (int i = 0; i < 60; i++)
        strcat(line, "output_tokens,");
    strcat(line, "last");
    struct head head = head_of(line, strlen(line));
    head_describe(&head, text, sizeof text);
    ck_assert_uint_eq(strlen(text), sizeof text - 1);
}
END_TEST

START_TEST(a_key_is_the_objects_own)
{
    const char *weka = "{\"id\": \"hash_ids\", \"requests\": [{\"hash_ids\": [1]}], \"models\": 1}";
    ck_assert(json_text_has_key(weka, strlen(weka), "requests"));
    ck_assert(json_text_has_key(weka, strlen(weka), "models"));
    ck_assert(!json_text_has_key(weka, strlen(weka), "hash_ids"));
    ck_assert(!json_text_has_key(weka, strlen(weka), "model"));
    ck_assert(!json_text_has_key("\"a\": 1", 6, "a"));
}
END_TEST

START_TEST(lines_of_a_head_are_given_one_by_one)
{
    const char *line;
    size_t length;
    struct head head = head_of("one\n\r\n \ntwo\n", 12);
    ck_assert_uint_eq(head.line_length, 3);
    ck_assert(head_line(&head, 0, &line, &length) && length == 3 && line[0] == 'o');
    ck_assert(head_line(&head, 1, &line, &length) && length == 3 && line[0] == 't');
    ck_assert(!head_line(&head, 2, &line, &length));
    ck_assert(!head_line(&head, 9, &line, &length));
}
END_TEST

START_TEST(a_word_is_on_the_first_line_or_behind_it)
{
    struct head head = head_of("one two\nthree\n", 14);
    ck_assert(head_line_has(&head, "two") && head_has(&head, "two"));
    ck_assert(!head_line_has(&head, "three") && head_has(&head, "three"));
    ck_assert(!head_line_has(&head, "four") && !head_has(&head, "four"));
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("head");
    TCase *tcase = tcase_create("names");
    tcase_add_loop_test(tcase, a_head_is_named_without_its_values, 0, sizeof heads / sizeof *heads);
    tcase_add_test(tcase, a_list_of_names_longer_than_a_message_is_cut);
    tcase_add_test(tcase, a_key_is_the_objects_own);
    tcase_add_test(tcase, lines_of_a_head_are_given_one_by_one);
    tcase_add_test(tcase, a_word_is_on_the_first_line_or_behind_it);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
