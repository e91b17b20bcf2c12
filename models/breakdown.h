/* models/breakdown.h - where an iteration's time goes, operator by operator: its arithmetic, its
 * bytes, its time and what that time is bound by. What `reprise models show` prints and plots; the
 * simulator never asks for it. The times are timing.h's own, taken apart: their sum is
 * timing_prefill() or timing_decode(). Nothing is printed here.
 *
 * All counts are of one GPU of the tensor-parallel group. FLOPs are those of matrix products and of
 * attention; element-wise operators' few are not counted. Bytes are what must pass through HBM at
 * least, each operand once. */
#ifndef REPRISE_MODELS_BREAKDOWN_H
#define REPRISE_MODELS_BREAKDOWN_H

#include "models/models.h"

/* Which part of an operator would be the longest by itself. */
enum bound {
    BOUND_COMPUTE,  /* arithmetic, with its tiles' and waves' waste */
    BOUND_MEMORY,   /* HBM */
    BOUND_LAUNCH,   /* starting and ending a kernel, and one row's own work */
    BOUND_LINK,     /* between GPUs */
    BOUND_OVERHEAD, /* the CPU's, or of measured times: all that was measured */
    BOUNDS
};
extern const char *const bound_names[BOUNDS];

struct breakdown_row {
    const char *name;
    double times; /* in an iteration: the layers that have it, twice for the all-reduce */
    double flop, weight_bytes, activation_bytes, kv_bytes, link_bytes; /* of one */
    double ns;                                                         /* of one */
    enum bound bound;
};

#define BREAKDOWN_ROWS_MAX 40
struct breakdown {
    struct breakdown_row row[BREAKDOWN_ROWS_MAX];
    uint32_t rows,
        layer_rows; /* the first layer_rows are the layers', the others once an iteration */
    uint64_t new_tokens, cached_tokens; /* prefill; new_tokens 0: decode */
    uint32_t batch;
    uint64_t context_tokens; /* of all sequences together */
    double layer_ns;         /* the average layer */
    double iteration_ns;     /* layers * layer_ns and what is once an iteration */
};

/* ranks: defined for what model_kv_budget_bytes() accepts; new_tokens and batch >= 1. host: the
 * engine's CPU, of which the row "CPU" has what is not hidden (NULL: the hardware file's). */
struct breakdown breakdown_prefill(const struct model *model, const struct hardware *hardware,
                                   const struct timing_host *host, uint32_t ranks,
                                   uint64_t new_tokens, uint64_t cached_tokens);
struct breakdown breakdown_decode(const struct model *model, const struct hardware *hardware,
                                  const struct timing_host *host, uint32_t ranks, uint32_t batch,
                                  uint64_t context_tokens);

static inline double breakdown_bytes(const struct breakdown_row *row)
{
    return row->weight_bytes + row->activation_bytes + row->kv_bytes;
}

/* Loading a token's KV from a tier against computing it. */
struct breakdown_link {
    const char *tier;
    double bytes_per_s;  /* of all GPUs in use: 0: the server has no such link */
    double tokens_per_s; /* whose KV it loads */
    double gain;         /* that over the prefill's tokens a second: below 1, computing is sooner */
};
enum { BREAKDOWN_LINKS = 2 }; /* DRAM; SSD, which goes through DRAM */
struct breakdown_links {
    struct breakdown_link link[BREAKDOWN_LINKS];
    double prefill_tokens_per_s;
    double even_bytes_per_s; /* a link of that rate loads as fast as the prefill computes */
};
/* prefill: of the same model, hardware and ranks. */
struct breakdown_links breakdown_links(const struct breakdown *prefill, const struct model *model,
                                       const struct hardware *hardware, uint32_t ranks);

#endif
