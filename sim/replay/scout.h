/* sim/replay/scout.h - runs ahead of a list's front, so that what giving up its next units will
 * read is in the processor's caches by then. A guess, for speed alone: of a policy without lists it
 * goes astray and does no harm. Private to sim/replay/. */
#ifndef REPRISE_SIM_REPLAY_SCOUT_H
#define REPRISE_SIM_REPLAY_SCOUT_H

#include "sim/replay/blocks.h"

/* Units between the scout and the front; a unit's slot is asked for when its block has come. */
enum { SCOUT_AHEAD = 16, SCOUT_BLOCK_AHEAD = 8, SCOUT_STEPS = 4 };

/* Invariant: seen[] are the `count` units that the scout came by last, in order; `at` is the last.
 */
struct scout {
    uint32_t seen[SCOUT_AHEAD];
    uint32_t first, count, at;
    uint32_t idle; /* fronts since one was on its way */
};

/* The front has come to `unit`: true if the scout was there before. A front that jumps over units
 * (a clock's hand) takes the scout's lead off with them. */
static inline bool scout_meets(struct scout *scout, uint32_t unit)
{
    for (uint32_t i = 0; i < scout->count; i++) {
        if (scout->seen[(scout->first + i) % SCOUT_AHEAD] != unit)
            continue;
        scout->first = (scout->first + i + 1) % SCOUT_AHEAD;
        scout->count -= i + 1;
        scout->idle = 0;
        return true;
    }
    scout->idle++;
    return false;
}

static inline void scout_start(struct scout *scout, uint32_t unit)
{
    scout->first = scout->count = scout->idle = 0;
    scout->at = unit;
}

static inline void scout_run(struct scout *scout, const struct blocks *blocks, enum tier tier)
{
    const struct order_link *link = blocks->seen.link[tier];
    const char *note = blocks->seen.note[tier];
    for (int step = 0; step < SCOUT_STEPS && scout->count < SCOUT_AHEAD; step++) {
        uint32_t next = link[scout->at].next;
        if (next == 0 || next >= blocks->high_water)
            return;
        __builtin_prefetch(&link[next]);
        __builtin_prefetch(&blocks->block[next]);
        if (note != NULL)
            __builtin_prefetch(note + (size_t)next * blocks->note_bytes);
        scout->seen[(scout->first + scout->count++) % SCOUT_AHEAD] = next;
        scout->at = next;
        if (scout->count > SCOUT_BLOCK_AHEAD) {
            uint32_t come = (scout->first + scout->count - 1 - SCOUT_BLOCK_AHEAD) % SCOUT_AHEAD;
            blocks_prefetch_group(blocks, blocks->block[scout->seen[come]].hash);
        }
    }
}

#endif
