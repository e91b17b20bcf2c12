/* plots/timeline_turn.h - what a timeline's file tells of one turn's prefill. */
#ifndef REPRISE_PLOTS_TIMELINE_TURN_H
#define REPRISE_PLOTS_TIMELINE_TURN_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Times in ns since the run began. */
struct timeline_layer {
    uint32_t layer;
    double begin_ns, end_ns;
    double load_begin_ns, arrival_ns; /* of its KV; 0: it had not to come, or that is not told */
    double iteration_begin_ns;        /* of the iteration that computes it; 0: not told */
};
struct timeline_copy {
    double begin_ns, end_ns, bytes;
    char name[48]; /* "load SSD to HBM" */
};

/* What its GPUs did before and after the prefill. */
struct timeline_work {
    double begin_ns, end_ns;
    bool waits_for_saving; /* they stood still; else: they computed something else */
};

struct timeline_turn {
    char policy[64];
    uint64_t turn, session, turn_of_session, server;
    double wanted_tokens, reused_tokens, computed_tokens, prefill_start_ns, first_token_ns;
    double load_wait_ns;          /* up to the first token: its layers waiting for their KV */
    struct timeline_layer *layer; /* in the order of computing */
    struct timeline_copy *load, *save;
    struct timeline_work *around;
    uint32_t layers, loads, saves, arounds, layer_capacity, load_capacity, save_capacity, around_capacity;
};

/* Reads a timeline's file, plain or .gz. like: the same turn of the same session as that one, whatever its number
 * is here: runs number turns in the order in which they were asked. NULL: that turn; 0: of those whose layers are told, the one that loads most. *told is the caller's to
 * timeline_turn_free(), whatever is returned. STATUS_INPUT: the file is no timeline, or does not tell the turn or
 * its layers. STATUS_IO: it cannot be read. */
enum status timeline_turn_read(const char *path, uint64_t turn, const struct timeline_turn *like,
                               struct timeline_turn *told, struct error *err);
void timeline_turn_free(struct timeline_turn *told);

#endif
