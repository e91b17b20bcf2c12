/* sim/placement/queue.c - the jobs that wait, in the order of asking, and who waits for a unit. */
#include "sim/placement/core.h"

#include <assert.h>

/* The waiter behind which one of that sequence stands; 0: it is the first. Nearly always the last.
 */
static uint32_t waiter_before(const struct placement *core, const struct unit *entry,
                              uint32_t sequence)
{
    uint32_t last = entry->last_waiter, before = 0;
    if (last != 0 && core->slot[last].sequence <= sequence)
        return last;
    for (uint32_t slot = entry->first_waiter; core->slot[slot].sequence <= sequence;
         slot = core->slot[slot].next_waiter)
        before = slot;
    return before;
}

static void add_waiter(struct placement *core, uint32_t slot)
{
    uint32_t unit = core->slot[slot].unit;
    struct unit *entry = &core->units.unit[unit];
    uint32_t before =
        entry->first_waiter != 0 ? waiter_before(core, entry, core->slot[slot].sequence) : 0;
    uint32_t *link = before != 0 ? &core->slot[before].next_waiter : &entry->first_waiter;
    core->slot[slot].next_waiter = *link;
    *link = slot;
    if (entry->last_waiter == before)
        entry->last_waiter = slot;
    entry->last_use_ns = core->now_ns;
    books_settle(core, unit);
    if (entry->first_waiter == slot)
        books_wanted(core, unit);
}

/* Most often the slot is its unit's first waiter: then the next one may have to fetch. */
static void remove_waiter(struct placement *core, uint32_t slot)
{
    uint32_t unit = core->slot[slot].unit, before = 0;
    struct unit *entry = &core->units.unit[unit];
    for (uint32_t at = entry->first_waiter; at != slot; at = core->slot[at].next_waiter)
        before = at;
    uint32_t *link = before != 0 ? &core->slot[before].next_waiter : &entry->first_waiter;
    *link = core->slot[slot].next_waiter;
    if (entry->last_waiter == slot)
        entry->last_waiter = before;
    books_fetch_again(core, unit);
    books_wanted(core, unit);
}

/* The queue is in the order of sequences; only a job that was preempted does not go last.
 */
static void queue_insert(struct placement *core, uint32_t handle)
{
    uint32_t sequence = core->job[handle].sequence, before = core->queue_tail;
    if (before != 0 && core->job[before].sequence > sequence) {
        before = 0;
        for (uint32_t at = core->queue_head; core->job[at].sequence < sequence;
             at = core->job[at].next)
            before = at;
    }
    uint32_t *link = before != 0 ? &core->job[before].next : &core->queue_head;
    core->job[handle].next = *link;
    *link = handle;
    bool goes_last = core->queue_tail == before;
    if (goes_last)
        core->queue_tail = handle;
    core->fetch_seen = goes_last ? least(core->fetch_seen, core->queued) : 0;
    core->queued++;
}

static void queue_remove(struct placement *core, uint32_t handle)
{
    uint32_t before = 0;
    for (uint32_t at = core->queue_head; at != handle; at = core->job[at].next)
        before = at;
    uint32_t *link = before != 0 ? &core->job[before].next : &core->queue_head;
    *link = core->job[handle].next;
    if (core->queue_tail == handle)
        core->queue_tail = before;
    core->fetch_seen = before == 0 ? above(core->fetch_seen, 1) : 0;
    core->queued--;
}

static void note_queue_head(struct placement *core)
{
    core->env.queue_head_sequence =
        core->queue_head != 0 ? core->job[core->queue_head].sequence : core->next_sequence;
}

uint32_t placement_queue(struct placement *core, uint64_t now_ns, const uint64_t *keys,
                         uint32_t count, uint32_t context_tokens, uint32_t capacity)
{
    assert(now_ns >= core->now_ns && count <= capacity && capacity > 0);
    core->now_ns = now_ns;
    if (count > 0)
        keymap_prefetch(&core->units.map, keys[0]);
    age_expire(core);
    room_keep_mark(core);
    uint32_t handle = chain_new_job(core);
    uint32_t chain = chain_slots(core, capacity);
    struct job *job = &core->job[handle];
    job->sequence = core->next_sequence++;
    job->chain = chain;
    job->chain_count = count;
    job->chain_capacity = capacity;
    job->context_tokens = context_tokens;
    job->wants_fetch = true;
    job->tenant = core->tenant;
    queue_insert(core, handle);
    note_queue_head(core);
    struct slot *slot = &core->slot[chain];
    if (count > 1)
        unit_prefetch_chain(&core->units, UNIT_NONE, keys, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t unit = chain_intern(core, keys[i], i, i > 0 ? slot[i - 1].unit : UNIT_NONE);
        slot[i] = (struct slot){ .unit = unit, .sequence = job->sequence, .job = handle };
        add_waiter(core, chain + i);
    }
    fetch_ahead(core);
    return handle;
}

void queue_leave(struct placement *core, uint32_t handle)
{
    const struct job *job = &core->job[handle];
    queue_remove(core, handle);
    note_queue_head(core);
    for (uint32_t i = 0; i < job->chain_count; i++)
        remove_waiter(core, job->chain + i);
}

uint32_t queue_put_again(struct placement *core, uint32_t ran, uint32_t context_tokens)
{
    uint32_t handle = chain_new_job(core);
    uint32_t capacity = core->job[ran].chain_capacity;
    uint32_t chain = chain_slots(core, capacity);
    struct job *job = &core->job[handle];
    const struct job *old = &core->job[ran];
    job->sequence = old->sequence;
    job->again = true;
    job->base = old->base;
    job->tenant = old->tenant;
    job->chain = chain;
    job->chain_count = old->chain_count;
    job->chain_capacity = capacity;
    job->context_tokens = context_tokens;
    job->wants_fetch = true;
    queue_insert(core, handle);
    note_queue_head(core);
    for (uint32_t i = 0; i < job->chain_count; i++) {
        core->slot[chain + i] = (struct slot){ .unit = chain_unit(core, old, i),
                                               .sequence = job->sequence,
                                               .job = handle };
        add_waiter(core, chain + i);
    }
    return handle;
}
