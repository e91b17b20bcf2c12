/* sweep/lessons/lesson_command.c - the command that does one run of a lesson by itself. */
#include "sweep/lessons/lesson_parts.h"

static void put_keys(FILE *out, const struct config_tree *tree)
{
    for (const struct config_section *rows = experiment_sections; rows->rows != NULL; rows++)
        for (const struct config_row *row = rows->rows; row->key != NULL; row++) {
            char key[2 * CONFIG_TEXT_BYTES];
            snprintf(key, sizeof key, "%s%s", rows->prefix, row->key);
            const char *value = config_tree_value(tree, key);
            if (value != NULL)
                fprintf(out, " --set %s=%s", key, value);
        }
}

enum status lesson_put_command(FILE *out, const struct lesson *lesson, const char *key,
                               const char *run, struct error *err)
{
    const char *base;
    struct lesson_place place;
    struct config_tree *tree = NULL;
    char section[LESSON_SECTION_BYTES];
    if (lesson_text(lesson, "experiment", &base, err) || lesson_find(lesson, key, run, &place, err))
        return err->status;
    struct lesson_choice choice = lesson_choice(lesson, place, section);
    choice.alone = true;
    if (lesson_tree(lesson, &choice, &tree, err) != STATUS_OK)
        return err->status;
    fprintf(out, "reprise sim --no-db -c docs/learn/%s", base);
    put_keys(out, tree);
    config_tree_free(tree);
    return STATUS_OK;
}

enum status lesson_put_by_hand(FILE *out, const struct lesson *lesson, struct error *err)
{
    const char *run;
    struct lesson_place place;
    if (lesson_text(lesson, "by_hand", &run, err) ||
        lesson_find(lesson, "by_hand", run, &place, err))
        return err->status;
    if (place.line < 0)
        return error_input(err, lesson->path, 0, "by_hand", "a run of the picture", run);
    fputs("\n## One of these runs by hand\n\n```sh\n", out);
    if (lesson_put_command(out, lesson, "by_hand", run, err) != STATUS_OK)
        return err->status;
    fputs("\n```\n", out);
    return STATUS_OK;
}
