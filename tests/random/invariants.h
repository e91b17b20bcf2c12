/* tests/random/invariants.h - what must hold of every run, whatever the experiment: each a function
 * that says why. What is expected comes from the experiment and from reading its trace, never from
 * the simulator's own sums. */
#ifndef REPRISE_TESTS_RANDOM_INVARIANTS_H
#define REPRISE_TESTS_RANDOM_INVARIANTS_H

#include "tests/random/asked.h"
#include "tests/random/rows.h"

#include <stdbool.h>

/* A run and what it was asked to do. */
struct outcome {
    struct experiment experiment;
    struct asked asked;
    struct sim_result result;
    struct row_sums rows; /* what was told of its turns */
    uint64_t dram_bytes, ssd_bytes; /* of a server; 0: no such tier */
    uint32_t storing_servers;       /* those that prefill have tiers */
    double link_bytes_per_s[LINK_COUNT];
    bool stores;                    /* the policy keeps KV at all */
    bool is_plain; /* all layers see everything: a token is so many bytes anywhere */
};

/* Fills what follows from the experiment; the result is the caller's. STATUS_INPUT, STATUS_IO: as
 * sim_run() would refuse it. */
enum status outcome_expect(const struct experiment *experiment, struct outcome *outcome,
                           struct error *err);

/* The comparison that did not hold. */
struct seen {
    const char *what;
    double left, right;
};

/* X(name, reason) */
#define INVARIANTS(X)                                                                              \
    X(every_number_is_one, "no metric and no curve is negative, infinite or not a number")         \
    X(every_turn_ended, "a turn that is asked ends: the measured ones are all but the warm-up's")  \
    X(every_session_began, "a session has one first turn, and no more")                            \
    X(tokens_are_the_trace_s,                                                                      \
      "prompts and replies are those of the trace, fitted into the window")                        \
    X(hits_and_computed_are_wanted, "each token of a context is found in one tier or computed")    \
    X(shares_are_at_most_one, "a part is no more than its whole")                                  \
    X(no_hits_without_a_tier, "what cannot be stored is neither found nor moved")                  \
    X(hits_are_loaded, "what is found in a tier crosses its links to be used")                     \
    X(times_add_up, "a first token takes queueing and a prefill")                                  \
    X(quantiles_are_in_order, "a higher quantile is no shorter")                                   \
    X(quantiles_are_the_turns, "a quantile is that of all turns, sorted, within 0.2 %")            \
    X(promises_are_kept_by_turns, "the share within the SLO is that of the turns within it")       \
    X(time_is_that_of_the_turns, "what is measured lasts until the last turn's end")               \
    X(queue_has_its_waiting, "Little's law: the queue over time is all waiting of those in it")    \
    X(no_more_are_in_flight_than_asked,                                                            \
      "Little's law: nor is a place of a closed loop taken twice")                                 \
    X(busy_adds_up, "GPUs prefill, decode or wait; waiting for KV is part of a prefill")           \
    X(iterations_hold_the_batch, "turns take iterations, in which no more decode than may")        \
    X(rates_are_counts_over_time, "each rate is its count over the elapsed time")                  \
    X(curves_are_the_totals, "hits over time sum to the hits, and a CDF rises to 1")               \
    X(ssd_bytes_have_causes, "each byte on the SSDs' links has a cause")                           \
    X(pcie_bytes_have_causes, "each byte between host and GPUs has a cause")                       \
    X(network_bytes_have_causes, "each byte to and from the pool has a cause")                     \
    X(tiers_keep_their_capacity, "a tier never holds more than it can")                            \
    X(fetches_are_used_or_not, "no more can be fetched in vain than was fetched")                  \
    X(stored_is_loaded_or_not,                                                                     \
      "no more can be stored in vain than was stored, nor that than saved")                        \
    X(lost_kv_was_made, "no more KV is lost than was computed or replied")                         \
    X(only_growth_preempts, "where HBM is booked for whole replies nobody is pushed out")          \
    X(tenants_add_up, "what is counted of each tenant sums to the run's")                          \
    X(servers_share_the_turns,                                                                     \
      "the busiest server has its fair share at least, all turns at most")                         \
    X(costs_add_up, "the cost is the sum of its parts, and each part a price of the busy time")    \
    X(rows_are_whole, "a turn's row accounts for all of its time in the queue, and each token once") \
    X(rows_are_the_metrics, "rows of turns, and copies, sum to what is measured")                  \
    X(tiers_hold_what_came_and_has_not_gone,                                                       \
      "what goes from a tier came there before, and the pool's is there or has gone")              \
    X(links_move_what_they_can, "no link moves more than its rate times the time of its copies")   \
    X(wear_is_what_was_written, "the drives wear by what is written to them")

#define INVARIANT_COUNT_ONE(name, reason) +1
enum { INVARIANT_COUNT = 0 INVARIANTS(INVARIANT_COUNT_ONE) };

struct invariant {
    const char *name, *reason;
    /* false: seen says what was compared. */
    bool (*holds)(const struct outcome *outcome, struct seen *seen);
};

/* The table, in the order above. */
extern const struct invariant invariants[INVARIANT_COUNT];

#endif
