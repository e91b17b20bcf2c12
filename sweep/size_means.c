/* sweep/size_means.c - what an answer means (size.h): other loads, prompts on idle servers, and
 * what keeps a run from being faster. */
#include "base/memory.h"
#include "base/units.h"
#include "sweep/point_key.h"
#include "sweep/size_runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const double size_loads[SIZE_LOADS] = { 0.5, 1.0, 2.0 };

/* One request at a time, whenever they come in the trace: a trace's clock may be so coarse that
 * many come at once however rarely. What is kept is not to die of the time that this takes. */
static void make_idle(struct experiment *experiment)
{
    experiment->workload.concurrency = 1;
    experiment->placement.ttl_ns = 0;
}

/* The workload with so many times the load: at a fixed concurrency so many times the sessions in
 * flight; a trace's requests, and those of a shape without sessions, come so many times as dense; of a
 * generated workload so many times the sessions come in the same time. false: it cannot be given (all come at once, one is in flight).
 */
static bool scale_load(const struct size_workload *asked, double factor,
                       struct experiment *experiment)
{
    struct workload *workload = &experiment->workload;
    double flight = round((double)workload->concurrency * factor);
    bool trace = experiment->trace[0] != '\0';
    if (factor == 1.0)
        return true;
    if (workload->concurrency > 0) {
        bool changes = flight >= 1.0 && flight != (double)workload->concurrency;
        workload->concurrency = (uint32_t)flight;
        return changes;
    }
    if (asked->duration_ns == 0 || isinf(workload->sessions_per_s))
        return false;
    if (trace) {
        experiment->import.rate *= factor;
        return true;
    }
    workload->sessions_per_s *= factor;
    uint64_t *sessions = workload_sessions(workload, &experiment->shape);
    if (sessions == NULL)
        return true;
    *sessions = (uint64_t)ceil((double)*sessions * factor);
    experiment->warmup_turns = (uint64_t)ceil((double)experiment->warmup_turns * factor);
    return true;
}

static struct size_runs runs_of(const struct size_question *question, struct size_answer *answer,
                                struct runner *runner, struct store *store,
                                const struct size_watch *watch, const char *stage)
{
    return (struct size_runs){ .question = question,
                               .answer = answer,
                               .runner = runner,
                               .store = store,
                               .watch = watch,
                               .keys = point_keys_new(runner_inputs(runner)),
                               .begin = 1.0,
                               .end = 1.0,
                               .stage = stage };
}

/* ---- loads ---- */

/* What a search over the number of servers under one load knows. */
struct hunt {
    double load;
    uint32_t breaks, keeps; /* as struct column has them */
    struct size_value at_keeps;
};

/* The point's value under another load. */
static enum status run_at(struct size_runs *runs, uint32_t point, double load,
                          struct size_value *value, struct error *err)
{
    const struct size_point *made;
    struct metrics metrics;
    bool ran = false;
    char name[64];
    *value =
        (struct size_value){ .state = SIZE_CANNOT_RUN, .missed = INFINITY, .violation = INFINITY };
    enum status status = size_space_point(runs->question->space, point, &made, err);
    if (status != STATUS_OK)
        return status;
    struct experiment experiment = made->experiment;
    if (!scale_load(&runs->question->workload, load, &experiment))
        return STATUS_OK;
    snprintf(name, sizeof name, "load x %g, %u servers", load, experiment.replicas);
    status = size_runs_make_other(runs, &experiment, 1, name, &metrics, &ran, err);
    if (status == STATUS_OK && ran)
        *value = size_judge(runs->question, made, &metrics);
    return status;
}

/* From as many as the load is times the recommended number, in growing steps, then by halves. */
static enum status hunt_servers(struct size_runs *runs, uint32_t axis, struct hunt *hunt,
                                uint32_t guess, struct error *err)
{
    const struct size_space *space = runs->question->space;
    uint32_t count = space->axes[axis].count, next = guess < count ? guess : count - 1, step = 1;
    enum status status = STATUS_OK;
    hunt->breaks = 0;
    hunt->keeps = count;
    while (status == STATUS_OK && hunt->breaks < hunt->keeps && hunt->breaks < count) {
        struct size_value value;
        status = run_at(runs, size_space_moved(space, runs->answer->best, axis, next), hunt->load,
                        &value, err);
        if (value.violation <= 1.0) {
            hunt->keeps = next;
            hunt->at_keeps = value;
            next = hunt->breaks > 0 ? (hunt->breaks + next) / 2 : next > step ? next - step : 0;
        } else {
            hunt->breaks = next + 1;
            next = hunt->keeps < count ? (hunt->breaks + hunt->keeps) / 2 : next + step;
        }
        step *= 2;
        next = next < count ? next : count - 1;
    }
    return status;
}

/* The place of the first number of servers that is not below `servers`. */
static uint32_t place_at_least(const struct size_space *space, uint32_t axis, double servers)
{
    uint32_t place = 0;
    double number = 0.0;
    while (place + 1 < space->axes[axis].count &&
           (!units_parse(space->axes[axis].value[place], UNIT_PLAIN, &number) || number < servers))
        place++;
    return place;
}

static enum status run_load(struct size_runs *runs, double load, struct size_load *out,
                            struct error *err)
{
    const struct size_space *space = runs->question->space;
    uint32_t axis = size_space_axis(space, "cluster.replicas"), best = runs->answer->best;
    uint32_t servers = size_point(runs->answer, best)->experiment.replicas;
    enum status status = run_at(runs, best, load, &out->same, err);
    out->run = status == STATUS_OK && out->same.state == SIZE_RUN;
    if (!out->run)
        return status;
    out->value = out->same;
    out->servers = out->same.violation <= 1.0 ? servers : 0;
    if (axis == SIZE_NONE || load == 1.0)
        return STATUS_OK;
    struct hunt hunt = { .load = load };
    uint32_t guess = place_at_least(space, axis, load * servers);
    status = hunt_servers(runs, axis, &hunt, guess, err);
    out->servers = 0;
    if (status == STATUS_OK && hunt.keeps < space->axes[axis].count) {
        uint32_t point = size_space_moved(space, best, axis, hunt.keeps);
        out->servers = size_point(runs->answer, point)->experiment.replicas;
        out->value = hunt.at_keeps;
    }
    return status;
}

enum status size_run_loads(const struct size_question *question, const struct size_answer *answer,
                           struct runner *runner, struct store *store,
                           const struct size_watch *watch, struct size_load loads[SIZE_LOADS],
                           struct error *err)
{
    struct size_answer copy = *answer;
    memset(loads, 0, SIZE_LOADS * sizeof *loads);
    if (answer->best == SIZE_NONE)
        return STATUS_OK;
    struct size_runs runs = runs_of(question, &copy, runner, store, watch, "other loads");
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < SIZE_LOADS; i++)
        status = run_load(&runs, size_loads[i], &loads[i], err);
    size_runs_end(&runs);
    return status;
}

/* ---- idle servers ---- */

/* A kind of server by all that is neither a number nor storage. */
static uint32_t kind_of(const struct size_space *space, uint32_t point)
{
    for (uint32_t a = 0; a < space->axis_count; a++)
        if (space->role[a] != ROLE_OTHER)
            point = size_space_moved(
                space, point, a, space->role[a] == ROLE_CAPACITY ? space->axes[a].count - 1 : 0);
    return point % space->grid;
}

enum status size_run_idle(const struct size_question *question, const struct size_answer *answer,
                          struct runner *runner, struct store *store,
                          const struct size_watch *watch, struct size_idle idle[SIZE_IDLES_MOST],
                          uint32_t *count, struct error *err)
{
    struct size_answer copy = *answer;
    struct size_space *space = question->space;
    struct experiment experiments[SIZE_IDLES_MOST];
    struct metrics metrics[SIZE_IDLES_MOST];
    bool ran[SIZE_IDLES_MOST] = { false };
    enum status status = STATUS_OK;
    *count = 0;
    for (uint32_t i = 0; status == STATUS_OK && i < space->count && *count < SIZE_IDLES_MOST; i++) {
        uint32_t kind = kind_of(space, i);
        const struct size_point *made;
        bool met = size_whole(answer, i) == NULL || size_whole(answer, i)->state != SIZE_RUN;
        for (uint32_t k = 0; k < *count && !met; k++)
            met = idle[k].point == kind;
        if (met)
            continue;
        status = size_space_point(space, kind, &made, err);
        if (status != STATUS_OK)
            break;
        idle[*count] = (struct size_idle){ .point = kind };
        experiments[*count] = made->experiment;
        make_idle(&experiments[(*count)++]);
    }
    struct size_runs runs = runs_of(question, &copy, runner, store, watch, "idle servers");
    if (status == STATUS_OK)
        status = size_runs_make_other(&runs, experiments, *count, "idle", metrics, ran, err);
    for (uint32_t k = 0; status == STATUS_OK && k < *count; k++)
        if (ran[k])
            idle[k].value = size_judge(question, size_point(answer, idle[k].point), &metrics[k]);
    size_runs_end(&runs);
    return status;
}

/* ---- what binds ---- */

static double share(double part, double all)
{
    return all > 0.0 ? part / all : 0.0;
}

char *size_binding(const struct size_point *point, const struct size_value *value, char *out,
                   size_t out_bytes)
{
    const struct metrics *m = &value->metrics;
    const struct experiment *e = &point->experiment;
    double waiting = m->waiting_batch_ns + m->waiting_hbm_ns + m->waiting_kv_ns + m->waiting_gpu_ns;
    double most = fmax(fmax(m->waiting_batch_ns, m->waiting_hbm_ns),
                       fmax(m->waiting_kv_ns, m->waiting_gpu_ns));
    double percent = 100.0 * share(most, waiting);
    if (value->wear > value->missed && value->wear > 0.8) {
        snprintf(out, out_bytes, "the SSDs: their rated writes last %.1f years of the %.3g asked",
                 m->ssd_years, m->ssd_years * value->wear);
    } else if (m->queueing_mean_ns < 0.2 * m->ttft_mean_ns) {
        if (m->gpu_load_wait_ns > 0.3 * m->gpu_prefill_ns)
            snprintf(out, out_bytes,
                     "the links: %.0f %% of the prefills' time layers wait for their KV",
                     100.0 * share(m->gpu_load_wait_ns, m->gpu_prefill_ns));
        else
            snprintf(out, out_bytes,
                     "the GPUs' time for a prompt itself: turns hardly wait for each other");
    } else if (most == m->waiting_batch_ns) {
        snprintf(
            out, out_bytes,
            "the engine's batch limit: %.0f %% of the time that turns wait is for engine.batch "
            "= %u while HBM has room",
            percent, e->batch);
    } else if (most == m->waiting_hbm_ns) {
        snprintf(out, out_bytes,
                 "HBM: %.0f %% of the time that turns wait is for room for their KV (more GPUs a "
                 "server, a narrower KV)",
                 percent);
    } else if (most == m->waiting_kv_ns) {
        snprintf(out, out_bytes,
                 "the links and disks: %.0f %% of the time that turns wait is for KV on its way",
                 percent);
    } else {
        snprintf(out, out_bytes,
                 "the GPUs' time: %.0f %% of the time that turns wait is for iterations under way, "
                 "not for memory, a place or KV",
                 percent);
    }
    return out;
}
