/* sweep/lessons/lesson_read.c - from the files of docs/learn to struct lesson. */
#include "base/folder_names.h"
#include "base/memory.h"
#include "sweep/axis.h"
#include "sweep/lessons/lesson_parts.h"
#include "sweep/metric_show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LESSONS_MOST = 99 };

const char *lesson_folder(void)
{
    const char *folder = getenv("REPRISE_LEARN");
    return folder != NULL && *folder != '\0' ? folder : REPRISE_LEARN_FOLDER;
}

/* ---- which lessons there are ---- */

/* The number in front of "2-loading.yaml"; 0: no lesson's file. */
static uint32_t number_of(const char *file)
{
    char *end;
    size_t length = strlen(file);
    unsigned long number = strtoul(file, &end, 10);
    if (end == file || *file < '0' || *file > '9' || *end != '-' || number > LESSONS_MOST)
        return 0;
    if (length < 6 || strcmp(file + length - 5, ".yaml") != 0 || length - 5 >= LESSON_NAME_BYTES)
        return 0;
    return (uint32_t)number;
}

/* names[n]: the file's name without its ending, where there is a lesson n. */
static enum status find_names(char names[LESSONS_MOST + 1][LESSON_NAME_BYTES], struct error *err)
{
    struct folder_names files = { 0 };
    enum status status = folder_names_read(lesson_folder(), NULL, &files, err);
    for (uint32_t i = 0; status == STATUS_OK && i < files.count; i++) {
        uint32_t number = number_of(files.name[i]);
        if (number > 0)
            snprintf(names[number], LESSON_NAME_BYTES, "%.*s", (int)strlen(files.name[i]) - 5,
                     files.name[i]);
    }
    folder_names_free(&files);
    return status;
}

/* ---- one lesson ---- */

/* What may stand in the file, in its axis, and in a line or an other run. */
static const char *const parts[] = { "title",    "experiment", "keys",     "x",
                                     "line",     "panel",      "other",    "turn",
                                     "claim",    "by_hand",    "question", "surprise",
                                     "exercise", "answer",     "see",      NULL };
static const char *const axis_parts[] = { "key", "values", "turns", "label", NULL };
static const char *const run_parts[] = { "label", "keys", NULL };

static enum status check_part(void *context, const char *name, struct error *err)
{
    char expected[sizeof err->expected] = "one of";
    size_t used = strlen(expected);
    for (const char *const *known = context; *known != NULL; known++) {
        if (strcmp(name, *known) == 0)
            return STATUS_OK;
        used += (size_t)snprintf(expected + used, sizeof expected - used, " %s", *known);
    }
    return error_input(err, NULL, 0, NULL, expected, name);
}

/* A word that nobody reads is a misspelt one. */
enum status lesson_check_parts(const struct lesson *lesson, const char *section,
                               const char *const *known, struct error *err)
{
    return config_tree_children(lesson->tree, section, check_part, (void *)(uintptr_t)known, err);
}

enum status lesson_text(const struct lesson *lesson, const char *key, const char **text,
                        struct error *err)
{
    char expected[128];
    *text = config_tree_value(lesson->tree, key);
    if (*text != NULL)
        return STATUS_OK;
    snprintf(expected, sizeof expected, "%s to be given", key);
    return error_input(err, lesson->path, 0, key, expected, NULL);
}

enum status lesson_copy_text(const struct lesson *lesson, const char *key, char *out,
                             size_t out_bytes, struct error *err)
{
    const char *text;
    if (lesson_text(lesson, key, &text, err) != STATUS_OK)
        return err->status;
    if (strlen(text) >= out_bytes)
        return error_input(err, lesson->path, 0, key, "a shorter text", text);
    snprintf(out, out_bytes, "%s", text);
    return STATUS_OK;
}

enum status lesson_copy_name(const struct lesson *lesson, const char *key, const char *name,
                             uint32_t count, uint32_t most, char out[LESSON_NAME_BYTES],
                             struct error *err)
{
    if (count == most)
        return error_input(err, lesson->path, 0, key, "fewer of them", name);
    if (strlen(name) >= LESSON_NAME_BYTES)
        return error_input(err, lesson->path, 0, key, "a shorter name", name);
    snprintf(out, LESSON_NAME_BYTES, "%s", name);
    return STATUS_OK;
}

static enum status add_line(void *context, const char *name, struct error *err)
{
    struct lesson *lesson = context;
    char key[64 + LESSON_NAME_BYTES];
    uint32_t i = lesson->line_count;
    if (lesson_copy_name(lesson, "line", name, i, LESSON_LINES, lesson->line[i % LESSON_LINES].name,
                         err))
        return err->status;
    snprintf(key, sizeof key, "line.%s.", name);
    if (lesson_check_parts(lesson, key, run_parts, err) != STATUS_OK)
        return err->status;
    snprintf(key, sizeof key, "line.%s.label", name);
    lesson->line_count++;
    return lesson_copy_text(lesson, key, lesson->line[i].label, sizeof lesson->line[i].label, err);
}

static enum status add_panel(void *context, const char *name, struct error *err)
{
    struct lesson *lesson = context;
    char key[64];
    uint32_t i = lesson->panel_count;
    if (i == LESSON_PANELS)
        return error_input(err, lesson->path, 0, "panel", "two metrics at most", name);
    if (metric_find("panel", name, &lesson->panel[i].metric, err) != STATUS_OK)
        return err->status;
    snprintf(key, sizeof key, "panel.%.40s", name);
    lesson->panel_count++;
    return lesson_copy_text(lesson, key, lesson->panel[i].title, sizeof lesson->panel[i].title,
                            err);
}

static enum status add_other(void *context, const char *name, struct error *err)
{
    struct lesson *lesson = context;
    char key[64 + LESSON_NAME_BYTES];
    uint32_t i = lesson->other_count;
    if (lesson_copy_name(lesson, "other", name, i, LESSON_OTHERS,
                         lesson->other[i % LESSON_OTHERS].name, err))
        return err->status;
    lesson->other_count++;
    snprintf(key, sizeof key, "other.%s.", name);
    return lesson_check_parts(lesson, key, run_parts, err);
}

static enum status read_turns(struct lesson *lesson, const char *turns, struct error *err)
{
    char *end;
    unsigned long count = strtoul(turns, &end, 10);
    if (*end != '\0' || count < 1 || count > LESSON_POINTS)
        return error_input(err, lesson->path, 0, "x.turns", "a number from 1 to 12", turns);
    lesson->point_count = (uint32_t)count;
    for (uint32_t i = 0; i < lesson->point_count; i++)
        snprintf(lesson->value[i], sizeof lesson->value[i], "%u", i + 1);
    return STATUS_OK;
}

static enum status take_axis(struct lesson *lesson, const struct axis *axis, struct error *err)
{
    if (axis->count < 1 || axis->count > LESSON_POINTS)
        return error_input(err, lesson->path, 0, "x.values", "1 to 12 values", NULL);
    lesson->point_count = axis->count;
    for (uint32_t i = 0; i < axis->count; i++) {
        if (strlen(axis->value[i]) >= LESSON_NAME_BYTES)
            return error_input(err, lesson->path, 0, "x.values", "shorter values", axis->value[i]);
        snprintf(lesson->value[i], sizeof lesson->value[i], "%s", axis->value[i]);
    }
    return STATUS_OK;
}

static enum status read_points(struct lesson *lesson, struct error *err)
{
    const char *turns = config_tree_value(lesson->tree, "x.turns"), *values;
    if (lesson_copy_text(lesson, "x.label", lesson->x_label, sizeof lesson->x_label, err) !=
        STATUS_OK)
        return err->status;
    if (turns != NULL)
        return read_turns(lesson, turns, err);
    if (lesson_copy_text(lesson, "x.key", lesson->x_key, sizeof lesson->x_key, err) != STATUS_OK ||
        lesson_text(lesson, "x.values", &values, err) != STATUS_OK)
        return err->status;
    char varied[2 * CONFIG_TEXT_BYTES];
    struct axis axis = { 0 };
    snprintf(varied, sizeof varied, "%s=%s", lesson->x_key, values);
    enum status status = axis_parse(varied, &axis, err);
    if (status == STATUS_OK)
        status = take_axis(lesson, &axis, err);
    axis_free(&axis);
    return status;
}

static enum status read_parts(struct lesson *lesson, struct error *err)
{
    struct config_tree *tree = NULL;
    if (config_tree_read(lesson->path, &tree, err) != STATUS_OK)
        return err->status;
    lesson->tree = tree;
    if (lesson_check_parts(lesson, "", parts, err) ||
        lesson_check_parts(lesson, "x.", axis_parts, err) ||
        lesson_text(lesson, "title", &lesson->title, err) || read_points(lesson, err) ||
        config_tree_children(tree, "line.", add_line, lesson, err) ||
        config_tree_children(tree, "panel.", add_panel, lesson, err) ||
        config_tree_children(tree, "other.", add_other, lesson, err) ||
        lesson_read_turn(lesson, err))
        return err->status;
    if (lesson->line_count == 0 || lesson->panel_count == 0)
        return error_input(err, lesson->path, 0, lesson->line_count == 0 ? "line" : "panel",
                           "one at least", NULL);
    return STATUS_OK;
}

static enum status read_lesson(uint32_t number, const char *name, struct lesson **lesson,
                               struct error *err)
{
    struct lesson *new = memory_new(1, sizeof *new);
    new->number = number;
    snprintf(new->name, sizeof new->name, "%s", name);
    int length = snprintf(new->path, sizeof new->path, "%s/%s.yaml", lesson_folder(), name);
    enum status status = length < LESSON_PATH_BYTES
                             ? read_parts(new, err)
                             : error_io(err, lesson_folder(), "open", strerror(ENAMETOOLONG));
    if (status == STATUS_OK)
        *lesson = new;
    else
        lesson_free(new);
    return status;
}

enum status lesson_open(uint32_t number, struct lesson **lesson, struct error *err)
{
    char names[LESSONS_MOST + 1][LESSON_NAME_BYTES] = { "" }, found[32];
    enum status status = find_names(names, err);
    if (status != STATUS_OK)
        return status;
    if (number <= LESSONS_MOST && names[number][0] != '\0')
        return read_lesson(number, names[number], lesson, err);
    snprintf(found, sizeof found, "%u", number);
    return error_input(err, NULL, 0, "lesson", "a lesson's number: `reprise lesson` lists them",
                       found);
}

void lesson_free(struct lesson *lesson)
{
    if (lesson != NULL)
        config_tree_free(lesson->tree);
    free(lesson);
}

enum status lesson_list(void (*visit)(uint32_t number, const char *title, void *context),
                        void *context, struct error *err)
{
    char names[LESSONS_MOST + 1][LESSON_NAME_BYTES] = { "" };
    enum status status = find_names(names, err);
    for (uint32_t i = 1; status == STATUS_OK && i <= LESSONS_MOST; i++) {
        struct lesson *lesson = NULL;
        if (names[i][0] == '\0')
            continue;
        status = read_lesson(i, names[i], &lesson, err);
        if (status == STATUS_OK)
            visit(i, lesson->title, context);
        lesson_free(lesson);
    }
    return status;
}
