/* sim/placement/room.c - making room in DRAM and on SSD: whom the policy evicts, and where it
 * goes. HBM's room is in room_hbm.c. */
#include "sim/placement/core.h"

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
        return false;
    }
    uint32_t missing =
        pool_write_begins(core->config.pool, core->now_ns, entry->key, base_of(entry), tokens);
    if (missing == 0)
        return false;
    if (*id == 0)
        *id = transfer_new(core, ACTION_DEMOTE, from, TIER_REMOTE, 0);
    books_evict(core, unit, from);
    transfer_add_to_pool(core, *id, unit, tokens, missing);
    return true;
}

bool room_in_ssd(struct placement *core, uint64_t tokens)
{
    uint32_t id = 0;
    if (tokens > core->env.capacity_tokens[TIER_SSD])
        return false;
    while (free_tokens(core, TIER_SSD) + core->leaving_tokens[TIER_SSD] < tokens) {
        uint32_t unit = core->policy->victim(&core->env, TIER_SSD);
        if (unit == UNIT_NONE || !ssd_copy_may_go(core, unit))
            break;
        if (demote_to_pool(core, unit, TIER_SSD, &id))
            continue;
        books_drop_copy(core, unit, TIER_SSD, LOSS_DROPPED);
        books_settle(core, unit);
    }
    if (id != 0)
        transfer_begin(core, id);
    return free_tokens(core, TIER_SSD) >= tokens;
}

/* Holds the unit while room is made for it, lest that be made by dropping the very copy that will
 * be completed, or the one that will be copied. */
void room_hold(struct placement *core, uint32_t unit, bool holds)
{
    core->units.unit[unit].transfer = holds ? TRANSFER_HOLD : 0;
    books_wanted(core, unit);
}

bool room_in_ssd_for(struct placement *core, uint32_t unit, uint64_t tokens)
{
    room_hold(core, unit, true);
    bool room = room_in_ssd(core, tokens);
    room_hold(core, unit, false);
    return room;
}

enum room room_in_dram_for(struct placement *core, uint32_t unit, uint64_t tokens)
{
    room_hold(core, unit, true);
    enum room room = room_in_dram(core, tokens);
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

/* SAVE_NODES: what is before it in its node goes with it; what the policy keeps of that is one. */
static bool evict_with_node(struct placement *core, uint32_t unit, uint32_t *id)
{
    while (unit != UNIT_NONE) {
        uint32_t above = core->units.nodes ? tree_above(core, unit) : UNIT_NONE;
        if (!evict_from_dram(core, unit, id)) {
            if (core->units.nodes)
                tree_end_at(core, unit);
            return false;
        }
        unit = above;
    }
    return true;
}

/* Evicts until `tokens` are free or on their way to be, none of them one that a job of sequence
 * `limit` or sooner waits for. */
static void make_dram_room(struct placement *core, uint64_t tokens, uint32_t limit)
{
    uint32_t id = 0;
    while (free_tokens(core, TIER_DRAM) + core->leaving_tokens[TIER_DRAM] < tokens) {
        uint32_t unit = core->policy->victim(&core->env, TIER_DRAM);
        if (unit == UNIT_NONE || (limit != 0 && policy_next_use(&core->env, unit) <= limit))
            break;
        if (!evict_with_node(core, unit, &id))
            break;
    }
    if (id != 0)
        transfer_begin(core, id);
}

bool room_for_node(struct placement *core, uint64_t tokens)
{
    uint64_t free = free_tokens(core, TIER_DRAM), goal = free + tokens;
    uint64_t most = core->env.capacity_tokens[TIER_DRAM];
    if (free < tokens)
        make_dram_room(core, goal < most ? goal : most, 0);
    return free_tokens(core, TIER_DRAM) >= tokens;
}

static enum room dram_room(const struct placement *core, uint64_t tokens)
{
    uint64_t free_now = free_tokens(core, TIER_DRAM);
    if (free_now >= tokens)
        return ROOM_NOW;
    /* What is being written can go when it is there; SSD has room when the pool has what left it.
     */
    if (core->writes > 0 || core->leaving_tokens[TIER_SSD] > 0 ||
        free_now + core->leaving_tokens[TIER_DRAM] >= tokens)
        return ROOM_LATER;
    return ROOM_NEVER;
}

enum room room_in_dram(struct placement *core, uint64_t tokens)
{
    if (tokens > core->env.capacity_tokens[TIER_DRAM])
        return ROOM_NEVER;
    make_dram_room(core, tokens, 0);
    return dram_room(core, tokens);
}

enum room room_for_fetch(struct placement *core, uint64_t tokens, uint32_t sequence)
{
    /* Room that a save waits for is not to be had: what is fetched into it would be demoted again
     * for the save, and so on for ever. */
    tokens += core->promised_tokens;
    /* With the reserve on top: a fetch may dip into it only if it will be free again without
     * evicting what is wanted sooner, or the reserve would evict what was just fetched. */
    uint64_t goal = tokens + core->reserve_tokens;
    if (goal > core->env.capacity_tokens[TIER_DRAM])
        return ROOM_NEVER;
    make_dram_room(core, goal, sequence);
    return dram_room(core, goal) == ROOM_NEVER ? ROOM_NEVER : dram_room(core, tokens);
}

void room_keep_reserve(struct placement *core)
{
    if (core->env.capacity_tokens[TIER_SSD] > 0 || core->config.pool != NULL)
        make_dram_room(core, core->reserve_tokens, 0);
}
