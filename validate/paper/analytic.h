/* validate/paper/analytic.h - what theory says of a serving engine with a cache, to hold
 * simulations against. Nothing here knows of the simulator. */
#ifndef REPRISE_VALIDATE_PAPER_ANALYTIC_H
#define REPRISE_VALIDATE_PAPER_ANALYTIC_H

#include <stdint.h>

/* M/G/1, first come first served: mean wait before service when arrivals are Poisson at
 * arrivals_per_s and service has this mean and mean square (s, s^2).
 * Pollaczek-Khinchine: W = rate * E[S^2] / (2 * (1 - rate * E[S])). INFINITY at a load of 1 or
 * more. */
double analytic_mg1_wait_s(double arrivals_per_s, double mean_s, double mean_square_s2);

/* Che's approximation of LRU's hit rate under independent references: item i is asked with
 * probability popularity[i] (they sum to 1), `slots` of the items fit. Solves
 * sum(1 - exp(-p T)) = slots for T; the hit rate is sum(p (1 - exp(-p T))). Source: Che, Tung, Wang
 * (IEEE JSAC 2002). slots >= count gives 1. */
double analytic_che_hit_rate(const double *popularity, uint32_t count, double slots);

/* popularity[i] ~ 1 / (i + 1)^exponent, summing to 1. */
void analytic_zipf(double *popularity, uint32_t count, double exponent);

/* Layer-wise pre-loading, CachedAttention section 3.2.1. Times are of all layers. */
/* Layers that the read buffer must hold so that no layer waits: the paper's
 * S_buf = B (T_load L_hist - T_pref L_new), in layers of KV, rounded up. It lets the last layer's
 * KV come as that layer ends, so that part of a layer's time may still be waited for. */
uint32_t analytic_buffer_layers(double load_ns, double compute_ns, uint32_t layers);

/* A prefill whose first `buffered` layers' KV is in HBM at its start and whose other layers load
 * one after the other from then on; each layer waits for its own KV. */
double analytic_overlapped_ns(double load_ns, double compute_ns, uint32_t layers,
                              uint32_t buffered);

/* Mean number waiting, by Little's law: arrivals per time * mean wait. */
double analytic_little_waiting(double arrivals_per_s, double mean_wait_s);

/* Time in prefill over time in decode before reuse, implied by two published gains: with
 * G = prefill gain and S = total gain, (P + D) / (P / G + D) = S gives P / D = (S - 1) / (1 - S /
 * G). Holds where decode takes the same time with and without reuse. */
double analytic_prefill_to_decode(double prefill_gain, double total_gain);

#endif
