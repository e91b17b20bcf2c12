/* sweep/promise.c - see promise.h. */
#include "sweep/promise.h"

#include "base/units.h"
#include "sweep/metric_show.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Metrics that are the better the larger they are. */
static const char *const at_least[] = {
    "goodput_turns_per_s",     "slo_attainment",  "reply_tokens_per_s",
    "prefill_tokens_per_s",    "turns_per_s",     "hit_rate_tokens",
    "hit_rate_history_tokens", "hit_rate_blocks", "hit_rate_turns",
    "hit_rate_later_turns",    "ssd_years",       "turns",
};

static const struct {
    const char *name, *metric;
} shorter[] = { { "goodput", "slo_attainment" }, { "tokens_per_s", "reply_tokens_per_s" } };

/* ---- reading ---- */

static enum unit_kind unit_of(int metric)
{
    const char *unit = metric_rows[metric].unit;
    if (strcmp(unit, "ns") == 0)
        return UNIT_DURATION;
    return strcmp(unit, "bytes") == 0 ? UNIT_BYTES : UNIT_PLAIN;
}

static enum status find_metric(const char *name, int *metric, struct error *err)
{
    char with_unit[64];
    struct error first = { 0 };
    for (size_t i = 0; i < sizeof shorter / sizeof *shorter; i++)
        if (strcmp(name, shorter[i].name) == 0)
            name = shorter[i].metric;
    if (metric_find("--slo", name, metric, &first) == STATUS_OK)
        return STATUS_OK;
    snprintf(with_unit, sizeof with_unit, "%.50s_ns", name);
    return metric_find("--slo", with_unit, metric, err);
}

static bool is_share(int metric)
{
    const char *name = metric_rows[metric].name;
    return strncmp(name, "hit_rate_", 9) == 0 || strcmp(name, "slo_attainment") == 0 ||
           strcmp(name, "gpu_utilisation") == 0;
}

/* "99%" of what is a share or a count. */
static bool parse_percent(const char *text, double *limit)
{
    char *end;
    *limit = strtod(text, &end) / 100.0;
    return end != text && strcmp(end, "%") == 0 && isfinite(*limit);
}

/* A number alone is no time and no size: "2" would be 2 ns. */
static bool has_unit(const char *text)
{
    return text[strspn(text, "0123456789.+-eE \t")] != '\0';
}

static enum status parse_limit(const char *text, struct promise *promise, struct error *err)
{
    enum unit_kind unit = unit_of(promise->metric);
    bool read = unit == UNIT_PLAIN && strchr(text, '%') != NULL
                    ? parse_percent(text, &promise->limit)
                    : units_parse(text, unit, &promise->limit);
    if (read && unit != UNIT_PLAIN && !has_unit(text))
        return error_input(err, NULL, 0, "--slo",
                           unit == UNIT_DURATION ? "a time with its unit, such as 2s or 500ms"
                                                 : "a size with its unit, such as 64GB",
                           text);
    if (!read || !(promise->limit > 0.0) || !isfinite(promise->limit))
        return error_input(err, NULL, 0, "--slo", units_expected(unit), text);
    if (is_share(promise->metric) && promise->limit > 1.0)
        return error_input(err, NULL, 0, "--slo", "a share, of at most 1 or 100%", text);
    return STATUS_OK;
}

enum status promise_parse(const char *text, struct promise *promise, struct error *err)
{
    const char *equals = strchr(text, '=');
    char name[64];
    *promise = (struct promise){ 0 };
    if (equals == NULL || equals == text || (size_t)(equals - text) >= sizeof name)
        return error_input(err, NULL, 0, "--slo", "METRIC=LIMIT, such as ttft_p99=2s", text);
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = '\0';
    enum status status = find_metric(name, &promise->metric, err);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < sizeof at_least / sizeof *at_least; i++)
        if (strcmp(metric_rows[promise->metric].name, at_least[i]) == 0)
            promise->at_least = true;
    return parse_limit(equals + 1, promise, err);
}

/* ---- judging ---- */

double promise_violation(const struct promise *promise, const struct metrics *metrics)
{
    double value = metric_value(metrics, promise->metric);
    if (isnan(value))
        return INFINITY;
    if (!promise->at_least)
        return value / promise->limit;
    if (strcmp(metric_rows[promise->metric].name, "ssd_years") == 0 && value == 0.0)
        return 0.0; /* nothing is written: for ever */
    return value > 0.0 ? promise->limit / value : INFINITY;
}

char *promise_text(const struct promise *promise, char *out, size_t out_bytes)
{
    const char *name = metric_rows[promise->metric].name;
    size_t length = strlen(name);
    char limit[64];
    if (length > 3 && strcmp(name + length - 3, "_ns") == 0)
        length -= 3;
    snprintf(out, out_bytes, "%.*s %s %s", (int)length, name, promise->at_least ? ">=" : "<=",
             metric_show(promise->metric, promise->limit, limit, sizeof limit));
    return out;
}
