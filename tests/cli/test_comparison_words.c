/* tests/cli/test_comparison_words.c - a comparison's sentences on a terminal. */
#include "cli/comparison_words.h"
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *words_of(const struct compared *compared)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    comparison_print_words(out, compared);
    fclose(out);
    return text;
}

/* As wide as a terminal, and no number parted from its sign. */
START_TEST(lines_are_broken_between_words)
{
    struct compared compared = compared_new(1, 1);
    char text[SIM_FINDING_BYTES] = "", *rest = NULL;
    for (int i = 0; i < 60; i++)
        strcat(text, i % 2 == 0 ? "12 % " : "a ");
    compared.run[0].name = "lru";
    compared.run[0].finding[0] = text;
    char *words = words_of(&compared);
    for (char *line = strtok_r(words, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        ck_assert_uint_le(strlen(line), 100);
        ck_assert_int_ne(line[strspn(line, " ")], '%');
    }
    free(words);
    compared_free(&compared);
}
END_TEST

START_TEST(each_kind_of_sentence_is_a_paragraph)
{
    struct compared compared = compared_new(2, 1);
    compared.run[0].name = "lru";
    compared.run[1].name = "fifo";
    compared.run[1].finding[0] = "found";
    char *words = words_of(&compared);
    ck_assert_ptr_nonnull(strstr(words, ".\nfifo: "));
    ck_assert_ptr_nonnull(strstr(words, ".\n\nMean TTFT: all are within 1 %.\nP99 TTFT: "));
    ck_assert_ptr_nonnull(strstr(words, ".\n\nfifo: found\n\n"));
    free(words);
    compared_free(&compared);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("comparison_words");
    TCase *tcase = tcase_create("words");
    tcase_add_test(tcase, lines_are_broken_between_words);
    tcase_add_test(tcase, each_kind_of_sentence_is_a_paragraph);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
