/* sweep/lessons/lesson.h - a lesson of docs/learn: a question, simulations that answer it, and words with
 * the numbers of these simulations in them. Public.
 *
 *   lesson_open    reads N-NAME.yaml (docs/learn/README.md says what may be in it)
 *   lesson_run     simulates its grid, lines times points, and its other runs
 *   lesson_print   writes it for people, as docs/learn/N-NAME.md has it; plots/lesson_picture.h draws.
 *                  Of runs that the reader changed it writes the numbers, and which of the lesson's
 *                  sentences hold for them: its words are about its own runs alone
 *   lesson_record  writes the timeline of the turn that it shows layer by layer
 *
 * A lesson's words claim things ("hits fall while TTFT improves"). Numbers in them are filled in from
 * the runs and from what these are made of (models, links, keys); what they say of these numbers stands
 * as claims in the file, which lesson_claims checks, so that no words outlive what they were true of. */
#ifndef REPRISE_SWEEP_LESSONS_LESSON_H
#define REPRISE_SWEEP_LESSONS_LESSON_H

#include "base/config_tree.h"
#include "base/error.h"
#include "sim/engine/metrics.h"
#include "sim/engine/turn_row.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    LESSON_LINES = 4,
    LESSON_POINTS = 12,
    LESSON_PANELS = 2,
    LESSON_OTHERS = 12,
    LESSON_SHOWN = 3,
    LESSON_NAME_BYTES = 32,
    LESSON_TEXT_BYTES = 80,
    LESSON_PATH_BYTES = 1024
};

/* One curve of the picture: one way to run the experiment, at every point. */
struct lesson_line {
    char name[LESSON_NAME_BYTES], label[LESSON_TEXT_BYTES];
    struct metrics at[LESSON_POINTS];
};

/* One diagram of the picture: a metric over the points. */
struct lesson_panel {
    int metric; /* its place in metric_rows */
    char title[LESSON_TEXT_BYTES];
};

/* A run beside the grid, for words alone. */
struct lesson_other {
    char name[LESSON_NAME_BYTES];
    struct metrics at[LESSON_POINTS]; /* where points are turns, of each; else the first one's alone */
};

/* One turn under one of the picture's runs: a panel of the second picture. */
struct lesson_shown {
    char name[LESSON_NAME_BYTES], label[LESSON_TEXT_BYTES];
    uint32_t line, point;      /* the run */
    struct turn_row row;       /* row.turn 0: the run has no such turn, or tells none of its layers */
    uint64_t gpu_save_wait_ns; /* the GPUs stood still behind its prefill, to save */
};

struct lesson {
    uint32_t number;
    char name[LESSON_NAME_BYTES]; /* "2-loading", as its files are called */
    char path[LESSON_PATH_BYTES]; /* of the YAML file */
    struct config_tree *tree;     /* owned: the file */
    const char *title;            /* in the tree, as all words are */

    char x_label[LESSON_TEXT_BYTES];
    char x_key[CONFIG_TEXT_BYTES]; /* "": points are the turns of a session, 1, 2, 3... */
    uint32_t point_count;
    char value[LESSON_POINTS][LESSON_NAME_BYTES]; /* as --set takes it; the turn's number */

    uint32_t line_count, panel_count, other_count;
    struct lesson_line line[LESSON_LINES];
    struct lesson_panel panel[LESSON_PANELS];
    struct lesson_other other[LESSON_OTHERS];

    uint64_t session, turn_of_session; /* the turn that is shown, where one is */
    uint32_t shown_count;              /* 0: none is */
    struct lesson_shown shown[LESSON_SHOWN];

    const char *const *set; /* of lesson_run()'s caller: laid over the lesson's keys */
    uint32_t set_count;
};

/* Calls visit with the number and the title of each lesson, in order. STATUS_IO: the folder
 * ($REPRISE_LEARN, else the build's docs/learn) cannot be read; STATUS_INPUT: a faulty file. */
enum status lesson_list(void (*visit)(uint32_t number, const char *title, void *context),
                        void *context, struct error *err);

/* Reads a lesson. STATUS_INPUT: there is none of that number, or its file is faulty. *lesson is the
 * caller's to lesson_free(), and set only with STATUS_OK. */
enum status lesson_open(uint32_t number, struct lesson **lesson, struct error *err);
void lesson_free(struct lesson *lesson); /* NULL is fine */

/* Simulates all of it. set: "KEY=VALUE" for every run that does not say that key itself; must outlive
 * the lesson. STATUS_INPUT: a key in which the picture's runs differ, and what sim_run() refuses. */
enum status lesson_run(struct lesson *lesson, const char *const *set, uint32_t set_count,
                       struct error *err);

/* Whether there is a turn to show, and each of its runs has it; none has it of a reader's own workload
 * ("workload...." is set), in which its number is another turn's. After lesson_run(). */
bool lesson_shows_turn(const struct lesson *lesson);
/* Simulates shown[i]'s run again and writes its timeline, from the turn's being given HBM to its end, to
 * path, which ends in .json. After lesson_run(), where lesson_shows_turn(). STATUS_IO: path. */
enum status lesson_record(const struct lesson *lesson, uint32_t i, const char *path,
                          struct error *err);

/* What a lesson says of its numbers, one sentence of it. */
struct lesson_claim {
    const char *says;  /* for people: "The tenth turn waits longer than the first", without a stop */
    char numbers[160]; /* "222 ms against 39.7 ms" */
    enum lesson_state { CLAIM_HOLDS, CLAIM_BROKEN, CLAIM_UNTOLD /* of a turn that a run does not have */ } state;
};
/* Calls told with each claim, in the file's order; but not with those on an other run that has a key of
 * its own where the reader set that key: it is not the reader's experiment. After lesson_run(). */
enum status lesson_claims(const struct lesson *lesson,
                          void (*told)(const struct lesson_claim *claim, void *context),
                          void *context, struct error *err);

enum lesson_form {
    LESSON_TERMINAL, /* without the answer */
    LESSON_ANSWER,   /* the answer alone: of the lesson's own runs, without what a reader set */
    LESSON_CHANGED,  /* numbers of runs with the reader's keys, and which claims hold for them */
    LESSON_PAGE      /* a page of docs/learn, with its pictures NAME.svg and, of a turn, NAME-turn.svg */
};
/* Markdown, which terminals show as well. After lesson_run(). STATUS_INPUT: words that ask for what is
 * not there. */
enum status lesson_print(FILE *out, const struct lesson *lesson, enum lesson_form form,
                         struct error *err);

#endif
