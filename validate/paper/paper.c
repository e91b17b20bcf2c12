/* validate/paper/paper.c - see paper.h: choosing parts, planning, reporting; and the parts' common
 * tools.
 */
#include "validate/paper/paper.h"

#include "base/memory.h"
#include "validate/paper/paper_plan.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define PART_ADDRESS(name) &name,
static const struct paper_part *const parts[] = { PAPER_PARTS(PART_ADDRESS) };
#define PART_ONE(name) +1
enum { PARTS = PAPER_PARTS(PART_ONE) };

const char *const paper_models[PAPER_MODELS] = { "llama-13b", "llama-65b", "llama-2-70b",
                                                 "falcon-40b" };

/* ---- parts ---- */

static const struct paper_part *find_part(const char *name)
{
    for (int i = 0; i < PARTS; i++)
        if (strcmp(parts[i]->name, name) == 0)
            return parts[i];
    return NULL;
}

void paper_parts(void (*visit)(const char *name, const char *title, void *context), void *context)
{
    for (int i = 0; i < PARTS; i++)
        visit(parts[i]->name, parts[i]->title, context);
}

const char *paper_note(const char *part)
{
    const struct paper_part *found = find_part(part);
    assert(found != NULL);
    return found->note;
}

static enum status choose(struct paper *paper, const char *const *names, uint32_t count,
                          struct error *err)
{
    paper->parts = memory_new(PARTS, sizeof(const struct paper_part *));
    for (uint32_t i = 0; i < count; i++)
        if (find_part(names[i]) == NULL)
            return error_input(err, NULL, 0, "figure",
                               "13 to 17, 19 to 25, reference, relations, tables, sensitivity, "
                               "controls or theory",
                               names[i]);
    for (int i = 0; i < PARTS; i++) {
        bool chosen = count == 0;
        for (uint32_t j = 0; j < count; j++)
            chosen = chosen || strcmp(parts[i]->name, names[j]) == 0;
        if (chosen)
            paper->parts[paper->part_count++] = parts[i];
    }
    return STATUS_OK;
}

static void work(struct paper *paper)
{
    for (uint32_t i = 0; i < paper->part_count; i++) {
        paper->current = paper->parts[i]->name;
        paper->parts[i]->work(paper);
    }
}

/* ---- the common set-up ---- */

static enum status set_standard(struct paper *paper, struct error *err)
{
    struct experiment *standard = &paper->standard;
    enum status status = experiment_from_tree(NULL, NULL, standard, err);
    if (status != STATUS_OK)
        return status;
    snprintf(standard->hardware, sizeof standard->hardware, "paper-4xa100");
    standard->workload.sessions = (uint64_t)paper_published(paper, "setup.sessions");
    standard->workload.sessions_per_s = paper_published(paper, "setup.sessions_per_s");
    standard->workload.think_mean_ns =
        (uint64_t)paper_published(paper, "unknowns.think_time.standard");
    standard->warmup_turns = (uint64_t)paper_published(paper, "setup.warmup_turns");
    standard->batch = (uint32_t)paper_published(paper, "setup.batch");
    standard->placement.ttl_ns = (uint64_t)paper_published(paper, "setup.ttl");
    /* The paper loads whatever is stored, even where computing again would be sooner. */
    standard->reuse = REUSE_ALWAYS;
    return STATUS_OK;
}

struct experiment paper_experiment(const struct paper *paper, int model, const char *policy)
{
    struct experiment experiment = paper->standard;
    snprintf(experiment.model, sizeof experiment.model, "%s", paper_models[model]);
    experiment_set_policy(&experiment, policy);
    experiment.gpus = (uint32_t)paper_published_for(paper, "setup.gpus", paper_models[model]);
    return experiment;
}

double paper_published(const struct paper *paper, const char *key)
{
    return paper_number(&paper->numbers, key);
}

double paper_published_for(const struct paper *paper, const char *group, const char *member)
{
    char key[96];
    snprintf(key, sizeof key, "%s.%s", group, member);
    return paper_published(paper, key);
}

/* ---- opening, reporting ---- */

enum status paper_open(const char *const *names, uint32_t count, const char *folder,
                       struct paper **paper, struct error *err)
{
    struct paper *planned = memory_new(1, sizeof *planned);
    if (strlen(folder) >= sizeof planned->folder) {
        free(planned);
        return error_input(err, NULL, 0, "--out", "a folder's name of less than 200 bytes", folder);
    }
    snprintf(planned->folder, sizeof planned->folder, "%s", folder);
    enum status status = paper_numbers_read(NULL, &planned->numbers, err);
    if (status == STATUS_OK)
        status = choose(planned, names, count, err);
    if (status == STATUS_OK)
        status = set_standard(planned, err);
    if (status == STATUS_OK) {
        work(planned);
        status = planned->err.status;
        if (status != STATUS_OK)
            *err = planned->err;
    }
    if (status != STATUS_OK) {
        paper_free(planned);
        return status;
    }
    *paper = planned;
    return STATUS_OK;
}

enum status paper_report(struct paper *paper, struct error *err)
{
    paper->reporting = true;
    work(paper);
    if (paper->err.status != STATUS_OK)
        *err = paper->err;
    return paper->err.status;
}

void paper_free(struct paper *paper)
{
    if (paper == NULL)
        return;
    for (uint32_t i = 0; i < paper->run_count; i++)
        free(paper->runs[i].config_yaml);
    free(paper->parts);
    free(paper->runs);
    free(paper->rows);
    free(paper->panels);
    free(paper->checks);
    free(paper->sensitivity);
    free(paper);
}

bool paper_all_passed(const struct paper *paper)
{
    for (uint32_t i = 0; i < paper->check_count; i++)
        if (!paper->checks[i].passed)
            return false;
    return true;
}

/* ---- runs ---- */

static struct paper_run *find_run(struct paper *paper, const char *config_yaml, uint64_t hash)
{
    for (uint32_t i = 0; i < paper->run_count; i++)
        if (paper->runs[i].config_hash == hash &&
            strcmp(paper->runs[i].config_yaml, config_yaml) == 0)
            return &paper->runs[i];
    return NULL;
}

struct metrics paper_request(struct paper *paper, const struct experiment *experiment,
                             const char *name)
{
    char *config_yaml = config_values_text(experiment_sections, experiment);
    uint64_t hash = XXH64(config_yaml, strlen(config_yaml), 0);
    struct paper_run *run = find_run(paper, config_yaml, hash);
    if (run != NULL) {
        free(config_yaml);
        return run->metrics;
    }
    assert(!paper->reporting); /* planning and reporting ask for the same */
    memory_grow(&paper->runs, &paper->run_capacity, (uint64_t)paper->run_count + 1,
                sizeof *paper->runs);
    run = &paper->runs[paper->run_count++];
    run->experiment = *experiment;
    run->config_yaml = config_yaml;
    run->config_hash = hash;
    snprintf(run->name, sizeof run->name, "%s %s", paper->current, name);
    return run->metrics;
}

struct paper_truncation paper_request_truncation(struct paper *paper, uint32_t layers)
{
    for (uint32_t i = 0; i < paper->truncation_count; i++)
        if (paper->truncations[i].layers == layers)
            return paper->truncations[i];
    assert(!paper->reporting);
    assert(paper->truncation_count < sizeof paper->truncations / sizeof *paper->truncations);
    paper->truncations[paper->truncation_count] = (struct paper_truncation){ .layers = layers };
    return paper->truncations[paper->truncation_count++];
}

/* ---- rows and checks ---- */

double paper_difference(const struct paper_row *row)
{
    if (row->ours < row->low)
        return row->ours - row->low;
    if (row->ours > row->high)
        return row->ours - row->high;
    return isnan(row->low) || isnan(row->ours) ? NAN : 0.0;
}

double paper_relative(const struct paper_row *row)
{
    double end = row->ours > row->high ? row->high : row->low;
    return paper_difference(row) / end;
}

bool paper_compares(const struct paper_row *row)
{
    return isfinite(paper_relative(row));
}

bool paper_misses(const struct paper_row *row)
{
    return paper_compares(row) && fabs(paper_relative(row)) > PAPER_TOLERANCE;
}

char *paper_misses_text(const struct paper_row *rows, uint32_t count, char *out, size_t out_bytes)
{
    uint32_t compared[2] = { 0 }, missed[2] = { 0 }; /* all; those that need no unknown */
    for (uint32_t i = 0; i < count; i++)
        for (int only = 0; only < (rows[i].mechanism ? 2 : 1); only++) {
            compared[only] += paper_compares(&rows[i]);
            missed[only] += paper_misses(&rows[i]);
        }
    snprintf(out, out_bytes,
             "%u of %u published numbers are missed by more than %.0f %%; of the %u that need no "
             "unknown, %u",
             missed[0], compared[0], 100.0 * PAPER_TOLERANCE, compared[1], missed[1]);
    return out;
}

static void add_row(struct paper *paper, struct paper_row row, const char *what, va_list arguments)
{
    if (!paper->reporting)
        return;
    row.part = paper->current;
    vsnprintf(row.what, sizeof row.what, what, arguments);
    memory_grow(&paper->rows, &paper->row_capacity, (uint64_t)paper->row_count + 1,
                sizeof *paper->rows);
    paper->rows[paper->row_count++] = row;
}

void paper_row(struct paper *paper, const char *unit, double published, double ours,
               const char *what, ...)
{
    va_list arguments;
    va_start(arguments, what);
    add_row(paper,
            (struct paper_row){ .unit = unit, .low = published, .high = published, .ours = ours },
            what, arguments);
    va_end(arguments);
}

void paper_row_range(struct paper *paper, const char *unit, double low, double high, double ours,
                     const char *what, ...)
{
    va_list arguments;
    va_start(arguments, what);
    add_row(paper, (struct paper_row){ .unit = unit, .low = low, .high = high, .ours = ours }, what,
            arguments);
    va_end(arguments);
}

void paper_mark_mechanism(struct paper *paper)
{
    if (paper->row_count > 0)
        paper->rows[paper->row_count - 1].mechanism = true;
}

void paper_check(struct paper *paper, bool passed, const char *what, const char *found, ...)
{
    if (!paper->reporting)
        return;
    memory_grow(&paper->checks, &paper->check_capacity, (uint64_t)paper->check_count + 1,
                sizeof *paper->checks);
    struct paper_check *check = &paper->checks[paper->check_count++];
    check->part = paper->current;
    check->passed = passed;
    snprintf(check->what, sizeof check->what, "%s", what);
    va_list arguments;
    va_start(arguments, found);
    vsnprintf(check->found, sizeof check->found, found, arguments);
    va_end(arguments);
}

struct paper_sensitivity *paper_sensitivity_row(struct paper *paper)
{
    if (!paper->reporting)
        return NULL;
    memory_grow(&paper->sensitivity, &paper->sensitivity_capacity,
                (uint64_t)paper->sensitivity_count + 1, sizeof *paper->sensitivity);
    return &paper->sensitivity[paper->sensitivity_count++];
}

/* ---- panels ---- */

struct paper_panel *paper_panel(struct paper *paper, enum paper_panel_kind kind, const char *title,
                                const char *x_label, const char *y_label)
{
    if (!paper->reporting)
        return NULL;
    memory_grow(&paper->panels, &paper->panel_capacity, (uint64_t)paper->panel_count + 1,
                sizeof *paper->panels);
    struct paper_panel *panel = &paper->panels[paper->panel_count++];
    panel->part = paper->current;
    panel->kind = kind;
    snprintf(panel->title, sizeof panel->title, "%s", title);
    snprintf(panel->x_label, sizeof panel->x_label, "%s", x_label);
    snprintf(panel->y_label, sizeof panel->y_label, "%s", y_label);
    return panel;
}

struct paper_series *panel_series(struct paper_panel *panel, const char *name, bool published)
{
    if (panel == NULL)
        return NULL;
    assert(panel->series_count < PAPER_SERIES);
    struct paper_series *series = &panel->series[panel->series_count++];
    snprintf(series->name, sizeof series->name, "%s", name);
    series->published = published;
    return series;
}

void series_add(struct paper_series *series, double x, double y)
{
    if (series == NULL)
        return;
    assert(series->count < PAPER_POINTS);
    series->x[series->count] = x;
    series->y[series->count++] = y;
}

void panel_group(struct paper_panel *panel, const char *name)
{
    if (panel == NULL)
        return;
    assert(panel->groups < PAPER_POINTS);
    snprintf(panel->group[panel->groups++], sizeof panel->group[0], "%s", name);
}

struct paper_panel *panel_by_model(struct paper *paper, const char *title, const char *y_label)
{
    struct paper_panel *panel = paper_panel(paper, PAPER_BARS, title, "", y_label);
    for (int model = 0; model < PAPER_MODELS; model++)
        panel_group(panel, paper_models[model]);
    return panel;
}

void panel_bars(struct paper_panel *panel, const char *name, bool published, const double *values)
{
    struct paper_series *series = panel_series(panel, name, published);
    for (int model = 0; model < PAPER_MODELS; model++)
        series_add(series, model + 1, values[model]);
}
