/* traces/pending.c - see pending.h. */
#include "traces/pending.h"

#include "base/heap.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* What waits, or waited: its arrays serve the next one that gets its place. */
struct waiting {
    uint64_t arrival_ns;
    struct trace_turn *turns;
    uint64_t *keys;
    uint32_t turn_count, turns_capacity, key_count, keys_capacity;
    uint32_t next_free;
};

/* waiting[0] is none. `given` is free when the next call comes. */
struct pending {
    struct waiting *waiting;
    uint32_t capacity, high_water, free, given;
    struct heap order;
    uint64_t added;
};

struct pending *pending_new(void)
{
    struct pending *pending = memory_new(1, sizeof *pending);
    pending->high_water = 1;
    return pending;
}

void pending_free(struct pending *pending)
{
    for (uint32_t i = 1; i < pending->high_water; i++) {
        free(pending->waiting[i].turns);
        free(pending->waiting[i].keys);
    }
    free(pending->waiting);
    heap_free(&pending->order);
    free(pending);
}

static void release_given(struct pending *pending)
{
    if (pending->given == 0)
        return;
    pending->waiting[pending->given].next_free = pending->free;
    pending->free = pending->given;
    pending->given = 0;
}

static uint32_t new_place(struct pending *pending)
{
    uint32_t handle = pending->free;
    if (handle != 0) {
        pending->free = pending->waiting[handle].next_free;
        return handle;
    }
    handle = pending->high_water++;
    memory_grow(&pending->waiting, &pending->capacity, (uint64_t)handle + 1,
                sizeof *pending->waiting);
    pending->waiting[handle] = (struct waiting){ 0 };
    return handle;
}

void pending_add(struct pending *pending, const struct trace_session *session)
{
    release_given(pending);
    uint32_t handle = new_place(pending);
    struct waiting *waiting = &pending->waiting[handle];
    memory_grow(&waiting->turns, &waiting->turns_capacity, session->turn_count,
                sizeof *waiting->turns);
    memcpy(waiting->turns, session->turns, session->turn_count * sizeof *waiting->turns);
    if (session->block_count > 0) {
        memory_grow(&waiting->keys, &waiting->keys_capacity, session->block_count,
                    sizeof *waiting->keys);
        memcpy(waiting->keys, session->block_keys, session->block_count * sizeof *waiting->keys);
    }
    waiting->arrival_ns = session->arrival_ns;
    waiting->turn_count = session->turn_count;
    waiting->key_count = session->block_count;
    heap_push(&pending->order, (struct heap_item){ session->arrival_ns, pending->added++, handle });
}

bool pending_take(struct pending *pending, uint64_t until_ns, struct trace_session *session)
{
    release_given(pending);
    if (pending->order.count == 0 || pending->order.item[0].first > until_ns)
        return false;
    pending->given = heap_pop(&pending->order).handle;
    const struct waiting *waiting = &pending->waiting[pending->given];
    session->arrival_ns = waiting->arrival_ns;
    session->turns = waiting->turns;
    session->turn_count = waiting->turn_count;
    session->block_keys = waiting->key_count > 0 ? waiting->keys : NULL;
    session->block_count = waiting->key_count;
    return true;
}
