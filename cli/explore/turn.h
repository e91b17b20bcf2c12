/* cli/explore/turn.h - which turn's prefill is worth drawing: of the measured ones on the first server the one whose
 * layers waited longest for their KV; where none waited, the one of which most layers were loaded; where none was, the one
 * that computed longest. */
#ifndef REPRISE_CLI_EXPLORE_TURN_H
#define REPRISE_CLI_EXPLORE_TURN_H

#include "sim/engine/watch.h"

#include <jansson.h>
#include <stdbool.h>

/* An iteration that prefills a turn. */
struct turn_prefill {
    uint64_t turn, wait_ns, took_ns;
    uint32_t loaded; /* layers whose KV came */
};

/* Zeroed memory holds none. */
struct turn_choice {
    bool measuring;
    struct turn_prefill last; /* under way, or turn 0 */
    struct turn_prefill best;
    struct turn_row row; /* best's, when it has ended */
};

/* Fills the choice as the run goes on; it outlives the watch. */
struct watch turn_watch(struct turn_choice *choice);

/* {turn, session, turn_of_session, wait_ns, loaded: layers}; null: no turn was prefilled. A new reference. */
json_t *turn_json(const struct turn_choice *choice);

#endif
