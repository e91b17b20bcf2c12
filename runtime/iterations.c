/* runtime/iterations.c - see iterations.h. */
#include "runtime/iterations.h"

#include <inttypes.h>

static const char *kind_name(enum iteration_kind kind)
{
    return kind == ITERATION_PREFILL ? "prefill" : "decode";
}

enum status iteration_log_open(struct iteration_log *log, const char *path, struct error *err)
{
    *log = (struct iteration_log){ 0 };
    if (path == NULL)
        return STATUS_OK;
    if (whole_file_open(&log->csv, path, err) != STATUS_OK)
        return err->status;
    fprintf(log->csv.out, "kind,tokens,context_tokens,begin_ns,queued_ns,end_ns,seen_ns,waited_ns,"
                          "predicted_ns\n");
    return STATUS_OK;
}

static double computing_ns(const struct iteration *iteration)
{
    return (double)iteration->end_ns - (double)iteration->begin_ns - (double)iteration->waited_ns;
}

void iteration_log_add(struct iteration_log *log, const struct iteration *iteration)
{
    const struct iteration_totals one = {
        .count = 1,
        .computing_ns = computing_ns(iteration),
        .predicted_ns = (double)iteration->predicted_ns,
        .waited_ns = (double)iteration->waited_ns,
        .unseen_ns = (double)iteration->seen_ns - (double)iteration->end_ns,
    };
    iteration_totals_add(&log->totals[iteration->kind], &one);
    if (log->csv.out != NULL)
        fprintf(log->csv.out,
                "%s,%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
                ",%" PRIu64 ",%" PRIu64 "\n",
                kind_name(iteration->kind), iteration->tokens, iteration->context_tokens,
                iteration->begin_ns, iteration->queued_ns, iteration->end_ns, iteration->seen_ns,
                iteration->waited_ns, iteration->predicted_ns);
}

enum status iteration_log_close(struct iteration_log *log, struct error *err)
{
    return whole_file_close(&log->csv, err);
}

void iteration_totals_add(struct iteration_totals *sum, const struct iteration_totals *more)
{
    sum->count += more->count;
    sum->computing_ns += more->computing_ns;
    sum->predicted_ns += more->predicted_ns;
    sum->waited_ns += more->waited_ns;
    sum->unseen_ns += more->unseen_ns;
}

void iteration_totals_print(FILE *out, const struct iteration_totals totals[ITERATION_KINDS])
{
    fprintf(out, "  %-10s %9s %13s %13s %8s %12s %12s\n", "iterations", "count", "predicted ms",
            "computing ms", "error", "waited ms", "unseen us");
    for (int kind = 0; kind < ITERATION_KINDS; kind++) {
        const struct iteration_totals *t = &totals[kind];
        double count = (double)t->count;
        if (t->count == 0)
            continue;
        fprintf(out, "  %-10s %9" PRIu64 " %13.3f %13.3f %+7.1f%% %12.3f %12.1f\n",
                kind_name((enum iteration_kind)kind), t->count, t->predicted_ns / count / 1e6,
                t->computing_ns / count / 1e6, 100.0 * (t->predicted_ns / t->computing_ns - 1.0),
                t->waited_ns / count / 1e6, t->unseen_ns / count / 1e3);
    }
}
