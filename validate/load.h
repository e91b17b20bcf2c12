/* validate/load.h - from a load to the rate of arrivals that gives it, by simulation. A load that
 * no rate gives is told, not replaced. Private to validate/. */
#ifndef REPRISE_VALIDATE_LOAD_H
#define REPRISE_VALIDATE_LOAD_H

#include "validate/comparison.h"

/* The key that a load sets: of a generated workload its sessions a second; of a trace, how many
 * times as dense its arrivals are; at fixed concurrency that, to whole sessions. */
const char *load_rate_key(const struct experiment *experiment);
void load_set_rate(struct experiment *experiment, double rate);

/* Rates that were tried: LOAD_STEPS from the lowest, a factor of 10^(1/4) apart. */
enum { LOAD_STEPS = 29 };
struct load_search {
    const struct experiment *experiment;
    double busy_percent[LOAD_STEPS];
};

/* Simulates the experiment at all of these rates. Errors are sim_run()'s. */
enum status load_search_begin(struct load_search *search, const struct experiment *experiment,
                              struct error *err);

/* Up to 100 %: the lowest rate at which the simulator's computing is busy for that share of the
 * time, to one point; where a few sessions are all there is, it may never be. Above: the rate of 85
 * % times percent / 85, as the queue then grows and utilisation says nothing of the rate. */
enum status load_find(const struct load_search *search, double percent, struct validated_load *load,
                      struct error *err);

/* At fixed concurrency no rate gives a load: there is the one that the experiment asks for. */
enum status load_of_concurrency(const struct experiment *experiment, struct validated_load *load,
                                struct error *err);

#endif
