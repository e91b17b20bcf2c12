/* sim/engine/sessions.c - see sessions.h. */
#include "sim/engine/sessions.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/units.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void sessions_init(struct sessions *sessions, const struct engine_setup *setup, struct trace *trace)
{
    *sessions = (struct sessions){ .setup = setup, .trace = trace, .high_water = 1 };
    ranges_init(&sessions->turn_ranges);
    ranges_init(&sessions->key_ranges);
    ranges_init(&sessions->seen_ranges);
}

void sessions_free(struct sessions *sessions)
{
    free(sessions->item);
    free(sessions->turns);
    free(sessions->keys);
    free(sessions->seen);
    free(sessions->scratch_keys);
    ranges_free(&sessions->turn_ranges);
    ranges_free(&sessions->key_ranges);
    ranges_free(&sessions->seen_ranges);
}

/* ---- coming and going ---- */

static uint32_t session_new(struct sessions *sessions)
{
    uint32_t handle = sessions->free_item;
    if (handle != 0) {
        sessions->free_item = sessions->item[handle].next;
    } else {
        handle = sessions->high_water++;
        memory_grow(&sessions->item, &sessions->capacity, (uint64_t)handle + 1,
                    sizeof *sessions->item);
    }
    memset(&sessions->item[handle], 0, sizeof sessions->item[handle]);
    sessions->in_flight++;
    return handle;
}

static void session_free(struct sessions *sessions, uint32_t handle)
{
    struct session *session = &sessions->item[handle];
    if (sessions->is_part) {
        memory_grow(&sessions->left, &sessions->left_capacity, (uint64_t)sessions->left_count + 1,
                    sizeof *sessions->left);
        sessions->left[sessions->left_count++] = handle;
        return;
    }
    ranges_return(&sessions->turn_ranges, session->turns, session->turn_count);
    if (session->key_count > 0)
        ranges_return(&sessions->key_ranges, session->keys, session->key_count);
    if (session->seen_count > 0)
        ranges_return(&sessions->seen_ranges, session->seen, session->seen_count);
    session->next = sessions->free_item;
    sessions->free_item = handle;
    sessions->in_flight--;
}

/* ---- parts ---- */

void sessions_part_init(struct sessions *part, const struct sessions *whole)
{
    *part = *whole;
    part->is_part = true;
    part->turns_told = whole->turns_asked;
    part->scratch_keys = NULL;
    part->left = NULL;
    part->scratch_capacity = part->left_count = part->left_capacity = 0;
}

void sessions_part_free(struct sessions *part)
{
    free(part->scratch_keys);
    free(part->left);
}

void sessions_part_follow(struct sessions *part, const struct sessions *whole)
{
    part->item = whole->item;
    part->turns = whole->turns;
    part->keys = whole->keys;
    part->seen = whole->seen;
    if (part->terms.known != whole->terms.known)
        part->terms = whole->terms;
}

void sessions_part_leave(struct sessions *part, struct sessions *whole)
{
    for (uint32_t i = 0; i < part->left_count; i++)
        session_free(whole, part->left[i]);
    part->left_count = 0;
    whole->turns_asked += part->turns_asked - part->turns_told;
    part->turns_told = part->turns_asked;
}

/* ---- coming ---- */

/* The trace's arrays hold until its next call only: the session takes copies. */
static void copy_session(struct sessions *sessions, struct session *session,
                         const struct trace_session *item)
{
    session->id = item->id;
    session->tenant = item->tenant;
    session->turn_count = item->turn_count;
    session->turns = ranges_take(&sessions->turn_ranges, item->turn_count);
    memory_grow(&sessions->turns, &sessions->turns_capacity, sessions->turn_ranges.high_water,
                sizeof *sessions->turns);
    memcpy(&sessions->turns[session->turns], item->turns, item->turn_count * sizeof *item->turns);
    session->key_count = item->block_count;
    if (item->block_count == 0)
        return;
    session->keys = ranges_take(&sessions->key_ranges, item->block_count);
    memory_grow(&sessions->keys, &sessions->keys_capacity, sessions->key_ranges.high_water,
                sizeof *sessions->keys);
    memcpy(&sessions->keys[session->keys], item->block_keys,
           item->block_count * sizeof *item->block_keys);
}

/* A share of the sessions, always the same ones, whatever else is drawn. */
static bool draw_urgent(const struct sessions *sessions, uint64_t id)
{
    struct random random = random_from(id, UINT64_C(0x757267656e74));
    return random_uniform(&random) < sessions->setup->experiment->urgent_share;
}

/* By its tenant's priority where the experiment gives them some, else by being urgent. */
static void set_rank(struct sessions *sessions, struct session *session)
{
    const struct placement_terms *terms = tenant_terms_of(
        &sessions->terms, &sessions->setup->tenants, sessions->trace, session->tenant);
    if (!tenant_lists_have_priorities(&sessions->setup->tenants)) {
        session->urgent = draw_urgent(sessions, session->id);
        session->rank = session->urgent;
        return;
    }
    session->rank = terms->priority != PLACEMENT_NO_PRIORITY ? (uint8_t)terms->priority
                                                             : (uint8_t)TENANT_PRIORITY;
    session->urgent = session->rank > TENANT_PRIORITY;
}

static bool enough_asked(const struct sessions *sessions)
{
    uint64_t limit = sessions->setup->experiment->max_turns;
    return limit > 0 && sessions->turns_asked >= limit;
}

static uint32_t concurrency_of(const struct sessions *sessions)
{
    return sessions->setup->experiment->workload.concurrency;
}

static bool may_read(struct sessions *sessions)
{
    uint32_t most = concurrency_of(sessions);
    sessions->ended = sessions->ended || enough_asked(sessions);
    return !sessions->ended && (most > 0 ? sessions->in_flight < most : !sessions->ahead);
}

/* On the way to a server: the API, and tokenising all of the context. */
static uint64_t request_ns(const struct sessions *sessions, const struct session *session)
{
    const struct experiment *experiment = sessions->setup->experiment;
    uint64_t prompt = sessions->turns[session->turns + session->turn].prompt_tokens;
    double tokens = (double)(session->history_tokens + prompt);
    return experiment->request_cpu_ns +
           (uint64_t)((double)experiment->request_cpu_ki_ns * tokens / 1024.0);
}

/* At fixed concurrency a session begins when the client has all of another one's reply. */
static uint64_t asks_at_ns(const struct sessions *sessions, const struct trace_session *item,
                           uint64_t now_ns)
{
    if (concurrency_of(sessions) == 0)
        return item->arrival_ns;
    return now_ns > 0 ? now_ns + sessions->setup->experiment->reply_cpu_ns : 0;
}

/* Requests are passed on in their order: none overtakes one that takes longer to tokenise. */
static uint64_t reaches_at_ns(struct sessions *sessions, struct session *session, uint64_t asked_ns,
                              uint64_t now_ns)
{
    uint64_t reaches_ns = time_later_ns(asked_ns, request_ns(sessions, session));
    if (reaches_ns < now_ns)
        reaches_ns = now_ns;
    session->request_ns = reaches_ns - asked_ns;
    return reaches_ns;
}

enum status sessions_read(struct sessions *sessions, uint64_t now_ns, uint32_t *handle,
                          uint64_t *arrival_ns, struct error *err)
{
    struct trace_session item;
    *handle = 0;
    if (!may_read(sessions))
        return STATUS_OK;
    enum trace_step step = trace_next(sessions->trace, &item, err);
    if (step == TRACE_ERROR)
        return err->status;
    sessions->ended = step == TRACE_END;
    if (sessions->ended)
        return STATUS_OK;
    *handle = session_new(sessions);
    copy_session(sessions, &sessions->item[*handle], &item);
    *arrival_ns = reaches_at_ns(sessions, &sessions->item[*handle],
                                asks_at_ns(sessions, &item, now_ns), now_ns);
    set_rank(sessions, &sessions->item[*handle]);
    sessions->ahead = true;
    return STATUS_OK;
}

/* ---- fitting a turn into the window ---- */

/* Cuts the context's oldest half-windows until history, prompt and reply fit; if there is no
 * history to cut, prompt and reply are cut themselves. The reply's length is the trace's: the
 * engine of a trace knows it, a real one would find out by overflowing (docs/model.md). */
static void fit_into_window(const struct sessions *sessions, struct session *session)
{
    uint32_t window = sessions->setup->window_tokens;
    uint32_t reply = session->reply_tokens, prompt = session->prompt_tokens;
    if (reply > window / 2)
        reply = window / 2;
    if (prompt > window - reply)
        prompt = window - reply;
    session->clamped = reply != session->reply_tokens || prompt != session->prompt_tokens;
    session->reply_tokens = reply;
    session->prompt_tokens = prompt;
    uint32_t half = window / 2, cut = 0, history = session->history_tokens;
    /* Blocks are cut whole, so that those that stay keep their keys. */
    if (sessions->setup->unit_tokens != UINT32_MAX)
        half += (sessions->setup->unit_tokens - half % sessions->setup->unit_tokens) %
                sessions->setup->unit_tokens;
    while (history - cut + prompt + reply > window)
        cut += half < history - cut ? half : history - cut;
    session->cut_tokens = cut;
}

/* Every block of every session has its own key: 36 bits of session, 8 of generation, 20 of place.
 */
static uint64_t block_key(const struct session *session, uint64_t place)
{
    assert(session->id < UINT64_C(1) << 36 && place < UINT64_C(1) << 20);
    return session->id << 28 | (uint64_t)(session->generation & 0xff) << 20 | place;
}

static void build_keys(struct sessions *sessions, const struct session *session, uint32_t from,
                       uint32_t to)
{
    uint32_t block = sessions->setup->unit_tokens;
    memory_grow(&sessions->scratch_keys, &sessions->scratch_capacity, (uint64_t)to - from + 1,
                sizeof *sessions->scratch_keys);
    for (uint32_t i = from; i < to; i++)
        sessions->scratch_keys[i - from] =
            block_key(session, (uint64_t)session->base_tokens / block + i);
}

/* A state cannot be taken back to before what was cut off: it is as if all KV were invalidated. */
static bool invalidates(const struct engine_setup *setup)
{
    return setup->experiment->overflow == OVERFLOW_INVALIDATE || setup->model.state_layers > 0;
}

/* What overflowed is cut off the context. Blocks are cut by their keys, and what a core holds under
 * the old ones only ages; copies of whole sessions are cut by kv_cut when the turn is prepared. */
static void cut_context(const struct sessions *sessions, struct session *session)
{
    session->history_tokens -= session->cut_tokens;
    session->cut_total_tokens += session->cut_tokens;
    if (session->cut_tokens == 0)
        return;
    if (invalidates(sessions->setup)) {
        session->generation++;
        session->base_tokens = 0;
    } else {
        session->base_tokens += session->cut_tokens;
    }
    /* A context that lost all of its history begins a new block. */
    uint32_t block = sessions->setup->unit_tokens;
    if (block != UINT32_MAX)
        session->base_tokens = (session->base_tokens + block - 1) / block * block;
}

/* ---- the chain that names a turn's KV ---- */

/* How many units `tokens` tokens make: full ones, and a partial one where they can be shared. */
static uint32_t units_of(const struct sessions *sessions, uint32_t tokens)
{
    uint32_t block = sessions->setup->unit_tokens;
    /* A state is kept at the end of full blocks. */
    bool partial = sessions->setup->experiment->partial_blocks && tokens % block > 0 &&
                   sessions->setup->model.state_layers == 0;
    return tokens / block + (partial ? 1 : 0);
}

static uint32_t covered_by(const struct sessions *sessions, uint32_t units, uint32_t tokens)
{
    uint64_t full = (uint64_t)units * sessions->setup->unit_tokens;
    return full < tokens ? (uint32_t)full : tokens;
}

static struct chain session_blocks(struct sessions *sessions, struct session *session)
{
    uint32_t history = session->history_tokens, count = units_of(sessions, history);
    uint32_t total = history + session->prompt_tokens + session->reply_tokens;
    build_keys(sessions, session, 0, count);
    return (struct chain){ sessions->scratch_keys, count, covered_by(sessions, count, history),
                           total / sessions->setup->unit_tokens + 1 };
}

/* The trace's last key may name a partial block: without sharing of those it is not in the chain.
 */
static struct chain trace_blocks(const struct sessions *sessions, struct session *session)
{
    uint32_t count = units_of(sessions, session->prompt_tokens); /* fewer keys if it was clamped */
    return (struct chain){ &sessions->keys[session->keys], count,
                           covered_by(sessions, count, session->prompt_tokens),
                           count > 0 ? count : 1 };
}

static struct chain chain_of(struct sessions *sessions, struct session *session)
{
    if (sessions->setup->unit_tokens == UINT32_MAX)
        return (struct chain){ &session->id, 1,
                               kv_layout_stored(&sessions->setup->kv, session->history_tokens), 1 };
    if (sessions->setup->unit_keys)
        return trace_blocks(sessions, session);
    return session_blocks(sessions, session);
}

/* ---- what servers know of its cuts ---- */

/* Room for one more of the session's. */
static void grow_seen(struct sessions *sessions, struct session *session)
{
    uint32_t count = session->seen_count, old = session->seen;
    if (count > 0 && count < ranges_size(count))
        return;
    session->seen = ranges_take(&sessions->seen_ranges, count + 1);
    memory_grow(&sessions->seen, &sessions->seen_capacity, sessions->seen_ranges.high_water,
                sizeof *sessions->seen);
    if (count == 0)
        return;
    memcpy(&sessions->seen[session->seen], &sessions->seen[old], count * sizeof *sessions->seen);
    ranges_return(&sessions->seen_ranges, old, count);
}

/* What the session's server knows; a server that never had a turn of it knows of no cut. */
static struct seen *seen_of(struct sessions *sessions, struct session *session)
{
    uint32_t low = 0, high = session->seen_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sessions->seen[session->seen + middle].server < session->server)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == session->seen_count ||
        sessions->seen[session->seen + low].server != session->server) {
        grow_seen(sessions, session);
        struct seen *at = &sessions->seen[session->seen + low];
        memmove(at + 1, at, (session->seen_count - low) * sizeof *at);
        *at = (struct seen){ .server = session->server };
        session->seen_count++;
    }
    return &sessions->seen[session->seen + low];
}

void sessions_note_cut(struct sessions *sessions, uint32_t handle, struct chain *chain)
{
    struct session *session = &sessions->item[handle];
    struct seen *seen = seen_of(sessions, session);
    session->kv_cut = 0;
    if (sessions->setup->unit_tokens != UINT32_MAX)
        return;
    if (seen->generation != session->generation)
        session->kv_cut = CUT_ALL;
    else
        session->kv_cut = session->base_tokens - seen->base_tokens;
    if (session->kv_cut != CUT_ALL)
        chain->context_tokens += session->kv_cut;
    seen->base_tokens = session->base_tokens;
    seen->generation = session->generation;
}

/* ---- what is offered ---- */

/* What the session will ask in all, each turn fitted into the window as when it is asked. */
static uint64_t all_tokens(const struct sessions *sessions, const struct session *session)
{
    struct session ahead = { .history_tokens = 0 };
    uint64_t tokens = 0;
    for (uint32_t i = 0; i < session->turn_count; i++) {
        const struct trace_turn *turn = &sessions->turns[session->turns + i];
        ahead.prompt_tokens = turn->prompt_tokens;
        ahead.reply_tokens = turn->reply_tokens;
        fit_into_window(sessions, &ahead);
        ahead.history_tokens -= ahead.cut_tokens;
        tokens += session_total(&ahead);
        ahead.history_tokens += ahead.prompt_tokens + ahead.reply_tokens;
    }
    return tokens;
}

/* When its turns would be asked, were replies instant. */
static void note_turns(const struct sessions *sessions, const struct session *session,
                       struct offered *offered)
{
    uint64_t asked_ns = session->asked_ns;
    for (uint32_t i = 0; i < session->turn_count; i++) {
        asked_ns = time_later_ns(asked_ns, sessions->turns[session->turns + i].think_ns);
        offered->later_ns += (double)(asked_ns - session->asked_ns);
    }
    offered->turns += session->turn_count;
    if (asked_ns > offered->last_turn_ns)
        offered->last_turn_ns = asked_ns;
}

/* The session arrives: its first turn is asked. */
static void note_offered(struct sessions *sessions, const struct session *session)
{
    struct offered *offered = &sessions->offered;
    note_turns(sessions, session, offered);
    offered->to_ns = session->asked_ns > offered->to_ns ? session->asked_ns : offered->to_ns;
    if (!sessions->arrived) {
        sessions->arrived = true;
        offered->from_ns = session->asked_ns;
        return;
    }
    offered->sessions++;
    offered->tokens += all_tokens(sessions, session);
}

void sessions_arrive(struct sessions *whole, uint32_t handle, uint64_t now_ns, uint32_t server)
{
    struct session *session = &whole->item[handle];
    whole->ahead = false;
    session->asked_ns = now_ns - session->request_ns;
    note_offered(whole, session);
    session->server = server;
    seen_of(whole, session);
}

void sessions_set_offered(const struct sessions *sessions, struct metrics *metrics)
{
    const struct offered *offered = &sessions->offered;
    uint64_t arriving_ns = offered->to_ns - offered->from_ns;
    uint64_t asking_ns = offered->last_turn_ns - offered->from_ns;
    double later_ns = offered->turns > 0 ? offered->later_ns / (double)offered->turns : 0.0;
    /* At a fixed concurrency, or all at once, it is what is served that makes the load. */
    if (concurrency_of(sessions) > 0 || arriving_ns == 0)
        return;
    /* Sessions that come in a short while and then go on for long are no steady stream. */
    metrics->offered_ns = (double)(later_ns > (double)arriving_ns ? asking_ns : arriving_ns);
    metrics->offered_tokens = (double)offered->tokens;
    metrics->offered_sessions = (double)offered->sessions;
}

/* ---- a turn's life ---- */

bool sessions_ask(struct sessions *sessions, uint32_t handle, uint64_t now_ns, struct chain *chain)
{
    struct session *session = &sessions->item[handle];
    if (session->turn == 0)
        sessions->ahead = false;  /* at fixed concurrency nobody asks */
    if (enough_asked(sessions)) { /* by others, while its user was thinking */
        session_free(sessions, handle);
        return false;
    }
    const struct trace_turn *turn = &sessions->turns[session->turns + session->turn];
    session->prompt_tokens = turn->prompt_tokens;
    session->reply_tokens = turn->reply_tokens;
    session->asked_ns = now_ns - session->request_ns;
    session->started = false;
    session->asked = ++sessions->turns_asked;
    if (session->turn == 0 && !sessions->is_part)
        note_offered(sessions, session);
    fit_into_window(sessions, session);
    cut_context(sessions, session);
    session->left_tokens = session->reply_tokens;
    session->prefill_tokens = session_context(session);
    session->ready_tokens = 0;
    *chain = chain_of(sessions, session);
    session->chain_keys = chain->count;
    session->asked_chain_tokens = chain->context_tokens;
    return true;
}

struct chain sessions_extend(struct sessions *sessions, uint32_t handle, uint32_t ready_tokens)
{
    struct session *session = &sessions->item[handle];
    struct chain none = { 0 };
    if (sessions->setup->unit_tokens == UINT32_MAX || sessions->setup->unit_keys)
        return none;
    uint32_t units = units_of(sessions, ready_tokens), from = session->chain_keys;
    if (units <= from)
        return none;
    build_keys(sessions, session, from, units);
    session->chain_keys = units;
    return (struct chain){ .keys = sessions->scratch_keys, .count = units - from };
}

bool sessions_end_turn(struct sessions *sessions, uint32_t handle, uint64_t *wait_ns)
{
    struct session *session = &sessions->item[handle];
    session->history_tokens += session->prompt_tokens + session->reply_tokens;
    session->asked = 0;
    session->turn++;
    if (session->turn == session->turn_count || enough_asked(sessions)) {
        session_free(sessions, handle);
        return false;
    }
    uint64_t think_ns = sessions->turns[session->turns + session->turn].think_ns;
    session->request_ns = request_ns(sessions, session);
    *wait_ns =
        time_later_ns(think_ns, session->request_ns + sessions->setup->experiment->reply_cpu_ns);
    return true;
}
