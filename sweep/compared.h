/* sweep/compared.h - policies that served the same load, whoever ran or kept them: names, metrics, findings and how
 * they differ. `sim` fills it from its runs, `report` from the store; what both say of it is told from here. */
#ifndef REPRISE_SWEEP_COMPARED_H
#define REPRISE_SWEEP_COMPARED_H

#include "sim/engine/result.h"
#include "sweep/estimate.h"
#include "sweep/paired.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- differences ---- */

enum difference_form { DIFFERENCE_TIME, DIFFERENCE_POINTS, DIFFERENCE_NUMBER, DIFFERENCE_DOLLARS };

/* Metrics of which differences are told, in the order of tables. What has a value a turn is told of one run each; the
 * others take several seeds (PAIRED_METRICS). */
struct difference_row {
    const char *label, *metric;
    const char *measure; /* as the verdict names it, which says who has the least; NULL: it does not */
    size_t offset;       /* into struct metrics */
    enum paired_metric by_turn;
    enum difference_form form;
};
enum { DIFFERENCE_ROWS = 6 };
extern const struct difference_row difference_rows[DIFFERENCE_ROWS];

/* One policy against another, numbers in struct compared; base < run. */
struct against {
    uint32_t base, run;
    uint32_t pairs;    /* turns, or seeds */
    uint64_t block_ns; /* of the turns' time; 0: it cannot be cut into blocks */
    struct difference row[DIFFERENCE_ROWS]; /* of rows that difference_is_told() */
};

enum paired_by { PAIRED_BY_NOTHING, PAIRED_BY_TURN, PAIRED_BY_SEED };

/* ---- policies ---- */

struct compared_run {
    const char *name;
    struct metrics metrics;        /* of several seeds, their means */
    struct metrics *of_seed;       /* as many as there are seeds, to be filled in; NULL: one */
    double warranty_years;         /* of the SSD tier's drives; 0: none */
    const char *finding[SIM_FINDINGS_MAX]; /* most important first; NULL: no more. Of several seeds, the first's */
};

struct compared {
    uint32_t count, seeds;
    struct compared_run *run;
    bool may_replicate;     /* more seeds could be run */
    enum paired_by paired_by;
    uint32_t resamples;     /* of the turns' time */
    uint32_t against_count; /* the first policy against each other one comes first, in their order */
    struct against *against;
};

/* Zeroed room for so many policies under so many seeds, to be freed by compared_free(). Names and findings stay the
 * caller's. */
struct compared compared_new(uint32_t count, uint32_t seeds);
void compared_free(struct compared *compared);

/* The mean of each metric over count >= 1 runs. */
struct metrics metrics_mean(const struct metrics *metrics, uint32_t count);

/* The metric at that offset of struct metrics over the policy's seeds; of one, its value without an interval. */
struct estimate compared_estimate(const struct compared *compared, const struct compared_run *run,
                                  size_t offset);

/* The policy with the least of the metric at that offset of struct metrics; the first of equals. */
uint32_t compared_least(const struct compared *compared, size_t offset);

/* Whether the pair is asked for: by the table, whose base is the first policy named, or by the verdict, which tells the
 * best at something from the others. Metrics are there. */
bool compared_asks(const struct compared *compared, uint32_t base, uint32_t run);

/* Finds all differences that are asked for, once: over seeds where there are several; else turn by turn, of logs[i] of
 * policy i (NULL: nothing was kept to pair). Sorts and pairs the turns of two runs in tens of ms. resamples 0: as
 * paired.h has it. */
void compared_find_differences(struct compared *compared, const struct turn_log *const *logs,
                               uint32_t resamples);

/* NULL: not told. */
const struct against *compared_against(const struct compared *compared, uint32_t base, uint32_t run);

/* Whether that row of difference_rows is told. */
bool difference_is_told(const struct compared *compared, int row);

#endif
