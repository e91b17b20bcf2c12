/* plots/ticks.c - see ticks.h. */
#include "plots/ticks.h"

#include "plots/gnuplot_text.h"
#include "plots/picture.h"
#include "sim/engine/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define FAR_APART 8.0 /* most over least of a logarithmic axis */
#define SHOWN_MOST 7
#define NS_PER_SECOND 1e9

/* ---- labels ---- */

static const struct unit {
    double size;
    const char *name;
} durations[] = { { 1.0, "ns" },   { 1e3, "µs" },   { 1e6, "ms" },   { 1e9, "s" },
                  { 60e9, "min" }, { 3600e9, "h" }, { 86400e9, "d" } },
  bytes[] = { { 1.0, "B" }, { 1e3, "kB" }, { 1e6, "MB" }, { 1e9, "GB" }, { 1e12, "TB" } },
  numbers[] = { { 1.0, "" }, { 1e4, "k" }, { 1e6, "M" }, { 1e9, "G" } };

/* The largest that value has at least one of. */
static const struct unit *unit_of(enum tick_kind kind, double value)
{
    const struct unit *units = kind == TICK_DURATION ? durations
                               : kind == TICK_BYTES  ? bytes
                                                     : numbers;
    size_t count = kind == TICK_DURATION ? sizeof durations / sizeof *durations
                   : kind == TICK_BYTES  ? sizeof bytes / sizeof *bytes
                                         : sizeof numbers / sizeof *numbers;
    while (count > 1 && fabs(value) < units[count - 1].size * (1.0 - 1e-9))
        count--;
    return &units[count - 1];
}

static void write_label(enum tick_kind kind, double value, char out[24])
{
    const struct unit *unit = unit_of(kind, value);
    double size = kind == TICK_PLAIN && unit->size > 1e3 && unit->size < 1e6 ? 1e3 : unit->size;
    if (kind == TICK_SHARE)
        snprintf(out, 24, "%.4g %%", 100.0 * value);
    else if (value == 0.0)
        snprintf(out, 24, "0");
    else
        snprintf(out, 24, "%.4g%s%s", value / size, kind == TICK_PLAIN ? "" : " ", unit->name);
}

static void add(struct ticks *ticks, enum tick_kind kind, double at)
{
    if (ticks->count == TICKS_MOST)
        return;
    ticks->at[ticks->count] = at;
    write_label(kind, at, ticks->label[ticks->count++]);
}

/* ---- linear ---- */

/* 1, 2 or 5 times a power of ten, in units of the axis. */
static double step_of(enum tick_kind kind, double span, double most)
{
    double unit = kind == TICK_PLAIN || kind == TICK_SHARE ? 1.0 : unit_of(kind, most)->size;
    double rough = span / 5.0 / unit, power = pow(10.0, floor(log10(rough))), part = rough / power;
    return unit * power * (part < 1.5 ? 1.0 : part < 3.5 ? 2.0 : part < 7.5 ? 5.0 : 10.0);
}

static void fill_linear(struct ticks *ticks, enum tick_kind kind, double least, double most,
                        bool from_zero)
{
    double span = most > least ? most - least : fmax(fabs(most), 1.0) * 0.2;
    double low = from_zero ? 0.0 : least - 0.25 * span;
    double high = most + 0.25 * span;
    if (from_zero)
        high = most > 0.0 ? 1.2 * most : 1.0;
    ticks->low = fmax(0.0, low);
    ticks->high = high;
    double step = step_of(kind, ticks->high - ticks->low, ticks->high);
    /* No share is above 1, whatever room there is. */
    double last = kind == TICK_SHARE ? fmin(ticks->high, 1.0) : ticks->high;
    double first = ceil(ticks->low / step - 1e-9);
    for (int i = 0; i < TICKS_MOST && (first + i) * step <= last * (1.0 + 1e-12); i++)
        add(ticks, kind, fabs(first + i) * step); /* fabs: no -0 */
}

/* ---- logarithmic ---- */

/* Steps within a power of ten, or what clocks count in, from many to few. */
static const double within[][3] = { { 1.0, 2.0, 5.0 }, { 1.0, 3.0, 0.0 }, { 1.0, 0.0, 0.0 } };
static const double clock_steps[] = {
    1.0,   2.0,   5.0,    10.0,   20.0,   30.0,   60.0,    120.0,
    300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 18000.0, 43200.0
};
static const double clock_few[] = { 1.0, 10.0, 60.0, 600.0, 3600.0, 36000.0 };

static bool shown(const struct ticks *ticks, double at)
{
    return at >= ticks->low && at <= ticks->high;
}

static void add_powers(struct ticks *ticks, enum tick_kind kind, double from, double to,
                       double unit, int fineness)
{
    int first = (int)floor(log10(from / unit)), last = (int)ceil(log10(to / unit));
    for (int power = first; power <= last; power++)
        for (int i = 0; i < 3; i++) {
            double at = unit * within[fineness][i] * pow(10.0, power);
            if (at > 0.0 && at >= from && at < to && shown(ticks, at))
                add(ticks, kind, at);
        }
}

static void add_clock(struct ticks *ticks, int fineness)
{
    const double *steps = fineness == 0 ? clock_steps : clock_few;
    size_t count = fineness == 0 ? sizeof clock_steps / sizeof *clock_steps
                                 : sizeof clock_few / sizeof *clock_few;
    for (size_t i = 0; i < count; i++)
        if (shown(ticks, NS_PER_SECOND * steps[i]))
            add(ticks, TICK_DURATION, NS_PER_SECOND * steps[i]);
}

static void fill_logarithmic(struct ticks *ticks, enum tick_kind kind, double least, double most)
{
    ticks->logarithmic = true;
    double room = pow(most / least, 0.12);
    ticks->low = least / room;
    ticks->high = most * room;
    for (int fineness = 0; fineness < 3; fineness++) {
        ticks->count = 0;
        if (kind != TICK_DURATION) {
            add_powers(ticks, kind, ticks->low, ticks->high, 1.0, fineness);
        } else {
            add_powers(ticks, kind, ticks->low, fmin(ticks->high, NS_PER_SECOND), 1.0, fineness);
            add_clock(ticks, fineness);
            if (ticks->high >= 86400e9)
                add_powers(ticks, kind, fmax(ticks->low, 86400e9), ticks->high, 86400e9, fineness);
        }
        if (ticks->count <= SHOWN_MOST)
            return;
    }
}

/* ---- all ---- */

/* What is compared may be of anyone's database: between extremes neither powers nor steps end. */
static double bounded(double value)
{
    const double most = 1e100;
    return value > 1.0 / most ? fmin(value, most) : 0.0; /* NaN: 0 */
}

struct ticks ticks_make(enum tick_kind kind, double least, double most, bool from_zero)
{
    struct ticks ticks = { 0 };
    least = bounded(least);
    most = bounded(most);
    if (least > 0.0 && most / least > FAR_APART)
        fill_logarithmic(&ticks, kind, least, most);
    else
        fill_linear(&ticks, kind, least, most, from_zero);
    return ticks;
}

enum tick_kind ticks_kind(int metric)
{
    const struct metric_row *row = &metric_rows[metric];
    if (strcmp(row->unit, "ns") == 0)
        return TICK_DURATION;
    if (strcmp(row->unit, "bytes") == 0)
        return TICK_BYTES;
    return strncmp(row->name, "hit_rate", 8) == 0 || strcmp(row->name, "slo_attainment") == 0 ||
                   strcmp(row->name, "gpu_utilisation") == 0
               ? TICK_SHARE
               : TICK_PLAIN;
}

void ticks_put_label(FILE *out, const char *name, const char *text)
{
    char doubled[256];
    size_t used = 0;
    for (; *text != '\0' && used + 2 < sizeof doubled; text++) {
        if (*text == '%')
            doubled[used++] = '%';
        doubled[used++] = *text;
    }
    doubled[used] = '\0';
    gnuplot_put_variable(out, name, doubled);
}

void ticks_write(FILE *out, const char *name, const struct ticks *ticks)
{
    fprintf(out, "%s_low = %.9g\n%s_high = %.9g\n%s_log = %d\n%s_count = %" PRIu32 "\n", name,
            ticks->low, name, ticks->high, name, ticks->logarithmic, name, ticks->count);
    fprintf(out, "array %s_at[%d]\narray %s_label[%d]\n", name, TICKS_MOST, name, TICKS_MOST);
    for (uint32_t i = 0; i < ticks->count; i++) {
        char variable[64];
        fprintf(out, "%s_at[%" PRIu32 "] = %.9g\n", name, i + 1, ticks->at[i]);
        snprintf(variable, sizeof variable, "%s_label[%" PRIu32 "]", name, i + 1);
        ticks_put_label(out, variable, ticks->label[i]);
    }
}
