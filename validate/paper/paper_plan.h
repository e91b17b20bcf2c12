/* validate/paper/paper_plan.h - what the parts of the evaluation are made of. Private to its
 * folder. */
#ifndef REPRISE_VALIDATE_PAPER_PAPER_PLAN_H
#define REPRISE_VALIDATE_PAPER_PAPER_PLAN_H

#include "validate/paper/paper.h"

#include <math.h>

struct paper_part {
    const char *name, *title, *note;
    void (*work)(struct paper *paper);
};

/* <- a new part: its line here, its function in a paper_*.c. */
#define PAPER_PARTS(X)                                                                             \
    X(paper_reference_point)                                                                       \
    X(paper_relations)                                                                             \
    X(paper_13)                                                                                    \
    X(paper_14)                                                                                    \
    X(paper_15)                                                                                    \
    X(paper_16)                                                                                    \
    X(paper_17)                                                                                    \
    X(paper_19) X(paper_20) X(paper_21) X(paper_22) X(paper_23) X(paper_24) X(paper_25)            \
        X(paper_tables) X(paper_sensitivities) X(paper_controls) X(paper_theory)
#define PAPER_PART_DECLARE(name) extern const struct paper_part name;
PAPER_PARTS(PAPER_PART_DECLARE)

/* The paper's four models in its order; GPUs from paper.yaml. */
enum { PAPER_MODELS = 4 };
extern const char *const paper_models[PAPER_MODELS];

/* The common set-up with that model and its GPUs, and with that policy. */
struct experiment paper_experiment(const struct paper *paper, int model, const char *policy);

/* A published number: "figure13.hit_rate", and for one model of it. */
double paper_published(const struct paper *paper, const char *key);
double paper_published_for(const struct paper *paper, const char *group, const char *member);

/* Planning: notes the run, and all metrics are 0. Reporting: its metrics. */
struct metrics paper_request(struct paper *paper, const struct experiment *experiment,
                             const char *name);

/* The same of a truncation: while planning its errors are 0. */
struct paper_truncation paper_request_truncation(struct paper *paper, uint32_t layers);

/* These do nothing while planning. */
#define PAPER_PRINTF(text, first) __attribute__((format(printf, text, first)))
void paper_row(struct paper *paper, const char *unit, double published, double ours,
               const char *what, ...) PAPER_PRINTF(5, 6);
void paper_row_range(struct paper *paper, const char *unit, double low, double high, double ours,
                     const char *what, ...) PAPER_PRINTF(6, 7);
/* The row before needs no unknown. */
void paper_mark_mechanism(struct paper *paper);
void paper_check(struct paper *paper, bool passed, const char *what, const char *found, ...)
    PAPER_PRINTF(4, 5);
/* A panel to fill in; NULL while planning. Holds until the next one is asked for. */
struct paper_panel *paper_panel(struct paper *paper, enum paper_panel_kind kind, const char *title,
                                const char *x_label, const char *y_label);
struct paper_series *panel_series(struct paper_panel *panel, const char *name, bool published);
void series_add(struct paper_series *series, double x, double y);
/* Bars: adds a group's name. */
void panel_group(struct paper_panel *panel, const char *name);

struct paper_sensitivity *paper_sensitivity_row(struct paper *paper); /* NULL while planning */

/* Figure 19's set-up: one second turn's prefill with that buffer, and what it is made of. */
struct metrics paper_preloaded(struct paper *paper, int preloading, uint32_t buffer_layers);
struct paper_overlap {
    double load_ns, compute_ns; /* of all layers */
    double overhead_ns;         /* once a prefill */
    uint32_t layers;
    bool known; /* false: paper->err says why not */
};
struct paper_overlap paper_overlap_of_one(struct paper *paper);

/* The four models' results side by side: published bars first, then ours. */
struct paper_panel *panel_by_model(struct paper *paper, const char *title, const char *y_label);
/* Adds a bar for each model; values[PAPER_MODELS]. NULL panel is fine. */
void panel_bars(struct paper_panel *panel, const char *name, bool published, const double *values);

#endif
