/* sweep/lessons/lesson_words.c - numbers in a lesson's words, and what is claimed of them.
 *
 *   {METRIC RUN}                    its value: "1.25 s", "84.80 %"
 *   {METRIC RUN minus METRIC RUN}   their difference: "0.3 s", "12.5 points"
 *   {METRIC RUN over METRIC RUN}    how many times the second: "4.6"
 *   {METRIC RUN of METRIC RUN}      which share of the second: "7.3 %"
 *   {METRIC RUN below METRIC RUN}   how far below the second: "78 %"
 *   METRIC RUN < METRIC RUN         a claim; also >, and ~: within 2 % of each other
 *
 * RUN is LINE@VALUE, as the file writes both, or the name of an other run. It may also be
 * turn.NAME, a panel of the turn that is shown: then METRIC is a quantity of that turn
 * (lesson_turn.c). */
#include "base/memory.h"
#include "base/units.h"
#include "sweep/lessons/lesson_parts.h"
#include "sweep/metric_show.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WORD_BYTES 96
#define ALIKE 0.02

/* ---- a metric of a run ---- */

static int find_value(const struct lesson *lesson, const char *value)
{
    for (uint32_t k = 0; k < lesson->point_count; k++)
        if (strcmp(lesson->value[k], value) == 0)
            return (int)k;
    return -1;
}

enum status lesson_find(const struct lesson *lesson, const char *key, const char *name,
                        struct lesson_place *place, struct error *err)
{
    const char *at = strchr(name, '@');
    for (uint32_t i = 0; at == NULL && i < lesson->other_count; i++)
        if (strcmp(lesson->other[i].name, name) == 0) {
            *place = (struct lesson_place){ -1, (int)i };
            return STATUS_OK;
        }
    for (uint32_t i = 0; at != NULL && i < lesson->line_count; i++) {
        size_t length = (size_t)(at - name);
        int point = find_value(lesson, at + 1);
        if (strlen(lesson->line[i].name) == length && point >= 0 &&
            strncmp(lesson->line[i].name, name, length) == 0) {
            *place = (struct lesson_place){ (int)i, point };
            return STATUS_OK;
        }
    }
    return error_input(err, lesson->path, 0, key, "LINE@VALUE of the picture, or another run",
                       name);
}

const struct metrics *lesson_metrics(const struct lesson *lesson, struct lesson_place place)
{
    return place.line < 0 ? &lesson->other[place.point].metrics
                          : &lesson->line[place.line].at[place.point];
}

struct operand {
    int metric; /* -1: a quantity of the turn */
    bool time;  /* of that: ns, not a count */
    double value;
};

static enum status read_turn_operand(const struct lesson *lesson, const char *key, const char *name,
                                     const char *panel, struct operand *operand, struct error *err)
{
    operand->metric = -1;
    for (uint32_t i = 0; i < lesson->shown_count; i++)
        if (strcmp(lesson->shown[i].name, panel) == 0)
            return lesson_turn_value(lesson, key, name, &lesson->shown[i], &operand->value,
                                     &operand->time, err);
    return error_input(err, lesson->path, 0, key, "a panel of the turn that is shown", panel);
}

static enum status read_operand(const struct lesson *lesson, const char *key, const char *metric,
                                const char *run, struct operand *operand, struct error *err)
{
    struct lesson_place place;
    static const char of_turn[] = "turn.";
    if (strncmp(run, of_turn, strlen(of_turn)) == 0)
        return read_turn_operand(lesson, key, metric, run + strlen(of_turn), operand, err);
    if (metric_find(key, metric, &operand->metric, err) != STATUS_OK ||
        lesson_find(lesson, key, run, &place, err) != STATUS_OK)
        return err->status;
    operand->value = metric_value(lesson_metrics(lesson, place), operand->metric);
    return STATUS_OK;
}

/* ---- an expression ---- */

struct expression {
    struct operand a, b;
    char word[WORD_BYTES]; /* between them; "": a alone */
};

static enum status read_expression(const struct lesson *lesson, const char *key, const char *text,
                                   struct expression *expression, struct error *err)
{
    char word[6][WORD_BYTES] = { "" };
    int words = sscanf(text, "%95s %95s %95s %95s %95s %95s", word[0], word[1], word[2], word[3],
                       word[4], word[5]);
    if (words != 2 && words != 5)
        return error_input(err, lesson->path, 0, key,
                           "METRIC RUN, or two of them with a word between", text);
    snprintf(expression->word, sizeof expression->word, "%s", words == 5 ? word[2] : "");
    if (read_operand(lesson, key, word[0], word[1], &expression->a, err) != STATUS_OK || words == 2)
        return err->status;
    return read_operand(lesson, key, word[3], word[4], &expression->b, err);
}

/* Two digits are enough of what is said in passing. */
static void show_number(double value, char *out, size_t out_bytes)
{
    if (isfinite(value))
        snprintf(out, out_bytes, "%.*f", fabs(value) < 9.95 ? 1 : 0, value);
    else /* a share of nothing */
        snprintf(out, out_bytes, "-");
}

static void show_value(const struct operand *operand, double value, char *out, size_t out_bytes)
{
    if (operand->metric >= 0)
        metric_show(operand->metric, value, out, out_bytes);
    else if (isfinite(value))
        units_format(value, operand->time ? UNIT_DURATION : UNIT_PLAIN, out, out_bytes);
    else
        snprintf(out, out_bytes, "-");
}

static void show_difference(const struct expression *expression, char *out, size_t out_bytes)
{
    double difference = expression->a.value - expression->b.value;
    show_value(&expression->a, difference, out, out_bytes);
    char *percent = strstr(out, " %");
    if (percent != NULL)
        snprintf(percent, out_bytes - (size_t)(percent - out), " points");
}

static enum status show(const struct lesson *lesson, const char *key, const char *text, char *out,
                        size_t out_bytes, struct error *err)
{
    struct expression e;
    char number[32];
    if (read_expression(lesson, key, text, &e, err) != STATUS_OK)
        return err->status;
    if (*e.word == '\0') {
        show_value(&e.a, e.a.value, out, out_bytes);
    } else if (strcmp(e.word, "minus") == 0) {
        show_difference(&e, out, out_bytes);
    } else if (strcmp(e.word, "over") == 0) {
        show_number(e.a.value / e.b.value, out, out_bytes);
    } else if (strcmp(e.word, "of") == 0 || strcmp(e.word, "below") == 0) {
        double share = e.a.value / e.b.value;
        show_number(100.0 * (*e.word == 'o' ? share : 1.0 - share), number, sizeof number);
        snprintf(out, out_bytes, "%s %%", number);
    } else {
        return error_input(err, lesson->path, 0, key, "minus, over, of or below", e.word);
    }
    return STATUS_OK;
}

enum status lesson_fill(const struct lesson *lesson, const char *key, char **text,
                        struct error *err)
{
    const char *words;
    char *made = NULL;
    size_t bytes;
    if (lesson_text(lesson, key, &words, err) != STATUS_OK)
        return err->status;
    FILE *out = open_memstream(&made, &bytes);
    if (out == NULL)
        memory_exhausted();
    enum status status = STATUS_OK;
    for (const char *at = words; status == STATUS_OK && *at != '\0';) {
        size_t plain = strcspn(at, "{");
        fwrite(at, 1, plain, out);
        at += plain;
        if (*at == '\0')
            break;
        char inside[4 * WORD_BYTES], shown[64] = "";
        snprintf(inside, sizeof inside, "%.*s", (int)strcspn(at + 1, "}"), at + 1);
        status = show(lesson, key, inside, shown, sizeof shown, err);
        fputs(shown, out);
        at += 1 + strcspn(at + 1, "}");
        at += *at == '}';
    }
    if (fclose(out) != 0)
        memory_exhausted();
    if (status == STATUS_OK)
        *text = made;
    else
        free(made);
    return status;
}

/* ---- claims ---- */

struct check {
    const struct lesson *lesson;
    void (*broken)(const char *claim, void *context);
    void *context;
};

static bool holds(const struct expression *e)
{
    double a = e->a.value, b = e->b.value;
    return *e->word == '<' ? a < b : *e->word == '>' ? a > b : fabs(a - b) <= ALIKE * fabs(b);
}

static enum status check_claim(void *context, const char *name, struct error *err)
{
    const struct check *check = context;
    char key[64];
    struct expression expression;
    snprintf(key, sizeof key, "claim.%.50s", name);
    const char *text = config_tree_value(check->lesson->tree, key);
    if (text == NULL)
        return error_input(err, check->lesson->path, 0, key, "a claim", NULL);
    if (read_expression(check->lesson, key, text, &expression, err) != STATUS_OK)
        return err->status;
    if (expression.word[0] == '\0' || strchr("<>~", expression.word[0]) == NULL)
        return error_input(err, check->lesson->path, 0, key, "a claim with <, > or ~", text);
    if (!holds(&expression))
        check->broken(text, check->context);
    return STATUS_OK;
}

enum status lesson_claims(const struct lesson *lesson,
                          void (*broken)(const char *claim, void *context), void *context,
                          struct error *err)
{
    struct check check = { lesson, broken, context };
    return config_tree_children(lesson->tree, "claim.", check_claim, &check, err);
}
