/* cli/size_print.c - see size_print.h: the answer as text. */
#include "cli/size_print.h"

#include "base/units.h"
#include "cli/table.h"
#include "sim/engine/cost.h"
#include "sweep/metric_show.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define WIDTH_MOST 165
#define FRONT_SHOWN 12
#define TEXT_BYTES 1024

static char *money(const struct size_answer *answer, double usd, char *out, size_t out_bytes)
{
    return prices_money(size_prices(answer), usd, out, out_bytes);
}

static char *duration(double ns, char *out, size_t out_bytes)
{
    return units_format(ns, UNIT_DURATION, out, out_bytes);
}

static char *life(const struct size_value *value, char *out, size_t out_bytes)
{
    if (value->metrics.ssd_years > 0.0)
        snprintf(out, out_bytes, "%.1f y", value->metrics.ssd_years);
    else
        snprintf(out, out_bytes, "%s", "-");
    return out;
}

/* ---- what was asked ---- */

static void print_workload(FILE *out, const struct size_question *question,
                           const struct experiment *experiment)
{
    const struct size_workload *workload = &question->workload;
    char span[32];
    duration((double)workload->duration_ns, span, sizeof span);
    fprintf(out, "of        %s; %s: %" PRIu64 " turns in %s, %s", experiment->model,
            experiment->trace[0] != '\0' ? experiment->trace : "a generated workload",
            workload->turns, span,
            workload->open_loop ? "at their recorded times" : "each after the reply before it");
    if (experiment->warmup_turns > 0)
        fprintf(out, "; the first %" PRIu64 " are not measured", experiment->warmup_turns);
    fputc('\n', out);
}

static void print_question(FILE *out, const struct size_question *question,
                           const struct size_answer *answer)
{
    char terms[TEXT_BYTES];
    const struct size_space *space = question->space;
    const struct size_point *first = size_point(answer, 0);
    const struct prices *prices = size_prices(answer);
    double years = question->ssd_years_least < 0.0 ? prices->years : question->ssd_years_least;
    fprintf(out, "asked     the least %s (%s) with",
            size_objective(question, answer, terms, sizeof terms), billing_name(first->billing));
    for (uint32_t i = 0; i < question->promise_count; i++) {
        char text[128];
        fprintf(out, " %s,", promise_text(&question->promise[i], text, sizeof text));
    }
    fprintf(out, " SSDs that last %g years\n", years);
    size_goodput_terms(question, &first->experiment, terms, sizeof terms);
    if (*terms != '\0')
        fprintf(out, "          (%s)\n", terms);
    fprintf(out, "prices    ");
    for (const struct size_server *server = space->servers; server != NULL; server = server->next)
        fprintf(out, "%s%s", size_terms(&server->prices, terms, sizeof terms),
                server->next != NULL ? ", " : "");
    fprintf(out, " (models/prices)\n");
    print_workload(out, question, &first->experiment);
    fputs("over      ", out);
    for (uint32_t a = 0; a < space->axis_count; a++)
        fprintf(out, "%s%s (%" PRIu32 ")", a > 0 ? ", " : "", size_short_key(space->axes[a].key),
                space->axes[a].count);
    fprintf(out, ": %" PRIu32 " points\nruns      ", space->grid);
    if (answer->runs[SIZE_PART] > 0)
        fprintf(out, "%" PRIu32 " on %.0f %% of the workload, ", answer->runs[SIZE_PART],
                100.0 * answer->share[SIZE_PART]);
    fprintf(out, "%" PRIu32 " on all of it%s\n\n", answer->runs[SIZE_WHOLE],
            size_not_run(answer, terms, sizeof terms));
}

/* ---- the point itself ---- */

static void print_point(FILE *out, const struct size_question *question,
                        const struct size_answer *answer, uint32_t index)
{
    const struct size_value *value = size_whole(answer, index);
    const struct size_point *point = size_point(answer, index);
    const struct metrics *m = &value->metrics;
    char text[TEXT_BYTES], month[48], mtok[48], p99[32], mean[32], tbt[32];
    (void)question;
    fprintf(out, "  %s\n", size_describe(point, text, sizeof text));
    for (uint32_t a = 0; a < answer->space->axis_count; a++) {
        const struct axis *axis = &answer->space->axes[a];
        if (answer->space->role[a] != ROLE_OTHER && answer->space->role[a] != ROLE_KEEPING)
            continue;
        if (size_describes(axis->key))
            continue; /* said already */
        fprintf(out, "    %s: %s\n", axis->key,
                axis_show(axis->row, axis->value[size_space_place(answer->space, index, a)], text,
                          sizeof text));
    }
    fprintf(out, "  %s a month, %s per million tokens (%s)\n",
            money(answer, value->bill.usd_per_month, month, sizeof month),
            money(answer, value->bill.usd_per_mtok, mtok, sizeof mtok),
            billing_name(point->billing));
    fprintf(out,
            "  TTFT P99 %s, mean %s; time between tokens P99 %s; hits %.1f %% of tokens; GPUs busy "
            "%.1f %%\n",
            duration(m->ttft_p99_ns, p99, sizeof p99), duration(m->ttft_mean_ns, mean, sizeof mean),
            duration(m->tbt_p99_ns, tbt, sizeof tbt), 100.0 * m->hit_rate_tokens,
            100.0 * m->gpu_utilisation);
    if (m->ssd_years > 0.0)
        fprintf(out, "  SSDs: %.3f drive writes a day; rated writes last %.1f years\n", m->ssd_dwpd,
                m->ssd_years);
    fprintf(out, "  what binds: %s\n", size_binding(point, value, text, sizeof text));
    if (*size_cut(value, text, sizeof text) != '\0')
        fprintf(out, "  %s\n", text);
}

/* ---- the invoice ---- */

static void add_sum(struct table *table, const struct size_answer *answer, double usd)
{
    char text[48];
    if (usd == 0.0)
        table_add(table, "%s", "-");
    else
        table_add(table, "%s", money(answer, usd, text, sizeof text));
}

static void print_invoice(FILE *out, const struct size_answer *answer, uint32_t index)
{
    char text[TEXT_BYTES];
    const struct size_value *value = size_whole(answer, index);
    struct table table;
    table_init(&table, 5);
    table_add(&table, "invoice (%s)", billing_name(size_point(answer, index)->billing));
    table_add(&table, "%s", "count");
    table_add(&table, "%s", "");
    table_add(&table, "%s", "paid once");
    table_add(&table, "%s", "a month");
    for (int item = 0; item < BILL_ITEM_COUNT; item++) {
        const struct bill_line *line = &value->bill.line[item];
        if (line->count == 0.0 && line->usd_per_month == 0.0)
            continue;
        table_add(&table, "%s", bill_item_name((enum bill_item)item));
        table_add(&table, "%.*f", line->count < 100.0 && line->count != floor(line->count) ? 1 : 0,
                  line->count);
        table_add(&table, "%s", bill_item_unit((enum bill_item)item));
        add_sum(&table, answer, line->usd_once);
        add_sum(&table, answer, line->usd_per_month);
    }
    table_add(&table, "%s", "sum");
    table_add(&table, "%s", "");
    table_add(&table, "%s", "");
    add_sum(&table, answer, value->bill.usd_once);
    add_sum(&table, answer, value->bill.usd_per_month);
    fputc('\n', out);
    table_print(out, &table, WIDTH_MOST);
    table_end(&table);
    if (*size_power(size_point(answer, index), value, text, sizeof text) != '\0')
        fprintf(out, "%s\n", text);
}

/* The same servers billed each way that the prices know. */
static void print_billings(FILE *out, const struct size_question *question,
                           const struct size_answer *answer, uint32_t index)
{
    const struct size_point *point = size_point(answer, index);
    const struct size_value *value = size_whole(answer, index);
    struct table table;
    table_init(&table, 4);
    table_add(&table, "%s", "these servers, billed as");
    table_add(&table, "%s", "a month");
    table_add(&table, "%s", "per million tokens");
    table_add(&table, "%s", question->workload.open_loop ? "per request" : "per session");
    for (int billing = BILLINGS; billing-- > 0;) {
        char text[48];
        if (!size_shows_billing((enum billing)billing, point))
            continue;
        struct bill bill =
            cost_bill(&point->bought, point->prices, (enum billing)billing, &value->metrics);
        table_add(&table, "%s", billing_name((enum billing)billing));
        table_add(&table, "%s", money(answer, bill.usd_per_month, text, sizeof text));
        table_add(&table, "%s", money(answer, bill.usd_per_mtok, text, sizeof text));
        table_add(&table, "%s", money(answer, bill.usd_per_session, text, sizeof text));
    }
    fputc('\n', out);
    table_print(out, &table, WIDTH_MOST);
    table_end(&table);
}

/* ---- tables of points ---- */

static void add_heading(struct table *table, const struct size_answer *answer, const char *first,
                        const struct size_question *question)
{
    char text[96];
    table_init(table, 7);
    table_add(table, "%s", first);
    table_add(table, "%s", size_objective(question, answer, text, sizeof text));
    table_add(table, "%s", "against");
    table_add(table, "%s", "a month");
    table_add(table, "%s", "TTFT P99");
    table_add(table, "%s", "SSD life");
    table_add(table, "%s", "promises");
}

static void add_value(struct table *table, const struct size_answer *answer,
                      const struct size_value *value, double against, const char *what)
{
    char text[64];
    table_add(table, "%s", what);
    if (value == NULL || value->state != SIZE_RUN) {
        for (int i = 0; i < 5; i++)
            table_add(table, "%s", "-");
        table_add(table, "%s", value == NULL ? "not run" : size_verdict(value, text, sizeof text));
        return;
    }
    table_add(table, "%s", money(answer, value->objective, text, sizeof text));
    table_add(table, "%s", size_change(against, value->objective, text, sizeof text));
    table_add(table, "%s", money(answer, value->bill.usd_per_month, text, sizeof text));
    table_add(table, "%s", duration(value->metrics.ttft_p99_ns, text, sizeof text));
    table_add(table, "%s", life(value, text, sizeof text));
    table_add(table, "%s", size_verdict(value, text, sizeof text));
}

static void print_table(FILE *out, struct table *table)
{
    if (table->count > table->columns) {
        fputc('\n', out);
        table_print(out, table, WIDTH_MOST);
    }
    table_end(table);
}

/* ---- does keeping KV pay ---- */

static void add_without(struct table *table, const struct size_answer *answer, enum size_kv kv,
                        double against)
{
    char text[TEXT_BYTES], what[TEXT_BYTES + 64];
    uint32_t index = answer->without[kv];
    if (index == SIZE_NONE)
        return;
    snprintf(what, sizeof what, "%s: %s", size_less_kept(kv),
             size_describe(size_point(answer, index), text, sizeof text));
    add_value(table, answer, size_whole(answer, index), against, what);
}

/* What a trace that cannot hit lacks, and how to ask with it. */
static void print_cannot_reuse(FILE *out, const struct size_question *question)
{
    char why[1024], how[1024];
    fprintf(out, "\n%s\n  %s\n", size_cannot_reuse(question, why, sizeof why),
            size_cannot_reuse_command(question, how, sizeof how));
}

static void print_worth(FILE *out, const struct size_question *question,
                        const struct size_answer *answer)
{
    struct table table;
    char text[TEXT_BYTES];
    double with = size_whole(answer, answer->best)->objective;
    if (!question->workload.can_reuse) {
        print_cannot_reuse(out, question);
        return;
    }
    add_heading(&table, answer, "the cheapest that keep the promises with", question);
    add_without(&table, answer, SIZE_KV_HBM, with);
    add_without(&table, answer, SIZE_KV_NONE, with);
    if (question->today != NULL)
        add_value(&table, answer, &answer->today, with, "today");
    print_table(out, &table);
    for (int kv = SIZE_KV_HBM; kv < SIZE_KVS; kv++)
        if (answer->without[kv] == SIZE_NONE)
            fprintf(out, "With %s no servers that were tried keep the promises.\n",
                    size_less_kept((enum size_kv)kv));
    fprintf(out, "%s\n", size_saving(answer, text, sizeof text));
    if (question->today != NULL)
        fprintf(out, "%s\n", size_saving_today(answer, text, sizeof text));
}

/* ---- servers side by side ---- */

static void print_hardware(FILE *out, const struct size_question *question,
                           const struct size_answer *answer)
{
    struct table table;
    char text[TEXT_BYTES], what[TEXT_BYTES + 64];
    uint32_t axis = size_space_axis(answer->space, "hardware");
    if (axis == SIZE_NONE || answer->space->axes[axis].count < 2)
        return;
    double with = size_whole(answer, answer->best)->objective;
    add_heading(&table, answer, "the cheapest of each server", question);
    for (uint32_t v = 0; v < answer->space->axes[axis].count; v++) {
        uint32_t best = size_cheapest(answer, -1, axis, v);
        if (best == SIZE_NONE)
            snprintf(what, sizeof what, "%s: none keeps the promises",
                     answer->space->axes[axis].value[v]);
        add_value(&table, answer, size_whole(answer, best), with,
                  best != SIZE_NONE ? size_describe(size_point(answer, best), text, sizeof text)
                                    : what);
    }
    print_table(out, &table);
}

/* ---- neighbours, front, sensitivities ---- */

static void print_neighbours(FILE *out, const struct size_question *question,
                             const struct size_answer *answer, uint32_t best)
{
    struct size_space *space = answer->space;
    struct table table;
    char text[TEXT_BYTES];
    add_heading(&table, answer, "one step from it", question);
    for (uint32_t a = 0; a < space->axis_count; a++)
        for (uint32_t v = 0; v < space->axes[a].count; v++) {
            uint32_t point = size_space_moved(space, best, a, v);
            if (point != best && size_whole(answer, point) != NULL)
                add_value(&table, answer, size_whole(answer, point),
                          size_whole(answer, best)->objective,
                          size_step(space, a, best, point, text, sizeof text));
        }
    print_table(out, &table);
}

static void print_front(FILE *out, const struct size_question *question,
                        const struct size_answer *answer, uint32_t best)
{
    struct table table;
    char text[TEXT_BYTES];
    uint32_t count = answer->front_count;
    uint32_t shown = count < FRONT_SHOWN ? count : FRONT_SHOWN;
    add_heading(&table, answer, "cost against TTFT", question);
    for (uint32_t i = 0; i < shown; i++) {
        uint32_t point = answer->front[shown > 1 ? i * (count - 1) / (shown - 1) : 0];
        add_value(&table, answer, size_whole(answer, point), size_whole(answer, best)->objective,
                  size_describe(size_point(answer, point), text, sizeof text));
    }
    print_table(out, &table);
    if (shown < count)
        fprintf(out, "(%" PRIu32 " of the front's %" PRIu32 " points)\n", shown, count);
}

static void print_sensitivities(FILE *out, const struct size_question *question,
                                const struct size_answer *answer)
{
    struct size_sensitivity list[SIZE_SENSITIVITIES];
    struct table table;
    double now = size_whole(answer, answer->best)->objective;
    char text[TEXT_BYTES];
    size_sensitivities(question, answer, list);
    table_init(&table, 4);
    table_add(&table, "%s", "price");
    table_add(&table, "%s", "");
    table_add(&table, "%s", size_objective(question, answer, text, sizeof text));
    table_add(&table, "%s", "cheapest then");
    for (int i = 0; i < SIZE_SENSITIVITIES; i++)
        for (int high = 0; high < 2; high++) {
            uint32_t best = high ? list[i].best_high : list[i].best_low;
            table_add(&table, "%s", list[i].what);
            table_add(&table, "%+.0f %%", 100.0 * ((high ? list[i].high : list[i].low) - 1.0));
            table_add(&table, "%s",
                      size_change(now, high ? list[i].objective_high : list[i].objective_low, text,
                                  sizeof text));
            table_add(&table, "%s",
                      best == SIZE_NONE ? "none"
                      : best == answer->best
                          ? "the same"
                          : size_describe(size_point(answer, best), text, sizeof text));
        }
    print_table(out, &table);
}

/* ---- loads ---- */

static void print_loads(FILE *out, const struct size_question *question,
                        const struct size_result *result)
{
    const struct size_answer *answer = &result->answer;
    const struct size_point *best = size_point(answer, answer->best);
    uint32_t axis = size_space_axis(answer->space, "cluster.replicas");
    const struct axis *servers = &answer->space->axes[axis != SIZE_NONE ? axis : 0];
    struct table table;
    char text[64], note[TEXT_BYTES];
    table_init(&table, 7);
    table_add(&table, "%s", "load");
    table_add(&table, "TTFT P99 with %" PRIu32 " server%s", best->bought.servers,
              best->bought.servers > 1 ? "s" : "");
    table_add(&table, "%s", "promises");
    table_add(&table, "%s", "servers needed");
    table_add(&table, "%s", "a month");
    table_add(&table, "%s", "TTFT P99");
    table_add(&table, "%s", "GPUs busy");
    for (int i = 0; i < SIZE_LOADS; i++) {
        const struct size_load *load = &result->loads[i];
        if (!load->run)
            continue;
        table_add(&table, "x %g", size_loads[i]);
        table_add(&table, "%s", duration(load->same.metrics.ttft_p99_ns, text, sizeof text));
        table_add(&table, "%s", size_verdict(&load->same, text, sizeof text));
        if (load->servers == 0) {
            table_add(&table, "more than %s", servers->value[servers->count - 1]);
            for (int c = 0; c < 3; c++)
                table_add(&table, "%s", "-");
            continue;
        }
        table_add(&table, "%" PRIu32, load->servers);
        table_add(&table, "%s", money(answer, load->value.bill.usd_per_month, text, sizeof text));
        table_add(&table, "%s", duration(load->value.metrics.ttft_p99_ns, text, sizeof text));
        table_add(&table, "%.1f %%", 100.0 * load->value.metrics.gpu_utilisation);
    }
    print_table(out, &table);
    if (*size_workload_unsteady(&question->workload, note, sizeof note) != '\0')
        fprintf(out, "%s\n", note);
}

/* ---- where nothing keeps them ---- */

static void print_idle(FILE *out, const struct size_question *question,
                       const struct size_result *result)
{
    const struct size_answer *answer = &result->answer;
    int metric = size_missed_most(question, size_whole(answer, answer->nearest))->metric;
    struct table table;
    char text[TEXT_BYTES * 2];
    table_init(&table, 3);
    table_add(&table, "%s", "one request at a time on");
    table_add(&table, "%s", metric_rows[metric].title);
    table_add(&table, "%s", "promises");
    for (uint32_t i = 0; i < result->idle_count; i++) {
        const struct size_value *value = &result->idle[i].value;
        const struct experiment *experiment =
            &size_point(answer, result->idle[i].point)->experiment;
        if (value->state != SIZE_RUN)
            continue;
        table_add(&table, "%" PRIu32 " x %s, %s", experiment->gpus, experiment->hardware,
                  experiment->policy);
        table_add(&table, "%s",
                  metric_show(metric, metric_value(&value->metrics, metric), text, sizeof text));
        table_add(&table, "%s", size_verdict(value, text, sizeof text));
    }
    print_table(out, &table);
    fprintf(out, "%s\n", size_advice(question, result, text, sizeof text));
}

static void print_nearest(FILE *out, const struct size_question *question,
                          const struct size_result *result)
{
    const struct size_answer *answer = &result->answer;
    char text[TEXT_BYTES];
    fprintf(out, "%s\n", size_unkept(answer, text, sizeof text));
    print_point(out, question, answer, answer->nearest);
    print_idle(out, question, result);
    if (!question->workload.can_reuse)
        print_cannot_reuse(out, question);
    print_neighbours(out, question, answer, answer->nearest);
    print_front(out, question, answer, answer->nearest);
}

/* ---- all of it ---- */

static void print_notes(FILE *out, const struct size_answer *answer)
{
    char text[TEXT_BYTES];
    fprintf(out, "\nassumed: %s docs/sizing.md has what is not modelled.\n",
            size_assumed(size_point(answer, answer->best), text, sizeof text));
    fprintf(out,
            "kept in the database as sweep %" PRId64 ": `reprise plot --sweep %" PRId64
            "`; --report FILE writes this as a page\n",
            answer->sweep, answer->sweep);
}

void size_print(FILE *out, const struct size_question *question, const struct size_result *result)
{
    char nearly[2 * TEXT_BYTES];
    const struct size_answer *answer = &result->answer;
    if (answer->interrupted)
        fputs("INTERRUPTED: this is the best so far.\n\n", out);
    if (answer->best == SIZE_NONE && answer->nearest == SIZE_NONE) {
        fputs("No point was run to its end yet.\n", out);
        return;
    }
    print_question(out, question, answer);
    if (answer->best == SIZE_NONE) {
        print_nearest(out, question, result);
        return;
    }
    fputs("recommended\n", out);
    print_point(out, question, answer, answer->best);
    if (size_nearly(answer) != SIZE_NONE)
        fprintf(out, "  %s\n",
                size_nearly_words(answer, size_nearly(answer), nearly, sizeof nearly));
    print_invoice(out, answer, answer->best);
    print_billings(out, question, answer, answer->best);
    print_worth(out, question, answer);
    print_hardware(out, question, answer);
    print_loads(out, question, result);
    print_neighbours(out, question, answer, answer->best);
    print_front(out, question, answer, answer->best);
    print_sensitivities(out, question, answer);
    print_notes(out, answer);
}
