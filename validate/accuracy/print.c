/* validate/accuracy/print.c - errors for people, on a terminal and as a page of docs/: goals,
 * groups, what is furthest off, what is missing. */
#include "base/shown.h"
#include "validate/accuracy/accuracy.h"

#include "base/units.h"
#include "validate/accuracy/print_table.h"
#include "validate/accuracy/rollup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct page {
    FILE *out;
    bool markdown;
    const struct accuracy *accuracy;
};

static void heading(const struct page *page, const char *text)
{
    fprintf(page->out, page->markdown ? "\n## %s\n\n" : "\n== %s\n", text);
}

static void subheading(const struct page *page, const char *text)
{
    fprintf(page->out, page->markdown ? "\n**%s**\n\n" : "\n%s\n", text);
}

static void value_cell(struct print_table *table, enum accuracy_family family, double value)
{
    char text[32];
    enum unit_kind unit = family == ACCURACY_CAPACITY ? UNIT_BYTES : UNIT_DURATION;
    print_cell(table, "%s", units_format(value, unit, text, sizeof text));
}

/* ---- goals ---- */

static void print_goal(struct print_table *table, const struct accuracy *accuracy,
                       const struct accuracy_goal *goal)
{
    static const char *const verdicts[] = { "met", "missed", "no data" };
    struct accuracy_judged judged = accuracy_judge(accuracy, goal);
    print_cell(table, "%s", goal->name);
    print_cell(table, "%g / %g", 100.0 * goal->median, 100.0 * goal->p95);
    print_cell(table, "%u", judged.shown.count);
    if (judged.shown.count > 0) {
        print_error_cell(table, judged.shown.median, judged.shown.p95);
        print_cell(table, "%+.1f", 100.0 * judged.shown.bias);
    } else {
        print_cell(table, "%s", "");
        print_cell(table, "%s", "");
    }
    print_error_cell(table, judged.unseen.count > 0 ? judged.unseen.median : NAN,
                     judged.unseen.p95);
    print_error_cell(table, judged.held_out_median, judged.held_out_p95);
    print_cell(table, "%s", verdicts[judged.verdict]);
}

static void print_goals(const struct page *page)
{
    static const struct print_column columns[] = { { "goal", 42 },
                                                   { "at most", 10 },
                                                   { "points", 7 },
                                                   { "all points", 14 },
                                                   { "bias", 6 },
                                                   { "unseen points", 14 },
                                                   { "left out of fits", 16 },
                                                   { "verdict", 7 },
                                                   { NULL, 0 } };
    heading(page, "Goals: median / 95th percentile of the absolute error, %");
    struct print_table table = print_table_begin(page->out, page->markdown, columns);
    for (uint32_t i = 0; i < accuracy_goal_count; i++)
        print_goal(&table, page->accuracy, &accuracy_goals[i]);
}

/* ---- families ---- */

static void print_row(struct print_table *table, const struct rollup_row *row)
{
    const struct accuracy_key *key = &row->key;
    print_cell(table, "%s", key->quantity);
    print_cell(table, "%s", key->gpu);
    print_cell(table, "%s", key->engine);
    print_cell(table, "%s", key->model);
    print_cell(table, "%s", key->format);
    if (key->ranks > 0)
        print_cell(table, "%u", key->ranks);
    else
        print_cell(table, "%s", key->family == ACCURACY_SERVED ? "any" : "");
    print_cell(table, "%u", row->errors.count);
    value_cell(table, key->family, row->measured);
    value_cell(table, key->family, row->predicted);
    print_error_cell(table, row->errors.median, row->errors.p95);
    print_cell(table, "%+.1f", 100.0 * row->errors.bias);
    print_cell(table, "%s", row->fitted ? "fitted" : "unseen");
    print_error_cell(table, row->held_out_median, row->held_out_p95);
}

static void print_groups(const struct page *page, enum accuracy_family family, unsigned members)
{
    static const struct print_column columns[] = {
        { "what", 26 }, { "GPU", 10 },   { "engine", 20 },   { "model", 14 }, { "format", 9 },
        { "ranks", 5 }, { "points", 6 }, { "measured", 9 },  { "ours", 9 },   { "error, %", 14 },
        { "bias", 6 },  { "origin", 6 }, { "left out", 12 }, { NULL, 0 }
    };
    struct rollup_row *row;
    uint32_t rows = rollup(page->accuracy, family, "", members, &row);
    struct print_table table = print_table_begin(page->out, page->markdown, columns);
    for (uint32_t i = 0; i < rows; i++)
        print_row(&table, &row[i]);
    free(row);
}

static void print_worst(const struct page *page, enum accuracy_family family)
{
    static const struct print_column columns[] = {
        { "off by", 8 },   { "what", 26 }, { "GPU", 10 },   { "engine", 20 }, { "shape", 52 },
        { "measured", 9 }, { "ours", 9 },  { "cause", 40 }, { NULL, 0 }
    };
    const struct accuracy_worst *worst = &page->accuracy->worst[family];
    subheading(page, "Furthest off");
    struct print_table table = print_table_begin(page->out, page->markdown, columns);
    for (uint32_t i = 0; i < worst->count; i++) {
        const struct accuracy_point *point = &worst->point[i];
        const struct accuracy_key *key = &page->accuracy->group[point->group].key;
        print_cell(&table, "%+.0f %%", 100.0 * (point->predicted / point->measured - 1.0));
        print_cell(&table, "%s", key->quantity);
        print_cell(&table, "%s", key->gpu);
        print_cell(&table, "%s", key->engine);
        print_cell(&table, "%s%s%s%s%s", key->model, key->model[0] != '\0' ? " " : "", key->format,
                   key->format[0] != '\0' ? ", " : "", point->shape);
        value_cell(&table, family, point->measured);
        value_cell(&table, family, point->predicted);
        print_cell(&table, "%s", point->cause);
    }
}

/* One quantity's errors in the columns of a table whose rows are loads or ranks. */
static void print_three(struct print_table *table, const struct rollup_row *of[3])
{
    for (int i = 0; i < 3; i++)
        if (of[i] == NULL)
            print_cell(table, "%s", "");
        else
            print_cell(table, "%.1f / %.1f (%+.1f)", 100.0 * of[i]->errors.median,
                       100.0 * of[i]->errors.p95, 100.0 * of[i]->errors.bias);
}

static const struct rollup_row *find(const struct rollup_row *row, uint32_t rows,
                                     struct accuracy_key key, const char *quantity)
{
    for (uint32_t i = 0; i < rows; i++)
        if (strcmp(row[i].key.quantity, quantity) == 0 && row[i].key.load == key.load &&
            row[i].key.ranks == key.ranks && strcmp(row[i].key.engine, key.engine) == 0)
            return &row[i];
    return NULL;
}

static void print_by(const struct page *page, const char *title, enum rollup_member member)
{
    static const struct print_column columns[] = { { "engine", 24 }, { "at", 6 },
                                                   { "points", 6 },  { "TTFT", 22 },
                                                   { "TPOT", 22 },   { "E2E", 22 },
                                                   { NULL, 0 } };
    struct rollup_row *row;
    uint32_t rows = rollup(page->accuracy, ACCURACY_SERVED, "", ROLLUP_ENGINE | member, &row);
    subheading(page, title);
    struct print_table table = print_table_begin(page->out, page->markdown, columns);
    for (uint32_t i = 0; i < rows; i++) {
        if (strcmp(row[i].key.quantity, "TTFT") != 0)
            continue;
        const struct rollup_row *of[3] = { &row[i], find(row, rows, row[i].key, "TPOT"),
                                           find(row, rows, row[i].key, "E2E") };
        print_cell(&table, "%s", row[i].key.engine);
        print_cell(&table, "%u", member == ROLLUP_LOAD ? row[i].key.load : row[i].key.ranks);
        print_cell(&table, "%u", row[i].errors.count);
        print_three(&table, of);
    }
    free(row);
}

/* Why runs were left out, and of how many that is so. */
static void print_left_out(const struct page *page, uint32_t count, const char *why)
{
    fprintf(page->out, "%s%u runs", page->markdown ? "- " : "  ", count);
    shown_line(page->out, " left out: ", why);
}

static void print_skipped(const struct page *page)
{
    const struct accuracy *accuracy = page->accuracy;
    for (uint32_t i = 0; i < accuracy->runs; i++) {
        const char *why = accuracy->run[i].skipped;
        uint32_t count = 0, before = 0;
        for (uint32_t k = 0; why[0] != '\0' && k < accuracy->runs; k++)
            if (strcmp(accuracy->run[k].skipped, why) == 0) {
                count++;
                before += k < i;
            }
        if (count > 0 && before == 0)
            print_left_out(page, count, why);
    }
}

static void print_family(const struct page *page, enum accuracy_family family)
{
    bool served = family == ACCURACY_SERVED;
    if (page->accuracy->worst[family].count == 0 && !(served && page->accuracy->runs > 0))
        return;
    heading(page, accuracy_family_names[family]);
    if (page->accuracy->worst[family].count > 0) {
        print_groups(page, family,
                     ROLLUP_GPU | ROLLUP_ENGINE | ROLLUP_MODEL | ROLLUP_FORMAT |
                         (served ? 0 : ROLLUP_RANKS));
        if (served) {
            print_by(page, "By requests in flight", ROLLUP_LOAD);
            print_by(page, "By tensor-parallel ranks", ROLLUP_RANKS);
        }
        print_worst(page, family);
    }
    if (served) {
        subheading(page, "Not simulated");
        print_skipped(page);
    }
}

/* ---- the page ---- */

static void print_notes(const struct page *page)
{
    if (page->accuracy->notes == 0)
        return;
    heading(page, "Tables");
    for (uint32_t i = 0; i < page->accuracy->notes; i++)
        shown_line(page->out, page->markdown ? "- " : "  ", page->accuracy->note[i]);
}

static void print_page(const struct page *page)
{
    print_goals(page);
    for (int family = 0; family < ACCURACY_FAMILY_COUNT; family++)
        print_family(page, (enum accuracy_family)family);
    print_notes(page);
}

void accuracy_print(FILE *out, const struct accuracy *accuracy)
{
    print_page(&(struct page){ .out = out, .accuracy = accuracy });
}

void accuracy_print_markdown(FILE *out, const struct accuracy *accuracy)
{
    print_page(&(struct page){ .out = out, .markdown = true, .accuracy = accuracy });
}
