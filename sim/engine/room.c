/* sim/engine/room.c - HBM booked for a turn: all of its reply at once, or block by block as the
 * reply grows; and who loses it when there is no more. Source of growing: vLLM v1
 * (v1/core/sched/scheduler.py and kv_cache_manager.py at 00024d3): a decoding request is given a
 * block when it needs one; when none is free the last admitted request loses all of its blocks,
 * goes back to the front of the queue and computes its context again (recompute preemption), and no
 * request is admitted in that step. Unlike vLLM, a prompt is booked whole when it is prepared. */
#include "sim/engine/state.h"
#include "sim/engine/watching.h"

#include <assert.h>

static bool grows(const struct engine *engine)
{
    return experiment_of(engine)->allocation == ALLOCATE_GROW;
}

/* HBM for that much context is a whole number of blocks, but never more than the turn can need. */
static uint32_t in_blocks(const struct engine *engine, const struct session *session,
                          uint64_t tokens)
{
    uint64_t block = engine->setup->block_tokens;
    uint64_t rounded = (tokens + block - 1) / block * block;
    uint32_t all = session_total(session);
    return rounded < all ? (uint32_t)rounded : all;
}

uint32_t room_at_start(const struct engine *engine, const struct session *session)
{
    if (service_splits(engine->service))
        return session->prefill_tokens; /* decoded elsewhere */
    if (!grows(engine))
        return session_total(session);
    return in_blocks(engine, session, session->prefill_tokens);
}

/* more: the reply goes on behind these. */
static bool book(struct engine *engine, struct session *session, uint32_t tokens, bool more)
{
    uint32_t room = kv_layout_room(&engine->setup->kv, tokens);
    placement_on_behalf(engine->core, session->asked);
    if (!placement_resize(engine->core, engine->now_ns, session->job, room, more))
        return false;
    session->booked_tokens = tokens;
    return true;
}

/* ---- who loses its place ---- */

static void preempt(struct engine *engine, struct handles *from, uint32_t at)
{
    uint32_t handle = from->item[at];
    struct session *session = session_of(engine, handle);
    handles_remove(from, at);
    uint32_t old = session->job, block = engine->setup->unit_tokens;
    session->prefill_tokens = session_context_now(session);
    uint64_t chain = block != UINT32_MAX ? (uint64_t)session->chain_keys * block : UINT32_MAX;
    uint32_t wanted = session->prefill_tokens < chain ? session->prefill_tokens : (uint32_t)chain;
    session->job = placement_preempt(engine->core, engine->now_ns, old,
                                     kv_layout_stored(&engine->setup->kv, wanted));
    actions_add(engine, ENGINE_PREEMPTED)->copy.job = old;
    engine->note[old].session = 0;
    engine_limit_job(engine, session);
    engine_note_job(engine, session->job, handle);
    collector_add_preemption(collector_of(engine), session->tenant, session->ready_tokens);
    session->ready_tokens = 0;
    watching_preempted(engine, handle);
    queue_push_front(engine, handle);
    actions_drain(engine);
}

/* Latest first; with priorities, of those of the lowest rank. */
static uint32_t victim_of(const struct engine *engine, const struct handles *handles)
{
    uint32_t victim = handles->count - 1;
    if (experiment_of(engine)->order != ORDER_PRIORITY)
        return victim;
    for (uint32_t at = victim; at-- > 0;)
        if (session_of(engine, handles->item[at])->rank <
            session_of(engine, handles->item[victim])->rank)
            victim = at;
    return victim;
}

/* The turn that was admitted last: those that still prefill came after those that decode. */
static void preempt_one(struct engine *engine)
{
    struct handles *from = engine->prefilling.count > 0 ? &engine->prefilling : &engine->running;
    preempt(engine, from, victim_of(engine, from));
}

/* Gives each turn that decodes HBM for its next token. false: one of them gets none. */
static bool grow_all(struct engine *engine)
{
    for (uint32_t i = 0; i < engine->running.count; i++) {
        struct session *session = session_of(engine, engine->running.item[i]);
        uint32_t need = session_context_now(session);
        if (need > session->booked_tokens &&
            !book(engine, session, in_blocks(engine, session, need), session->left_tokens > 1))
            return false;
    }
    return true;
}

bool room_for_next_tokens(struct engine *engine)
{
    bool preempted = false;
    engine->waits_for_room = false;
    if (!grows(engine))
        return false;
    while (!grow_all(engine)) {
        if (placement_room_coming(engine->core)) {
            engine->waits_for_room = true;
            break;
        }
        preempt_one(engine); /* the places have changed: from the start again */
        preempted = true;
    }
    actions_drain(engine);
    return preempted;
}

bool room_grow(struct engine *engine)
{
    if (!grows(engine))
        return true;
    if (!grow_all(engine))
        return false;
    actions_drain(engine);
    return true;
}

/* ---- many iterations at once ---- */

/* For so many more tokens of each turn that decodes, HBM has free room: rounding up takes less than
 * a block each. */
static uint64_t free_for_each(const struct engine *engine)
{
    uint64_t free_tokens =
        (engine->setup->kv_budget_bytes - placement_used_bytes(engine->core, TIER_HBM)) /
        engine->setup->kv.bytes_per_token;
    uint64_t each = free_tokens / engine->running.count, block = engine->setup->block_tokens;
    return each > block ? each - block : 0;
}

bool room_is_for_one(const struct engine *engine)
{
    return grows(engine) && free_for_each(engine) == 0;
}

uint64_t room_for_repeats(struct engine *engine, uint64_t iterations)
{
    if (!grows(engine) || iterations == 1)
        return iterations;
    uint64_t more = free_for_each(engine);
    uint64_t possible = iterations - 1 < more ? iterations : more + 1;
    for (uint32_t i = 0; i < engine->running.count && possible > 1; i++) {
        struct session *session = session_of(engine, engine->running.item[i]);
        uint32_t need = in_blocks(engine, session, session_context_now(session) + possible - 1);
        if (need > session->booked_tokens) {
            bool booked = book(engine, session, need, session->left_tokens > possible);
            assert(booked);
            (void)booked;
        }
    }
    return possible;
}

void room_give_back(struct engine *engine)
{
    if (!grows(engine))
        return;
    for (uint32_t i = 0; i < engine->running.count; i++) {
        struct session *session = session_of(engine, engine->running.item[i]);
        uint32_t need = in_blocks(engine, session, session_context_now(session));
        if (need < session->booked_tokens && need >= room_at_start(engine, session))
            book(engine, session, need, true);
    }
}
