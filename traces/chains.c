/* traces/chains.c - see chains.h. */
#include "traces/chains.h"

#include "base/memory.h"

#include <stdlib.h>

struct chain {
    uint64_t start_ns, end_ns, lane, context_tokens;
    uint32_t prompt_tokens; /* of its last call */
    struct trace_turn *turns;
    uint32_t turn_count, turns_capacity;
};

/* chain[count..made) keep their turns arrays for the next agent. */
struct chains {
    struct chain *chain;
    uint32_t count, made, capacity;
};

struct chains *chains_new(void)
{
    return memory_new(1, sizeof(struct chains));
}

void chains_free(struct chains *chains)
{
    for (uint32_t i = 0; i < chains->made; i++)
        free(chains->chain[i].turns);
    free(chains->chain);
    free(chains);
}

static struct chain *find_extended(struct chains *chains, const struct chains_call *call)
{
    struct chain *best = NULL;
    for (uint32_t i = 0; i < chains->count; i++) {
        struct chain *chain = &chains->chain[i];
        if (chain->lane == call->lane && chain->end_ns <= call->start_ns &&
            chain->prompt_tokens <= call->prompt_tokens &&
            (best == NULL || chain->prompt_tokens >= best->prompt_tokens))
            best = chain;
    }
    return best;
}

static struct chain *new_chain(struct chains *chains, const struct chains_call *call)
{
    if (chains->count == chains->made) {
        memory_grow(&chains->chain, &chains->capacity, (uint64_t)chains->made + 1,
                    sizeof *chains->chain);
        chains->chain[chains->made++] = (struct chain){ 0 };
    }
    struct chain *chain = &chains->chain[chains->count++];
    chain->start_ns = chain->end_ns = call->start_ns;
    chain->lane = call->lane;
    chain->context_tokens = 0;
    chain->turn_count = 0;
    return chain;
}

void chains_add(struct chains *chains, const struct chains_call *call)
{
    struct chain *chain = find_extended(chains, call);
    if (chain == NULL)
        chain = new_chain(chains, call);
    uint32_t new_tokens = call->prompt_tokens > chain->context_tokens
                              ? (uint32_t)(call->prompt_tokens - chain->context_tokens)
                              : 1;
    memory_grow(&chain->turns, &chain->turns_capacity, (uint64_t)chain->turn_count + 1,
                sizeof *chain->turns);
    chain->turns[chain->turn_count++] =
        (struct trace_turn){ .think_ns = call->start_ns - chain->end_ns,
                             .prompt_tokens = new_tokens,
                             .reply_tokens = call->reply_tokens };
    chain->end_ns = call->end_ns > call->start_ns ? call->end_ns : call->start_ns;
    chain->prompt_tokens = call->prompt_tokens;
    chain->context_tokens += (uint64_t)new_tokens + call->reply_tokens;
}

/* A total order: what is equal in all of it is the same call. */
static int by_start(const void *a, const void *b)
{
    const struct chains_call *x = a, *y = b;
    if (x->start_ns != y->start_ns)
        return x->start_ns < y->start_ns ? -1 : 1;
    if (x->end_ns != y->end_ns)
        return x->end_ns < y->end_ns ? -1 : 1;
    if (x->prompt_tokens != y->prompt_tokens)
        return x->prompt_tokens < y->prompt_tokens ? -1 : 1;
    if (x->lane != y->lane)
        return x->lane < y->lane ? -1 : 1;
    return x->reply_tokens < y->reply_tokens ? -1 : x->reply_tokens > y->reply_tokens;
}

void chains_add_all(struct chains *chains, struct chains_call *calls, uint32_t count)
{
    if (count > 0)
        qsort(calls, count, sizeof *calls, by_start);
    for (uint32_t i = 0; i < count; i++)
        chains_add(chains, &calls[i]);
}

void chains_end(struct chains *chains, uint64_t begin_ns, struct pending *pending)
{
    for (uint32_t i = 0; i < chains->count; i++) {
        const struct chain *chain = &chains->chain[i];
        const struct trace_session session = { .arrival_ns = begin_ns + chain->start_ns,
                                               .turns = chain->turns,
                                               .turn_count = chain->turn_count };
        pending_add(pending, &session);
    }
    chains->count = 0;
}
