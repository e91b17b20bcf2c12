/* sim/placement/pool.c - see pool.h. */
#include "sim/placement/pool.h"

#include "base/keymap.h"
#include "base/memory.h"
#include "sim/placement/order.h"

#include <assert.h>
#include <stdlib.h>

/* booked is what the copy will be: more than tokens while it is written. An entry lives while it is
 * booked anything or is being read or written. All are in `order`, least recently touched first. */
struct pool_entry {
    uint64_t key; /* first: the keymap reads it here */
    uint64_t last_use_ns;
    struct kv_base base;
    uint32_t tokens, booked_tokens, loaded_tokens;
    uint32_t readers;
    uint32_t next_free;
    bool is_written, is_void; /* void: the KV under way is of no use */
};

struct pool {
    uint64_t capacity_tokens, used_tokens, peak_tokens, ttl_ns;
    struct keymap map;
    struct pool_entry *entry; /* [0] is never used */
    struct order_link *link;
    uint32_t capacity, high_water, free_entry;
    struct order order;
    struct pool_counters counters;
    bool tells_drops;
    uint64_t *drop; /* keys to be taken */
    uint32_t drops, drops_taken, drop_capacity;
};

static struct keymap_keys keys_of(const struct pool *pool)
{
    return (struct keymap_keys){ .records = pool->entry, .stride = sizeof *pool->entry };
}

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
    free(pool);
}

static struct pool_entry *find(const struct pool *pool, uint64_t key)
{
    uint32_t at = keymap_find(&pool->map, keys_of(pool), key);
    return at != 0 ? &pool->entry[at] : NULL;
}

/* Tokens that a copy of the entry's loses when it shall count from that base; UINT32_MAX: all. */
static uint32_t cut_to(const struct pool_entry *entry, struct kv_base base)
{
    bool same = entry->base.generation == base.generation;
    return same && entry->base.tokens <= base.tokens ? base.tokens - entry->base.tokens
                                                     : UINT32_MAX;
}

static uint32_t less(uint32_t tokens, uint32_t cut)
{
    return tokens > cut ? tokens - cut : 0;
}

uint32_t pool_tokens(const struct pool *pool, uint64_t key, struct kv_base base)
{
    const struct pool_entry *entry = find(pool, key);
    return entry != NULL ? less(entry->tokens, cut_to(entry, base)) : 0;
}

uint32_t pool_loaded_tokens(const struct pool *pool, uint64_t key, struct kv_base base)
{
    const struct pool_entry *entry = find(pool, key);
    return entry != NULL ? less(entry->loaded_tokens, cut_to(entry, base)) : 0;
}

/* ---- coming and going ---- */

static struct pool_entry *intern(struct pool *pool, uint64_t key)
{
    struct pool_entry *found = find(pool, key);
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
    pool->entry[at] = (struct pool_entry){ .key = key };
    keymap_add(&pool->map, keys_of(pool), at);
    order_push_back(&pool->order, pool->link, at);
    return &pool->entry[at];
}

static bool is_busy(const struct pool_entry *entry)
{
    return entry->readers > 0 || entry->is_written;
}

static void tell_drop(struct pool *pool, uint64_t key)
{
    if (!pool->tells_drops)
        return;
    memory_grow(&pool->drop, &pool->drop_capacity, (uint64_t)pool->drops + 1, sizeof *pool->drop);
    pool->drop[pool->drops++] = key;
}

static void forget_if_empty(struct pool *pool, struct pool_entry *entry)
{
    if (entry->booked_tokens > 0 || is_busy(entry))
        return;
    uint32_t at = (uint32_t)(entry - pool->entry);
    order_remove(&pool->order, pool->link, at);
    keymap_remove(&pool->map, keys_of(pool), entry->key);
    tell_drop(pool, entry->key);
    entry->next_free = pool->free_entry;
    pool->free_entry = at;
}

static void touch(struct pool *pool, struct pool_entry *entry, uint64_t now_ns)
{
    entry->last_use_ns = now_ns;
    order_move_to_back(&pool->order, pool->link, (uint32_t)(entry - pool->entry));
}

static void drop(struct pool *pool, struct pool_entry *entry, uint64_t *counter)
{
    assert(!is_busy(entry));
    *counter += entry->tokens;
    pool->used_tokens -= entry->booked_tokens;
    entry->tokens = entry->booked_tokens = 0;
    forget_if_empty(pool, entry);
}

void pool_expire(struct pool *pool, uint64_t now_ns)
{
    while (pool->ttl_ns > 0 && pool->order.front != 0) {
        struct pool_entry *oldest = &pool->entry[pool->order.front];
        if (now_ns - oldest->last_use_ns < pool->ttl_ns || is_busy(oldest))
            return;
        drop(pool, oldest, &pool->counters.expired_tokens);
    }
}

/* Those in use are few: a batch of each server, and what is on its way. */
static bool make_room(struct pool *pool, uint32_t tokens)
{
    uint32_t at = pool->order.front;
    while (pool->capacity_tokens - pool->used_tokens < tokens && at != 0) {
        uint32_t next = pool->link[at].next;
        if (!is_busy(&pool->entry[at]))
            drop(pool, &pool->entry[at], &pool->counters.dropped_tokens);
        at = next;
    }
    return pool->capacity_tokens - pool->used_tokens >= tokens;
}

/* ---- reading and writing ---- */

/* The copy counts from the base now: what was before it goes. */
static void rebase(struct pool *pool, struct pool_entry *entry, struct kv_base base)
{
    uint32_t cut = cut_to(entry, base), tokens = entry->tokens;
    if (cut == 0)
        return;
    entry->base = base;
    entry->tokens = less(tokens, cut);
    entry->loaded_tokens = less(entry->loaded_tokens, cut);
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
    struct pool_entry *entry = find(pool, key);
    assert(entry != NULL && less(entry->tokens, cut_to(entry, base)) > 0);
    rebase(pool, entry, base);
    entry->readers++;
    tokens = tokens < entry->tokens ? tokens : entry->tokens;
    if (tokens > entry->loaded_tokens)
        entry->loaded_tokens = tokens;
    touch(pool, entry, now_ns);
}

void pool_read_ended(struct pool *pool, uint64_t key)
{
    struct pool_entry *entry = find(pool, key);
    assert(entry != NULL && entry->readers > 0);
    entry->readers--;
    forget_if_empty(pool, entry);
}

uint32_t pool_write_begins(struct pool *pool, uint64_t now_ns, uint64_t key, struct kv_base base,
                           uint32_t tokens)
{
    pool_expire(pool, now_ns);
    struct pool_entry *entry = find(pool, key);
    if (tokens > pool->capacity_tokens || (entry != NULL && is_older(base, entry->base)))
        return 0;
    if (entry != NULL)
        touch(pool, entry, now_ns);
    uint32_t held = entry != NULL ? less(entry->tokens, cut_to(entry, base)) : 0;
    if ((entry != NULL && entry->is_written) || tokens <= held)
        return 0;
    /* Held, so that room is not made by dropping the very copy that will be completed. */
    entry = intern(pool, key);
    rebase(pool, entry, base);
    entry->base = base;
    entry->is_written = true;
    touch(pool, entry, now_ns);
    if (!make_room(pool, tokens - held)) {
        entry->is_written = false;
        forget_if_empty(pool, entry);
        return 0;
    }
    entry->booked_tokens = tokens;
    pool->used_tokens += tokens - held;
    if (pool->used_tokens > pool->peak_tokens)
        pool->peak_tokens = pool->used_tokens;
    return tokens - held;
}

void pool_write_ended(struct pool *pool, uint64_t now_ns, uint64_t key)
{
    struct pool_entry *entry = find(pool, key);
    assert(entry != NULL && entry->is_written);
    if (entry->is_void) {
        pool->used_tokens -= entry->booked_tokens - entry->tokens;
        pool->counters.cut_tokens += entry->booked_tokens - entry->tokens;
    } else {
        entry->tokens = entry->booked_tokens;
    }
    entry->booked_tokens = entry->tokens;
    entry->is_written = entry->is_void = false;
    touch(pool, entry, now_ns);
    forget_if_empty(pool, entry);
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
        must(find(pool, entry->key) == entry);
        must(entry->booked_tokens >= entry->tokens && entry->tokens >= entry->loaded_tokens);
        must(entry->is_written || (entry->booked_tokens == entry->tokens && !entry->is_void));
        must(entry->booked_tokens > 0 || is_busy(entry));
        must(entry->last_use_ns >= last_use_ns);
        last_use_ns = entry->last_use_ns;
        used_tokens += entry->booked_tokens;
    }
    must(entries == pool->map.count);
    must(used_tokens == pool->used_tokens && used_tokens <= pool->capacity_tokens);
}
