/* traces/draws.h - draws that several sources share; the same on every machine (base/random.h).
 * Private to traces/. */
#ifndef REPRISE_TRACES_DRAWS_H
#define REPRISE_TRACES_DRAWS_H

#include "base/random.h"
#include "traces/traces.h"

/* Of a Poisson process; 0 at an infinite rate. */
uint64_t draw_gap_ns(struct random *random, double per_s);

/* By the workload's think-time distribution. */
uint64_t draw_think_ns(const struct workload *workload, struct random *random);

/* cv 0: the mean itself. */
double draw_lognormal(struct random *random, double mean, double cv);

/* Rounded, 1 to 1e9. */
uint32_t whole_tokens(double tokens);
/* Whole nanoseconds, to 1e18. */
uint64_t whole_ns(double ns);

/* From least to most, both included, each alike; least <= most. */
uint32_t draw_between(struct random *random, uint32_t least, uint32_t most);
/* STATUS_INPUT, of the key: not so. */
enum status check_least(const char *key, uint32_t least, uint32_t most, struct error *err);

/* Ranks 1..count with probability in proportion to 1 / rank^exponent, exponent >= 0, without a
 * table: rejection-inversion (Hörmann and Derflinger, ACM TOMACS 6(3), 1996). */
struct zipf {
    uint64_t count;
    double exponent, integral_first, integral_last, cut;
};
struct zipf zipf_of(uint64_t count, double exponent);
uint64_t zipf_draw(const struct zipf *zipf, struct random *random);

/* xxHash64 of a configuration as text, so that it does not depend on a struct's layout. */
uint64_t hash_of_values(const struct config_row *rows, const void *values);

#endif
