/* plots/live.c - see live.h. What it holds is JSON; plots/page/live.js shows it. */
#include "plots/live.h"

#include "base/json_out.h"
#include "base/memory.h"
#include "base/whole_file.h"
#include "plots/html.h"
#include "plots/page_parts.h"
#include "plots/report_assumptions.h"
#include "plots/report_config.h"
#include "sweep/axis.h"
#include "sweep/compared_store.h"
#include "sweep/metric_show.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Digits of a metric: more than any picture or figure shows, and a third of a double's bytes. */
#define METRIC_DIGITS 6

/* ---- the data ---- */

/* What form a metric's values are shown in: charts.js's kinds. */
static const char *kind_of(int metric)
{
    const char *unit = metric_rows[metric].unit;
    if (metric_is_share(metric))
        return "share";
    if (strcmp(unit, "ns") == 0 || strcmp(unit, "bytes") == 0 || strcmp(unit, "usd") == 0)
        return unit;
    return "count";
}

static json_t *metrics_json(void)
{
    json_t *list = json_array();
    for (int i = 0; i < METRIC_COUNT; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s}", "name", metric_rows[i].name, "kind",
                                        kind_of(i), "meaning", metric_rows[i].meaning));
    return list;
}

/* A value of an axis: as it is written and shown, and its number; null: it is a name. */
static json_t *value_json(const struct sweep_axis_view *axis, const char *text)
{
    char shown[CONFIG_TEXT_BYTES];
    double number;
    bool known = axis->number && axis->row != NULL && units_parse(text, axis->row->unit, &number);
    return json_pack("{s:s, s:s, s:o}", "text", text, "shown",
                     axis_show(axis->row, text, shown, sizeof shown), "number",
                     known ? json_real(number) : json_null());
}

/* The values that shown rows take, each once. */
static json_t *values_json(const struct sweep_view *view, uint32_t a)
{
    json_t *list = json_array(), *seen = json_object();
    for (uint32_t i = 0; i < view->shown_count; i++) {
        const char *text = view->table.rows[view->shown[i]].values[a];
        if (json_object_get(seen, text) != NULL)
            continue;
        json_object_set_new(seen, text, json_true());
        json_array_append_new(list, value_json(&view->axes[a], text));
    }
    json_decref(seen);
    return list;
}

static const char *unit_kind(const struct config_row *row)
{
    if (row != NULL && row->unit == UNIT_BYTES)
        return "bytes";
    return row != NULL && row->unit == UNIT_DURATION ? "ns" : "count";
}

static json_t *axes_json(const struct sweep_view *view)
{
    json_t *list = json_array();
    char name[CONFIG_NAME_BYTES];
    for (uint32_t a = 0; a < view->table.axes; a++)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:o}", "key", view->table.axis_keys[a], "name",
                            config_key_name(view->table.axis_keys[a], name), "help",
                            view->axes[a].row != NULL ? view->axes[a].row->help : "", "kind",
                            unit_kind(view->axes[a].row), "values", values_json(view, a)));
    return list;
}

static json_t *metric_json(double value)
{
    char text[32];
    if (isnan(value))
        return json_null();
    snprintf(text, sizeof text, "%.*g", METRIC_DIGITS, value);
    double rounded = strtod(text, NULL);
    return rounded == floor(rounded) && fabs(rounded) < 9e15 ? json_integer((json_int_t)rounded)
                                                             : json_real(rounded);
}

static json_t *row_json(const struct sweep_view *view, uint32_t row)
{
    const struct sweep_row *at = &view->table.rows[row];
    json_t *values = json_array(), *metrics = json_array();
    for (uint32_t a = 0; a < view->table.axes; a++)
        json_array_append_new(values, json_string(at->values[a]));
    for (int i = 0; i < METRIC_COUNT; i++)
        json_array_append_new(metrics, metric_json(metric_value(&at->metrics, i)));
    return json_pack("{s:o, s:o, s:o}", "values", values, "metrics", metrics, "cost",
                     metric_json(view->cost[row]));
}

/* Points of which it is known that they cannot run, and why. */
static json_t *refused_json(const struct sweep_view *view)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < view->table.count; i++) {
        const struct sweep_row *at = &view->table.rows[i];
        json_t *values = json_array();
        for (uint32_t a = 0; at->failure != NULL && a < view->table.axes; a++)
            json_array_append_new(values,
                                  at->values[a] != NULL ? json_string(at->values[a]) : json_null());
        if (at->failure != NULL)
            json_array_append_new(list,
                                  json_pack("{s:O, s:s}", "values", values, "why", at->failure));
        json_decref(values);
    }
    return list;
}

static json_t *data_json(const struct sweep_view *view)
{
    json_t *rows = json_array();
    size_t reference = 0;
    for (uint32_t i = 0; i < view->shown_count; i++) {
        if (view->shown[i] == view->reference)
            reference = i;
        json_array_append_new(rows, row_json(view, view->shown[i]));
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:i}", "command", view->table.command,
                     "billing", billing_name(view->billing), "prices", view->prices, "axes",
                     axes_json(view), "metrics", metrics_json(), "rows", rows, "refused",
                     refused_json(view), "reference", (int)reference);
}

/* ---- the page ---- */

/* In a script's element '<' would be HTML's: in JSON it can be written as its number. */
static void write_data(FILE *out, const struct sweep_view *view)
{
    json_t *data = data_json(view);
    char *text = json_dumps(data, JSON_OUT | JSON_COMPACT | JSON_REAL_PRECISION(METRIC_DIGITS));
    json_decref(data);
    if (text == NULL)
        memory_exhausted();
    fputs("<script type=\"application/json\" id=\"data\">", out);
    for (const char *at = text; *at != '\0'; at++)
        if (*at == '<')
            fputs("\\u003c", out);
        else
            fputc(*at, out);
    fputs("</script>\n", out);
    free(text);
}

static void write_part(FILE *out, const char *before, const char *name, const char *after)
{
    const struct embedded_file *part = embedded_find(page_parts, name);
    assert(part != NULL);
    fputs(before, out);
    fwrite(part->bytes, 1, part->size, out);
    fputs(after, out);
}

static enum status write_page(FILE *out, struct store *store, const struct sweep_view *view,
                              const struct pricing *pricing, struct error *err)
{
    static const char *const names[] = { "the cheapest point" };
    struct experiment experiment;
    enum status status =
        compared_experiment(store, view->table.rows[view->reference].run, &experiment, err);
    if (status == STATUS_OK) {
        html_begin(out, "reprise: a sweep to play with");
        write_part(out, "<style>\n", "charts.css", "</style>\n");
        write_part(out, "<style>\n", "live.css", "</style>\n");
        fputs("<div id=\"live\"><noscript>The sliders need scripts, which are in this "
              "file.</noscript>"
              "</div>\n",
              out);
        fputs("<h2>The sweep</h2>\n<pre class=wrap>", out);
        html_text(out, view->table.command);
        fputs("</pre>\n<p>What follows is of the cheapest point.</p>\n", out);
        status = report_config(out, &experiment, names, 1, err);
    }
    if (status == STATUS_OK)
        status = report_assumptions(out, &experiment, pricing, err);
    if (status == STATUS_OK)
        status = report_not_modelled(out, err);
    if (status == STATUS_OK) {
        write_data(out, view);
        write_part(out, "<script>\n", "charts.js", "</script>\n");
        write_part(out, "<script>\n", "live.js", "</script>\n");
        html_end(out);
    }
    return status;
}

static bool has_an_axis(const struct sweep_view *view)
{
    for (uint32_t a = 0; a < view->table.axes; a++)
        if (view->axes[a].count > 1)
            return true;
    return false;
}

enum status live_write(struct store *store, int64_t sweep, const struct pricing *pricing,
                       const char *path, struct error *err)
{
    struct sweep_view view = { 0 };
    struct whole_file file;
    enum status status = sweep_view_load(store, sweep, pricing, &view, err);
    if (status == STATUS_OK && !has_an_axis(&view))
        status = error_input(err, NULL, 0, "--live", "a sweep in which some key has several values",
                             view.table.command);
    if (status == STATUS_OK)
        status = whole_file_open(&file, path, err);
    if (status == STATUS_OK) {
        write_page(file.out, store, &view, pricing, err);
        status = whole_file_close(&file, err);
    }
    sweep_view_free(&view);
    return status;
}
