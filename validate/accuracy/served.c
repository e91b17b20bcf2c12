/* validate/accuracy/served.c - served runs simulated, and set beside what was measured. */
#include "validate/accuracy/served.h"

#include "base/memory.h"
#include "base/units.h"
#include "sim/sim.h"
#include "sweep/crew.h"
#include "validate/accuracy/points.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct job {
    struct served *served;
    struct error *error; /* one a row */
};

static void take(struct served_row *row, const struct sim_result *result)
{
    const struct metrics *metrics = &result->metrics;
    double waited_ns = metrics->waiting_batch_ns + metrics->waiting_hbm_ns +
                       metrics->waiting_kv_ns + metrics->waiting_gpu_ns;
    row->run.predicted_ttft_ns = metrics->ttft_mean_ns;
    row->run.predicted_tpot_ns = metrics->tpot_mean_ns;
    row->preemptions = metrics->preemptions;
    row->extrapolated_share = metrics->extrapolated_time_share;
    row->waiting_hbm_share = waited_ns > 0.0 ? metrics->waiting_hbm_ns / waited_ns : 0.0;
}

static void simulate(void *context, uint32_t at)
{
    struct job *job = context;
    struct served_row *row = &job->served->row[at];
    struct error *err = &job->error[at];
    struct config_tree *tree = NULL;
    struct experiment experiment;
    struct sim_result result;
    row->run.predicted_ttft_ns = row->run.predicted_tpot_ns = NAN;
    if (row->run.skipped[0] != '\0')
        return;
    enum status status = served_experiment(row, &tree, err);
    if (status == STATUS_OK)
        status = experiment_from_tree(tree, NULL, &experiment, err);
    config_tree_free(tree);
    if (status == STATUS_OK)
        status = sim_run(&experiment, NULL, &result, err);
    if (status != STATUS_OK)
        return;
    take(row, &result);
    sim_result_free(&result);
}

/* Longest first, so that no thread is left with a long one at the end. */
struct turn {
    double work;
    uint32_t row;
};

static int by_work(const void *one, const void *other)
{
    const struct turn *a = one, *b = other;
    return (a->work < b->work) - (a->work > b->work);
}

static struct turn *turns_of(const struct served *served)
{
    struct turn *turn = memory_new(served->rows, sizeof *turn);
    for (uint32_t i = 0; i < served->rows; i++) {
        const struct served_row *row = &served->row[i];
        bool runs = row->run.skipped[0] == '\0';
        turn[i] = (struct turn){ runs ? (double)row->requests * row->run.prompt_tokens : 0.0, i };
    }
    qsort(turn, served->rows, sizeof *turn, by_work);
    return turn;
}

static enum status simulate_all(struct served *served, uint64_t threads, struct error *error,
                                struct error *err)
{
    struct job job = { .served = served, .error = error };
    struct crew *crew;
    uint32_t item;
    if (crew_start(crew_size(threads, served->rows), simulate, &job, &crew, err) != STATUS_OK)
        return err->status;
    struct turn *turn = turns_of(served);
    for (uint32_t i = 0; i < served->rows; i++)
        crew_give(crew, turn[i].row);
    while (crew_owes(crew) > 0)
        crew_take(crew, NS_PER_S, &item);
    crew_end(crew);
    free(turn);
    return STATUS_OK;
}

/* A run that the simulator refuses, as one whose weights do not fit, is told and left out. */
static void note_refused(struct served *served, const struct error *error)
{
    for (uint32_t i = 0; i < served->rows; i++)
        if (error[i].status != STATUS_OK)
            snprintf(served->row[i].run.skipped, sizeof served->row[i].run.skipped,
                     "refused: %.40s: expected %.60s", error[i].key, error[i].expected);
}

static void add_points(struct accuracy *accuracy, const struct served_row *row)
{
    const struct accuracy_run *run = &row->run;
    double more = served_reply_tokens(row) - 1.0;
    const struct {
        const char *name;
        double measured, predicted;
    } quantities[] = {
        { "TTFT", run->ttft_ns, run->predicted_ttft_ns },
        { "TPOT", run->tpot_ns, run->predicted_tpot_ns },
        { "E2E", run->ttft_ns + more * run->tpot_ns,
          run->predicted_ttft_ns + more * run->predicted_tpot_ns },
    };
    struct accuracy_key key = { .family = ACCURACY_SERVED,
                                .ranks = run->ranks,
                                .load = run->concurrency };
    snprintf(key.gpu, sizeof key.gpu, "%s", run->gpu);
    snprintf(key.engine, sizeof key.engine, "%s", run->engine);
    snprintf(key.model, sizeof key.model, "%s", run->model);
    snprintf(key.format, sizeof key.format, "%s", run->format);
    for (size_t i = 0; i < sizeof quantities / sizeof quantities[0]; i++) {
        snprintf(key.quantity, sizeof key.quantity, "%s", quantities[i].name);
        struct accuracy_point *point = points_add(accuracy, points_group(accuracy, &key),
                                                  quantities[i].measured, quantities[i].predicted);
        if (point == NULL)
            continue;
        snprintf(point->shape, sizeof point->shape, "%u + %u tokens, %u in flight",
                 run->prompt_tokens, run->reply_tokens, run->concurrency);
        snprintf(point->cause, sizeof point->cause, "%s", run->cause);
    }
}

static void add_rows(struct accuracy *accuracy, struct served *served)
{
    for (uint32_t i = 0; i < served->rows; i++) {
        struct served_row *row = &served->row[i];
        if (row->run.skipped[0] == '\0') {
            served_explain(served, row);
            add_points(accuracy, row);
        }
        memory_grow(&accuracy->run, &accuracy->run_capacity, accuracy->runs + 1,
                    sizeof *accuracy->run);
        accuracy->run[accuracy->runs++] = row->run;
    }
}

enum status served_measure(const char *path, uint64_t threads, struct accuracy *accuracy,
                           struct error *err)
{
    struct served served;
    enum status status = served_read(path, &served, err);
    if (status == STATUS_OK) {
        struct error *error = memory_new(served.rows, sizeof *error);
        status = simulate_all(&served, threads, error, err);
        note_refused(&served, error);
        free(error);
    }
    if (status == STATUS_OK)
        add_rows(accuracy, &served);
    served_free(&served);
    return status;
}
