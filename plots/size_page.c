/* plots/size_page.c - see size_page.h. Here: what the page says in which order. Its tables are
 * size_tables.c's, its pictures size_pictures.c's. The reader buys servers and has never seen a
 * simulator: the largest numbers come first, each term with a word of what it means. */
#include "plots/size_page.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/scratch.h"
#include "base/units.h"
#include "base/whole_file.h"
#include "plots/html.h"
#include "plots/report_assumptions.h"
#include "plots/size_pictures.h"
#include "plots/size_tables.h"
#include "plots/size_terms.h"
#include "sim/engine/setup.h"
#include "sweep/metric_show.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 1024
/* Less to spare than this is within what predictions of a tail are off by (docs/accuracy.md). */
#define SPARE_LITTLE 0.1

struct page {
    FILE *out;
    const struct size_question *question;
    const struct size_result *result;
    const struct size_answer *answer;
    uint32_t index; /* the recommended point, or the nearest */
    const struct size_point *point;
    const struct size_value *value;
    const struct size_scene *scene;
};

/* A paragraph, escaped. */
__attribute__((format(printf, 3, 4))) static void say(FILE *out, const char *class,
                                                      const char *format, ...)
{
    char text[4 * TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(out, "<p class=\"%s\">", class);
    html_text(out, text);
    fputs("</p>\n", out);
}

static void heading(FILE *out, const char *text)
{
    fprintf(out, "<h2>%s</h2>\n", text);
}

static char *money(const struct page *page, double usd, char *out, size_t out_bytes)
{
    return prices_money(size_prices(page->answer), usd, out, out_bytes);
}

static double years_asked(const struct page *page)
{
    return page->question->ssd_years_least < 0.0 ? size_prices(page->answer)->years
                                                 : page->question->ssd_years_least;
}

/* ---- the answer ---- */

static void write_recommendation(const struct page *page)
{
    const struct promise *promise = size_missed_most(page->question, page->value);
    const struct bill *bill = &page->value->bill;
    char what[TEXT_BYTES], month[128], mtok[128], asked[160], reached[64], limit[64];
    double spare = 1.0 - promise_violation(promise, &page->value->metrics);
    FILE *out = page->out;
    fprintf(out, "<p class=answer>%s <b>", page->point->billing == BILL_OWNED ? "Buy" : "Rent");
    html_text(out, size_describe(page->point, what, sizeof what));
    fputs("</b>: ", out);
    html_text(out, money(page, bill->usd_per_month, month, sizeof month));
    fputs(" a month, ", out);
    html_text(out, money(page, bill->usd_per_mtok, mtok, sizeof mtok));
    fprintf(out, " per million tokens (%s). %s the promise%s %s",
            billing_name(page->point->billing),
            page->point->bought.servers > 1 ? "They keep" : "It keeps",
            page->question->promise_count > 1 ? "s; the tightest is" : "", "");
    snprintf(asked, sizeof asked,
             "%s %s: ", size_metric_title(promise->metric, reached, sizeof reached),
             size_limit_words(promise, limit, sizeof limit));
    html_text(out, asked);
    html_text(out,
              metric_show(promise->metric, metric_value(&page->value->metrics, promise->metric),
                          reached, sizeof reached));
    fprintf(out, " is reached, %.1f %% to spare.</p>\n", 100.0 * spare);
    if (!promise->at_least && spare < SPARE_LITTLE)
        say(out, "note",
            "So little to spare is less than what predictions of the slowest requests may be off "
            "by: "
            "look at what one step more costs (below), and measure before you sign.");
}

static void figure_of(FILE *out, const char *number, const char *what)
{
    fputs("<div><b>", out);
    html_text(out, number);
    fputs("</b>", out);
    html_text(out, what);
    fputs("</div>\n", out);
}

static void write_figures(const struct page *page)
{
    const struct promise *promise = size_shown_promise(page->question);
    const struct bill *bill = &page->value->bill;
    char number[128], what[512], title[64], limit[64];
    fputs("<div class=figures>\n", page->out);
    snprintf(what, sizeof what, "a month, %s", billing_name(page->point->billing));
    figure_of(page->out, money(page, bill->usd_per_month, number, sizeof number), what);
    figure_of(page->out, money(page, bill->usd_per_mtok, number, sizeof number),
              "per million tokens, asked and answered");
    if (bill->usd_once > 0.0)
        figure_of(page->out, money(page, bill->usd_once, number, sizeof number),
                  "paid once, within the sum a month");
    snprintf(what, sizeof what, "%s; promised: %s",
             size_metric_title(promise->metric, title, sizeof title),
             size_limit_words(promise, limit, sizeof limit));
    figure_of(page->out,
              metric_show(promise->metric, metric_value(&page->value->metrics, promise->metric),
                          number, sizeof number),
              what);
    fputs("</div>\n", page->out);
}

static void write_words(FILE *out)
{
    fputs(
        "<p class=note><b>In words.</b> A <b>token</b> is a piece of a word, about three quarters "
        "of "
        "one. <b>TTFT</b> (time to first token) is how long one waits for an answer's first word; "
        "<b>P99</b>: of 100 requests 99 wait no longer. <b>KV</b> is what a GPU has worked out of "
        "a "
        "text so far; where it is kept, a next request that begins with the same text need not "
        "have "
        "it worked out again. It is kept in <b>HBM</b>, the GPUs' own memory, below that in "
        "<b>DRAM</b>, the server's memory, and on <b>SSDs</b>, its drives: each of them larger, "
        "cheaper "
        "and slower than the one before. The <b>policy</b> (scheduler-aware, lru...) is the rule "
        "by "
        "which room is made. A <b>point</b> is one choice of servers and settings. All numbers are "
        "simulated; what they rest on is at the end.</p>\n",
        out);
}

/* ---- what it saves ---- */

static void write_cannot_reuse(const struct page *page)
{
    char text[2 * TEXT_BYTES];
    heading(page->out, "Does keeping KV pay?");
    say(page->out, "", "%s", size_cannot_reuse(page->question, text, sizeof text));
    fputs("<pre class=wrap>", page->out);
    html_text(page->out, size_cannot_reuse_command(page->question, text, sizeof text));
    fputs("</pre>\n", page->out);
}

static enum status write_worth(const struct page *page, struct error *err)
{
    char text[TEXT_BYTES];
    if (!page->question->workload.can_reuse) {
        write_cannot_reuse(page);
        return STATUS_OK;
    }
    heading(page->out, "What keeping KV saves");
    fputs("<p><b>", page->out);
    html_text(page->out, size_saving(page->answer, text, sizeof text));
    if (page->question->today != NULL) {
        fputc(' ', page->out);
        html_text(page->out, size_saving_today(page->answer, text, sizeof text));
    }
    fputs("</b></p>\n", page->out);
    return size_table_worth(page->out, page->question, page->answer, err);
}

/* ---- the bill, promises ---- */

static void write_bill(const struct page *page)
{
    char text[TEXT_BYTES];
    char words[256];
    heading(page->out, "The order and its bill");
    size_table_order(page->out, page->answer, page->index);
    say(page->out, "", "The bill, %s: %s. A month has 730.5 hours.",
        billing_name(page->point->billing),
        size_billing_words(page->point->billing, page->point->prices, words, sizeof words));
    size_table_invoice(page->out, page->answer, page->index);
    if (*size_power(page->point, page->value, text, sizeof text) != '\0')
        say(page->out, "note", "%s", text);
    size_table_billings(page->out, page->answer, page->index);
}

static void write_promises(const struct page *page)
{
    const struct metrics *m = &page->value->metrics;
    char mean[32], tbt[32], terms[192];
    heading(page->out, page->question->promise_count > 1 ? "The promises" : "The promise");
    size_table_promises(page->out, page->question, page->answer, page->index);
    size_goodput_terms(page->question, &page->point->experiment, terms, sizeof terms);
    if (*terms != '\0')
        say(page->out, "note", "%s", terms);
    say(page->out, "",
        "On average the first word comes after %s; between two words of an answer pass at most %s "
        "in "
        "99 of 100 cases. %.1f %% of all tokens are found kept and need not be worked out again. "
        "The "
        "GPUs are busy %.1f %% of the time.",
        units_format(m->ttft_mean_ns, UNIT_DURATION, mean, sizeof mean),
        units_format(m->tbt_p99_ns, UNIT_DURATION, tbt, sizeof tbt), 100.0 * m->hit_rate_tokens,
        100.0 * m->gpu_utilisation);
}

static void write_binding(const struct page *page)
{
    char text[TEXT_BYTES];
    heading(page->out, "What limits it, and how long drives last");
    say(page->out, "", "What keeps these servers from being faster: %s.",
        size_binding(page->point, page->value, text, sizeof text));
    if (*size_cut(page->value, text, sizeof text) != '\0')
        say(page->out, "bad", "%s", text);
    if (page->value->metrics.ssd_years > 0.0)
        say(page->out, "",
            "SSDs wear out by being written to. Here: %.3f drive writes a day; the writes that "
            "they "
            "are rated for last %.1f years, and %g are asked for.",
            page->value->metrics.ssd_dwpd, page->value->metrics.ssd_years, years_asked(page));
    else
        say(page->out, "",
            "Nothing is written to SSDs, so that none wears out (%g years were asked for).",
            years_asked(page));
}

/* ---- evidence ---- */

static enum status write_loads(const struct page *page, struct error *err)
{
    char text[TEXT_BYTES];
    bool run = false;
    for (int i = 0; i < SIZE_LOADS; i++)
        run = run || page->result->loads[i].run;
    heading(page->out, "If the load changes");
    if (run)
        size_table_loads(page->out, page->question, page->result);
    if (*size_workload_unsteady(&page->question->workload, text, sizeof text) != '\0')
        say(page->out, "", "%s", text);
    fputs("<div class=pair>\n", page->out);
    enum status status = size_picture_write(page->out, page->scene, SIZE_PICTURE_LOADS, err);
    if (status == STATUS_OK)
        status = size_picture_write(page->out, page->scene, SIZE_PICTURE_SERVERS, err);
    fputs("</div>\n", page->out);
    return status;
}

static enum status write_choices(const struct page *page, struct error *err)
{
    heading(page->out, "Other choices");
    fputs("<div class=pair>\n", page->out);
    enum status status = size_picture_write(page->out, page->scene, SIZE_PICTURE_PARETO, err);
    if (status == STATUS_OK)
        status = size_picture_write(page->out, page->scene, SIZE_PICTURE_HEAT, err);
    fputs("</div>\n", page->out);
    size_table_neighbours(page->out, page->question, page->answer, page->index);
    size_table_front(page->out, page->question, page->answer, page->index);
    return status;
}

static enum status write_prices(const struct page *page, struct error *err)
{
    heading(page->out, "If prices change");
    fputs("<div class=pair>\n", page->out);
    enum status status = size_picture_write(page->out, page->scene, SIZE_PICTURE_PRICES, err);
    fputs("</div>\n", page->out);
    size_table_prices(page->out, page->question, page->answer);
    return status;
}

/* ---- what was asked and what it rests on ---- */

static void write_searched(const struct page *page)
{
    const struct size_space *space = page->question->space;
    const struct size_answer *answer = page->answer;
    char axes[TEXT_BYTES] = "", part[96] = "", not_run[192];
    size_t used = 0;
    for (uint32_t a = 0; a < space->axis_count && used + AXIS_KEY_BYTES + 32 < sizeof axes; a++)
        used += (size_t)snprintf(axes + used, sizeof axes - used, "%s%s (%" PRIu32 ")",
                                 a > 0 ? ", " : "", size_short_key(space->axes[a].key),
                                 space->axes[a].count);
    if (answer->runs[SIZE_PART] > 0)
        snprintf(part, sizeof part, ", %" PRIu32 " more on %.0f %% of it", answer->runs[SIZE_PART],
                 100.0 * answer->share[SIZE_PART]);
    say(page->out, "",
        "Searched: %s: %" PRIu32 " choices. Simulated: %" PRIu32
        " on all of the load%s%s; they are kept in the database as sweep %" PRId64 ".",
        axes, space->grid, answer->runs[SIZE_WHOLE], part,
        size_not_run(answer, not_run, sizeof not_run), answer->sweep);
}

static void write_asked(const struct page *page)
{
    const struct size_workload *workload = &page->question->workload;
    const struct experiment *experiment = &page->point->experiment;
    char objective[128], span[32], warmup[64] = "";
    heading(page->out, "What was asked");
    size_objective_words(page->question->objective, size_prices(page->answer), objective,
                         sizeof objective);
    if (experiment->warmup_turns > 0)
        snprintf(warmup, sizeof warmup, "; the first %" PRIu64 " are not measured",
                 experiment->warmup_turns);
    say(page->out, "",
        "The model %s under the load of %s: %" PRIu64
        " requests in %s, %s%s. The cheapest in %s was "
        "looked for.",
        experiment->model,
        experiment->trace[0] != '\0' ? experiment->trace : "a generated workload", workload->turns,
        units_format((double)workload->duration_ns, UNIT_DURATION, span, sizeof span),
        workload->open_loop ? "at their recorded times" : "each after the reply before it", warmup,
        objective);
    write_searched(page);
}

/* How long the GPUs are said to take, which no table of prices tells. */
static enum status write_timing(const struct page *page, struct error *err)
{
    struct engine_setup *setup = memory_new(1, sizeof *setup);
    struct trace *trace = NULL;
    enum status status = engine_setup_open(&page->point->experiment, setup, &trace, err);
    if (status == STATUS_OK)
        say(page->out, "", "Times of the GPUs: %s.", setup->timing.source);
    trace_close(trace);
    free(setup);
    return status;
}

/* Of servers that were searched beside the recommended one. */
static void write_servers(const struct page *page)
{
    const struct size_server *server = page->question->space->servers;
    if (server == NULL || server->next == NULL)
        return;
    html_table_begin(
        page->out, (const char *const[]){ "server", "its source", "prices", "their source", NULL });
    for (; server != NULL; server = server->next) {
        fputs("<tr class=names>", page->out);
        html_cell(page->out, "%s", server->hardware.name);
        html_cell(page->out, "%s", server->hardware.source);
        html_cell(page->out, "%s of %s", server->prices.name, server->prices.date);
        html_cell(page->out, "%s", server->prices.source);
        html_row_end(page->out);
    }
    html_table_end(page->out);
}

static enum status write_rests_on(const struct page *page, struct error *err)
{
    char text[TEXT_BYTES];
    enum status status = report_assumptions(page->out, &page->point->experiment,
                                            &page->question->space->pricing, err);
    if (status != STATUS_OK)
        return status;
    write_servers(page);
    say(page->out, "", "Assumed: %s", size_assumed(page->point, text, sizeof text));
    status = write_timing(page, err);
    return status == STATUS_OK ? report_not_modelled(page->out, err) : status;
}

static void write_command(const struct page *page)
{
    heading(page->out, "The command that makes this page again");
    fputs("<pre class=wrap>", page->out);
    html_text(page->out, page->question->command != NULL ? page->question->command : "");
    fputs("</pre>\n", page->out);
}

/* ---- the page ---- */

/* What lies just beside the promise, and how sure the numbers are. */
static void write_nearly(const struct page *page)
{
    char text[TEXT_BYTES];
    uint32_t nearly = size_nearly(page->answer);
    if (nearly != SIZE_NONE)
        say(page->out, "", "%s", size_nearly_words(page->answer, nearly, text, sizeof text));
    say(page->out, "note",
        "Times are predicted: of 573 served runs whose engine others measured, the predicted time "
        "to "
        "first token was 34 %% off in the median, most often too short (docs/accuracy.md). Keep a "
        "margin, or measure one server before the rest is ordered.");
}

static enum status write_best(const struct page *page, struct error *err)
{
    write_recommendation(page);
    write_figures(page);
    write_nearly(page);
    write_words(page->out);
    enum status status = write_worth(page, err);
    write_bill(page);
    write_promises(page);
    size_table_hardware(page->out, page->question, page->answer);
    if (status == STATUS_OK)
        status = write_loads(page, err);
    if (status == STATUS_OK)
        status = write_choices(page, err);
    if (status == STATUS_OK)
        status = write_prices(page, err);
    write_binding(page);
    return status;
}

static enum status write_nearest(const struct page *page, struct error *err)
{
    char text[TEXT_BYTES];
    FILE *out = page->out;
    fputs("<p class=\"answer bad\"><b>", out);
    html_text(out, size_unkept(page->answer, text, sizeof text));
    fputs("</b></p>\n<p class=answer>", out);
    html_text(out, size_describe(page->point, text, sizeof text));
    fputs("</p>\n", out);
    say(out, "", "%s", size_advice(page->question, page->result, text, sizeof text));
    write_figures(page);
    write_words(out);
    if (page->result->idle_count > 0) {
        heading(out, "Without any waiting");
        size_table_idle(out, page->question, page->result);
    }
    write_promises(page);
    if (!page->question->workload.can_reuse)
        write_cannot_reuse(page);
    enum status status = write_choices(page, err);
    fputs("<div class=pair>\n", out);
    if (status == STATUS_OK)
        status = size_picture_write(out, page->scene, SIZE_PICTURE_SERVERS, err);
    fputs("</div>\n", out);
    write_bill(page);
    write_binding(page);
    return status;
}

static enum status write_page(struct page *page, struct error *err)
{
    const struct size_answer *answer = page->answer;
    char title[CONFIG_TEXT_BYTES + 64];
    bool found = page->point != NULL && page->value != NULL;
    enum status status = STATUS_OK;
    snprintf(title, sizeof title, "Servers for %s",
             found ? path_name(page->point->experiment.model) : "a model");
    html_begin(page->out, title);
    if (answer->interrupted)
        say(page->out, "bad", "INTERRUPTED: this is the best so far.");
    if (!found) {
        say(page->out, "answer", "No point was run to its end yet.");
    } else {
        status = answer->best != SIZE_NONE ? write_best(page, err) : write_nearest(page, err);
        write_asked(page);
        if (status == STATUS_OK)
            status = write_rests_on(page, err);
    }
    write_command(page);
    html_end(page->out);
    return status;
}

static struct page page_of(const struct size_question *question, const struct size_result *result,
                           const struct size_scene *scene)
{
    const struct size_answer *answer = &result->answer;
    struct page page = { .question = question,
                         .result = result,
                         .answer = answer,
                         .scene = scene,
                         .index = scene->point };
    if (page.index != SIZE_NONE) {
        page.point = size_point(answer, page.index);
        page.value = size_whole(answer, page.index);
    }
    return page;
}

enum status size_page_write(const char *path, const struct size_question *question,
                            const struct size_result *result, struct error *err)
{
    const struct size_answer *answer = &result->answer;
    char folder[SCRATCH_PATH_BYTES];
    const struct size_scene scene = { question, result,
                                      answer->best != SIZE_NONE ? answer->best : answer->nearest,
                                      folder };
    struct page page = page_of(question, result, &scene);
    if (scratch_make("size", folder, err) != STATUS_OK)
        return err->status;
    struct whole_file file;
    if (whole_file_open(&file, path, err) == STATUS_OK) {
        page.out = file.out;
        write_page(&page, err);
        whole_file_close(&file, err);
    }
    scratch_remove(folder);
    return err->status;
}
