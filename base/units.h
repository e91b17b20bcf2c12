/* base/units.h - quantities with units, as people write them in configs and read them in tables.
 * Decimal prefixes are powers of 1000 (GB, as datasheets and prices mean it), binary ones powers of
 * 1024 (GiB). A number without a unit is in the base unit: bytes, bytes per second, nanoseconds. */
#ifndef REPRISE_BASE_UNITS_H
#define REPRISE_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

enum unit_kind {
    UNIT_PLAIN,       /* "0.85", "24", "52k", "1e6": no unit, optional k M G T */
    UNIT_BYTES,       /* "128GB", "64 GiB", "4096" */
    UNIT_BYTES_PER_S, /* "26GB/s" */
    UNIT_DURATION,    /* "60s", "1h", "250us", "1d", "17" (ns): nanoseconds */
    UNIT_PER_S,       /* "1.0/s", "0.5": events per second */
    UNIT_FLOP_PER_S   /* "312TFLOP/s" */
};

/* Parses text wholly as a quantity of that kind into *value, in its base unit. false: it is not one
 * (trailing characters, no digits, NaN, infinity, another kind's unit). Negative values parse;
 * ranges are the caller's. The decimal point is '.', whatever the locale. */
bool units_parse(const char *text, enum unit_kind kind, double *value);

/* Reads text wholly as a whole number in digits alone ("12": no sign, space, unit). false: it is none, or
 * beyond uint64_t; *value is then as it was. */
bool units_whole(const char *text, uint64_t *value);

/* Writes value with 3 significant digits and the fitting prefix ("1.25 TB", "87.0 ms"), whole
 * numbers that need no prefix as they are ("24", "512 B"); returns out. units_parse reads it back.
 */
char *units_format(double value, enum unit_kind kind, char *out, size_t out_bytes);

/* Writes value, rounded to a whole number, with a comma before every three digits ("50,687"), for words
 * that people read; units_parse does not. Returns out. */
char *units_grouped(double value, char *out, size_t out_bytes);

/* The prefix that fits value, or of UNIT_DURATION the unit ("ms"): for several values beside each other.
 * Each is to be divided by *factor. */
const char *units_scale(double value, enum unit_kind kind, double *factor);

/* Writes value's shortest decimal (15 to 17 digits) that reads back as the same double; returns
 * out. */
char *units_number(double value, char *out, size_t out_bytes);

/* "a size such as 128GB": what to say is expected. */
const char *units_expected(enum unit_kind kind);

/* The end of time, in 292 years: what would come later comes then, and a run that gets there is refused. */
#define TIME_END_NS ((uint64_t)INT64_MAX)

static inline uint64_t time_later_ns(uint64_t time_ns, uint64_t by_ns)
{
    return time_ns < TIME_END_NS && by_ns < TIME_END_NS - time_ns ? time_ns + by_ns : TIME_END_NS;
}

#endif
