/* sweep/turn_log.h - what a comparison keeps of each measured turn of a run: which one it was, when it was
 * asked, and what became of it; 40 bytes a turn. */
#ifndef REPRISE_SWEEP_TURN_LOG_H
#define REPRISE_SWEEP_TURN_LOG_H

#include "sim/engine/result.h"

#include <stdint.h>

struct logged_turn {
    uint64_t session, asked_ns, ttft_ns;
    uint32_t turn, wanted_tokens, reused_tokens;
};

/* Zeroed memory is an empty log. */
struct turn_log {
    struct logged_turn *item; /* by session and turn, after turn_log_sort() */
    uint32_t count, capacity;
};

/* Adds a turn of which struct sim_progress tells. */
void turn_log_add(struct turn_log *log, const struct turn_times *turn);
void turn_log_sort(struct turn_log *log);
void turn_log_free(struct turn_log *log);

#endif
