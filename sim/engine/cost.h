/* sim/engine/cost.h - a run's dollars: what its servers are bought with, what is offered to them,
 * and the bills of models/bill.h that follow. */
#ifndef REPRISE_SIM_ENGINE_COST_H
#define REPRISE_SIM_ENGINE_COST_H

#include "models/bill.h"
#include "sim/engine/disks.h"
#include "sim/engine/experiment.h"
#include "sim/engine/metrics.h"

/* What an experiment's servers are made of: all of them, storage only where KV is kept in it,
 * drives where it is said which. STATUS_INPUT: disks_for()'s. */
enum status cost_bought(const struct experiment *experiment, const struct hardware *hardware,
                        struct bought *bought, struct error *err);
/* The same where the disks are known already. */
struct bought cost_bought_with(const struct experiment *experiment, const struct hardware *hardware,
                               const struct disks *disks);

/* The time in which the load offers as many tokens as the run served: its pace, without the drain
 * behind the last arrival. What is offered at no rate (all at once, at a fixed concurrency) is
 * offered as it was served. */
double cost_pace_ns(const struct metrics *metrics);

/* What a bill is of, by a run's metrics. rented, owned: the load that is offered. busy: the run
 * itself, its busy hours and the tokens that these served. */
struct bill_load cost_load(const struct bought *bought, enum billing billing,
                           const struct metrics *metrics);

/* The bill of a run by its metrics, where these prices are paid. */
struct bill cost_bill(const struct bought *bought, const struct prices *prices,
                      enum billing billing, const struct metrics *metrics);

/* Fills in the metrics in dollars.
 * cost_*: busy. Source: CachedAttention (ATC'24), figure 17, through paper.md's relation: GPU-busy
 * hours * (GPUs * price + DRAM GB * price + SSD GB * price), prices an hour. GB = 10^9 bytes. */
void cost_set(const struct bought *bought, const struct prices *prices, struct metrics *metrics);

#endif
