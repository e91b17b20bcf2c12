/* cli/paper_print.c - see paper_print.h. */
#include "cli/paper_print.h"

#include "cli/table.h"

#include <math.h>
#include <string.h>

#define WIDTH_MOST 150

static void add_number(struct table *table, double value, const char *unit)
{
    if (isnan(value))
        table_add(table, "-");
    else if (fabs(value) >= 1000.0)
        table_add(table, "%.0f %s", value, unit);
    else
        table_add(table, "%.*f %s", fabs(value) < 1.0 ? 3 : 1, value, unit);
}

static void add_row(struct table *table, const struct paper_row *row)
{
    double relative = 100.0 * paper_relative(row);
    table_add(table, "%-9s %s", row->part, row->what);
    if (row->low < row->high)
        table_add(table, "%g-%g %s", row->low, row->high, row->unit);
    else
        add_number(table, row->low, row->unit);
    if (isnan(row->ours))
        table_add(table, "not run");
    else
        add_number(table, row->ours, row->unit);
    add_number(table, paper_difference(row), strcmp(row->unit, "%") == 0 ? "points" : row->unit);
    if (isfinite(relative))
        table_add(table, "%+.1f %%", relative);
    else
        table_add(table, "-");
    const char *within = !paper_compares(row) ? "" : paper_misses(row) ? "NO" : "yes";
    table_add(table, *within == '\0' || row->mechanism ? "%s" : "(%s)", within);
}

static void print_rows(FILE *out, const struct paper *paper)
{
    if (paper->row_count == 0)
        return;
    struct table table;
    table_init(&table, 6);
    table_add(&table, "figure (last column: in brackets what depends on an unknown)");
    table_add(&table, "published");
    table_add(&table, "ours");
    table_add(&table, "difference");
    table_add(&table, "relative");
    table_add(&table, "<= %.0f %%", 100.0 * PAPER_TOLERANCE);
    for (uint32_t i = 0; i < paper->row_count; i++)
        add_row(&table, &paper->rows[i]);
    table_print(out, &table, WIDTH_MOST);
    table_end(&table);
    char text[160];
    fprintf(out, "\n%s\n", paper_misses_text(paper->rows, paper->row_count, text, sizeof text));
}

static void print_sensitivity(FILE *out, const struct paper *paper)
{
    static const char *const headings[] = { "model, unknown and its value (*: as in the figures)",
                                            "hit, history",
                                            "hit, all",
                                            "LRU's, history",
                                            "TTFT",
                                            "prefill",
                                            "GPU time",
                                            "cost" };
    enum { COLUMNS = sizeof headings / sizeof *headings };
    if (paper->sensitivity_count == 0)
        return;
    struct table table;
    table_init(&table, COLUMNS);
    for (int i = 0; i < COLUMNS; i++)
        table_add(&table, "%s", headings[i]);
    for (uint32_t i = 0; i < paper->sensitivity_count; i++) {
        const struct paper_sensitivity *row = &paper->sensitivity[i];
        table_add(&table, "%-11s %s %s%s", row->model, row->unknown, row->value,
                  row->standard ? " *" : "");
        table_add(&table, "%.1f %%", row->hit_history);
        table_add(&table, "%.1f %%", row->hit_all);
        add_number(&table, row->lru_hit_history, "%");
        table_add(&table, "%+.1f %%", -row->ttft_reduction);
        table_add(&table, "x %.2f", row->prefill_gain);
        table_add(&table, "x %.2f", row->gpu_time_gain);
        table_add(&table, "%+.1f %%", -row->cost_reduction);
    }
    fputs("\nSensitivity to what the paper leaves open\n", out);
    table_print(out, &table, WIDTH_MOST);
    table_end(&table);
}

static void print_checks(FILE *out, const struct paper *paper)
{
    if (paper->check_count == 0)
        return;
    fputs("\nChecks\n", out);
    uint32_t passed = 0;
    for (uint32_t i = 0; i < paper->check_count; i++) {
        const struct paper_check *check = &paper->checks[i];
        passed += check->passed;
        fprintf(out, "%s  %s: %s\n", check->passed ? "pass" : "FAIL", check->what, check->found);
    }
    fprintf(out, "%u of %u passed\n", passed, paper->check_count);
}

void paper_print(FILE *out, const struct paper *paper)
{
    print_rows(out, paper);
    print_sensitivity(out, paper);
    print_checks(out, paper);
}

static void print_part(const char *name, const char *title, void *context)
{
    fprintf(context, "%-12s %s\n", name, title);
}

void paper_print_parts(FILE *out)
{
    paper_parts(print_part, out);
}
