/* cli/explore/asks_parts.h - what the files of asks share. */
#ifndef REPRISE_CLI_EXPLORE_ASKS_PARTS_H
#define REPRISE_CLI_EXPLORE_ASKS_PARTS_H

#include "base/config_tree.h"
#include "cli/explore/door.h"
#include "cli/explore/jobs.h"
#include "cli/explore/names.h"
#include "cli/explore/uploads.h"

struct asks {
    struct config_tree *start;
    struct names *names;
    struct jobs *jobs;
    struct uploads *uploads;
};

/* Takes the object; status is HTTP's. */
struct door_answer asks_json(unsigned status, json_t *object);
/* {error}: the experiment, a file or a body was refused. */
struct door_answer asks_error(unsigned status, const struct error *err);

/* The experiment of an object of texts by key. notes: sentences on what became of them are added; NULL:
 * none. STATUS_INPUT: a key or value is refused, or is a file that may not be read. */
enum status asks_experiment(const struct asks *asks, const json_t *set, json_t *notes,
                            struct experiment *experiment, struct error *err);

/* What runs came to: the object of a job that was done, which is taken (NULL: there is none); {stopped}; or {error}. */
struct door_answer asks_run_answer(enum job_end end, json_t *object, const struct error *err);

/* Of how many experiments at once a question may be. */
enum { ASKS_SETS_MOST = 2 };

/* What `reprise sim` says of a run: a list of {of, subject, sentence} (sweep/compared_words.h), the caller's.
 * STATUS_INPUT, STATUS_IO: its drives' file. */
enum status asks_words(const struct experiment *experiment, const struct sim_result *result,
                       json_t **words, struct error *err);
/* Answers api/compare: of two sets. */
struct door_answer asks_compare(const struct asks *asks, const struct job_place *place,
                                const json_t *sets);

/* Answers api/start, and api/report with the objects of texts in `sets`, run at `place`. */
struct door_answer asks_start(const struct asks *asks);
struct door_answer asks_report(const struct asks *asks, const struct job_place *place,
                               const json_t *sets);

/* A turn by what it is in every experiment of its load. */
struct asks_turn {
    uint64_t session, turn_of_session; /* as in turn_row.h */
};
/* Answers api/turn. */
struct door_answer asks_turn(const struct asks *asks, const struct job_place *place,
                             const json_t *sets, const struct asks_turn *turn);
/* The picture's lanes, {name, dark, light} in their order, and its other colours. */
json_t *asks_gantt_look(void);

#endif
