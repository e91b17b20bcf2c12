/* tests/sim/placement/scenario.h - drives a placement core with random turns and transfers, as an
 * engine would, and keeps books of its own from what it sees at the door alone: copies' sizes and
 * the actions. Each step checks what must hold of any policy. */
#ifndef REPRISE_TESTS_SIM_PLACEMENT_SCENARIO_H
#define REPRISE_TESTS_SIM_PLACEMENT_SCENARIO_H

#include "base/random.h"
#include "sim/placement/placement.h"

enum { SCENARIO_KEYS = 120, SCENARIO_CHAIN = 6, SCENARIO_JOBS = 24, SCENARIO_FLIGHTS = 256 };
/* The most that a turn takes of HBM. */
enum { SCENARIO_CHAIN_TOKENS_MAX = 112, SCENARIO_SESSION_TOKENS_MAX = 241 };

struct scenario_job {
    uint32_t handle; /* the core's; 0: this entry is free */
    uint64_t keys[SCENARIO_CHAIN];
    uint32_t count;
    uint32_t context_tokens, total_tokens;
    bool running, saved, finished;
    uint64_t start_step; /* running: since then */
    uint32_t found;      /* leading units of the chain that it reuses */
    uint32_t loads;
};

struct scenario {
    struct placement *core;
    struct placement_config config;
    struct random random;
    uint64_t seed, now_ns, step;
    uint32_t take_capacity;                 /* of the buffer that actions are taken into */
    bool cuts_fronts; /* blocks: chains that lack their first ones, or are in another order */
    struct scenario_job job[SCENARIO_JOBS]; /* in no order; queue[] has the queued ones' */
    uint32_t queue[SCENARIO_JOBS], queued;
    struct action flight[SCENARIO_FLIGHTS]; /* transfers under way */
    uint32_t flights;
    struct action *log; /* every action, in order */
    uint32_t log_count, log_capacity;
    uint64_t copies[TIER_COUNT];         /* bytes of all units' copies after the step before */
    uint64_t dropped[TIER_COUNT];        /* by this step's actions */
    uint64_t held[SCENARIO_KEYS + 1];    /* the longest copy of each key */
    uint64_t *told_hbm; /* by unit: its copy in HBM, as shares, drops and cuts tell */
    uint32_t told_capacity;
    uint64_t history[SCENARIO_KEYS + 1]; /* sessions: tokens of context so far */
    uint32_t base[SCENARIO_KEYS + 1];    /* sessions: tokens cut off so far */
    uint64_t cut_key;                    /* whose context this step cut, or 0 */
    uint64_t jobs_done;
    struct placement_counters at_measure;
};

/* Blocks of 16 tokens (sessions: whole), DRAM for a quarter of all keys, SSD for half, and so on.
 */
struct placement_config scenario_config(const struct policy *policy, bool sessions);
void scenario_init(struct scenario *scenario, const struct placement_config *config, uint64_t seed,
                   uint32_t take_capacity);
void scenario_free(struct scenario *scenario);
/* One random event and all checks. */
void scenario_step(struct scenario *scenario);
/* No new turns: steps until every turn is done and no transfer is under way. */
void scenario_drain(struct scenario *scenario);
/* What comes before is the warm-up. */
void scenario_measure(struct scenario *scenario);
/* The run is over: since scenario_measure(), no more was in vain than was stored or fetched. */
void scenario_end(struct scenario *scenario);
/* The core's counters are the sums of the transfers that it began. */
void scenario_check_counters(const struct scenario *scenario);

#endif
