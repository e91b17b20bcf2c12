/* validate/calibrate/profile_collectives.h - measured all-reduces, read from CSV files, plain or
 * gzip'd: what models/collectives/ is fitted to and judged by.
 *
 * Three forms, told by the heading, of tables that others publish:
 * - aiconfigurator's *_custom_allreduce: backend (vllm_graph: within a CUDA graph; vllm_eager: a
 * loop of calls on a copied message), num_gpus, message_size (elements of 2 bytes), latency (ms);
 * - aiconfigurator's *_nccl: op_name (all_reduce is read), nccl_dtype (half, int8), num_gpus,
 *   message_size (elements), latency (ms): nccl-tests;
 * - Vidur's *_all_reduce: num_workers, devices_per_node, size (bytes), time_stats.all_reduce.median
 *   (ms): NCCL called by PyTorch; rows over several servers are passed over. */
#ifndef REPRISE_VALIDATE_CALIBRATE_PROFILE_COLLECTIVES_H
#define REPRISE_VALIDATE_CALIBRATE_PROFILE_COLLECTIVES_H

#include "base/error.h"

#include <stdint.h>

enum collective_table {
    COLLECTIVE_TABLE_GRAPH,
    COLLECTIVE_TABLE_CALLED,
    COLLECTIVE_TABLE_NCCL,
    COLLECTIVE_TABLE_PYTORCH,
    COLLECTIVE_TABLES
};

struct collective_row {
    enum collective_table table;
    uint32_t ranks;
    double bytes; /* of the message, on each rank */
    double measured_ns;
};

struct collective_profile {
    struct collective_row *row; /* owned; by file, in its order */
    uint32_t count, capacity;
};

/* Reads every *.csv and *.csv.gz of the folder, by name, or the file itself, that has one of these
 * headings and the GPU's word in its name, between '_', '-', '.' or the name's ends ("h100" in
 * aic_h100_sxm_nccl2.27.3.csv.gz). STATUS_INPUT: no such table, then with the tables of other GPUs
 * that there are; a number that is none. *profile is the caller's to collective_profile_free(),
 * whatever is returned. */
enum status collective_profile_read(const char *path, const char *gpu,
                                    struct collective_profile *profile, struct error *err);
void collective_profile_free(struct collective_profile *profile);

#endif
