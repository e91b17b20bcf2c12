/* sim/placement/reuse_ages.h - how often units are used again, by how long ago they were used last:
 * what policy_reuse_rate.c learns. A *kind* of units is counted together. Time is
 * in epochs, which the policy lets pass; an age is the epochs since the last use. Ages are counted
 * in steps that grow with them: 0, 1, 2, 3, 4-5, 6-7, 8-11, 12-15, ... 768-1023, 1024 and more.
 *
 * Of each kind and step is counted how many units came to that age (seen) and how many were used
 * again in it (reused): their ratio is the chance to be used again there, whatever became of those
 * that were evicted and forgotten earlier (a life table, as Kaplan and Meier's). Private to
 * sim/placement/. */
#ifndef REPRISE_SIM_PLACEMENT_REUSE_AGES_H
#define REPRISE_SIM_PLACEMENT_REUSE_AGES_H

#include <stdint.h>

enum {
    AGE_KINDS = 16,
    AGE_EPOCHS = 1024, /* beyond that age all are alike */
    AGE_STEPS = 21
};

/* Invariant: of the units that are watched, alive[c][e % AGE_EPOCHS] are of kind c and were used
 * last in epoch e, for the last AGE_EPOCHS epochs. Zeroed memory, after ages_begin(), is that of
 * nothing seen. */
struct reuse_ages {
    uint32_t epoch;
    uint32_t alive[AGE_KINDS][AGE_EPOCHS];
    double seen[AGE_KINDS][AGE_STEPS], reused[AGE_KINDS][AGE_STEPS];
    /* Uses an epoch to expect at that age, from ages_rate(). */
    double rate[AGE_KINDS][AGE_STEPS];
};

static inline uint32_t age_step(uint32_t age)
{
    if (age < 2)
        return age;
    if (age >= AGE_EPOCHS)
        return AGE_STEPS - 1;
    uint32_t octave = 31U - (uint32_t)__builtin_clz(age);
    return 2 * octave + ((age >> (octave - 1)) & 1U);
}

/* The least age of the step; of the step behind the last, where that is taken to end. */
static inline uint32_t age_of_step(uint32_t step)
{
    return step < 2 ? step : (2U + (step & 1U)) << (step / 2 - 1);
}

/* Before all else: what is expected before anything was seen. */
void ages_begin(struct reuse_ages *ages);
/* The next epoch begins. */
void ages_advance(struct reuse_ages *ages);
/* A unit of that kind, used last in that epoch, is watched from now on; is no more. */
void ages_watch(struct reuse_ages *ages, uint32_t kind, uint32_t epoch);
void ages_unwatch(struct reuse_ages *ages, uint32_t kind, uint32_t epoch);
/* It, which is watched, is used again now. It stays watched, as it was. */
void ages_reused(struct reuse_ages *ages, uint32_t kind, uint32_t epoch);

/* The highest rate of use that a unit of that kind, used last in that epoch, has before it. */
static inline double ages_rate(const struct reuse_ages *ages, uint32_t kind, uint32_t epoch)
{
    return ages->rate[kind][age_step(ages->epoch - epoch)];
}

#endif
