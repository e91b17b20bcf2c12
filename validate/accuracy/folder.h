/* validate/accuracy/folder.h - which tables a folder has, told by the names of its files. Private
 * to validate/accuracy. */
#ifndef REPRISE_VALIDATE_ACCURACY_FOLDER_H
#define REPRISE_VALIDATE_ACCURACY_FOLDER_H

#include "validate/accuracy/accuracy.h"

/* kind, how a file's name begins, how it ends behind GPU and version (before .csv or .jsonl, and
 * .gz), what it holds. Names that begin alike: the longer first. */
#define FOLDER_KINDS(X)                                                                            \
    X(FOLDER_SERVED, "aic_silicon_e2e", "", "served runs by model, lengths and concurrency")       \
    X(FOLDER_PREFILL, "aic_", "_context_attention", "prefill attention")                           \
    X(FOLDER_DECODE, "aic_", "_generation_attention", "decode attention")                          \
    X(FOLDER_PREFILL_LATENT, "aic_", "_context_mla", "prefill attention, latent")                  \
    X(FOLDER_DECODE_LATENT, "aic_", "_generation_mla", "decode attention, latent")                 \
    X(FOLDER_GEMM, "aic_", "_gemm", "matrix products")                                             \
    X(FOLDER_EXPERTS, "aic_", "_moe", "experts")                                                   \
    X(FOLDER_CUSTOM_ALLREDUCE, "aic_", "_custom_allreduce", "custom all-reduce")                   \
    X(FOLDER_NCCL, "aic_", "", "NCCL collectives")                                                 \
    X(FOLDER_REQUESTS, "lls_run_", "", "a served run, request by request")                         \
    X(FOLDER_GRID_V0, "lls_v0_", "_attention", "attention with cached prefixes, H100")             \
    X(FOLDER_GRID, "lls_", "_attention", "attention with cached prefixes and mixed batches")       \
    X(FOLDER_DENSE, "lls_", "_dense", "operators of a layer within an engine")                     \
    X(FOLDER_VIDUR_ALLREDUCE, "vidur_", "_all_reduce", "eager NCCL all-reduce of 2024")            \
    X(FOLDER_SPLITWISE, "splitwise_perf_model", "", "prompt and token times of 2023's engines")    \
    X(FOLDER_CAPACITY, "capacity_cases", "", "HBM left for KV, as engines printed it")             \
    X(FOLDER_LAYERS, "", "_mlp", "operators of a layer, Vidur")
#define FOLDER_KIND_MEMBER(member, begin, end, holds) member,
#define FOLDER_KIND_COUNT(member, begin, end, holds) +1
enum folder_kind { FOLDER_KINDS(FOLDER_KIND_MEMBER) };
enum { FOLDER_KIND_COUNT_ALL = 0 FOLDER_KINDS(FOLDER_KIND_COUNT) };
extern const char *const folder_kind_holds[];

struct folder_file {
    enum folder_kind kind;
    char path[512];
    char gpu[ACCURACY_NAME_BYTES];     /* "h100_sxm"; "": the table's rows say it */
    char engine[ACCURACY_NAME_BYTES];  /* "vllm" */
    char version[ACCURACY_NAME_BYTES]; /* "0.24.0" */
    char model[ACCURACY_NAME_BYTES];   /* lls_*, *_mlp */
};

struct folder {
    uint32_t files, capacity;
    struct folder_file *file; /* a folder's by name, so that results do not depend on the disk */
};

/* Adds a folder's tables, by name, or the file itself; a folder's files that are no table are
 * noted. STATUS_IO: it cannot be read; STATUS_INPUT: a file that is no table. *folder starts out
 * zeroed. */
enum status folder_add(const char *path, struct folder *folder, struct accuracy *accuracy,
                       struct error *err);
/* Notes what kinds of table there are none of; STATUS_INPUT: of none at all. path is for the
 * message. */
enum status folder_check(const char *path, const struct folder *folder, struct accuracy *accuracy,
                         struct error *err);
void folder_free(struct folder *folder);

/* The hardware of models/hardware that a table's GPU is; NULL: none is shipped. */
const char *folder_hardware(const char *gpu);

#endif
