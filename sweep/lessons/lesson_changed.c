/* sweep/lessons/lesson_changed.c - a lesson whose reader changed its experiment: numbers first,
 * then which of its sentences hold for them. Its other words explain its own runs, and are not said
 * of these. */
#include "base/memory.h"
#include "sweep/lessons/lesson_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- what was changed ---- */

/* "engine.batch=64 (the lesson: 24)": the lesson's is that of the run `by_hand`. */
static void put_set(FILE *out, const struct lesson *lesson, const struct experiment *own,
                    uint32_t i)
{
    char key[CONFIG_TEXT_BYTES];
    snprintf(key, sizeof key, "%.*s", (int)strcspn(lesson->set[i], "="), lesson->set[i]);
    char *value = lesson_key_show(own, key);
    fprintf(out, "%s%s (the lesson: %s)", i == 0 ? "\nThese runs have " : ", ", lesson->set[i],
            value != NULL && *value != '\0' ? value : "none");
    free(value);
}

static enum status put_sets(FILE *out, const struct lesson *lesson, struct error *err)
{
    struct lesson own = *lesson;
    struct lesson_place place;
    struct experiment experiment;
    const char *run;
    char section[LESSON_SECTION_BYTES];
    own.set_count = 0;
    if (lesson_text(lesson, "by_hand", &run, err) ||
        lesson_find(lesson, "by_hand", run, &place, err))
        return err->status;
    const struct lesson_choice choice = lesson_choice(&own, place, section);
    if (lesson_experiment(&own, &choice, &experiment, err) != STATUS_OK)
        return err->status;
    for (uint32_t i = 0; i < lesson->set_count; i++)
        put_set(out, lesson, &experiment, i);
    fprintf(out, ".\nThe lesson's own numbers are in docs/learn/%s.md.\n", lesson->name);
    return STATUS_OK;
}

/* ---- which sentences hold ---- */

struct said {
    FILE *out;
    int state; /* of the claims that are written now */
    uint32_t count;
};

static void put_claim(const struct lesson_claim *claim, void *context)
{
    struct said *said = context;
    static const char *const heading[] = {
        [CLAIM_HOLDS] = "These sentences of the lesson hold for this run as well:",
        [CLAIM_BROKEN] = "These do NOT hold for this run:",
    };
    char *text = NULL;
    size_t bytes;
    if ((int)claim->state != said->state)
        return;
    if (said->count++ == 0)
        fprintf(said->out, "\n%s\n\n", heading[claim->state]);
    FILE *line = memory_stream(&text, &bytes);
    if (claim->state == CLAIM_HOLDS)
        fprintf(line, "- %s: %s.\n", claim->says, claim->numbers);
    else
        fprintf(line, "- %s: here %s.\n", claim->says, claim->numbers);
    memory_stream_close(line, &text);
    lesson_put_wrapped(said->out, text);
    free(text);
}

static enum status put_claims(FILE *out, const struct lesson *lesson, struct error *err)
{
    static const int order[] = { CLAIM_BROKEN, CLAIM_HOLDS };
    fputs("\n## What the lesson says, and this run\n", out);
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        struct said said = { out, order[i], 0 };
        if (lesson_claims(lesson, put_claim, &said, err) != STATUS_OK)
            return err->status;
        if (said.count == 0 && order[i] == CLAIM_BROKEN)
            fputs("\nNone of its sentences is wrong for this run.\n", out);
    }
    if (lesson->shown_count > 0 && !lesson_shows_turn(lesson))
        fprintf(out,
                "\nNothing is said of turn %" PRIu64 " of conversation %" PRIu64
                ", which the lesson looks at: these runs do not have it.\n",
                lesson->turn_of_session, lesson->session);
    return STATUS_OK;
}

enum status lesson_print_changed(FILE *out, const struct lesson *lesson, struct error *err)
{
    fprintf(out, "# Lesson %u: %s\n", lesson->number, lesson->title);
    if (put_sets(out, lesson, err) != STATUS_OK)
        return err->status;
    lesson_put_tables(out, lesson);
    if (put_claims(out, lesson, err) != STATUS_OK)
        return err->status;
    return lesson_put_by_hand(out, lesson, err);
}
