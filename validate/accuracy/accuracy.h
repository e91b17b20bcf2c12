/* validate/accuracy/accuracy.h - predictions beside what others measured: a folder of published
 * tables in, errors by group out. Each family of tables has a file that reads its rows, predicts
 * each by what the simulator itself uses, and adds both here; nothing is fitted, and nothing is
 * printed by those.
 *
 * An error is predicted / measured - 1. Of a group are told the median and the 95th percentile of
 * its absolute value, and the signed median (bias), which says in which direction to look. */
#ifndef REPRISE_VALIDATE_ACCURACY_ACCURACY_H
#define REPRISE_VALIDATE_ACCURACY_ACCURACY_H

#include "base/choice.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* <- a new family: its row here, a file with its reader, a call in accuracy.c. */
#define ACCURACY_FAMILIES(X)                                                                       \
    X(ACCURACY_PRODUCTS, "products")                                                               \
    X(ACCURACY_EXPERTS, "experts")                                                                 \
    X(ACCURACY_ATTENTION, "attention")                                                             \
    X(ACCURACY_COLLECTIVES, "collectives")                                                         \
    X(ACCURACY_ITERATIONS, "iterations")                                                           \
    X(ACCURACY_SERVED, "served runs")                                                              \
    X(ACCURACY_REQUESTS, "served requests")                                                        \
    X(ACCURACY_CAPACITY, "HBM left for KV")
#define ACCURACY_COUNT_ONE(member, word) +1
enum accuracy_family { ACCURACY_FAMILIES(CHOICE_MEMBER) };
enum { ACCURACY_FAMILY_COUNT = 0 ACCURACY_FAMILIES(ACCURACY_COUNT_ONE) };
extern const char *const accuracy_family_names[];

/* What a group's prediction had seen of it. */
enum accuracy_origin {
    ACCURACY_UNSEEN, /* nothing was fitted to this GPU's or engine's rows of this kind */
    ACCURACY_FITTED  /* coefficients were fitted to rows of such a table: held_out is the honest
                        error */
};

#define ACCURACY_NAME_BYTES 48
/* "": does not apply. */
struct accuracy_key {
    enum accuracy_family family;
    char quantity[ACCURACY_NAME_BYTES]; /* "prefill", "TTFT": what is measured */
    char gpu[ACCURACY_NAME_BYTES];      /* as the table's file name says it: "h100_sxm" */
    char engine[ACCURACY_NAME_BYTES];   /* and version: "vllm 0.24.0" */
    char model[ACCURACY_NAME_BYTES];    /* of served runs and iterations */
    char format[ACCURACY_NAME_BYTES];   /* of numbers: "bf16", "fp8" */
    uint32_t ranks;                     /* 0: does not apply */
    uint32_t load;                      /* served runs: requests in flight; else 0 */
};

struct accuracy_errors {
    uint32_t count;
    double median, p95; /* of the absolute error */
    double bias;        /* signed median */
};

struct accuracy_group {
    struct accuracy_key key;
    enum accuracy_origin origin;
    double held_out_median, held_out_p95; /* of the fit's own record; NAN: it has none */
    uint32_t count, capacity, other_capacity;
    double *measured, *predicted; /* ns; of HBM left for KV, bytes */
};

/* The points of a family that are furthest off, worst first. */
enum { ACCURACY_WORST = 10, ACCURACY_TEXT_BYTES = 256 };
struct accuracy_point {
    uint32_t group;
    double measured, predicted;
    char shape[ACCURACY_TEXT_BYTES]; /* what it is a point of */
    char cause[ACCURACY_TEXT_BYTES]; /* computed from the point; "not explained" */
};
struct accuracy_worst {
    uint32_t count;
    struct accuracy_point point[ACCURACY_WORST];
};

/* One served run of a table, for those who list them. NAN: not predicted, skipped says why. */
struct accuracy_run {
    char id[ACCURACY_TEXT_BYTES];
    char gpu[ACCURACY_NAME_BYTES], engine[ACCURACY_NAME_BYTES], model[ACCURACY_NAME_BYTES];
    char format[ACCURACY_NAME_BYTES];
    char preset[ACCURACY_NAME_BYTES]; /* the engine's version that was simulated */
    uint32_t ranks, concurrency, prompt_tokens, reply_tokens;
    double ttft_ns, tpot_ns;                     /* measured: means over requests */
    double predicted_ttft_ns, predicted_tpot_ns; /* of the same */
    char skipped[ACCURACY_TEXT_BYTES], cause[ACCURACY_TEXT_BYTES];
};

struct accuracy {
    uint32_t groups, group_capacity;
    struct accuracy_group *group;
    struct accuracy_worst worst[ACCURACY_FAMILY_COUNT];
    uint32_t runs, run_capacity;
    struct accuracy_run *run;
    uint32_t notes, note_capacity;
    char **note; /* tables that are missing, files that were passed over, models that are not
                    shipped */
    struct error unread; /* the first of models' files that is there and cannot be read: accuracy_measure() ends with it */
};

/* Reads the tables of `count` folders or files and predicts every row; threads 0: one a core.
 * STATUS_IO: one of them cannot be read. STATUS_INPUT: there is no such table, or one is malformed.
 * *accuracy is the caller's to accuracy_free() in any case. */
enum status accuracy_measure(const char *const *paths, uint32_t count, uint64_t threads,
                             struct accuracy *accuracy, struct error *err);
void accuracy_free(struct accuracy *accuracy);

/* Errors of one group. */
struct accuracy_errors accuracy_group_errors(const struct accuracy_group *group);
/* Of all points of the groups that belong() says yes to. */
struct accuracy_errors accuracy_errors(const struct accuracy *accuracy,
                                       bool (*belongs)(const struct accuracy_group *group,
                                                       const void *context),
                                       const void *context);

/* ---- how near predictions are to come ---- */

struct accuracy_goal {
    const char *name;
    double median, p95; /* at most, of the absolute error */
    bool (*belongs)(const struct accuracy_group *group);
};
extern const struct accuracy_goal accuracy_goals[];
extern const uint32_t accuracy_goal_count;

enum accuracy_verdict { ACCURACY_MET, ACCURACY_MISSED, ACCURACY_NO_DATA };
/* By what is unseen: points of groups without a fit, and where there is one its held-out errors. */
struct accuracy_judged {
    struct accuracy_errors shown;         /* all points of the folder */
    struct accuracy_errors unseen;        /* those of unseen groups only */
    double held_out_median, held_out_p95; /* the worst of the fits' records; NAN: none */
    enum accuracy_verdict verdict;
};
struct accuracy_judged accuracy_judge(const struct accuracy *accuracy,
                                      const struct accuracy_goal *goal);

/* ---- printed ---- */

void accuracy_print(FILE *out, const struct accuracy *accuracy);
/* As a page of docs/. */
void accuracy_print_markdown(FILE *out, const struct accuracy *accuracy);

#endif
