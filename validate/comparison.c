/* validate/comparison.c - see comparison.h. Finds loads, simulates, runs; what comes of it is
 * judge.c's to say. */
#include "validate/comparison.h"

#include "base/memory.h"
#include "validate/judge.h"
#include "validate/load.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What goes on while a validation is made. */
struct work {
    const struct validation_config *config;
    struct serve_config serve; /* of all runs */
    struct validation *validation;
    struct point_results *results; /* of each point */
    double runs_done, runs;
    bool stopped;
};

/* ---- loads ---- */

static enum status check_traces(const struct validation_config *config, struct error *err)
{
    const struct experiment *first = config->experiments[0].experiment;
    for (uint32_t i = 1; i < config->experiment_count; i++) {
        const struct experiment *other = config->experiments[i].experiment;
        const char *key = strcmp(other->trace, first->trace) != 0 ? "trace"
                          : other->workload.concurrency != first->workload.concurrency
                              ? "workload.concurrency"
                              : NULL;
        if (key != NULL)
            return error_input(err, NULL, 0, key, "the same in all experiments",
                               config->experiments[i].name);
    }
    return STATUS_OK;
}

static enum status take_concurrency(const struct work *work, struct error *err)
{
    struct validation *validation = work->validation;
    validation->load = memory_new(1, sizeof *validation->load);
    validation->load_count = 1;
    return load_of_concurrency(work->config->experiments[0].experiment, &validation->load[0], err);
}

static enum status find_loads(const struct work *work, struct error *err)
{
    const struct validation_config *config = work->config;
    struct validation *validation = work->validation;
    struct load_search search;
    enum status status = load_search_begin(&search, config->experiments[0].experiment, err);
    validation->load = memory_new(config->load_count, sizeof *validation->load);
    for (uint32_t i = 0; i < config->load_count && status == STATUS_OK;
         i++, validation->load_count++)
        status = load_find(&search, config->loads_percent[i], &validation->load[i], err);
    return status;
}

static struct experiment experiment_at(const struct work *work, uint32_t number, double rate)
{
    struct experiment experiment = *work->config->experiments[number].experiment;
    load_set_rate(&experiment, rate);
    return experiment;
}

/* ---- points ---- */

static void lay_out_points(struct work *work)
{
    const struct validation_config *config = work->config;
    struct validation *validation = work->validation;
    uint32_t most = validation->load_count * config->experiment_count;
    validation->point = memory_new((size_t)most + 1, sizeof *validation->point);
    work->results = memory_new((size_t)most + 1, sizeof *work->results);
    for (uint32_t l = 0; l < validation->load_count; l++)
        for (uint32_t i = 0; i < config->experiment_count && validation->load[l].reached; i++)
            validation->point[validation->point_count++] =
                (struct validated_point){ .name = config->experiments[i].name,
                                          .load = &validation->load[l],
                                          .repeats = config->repeats };
    work->runs = (double)validation->point_count * config->repeats;
}

/* Points of a load stand together, in the experiments' order. */
static uint32_t experiment_of(const struct work *work, uint32_t point)
{
    assert(work->config->experiment_count > 0);
    return point % work->config->experiment_count;
}

static enum status simulate_point(const struct work *work, uint32_t point, struct error *err)
{
    static const double rates[VALIDATED_SIMS] = { 1.0, 0.99, 0.995, 1.005, 1.01 };
    double rate = work->validation->point[point].load->rate;
    for (int i = 0; i < VALIDATED_SIMS; i++) {
        struct experiment experiment =
            experiment_at(work, experiment_of(work, point), rate * rates[i]);
        struct sim_result result;
        enum status status = sim_run(&experiment, NULL, &result, err);
        if (status != STATUS_OK)
            return status;
        work->results[point].sim[i] = result.metrics;
        sim_result_free(&result);
    }
    return STATUS_OK;
}

static bool tell_run(void *context, uint64_t turns, uint64_t expected, double share_read)
{
    struct work *work = context;
    const struct validation_config *config = work->config;
    double share = expected > 0 ? (double)turns / (double)expected : share_read;
    share = share < 1.0 ? share : 1.0;
    if (config->tell != NULL)
        work->stopped = !config->tell(config->context, (work->runs_done + share) / work->runs);
    return !work->stopped;
}

static void add_report(struct validated_point *point, const struct serve_report *report,
                       const struct metrics *metrics)
{
    for (int kind = 0; kind < ITERATION_KINDS; kind++)
        iteration_totals_add(&point->iterations[kind], &report->iterations[kind]);
    point->behind_percent +=
        100.0 * (double)report->late_ns / (double)(report->run_ns + 1) / point->repeats;
    point->utilisation_percent += 100.0 * metrics->gpu_utilisation / point->repeats;
}

static enum status run_point(struct work *work, uint32_t number, uint32_t repeat, struct error *err)
{
    struct validated_point *point = &work->validation->point[number];
    struct experiment experiment =
        experiment_at(work, experiment_of(work, number), point->load->rate);
    struct sim_progress progress = { .tell = tell_run, .context = work };
    struct sim_result result;
    struct serve_report report;
    enum status status = serve_run(&experiment, &work->serve, &progress, &result, &report, err);
    if (status != STATUS_OK)
        return status;
    work->results[number].run[repeat] = result.metrics;
    sim_result_free(&result);
    if (serve_check_disk(&report, &work->serve, err) != STATUS_OK)
        return err->status;
    memcpy(work->validation->device, report.device, sizeof report.device);
    add_report(point, &report, &work->results[number].run[repeat]);
    work->runs_done++;
    return work->stopped ? error_interrupted(err) : STATUS_OK;
}

/* The points of one load from `first` on. */
static enum status run_load(struct work *work, uint32_t first, struct error *err)
{
    uint32_t experiments = work->config->experiment_count;
    for (uint32_t repeat = 0; repeat < work->config->repeats; repeat++)
        for (uint32_t i = 0; i < experiments; i++)
            if (run_point(work, first + i, repeat, err) != STATUS_OK)
                return err->status;
    return STATUS_OK;
}

/* ---- what comes of it ---- */

static void compare_pairs(struct work *work, uint32_t first)
{
    struct validation *validation = work->validation;
    uint32_t experiments = work->config->experiment_count;
    for (uint32_t a = first; a < first + experiments; a++)
        for (uint32_t b = a + 1; b < first + experiments; b++)
            for (int which = 0; which < DIFFERENCES; which++)
                validation->difference[validation->difference_count++] =
                    judge_difference(&validation->point[b], &work->results[b],
                                     &validation->point[a], &work->results[a], which);
}

static void conclude(struct work *work)
{
    struct validation *validation = work->validation;
    uint32_t experiments = work->config->experiment_count;
    validation->difference =
        memory_new((size_t)validation->point_count * experiments * DIFFERENCES + 1,
                   sizeof *validation->difference);
    for (uint32_t i = 0; i < validation->point_count; i++)
        judge_point(&validation->point[i], &work->results[i]);
    for (uint32_t first = 0; first < validation->point_count; first += experiments) {
        const struct validated_point *point = &validation->point[first];
        validation->load[point->load - validation->load].run_percent = point->utilisation_percent;
        compare_pairs(work, first);
    }
}

/* All is found and simulated before the first run, which takes its time: what is refused is refused
 * at once. */
static enum status prepare(struct work *work, struct error *err)
{
    const struct validation_config *config = work->config;
    enum status status = check_traces(config, err);
    for (uint32_t i = 0; i < config->experiment_count && status == STATUS_OK; i++)
        status = serve_check(config->experiments[i].experiment, &config->serve, err);
    if (status == STATUS_OK)
        status = config->experiments[0].experiment->workload.concurrency > 0
                     ? take_concurrency(work, err)
                     : find_loads(work, err);
    if (status != STATUS_OK)
        return status;
    lay_out_points(work);
    for (uint32_t i = 0; i < work->validation->point_count && status == STATUS_OK; i++)
        status = simulate_point(work, i, err);
    return status;
}

enum status validate(const struct validation_config *config, struct validation *validation,
                     struct error *err)
{
    const struct experiment *first = config->experiments[0].experiment;
    *validation = (struct validation){ .model = first->model,
                                       .hardware = first->hardware,
                                       .rate_key = load_rate_key(first) };
    struct work work = { .config = config, .serve = config->serve, .validation = validation };
    work.serve.machine = serve_machine_new(); /* weights are drawn once */
    enum status status = prepare(&work, err);
    for (uint32_t i = 0; i < validation->point_count && status == STATUS_OK;
         i += config->experiment_count)
        status = run_load(&work, i, err);
    if (status == STATUS_OK)
        conclude(&work);
    serve_machine_free(work.serve.machine);
    free(work.results);
    return status;
}

void validation_free(struct validation *validation)
{
    free(validation->load);
    free(validation->point);
    free(validation->difference);
}
