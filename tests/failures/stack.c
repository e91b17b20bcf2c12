/* tests/failures/stack.c - see stack.h. */
#define _GNU_SOURCE /* _dl_find_object() */
#include "tests/failures/stack.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <unwind.h>

struct walk {
    const void *shim; /* where this library lies, whose own places are passed over */
    uint64_t hash;
    uint64_t *frames;
    uint32_t count, most, depth;
};

static _Unwind_Reason_Code take(struct _Unwind_Context *context, void *data)
{
    struct walk *walk = data;
    uintptr_t address = _Unwind_GetIP(context);
    struct dl_find_object object;
    if (address == 0 || _dl_find_object((void *)address, &object) != 0 ||
        object.dlfo_map_start == walk->shim)
        return _URC_NO_REASON;
    /* Libraries lie elsewhere in each run; places in them do not. */
    uint64_t place = address - (uintptr_t)object.dlfo_map_start;
    walk->hash = (walk->hash ^ place) * 0x9e3779b97f4a7c15U;
    walk->hash ^= walk->hash >> 29;
    if (walk->count < walk->most && *object.dlfo_link_map->l_name == '\0')
        walk->frames[walk->count++] = place - 1; /* in the call, not behind it */
    return --walk->depth == 0 ? _URC_END_OF_STACK : _URC_NO_REASON;
}

uint64_t stack_hash(uint32_t depth, uint64_t *frames, uint32_t most)
{
    struct dl_find_object shim = { 0 };
    _dl_find_object((void *)(uintptr_t)take, &shim);
    struct walk walk = { shim.dlfo_map_start, 1, frames, 0, frames != NULL ? most - 1 : 0, depth };
    _Unwind_Backtrace(take, &walk);
    if (frames != NULL)
        frames[walk.count] = 0;
    return walk.hash | 1;
}
