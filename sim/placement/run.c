/* sim/placement/run.c - a job between its loads and its end: its chain and its HBM grow, it may be
 * preempted, its last token is out. */
#include "sim/placement/core.h"

#include <assert.h>

void placement_extend(struct placement *core, uint32_t handle, const uint64_t *keys, uint32_t count)
{
    struct job *job = &core->job[handle];
    assert(job->state == JOB_RUNNING);
    assert((uint64_t)job->chain_count + count <= job->chain_capacity);
    uint32_t last = job->chain_count > 0 ? chain_unit(core, job, job->chain_count - 1) : UNIT_NONE;
    unit_prefetch_chain(&core->units, last, keys, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = job->chain_count;
        uint32_t before = at > 0 ? chain_unit(core, job, at - 1) : UNIT_NONE;
        uint32_t unit = chain_intern(core, keys[i], at, before);
        core->slot[job->chain + job->chain_count++] =
            (struct slot){ .unit = unit, .sequence = job->sequence, .job = handle };
        books_pin(core, unit);
        chain_count_use(core, unit);
    }
    tenants_own_chain(core, job, job->chain_count - count);
    chain_note_user(core, job, job->chain_count - count);
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
    release_job(core, handle);
    age_expire(core);
    room_keep_reserve(core);
    fetch_ahead(core);
}

bool placement_resize(struct placement *core, uint64_t now_ns, uint32_t handle,
                      uint32_t total_tokens, bool goes_on)
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
        uint32_t spare = core_has_nodes(core) && goes_on ? core->config.unit_tokens : 0;
        uint64_t goal = (uint64_t)more + spare;
        enum room room =
            free_tokens(core, TIER_HBM) >= goal ? ROOM_NOW : room_in_hbm_up_to(core, more, goal);
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
    release_job(core, handle);
    fetch_ahead(core);
    return again;
}
