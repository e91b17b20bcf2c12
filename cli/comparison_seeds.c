/* cli/comparison_seeds.c - see comparison_seeds.h. */
#include "cli/comparison_seeds.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS_MOST 10000
#define RESAMPLES_LEAST 100
#define RESAMPLES_MOST 1000000

uint32_t comparison_seeds(const struct comparison *comparison)
{
    return comparison->seed_runs != NULL ? comparison->seeds : 1;
}

struct run *comparison_run_of(const struct comparison *comparison, uint32_t policy, uint32_t seed)
{
    if (comparison->seed_runs == NULL)
        return &comparison->runs[policy];
    return &comparison->seed_runs[(size_t)seed * comparison->count + policy];
}

/* ---- which are run ---- */

static enum status refuse(uint64_t given, const char *expected, struct error *err)
{
    char found[32];
    snprintf(found, sizeof found, "%" PRIu64, given);
    return error_input(err, NULL, 0, "--replications", expected, found);
}

static void add_seeds(struct comparison *comparison, uint32_t seeds)
{
    comparison->seeds = seeds;
    comparison->pairs_turns = false;
    comparison->seed_runs =
        memory_new((size_t)seeds * comparison->count, sizeof *comparison->seed_runs);
    for (uint32_t seed = 0; seed < seeds; seed++)
        for (uint32_t i = 0; i < comparison->count; i++) {
            struct run *run = comparison_run_of(comparison, i, seed);
            run->experiment = comparison->runs[i].experiment;
            run->experiment.workload.seed += seed;
            atomic_init(&run->turns, 0);
            atomic_init(&run->share_millionths, 0);
        }
}

enum status comparison_replicate(struct comparison *comparison, uint64_t replications,
                                 struct error *err)
{
    const struct experiment *experiment = &comparison->runs[0].experiment;
    comparison->may_replicate = experiment->trace[0] == '\0';
    if (comparison->may_replicate) {
        if (replications > SEEDS_MOST)
            return refuse(replications, "1 to 10000 seeds", err);
        if (replications > 1)
            add_seeds(comparison, (uint32_t)replications);
        return STATUS_OK;
    }
    if (replications == 0)
        return STATUS_OK;
    if (replications < RESAMPLES_LEAST || replications > RESAMPLES_MOST)
        return refuse(
            replications,
            "100 to 1000000 for a trace file: it has no seed to change, so that its time is "
            "resampled",
            err);
    comparison->resamples = (uint32_t)replications;
    return STATUS_OK;
}

/* ---- what is left of them ---- */

static bool is_whole(const struct comparison *comparison, uint32_t seed)
{
    for (uint32_t i = 0; i < comparison->count; i++)
        if (!comparison_run_of(comparison, i, seed)->finished)
            return false;
    return true;
}

void comparison_keep_whole_seeds(struct comparison *comparison)
{
    uint32_t kept = 0, count = comparison->count;
    for (uint32_t seed = 0; seed < comparison->seeds; seed++) {
        bool whole = is_whole(comparison, seed);
        for (uint32_t i = 0; i < count; i++) {
            struct run *run = comparison_run_of(comparison, i, seed);
            if (whole)
                memcpy(comparison_run_of(comparison, i, kept), run, sizeof *run);
            else if (run->finished)
                sim_result_free(&run->result);
        }
        kept += whole;
    }
    comparison->seeds = kept;
    if (kept == 0)
        comparison->count = 0;
}

/* ---- their means ---- */

/* struct tenant_metrics is doubles and nothing else. */
static void average_tenant(const struct comparison *comparison, uint32_t policy, uint32_t tenant)
{
    double *mean = (double *)(void *)&comparison->runs[policy].result.tenant[tenant].metrics;
    for (int m = 0; m < TENANT_METRIC_COUNT; m++) {
        for (uint32_t seed = 1; seed < comparison->seeds; seed++)
            mean[m] += tenant_metric_value(
                &comparison_run_of(comparison, policy, seed)->result.tenant[tenant].metrics, m);
        mean[m] /= comparison->seeds;
    }
}

void comparison_average(struct comparison *comparison)
{
    if (comparison->seed_runs == NULL)
        return;
    struct metrics *of_seed = memory_new(comparison->seeds, sizeof *of_seed);
    for (uint32_t i = 0; i < comparison->count; i++) {
        struct sim_result *mean = &comparison->runs[i].result;
        *mean = comparison_run_of(comparison, i, 0)->result;
        for (uint32_t seed = 0; seed < comparison->seeds; seed++)
            of_seed[seed] = comparison_run_of(comparison, i, seed)->result.metrics;
        mean->metrics = metrics_mean(of_seed, comparison->seeds);
        for (uint32_t t = 0; t < mean->tenant_count; t++)
            average_tenant(comparison, i, t);
    }
    free(of_seed);
}

void comparison_print_seeds(FILE *out, const struct comparison *comparison)
{
    uint32_t seeds = comparison_seeds(comparison);
    if (seeds < 2)
        return;
    fprintf(out,
            "seeds     %" PRIu64 " to %" PRIu64 ": what is shown is the mean of %u runs; the "
            "findings are of the first\n",
            comparison_run_of(comparison, 0, 0)->experiment.workload.seed,
            comparison_run_of(comparison, 0, seeds - 1)->experiment.workload.seed, seeds);
}
