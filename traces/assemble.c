/* traces/assemble.c - see assemble.h. */
#include "traces/assemble.h"

#include "base/keymap.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* A session that was not given yet, in a list by arrival; or one of the free list, whose turns
 * array serves the next session. In the map exactly while `open`. */
struct pending {
    uint64_t key; /* first: the keymap reads it here */
    uint64_t arrival_ns, last_end_ns, history_tokens;
    struct trace_turn *turns;
    uint32_t turn_count, turns_capacity;
    uint32_t next;
    bool open;
};

struct assembly {
    uint64_t gap_ns, now_ns;
    bool ended;
    struct pending *pending; /* [0] is no session */
    uint32_t capacity, high_water, free, oldest, newest, given;
    struct keymap open;
};

struct assembly *assembly_new(uint64_t gap_ns)
{
    struct assembly *assembly = memory_new(1, sizeof *assembly);
    assembly->gap_ns = gap_ns;
    assembly->high_water = 1;
    keymap_init(&assembly->open, 1024);
    return assembly;
}

void assembly_free(struct assembly *assembly)
{
    for (uint32_t i = 1; i < assembly->high_water; i++)
        free(assembly->pending[i].turns);
    free(assembly->pending);
    keymap_free(&assembly->open);
    free(assembly);
}

static struct keymap_keys pending_keys(const struct assembly *assembly)
{
    return (struct keymap_keys){ assembly->pending, sizeof *assembly->pending };
}

static uint32_t new_pending(struct assembly *assembly)
{
    uint32_t handle = assembly->free;
    if (handle != 0) {
        assembly->free = assembly->pending[handle].next;
    } else {
        handle = assembly->high_water++;
        memory_grow(&assembly->pending, &assembly->capacity, (uint64_t)handle + 1,
                    sizeof *assembly->pending);
    }
    struct pending *pending = &assembly->pending[handle];
    *pending =
        (struct pending){ .turns = pending->turns, .turns_capacity = pending->turns_capacity };
    if (assembly->newest != 0)
        assembly->pending[assembly->newest].next = handle;
    else
        assembly->oldest = handle;
    assembly->newest = handle;
    return handle;
}

static void close_pending(struct assembly *assembly, uint32_t handle)
{
    if (!assembly->pending[handle].open)
        return;
    keymap_remove(&assembly->open, pending_keys(assembly), assembly->pending[handle].key);
    assembly->pending[handle].open = false;
}

/* Makes `key` what continues the session; whatever had that key has ended. */
static void open_pending(struct assembly *assembly, uint32_t handle, uint64_t key)
{
    close_pending(assembly, handle);
    if (key == 0)
        return;
    uint32_t other = keymap_find(&assembly->open, pending_keys(assembly), key);
    if (other != 0)
        close_pending(assembly, other);
    assembly->pending[handle].key = key;
    assembly->pending[handle].open = true;
    keymap_add(&assembly->open, pending_keys(assembly), handle);
}

static bool silent_too_long(const struct assembly *assembly, const struct pending *pending)
{
    return assembly->now_ns > pending->last_end_ns &&
           assembly->now_ns - pending->last_end_ns > assembly->gap_ns;
}

static uint32_t session_to_continue(const struct assembly *assembly,
                                    const struct assembly_request *request)
{
    uint32_t handle = request->continues == 0 ? 0
                                              : keymap_find(&assembly->open, pending_keys(assembly),
                                                            request->continues);
    if (handle == 0)
        return 0;
    const struct pending *pending = &assembly->pending[handle];
    bool holds_history = request->prompt_tokens > pending->history_tokens;
    return holds_history && !silent_too_long(assembly, pending) ? handle : 0;
}

void assembly_add(struct assembly *assembly, const struct assembly_request *request)
{
    assembly->now_ns = request->time_ns;
    uint32_t handle = session_to_continue(assembly, request);
    struct trace_turn turn = { .prompt_tokens = request->prompt_tokens,
                               .reply_tokens = request->reply_tokens };
    if (handle != 0) {
        const struct pending *before = &assembly->pending[handle];
        turn.prompt_tokens -= (uint32_t)before->history_tokens;
        if (request->time_ns > before->last_end_ns)
            turn.think_ns = request->time_ns - before->last_end_ns;
    } else {
        handle = new_pending(assembly);
        assembly->pending[handle].arrival_ns = request->time_ns;
    }
    struct pending *pending = &assembly->pending[handle];
    memory_grow(&pending->turns, &pending->turns_capacity, (uint64_t)pending->turn_count + 1,
                sizeof *pending->turns);
    pending->turns[pending->turn_count++] = turn;
    pending->history_tokens = (uint64_t)request->prompt_tokens + request->reply_tokens;
    pending->last_end_ns = request->time_ns + request->elapsed_ns;
    open_pending(assembly, handle, request->key);
}

void assembly_end(struct assembly *assembly)
{
    assembly->ended = true;
}

bool assembly_take(struct assembly *assembly, struct trace_session *session)
{
    if (assembly->given != 0) {
        assembly->pending[assembly->given].next = assembly->free;
        assembly->free = assembly->given;
        assembly->given = 0;
    }
    uint32_t handle = assembly->oldest;
    if (handle == 0)
        return false;
    struct pending *pending = &assembly->pending[handle];
    if (pending->open && !assembly->ended && !silent_too_long(assembly, pending))
        return false;
    close_pending(assembly, handle);
    assembly->oldest = pending->next;
    if (assembly->oldest == 0)
        assembly->newest = 0;
    assembly->given = handle;
    session->arrival_ns = pending->arrival_ns;
    session->turns = pending->turns;
    session->turn_count = pending->turn_count;
    return true;
}
