/* tests/random/asked.h - what an experiment's trace asks, counted by reading the trace and nothing
 * else: what a run's result is compared with. */
#ifndef REPRISE_TESTS_RANDOM_ASKED_H
#define REPRISE_TESTS_RANDOM_ASKED_H

#include "sim/sim.h"

#include <stdbool.h>
#include <stdint.h>

struct asked {
    uint64_t sessions, turns;                            /* open loop: no more than max_turns */
    uint64_t prompt_tokens, reply_tokens, clamped_turns; /* when each is fitted into the window */
    uint64_t context_tokens;                             /* of all turns, each with its reply */
    uint32_t window_tokens;
    bool is_cut; /* max_turns ends it before its last turn; closed loop: nobody knows which are
                    asked */
    bool open_loop;
    uint32_t block_tokens; /* of the trace's keys; 0: it has none */
    char format[64];
};

/* The model gives the window. STATUS_INPUT, STATUS_IO: its or the trace's. */
enum status asked_read(const struct experiment *experiment, struct asked *asked, struct error *err);

#endif
