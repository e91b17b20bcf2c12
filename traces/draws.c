/* traces/draws.c - see draws.h. */
#include "traces/draws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define NS_MOST UINT64_C(1000000000000000000)

uint64_t draw_gap_ns(struct random *random, double per_s)
{
    double gap_s = random_exponential(random, 1.0 / per_s);
    return (uint64_t)(gap_s * (double)NS_PER_S);
}

double draw_lognormal(struct random *random, double mean, double cv)
{
    return cv > 0.0 ? random_lognormal(random, mean, cv) : mean;
}

uint64_t draw_think_ns(const struct workload *workload, struct random *random)
{
    double mean_ns = (double)workload->think_mean_ns, think_ns = mean_ns;
    if (workload->think_time == THINK_EXPONENTIAL && mean_ns > 0.0)
        think_ns = random_exponential(random, mean_ns);
    else if (workload->think_time == THINK_LOGNORMAL && mean_ns > 0.0)
        think_ns = draw_lognormal(random, mean_ns, workload->think_cv);
    return whole_ns(think_ns);
}

uint64_t whole_ns(double ns)
{
    return ns < (double)NS_MOST ? (uint64_t)ns : NS_MOST;
}

uint32_t whole_tokens(double tokens)
{
    double rounded = tokens + 0.5;
    if (rounded < 1.0)
        return 1;
    return rounded < 1e9 ? (uint32_t)rounded : 1000000000;
}

uint32_t draw_between(struct random *random, uint32_t least, uint32_t most)
{
    return least + (uint32_t)random_below(random, (uint64_t)most - least + 1);
}

enum status check_least(const char *key, uint32_t least, uint32_t most, struct error *err)
{
    char expected[64], found[32];
    if (least <= most)
        return STATUS_OK;
    snprintf(expected, sizeof expected, "at most the longest, %u", most);
    snprintf(found, sizeof found, "%u", least);
    return error_input(err, NULL, 0, key, expected, found);
}

/* ---- Zipf ---- */

static double power(double x, double exponent)
{
    return exact_exp(exponent * exact_log(x));
}

/* The integral of x^-exponent from 1 to x, of which the ranks' probabilities are close to slices.
 */
static double integral(const struct zipf *zipf, double x)
{
    double rest = 1.0 - zipf->exponent;
    return rest > -1e-9 && rest < 1e-9 ? exact_log(x) : (power(x, rest) - 1.0) / rest;
}

static double integral_inverse(const struct zipf *zipf, double y)
{
    double rest = 1.0 - zipf->exponent;
    if (rest > -1e-9 && rest < 1e-9)
        return exact_exp(y);
    double base = 1.0 + y * rest;
    return base > 0.0 ? power(base, 1.0 / rest) : (double)zipf->count;
}

struct zipf zipf_of(uint64_t count, double exponent)
{
    struct zipf zipf = { .count = count, .exponent = exponent };
    zipf.integral_first = integral(&zipf, 1.5) - 1.0;
    zipf.integral_last = integral(&zipf, (double)count + 0.5);
    /* Left of it a rank is taken without computing its probability. */
    zipf.cut = 2.0 - integral_inverse(&zipf, integral(&zipf, 2.5) - power(2.0, -exponent));
    return zipf;
}

uint64_t zipf_draw(const struct zipf *zipf, struct random *random)
{
    while (true) {
        double share = random_uniform(random);
        double y = zipf->integral_last + share * (zipf->integral_first - zipf->integral_last);
        double x = integral_inverse(zipf, y);
        double rank = (double)(uint64_t)(x + 0.5);
        if (rank < 1.0)
            rank = 1.0;
        else if (rank > (double)zipf->count)
            rank = (double)zipf->count;
        if (rank - x <= zipf->cut || y >= integral(zipf, rank + 0.5) - power(rank, -zipf->exponent))
            return (uint64_t)rank;
    }
}

uint64_t hash_of_values(const struct config_row *rows, const void *values)
{
    const struct config_section sections[] = { { .prefix = "", .rows = rows }, { 0 } };
    char *text = config_values_text(sections, values);
    uint64_t hash = XXH64(text, strlen(text), 0);
    free(text);
    return hash;
}
