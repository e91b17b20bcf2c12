/* plots/report.c - see report.h. Pictures are drawn into a temporary folder and taken into the
 * page. */
#include "plots/report.h"

#include "base/memory.h"
#include "base/scratch.h"
#include "base/whole_file.h"
#include "plots/html.h"
#include "plots/report_assumptions.h"
#include "plots/report_config.h"
#include "plots/report_runs.h"
#include "plots/sweep_plots.h"
#include "sweep/axis.h"
#include "sweep/compared_store.h"
#include "sweep/metric_show.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_ROWS_SHOWN 50

struct report {
    FILE *out;
    struct store *store;
    const struct report_question *question;
    char folder[SCRATCH_PATH_BYTES];
    struct figures figures;
};

/* ---- sweeps ---- */

static const char *const sweep_metrics[] = { "ttft_mean_ns", "ttft_p99_ns", "tbt_p99_ns",
                                             "hit_rate_tokens", "gpu_utilisation" };

/* Whether points ran under several seeds: a row is a run. */
static bool has_replications(const struct sweep_view *view)
{
    for (uint32_t i = 0; i < view->shown_count; i++)
        if (view->table.rows[view->shown[i]].replication > 0)
            return true;
    return false;
}

static void write_row(struct report *report, const struct sweep_view *view, uint32_t row)
{
    const struct sweep_row *at = &view->table.rows[row];
    FILE *out = report->out;
    fputs("<tr>", out);
    for (uint32_t a = 0; a < view->table.axes; a++) {
        char shown[CONFIG_TEXT_BYTES];
        if (view->axes[a].count < 2)
            continue;
        fputs("<td>", out);
        html_text(out, axis_show(view->axes[a].row, at->values[a], shown, sizeof shown));
        fputs("</td>", out);
    }
    if (has_replications(view))
        fprintf(out, "<td>%" PRIu32 "</td>", at->replication + 1);
    fprintf(out, "<td>$%.3f</td>", view->cost[row]);
    for (size_t m = 0; m < sizeof sweep_metrics / sizeof *sweep_metrics; m++) {
        int metric = metric_named(sweep_metrics[m]);
        char text[64];
        fprintf(out, "<td>%s</td>",
                metric_show(metric, metric_value(&at->metrics, metric), text, sizeof text));
    }
    if (at->metrics.ssd_years > 0.0)
        fprintf(out, "<td>%.1f years</td></tr>\n", at->metrics.ssd_years);
    else
        fputs("<td>-</td></tr>\n", out);
}

/* Its name; pointed at, the key. */
static void write_axis(FILE *out, const char *key)
{
    char name[CONFIG_NAME_BYTES];
    fputs("<th title=\"", out);
    html_text(out, key);
    fputs("\">", out);
    html_text(out, config_key_name(key, name));
    fputs("</th>", out);
}

static void write_rows(struct report *report, const struct sweep_view *view, const uint32_t *rows,
                       uint32_t count)
{
    fputs("<div class=\"scroll swipe\"><table class=points><tr>", report->out);
    for (uint32_t a = 0; a < view->table.axes; a++) {
        if (view->axes[a].count < 2) /* the same in every row: the configuration has it */
            continue;
        write_axis(report->out, view->table.axis_keys[a]);
    }
    if (has_replications(view))
        fputs("<th>seed, by number</th>", report->out);
    fprintf(report->out, "<th>$ per million tokens (%s)</th>", billing_name(view->billing));
    for (size_t m = 0; m < sizeof sweep_metrics / sizeof *sweep_metrics; m++) {
        fputs("<th>", report->out);
        html_text(report->out, metric_rows[metric_named(sweep_metrics[m])].title);
        fputs("</th>", report->out);
    }
    fputs("<th>SSD life</th>", report->out);
    html_row_end(report->out);
    for (uint32_t i = 0; i < count && i < SWEEP_ROWS_SHOWN; i++)
        write_row(report, view, rows[i]);
    html_table_end(report->out);
}

struct costed {
    uint32_t row;
    double cost;
};

static int compare_costs(const void *a, const void *b)
{
    const struct costed *left = a, *right = b;
    if (left->cost != right->cost)
        return left->cost < right->cost ? -1 : 1;
    return left->row < right->row ? -1 : left->row > right->row;
}

static void write_cheapest(struct report *report, const struct sweep_view *view)
{
    struct costed *order = memory_new(view->shown_count, sizeof *order);
    uint32_t *rows = memory_new(view->shown_count, sizeof *rows);
    for (uint32_t i = 0; i < view->shown_count; i++)
        order[i] = (struct costed){ view->shown[i], view->cost[view->shown[i]] };
    qsort(order, view->shown_count, sizeof *order, compare_costs);
    for (uint32_t i = 0; i < view->shown_count; i++)
        rows[i] = order[i].row;
    fprintf(report->out, "<h2>The cheapest of %" PRIu32 " runs</h2>\n", view->shown_count);
    write_rows(report, view, rows, view->shown_count);
    free(rows);
    free(order);
}

/* "DRAM capacity 64.0 GB, policy lru": of the axes that vary. */
static void write_point(FILE *out, const struct sweep_view *view, uint32_t row)
{
    const char *between = "";
    for (uint32_t a = 0; a < view->table.axes; a++) {
        char name[CONFIG_NAME_BYTES], shown[CONFIG_TEXT_BYTES];
        if (view->axes[a].count < 2)
            continue;
        axis_show(view->axes[a].row, view->table.rows[row].values[a], shown, sizeof shown);
        fputs(between, out);
        html_text(out, config_key_name(view->table.axis_keys[a], name));
        fputs(" <b>", out);
        html_text(out, shown);
        fputs("</b>", out);
        between = ", ";
    }
}

/* The reference, in a sentence. */
static void write_answer(FILE *out, const struct sweep_view *view)
{
    const struct metrics *metrics = &view->table.rows[view->reference].metrics;
    int p99 = metric_named("ttft_p99_ns");
    char ttft[32];
    fprintf(out, "<p class=answer>Cheapest: $%.3f per million tokens (%s), at ",
            view->cost[view->reference], billing_name(view->billing));
    write_point(out, view, view->reference);
    fprintf(out, ". Its P99 TTFT is %s.</p>\n",
            metric_show(p99, metrics->ttft_p99_ns, ttft, sizeof ttft));
}

static enum status write_reference(struct report *report, const struct sweep_view *view,
                                   struct experiment *experiment, struct error *err)
{
    static const char *const names[] = { "the cheapest" };
    int64_t run = view->table.rows[view->reference].run;
    enum status status = compared_experiment(report->store, run, experiment, err);
    return status == STATUS_OK ? report_config(report->out, experiment, names, 1, err) : status;
}

static enum status write_view(struct report *report, const struct sweep_view *view,
                              struct experiment *experiment, struct error *err)
{
    uint32_t *front = memory_new(view->shown_count, sizeof *front);
    uint32_t count = sweep_view_front(view, front);
    fprintf(report->out, "<h2>Sweep %" PRId64 "</h2>\n", view->table.sweep);
    write_answer(report->out, view);
    if (has_replications(view))
        fputs("<p class=note>Points ran under several seeds: curves show their means, dots and "
              "rows are "
              "single runs.</p>\n",
              report->out);
    fputs("<pre class=wrap>", report->out);
    html_text(report->out, view->table.command);
    fputs("</pre>\n<div class=\"pair two\">\n", report->out);
    enum status status =
        sweep_plots_draw(view, report->folder, figures_take, &report->figures, err);
    fputs("</div>\n<h2>None cheaper and sooner</h2>\n", report->out);
    write_rows(report, view, front, count);
    write_cheapest(report, view);
    free(front);
    if (status == STATUS_OK && report->figures.err.status != STATUS_OK)
        *err = report->figures.err;
    return err->status == STATUS_OK ? write_reference(report, view, experiment, err) : err->status;
}

static enum status write_sweep(struct report *report, struct experiment *experiment,
                               struct error *err)
{
    struct sweep_view view = { 0 };
    enum status status = sweep_view_load(report->store, report->question->sweep,
                                         &report->question->pricing, &view, err);
    if (status == STATUS_OK)
        status = write_view(report, &view, experiment, err);
    sweep_view_free(&view);
    return status;
}

/* ---- the page ---- */

static enum status write_page(struct report *report, struct error *err)
{
    const struct report_question *question = report->question;
    struct experiment experiment;
    enum status status = STATUS_OK;
    html_begin(report->out, "reprise: tiered KV caches, simulated");
    for (uint32_t i = 0; status == STATUS_OK && i < question->run_count; i++)
        status = report_runs(report->store, question->runs[i], &report->figures, &experiment, err);
    if (status == STATUS_OK && question->sweep > 0)
        status = write_sweep(report, &experiment, err);
    if (status == STATUS_OK)
        status = report_assumptions(report->out, &experiment, &question->pricing, err);
    if (status == STATUS_OK)
        status = report_not_modelled(report->out, err);
    html_end(report->out);
    return status;
}

enum status report_write(struct store *store, const struct report_question *question,
                         const char *path, struct error *err)
{
    struct report report = { .store = store, .question = question };
    if (scratch_make("report", report.folder, err) != STATUS_OK)
        return err->status;
    struct whole_file file;
    if (whole_file_open(&file, path, err) == STATUS_OK) {
        report.out = file.out;
        report.figures = (struct figures){ .out = file.out, .folder = report.folder };
        write_page(&report, err);
        whole_file_close(&file, err);
    }
    scratch_remove(report.folder);
    return err->status;
}
