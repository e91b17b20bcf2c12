/* sim/placement/pool_state.h - what a pool holds. Private to pool.c and pool_part.c. */
#ifndef REPRISE_SIM_PLACEMENT_POOL_STATE_H
#define REPRISE_SIM_PLACEMENT_POOL_STATE_H

#include "base/keymap.h"
#include "sim/placement/order.h"
#include "sim/placement/pool_part.h"

/* What was told to a pool, while it notes that. */
enum pool_call {
    POOL_READ_BEGINS,
    POOL_READ_ENDED,
    POOL_WRITE_BEGINS,
    POOL_WRITE_ENDED,
    POOL_EXPIRE
};

struct pool_note {
    uint64_t now_ns, key;
    struct kv_base base;
    uint32_t user, tokens, answer;
    enum pool_call call;
};

struct pool_notes {
    bool kept;
    struct pool_note *item;
    uint32_t count, capacity;
};

/* booked is what the copy will be: more than tokens while it is written. An entry lives while it is
 * booked anything or is being read or written. All are in `order`, least recently touched first. */
struct pool_entry {
    uint64_t key; /* first: the keymap reads it here */
    uint64_t last_use_ns; /* of a part's: when it was asked for last */
    struct kv_base base;
    uint32_t tokens, booked_tokens, loaded_tokens;
    uint32_t readers;
    union {
        uint32_t user; /* whose it is: the first one's to write it */
        uint32_t next_free;
    };
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
    /* pool_part.h: */
    bool is_part, tells_gone;
    uint64_t expires_ns; /* of a part: before then nothing of the whole does */
    uint64_t now_ns;     /* of a part */
    struct pool_notes notes;
    struct pool_gone *gone; /* given up and not taken yet */
    uint32_t gone_count, gone_capacity;
};

/* pool.c */
void pool_note(struct pool *pool, struct pool_note note);
/* The key's entry, made if there is none. */
struct pool_entry *pool_intern(struct pool *pool, uint64_t key, uint32_t user);
/* Gives it back if nothing is left of it. */
void pool_forget_if_empty(struct pool *pool, struct pool_entry *entry);

static inline bool pool_is_busy(const struct pool_entry *entry)
{
    return entry->readers > 0 || entry->is_written;
}

static inline struct keymap_keys pool_keys_of(const struct pool *pool)
{
    return (struct keymap_keys){ .records = pool->entry, .stride = sizeof *pool->entry };
}

static inline struct pool_entry *pool_find(const struct pool *pool, uint64_t key)
{
    uint32_t at = keymap_find(&pool->map, pool_keys_of(pool), key);
    return at != 0 ? &pool->entry[at] : NULL;
}

/* For a user, and a part remembers that. */
static inline struct pool_entry *pool_ask(const struct pool *pool, uint64_t key)
{
    struct pool_entry *entry = pool_find(pool, key);
    if (pool->is_part && entry != NULL)
        entry->last_use_ns = pool->now_ns;
    return entry;
}

/* Tokens that a copy of the entry's loses when it shall count from that base; UINT32_MAX: all. */
static inline uint32_t pool_cut_to(const struct pool_entry *entry, struct kv_base base)
{
    bool same = entry->base.generation == base.generation;
    return same && entry->base.tokens <= base.tokens ? base.tokens - entry->base.tokens
                                                     : UINT32_MAX;
}

static inline uint32_t pool_less(uint32_t tokens, uint32_t cut)
{
    return tokens > cut ? tokens - cut : 0;
}

#endif
