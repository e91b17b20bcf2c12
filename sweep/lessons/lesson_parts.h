/* sweep/lessons/lesson_parts.h - what the files of this folder share. Private to it. */
#ifndef REPRISE_SWEEP_LESSONS_LESSON_PARTS_H
#define REPRISE_SWEEP_LESSONS_LESSON_PARTS_H

#include "sweep/lessons/lesson.h"

/* Where lessons and the experiments they begin with lie. */
const char *lesson_folder(void);

/* The value of the key ("see", "line.kept.label"). STATUS_INPUT where the file has none. */
enum status lesson_text(const struct lesson *lesson, const char *key, const char **text,
                        struct error *err);

/* The experiment of a run as a tree, for the caller to free: that of the file `experiment`, then the
 * lesson's keys, the reader's, the line's or other run's, and the point's. */
struct lesson_choice {
    const char *section; /* "line.kept" or "other.slow" */
    const char *value;   /* of x_key; NULL: it stays */
    bool alone;          /* without that file: what a command says beside -c */
};
enum status lesson_tree(const struct lesson *lesson, const struct lesson_choice *choice,
                        struct config_tree **tree, struct error *err);

/* "LINE@VALUE" or an other run's name. STATUS_INPUT names `key`, whose words ask for it. */
struct lesson_place {
    int line, point; /* line -1: point is an other run's number */
};
enum status lesson_find(const struct lesson *lesson, const char *key, const char *name,
                        struct lesson_place *place, struct error *err);
const struct metrics *lesson_metrics(const struct lesson *lesson, struct lesson_place place);

/* The words of the key with each {...} in them replaced by its number: for the caller to free. */
enum status lesson_fill(const struct lesson *lesson, const char *key, char **text,
                        struct error *err);

/* Writes text with its paragraphs broken at the width of a page. A line that is indented, or begins
 * with | or ```, stays as it is; one that begins with - begins anew. */
void lesson_put_wrapped(FILE *out, const char *text);

#endif
