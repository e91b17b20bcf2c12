/* sim/placement/save.c - new KV of running jobs goes to the lower tiers. */
#include "sim/placement/core.h"

#include <assert.h>

/* What a save up to the goal would write of the unit to the tier. */
static uint32_t missing_in(const struct placement *core, const struct unit *entry, uint32_t want,
                           enum tier tier)
{
    if (books_stored_tokens(entry) >= want || entry->transfer != 0 || entry->uses < core->save_uses)
        return 0;
    if (tier == TIER_SSD && !admits(core, entry, tier, want))
        return 0;
    return above(want, entry->tokens[tier]);
}

/* The sum need not be known beyond `most`. */
static uint64_t chain_missing(const struct placement *core, const struct job *job, enum tier tier,
                              uint64_t most)
{
    uint64_t missing = 0;
    for (uint32_t i = job->chain_count; i-- > 0 && missing < most;)
        missing += missing_in(core, &core->units.unit[chain_unit(core, job, i)],
                              chain_unit_tokens(core, i, job->save_goal_tokens), tier);
    return missing;
}

static void begin_save(struct placement *core, uint32_t handle, enum tier to)
{
    struct job *job = &core->job[handle];
    uint32_t id = transfer_new(core, ACTION_SAVE, TIER_HBM, to, handle);
    for (uint32_t i = job->chain_count; i-- > 0;) {
        uint32_t unit = chain_unit(core, job, i);
        uint32_t want = chain_unit_tokens(core, i, job->save_goal_tokens);
        if (missing_in(core, &core->units.unit[unit], want, to) > 0)
            transfer_add_unit(core, id, unit, want);
    }
    job->save_transfer = id;
    transfer_begin(core, id);
}

/* Of the goal, what was not counted as unsaved yet. */
static uint64_t fresh_tokens(const struct job *job)
{
    return above(job->save_goal_tokens, job->unsaved_tokens);
}

static void count_unsaved(struct placement *core, struct job *job, uint64_t missing)
{
    uint64_t fresh = fresh_tokens(job);
    core->counters.unsaved_bytes +=
        (missing < fresh ? missing : fresh) * core->config.bytes_per_token;
    job->unsaved_tokens = job->save_goal_tokens;
    chain_note_unsaved(core, job, job->save_goal_tokens);
}

/* How soon the tier can have what a save would write. */
static enum room room_to_save(struct placement *core, const struct job *job, enum tier tier,
                              uint64_t missing)
{
    uint64_t of[QUOTA_ORDERS] = { 0 };
    for (uint32_t i = 0; core->quotas != NULL && i < job->chain_count; i++) {
        uint32_t unit = chain_unit(core, job, i);
        uint32_t want = chain_unit_tokens(core, i, job->save_goal_tokens);
        of[order_of(core, unit, tier)] += missing_in(core, &core->units.unit[unit], want, tier);
    }
    return room_for_orders(core, tier, of, missing);
}

/* A unit that is being copied on to SSD can grow when that has ended. */
static bool is_written(const struct placement *core, const struct job *job)
{
    for (uint32_t i = 0; i < job->chain_count && core->writes > 0; i++) {
        const struct unit *entry = &core->units.unit[chain_unit(core, job, i)];
        if (entry->transfer != 0 && core->transfer[entry->transfer].kind == ACTION_WRITE &&
            books_stored_tokens(entry) < chain_unit_tokens(core, i, job->save_goal_tokens))
            return true;
    }
    return false;
}

/* Saves what the job has ready, if it can. false: not now, ask again. */
static bool try_save(struct placement *core, uint32_t handle)
{
    struct job *job = &core->job[handle];
    if (!core->policy->saves || job->save_transfer != 0 || !core_saves_at_once(core))
        return true;
    if (core_offers(core)) {
        offer_ready(core, handle);
        return true;
    }
    if (is_written(core, job))
        return false;
    /* The session's copy is being demoted: it can be completed when that has ended. */
    if (units_are_sessions(core) && core->units.unit[chain_unit(core, job, 0)].transfer != 0)
        return false;
    /* Where there are no tiers, no more is of interest than what is counted. */
    bool below =
        core->env.capacity_tokens[TIER_DRAM] > 0 || core->env.capacity_tokens[TIER_SSD] > 0;
    uint64_t most = below ? UINT64_MAX : fresh_tokens(job) + 1;
    uint64_t missing = chain_missing(core, job, TIER_DRAM, most);
    if (missing == 0)
        return true;
    enum room room = room_to_save(core, job, TIER_DRAM, missing);
    if (room == ROOM_LATER) {
        if (core->waiting_save_head == 0 || core->waiting_save_head == handle)
            core->promised_tokens = missing;
        return false;
    }
    uint64_t missing_in_ssd = chain_missing(core, job, TIER_SSD, most);
    if (room == ROOM_NOW)
        begin_save(core, handle, TIER_DRAM);
    else if (missing_in_ssd > 0 && room_to_save(core, job, TIER_SSD, missing_in_ssd) == ROOM_NOW)
        begin_save(core, handle, TIER_SSD);
    else if (core->leaving_tokens[TIER_SSD] > 0)
        return false;
    else if (missing_in_ssd > 0)
        count_unsaved(core, job, missing);
    return true;
}

static void wait_with_save(struct placement *core, uint32_t handle)
{
    struct job *job = &core->job[handle];
    job->save_waits = true;
    job->next_waiting_save = 0;
    if (core->waiting_save_tail != 0)
        core->job[core->waiting_save_tail].next_waiting_save = handle;
    else
        core->waiting_save_head = handle;
    core->waiting_save_tail = handle;
}

/* The tree is told first: what HBM gets by it is what the tree lacked. */
static void save_nodes(struct placement *core, struct job *job, uint32_t ready_tokens)
{
    uint32_t units = least(ready_tokens / core->config.unit_tokens, job->chain_count);
    /* A reply's last token has no KV of its own: what it would complete is not there. */
    units = least(units, job->offered_units + job->hbm_tokens / core->config.unit_tokens);
    tree_insert(core, job, units, ready_tokens < job->prompt_tokens);
    chain_merge(core, job, job->offered_units, units);
    job->offered_units = job->offered_units > units ? job->offered_units : units;
    chain_share(core, job, units * core->config.unit_tokens);
    if (ready_tokens >= job->prompt_tokens)
        backup_nodes(core, job, units);
    room_keep_reserve(core);
}

void placement_save(struct placement *core, uint64_t now_ns, uint32_t handle, uint32_t ready_tokens)
{
    struct job *job = &core->job[handle];
    assert(now_ns >= core->now_ns && job->state == JOB_RUNNING);
    core->now_ns = now_ns;
    job->context_tokens = ready_tokens;
    job->save_goal_tokens = least(ready_tokens, job->save_most_tokens);
    if (core_has_nodes(core)) {
        save_nodes(core, job, ready_tokens);
        return;
    }
    if (!units_are_sessions(core))
        chain_share(core, job, ready_tokens);
    if (!job->save_waits && (core->waiting_save_head != 0 || !try_save(core, handle)))
        wait_with_save(core, handle);
    room_keep_reserve(core);
}

void save_retry(struct placement *core)
{
    while (core->waiting_save_head != 0) {
        uint32_t handle = core->waiting_save_head;
        struct job *job = &core->job[handle];
        core->promised_tokens = 0;
        if (!try_save(core, handle))
            return;
        core->waiting_save_head = job->next_waiting_save;
        if (core->waiting_save_head == 0)
            core->waiting_save_tail = 0;
        job->save_waits = false;
        release_job(core, handle);
    }
}

void save_ended(struct placement *core, uint32_t handle)
{
    struct job *job = &core->job[handle];
    job->save_transfer = 0;
    if (core_offers(core))
        offer_stored(core, job);
    /* More may have become ready while this save ran. */
    if (!job->save_waits && !try_save(core, handle))
        wait_with_save(core, handle);
    release_job(core, handle);
}
