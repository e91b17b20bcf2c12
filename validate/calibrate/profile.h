/* validate/calibrate/profile.h - measured times of a transformer layer's operators on one GPU, read
 * from CSV files: what models/timing/ is fitted to and judged by.
 *
 * Three forms, told by the heading. Vidur's (microsoft/vidur, data/profiling/compute, *_mlp.csv): a
 * line per token count and tensor-parallel degree, a column per operator and statistic in ms; the
 * medians are read. LLMServingSim's, an engine's modules (profile_modules.h). And a plain one, a line
 * per operator, for one's own measurements:
 *
 *   model,operator,ranks,tokens,inputs,outputs,time_us
 *
 * with operator one of qkv, attention_out, up, down (products: inputs and outputs on one rank) or
 * norm, rope, activation, sum, embedding (inputs: values of 2 bytes read and written per token on
 * one rank; outputs: the width of a row). Lines of the same model, ranks and tokens that follow one
 * another are one layer. */
#ifndef REPRISE_VALIDATE_CALIBRATE_PROFILE_H
#define REPRISE_VALIDATE_CALIBRATE_PROFILE_H

#include "base/table.h"

#include <stdint.h>

enum profile_operator {
    PROFILE_QKV,
    PROFILE_ATTENTION_OUT,
    PROFILE_UP,
    PROFILE_DOWN,
    PROFILE_NORM,
    PROFILE_ROPE,
    PROFILE_ACTIVATION,
    PROFILE_SUM,
    PROFILE_EMBEDDING,
    PROFILE_OPERATORS
};
#define PROFILE_PRODUCTS 4 /* the first ones multiply matrices, the others move bytes */
extern const char *const profile_operator_names[PROFILE_OPERATORS];

#define PROFILE_MODELS_MAX 16

struct profile_row {
    enum profile_operator op;
    uint32_t model;         /* index into struct profile's models */
    uint32_t layer;         /* rows of one layer have the same number */
    uint32_t ranks, tokens; /* tokens in the batch, all of them on every rank */
    uint32_t times;         /* in a layer; 0: once an iteration */
    double inputs, outputs; /* as above */
    double summed;          /* values that a sum in the same kernel moves more, per token; else 0 */
    double measured_ns;
};

struct profile {
    struct profile_row *row; /* owned */
    uint32_t count, capacity;
    uint32_t layers;
    char model[PROFILE_MODELS_MAX][64];
    uint32_t models;
};

/* Appends a table of any form; gpu: "a100", what a Vidur file's name begins with before the
 * model's. STATUS_INPUT: a line with times that are no positive number, a column that is missing;
 * what profile_add_modules() refuses. */
enum status profile_add(struct profile *profile, const struct table *table, const char *gpu,
                        struct error *err);

/* All such tables of a folder, or one file, that are of this GPU (profile_tables.h). STATUS_INPUT:
 * as there and as above, or no rows at all. *profile is the caller's to profile_free(), whatever is
 * returned. */
enum status profile_read(const char *path, const char *gpu, struct profile *profile,
                         struct error *err);
void profile_free(struct profile *profile);

/* Appends one row; for readers of other forms. */
void profile_add_row(struct profile *profile, struct profile_row row);

#endif
