/* traces/window.c - see window.h. */
#include "traces/window.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Its arrays serve the next session that gets its place. */
struct held {
    struct trace_session session;
    struct trace_turn *turns;
    uint64_t *keys;
    uint32_t turns_capacity, keys_capacity;
};

/* A ring: session n lies in held[n % capacity], for first <= n < first + count. */
struct window {
    struct trace *trace;
    struct held *held;
    uint64_t first, count, capacity;
    bool ended;
};

struct window *window_new(struct trace *trace)
{
    struct window *window = memory_new(1, sizeof *window);
    window->trace = trace;
    window->capacity = 16;
    window->held = memory_new(window->capacity, sizeof *window->held);
    return window;
}

void window_free(struct window *window)
{
    for (uint64_t i = 0; i < window->capacity; i++) {
        free(window->held[i].turns);
        free(window->held[i].keys);
    }
    free(window->held);
    free(window);
}

static struct held *held_at(struct window *window, uint64_t n)
{
    return &window->held[n % window->capacity];
}

/* A full ring gets twice as many places. */
static void make_room(struct window *window)
{
    if (window->count < window->capacity)
        return;
    struct held *more = memory_new(2 * window->capacity, sizeof *more);
    for (uint64_t n = window->first; n < window->first + window->count; n++)
        more[n % (2 * window->capacity)] = *held_at(window, n);
    free(window->held);
    window->held = more;
    window->capacity *= 2;
}

static void hold(struct window *window, const struct trace_session *session)
{
    make_room(window);
    struct held *held = held_at(window, window->first + window->count++);
    memory_grow(&held->turns, &held->turns_capacity, session->turn_count, sizeof *held->turns);
    memcpy(held->turns, session->turns, session->turn_count * sizeof *held->turns);
    held->session = *session;
    held->session.turns = held->turns;
    if (session->block_count == 0)
        return;
    memory_grow(&held->keys, &held->keys_capacity, session->block_count, sizeof *held->keys);
    memcpy(held->keys, session->block_keys, session->block_count * sizeof *held->keys);
    held->session.block_keys = held->keys;
}

enum trace_step window_at(struct window *window, uint64_t n, struct trace_session *session,
                          struct error *err)
{
    assert(n >= window->first && n <= window->first + window->count);
    if (n == window->first + window->count) {
        struct trace_session next;
        enum trace_step step = window->ended ? TRACE_END : trace_next(window->trace, &next, err);
        window->ended = step == TRACE_END;
        if (step != TRACE_ITEM)
            return step;
        hold(window, &next);
    }
    *session = held_at(window, n)->session;
    return TRACE_ITEM;
}

void window_forget(struct window *window, uint64_t n)
{
    assert(n <= window->first + window->count);
    if (n <= window->first)
        return;
    window->count -= n - window->first;
    window->first = n;
}
