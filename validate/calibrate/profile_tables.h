/* validate/calibrate/profile_tables.h - which tables of a folder are of the GPU that is asked for,
 * and what each holds. A table fitted as another GPU's would look like a fit: so names decide, and
 * a folder or file of another GPU is refused. */
#ifndef REPRISE_VALIDATE_CALIBRATE_PROFILE_TABLES_H
#define REPRISE_VALIDATE_CALIBRATE_PROFILE_TABLES_H

#include "models/models.h"
#include "validate/calibrate/kernel_tables.h"

#define PROFILE_GPU_BYTES 32

struct profile_table {
    struct table table;
    enum table_kind kind;
    bool says_gpu; /* its file's name does */
};

struct profile_tables {
    struct profile_table *item; /* owned; by the files' names */
    uint32_t count, capacity;
    char gpu[PROFILE_GPU_BYTES];
    uint32_t of_others; /* files of other GPUs that were left out */
};

/* The GPU that a file's name tells, among its words between '_', '-' and '.': one that reprise
 * knows by name (profile_tables.c), or `gpu` itself. "": none.
 * "aic_h100_sxm_vllm0.24.0_gemm.csv.gz" and "h100_internlm-20b_mlp.csv": "h100". */
void profile_gpu_of_name(const char *path, const char *gpu, char *found, size_t found_bytes);

/* The GPU of a server: the first word of its name that is one ("h200"), else the first word of its
 * gpu.timing's, gpu.attention's or allreduce.timing's ("h100-2024": "h100"). "": none says it. */
void profile_gpu_of(const struct hardware *hardware, char gpu[PROFILE_GPU_BYTES]);

/* Opens every *.csv and *.csv.gz of the folder that is of this GPU or of none by name, or path
 * itself if it is a file. STATUS_INPUT: path's name, or all of the folder's files, are of other
 * GPUs; a single file of no known heading; what table_open() refuses. STATUS_IO as there.
 * profile_tables_close() it only after STATUS_OK. */
enum status profile_tables_open(const char *path, const char *gpu, struct profile_tables *tables,
                                struct error *err);
void profile_tables_close(struct profile_tables *tables);

#endif
