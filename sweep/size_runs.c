/* sweep/size_runs.c - see size_runs.h. */
#include "sweep/size_runs.h"

#include "base/memory.h"
#include "base/units.h"
#include "sweep/batch.h"
#include "traces/info.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fewer sessions or turns say nothing about a tail. */
#define SESSIONS_LEAST 100
#define TURNS_LEAST 500

enum status size_runs_begin(struct size_runs *runs, struct error *err)
{
    const struct plan *plan = runs->question->plan;
    const char **keys = memory_new(plan->axis_count + 1, sizeof *keys);
    char hash[POINT_KEY_BYTES + 8];
    for (uint32_t a = 0; a < plan->axis_count; a++)
        keys[a] = plan->axes[a].key;
    keys[plan->axis_count] = "fidelity";
    snprintf(hash, sizeof hash, "size-%s", plan->hash);
    struct store_sweep sweep = { .hash = hash,
                                 .command = runs->question->command,
                                 .axes = plan->axis_count + 1,
                                 .axis_keys = keys };
    runs->keys = point_keys_new();
    enum status status = store_begin_sweep(runs->store, &sweep, &runs->answer->sweep, err);
    free(keys);
    return status;
}

void size_runs_end(struct size_runs *runs)
{
    point_keys_free(runs->keys);
}

/* ---- one level's experiments ---- */

static enum status count_turns(struct size_runs *runs, const struct experiment *experiment,
                               struct error *err)
{
    struct trace *trace = NULL;
    struct trace_info info;
    if (runs->trace_turns > 0)
        return STATUS_OK;
    enum status status = experiment_open_trace(experiment, &trace, err);
    if (status == STATUS_OK)
        status = trace_info_read(trace, NULL, &info, err);
    trace_close(trace);
    if (status == STATUS_OK)
        runs->trace_turns = info.turns;
    return status;
}

static uint64_t part(uint64_t whole, double share, uint64_t least)
{
    uint64_t scaled = (uint64_t)ceil((double)whole * share);
    scaled = scaled > least ? scaled : least;
    return scaled < whole ? scaled : whole;
}

static enum status shorten(struct size_runs *runs, int level, struct experiment *experiment,
                           struct error *err)
{
    double share = runs->answer->share[level];
    if (level == 0)
        return STATUS_OK;
    experiment->warmup_turns = part(experiment->warmup_turns, share, 0);
    if (experiment->trace[0] == '\0') {
        experiment->workload.sessions = part(experiment->workload.sessions, share, SESSIONS_LEAST);
        return STATUS_OK;
    }
    enum status status = count_turns(runs, experiment, err);
    uint64_t most = experiment->max_turns;
    uint64_t turns = most > 0 && most < runs->trace_turns ? most : runs->trace_turns;
    experiment->max_turns = part(turns, share, TURNS_LEAST);
    return status;
}

/* ---- making runs ---- */

/* What is asked for, and by whom. */
struct job {
    const struct experiment *experiment;
    char key[POINT_KEY_BYTES];
    char name[256];
    struct metrics *metrics;
    bool *ran;
};

struct making {
    struct size_runs *runs;
    struct job *job; /* those that are not in the store */
    uint32_t count;
    struct batch batch;
    struct error err;
};

static void take(void *context, uint32_t item, struct outcome *outcome)
{
    struct making *making = context;
    struct job *job = &making->job[item];
    if (outcome->err.status == STATUS_IO) {
        if (making->err.status == STATUS_OK)
            making->err = outcome->err;
        return;
    }
    *job->ran = outcome->err.status == STATUS_OK;
    if (*job->ran)
        *job->metrics = outcome->result.metrics;
    batch_add(&making->batch, job->key, job->name, job->experiment, outcome);
}

static bool caught_up(void *context, uint32_t ended)
{
    struct making *making = context;
    const struct size_runs *runs = making->runs;
    if (making->err.status == STATUS_OK)
        batch_flush(&making->batch, &making->err);
    double share = runs->begin + (runs->end - runs->begin) * ended / making->count;
    uint32_t all = ended;
    for (int level = 0; level < SIZE_LEVELS; level++)
        all += runs->answer->runs[level];
    return making->err.status == STATUS_OK && runs->watch->tell(runs->watch->context, share, all);
}

static enum status run_jobs(struct size_runs *runs, struct job *jobs, uint32_t count,
                            struct error *err)
{
    if (count == 0)
        return STATUS_OK;
    struct making making = { .runs = runs,
                             .job = jobs,
                             .count = count,
                             .batch = { .store = runs->store, .sweep = runs->answer->sweep } };
    struct runner_events events = { take, caught_up, &making };
    const struct experiment **experiments = memory_new(count, sizeof *experiments);
    for (uint32_t i = 0; i < count; i++)
        experiments[i] = jobs[i].experiment;
    struct error run_err = { 0 };
    runner_run(runs->runner, experiments, count, &events, &run_err);
    if (making.err.status == STATUS_OK)
        batch_flush(&making.batch, &making.err);
    batch_free(&making.batch);
    free(experiments);
    *err = making.err.status != STATUS_OK ? making.err : run_err;
    return err->status;
}

/* Takes the job's result from the store; *absent: it is not there. */
static enum status look_up(struct size_runs *runs, struct job *job, bool *absent, struct error *err)
{
    enum point_state state;
    int64_t run = 0;
    enum status status = point_key(runs->keys, job->experiment, job->key, err);
    if (status == STATUS_OK)
        status = store_find_point(runs->store, job->key, &state, &run, err);
    if (status != STATUS_OK)
        return status;
    *absent = state == POINT_ABSENT;
    *job->ran = state == POINT_DONE;
    return state == POINT_DONE ? store_metrics(runs->store, run, job->metrics, err) : STATUS_OK;
}

static enum status do_jobs(struct size_runs *runs, struct job *jobs, uint32_t count,
                           struct error *err)
{
    struct job *missing = memory_new(count, sizeof *missing);
    uint32_t missing_count = 0;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        bool absent = false;
        status = look_up(runs, &jobs[i], &absent, err);
        if (status == STATUS_OK && absent)
            missing[missing_count++] = jobs[i];
    }
    if (status == STATUS_OK)
        status = run_jobs(runs, missing, missing_count, err);
    free(missing);
    return status;
}

/* ---- points ---- */

static enum status add_members(struct size_runs *runs, int level, const struct job *jobs,
                               const uint32_t *points, uint32_t count, struct error *err)
{
    const struct plan *plan = runs->question->plan;
    uint32_t axes = plan->axis_count;
    struct store_member *members = memory_new(count, sizeof *members);
    const char **values = memory_new((size_t)count * (axes + 1), sizeof *values);
    char fidelity[32];
    units_number(runs->answer->share[level], fidelity, sizeof fidelity);
    for (uint32_t i = 0; i < count; i++) {
        const char **mine = &values[(size_t)i * (axes + 1)];
        for (uint32_t a = 0; a < axes; a++)
            mine[a] = plan->points.value[(size_t)plan->runs[points[i]].point * axes + a];
        mine[axes] = fidelity;
        uint32_t number = (uint32_t)level * plan->count + points[i];
        members[i] = (struct store_member){
            .number = number, .point = number, .key = jobs[i].key, .values = mine
        };
    }
    enum status status = store_add_members(runs->store, runs->answer->sweep, members, count, err);
    free(values);
    free(members);
    return status;
}

static void judge(struct size_runs *runs, int level, uint32_t point, bool ran)
{
    struct size_answer *answer = runs->answer;
    struct size_value *value = &answer->value[level][point];
    answer->runs[level]++;
    if (ran) {
        struct metrics metrics = value->metrics;
        *value = size_judge(runs->question, &answer->bought[point], &metrics);
    } else {
        *value = (struct size_value){ .state = SIZE_CANNOT_RUN, .violation = INFINITY };
    }
}

/* The points that have no value at the level, each once. */
static uint32_t choose(const struct size_runs *runs, int level, const uint32_t *points,
                       uint32_t count, uint32_t *chosen)
{
    bool *seen = memory_new(runs->question->plan->count, sizeof *seen);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (runs->answer->value[level][points[i]].state != SIZE_NOT_RUN || seen[points[i]])
            continue;
        seen[points[i]] = true;
        chosen[kept++] = points[i];
    }
    free(seen);
    return kept;
}

enum status size_runs_make(struct size_runs *runs, int level, const uint32_t *points,
                           uint32_t count, struct error *err)
{
    const struct plan *plan = runs->question->plan;
    uint32_t *chosen = memory_new(count, sizeof *chosen);
    count = choose(runs, level, points, count, chosen);
    struct experiment *experiments = memory_new(count, sizeof *experiments);
    struct job *jobs = memory_new(count, sizeof *jobs);
    bool *ran = memory_new(count, sizeof *ran);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        experiments[i] = plan->runs[chosen[i]].experiment;
        status = shorten(runs, level, &experiments[i], err);
        jobs[i] = (struct job){ .experiment = &experiments[i],
                                .ran = &ran[i],
                                .metrics = &runs->answer->value[level][chosen[i]].metrics };
        plan_run_name(plan, chosen[i], jobs[i].name, sizeof jobs[i].name);
    }
    if (status == STATUS_OK)
        status = do_jobs(runs, jobs, count, err);
    if (status == STATUS_OK && count > 0)
        status = add_members(runs, level, jobs, chosen, count, err);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++)
        judge(runs, level, chosen[i], ran[i]);
    free(ran);
    free(jobs);
    free(experiments);
    free(chosen);
    return status;
}

enum status size_runs_make_other(struct size_runs *runs, const struct experiment *experiments,
                                 uint32_t count, struct metrics *metrics, bool *ran,
                                 struct error *err)
{
    struct job *jobs = memory_new(count, sizeof *jobs);
    for (uint32_t i = 0; i < count; i++) {
        jobs[i] =
            (struct job){ .experiment = &experiments[i], .metrics = &metrics[i], .ran = &ran[i] };
        snprintf(jobs[i].name, sizeof jobs[i].name, "%s", "load growth");
    }
    enum status status = do_jobs(runs, jobs, count, err);
    free(jobs);
    return status;
}
