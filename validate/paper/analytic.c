/* validate/paper/analytic.c - see analytic.h. */
#include "validate/paper/analytic.h"

#include <math.h>

double analytic_mg1_wait_s(double arrivals_per_s, double mean_s, double mean_square_s2)
{
    double load = arrivals_per_s * mean_s;
    if (load >= 1.0)
        return INFINITY;
    return arrivals_per_s * mean_square_s2 / (2.0 * (1.0 - load));
}

/* Items that were asked within the last `time` references, on average. */
static double occupied(const double *popularity, uint32_t count, double time)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < count; i++)
        sum += -expm1(-popularity[i] * time);
    return sum;
}

double analytic_che_hit_rate(const double *popularity, uint32_t count, double slots)
{
    if (slots >= (double)count)
        return 1.0;
    double low = 0.0, high = 1.0;
    while (occupied(popularity, count, high) < slots)
        high *= 2.0;
    for (int step = 0; step < 100; step++) {
        double middle = (low + high) / 2.0;
        if (occupied(popularity, count, middle) < slots)
            low = middle;
        else
            high = middle;
    }
    double hits = 0.0;
    for (uint32_t i = 0; i < count; i++)
        hits += popularity[i] * -expm1(-popularity[i] * low);
    return hits;
}

void analytic_zipf(double *popularity, uint32_t count, double exponent)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        popularity[i] = pow((double)i + 1.0, -exponent);
        sum += popularity[i];
    }
    for (uint32_t i = 0; i < count; i++)
        popularity[i] /= sum;
}

uint32_t analytic_buffer_layers(double load_ns, double compute_ns, uint32_t layers)
{
    if (load_ns <= compute_ns) /* overlap is perfect */
        return 0;
    return (uint32_t)ceil((double)layers * (1.0 - compute_ns / load_ns));
}

double analytic_overlapped_ns(double load_ns, double compute_ns, uint32_t layers, uint32_t buffered)
{
    double end_ns = 0.0;
    for (uint32_t layer = 0; layer < layers; layer++) {
        double arrival_ns =
            layer < buffered ? 0.0 : load_ns * (layer - buffered + 1) / (double)layers;
        end_ns = fmax(end_ns, arrival_ns) + compute_ns / (double)layers;
    }
    return end_ns;
}

double analytic_little_waiting(double arrivals_per_s, double mean_wait_s)
{
    return arrivals_per_s * mean_wait_s;
}

double analytic_prefill_to_decode(double prefill_gain, double total_gain)
{
    return (total_gain - 1.0) / (1.0 - total_gain / prefill_gain);
}
