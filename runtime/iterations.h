/* runtime/iterations.h - a run's iterations, each beside what timing says of it: what part of an
 * error of the simulator is the computation's, what the waiting's for KV, and what the loop's. */
#ifndef REPRISE_RUNTIME_ITERATIONS_H
#define REPRISE_RUNTIME_ITERATIONS_H

#include "base/error.h"
#include "base/whole_file.h"

#include <stdint.h>
#include <stdio.h>

enum iteration_kind { ITERATION_PREFILL, ITERATION_DECODE, ITERATION_KINDS };

struct iteration {
    enum iteration_kind kind;
    uint32_t tokens;         /* new ones of a prefill; sequences of a decode */
    uint64_t context_tokens; /* cached ones of a prefill; of all sequences of a decode */
    uint64_t begin_ns;       /* since the run began: the host decided on it */
    uint64_t queued_ns;      /* its last operator was in the stream */
    uint64_t end_ns;         /* the device was through */
    uint64_t seen_ns;        /* the loop saw that */
    uint64_t waited_ns;      /* of it, layers waited for their KV */
    uint64_t predicted_ns;   /* by timing, without waiting */
};

/* Sums; times in ns. */
struct iteration_totals {
    uint64_t count;
    double computing_ns; /* end - begin - waited */
    double predicted_ns;
    double waited_ns;
    double unseen_ns; /* seen - end: the loop's, which the simulator does not have */
};

struct iteration_log {
    struct whole_file csv; /* closed: totals only */
    struct iteration_totals totals[ITERATION_KINDS];
};

/* path: a CSV file with a line an iteration; NULL: none. STATUS_IO: it cannot be written. */
enum status iteration_log_open(struct iteration_log *log, const char *path, struct error *err);
void iteration_log_add(struct iteration_log *log, const struct iteration *iteration);
/* The file takes its place, unless err holds an error. STATUS_IO: it could not be written to its end. Returns err's status. */
enum status iteration_log_close(struct iteration_log *log, struct error *err);

void iteration_totals_add(struct iteration_totals *sum, const struct iteration_totals *more);
/* A table, a line a kind that happened: means, and the error of timing (predicted / computed - 1).
 */
void iteration_totals_print(FILE *out, const struct iteration_totals totals[ITERATION_KINDS]);

#endif
