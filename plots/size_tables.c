/* plots/size_tables.c - see size_tables.h. The numbers are those of `reprise size` as text, from
 * the same functions. */
#include "plots/size_tables.h"

#include "base/units.h"
#include "plots/html.h"
#include "plots/size_terms.h"
#include "sim/engine/cost.h"
#include "sweep/metric_show.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define FRONT_SHOWN 12
#define TEXT_BYTES 512

static void money_cell(FILE *out, const struct size_answer *answer, double usd)
{
    char text[CONFIG_TEXT_BYTES + 96];
    html_cell(out, "%s", prices_money(size_prices(answer), usd, text, sizeof text));
}

static void verdict_cell(FILE *out, const struct size_value *value)
{
    char text[64];
    fprintf(out, "<td class=%s>", value->violation <= 1.0 ? "good" : "bad");
    html_text(out, size_verdict(value, text, sizeof text));
    fputs("</td>", out);
}

/* ---- what is bought ---- */

static void order_row(FILE *out, const char *what, const char *each, const char *all,
                      const char *meaning)
{
    fputs("<tr>", out);
    html_cell(out, "%s: %s", what, meaning);
    html_cell(out, "%s", each);
    html_cell(out, "%s", all);
    html_row_end(out);
}

static void order_bytes(FILE *out, const char *what, uint64_t each, uint32_t count,
                        const char *meaning)
{
    char one[32], all[32];
    if (each > 0)
        order_row(out, what, units_format((double)each, UNIT_BYTES, one, sizeof one),
                  units_format((double)each * count, UNIT_BYTES, all, sizeof all), meaning);
}

static void order_storage(FILE *out, const struct size_point *point)
{
    const struct bought *bought = &point->bought;
    char what[CONFIG_TEXT_BYTES + 32], each[32], all[32];
    order_bytes(out, "DRAM for kept KV", bought->dram_bytes, bought->stores,
                "servers' memory beyond what they need otherwise");
    if (bought->drives > 0 && point->experiment.drive[0] != '\0') {
        snprintf(what, sizeof what, "drives, %s", point->experiment.drive);
        snprintf(each, sizeof each, "%" PRIu32, bought->drives);
        snprintf(all, sizeof all, "%" PRIu32, bought->drives * bought->stores);
        order_row(out, what, each, all, "SSDs for kept KV");
    }
    order_bytes(out, "SSD for kept KV", bought->ssd_bytes, bought->stores, "room on the drives");
    if (bought->pool_bytes > 0)
        order_row(out, "shared pool", "-",
                  units_format((double)bought->pool_bytes, UNIT_BYTES, all, sizeof all),
                  "DRAM that all servers reach over the network");
}

/* What axes chose that the pieces do not say: settings, not goods. */
static void order_settings(FILE *out, const struct size_answer *answer, uint32_t point)
{
    const struct size_space *space = answer->space;
    for (uint32_t a = 0; a < space->axis_count; a++) {
        const struct axis *axis = &space->axes[a];
        char text[CONFIG_TEXT_BYTES];
        bool policy =
            strcmp(axis->key, "policy") == 0 && size_point(answer, point)->bought.keeps_kv;
        if ((space->role[a] != ROLE_OTHER && space->role[a] != ROLE_KEEPING) ||
            (size_describes(axis->key) && !policy))
            continue;
        axis_show(axis->row, axis->value[size_space_place(space, point, a)], text, sizeof text);
        order_row(out, axis->key, text, "-",
                  policy ? "a setting, the rule by which full storage makes room" : "a setting");
    }
}

void size_table_order(FILE *out, const struct size_answer *answer, uint32_t index)
{
    const struct size_point *point = size_point(answer, index);
    const struct bought *bought = &point->bought;
    char what[CONFIG_TEXT_BYTES + 16], each[32], all[32];
    html_table_begin(out, (const char *const[]){ "to order", "each server", "in all", NULL });
    snprintf(all, sizeof all, "%" PRIu32, bought->servers);
    order_row(out, "servers", "-", all,
              bought->servers > 1 ? "they share the requests" : "it takes all requests");
    if (point->experiment.prefill_replicas > 0) {
        snprintf(all, sizeof all, "%" PRIu32, point->experiment.prefill_replicas);
        order_row(out, "of them, that prefill", "-", all,
                  "they take requests and keep KV; the others answer on");
    }
    snprintf(what, sizeof what, "GPUs, %s", point->experiment.hardware);
    snprintf(each, sizeof each, "%" PRIu32, bought->gpus);
    snprintf(all, sizeof all, "%" PRIu32, bought->gpus * bought->servers);
    order_row(out, what, each, all, "a server's GPUs hold one copy of the model together");
    order_storage(out, point);
    order_settings(out, answer, index);
    html_table_end(out);
}

/* ---- the bill ---- */

static void sum_cell(FILE *out, const struct size_answer *answer, double usd)
{
    if (usd == 0.0)
        html_cell(out, "-");
    else
        money_cell(out, answer, usd);
}

static void invoice_row(FILE *out, const struct size_answer *answer, enum bill_item item,
                        const struct bill_line *line)
{
    fputs("<tr>", out);
    html_cell(out, "%s", bill_item_name(item));
    html_cell(out, "%.*f %s", line->count < 100.0 && line->count != floor(line->count) ? 1 : 0,
              line->count, bill_item_unit(item));
    sum_cell(out, answer, line->usd_once);
    sum_cell(out, answer, line->usd_per_month);
    html_row_end(out);
}

void size_table_invoice(FILE *out, const struct size_answer *answer, uint32_t index)
{
    const struct bill *bill = &size_whole(answer, index)->bill;
    html_table_begin(out, (const char *const[]){ "item", "count", "paid once", "a month", NULL });
    for (int item = 0; item < BILL_ITEM_COUNT; item++)
        if (bill->line[item].count != 0.0 || bill->line[item].usd_per_month != 0.0)
            invoice_row(out, answer, (enum bill_item)item, &bill->line[item]);
    fputs("<tr class=sum>", out);
    html_cell(out, "sum");
    html_cell(out, "%s", "");
    sum_cell(out, answer, bill->usd_once);
    sum_cell(out, answer, bill->usd_per_month);
    html_row_end(out);
    html_table_end(out);
}

void size_table_billings(FILE *out, const struct size_answer *answer, uint32_t index)
{
    const struct size_point *point = size_point(answer, index);
    html_table_begin(out, (const char *const[]){ "the same servers", "a month",
                                                 "per million tokens", "per session", NULL });
    for (int billing = BILLINGS; billing-- > 0;) {
        char words[256];
        if (!size_shows_billing((enum billing)billing, point))
            continue;
        struct bill bill = cost_bill(&point->bought, point->prices, (enum billing)billing,
                                     &size_whole(answer, index)->metrics);
        fputs((enum billing)billing == point->billing ? "<tr class=chosen>" : "<tr>", out);
        html_cell(out, "%s: %s", billing_name((enum billing)billing),
                  size_billing_words((enum billing)billing, point->prices, words, sizeof words));
        money_cell(out, answer, bill.usd_per_month);
        money_cell(out, answer, bill.usd_per_mtok);
        money_cell(out, answer, bill.usd_per_session);
        html_row_end(out);
    }
    html_table_end(out);
}

/* ---- promises ---- */

void size_table_promises(FILE *out, const struct size_question *question,
                         const struct size_answer *answer, uint32_t point)
{
    const struct size_value *value = size_whole(answer, point);
    html_table_begin(out, (const char *const[]){ "promise", "asked", "reached", "to spare", NULL });
    for (uint32_t i = 0; i < question->promise_count; i++) {
        const struct promise *promise = &question->promise[i];
        double missed = promise_violation(promise, &value->metrics);
        char title[64], words[512], text[64];
        fputs("<tr>", out);
        html_cell(out, "%s (%s)", size_metric_title(promise->metric, title, sizeof title),
                  size_metric_words(promise->metric, words, sizeof words));
        html_cell(out, "%s", size_limit_words(promise, text, sizeof text));
        html_cell(out, "%s",
                  metric_show(promise->metric, metric_value(&value->metrics, promise->metric), text,
                              sizeof text));
        if (missed <= 1.0)
            fprintf(out, "<td class=good>%.1f %%</td>", 100.0 * (1.0 - missed));
        else if (missed < 1.005)
            fputs("<td class=bad>just missed</td>", out);
        else if (isfinite(missed))
            fprintf(out, "<td class=bad>missed, %.3gx</td>", missed);
        else
            fputs("<td class=bad>nothing measured</td>", out);
        html_row_end(out);
    }
    html_table_end(out);
}

/* ---- tables of points ---- */

/* The promised metric's column, where it is another than TTFT P99, which always has one. */
static int other_metric(const struct size_question *question)
{
    int metric = size_shown_promise(question)->metric;
    return strcmp(metric_rows[metric].name, "ttft_p99_ns") == 0 ? -1 : metric;
}

static void begin_points(FILE *out, const struct size_question *question,
                         const struct size_answer *answer, const char *first)
{
    /* What matters most comes first: a phone shows four columns. */
    char objective[128], other[64];
    const char *headings[9] = { first, "a month", "TTFT P99" };
    uint32_t count = 3;
    size_objective_words(question->objective, size_prices(answer), objective, sizeof objective);
    if (other_metric(question) >= 0)
        headings[count++] = size_metric_title(other_metric(question), other, sizeof other);
    headings[count++] = "promises";
    headings[count++] = objective;
    headings[count++] = "against the chosen";
    headings[count++] = "drives last";
    html_table_begin(out, headings);
}

/* Of what was not run: a verdict and no numbers. */
static void blank_row(FILE *out, const struct size_question *question,
                      const struct size_value *value)
{
    for (int i = 0; i < 2 + (other_metric(question) >= 0); i++)
        html_cell(out, "-");
    if (value != NULL)
        verdict_cell(out, value);
    else
        html_cell(out, "-");
    for (int i = 0; i < 3; i++)
        html_cell(out, "-");
    html_row_end(out);
}

static void point_row(FILE *out, const struct size_question *question,
                      const struct size_answer *answer, const struct size_value *value,
                      double against, const char *what, bool chosen)
{
    int other = other_metric(question);
    char text[64];
    fputs(chosen ? "<tr class=chosen>" : "<tr>", out);
    html_cell(out, "%s", what);
    if (value == NULL || value->state != SIZE_RUN) {
        blank_row(out, question, value);
        return;
    }
    money_cell(out, answer, value->bill.usd_per_month);
    html_cell(out, "%s",
              units_format(value->metrics.ttft_p99_ns, UNIT_DURATION, text, sizeof text));
    if (other >= 0)
        html_cell(out, "%s",
                  metric_show(other, metric_value(&value->metrics, other), text, sizeof text));
    verdict_cell(out, value);
    money_cell(out, answer, value->objective);
    html_cell(out, "%s", size_change(against, value->objective, text, sizeof text));
    if (value->metrics.ssd_years > 0.0)
        html_cell(out, "%.1f years", value->metrics.ssd_years);
    else
        html_cell(out, "-");
    html_row_end(out);
}

static void without_row(FILE *out, const struct size_question *question,
                        const struct size_answer *answer, enum size_kv kv, double against)
{
    char text[TEXT_BYTES], what[TEXT_BYTES + 96];
    uint32_t index = answer->without[kv];
    if (index == SIZE_NONE)
        return;
    snprintf(what, sizeof what, "%s: %s",
             kv == SIZE_KV_HBM ? "nothing kept below HBM, the GPUs' own memory"
                               : "no prefix cache: nothing kept at all",
             size_describe(size_point(answer, index), text, sizeof text));
    point_row(out, question, answer, size_whole(answer, index), against, what, false);
}

static enum status today_row(FILE *out, const struct size_question *question,
                             const struct size_answer *answer, double against, struct error *err)
{
    struct size_point today;
    char text[TEXT_BYTES], what[TEXT_BYTES + 16];
    if (size_space_foreign(answer->space, question->today, &today, err) != STATUS_OK)
        return err->status;
    snprintf(what, sizeof what, "today: %s", size_describe(&today, text, sizeof text));
    point_row(out, question, answer, &answer->today, against, what, false);
    return STATUS_OK;
}

enum status size_table_worth(FILE *out, const struct size_question *question,
                             const struct size_answer *answer, struct error *err)
{
    char text[TEXT_BYTES], what[TEXT_BYTES + 16];
    const struct size_value *best = size_whole(answer, answer->best);
    enum status status = STATUS_OK;
    begin_points(out, question, answer, "the cheapest that keep the promises with");
    snprintf(what, sizeof what, "recommended: %s",
             size_describe(size_point(answer, answer->best), text, sizeof text));
    point_row(out, question, answer, best, best->objective, what, true);
    without_row(out, question, answer, SIZE_KV_HBM, best->objective);
    without_row(out, question, answer, SIZE_KV_NONE, best->objective);
    if (question->today != NULL)
        status = today_row(out, question, answer, best->objective, err);
    html_table_end(out);
    return status;
}

void size_table_hardware(FILE *out, const struct size_question *question,
                         const struct size_answer *answer)
{
    uint32_t axis = size_space_axis(answer->space, "hardware");
    double against = size_whole(answer, answer->best)->objective;
    if (axis == SIZE_NONE || answer->space->axes[axis].count < 2)
        return;
    fputs("<h2>Servers side by side</h2>\n", out);
    begin_points(out, question, answer, "the cheapest of each server");
    for (uint32_t v = 0; v < answer->space->axes[axis].count; v++) {
        char text[TEXT_BYTES];
        uint32_t best = size_cheapest(answer, -1, axis, v);
        if (best == SIZE_NONE)
            snprintf(text, sizeof text, "%.300s: none keeps the promises",
                     answer->space->axes[axis].value[v]);
        else
            size_describe(size_point(answer, best), text, sizeof text);
        point_row(out, question, answer, size_whole(answer, best), against, text,
                  best == answer->best);
    }
    html_table_end(out);
}

void size_table_neighbours(FILE *out, const struct size_question *question,
                           const struct size_answer *answer, uint32_t point)
{
    struct size_space *space = answer->space;
    double against = size_whole(answer, point)->objective;
    char text[TEXT_BYTES];
    begin_points(out, question, answer, "one step from it");
    for (uint32_t a = 0; a < space->axis_count; a++)
        for (uint32_t v = 0; v < space->axes[a].count; v++) {
            uint32_t next = size_space_moved(space, point, a, v);
            if (next != point && size_whole(answer, next) != NULL)
                point_row(out, question, answer, size_whole(answer, next), against,
                          size_step(space, a, point, next, text, sizeof text), false);
        }
    html_table_end(out);
}

void size_table_front(FILE *out, const struct size_question *question,
                      const struct size_answer *answer, uint32_t point)
{
    uint32_t count = answer->front_count, shown = count < FRONT_SHOWN ? count : FRONT_SHOWN;
    double against = size_whole(answer, point)->objective;
    char text[TEXT_BYTES];
    if (count == 0)
        return;
    begin_points(out, question, answer, "none cheaper and faster");
    for (uint32_t i = 0; i < shown; i++) {
        uint32_t at = answer->front[shown > 1 ? i * (count - 1) / (shown - 1) : 0];
        point_row(out, question, answer, size_whole(answer, at), against,
                  size_describe(size_point(answer, at), text, sizeof text), at == point);
    }
    html_table_end(out);
    if (shown < count)
        fprintf(out, "<p class=note>%" PRIu32 " of %" PRIu32 " such choices.</p>\n", shown, count);
}

/* ---- loads and prices ---- */

static void load_row(FILE *out, const struct size_question *question,
                     const struct size_answer *answer, int i, const struct size_load *load)
{
    int metric = size_shown_promise(question)->metric;
    char text[64];
    fputs(size_loads[i] == 1.0 ? "<tr class=chosen>" : "<tr>", out);
    html_cell(out, "x %g", size_loads[i]);
    html_cell(out, "%s",
              metric_show(metric, metric_value(&load->same.metrics, metric), text, sizeof text));
    verdict_cell(out, &load->same);
    if (load->servers == 0) {
        html_cell(out, "more than were searched");
        for (int c = 0; c < 3; c++)
            html_cell(out, "-");
    } else {
        html_cell(out, "%" PRIu32, load->servers);
        money_cell(out, answer, load->value.bill.usd_per_month);
        html_cell(
            out, "%s",
            metric_show(metric, metric_value(&load->value.metrics, metric), text, sizeof text));
        html_cell(out, "%.1f %%", 100.0 * load->value.metrics.gpu_utilisation);
    }
    html_row_end(out);
}

void size_table_loads(FILE *out, const struct size_question *question,
                      const struct size_result *result)
{
    const struct size_answer *answer = &result->answer;
    uint32_t servers = size_point(answer, answer->best)->bought.servers;
    char title[64], same[128];
    size_metric_title(size_shown_promise(question)->metric, title, sizeof title);
    snprintf(same, sizeof same, "%s with %" PRIu32 " server%s", title, servers,
             servers > 1 ? "s" : "");
    html_table_begin(out, (const char *const[]){ "load", same, "promises", "servers needed",
                                                 "a month", title, "GPUs busy", NULL });
    for (int i = 0; i < SIZE_LOADS; i++)
        if (result->loads[i].run)
            load_row(out, question, answer, i, &result->loads[i]);
    html_table_end(out);
}

void size_table_prices(FILE *out, const struct size_question *question,
                       const struct size_answer *answer)
{
    struct size_sensitivity list[SIZE_SENSITIVITIES];
    double now = size_whole(answer, answer->best)->objective;
    char text[TEXT_BYTES], objective[128];
    size_sensitivities(question, answer, list);
    size_objective_words(question->objective, size_prices(answer), objective, sizeof objective);
    html_table_begin(out, (const char *const[]){ "price of", "changes by", objective,
                                                 "the cheapest then", NULL });
    for (int i = 0; i < SIZE_SENSITIVITIES; i++)
        for (int high = 0; high < 2; high++) {
            uint32_t best = high ? list[i].best_high : list[i].best_low;
            fputs("<tr>", out);
            html_cell(out, "%s", list[i].what);
            html_cell(out, "%+.0f %%", 100.0 * ((high ? list[i].high : list[i].low) - 1.0));
            html_cell(out, "%s",
                      size_change(now, high ? list[i].objective_high : list[i].objective_low, text,
                                  sizeof text));
            html_cell(out, "%s",
                      best == SIZE_NONE ? "none"
                      : best == answer->best
                          ? "the same"
                          : size_describe(size_point(answer, best), text, sizeof text));
            html_row_end(out);
        }
    html_table_end(out);
}

/* ---- where nothing keeps them ---- */

void size_table_idle(FILE *out, const struct size_question *question,
                     const struct size_result *result)
{
    int metric = size_shown_promise(question)->metric;
    char title[64], before[2 * CONFIG_TEXT_BYTES + 96] = "";
    size_metric_title(metric, title, sizeof title);
    html_table_begin(
        out, (const char *const[]){ "a server with nothing else to do", title, "promises", NULL });
    for (uint32_t i = 0; i < result->idle_count; i++) {
        const struct size_value *value = &result->idle[i].value;
        const struct experiment *experiment =
            &size_point(&result->answer, result->idle[i].point)->experiment;
        char text[64], what[sizeof before];
        if (value->state != SIZE_RUN)
            continue;
        metric_show(metric, metric_value(&value->metrics, metric), text, sizeof text);
        snprintf(what, sizeof what, "%" PRIu32 " x %s, %s: %s", experiment->gpus,
                 experiment->hardware, experiment->policy, text);
        if (strcmp(what, before) == 0)
            continue; /* they differ in what does not matter to a request alone, as a router */
        snprintf(before, sizeof before, "%s", what);
        fputs("<tr>", out);
        html_cell(out, "%" PRIu32 " x %s, %s", experiment->gpus, experiment->hardware,
                  experiment->policy);
        html_cell(out, "%s", text);
        verdict_cell(out, value);
        html_row_end(out);
    }
    html_table_end(out);
}
