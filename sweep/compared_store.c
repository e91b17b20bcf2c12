/* sweep/compared_store.c - see compared_store.h. */
#include "sweep/compared_store.h"

#include "base/memory.h"
#include "models/models.h"
#include "sim/engine/disks.h"
#include "validate/store/store_sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- to the store ---- */

struct store_run_difference *compared_differences(const struct compared *compared, uint32_t *count)
{
    struct store_run_difference *kept =
        memory_new((size_t)compared->against_count * DIFFERENCE_ROWS, sizeof *kept);
    *count = 0;
    for (uint32_t i = 0; compared->paired_by == PAIRED_BY_TURN && i < compared->against_count; i++)
        for (int r = 0; r < DIFFERENCE_ROWS; r++) {
            const struct against *against = &compared->against[i];
            const struct difference *difference = &against->row[r];
            if (!difference_is_told(compared, r))
                continue;
            kept[(*count)++] =
                (struct store_run_difference){ .base = against->base,
                                               .run = against->run,
                                               .metric = difference_rows[r].metric,
                                               .value = difference->value,
                                               .half_width = difference->half_width,
                                               .no_interval = paired_doubt_word(difference->doubt),
                                               .pairs = against->pairs,
                                               .resamples = compared->resamples,
                                               .block_ns = against->block_ns };
        }
    return kept;
}

/* ---- and back ---- */

/* It is told and not opened here: that it was a pipe, as the user's own may be, is no matter. */
static enum status keep_trace(struct config_tree *tree, struct error *err)
{
    char assignment[sizeof "trace=" + CONFIG_TEXT_BYTES];
    const char *trace = config_tree_value(tree, "trace");
    if (trace == NULL || strlen(trace) >= CONFIG_TEXT_BYTES)
        return STATUS_OK;
    snprintf(assignment, sizeof assignment, "trace=%s", trace);
    return config_tree_set(tree, assignment, err);
}

enum status compared_experiment(struct store *store, int64_t run, struct experiment *experiment,
                                struct error *err)
{
    char *yaml = NULL;
    struct config_tree *tree = NULL;
    enum status status = store_run_config(store, run, &yaml, err);
    if (status == STATUS_OK)
        status = config_tree_parse(yaml, "the run's configuration", &tree, err);
    if (status == STATUS_OK)
        status = keep_trace(tree, err);
    if (status == STATUS_OK)
        status = config_load(experiment_sections, tree, experiment, err);
    config_tree_free(tree);
    free(yaml);
    return status;
}

enum status compared_warranty(const struct experiment *experiment, double *years, struct error *err)
{
    struct hardware hardware;
    struct disks disks;
    *years = 0.0;
    enum status status = hardware_load(experiment->hardware, &hardware, err);
    if (status == STATUS_OK)
        status = disks_for(experiment, &hardware, &disks, err);
    if (status == STATUS_OK && disks.count > 0)
        *years = disks.drive.warranty_years;
    return status;
}

static const char *keep_text(struct compared_kept *kept, const char *text)
{
    memory_grow(&kept->text, &kept->text_capacity, (uint64_t)kept->text_count + 1,
                sizeof *kept->text);
    kept->text[kept->text_count] = memory_text(text);
    return kept->text[kept->text_count++];
}

struct taker {
    struct compared_kept *kept;
    struct compared_run *run;
    int findings;
};

static void take_finding(const char *sentence, void *context)
{
    struct taker *taker = context;
    if (taker->findings < SIM_FINDINGS_MAX)
        taker->run->finding[taker->findings++] = keep_text(taker->kept, sentence);
}

static enum status read_seeds(struct store *store, struct compared_kept *kept, uint32_t policy,
                              struct error *err)
{
    struct compared_run *run = &kept->compared.run[policy];
    enum status status = STATUS_OK;
    if (run->of_seed == NULL)
        return store_metrics(store, kept->runs.id[policy], &run->metrics, err);
    for (uint32_t seed = 0; status == STATUS_OK && seed < kept->runs.seeds; seed++)
        status = store_metrics(store, kept->runs.id[(size_t)seed * kept->runs.policies + policy],
                               &run->of_seed[seed], err);
    if (status == STATUS_OK)
        run->metrics = metrics_mean(run->of_seed, kept->runs.seeds);
    return status;
}

static enum status read_policy(struct store *store, struct compared_kept *kept, uint32_t policy,
                               struct error *err)
{
    struct compared_run *run = &kept->compared.run[policy];
    struct taker taker = { kept, run, 0 };
    int64_t id = kept->runs.id[policy];
    char name[CONFIG_TEXT_BYTES];
    enum status status = store_run_name(store, id, name, sizeof name, err);
    if (status == STATUS_OK) {
        run->name = keep_text(kept, name);
        status = read_seeds(store, kept, policy, err);
    }
    if (status == STATUS_OK)
        status = store_findings(store, id, take_finding, &taker, err);
    if (status == STATUS_OK)
        status = compared_experiment(store, id, &kept->experiment[policy], err);
    if (status == STATUS_OK)
        status = compared_warranty(&kept->experiment[policy], &run->warranty_years, err);
    return status;
}

/* ---- differences turn by turn ---- */

static int row_of(const char *metric)
{
    int row = 0;
    while (row < DIFFERENCE_ROWS && strcmp(difference_rows[row].metric, metric) != 0)
        row++;
    return row;
}

static struct against *against_of(struct compared *compared, uint32_t base, uint32_t run)
{
    const struct against *known = compared_against(compared, base, run);
    if (known != NULL)
        return &compared->against[known - compared->against];
    struct against *against = &compared->against[compared->against_count++];
    *against = (struct against){ .base = base, .run = run };
    return against;
}

/* The file may be anyone's: what is of no row, or the wrong way round, is none of ours. */
static void take_difference(const struct store_run_difference *told, void *context)
{
    struct compared *compared = context;
    int row = row_of(told->metric);
    if (row == DIFFERENCE_ROWS || told->base >= told->run)
        return;
    struct against *against = against_of(compared, told->base, told->run);
    against->pairs = told->pairs;
    against->block_ns = told->block_ns;
    against->row[row] =
        (struct difference){ told->value, told->half_width, paired_doubt_of(told->no_interval) };
    compared->paired_by = PAIRED_BY_TURN;
    compared->resamples = told->resamples;
}

/* The first policy against each other one is there, or nothing is told of any. */
static void check_differences(struct compared *compared)
{
    for (uint32_t run = 1; run < compared->count; run++)
        if (compared_against(compared, 0, run) == NULL)
            compared->paired_by = PAIRED_BY_NOTHING;
}

static int compare_against(const void *a, const void *b)
{
    const struct against *left = a, *right = b;
    if (left->base != right->base)
        return left->base < right->base ? -1 : 1;
    return left->run < right->run ? -1 : left->run > right->run;
}

static enum status read_differences(struct store *store, struct compared_kept *kept,
                                    struct error *err)
{
    struct compared *compared = &kept->compared;
    size_t pairs = (size_t)compared->count * (compared->count - 1) / 2;
    compared_find_differences(compared, NULL, 0);
    if (compared->seeds > 1 || pairs == 0)
        return STATUS_OK;
    compared->against = memory_new(pairs, sizeof *compared->against);
    enum status status =
        store_differences(store, kept->runs.id, compared->count, take_difference, compared, err);
    qsort(compared->against, compared->against_count, sizeof *compared->against, compare_against);
    check_differences(compared);
    return status;
}

enum status compared_read(struct store *store, int64_t run, struct compared_kept *kept,
                          struct error *err)
{
    *kept = (struct compared_kept){ 0 };
    enum status status = store_comparison_runs(store, run, &kept->runs, err);
    if (status != STATUS_OK)
        return status;
    kept->compared = compared_new(kept->runs.policies, kept->runs.seeds);
    kept->experiment = memory_new(kept->runs.policies, sizeof *kept->experiment);
    for (uint32_t i = 0; status == STATUS_OK && i < kept->runs.policies; i++)
        status = read_policy(store, kept, i, err);
    if (status != STATUS_OK)
        return status;
    kept->compared.may_replicate = kept->experiment[0].trace[0] == '\0';
    return read_differences(store, kept, err);
}

void compared_kept_free(struct compared_kept *kept)
{
    for (uint32_t i = 0; i < kept->text_count; i++)
        free(kept->text[i]);
    free(kept->text);
    free(kept->experiment);
    store_runs_free(&kept->runs);
    compared_free(&kept->compared);
}
