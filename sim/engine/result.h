/* sim/engine/result.h - what a run gives, in virtual or in real time, and how it tells of its
 * progress. */
#ifndef REPRISE_SIM_ENGINE_RESULT_H
#define REPRISE_SIM_ENGINE_RESULT_H

#include "models/models.h"
#include "sim/engine/metrics.h"
#include "sim/engine/tenants.h"
#include "sim/engine/watch.h"
#include "sim/placement/tier.h"

#include <stdbool.h>
#include <stdint.h>

/* What one run gives beside its metrics: curves for plots. x and y are owned by the result. */
struct series {
    char name[64];           /* "ttft_cdf", "hits_dram_over_time"...; see docs/metrics.md */
    const char *x_unit, *y_unit;
    uint32_t count;
    double *x, *y;
};
#define SIM_SERIES_MAX 16
#define SIM_FINDINGS_MAX 10
#define SIM_FINDING_BYTES 352

struct sim_result {
    struct metrics metrics;
    uint32_t tenant_count; /* 0 where there is one: the run's metrics are its */
    struct tenant_result tenant[TRACE_TENANTS_MOST];
    uint32_t series_count;
    struct series series[SIM_SERIES_MAX];
    uint64_t trace_hash;
    bool open_loop; /* requests came at recorded times, whatever happened before */
    const char *trace_format;
    char timing_source[TIMING_SOURCE_BYTES];
    uint64_t kv_bytes_per_token, kv_budget_bytes;
    uint32_t raised_block_tokens; /* of units that were raised to hold a state; 0: they were not */
    uint64_t kv_tier_bytes[TIER_KINDS];  /* of a token where it is kept (engine.rank_copies) */
    char finding[SIM_FINDINGS_MAX][SIM_FINDING_BYTES]; /* sentences on the run, most important first; "": no more */
    uint64_t events;             /* simulated, for benchmarks */
    bool interrupted;            /* stopped by progress(): metrics are of what was done */
};

/* One measured turn of a run: what its user waited for, and what was reused for it. */
struct turn_times {
    uint64_t session;    /* its number in the trace, from 0 */
    uint32_t turn;       /* its number in its session, from 0 */
    uint64_t asked_ns;   /* since the run began */
    uint64_t ttft_ns;    /* from being asked to the first token */
    uint64_t decode_ns;  /* from the first token to the last; 0 where there is one */
    uint32_t reply_tokens;
    uint32_t wanted_tokens, reused_tokens; /* history and prompt; of them, what was not computed again */
};

/* Calls come from the run's thread; what is NULL is left out. */
struct sim_progress {
    /* Now and then; returns false to stop the run. */
    bool (*tell)(void *context, uint64_t turns_done, uint64_t turns_expected, double share_read);
    void *context;
    /* Each measured turn when its reply has ended, in the order of ends. */
    void (*turn_ended)(void *context, const struct turn_times *turn);
    const struct watch *watch; /* hears of everything (watch.h); NULL: nobody does */
};

void sim_result_free(struct sim_result *result);

/* How the finding begins that turns came faster than they were served: what is kept of a run are its sentences. */
#define FINDING_OVERLOADED "overloaded: "
bool finding_tells_overload(const char *sentence);

/* How the finding begins that drives do not last their warranty, and what helps: what is kept of a run are its
 * sentences. */
#define FINDING_WEARS_OUT "the SSDs wear out: "
#define WEAR_ADVICE                                                                                          \
    "Write less (tiers.ssd.admit_uses) or to more or more durable drives (ssd.drives, ssd.drive)"
bool finding_tells_wear(const char *sentence);

#endif
