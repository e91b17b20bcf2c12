/* sim/placement/books.c - the one place where a copy comes, goes, is pinned and is counted. */
#include "base/memory.h"
#include "sim/placement/core.h"

#include <assert.h>

static uint32_t longer(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

uint32_t books_stored_tokens(const struct unit *unit)
{
    return longer(unit->tokens[TIER_DRAM], unit->tokens[TIER_SSD]);
}

uint32_t books_loaded_tokens(const struct placement *core, const struct unit *unit)
{
    if (core->config.pool == NULL)
        return unit->loaded_tokens;
    return longer(unit->loaded_tokens,
                  pool_loaded_tokens(core->config.pool, unit->key, base_of(unit)));
}

static uint32_t held_tokens(const struct unit *unit)
{
    return longer(unit->tokens[TIER_HBM], books_stored_tokens(unit));
}

void books_book(struct placement *core, enum tier tier, uint64_t tokens)
{
    core->used_tokens[tier] += tokens;
    assert(core->used_tokens[tier] <= core->env.capacity_tokens[tier]);
    if (core->used_tokens[tier] > core->peak_tokens[tier])
        core->peak_tokens[tier] = core->used_tokens[tier];
}

void books_unbook(struct placement *core, enum tier tier, uint64_t tokens)
{
    assert(core->used_tokens[tier] >= tokens);
    core->used_tokens[tier] -= tokens;
}

void books_act(struct placement *core, struct action action)
{
    struct action_ring *ring = &core->actions;
    if (ring->count == ring->capacity) {
        uint32_t old = ring->capacity;
        memory_grow(&ring->item, &ring->capacity, (uint64_t)old + 64, sizeof *ring->item);
        /* What had wrapped to the front now follows the old end. */
        for (uint32_t i = 0; i < ring->head; i++)
            ring->item[(old + i) % ring->capacity] = ring->item[i];
    }
    action.behalf = core->behalf;
    *action_at(ring, ring->count++) = action;
}

void books_set_copy(struct placement *core, uint32_t unit, enum tier tier, uint32_t tokens)
{
    struct unit *entry = &core->units.unit[unit];
    uint32_t before = entry->tokens[tier];
    assert(tokens >= before && tokens > 0);
    entry->tokens[tier] = tokens;
    if (tier == TIER_HBM && entry->pins == 0)
        core->hbm_idle_tokens += tokens - before;
    if (unit_leaves(entry, tier))
        quota_leave(core, unit, tier, tokens - before, 0);
    /* One whose copy was cut to nothing while it leaves is entered when that has ended. */
    if (before == 0 && !unit_leaves(entry, tier))
        books_enter(core, unit, tier);
    if (before == 0 && tier == TIER_HBM && core->units.seen.hbm_holds)
        books_wanted(core, unit);
}

/* The unit before it in its chain has one more or one less in the tier that follows it. */
static void count_child(struct placement *core, uint32_t unit, enum tier tier, bool comes)
{
    if (!core->config.keys.leaf_only)
        return;
    uint32_t parent = core->units.seen.parent[unit];
    if (parent == UNIT_NONE)
        return;
    uint32_t *children = &core->units.seen.children[tier][parent];
    assert(comes || *children > 0);
    *children = comes ? *children + 1 : *children - 1;
    if (*children == (comes ? 1U : 0U))
        books_wanted(core, parent);
}

void books_coming(struct placement *core, uint32_t unit, enum tier tier, bool comes)
{
    if (core->units.nodes && core->units.unit[unit].tokens[tier] == 0)
        count_child(core, unit, tier, comes);
}

/* As books_enter() and books_coming() have counted it. */
static bool is_counted(const struct placement *core, const struct unit *entry, enum tier tier)
{
    if (entry->tokens[tier] > 0)
        return !unit_leaves(entry, tier);
    return core->units.nodes && transfer_brings(core, entry, tier);
}

static void count_children(struct placement *core, uint32_t unit, bool come)
{
    for (int tier = 0; tier < TIER_COUNT; tier++)
        if (is_counted(core, &core->units.unit[unit], (enum tier)tier))
            count_child(core, unit, (enum tier)tier, come);
}

void books_follow(struct placement *core, uint32_t unit, uint32_t parent)
{
    if (!core->config.keys.leaf_only || core->units.seen.parent[unit] == parent)
        return;
    count_children(core, unit, false);
    uint32_t before = unit_follow(&core->units, unit, parent);
    count_children(core, unit, true);
    books_settle(core, before);
}

void books_enter(struct placement *core, uint32_t unit, enum tier tier)
{
    core->policy->enter(env_of(core, unit, tier), unit, tier);
    count_child(core, unit, tier, true);
}

void books_leave(struct placement *core, uint32_t unit, enum tier tier, enum leave why)
{
    core->policy->leave(env_of(core, unit, tier), unit, tier, why);
    count_child(core, unit, tier, false);
}

static void set_leaving(struct placement *core, uint32_t unit, enum tier tier, bool leaves)
{
    struct unit *entry = &core->units.unit[unit];
    unsigned bit = 1U << (unsigned)tier;
    unsigned now = leaves ? entry->leaving | bit : entry->leaving & ~bit;
    entry->leaving = now & ((1U << TIER_COUNT) - 1);
}

void books_evict(struct placement *core, uint32_t unit, enum tier tier)
{
    set_leaving(core, unit, tier, true);
    books_leave(core, unit, tier, LEAVE_EVICTED);
    quota_leave(core, unit, tier, core->units.unit[unit].tokens[tier], 0);
}

static void stop_being_clean(struct placement *core, uint32_t unit)
{
    if (core->units.unit[unit].clean)
        order_remove(&core->clean, core->units.clean_link, unit);
    core->units.unit[unit].clean = false;
}

void books_take_back(struct placement *core, uint32_t unit, enum tier tier)
{
    struct unit *entry = &core->units.unit[unit];
    quota_leave(core, unit, tier, 0, entry->tokens[tier]);
    if (tier == TIER_HBM)
        stop_being_clean(core, unit);
    if (entry->tokens[tier] > 0)
        books_enter(core, unit, tier);
    set_leaving(core, unit, tier, false);
}

void books_is_clean(struct placement *core, uint32_t unit)
{
    order_push_back(&core->clean, core->units.clean_link, unit);
    core->units.unit[unit].clean = true;
}

uint64_t books_key_of(const struct policy_env *env, uint32_t unit)
{
    return env->units->unit[unit].key;
}

void books_remember(struct policy_env *env, uint32_t unit, enum tier tier, bool does)
{
    struct placement *core =
        (struct placement *)(void *)((char *)env - offsetof(struct placement, env));
    struct unit *entry = &core->units.unit[unit];
    unsigned bit = 1U << (unsigned)tier;
    if (does) {
        entry->remembered = (entry->remembered | bit) & ((1U << TIER_COUNT) - 1);
        return;
    }
    entry->remembered = entry->remembered & ~bit & ((1U << TIER_COUNT) - 1);
    books_settle(core, unit);
}

static void count_loss(struct placement *core, uint64_t tokens, enum loss loss)
{
    uint64_t bytes = tokens * core->config.bytes_per_token;
    if (loss == LOSS_DROPPED || loss == LOSS_MOVED)
        core->counters.dropped_bytes += bytes;
    else if (loss == LOSS_EXPIRED)
        core->counters.expired_bytes += bytes;
    else
        core->counters.invalidated_bytes += bytes;
}

void books_note_loss(struct placement *core, uint32_t unit, enum absence why, enum tier from)
{
    bool below = core->env.capacity_tokens[TIER_DRAM] + core->env.capacity_tokens[TIER_SSD] > 0;
    if (core->losses == NULL || (why == ABSENT_UNSAVED && !below)) /* then HBM evicts it */
        return;
    uint64_t behalf = why == ABSENT_EVICTED ? core->behalf : 0;
    const struct placement_loss loss = { why, from, core->now_ns, behalf };
    losses_note(core->losses, core->units.unit[unit].key, &loss);
}

static enum absence absence_after(enum loss loss)
{
    return loss == LOSS_EXPIRED       ? ABSENT_EXPIRED
           : loss == LOSS_INVALIDATED ? ABSENT_INVALIDATED
                                      : ABSENT_EVICTED;
}

/* Books what the change from stored_before to now took away for good. */
static void count_change(struct placement *core, struct unit *entry, uint32_t held_before,
                         uint32_t stored_before, enum loss loss)
{
    uint32_t stored = books_stored_tokens(entry);
    uint32_t held = longer(held_tokens(entry), remote_tokens(core, entry));
    if (held < held_before)
        count_loss(core, held_before - held, loss);
    uint32_t kept = longer(stored, books_loaded_tokens(core, entry));
    if (stored_before > kept)
        core->counters.stored_never_loaded_bytes +=
            (uint64_t)(stored_before - kept) * core->config.bytes_per_token;
    if (entry->loaded_tokens > stored)
        entry->loaded_tokens = stored;
}

/* What was fetched ahead is the end of DRAM's copy. */
static void shrink_fetched(struct placement *core, uint32_t unit)
{
    struct unit *entry = &core->units.unit[unit];
    uint32_t *fetched = &core->units.fetched_tokens[unit];
    *fetched = least(*fetched, entry->tokens[TIER_DRAM]);
    entry->fetched = *fetched > 0;
}

static void shrink_copy(struct placement *core, uint32_t unit, enum tier tier, uint32_t by,
                        enum leave why)
{
    struct unit *entry = &core->units.unit[unit];
    if (by == entry->tokens[tier] && !unit_leaves(entry, tier))
        books_leave(core, unit, tier, why);
    entry->tokens[tier] -= by;
    books_unbook(core, tier, by);
    quota_book(core, unit, tier, 0, by);
    if (unit_leaves(entry, tier))
        quota_leave(core, unit, tier, 0, by);
    if (tier == TIER_HBM && entry->pins == 0)
        core->hbm_idle_tokens -= by;
    if (tier == TIER_HBM && entry->clean && entry->tokens[tier] == 0)
        books_take_back(core, unit, tier); /* nothing of it is there to leave */
    if (tier == TIER_DRAM && entry->fetched)
        shrink_fetched(core, unit);
}

void books_fetch_again(struct placement *core, uint32_t unit)
{
    uint32_t waiter = core->units.unit[unit].first_waiter;
    if (waiter == 0)
        return;
    struct job *job = &core->job[core->slot[waiter].job];
    job->wants_fetch = true;
    if (core->fetch_seen > 0 && job->sequence <= core->job[core->fetch_last].sequence)
        core->fetch_seen = 0;
}

/* SAVE_NODES: what HBM gave up may leave DRAM, and what both have is no node any more. */
static void leave_tree(struct placement *core, uint32_t unit)
{
    struct unit *entry = &core->units.unit[unit];
    books_wanted(core, unit);
    if (entry->tokens[TIER_HBM] > 0 || entry->tokens[TIER_DRAM] > 0)
        return;
    core->units.node_end[unit] = UNIT_NONE;
    entry->uses = 0;
}

/* The fastest tier that still holds so many of its tokens. */
static enum tier left_in(const struct placement *core, const struct unit *entry, uint32_t tokens)
{
    for (int tier = 0; tier < TIER_COUNT; tier++)
        if (entry->tokens[tier] >= tokens)
            return (enum tier)tier;
    return remote_tokens(core, entry) >= tokens ? TIER_REMOTE : TIER_KINDS;
}

static void tell_drop(struct placement *core, uint32_t unit, enum tier tier, uint32_t tokens,
                      enum loss loss)
{
    books_act(core, (struct action){ .kind = ACTION_DROP,
                                     .from = tier,
                                     .to = tier,
                                     .unit = unit,
                                     .size_bytes = tokens * core->config.bytes_per_token,
                                     .user = core->units.users ? core->units.user[unit] : 0,
                                     .why = loss,
                                     .left_in = left_in(core, &core->units.unit[unit], tokens) });
}

void books_drop_copy(struct placement *core, uint32_t unit, enum tier tier, enum loss loss)
{
    struct unit *entry = &core->units.unit[unit];
    uint32_t held = held_tokens(entry), stored = books_stored_tokens(entry);
    uint32_t tokens = entry->tokens[tier];
    assert(tokens > 0);
    if (tier == TIER_DRAM)
        books_fetch_again(core, unit);
    if (tier == TIER_DRAM && entry->fetched)
        core->counters.fetched_unused_bytes +=
            core->units.fetched_tokens[unit] * core->config.bytes_per_token;
    shrink_copy(core, unit, tier, tokens, loss == LOSS_DROPPED ? LEAVE_EVICTED : LEAVE_REMOVED);
    count_change(core, entry, held, stored, loss);
    if (longer(held_tokens(entry), remote_tokens(core, entry)) < held)
        books_note_loss(core, unit, absence_after(loss), tier);
    if (!core->skips_drops)
        tell_drop(core, unit, tier, tokens, loss);
    if (core->units.nodes)
        leave_tree(core, unit);
}

void books_cut_front(struct placement *core, uint32_t unit, uint32_t tokens, enum loss loss)
{
    struct unit *entry = &core->units.unit[unit];
    uint32_t held = held_tokens(entry), stored = books_stored_tokens(entry);
    uint32_t cut = tokens < held ? tokens : held;
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        uint32_t copy = entry->tokens[tier];
        if (copy > 0)
            shrink_copy(core, unit, (enum tier)tier, cut < copy ? cut : copy, LEAVE_REMOVED);
    }
    /* What was loaded was a prefix, and it is the prefix that goes. */
    uint32_t stored_cut = cut < stored ? cut : stored;
    if (stored_cut > entry->loaded_tokens)
        core->counters.stored_never_loaded_bytes +=
            (uint64_t)(stored_cut - entry->loaded_tokens) * core->config.bytes_per_token;
    entry->loaded_tokens -= stored_cut < entry->loaded_tokens ? stored_cut : entry->loaded_tokens;
    count_loss(core, cut, loss);
    if (cut > 0)
        books_note_loss(core, unit, absence_after(loss), TIER_HBM);
}

void books_wanted(struct placement *core, uint32_t unit)
{
    if (unit_may_go(&core->units.seen, unit))
        policy_may_go(&core->env, unit);
    if (core->policy->wanted != NULL && core->quotas != NULL)
        quota_wanted(core, unit);
    else if (core->policy->wanted != NULL)
        core->policy->wanted(&core->env, unit);
}

static void stop_aging(struct placement *core, uint32_t unit)
{
    if (core->units.unit[unit].aging)
        order_remove(&core->age, core->units.age_link, unit);
    core->units.unit[unit].aging = false;
}

void books_pin(struct placement *core, uint32_t unit)
{
    struct unit *entry = &core->units.unit[unit];
    assert(entry->pins < UINT16_MAX);
    if (entry->pins++ == 0) {
        core->hbm_idle_tokens -= entry->tokens[TIER_HBM];
        if (entry->clean)
            books_take_back(core, unit, TIER_HBM);
        stop_aging(core, unit);
        books_wanted(core, unit);
    }
}

void books_unpin(struct placement *core, uint32_t unit)
{
    struct unit *entry = &core->units.unit[unit];
    assert(entry->pins > 0);
    if (--entry->pins == 0) {
        core->hbm_idle_tokens += entry->tokens[TIER_HBM];
        books_wanted(core, unit);
    }
}

void books_read(struct placement *core, uint32_t unit, bool begins)
{
    uint16_t *reads = &core->units.seen.reads[unit];
    assert(begins ? *reads < UINT16_MAX : *reads > 0);
    *reads = (uint16_t)(begins ? *reads + 1 : *reads - 1);
    if (*reads == (begins ? 1 : 0))
        books_wanted(core, unit);
}

/* Returns the unit that it followed if its entry has gone, else UNIT_NONE. */
static uint32_t settle_one(struct placement *core, uint32_t unit)
{
    struct unit *entry = &core->units.unit[unit];
    if (entry->pins > 0 || entry->first_waiter != 0) {
        stop_aging(core, unit);
        return UNIT_NONE;
    }
    if (held_tokens(entry) > 0) {
        if (!entry->aging && core->config.keys.ttl_ns > 0) {
            order_push_back(&core->age, core->units.age_link, unit);
            entry->aging = true;
        }
        return UNIT_NONE;
    }
    if (entry->transfer != 0)
        return UNIT_NONE;
    stop_aging(core, unit);
    bool is_known = entry->remembered != 0 || entry->counted;
    if (is_known || (core->config.keys.leaf_only && core->units.followers[unit] > 0))
        return UNIT_NONE;
    return unit_release(&core->units, unit);
}

void books_settle(struct placement *core, uint32_t unit)
{
    while (unit != UNIT_NONE)
        unit = settle_one(core, unit);
}
