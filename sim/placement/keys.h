/* sim/placement/keys.h - the keys of an experiment that the core follows as they are: the experiment
 * and the core's configuration hold this one struct. Ranges, defaults and sources are in docs/config.md;
 * what each mode of writing does, in docs/policies.md. */
#ifndef REPRISE_PLACEMENT_KEYS_H
#define REPRISE_PLACEMENT_KEYS_H

#include "base/choice.h"
#include "sim/placement/policy_keys.h"
#include "sim/placement/tier.h"

#include <stdbool.h>
#include <stdint.h>

/* When a slower tier gets its copy:
 * through: as soon as it is final in HBM, or whole in DRAM; selective: that, of units that write_uses
 * jobs used; back: when the faster tier gives it up, and whoever needs the room waits for the copy;
 * lazy, for DRAM only: before HBM gives it up, so that write_ahead_tokens can go at once. */
#define LOWER_WRITE_MODES(X)                                                                       \
    X(WRITE_THROUGH, "through") X(WRITE_SELECTIVE, "selective") X(WRITE_BACK, "back")
#define WRITE_MODES(X) LOWER_WRITE_MODES(X) X(WRITE_LAZY, "lazy")
enum write_mode { WRITE_MODES(CHOICE_MEMBER) };

/* How a job's new KV comes below HBM, where writes are through or selective:
 * lacking: at each save all that lower tiers lack of the job's KV, whoever computed it, and it waits for
 * room; a job's units stay in every tier until it has ended. CachedAttention's.
 * once: each whole block is offered once, from the first that was not loaded on; all that is offered
 * gets room or none of it, and then it is offered again with the next. vLLM's OffloadingConnector.
 * each: the same from the first that a look-up did not find on, but block by block as far as there is
 * room, and room is made for those that are there already. LMCache's.
 * nodes: blocks are the nodes of a radix tree, which come, are copied and go as wholes (tree.c); a node is
 * written when it was inserted write_uses times (selective). SGLang's.
 * Under all but lacking, a job's units stay below HBM only while they are copied. */
#define SAVE_RULES(X)                                                                              \
    X(SAVE_LACKING, "lacking") X(SAVE_ONCE, "once") X(SAVE_EACH, "each") X(SAVE_NODES, "nodes")
enum save_rule { SAVE_RULES(CHOICE_MEMBER) };

/* SAVE_ONCE: when the tiers below HBM hear of a job. stores: at its look-up, of all its units, and at each of
 * its stores (vLLM up to 0.30); end: when it has ended, of those that it loaded or offered (from 0.31 on). */
#define TOUCHES(X) X(TOUCH_STORES, "stores") X(TOUCH_END, "end")
enum touch { TOUCHES(CHOICE_MEMBER) };

/* SAVE_NODES: hiradix asks DRAM, and HBM for what it loads, for room for all of a node, writes a node when the one
 * above it is there, and does not count the insertion of one that HBM had lost; unified asks for what is
 * short, writes those above first, and counts. SGLang's HiRadixCache and UnifiedRadixCache. */
#define TREES(X) X(TREE_HIRADIX, "hiradix") X(TREE_UNIFIED, "unified")
enum tree { TREES(CHOICE_MEMBER) };

/* What has a tier for its index means nothing for HBM. */
struct placement_keys {
    int write[TIER_KINDS];           /* enum write_mode; DRAM's is through where HBM has no cache */
    uint32_t write_uses[TIER_KINDS]; /* selective: jobs that must have used a unit */
    int save;                        /* enum save_rule */
    int touch;                       /* enum touch */
    int tree;                        /* enum tree */
    uint32_t pending_most_tokens;    /* SAVE_ONCE: a job waits for what is on its way to DRAM, unless no more of
                                        what it would find begins there */
    double evict_at, evict_share;    /* of DRAM: room is made when that much is used, by units that hold that
                                        share of what is used, and not when it is asked for; 0: when it is */
    uint64_t evict_interval_ns;      /* how often that is looked at */
    bool staging;                    /* DRAM gives up what SSD has */
    uint64_t promote_after;          /* what is loaded from SSD stays in DRAM, but for the first so many times;
                                        UINT64_MAX: never */
    uint32_t admit_uses[TIER_KINDS]; /* the filter: units that fewer jobs used stay out */
    bool inclusive[TIER_COUNT];      /* DRAM keeps what HBM keeps of a job that ended (always, but with
                                        back); SSD keeps what is brought to DRAM */
    uint64_t ssd_admit_bytes;        /* the filter: shorter units stay out */
    uint32_t write_ahead_tokens;     /* lazy: HBM that is free, or held by DRAM too and going next */
    double dram_reserve_share;       /* of DRAM, in [0, 1): kept free by demoting ahead */
    uint64_t ttl_ns;                 /* from a unit's last use; 0: for ever. Queued or used: does not expire */
    uint32_t count_units;            /* units whose uses are known though they are gone */
    bool leaf_only;                  /* blocks: no tier evicts one while it holds one that follows it */
    struct policy_keys policy;       /* each policy's own */
    uint32_t fetches_in_flight;      /* look-ahead: at most so many at once */
    double fetch_share;              /* look-ahead: none begins while others bring that share of DRAM */
    uint32_t fetch_min_tokens;       /* fewer of a job's are not worth a look-ahead fetch */
};

#endif
