/* sweep/size_search.c - see size.h: from all points to the best one. */
#include "base/memory.h"
#include "sweep/size_columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A space of so few points is run whole: nothing is saved by choosing. */
#define ALL_RUN_MOST 24
/* Points tried at a time, whatever the number of threads: the answer must not depend on it. */
#define TRIED_AT_A_TIME 8
/* What is cheaper by less than this is not looked for. */
#define CHEAPER_BY 0.005
#define REFINED_MOST 48 /* points tried of one column's storage */
#define SERVERS_MORE 4  /* numbers of servers that storage is tried with */
#define WALKS_MOST 12

static const struct size_value *whole(const struct size_runs *runs, uint32_t point)
{
    return size_whole(runs->answer, point);
}

static bool keeps(const struct size_runs *runs, uint32_t point)
{
    const struct size_value *value = whole(runs, point);
    return value != NULL && value->state == SIZE_RUN && value->violation <= 1.0;
}

static void at_stage(struct size_runs *runs, const char *stage, double begin, double end)
{
    runs->stage = stage;
    runs->begin = begin;
    runs->end = end;
}

/* ---- how many servers of each kind ---- */

/* Bisects these columns on a part of the workload: where to begin on the whole. */
static enum status bisect_parts(struct size_runs *runs, struct columns *columns,
                                const uint32_t *chosen, uint32_t chosen_count, struct error *err)
{
    uint32_t points[TRIED_AT_A_TIME];
    enum status status = STATUS_OK;
    at_stage(runs, "how many servers of each kind, on a part of the workload", 0.0, 0.3);
    for (bool going = true; status == STATUS_OK && going;) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < chosen_count; i++)
            if (column_next_part(columns, chosen[i], &points[count]))
                count++;
        going = count > 0;
        status = size_runs_make(runs, SIZE_PART, points, count, err);
        for (uint32_t i = 0; status == STATUS_OK && i < chosen_count; i++)
            column_heed_part(runs, columns, chosen[i]);
    }
    return status;
}

/* The open columns that may cost least. What a part of the workload says of a column only adds to
 * what it costs at least: once it was asked of the cheapest ones, the others cost more, whatever it
 * says of them. */
static enum status choose_cheapest(struct size_runs *runs, struct columns *columns,
                                   uint32_t chosen[TRIED_AT_A_TIME], uint32_t *count,
                                   struct error *err)
{
    for (bool known = false; err->status == STATUS_OK && !known;) {
        uint32_t point;
        *count = columns_cheapest_open(runs, columns, chosen, TRIED_AT_A_TIME, err);
        known = true;
        for (uint32_t i = 0; i < *count; i++)
            known = known && !column_next_part(columns, chosen[i], &point);
        if (!known)
            bisect_parts(runs, columns, chosen, *count, err);
    }
    return err->status;
}

/* The cheapest kinds first, until the next ones cost more than what is found with as much of it
 * kept on the same hardware. */
static enum status bisect(struct size_runs *runs, struct columns *columns, struct error *err)
{
    uint32_t points[TRIED_AT_A_TIME], chosen[TRIED_AT_A_TIME];
    enum status status = STATUS_OK;
    for (bool going = true; status == STATUS_OK && going;) {
        uint32_t count = 0;
        status = choose_cheapest(runs, columns, chosen, &count, err);
        at_stage(runs, "how many servers of each kind", 0.3, 0.6);
        going = status == STATUS_OK && count > 0;
        for (uint32_t i = 0; i < count; i++)
            points[i] = column_next_whole(columns, chosen[i]);
        if (going)
            status = size_runs_make(runs, SIZE_WHOLE, points, count, err);
        for (uint32_t i = 0; going && status == STATUS_OK && i < count; i++)
            column_heed_whole(runs, columns, chosen[i]);
    }
    return status;
}

/* ---- how much storage ---- */

/* Points of a column that may yet be the best of its group, cheapest first. */
struct candidates {
    uint32_t *point, count;
    double *usd;
};

/* Whether b, which breaks a promise, says that a does: it has no more of anything. A worn SSD lasts
 * longer if there are more drives, and for ever where there is none. */
static bool ruled_out(const struct size_runs *runs, uint32_t a, uint32_t b)
{
    const struct size_space *space = runs->question->space;
    const struct size_value *value = whole(runs, b);
    const struct size_point *mine = size_point(runs->answer, a);
    if (value->violation <= 1.0)
        return false;
    if (size_only_worn(value) && mine->bought.ssd_bytes == 0)
        return false;
    for (uint32_t i = 0; i < space->axis_count; i++) {
        uint32_t here = size_space_place(space, a, i), there = size_space_place(space, b, i);
        bool more = space->role[i] == ROLE_SERVERS || space->role[i] == ROLE_CAPACITY;
        if (more ? here > there
                 : here != there && !(space->role[i] == ROLE_KEEPING &&
                                      mine->bought.ssd_bytes == 0 && !size_only_worn(value)))
            return false;
    }
    return true;
}

static enum status add_candidate(struct size_runs *runs, uint32_t point, double below,
                                 struct candidates *list, struct error *err)
{
    const struct size_point *made;
    uint32_t canonical;
    enum status status = size_space_canonical(runs->question->space, point, &canonical, err);
    if (status == STATUS_OK)
        status = size_space_point(runs->question->space, point, &made, err);
    if (status != STATUS_OK)
        return status;
    if (canonical != point || whole(runs, point) != NULL ||
        made->usd_least >= below * (1.0 - CHEAPER_BY))
        return STATUS_OK;
    uint32_t at = list->count++;
    for (; at > 0 && list->usd[at - 1] > made->usd_least; at--) {
        list->usd[at] = list->usd[at - 1];
        list->point[at] = list->point[at - 1];
    }
    list->usd[at] = made->usd_least;
    list->point[at] = point;
    return status;
}

/* All storage at the column's least number of servers and at the next few: a server may be cheaper
 * than the storage that saves it, or than what that wears out. */
static enum status list_candidates(struct size_runs *runs, const struct columns *columns,
                                   uint32_t column, double below, struct candidates *list,
                                   struct error *err)
{
    enum status status = STATUS_OK;
    list->count = 0;
    for (uint32_t i = 0; status == STATUS_OK && i < columns->storages; i++)
        for (uint32_t more = 0; status == STATUS_OK && more < SERVERS_MORE; more++) {
            uint32_t point = column_point(columns, column, columns->column[column].keeps + more, i);
            if (point != SIZE_NONE)
                status = add_candidate(runs, point, below, list, err);
        }
    return status;
}

/* Drops what costs no less than the best known or is ruled out by a point that was run. */
static void drop_candidates(const struct size_runs *runs, uint32_t tried, double below,
                            struct candidates *list)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++)
        if (list->point[i] != tried && list->usd[i] < below * (1.0 - CHEAPER_BY) &&
            !ruled_out(runs, list->point[i], tried)) {
            list->point[kept] = list->point[i];
            list->usd[kept++] = list->usd[i];
        }
    list->count = kept;
}

/* Prices as usd_least has them, comparable before anything runs. */
static double usd_of(const struct size_runs *runs, uint32_t point)
{
    return point != SIZE_NONE ? size_point(runs->answer, point)->usd_least : INFINITY;
}

/* Two at a time: the middle of what is left, and the middle of its cheaper half. */
static enum status refine(struct size_runs *runs, struct columns *columns, uint32_t column,
                          struct candidates *list, struct error *err)
{
    double below = usd_of(runs, columns_best(runs, columns, columns->column[column].group));
    enum status status = list_candidates(runs, columns, column, below, list, err);
    for (uint32_t tried = 0; status == STATUS_OK && list->count > 0 && tried < REFINED_MOST;) {
        uint32_t points[2] = { list->point[list->count / 2], list->point[list->count / 4] };
        uint32_t count = points[0] != points[1] ? 2 : 1;
        status = size_runs_make(runs, SIZE_WHOLE, points, count, err);
        tried += count;
        for (uint32_t i = 0; status == STATUS_OK && i < count; i++)
            if (keeps(runs, points[i]))
                below = fmin(below, usd_of(runs, points[i]));
        for (uint32_t i = 0; status == STATUS_OK && i < count; i++)
            drop_candidates(runs, points[i], below, list);
    }
    return status;
}

static enum status refine_all(struct size_runs *runs, struct columns *columns, struct error *err)
{
    struct candidates list = { 0 };
    enum status status = STATUS_OK;
    list.point = memory_new(SERVERS_MORE * (size_t)columns->storages + 1, sizeof *list.point);
    list.usd = memory_new(SERVERS_MORE * (size_t)columns->storages + 1, sizeof *list.usd);
    uint32_t *order = memory_new(columns->count, sizeof *order);
    uint32_t count = columns_by_price(runs, columns, order);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        at_stage(runs, "how much storage", 0.6 + 0.25 * i / count, 0.6 + 0.25 * (i + 1) / count);
        if (columns->column[order[i]].kv == SIZE_KV_KEPT)
            status = refine(runs, columns, order[i], &list, err);
    }
    free(order);
    free(list.usd);
    free(list.point);
    return status;
}

/* ---- walking ---- */

static enum status add_neighbour(struct size_runs *runs, uint32_t best, uint32_t axis,
                                 uint32_t place, uint32_t *points, uint32_t *count,
                                 struct error *err)
{
    struct size_space *space = runs->question->space;
    uint32_t canonical;
    if (place >= space->axes[axis].count || place == size_space_place(space, best, axis))
        return STATUS_OK;
    enum status status =
        size_space_canonical(space, size_space_moved(space, best, axis, place), &canonical, err);
    if (status == STATUS_OK && canonical != best)
        points[(*count)++] = canonical;
    return status;
}

/* One step on an axis of numbers, every other value on one of names. */
static enum status neighbours_of(struct size_runs *runs, uint32_t best, uint32_t *points,
                                 uint32_t *count, struct error *err)
{
    const struct size_space *space = runs->question->space;
    enum status status = STATUS_OK;
    *count = 0;
    for (uint32_t a = 0; a < space->axis_count; a++) {
        uint32_t here = size_space_place(space, best, a);
        bool number = space->role[a] == ROLE_SERVERS || space->role[a] == ROLE_CAPACITY ||
                      space->axes[a].row->kind == CONFIG_U32 ||
                      space->axes[a].row->kind == CONFIG_U64 ||
                      space->axes[a].row->kind == CONFIG_DOUBLE;
        uint32_t first = !number ? 0 : here > 0 ? here - 1 : 0;
        uint32_t last = !number ? space->axes[a].count - 1 : here + 1;
        for (uint32_t v = first; status == STATUS_OK && v <= last; v++)
            status = add_neighbour(runs, best, a, v, points, count, err);
    }
    return status;
}

static uint32_t neighbours_most(const struct size_space *space)
{
    uint32_t most = 1;
    for (uint32_t a = 0; a < space->axis_count; a++)
        most += space->axes[a].count;
    return most;
}

/* Where nothing keeps the promises: the cheapest of those that miss them by about the least, since
 * beyond some point more servers cost more and help no more. */
static uint32_t find_nearest(const struct size_runs *runs)
{
    const double about = 1.03;
    double least = INFINITY;
    uint32_t nearest = SIZE_NONE;
    for (uint32_t i = 0; i < runs->question->space->count; i++)
        if (size_runs_ran(runs, SIZE_WHOLE, i))
            least = fmin(least, whole(runs, i)->violation);
    for (uint32_t i = 0; i < runs->question->space->count; i++)
        if (size_runs_ran(runs, SIZE_WHOLE, i) &&
            (whole(runs, i)->violation <= least * about || isinf(least)) &&
            (nearest == SIZE_NONE || whole(runs, i)->objective < whole(runs, nearest)->objective))
            nearest = i;
    return nearest;
}

/* The point to walk from: the best, else the least wrong. */
static uint32_t best_so_far(const struct size_runs *runs)
{
    uint32_t best = size_cheapest(runs->answer, -1, SIZE_NONE, 0);
    if (best == SIZE_NONE)
        runs->answer->nearest = find_nearest(runs);
    return best != SIZE_NONE ? best : runs->answer->nearest;
}

static enum status walk(struct size_runs *runs, struct error *err)
{
    uint32_t *points = memory_new(neighbours_most(runs->question->space), sizeof *points);
    enum status status = STATUS_OK;
    uint32_t before = SIZE_NONE, best = best_so_far(runs);
    for (int step = 0; status == STATUS_OK && best != before && step < WALKS_MOST; step++) {
        uint32_t count = 0;
        at_stage(runs, "neighbours of the best so far", 0.85, 0.95);
        before = best;
        status = neighbours_of(runs, best, points, &count, err);
        if (status == STATUS_OK)
            status = size_runs_make(runs, SIZE_WHOLE, points, count, err);
        best = best_so_far(runs);
    }
    free(points);
    return status;
}

/* ---- the whole ---- */

static enum status run_all(struct size_runs *runs, struct error *err)
{
    struct size_space *space = runs->question->space;
    uint32_t *points = memory_new(space->count, sizeof *points), count = 0;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < space->count; i++)
        status = size_space_canonical(space, i, &points[count++], err);
    at_stage(runs, "all points", 0.0, 0.95);
    if (status == STATUS_OK)
        status = size_runs_make(runs, SIZE_WHOLE, points, count, err);
    free(points);
    return status;
}

static enum status run_today(struct size_runs *runs, struct error *err)
{
    const struct size_question *question = runs->question;
    struct metrics metrics;
    bool ran = false;
    if (question->today == NULL)
        return STATUS_OK;
    at_stage(runs, "what runs today", 0.95, 1.0);
    enum status status =
        size_runs_make_other(runs, question->today, 1, "today", &metrics, &ran, err);
    struct size_point point;
    if (status == STATUS_OK && ran)
        status = size_space_foreign(question->space, question->today, &point, err);
    if (status == STATUS_OK)
        runs->answer->today = ran ? size_judge(question, &point, &metrics)
                                  : (struct size_value){ .state = SIZE_CANNOT_RUN };
    return status;
}

static enum status search(struct size_runs *runs, struct error *err)
{
    const struct size_space *space = runs->question->space;
    struct columns columns = { 0 };
    enum status status;
    if (runs->question->exhaustive || space->grid <= ALL_RUN_MOST) {
        status = run_all(runs, err);
    } else {
        status = columns_make(runs, &columns, err);
        if (status == STATUS_OK)
            status = bisect(runs, &columns, err);
        runs->answer->kinds = columns.count;
        runs->answer->kinds_not_run = columns_not_run(&columns);
        if (status == STATUS_OK)
            status = refine_all(runs, &columns, err);
        if (status == STATUS_OK)
            status = walk(runs, err);
    }
    columns_free(&columns);
    return status == STATUS_OK ? run_today(runs, err) : status;
}

/* ---- the front ---- */

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

/* The points than which no other is both cheaper and sooner; those whose SSDs do not last are no
 * offers. */
static void find_front(struct size_runs *runs)
{
    struct size_answer *answer = runs->answer;
    struct trade *trades = memory_new(answer->runs[SIZE_WHOLE], sizeof *trades);
    uint32_t count = 0;
    answer->front = memory_new(answer->runs[SIZE_WHOLE], sizeof *answer->front);
    for (uint32_t i = 0; i < answer->space->count; i++) {
        const struct size_value *value = whole(runs, i);
        if (size_runs_ran(runs, SIZE_WHOLE, i) && isfinite(value->objective) &&
            value->metrics.turns > 0 && value->wear <= 1.0)
            trades[count++] = (struct trade){ i, value->objective, value->metrics.ttft_p99_ns };
    }
    if (count > 0)
        qsort(trades, count, sizeof *trades, compare_trades);
    double least = INFINITY;
    for (uint32_t i = 0; i < count; i++)
        if (trades[i].ttft < least) {
            least = trades[i].ttft;
            answer->front[answer->front_count++] = trades[i].point;
        }
    free(trades);
}

static void conclude(struct size_runs *runs)
{
    struct size_answer *answer = runs->answer;
    best_so_far(runs);
    answer->best = size_cheapest(answer, -1, SIZE_NONE, 0);
    for (int kv = 0; kv < SIZE_KVS; kv++)
        answer->without[kv] = size_cheapest(answer, kv, SIZE_NONE, 0);
    if (answer->best != SIZE_NONE)
        answer->nearest = SIZE_NONE;
    find_front(runs);
}

/* No point can run: the first one's own reason is as good as any. */
static enum status tell_why(const struct size_question *question, struct error *err)
{
    struct sim_result result = { 0 };
    if (sim_run(&size_point(&(struct size_answer){ .space = question->space }, 0)->experiment, NULL,
                &result, err) == STATUS_OK)
        error_input(err, NULL, 0, "size", "a point that can run", "none");
    sim_result_free(&result);
    return err->status;
}

enum status size_search(const struct size_question *question, struct runner *runner,
                        struct store *store, const struct size_watch *watch,
                        struct size_answer *answer, struct error *err)
{
    struct size_runs runs = {
        .question = question, .answer = answer, .runner = runner, .store = store, .watch = watch
    };
    *answer =
        (struct size_answer){ .space = question->space, .best = SIZE_NONE, .nearest = SIZE_NONE };
    for (int kv = 0; kv < SIZE_KVS; kv++)
        answer->without[kv] = SIZE_NONE;
    for (int level = 0; level < SIZE_LEVELS; level++)
        answer->value[level] = memory_new(question->space->count, sizeof(struct size_value *));
    enum status status = size_runs_begin(&runs, err);
    if (status == STATUS_OK)
        status = search(&runs, err);
    size_runs_end(&runs);
    answer->interrupted = status == STATUS_INTERRUPTED;
    if (status == STATUS_OK || answer->interrupted)
        conclude(&runs);
    if (status == STATUS_OK && answer->best == SIZE_NONE && answer->nearest == SIZE_NONE)
        return tell_why(question, err);
    return status;
}
