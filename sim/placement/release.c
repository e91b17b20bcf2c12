/* sim/placement/release.c - a job that has ended and saved all goes: what it had in HBM stays for
 * others or is free, and its chain is idle. */
#include "sim/placement/core.h"

/* What the filter kept out of DRAM. Otherwise than through, that is seen when HBM evicts it. */
static void count_refused(struct placement *core, const struct job *job)
{
    if (core->config.keys.admit_uses[TIER_DRAM] <= 1 || !core_saves_at_once(core))
        return;
    for (uint32_t i = 0; i < job->chain_count; i++) {
        uint32_t unit = chain_unit(core, job, i);
        const struct unit *entry = &core->units.unit[unit];
        uint32_t lacking =
            above(chain_unit_tokens(core, i, job->context_tokens), books_stored_tokens(entry));
        if (lacking == 0 || admits(core, entry, TIER_DRAM, 0))
            continue;
        core->counters.refused_dram_bytes += lacking * core->config.bytes_per_token;
        books_note_loss(core, unit, ABSENT_REFUSED, TIER_DRAM);
    }
}

/* Exclusive tiers: DRAM drops what HBM keeps of a job that ended. */
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

void release_job(struct placement *core, uint32_t handle)
{
    struct job *job = &core->job[handle];
    if (job->state != JOB_DRAINING || job->save_transfer != 0 || job->save_waits)
        return;
    if (!core_has_nodes(core)) /* its last insertion did */
        chain_share(core, job, job->context_tokens);
    books_unbook(core, TIER_HBM, job->hbm_tokens);
    for (uint32_t i = 0; i < job->chain_count; i++)
        core->units.unit[chain_unit(core, job, i)].last_use_ns = core->now_ns;
    chain_use(core, job, MOMENT_END, 0);
    count_refused(core, job);
    if (core_offers(core) && core_saves_at_once(core) && core->policy->saves)
        offer_end(core, job);
    chain_unpin(core, job, job->chain_count);
    leave_dram(core, job);
    for (uint32_t i = 0; i < job->chain_count && core->config.keys.staging; i++)
        write_leave_stage(core, chain_unit(core, job, i));
    room_trim_hbm(core);
    write_through_chain(core, job);
    write_ahead(core);
    chain_free_job(core, handle);
    books_act(core, (struct action){ .kind = ACTION_RELEASE, .job = handle });
}
