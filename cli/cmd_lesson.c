/* cli/cmd_lesson.c - `reprise lesson`: lists, runs and prints the lessons of docs/learn. No
 * arithmetic here. */
#include "base/shown.h"
#include "base/whole_file.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"
#include "plots/lesson_picture.h"
#include "plots/workshop.h"
#include "sweep/lessons/lesson.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The lesson's words are not true of its runs: a result, not an error of the program. */
#define EXIT_CLAIM_BROKEN 1

enum { PATH_BYTES = 4096 };

struct lesson_options {
    struct text_list set;
    const char *out, *pages;
    bool answer, no_picture;
};

/* ---- the list ---- */

static void print_title(uint32_t number, const char *title, void *context)
{
    fprintf(context, "%2u", number);
    shown_line(context, "  ", title);
}

static enum status list(struct error *err)
{
    enum status status = lesson_list(print_title, stdout, err);
    if (status == STATUS_OK)
        puts(
            "`reprise lesson N` runs one. Words are explained in docs/learn/README.md, \"Words\".");
    return status;
}

/* ---- claims ---- */

/* Of the lesson's own runs: what they do not bear out, words must say no longer. */
static void print_broken(const struct lesson_claim *claim, void *context)
{
    unsigned *broken = context;
    if (claim->state == CLAIM_HOLDS)
        return;
    if ((*broken)++ == 0)
        puts("\nSome of what the lesson says does not hold for its own runs:");
    printf("  %s: %s\n", claim->says, claim->numbers);
}

/* ---- one lesson ---- */

/* Beside the first: "out/lesson-2.png" is followed by "out/lesson-2-turn.png". */
static enum status draw_turn(const struct lesson *lesson, const char *beside, struct error *err)
{
    char path[PATH_BYTES];
    const char *ending = strrchr(beside, '.'); /* the first picture has been drawn: it has one */
    if (!lesson_shows_turn(lesson)) {
        printf("No picture of turn %" PRIu64 " of conversation %" PRIu64
               ": not all of these runs have it.\n",
               lesson->turn_of_session, lesson->session);
        return STATUS_OK;
    }
    snprintf(path, sizeof path, "%.*s-turn%s", (int)(ending - beside), beside, ending);
    enum status status = lesson_turn_draw(lesson, path, err);
    if (status == STATUS_OK)
        shown_line(stdout, "One turn, layer by layer: ", path);
    return status;
}

/* Words and numbers stand there already: a folder that takes no picture must not look like their
 * end. */
static enum status with_way_out(enum status status, struct error *err)
{
    static const char way_out[] = " (--no-picture draws none, --out FILE draws elsewhere)";
    if (status != STATUS_IO)
        return status;
    size_t found = strlen(err->found);
    if (found + sizeof way_out <= sizeof err->found)
        memcpy(err->found + found, way_out, sizeof way_out);
    return status;
}

static enum status draw(const struct lesson_options *given, const struct lesson *lesson,
                        struct error *err)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "out/lesson-%u.png", lesson->number);
    enum status status = given->out == NULL ? workshop_make_folder("out", err) : STATUS_OK;
    if (status == STATUS_OK)
        status = lesson_picture_draw(lesson, given->out != NULL ? given->out : path, err);
    if (status == STATUS_OK)
        shown_line(stdout, "\nThe picture: ", given->out != NULL ? given->out : path);
    if (status == STATUS_OK && lesson->shown_count > 0)
        status = draw_turn(lesson, given->out != NULL ? given->out : path, err);
    return with_way_out(status, err);
}

static enum lesson_form form_of(const struct lesson_options *given)
{
    if (given->answer)
        return LESSON_ANSWER;
    return given->set.count > 0 ? LESSON_CHANGED : LESSON_TERMINAL;
}

static enum status teach(const struct lesson_options *given, uint32_t number, unsigned *broken,
                         struct error *err)
{
    struct lesson *lesson = NULL;
    enum status status = lesson_open(number, &lesson, err);
    if (status == STATUS_OK)
        status = lesson_run(lesson, given->set.text, given->set.count, err);
    if (status == STATUS_OK)
        status = lesson_print(stdout, lesson, form_of(given), err);
    if (status == STATUS_OK && given->set.count == 0)
        status = lesson_claims(lesson, print_broken, broken, err);
    if (status == STATUS_OK && !given->answer && !given->no_picture)
        status = draw(given, lesson, err);
    lesson_free(lesson);
    return status;
}

/* ---- the pages of docs/learn ---- */

struct pages {
    const struct lesson_options *given;
    unsigned broken;
    struct error *err;
};

static enum status write_text(const struct lesson *lesson, const char *path, struct error *err)
{
    struct whole_file file;
    if (whole_file_open(&file, path, err) != STATUS_OK)
        return err->status;
    lesson_print(file.out, lesson, LESSON_PAGE, err);
    enum status status = whole_file_close(&file, err);
    if (status == STATUS_OK)
        shown_line(stdout, "", path);
    return status;
}

static enum status write_page(const struct lesson *lesson, struct pages *pages, struct error *err)
{
    char path[PATH_BYTES];
    const char *folder = pages->given->pages;
    snprintf(path, sizeof path, "%s/%s.md", folder, lesson->name);
    enum status status = write_text(lesson, path, err);
    if (status == STATUS_OK)
        status = lesson_claims(lesson, print_broken, &pages->broken, err);
    if (status == STATUS_OK && !pages->given->no_picture) {
        snprintf(path, sizeof path, "%s/%s.svg", folder, lesson->name);
        status = lesson_picture_draw(lesson, path, err);
    }
    if (status == STATUS_OK && !pages->given->no_picture)
        shown_line(stdout, "", path);
    if (status != STATUS_OK || pages->given->no_picture || !lesson_shows_turn(lesson))
        return status;
    snprintf(path, sizeof path, "%s/%s-turn.svg", folder, lesson->name);
    status = lesson_turn_draw(lesson, path, err);
    if (status == STATUS_OK)
        shown_line(stdout, "", path);
    return status;
}

static void write_one(uint32_t number, const char *title, void *context)
{
    struct pages *pages = context;
    struct lesson *lesson = NULL;
    (void)title;
    if (pages->err->status == STATUS_OK && lesson_open(number, &lesson, pages->err) == STATUS_OK &&
        lesson_run(lesson, NULL, 0, pages->err) == STATUS_OK)
        write_page(lesson, pages, pages->err);
    lesson_free(lesson);
}

static enum status write_pages(const struct lesson_options *given, unsigned *broken,
                               struct error *err)
{
    struct error listing = { 0 };
    struct pages pages = { given, 0, err };
    if (workshop_check_name("--pages", given->pages, err) ||
        workshop_make_folder(given->pages, err))
        return err->status;
    if (lesson_list(write_one, &pages, &listing) != STATUS_OK && err->status == STATUS_OK)
        *err = listing;
    *broken = pages.broken;
    return err->status;
}

/* ---- the command ---- */

static enum status read_number(const char *text, uint32_t *number, struct error *err)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value > UINT32_MAX)
        return error_input(err, NULL, 0, "lesson", "a lesson's number: `reprise lesson` lists them",
                           text);
    *number = (uint32_t)value;
    return STATUS_OK;
}

static enum status carry_out(const struct lesson_options *given, const struct options *options,
                             unsigned *broken, struct error *err)
{
    uint32_t number = 0;
    if (given->pages != NULL && (options->argument_count > 0 || given->set.count > 0))
        return error_input(err, NULL, 0, "--pages", "to stand without N and --set", NULL);
    if (given->answer && given->set.count > 0)
        return error_input(err, NULL, 0, "--answer",
                           "to stand without --set: answers are about the lesson's own runs", NULL);
    bool draws = !given->no_picture && !given->answer && given->pages == NULL;
    if (options_check_idle(given->out != NULL && !draws, "--out",
                           "no --answer, --no-picture or --pages beside it", err))
        return err->status;
    if (given->pages != NULL)
        return write_pages(given, broken, err);
    if (options_check_idle(options->argument_count == 0 &&
                               (given->answer || given->set.count > 0 || given->out != NULL),
                           "lesson", "a lesson's number: `reprise lesson` lists them", err))
        return err->status;
    if (options->argument_count == 0)
        return list(err);
    if (read_number(options->arguments[0], &number, err) != STATUS_OK)
        return err->status;
    return teach(given, number, broken, err);
}

int cmd_lesson(int argc, const char **argv)
{
    struct lesson_options given = { 0 };
    const struct option table[] = {
        { "answer", 'a', OPTION_FLAG, &given.answer, NULL, "print the answer to the exercise" },
        { "set", 's', OPTION_TEXTS, &given.set, "KEY=VALUE",
          "change one key in all runs of the lesson, and see which of its sentences hold; may be "
          "given "
          "again" },
        { "out", 'o', OPTION_WRITES, &given.out, "FILE",
          "the picture, .png or .svg (out/lesson-N.png)" },
        { "no-picture", 0, OPTION_FLAG, &given.no_picture, NULL, "words and numbers alone" },
        { "pages", 0, OPTION_WRITES, &given.pages, "FOLDER",
          "run all and write them as the pages of docs/learn" },
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise lesson",
        .usage = "[OPTION...] [N]",
        .summary = "Runs lesson N of docs/learn: a question, what simulations say, a picture, a "
                   "surprise explained, an\nexercise. Without N: lists them. Exit code 1: the runs "
                   "do not bear out what the lesson says.",
        .table = table,
        .arguments_most = 1,
    };
    struct options options;
    struct error err = { 0 };
    unsigned broken = 0;
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        carry_out(&given, &options, &broken, &err);
    free(given.set.text);
    options_free(&options);
    int code = output_exit(&err);
    return code == 0 && broken > 0 ? EXIT_CLAIM_BROKEN : code;
}
