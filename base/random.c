/* base/random.c - see random.h. Every distribution is drawn by inversion of one uniform number, or
 * by few of them, so that how many draws a value takes does not depend on libm. */
#include "base/random.h"

#include <assert.h>
#include <math.h>

static uint64_t rotate_left(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

/* splitmix64's output function (Stafford's Mix13); 0 stays 0. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

struct random random_from(uint64_t seed, uint64_t stream)
{
    struct random random;
    /* Twice mixed: neighbouring streams start far apart on splitmix64's one cycle, and stream 0 is
     * plain splitmix64 of the seed. */
    uint64_t position = seed ^ mix(mix(stream));
    for (int i = 0; i < 4; i++)
        random.state[i] = mix(position += UINT64_C(0x9E3779B97F4A7C15));
    return random;
}

uint64_t random_u64(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double random_uniform(struct random *random)
{
    /* The middles of 2^52 equal parts of (0, 1); of 2^53 the last would round to 1. */
    return ((double)(random_u64(random) >> 12) + 0.5) * 0x1p-52;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
    assert(bound > 0);
    /* The lowest 2^64 mod bound numbers are refused: what is left is a multiple of bound. */
    uint64_t refused = (0 - bound) % bound;
    uint64_t drawn;
    do
        drawn = random_u64(random);
    while (drawn < refused);
    return drawn % bound;
}

double random_exponential(struct random *random, double mean)
{
    return -mean * exact_log(random_uniform(random));
}

/* c[0] + c[1] x + ... + c[7] x^7 */
static double polynomial(const double c[8], double x)
{
    double sum = c[7];
    for (int i = 6; i >= 0; i--)
        sum = sum * x + c[i];
    return sum;
}

/* The normal quantile: Wichura, Algorithm AS 241 (PPND16), Applied Statistics 37 (1988), accurate
 * to about 1 part in 10^16. */
static const double centre_top[8] = { 3.3871328727963666080e0,  1.3314166789178437745e+2,
                                      1.9715909503065514427e+3, 1.3731693765509461125e+4,
                                      4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                      3.3430575583588128105e+4, 2.5090809287301226727e+3 };
static const double centre_bottom[8] = { 1.0,
                                         4.2313330701600911252e+1,
                                         6.8718700749205790830e+2,
                                         5.3941960214247511077e+3,
                                         2.1213794301586595867e+4,
                                         3.9307895800092710610e+4,
                                         2.8729085735721942674e+4,
                                         5.2264952788528545610e+3 };
static const double middle_top[8] = { 1.42343711074968357734e0,  4.63033784615654529590e0,
                                      5.76949722146069140550e0,  3.64784832476320460504e0,
                                      1.27045825245236838258e0,  2.41780725177450611770e-1,
                                      2.27238449892691845833e-2, 7.74545014278341407640e-4 };
static const double middle_bottom[8] = { 1.0,
                                         2.05319162663775882187e0,
                                         1.67638483018380384940e0,
                                         6.89767334985100004550e-1,
                                         1.48103976427480074590e-1,
                                         1.51986665636164571966e-2,
                                         5.47593808499534494600e-4,
                                         1.05075007164441684324e-9 };
static const double tail_top[8] = { 6.65790464350110377720e0,  5.46378491116411436990e0,
                                    1.78482653991729133580e0,  2.96560571828504891230e-1,
                                    2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                    2.71155556874348757815e-5, 2.01033439929228813265e-7 };
static const double tail_bottom[8] = { 1.0,
                                       5.99832206555887937690e-1,
                                       1.36929880922735805310e-1,
                                       1.48753612908506148525e-2,
                                       7.86869131145613259100e-4,
                                       1.84631831751005468180e-5,
                                       1.42151175831644588870e-7,
                                       2.04426310338993978564e-15 };

double normal_quantile(double p)
{
    double q = p - 0.5;
    if (fabs(q) <= 0.425) {
        double r = 0.180625 - q * q;
        return q * polynomial(centre_top, r) / polynomial(centre_bottom, r);
    }
    double r = sqrt(-exact_log(q < 0 ? p : 1 - p));
    double x = r <= 5 ? polynomial(middle_top, r - 1.6) / polynomial(middle_bottom, r - 1.6)
                      : polynomial(tail_top, r - 5) / polynomial(tail_bottom, r - 5);
    return q < 0 ? -x : x;
}

double random_normal(struct random *random)
{
    return normal_quantile(random_uniform(random));
}

double random_lognormal(struct random *random, double mean, double cv)
{
    double variance_of_log = exact_log(1 + cv * cv);
    double deviation_of_log = sqrt(variance_of_log);
    return mean * exact_exp(deviation_of_log * random_normal(random) - 0.5 * variance_of_log);
}

/* log(1 + x): what 1 + x loses by rounding is given back by the factor (Kahan). */
static double log_one_plus(double x)
{
    double sum = 1 + x;
    return sum == 1 ? x : exact_log(sum) * (x / (sum - 1));
}

uint64_t random_geometric(struct random *random, double p)
{
    assert(p > 0 && p <= 1);
    double uniform = random_uniform(random);
    if (p == 1)
        return 1;
    double trials = ceil(exact_log(uniform) / log_one_plus(-p));
    return trials < 0x1p64 ? (uint64_t)trials : UINT64_MAX;
}
