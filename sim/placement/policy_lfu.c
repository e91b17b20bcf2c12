/* sim/placement/policy_lfu.c - evicts the unit that was used least often since it came into the
 * tier; of several, the one used longest ago. Here: the count and nothing else. It is not aged: a
 * unit that was hot long ago stays. */
#include "sim/placement/ranked.h"

static void lfu_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct ranked *ranked = env->state;
    *ranked_note(env, unit, tier) =
        (struct ranked_note){ .rank = 1.0, .order = ++ranked->clock, .uses = 1 };
    ranked_enter(env, unit, tier);
}

static void lfu_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    (void)why;
    ranked_leave(env, unit, tier);
}

static void lfu_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct ranked *ranked = env->state;
    struct ranked_note *note = ranked_note(env, unit, tier);
    if (env->use.ends)
        return;
    note->rank = ++note->uses;
    note->order = ++ranked->clock;
    ranked_moved(env, unit, tier);
}

const struct policy policy_lfu = {
    .name = "lfu",
    .summary = "give up the unit that was used least often",
    .state_bytes = sizeof(struct ranked),
    .note_bytes = sizeof(struct ranked_note),
    .saves = true,
    .enter = lfu_enter,
    .leave = lfu_leave,
    .use = lfu_use,
    .wanted = ranked_wanted,
    .victim = ranked_victim,
    .done = ranked_done,
};
