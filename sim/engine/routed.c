/* sim/engine/routed.c - see routed.h. */
#include "sim/engine/routed.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

static struct keymap_keys keys_of(const struct routed *routed)
{
    return (struct keymap_keys){ routed->unit, sizeof *routed->unit };
}

void routed_init(struct routed *routed, uint32_t most)
{
    assert(most >= 1 && most < UINT32_MAX);
    *routed = (struct routed){ .most = most };
    keymap_init(&routed->map, 0);
}

void routed_free(struct routed *routed)
{
    keymap_free(&routed->map);
    free(routed->unit);
}

static void unlink_unit(struct routed *routed, uint32_t handle)
{
    struct routed_unit *unit = &routed->unit[handle];
    *(unit->older != 0 ? &routed->unit[unit->older].newer : &routed->oldest) = unit->newer;
    *(unit->newer != 0 ? &routed->unit[unit->newer].older : &routed->newest) = unit->older;
}

static void link_newest(struct routed *routed, uint32_t handle)
{
    struct routed_unit *unit = &routed->unit[handle];
    unit->older = routed->newest;
    unit->newer = 0;
    *(unit->older != 0 ? &routed->unit[unit->older].newer : &routed->oldest) = handle;
    routed->newest = handle;
}

static bool is_under_way(const struct sessions *sessions, const struct routed_unit *unit)
{
    return sessions->item[unit->session].asked == unit->turn;
}

/* A place for a key that is not there: the oldest one's, if that has ended or there is no more. */
static uint32_t place_for(struct routed *routed, const struct sessions *sessions, uint64_t key)
{
    uint32_t handle = routed->oldest;
    if (handle != 0 &&
        (routed->count == routed->most || !is_under_way(sessions, &routed->unit[handle]))) {
        keymap_remove(&routed->map, keys_of(routed), routed->unit[handle].key);
        unlink_unit(routed, handle);
    } else {
        handle = ++routed->count;
        memory_grow(&routed->unit, &routed->capacity, (uint64_t)handle + 1, sizeof *routed->unit);
    }
    routed->unit[handle].key = key;
    keymap_add(&routed->map, keys_of(routed), handle);
    return handle;
}

void routed_note(struct routed *routed, const struct sessions *sessions, uint32_t session,
                 uint64_t key, uint32_t tokens)
{
    uint32_t handle = routed->count > 0 ? keymap_find(&routed->map, keys_of(routed), key) : 0;
    if (handle != 0)
        unlink_unit(routed, handle);
    else
        handle = place_for(routed, sessions, key);
    struct routed_unit *unit = &routed->unit[handle];
    unit->turn = sessions->item[session].asked;
    unit->session = session;
    unit->tokens = tokens;
    link_newest(routed, handle);
}

uint32_t routed_tokens(const struct routed *routed, const struct sessions *sessions, uint64_t key)
{
    uint32_t handle = routed->count > 0 ? keymap_find(&routed->map, keys_of(routed), key) : 0;
    return handle != 0 && is_under_way(sessions, &routed->unit[handle])
               ? routed->unit[handle].tokens
               : 0;
}
