/* sweep/size.h - the search for the cheapest servers that keep a promise: which, how many, with how
 * many GPUs, how much DRAM and which drives, under which policy, and what that saves.
 *
 * More servers, and more storage on each, nearly always help, and what they cost is known before
 * anything runs. So the search bisects the number of servers of each kind with the most storage,
 * first on a part of the workload, then on the whole; then, among cheaper storage, tries the middle
 * of what is left: what breaks a promise rules out all that has less of everything, what keeps it
 * all that is dearer. From the best it walks to better neighbours until there are none. What is
 * reported was run on the whole workload, and nothing else. Deterministic: the same on any number
 * of threads and ranks. */
#ifndef REPRISE_SWEEP_SIZE_H
#define REPRISE_SWEEP_SIZE_H

#include "sweep/promise.h"
#include "sweep/runner.h"
#include "sweep/size_space.h"
#include "sweep/size_workload.h"
#include "validate/store/store_sweep.h"

#define SIZE_PROMISES_MOST 8
enum size_level { SIZE_WHOLE, SIZE_PART, SIZE_LEVELS }; /* of the workload */

enum objective { OBJECTIVE_USD_PER_MTOK, OBJECTIVE_USD_PER_SESSION, OBJECTIVE_USD_PER_MONTH };
enum status objective_parse(const char *text, enum objective *objective, struct error *err);
const char *objective_name(enum objective objective);

/* The space is the search's own: it makes points of it. */
struct size_question {
    struct size_space *space;
    struct size_workload workload; /* of its points: axes do not vary it */
    struct promise promise[SIZE_PROMISES_MOST];
    uint32_t promise_count;
    enum objective objective;
    double ssd_years_least; /* 0: any; negative: as long as the servers are written off over */
    bool exhaustive;        /* run all points on the whole workload: to check the search */
    const struct experiment *today; /* what runs now, to compare with; NULL: not told */
    const char *command;            /* for people, on pages */
    const char *asked;              /* the same without where its answer goes; kept in the store */
};

/* One point at one level. */
enum size_state { SIZE_NOT_RUN, SIZE_RUN, SIZE_CANNOT_RUN };
struct size_value {
    enum size_state state;
    struct metrics metrics;
    struct bill bill;
    double objective;
    double missed;    /* the largest violation of a promise: at most 1 keeps them all */
    double wear;      /* years that SSDs must last over those that they do; 0: nothing is written */
    double violation; /* the larger of both */
};

struct size_answer {
    struct size_space *space;
    struct size_value **value[SIZE_LEVELS]; /* of each point; NULL: not run */
    double share[SIZE_LEVELS];              /* of the workload that a level runs */
    uint32_t runs[SIZE_LEVELS];
    uint32_t kinds, kinds_not_run; /* of servers (size_columns.h); of them: too dear, whatever they can. 0: all points were run */
    int64_t sweep; /* in the store */
    bool interrupted;
    /* SIZE_NONE: there is none. */
    uint32_t best;                /* the cheapest that keeps every promise */
    uint32_t without[SIZE_KVS];   /* the cheapest such that keeps KV in HBM only; none */
    uint32_t nearest;             /* where none keeps them: the least violation */
    uint32_t *front, front_count; /* cost against ttft_p99, cheapest first; SSD life kept */
    struct size_value today;      /* of question->today */
};

/* What the search does now, and how much of it is thought to be done; false stops it. Called
 * several times a second. */
struct size_watch {
    bool (*tell)(void *context, double share, uint32_t runs, const char *what);
    void *context;
};

/* Whatever is returned, *answer is the caller's to size_answer_free(). STATUS_INPUT also where no
 * point can run at all. STATUS_INTERRUPTED: *answer has what was found by then. */
enum status size_search(const struct size_question *question, struct runner *runner,
                        struct store *store, const struct size_watch *watch,
                        struct size_answer *answer, struct error *err);
void size_answer_free(struct size_answer *answer);

/* The point's value on the whole workload; NULL: it was not run there. */
const struct size_value *size_whole(const struct size_answer *answer, uint32_t point);
/* The point, which the search has made. */
const struct size_point *size_point(const struct size_answer *answer, uint32_t point);
/* The cheapest of the points run that keeps every promise, by its size_kv (below 0: whatever) and
 * its place on an axis (axis SIZE_NONE: whatever); of those that cost the same, the one that keeps
 * them by most. SIZE_NONE: there is none. */
uint32_t size_cheapest(const struct size_answer *answer, int kv, uint32_t axis, uint32_t place);

/* Whether SSDs that wear out are all that is wrong. */
static inline bool size_only_worn(const struct size_value *value)
{
    return value->missed <= 1.0 && value->wear > 1.0;
}

/* The promise of which the value misses most; if it keeps them all, the nearest to being broken. */
const struct promise *size_missed_most(const struct size_question *question,
                                       const struct size_value *value);

/* The bill and verdict of metrics. */
struct size_value size_judge(const struct size_question *question, const struct size_point *point,
                             const struct metrics *metrics);

/* ---- what the answer means ---- */

/* The recommended servers under other loads, and how many of them it then takes. */
#define SIZE_LOADS 3
extern const double size_loads[SIZE_LOADS]; /* 0.5, 1, 2 */
struct size_load {
    bool run;                /* else: it could not be */
    struct size_value same;  /* the recommended number of servers under this load */
    uint32_t servers;        /* the fewest that keep the promises; 0: more than the axis has */
    struct size_value value; /* theirs */
};
enum status size_run_loads(const struct size_question *question, const struct size_answer *answer,
                           struct runner *runner, struct store *store,
                           const struct size_watch *watch, struct size_load loads[SIZE_LOADS],
                           struct error *err);

/* How a prompt fares on servers of a kind that have nothing else to do: no number of them does
 * better. */
struct size_idle {
    uint32_t point; /* one of those servers */
    struct size_value value;
};
#define SIZE_IDLES_MOST 16
/* Of each kind of server (all that is no number and no storage) that the search has met, with the
 * most storage. *count: how many. */
enum status size_run_idle(const struct size_question *question, const struct size_answer *answer,
                          struct runner *runner, struct store *store,
                          const struct size_watch *watch, struct size_idle idle[SIZE_IDLES_MOST],
                          uint32_t *count, struct error *err);

/* All that is known in the end. */
struct size_result {
    struct size_answer answer;
    struct size_load loads[SIZE_LOADS];     /* where there is a best point */
    struct size_idle idle[SIZE_IDLES_MOST]; /* where there is none */
    uint32_t idle_count;
};

/* What keeps a run from being faster, in a sentence; returns out. */
char *size_binding(const struct size_point *point, const struct size_value *value, char *out,
                   size_t out_bytes);

/* ---- in words, for text and page alike. All return out; newlines in them are where the text's
 * lines end ---- */

/* "3 servers of 4 x h100, 512 GB of DRAM and 15.4 TB of SSD each, lru". */
char *size_describe(const struct size_point *point, char *out, size_t out_bytes);
/* Whether that says what an axis of this key chose. */
bool size_describes(const char *key);
/* The axis' key without "tiers.", "cluster."; "gpus 4 -> 8": one step between two points. */
const char *size_short_key(const char *key);
char *size_step(const struct size_space *space, uint32_t axis, uint32_t from, uint32_t to,
                char *out, size_t out_bytes);

/* When a turn counts, where a promise counts those that keep limits of their own; else "". */
char *size_goodput_terms(const struct size_question *question, const struct experiment *experiment,
                         char *out, size_t out_bytes);

/* Whose prices sums are shown in where points of several servers stand side by side. */
const struct prices *size_prices(const struct size_answer *answer);
/* "kept", "broken, 3.2x", "SSDs wear out"; "+3.1 %". */
char *size_verdict(const struct size_value *value, char *out, size_t out_bytes);
char *size_change(double from, double to, char *out, size_t out_bytes);

/* Whether the bill is shown beside others: busy, which is of the run with its drain, only where it
 * is what was asked for. */
bool size_shows_billing(enum billing billing, const struct size_point *point);
/* What electricity is billed for; "" where it is not. */
char *size_power(const struct size_point *point, const struct size_value *value, char *out,
                 size_t out_bytes);
/* "$ per million tokens"; "h100 of 2026-09, less 20 % of what is bought and rented, in EUR at
 * 0.92". */
char *size_objective(const struct size_question *question, const struct size_answer *answer,
                     char *out, size_t out_bytes);
char *size_terms(const struct prices *prices, char *out, size_t out_bytes);
/* A point that is cheaper by 5 % or more and misses the promises by 15 % at most: SIZE_NONE; and
 * what it is. */
uint32_t size_nearly(const struct size_answer *answer);
char *size_nearly_words(const struct size_answer *answer, uint32_t point, char *out,
                        size_t out_bytes);

/* That some turns were cut to the window; "" where hardly any were. */
char *size_cut(const struct size_value *value, char *out, size_t out_bytes);

/* "nothing kept below HBM". */
const char *size_less_kept(enum size_kv kv);
/* Of answer->best: whether keeping KV pays, what it saves against answer->today. */
char *size_saving(const struct size_answer *answer, char *out, size_t out_bytes);
char *size_saving_today(const struct size_answer *answer, char *out, size_t out_bytes);
/* What a workload that cannot reuse lacks, and how to ask with it. */
char *size_cannot_reuse(const struct size_question *question, char *out, size_t out_bytes);
char *size_cannot_reuse_command(const struct size_question *question, char *out, size_t out_bytes);

/* ", none of 12 kinds of servers of 24: ...", where some were not run since they cost more than what was found; else "". */
char *size_not_run(const struct size_answer *answer, char *out, size_t out_bytes);

/* Where there is no answer->best: that, and what may help. */
char *size_unkept(const struct size_answer *answer, char *out, size_t out_bytes);
char *size_advice(const struct size_question *question, const struct size_result *result, char *out,
                  size_t out_bytes);

char *size_assumed(const struct size_point *point, char *out, size_t out_bytes);

/* What a change of one price does: the best point's objective, and the best among all points that
 * were run on the whole workload. */
struct size_sensitivity {
    const char *what;                     /* "GPUs", "DRAM"... */
    double low, high;                     /* factors */
    double objective_low, objective_high; /* of the best point */
    uint32_t best_low, best_high;         /* the best then; SIZE_NONE: none */
};
#define SIZE_SENSITIVITIES 4
void size_sensitivities(const struct size_question *question, const struct size_answer *answer,
                        struct size_sensitivity out[SIZE_SENSITIVITIES]);

#endif
