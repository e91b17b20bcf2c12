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

/* Answers api/start, and api/report with the objects of texts in `sets`, run at `place`. */
struct door_answer asks_start(const struct asks *asks);
struct door_answer asks_report(const struct asks *asks, const struct job_place *place,
                               const json_t *sets);

#endif
