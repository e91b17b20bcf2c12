/* sim/placement/policy_gdsf.c - GreedyDual-Size with frequency: a unit's rank is
 *   L + uses * (time to compute it again) / (its size),
 * L the rank of what was evicted last, so that what is not used again falls behind. The time for
 * each byte grows with depth: attention reads all that stands before. Source: Cherkasova,
 * "Improving WWW proxies performance with Greedy-Dual-Size-Frequency caching policy" (HPL-98-69R1).
 */
#include "sim/placement/ranked.h"

static void rank(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct ranked *ranked = env->state;
    struct ranked_note *note = ranked_note(env, unit, tier);
    note->rank = ranked->floor + note->uses * policy_recompute_ns(env, unit, tier);
    note->order = ++ranked->clock;
}

static void gdsf_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    ranked_note(env, unit, tier)->uses = 1;
    rank(env, unit, tier);
    ranked_enter(env, unit, tier);
}

static void gdsf_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    struct ranked *ranked = env->state;
    double rank = ranked_note(env, unit, tier)->rank;
    if (why == LEAVE_EVICTED && rank > ranked->floor)
        ranked->floor = rank;
    ranked_leave(env, unit, tier);
}

static void gdsf_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    if (env->use.ends)
        return;
    ranked_note(env, unit, tier)->uses++;
    rank(env, unit, tier);
    ranked_moved(env, unit, tier);
}

const struct policy policy_gdsf = {
    .name = "gdsf",
    .summary = "give up what saves least recomputing for each byte, by how often it is used",
    .state_bytes = sizeof(struct ranked),
    .note_bytes = sizeof(struct ranked_note),
    .saves = true,
    .depths = true,
    .enter = gdsf_enter,
    .leave = gdsf_leave,
    .use = gdsf_use,
    .wanted = ranked_wanted,
    .victim = ranked_victim,
    .done = ranked_done,
};
