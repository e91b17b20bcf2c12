/* sim/engine/collector.h - gathers what a run measures on the engine's side: turns, tokens, GPU time, the
 * queue. What tiers and links count (bytes by cause, peaks) the engine adds from them. */
#ifndef REPRISE_SIM_ENGINE_COLLECTOR_H
#define REPRISE_SIM_ENGINE_COLLECTOR_H

#include "base/histogram.h"
#include "base/sum.h"
#include "sim/placement/tier.h"
#include "sim/engine/experiment.h"
#include "sim/engine/result.h"
#include "sim/engine/tenant_sums.h"

#include <stdint.h>

enum busy { BUSY_PREFILL, BUSY_DECODE, BUSY_SAVE_STALL, BUSY_COUNT };

/* A mean weighted by time of a value that changes in steps. */
struct time_mean {
    uint64_t since_ns;
    double value;
    struct sum sum; /* value * ns up to since_ns */
};

/* What happened over time, in at most TIMELINE_BINS bins: when time outgrows them, pairs are merged
 * and a bin spans twice as long. */
enum { TIMELINE_BINS = 128 };
enum timeline_row { ROW_HBM, ROW_DRAM, ROW_SSD, ROW_REMOTE, ROW_MISSES, ROW_QUEUE, ROW_COUNT };
struct timeline {
    uint64_t start_ns, bin_ns;
    double bin[ROW_COUNT][TIMELINE_BINS];
};

/* TTFT by a turn's number in its session; the last entry is of all later turns. */
enum { TTFT_TURNS = 32 };
struct turn_ttft {
    uint64_t count;
    struct sum sum_ns;
};

/* Times whose mean and quantiles are metrics (time_metrics in collector.c). */
enum times {
    TIMES_TTFT,
    TIMES_QUEUEING,
    TIMES_PREFILL,
    TIMES_TBT,
    TIMES_E2E,
    TIMES_TPOT,
    TIMES_COUNT
};

/* What keeps the next turn of a server's queue from starting, and those behind it. */
enum wait_cause { WAIT_BATCH, WAIT_HBM, WAIT_KV, WAIT_GPU, WAIT_COUNT };

/* Whole numbers, nothing else: those of a run's parts are added up as they lie. */
struct collector_counts {
    uint64_t busy_ns[BUSY_COUNT], load_wait_ns;
    uint64_t iterations, extrapolated_iterations, extrapolated_ns;
    uint64_t turns, reply_tokens, overflows, clamped_turns;
    uint64_t wanted_tokens, history_tokens, reused_tokens, computed_tokens;
    uint64_t passed_over_tokens, passed_over[TIER_KINDS];
    uint64_t preemptions, preempted_tokens, prefilled_again_tokens, turns_in_slo;
    uint64_t hit_tokens[TIER_KINDS], prefill_tokens;
    uint64_t units_found, units_wanted, turns_prefilled, turns_reusing;
    uint64_t later_turns, later_turns_reusing; /* of the prefilled ones: not their session's first */
};

struct collector {
    uint64_t measure_ns, last_end_ns; /* the measured part; UINT64_MAX: it has not begun */
    const struct experiment *experiment;
    struct histogram times[TIMES_COUNT];
    struct turn_ttft by_turn[TTFT_TURNS];
    struct collector_counts counts;
    uint64_t after_ns[BUSY_COUNT]; /* of busy_ns: after the last turn that has ended so far */
    struct sum outside_ns;         /* sum of measured turns' time to first token outside the scheduler */
    struct sum queueing_before_ns; /* measured turns' waiting before the measured part began */
    struct time_mean queue;
    struct sum waiting_ns[WAIT_COUNT]; /* of queue's integral; all servers */
    struct sum batch_time, decode_time; /* batch size * ns, and ns */
    struct turn_ttft urgent; /* turns of urgent sessions */
    struct timeline timeline;
    struct tenant_sums tenant[TRACE_TENANTS_MOST];
};

/* A turn whose prefill has ended. */
struct turn_record {
    uint64_t end_ns, ttft_ns;
    uint64_t outside_ns, queueing_ns, prefill_ns; /* of it: outside the scheduler, waiting, the rest */
    uint32_t turn; /* its number in the session, from 0 */
    uint32_t context_tokens;             /* history and prompt */
    uint32_t history_tokens;             /* open loop: 0, the trace does not tell them apart */
    uint32_t reused_tokens;              /* of the context; the sum of hit_tokens */
    uint32_t passed_over_tokens;         /* found, but computed again since that was sooner */
    uint32_t hit_tokens[TIER_KINDS];
    uint32_t passed_over[TIER_KINDS]; /* of passed_over_tokens: where they lay */
    uint32_t units_found, units_wanted;
    uint8_t tenant;
    bool urgent;
    bool overflowed, clamped; /* its context was truncated; its prompt or reply cut to the window */
};

/* A turn whose reply has ended. */
struct turn_end {
    uint64_t end_ns, ttft_ns, decode_ns; /* decode: first token to last */
    uint32_t reply_tokens;
    uint8_t tenant;
};

/* The experiment outlives the collector. */
void collector_init(struct collector *collector, const struct experiment *experiment);
void collector_free(struct collector *collector);
/* The warm-up is over: everything starts from zero, now. */
void collector_measure_from(struct collector *collector, uint64_t now_ns);

void collector_add_turn(struct collector *collector, const struct turn_record *turn);
/* A measured turn's last token is out. */
void collector_end_turn(struct collector *collector, const struct turn_end *turn);
/* A turn of the tenant's was pushed out of HBM: its ready_tokens are to be made again. */
void collector_add_preemption(struct collector *collector, uint32_t tenant, uint32_t ready_tokens);
/* The GPUs were busy from..to, for time_ns of that with `what`. What lies before the measured part, or
 * after the last turn's end (saves that are still waited for), is left out. */
void collector_add_busy(struct collector *collector, enum busy what, uint64_t time_ns,
                        uint64_t from_ns, uint64_t to_ns);
/* A turn that was pushed out is prefilled anew. */
void collector_add_prefilled_again(struct collector *collector, uint32_t tokens);
/* Of the busy time: layers waiting for their KV. */
void collector_add_load_wait(struct collector *collector, uint64_t time_ns);
/* Iterations from..to ended; extrapolated: their times were (models/timing_range.h). */
void collector_add_iterations(struct collector *collector, uint64_t count, uint64_t from_ns,
                              uint64_t to_ns, bool extrapolated);
void collector_add_batch(struct collector *collector, uint32_t sequences, uint64_t time_ns);
/* So many gaps between a turn's tokens, each of gap_ns. */
void collector_add_tbt(struct collector *collector, uint64_t gap_ns, uint32_t times);
/* count gaps, gap k lasting first_ns + k * step_ns, for each of `sequences`. */
void collector_add_tbt_ramp(struct collector *collector, double first_ns, double step_ns,
                            uint64_t count, uint32_t sequences);
/* So many turns of a server waited from..to for this. What lies before the measured part is left out. */
void collector_add_waiting(struct collector *collector, enum wait_cause cause, uint32_t turns,
                           uint64_t from_ns, uint64_t to_ns);
/* Turns waiting from now on. */
void collector_set_queue(struct collector *collector, uint64_t now_ns, uint32_t turns);

/* Of a part of the service that measures by itself from now on: turns that wait in it, and the rest as the
 * whole has it. The whole's own queue is empty then. */
void collector_part_init(struct collector *part, const struct collector *whole, uint64_t now_ns,
                         uint32_t waiting);
/* Now that nothing more happens in the part, what it measured is the whole's. Parts of one run are added in
 * the same order whatever threads there were: sums of fractions depend on it. */
void collector_add_part(struct collector *whole, struct collector *part, uint64_t now_ns);

/* Fills the metrics that are the collector's, zeroes the others, and adds the series; docs/metrics.md
 * lists both. */
void collector_finish(struct collector *collector, uint64_t now_ns, struct sim_result *result);

#endif
