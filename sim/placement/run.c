/* sim/placement/run.c - a job between its loads and its release: its chain and its HBM grow, it may
 * be pushed out, it ends. */
#include "sim/placement/core.h"

#include <assert.h>

void placement_extend(struct placement *core, uint32_t handle, const uint64_t *keys, uint32_t count)
{
    struct job *job = &core->job[handle];
    assert(job->state == JOB_RUNNING);
    assert((uint64_t)job->chain_count + count <= job->chain_capacity);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = job->chain_count;
        uint32_t before = at > 0 ? chain_unit(core, job, at - 1) : UNIT_NONE;
        uint32_t unit = chain_intern(core, keys[i], at, before);
        core->slot[job->chain + job->chain_count++] =
            (struct slot){ .unit = unit, .sequence = job->sequence, .job = handle };
        books_pin(core, unit);
        chain_count_use(core, unit);
    }
}

/* What the filter kept out of DRAM. Otherwise than through, that is seen when HBM gives it up. */
static void count_refused(struct placement *core, const struct job *job)
{
    if (core->config.keys.admit_uses[TIER_DRAM] <= 1 || !core_saves_at_once(core))
        return;
    for (uint32_t i = 0; i < job->chain_count; i++) {
        const struct unit *entry = &core->units.unit[chain_unit(core, job, i)];
        uint32_t want = chain_unit_tokens(core, i, job->context_tokens);
        if (!admits(core, entry, TIER_DRAM, want))
            core->counters.refused_dram_bytes +=
                above(want, books_stored_tokens(entry)) * core->config.bytes_per_token;
    }
}

/* Exclusive tiers: DRAM gives up what HBM keeps of a job that ended. */
static void leave_dram(struct placement *core, const struct job *job)
{
    for (uint32_t i = 0; i < job->chain_count && !core->config.keys.inclusive[TIER_DRAM]; i++) {
        uint32_t unit = chain_unit(core, job, i);
        const struct unit *entry = &core->units.unit[unit];
        if (entry->pins == 0 && entry->transfer == 0 && entry->tokens[TIER_DRAM] > 0 &&
            entry->tokens[TIER_HBM] >= entry->tokens[TIER_DRAM])
            books_drop_copy(core, unit, TIER_DRAM, LOSS_MOVED);
    }
}

void run_release(struct placement *core, uint32_t handle)
{
    struct job *job = &core->job[handle];
    if (job->state != JOB_DRAINING || job->save_transfer != 0 || job->save_waits)
        return;
    save_share(core, job, job->context_tokens);
    books_unbook(core, TIER_HBM, job->hbm_tokens);
    for (uint32_t i = 0; i < job->chain_count; i++)
        core->units.unit[chain_unit(core, job, i)].last_use_ns = core->now_ns;
    chain_use(core, job, true, 0);
    count_refused(core, job);
    chain_unpin(core, job);
    leave_dram(core, job);
    room_trim_hbm(core);
    write_through_chain(core, job);
    write_ahead(core);
    chain_free_job(core, handle);
    books_act(core, (struct action){ .kind = ACTION_RELEASE, .job = handle });
}

void placement_finish(struct placement *core, uint64_t now_ns, uint32_t handle)
{
    struct job *job = &core->job[handle];
    assert(now_ns >= core->now_ns && job->state == JOB_RUNNING && job->loads_in_flight == 0);
    core->now_ns = now_ns;
    job->state = JOB_DRAINING;
    core->ended_jobs++;
    core->env.mean_job_tokens +=
        ((double)job->context_tokens - core->env.mean_job_tokens) / (double)core->ended_jobs;
    run_release(core, handle);
    age_expire(core);
    room_keep_reserve(core);
    fetch_ahead(core);
}

bool placement_resize(struct placement *core, uint64_t now_ns, uint32_t handle,
                      uint32_t total_tokens)
{
    struct job *job = &core->job[handle];
    assert(now_ns >= core->now_ns && job->state == JOB_RUNNING);
    core->now_ns = now_ns;
    if (total_tokens < job->total_tokens) {
        uint32_t fewer = job->total_tokens - total_tokens;
        assert(fewer <= job->hbm_tokens);
        books_unbook(core, TIER_HBM, fewer);
        job->hbm_tokens -= fewer;
    } else if (total_tokens > job->total_tokens) {
        uint32_t more = total_tokens - job->total_tokens;
        enum room room = room_in_hbm(core, more);
        core->room_coming = room == ROOM_LATER && core->config.keys.write[TIER_DRAM] == WRITE_BACK;
        if (room != ROOM_NOW)
            return false;
        books_book(core, TIER_HBM, more);
        job->hbm_tokens += more;
    }
    job->total_tokens = total_tokens;
    return true;
}

bool placement_room_coming(const struct placement *core)
{
    return core->room_coming;
}

uint32_t placement_preempt(struct placement *core, uint64_t now_ns, uint32_t handle,
                           uint32_t context_tokens)
{
    assert(now_ns >= core->now_ns && core->job[handle].state == JOB_RUNNING);
    assert(core->job[handle].loads_in_flight == 0);
    core->now_ns = now_ns;
    uint32_t again = queue_put_again(core, handle, context_tokens);
    struct job *job = &core->job[handle];
    job->state = JOB_DRAINING;
    books_unbook(core, TIER_HBM, job->hbm_tokens);
    job->hbm_tokens = 0;
    job->context_tokens = job->save_goal_tokens = 0; /* nothing more of it is shared or saved */
    run_release(core, handle);
    fetch_ahead(core);
    return again;
}
