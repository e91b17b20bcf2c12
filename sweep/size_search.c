/* sweep/size_search.c - see size.h: from all points to the best one. */
#include "base/memory.h"
#include "base/random.h"
#include "sweep/size_runs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The levels' shares of the workload. A tenth still reaches the steady state of sessions that come
 * back after a minute; what it gets wrong is why more are promoted than are needed. */
static const double shares[SIZE_LEVELS] = { 1.0, 1.0 / 3.0, 0.1 };
/* How far beyond a promise a point may be at a level and still be thought to keep it: short runs
 * have noisy tails. */
static const double slack[SIZE_LEVELS] = { 1.0, 1.3, 2.0 };

#define GRID_RUN_WHOLE 64  /* so small a grid is run on the whole workload */
#define RANKED_MOST 4000   /* points of level 2; of a larger grid a random sample */
#define PROMOTED_LEAST 32  /* to level 1, and a sixth of the points */
#define FINALISTS_LEAST 24 /* to level 0 */
#define FINALISTS_MOST 96
#define FINALISTS_AT_A_TIME                                                                        \
    8 /* whatever the number of threads: the answer must not depend on it                          \
       */
#define FRONT_MOST 24
#define STEPS_MOST 40
/* Pairs of steps that would cost more than this, times the best, by the price list alone. */
#define PAIR_COST_MOST 1.02

/* ---- ranking ---- */

struct ranked {
    uint32_t point;
    double violation, objective; /* violation 0: within the slack */
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    if (left->violation != right->violation)
        return left->violation < right->violation ? -1 : 1;
    if (left->objective != right->objective)
        return left->objective < right->objective ? -1 : 1;
    return left->point < right->point ? -1 : left->point > right->point;
}

static bool run_at(const struct size_answer *answer, int level, uint32_t point)
{
    return answer->value[level][point].state == SIZE_RUN;
}

/* Points that were run at the level: those within the slack by cost, then the others by how far
 * beyond they are. list has room for all points. */
static uint32_t rank(const struct size_answer *answer, int level, struct ranked *list)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < answer->plan->count; i++) {
        const struct size_value *value = &answer->value[level][i];
        if (!run_at(answer, level, i))
            continue;
        bool within = value->violation <= slack[level];
        list[count++] = (struct ranked){ i, within ? 0.0 : value->violation, value->objective };
    }
    if (count > 0)
        qsort(list, count, sizeof *list, compare_ranked);
    return count;
}

struct trade {
    uint32_t point;
    double cost, ttft;
};

static int compare_trades(const void *a, const void *b)
{
    const struct trade *left = a, *right = b;
    if (left->cost != right->cost)
        return left->cost < right->cost ? -1 : 1;
    if (left->ttft != right->ttft)
        return left->ttft < right->ttft ? -1 : 1;
    return left->point < right->point ? -1 : left->point > right->point;
}

/* The points of the level than which no other is both cheaper and sooner; those whose SSDs do not
 * last are no offers. front has room for all points. */
static uint32_t find_front(const struct size_question *question, const struct size_answer *answer,
                           int level, uint32_t *front)
{
    struct trade *trades = memory_new(answer->plan->count, sizeof *trades);
    uint32_t count = 0, kept = 0;
    for (uint32_t i = 0; i < answer->plan->count; i++) {
        const struct size_value *value = &answer->value[level][i];
        if (run_at(answer, level, i) && isfinite(value->objective) && value->metrics.turns > 0 &&
            value->bill.ssd_years >= question->ssd_years_least)
            trades[count++] = (struct trade){ i, value->objective, value->metrics.ttft_p99_ns };
    }
    if (count > 0)
        qsort(trades, count, sizeof *trades, compare_trades);
    double least = INFINITY;
    for (uint32_t i = 0; i < count; i++)
        if (trades[i].ttft < least) {
            least = trades[i].ttft;
            front[kept++] = trades[i].point;
        }
    free(trades);
    return kept;
}

/* ---- stages ---- */

/* All points but twins; of too many a sample, by a fixed seed. */
static uint32_t all_points(const struct size_answer *answer, uint32_t most, uint32_t *points)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < answer->plan->count; i++)
        if (!answer->twin[i])
            points[count++] = i;
    struct random random = random_from(1, 0);
    for (uint32_t i = 0; i < most && count > most; i++) {
        uint32_t j = i + (uint32_t)random_below(&random, count - i), held = points[i];
        points[i] = points[j];
        points[j] = held;
    }
    return count < most ? count : most;
}

static enum status rank_roughly(struct size_runs *runs, uint32_t *points, struct error *err)
{
    struct size_answer *answer = runs->answer;
    uint32_t count = all_points(answer, RANKED_MOST, points);
    runs->begin = 0.0;
    runs->end = 0.5;
    return size_runs_make(runs, 2, points, count, err);
}

static enum status rank_better(struct size_runs *runs, uint32_t *points, struct ranked *list,
                               struct error *err)
{
    uint32_t ranked = rank(runs->answer, 2, list);
    uint32_t wanted = ranked / 6 > PROMOTED_LEAST ? ranked / 6 : PROMOTED_LEAST;
    uint32_t count = find_front(runs->question, runs->answer, 2, points);
    count = count < FRONT_MOST ? count : FRONT_MOST;
    for (uint32_t i = 0; i < ranked && i < wanted; i++)
        points[count++] = list[i].point;
    runs->begin = 0.5;
    runs->end = 0.7;
    return size_runs_make(runs, 1, points, count, err);
}

static uint32_t best_of(const struct size_answer *answer, struct ranked *list)
{
    return rank(answer, 0, list) > 0 ? list[0].point : UINT32_MAX;
}

static bool keeps(const struct size_answer *answer, uint32_t point)
{
    return point != UINT32_MAX && run_at(answer, 0, point) &&
           answer->value[0][point].violation <= 1.0;
}

/* Finalists in their order until one keeps the promises and the next ones look dearer than it. */
static enum status run_finalists(struct size_runs *runs, uint32_t *points, struct ranked *list,
                                 struct error *err)
{
    struct size_answer *answer = runs->answer;
    struct ranked *whole = memory_new(answer->plan->count, sizeof *whole);
    uint32_t ranked = rank(answer, 1, list);
    uint32_t count = find_front(runs->question, answer, 1, points);
    enum status status =
        size_runs_make(runs, 0, points, count < FRONT_MOST ? count : FRONT_MOST, err);
    runs->begin = 0.7;
    runs->end = 0.9;
    for (uint32_t i = 0; status == STATUS_OK && i < ranked && i < FINALISTS_MOST;
         i += FINALISTS_AT_A_TIME) {
        uint32_t best = best_of(answer, whole);
        if (i >= FINALISTS_LEAST && keeps(answer, best) &&
            (list[i].violation > 0.0 || list[i].objective > answer->value[0][best].objective))
            break;
        count = 0;
        for (uint32_t j = i; j < ranked && j < i + FINALISTS_AT_A_TIME; j++)
            points[count++] = list[j].point;
        status = size_runs_make(runs, 0, points, count, err);
    }
    free(whole);
    return status;
}

/* Without KV kept there are few points: they are the comparison that the answer rests on. */
static enum status run_without(struct size_runs *runs, uint32_t *points, struct error *err)
{
    const struct size_answer *answer = runs->answer;
    uint32_t count = 0;
    for (uint32_t i = 0; i < answer->plan->count && count < FINALISTS_MOST; i++)
        if (!answer->twin[i] && !answer->bought[i].keeps_kv)
            points[count++] = i;
    return size_runs_make(runs, 0, points, count, err);
}

/* ---- walking ---- */

static void add_point(const struct size_answer *answer, uint32_t point, uint32_t *points,
                      uint32_t *count)
{
    if (point != UINT32_MAX && !answer->twin[point])
        points[(*count)++] = point;
}

/* Steps on an axis of numbers go to the next value, on one of names to every other. */
static void step_range(const struct axis *axis, int *first, int *last)
{
    bool number = axis->row != NULL && axis->row->kind != CONFIG_TEXT &&
                  axis->row->kind != CONFIG_CHOICE && axis->row->kind != CONFIG_BOOL;
    *last = number ? 1 : (int)axis->count - 1;
    *first = -*last;
}

/* What buying `point` costs an hour, as far as the price list alone tells, against `best`. */
static bool may_pay(const struct size_runs *runs, uint32_t point, uint32_t best)
{
    const struct size_question *question = runs->question;
    const struct size_answer *answer = runs->answer;
    if (question->billing == BILL_BUSY || !keeps(answer, best))
        return true;
    const struct metrics *metrics = &answer->value[0][best].metrics;
    struct bill here =
        bill_of(&answer->bought[best], &question->prices, question->billing, metrics);
    struct bill there =
        bill_of(&answer->bought[point], &question->prices, question->billing, metrics);
    return there.usd_per_hour <= here.usd_per_hour * PAIR_COST_MOST;
}

static uint32_t neighbours_of(const struct size_runs *runs, uint32_t best, uint32_t *points)
{
    const struct plan *plan = runs->question->plan;
    uint32_t count = 0;
    for (uint32_t a = 0; a < plan->axis_count; a++) {
        int first, last;
        step_range(&plan->axes[a], &first, &last);
        for (int step = first; step <= last; step++)
            if (step != 0)
                add_point(runs->answer, size_neighbour(plan, best, a, step), points, &count);
    }
    return count;
}

/* Two axes at once, one step each: less of one for more of the other. */
static uint32_t pairs_of(const struct size_runs *runs, uint32_t best, uint32_t *points)
{
    const struct plan *plan = runs->question->plan;
    uint32_t count = 0;
    for (uint32_t a = 0; a < plan->axis_count; a++)
        for (uint32_t b = a + 1; b < plan->axis_count; b++)
            for (int corner = 0; corner < 4; corner++) {
                uint32_t one = size_neighbour(plan, best, a, corner & 1 ? 1 : -1);
                uint32_t two = one != UINT32_MAX ? size_neighbour(plan, one, b, corner & 2 ? 1 : -1)
                                                 : UINT32_MAX;
                if (two != UINT32_MAX && may_pay(runs, two, best))
                    add_point(runs->answer, two, points, &count);
            }
    return count;
}

static uint32_t neighbours_most(const struct plan *plan)
{
    uint64_t most = 4 * (uint64_t)plan->axis_count * plan->axis_count + 2;
    for (uint32_t a = 0; a < plan->axis_count; a++)
        most += 2 * (uint64_t)plan->axes[a].count;
    return (uint32_t)most;
}

static enum status walk(struct size_runs *runs, struct ranked *list, struct error *err)
{
    uint32_t *points = memory_new(neighbours_most(runs->question->plan), sizeof *points);
    uint32_t best = best_of(runs->answer, list);
    enum status status = STATUS_OK;
    runs->begin = 0.9;
    runs->end = 1.0;
    for (int step = 0; status == STATUS_OK && best != UINT32_MAX && step < STEPS_MOST; step++) {
        uint32_t before = best;
        status = size_runs_make(runs, 0, points, neighbours_of(runs, best, points), err);
        if (status == STATUS_OK)
            status = size_runs_make(runs, 0, points, pairs_of(runs, best, points), err);
        best = best_of(runs->answer, list);
        if (best == before)
            break;
    }
    free(points);
    return status;
}

/* ---- the whole ---- */

/* The value that the point takes on the axis of that key is not its first one. */
static bool moved_on(const struct plan *plan, uint32_t point, const char *prefix)
{
    for (uint32_t a = 0; a < plan->axis_count; a++)
        if (strncmp(plan->axes[a].key, prefix, strlen(prefix)) == 0 &&
            size_neighbour(plan, point, a, -1) != UINT32_MAX)
            return true;
    return false;
}

/* Whether some policy on the axis keeps no KV: it then stands for all points without storage. */
static bool has_none(const struct plan *plan)
{
    for (uint32_t a = 0; a < plan->axis_count; a++)
        for (uint32_t v = 0; strcmp(plan->axes[a].key, "policy") == 0 && v < plan->axes[a].count;
             v++)
            if (!bill_policy_keeps_kv(plan->axes[a].value[v]))
                return true;
    return false;
}

/* Where no KV is kept, by the policy or for want of storage, nothing about storage matters; without
 * an SSD it does not matter how it would be written. Of such equal points one is run. */
static bool find_twin(const struct plan *plan, uint32_t point, const struct bought *bought,
                      bool none_on_axis)
{
    const char *policy = plan->runs[point].experiment.policy;
    if (bought->keeps_kv)
        return bought->ssd_bytes == 0 && moved_on(plan, point, "tiers.ssd.inclusive");
    if (bill_policy_keeps_kv(policy) && none_on_axis)
        return true;
    return moved_on(plan, point, "tiers.") || moved_on(plan, point, "placement.") ||
           (bill_policy_keeps_kv(policy) && moved_on(plan, point, "policy"));
}

static enum status prepare(const struct size_question *question, struct size_answer *answer,
                           struct error *err)
{
    const struct plan *plan = question->plan;
    *answer = (struct size_answer){
        .plan = plan, .best = UINT32_MAX, .best_without = UINT32_MAX, .nearest = UINT32_MAX
    };
    answer->bought = memory_new(plan->count, sizeof *answer->bought);
    answer->twin = memory_new(plan->count, sizeof *answer->twin);
    for (int level = 0; level < SIZE_LEVELS; level++) {
        answer->share[level] = shares[level];
        answer->value[level] = memory_new(plan->count, sizeof *answer->value[level]);
    }
    const bool none_on_axis = has_none(plan);
    char loaded[CONFIG_TEXT_BYTES] = "";
    struct hardware hardware;
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct experiment *experiment = &plan->runs[i].experiment;
        if (i == 0 || strcmp(loaded, experiment->hardware) != 0) {
            enum status status = hardware_load(experiment->hardware, &hardware, err);
            if (status != STATUS_OK)
                return status;
            memcpy(loaded, experiment->hardware, sizeof loaded);
        }
        answer->bought[i] = bought_for(experiment, &hardware, plan->runs[i].replicas);
        answer->twin[i] = find_twin(plan, i, &answer->bought[i], none_on_axis);
    }
    return STATUS_OK;
}

static enum status search(struct size_runs *runs, struct error *err)
{
    uint32_t points_most = runs->question->plan->count + FRONT_MOST;
    uint32_t *points = memory_new(points_most, sizeof *points);
    struct ranked *list = memory_new(points_most, sizeof *list);
    enum status status;
    runs->end = 1.0;
    if (runs->question->exhaustive || runs->question->plan->count <= GRID_RUN_WHOLE) {
        status = size_runs_make(runs, 0, points, all_points(runs->answer, UINT32_MAX, points), err);
    } else {
        status = rank_roughly(runs, points, err);
        if (status == STATUS_OK)
            status = rank_better(runs, points, list, err);
        if (status == STATUS_OK)
            status = run_finalists(runs, points, list, err);
        if (status == STATUS_OK)
            status = run_without(runs, points, err);
        if (status == STATUS_OK)
            status = walk(runs, list, err);
    }
    free(list);
    free(points);
    return status;
}

static void choose(const struct size_question *question, struct size_answer *answer)
{
    struct ranked *list = memory_new(answer->plan->count, sizeof *list);
    uint32_t count = rank(answer, 0, list);
    if (count > 0)
        *(keeps(answer, list[0].point) ? &answer->best : &answer->nearest) = list[0].point;
    for (uint32_t i = 0; i < count && answer->best_without == UINT32_MAX; i++) {
        if (keeps(answer, list[i].point) && !answer->bought[list[i].point].keeps_kv)
            answer->best_without = list[i].point;
    }
    answer->front = memory_new(answer->plan->count, sizeof *answer->front);
    answer->front_count = find_front(question, answer, 0, answer->front);
    free(list);
}

enum status size_search(const struct size_question *question, struct runner *runner,
                        struct store *store, const struct size_watch *watch,
                        struct size_answer *answer, struct error *err)
{
    struct size_runs runs = {
        .question = question, .answer = answer, .runner = runner, .store = store, .watch = watch
    };
    enum status status = prepare(question, answer, err);
    if (status == STATUS_OK)
        status = size_runs_begin(&runs, err);
    if (status == STATUS_OK)
        status = search(&runs, err);
    size_runs_end(&runs);
    if (status != STATUS_OK)
        return status;
    choose(question, answer);
    if (answer->best == UINT32_MAX && answer->nearest == UINT32_MAX)
        return error_input(err, NULL, 0, "size", "a point that can run",
                           "none: `reprise db list`, then `reprise report --sweep`, tell why");
    return STATUS_OK;
}

/* ---- growth ---- */

const double size_loads[SIZE_LOADS] = { 1.1, 1.25, 1.5, 2.0 };

enum status size_grow(const struct size_question *question, const struct size_answer *answer,
                      struct runner *runner, struct store *store, const struct size_watch *watch,
                      struct size_growth growth[SIZE_LOADS], struct error *err)
{
    struct size_answer copy = *answer;
    struct size_runs runs = { .question = question,
                              .answer = &copy,
                              .runner = runner,
                              .store = store,
                              .watch = watch,
                              .begin = 1.0,
                              .end = 1.0 };
    struct experiment experiments[SIZE_LOADS];
    struct metrics metrics[SIZE_LOADS];
    bool ran[SIZE_LOADS] = { false };
    memset(growth, 0, SIZE_LOADS * sizeof *growth);
    if (answer->best == UINT32_MAX || answer->plan->runs[answer->best].experiment.trace[0] != '\0')
        return STATUS_OK;
    for (int i = 0; i < SIZE_LOADS; i++) {
        experiments[i] = answer->plan->runs[answer->best].experiment;
        struct workload *workload = &experiments[i].workload;
        workload->sessions_per_s *= size_loads[i];
        workload->concurrency = (uint32_t)ceil((double)workload->concurrency * size_loads[i]);
        workload->sessions = (uint64_t)ceil((double)workload->sessions * size_loads[i]);
    }
    runs.keys = point_keys_new();
    enum status status = size_runs_make_other(&runs, experiments, SIZE_LOADS, metrics, ran, err);
    size_runs_end(&runs);
    for (int i = 0; status == STATUS_OK && i < SIZE_LOADS; i++)
        if (ran[i]) {
            struct size_value value =
                size_judge(question, &answer->bought[answer->best], &metrics[i]);
            growth[i] = (struct size_growth){ true, metrics[i], value.violation };
        }
    return status;
}
