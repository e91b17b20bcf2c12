/* sim/engine/moved.h - bytes that crossed a server's links, by cause: what transfers moved that have
 * ended. So what crossed a link is the sum of its causes, whenever counting begins. */
#ifndef REPRISE_SIM_ENGINE_MOVED_H
#define REPRISE_SIM_ENGINE_MOVED_H

#include "sim/engine/metrics.h"
#include "sim/engine/setup.h"
#include "sim/placement/placement.h"

struct moved {
    uint64_t bytes[ACTION_WRITE + 1][TIER_KINDS][TIER_KINDS]; /* by kind, from, to */
    uint64_t handed_over_bytes; /* context sent to servers that decode it */
};

/* The links that a transfer between two tiers crosses: a mask of LINK_BIT()s. */
uint32_t moved_links(enum tier from, enum tier to);

/* The transfer has ended; its size is what it moved. */
void moved_add(struct moved *moved, const struct action *copy);
/* All that crossed the link. */
uint64_t moved_over(const struct moved *moved, enum link link);

/* Adds bytes by cause and by link to metrics, since they were `then`. */
void moved_add_metrics(const struct moved *moved, const struct moved *then,
                       struct metrics *metrics);

#endif
