/* sim/replay/requests.c - see requests.h. */
#include "sim/replay/requests.h"

#include "base/event_heap.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Of a key: the session above, the block's place below. */
enum { PLACE_BITS = 32 };

/* A session that has begun. Entries are used again, chained by `turn`. */
struct begun {
    uint64_t id, context_tokens;
    struct trace_turn *turns;
    uint32_t turns_capacity, turn_count, turn;
};

struct requests {
    struct trace *trace;
    uint32_t block_tokens;
    bool has_keys;
    struct trace_session ahead; /* the first that has not begun */
    bool has_ahead, ended;
    struct begun *begun; /* [0] is never used */
    uint32_t begun_count, begun_capacity, free_begun;
    struct event_heap turns; /* handle: begun[] */
    uint64_t *keys;
    uint32_t keys_capacity;
};

enum status requests_new(struct trace *trace, uint32_t block_tokens, struct requests **requests,
                         struct error *err)
{
    struct trace_facts facts = trace_facts(trace);
    if (facts.open_loop && facts.block_tokens == 0)
        return error_input(err, NULL, 0, "trace", "block keys, or sessions of several turns",
                           facts.format);
    struct requests *made = memory_new(1, sizeof *made);
    made->trace = trace;
    made->has_keys = facts.block_tokens > 0;
    made->block_tokens = made->has_keys ? facts.block_tokens : block_tokens;
    memory_grow(&made->begun, &made->begun_capacity, 1, sizeof *made->begun);
    event_heap_init(&made->turns);
    *requests = made;
    return STATUS_OK;
}

void requests_free(struct requests *requests)
{
    if (requests == NULL)
        return;
    for (uint32_t i = 0; i < requests->begun_capacity; i++)
        free(requests->begun[i].turns);
    free(requests->begun);
    free(requests->keys);
    event_heap_free(&requests->turns);
    free(requests);
}

uint32_t requests_block_tokens(const struct requests *requests)
{
    return requests->block_tokens;
}

static void begin(struct requests *requests, const struct trace_session *session)
{
    uint32_t handle = requests->free_begun;
    if (handle != 0) {
        requests->free_begun = requests->begun[handle].turn;
    } else {
        handle = ++requests->begun_count;
        memory_grow(&requests->begun, &requests->begun_capacity, (uint64_t)handle + 1,
                    sizeof *requests->begun);
    }
    struct begun *begun = &requests->begun[handle];
    memory_grow(&begun->turns, &begun->turns_capacity, session->turn_count, sizeof *begun->turns);
    memcpy(begun->turns, session->turns, session->turn_count * sizeof *begun->turns);
    begun->id = session->id;
    begun->context_tokens = 0;
    begun->turn_count = session->turn_count;
    begun->turn = 0;
    event_heap_push(&requests->turns, session->arrival_ns, 0, handle);
}

/* Begins the sessions that arrive before the next turn. */
static enum trace_step begin_due(struct requests *requests, struct error *err)
{
    while (!requests->ended) {
        if (!requests->has_ahead) {
            enum trace_step step = trace_next(requests->trace, &requests->ahead, err);
            if (step == TRACE_ERROR)
                return step;
            requests->ended = step == TRACE_END;
            requests->has_ahead = step == TRACE_ITEM;
            continue;
        }
        if (event_heap_next_ns(&requests->turns) <= requests->ahead.arrival_ns)
            break;
        begin(requests, &requests->ahead);
        requests->has_ahead = false;
    }
    return requests->turns.count > 0 ? TRACE_ITEM : TRACE_END;
}

static void ask_for(struct requests *requests, const struct begun *begun, struct asked *asked)
{
    uint32_t count = (uint32_t)(begun->context_tokens / requests->block_tokens);
    memory_grow(&requests->keys, &requests->keys_capacity, count, sizeof *requests->keys);
    for (uint32_t i = 0; i < count; i++)
        requests->keys[i] = begun->id << PLACE_BITS | i;
    asked->keys = requests->keys;
    asked->count = count;
}

static enum trace_step next_turn(struct requests *requests, struct asked *asked, struct error *err)
{
    enum trace_step step = begin_due(requests, err);
    if (step != TRACE_ITEM)
        return step;
    struct event event = event_heap_pop(&requests->turns);
    struct begun *begun = &requests->begun[event.handle];
    const struct trace_turn *turn = &begun->turns[begun->turn];
    uint64_t prompt = begun->context_tokens + turn->prompt_tokens;
    begun->context_tokens = prompt + turn->reply_tokens;
    if (begun->context_tokens > UINT32_MAX) {
        char found[64];
        snprintf(found, sizeof found, "%" PRIu64 " in session %" PRIu64, begun->context_tokens,
                 begun->id);
        error_input(err, NULL, 0, "trace", "contexts of at most 4,294,967,295 tokens", found);
        return TRACE_ERROR;
    }
    asked->prompt_tokens = (uint32_t)prompt;
    asked->measured_hits = asked->measured_hits_below = 0;
    asked->session = begun->id;
    asked->turn = begun->turn + 1;
    asked->asked_ns = event.time_ns;
    ask_for(requests, begun, asked);
    if (++begun->turn < begun->turn_count) {
        event_heap_push(&requests->turns, event.time_ns + begun->turns[begun->turn].think_ns, 0,
                        event.handle);
    } else {
        begun->turn = requests->free_begun;
        requests->free_begun = event.handle;
    }
    return TRACE_ITEM;
}

enum trace_step requests_next(struct requests *requests, struct asked *asked, struct error *err)
{
    struct trace_session session;
    if (!requests->has_keys)
        return next_turn(requests, asked, err);
    enum trace_step step = trace_next(requests->trace, &session, err);
    if (step == TRACE_ITEM)
        *asked = (struct asked){ .keys = session.block_keys,
                                 .count = session.block_count,
                                 .prompt_tokens = session.turns[0].prompt_tokens,
                                 .measured_hits = session.measured_hits,
                                 .measured_hits_below = session.measured_hits_below,
                                 .session = session.id,
                                 .turn = 1,
                                 .asked_ns = session.arrival_ns };
    return step;
}
