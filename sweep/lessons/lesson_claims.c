/* sweep/lessons/lesson_claims.c - what a lesson says of its numbers, and whether the runs bear it
 * out.
 *
 *   NUMBER RUN < NUMBER RUN   a claim; also >, and ~: within 2 % of each other */
#include "sweep/lessons/lesson_parts.h"

#include <math.h>
#include <string.h>

#define ALIKE 0.02

struct check {
    const struct lesson *lesson;
    void (*told)(const struct lesson_claim *claim, void *context);
    void *context;
};

static const char *const claim_parts[] = { "says", "if", NULL };

static enum lesson_state state_of(const struct lesson_expression *e)
{
    double a = e->a.value, b = e->b.value;
    if (isnan(a) || isnan(b))
        return CLAIM_UNTOLD;
    bool holds = *e->word == '<' ? a < b : *e->word == '>' ? a > b : fabs(a - b) <= ALIKE * fabs(b);
    return holds ? CLAIM_HOLDS : CLAIM_BROKEN;
}

/* Whether the run has a value of its own for a key that the reader set. */
static bool keeps_its_own(const struct lesson *lesson, const char *run)
{
    struct lesson_place place;
    struct error ignored = { 0 };
    if (lesson_find(lesson, "", run, &place, &ignored) != STATUS_OK || place.line >= 0)
        return false;
    for (uint32_t i = 0; i < lesson->set_count; i++) {
        char key[CONFIG_TEXT_BYTES + LESSON_NAME_BYTES];
        snprintf(key, sizeof key, "other.%s.keys.%.*s", lesson->other[place.other].name,
                 (int)strcspn(lesson->set[i], "="), lesson->set[i]);
        if (config_tree_value(lesson->tree, key) != NULL)
            return true;
    }
    return false;
}

static void tell(const struct check *check, const char *says, const struct lesson_expression *e)
{
    char a[64], b[64];
    struct lesson_claim claim = { .says = says, .state = state_of(e) };
    if (keeps_its_own(check->lesson, e->run[0]) || keeps_its_own(check->lesson, e->run[1]))
        return;
    snprintf(claim.numbers, sizeof claim.numbers, "%s %s %s",
             lesson_number_show(&e->a, e->a.value, a, sizeof a),
             *e->word == '~' ? "and" : "against",
             lesson_number_show(&e->b, e->b.value, b, sizeof b));
    check->told(&claim, check->context);
}

static enum status check_claim(void *context, const char *name, struct error *err)
{
    const struct check *check = context;
    const struct lesson *lesson = check->lesson;
    const char *says, *text;
    char key[64];
    struct lesson_expression expression;
    snprintf(key, sizeof key, "claim.%.50s.", name);
    if (lesson_check_parts(lesson, key, claim_parts, err) != STATUS_OK)
        return err->status;
    snprintf(key, sizeof key, "claim.%.50s.says", name);
    if (lesson_text(lesson, key, &says, err) != STATUS_OK)
        return err->status;
    snprintf(key, sizeof key, "claim.%.50s.if", name);
    if (lesson_text(lesson, key, &text, err) != STATUS_OK ||
        lesson_expression(lesson, key, text, &expression, err) != STATUS_OK)
        return err->status;
    if (expression.word[0] == '\0' || strchr("<>~", expression.word[0]) == NULL)
        return error_input(err, lesson->path, 0, key, "a claim with <, > or ~", text);
    tell(check, says, &expression);
    return STATUS_OK;
}

enum status lesson_claims(const struct lesson *lesson,
                          void (*told)(const struct lesson_claim *claim, void *context),
                          void *context, struct error *err)
{
    struct check check = { lesson, told, context };
    return config_tree_children(lesson->tree, "claim.", check_claim, &check, err);
}
