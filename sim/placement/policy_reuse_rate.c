/* sim/placement/policy_reuse_rate.c - evicts what is least likely to be used again soon, as the
 * uses so far teach (reuse_ages.h). Units are counted together by how often they were used and by
 * whether they end their chain, as the block that a prompt's last tokens are in; of each kind the
 * one that lies longest goes first. Units that a queued job wants go last, the one wanted last of
 * all before the others, as in scheduler-aware. Our own; docs/policy-reuse-rate.md says what it is
 * made of, and what it was measured against. */
#include "sim/placement/reuse_rate.h"

/* ---- time ---- */

static void tick(const struct policy_env *env, enum tier tier)
{
    struct reuse_tier *at = tier_of(env, tier);
    if (!at->begun)
        ages_begin(&at->ages);
    at->begun = true;
    if (++at->touches < policy_capacity(env, tier, at->here) / env->keys.reuse_rate_epochs)
        return;
    at->touches = 0;
    ages_advance(&at->ages);
}

/* The unit that was used or came before this one does. */
static uint32_t before_it(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    const uint32_t *latest = tier_of(env, tier)->latest;
    return latest[0] == unit ? latest[1] : latest[0];
}

static void is_latest(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    uint32_t *latest = tier_of(env, tier)->latest;
    if (latest[0] == unit)
        return;
    latest[1] = latest[0];
    latest[0] = unit;
}

static void is_latest_no_more(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    uint32_t *latest = tier_of(env, tier)->latest;
    for (int i = 0; i < 2; i++)
        latest[i] = latest[i] == unit ? UNIT_NONE : latest[i];
}

/* The unit is the next of a chain whose units are used one after the other, from its beginning on
 * or from its end. */
static bool continues(const struct policy_env *env, uint32_t unit, enum tier tier, bool downwards)
{
    uint32_t unit_before = before_it(env, unit, tier);
    if (unit_before == UNIT_NONE)
        return false;
    uint32_t depth = env->units->depth[unit], before = env->units->depth[unit_before];
    return downwards ? depth + 1 == before : depth == before + 1;
}

/* ---- order ---- */

static void take_out(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct reuse_tier *at = tier_of(env, tier);
    struct order_link *link = env->units->link[tier];
    const struct reuse_note *note = note_of(env, unit, tier);
    if (note->where == GHOST)
        order_remove(&at->ghosts, link, unit);
    else if (link[unit].next < UNIT_NOWHERE)
        order_remove(&at->idle[note->kind], link, unit);
    else
        unit_heap_take(&at->wanted, link, unit);
}

/* What is used deepest last lies in front of what it follows, so that a chain goes from its end. */
static void put_idle(struct policy_env *env, uint32_t unit, enum tier tier, bool touched)
{
    struct reuse_tier *at = tier_of(env, tier);
    struct order_link *link = env->units->link[tier];
    uint8_t kind = note_of(env, unit, tier)->kind;
    uint32_t before = before_it(env, unit, tier);
    if (touched && continues(env, unit, tier, false) && is_here(env, before, tier) &&
        link[before].next < UNIT_NOWHERE && note_of(env, before, tier)->kind == kind)
        order_insert_before(&at->idle[kind], link, unit, before);
    else
        order_push_back(&at->idle[kind], link, unit);
}

static void put_in(struct policy_env *env, uint32_t unit, enum tier tier, bool touched)
{
    struct reuse_tier *at = tier_of(env, tier);
    struct order_link *link = env->units->link[tier];
    uint32_t sequence = policy_next_use(env, unit);
    if (note_of(env, unit, tier)->where == GHOST)
        order_push_back(&at->ghosts, link, unit);
    else if (sequence == SEQUENCE_NONE)
        put_idle(env, unit, tier, touched);
    else if (policy_stays(env, unit, tier))
        link[unit].next = UNIT_NOWHERE;
    else /* ties, which only blocks of one job can have, by handle */
        unit_heap_put(&at->wanted, link,
                      (struct heap_item){ UINT32_MAX - sequence, UINT32_MAX - unit, unit });
}

/* Its age begins anew, in the kind that its note says; a chain's units are all as old as the first
 * of them. */
static void restart(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct reuse_tier *at = tier_of(env, tier);
    struct reuse_note *note = note_of(env, unit, tier);
    bool follows = continues(env, unit, tier, false) || continues(env, unit, tier, true);
    note->epoch = follows ? note_of(env, before_it(env, unit, tier), tier)->epoch : at->ages.epoch;
    note->kind = (uint8_t)((note->last ? 0 : USES_MOST) + note->uses - 1);
    note->asked = false;
    ages_watch(&at->ages, note->kind, note->epoch);
}

/* Its age ends, by its being asked for again or not. */
static void end_age(const struct policy_env *env, uint32_t unit, enum tier tier, bool reused)
{
    struct reuse_ages *ages = &tier_of(env, tier)->ages;
    const struct reuse_note *note = note_of(env, unit, tier);
    if (note->asked)
        return;
    if (reused)
        ages_reused(ages, note->kind, note->epoch);
    ages_unwatch(ages, note->kind, note->epoch);
}

/* ---- what happens ---- */

static void forget_ghost(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct reuse_tier *at = tier_of(env, tier);
    end_age(env, unit, tier, false);
    is_latest_no_more(env, unit, tier);
    order_remove(&at->ghosts, env->units->link[tier], unit);
    at->remembered--;
    *note_of(env, unit, tier) = (struct reuse_note){ .where = AWAY };
    policy_forget(env, unit, tier);
}

/* Each session is a chain of its own, whose end says nothing. */
static bool ends_chain(const struct policy_env *env)
{
    return env->use.last && env->unit_tokens != UINT32_MAX;
}

/* A unit that no tier knows is new; one that comes from a tier above has been used as often as
 * there. */
static void begin_note(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct reuse_note *note = note_of(env, unit, tier);
    note->uses = 1;
    note->last = ends_chain(env);
    for (int above = 0; above < (int)tier; above++)
        if (is_here(env, unit, (enum tier)above)) {
            note->uses = note_of(env, unit, (enum tier)above)->uses;
            note->last = note_of(env, unit, (enum tier)above)->last;
        }
}

static void reuse_rate_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct reuse_tier *at = tier_of(env, tier);
    struct reuse_note *note = note_of(env, unit, tier);
    bool known = note->where == GHOST;
    bool used_now = known && at->latest[0] == unit;
    if (known) {
        take_out(env, unit, tier);
        at->remembered--;
    } else {
        begin_note(env, unit, tier);
        tick(env, tier);
    }
    note->where = HERE;
    at->here++;
    if (known && !used_now)
        end_age(env, unit, tier, false);
    if (!used_now)
        restart(env, unit, tier);
    put_in(env, unit, tier, true);
    is_latest(env, unit, tier);
    if (known)
        policy_forget(env, unit, tier);
}

static void reuse_rate_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    struct reuse_tier *at = tier_of(env, tier);
    struct reuse_note *note = note_of(env, unit, tier);
    take_out(env, unit, tier);
    at->here--;
    is_latest_no_more(env, unit, tier);
    if (why != LEAVE_EVICTED) {
        end_age(env, unit, tier, false);
        *note = (struct reuse_note){ .where = AWAY };
        return;
    }
    note->where = GHOST;
    order_push_back(&at->ghosts, env->units->link[tier], unit);
    at->remembered++;
    policy_remember(env, unit, tier);
    while (at->remembered > env->keys.reuse_rate_ghost_share * policy_capacity(env, tier, at->here))
        forget_ghost(env, at->ghosts.front, tier);
}

/* A job's end is no use more; but the units are as new as at its start, and it is known now which
 * ends the chain. */
static void reuse_rate_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct reuse_note *note = note_of(env, unit, tier);
    if (!env->use.ends)
        tick(env, tier);
    take_out(env, unit, tier);
    end_age(env, unit, tier, !env->use.ends);
    if (!env->use.ends)
        note->uses = note->uses < USES_MOST ? note->uses + 1 : USES_MOST;
    note->last = ends_chain(env);
    restart(env, unit, tier);
    put_in(env, unit, tier, true);
    is_latest(env, unit, tier);
}

/* What is asked for waits in the queue before it is used, as long as that is: no doing of its own.
 */
static void ask(struct policy_env *env, uint32_t unit, enum tier tier)
{
    end_age(env, unit, tier, true);
    note_of(env, unit, tier)->asked = true;
}

static void reuse_rate_wanted(struct policy_env *env, uint32_t unit)
{
    if (env->units->unit == NULL) /* a replay: no queue */
        return;
    bool is_wanted = policy_next_use(env, unit) != SEQUENCE_NONE;
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        if (policy_is_apart(env, tier) || env->units->note[tier] == NULL ||
            note_of(env, unit, (enum tier)tier)->where == AWAY)
            continue;
        if (is_wanted)
            ask(env, unit, (enum tier)tier);
        if (!is_here(env, unit, (enum tier)tier))
            continue;
        bool was_wanted = env->units->link[tier][unit].next >= UNIT_NOWHERE;
        if (!is_wanted && !was_wanted)
            continue;
        take_out(env, unit, (enum tier)tier);
        put_in(env, unit, (enum tier)tier, false);
    }
}

/* Of two rated alike, the one whose kind goes first: used less often, so perhaps behind the other
 * in its chain. */
static uint32_t reuse_rate_victim(struct policy_env *env, enum tier tier)
{
    struct reuse_tier *at = tier_of(env, tier);
    uint32_t least = UNIT_NONE;
    double least_rate = 0.0;
    for (uint32_t kind = 0; kind < AGE_KINDS; kind++) {
        uint32_t unit = policy_first(env, &at->idle[kind], tier);
        if (unit == UNIT_NONE)
            continue;
        double rate = ages_rate(&at->ages, kind, note_of(env, unit, tier)->epoch);
        if (least == UNIT_NONE || rate < least_rate) {
            least = unit;
            least_rate = rate;
        }
    }
    return least != UNIT_NONE ? least : unit_heap_first(&at->wanted);
}

static void reuse_rate_done(struct policy_env *env)
{
    for (int tier = 0; tier < TIER_COUNT; tier++)
        heap_free(&tier_of(env, (enum tier)tier)->wanted);
}

const struct policy policy_reuse_rate = {
    .name = "reuse-rate",
    .summary = "give up what is used again least often at its age, as uses so far teach",
    .state_bytes = sizeof(struct reuse_rate),
    .note_bytes = sizeof(struct reuse_note),
    .saves = true,
    .fetches = true,
    .depths = true,
    .uses_ghosts = true,
    .enter = reuse_rate_enter,
    .leave = reuse_rate_leave,
    .use = reuse_rate_use,
    .wanted = reuse_rate_wanted,
    .victim = reuse_rate_victim,
    .keeps = policy_window_keeps,
    .done = reuse_rate_done,
};
