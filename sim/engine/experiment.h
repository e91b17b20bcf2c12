/* sim/engine/experiment.h - one experiment: every key of its YAML, and how it is read. */
#ifndef REPRISE_SIM_ENGINE_EXPERIMENT_H
#define REPRISE_SIM_ENGINE_EXPERIMENT_H

#include "base/choice.h"
#include "base/config_tree.h"
#include "base/error.h"
#include "models/hbm.h"
#include "models/models.h"
#include "sim/engine/tenant_terms.h"
#include "sim/placement/keys.h"
#include "traces/shapes.h"
#include "traces/traces.h"

#include <stdbool.h>
#include <stdint.h>

/* The choices of keys: members and their words in YAML, in one list each. */
#define PLACEMENT_UNITS(X)                                                                         \
    X(PLACE_AUTO, "auto") X(PLACE_SESSIONS, "session") X(PLACE_BLOCKS, "block")
#define PRELOADINGS(X)                                                                             \
    X(PRELOAD_NONE, "none") X(PRELOAD_LAYERS, "layers") X(PRELOAD_BACKGROUND, "background")
#define SAVINGS(X) X(SAVING_SYNCHRONOUS, "synchronous") X(SAVING_ASYNCHRONOUS, "asynchronous")
#define FETCH_WAITS(X)                                                                             \
    X(FETCH_COMPLETE, "complete") X(FETCH_TIMEOUT, "timeout") X(FETCH_BEST_EFFORT, "best-effort")
#define REUSES(X) X(REUSE_ALWAYS, "always") X(REUSE_IF_FASTER, "if-faster")
#define SCHEDULINGS(X)                                                                             \
    X(SCHEDULE_PREFILL_FIRST, "prefill-first") X(SCHEDULE_CHUNKED, "chunked")                      \
    X(SCHEDULE_PREFILL_BATCHES, "prefill-batches")
#define ALLOCATIONS(X) X(ALLOCATE_RESERVE, "reserve") X(ALLOCATE_GROW, "grow")
#define ORDERS(X)                                                                                  \
    X(ORDER_FCFS, "fcfs") X(ORDER_PRIORITY, "priority") X(ORDER_LONGEST_PREFIX, "longest-prefix")
#define ROUTERS(X)                                                                                 \
    X(ROUTE_ROUND_ROBIN, "round-robin") X(ROUTE_LEAST_LOADED, "least-loaded")                      \
    X(ROUTE_PREFIX_AFFINITY, "prefix-affinity") X(ROUTE_SESSION_STICKY, "session-sticky")
#define KV_DTYPES(X) X(KV_AS_MODEL, "model") X(KV_FP16, "fp16") X(KV_FP8, "fp8")
/* Which ranks keep KV that all have alike (MLA's), below HBM, and which of them load it. */
#define RANK_COPIES(X)                                                                             \
    X(COPIES_EVERY_RANK, "every-rank") X(COPIES_ONE_IN_STORAGE, "one-in-storage")                  \
    X(COPIES_ONE, "one") X(COPIES_ONE_BROADCAST, "one-broadcast")
/* Who serves the block of a prompt's last token, which is always computed. */
#define LAST_BLOCKS(X)                                                                             \
    X(LAST_REUSED, "reused") X(LAST_FROM_BELOW, "from-below") X(LAST_COMPUTED, "computed")
/* Where the KV of what a turn made stays when it has ended. */
#define REPLIES(X)                                                                                 \
    X(REPLIES_EVERYWHERE, "everywhere") X(REPLIES_IN_HBM, "hbm") X(REPLIES_NOWHERE, "nowhere")
#define OVERFLOWS(X) X(OVERFLOW_TRUNCATE_DECOUPLED, "truncate") X(OVERFLOW_INVALIDATE, "invalidate")
enum placement_unit_kind { PLACEMENT_UNITS(CHOICE_MEMBER) };
enum preloading { PRELOADINGS(CHOICE_MEMBER) };
enum saving { SAVINGS(CHOICE_MEMBER) };
enum fetch_wait { FETCH_WAITS(CHOICE_MEMBER) };
enum reuse { REUSES(CHOICE_MEMBER) };
enum scheduling { SCHEDULINGS(CHOICE_MEMBER) };
enum allocation { ALLOCATIONS(CHOICE_MEMBER) };
enum order_of_turns { ORDERS(CHOICE_MEMBER) };
enum router { ROUTERS(CHOICE_MEMBER) };
enum kv_dtype { KV_DTYPES(CHOICE_MEMBER) };
enum rank_copies { RANK_COPIES(CHOICE_MEMBER) };
enum replies { REPLIES(CHOICE_MEMBER) };
enum last_block { LAST_BLOCKS(CHOICE_MEMBER) };
enum overflow { OVERFLOWS(CHOICE_MEMBER) };

/* One experiment, as its YAML says it; docs/config.md is printed from the rows. */
struct experiment {
    char model[CONFIG_TEXT_BYTES], hardware[CONFIG_TEXT_BYTES];
    uint32_t gpus;
    char trace[CONFIG_TEXT_BYTES]; /* a file, or "" for the generated workload */
    struct workload workload;
    struct workload_shape shape; /* of the generated workload */
    struct workload_tenants tenants_given; /* likewise */
    struct trace_import import;    /* what a trace file does not say */
    uint64_t warmup_turns;         /* the first turns to start are not measured */
    uint64_t max_turns;            /* stop after this many; 0: the whole trace */

    char policy[CONFIG_TEXT_BYTES]; /* a preset, or as eviction; "none": recompute */
    char eviction[CONFIG_TEXT_BYTES]; /* EVICTION or EVICTION+FETCHING; "": what policy says */
    int unit;                       /* enum placement_unit_kind; auto: blocks where a trace has keys */
    uint32_t block_tokens;          /* block unit of session workloads */
    uint64_t hbm_cache_bytes;       /* of HBM's KV budget: may hold KV of turns that ended */
    uint64_t dram_bytes, ssd_bytes; /* UINT64_MAX: the hardware's */
    uint64_t remote_bytes, remote_latency_ns; /* the pool that all servers share */
    int replies;                    /* enum replies */
    struct placement_keys placement; /* write_ahead_tokens 0: twice chunk_tokens */

    struct tenant_keys tenants;

    /* Of the engine (models/versions.h); "" and "none": the paper's; "hardware": the server's, which
     * experiment_from_tree() leaves in none. */
    char version[CONFIG_TEXT_BYTES];
    uint32_t batch;
    double hbm_utilisation;         /* 0: the hardware's */
    int hbm_rule;                   /* enum hbm_rule */
    double sampler_bytes;
    uint64_t process_bytes, hbm_withheld_bytes; /* as struct engine_memory has them */
    uint64_t hbm_tokens;            /* measured: as many fit into HBM; 0: estimated */
    bool hybrid_kv;                 /* HBM: each kind of layer keeps what it needs */
    int kv_dtype;                   /* enum kv_dtype */
    int rank_copies;                /* enum rank_copies */
    int weight_format;              /* 0: the model's; else 1 + enum number_format */
    int reuse;
    int fetch_wait;                 /* enum fetch_wait */
    uint64_t fetch_timeout_ns, fetch_timeout_ki_ns; /* and for each 1,024 tokens more */
    uint64_t fetch_timeout_most_ns; /* 0: no limit */
    int preloading;
    uint32_t read_buffer_layers;
    int saving;
    uint64_t write_buffer_bytes;
    int overflow;
    uint32_t context_window_tokens; /* 0: the model's */

    int scheduling;                 /* enum scheduling */
    uint32_t chunk_tokens;          /* of an iteration that decodes too */
    int allocation;
    uint32_t hbm_block_tokens;      /* HBM grows by as many */
    uint32_t state_block_multiple;  /* blocks hold a state: a multiple of so many; 0: as they are */
    uint32_t state_interval_tokens; /* states are kept so far apart at least */
    bool partial_blocks;            /* a context's last, partial block can be reused */
    int last_block;                 /* enum last_block */
    int order;                      /* enum order_of_turns */
    bool overlap_schedule;          /* an iteration is composed while the one before it runs */
    uint64_t iteration_cpu_ns;      /* UINT64_MAX: the hardware's */
    uint64_t sequence_cpu_ns;
    uint64_t iteration_gap_ns;      /* the GPU's, between two iterations */
    uint64_t layer_cpu_ns;          /* to launch a layer of an iteration of more than graph_tokens */
    uint32_t graph_tokens;
    uint64_t request_cpu_ns, request_cpu_ki_ns; /* to the scheduler; for each 1,024 tokens more */
    uint64_t reply_cpu_ns;          /* from the GPU to the client */
    double urgent_share;            /* of the sessions */
    uint32_t order_window;          /* waiting turns that are looked at */
    uint64_t order_wait_ns;         /* none is passed over for longer */

    uint32_t replicas;              /* servers */
    uint32_t prefill_replicas;      /* the first ones prefill, the others decode; 0: each does both */
    int router;
    uint32_t router_slack;          /* prefix affinity: turns more than the least loaded one, */
    double router_ratio;            /* and times as many, from which on load alone decides */
    double router_share;            /* prefix affinity: of the context that must be found */
    double network_bytes_per_s;     /* of each server that prefills */
    uint64_t network_latency_ns;

    uint64_t slo_ttft_ns, slo_tbt_ns;

    char drive[CONFIG_TEXT_BYTES]; /* of the SSD tier (disks.h); "": the hardware's own disks */
    uint64_t drives;               /* of them, per server; UINT64_MAX: as the capacity takes */
    uint32_t queue_depth;          /* requests in flight on each */
    double write_amplification;
};

/* Whether prefills are cut into chunks, of several turns in an iteration. */
static inline bool experiment_chunks(const struct experiment *experiment)
{
    return experiment->scheduling != SCHEDULE_PREFILL_FIRST;
}

/* Sections of an experiment for config_load(). */
extern const struct config_section experiment_sections[];

/* Hears sentences on what was made of an experiment's keys. */
struct experiment_notes {
    void (*tell)(void *context, const char *sentence);
    void *context;
};

/* The experiment of a tree of keys (NULL: of none). Where its policy is a preset, that one's keys stand
 * where the tree says nothing (models.h), and where neither does those of the engine's version, whose
 * name, or "none", the experiment then has: written out and read again it is the same, whatever
 * hardware or versions come to say. notes (may be NULL) hears where the tree's own value gives way or is ignored. */
enum status experiment_from_tree(const struct config_tree *tree,
                                 const struct experiment_notes *notes,
                                 struct experiment *experiment, struct error *err);
/* The name of the version that the experiment's engine is of; NULL: the paper's. */
const char *experiment_engine(const struct experiment *experiment);
/* What the engine of the experiment needs of HBM beside weights and KV. */
struct engine_memory experiment_memory(const struct experiment *experiment);
/* STATUS_INPUT: a text that is wrong whatever the other keys say, as is told when it runs: no policy, no format of a trace,
 * no list of tenants. Names of files are told by reading these. */
enum status experiment_check_texts(const struct experiment *experiment, struct error *err);
/* STATUS_INPUT: a policy's constants (placement.POLICY.NAME) that contradict each other. */
enum status experiment_check_policy_keys(const struct experiment *experiment, struct error *err);
/* The experiment under a policy of the core's, which is no preset. */
void experiment_set_policy(struct experiment *experiment, const char *policy);

/* The experiment's trace, from its file or generated; nothing else opens one for an experiment.
 * Errors are trace_open()'s and trace_generate_shape()'s. *trace is the caller's to trace_close(). */
enum status experiment_open_trace(const struct experiment *experiment, struct trace **trace,
                                  struct error *err);
/* All of the experiment that decides its trace: of equal texts the traces are equal. The caller's to free(). */
char *experiment_trace_text(const struct experiment *experiment);

#endif
