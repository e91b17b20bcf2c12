/* cli/size_print.c - see size_print.h. */
#include "cli/size_print.h"

#include "base/units.h"
#include "cli/table.h"
#include "sweep/metric_show.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define WIDTH_MOST 120
#define FRONT_SHOWN 12
#define TEXT_BYTES 384

static const struct size_value *whole(const struct size_answer *answer, uint32_t point)
{
    return &answer->value[0][point];
}

/* "$0.00123", "$1.23", "$12,345" would need a locale: three digits below 10, none above 1,000. */
static char *dollars(double usd, char *out, size_t out_bytes)
{
    int decimals = fabs(usd) < 0.1 ? 5 : fabs(usd) < 10.0 ? 3 : fabs(usd) < 1000.0 ? 2 : 0;
    snprintf(out, out_bytes, "$%.*f", decimals, usd);
    return out;
}

static char *duration(double ns, char *out, size_t out_bytes)
{
    return units_format(ns, UNIT_DURATION, out, out_bytes);
}

static char *change(double from, double to, char *out, size_t out_bytes)
{
    snprintf(out, out_bytes, "%+.1f %%", 100.0 * (to / from - 1.0));
    return out;
}

static char *years(double value, char *out, size_t out_bytes)
{
    if (isinf(value))
        snprintf(out, out_bytes, "%s", "-");
    else
        snprintf(out, out_bytes, "%.1f y", value);
    return out;
}

/* "3 x 2 GPUs, 256 GB DRAM, 4 TB SSD each, lru". */
static char *describe(const struct size_answer *answer, uint32_t point, char *out, size_t out_bytes)
{
    const struct bought *bought = &answer->bought[point];
    char dram[32], ssd[32];
    units_format((double)bought->dram_bytes, UNIT_BYTES, dram, sizeof dram);
    units_format((double)bought->ssd_bytes, UNIT_BYTES, ssd, sizeof ssd);
    int used = snprintf(out, out_bytes, "%" PRIu32 " x %" PRIu32 " GPU%s", bought->replicas,
                        bought->gpus, bought->gpus > 1 ? "s" : "");
    if (bought->keeps_kv)
        snprintf(out + used, out_bytes - (size_t)used, ", %s DRAM, %s SSD, %s", dram, ssd,
                 answer->plan->runs[point].experiment.policy);
    else
        snprintf(out + used, out_bytes - (size_t)used, ", no KV kept");
    return out;
}

/* ---- what was asked ---- */

static void print_question(FILE *out, const struct size_question *question,
                           const struct size_answer *answer)
{
    const struct experiment *experiment = &answer->plan->runs[0].experiment;
    fprintf(out, "asked     the least %s (%s, prices \"%s\" of %s) with",
            objective_name(question->objective), billing_name(question->billing),
            question->prices.name, question->prices.date);
    for (uint32_t i = 0; i < question->slo_count; i++) {
        char limit[48];
        fprintf(out, " %s <= %s,", metric_rows[question->slo[i].metric].name,
                metric_show(question->slo[i].metric, question->slo[i].limit, limit, sizeof limit));
    }
    fprintf(out, " SSDs that last %g years\n", question->ssd_years_least);
    fprintf(out, "of        %s on %s, %s\n", experiment->model, experiment->hardware,
            experiment->trace[0] != '\0' ? experiment->trace : "the generated workload");
    fputs("over      ", out);
    for (uint32_t a = 0; a < answer->plan->axis_count; a++)
        fprintf(out, "%s%s (%" PRIu32 ")", a > 0 ? ", " : "", answer->plan->axes[a].key,
                answer->plan->axes[a].count);
    fprintf(out, ": %" PRIu32 " points\nruns      ", answer->plan->count);
    for (int level = SIZE_LEVELS; level-- > 0;)
        if (answer->runs[level] > 0)
            fprintf(out, "%" PRIu32 " on %.0f %% of the workload%s", answer->runs[level],
                    100.0 * answer->share[level], level > 0 ? ", " : "\n");
    fputc('\n', out);
}

/* ---- the point itself ---- */

static void print_bill(FILE *out, const struct size_question *question,
                       const struct size_answer *answer, uint32_t point, enum billing billing)
{
    struct size_question other = *question;
    char mtok[32], session[32], month[32];
    other.billing = billing;
    struct size_value value =
        size_judge(&other, &answer->bought[point], &whole(answer, point)->metrics);
    fprintf(out, "  %-7s %s per million tokens, %s per session, %s per month",
            billing_name(billing), dollars(value.bill.usd_per_mtok, mtok, sizeof mtok),
            dollars(value.bill.usd_per_session, session, sizeof session),
            dollars(value.bill.usd_per_month, month, sizeof month));
    double hour = value.bill.usd_per_hour;
    fprintf(out, "; storage %.1f %%",
            100.0 * (value.bill.dram_usd_per_hour + value.bill.ssd_usd_per_hour) / hour);
    if (value.bill.invoice_usd > 0.0)
        fprintf(out, "; invoice $%.0f", value.bill.invoice_usd);
    fputc('\n', out);
}

static void print_point(FILE *out, const struct size_question *question,
                        const struct size_answer *answer, uint32_t point)
{
    const struct size_value *value = whole(answer, point);
    const struct bought *bought = &answer->bought[point];
    char p99[32], mean[32], tbt[32], life[32], text[TEXT_BYTES];
    fprintf(out, "  %s\n", describe(answer, point, text, sizeof text));
    for (uint32_t a = 0; a < answer->plan->axis_count; a++)
        fprintf(
            out, "    %s: %s\n", answer->plan->axes[a].key,
            axis_show(
                answer->plan->axes[a].row,
                answer->plan->points
                    .value[(size_t)answer->plan->runs[point].point * answer->plan->axis_count + a],
                text, sizeof text));
    fprintf(out,
            "  TTFT P99 %s, mean %s; time between tokens P99 %s; hits %.1f %% of tokens; GPUs busy "
            "%.1f %%\n",
            duration(value->metrics.ttft_p99_ns, p99, sizeof p99),
            duration(value->metrics.ttft_mean_ns, mean, sizeof mean),
            duration(value->metrics.tbt_p99_ns, tbt, sizeof tbt),
            100.0 * value->metrics.hit_rate_tokens, 100.0 * value->metrics.gpu_utilisation);
    if (bought->ssd_bytes > 0)
        fprintf(out,
                "  SSD: %.3f whole-capacity writes a day of the %g rated: rated writes last %s\n",
                value->bill.ssd_writes_per_day, question->prices.ssd_writes_per_day,
                years(value->bill.ssd_years, life, sizeof life));
    print_bill(out, question, answer, point, BILL_BUSY);
    print_bill(out, question, answer, point, BILL_RENTED);
    if (question->prices.usd_per_gpu > 0.0)
        print_bill(out, question, answer, point, BILL_OWNED);
}

/* ---- does caching pay ---- */

static void print_worth(FILE *out, const struct size_question *question,
                        const struct size_answer *answer)
{
    char text[TEXT_BYTES], usd[32], more[32];
    const char *what = objective_name(question->objective);
    if (answer->best_without == UINT32_MAX) {
        fputs("\nKeeping KV pays: without it no point that was run keeps the promises.\n", out);
        return;
    }
    double with = whole(answer, answer->best)->objective;
    double without = whole(answer, answer->best_without)->objective;
    fprintf(out, "\nwithout KV kept, the cheapest that keeps the promises:\n  %s: %s %s (%s)\n",
            describe(answer, answer->best_without, text, sizeof text), what,
            dollars(without, usd, sizeof usd), change(with, without, more, sizeof more));
    if (!answer->bought[answer->best].keeps_kv)
        fputs("KEEPING KV DOES NOT PAY HERE: the cheapest point keeps none.\n", out);
    else if (without < with * 1.01)
        fputs("Keeping KV hardly pays here: it saves less than 1 %, which is within what a model "
              "can tell.\n",
              out);
    else
        fprintf(out, "Keeping KV saves %.1f %%.\n", 100.0 * (1.0 - with / without));
}

/* ---- neighbours, front, sensitivities ---- */

static void add_row(struct table *table, const struct size_answer *answer, uint32_t point,
                    uint32_t best, const char *what)
{
    const struct size_value *value = whole(answer, point);
    char usd[32], more[32], p99[32], life[32];
    table_add(table, "%s", what);
    if (value->state != SIZE_RUN) {
        for (int i = 0; i < 4; i++)
            table_add(table, "%s", value->state == SIZE_CANNOT_RUN ? "-" : "");
        table_add(table, "%s", value->state == SIZE_CANNOT_RUN ? "cannot run" : "not run");
        return;
    }
    table_add(table, "%s", dollars(value->objective, usd, sizeof usd));
    table_add(table, "%s",
              change(whole(answer, best)->objective, value->objective, more, sizeof more));
    table_add(table, "%s", duration(value->metrics.ttft_p99_ns, p99, sizeof p99));
    table_add(table, "%s", years(value->bill.ssd_years, life, sizeof life));
    if (value->violation <= 1.0)
        table_add(table, "%s", "kept");
    else
        table_add(table, "broken, %.1fx", value->violation);
}

static void add_heading(struct table *table, const char *first,
                        const struct size_question *question)
{
    table_add(table, "%s", first);
    table_add(table, "%s", objective_name(question->objective));
    table_add(table, "%s", "against");
    table_add(table, "%s", "TTFT P99");
    table_add(table, "%s", "SSD life");
    table_add(table, "%s", "promises");
}

/* "DRAM 256 GB -> 128 GB". */
static char *step_text(const struct plan *plan, uint32_t axis, uint32_t from, uint32_t to,
                       char *out, size_t out_bytes)
{
    char before[96], after[96];
    const struct axis *a = &plan->axes[axis];
    const char *key = strncmp(a->key, "tiers.", 6) == 0 ? a->key + 6 : a->key;
    size_t width = plan->axis_count;
    axis_show(a->row, plan->points.value[plan->runs[from].point * width + axis], before,
              sizeof before);
    axis_show(a->row, plan->points.value[plan->runs[to].point * width + axis], after, sizeof after);
    snprintf(out, out_bytes, "%s %s -> %s", key, before, after);
    return out;
}

static void print_neighbours(FILE *out, const struct size_question *question,
                             const struct size_answer *answer, uint32_t best)
{
    const struct plan *plan = answer->plan;
    struct table table;
    char text[TEXT_BYTES];
    table_init(&table, 6);
    add_heading(&table, "one step from it", question);
    for (uint32_t a = 0; a < plan->axis_count; a++)
        for (int step = -(int)plan->axes[a].count; step <= (int)plan->axes[a].count; step++) {
            uint32_t point = size_neighbour(plan, best, a, step);
            if (step == 0 || point == UINT32_MAX || answer->twin[point] ||
                whole(answer, point)->state == SIZE_NOT_RUN)
                continue;
            add_row(&table, answer, point, best,
                    step_text(plan, a, best, point, text, sizeof text));
        }
    fputc('\n', out);
    table_print(out, &table, WIDTH_MOST);
    table_end(&table);
}

static void print_front(FILE *out, const struct size_question *question,
                        const struct size_answer *answer, uint32_t best)
{
    struct table table;
    char text[TEXT_BYTES];
    uint32_t count = answer->front_count;
    uint32_t shown = count < FRONT_SHOWN ? count : FRONT_SHOWN;
    table_init(&table, 6);
    add_heading(&table, "cost against TTFT", question);
    for (uint32_t i = 0; i < shown; i++) {
        uint32_t at = shown > 1 ? i * (count - 1) / (shown - 1) : 0;
        add_row(&table, answer, answer->front[at], best,
                describe(answer, answer->front[at], text, sizeof text));
    }
    fputc('\n', out);
    table_print(out, &table, WIDTH_MOST);
    if (shown < count)
        fprintf(out, "(%" PRIu32 " of the front's %" PRIu32 " points)\n", shown, count);
    table_end(&table);
}

static void add_best(struct table *table, const struct size_answer *answer, uint32_t point)
{
    char text[TEXT_BYTES];
    if (point == UINT32_MAX)
        table_add(table, "%s", "none");
    else
        table_add(table, "%s",
                  point == answer->best ? "the same" : describe(answer, point, text, sizeof text));
}

static void print_sensitivities(FILE *out, const struct size_question *question,
                                const struct size_answer *answer)
{
    struct size_sensitivity list[SIZE_SENSITIVITIES];
    struct table table;
    double now = whole(answer, answer->best)->objective;
    size_sensitivities(question, answer, list);
    table_init(&table, 4);
    table_add(&table, "%s", "price");
    table_add(&table, "%s", "");
    table_add(&table, "%s", objective_name(question->objective));
    table_add(&table, "%s", "cheapest then");
    for (int i = 0; i < SIZE_SENSITIVITIES; i++)
        for (int high = 0; high < 2; high++) {
            char more[32];
            table_add(&table, "%s", list[i].what);
            table_add(&table, "x %g", high ? list[i].high : list[i].low);
            table_add(&table, "%s",
                      change(now, high ? list[i].objective_high : list[i].objective_low, more,
                             sizeof more));
            add_best(&table, answer, high ? list[i].best_high : list[i].best_low);
        }
    fputc('\n', out);
    table_print(out, &table, WIDTH_MOST);
    table_end(&table);
}

static void print_growth(FILE *out, const struct size_growth growth[SIZE_LOADS])
{
    struct table table;
    bool any = false;
    table_init(&table, 4);
    table_add(&table, "%s", "load of the recommended point");
    table_add(&table, "%s", "TTFT P99");
    table_add(&table, "%s", "GPUs busy");
    table_add(&table, "%s", "promises");
    for (int i = 0; i < SIZE_LOADS; i++) {
        char p99[32];
        if (!growth[i].run)
            continue;
        any = true;
        table_add(&table, "x %g", size_loads[i]);
        table_add(&table, "%s", duration(growth[i].metrics.ttft_p99_ns, p99, sizeof p99));
        table_add(&table, "%.1f %%", 100.0 * growth[i].metrics.gpu_utilisation);
        if (growth[i].violation <= 1.0)
            table_add(&table, "%s", "kept");
        else
            table_add(&table, "broken, %.1fx", growth[i].violation);
    }
    fputc('\n', out);
    if (any)
        table_print(out, &table, WIDTH_MOST);
    table_end(&table);
}

static void print_notes(FILE *out, const struct size_answer *answer)
{
    fputs("\nassumed: sessions stay with their server and spread evenly over servers; a server's "
          "link "
          "and SSD\nrates do not change with what is bought; SSD wear is bytes written over rated "
          "writes, without\nwrite amplification. See docs/sizing.md.\n",
          out);
    fprintf(out,
            "kept in the database as sweep %" PRId64 ": `reprise plot --sweep %" PRId64
            "`, `reprise report --sweep %" PRId64 "`\n",
            answer->sweep, answer->sweep, answer->sweep);
}

void size_print(FILE *out, const struct size_question *question, const struct size_answer *answer,
                const struct size_growth growth[SIZE_LOADS])
{
    print_question(out, question, answer);
    if (answer->best == UINT32_MAX) {
        fprintf(out, "NO POINT KEEPS THE PROMISES. The nearest misses them by %.3gx:\n",
                whole(answer, answer->nearest)->violation);
        print_point(out, question, answer, answer->nearest);
        print_neighbours(out, question, answer, answer->nearest);
        print_front(out, question, answer, answer->nearest);
        return;
    }
    fputs("recommended\n", out);
    print_point(out, question, answer, answer->best);
    print_worth(out, question, answer);
    print_neighbours(out, question, answer, answer->best);
    print_front(out, question, answer, answer->best);
    print_sensitivities(out, question, answer);
    print_growth(out, growth);
    print_notes(out, answer);
}
