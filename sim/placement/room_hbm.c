/* sim/placement/room_hbm.c - making room in HBM: idle copies go, and where writes are back, what
 * lower tiers lack of them is copied first. Sources: SGLang's HiRadixCache.evict (write_back:
 * copies, then frees); TensorRT-LLM's WindowBlockManager, which offloads a block when it is taken.
 */
#include "sim/placement/core.h"

/* The batches of copies that one call begins. */
struct batches {
    uint32_t dram, ssd; /* transfers; 0: none yet */
    uint32_t flushed;   /* SAVE_NODES: the last unit whose copy may leave DRAM again */
};

static void drop(struct placement *core, uint32_t unit)
{
    books_drop_copy(core, unit, TIER_HBM, LOSS_DROPPED);
    books_settle(core, unit);
}

static void write_back_to(struct placement *core, uint32_t unit, enum tier tier, uint32_t *id)
{
    if (*id == 0)
        *id = transfer_new(core, ACTION_SAVE, TIER_HBM, tier, 0);
    books_evict(core, unit, TIER_HBM);
    transfer_add_unit(core, *id, unit, core->units.unit[unit].tokens[TIER_HBM]);
}

/* HBM evicts the unit, which lower tiers lack. false: there is no room below yet. */
static bool write_back(struct placement *core, uint32_t unit, struct batches *batches)
{
    const struct unit *entry = &core->units.unit[unit];
    uint32_t hbm = entry->tokens[TIER_HBM], lacking = hbm - books_stored_tokens(entry);
    if (core->env.capacity_tokens[TIER_DRAM] > 0 && !admits(core, entry, TIER_DRAM, hbm)) {
        core->counters.refused_dram_bytes += lacking * core->config.bytes_per_token;
        books_note_loss(core, unit, ABSENT_REFUSED, TIER_DRAM);
        drop(core, unit);
        return true;
    }
    enum room room = room_in_dram_for(core, unit, hbm - entry->tokens[TIER_DRAM]);
    if (room == ROOM_LATER)
        return false;
    if (room == ROOM_NOW) {
        write_back_to(core, unit, TIER_DRAM, &batches->dram);
    } else if (!admits(core, entry, TIER_SSD, hbm)) {
        core->counters.refused_ssd_bytes += lacking * core->config.bytes_per_token;
        books_note_loss(core, unit, ABSENT_REFUSED, TIER_SSD);
        drop(core, unit);
    } else if (room_in_ssd_for(core, unit, hbm - entry->tokens[TIER_SSD])) {
        write_back_to(core, unit, TIER_SSD, &batches->ssd);
    } else if (core->leaving_tokens[TIER_SSD] > 0) {
        return false;
    } else {
        core->counters.unsaved_bytes += lacking * core->config.bytes_per_token;
        books_note_loss(core, unit, ABSENT_UNSAVED, TIER_DRAM);
        drop(core, unit);
    }
    return true;
}

/* Evicts the unit's idle copy. false: it may not go now. */
static bool evict_unit(struct placement *core, uint32_t unit, struct batches *batches)
{
    const struct unit *entry = &core->units.unit[unit];
    if (core->config.keys.write[TIER_DRAM] == WRITE_BACK &&
        books_stored_tokens(entry) < entry->tokens[TIER_HBM])
        return write_back(core, unit, batches);
    drop(core, unit);
    return true;
}

/* A unit of the batch goes for good instead. */
static void lose(struct placement *core, uint32_t unit, struct batches *batches)
{
    if (batches->flushed == unit)
        batches->flushed = UNIT_NONE;
    transfer_remove_unit(core, batches->dram, unit);
    books_take_back(core, unit, TIER_HBM);
    drop(core, unit);
}

/* The first node of the batch goes for good; it was flushed. false: what follows it is there. */
static bool lose_flushed(struct placement *core, struct batches *batches)
{
    uint32_t unit = core->transfer[batches->dram].first_unit;
    if (core->units.seen.children[TIER_DRAM][unit] > 0)
        return false;
    while (unit != UNIT_NONE) {
        uint32_t above = tree_above(core, unit);
        lose(core, unit, batches);
        unit = above;
    }
    return true;
}

/* Whether DRAM has room for the node that ends with the unit. What was copied before a node found
 * none is there by now, and may go for it. */
static bool node_has_room_below(struct placement *core, uint32_t unit, struct batches *batches)
{
    uint64_t tokens = 0, before = free_tokens(core, TIER_DRAM);
    for (uint32_t at = unit; at != UNIT_NONE; at = tree_above(core, at))
        tokens += core->units.unit[at].tokens[TIER_HBM];
    bool room = room_for_node(core, order_of(core, unit, TIER_DRAM), tokens);
    while (!room && batches->flushed != UNIT_NONE &&
           free_tokens(core, TIER_DRAM) < before + tokens && lose_flushed(core, batches))
        ;
    return free_tokens(core, TIER_DRAM) >= tokens &&
           (room || room_for_node(core, order_of(core, unit, TIER_DRAM), tokens));
}

static bool is_below(const struct placement *core, uint32_t unit, uint32_t above)
{
    while (unit != UNIT_NONE && unit != above)
        unit = core->units.seen.parent[unit];
    return unit != UNIT_NONE;
}

/* What of the batch follows the unit, which goes for good, goes too. */
static void lose_what_follows(struct placement *core, uint32_t above, struct batches *batches)
{
    uint32_t next = batches->dram != 0 ? core->transfer[batches->dram].first_unit : UNIT_NONE;
    while (next != UNIT_NONE) {
        uint32_t unit = next;
        next = core->units.unit[unit].next_in_transfer;
        if (is_below(core, unit, above))
            lose(core, unit, batches);
    }
}

/* Of a node's two neighbours DRAM has the upper one alone, as storage may have brought it. */
static bool is_in_dram_unlike(const struct placement *core, uint32_t above, uint32_t unit)
{
    return above != UNIT_NONE && core->units.unit[above].tokens[TIER_DRAM] > 0 &&
           core->units.unit[unit].tokens[TIER_DRAM] == 0;
}

/* SAVE_NODES: evicts the node that ends with the unit. Where it must be copied first and DRAM has
 * no room for all of it, it goes for good; but not without what follows it in DRAM, as long as a
 * copy under way may let that go (which keys that are no prefix hashes may keep there for ever). */
static bool evict_node(struct placement *core, uint32_t unit, struct batches *batches)
{
    bool goes = true;
    bool is_lacking = core->config.keys.write[TIER_DRAM] == WRITE_BACK &&
                      core->units.unit[unit].tokens[TIER_DRAM] == 0;
    bool is_lost = is_lacking && !node_has_room_below(core, unit, batches);
    if (is_lost && batches->dram != 0)
        batches->flushed = core->transfer[batches->dram].last_unit;
    if (is_lost)
        lose_what_follows(core, unit, batches);
    if (is_lost && core->units.seen.children[TIER_DRAM][unit] > 0 && core->in_flight > 0)
        return false;
    while (unit != UNIT_NONE && core->units.unit[unit].tokens[TIER_HBM] > 0 &&
           !policy_stays(&core->env, unit, TIER_HBM)) {
        uint32_t above = tree_above(core, unit);
        bool parts = is_in_dram_unlike(core, above, unit);
        if (is_lost)
            drop(core, unit);
        else if (!evict_unit(core, unit, batches))
            goes = false;
        if (!goes)
            break;
        if (parts)
            tree_end_at(core, above);
        unit = above;
    }
    if (unit != UNIT_NONE)
        tree_end_at(core, unit);
    return goes;
}

/* Evicts one idle copy, or a node's. false: none may go now. */
static bool evict_one(struct placement *core, struct batches *batches)
{
    uint32_t unit = core->clean.front;
    if (unit == UNIT_NONE)
        unit = core->policy->victim(env_of_hbm(core), TIER_HBM);
    if (unit == UNIT_NONE)
        return false;
    unit_prefetch_next(&core->units, unit, core->units.seen.link[TIER_HBM]);
    return core_has_nodes(core) ? evict_node(core, unit, batches) : evict_unit(core, unit, batches);
}

static void begin(struct placement *core, const struct batches *batches)
{
    if (batches->dram != 0)
        transfer_begin(core, batches->dram);
    if (batches->ssd != 0)
        transfer_begin(core, batches->ssd);
}

/* HBM that copies under way will free. */
static uint64_t coming_tokens(const struct placement *core)
{
    return core->config.keys.write[TIER_DRAM] == WRITE_BACK ? core->leaving_tokens[TIER_HBM] : 0;
}

bool placement_has_room(const struct placement *core, uint64_t tokens)
{
    return free_tokens(core, TIER_HBM) + core->hbm_idle_tokens >= tokens;
}

bool placement_drops_idle(const struct placement *core)
{
    return core->config.keys.write[TIER_DRAM] != WRITE_BACK;
}

uint64_t room_coming_in_hbm(const struct placement *core)
{
    return free_tokens(core, TIER_HBM) + coming_tokens(core);
}

enum room room_in_hbm(struct placement *core, uint64_t tokens)
{
    return room_in_hbm_up_to(core, tokens, tokens);
}

enum room room_in_hbm_up_to(struct placement *core, uint64_t tokens, uint64_t goal)
{
    struct batches batches = { 0 };
    if (!placement_has_room(core, tokens))
        return ROOM_NEVER;
    bool may = true;
    while (may && room_coming_in_hbm(core) < goal)
        may = evict_one(core, &batches);
    begin(core, &batches);
    if (free_tokens(core, TIER_HBM) >= tokens)
        return ROOM_NOW;
    bool back = core->config.keys.write[TIER_DRAM] == WRITE_BACK && core->in_flight > 0;
    return back || core->leaving_tokens[TIER_HBM] > 0 ? ROOM_LATER : ROOM_NEVER;
}

void room_trim_hbm(struct placement *core)
{
    struct batches batches = { 0 };
    /* What may not go now is held by transfers, and trimmed after them. */
    while (core->hbm_idle_tokens > core->hbm_cache_tokens + coming_tokens(core) &&
           evict_one(core, &batches))
        ;
    begin(core, &batches);
}
