/* sweep/size.h - the search for the cheapest server that keeps a promise: which DRAM and SSD, how
 * many GPUs and servers, which policy and write mode, at what price, and how long its SSDs last.
 *
 * The space is a grid of what can be bought. Cheap runs on a part of the workload rank it; the
 * promising are run on a larger part, and finalists on the whole. From the best of those the search
 * walks to better neighbours (one step on an axis, or one step on each of two axes) until there is
 * none. What is reported was run on the whole workload, and nothing else.
 * Deterministic: the same on any number of threads and ranks. */
#ifndef REPRISE_SWEEP_SIZE_H
#define REPRISE_SWEEP_SIZE_H

#include "sweep/bill.h"
#include "sweep/plan.h"
#include "sweep/runner.h"
#include "validate/store/store_sweep.h"

#define SIZE_SLOS_MOST 8
#define SIZE_LEVELS 3 /* level 0: the whole workload */

/* A metric that must not be above its limit. */
struct slo {
    int metric;
    double limit;
};
/* "ttft_p99=2s": a metric, with or without its _ns, and a limit in its unit. */
enum status slo_parse(const char *text, struct slo *slo, struct error *err);

enum objective { OBJECTIVE_USD_PER_MTOK, OBJECTIVE_USD_PER_SESSION, OBJECTIVE_USD_PER_MONTH };
enum status objective_parse(const char *text, enum objective *objective, struct error *err);
const char *objective_name(enum objective objective);

struct size_question {
    const struct plan *plan; /* the grid, without replications */
    struct slo slo[SIZE_SLOS_MOST];
    uint32_t slo_count;
    enum objective objective;
    enum billing billing;
    struct prices prices;
    double ssd_years_least;
    bool exhaustive;     /* run all points on the whole workload: to check the search */
    const char *command; /* for people, kept in the store */
};

/* One point at one level. */
enum size_state { SIZE_NOT_RUN, SIZE_RUN, SIZE_CANNOT_RUN };
struct size_value {
    enum size_state state;
    struct metrics metrics;
    struct bill bill;
    double objective;
    double violation; /* the largest of value / limit: at most 1 keeps every promise */
};

struct size_answer {
    const struct plan *plan;
    struct size_value *value[SIZE_LEVELS]; /* of each point of the plan */
    double share[SIZE_LEVELS];             /* of the workload that a level runs */
    struct bought *bought;                 /* of each point */
    bool *twin; /* the point only differs from an earlier one in what it does not use */
    uint32_t runs[SIZE_LEVELS];
    int64_t sweep; /* in the store */
    /* UINT32_MAX: there is none. */
    uint32_t best;                /* the cheapest that keeps every promise */
    uint32_t best_without;        /* the cheapest such with a policy that keeps no KV */
    uint32_t nearest;             /* where none keeps them: the least violation */
    uint32_t *front, front_count; /* cost against ttft_p99, cheapest first; SSD life kept */
};

struct size_watch {
    bool (*tell)(void *context, double share, uint32_t runs);
    void *context;
};

/* Whatever is returned, *answer is the caller's to size_answer_free(). STATUS_INPUT also where no
 * point can run at all. */
enum status size_search(const struct size_question *question, struct runner *runner,
                        struct store *store, const struct size_watch *watch,
                        struct size_answer *answer, struct error *err);
void size_answer_free(struct size_answer *answer);

/* The point that differs from `point` in `axis` only, by `steps` values (of a policy: any other);
 * UINT32_MAX: beyond the end. */
uint32_t size_neighbour(const struct plan *plan, uint32_t point, uint32_t axis, int steps);

/* ---- what the answer means ---- */

/* Runs on the whole workload what the report needs: the best point's neighbours, and the best point
 * under growing load (load[i] times the rate of new sessions; none for a trace file). */
#define SIZE_LOADS 4
extern const double size_loads[SIZE_LOADS]; /* 1.1, 1.25, 1.5, 2 */
struct size_growth {
    bool run;
    struct metrics metrics;
    double violation;
};
enum status size_grow(const struct size_question *question, const struct size_answer *answer,
                      struct runner *runner, struct store *store, const struct size_watch *watch,
                      struct size_growth growth[SIZE_LOADS], struct error *err);

/* What a change of one price does: the best point's objective, and the best among all points that
 * were run on the whole workload. */
struct size_sensitivity {
    const char *what;                     /* "GPUs", "DRAM"... */
    double low, high;                     /* factors */
    double objective_low, objective_high; /* of the best point */
    uint32_t best_low, best_high;         /* the best then; UINT32_MAX: none */
};
#define SIZE_SENSITIVITIES 4
void size_sensitivities(const struct size_question *question, const struct size_answer *answer,
                        struct size_sensitivity out[SIZE_SENSITIVITIES]);

/* The bill and verdict of metrics; used by the search and by reports. */
struct size_value size_judge(const struct size_question *question, const struct bought *bought,
                             const struct metrics *metrics);

#endif
