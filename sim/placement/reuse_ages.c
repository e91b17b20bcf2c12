/* sim/placement/reuse_ages.c - see reuse_ages.h. Its numbers are sums, products and quotients of
 * doubles, each rounded as IEEE 754 says: the same on every machine. */
#include "sim/placement/reuse_ages.h"

/* Before there is anything to go by: as if of PRIOR_SEEN units at each step PRIOR_REUSED had been
 * used again. Since steps grow with the age, the rate then falls with it: all units go in LRU
 * order. */
#define PRIOR_SEEN 8.0
#define PRIOR_REUSED 0.5

enum {
    EPOCHS_A_RATE = 4,           /* rates are computed anew so often */
    EPOCHS_TO_HALF = AGE_EPOCHS, /* what was seen counts half so much later */
    HALF = AGE_KINDS / 2
};

/* The highest of the rates at this age and later ones. A unit that is kept waits for its best time:
 * that its chance is small before (its user still reads the reply) says nothing against it. */
static void rate_kind(struct reuse_ages *ages, uint32_t kind)
{
    double best = 0.0;
    for (uint32_t step = AGE_STEPS; step-- > 0;) {
        double width = (double)(age_of_step(step + 1) - age_of_step(step));
        double chance =
            (ages->reused[kind][step] + PRIOR_REUSED) / (ages->seen[kind][step] + PRIOR_SEEN);
        chance = chance < 1.0 ? chance : 1.0;
        /* Those that are used again are there for half of the step, on average. */
        double rate = chance / (width * (1.0 - chance / 2.0));
        best = rate > best ? rate : best;
        ages->rate[kind][step] = best;
    }
}

/* A block is worth nothing without those before it in its chain, and those have as many uses or
 * more: so what was used more often is never rated below what was used less often and lies as long,
 * and what ends a chain (the lower half of the classes) never above what does not. */
static void rate_all(struct reuse_ages *ages)
{
    for (uint32_t kind = 0; kind < AGE_KINDS; kind++)
        rate_kind(ages, kind);
    for (uint32_t kind = HALF; kind < AGE_KINDS; kind++) {
        double *rate = ages->rate[kind], *ends = ages->rate[kind - HALF];
        for (uint32_t step = 0; step < AGE_STEPS; step++) {
            if (kind > HALF && rate[step] < ages->rate[kind - 1][step])
                rate[step] = ages->rate[kind - 1][step];
            if (ends[step] > rate[step])
                ends[step] = rate[step];
        }
    }
}

void ages_begin(struct reuse_ages *ages)
{
    rate_all(ages);
}

static void halve(struct reuse_ages *ages)
{
    for (uint32_t kind = 0; kind < AGE_KINDS; kind++)
        for (uint32_t step = 0; step < AGE_STEPS; step++) {
            ages->seen[kind][step] *= 0.5;
            ages->reused[kind][step] *= 0.5;
        }
}

void ages_advance(struct reuse_ages *ages)
{
    uint32_t now = ++ages->epoch;
    for (uint32_t kind = 0; kind < AGE_KINDS; kind++) {
        uint32_t *alive = ages->alive[kind];
        for (uint32_t step = 1; step < AGE_STEPS; step++)
            ages->seen[kind][step] += alive[(now - age_of_step(step)) % AGE_EPOCHS];
        alive[now % AGE_EPOCHS] = 0; /* was the last step's: they are beyond all ages now */
    }
    if (now % EPOCHS_TO_HALF == 0)
        halve(ages);
    if (now % EPOCHS_A_RATE == 0)
        rate_all(ages);
}

void ages_watch(struct reuse_ages *ages, uint32_t kind, uint32_t epoch)
{
    uint32_t age = ages->epoch - epoch;
    for (uint32_t step = 0; step <= age_step(age); step++)
        ages->seen[kind][step] += 1.0;
    if (age < AGE_EPOCHS)
        ages->alive[kind][epoch % AGE_EPOCHS]++;
}

void ages_unwatch(struct reuse_ages *ages, uint32_t kind, uint32_t epoch)
{
    if (ages->epoch - epoch < AGE_EPOCHS)
        ages->alive[kind][epoch % AGE_EPOCHS]--;
}

void ages_reused(struct reuse_ages *ages, uint32_t kind, uint32_t epoch)
{
    ages->reused[kind][age_step(ages->epoch - epoch)] += 1.0;
}
