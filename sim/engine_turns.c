/* sim/engine_turns.c - sessions and their turns: what a turn's context is, how it is fitted into
 * the window, which keys name its KV, what each server knows of a session's truncation. */
#include "base/memory.h"
#include "base/random.h"
#include "sim/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint32_t session_new(struct cluster *cluster)
{
    uint32_t handle = cluster->free_session;
    if (handle != 0) {
        cluster->free_session = cluster->session[handle].next;
    } else {
        handle = cluster->session_high_water++;
        memory_grow(&cluster->session, &cluster->session_capacity, (uint64_t)handle + 1,
                    sizeof *cluster->session);
    }
    memset(&cluster->session[handle], 0, sizeof cluster->session[handle]);
    return handle;
}

static void session_free(struct cluster *cluster, uint32_t handle)
{
    struct session *session = &cluster->session[handle];
    ranges_return(&cluster->turn_ranges, session->turns, session->turn_count);
    if (session->key_count > 0)
        ranges_return(&cluster->key_ranges, session->keys, session->key_count);
    ranges_return(&cluster->seen_ranges, session->seen, cluster->engines);
    session->next = cluster->free_session;
    cluster->free_session = handle;
}

/* The trace's arrays hold until its next call only: the session takes copies. */
static void copy_session(struct cluster *cluster, struct session *session,
                         const struct trace_session *item)
{
    session->id = item->id;
    session->seen = ranges_take(&cluster->seen_ranges, cluster->engines);
    memory_grow(&cluster->seen, &cluster->seen_capacity, cluster->seen_ranges.high_water,
                sizeof *cluster->seen);
    memset(&cluster->seen[session->seen], 0, cluster->engines * sizeof *cluster->seen);
    session->turn_count = item->turn_count;
    session->turns = ranges_take(&cluster->turn_ranges, item->turn_count);
    memory_grow(&cluster->turns, &cluster->turns_capacity, cluster->turn_ranges.high_water,
                sizeof *cluster->turns);
    memcpy(&cluster->turns[session->turns], item->turns, item->turn_count * sizeof *item->turns);
    session->key_count = item->block_count;
    if (item->block_count == 0)
        return;
    session->keys = ranges_take(&cluster->key_ranges, item->block_count);
    memory_grow(&cluster->keys, &cluster->keys_capacity, cluster->key_ranges.high_water,
                sizeof *cluster->keys);
    memcpy(&cluster->keys[session->keys], item->block_keys,
           item->block_count * sizeof *item->block_keys);
}

/* A share of the sessions, always the same ones, whatever else is drawn. */
static bool draw_urgent(const struct cluster *cluster, uint64_t id)
{
    struct random random = random_from(id, UINT64_C(0x757267656e74));
    return random_uniform(&random) < cluster->setup->experiment->urgent_share;
}

enum status turns_read_ahead(struct cluster *cluster, struct error *err)
{
    struct trace_session item;
    cluster->arriving = 0;
    uint64_t limit = cluster->setup->experiment->max_turns;
    if (limit > 0 && cluster->turns_asked >= limit)
        return STATUS_OK;
    enum trace_step step = trace_next(cluster->trace, &item, err);
    if (step == TRACE_ERROR)
        return err->status;
    if (step == TRACE_END)
        return STATUS_OK;
    cluster->arriving = session_new(cluster);
    copy_session(cluster, &cluster->session[cluster->arriving], &item);
    cluster->session[cluster->arriving].urgent = draw_urgent(cluster, item.id);
    event_heap_push(&cluster->events, item.arrival_ns, ENGINE_ARRIVAL, cluster->arriving);
    return STATUS_OK;
}

/* Cuts the context's oldest half-windows until history, prompt and reply fit; if there is no
 * history to cut, prompt and reply are cut themselves. The reply's length is the trace's: the
 * engine of a trace knows it, a real one would find out by overflowing (docs/model.md). */
static void fit_into_window(struct cluster *cluster, struct session *session)
{
    uint32_t window = cluster->setup->window_tokens;
    uint32_t reply = session->reply_tokens, prompt = session->prompt_tokens;
    if (reply > window / 2)
        reply = window / 2;
    if (prompt > window - reply)
        prompt = window - reply;
    if (reply != session->reply_tokens || prompt != session->prompt_tokens)
        collector_add_clamped(&cluster->collector);
    session->reply_tokens = reply;
    session->prompt_tokens = prompt;
    uint32_t half = window / 2, cut = 0, history = session->history_tokens;
    /* Blocks are cut whole, so that those that stay keep their keys. */
    if (cluster->setup->unit_tokens != UINT32_MAX)
        half += (cluster->setup->unit_tokens - half % cluster->setup->unit_tokens) %
                cluster->setup->unit_tokens;
    while (history - cut + prompt + reply > window)
        cut += half < history - cut ? half : history - cut;
    session->cut_tokens = cut;
    if (cut > 0)
        collector_add_overflow(&cluster->collector);
}

/* Every block of every session has its own key: 36 bits of session, 8 of generation, 20 of place.
 */
static uint64_t block_key(const struct session *session, uint64_t place)
{
    assert(session->id < UINT64_C(1) << 36 && place < UINT64_C(1) << 20);
    return session->id << 28 | (uint64_t)(session->generation & 0xff) << 20 | place;
}

static void build_keys(struct cluster *cluster, const struct session *session, uint32_t from,
                       uint32_t to)
{
    uint32_t block = cluster->setup->unit_tokens;
    memory_grow(&cluster->scratch_keys, &cluster->scratch_capacity, (uint64_t)to - from + 1,
                sizeof *cluster->scratch_keys);
    for (uint32_t i = from; i < to; i++)
        cluster->scratch_keys[i - from] =
            block_key(session, (uint64_t)session->base_tokens / block + i);
}

/* What overflowed is cut off the context. Blocks are cut by their keys, and what a core holds under
 * the old ones only ages; copies of whole sessions are cut by kv_cut when the turn is prepared. */
static void cut_context(const struct cluster *cluster, struct session *session)
{
    session->history_tokens -= session->cut_tokens;
    if (session->cut_tokens == 0)
        return;
    if (is_invalidating(cluster->setup)) {
        session->generation++;
        session->base_tokens = 0;
    } else {
        session->base_tokens += session->cut_tokens;
    }
    /* A context that lost all of its history begins a new block. */
    uint32_t block = cluster->setup->unit_tokens;
    if (block != UINT32_MAX)
        session->base_tokens = (session->base_tokens + block - 1) / block * block;
}

/* ---- the chain that names a turn's KV ---- */

struct chain {
    const uint64_t *keys;
    uint32_t count, context_tokens, capacity;
};

/* How many units `tokens` tokens make: full ones, and a partial one where they can be shared. */
static uint32_t units_of(const struct cluster *cluster, uint32_t tokens)
{
    uint32_t block = cluster->setup->unit_tokens;
    /* A state is kept at the end of full blocks. */
    bool partial = cluster->setup->experiment->partial_blocks && tokens % block > 0 &&
                   cluster->setup->model.state_layers == 0;
    return tokens / block + (partial ? 1 : 0);
}

static uint32_t covered_by(const struct cluster *cluster, uint32_t units, uint32_t tokens)
{
    uint64_t full = (uint64_t)units * cluster->setup->unit_tokens;
    return full < tokens ? (uint32_t)full : tokens;
}

static struct chain session_blocks(struct cluster *cluster, struct session *session)
{
    uint32_t history = session->history_tokens, count = units_of(cluster, history);
    uint32_t total = history + session->prompt_tokens + session->reply_tokens;
    build_keys(cluster, session, 0, count);
    return (struct chain){ cluster->scratch_keys, count, covered_by(cluster, count, history),
                           total / cluster->setup->unit_tokens + 1 };
}

/* The trace's last key may name a partial block: without sharing of those it is not in the chain.
 */
static struct chain trace_blocks(const struct cluster *cluster, struct session *session)
{
    uint32_t count = units_of(cluster, session->prompt_tokens); /* fewer keys if it was clamped */
    return (struct chain){ &cluster->keys[session->keys], count,
                           covered_by(cluster, count, session->prompt_tokens),
                           count > 0 ? count : 1 };
}

static struct chain chain_of(struct cluster *cluster, struct session *session)
{
    if (cluster->setup->unit_tokens == UINT32_MAX)
        return (struct chain){ &session->id, 1,
                               kv_layout_stored(&cluster->setup->kv, session->history_tokens), 1 };
    if (cluster->setup->unit_keys)
        return trace_blocks(cluster, session);
    return session_blocks(cluster, session);
}

/* What the server's copy of the whole session lost since it was last told: other servers may have
 * had the turns in between. */
static void note_cut(struct cluster *cluster, struct session *session, struct chain *chain)
{
    struct seen *seen = &cluster->seen[session->seen + session->server];
    session->kv_cut = 0;
    if (cluster->setup->unit_tokens != UINT32_MAX)
        return;
    if (seen->generation != session->generation)
        session->kv_cut = CUT_ALL;
    else
        session->kv_cut = session->base_tokens - seen->base_tokens;
    if (session->kv_cut != CUT_ALL)
        chain->context_tokens += session->kv_cut;
    *seen = (struct seen){ session->base_tokens, session->generation };
}

static void start_turn(struct cluster *cluster, struct session *session)
{
    const struct trace_turn *turn = &cluster->turns[session->turns + session->turn];
    session->prompt_tokens = turn->prompt_tokens;
    session->reply_tokens = turn->reply_tokens;
    session->asked_ns = cluster->now_ns;
    session->started = false;
    cluster->turns_asked++;
    fit_into_window(cluster, session);
    cut_context(cluster, session);
    session->left_tokens = session->reply_tokens;
    session->prefill_tokens = session->history_tokens + session->prompt_tokens;
    session->ready_tokens = 0;
}

struct engine *turns_ask(struct cluster *cluster, uint32_t handle)
{
    struct session *session = &cluster->session[handle];
    start_turn(cluster, session);
    struct chain chain = chain_of(cluster, session);
    session->chain_keys = chain.count;
    session->server = router_pick(cluster, session, chain.keys, chain.count, chain.context_tokens);
    session->decode_server = session->server;
    note_cut(cluster, session, &chain);
    struct engine *engine = &cluster->engine[session->server];
    session->job = placement_queue(engine->core, cluster->now_ns, chain.keys, chain.count,
                                   chain.context_tokens, chain.capacity);
    if (cluster->setup->unit_tokens == UINT32_MAX)
        placement_set_base(engine->core, session->job, session->base_tokens, session->generation);
    memory_grow(&engine->note, &engine->note_capacity, (uint64_t)session->job + 1,
                sizeof *engine->note);
    engine->note[session->job] = (struct job_note){ .session = handle };
    engine->turns_here++;
    engine->turns_routed++;
    queue_push(engine, handle);
    collector_set_queue(&cluster->collector, cluster->now_ns, ++cluster->waiting);
    return engine;
}

void turns_extend_chain(struct engine *engine, uint32_t handle, uint32_t ready_tokens)
{
    struct cluster *cluster = engine->cluster;
    struct session *session = &cluster->session[handle];
    if (engine->setup->unit_tokens == UINT32_MAX || engine->setup->unit_keys)
        return;
    uint32_t units = units_of(cluster, ready_tokens);
    if (units <= session->chain_keys)
        return;
    build_keys(cluster, session, session->chain_keys, units);
    placement_extend(engine->core, session->job, cluster->scratch_keys,
                     units - session->chain_keys);
    session->chain_keys = units;
}

void turns_end(struct cluster *cluster, uint32_t handle)
{
    struct session *session = &cluster->session[handle];
    session->history_tokens += session->prompt_tokens + session->reply_tokens;
    session->turn++;
    uint64_t limit = cluster->setup->experiment->max_turns;
    bool more = session->turn < session->turn_count && (limit == 0 || cluster->turns_asked < limit);
    if (!more) {
        session_free(cluster, handle);
        return;
    }
    uint64_t think_ns = cluster->turns[session->turns + session->turn].think_ns;
    event_heap_push(&cluster->events, cluster->now_ns + think_ns, ENGINE_TURN, handle);
}

void turns_free(struct cluster *cluster)
{
    free(cluster->session);
    free(cluster->turns);
    free(cluster->keys);
    free(cluster->seen);
    free(cluster->scratch_keys);
    ranges_free(&cluster->turn_ranges);
    ranges_free(&cluster->key_ranges);
    ranges_free(&cluster->seen_ranges);
}
