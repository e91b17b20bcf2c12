/* sim/engine/whereabouts.c - see whereabouts.h. */
#include "sim/engine/whereabouts.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static struct keymap_keys keys_of(const struct whereabouts *whereabouts)
{
    return (struct keymap_keys){ whereabouts->entry, sizeof *whereabouts->entry };
}

void whereabouts_init(struct whereabouts *whereabouts)
{
    *whereabouts = (struct whereabouts){ 0 };
    keymap_init(&whereabouts->map, 0);
    ranges_init(&whereabouts->ranges);
}

void whereabouts_free(struct whereabouts *whereabouts)
{
    keymap_free(&whereabouts->map);
    ranges_free(&whereabouts->ranges);
    free(whereabouts->entry);
    free(whereabouts->server);
}

static uint32_t find(const struct whereabouts *whereabouts, uint64_t key)
{
    return whereabouts->noted > 0 ? keymap_find(&whereabouts->map, keys_of(whereabouts), key) : 0;
}

static uint32_t add(struct whereabouts *whereabouts, uint64_t key)
{
    uint32_t handle = whereabouts->free_entry;
    if (handle != 0) {
        whereabouts->free_entry = whereabouts->entry[handle].servers;
    } else {
        handle = ++whereabouts->entries;
        memory_grow(&whereabouts->entry, &whereabouts->entry_capacity, (uint64_t)handle + 1,
                    sizeof *whereabouts->entry);
    }
    whereabouts->entry[handle] = (struct whereabouts_entry){ .key = key };
    keymap_add(&whereabouts->map, keys_of(whereabouts), handle);
    return handle;
}

/* Room for one more server of the entry's. */
static void grow(struct whereabouts *whereabouts, struct whereabouts_entry *entry)
{
    uint32_t count = entry->count, old = entry->servers;
    if (count > 0 && count < ranges_size(count))
        return;
    entry->servers = ranges_take(&whereabouts->ranges, count + 1);
    memory_grow(&whereabouts->server, &whereabouts->server_capacity, whereabouts->ranges.high_water,
                sizeof *whereabouts->server);
    if (count == 0)
        return;
    memcpy(&whereabouts->server[entry->servers], &whereabouts->server[old],
           count * sizeof *whereabouts->server);
    ranges_return(&whereabouts->ranges, old, count);
}

void whereabouts_note(struct whereabouts *whereabouts, uint64_t key, uint32_t server)
{
    uint32_t handle = find(whereabouts, key);
    if (handle == 0)
        handle = add(whereabouts, key);
    struct whereabouts_entry *entry = &whereabouts->entry[handle];
    uint32_t low = 0, high = entry->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (whereabouts->server[entry->servers + middle] < server)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < entry->count && whereabouts->server[entry->servers + low] == server)
        return;
    grow(whereabouts, entry);
    uint32_t *at = &whereabouts->server[entry->servers + low];
    memmove(at + 1, at, (entry->count - low) * sizeof *at);
    *at = server;
    entry->count++;
    whereabouts->noted++;
}

static void set_count(struct whereabouts *whereabouts, uint32_t handle, uint32_t count)
{
    struct whereabouts_entry *entry = &whereabouts->entry[handle];
    uint32_t was = entry->count, old = entry->servers;
    if (count == was)
        return;
    whereabouts->noted -= was - count;
    entry->count = count;
    if (count == 0) {
        ranges_return(&whereabouts->ranges, old, was);
        keymap_remove(&whereabouts->map, keys_of(whereabouts), entry->key);
        entry->servers = whereabouts->free_entry;
        whereabouts->free_entry = handle;
    } else if (ranges_size(count) < ranges_size(was)) {
        entry->servers = ranges_take(&whereabouts->ranges, count);
        memory_grow(&whereabouts->server, &whereabouts->server_capacity,
                    whereabouts->ranges.high_water, sizeof *whereabouts->server);
        memcpy(&whereabouts->server[entry->servers], &whereabouts->server[old],
               count * sizeof *whereabouts->server);
        ranges_return(&whereabouts->ranges, old, was);
    }
}

void whereabouts_tidy(struct whereabouts *whereabouts,
                      bool (*may_hold)(const void *context, uint64_t key, uint32_t server),
                      const void *context)
{
    enum { SELDOM = 4096 };
    if (whereabouts->noted < 2 * whereabouts->tidied + SELDOM)
        return;
    for (uint32_t handle = 1; handle <= whereabouts->entries; handle++) {
        const struct whereabouts_entry *entry = &whereabouts->entry[handle];
        uint32_t *server = &whereabouts->server[entry->servers], kept = 0;
        for (uint32_t i = 0; i < entry->count; i++)
            if (may_hold(context, entry->key, server[i]))
                server[kept++] = server[i];
        set_count(whereabouts, handle, kept);
    }
    whereabouts->tidied = whereabouts->noted;
}

struct where whereabouts_of(const struct whereabouts *whereabouts, uint64_t key)
{
    uint32_t handle = find(whereabouts, key);
    if (handle == 0)
        return (struct where){ 0 };
    const struct whereabouts_entry *entry = &whereabouts->entry[handle];
    return (struct where){ &whereabouts->server[entry->servers], entry->count };
}
