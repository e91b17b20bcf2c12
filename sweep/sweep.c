/* sweep/sweep.c - see sweep.h. */
#include "sweep/sweep.h"

#include "base/memory.h"
#include "sweep/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status shard_parse(const char *text, struct shard *shard, struct error *err)
{
    int used = 0;
    unsigned number = 0, count = 0;
    if (sscanf(text, "%6u/%6u%n", &number, &count, &used) == 2 && text[used] == '\0' &&
        number >= 1 && number <= count) {
        *shard = (struct shard){ number, count };
        return STATUS_OK;
    }
    return error_input(err, NULL, 0, "--shard", "i/n, such as 1/4 to 4/4", text);
}

/* ---- what is to be done ---- */

/* The runs that are missing. chosen[i] is the plan's number of the i-th. */
struct todo {
    uint32_t *chosen;
    const struct experiment **experiments;
    uint32_t count;
};

static void todo_free(struct todo *todo)
{
    free(todo->chosen);
    free(todo->experiments);
}

static int compare_keys(const void *a, const void *b)
{
    const struct plan_run *const *left = a, *const *right = b;
    int order = strcmp((*left)->key, (*right)->key);
    return order != 0 ? order : (*left < *right ? -1 : *left > *right);
}

/* repeated[i]: an earlier run of the plan has run i's key (samples may draw a point twice). */
static bool *find_repeated(const struct plan *plan)
{
    const struct plan_run **order = memory_new(plan->count, sizeof *order);
    bool *repeated = memory_new(plan->count, sizeof *repeated);
    for (uint32_t i = 0; i < plan->count; i++)
        order[i] = &plan->runs[i];
    if (plan->count > 0)
        qsort(order, plan->count, sizeof *order, compare_keys);
    for (uint32_t i = 1; i < plan->count; i++)
        repeated[order[i] - plan->runs] = strcmp(order[i]->key, order[i - 1]->key) == 0;
    free(order);
    return repeated;
}

static enum status look_up(struct store *store, const struct plan *plan, uint32_t run,
                           struct sweep_count *count, bool *missing, struct error *err)
{
    enum point_state state;
    enum status status = store_find_point(store, plan->runs[run].key, &state, NULL, err);
    count->total++;
    count->found += state != POINT_ABSENT;
    count->failed += state == POINT_FAILED;
    *missing = state == POINT_ABSENT;
    return status;
}

static enum status make_todo(const struct plan *plan, struct shard shard, struct store *store,
                             struct todo *todo, struct sweep_count *count, struct error *err)
{
    bool *repeated = find_repeated(plan);
    enum status status = STATUS_OK;
    todo->chosen = memory_new(plan->count, sizeof *todo->chosen);
    todo->experiments = memory_new(plan->count, sizeof *todo->experiments);
    for (uint32_t i = shard.number - 1; status == STATUS_OK && i < plan->count; i += shard.count) {
        bool missing = false;
        if (!repeated[i])
            status = look_up(store, plan, i, count, &missing, err);
        if (status != STATUS_OK || !missing)
            continue;
        todo->chosen[todo->count] = i;
        todo->experiments[todo->count++] = &plan->runs[i].experiment;
    }
    count->finished = count->found;
    free(repeated);
    return status;
}

/* ---- doing it ---- */

struct carrying_out {
    const struct plan *plan;
    const struct todo *todo;
    const struct sweep_watch *watch;
    struct sweep_count *count;
    struct batch batch;
    struct error err; /* the first that is not one point's own */
    /* The first run's in the plan's order that cannot run, whichever ended first. */
    struct error point;
    uint32_t point_number;
};

static void take(void *context, uint32_t item, struct outcome *outcome)
{
    struct carrying_out *work = context;
    uint32_t number = work->todo->chosen[item];
    const struct plan_run *run = &work->plan->runs[number];
    char name[256];
    if (outcome->err.status == STATUS_IO) {
        if (work->err.status == STATUS_OK)
            work->err = outcome->err;
        return;
    }
    work->count->finished++;
    if (outcome->err.status != STATUS_OK) {
        work->count->failed++;
        if (work->point.status == STATUS_OK || number < work->point_number) {
            work->point = outcome->err;
            work->point_number = number;
        }
    }
    batch_add(&work->batch, run->key, plan_run_name(work->plan, number, name, sizeof name),
              &run->experiment, outcome);
}

static bool store_and_tell(void *context, uint32_t ended)
{
    struct carrying_out *work = context;
    (void)ended;
    if (work->err.status == STATUS_OK)
        batch_flush(&work->batch, &work->err);
    return work->err.status == STATUS_OK && work->watch->tell(work->watch->context, work->count);
}

static enum status carry_out(const struct plan *plan, const struct todo *todo,
                             struct runner *runner, struct store *store, int64_t sweep,
                             const struct sweep_watch *watch, struct sweep_count *count,
                             struct error *err)
{
    struct carrying_out work = { .plan = plan,
                                 .todo = todo,
                                 .watch = watch,
                                 .count = count,
                                 .batch = { .store = store, .sweep = sweep } };
    struct runner_events events = { take, store_and_tell, &work };
    watch->tell(watch->context, count);
    struct error run_err = { 0 };
    runner_run(runner, todo->experiments, todo->count, &events, &run_err);
    if (work.err.status == STATUS_OK)
        batch_flush(&work.batch, &work.err);
    batch_free(&work.batch);
    *err = work.err.status != STATUS_OK ? work.err : run_err;
    if (err->status == STATUS_OK && count->failed == count->total && work.point.status != STATUS_OK)
        *err = work.point;
    return err->status;
}

static enum status begin(const struct plan *plan, const char *command, struct store *store,
                         int64_t *sweep, struct error *err)
{
    const char **keys = memory_new(plan->axis_count, sizeof *keys);
    struct store_member *members = memory_new(plan->count, sizeof *members);
    for (uint32_t a = 0; a < plan->axis_count; a++)
        keys[a] = plan->axes[a].key;
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct plan_run *run = &plan->runs[i];
        members[i] = (struct store_member){
            .number = i,
            .point = run->point,
            .replication = run->replication,
            .key = run->key,
            .values =
                (const char *const *)&plan->points.value[(size_t)run->point * plan->axis_count]
        };
    }
    struct store_sweep row = {
        .hash = plan->hash, .command = command, .axes = plan->axis_count, .axis_keys = keys
    };
    enum status status = store_begin_sweep(store, &row, sweep, err);
    if (status == STATUS_OK)
        status = store_add_members(store, *sweep, members, plan->count, err);
    free(members);
    free(keys);
    return status;
}

enum status sweep_run(const struct plan *plan, struct shard shard, const char *command,
                      struct runner *runner, struct store *store, const struct sweep_watch *watch,
                      int64_t *sweep, struct sweep_count *count, struct error *err)
{
    struct todo todo = { 0 };
    *count = (struct sweep_count){ 0 };
    enum status status = begin(plan, command, store, sweep, err);
    if (status == STATUS_OK)
        status = make_todo(plan, shard, store, &todo, count, err);
    if (status == STATUS_OK)
        status = carry_out(plan, &todo, runner, store, *sweep, watch, count, err);
    todo_free(&todo);
    return status;
}
