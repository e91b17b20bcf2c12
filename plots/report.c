/* plots/report.c - see report.h. Pictures are drawn into a temporary folder and taken into the
 * page. */
#include "plots/report.h"

#include "base/memory.h"
#include "plots/html.h"
#include "plots/page_file.h"
#include "plots/plot_data.h"
#include "plots/plots.h"
#include "plots/report_assumptions.h"
#include "plots/sweep_plots.h"
#include "sweep/axis.h"
#include "sweep/metric_show.h"
#include "sweep/run_words.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SWEEP_ROWS_SHOWN 50

struct report {
    FILE *out;
    struct store *store;
    const struct report_question *question;
    char folder[64];
    uint32_t pictures; /* so far: their number on the page */
    struct error err;
};

/* ---- pictures ---- */

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Called for each file that was drawn: SVGs go into the page, all are removed. */
static void take_picture(const char *path, void *context)
{
    struct report *report = context;
    const char *name = file_name(path), *dot = strrchr(path, '.');
    bool overview = strncmp(name, "overview", 8) == 0;
    bool shown = strncmp(name, "ttft_cdf", 8) != 0; /* the overview has it */
    if (strcmp(dot, ".svg") == 0 && shown && report->err.status == STATUS_OK) {
        bool narrow = overview || strncmp(name, "sweep_", 6) == 0;
        fputs(narrow ? "<figure>" : "<figure class=\"wide scroll\">", report->out);
        html_svg(report->out, path, ++report->pictures, &report->err);
        fputs("</figure>\n", report->out);
    }
    unlink(path);
}

/* ---- runs ---- */

static const char *const main_metrics[] = {
    "turns",
    "ttft_mean_ns",
    "ttft_p50_ns",
    "ttft_p99_ns",
    "queueing_mean_ns",
    "prefill_mean_ns",
    "tbt_mean_ns",
    "tbt_p99_ns",
    "turns_per_s",
    "gpu_utilisation",
    "hit_rate_tokens",
    "hit_rate_history_tokens",
    "hit_tokens_hbm",
    "hit_tokens_dram",
    "hit_tokens_ssd",
    "passed_over_tokens",
    "ssd_written_bytes",
    "peak_dram_bytes",
    "peak_ssd_bytes",
    "cost_usd",
    "cost_usd_per_mtok",
    "rented_usd_per_month",
    "rented_usd_per_mtok",
    "owned_usd_per_month",
    "owned_usd_per_mtok",
};

/* Its place in the table; the name is one of those above. */
static int metric_of(const char *name)
{
    int i = 0;
    while (strcmp(metric_rows[i].name, name) != 0)
        i++;
    return i;
}

struct columns {
    uint32_t count;
    int64_t ids[PLOT_RUNS_MAX];
    char name[PLOT_RUNS_MAX][128];
    struct metrics metrics[PLOT_RUNS_MAX];
};

static enum status load_columns(struct report *report, int64_t run, struct columns *columns,
                                struct error *err)
{
    enum status status =
        store_comparison(report->store, run, columns->ids, PLOT_RUNS_MAX, &columns->count, err);
    for (uint32_t i = 0; status == STATUS_OK && i < columns->count; i++) {
        status = store_run_name(report->store, columns->ids[i], columns->name[i],
                                sizeof columns->name[i], err);
        if (status == STATUS_OK)
            status = store_metrics(report->store, columns->ids[i], &columns->metrics[i], err);
    }
    return status;
}

static void write_words(FILE *out, const struct columns *columns)
{
    char words[RUN_WORDS_BYTES];
    fputs("<ul>\n", out);
    for (uint32_t i = 0; i < columns->count; i++) {
        fputs("<li><b>", out);
        html_text(out, columns->name[i]);
        fputs("</b>: ", out);
        html_text(out, run_words(&columns->metrics[i], words));
        fputs("</li>\n", out);
    }
    fputs("</ul>\n", out);
}

static void write_metric(FILE *out, const struct columns *columns, int metric)
{
    char text[64];
    fputs("<tr><td title=\"", out);
    html_text(out, metric_rows[metric].meaning);
    fputs("\">", out);
    html_text(out, metric_rows[metric].title);
    fprintf(out, "%s</td>", metric_billing(metric));
    for (uint32_t i = 0; i < columns->count; i++)
        fprintf(out, "<td>%s</td>",
                metric_show(metric, metric_value(&columns->metrics[i], metric), text, sizeof text));
    fputs("</tr>\n", out);
}

static void write_metrics(FILE *out, const struct columns *columns)
{
    fputs("<div class=scroll><table><tr><th></th>", out);
    for (uint32_t i = 0; i < columns->count; i++) {
        fputs("<th>", out);
        html_text(out, columns->name[i]);
        fputs("</th>", out);
    }
    fputs("</tr>\n", out);
    for (size_t m = 0; m < sizeof main_metrics / sizeof *main_metrics; m++)
        write_metric(out, columns, metric_of(main_metrics[m]));
    fputs("</table></div>\n", out);
}

struct findings {
    FILE *out;
    const char *name; /* of the run */
    bool begun;       /* of all runs */
};

static void write_finding(const char *sentence, void *context)
{
    struct findings *findings = context;
    fputs(findings->begun ? "<li><b>" : "<ul>\n<li><b>", findings->out);
    html_text(findings->out, findings->name);
    fputs("</b>: ", findings->out);
    html_text(findings->out, sentence);
    fputs("</li>\n", findings->out);
    findings->begun = true;
}

/* What holds the runs up, and what makes their numbers doubtful. */
static enum status write_findings(const struct report *report, const struct columns *columns,
                                  struct error *err)
{
    struct findings findings = { .out = report->out };
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < columns->count; i++) {
        findings.name = columns->name[i];
        status = store_findings(report->store, columns->ids[i], write_finding, &findings, err);
    }
    fputs(findings.begun ? "</ul>\n" : "", report->out);
    return status;
}

static enum status write_configuration(struct report *report, int64_t run,
                                       struct experiment *experiment, struct error *err)
{
    char *yaml = NULL;
    struct config_tree *tree = NULL;
    enum status status = store_run_config(report->store, run, &yaml, err);
    if (status == STATUS_OK)
        status = config_tree_parse(yaml, "the run's configuration", &tree, err);
    if (status == STATUS_OK)
        status = config_load(experiment_sections, tree, experiment, err);
    if (status == STATUS_OK) {
        fprintf(report->out, "<h2>Configuration of run %" PRId64 "</h2>\n<pre>", run);
        html_text(report->out, yaml);
        fputs("</pre>\n", report->out);
    }
    config_tree_free(tree);
    free(yaml);
    return status;
}

static enum status write_comparison(struct report *report, int64_t run,
                                    struct experiment *experiment, struct error *err)
{
    struct columns *columns = memory_new(1, sizeof *columns);
    enum status status = load_columns(report, run, columns, err);
    int64_t first = columns->ids[0];
    if (status == STATUS_OK) {
        fprintf(report->out, "<h2>Runs %" PRId64 " to %" PRId64 "</h2>\n", first,
                columns->ids[columns->count - 1]);
        write_words(report->out, columns);
        status = write_findings(report, columns, err);
    }
    if (status == STATUS_OK) {
        write_metrics(report->out, columns);
    }
    if (status == STATUS_OK) {
        status = plots_draw(report->store, first, report->folder, take_picture, report, err);
    }
    free(columns);
    if (status == STATUS_OK && report->err.status != STATUS_OK)
        *err = report->err;
    return err->status == STATUS_OK ? write_configuration(report, first, experiment, err)
                                    : err->status;
}

/* ---- sweeps ---- */

static const char *const sweep_metrics[] = { "ttft_mean_ns", "ttft_p99_ns", "tbt_p99_ns",
                                             "hit_rate_tokens", "gpu_utilisation" };

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
    fprintf(out, "<td>$%.3f</td>", view->cost[row]);
    for (size_t m = 0; m < sizeof sweep_metrics / sizeof *sweep_metrics; m++) {
        int metric = metric_of(sweep_metrics[m]);
        char text[64];
        fprintf(out, "<td>%s</td>",
                metric_show(metric, metric_value(&at->metrics, metric), text, sizeof text));
    }
    if (at->metrics.ssd_years > 0.0)
        fprintf(out, "<td>%.1f years</td></tr>\n", at->metrics.ssd_years);
    else
        fputs("<td>-</td></tr>\n", out);
}

static void write_rows(struct report *report, const struct sweep_view *view, const uint32_t *rows,
                       uint32_t count)
{
    fputs("<div class=scroll><table><tr>", report->out);
    for (uint32_t a = 0; a < view->table.axes; a++) {
        if (view->axes[a].count < 2) /* the same in every row: the configuration has it */
            continue;
        fputs("<th>", report->out);
        html_text(report->out, view->table.axis_keys[a]);
        fputs("</th>", report->out);
    }
    fprintf(report->out, "<th>$ per million tokens (%s)</th>", billing_name(view->billing));
    for (size_t m = 0; m < sizeof sweep_metrics / sizeof *sweep_metrics; m++) {
        fputs("<th>", report->out);
        html_text(report->out, metric_rows[metric_of(sweep_metrics[m])].title);
        fputs("</th>", report->out);
    }
    fputs("<th>SSD life</th></tr>\n", report->out);
    for (uint32_t i = 0; i < count && i < SWEEP_ROWS_SHOWN; i++)
        write_row(report, view, rows[i]);
    fputs("</table></div>\n", report->out);
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

static enum status write_view(struct report *report, const struct sweep_view *view,
                              struct experiment *experiment, struct error *err)
{
    uint32_t *front = memory_new(view->shown_count, sizeof *front);
    uint32_t count = sweep_view_front(view, front);
    fprintf(report->out, "<h2>Sweep %" PRId64 "</h2>\n<pre>", view->table.sweep);
    html_text(report->out, view->table.command);
    fputs("</pre>\n<div class=pair>\n", report->out);
    enum status status = sweep_plots_draw(view, report->folder, take_picture, report, err);
    fputs("</div>\n<h2>None cheaper and sooner</h2>\n", report->out);
    write_rows(report, view, front, count);
    write_cheapest(report, view);
    free(front);
    if (status == STATUS_OK && report->err.status != STATUS_OK)
        *err = report->err;
    return err->status == STATUS_OK
               ? write_configuration(report, view->table.rows[view->reference].run, experiment, err)
               : err->status;
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
        status = write_comparison(report, question->runs[i], &experiment, err);
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
    snprintf(report.folder, sizeof report.folder, "/tmp/reprise-report-XXXXXX");
    if (mkdtemp(report.folder) == NULL)
        return error_io(err, report.folder, "create folder", strerror(errno));
    struct page_file file;
    if (page_file_open(&file, path, err) == STATUS_OK) {
        report.out = file.out;
        write_page(&report, err);
        page_file_close(&file, err);
    }
    rmdir(report.folder);
    return err->status;
}
