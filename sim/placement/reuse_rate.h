/* sim/placement/reuse_rate.h - what policy_reuse_rate.c keeps of each tier and unit. Private to
 * sim/placement/. */
#ifndef REPRISE_SIM_PLACEMENT_REUSE_RATE_H
#define REPRISE_SIM_PLACEMENT_REUSE_RATE_H

#include "sim/placement/policy.h"
#include "sim/placement/reuse_ages.h"
#include "sim/placement/unit_heap.h"

enum {
    USES_MOST = AGE_KINDS / 2 /* more uses are one kind */
};

enum where { AWAY, HERE, GHOST };

struct reuse_note {
    uint32_t epoch; /* of its last use */
    uint8_t uses, kind, where;
    bool last : 1;  /* it ended its chain when used last */
    bool asked : 1; /* a queued job has asked for it since: its age has ended */
};

/* A unit in the tier is in exactly one of: idle[its kind], if no queued job wants it, front = first
 * to go; wanted, if one does and it may go; neither. One that is remembered is in ghosts, front =
 * the first that left. All of them that no queued job asked for are watched by `ages`. */
struct reuse_tier {
    struct order idle[AGE_KINDS], ghosts;
    struct heap wanted;
    uint64_t here, remembered;
    uint64_t touches; /* in the present epoch */
    bool begun;
    uint32_t latest[2]; /* units used or come last, and before it; UNIT_NONE: it has left since */
    struct reuse_ages ages;
};

struct reuse_rate {
    struct reuse_tier tier[TIER_COUNT];
};

static inline struct reuse_tier *tier_of(const struct policy_env *env, enum tier tier)
{
    return &((struct reuse_rate *)env->state)->tier[tier];
}

static inline struct reuse_note *note_of(const struct policy_env *env, uint32_t unit,
                                         enum tier tier)
{
    return (struct reuse_note *)env->units->note[tier] + unit;
}

/* Of any tier, those that the driver does not have too. */
static inline bool is_here(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    return env->units->note[tier] != NULL && note_of(env, unit, tier)->where == HERE;
}

#endif
