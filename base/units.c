/* base/units.c - see units.h. A kind of unit is a row of a table: the scales that may stand before
 * its suffix, those that units_format() may choose first and ascending. */
#include "base/units.h"

#include "base/memory.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scale {
    const char *name;
    double factor;
};

#define KIBI 1024.0
#define MEBI (KIBI * KIBI)
#define GIBI (KIBI * MEBI)
#define TEBI (KIBI * GIBI)
#define PEBI (KIBI * TEBI)

static const struct scale count[] = { { "", 1 },    { "k", 1e3 },  { "M", 1e6 },
                                      { "G", 1e9 }, { "T", 1e12 }, { NULL, 0 } };
static const struct scale metric[] = { { "", 1 },     { "k", 1e3 },  { "M", 1e6 },  { "G", 1e9 },
                                       { "T", 1e12 }, { "P", 1e15 }, { "E", 1e18 }, { NULL, 0 } };
static const struct scale byte[] = {
    { "", 1 },      { "k", 1e3 },   { "M", 1e6 },   { "G", 1e9 },   { "T", 1e12 },
    { "P", 1e15 },  { "E", 1e18 },  { "Ki", KIBI }, { "Mi", MEBI }, { "Gi", GIBI },
    { "Ti", TEBI }, { "Pi", PEBI }, { NULL, 0 },
};
static const struct scale time_scale[] = {
    { "ns", 1 },     { "us", 1e3 },   { "ms", 1e6 },    { "s", 1e9 },
    { "min", 60e9 }, { "h", 3600e9 }, { "d", 86400e9 }, { NULL, 0 },
};

static const struct unit {
    const struct scale *scales;
    int formatted_scales; /* how many of them are written; all are read */
    const char *suffix;
    const char *space; /* between number and unit when written */
    const char *expected;
} units[] = {
    [UNIT_PLAIN] = { count, 5, "", "", "a number such as 24, 0.85 or 52k" },
    [UNIT_BYTES] = { byte, 7, "B", " ", "a size such as 128GB, 64GiB or 512kB" },
    [UNIT_BYTES_PER_S] = { byte, 7, "B/s", " ", "a rate such as 26GB/s or 800MB/s" },
    [UNIT_DURATION] = { time_scale, 7, "", " ", "a duration such as 250us, 60s, 5min or 1h" },
    [UNIT_PER_S] = { count, 5, "/s", "", "a rate such as 1.0/s or 0.5" },
    [UNIT_FLOP_PER_S] = { metric, 7, "FLOP/s", " ", "a rate such as 312TFLOP/s" },
};

/* For strtod and printf, whose decimal point is the thread's locale's. To be left with uselocale().
 */
static locale_t enter_c_locale(void)
{
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0)
        memory_exhausted();
    return uselocale(c_locale);
}

static void leave_c_locale(locale_t previous)
{
    freelocale(uselocale(previous));
}

static const char *skip_digits(const char *text)
{
    return text + strspn(text, "0123456789");
}

/* Where the decimal number that text begins with ends; NULL if it begins with none. strtod alone
 * would also take hexadecimal, "inf" and "nan". */
static const char *number_end(const char *text)
{
    const char *digits = text + (*text == '+' || *text == '-');
    const char *end = skip_digits(digits);
    bool has_digits = end > digits;
    if (*end == '.') {
        const char *fraction = end + 1;
        end = skip_digits(fraction);
        has_digits = has_digits || end > fraction;
    }
    if (!has_digits)
        return NULL;
    if (*end == 'e' || *end == 'E') {
        const char *exponent = end + 1;
        exponent += *exponent == '+' || *exponent == '-';
        if (skip_digits(exponent) > exponent)
            end = skip_digits(exponent);
    }
    return end;
}

static double read_number(const char *text)
{
    locale_t previous = enter_c_locale();
    double value = strtod(text, NULL);
    leave_c_locale(previous);
    return value;
}

/* 0 when text is not a scale and suffix of that kind. */
static double unit_factor(const char *text, const struct unit *unit)
{
    if (*text == '\0')
        return 1;
    for (const struct scale *scale = unit->scales; scale->name != NULL; scale++) {
        size_t length = strlen(scale->name);
        if (strncmp(text, scale->name, length) == 0 && strcmp(text + length, unit->suffix) == 0)
            return scale->factor;
    }
    return 0;
}

bool units_parse(const char *text, enum unit_kind kind, double *value)
{
    const char *end = number_end(text);
    if (end == NULL)
        return false;
    const char *unit_text = end + strspn(end, " ");
    if (*unit_text == '\0' && unit_text > end)
        return false;
    double factor = unit_factor(unit_text, &units[kind]);
    if (factor == 0)
        return false;
    /* strtod stops where number_end() did: it would read on only in "0x...", which is no unit. */
    *value = read_number(text) * factor;
    return isfinite(*value);
}

bool units_whole(const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    unsigned long long read = strtoull(text, &end, 10);
    /* strtoull takes spaces and signs, and wraps what is negative. */
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0)
        return false;
    *value = read;
    return true;
}

/* value as printf("%.2e") has it: rounded to what will be shown, so that 999.7 is seen to be 1.00
 * k. */
static double round_to_shown(double value, int *exponent)
{
    char text[32];
    snprintf(text, sizeof text, "%.2e", value);
    *exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    return strtod(text, NULL);
}

static int decimals_shown(double scaled, int exponent)
{
    if (scaled >= 100)
        return 0;
    if (scaled >= 10)
        return 1;
    return scaled >= 1 ? 2 : 2 - exponent;
}

static const struct scale *scale_of(double shown, const struct unit *unit)
{
    const struct scale *scale = unit->scales;
    for (int i = 1; i < unit->formatted_scales && unit->scales[i].factor <= shown; i++)
        scale = &unit->scales[i];
    return scale;
}

static void format_finite(double value, const struct unit *unit, char *out, size_t out_bytes)
{
    int exponent;
    double shown = round_to_shown(fabs(value), &exponent);
    const struct scale *scale = scale_of(shown, unit);
    bool whole = scale->factor == 1 && value == floor(value);
    int decimals = whole ? 0 : decimals_shown(shown / scale->factor, exponent);
    /* Else some hundred digits, which no buffer of a caller's holds. */
    bool extreme = decimals > 9 || shown / scale->factor >= 1e15;
    snprintf(out, out_bytes, extreme ? "%.*e%s%s%s" : "%.*f%s%s%s", extreme ? 2 : decimals,
             value / scale->factor, unit->space, scale->name, unit->suffix);
}

char *units_format(double value, enum unit_kind kind, char *out, size_t out_bytes)
{
    locale_t previous = enter_c_locale();
    if (isfinite(value))
        format_finite(value, &units[kind], out, out_bytes);
    else
        snprintf(out, out_bytes, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
    leave_c_locale(previous);
    return out;
}

char *units_grouped(double value, char *out, size_t out_bytes)
{
    char digits[400]; /* DBL_MAX has 309 */
    size_t length = (size_t)snprintf(digits, sizeof digits, "%.0f", value), used = 0;
    if (out_bytes == 0)
        return out;
    for (size_t i = 0; i < length && used + 2 < out_bytes; i++) {
        bool counts = digits[i] >= '0' && digits[i] <= '9' && i > 0 && digits[i - 1] != '-';
        if (counts && (length - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

const char *units_scale(double value, enum unit_kind kind, double *factor)
{
    const struct scale *scale = scale_of(fabs(value), &units[kind]);
    *factor = scale->factor;
    return scale->name;
}

char *units_number(double value, char *out, size_t out_bytes)
{
    locale_t previous = enter_c_locale();
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, out_bytes, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    leave_c_locale(previous);
    return out;
}

const char *units_expected(enum unit_kind kind)
{
    return units[kind].expected;
}
