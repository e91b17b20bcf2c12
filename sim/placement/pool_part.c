/* sim/placement/pool_part.c - see pool_part.h. */
#include "sim/placement/pool_part.h"

#include "base/memory.h"
#include "sim/placement/pool_state.h"

#include <stdlib.h>

/* ---- coming and going ---- */

/* What the part has of the key is what the whole has. */
static void copy_entry(struct pool *part, const struct pool *whole, uint64_t key)
{
    const struct pool_entry *from = pool_find(whole, key);
    struct pool_entry *to =
        from != NULL ? pool_intern(part, key, from->user) : pool_find(part, key);
    if (to == NULL)
        return;
    part->used_tokens -= to->booked_tokens;
    *to = from != NULL ? *from : (struct pool_entry){ .key = key };
    part->used_tokens += to->booked_tokens;
    pool_forget_if_empty(part, to);
}

struct pool *pool_part_new(struct pool *whole, uint32_t number, uint32_t parts)
{
    struct pool *part = pool_new(whole->capacity_tokens, whole->ttl_ns);
    part->is_part = part->notes.kept = true;
    part->expires_ns = 0;
    whole->tells_gone = true;
    for (uint32_t at = whole->order.front; at != 0; at = whole->link[at].next)
        if (whole->entry[at].user % parts == number)
            copy_entry(part, whole, whole->entry[at].key);
    return part;
}

void pool_part_free(struct pool *part, struct pool *whole)
{
    if (part != NULL)
        whole->tells_gone = false;
    pool_free(part);
}

/* ---- what happened ---- */

uint32_t pool_part_notes(const struct pool *part)
{
    return part->notes.count;
}

void pool_part_forget_notes(struct pool *part)
{
    part->notes.count = 0;
}

static bool repeat(struct pool *whole, const struct pool_note *note, uint64_t *written)
{
    const struct pool_entry *entry = note->call != POOL_EXPIRE ? pool_find(whole, note->key) : NULL;
    switch (note->call) {
    case POOL_READ_BEGINS:
        if (entry == NULL || pool_less(entry->tokens, pool_cut_to(entry, note->base)) == 0)
            return false;
        pool_read_begins(whole, note->now_ns, note->key, note->base, note->tokens);
        return true;
    case POOL_READ_ENDED:
        if (entry == NULL || entry->readers == 0)
            return false;
        pool_read_ended(whole, note->key);
        return true;
    case POOL_WRITE_BEGINS:
        *written += note->answer;
        return pool_write_begins(whole, note->now_ns, note->user, note->key, note->base,
                                 note->tokens) == note->answer;
    case POOL_WRITE_ENDED:
        if (entry == NULL || !entry->is_written)
            return false;
        pool_write_ended(whole, note->now_ns, note->key);
        return true;
    case POOL_EXPIRE:
        pool_expire(whole, note->now_ns);
        return true;
    }
    return false;
}

void pool_repeat_soon(const struct pool *whole, const struct pool *part)
{
    for (uint32_t i = 0; i < part->notes.count; i++)
        keymap_prefetch(&whole->map, part->notes.item[i].key);
    for (uint32_t i = 0; i < part->notes.count; i++) {
        uint32_t at = keymap_guess(&whole->map, part->notes.item[i].key);
        __builtin_prefetch(&whole->entry[at], 1);
        __builtin_prefetch(&whole->link[at], 1);
    }
}

bool pool_repeat(struct pool *whole, const struct pool *part, uint32_t from, uint32_t to,
                 uint64_t *written)
{
    for (uint32_t i = from; i < to; i++)
        if (!repeat(whole, &part->notes.item[i], written))
            return false;
    return true;
}

bool pool_take_gone(struct pool *whole, struct pool_gone *gone)
{
    if (whole->gone_count == 0)
        return false;
    *gone = whole->gone[--whole->gone_count];
    return true;
}

bool pool_part_lose(struct pool *part, uint64_t key, uint64_t now_ns)
{
    struct pool_entry *entry = pool_find(part, key);
    if (entry == NULL)
        return false; /* the user has cut it off since */
    bool asked = entry->last_use_ns >= now_ns;
    part->used_tokens -= entry->booked_tokens;
    entry->tokens = entry->booked_tokens = entry->loaded_tokens = 0;
    pool_forget_if_empty(part, entry);
    return !asked;
}

void pool_part_stand_back(struct pool *whole)
{
    whole->notes.count = 0;
    whole->notes.kept = true;
}

void pool_part_catch_up(struct pool *part, struct pool *whole, uint64_t *written)
{
    whole->notes.kept = false;
    for (uint32_t i = 0; i < whole->notes.count; i++) {
        const struct pool_note *note = &whole->notes.item[i];
        *written += note->answer;
        if (note->call != POOL_EXPIRE)
            copy_entry(part, whole, note->key);
    }
}

/* ---- what may go ---- */

bool pool_foresee(const struct pool *whole, uint64_t tokens, uint64_t until_ns,
                  void (*visit)(void *context, uint32_t user), void *context)
{
    uint64_t room = whole->capacity_tokens - whole->used_tokens;
    for (uint32_t at = whole->order.front; at != 0; at = whole->link[at].next) {
        const struct pool_entry *entry = &whole->entry[at];
        bool expires = whole->ttl_ns > 0 && until_ns - entry->last_use_ns >= whole->ttl_ns;
        if (room >= tokens && !expires)
            return true;
        visit(context, entry->user);
        room += pool_is_busy(entry) ? 0 : entry->booked_tokens;
    }
    return room >= tokens;
}

uint64_t pool_expires_ns(const struct pool *whole)
{
    if (whole->ttl_ns == 0 || whole->order.front == 0)
        return UINT64_MAX;
    return whole->entry[whole->order.front].last_use_ns + whole->ttl_ns;
}

void pool_part_expires(struct pool *part, uint64_t expires_ns)
{
    part->expires_ns = expires_ns;
}

void pool_part_now(struct pool *part, uint64_t now_ns)
{
    part->now_ns = now_ns;
}

uint64_t pool_ttl_ns(const struct pool *pool)
{
    return pool->ttl_ns;
}
