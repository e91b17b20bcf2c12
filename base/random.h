/* base/random.h - seeded random numbers that are the same on every machine.
 * libm's log and exp differ in the last bit between versions, and one bit can move a rounded token
 * count; so the functions here use only + - * / and sqrt, which IEEE 754 fixes (the build forbids
 * contraction into FMA). Generator: xoshiro256** 1.0 (Blackman and Vigna, 2018), seeded by
 * splitmix64. GSL, which fits use, is not used here for that reason. */
#ifndef REPRISE_BASE_RANDOM_H
#define REPRISE_BASE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state[4];
};

/* stream separates independent uses of one seed (arrivals, lengths, think times), so that changing
 * one parameter leaves the other draws as they were. */
struct random random_from(uint64_t seed, uint64_t stream);

uint64_t random_u64(struct random *random);
double random_uniform(struct random *random);                  /* in (0, 1): never 0, never 1 */
uint64_t random_below(struct random *random, uint64_t bound);  /* 0..bound-1, unbiased; bound > 0 */
double random_exponential(struct random *random, double mean); /* >= 0 */
double random_normal(struct random *random);                   /* mean 0, deviation 1 */
/* The log-normal with that mean and coefficient of variation (deviation over mean) of the value. */
double random_lognormal(struct random *random, double mean, double cv);
/* 1, 2, ...: trials up to the first success of probability p in (0, 1]; mean 1/p. */
uint64_t random_geometric(struct random *random, double p);

/* The x below which a standard normal value lies with probability p in (0, 1) (AS 241). */
double normal_quantile(double p);

/* Within 2 ulp of the true value, and the same bits everywhere. */
double exact_log(double x); /* x > 0 */
double exact_exp(double x);

#endif
