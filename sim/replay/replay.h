/* sim/replay/replay.h - a trace's block references against tiers of N blocks: hits alone, no time,
 * no engine. The policies are the placement core's, called through the same struct policy; this is
 * how fast they can be asked, and where they are compared with bounds (bound.h).
 *
 * A request's hits are the leading run of its blocks that are cached when it comes; then each of
 * its blocks is touched, in order: used where it lies, or put into the fastest tier, whose victims
 * go to the next. Requests are worked off a little behind their being told, so that look-ups
 * overlap: the counts are whole after replay_finish(). */
#ifndef REPRISE_SIM_REPLAY_REPLAY_H
#define REPRISE_SIM_REPLAY_REPLAY_H

#include "sim/engine/turn_row.h"
#include "sim/placement/policy.h"

struct replay;

/* Hears of each request before it changes anything, as a row of turns in which what needs time is nothing
 * (TURN_NOTHING). request NULL: nobody does, and a replay takes no time for it. */
struct replay_teller {
    void (*request)(void *context, const struct turn_row *row);
    void *context;
};
/* Whose request it is, for rows. */
struct replay_whose {
    uint64_t session, turn, asked_ns; /* turn: of its session, from 1 on */
};

struct replay_config {
    const struct policy *policy;
    struct policy_keys keys;     /* those of time mean nothing here */
    uint64_t blocks[TIER_COUNT]; /* 0: no such tier; at least one is not. UINT64_MAX: no limit */
    bool inclusive;              /* what a faster tier takes keeps its place in the slower one */
    bool write_through;    /* a new block is written to every tier at once, not when demoted */
    bool leaf_only;        /* none goes before those that follow it; touches deepest first */
    uint32_t block_tokens; /* with the two below: the time that hits save */
    double recompute_base_ns, recompute_slope_ns; /* of a token at position p: base + slope * p */
    struct replay_teller teller;
};

struct replay_result {
    uint64_t requests, references;
    uint64_t hits[TIER_COUNT];    /* by the fastest tier that had the block */
    uint64_t written[TIER_COUNT]; /* blocks that came into the tier */
    uint64_t evicted[TIER_COUNT];
    uint64_t all_hits;                  /* of all tiers */
    uint64_t prompt_tokens, hit_tokens; /* of all requests; in hits, no more than of the prompt */
    double saved_ns, whole_ns;          /* recomputing time that hits saved; of all references */
    uint64_t live,
        memory_bytes; /* blocks in the books now, remembered ones too; all memory of theirs */
};

/* config must hold what its comments say. Never fails. */
struct replay *replay_new(const struct replay_config *config);
void replay_free(struct replay *replay); /* NULL is fine */

/* The next request: its blocks, and the tokens of its prompt (the last block may be partial, or
 * behind the prompt: a reply's). keys are read before it returns. */
void replay_request(struct replay *replay, const uint64_t *keys, uint32_t count,
                    uint32_t prompt_tokens);

/* The next request is that one's. */
void replay_whose(struct replay *replay, const struct replay_whose *about);

/* Works off what was told; more may follow. */
struct replay_result replay_finish(struct replay *replay);

#endif
