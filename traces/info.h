/* traces/info.h - what a trace holds: counts, how soon its blocks come back, and what an LRU cache
 * of any size would make of that. Public interface of traces/.
 *
 * Hits are those of a prefix cache: of a request's blocks the leading run that is cached when it
 * comes; every block of it is then touched, in order. */
#ifndef REPRISE_TRACES_INFO_H
#define REPRISE_TRACES_INFO_H

#include "traces/traces.h"

#include <stdio.h>

enum { TRACE_CAPACITIES_MOST = 160, TRACE_ASKED_MOST = 32, TRACE_OCTAVES = 48 };

/* What is measured of block references. Memory: 50 to 70 bytes for each of exact_blocks (less where
 * the trace has fewer), and as much for each sampled one. */
struct trace_reuse_config {
    uint64_t asked[TRACE_ASKED_MOST]; /* capacities to know exactly, in blocks */
    uint32_t asked_count;
    uint32_t exact_blocks; /* capacities up to it are exact whatever the trace's length; raised to
                              the largest of asked[] */
    bool deepest_first;    /* a request's last block is touched first, so that LRU gives up the ends
                              of prefixes before their beginnings */
    double sample_rate; /* in (0, 1]: that share of blocks is sampled; 0: sample_blocks of them */
    uint32_t sample_blocks; /* at least 16 */
    uint64_t sample_seed;   /* which blocks */
};
/* 4 Mi exact blocks, 65,536 sampled ones. */
struct trace_reuse_config trace_reuse_standard(void);

/* Of block references; all zero where the trace has no block keys. `hits` are counted for
 * capacities up to exact_blocks, and for all if `whole`; above, what the sample says of the
 * distances above is added. `sampled` are the sample's alone, SHARDS as published, with its
 * correction (SHARDS-adj). */
struct trace_reuse {
    bool whole;            /* no block was forgotten: nothing here is an estimate but `sampled` */
    bool deepest_first;    /* as configured */
    uint64_t exact_blocks; /* as configured, raised to what was asked */
    uint64_t references;   /* all of them, without an estimate */
    double distinct_blocks, unbounded_hits;
    /* Under LRU of capacity[i] blocks. Ascending: ten a decade, and what was asked. */
    uint32_t capacities;
    uint64_t capacity[TRACE_CAPACITIES_MOST];
    double hits[TRACE_CAPACITIES_MOST], sampled[TRACE_CAPACITIES_MOST];
    /* References by reuse distance, the number of different blocks touched since the block was,
     * itself included: [k] holds 2^k to 2^(k+1) - 1. The rest are first references. */
    double octave[TRACE_OCTAVES];
    double sample_rate; /* in the end */
    uint64_t sampled_blocks, sampled_references;
    /* |sampled - exact| of the hit rate over the capacities that are exact and below
     * distinct_blocks: mean and largest. */
    double error_mean, error_most;
    /* Whose reuse it is, as far as the stack goes. A request of an open loop continues another if
     * it is the first to have the last block of it, or the last but one, again: the turn before, as
     * the trace does not name conversations. Its hits up to there are the conversation's own
     * history; all other hits are on prefixes that several share. */
    uint64_t continued;
    double history_hits, shared_hits;
    uint64_t memory_bytes; /* of the books, in the end */
};

/* Hits under LRU of that many blocks: exact, or the estimate where that is all there is. The
 * capacity must be one of capacity[]. */
double trace_reuse_hits(const struct trace_reuse *reuse, uint64_t capacity);

/* A distribution; quantiles are within 0.2 %, the rest is exact. */
struct trace_spread {
    uint64_t count;
    double mean;
    uint64_t p50, p90, p99, most;
};

/* Turns of these numbers in their sessions: 1, 2, 3, 4, 5 to 8, 9 to 16, 17 to 32, and above. */
enum { TRACE_TURN_ROWS = 8 };
struct trace_turn_row {
    uint64_t turns;
    double new_tokens_mean, context_tokens_mean;
};
/* The lowest turn number of a row. */
uint32_t trace_turn_row_first(uint32_t row);

/* What one tenant asks (facts.tenants). */
struct trace_tenant_row {
    uint64_t sessions, turns, prompt_tokens, reply_tokens;
};

struct trace_info {
    struct trace_facts facts;
    uint64_t sessions, turns, duration_ns; /* first to last arrival */
    uint64_t prompt_tokens, reply_tokens;
    uint64_t multi_turn_sessions, sessions_over_2k, sessions_over_4k; /* tokens, all turns */
    struct trace_spread turns_a_session;
    struct trace_spread prompt, reply; /* tokens of a turn */
    struct trace_spread context;       /* a turn's history and prompt, before any cut to a window */
    struct trace_spread think_ns;      /* of later turns */
    struct trace_spread gap_ns;        /* between arrivals */
    double gap_cv;        /* deviation over mean: 1 for a Poisson process, more where bursts are */
    uint64_t minute_most; /* arrivals in the busiest minute of those that begin with the trace */
    struct trace_turn_row by_turn[TRACE_TURN_ROWS];
    struct trace_tenant_row by_tenant[TRACE_TENANTS_MOST];
    uint64_t blocks;                             /* references */
    uint64_t measured_hits, measured_hits_below; /* of them (facts.measured) */
    struct trace_reuse reuse;
    uint64_t hash;
};

/* Reads the trace to its end. config NULL: the standard one. */
enum status trace_info_read(struct trace *trace, const struct trace_reuse_config *config,
                            struct trace_info *info, struct error *err);

/* How it is shown. */
struct trace_info_view {
    const struct trace_reuse_config *asked; /* its capacities stand out; may be NULL */
    uint64_t kv_bytes_per_token;            /* capacities are told in bytes too; 0: not */
    const char *model;                      /* whose KV that is */
};
void trace_info_print_table(FILE *out, const struct trace_info *info,
                            const struct trace_info_view *view);
/* One object and a newline. */
void trace_info_print_json(FILE *out, const struct trace_info *info,
                           const struct trace_info_view *view);

#endif
