/* sim/placement/unit.h - the books' entry for one unit of KV: a session, or a block of a prefix chain.
 * Private to sim/placement/. Sizes are in tokens here (a unit's bytes are tokens * bytes_per_token):
 * that keeps an entry at one cache line less the policies' links, and truncation is in tokens. */
#ifndef REPRISE_SIM_PLACEMENT_UNIT_H
#define REPRISE_SIM_PLACEMENT_UNIT_H

#include "base/keymap.h"
#include "sim/placement/order.h"
#include "sim/placement/tier.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNIT_NONE UINT32_C(0)

/* Invariants. tokens[t] is the length of the valid prefix that tier t holds (0: no copy), so that of
 * two copies the longer contains the shorter. A unit is known to the policy in tier t exactly while
 * tokens[t] > 0, except from when that copy was evicted to when it has gone (leaving). At most
 * one transfer at a time changes a unit's copies. An entry lives while anything of this is true: a
 * copy, a waiter, a pin, a transfer, the policy's memory of it, its uses' being remembered (counted),
 * the entry of a unit that follows it (leaf_only): who is named as a parent is there. */
struct unit {
    uint64_t key; /* first: the keymap reads it here */
    uint64_t last_use_ns;
    uint32_t tokens[TIER_COUNT];
    uint32_t loaded_tokens;               /* the prefix that does not count as never loaded: some job has
                                             loaded it since it was stored here while measured */
    uint32_t first_waiter, last_waiter;   /* chain slots of queued jobs, in queue order; 0: none */
    uint32_t transfer, next_in_transfer;  /* the one that changes a copy; 0: none */
    uint32_t goal_tokens;                 /* what the copy will be when that transfer has ended */
    uint16_t pins;                        /* jobs between prepare and release that use it */
    uint16_t uses;                        /* jobs so far, as long as it is known; stops at the most */
    unsigned leaving : TIER_COUNT;        /* bit t: the copy in tier t was evicted and is still there:
                                             it is being copied first, or waits in `clean` (HBM) */
    bool fresh : 1;                       /* SAVE_ONCE: stored by the save that ends just now */
    bool clean : 1;                       /* its HBM copy is in the list of those that go next */
    bool counted : 1;                     /* is in the list of units whose uses are remembered */
    bool aging : 1;                       /* is in the list of idle units, which expire */
    bool live : 1;                        /* its entry is in use */
    bool fetched : 1;                     /* some of its DRAM copy was fetched ahead while measured, and
                                             no job has used it: so much as fetched_tokens[] says */
    unsigned remembered : TIER_COUNT;     /* bit t: the policy remembers it in tier t, where it was */
    unsigned tenant : 4;                  /* whose it is (tenants.c) */
    uint16_t generation;                  /* sessions behind which is a pool: the base of its copies */
    uint32_t base_tokens;
};

/* What a policy sees of the units, by handle. The arrays move when the books grow, so a policy reads
 * them anew at each call. They are the policy's own for a unit that is in that tier or that it
 * remembers there. */
struct policy_units {
    struct order_link *link[TIER_COUNT]; /* a place in a list or heap */
    void *note[TIER_COUNT];              /* policy.note_bytes each, zero for a new unit; NULL: none */
    const struct unit *unit;             /* the books; NULL in a replay: nothing is pinned or queued */
    uint16_t *reads;                     /* loads under way that read its copies below HBM, which jobs hold
                                            for so long alone; NULL: they hold them until they end */
    uint32_t *passed;                    /* the epoch in which a walk last passed over it (policy_first());
                                            NULL: nobody asks */
    bool hbm_holds;                      /* SAVE_NODES: what HBM has does not leave DRAM */
    uint32_t *depth;                     /* units before it in its chain; NULL unless wanted */
    uint32_t *parent;                    /* the unit before it in its chain; NULL: no order among them */
    uint32_t *children[TIER_COUNT];      /* how many of those that follow it the tier holds; likewise */
};

/* The entries with their index and the arrays that policies see of them. */
struct unit_table {
    struct unit *unit;                   /* [0] is never used */
    struct policy_units seen;
    uint32_t note_bytes;
    bool leaf_only, depths, clean, counts, fetches, reads, nodes, users;
    struct order_link *age_link, *clean_link, *count_link; /* the latter two where asked for */
    uint32_t *fetched_tokens;            /* where asked for; valid where `fetched` */
    uint32_t *node_end;                  /* SAVE_NODES: the last unit of its node; UNIT_NONE: in none */
    uint64_t *user;                      /* for whom a job used it last; NULL: nobody asks (losses) */
    uint32_t *behind;                    /* the unit that followed it in a chain last: a guess */
    uint32_t *followers;                 /* leaf_only: entries that name it as their parent */
    uint32_t capacity, high_water;       /* entries allocated; handles ever given out */
    uint32_t free_unit;                  /* released entries, chained by next_in_transfer */
    struct keymap map;
};

/* note_bytes, depths, leaf_only: which arrays a policy wants of units. */
void unit_table_init(struct unit_table *table, uint32_t note_bytes, bool depths, bool leaf_only);
void unit_table_free(struct unit_table *table);
/* The unit of that key, or UNIT_NONE. */
uint32_t unit_find(const struct unit_table *table, uint64_t key);
/* The unit of that key, made when there is none. May move table->unit and the links. before: the one
 * before it in its chain, or UNIT_NONE: mostly the same unit follows that one again, and is found there. */
uint32_t unit_intern(struct unit_table *table, uint64_t key, uint32_t before);
/* Asks the processor to fetch where unit_intern() will look for a chain's next keys, which come behind the unit
 * `before` (UNIT_NONE: they begin it): from the first on that does not follow as it did. For speed alone. */
void unit_prefetch_chain(const struct unit_table *table, uint32_t before, const uint64_t *keys,
                         uint32_t count);
/* leaf_only: the unit follows the unit `parent` from now on, or none. Returns what it followed before, whose
 * entry there may be no reason for any more, or UNIT_NONE. */
uint32_t unit_follow(struct unit_table *table, uint32_t unit, uint32_t parent);
/* Forgets a unit for whose entry there is no reason any more. Returns what it followed, as above. */
uint32_t unit_release(struct unit_table *table, uint32_t unit);

/* Whether jobs, or what is under way, keep the unit's copy in the tier from being evicted. */
static inline bool unit_is_held(const struct policy_units *seen, uint32_t unit, enum tier tier)
{
    const struct unit *entry = &seen->unit[unit];
    if (entry->transfer != 0)
        return true;
    if (tier == TIER_HBM || seen->reads == NULL)
        return entry->pins > 0;
    return seen->reads[unit] > 0 ||
           (seen->hbm_holds && tier == TIER_DRAM && entry->tokens[TIER_HBM] > 0);
}

/* Whether in some tier nothing holds the unit's copy, or would not if there was one. */
static inline bool unit_may_go(const struct policy_units *seen, uint32_t unit)
{
    const struct unit *entry = &seen->unit[unit];
    return entry->transfer == 0 &&
           (entry->pins == 0 || (seen->reads != NULL && seen->reads[unit] == 0));
}

static inline bool unit_leaves(const struct unit *unit, enum tier tier)
{
    return (unit->leaving >> (unsigned)tier & 1U) != 0;
}

/* Asks the processor to fetch the unit's entry, and its places in lists or heaps. For speed alone. */
static inline void unit_prefetch(const struct unit_table *table, uint32_t unit)
{
    __builtin_prefetch(&table->unit[unit]);
    __builtin_prefetch(&table->unit[unit].base_tokens);
    for (int tier = 0; tier < TIER_COUNT; tier++)
        __builtin_prefetch(&table->seen.link[tier][unit]);
}

/* Asks the processor to fetch what giving up the units of a list will read, of those that come
 * behind `unit`. For speed alone: where the links are no list's it goes astray and does no harm. */
static inline void unit_prefetch_next(const struct unit_table *table, uint32_t unit,
                                      const struct order_link *link)
{
    enum { SLOT_AHEAD = 2, UNIT_AHEAD = 4 };
    for (int ahead = 1; ahead <= UNIT_AHEAD; ahead++) {
        unit = link[unit].next;
        if (unit == UNIT_NONE || unit >= table->high_water)
            return;
        if (ahead == SLOT_AHEAD)
            keymap_prefetch(&table->map, table->unit[unit].key);
    }
    __builtin_prefetch(&table->unit[unit]);
    __builtin_prefetch(&link[unit]);
}

static inline struct keymap_keys unit_keys(const struct unit_table *table)
{
    return (struct keymap_keys){ .records = table->unit, .stride = sizeof(struct unit) };
}

#endif
