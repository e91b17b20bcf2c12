/* sweep/lessons/lesson_words.c - numbers in a lesson's words.
 *
 *   {NUMBER RUN}                    its value: "1.25 s", "84.80 %", "50,687"
 *   {NUMBER RUN minus NUMBER RUN}   their difference: "0.3 s", "12.5 points"
 *   {NUMBER RUN over NUMBER RUN}    how many times the second: "4.6"
 *   {NUMBER RUN per NUMBER RUN}     the first by the second, a count: "6,104"
 *   {NUMBER RUN of NUMBER RUN}      which share of the second: "7.3 %"
 *   {NUMBER RUN below NUMBER RUN}   how far below the second: "78 %"
 *   {command RUN}                   what runs it by hand
 *
 * NUMBER is a metric, or a fact of lesson_facts.c. RUN is LINE@VALUE, as the file writes both, or
 * the name of an other run. It may also be turn.NAME, a panel of the turn that is shown: then
 * NUMBER is a quantity of that turn (lesson_turn.c). */
#include "base/memory.h"
#include "sweep/lessons/lesson_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WORD_BYTES 96

enum status lesson_expression(const struct lesson *lesson, const char *key, const char *text,
                              struct lesson_expression *expression, struct error *err)
{
    char word[6][WORD_BYTES] = { "" };
    int words = sscanf(text, "%95s %95s %95s %95s %95s %95s", word[0], word[1], word[2], word[3],
                       word[4], word[5]);
    if (words != 2 && words != 5)
        return error_input(err, lesson->path, 0, key,
                           "NUMBER RUN, or two of them with a word between", text);
    snprintf(expression->run[0], sizeof expression->run[0], "%s", word[1]);
    snprintf(expression->run[1], sizeof expression->run[1], "%s", words == 5 ? word[4] : "");
    snprintf(expression->word, sizeof expression->word, "%.15s", words == 5 ? word[2] : "");
    if (lesson_number(lesson, key, word[0], word[1], &expression->a, err) != STATUS_OK ||
        words == 2)
        return err->status;
    return lesson_number(lesson, key, word[3], word[4], &expression->b, err);
}

/* Two digits are enough of what is said in passing. */
static void show_number(double value, char *out, size_t out_bytes)
{
    if (isfinite(value))
        snprintf(out, out_bytes, "%.*f", fabs(value) < 9.95 ? 1 : 0, value);
    else /* a share of nothing */
        snprintf(out, out_bytes, "-");
}

static void show_difference(const struct lesson_expression *e, char *out, size_t out_bytes)
{
    lesson_number_show(&e->a, e->a.value - e->b.value, out, out_bytes);
    char *percent = strstr(out, " %");
    if (percent != NULL)
        snprintf(percent, out_bytes - (size_t)(percent - out), " points");
}

/* The share in percent, or how far it is below the whole. */
static void show_percent(double percent, char *out, size_t out_bytes)
{
    char number[32];
    show_number(percent, number, sizeof number);
    snprintf(out, out_bytes, "%s %%", number);
}

static enum status show(const struct lesson *lesson, const char *key, const char *text, char *out,
                        size_t out_bytes, struct error *err)
{
    struct lesson_expression e = { 0 };
    if (lesson_expression(lesson, key, text, &e, err) != STATUS_OK)
        return err->status;
    double times = e.a.value / e.b.value;
    if (*e.word == '\0')
        lesson_number_show(&e.a, e.a.value, out, out_bytes);
    else if (strcmp(e.word, "minus") == 0)
        show_difference(&e, out, out_bytes);
    else if (strcmp(e.word, "over") == 0)
        show_number(times, out, out_bytes);
    else if (strcmp(e.word, "per") == 0)
        units_grouped(times, out, out_bytes);
    else if (strcmp(e.word, "of") == 0)
        show_percent(100.0 * times, out, out_bytes);
    else if (strcmp(e.word, "below") == 0)
        show_percent(100.0 * (1.0 - times), out, out_bytes);
    else
        return error_input(err, lesson->path, 0, key, "minus, over, per, of or below", e.word);
    return STATUS_OK;
}

/* What stands between { and }. */
static enum status put_inside(FILE *out, const struct lesson *lesson, const char *key,
                              const char *text, struct error *err)
{
    static const char command[] = "command ";
    char shown[64];
    if (strncmp(text, command, strlen(command)) == 0)
        return lesson_put_command(out, lesson, key, text + strlen(command), err);
    if (show(lesson, key, text, shown, sizeof shown, err) != STATUS_OK)
        return err->status;
    fputs(shown, out);
    return STATUS_OK;
}

static enum status put_filled(FILE *out, const struct lesson *lesson, const char *key,
                              const char *words, struct error *err)
{
    enum status status = STATUS_OK;
    for (const char *at = words; status == STATUS_OK && *at != '\0';) {
        size_t plain = strcspn(at, "{");
        fwrite(at, 1, plain, out);
        at += plain;
        if (*at == '\0')
            break;
        char inside[4 * WORD_BYTES];
        snprintf(inside, sizeof inside, "%.*s", (int)strcspn(at + 1, "}"), at + 1);
        status = put_inside(out, lesson, key, inside, err);
        at += 1 + strcspn(at + 1, "}");
        at += *at == '}';
    }
    return status;
}

enum status lesson_fill(const struct lesson *lesson, const char *key, char **text,
                        struct error *err)
{
    const char *words;
    char *made = NULL;
    size_t bytes;
    if (lesson_text(lesson, key, &words, err) != STATUS_OK)
        return err->status;
    FILE *out = memory_stream(&made, &bytes);
    enum status status = put_filled(out, lesson, key, words, err);
    memory_stream_close(out, &made);
    if (status == STATUS_OK)
        *text = made;
    else
        free(made);
    return status;
}
