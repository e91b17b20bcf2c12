/* models/bill.h - what servers cost, as an invoice: the one place where prices become dollars.
 *
 *   busy    CachedAttention's: GPU-busy hours times hourly prices (paper.md's relation); idle time
 *           is free, as if a meter ran with the work
 *   rented  every hour at hourly prices, used or not
 *   owned   written off over the years it is used, with support, a place in a rack and electricity
 *
 * A bill is of all servers together, of the pool that they share once, and of a month (730.5 h).
 * What a million tokens cost is the month over the tokens that are offered in it: the load's, not
 * those of the time that it took to serve it. */
#ifndef REPRISE_MODELS_BILL_H
#define REPRISE_MODELS_BILL_H

#include "models/prices.h"

enum billing { BILL_BUSY, BILL_RENTED, BILL_OWNED };
enum { BILLINGS = 3 };
#define BILL_MONTH_HOURS 730.5 /* 365.25 days of 24 h, over 12 */

/* What is paid for. Storage that nothing is kept in is not bought. */
struct bought {
    uint32_t servers, gpus;                /* GPUs of each */
    uint32_t stores;                       /* of the servers: those that keep KV below HBM */
    bool keeps_kv;                         /* below HBM: some storage is bought */
    uint64_t dram_bytes, ssd_bytes;        /* for KV, of each of those */
    uint64_t pool_bytes;                   /* the remote pool's DRAM, of all together */
    uint32_t drives;                       /* of each that stores, where it is known which drive */
    double usd_per_drive, watts_per_drive; /* 0: not said, and the prices' per GB and TB stand */
};

/* What is asked of it. */
struct bill_load {
    double busy_share;      /* of the time that all GPUs together are busy to serve what is offered;
                               above 1 where that is more than they can */
    double tokens_per_hour; /* offered: prompt, history and reply */
    double sessions_per_hour;
};

/* The lines of an invoice, in their order; those of nothing have count 0. */
#define BILL_ITEMS(X)                                                                              \
    X(GPUS, "GPUs", "")                                                                            \
    X(SERVERS, "servers around them", "")                                                          \
    X(DRAM, "DRAM for KV", "GB")                                                                   \
    X(DRIVES, "drives for KV", "")                                                                 \
    X(SSD, "SSD for KV", "GB")                                                                     \
    X(POOL, "DRAM of the shared pool", "GB")                                                       \
    X(SUPPORT, "support and repair", "")                                                           \
    X(RACK, "space and cooling", "kW")                                                             \
    X(ELECTRICITY, "electricity", "kWh")
#define BILL_MEMBER(member, name, unit) BILL_##member,
enum bill_item { BILL_ITEMS(BILL_MEMBER) BILL_ITEM_COUNT };
const char *bill_item_name(enum bill_item item);
const char *bill_item_unit(enum bill_item item); /* of its count; "": pieces */

struct bill_line {
    double count;
    double usd_once; /* owned: paid at once; else 0 */
    double usd_per_month;
};

struct bill {
    struct bill_line line[BILL_ITEM_COUNT];
    double usd_per_month;         /* the sum of the lines */
    double storage_usd_per_month; /* of it: DRAM, drives, SSD and pool, without what feeds them */
    double usd_once;
    double usd_per_mtok, usd_per_session; /* NaN: nothing is offered */
};

/* Rented, the servers around GPUs and what DRAM and SSD come with them are in the GPUs' price.
 * Busy is that, times busy_share. Owned, a GPU draws busy_watts for busy_share of the time (all of
 * it where that is above 1) and idle_watts for the rest. */
struct bill bill_of(const struct bought *bought, const struct prices *prices, enum billing billing,
                    const struct bill_load *load);

/* "busy", "rented", "owned". STATUS_INPUT: none of them, or the prices have none of that kind. */
enum status billing_parse(const char *text, const struct prices *prices, enum billing *billing,
                          struct error *err);
const char *billing_name(enum billing billing);
/* Whether the prices can tell; and what they tell where nobody says which: owned if they can. */
bool billing_known(enum billing billing, const struct prices *prices);
enum billing billing_standard(const struct prices *prices);

#endif
