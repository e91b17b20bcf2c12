/* cli/comparison_compared.c - see comparison_compared.h. */
#include "cli/comparison_compared.h"

#include "base/memory.h"
#include "cli/comparison_seeds.h"
#include "sweep/compared_store.h"

#include <stdlib.h>

static enum status fill(struct comparison *comparison, uint32_t policy, struct error *err)
{
    const struct run *run = &comparison->runs[policy];
    struct compared_run *compared = &comparison->compared.run[policy];
    compared->name = run->experiment.policy;
    compared->metrics = run->result.metrics;
    for (uint32_t seed = 0; compared->of_seed != NULL && seed < comparison->seeds; seed++)
        compared->of_seed[seed] = comparison_run_of(comparison, policy, seed)->result.metrics;
    for (int k = 0; k < SIM_FINDINGS_MAX && run->result.finding[k][0] != '\0'; k++)
        compared->finding[k] = run->result.finding[k];
    return compared_warranty(&run->experiment, &compared->warranty_years, err);
}

static void find_differences(struct comparison *comparison)
{
    const struct turn_log **logs = memory_new(comparison->count, sizeof *logs);
    for (uint32_t i = 0; i < comparison->count; i++)
        logs[i] = &comparison->runs[i].log;
    compared_find_differences(&comparison->compared, comparison->pairs_turns ? logs : NULL,
                              comparison->resamples);
    free(logs);
}

enum status comparison_compare(struct comparison *comparison, struct error *err)
{
    comparison_average(comparison);
    comparison->compared = compared_new(comparison->count, comparison_seeds(comparison));
    comparison->compared.may_replicate = comparison->may_replicate;
    for (uint32_t i = 0; i < comparison->count; i++)
        if (fill(comparison, i, err) != STATUS_OK)
            return err->status;
    find_differences(comparison);
    return STATUS_OK;
}
