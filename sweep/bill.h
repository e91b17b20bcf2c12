/* sweep/bill.h - what a run's server costs, three ways, and how long its SSDs last.
 *
 *   busy    CachedAttention's: GPU-busy hours times hourly prices (paper.md's relation,
 * sim/engine/cost.h); idle time is free, as if a meter ran with the work rented  all hours of the
 * run at hourly prices: an hour is paid for whether used or not owned   price / (years * 8766 h) +
 * support
 * + electricity, GPUs drawing busy_watts while busy
 *
 * Costs are of `replicas` equal servers, of which the run simulated one. */
#ifndef REPRISE_SWEEP_BILL_H
#define REPRISE_SWEEP_BILL_H

#include "models/models.h"
#include "models/prices.h"
#include "sim/sim.h"

#include <stdbool.h>
#include <stdint.h>

enum billing { BILL_BUSY, BILL_RENTED, BILL_OWNED };

/* Whether the policy (EVICTION or EVICTION+FETCHING) keeps KV at all. */
bool bill_policy_keeps_kv(const char *policy);

/* What is paid for: storage that a policy does not use is not bought. */
struct bought {
    uint32_t gpus, replicas;
    bool keeps_kv; /* false: there is no storage, or the policy does not use it: none is bought */
    uint64_t dram_bytes, ssd_bytes; /* for KV, of one replica */
};
struct bought bought_for(const struct experiment *experiment, const struct hardware *hardware,
                         uint32_t replicas);

struct bill {
    /* All replicas together. */
    double gpu_usd_per_hour; /* with the server around them and their electricity */
    double dram_usd_per_hour, ssd_usd_per_hour;
    double usd_per_hour;  /* the sum */
    double usd_per_month; /* 730.5 hours */
    double usd_per_mtok;  /* million prompt, history and reply tokens served */
    double usd_per_session;
    double invoice_usd; /* owned: paid at once, for all of it; else 0 */
    double ssd_years;   /* to the rated writes at the run's rate; infinity: nothing is written */
    double ssd_writes_per_day; /* of the whole capacity */
};

/* metrics: of one replica. */
struct bill bill_of(const struct bought *bought, const struct prices *prices, enum billing billing,
                    const struct metrics *metrics);

/* "busy", "rented", "owned". STATUS_INPUT: none of them, or the prices have none of that kind. */
enum status billing_parse(const char *text, const struct prices *prices, enum billing *billing,
                          struct error *err);
const char *billing_name(enum billing billing);

#endif
