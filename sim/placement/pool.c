/* sim/placement/pool.c - see pool.h. */
#include "sim/placement/pool.h"

#include "base/memory.h"
#include "sim/placement/pool_state.h"

#include <assert.h>
#include <stdlib.h>

struct pool *pool_new(uint64_t capacity_tokens, uint64_t ttl_ns)
{
    struct pool *pool = memory_new(1, sizeof *pool);
    pool->capacity_tokens = capacity_tokens;
    pool->ttl_ns = ttl_ns;
    pool->high_water = 1;
    keymap_init(&pool->map, 1024);
    return pool;
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    keymap_free(&pool->map);
    free(pool->entry);
    free(pool->link);
    free(pool->drop);
    free(pool->notes.item);
    free(pool->gone);
    free(pool);
}

uint32_t pool_tokens(const struct pool *pool, uint64_t key, struct kv_base base)
{
    const struct pool_entry *entry = pool_ask(pool, key);
    return entry != NULL ? pool_less(entry->tokens, pool_cut_to(entry, base)) : 0;
}

uint32_t pool_loaded_tokens(const struct pool *pool, uint64_t key, struct kv_base base)
{
    const struct pool_entry *entry = pool_ask(pool, key);
    return entry != NULL ? pool_less(entry->loaded_tokens, pool_cut_to(entry, base)) : 0;
}

/* ---- coming and going ---- */

struct pool_entry *pool_intern(struct pool *pool, uint64_t key, uint32_t user)
{
    struct pool_entry *found = pool_find(pool, key);
    if (found != NULL)
        return found;
    uint32_t at = pool->free_entry;
    if (at != 0) {
        assert(pool->entry != NULL);
        pool->free_entry = pool->entry[at].next_free;
    } else {
        at = pool->high_water++;
        uint32_t links = pool->capacity;
        memory_grow(&pool->link, &links, (uint64_t)at + 1, sizeof *pool->link);
        memory_grow(&pool->entry, &pool->capacity, (uint64_t)at + 1, sizeof *pool->entry);
    }
    assert(pool->entry != NULL);
    pool->entry[at] = (struct pool_entry){ .key = key, .last_use_ns = pool->now_ns, .user = user };
    keymap_add(&pool->map, pool_keys_of(pool), at);
    order_push_back(&pool->order, pool->link, at);
    return &pool->entry[at];
}

static void tell_drop(struct pool *pool, uint64_t key)
{
    if (!pool->tells_drops)
        return;
    memory_grow(&pool->drop, &pool->drop_capacity, (uint64_t)pool->drops + 1, sizeof *pool->drop);
    pool->drop[pool->drops++] = key;
}

void pool_forget_if_empty(struct pool *pool, struct pool_entry *entry)
{
    if (entry->booked_tokens > 0 || pool_is_busy(entry))
        return;
    uint32_t at = (uint32_t)(entry - pool->entry);
    order_remove(&pool->order, pool->link, at);
    keymap_remove(&pool->map, pool_keys_of(pool), entry->key);
    tell_drop(pool, entry->key);
    entry->next_free = pool->free_entry;
    pool->free_entry = at;
}

/* The order is the whole's. */
static void touch(struct pool *pool, struct pool_entry *entry, uint64_t now_ns)
{
    if (pool->is_part)
        return;
    entry->last_use_ns = now_ns;
    order_move_to_back(&pool->order, pool->link, (uint32_t)(entry - pool->entry));
}

static void drop(struct pool *pool, struct pool_entry *entry, uint64_t *counter)
{
    assert(!pool_is_busy(entry));
    *counter += entry->tokens;
    if (pool->tells_gone) {
        memory_grow(&pool->gone, &pool->gone_capacity, (uint64_t)pool->gone_count + 1,
                    sizeof *pool->gone);
        pool->gone[pool->gone_count++] = (struct pool_gone){ entry->key, entry->user };
    }
    pool->used_tokens -= entry->booked_tokens;
    entry->tokens = entry->booked_tokens = 0;
    pool_forget_if_empty(pool, entry);
}

static void expire(struct pool *pool, uint64_t now_ns)
{
    while (pool->ttl_ns > 0 && pool->order.front != 0) {
        struct pool_entry *oldest = &pool->entry[pool->order.front];
        if (now_ns - oldest->last_use_ns < pool->ttl_ns || pool_is_busy(oldest))
            return;
        drop(pool, oldest, &pool->counters.expired_tokens);
    }
}

void pool_expire(struct pool *pool, uint64_t now_ns)
{
    if (now_ns >= pool->expires_ns)
        pool_note(pool, (struct pool_note){ .call = POOL_EXPIRE, .now_ns = now_ns });
    if (!pool->is_part)
        expire(pool, now_ns);
}

/* A part leaves that to the whole. Those in use are few: a batch of each server, and what is on its
 * way. */
static bool make_room(struct pool *pool, uint32_t tokens)
{
    uint32_t at = pool->order.front;
    if (pool->is_part)
        return true;
    while (pool->capacity_tokens - pool->used_tokens < tokens && at != 0) {
        uint32_t next = pool->link[at].next;
        if (!pool_is_busy(&pool->entry[at]))
            drop(pool, &pool->entry[at], &pool->counters.dropped_tokens);
        at = next;
    }
    return pool->capacity_tokens - pool->used_tokens >= tokens;
}

/* ---- reading and writing ---- */

void pool_note(struct pool *pool, struct pool_note note)
{
    struct pool_notes *notes = &pool->notes;
    if (!notes->kept)
        return;
    memory_grow(&notes->item, &notes->capacity, (uint64_t)notes->count + 1, sizeof *notes->item);
    notes->item[notes->count++] = note;
}

/* The copy counts from the base now: what was before it goes. */
static void rebase(struct pool *pool, struct pool_entry *entry, struct kv_base base)
{
    uint32_t cut = pool_cut_to(entry, base), tokens = entry->tokens;
    if (cut == 0)
        return;
    entry->base = base;
    entry->tokens = pool_less(tokens, cut);
    entry->loaded_tokens = pool_less(entry->loaded_tokens, cut);
    entry->booked_tokens -= tokens - entry->tokens;
    pool->used_tokens -= tokens - entry->tokens;
    pool->counters.cut_tokens += tokens - entry->tokens;
    entry->is_void = entry->is_written;
}

static bool is_older(struct kv_base a, struct kv_base b)
{
    return a.generation != b.generation ? a.generation < b.generation : a.tokens < b.tokens;
}

void pool_read_begins(struct pool *pool, uint64_t now_ns, uint64_t key, struct kv_base base,
                      uint32_t tokens)
{
    struct pool_entry *entry = pool_ask(pool, key);
    assert(entry != NULL && pool_less(entry->tokens, pool_cut_to(entry, base)) > 0);
    pool_note(pool, (struct pool_note){ .call = POOL_READ_BEGINS,
                                        .now_ns = now_ns,
                                        .key = key,
                                        .base = base,
                                        .tokens = tokens });
    rebase(pool, entry, base);
    entry->readers++;
    tokens = tokens < entry->tokens ? tokens : entry->tokens;
    if (tokens > entry->loaded_tokens)
        entry->loaded_tokens = tokens;
    touch(pool, entry, now_ns);
}

void pool_read_ended(struct pool *pool, uint64_t key)
{
    struct pool_entry *entry = pool_ask(pool, key);
    assert(entry != NULL && entry->readers > 0);
    pool_note(pool, (struct pool_note){ .call = POOL_READ_ENDED, .key = key });
    entry->readers--;
    pool_forget_if_empty(pool, entry);
}

static uint32_t book(struct pool *pool, uint64_t now_ns, uint32_t user, uint64_t key,
                     struct kv_base base, uint32_t tokens)
{
    struct pool_entry *entry = pool_ask(pool, key);
    if (tokens > pool->capacity_tokens || (entry != NULL && is_older(base, entry->base)))
        return 0;
    if (entry != NULL)
        touch(pool, entry, now_ns);
    uint32_t held = entry != NULL ? pool_less(entry->tokens, pool_cut_to(entry, base)) : 0;
    if ((entry != NULL && entry->is_written) || tokens <= held)
        return 0;
    /* Held, so that room is not made by dropping the very copy that will be completed. */
    entry = pool_intern(pool, key, user);
    rebase(pool, entry, base);
    entry->base = base;
    entry->is_written = true;
    touch(pool, entry, now_ns);
    if (!make_room(pool, tokens - held)) {
        entry->is_written = false;
        pool_forget_if_empty(pool, entry);
        return 0;
    }
    entry->booked_tokens = tokens;
    pool->used_tokens += tokens - held;
    if (pool->used_tokens > pool->peak_tokens)
        pool->peak_tokens = pool->used_tokens;
    return tokens - held;
}

uint32_t pool_write_begins(struct pool *pool, uint64_t now_ns, uint32_t user, uint64_t key,
                           struct kv_base base, uint32_t tokens)
{
    if (!pool->is_part)
        expire(pool, now_ns);
    uint32_t booked = book(pool, now_ns, user, key, base, tokens);
    pool_note(pool, (struct pool_note){ .call = POOL_WRITE_BEGINS,
                                        .now_ns = now_ns,
                                        .key = key,
                                        .base = base,
                                        .user = user,
                                        .tokens = tokens,
                                        .answer = booked });
    return booked;
}

void pool_write_ended(struct pool *pool, uint64_t now_ns, uint64_t key)
{
    struct pool_entry *entry = pool_ask(pool, key);
    assert(entry != NULL && entry->is_written);
    pool_note(pool, (struct pool_note){ .call = POOL_WRITE_ENDED, .now_ns = now_ns, .key = key });
    if (entry->is_void) {
        pool->used_tokens -= entry->booked_tokens - entry->tokens;
        pool->counters.cut_tokens += entry->booked_tokens - entry->tokens;
    } else {
        entry->tokens = entry->booked_tokens;
    }
    entry->booked_tokens = entry->tokens;
    entry->is_written = entry->is_void = false;
    touch(pool, entry, now_ns);
    pool_forget_if_empty(pool, entry);
}

/* ---- what it holds ---- */

void pool_tell_drops(struct pool *pool)
{
    pool->tells_drops = true;
}

bool pool_take_drop(struct pool *pool, uint64_t *key)
{
    if (pool->drops_taken == pool->drops) {
        pool->drops_taken = pool->drops = 0;
        return false;
    }
    *key = pool->drop[pool->drops_taken++];
    return true;
}

uint64_t pool_used_tokens(const struct pool *pool)
{
    return pool->used_tokens;
}

uint64_t pool_peak_tokens(const struct pool *pool)
{
    return pool->peak_tokens;
}

void pool_reset_peak(struct pool *pool)
{
    pool->peak_tokens = pool->used_tokens;
}

const struct pool_counters *pool_counters(const struct pool *pool)
{
    return &pool->counters;
}

/* Not assert(): a release build's tests shall hear it too. */
static void must(bool holds)
{
    if (!holds)
        abort();
}

void pool_verify(const struct pool *pool)
{
    uint64_t used_tokens = 0, last_use_ns = 0;
    uint32_t entries = 0;
    for (uint32_t at = pool->order.front; at != 0; at = pool->link[at].next, entries++) {
        const struct pool_entry *entry = &pool->entry[at];
        must(pool_find(pool, entry->key) == entry);
        must(entry->booked_tokens >= entry->tokens && entry->tokens >= entry->loaded_tokens);
        must(entry->is_written || (entry->booked_tokens == entry->tokens && !entry->is_void));
        must(entry->booked_tokens > 0 || pool_is_busy(entry));
        must(entry->last_use_ns >= last_use_ns);
        last_use_ns = entry->last_use_ns;
        used_tokens += entry->booked_tokens;
    }
    must(entries == pool->map.count);
    must(used_tokens == pool->used_tokens && used_tokens <= pool->capacity_tokens);
}
