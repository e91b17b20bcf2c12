/* sweep/paired.c - see paired.h. All statistics are of counts of cells, so that a resample costs
 * its cells, not its turns; but for the P99, which walks down the slowest ones. */
#include "sweep/paired.h"

#include "base/memory.h"
#include "sweep/bootstrap.h"
#include "sweep/estimate.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Enough to tell a memory of half a block, and to let blocks begin about anywhere. */
#define CELLS_MOST 250
#define CELLS_LEAST (4 * PAIRED_BLOCKS)
/* Found with queues whose answer is known: with less the interval misses too often
 * (tests/sweep/test_paired.c). */
#define MEMORY_MOST(block_cells) ((block_cells) / 3)
#define TAIL_BLOCKS_LEAST 7

/* Both runs', in arrays of two: the base, the run. */
enum { BASE, RUN, SIDES };

struct slow_turn {
    uint64_t ttft_ns;
    uint32_t cell;
};

struct cell {
    double turns;
    double ttft_ns[SIDES], wanted_tokens[SIDES], reused_tokens[SIDES]; /* sums */
};

struct paired_turns {
    uint32_t count, cells, used_cells; /* used: with a turn in it */
    uint32_t block_cells;
    bool same[PAIRED_METRICS]; /* what it is told from is the same in every pair */
    uint64_t from_ns, to_ns;   /* when the base's first and last turn were asked */
    struct cell *cell;
    struct slow_turn *slowest[SIDES]; /* of all pairs, slowest first */
};

/* ---- doubts ---- */

static const char *const doubt_words[] = {
    [PAIRED_NO_DOUBT] = NULL,
    [PAIRED_ONE_SEED] = "one-seed",
    [PAIRED_FEW_TURNS] = "few-turns",
    [PAIRED_LONG_MEMORY] = "long-memory",
    [PAIRED_NARROW_TAIL] = "narrow-tail",
};

const char *paired_doubt_word(enum paired_doubt doubt)
{
    return doubt_words[doubt];
}

enum paired_doubt paired_doubt_of(const char *word)
{
    if (word == NULL)
        return PAIRED_NO_DOUBT;
    for (enum paired_doubt doubt = PAIRED_ONE_SEED; doubt <= PAIRED_NARROW_TAIL; doubt++)
        if (strcmp(doubt_words[doubt], word) == 0)
            return doubt;
    return PAIRED_FEW_TURNS;
}

/* ---- seeds ---- */

bool difference_seen(const struct difference *difference)
{
    return fabs(difference->value) > difference->half_width;
}

struct difference paired_seeds(const double *base, const double *run, uint32_t seeds)
{
    double *each = memory_new(seeds, sizeof *each);
    for (uint32_t i = 0; i < seeds; i++)
        each[i] = run[i] - base[i];
    struct estimate estimate = estimate_of(each, seeds);
    free(each);
    return (struct difference){ .value = estimate.mean,
                                .half_width = estimate.half_width,
                                .doubt = estimate.count > 1 ? PAIRED_NO_DOUBT : PAIRED_ONE_SEED };
}

/* ---- pairs of turns ---- */

struct pair {
    const struct logged_turn *of[SIDES];
};

static bool same_turn(const struct logged_turn *a, const struct logged_turn *b)
{
    return a->session == b->session && a->turn == b->turn;
}

static bool comes_first(const struct logged_turn *a, const struct logged_turn *b)
{
    return a->session < b->session || (a->session == b->session && a->turn < b->turn);
}

/* Both sorted: one walk through both. */
static uint32_t find_pairs(const struct turn_log *base, const struct turn_log *run,
                           struct pair *pairs)
{
    uint32_t count = 0;
    for (uint32_t i = 0, j = 0; i < base->count && j < run->count;) {
        const struct logged_turn *a = &base->item[i], *b = &run->item[j];
        if (same_turn(a, b))
            pairs[count++] = (struct pair){ { a, b } };
        i += !comes_first(b, a);
        j += !comes_first(a, b);
    }
    return count;
}

static void find_span(struct paired_turns *turns, const struct pair *pairs)
{
    turns->from_ns = UINT64_MAX;
    for (uint32_t i = 0; i < turns->count; i++) {
        uint64_t asked_ns = pairs[i].of[BASE]->asked_ns;
        turns->from_ns = asked_ns < turns->from_ns ? asked_ns : turns->from_ns;
        turns->to_ns = asked_ns > turns->to_ns ? asked_ns : turns->to_ns;
    }
}

static uint32_t cell_of(const struct paired_turns *turns, uint64_t asked_ns)
{
    double span = (double)(turns->to_ns - turns->from_ns) + 1.0;
    uint32_t cell = (uint32_t)((double)(asked_ns - turns->from_ns) / span * turns->cells);
    return cell < turns->cells ? cell : turns->cells - 1;
}

static int slower_first(const void *left, const void *right)
{
    const struct slow_turn *a = left, *b = right;
    if (a->ttft_ns != b->ttft_ns)
        return a->ttft_ns > b->ttft_ns ? -1 : 1;
    return a->cell < b->cell ? -1 : a->cell > b->cell;
}

static void note_same(bool same[PAIRED_METRICS], const struct pair *pair)
{
    const struct logged_turn *base = pair->of[BASE], *run = pair->of[RUN];
    bool same_ttft = base->ttft_ns == run->ttft_ns;
    same[PAIRED_TTFT_MEAN] &= same_ttft;
    same[PAIRED_TTFT_P99] &= same_ttft;
    same[PAIRED_HIT_RATE] &=
        base->reused_tokens == run->reused_tokens && base->wanted_tokens == run->wanted_tokens;
}

static void add_pair(struct paired_turns *turns, const struct pair *pair, uint32_t i)
{
    uint32_t at = cell_of(turns, pair->of[BASE]->asked_ns);
    struct cell *cell = &turns->cell[at];
    turns->used_cells += cell->turns == 0.0;
    cell->turns += 1.0;
    for (int side = 0; side < SIDES; side++) {
        cell->ttft_ns[side] += (double)pair->of[side]->ttft_ns;
        cell->wanted_tokens[side] += pair->of[side]->wanted_tokens;
        cell->reused_tokens[side] += pair->of[side]->reused_tokens;
        turns->slowest[side][i] = (struct slow_turn){ pair->of[side]->ttft_ns, at };
    }
}

struct paired_turns *paired_turns_new(const struct turn_log *base, const struct turn_log *run)
{
    uint32_t most = base->count < run->count ? base->count : run->count;
    struct paired_turns *turns = memory_new(1, sizeof *turns);
    struct pair *pairs = memory_new(most, sizeof *pairs);
    turns->count = find_pairs(base, run, pairs);
    turns->cells = turns->count < CELLS_MOST ? turns->count : CELLS_MOST;
    turns->block_cells = (turns->cells + PAIRED_BLOCKS - 1) / PAIRED_BLOCKS;
    turns->cell = memory_new(turns->cells, sizeof *turns->cell);
    for (int side = 0; side < SIDES; side++)
        turns->slowest[side] = memory_new(turns->count, sizeof *turns->slowest[side]);
    find_span(turns, pairs);
    for (int metric = 0; metric < PAIRED_METRICS; metric++)
        turns->same[metric] = true;
    for (uint32_t i = 0; i < turns->count; i++) {
        note_same(turns->same, &pairs[i]);
        add_pair(turns, &pairs[i], i);
    }
    free(pairs);
    for (int side = 0; side < SIDES && turns->count > 0; side++)
        qsort(turns->slowest[side], turns->count, sizeof *turns->slowest[side], slower_first);
    return turns;
}

void paired_turns_free(struct paired_turns *pairs)
{
    if (pairs == NULL)
        return;
    for (int side = 0; side < SIDES; side++)
        free(pairs->slowest[side]);
    free(pairs->cell);
    free(pairs);
}

uint32_t paired_turns_count(const struct paired_turns *pairs)
{
    return pairs->count;
}

uint64_t paired_turns_block_ns(const struct paired_turns *pairs)
{
    return pairs->count > 0 ? (pairs->to_ns - pairs->from_ns) / PAIRED_BLOCKS : 0;
}

/* ---- what is told of them; times[c]: how often cell c counts ---- */

static double ttft_mean(const void *context, const uint32_t *times)
{
    const struct paired_turns *turns = context;
    double sum = 0.0, count = 0.0;
    for (uint32_t c = 0; c < turns->cells; c++) {
        const struct cell *cell = &turns->cell[c];
        sum += times[c] * (cell->ttft_ns[RUN] - cell->ttft_ns[BASE]);
        count += times[c] * cell->turns;
    }
    return sum / count;
}

static double hit_rate(const void *context, const uint32_t *times)
{
    const struct paired_turns *turns = context;
    double reused[SIDES] = { 0 }, wanted[SIDES] = { 0 };
    for (uint32_t c = 0; c < turns->cells; c++)
        for (int side = 0; side < SIDES; side++) {
            reused[side] += times[c] * turns->cell[c].reused_tokens[side];
            wanted[side] += times[c] * turns->cell[c].wanted_tokens[side];
        }
    return reused[RUN] / wanted[RUN] - reused[BASE] / wanted[BASE];
}

/* The place in `slowest` of the P99: the last turn that no more than 1 % of all are slower than
 * (histogram_quantile() has the same meaning). */
static uint32_t p99_place(const struct slow_turn *slowest, uint64_t count, const uint32_t *times)
{
    uint64_t slower = 0;
    for (uint32_t i = 0;; i++) {
        slower += times[slowest[i].cell];
        if (100 * slower > count)
            return i;
    }
}

static double ttft_p99(const void *context, const uint32_t *times)
{
    const struct paired_turns *turns = context;
    uint64_t count = 0;
    for (uint32_t c = 0; c < turns->cells; c++)
        count += times[c] * (uint64_t)turns->cell[c].turns;
    if (count == 0)
        return NAN;
    double p99_ns[SIDES];
    for (int side = 0; side < SIDES; side++)
        p99_ns[side] =
            (double)turns->slowest[side][p99_place(turns->slowest[side], count, times)].ttft_ns;
    return p99_ns[RUN] - p99_ns[BASE];
}

static double (*const statistics[PAIRED_METRICS])(const void *context, const uint32_t *times) = {
    [PAIRED_TTFT_MEAN] = ttft_mean, [PAIRED_TTFT_P99] = ttft_p99, [PAIRED_HIT_RATE] = hit_rate
};

/* ---- what each cell does to it ---- */

static void all_once(const struct paired_turns *turns, uint32_t *times)
{
    for (uint32_t c = 0; c < turns->cells; c++)
        times[c] = 1;
}

static void ttft_mean_by_cell(const struct paired_turns *turns, double value, int side, double *out)
{
    (void)side;
    for (uint32_t c = 0; c < turns->cells; c++) {
        const struct cell *cell = &turns->cell[c];
        out[c] = cell->ttft_ns[RUN] - cell->ttft_ns[BASE] - value * cell->turns;
    }
}

static double hit_rate_of(const struct paired_turns *turns, int side, double *wanted)
{
    double reused = 0.0;
    *wanted = 0.0;
    for (uint32_t c = 0; c < turns->cells; c++) {
        reused += turns->cell[c].reused_tokens[side];
        *wanted += turns->cell[c].wanted_tokens[side];
    }
    return reused / *wanted;
}

static void hit_rate_by_cell(const struct paired_turns *turns, double value, int side, double *out)
{
    double wanted[SIDES], rate[SIDES];
    (void)value;
    (void)side;
    for (int i = 0; i < SIDES; i++)
        rate[i] = hit_rate_of(turns, i, &wanted[i]);
    for (uint32_t c = 0; c < turns->cells; c++) {
        const struct cell *cell = &turns->cell[c];
        double of[SIDES];
        for (int i = 0; i < SIDES; i++)
            of[i] = (cell->reused_tokens[i] - rate[i] * cell->wanted_tokens[i]) / wanted[i];
        out[c] = of[RUN] - of[BASE];
    }
}

static uint32_t tail_count(const struct paired_turns *turns, int side, const uint32_t *times)
{
    return p99_place(turns->slowest[side], turns->count, times) + 1;
}

/* Turns as slow as the P99, beyond those that there would be. */
static void ttft_p99_by_cell(const struct paired_turns *turns, double value, int side, double *out)
{
    uint32_t *times = memory_new(turns->cells, sizeof *times);
    (void)value;
    all_once(turns, times);
    uint32_t tail = tail_count(turns, side, times);
    for (uint32_t c = 0; c < turns->cells; c++)
        out[c] = -turns->cell[c].turns * tail / turns->count;
    for (uint32_t i = 0; i < tail; i++)
        out[turns->slowest[side][i].cell] += 1.0;
    free(times);
}

static void (*const by_cell[PAIRED_METRICS])(const struct paired_turns *turns, double value,
                                             int side, double *out) = {
    [PAIRED_TTFT_MEAN] = ttft_mean_by_cell,
    [PAIRED_TTFT_P99] = ttft_p99_by_cell,
    [PAIRED_HIT_RATE] = hit_rate_by_cell
};

/* ---- whether an interval can be told ---- */

static bool remembers(const struct paired_turns *turns, enum paired_metric metric, double value)
{
    double *series = memory_new(turns->cells, sizeof *series);
    uint32_t most = MEMORY_MOST(turns->block_cells);
    bool too_long = false;
    /* The P99s of both sides are quantiles by themselves, and may come of different times. */
    for (int side = 0; side < (metric == PAIRED_TTFT_P99 ? SIDES : 1); side++) {
        by_cell[metric](turns, value, side, series);
        too_long |= bootstrap_memory_cells(series, turns->cells, most + 1) > most;
    }
    free(series);
    return too_long;
}

static uint32_t tail_blocks(const struct paired_turns *turns, int side)
{
    bool in[PAIRED_BLOCKS] = { false };
    uint32_t *times = memory_new(turns->cells, sizeof *times), blocks = 0;
    all_once(turns, times);
    uint32_t tail = tail_count(turns, side, times);
    free(times);
    for (uint32_t i = 0; i < tail; i++)
        in[turns->slowest[side][i].cell / turns->block_cells] = true;
    for (int b = 0; b < PAIRED_BLOCKS; b++)
        blocks += in[b];
    return blocks;
}

static enum paired_doubt doubt_of(const struct paired_turns *turns, enum paired_metric metric,
                                  double value)
{
    if (turns->used_cells < CELLS_LEAST)
        return PAIRED_FEW_TURNS;
    for (int side = 0; side < SIDES && metric == PAIRED_TTFT_P99; side++)
        if (tail_blocks(turns, side) < TAIL_BLOCKS_LEAST)
            return PAIRED_NARROW_TAIL;
    return remembers(turns, metric, value) ? PAIRED_LONG_MEMORY : PAIRED_NO_DOUBT;
}

/* ---- the difference ---- */

struct difference paired_turns_difference(const struct paired_turns *pairs,
                                          enum paired_metric metric, uint32_t resamples)
{
    struct difference difference = { .value = NAN, .half_width = NAN, .doubt = PAIRED_FEW_TURNS };
    if (pairs->count == 0)
        return difference;
    if (pairs->same[metric]) /* known without any statistics */
        return (struct difference){ .value = 0.0, .half_width = 0.0 };
    uint32_t *times = memory_new(pairs->cells, sizeof *times);
    all_once(pairs, times);
    difference.value = statistics[metric](pairs, times);
    difference.doubt = doubt_of(pairs, metric, difference.value);
    if (difference.doubt == PAIRED_NO_DOUBT) {
        struct bootstrap bootstrap = { pairs->cells, pairs->block_cells, resamples, PAIRED_SEED };
        double blocks = (double)pairs->cells / pairs->block_cells;
        /* A resample's blocks are drawn around their own mean: so many less one are free. */
        double deviation = bootstrap_deviation(&bootstrap, statistics[metric], pairs) *
                           sqrt(blocks / (blocks - 1.0));
        difference.half_width = estimate_half_width(deviation, blocks - 1.0);
    }
    free(times);
    return difference;
}
