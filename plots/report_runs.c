/* plots/report_runs.c - see report_runs.h. */
#include "plots/report_runs.h"

#include "base/histogram.h"
#include "base/memory.h"
#include "plots/html.h"
#include "plots/plots.h"
#include "plots/report_config.h"
#include "sweep/compared_words.h"
#include "sweep/metric_show.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is said first ---- */

struct listing {
    FILE *out;
    bool open; /* a list is */
    enum words_of of;
};

static void end_list(struct listing *listing)
{
    fputs(listing->open ? "</ul>\n" : "", listing->out);
    listing->open = false;
}

static void begin_list(struct listing *listing, enum words_of of)
{
    static const char *const headings[] = {
        [WORDS_POLICY] = "In short",
        [WORDS_VERDICT] = "Which is better",
        [WORDS_OVERLOAD] = "Overload",
        [WORDS_FINDING] = "What was found, and what to change",
    };
    end_list(listing);
    fprintf(listing->out, "<h3>%s</h3>\n<ul>\n", headings[of]);
    listing->open = true;
    listing->of = of;
}

static void list_sentence(void *context, enum words_of of, const char *subject,
                          const char *sentence)
{
    struct listing *listing = context;
    if (!listing->open || listing->of != of)
        begin_list(listing, of);
    fputs("<li>", listing->out);
    if (subject[0] != '\0') {
        fputs("<b>", listing->out);
        html_text(listing->out, subject);
        fputs("</b>: ", listing->out);
    }
    html_text(listing->out, sentence);
    fputs("</li>\n", listing->out);
}

static void write_words(FILE *out, const struct compared *compared)
{
    struct listing listing = { .out = out };
    compared_words(compared, list_sentence, &listing);
    end_list(&listing);
}

/* Whose numbers these are, and how sure. */
static void write_seeds(FILE *out, const struct compared_kept *kept)
{
    const struct compared *compared = &kept->compared;
    uint32_t last = compared->seeds - 1;
    if (compared->seeds > 1)
        fprintf(out,
                "<p class=note>Each policy ran under %u seeds of the workload, %" PRIu64
                " to %" PRIu64
                ". Numbers are their means; &plusmn; is half of the 95 %% interval of "
                "the mean (Student's t). What was found, and what happened over time, is of the "
                "first seed.</p>\n",
                compared->seeds, kept->runs.seed[0], kept->runs.seed[last]);
    else
        fputs("<p class=note>One run of each policy: its own numbers have no interval"
              "; P99s are within " HISTOGRAM_ERROR " of the exact ones.</p>\n",
              out);
}

/* ---- differences ---- */

static void write_headings(FILE *out, const struct compared *compared, uint32_t first)
{
    fputs("<div class=scroll><table class=cards><tr><th></th>", out);
    for (uint32_t i = first; i < compared->count; i++) {
        fputs("<th>", out);
        html_text(out, compared->run[i].name);
        fputs("</th>", out);
    }
    html_row_end(out);
}

/* The cell's column is named in it for pages too narrow for columns. */
static void begin_cell(FILE *out, const struct compared *compared, uint32_t run)
{
    fputs("<td data-name=\"", out);
    html_text(out, compared->run[run].name);
    fputs("\">", out);
}

static void write_difference_row(FILE *out, const struct compared *compared, int row,
                                 bool doubted[PAIRED_NARROW_TAIL + 1])
{
    char text[DIFFERENCE_TEXT_BYTES];
    fputs("<tr><td>", out);
    html_text(out, metric_rows[metric_named(difference_rows[row].metric)].title);
    fputs("</td>", out);
    for (uint32_t i = 1; i < compared->count; i++) {
        const struct difference *difference = &compared_against(compared, 0, i)->row[row];
        begin_cell(out, compared, i);
        html_text(out, difference_text(row, difference, text));
        fputs("</td>", out);
        doubted[difference->doubt] = true;
    }
    html_row_end(out);
}

static void write_doubts(FILE *out, const struct compared *compared,
                         const bool doubted[PAIRED_NARROW_TAIL + 1])
{
    char text[COMPARED_TEXT_BYTES];
    for (enum paired_doubt doubt = PAIRED_ONE_SEED; doubt <= PAIRED_NARROW_TAIL; doubt++)
        if (doubted[doubt]) {
            fputs("<p class=note>No interval: ", out);
            html_text(out, difference_doubt_text(compared, &compared->against[0], doubt, text));
            fputs(".</p>\n", out);
        }
    if (compared_p99_text(compared) != NULL) {
        fputs("<p class=note>", out);
        html_text(out, compared_p99_text(compared));
        fputs(".</p>\n", out);
    }
}

static void write_told_differences(FILE *out, const struct compared *compared)
{
    char text[COMPARED_TEXT_BYTES];
    bool doubted[PAIRED_NARROW_TAIL + 1] = { false };
    fputs("<p>Shown is the ", out);
    html_text(out, compared_method_text(compared, text));
    fputs(". Where the interval holds zero, no difference is seen.</p>\n", out);
    write_headings(out, compared, 1);
    for (int row = 0; row < DIFFERENCE_ROWS; row++)
        if (difference_is_told(compared, row))
            write_difference_row(out, compared, row, doubted);
    html_table_end(out);
    write_doubts(out, compared, doubted);
}

static void write_differences(FILE *out, const struct compared *compared)
{
    if (compared->count < 2)
        return;
    fputs("<h2>How they differ</h2>\n", out);
    if (compared->paired_by != PAIRED_BY_NOTHING)
        write_told_differences(out, compared);
    else
        fputs(
            "<p>Whether the policies differ by more than chance is not known: the database has no "
            "intervals of these runs. Their turns were not paired when they were stored. "
            "<code>reprise sim --replications 5</code> would tell.</p>\n",
            out);
}

/* ---- numbers ---- */

enum { MAIN_METRICS = 11 };
static const char *const told_metrics[] = {
    "turns",
    "ttft_mean_ns",
    "ttft_p99_ns",
    "tbt_p99_ns",
    "turns_per_s",
    "gpu_utilisation",
    "hit_rate_tokens",
    "ssd_written_bytes",
    "ssd_years",
    "cost_usd_per_mtok",
    "rented_usd_per_mtok",
    /* Folded. */
    "ttft_p50_ns",
    "queueing_mean_ns",
    "prefill_mean_ns",
    "tbt_mean_ns",
    "hit_rate_history_tokens",
    "hit_tokens_hbm",
    "hit_tokens_dram",
    "hit_tokens_ssd",
    "passed_over_tokens",
    "peak_dram_bytes",
    "peak_ssd_bytes",
    "cost_usd",
    "rented_usd_per_month",
    "owned_usd_per_month",
    "owned_usd_per_mtok",
};
enum { TOLD_METRICS = sizeof told_metrics / sizeof *told_metrics };

/* struct metrics is doubles, in order. */
static void write_number(FILE *out, const struct compared *compared, uint32_t run, int metric)
{
    char text[64];
    const struct estimate estimate =
        compared_estimate(compared, &compared->run[run], (size_t)metric * sizeof(double));
    begin_cell(out, compared, run);
    fputs(metric_show(metric, estimate.mean, text, sizeof text), out);
    if (estimate.half_width > 0.0 && !metric_is_untold(metric, estimate.mean))
        fprintf(out, " <small>&plusmn; %s</small>",
                metric_show(metric, estimate.half_width, text, sizeof text));
    fputs("</td>", out);
}

static void write_metric(FILE *out, const struct compared *compared, int metric)
{
    fputs("<tr><td title=\"", out);
    html_text(out, metric_rows[metric].meaning);
    fputs("\">", out);
    html_text(out, metric_rows[metric].title);
    fprintf(out, "%s</td>", metric_billing(metric));
    for (uint32_t i = 0; i < compared->count; i++)
        write_number(out, compared, i, metric);
    html_row_end(out);
}

static void write_metrics(FILE *out, const struct compared *compared, int from, int to)
{
    write_headings(out, compared, 0);
    for (int m = from; m < to; m++)
        write_metric(out, compared, metric_named(told_metrics[m]));
    html_table_end(out);
}

/* ---- all ---- */

static void write_title(FILE *out, const struct compared_kept *kept)
{
    const struct experiment *experiment = &kept->experiment[0];
    int64_t first = kept->runs.id[0];
    int64_t last = kept->runs.id[kept->runs.policies * kept->runs.seeds - 1];
    fputs("<h2>", out);
    html_text(out, experiment->model);
    fprintf(out, " on %u %s of ", experiment->gpus, experiment->gpus == 1 ? "GPU" : "GPUs");
    html_text(out, experiment->hardware);
    if (first == last)
        fprintf(out, " (run %" PRId64 ")</h2>\n", first);
    else
        fprintf(out, " (runs %" PRId64 " to %" PRId64 ")</h2>\n", first, last);
}

static void write_notes(FILE *out, const struct compared *compared)
{
    fputs("<p class=note>", out);
    if (compared->seeds > 1)
        fputs("Bars are means over the seeds, whiskers their 95 % intervals; of the curves each "
              "share's time is the mean over the seeds. ",
              out);
    fputs(
        "Hits over time end with the last arrival, or a line marks it: what is served behind it is "
        "a load that dies away, and tells of nothing that users meet.</p>\n",
        out);
}

static enum status write_pictures(struct store *store, const struct compared_kept *kept,
                                  struct figures *figures, struct error *err)
{
    fputs("<h2>Pictures</h2>\n", figures->out);
    write_notes(figures->out, &kept->compared);
    fputs("<div class=\"pair two\">\n", figures->out);
    enum status status =
        plots_draw(store, kept, PLOTS_COLUMN, figures->folder, figures_take, figures, err);
    fputs("</div>\n", figures->out);
    if (status == STATUS_OK && figures->err.status != STATUS_OK)
        *err = figures->err;
    return err->status;
}

static enum status write_config(FILE *out, const struct compared_kept *kept, struct error *err)
{
    const struct compared *compared = &kept->compared;
    const char **names = memory_new(compared->count, sizeof *names);
    for (uint32_t i = 0; i < compared->count; i++)
        names[i] = compared->run[i].name;
    enum status status = report_config(out, kept->experiment, names, compared->count, err);
    free(names);
    return status;
}

static enum status write_runs(struct store *store, const struct compared_kept *kept,
                              struct figures *figures, struct error *err)
{
    const struct compared *compared = &kept->compared;
    FILE *out = figures->out;
    write_title(out, kept);
    write_seeds(out, kept);
    write_words(out, compared);
    write_differences(out, compared);
    enum status status = write_pictures(store, kept, figures, err);
    fputs("<h2>Numbers</h2>\n", out);
    write_metrics(out, compared, 0, MAIN_METRICS);
    fputs("<details><summary>More numbers</summary>\n", out);
    write_metrics(out, compared, MAIN_METRICS, TOLD_METRICS);
    fputs("</details>\n", out);
    return status == STATUS_OK ? write_config(out, kept, err) : status;
}

enum status report_runs(struct store *store, int64_t run, struct figures *figures,
                        struct experiment *experiment, struct error *err)
{
    struct compared_kept kept;
    enum status status = compared_read(store, run, &kept, err);
    if (status == STATUS_OK) {
        *experiment = kept.experiment[0];
        status = write_runs(store, &kept, figures, err);
    }
    compared_kept_free(&kept);
    return status;
}
