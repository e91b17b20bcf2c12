/* traces/unroll.c - the turns of a closed loop as requests of an open one (write.h). */
#include "base/heap.h"
#include "base/memory.h"
#include "base/units.h"
#include "traces/block_keys.h"
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
    uint64_t history_tokens, compactions;
    uint8_t tenant;
};

/* going_on: sessions that have turns to come, by when the next is due, then by id; the handle is a
 * slot of turns[]. `ahead` is the session that was read and has not begun. */
struct unroll {
    struct trace *trace;
    struct trace_unrolling how;
    bool ended, has_ahead;
    struct trace_session ahead;
    struct heap going_on;
    struct turns *turns;
    uint32_t turns_capacity, *free_slot, free_capacity, free_count, slots;
    struct trace_turn given;
    struct block_keys keys;
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
    turns->tenant = session->tenant;
    turns->history_tokens = turns->compactions = 0;
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

/* Who owns what all sessions begin with: no session's id. */
#define SHARED_OWNER UINT64_MAX

/* Full blocks are in every later turn again; the partial last one is this turn's alone. */
static void make_keys(struct unroll *unroll, uint64_t id, const struct turns *turns,
                      uint64_t tokens)
{
    uint64_t owner = turns->compactions > 0 ? block_owner(id, turns->compactions) : id;
    uint64_t shared = unroll->how.shared_tokens < tokens ? unroll->how.shared_tokens : tokens;
    block_keys_begin(&unroll->keys);
    block_keys_add(&unroll->keys, SHARED_OWNER, shared);
    block_keys_add(&unroll->keys, owner, tokens - shared);
    block_keys_end(&unroll->keys, owner, turns->next);
}

/* The history and what is new; compacted first where it would be too long. */
static uint64_t prompt_of(const struct unroll *unroll, struct turns *turns, uint32_t new_tokens)
{
    enum { TOKENS_MOST = 1 << 30 };
    uint64_t most = unroll->how.context_tokens_most;
    most = most > 0 ? most : TOKENS_MOST;
    uint64_t prompt = turns->history_tokens + new_tokens;
    if (prompt > most && unroll->how.context_tokens_most > 0 && turns->history_tokens > 0) {
        prompt = (uint64_t)unroll->how.shared_tokens + unroll->how.compacted_tokens + new_tokens;
        turns->compactions++;
    }
    return prompt < most ? prompt : most;
}

static enum trace_step unroll_next(void *state, struct trace_session *session, struct error *err)
{
    struct unroll *unroll = state;
    if (read_ahead(unroll, err) != STATUS_OK)
        return TRACE_ERROR;
    if (unroll->going_on.count == 0)
        return TRACE_END;
    const struct heap_item now = heap_pop(&unroll->going_on);
    struct turns *turns = &unroll->turns[now.handle];
    struct trace_turn turn = turns->turn[turns->next++];
    uint64_t prompt = prompt_of(unroll, turns, turn.prompt_tokens);
    unroll->given =
        (struct trace_turn){ .prompt_tokens = (uint32_t)prompt, .reply_tokens = turn.reply_tokens };
    turns->history_tokens = prompt + turn.reply_tokens;
    if (turns->next < turns->count) {
        uint64_t replied_ns = time_later_ns(now.first, turn.reply_tokens * unroll->how.token_ns);
        uint64_t due_ns = time_later_ns(replied_ns, turns->turn[turns->next].think_ns);
        heap_push(&unroll->going_on, (struct heap_item){ due_ns, now.then, now.handle });
    }
    make_keys(unroll, now.then, turns, prompt);
    *session = (struct trace_session){ .arrival_ns = now.first,
                                       .turn_count = 1,
                                       .turns = &unroll->given,
                                       .block_keys = unroll->keys.key,
                                       .block_count = unroll->keys.count,
                                       .tenant = turns->tenant };
    if (turns->next == turns->count)
        give_slot_back(unroll, now.handle);
    return TRACE_ITEM;
}

static struct trace_facts unroll_facts(const void *state)
{
    const struct unroll *unroll = state;
    struct trace_facts facts = trace_facts(unroll->trace);
    facts.open_loop = true;
    facts.block_tokens = unroll->how.block_tokens;
    return facts;
}

static uint64_t unroll_hash(const void *state)
{
    const struct unroll *unroll = state;
    const struct trace_unrolling *how = &unroll->how;
    const uint64_t parts[] = {
        trace_hash(unroll->trace), how->block_tokens,        how->token_ns,
        how->shared_tokens,        how->context_tokens_most, how->compacted_tokens
    };
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
    block_keys_free(&unroll->keys);
    trace_close(unroll->trace);
    free(unroll);
}

static const struct source unroll_source = { .next = unroll_next,
                                             .facts = unroll_facts,
                                             .hash = unroll_hash,
                                             .progress = unroll_progress,
                                             .close = unroll_close };

struct trace *trace_unroll(struct trace *trace, const struct trace_unrolling *how)
{
    assert(how->block_tokens > 0 && !trace_facts(trace).open_loop);
    struct unroll *unroll = memory_new(1, sizeof *unroll);
    unroll->trace = trace;
    unroll->how = *how;
    unroll->keys.block_tokens = how->block_tokens;
    return trace_of(&unroll_source, unroll);
}
