/* models/collectives.h - how long an all-reduce among the GPUs of one server takes, by its size,
 * the ranks and what launches it, with coefficients fitted to measurements
 * (models/collectives/NAME.yaml; `reprise calibrate --from-profile` fits them). How many
 * all-reduces a layer has is timing.c's.
 *
 * Which kernel a message meets is the engine's code, not a fit (vLLM's cuda_communicator.py,
 * custom_all_reduce.py, all_reduce_utils.py and csrc/custom_all_reduce.cuh, versions 0.14 and
 * 0.24): up to a size the custom kernels, between GPUs that are all joined by NVLink or are two; up
 * to a larger one those over symmetric memory (from Hopper on); NCCL beyond. Each takes
 *
 *   latency + bytes / rate + ramp * bytes / (bytes + half)
 *
 * latency: of flags that all ranks wait for, and a launch. ramp: what a message of any size comes
 * to pay in the end as NCCL goes from its protocol of low latency to that of high bandwidth, half
 * of it at `half` bytes; the custom kernels have none. Idea of the first two terms: Hockney's
 * model, as in NCCL's own tuner. Engines that fuse the all-reduce with the norm behind it (SGLang,
 * TensorRT-LLM, vLLM's flashinfer pass) save that norm's kernel: not here. */
#ifndef REPRISE_MODELS_COLLECTIVES_H
#define REPRISE_MODELS_COLLECTIVES_H

#include "base/config_tree.h"

#include <stdbool.h>
#include <stdint.h>

/* In the order in which the engine asks them: the first whose most_bytes holds the message. */
enum collective_path {
    COLLECTIVE_ONE_SHOT,  /* custom: each rank reads all others' whole message */
    COLLECTIVE_TWO_SHOT,  /* custom: each reduces its part, then reads the others' parts */
    COLLECTIVE_SYMMETRIC, /* over symmetric memory: the switch reduces, or two-shot */
    COLLECTIVE_SERVED,    /* NCCL as the engine's processes run it, where that differs from below */
    COLLECTIVE_NCCL,      /* NCCL as nccl-tests measures it */
    COLLECTIVE_PATHS
};

struct collective_curve {
    double latency_ns;
    double bytes_per_s; /* of the message; 0: costs nothing but its latency */
    double ramp_ns, half_bytes;
    double most_bytes; /* the largest message that goes this way; 0: none does */
};

/* What the fit saw and how well it did. Errors are absolute, relative to the measured time. */
struct collective_record {
    uint32_t rows;
    double bytes_least, bytes_most;
    double graph_median_error, graph_p95_error; /* what CUDA graphs hold, of rows fitted */
    double nccl_median_error, nccl_p95_error;
    /* Of every third size, left out of the fit in turn. */
    double held_out_graph_median_error, held_out_graph_p95_error;
    double held_out_nccl_median_error, held_out_nccl_p95_error;
};

/* Measured numbers of ranks; between them times are on a line, beyond on the last one's. */
#define COLLECTIVE_RANKS 3
extern const uint32_t collective_ranks[COLLECTIVE_RANKS];

struct collective_fit {
    char name[CONFIG_TEXT_BYTES];
    char source[CONFIG_TEXT_BYTES];
    struct collective_curve curve[COLLECTIVE_RANKS][COLLECTIVE_PATHS];
    double copy_latency_ns, copy_bytes_per_s; /* a copy within a GPU's memory, of what is copied */
    double custom_call_ns, symmetric_call_ns; /* CPU that one such call took, where not captured */
    struct collective_record record;
};

/* The schema of models/collectives/NAME.yaml. */
extern const struct config_row collective_rows[];

/* What launches it. In a CUDA graph the custom kernels find the message where it lies; launched by
 * the CPU they first copy it to where the other ranks may read. The CPU's own time is in neither:
 * it runs ahead of the GPU wherever kernels are long enough for a launch not to be captured (vLLM
 * captures up to 512 tokens), and where it does not, that is an iteration's, not an all-reduce's.
 */
enum collective_launch { COLLECTIVE_GRAPH, COLLECTIVE_EAGER };

/* Time of an all-reduce of a message of `bytes` on each of ranks >= 1 GPUs (1: 0). Where the custom
 * kernels do not take that number of ranks (3, 5, 7, over 8), NCCL's. Measured within one server:
 * of more than 8 ranks it is the line through 4 and 8, and outside of what was measured. */
double collective_allreduce_ns(const struct collective_fit *fit, uint32_t ranks, double bytes,
                               enum collective_launch launch);

/* Which kernel it meets there; COLLECTIVE_NCCL where ranks were not measured. */
enum collective_path collective_path_of(const struct collective_fit *fit, uint32_t ranks,
                                        double bytes);
extern const char *const collective_path_names[COLLECTIVE_PATHS];

/* As nccl-tests measures it: NCCL at every size, in one process. */
double collective_nccl_ns(const struct collective_fit *fit, uint32_t ranks, double bytes);

/* As a loop of calls on a copied message measures it, from the CPU: the longer of the CPU's call
 * and the GPU's copy and all-reduce. */
double collective_called_ns(const struct collective_fit *fit, uint32_t ranks, double bytes);

#endif
