/* sweep/size_runs.c - see size_runs.h. */
#include "sweep/size_runs.h"

#include "base/memory.h"
#include "base/units.h"
#include "sweep/batch.h"
#include "sweep/point_key.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* A part this long reaches the steady state of sessions that come back after a minute, and has a
 * tail to speak of; a workload not much longer is run whole. */
#define PART_TURNS_LEAST 3000
#define PART_SHARE 0.25

static void set_shares(const struct size_question *question, struct size_answer *answer)
{
    double share = PART_TURNS_LEAST / (double)question->workload.turns;
    share = share > PART_SHARE ? share : PART_SHARE;
    answer->share[SIZE_WHOLE] = 1.0;
    answer->share[SIZE_PART] = share > 0.5 ? 1.0 : share;
}

enum status size_runs_begin(struct size_runs *runs, struct error *err)
{
    struct size_space *space = runs->question->space;
    const struct size_point *first;
    enum status status = size_space_point(space, 0, &first, err);
    if (status != STATUS_OK)
        return status;
    set_shares(runs->question, runs->answer);
    const char **keys = memory_new(space->axis_count + 2, sizeof *keys);
    char hash[POINT_KEY_BYTES], name[POINT_KEY_BYTES + 8];
    for (uint32_t a = 0; a < space->axis_count; a++)
        keys[a] = space->axes[a].key;
    keys[space->axis_count] = "kv";
    keys[space->axis_count + 1] = "fidelity";
    runs->keys = point_keys_new(runner_inputs(runs->runner));
    status = point_key(runs->keys, &first->experiment, hash, err);
    snprintf(name, sizeof name, "size-%.8s%016" PRIx64, hash,
             XXH3_64bits(runs->question->asked, strlen(runs->question->asked)));
    struct store_sweep sweep = { .hash = name,
                                 .command = runs->question->asked,
                                 .axes = space->axis_count + 2,
                                 .axis_keys = keys };
    if (status == STATUS_OK)
        status = store_begin_sweep(runs->store, &sweep, &runs->answer->sweep, err);
    free(keys);
    return status;
}

void size_runs_end(struct size_runs *runs)
{
    point_keys_free(runs->keys);
    runs->keys = NULL;
}

/* ---- one level's experiments ---- */

static uint64_t part(uint64_t whole, double share)
{
    return (uint64_t)ceil((double)whole * share);
}

static void shorten(const struct size_runs *runs, enum size_level level,
                    struct experiment *experiment)
{
    double share = runs->answer->share[level];
    if (share >= 1.0)
        return;
    experiment->warmup_turns = part(experiment->warmup_turns, share);
    uint64_t *sessions = experiment->trace[0] == '\0'
                             ? workload_sessions(&experiment->workload, &experiment->shape)
                             : NULL;
    if (sessions != NULL)
        *sessions = part(*sessions, share);
    else
        experiment->max_turns = part(runs->question->workload.turns, share);
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
    char what[sizeof making->job->name + 128];
    for (int level = 0; level < SIZE_LEVELS; level++)
        all += runs->answer->runs[level];
    snprintf(what, sizeof what, "%s: %s", runs->stage,
             making->job[ended < making->count ? ended : making->count - 1].name);
    return making->err.status == STATUS_OK &&
           runs->watch->tell(runs->watch->context, share, all, what);
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

bool size_runs_ran(const struct size_runs *runs, enum size_level level, uint32_t point)
{
    const struct size_value *value = runs->answer->value[level][point];
    return value != NULL && value->state == SIZE_RUN;
}

/* What the point takes on each axis, what it keeps, and the level's share. */
static void member_values(const struct size_runs *runs, uint32_t point, const char *fidelity,
                          const char **values)
{
    const struct size_space *space = runs->question->space;
    for (uint32_t a = 0; a < space->axis_count; a++)
        values[a] = space->axes[a].value[size_space_place(space, point, a)];
    values[space->axis_count] = size_kv_name(size_space_kv(space, point));
    values[space->axis_count + 1] = fidelity;
}

static enum status add_members(struct size_runs *runs, enum size_level level,
                               const struct job *jobs, const uint32_t *points, uint32_t count,
                               struct error *err)
{
    const struct size_space *space = runs->question->space;
    uint32_t axes = space->axis_count + 2;
    struct store_member *members = memory_new(count, sizeof *members);
    const char **values = memory_new((size_t)count * axes, sizeof *values);
    char fidelity[32];
    units_number(runs->answer->share[level], fidelity, sizeof fidelity);
    for (uint32_t i = 0; i < count; i++) {
        const char **mine = &values[(size_t)i * axes];
        member_values(runs, points[i], fidelity, mine);
        uint32_t number = (uint32_t)level * space->count + points[i];
        members[i] = (struct store_member){
            .number = number, .point = number, .key = jobs[i].key, .values = mine
        };
    }
    enum status status = store_add_members(runs->store, runs->answer->sweep, members, count, err);
    free(values);
    free(members);
    return status;
}

static void judge(struct size_runs *runs, enum size_level level, uint32_t point,
                  const struct metrics *metrics, bool ran)
{
    struct size_answer *answer = runs->answer;
    struct size_value *value = memory_new(1, sizeof *value);
    answer->runs[level]++;
    answer->value[level][point] = value;
    *value = ran ? size_judge(runs->question, size_point(answer, point), metrics)
                 : (struct size_value){ .state = SIZE_CANNOT_RUN,
                                        .missed = INFINITY,
                                        .violation = INFINITY };
}

static void name_point(const struct size_runs *runs, uint32_t point, char *out, size_t out_bytes)
{
    const struct size_space *space = runs->question->space;
    size_t used = 0;
    *out = '\0';
    for (uint32_t a = 0; a < space->axis_count && used < out_bytes; a++) {
        char shown[CONFIG_TEXT_BYTES];
        axis_show(space->axes[a].row, space->axes[a].value[size_space_place(space, point, a)],
                  shown, sizeof shown);
        used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", a > 0 ? ", " : "", shown);
    }
    if (used < out_bytes && size_space_kv(space, point) != SIZE_KV_KEPT)
        snprintf(out + used, out_bytes - used, ", KV: %s",
                 size_kv_name(size_space_kv(space, point)));
}

/* The points that have no value at the level, each once, and made. */
static enum status choose(const struct size_runs *runs, enum size_level level,
                          const uint32_t *points, uint32_t count, uint32_t *chosen,
                          uint32_t *chosen_count, struct error *err)
{
    enum status status = STATUS_OK;
    *chosen_count = 0;
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        const struct size_point *point;
        bool seen = runs->answer->value[level][points[i]] != NULL;
        for (uint32_t j = 0; j < *chosen_count && !seen; j++)
            seen = chosen[j] == points[i];
        if (seen)
            continue;
        status = size_space_point(runs->question->space, points[i], &point, err);
        chosen[(*chosen_count)++] = points[i];
    }
    return status;
}

static enum status make_chosen(struct size_runs *runs, enum size_level level,
                               const uint32_t *points, uint32_t count, struct error *err)
{
    struct experiment *experiments = memory_new(count, sizeof *experiments);
    struct metrics *metrics = memory_new(count, sizeof *metrics);
    struct job *jobs = memory_new(count, sizeof *jobs);
    bool *ran = memory_new(count, sizeof *ran);
    for (uint32_t i = 0; i < count; i++) {
        experiments[i] = size_point(runs->answer, points[i])->experiment;
        shorten(runs, level, &experiments[i]);
        jobs[i] =
            (struct job){ .experiment = &experiments[i], .ran = &ran[i], .metrics = &metrics[i] };
        name_point(runs, points[i], jobs[i].name, sizeof jobs[i].name);
    }
    enum status status = do_jobs(runs, jobs, count, err);
    if (status == STATUS_OK && count > 0)
        status = add_members(runs, level, jobs, points, count, err);
    for (uint32_t i = 0; i < count; i++)
        if (status == STATUS_OK || (status == STATUS_INTERRUPTED && ran[i]))
            judge(runs, level, points[i], &metrics[i], ran[i]);
    free(ran);
    free(jobs);
    free(metrics);
    free(experiments);
    return status;
}

enum status size_runs_make(struct size_runs *runs, enum size_level level, const uint32_t *points,
                           uint32_t count, struct error *err)
{
    uint32_t *chosen = memory_new(count, sizeof *chosen), chosen_count;
    enum status status = choose(runs, level, points, count, chosen, &chosen_count, err);
    if (status == STATUS_OK)
        status = make_chosen(runs, level, chosen, chosen_count, err);
    free(chosen);
    return status;
}

enum status size_runs_make_other(struct size_runs *runs, const struct experiment *experiments,
                                 uint32_t count, const char *name, struct metrics *metrics,
                                 bool *ran, struct error *err)
{
    struct job *jobs = memory_new(count, sizeof *jobs);
    for (uint32_t i = 0; i < count; i++) {
        jobs[i] =
            (struct job){ .experiment = &experiments[i], .metrics = &metrics[i], .ran = &ran[i] };
        snprintf(jobs[i].name, sizeof jobs[i].name, "%s", name);
    }
    enum status status = do_jobs(runs, jobs, count, err);
    free(jobs);
    return status;
}
