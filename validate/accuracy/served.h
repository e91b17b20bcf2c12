/* validate/accuracy/served.h - served runs of a table, as rows and as experiments. Private to
 * validate/accuracy. */
#ifndef REPRISE_VALIDATE_ACCURACY_SERVED_H
#define REPRISE_VALIDATE_ACCURACY_SERVED_H

#include "base/config_tree.h"
#include "validate/accuracy/accuracy.h"

/* A row of aic_silicon_e2e: what was served and how. Means over its requests were measured. */
struct served_row {
    struct accuracy_run run;
    char backend[ACCURACY_NAME_BYTES], version[ACCURACY_NAME_BYTES]; /* "vllm"; "": not said */
    char month[8]; /* "2025-10": measured; "": not said */
    char hardware[ACCURACY_NAME_BYTES];
    char mode[ACCURACY_NAME_BYTES]; /* "agg": one engine prefills and decodes */
    bool uniform;          /* lengths are uniform from 0.8 of the longest; else all are alike */
    uint32_t requests;     /* that were sent in all */
    uint32_t expert_ranks; /* experts are whole on so many groups of GPUs; 1: split like the rest */
    uint32_t attention_copies; /* > 1: each has requests of its own (data-parallel attention) */
    /* What the simulation found; 0 where it did not run. */
    double preemptions, extrapolated_share, waiting_hbm_share;
};

struct served {
    uint32_t rows, capacity;
    struct served_row *row;
};

/* Reads the table. A run that stands in it twice (an export and another of the same database) is
 * taken once. Rows that cannot be simulated have run.skipped. */
enum status served_read(const char *path, struct served *served, struct error *err);
void served_free(struct served *served);

/* The shipped model that a name of Hugging Face's is, without what says its number format; false:
 * there is none. name: what it would be called. */
bool served_model(const char *hugging_face, char name[ACCURACY_NAME_BYTES]);

/* The preset of KV's placement of engines of that name; NULL: there is none. */
const char *served_preset(const char *backend);
/* The shipped version (models/versions) that is nearest to the one that ran, the newer of two as
 * near; version "": by the month of the run. false: there is none of that engine. */
bool served_version(const char *backend, const char *version, const char *month,
                    char name[ACCURACY_NAME_BYTES]);

/* The row as an experiment. */
enum status served_experiment(const struct served_row *row, struct config_tree **tree,
                              struct error *err);

/* Tokens of a mean reply. */
double served_reply_tokens(const struct served_row *row);

/* Why the row is off, computed from it, from its result and from its neighbours of the same
 * setting. */
void served_explain(const struct served *served, struct served_row *row);

/* Reads, simulates on so many threads, adds points of TTFT, TPOT and end-to-end latency. */
enum status served_measure(const char *path, uint64_t threads, struct accuracy *accuracy,
                           struct error *err);

#endif
