/* sim/engine_turns.c - sessions and their turns: what a turn's context is, how it is fitted into the
 * window, which keys name its KV. */
#include "base/memory.h"
#include "sim/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint32_t session_new(struct engine *engine)
{
    uint32_t handle = engine->free_session;
    if (handle != 0) {
        engine->free_session = engine->session[handle].next;
    } else {
        handle = engine->session_high_water++;
        memory_grow(&engine->session, &engine->session_capacity, (uint64_t)handle + 1,
                    sizeof *engine->session);
    }
    memset(&engine->session[handle], 0, sizeof engine->session[handle]);
    return handle;
}

static void session_free(struct engine *engine, uint32_t handle)
{
    struct session *session = &engine->session[handle];
    ranges_return(&engine->turn_ranges, session->turns, session->turn_count);
    if (session->key_count > 0)
        ranges_return(&engine->key_ranges, session->keys, session->key_count);
    session->next = engine->free_session;
    engine->free_session = handle;
}

/* The trace's arrays hold until its next call only: the session takes copies. */
static void copy_session(struct engine *engine, struct session *session,
                         const struct trace_session *item)
{
    session->id = item->id;
    session->turn_count = item->turn_count;
    session->turns = ranges_take(&engine->turn_ranges, item->turn_count);
    memory_grow(&engine->turns, &engine->turns_capacity, engine->turn_ranges.high_water,
                sizeof *engine->turns);
    memcpy(&engine->turns[session->turns], item->turns, item->turn_count * sizeof *item->turns);
    session->key_count = item->block_count;
    if (item->block_count == 0)
        return;
    session->keys = ranges_take(&engine->key_ranges, item->block_count);
    memory_grow(&engine->keys, &engine->keys_capacity, engine->key_ranges.high_water,
                sizeof *engine->keys);
    memcpy(&engine->keys[session->keys], item->block_keys,
           item->block_count * sizeof *item->block_keys);
}

enum status turns_read_ahead(struct engine *engine, struct error *err)
{
    struct trace_session item;
    engine->arriving = 0;
    uint64_t limit = engine->setup->experiment->max_turns;
    if (limit > 0 && engine->turns_asked >= limit)
        return STATUS_OK;
    enum trace_step step = trace_next(engine->trace, &item, err);
    if (step == TRACE_ERROR)
        return err->status;
    if (step == TRACE_END)
        return STATUS_OK;
    engine->arriving = session_new(engine);
    copy_session(engine, &engine->session[engine->arriving], &item);
    event_heap_push(&engine->events, item.arrival_ns, ENGINE_ARRIVAL, engine->arriving);
    return STATUS_OK;
}

/* Cuts the context's oldest half-windows until history, prompt and reply fit; if there is no history
 * to cut, prompt and reply are cut themselves. The reply's length is the trace's: the engine of a
 * trace knows it, a real one would find out by overflowing (docs/model.md). */
static void fit_into_window(struct engine *engine, struct session *session)
{
    uint32_t window = engine->setup->window_tokens;
    uint32_t reply = session->reply_tokens, prompt = session->prompt_tokens;
    if (reply > window / 2)
        reply = window / 2;
    if (prompt > window - reply)
        prompt = window - reply;
    if (reply != session->reply_tokens || prompt != session->prompt_tokens)
        collector_add_clamped(&engine->collector);
    session->reply_tokens = reply;
    session->prompt_tokens = prompt;
    uint32_t half = window / 2, cut = 0, history = session->history_tokens;
    /* Blocks are cut whole, so that those that stay keep their keys. */
    if (engine->setup->unit_tokens != UINT32_MAX)
        half += (engine->setup->unit_tokens - half % engine->setup->unit_tokens) %
                engine->setup->unit_tokens;
    while (history - cut + prompt + reply > window)
        cut += half < history - cut ? half : history - cut;
    session->cut_tokens = cut;
    if (cut > 0)
        collector_add_overflow(&engine->collector);
}

/* Every block of every session has its own key: 36 bits of session, 8 of generation, 20 of place. */
static uint64_t block_key(const struct session *session, uint64_t place)
{
    assert(session->id < UINT64_C(1) << 36 && place < UINT64_C(1) << 20);
    return session->id << 28 | (uint64_t)(session->generation & 0xff) << 20 | place;
}

static uint32_t build_keys(struct engine *engine, const struct session *session, uint32_t from,
                           uint32_t to)
{
    uint32_t block = engine->setup->unit_tokens;
    memory_grow(&engine->scratch_keys, &engine->scratch_capacity, (uint64_t)to - from + 1,
                sizeof *engine->scratch_keys);
    for (uint32_t i = from; i < to; i++)
        engine->scratch_keys[i - from] =
            block_key(session, (uint64_t)session->base_tokens / block + i);
    return to - from;
}

/* What overflowed is cut from the keys here: what the core holds under the old ones only ages. */
static void cut_blocks(const struct engine *engine, struct session *session)
{
    session->history_tokens -= session->cut_tokens;
    if (session->cut_tokens == 0)
        return;
    if (engine->setup->experiment->overflow == OVERFLOW_INVALIDATE) {
        session->generation++;
        session->base_tokens = 0;
    } else {
        session->base_tokens += session->cut_tokens;
    }
}

static uint32_t queue_session_blocks(struct engine *engine, struct session *session)
{
    cut_blocks(engine, session);
    uint32_t block = engine->setup->unit_tokens;
    uint32_t count = build_keys(engine, session, 0, session->history_tokens / block);
    uint32_t total = session->history_tokens + session->prompt_tokens + session->reply_tokens;
    session->chain_keys = count;
    return placement_queue(engine->core, engine->now_ns, engine->scratch_keys, count, count * block,
                           total / block + 1);
}

static uint32_t queue_trace_blocks(struct engine *engine, struct session *session)
{
    uint32_t block = engine->setup->unit_tokens;
    uint32_t count = (session->prompt_tokens + block - 1) / block; /* fewer if it was clamped */
    session->chain_keys = count;
    return placement_queue(engine->core, engine->now_ns, &engine->keys[session->keys], count,
                           session->prompt_tokens, count);
}

static uint32_t queue_whole_session(struct engine *engine, struct session *session)
{
    uint32_t job = placement_queue(engine->core, engine->now_ns, &session->id, 1,
                                   session->history_tokens, 1);
    session->history_tokens -= session->cut_tokens;
    return job;
}

void turns_ask(struct engine *engine, uint32_t handle)
{
    struct session *session = &engine->session[handle];
    const struct trace_turn *turn = &engine->turns[session->turns + session->turn];
    session->prompt_tokens = turn->prompt_tokens;
    session->reply_tokens = turn->reply_tokens;
    session->asked_ns = engine->now_ns;
    session->save_began = false;
    engine->turns_asked++;
    fit_into_window(engine, session);
    if (engine->setup->unit_tokens == UINT32_MAX)
        session->job = queue_whole_session(engine, session);
    else if (engine->setup->unit_keys)
        session->job = queue_trace_blocks(engine, session);
    else
        session->job = queue_session_blocks(engine, session);
    memory_grow(&engine->note, &engine->note_capacity, (uint64_t)session->job + 1,
                sizeof *engine->note);
    engine->note[session->job] = (struct job_note){ .session = handle };
    session->next = 0;
    if (engine->queue_tail != 0)
        engine->session[engine->queue_tail].next = handle;
    else
        engine->queue_head = handle;
    engine->queue_tail = handle;
    collector_set_queue(&engine->collector, engine->now_ns, ++engine->queue_count);
}

void turns_extend_chain(struct engine *engine, uint32_t handle, uint32_t ready_tokens)
{
    struct session *session = &engine->session[handle];
    if (engine->setup->unit_tokens == UINT32_MAX || engine->setup->unit_keys)
        return;
    uint32_t full = ready_tokens / engine->setup->unit_tokens;
    if (full <= session->chain_keys)
        return;
    uint32_t count = build_keys(engine, session, session->chain_keys, full);
    placement_extend(engine->core, session->job, engine->scratch_keys, count);
    session->chain_keys = full;
}

void turns_end(struct engine *engine, uint32_t handle)
{
    struct session *session = &engine->session[handle];
    session->history_tokens += session->prompt_tokens + session->reply_tokens;
    session->turn++;
    uint64_t limit = engine->setup->experiment->max_turns;
    bool more = session->turn < session->turn_count && (limit == 0 || engine->turns_asked < limit);
    if (!more) {
        session_free(engine, handle);
        return;
    }
    uint64_t think_ns = engine->turns[session->turns + session->turn].think_ns;
    event_heap_push(&engine->events, engine->now_ns + think_ns, ENGINE_TURN, handle);
}

void turns_free(struct engine *engine)
{
    free(engine->session);
    free(engine->turns);
    free(engine->keys);
    free(engine->scratch_keys);
    ranges_free(&engine->turn_ranges);
    ranges_free(&engine->key_ranges);
}
