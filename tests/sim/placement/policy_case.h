/* tests/sim/placement/policy_case.h - one policy by itself, without the core: a table of units, and
 * a plain record of what happened to each, from which a slow model can name the victim by a scan.
 */
#ifndef REPRISE_TESTS_SIM_PLACEMENT_POLICY_CASE_H
#define REPRISE_TESTS_SIM_PLACEMENT_POLICY_CASE_H

#include "sim/placement/core.h"

enum { CASE_UNITS = 40 }; /* handles 1..CASE_UNITS */

struct unit_record {
    uint64_t entered_at[TIER_COUNT]; /* 0: not in the tier */
    uint64_t used_at[TIER_COUNT];    /* entered or used last */
    uint64_t uses[TIER_COUNT];       /* since it entered */
    uint64_t started_at[TIER_COUNT]; /* entered or used last by a job's start */
    uint64_t found_at[TIER_COUNT];   /* of those, in the run that a job reused */
    uint64_t served_at[TIER_COUNT];  /* of those, from that tier */
    uint64_t founds[TIER_COUNT];     /* how often, since it entered */
    uint64_t unqueued_at;            /* its last job left the queue */
    uint32_t pins;
    uint32_t sequence; /* of the queued job that wants it, or 0 */
};

struct policy_case {
    const struct policy *policy;
    struct policy_env env;
    struct unit_table table;
    struct slot slot[CASE_UNITS + 1]; /* a unit's waiter is the slot of its handle */
    struct unit_record record[CASE_UNITS + 1];
    uint64_t now; /* grows by one a call; env.now_ns, and each entry an arrival of its own */
    uint32_t next_sequence;
};

/* With units 1..count in the tier, entered in this order. */
void case_init(struct policy_case *c, const struct policy *policy, uint32_t count, enum tier tier);
void case_free(struct policy_case *c);
void case_enter(struct policy_case *c, uint32_t unit, enum tier tier);
void case_leave(struct policy_case *c, uint32_t unit, enum tier tier);
/* By a job's start that reuses it from there, or as it says. */
void case_use(struct policy_case *c, uint32_t unit, enum tier tier);
void case_use_as(struct policy_case *c, uint32_t unit, enum tier tier, struct policy_use use);
void case_pin(struct policy_case *c, uint32_t unit);
void case_unpin(struct policy_case *c, uint32_t unit);
/* A job that wants the unit joins the queue's end; the unit's job leaves the queue. */
void case_queue(struct policy_case *c, uint32_t unit);
void case_unqueue(struct policy_case *c, uint32_t unit);
uint32_t case_victim(struct policy_case *c, enum tier tier);

/* Random calls; after each the policy and the model must name the same victim in every tier. */
void case_compare(const struct policy *policy,
                  uint32_t (*slow_victim)(const struct policy_case *c, enum tier tier));

/* Of the units that may go, the one for which value() is least; UNIT_NONE: none may. */
uint32_t case_least(const struct policy_case *c, enum tier tier,
                    uint64_t (*value)(const struct policy_case *c, uint32_t unit, enum tier tier));
/* For it: when the unit was entered or used last, by whatever. */
uint64_t case_used_at(const struct policy_case *c, uint32_t unit, enum tier tier);

/* The same from a case that is set up already. */
void case_compare_from(struct policy_case *c,
                       uint32_t (*slow_victim)(const struct policy_case *c, enum tier tier));

static inline bool case_may_go(const struct policy_case *c, uint32_t unit, enum tier tier)
{
    return c->record[unit].entered_at[tier] != 0 && c->record[unit].pins == 0;
}

#endif
