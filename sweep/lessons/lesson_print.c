/* sweep/lessons/lesson_print.c - a lesson as a page. Markdown that a terminal shows as well. */
#include "base/memory.h"
#include "sweep/lessons/lesson_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_COLUMNS = 100 };

/* ---- paragraphs ---- */

/* Blank lines, code and tables. */
static bool stays_as_it_is(const char *line)
{
    return *line == '\0' || *line == '\n' || *line == ' ' || *line == '|' ||
           strncmp(line, "```", 3) == 0;
}

static void end_paragraph(FILE *out, size_t *column)
{
    if (*column > 0)
        fputc('\n', out);
    *column = 0;
}

static void put_line_of_words(FILE *out, const char *line, size_t length, size_t *column)
{
    for (size_t at = 0, word; at < length; at += word + 1) {
        word = strcspn(line + at, " \n");
        if (*column > 0 && *column + 1 + word > PAGE_COLUMNS)
            end_paragraph(out, column);
        *column += (size_t)fprintf(out, "%s%.*s", *column > 0 ? " " : "", (int)word, line + at);
    }
}

void lesson_put_wrapped(FILE *out, const char *text)
{
    size_t column = 0;
    for (size_t length; *text != '\0'; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        if (stays_as_it_is(text) || *text == '-')
            end_paragraph(out, &column);
        if (stays_as_it_is(text))
            fprintf(out, "%.*s\n", (int)length, text);
        else
            put_line_of_words(out, text, length, &column);
    }
    end_paragraph(out, &column);
}

/* ---- the picture's numbers ---- */

static void put_panel_table(FILE *out, const struct lesson *lesson,
                            const struct lesson_panel *panel)
{
    char shown[64];
    fprintf(out, "\n**%s**\n\n| %s |", panel->title, lesson->x_label);
    for (uint32_t i = 0; i < lesson->line_count; i++)
        fprintf(out, " %s |", lesson->line[i].label);
    fputs("\n|---|", out);
    for (uint32_t i = 0; i < lesson->line_count; i++)
        fputs("---|", out);
    fputc('\n', out);
    for (uint32_t k = 0; k < lesson->point_count; k++) {
        fprintf(out, "| %s |", lesson->value[k]);
        for (uint32_t i = 0; i < lesson->line_count; i++)
            fprintf(out, " %s |",
                    lesson_metric_show(panel->metric,
                                       metric_value(&lesson->line[i].at[k], panel->metric), shown,
                                       sizeof shown));
        fputc('\n', out);
    }
}

void lesson_put_tables(FILE *out, const struct lesson *lesson)
{
    for (uint32_t i = 0; i < lesson->panel_count; i++)
        put_panel_table(out, lesson, &lesson->panel[i]);
}

/* ---- parts ---- */

static enum status put_words(FILE *out, const struct lesson *lesson, const char *heading,
                             const char *key, struct error *err)
{
    char *text = NULL;
    if (lesson_fill(lesson, key, &text, err) != STATUS_OK)
        return err->status;
    fprintf(out, "\n%s\n\n", heading);
    lesson_put_wrapped(out, text);
    free(text);
    return STATUS_OK;
}

static void put_command(FILE *out, const struct lesson *lesson)
{
    fprintf(
        out,
        "\n```sh\nPATH=\"$PWD/build/release/cli:$PATH\"   # in the clone, once ./setup has built\n"
        "reprise lesson %u\n```\n\n![%s: %s](%s.svg)\n",
        lesson->number, lesson->title, lesson->panel[0].title, lesson->name);
}

/* What the second picture shows. */
static void put_turn(FILE *out, const struct lesson *lesson)
{
    fprintf(out, "\n![Turn %" PRIu64 " of conversation %" PRIu64 ", layer by layer](%s-turn.svg)\n",
            lesson->turn_of_session, lesson->session, lesson->name);
}

static enum status put_answer(FILE *out, const struct lesson *lesson, struct error *err)
{
    static const char heading[] = "<details>\n<summary>Answer</summary>";
    if (put_words(out, lesson, heading, "answer", err) != STATUS_OK)
        return err->status;
    fprintf(out, "\n(`reprise lesson %u --answer` prints it.)\n\n</details>\n\n", lesson->number);
    fputs("[All lessons](README.md)\n", out);
    return STATUS_OK;
}

enum status lesson_print(FILE *out, const struct lesson *lesson, enum lesson_form form,
                         struct error *err)
{
    if (form == LESSON_CHANGED)
        return lesson_print_changed(out, lesson, err);
    if (form == LESSON_ANSWER) {
        fprintf(out, "# Lesson %u: %s\n", lesson->number, lesson->title);
        return put_words(out, lesson, "## Answer", "answer", err);
    }
    if (form == LESSON_PAGE)
        fputs(
            "<!-- Made by `reprise lesson --pages docs/learn` of the .yaml beside it; do not edit. "
            "-->\n",
            out);
    fprintf(out, "# Lesson %u: %s\n", lesson->number, lesson->title);
    if (put_words(out, lesson, "## Question", "question", err) != STATUS_OK)
        return err->status;
    if (form == LESSON_PAGE)
        put_command(out, lesson);
    if (put_words(out, lesson, "## What to see", "see", err) != STATUS_OK)
        return err->status;
    if (form == LESSON_PAGE && lesson_shows_turn(lesson))
        put_turn(out, lesson);
    lesson_put_tables(out, lesson);
    if (put_words(out, lesson, "## A surprise", "surprise", err) != STATUS_OK ||
        lesson_put_by_hand(out, lesson, err) != STATUS_OK ||
        put_words(out, lesson, "## Exercise", "exercise", err) != STATUS_OK)
        return err->status;
    return form == LESSON_PAGE ? put_answer(out, lesson, err) : STATUS_OK;
}
