/* cli/comparison.c - see comparison.h. The crew's threads share nothing but a flag. */
#include "cli/comparison.h"

#include "base/memory.h"
#include "base/shown.h"
#include "cli/comparison_bound.h"
#include "cli/comparison_compared.h"
#include "cli/comparison_print.h"
#include "cli/comparison_seeds.h"
#include "cli/experiment_list.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "sweep/compared_store.h"
#include "sweep/crew.h"
#include "sweep/point_key.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY_NS 50000000

/* ---- the list of runs ---- */

enum status comparison_init(struct comparison *comparison, const struct config_tree *tree,
                            const char *policies, struct error *err)
{
    struct experiment_list list = { 0 };
    enum status status = experiment_list_add_policies(&list, tree, policies, err);
    if (status == STATUS_OK) {
        comparison->count = list.count;
        comparison->runs = memory_new(list.count, sizeof *comparison->runs);
        comparison->pairs_turns = list.count > 1;
    }
    for (uint32_t i = 0; i < comparison->count; i++) {
        struct run *run = &comparison->runs[i];
        run->experiment = list.item[i].experiment;
        atomic_init(&run->turns, 0);
        atomic_init(&run->share_millionths, 0);
    }
    experiment_list_free(&list);
    return status;
}

enum status comparison_record(struct comparison *comparison, const struct record_options *options,
                              struct error *err)
{
    comparison->recording = options;
    return record_options_check(options, &comparison->asked, err);
}

enum status comparison_record_begin(const struct comparison *comparison, struct run *run)
{
    uint32_t seeds = comparison_seeds(comparison), runs = comparison->count * seeds;
    char name[2 * CONFIG_TEXT_BYTES];
    if (comparison->recording == NULL || !record_is_asked(&comparison->asked))
        return STATUS_OK;
    int length = snprintf(name, sizeof name, "%s", run->experiment.policy);
    if (seeds > 1)
        snprintf(name + length, sizeof name - (size_t)length, "-%" PRIu64,
                 run->experiment.workload.seed);
    return record_options_open(comparison->recording, &comparison->asked, name,
                               &run->experiment, runs, &run->record, &run->err);
}

enum status comparison_record_end(struct run *run)
{
    if (run->finished)
        return record_finish(&run->record, &run->err);
    record_abandon(&run->record);
    return run->err.status;
}

void comparison_free(struct comparison *comparison)
{
    for (uint32_t seed = 0; seed < comparison_seeds(comparison); seed++)
        for (uint32_t i = 0; i < comparison->count; i++) {
            struct run *run = comparison_run_of(comparison, i, seed);
            if (run->finished)
                sim_result_free(&run->result);
            record_free(&run->record);
            turn_log_free(&run->log);
        }
    compared_free(&comparison->compared);
    free(comparison->seed_runs);
    free(comparison->runs);
}

/* ---- running ---- */

struct running {
    struct comparison *comparison;
    struct inputs *inputs; /* NULL: one run has nobody to share with */
    uint32_t threads;      /* of each run: those that no run of its own takes */
    /* The first item that has failed; UINT32_MAX: none. Those behind it are not wanted any more, but
     * those before it are: whichever ends first, what is told is the first failure in their order. */
    atomic_uint_fast32_t failed;
};

struct teller {
    struct running *running;
    struct run *run;
    uint32_t item;
};

static bool is_wanted(struct running *running, uint32_t item)
{
    return item < atomic_load(&running->failed) && !interrupt_asked();
}

static void note_failure(struct running *running, uint32_t item)
{
    uint_fast32_t first = atomic_load(&running->failed);
    while (item < first && !atomic_compare_exchange_weak(&running->failed, &first, item))
        ;
}

static bool tell(void *context, uint64_t turns_done, uint64_t turns_expected, double share_read)
{
    const struct teller *teller = context;
    double share = turns_expected > 0 ? (double)turns_done / (double)turns_expected : share_read;
    share = share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share;
    atomic_store(&teller->run->turns, turns_done);
    atomic_store(&teller->run->share_millionths, (uint_fast32_t)(share * 1e6));
    return is_wanted(teller->running, teller->item);
}

static void end_run(struct run *run)
{
    run->finished = !run->result.interrupted;
    turn_log_sort(&run->log);
    if (run->finished)
        atomic_store(&run->share_millionths, 1000000);
    else
        sim_result_free(&run->result);
}

static void note_turn(void *context, const struct turn_times *turn)
{
    const struct teller *teller = context;
    turn_log_add(&teller->run->log, turn);
}

/* Items are numbered seed by seed, so that what is stopped has whole seeds. */
static struct run *run_of_item(const struct comparison *comparison, uint32_t item)
{
    return comparison_run_of(comparison, item % comparison->count, item / comparison->count);
}

static uint32_t items_of(const struct comparison *comparison)
{
    return comparison->count * comparison_seeds(comparison);
}

static void run_one(void *context, uint32_t item)
{
    struct running *running = context;
    struct run *run = run_of_item(running->comparison, item);
    struct teller teller = { running, run, item };
    struct sim_progress progress = { .tell = tell,
                                     .context = &teller,
                                     .turn_ended =
                                         running->comparison->pairs_turns ? note_turn : NULL };
    if (!is_wanted(running, item))
        return;
    if (comparison_record_begin(running->comparison, run) == STATUS_OK)
        progress.watch = record_watch(&run->record);
    if (run->err.status == STATUS_OK &&
        sim_run_from(running->inputs, running->threads, &run->experiment, &progress, &run->result,
                     &run->err) == STATUS_OK)
        end_run(run);
    if (comparison_record_end(run) != STATUS_OK)
        note_failure(running, item);
}

static void draw(struct progress *progress, const struct comparison *comparison)
{
    uint64_t turns = 0, millionths = 0;
    uint32_t items = items_of(comparison);
    for (uint32_t item = 0; item < items; item++) {
        struct run *run = run_of_item(comparison, item);
        turns += atomic_load(&run->turns);
        millionths += atomic_load(&run->share_millionths);
    }
    progress_draw(progress, (double)millionths / 1e6 / items, turns, "turns");
}

static void wait_for_all(struct crew *crew, const struct comparison *comparison)
{
    struct progress progress;
    uint32_t item;
    progress_start(&progress);
    while (crew_owes(crew) > 0) {
        crew_take(crew, LOOK_EVERY_NS, &item);
        draw(&progress, comparison);
    }
    progress_end(&progress);
}

void comparison_keep_finished(struct comparison *comparison)
{
    uint32_t kept = 0;
    if (comparison->seed_runs != NULL) {
        comparison_keep_whole_seeds(comparison);
        return;
    }
    for (uint32_t i = 0; i < comparison->count; i++)
        if (comparison->runs[i].finished)
            memcpy(&comparison->runs[kept++], &comparison->runs[i], sizeof *comparison->runs);
        else
            turn_log_free(&comparison->runs[i].log);
    comparison->count = kept;
}

static enum status outcome(struct comparison *comparison, struct error *err)
{
    bool all = true;
    for (uint32_t item = 0; item < items_of(comparison); item++) {
        const struct run *run = run_of_item(comparison, item);
        if (run->err.status != STATUS_OK) {
            *err = run->err;
            return err->status;
        }
        all = all && run->finished;
    }
    if (all)
        return STATUS_OK;
    comparison_keep_finished(comparison);
    return error_interrupted(err);
}

enum status comparison_run(struct comparison *comparison, uint64_t threads, struct error *err)
{
    struct running running = { .comparison = comparison };
    struct crew *crew = NULL;
    atomic_init(&running.failed, UINT32_MAX);
    uint32_t items = items_of(comparison), at_once = crew_size(threads, items);
    running.threads = crew_size(threads, 0) / at_once;
    enum status status = crew_start(at_once, run_one, &running, &crew, err);
    if (status != STATUS_OK)
        return status;
    running.inputs = items > 1 ? inputs_new() : NULL;
    for (uint32_t item = 0; item < items; item++)
        crew_give(crew, item);
    wait_for_all(crew, comparison);
    crew_end(crew);
    inputs_free(running.inputs);
    return outcome(comparison, err);
}

/* ---- storing ---- */

enum status comparison_store(const struct comparison *comparison, struct store *store,
                             int64_t *first_id, struct error *err)
{
    uint32_t count = items_of(comparison);
    struct store_run *stored = memory_new(count, sizeof *stored);
    char **yaml = memory_new(count, sizeof *yaml);
    for (uint32_t i = 0; i < count; i++) {
        const struct run *run = run_of_item(comparison, i);
        yaml[i] = experiment_text(&run->experiment);
        stored[i] = (struct store_run){ .name = run->experiment.policy,
                                        .config_yaml = yaml[i],
                                        .seed = run->experiment.workload.seed,
                                        .result = &run->result,
                                        .turns = run->record.row,
                                        .turn_count = run->record.rows };
    }
    uint32_t difference_count;
    struct store_run_difference *differences =
        compared_differences(&comparison->compared, &difference_count);
    enum status status =
        store_put_comparison(store, stored, count, differences, difference_count, first_id, err);
    free(differences);
    for (uint32_t i = 0; i < count; i++)
        free(yaml[i]);
    free(yaml);
    free(stored);
    return status;
}

/* ---- the end ---- */

/* Beside what was named, since of several runs each has its own. */
static void tell_files(const struct comparison *comparison)
{
    for (uint32_t i = 0; i < items_of(comparison); i++) {
        const struct record *record = &run_of_item(comparison, i)->record;
        if (record->turns_path != NULL)
            shown_line(stderr, "turns: ", record->turns_path);
        if (record->timeline_path != NULL)
            shown_line(stderr, "timeline: ", record->timeline_path);
        if (record->timeline_is_empty)
            fprintf(stderr, "note: that timeline is empty: nothing of the run lies within "
                            "--timeline-span\n");
    }
}

enum status comparison_conclude(struct comparison *comparison, enum status ran, struct store *store,
                                bool json, struct error *err)
{
    int64_t first_id;
    struct error failure = { 0 }; /* err may hold that the user stopped the rest */
    if ((ran != STATUS_OK && ran != STATUS_INTERRUPTED) || comparison->count == 0)
        return ran;
    enum status status = comparison_compare(comparison, &failure);
    if (status == STATUS_OK && ran == STATUS_OK)
        status = comparison_bound_find(comparison, &failure);
    if (status == STATUS_OK && store != NULL)
        status = comparison_store(comparison, store, &first_id, &failure);
    if (status != STATUS_OK) {
        *err = failure;
        return status;
    }
    (json ? comparison_print_json : comparison_print_table)(stdout, comparison);
    tell_files(comparison);
    return ran;
}
