/* sim/placement/room.c - making room in DRAM and on SSD: whom the policy evicts, and where it
 * goes. HBM's room is in room_hbm.c. */
#include "sim/placement/core.h"

#include <assert.h>

/* A copy on SSD may go if a later demotion can write it again, or if the policy lets it go for
 * good. */
static bool ssd_copy_may_go(const struct placement *core, uint32_t unit)
{
    const struct unit *entry = &core->units.unit[unit];
    if (core->policy->keeps == NULL || !core->policy->keeps(&core->env, unit))
        return true;
    return entry->tokens[TIER_DRAM] >= entry->tokens[TIER_SSD] && !unit_leaves(entry, TIER_DRAM);
}

/* The last of the server's own tiers evicts the unit to the pool, in the batch *id. false: the
 * pool has it already, or shall not, or cannot. */
static bool demote_to_pool(struct placement *core, uint32_t unit, enum tier from, uint32_t *id)
{
    const struct unit *entry = &core->units.unit[unit];
    uint32_t tokens = entry->tokens[from];
    if (core->config.pool == NULL || core->config.keys.write[TIER_REMOTE] != WRITE_BACK)
        return false;
    if (!admits(core, entry, TIER_REMOTE, tokens)) {
        core->counters.refused_remote_bytes += tokens * core->config.bytes_per_token;
        books_note_loss(core, unit, ABSENT_REFUSED, TIER_REMOTE);
        return false;
    }
    uint32_t missing =
        pool_write_begins(core->config.pool, core->now_ns, core->config.pool_user, entry->key,
                          base_of(entry), tokens);
    if (missing == 0)
        return false;
    if (*id == 0)
        *id = transfer_new(core, ACTION_DEMOTE, from, TIER_REMOTE, 0);
    books_evict(core, unit, from);
    transfer_add_to_pool(core, *id, unit, tokens, missing);
    return true;
}

/* What is to come into a tier: of one order `own` tokens, with what shall be free beside them
 * `tokens`. */
struct ask {
    enum tier tier;
    uint32_t order;
    uint64_t own, tokens;
};

/* leaving: when what leaves has left. */
static bool fits(const struct placement *core, const struct ask *ask, bool leaving)
{
    uint64_t coming = leaving ? core->leaving_tokens[ask->tier] : 0;
    return free_tokens(core, ask->tier) + coming >= ask->tokens &&
           (core->quotas == NULL || quota_has(core, ask->tier, ask->order, ask->own, leaving));
}

/* Whether it would if all else went. */
static bool can_fit(const struct placement *core, const struct ask *ask)
{
    return ask->tokens <= core->env.capacity_tokens[ask->tier] &&
           (core->quotas == NULL || ask->order == 0 ||
            ask->own <= core->quotas->share_tokens[ask->tier][ask->order]);
}

bool room_in_ssd(struct placement *core, uint32_t order, uint64_t tokens)
{
    const struct ask ask = { TIER_SSD, order, tokens, tokens };
    uint32_t id = 0;
    if (!can_fit(core, &ask))
        return false;
    while (!fits(core, &ask, true)) {
        uint32_t unit = quota_victim(core, TIER_SSD, order, tokens);
        if (unit == UNIT_NONE || !ssd_copy_may_go(core, unit))
            break;
        if (demote_to_pool(core, unit, TIER_SSD, &id))
            continue;
        books_drop_copy(core, unit, TIER_SSD, LOSS_DROPPED);
        books_settle(core, unit);
    }
    if (id != 0)
        transfer_begin(core, id);
    return fits(core, &ask, false);
}

/* Holds the unit while room is made for it, lest that be made by dropping the very copy that will
 * be completed, or the one that will be copied. */
void room_hold(struct placement *core, uint32_t unit, bool holds)
{
    struct unit *entry = &core->units.unit[unit];
    assert(entry->transfer == (holds ? 0 : TRANSFER_HOLD));
    entry->transfer = holds ? TRANSFER_HOLD : 0;
    books_wanted(core, unit);
}

void room_hold_chain(struct placement *core, const struct job *job, uint32_t from, uint32_t to,
                     bool holds)
{
    for (uint32_t i = from; i < to; i++) {
        uint32_t unit = chain_unit(core, job, i);
        if (core->units.unit[unit].transfer == (holds ? 0 : TRANSFER_HOLD))
            room_hold(core, unit, holds);
    }
}

bool room_in_ssd_for(struct placement *core, uint32_t unit, uint64_t tokens)
{
    room_hold(core, unit, true);
    bool room = room_in_ssd(core, order_of(core, unit, TIER_SSD), tokens);
    room_hold(core, unit, false);
    return room;
}

enum room room_in_dram_for(struct placement *core, uint32_t unit, uint64_t tokens)
{
    room_hold(core, unit, true);
    enum room room = room_in_dram(core, order_of(core, unit, TIER_DRAM), tokens);
    room_hold(core, unit, false);
    return room;
}

static void demote(struct placement *core, uint32_t unit, uint32_t id)
{
    struct unit *entry = &core->units.unit[unit];
    books_fetch_again(core, unit);
    books_evict(core, unit, TIER_DRAM);
    transfer_add_unit(core, id, unit, entry->tokens[TIER_DRAM]);
}

static bool demote_from_dram_to_pool(struct placement *core, uint32_t unit, uint32_t *id)
{
    if (core->config.pool == NULL)
        return false;
    books_fetch_again(core, unit);
    return demote_to_pool(core, unit, TIER_DRAM, id);
}

/* Evicts the unit's DRAM copy: at once if SSD has it or nobody shall, else by demoting it in the
 * batch *id, made when it is 0. false: the policy keeps it and there is no room below. */
static bool evict_from_dram(struct placement *core, uint32_t unit, uint32_t *id)
{
    const struct unit *entry = &core->units.unit[unit];
    uint32_t dram = entry->tokens[TIER_DRAM], ssd = entry->tokens[TIER_SSD];
    bool below = core->env.capacity_tokens[TIER_SSD] > 0;
    if (ssd < dram && below && !admits(core, entry, TIER_SSD, dram)) {
        core->counters.refused_ssd_bytes += (dram - ssd) * core->config.bytes_per_token;
        books_note_loss(core, unit, ABSENT_REFUSED, TIER_SSD);
    } else if (ssd < dram && below) {
        if (*id == 0)
            *id = transfer_new(core, ACTION_DEMOTE, TIER_DRAM, TIER_SSD, 0);
        if (room_in_ssd_for(core, unit, dram - ssd)) {
            demote(core, unit, *id);
            return true;
        }
        if (core->leaving_tokens[TIER_SSD] > 0)
            return false;
    } else if (!below && demote_from_dram_to_pool(core, unit, id)) {
        return true;
    }
    if (ssd < dram && remote_tokens(core, entry) < dram && core->policy->keeps != NULL &&
        core->policy->keeps(&core->env, unit))
        return false;
    books_drop_copy(core, unit, TIER_DRAM, LOSS_DROPPED);
    books_settle(core, unit);
    return true;
}

/* SAVE_NODES: what is before it in its node goes with it; what the policy keeps of that, or a copy
 * under way, is one. */
static bool evict_with_node(struct placement *core, uint32_t unit, uint32_t *id)
{
    bool goes = true;
    while (unit != UNIT_NONE && core->units.unit[unit].tokens[TIER_DRAM] > 0 &&
           !policy_stays(&core->env, unit, TIER_DRAM)) {
        uint32_t above = core->units.nodes ? tree_above(core, unit) : UNIT_NONE;
        goes = evict_from_dram(core, unit, id);
        if (!goes)
            break;
        unit = above;
    }
    if (unit != UNIT_NONE && core->units.nodes)
        tree_end_at(core, unit);
    return goes;
}

/* Where DRAM is evicted from at its mark (room_keep_mark()), only a quota makes room on demand. */
static bool makes_room(const struct placement *core, const struct ask *ask)
{
    bool at_mark = core->config.keys.evict_at > 0.0;
    bool in_quota = core->quotas == NULL || quota_has(core, ask->tier, ask->order, ask->own, true);
    return !fits(core, ask, true) && !(at_mark && in_quota);
}

/* Evicts until that fits or will, none of them one that a job of sequence `limit` or sooner waits
 * for. */
static void make_dram_room(struct placement *core, const struct ask *ask, uint32_t limit)
{
    uint32_t id = 0;
    while (makes_room(core, ask)) {
        uint32_t unit = quota_victim(core, TIER_DRAM, ask->order, ask->own);
        if (unit == UNIT_NONE || (limit != 0 && policy_next_use(&core->env, unit) <= limit))
            break;
        unit_prefetch_next(&core->units, unit, core->units.seen.link[TIER_DRAM]);
        if (!evict_with_node(core, unit, &id))
            break;
    }
    if (id != 0)
        transfer_begin(core, id);
}

bool room_for_node(struct placement *core, uint32_t order, uint64_t tokens)
{
    uint64_t free = free_tokens(core, TIER_DRAM);
    uint64_t goal = tree_is_unified(core) ? tokens : free + tokens;
    uint64_t most = core->env.capacity_tokens[TIER_DRAM];
    const struct ask now = { TIER_DRAM, order, tokens, tokens };
    const struct ask all = { TIER_DRAM, order, tokens, goal < most ? goal : most };
    if (!fits(core, &now, false))
        make_dram_room(core, &all, 0);
    return fits(core, &now, false);
}

static enum room dram_room(const struct placement *core, const struct ask *ask)
{
    if (fits(core, ask, false))
        return ROOM_NOW;
    /* What is being written can go when it is there; SSD has room when the pool has what left it.
     */
    if (core->writes > 0 || core->leaving_tokens[TIER_SSD] > 0 || fits(core, ask, true))
        return ROOM_LATER;
    return ROOM_NEVER;
}

enum room room_in_dram(struct placement *core, uint32_t order, uint64_t tokens)
{
    const struct ask ask = { TIER_DRAM, order, tokens, tokens };
    if (!can_fit(core, &ask))
        return ROOM_NEVER;
    make_dram_room(core, &ask, 0);
    return dram_room(core, &ask);
}

static enum room room_in(struct placement *core, enum tier tier, uint32_t order, uint64_t tokens)
{
    if (tier == TIER_DRAM)
        return room_in_dram(core, order, tokens);
    return room_in_ssd(core, order, tokens) ? ROOM_NOW : ROOM_NEVER;
}

enum room room_for_orders(struct placement *core, enum tier tier, const uint64_t of[QUOTA_ORDERS],
                          uint64_t tokens)
{
    enum room room = ROOM_NOW;
    for (uint32_t order = 1; core->quotas != NULL && order < QUOTA_ORDERS; order++) {
        enum room own = of[order] > 0 ? room_in(core, tier, order, of[order]) : ROOM_NOW;
        room = own > room ? own : room;
    }
    return room == ROOM_NOW ? room_in(core, tier, 0, tokens) : room;
}

enum room room_for_fetch(struct placement *core, uint32_t unit, uint64_t tokens, uint32_t sequence)
{
    /* Room that a save waits for is not to be had: what is fetched into it would be demoted again
     * for the save, and so on for ever. */
    const struct ask ask = { TIER_DRAM, order_of(core, unit, TIER_DRAM), tokens,
                             tokens + core->promised_tokens };
    /* With the reserve on top: a fetch may dip into it only if it will be free again without
     * evicting what is wanted sooner, or the reserve would evict what was just fetched. */
    struct ask goal = ask;
    goal.tokens += core->reserve_tokens;
    if (!can_fit(core, &goal))
        return ROOM_NEVER;
    make_dram_room(core, &goal, sequence);
    return dram_room(core, &goal) == ROOM_NEVER ? ROOM_NEVER : dram_room(core, &ask);
}

/* Sources: LMCache v1/distributed/storage_controllers/eviction_controller.py at 9f5cee0 (int(keys *
 * ratio), one at least); Mooncake Store's EvictionThreadFunc and BatchEvict at 3b5a594 (a share of
 * the objects). */
static void evict_share(struct placement *core)
{
    uint64_t used = core->used_tokens[TIER_DRAM] - core->leaving_tokens[TIER_DRAM], gone = 0;
    uint64_t goal = (uint64_t)((double)used * core->config.keys.evict_share);
    uint32_t id = 0;
    if (!units_are_sessions(core))
        goal = goal / core->config.unit_tokens * core->config.unit_tokens;
    do {
        uint32_t unit = quota_victim(core, TIER_DRAM, 0, 0);
        uint64_t before = free_tokens(core, TIER_DRAM) + core->leaving_tokens[TIER_DRAM];
        if (unit == UNIT_NONE || !evict_with_node(core, unit, &id))
            break;
        gone += free_tokens(core, TIER_DRAM) + core->leaving_tokens[TIER_DRAM] - before;
    } while (gone < goal);
    if (id != 0)
        transfer_begin(core, id);
}

static bool over_mark(const struct placement *core)
{
    double used = (double)(core->used_tokens[TIER_DRAM] - core->leaving_tokens[TIER_DRAM]);
    return used > 0.0 &&
           used >= core->config.keys.evict_at * (double)core->env.capacity_tokens[TIER_DRAM];
}

void room_keep_mark(struct placement *core)
{
    if (core->config.keys.evict_at <= 0.0)
        return;
    uint64_t looks = core->now_ns / core->config.keys.evict_interval_ns;
    uint64_t before = UINT64_MAX;
    for (; core->evict_looked < looks && over_mark(core); core->evict_looked++) {
        evict_share(core);
        if (core->used_tokens[TIER_DRAM] == before)
            break; /* nothing may go */
        before = core->used_tokens[TIER_DRAM];
    }
    core->evict_looked = looks;
}

void room_keep_reserve(struct placement *core)
{
    const struct ask ask = { .tier = TIER_DRAM, .tokens = core->reserve_tokens };
    room_keep_mark(core);
    if (core->env.capacity_tokens[TIER_SSD] > 0 || core->config.pool != NULL)
        make_dram_room(core, &ask, 0);
}
