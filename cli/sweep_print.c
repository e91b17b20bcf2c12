/* cli/sweep_print.c - see sweep_print.h. */
#include "cli/sweep_print.h"

#include "base/csv_cell.h"
#include "base/json_out.h"
#include "base/memory.h"
#include "cli/table.h"
#include "sweep/axis.h"
#include "sweep/estimate.h"
#include "sweep/metric_show.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH_MOST 132
#define POINTS_SHOWN 100
#define COLUMNS_MOST 16

static const char usual[] = "ttft_mean_ns,ttft_p99_ns,hit_rate_tokens,turns_per_s,gpu_utilisation,"
                            "cost_usd_per_mtok";

struct columns {
    int metric[COLUMNS_MOST];
    uint32_t count;
};

static enum status parse_columns(const char *metrics, struct columns *columns, struct error *err)
{
    char *copy = memory_text(metrics != NULL ? metrics : usual), *rest = NULL;
    enum status status = STATUS_OK;
    columns->count = 0;
    for (char *name = strtok_r(copy, ",", &rest); status == STATUS_OK && name != NULL;
         name = strtok_r(NULL, ",", &rest)) {
        if (columns->count == COLUMNS_MOST)
            status = error_input(err, NULL, 0, "--metrics", "at most 16 names", metrics);
        else
            status = metric_find("--metrics", name, &columns->metric[columns->count++], err);
    }
    free(copy);
    return status;
}

enum status sweep_print_check(const char *metrics, struct error *err)
{
    struct columns columns;
    return parse_columns(metrics, &columns, err);
}

/* ---- table ---- */

/* The rows from `first` on that are of its point. */
static uint32_t replications_at(const struct sweep_table *table, uint32_t first)
{
    uint32_t count = 1;
    while (first + count < table->count &&
           table->rows[first + count].point == table->rows[first].point)
        count++;
    return count;
}

static void add_estimate(struct table *out, const struct sweep_row *rows, uint32_t count,
                         int metric)
{
    double *values = memory_new(count, sizeof *values);
    char mean[48], half_width[48];
    for (uint32_t i = 0; i < count; i++)
        values[i] = metric_value(&rows[i].metrics, metric);
    struct estimate estimate = estimate_of(values, count);
    metric_show(metric, estimate.mean, mean, sizeof mean);
    if (estimate.count > 1)
        table_add(out, "%s ±%s", mean,
                  metric_show(metric, estimate.half_width, half_width, sizeof half_width));
    else
        table_add(out, "%s", mean);
    free(values);
}

static void add_point(struct table *out, const struct sweep_table *table, uint32_t first,
                      uint32_t count, const struct columns *columns)
{
    const struct sweep_row *row = &table->rows[first];
    char shown[CONFIG_TEXT_BYTES];
    for (uint32_t a = 0; a < table->axes; a++)
        table_add(out, "%s",
                  row->values[a] == NULL ? ""
                                         : axis_show(axis_row(table->axis_keys[a]), row->values[a],
                                                     shown, sizeof shown));
    if (table->axes == 0)
        table_add(out, "%s", "base");
    for (uint32_t c = 0; c < columns->count; c++)
        add_estimate(out, row, count, columns->metric[c]);
}

/* "tiers.dram.capacity" is "dram.capacity", "ttft_p99_ns" "ttft_p99": what is left says enough. */
static void add_heading(struct table *out, const struct sweep_table *table,
                        const struct columns *columns)
{
    for (uint32_t a = 0; a < table->axes; a++) {
        const char *key = table->axis_keys[a];
        table_add(out, "%s", strncmp(key, "tiers.", 6) == 0 ? key + 6 : key);
    }
    if (table->axes == 0)
        table_add(out, "%s", "");
    for (uint32_t c = 0; c < columns->count; c++) {
        const char *name = metric_rows[columns->metric[c]].name;
        size_t length = strlen(name);
        bool ns = length > 3 && strcmp(name + length - 3, "_ns") == 0;
        table_add(out, "%.*s%s", (int)(ns ? length - 3 : length), name,
                  metric_billing(columns->metric[c]));
    }
}

static void print_failures(FILE *out, const struct sweep_table *table)
{
    uint32_t failures = 0;
    for (uint32_t i = 0; i < table->count; i++) {
        const struct sweep_row *row = &table->rows[i];
        if (row->failure == NULL || ++failures > 3)
            continue;
        fputs("cannot run:", out);
        for (uint32_t a = 0; a < table->axes; a++)
            fprintf(out, " %s=%s", table->axis_keys[a],
                    row->values[a] != NULL ? row->values[a] : "");
        fprintf(out, ": %s\n", row->failure);
    }
    if (failures > 3)
        fprintf(out, "... and %" PRIu32 " more that cannot run\n", failures - 3);
}

static void print_table(FILE *out, const struct sweep_table *table, const struct columns *columns)
{
    struct table cells;
    uint32_t points = 0, shown = 0;
    table_init(&cells, (table->axes > 0 ? table->axes : 1) + columns->count);
    add_heading(&cells, table, columns);
    for (uint32_t first = 0, count; first < table->count; first += count) {
        count = replications_at(table, first);
        points++;
        bool any = false;
        for (uint32_t i = first; i < first + count; i++)
            any = any || table->rows[i].run > 0;
        if (!any || shown == POINTS_SHOWN)
            continue;
        add_point(&cells, table, first, count, columns);
        shown++;
    }
    if (shown > 0)
        table_print(out, &cells, WIDTH_MOST);
    table_end(&cells);
    print_failures(out, table);
    if (points > shown && shown == POINTS_SHOWN)
        fprintf(out,
                "... of %" PRIu32 " points; all: --csv, or `reprise report --sweep %" PRId64 "`\n",
                points, table->sweep);
}

/* ---- CSV and JSON ---- */

static void print_csv(FILE *out, const struct sweep_table *table)
{
    fputs("run,point,replication", out);
    for (uint32_t a = 0; a < table->axes; a++) {
        fputc(',', out);
        csv_cell_put(out, table->axis_keys[a]);
    }
    for (int m = 0; m < METRIC_COUNT; m++)
        fprintf(out, ",%s", metric_rows[m].name);
    fputs(",failure\n", out);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct sweep_row *row = &table->rows[i];
        fprintf(out, "%" PRId64 ",%" PRIu32 ",%" PRIu32, row->run, row->point, row->replication);
        for (uint32_t a = 0; a < table->axes; a++) {
            fputc(',', out);
            csv_cell_put(out, row->values[a] != NULL ? row->values[a] : "");
        }
        for (int m = 0; m < METRIC_COUNT; m++) {
            double value = metric_value(&row->metrics, m);
            fprintf(out, isnan(value) ? "," : ",%.17g", value);
        }
        fputc(',', out);
        if (row->failure != NULL)
            csv_cell_put(out, row->failure);
        fputc('\n', out);
    }
}

static json_t *row_json(const struct sweep_table *table, const struct sweep_row *row)
{
    json_t *object = json_object(), *values = json_object(), *metrics = json_object();
    json_object_set_new(object, "point", json_integer(row->point));
    json_object_set_new(object, "replication", json_integer(row->replication));
    for (uint32_t a = 0; a < table->axes; a++)
        json_object_set_new(values, table->axis_keys[a],
                            json_string(row->values[a] != NULL ? row->values[a] : ""));
    for (int m = 0; row->run > 0 && m < METRIC_COUNT; m++) {
        double value = metric_value(&row->metrics, m);
        json_object_set_new(metrics, metric_rows[m].name,
                            isnan(value) ? json_null() : json_real(value));
    }
    json_object_set_new(object, "values", values);
    json_object_set_new(object, "metrics", row->run > 0 ? metrics : json_null());
    if (row->run == 0)
        json_decref(metrics);
    if (row->failure != NULL)
        json_object_set_new(object, "failure", json_string(row->failure));
    return object;
}

static void print_json(FILE *out, const struct sweep_table *table)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < table->count; i++)
        json_array_append_new(list, row_json(table, &table->rows[i]));
    json_dumpf(list, out, JSON_OUT | JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    fputc('\n', out);
    json_decref(list);
}

enum status sweep_print(FILE *out, const struct sweep_table *table, enum sweep_format format,
                        const char *metrics, struct error *err)
{
    struct columns columns;
    enum status status = parse_columns(metrics, &columns, err);
    if (status != STATUS_OK)
        return status;
    if (format == SWEEP_TABLE)
        print_table(out, table, &columns);
    else
        (format == SWEEP_CSV ? print_csv : print_json)(out, table);
    return STATUS_OK;
}
