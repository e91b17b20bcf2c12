/* validate/paper/paper.h - CachedAttention's evaluation as experiments: what each figure needs to
 * be run, and what it then says beside the published number. Public.
 *
 *   paper_open     reads paper.yaml and plans the runs of the chosen parts
 *   ... the caller runs paper->runs[] in any order and fills in each one's metrics, and measures
 *   paper->truncations[]
 *   paper_report   fills rows, panels, sensitivity and checks from them
 *
 * A part (a figure, or "controls", "theory"...) is one function, called twice: to plan, where each
 * run it asks for is noted, and to report, where the same request gives the run's metrics. Parts
 * that ask for the same experiment share one run. */
#ifndef REPRISE_VALIDATE_PAPER_PAPER_H
#define REPRISE_VALIDATE_PAPER_PAPER_H

#include "base/error.h"
#include "sim/sim.h"
#include "validate/paper/paper_numbers.h"

#include <stdbool.h>
#include <stdint.h>

struct paper_run {
    char name[96]; /* of the part that asked first: "13 llama-13b scheduler-aware" */
    struct experiment experiment;
    char *config_yaml; /* owned; tells experiments apart */
    uint64_t config_hash;
    struct metrics metrics; /* valid once finished */
    bool finished;
};

/* Tables 1 and 2: how far a model's logits are off those of computing the rest of a context again,
 * of their length, after its oldest half was cut off; of KV stored before position encoding, and
 * with it. The runtime's attention says it (validate/truncation.h), which this folder does not
 * know. */
struct paper_truncation {
    uint32_t layers;
    double decoupled, naive; /* valid once measured */
};

/* A published number and ours, in `unit` ("%", "points", "x", "s"...). low == high but where the
 * paper gives a range; NaN: it gives none. */
struct paper_row {
    const char *part;
    char what[112];
    const char *unit;
    double low, high, ours;
    bool mechanism; /* needs neither think time nor stored bytes: to be within PAPER_TOLERANCE */
};
/* Ours less the nearest end of the published range; 0 within it; NaN without one. */
double paper_difference(const struct paper_row *row);
/* The same over that end. */
double paper_relative(const struct paper_row *row);
#define PAPER_TOLERANCE 0.10
/* Whether both numbers are there, and whether ours is then further off than that. */
bool paper_compares(const struct paper_row *row);
bool paper_misses(const struct paper_row *row);
/* "3 of 40 published numbers are missed by more than 10 %; of the 12 that need no unknown, 1". */
char *paper_misses_text(const struct paper_row *rows, uint32_t count, char *out, size_t out_bytes);

/* One picture of a figure. */
enum { PAPER_POINTS = 12, PAPER_SERIES = 8 };
enum paper_panel_kind { PAPER_BARS, PAPER_STACKED, PAPER_LINES };
struct paper_series {
    char name[56];
    bool published;
    uint32_t count;
    double x[PAPER_POINTS]; /* lines; bars: the group's number */
    double y[PAPER_POINTS]; /* NaN: no bar */
};
struct paper_panel {
    const char *part;
    char title[112], x_label[64], y_label[48];
    enum paper_panel_kind kind;
    uint32_t groups; /* bars */
    char group[PAPER_POINTS][40];
    uint32_t series_count;
    struct paper_series series[PAPER_SERIES];
};

/* What must hold whatever the paper says. */
struct paper_check {
    const char *part;
    char what[128], found[192];
    bool passed;
};

/* A headline result under another value of one unknown. */
struct paper_sensitivity {
    char unknown[40], value[24];
    const char *model;
    bool standard; /* the value that all figures use */
    double hit_history, hit_all, ttft_reduction, prefill_gain, gpu_time_gain, cost_reduction;
    double lru_hit_history; /* 13B only, else NaN */
};

struct paper_part; /* private: what there is to do */

struct paper {
    struct paper_numbers numbers;
    struct experiment standard; /* the common set-up: 13B, scheduler-aware */
    char folder[200];           /* where traces of our own making go */
    bool reporting;
    const char *current; /* the part being planned or reported */
    struct error err;    /* the first failure of a part */

    const struct paper_part **parts; /* chosen */
    uint32_t part_count;
    struct paper_run *runs;
    uint32_t run_count, run_capacity;
    struct paper_truncation truncations[2];
    uint32_t truncation_count;
    struct paper_row *rows;
    uint32_t row_count, row_capacity;
    struct paper_panel *panels;
    uint32_t panel_count, panel_capacity;
    struct paper_check *checks;
    uint32_t check_count, check_capacity;
    struct paper_sensitivity *sensitivity;
    uint32_t sensitivity_count, sensitivity_capacity;
};

/* Plans the named parts ("13" ... "25", "relations", "tables", "sensitivity", "controls", "theory";
 * count 0: all of them). folder: must exist. STATUS_INPUT: an unknown part, a faulty paper.yaml;
 * STATUS_IO. *paper is the caller's to paper_free(), and set only with STATUS_OK. */
enum status paper_open(const char *const *names, uint32_t count, const char *folder,
                       struct paper **paper, struct error *err);
/* Every run must be finished, every truncation measured. */
enum status paper_report(struct paper *paper, struct error *err);
void paper_free(struct paper *paper); /* NULL is fine */

/* All parts in their order: calls visit(name, title). */
void paper_parts(void (*visit)(const char *name, const char *title, void *context), void *context);
/* What the part assumes or leaves open, one sentence or two. */
const char *paper_note(const char *part);

bool paper_all_passed(const struct paper *paper);

#endif
