/* traces/record_time.c - see record_time.h. */
#include "traces/record_time.h"

#include "base/units.h"

#include <stdio.h>
#include <string.h>

enum status record_time_next(struct record_time *time, const struct lines *lines, const char *key,
                             uint64_t ns, uint64_t *since_first_ns, struct error *err)
{
    *since_first_ns = ns;
    if (time->any_order)
        return STATUS_OK;
    if (!time->begun)
        *time = (struct record_time){ .begun = true, .first_ns = ns, .last_ns = ns };
    if (ns < time->last_ns) {
        char found[64];
        snprintf(found, sizeof found, "%.6f s before it", (double)(time->last_ns - ns) / 1e9);
        return lines_refuse(
            lines, key, "a time not before the record above it " RECORD_TIME_ANY_ORDER, found, err);
    }
    time->last_ns = ns;
    *since_first_ns = ns - time->first_ns;
    return STATUS_OK;
}

/* Exactly `digits` digits, from least to most, then *end. */
static bool number(const char **text, int digits, uint32_t least, uint32_t most, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < digits; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        *value = *value * 10 + (uint32_t)(**text - '0');
    }
    return *value >= least && *value <= most;
}

static bool sign(const char **text, const char *accepted)
{
    if (**text == '\0' || strchr(accepted, **text) == NULL)
        return false;
    (*text)++;
    return true;
}

/* Days since 1970-01-01 of the Gregorian calendar, the years counted from March so that the leap
 * day is a year's last. */
static uint64_t days_since_1970(uint32_t year, uint32_t month, uint32_t day)
{
    uint64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;
    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool fraction(const char **text, uint64_t *ns)
{
    *ns = 0;
    if (!sign(text, "."))
        return true;
    const char *first = *text;
    for (uint64_t unit = NS_PER_S / 10; **text >= '0' && **text <= '9'; (*text)++, unit /= 10)
        *ns += (uint64_t)(**text - '0') * unit;
    return *text > first;
}

/* "", "Z", "+02:00" or "-0200": seconds to take off, negative for the west. */
static bool offset(const char *text, int64_t *seconds)
{
    uint32_t hours, minutes;
    *seconds = 0;
    if (*text == '\0' || strcmp(text, "Z") == 0)
        return true;
    bool west = *text == '-';
    if (!sign(&text, "+-") || !number(&text, 2, 0, 23, &hours))
        return false;
    (void)sign(&text, ":");
    if (!number(&text, 2, 0, 59, &minutes))
        return false;
    *seconds = (int64_t)(hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return *text == '\0';
}

bool datetime_parse(const char *text, uint64_t *ns)
{
    uint32_t year, month, day, hours, minutes, seconds;
    uint64_t rest_ns;
    int64_t offset_s;
    if (!number(&text, 4, 1970, 2199, &year) || !sign(&text, "-") ||
        !number(&text, 2, 1, 12, &month) || !sign(&text, "-") || !number(&text, 2, 1, 31, &day) ||
        !sign(&text, " T") || !number(&text, 2, 0, 23, &hours) || !sign(&text, ":") ||
        !number(&text, 2, 0, 59, &minutes) || !sign(&text, ":") ||
        !number(&text, 2, 0, 60, &seconds) || !fraction(&text, &rest_ns) ||
        !offset(text, &offset_s))
        return false;
    int64_t since_1970_s = (int64_t)days_since_1970(year, month, day) * 86400 + hours * 3600 +
                           minutes * 60 + seconds - offset_s;
    if (since_1970_s < 0)
        return false;
    *ns = (uint64_t)since_1970_s * NS_PER_S + rest_ns;
    return true;
}
