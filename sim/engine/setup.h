/* sim/engine/setup.h - what follows from an experiment's names and files before anything runs: the
 * one derivation of its numbers, for virtual and for real time. */
#ifndef REPRISE_SIM_ENGINE_SETUP_H
#define REPRISE_SIM_ENGINE_SETUP_H

#include "models/models.h"
#include "sim/engine/disks.h"
#include "sim/engine/experiment.h"
#include "sim/engine/inputs.h"
#include "sim/engine/kv_layout.h"
#include "sim/placement/placement.h"
#include "traces/traces.h"

#include <stdbool.h>
#include <stdint.h>

/* A server's links, each in one direction. NETWORK: out of the server; NETWORK_IN: into it. */
enum link {
    LINK_SSD_READ,
    LINK_SSD_WRITE,
    LINK_H2D,
    LINK_D2H,
    LINK_NETWORK,
    LINK_NETWORK_IN,
    LINK_COUNT
};

#define LINK_BIT(link) (UINT32_C(1) << (link))

/* Links that are the two directions of one thing, which may be busy with both less than twice. */
enum link_pair { PAIR_SSD, PAIR_PCIE, PAIR_COUNT };

struct engine_setup {
    const struct experiment *experiment; /* the caller's; outlives this */
    struct model model;
    struct hardware hardware;
    struct disks disks;
    struct timing timing;
    struct placement_config placement;
    struct tenant_lists tenants;
    uint32_t rank_most; /* of sessions (sessions.h) */
    double link_bytes_per_s[LINK_COUNT];
    double both_bytes_per_s[PAIR_COUNT]; /* a pair of links together; 0: no such bound */
    uint64_t link_latency_ns[LINK_COUNT];
    struct kv_layout kv;
    uint64_t kv_budget_bytes;
    uint64_t ssd_request_bytes; /* in which a unit is read and written there */
    uint64_t remote_bytes; /* 0: no pool */
    uint32_t window_tokens;
    uint32_t unit_tokens; /* UINT32_MAX: sessions */
    uint32_t block_tokens; /* of HBM */
    bool raised;           /* unit_tokens are more than asked for, to hold a state */
    bool unit_keys;       /* the trace has block keys */
    bool open_loop;
};

/* Derives everything and opens the experiment's trace. STATUS_INPUT: an unknown policy, model,
 * server or drive, keys that contradict each other, a model or window that does not fit, drives that
 * do not hold the SSD tier, a trace that cannot be read. *trace is the caller's to trace_close() in any case (NULL is fine there). */
enum status engine_setup_open(const struct experiment *experiment, struct engine_setup *setup,
                              struct trace **trace, struct error *err);
/* The same, of one of several runs that share what they read. */
enum status engine_setup_open_from(struct inputs *inputs, const struct experiment *experiment,
                                   struct engine_setup *setup, struct trace **trace,
                                   struct error *err);

/* The engine's CPU, as the experiment's keys say, on that hardware. */
struct timing_host engine_host(const struct experiment *experiment,
                               const struct hardware *hardware);

/* Servers that take turns: if fewer than all, the others decode what these have prefilled. */
uint32_t engine_setup_prefill_servers(const struct engine_setup *setup);

#endif
