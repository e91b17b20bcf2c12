/* cli/explore/turn.h - one turn's prefill, layer by layer, to be drawn: of the measured ones on the first server that
 * whose layers waited longest for their KV; where none waited, the first of those with most layers loaded. */
#ifndef REPRISE_CLI_EXPLORE_TURN_H
#define REPRISE_CLI_EXPLORE_TURN_H

#include "sim/engine/watch.h"

#include <jansson.h>
#include <stdbool.h>

/* An iteration that prefills a turn and loads KV for it. */
struct turn_prefill {
    uint64_t turn, begin_ns, wait_ns;
    uint32_t loaded; /* layers whose KV came */
    uint32_t layers, capacity; /* capacity: of times_ns */
    uint64_t *times_ns; /* of each layer: load's begin, arrival, computation's begin and end; owned */
};

/* Zeroed memory holds none. */
struct turn_layers {
    bool measuring;
    struct turn_prefill last; /* under way, or layers 0 */
    struct turn_prefill best;
};

/* Fills `kept` as the run goes on; it outlives the watch. */
struct watch turn_watch(struct turn_layers *kept);
void turn_free(struct turn_layers *kept);

/* {turn, wait_ns, layers: [{load_begin_ns, arrival_ns, begin_ns, end_ns}]}, times since the first of them; an
 * arrival of 0: the layer's KV was there. null: no measured turn loaded KV. */
json_t *turn_json(const struct turn_layers *kept);

#endif
