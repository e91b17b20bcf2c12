/* traces/unroll.c - the turns of a closed loop as requests of an open one (write.h). */
#include "base/heap.h"
#include "base/memory.h"
#include "traces/source.h"
#include "traces/write.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Those of a session; the arrays serve one after the other. */
struct turns {
    struct trace_turn *turn;
    uint32_t capacity, count, next;
    uint64_t history_tokens;
};

/* going_on: sessions that have turns to come, by when the next is due, then by id; the handle is a
 * slot of turns[]. `ahead` is the session that was read and has not begun. */
struct unroll {
    struct trace *trace;
    uint32_t block_tokens;
    uint64_t token_ns;
    bool ended, has_ahead;
    struct trace_session ahead;
    struct heap going_on;
    struct turns *turns;
    uint32_t turns_capacity, *free_slot, free_capacity, free_count, slots;
    struct trace_turn given;
    uint64_t *keys;
    uint32_t keys_capacity;
};

static uint32_t take_slot(struct unroll *unroll)
{
    if (unroll->free_count > 0)
        return unroll->free_slot[--unroll->free_count];
    memory_grow(&unroll->turns, &unroll->turns_capacity, (uint64_t)unroll->slots + 1,
                sizeof *unroll->turns);
    return unroll->slots++;
}

static void give_slot_back(struct unroll *unroll, uint32_t slot)
{
    memory_grow(&unroll->free_slot, &unroll->free_capacity, (uint64_t)unroll->free_count + 1,
                sizeof *unroll->free_slot);
    unroll->free_slot[unroll->free_count++] = slot;
}

static void begin_session(struct unroll *unroll)
{
    const struct trace_session *session = &unroll->ahead;
    uint32_t slot = take_slot(unroll);
    struct turns *turns = &unroll->turns[slot];
    memory_grow(&turns->turn, &turns->capacity, session->turn_count, sizeof *turns->turn);
    memcpy(turns->turn, session->turns, session->turn_count * sizeof *turns->turn);
    turns->count = session->turn_count;
    turns->next = 0;
    turns->history_tokens = 0;
    heap_push(&unroll->going_on, (struct heap_item){ session->arrival_ns, session->id, slot });
    unroll->has_ahead = false;
}

/* Begins all sessions that come before the next turn. */
static enum status read_ahead(struct unroll *unroll, struct error *err)
{
    while (true) {
        if (!unroll->has_ahead && !unroll->ended) {
            enum trace_step step = trace_next(unroll->trace, &unroll->ahead, err);
            if (step == TRACE_ERROR)
                return err->status;
            unroll->has_ahead = step == TRACE_ITEM;
            unroll->ended = step == TRACE_END;
        }
        if (!unroll->has_ahead || (unroll->going_on.count > 0 &&
                                   unroll->ahead.arrival_ns > unroll->going_on.item[0].first))
            return STATUS_OK;
        begin_session(unroll);
    }
}

/* 63 bits, as JSON's whole numbers. turn 0: a block that every later turn has too. */
static uint64_t key_of(uint64_t session, uint64_t block, uint64_t turn)
{
    const uint64_t parts[] = { session, block, turn };
    return XXH64(parts, sizeof parts, 0) >> 1;
}

static uint32_t make_keys(struct unroll *unroll, uint64_t session, uint64_t turn, uint64_t tokens)
{
    uint64_t full = tokens / unroll->block_tokens,
             count = full + (tokens % unroll->block_tokens > 0);
    memory_grow(&unroll->keys, &unroll->keys_capacity, count, sizeof *unroll->keys);
    for (uint64_t i = 0; i < full; i++)
        unroll->keys[i] = key_of(session, i, 0);
    if (count > full)
        unroll->keys[full] = key_of(session, full, turn);
    return (uint32_t)count;
}

static enum trace_step unroll_next(void *state, struct trace_session *session, struct error *err)
{
    enum { TOKENS_MOST = 1 << 30 };
    struct unroll *unroll = state;
    if (read_ahead(unroll, err) != STATUS_OK)
        return TRACE_ERROR;
    if (unroll->going_on.count == 0)
        return TRACE_END;
    const struct heap_item now = heap_pop(&unroll->going_on);
    const uint64_t due_ns = now.first, id = now.then;
    struct turns *turns = &unroll->turns[now.handle];
    struct trace_turn turn = turns->turn[turns->next++];
    uint64_t prompt = turns->history_tokens + turn.prompt_tokens;
    prompt = prompt < TOKENS_MOST ? prompt : TOKENS_MOST;
    unroll->given =
        (struct trace_turn){ .prompt_tokens = (uint32_t)prompt, .reply_tokens = turn.reply_tokens };
    turns->history_tokens = prompt + turn.reply_tokens;
    if (turns->next < turns->count)
        heap_push(&unroll->going_on,
                  (struct heap_item){ due_ns + turn.reply_tokens * unroll->token_ns +
                                          turns->turn[turns->next].think_ns,
                                      id, now.handle });
    *session = (struct trace_session){ .arrival_ns = due_ns,
                                       .turn_count = 1,
                                       .turns = &unroll->given,
                                       .block_count = make_keys(unroll, id, turns->next, prompt) };
    session->block_keys = unroll->keys;
    if (turns->next == turns->count)
        give_slot_back(unroll, now.handle);
    return TRACE_ITEM;
}

static struct trace_facts unroll_facts(const void *state)
{
    const struct unroll *unroll = state;
    struct trace_facts facts = trace_facts(unroll->trace);
    facts.open_loop = true;
    facts.block_tokens = unroll->block_tokens;
    return facts;
}

static uint64_t unroll_hash(const void *state)
{
    const struct unroll *unroll = state;
    const uint64_t parts[] = { trace_hash(unroll->trace), unroll->block_tokens, unroll->token_ns };
    return XXH64(parts, sizeof parts, 0);
}

static double unroll_progress(const void *state)
{
    return trace_progress(((const struct unroll *)state)->trace);
}

static void unroll_close(void *state)
{
    struct unroll *unroll = state;
    for (uint32_t i = 0; i < unroll->slots; i++)
        free(unroll->turns[i].turn);
    free(unroll->turns);
    free(unroll->free_slot);
    heap_free(&unroll->going_on);
    free(unroll->keys);
    trace_close(unroll->trace);
    free(unroll);
}

static const struct source unroll_source = { .next = unroll_next,
                                             .facts = unroll_facts,
                                             .hash = unroll_hash,
                                             .progress = unroll_progress,
                                             .close = unroll_close };

struct trace *trace_unroll(struct trace *trace, uint32_t block_tokens, uint64_t token_ns)
{
    assert(block_tokens > 0 && !trace_facts(trace).open_loop);
    struct unroll *unroll = memory_new(1, sizeof *unroll);
    unroll->trace = trace;
    unroll->block_tokens = block_tokens;
    unroll->token_ns = token_ns;
    return trace_of(&unroll_source, unroll);
}
