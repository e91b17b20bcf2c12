/* sweep/lessons/lesson_parts.h - what the files of this folder share. Private to it. */
#ifndef REPRISE_SWEEP_LESSONS_LESSON_PARTS_H
#define REPRISE_SWEEP_LESSONS_LESSON_PARTS_H

#include "base/units.h"
#include "sim/engine/experiment.h"
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

/* "LINE@VALUE", or an other run's name, with "@VALUE" where points are turns. STATUS_INPUT names `key`,
 * whose words ask for it. */
struct lesson_place {
    int line, other; /* one of them is -1 */
    int point;
};
enum status lesson_find(const struct lesson *lesson, const char *key, const char *name,
                        struct lesson_place *place, struct error *err);
const struct metrics *lesson_metrics(const struct lesson *lesson, struct lesson_place place);

/* What the run of that place is made of: its section, and the point's value. section has room for
 * LESSON_SECTION_BYTES and outlives the choice. */
#define LESSON_SECTION_BYTES (LESSON_NAME_BYTES + 8)
struct lesson_choice lesson_choice(const struct lesson *lesson, struct lesson_place place,
                                   char section[LESSON_SECTION_BYTES]);

/* A number that words name. */
struct lesson_number {
    double value; /* NaN: a turn's, where the run has no such turn */
    enum lesson_number_kind {
        NUMBER_METRIC,   /* as tables show it */
        NUMBER_QUANTITY, /* in `unit`; UNIT_PLAIN: a count */
        NUMBER_DOLLARS
    } kind;
    int metric;
    enum unit_kind unit;
};
/* The number `name` of the run: a metric, a fact (below), or with "turn.PANEL" as run a quantity of the
 * turn that is shown. STATUS_INPUT names `key`, whose words ask for it. */
enum status lesson_number(const struct lesson *lesson, const char *key, const char *name,
                          const char *run, struct lesson_number *number, struct error *err);
/* As people read it: counts whole, "50,687"; returns out. */
char *lesson_number_show(const struct lesson_number *number, double value, char *out,
                         size_t out_bytes);
char *lesson_metric_show(int metric, double value, char *out, size_t out_bytes);

/* What a run is made of, so that no words have such a number of their own: keys of its experiment
 * ("engine.batch"), and what follows from them and its files ("layers", lesson_facts.c). *found: there
 * is one of that name. */
enum status lesson_fact(const struct lesson *lesson, const struct lesson_choice *choice,
                        const char *name, bool *found, struct lesson_number *number,
                        struct error *err);
/* The value of an experiment's key as people read it, for the caller to free; NULL: no such key. */
char *lesson_key_show(const struct experiment *experiment, const char *key);
/* The experiment of a run. */
enum status lesson_experiment(const struct lesson *lesson, const struct lesson_choice *choice,
                              struct experiment *experiment, struct error *err);

/* "METRIC RUN WORD METRIC RUN", or METRIC RUN alone. */
struct lesson_expression {
    struct lesson_number a, b;
    char run[2][96]; /* as written */
    char word[16];   /* between them; "": a alone */
};
enum status lesson_expression(const struct lesson *lesson, const char *key, const char *text,
                              struct lesson_expression *expression, struct error *err);

/* Writes the command that runs `run` alone, with the reader's keys. STATUS_INPUT names `key`. */
enum status lesson_put_command(FILE *out, const struct lesson *lesson, const char *key,
                               const char *run, struct error *err);

/* Tables of the picture's numbers; the run `by_hand`. */
void lesson_put_tables(FILE *out, const struct lesson *lesson);
enum status lesson_put_by_hand(FILE *out, const struct lesson *lesson, struct error *err);
/* Form LESSON_CHANGED. */
enum status lesson_print_changed(FILE *out, const struct lesson *lesson, struct error *err);

/* The words of the key with each {...} in them replaced by its number: for the caller to free. */
enum status lesson_fill(const struct lesson *lesson, const char *key, char **text,
                        struct error *err);

/* Writes text with its paragraphs broken at the width of a page. A line that is indented, or begins
 * with | or ```, stays as it is; one that begins with - begins anew. */
void lesson_put_wrapped(FILE *out, const char *text);

#endif
