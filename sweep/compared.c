/* sweep/compared.c - see compared.h. */
#include "sweep/compared.h"

#include "base/memory.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const struct difference_row difference_rows[DIFFERENCE_ROWS] = {
#define ROW(label, member, measure, by_turn, form)                                                 \
    {                                                                                              \
        label, #member, measure, offsetof(struct metrics, member), by_turn, form                   \
    }
    ROW("TTFT mean", ttft_mean_ns, "Mean TTFT", PAIRED_TTFT_MEAN, DIFFERENCE_TIME),
    ROW("     P99", ttft_p99_ns, "P99 TTFT", PAIRED_TTFT_P99, DIFFERENCE_TIME),
    ROW("hits, all tokens", hit_rate_tokens, NULL, PAIRED_HIT_RATE, DIFFERENCE_POINTS),
    ROW("prefill tokens/s", prefill_tokens_per_s, NULL, PAIRED_METRICS, DIFFERENCE_NUMBER),
    ROW("turns/s in the SLO", goodput_turns_per_s, NULL, PAIRED_METRICS, DIFFERENCE_NUMBER),
    ROW("$ per million, busy", cost_usd_per_mtok, "Cost, busy", PAIRED_METRICS, DIFFERENCE_DOLLARS),
#undef ROW
};

struct compared compared_new(uint32_t count, uint32_t seeds)
{
    struct compared compared = { .count = count,
                                 .seeds = seeds,
                                 .run = memory_new(count, sizeof *compared.run) };
    for (uint32_t i = 0; seeds > 1 && i < count; i++)
        compared.run[i].of_seed = memory_new(seeds, sizeof *compared.run[i].of_seed);
    return compared;
}

void compared_free(struct compared *compared)
{
    for (uint32_t i = 0; i < compared->count; i++)
        free(compared->run[i].of_seed);
    free(compared->run);
    free(compared->against);
    *compared = (struct compared){ 0 };
}

/* ---- means ---- */

/* struct metrics is doubles and nothing else. */
struct metrics metrics_mean(const struct metrics *metrics, uint32_t count)
{
    struct metrics mean = metrics[0];
    double *sum = (double *)(void *)&mean;
    for (int m = 0; m < METRIC_COUNT; m++) {
        for (uint32_t i = 1; i < count; i++)
            sum[m] += metric_value(&metrics[i], m);
        sum[m] /= count;
    }
    return mean;
}

/* ---- differences ---- */

bool difference_is_told(const struct compared *compared, int row)
{
    return compared->paired_by == PAIRED_BY_SEED ||
           (compared->paired_by == PAIRED_BY_TURN &&
            difference_rows[row].by_turn != PAIRED_METRICS);
}

uint32_t compared_least(const struct compared *compared, size_t offset)
{
    uint32_t least = 0;
    for (uint32_t i = 1; i < compared->count; i++)
        if (metric_at(&compared->run[i].metrics, offset) <
            metric_at(&compared->run[least].metrics, offset))
            least = i;
    return least;
}

bool compared_asks(const struct compared *compared, uint32_t base, uint32_t run)
{
    bool asks = base == 0;
    for (int r = 0; r < DIFFERENCE_ROWS; r++) {
        if (difference_rows[r].measure == NULL || !difference_is_told(compared, r))
            continue;
        uint32_t least = compared_least(compared, difference_rows[r].offset);
        asks = asks || least == base || least == run;
    }
    return asks;
}

/* The seeds' values, to be freed. */
static double *values_of(const struct compared *compared, const struct compared_run *run,
                         size_t offset)
{
    double *values = memory_new(compared->seeds, sizeof *values);
    for (uint32_t seed = 0; seed < compared->seeds; seed++)
        values[seed] =
            metric_at(run->of_seed != NULL ? &run->of_seed[seed] : &run->metrics, offset);
    return values;
}

struct estimate compared_estimate(const struct compared *compared, const struct compared_run *run,
                                  size_t offset)
{
    double *values = values_of(compared, run, offset);
    struct estimate estimate = estimate_of(values, compared->seeds);
    free(values);
    return estimate;
}

static struct difference by_seed(const struct compared *compared, uint32_t base, uint32_t run,
                                 size_t offset)
{
    double *of_base = values_of(compared, &compared->run[base], offset);
    double *of_run = values_of(compared, &compared->run[run], offset);
    struct difference difference = paired_seeds(of_base, of_run, compared->seeds);
    free(of_base);
    free(of_run);
    return difference;
}

static void find_by_turn(const struct compared *compared, const struct turn_log *const *logs,
                         struct against *against)
{
    struct paired_turns *turns = paired_turns_new(logs[against->base], logs[against->run]);
    against->pairs = paired_turns_count(turns);
    against->block_ns = paired_turns_block_ns(turns);
    for (int r = 0; r < DIFFERENCE_ROWS; r++)
        if (difference_is_told(compared, r))
            against->row[r] =
                paired_turns_difference(turns, difference_rows[r].by_turn, compared->resamples);
    paired_turns_free(turns);
}

static void find_by_seed(const struct compared *compared, struct against *against)
{
    against->pairs = compared->seeds;
    for (int r = 0; r < DIFFERENCE_ROWS; r++)
        against->row[r] = by_seed(compared, against->base, against->run, difference_rows[r].offset);
}

static enum paired_by paired_by(const struct compared *compared, const struct turn_log *const *logs)
{
    if (compared->count < 2)
        return PAIRED_BY_NOTHING;
    return compared->run[0].of_seed != NULL ? PAIRED_BY_SEED
           : logs != NULL                   ? PAIRED_BY_TURN
                                            : PAIRED_BY_NOTHING;
}

void compared_find_differences(struct compared *compared, const struct turn_log *const *logs,
                               uint32_t resamples)
{
    uint32_t capacity = 0, count = compared->count;
    compared->paired_by = paired_by(compared, logs);
    compared->resamples = resamples > 0 ? resamples : PAIRED_RESAMPLES;
    for (uint32_t base = 0; base < count && compared->paired_by != PAIRED_BY_NOTHING; base++)
        for (uint32_t run = base + 1; run < count; run++) {
            if (!compared_asks(compared, base, run))
                continue;
            memory_grow(&compared->against, &capacity, (uint64_t)compared->against_count + 1,
                        sizeof *compared->against);
            struct against *against = &compared->against[compared->against_count++];
            *against = (struct against){ .base = base, .run = run };
            if (compared->paired_by == PAIRED_BY_SEED)
                find_by_seed(compared, against);
            else
                find_by_turn(compared, logs, against);
        }
}

const struct against *compared_against(const struct compared *compared, uint32_t base, uint32_t run)
{
    for (uint32_t i = 0; i < compared->against_count; i++)
        if (compared->against[i].base == base && compared->against[i].run == run)
            return &compared->against[i];
    return NULL;
}
