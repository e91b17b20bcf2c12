/* runtime/remote.c - see remote.h. */
#include "runtime/remote.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

static struct keymap_keys keys_of(const struct remote *remote)
{
    return (struct keymap_keys){ .records = remote->item, .stride = sizeof *remote->item };
}

void remote_init(struct remote *remote, uint32_t pages, uint64_t page_bytes, uint32_t layers)
{
    *remote = (struct remote){ .high_water = 1 };
    if (pages == 0)
        return;
    page_pool_init(&remote->pages, pages);
    remote->memory = memory_new(pages, page_bytes);
    remote->checksum = memory_new((uint64_t)pages * layers, sizeof *remote->checksum);
    keymap_init(&remote->map, 64);
}

void remote_free(struct remote *remote)
{
    if (remote->memory == NULL)
        return;
    for (uint32_t i = 1; i < remote->high_water; i++)
        copy_free(&remote->item[i].copy);
    page_pool_free(&remote->pages);
    keymap_free(&remote->map);
    free(remote->item);
    free(remote->checksum);
    free(remote->memory);
}

static uint32_t new_item(struct remote *remote, uint64_t key)
{
    uint32_t at = remote->free_item;
    if (at != 0) {
        remote->free_item = remote->item[at].next_free;
    } else {
        at = remote->high_water++;
        memory_grow(&remote->item, &remote->capacity, (uint64_t)at + 1, sizeof *remote->item);
    }
    remote->item[at].key = key;
    keymap_add(&remote->map, keys_of(remote), at);
    return at;
}

uint32_t remote_page(const struct remote *remote, uint64_t key, uint64_t index)
{
    uint32_t at = keymap_find(&remote->map, keys_of(remote), key);
    assert(at != 0);
    return copy_page(&remote->item[at].copy, index);
}

void remote_put(struct remote *remote, uint64_t key, uint64_t index, uint32_t page)
{
    uint32_t at = keymap_find(&remote->map, keys_of(remote), key);
    if (at == 0)
        at = new_item(remote, key);
    struct kv_copy *copy = &remote->item[at].copy;
    /* Not behind what is there: that was of a context which the session has no more. */
    if (copy->count > 0 && (index < copy->first || index > copy->first + copy->count))
        copy_clear(copy, &remote->pages);
    copy_put(copy, &remote->pages, index, page);
}

void remote_cut(struct remote *remote, uint64_t key, uint64_t place, uint32_t page_tokens)
{
    uint32_t at = keymap_find(&remote->map, keys_of(remote), key);
    if (at == 0)
        return;
    struct kv_copy *copy = &remote->item[at].copy;
    copy->end = (copy->first + copy->count) * page_tokens;
    copy_cut(copy, &remote->pages, place, page_tokens);
}

void remote_forget(struct remote *remote, uint64_t key)
{
    uint32_t at = keymap_find(&remote->map, keys_of(remote), key);
    if (at == 0)
        return;
    keymap_remove(&remote->map, keys_of(remote), key);
    copy_clear(&remote->item[at].copy, &remote->pages);
    remote->item[at].next_free = remote->free_item;
    remote->free_item = at;
}
