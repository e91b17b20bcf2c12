/* sweep/lessons/lesson_parts.h - what the files of this folder share. Private to it. */
#ifndef REPRISE_SWEEP_LESSONS_LESSON_PARTS_H
#define REPRISE_SWEEP_LESSONS_LESSON_PARTS_H

#include "sim/engine/result.h"
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

/* Simulates it. progress may be NULL. */
enum status lesson_simulate(const struct lesson *lesson, const struct lesson_choice *choice,
                            const struct sim_progress *progress, struct metrics *metrics,
                            struct error *err);

/* The turn under its runs: reads what the file says of it, and fills shown[].row in. */
enum status lesson_read_turn(struct lesson *lesson, struct error *err);
enum status lesson_run_turn(struct lesson *lesson, struct error *err);
/* A quantity of the turn ("load_wait_ns") under shown[i]'s run, NaN where that has none; *time: it is ns.
 * STATUS_INPUT: words ask for what is none. */
enum status lesson_turn_value(const struct lesson *lesson, const char *key, const char *name,
                              const struct lesson_shown *shown, double *value, bool *time,
                              struct error *err);

/* Refuses names below section that are not among known, which ends with NULL. */
enum status lesson_check_parts(const struct lesson *lesson, const char *section,
                               const char *const *known, struct error *err);
/* Copies the value of the key. STATUS_INPUT: there is none, or it is too long. */
enum status lesson_copy_text(const struct lesson *lesson, const char *key, char *out,
                             size_t out_bytes, struct error *err);
/* Copies a name of which `count` stand in the file before it, and `most` may. */
enum status lesson_copy_name(const struct lesson *lesson, const char *key, const char *name,
                             uint32_t count, uint32_t most, char out[LESSON_NAME_BYTES],
                             struct error *err);

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
