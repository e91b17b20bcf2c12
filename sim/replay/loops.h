/* sim/replay/loops.h - the loop of a replay of one tier with no order among blocks: compiled once for any
 * policy, and once more for some, whose calls are then within it. Private to sim/replay/. */
#ifndef REPRISE_SIM_REPLAY_LOOPS_H
#define REPRISE_SIM_REPLAY_LOOPS_H

#include "sim/replay/state.h"

/* How many references are told before the first of them is worked off, so that the group of each has come. */
enum { GROUP_AHEAD = 64 };

/* The policy's own loop, or that of any. A copy of a policy is any. */
void (*loop_of(const struct policy *policy))(struct replay *replay, struct request request);

#endif
