/* traces/csv.c - see csv.h. */
#include "traces/csv.h"

#include "base/units.h"
#include "traces/traces.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes the quotes off a field that begins with one, in place; gives what follows it, NULL: the
 * quote is not closed. */
static char *unquote(char *field)
{
    char *to = field, *from = field + 1;
    while (*from != '\0') {
        if (*from == '"' && from[1] != '"') {
            *to = '\0';
            return from + 1;
        }
        from += *from == '"';
        *to++ = *from++;
    }
    return NULL;
}

/* Cuts a line into fields; false: an open quote, or more than CSV_COLUMNS_MAX. */
static bool split(char *line, char separator, char **field, uint32_t *count)
{
    const char stops[2] = { separator != 0 ? separator : ',', 0 };
    *count = 0;
    for (char *at = line; *count < CSV_COLUMNS_MAX; at++) {
        field[(*count)++] = at;
        at = *at == '"' ? unquote(at) : at + strcspn(at, stops);
        if (at == NULL || (*at != stops[0] && *at != '\0'))
            return false;
        if (*at == '\0')
            return true;
        *at = '\0';
    }
    return false;
}

static enum status find_column(struct csv *csv, const struct lines *lines,
                               const struct csv_column *column, int *at, struct error *err)
{
    *at = -1;
    for (uint32_t i = 0; i < csv->columns; i++) {
        if (strcmp(csv->field[i], column->name) != 0)
            continue;
        if (*at >= 0)
            return lines_refuse(lines, column->name, "one column of that name", "two", err);
        *at = (int)i;
    }
    if (*at < 0 && !column->optional)
        return lines_refuse(lines, column->name, "a column of that name", "none in the heading",
                            err);
    return STATUS_OK;
}

enum status csv_heading(struct csv *csv, struct lines *lines, const struct csv_column *columns,
                        struct error *err)
{
    char *line;
    size_t length;
    enum lines_step step = lines_next(lines, &line, &length, err);
    if (step == LINES_ERROR)
        return err->status;
    if (step == LINES_END)
        return lines_refuse(lines, NULL, "a heading of column names", "an empty file", err);
    if (strlen(line) != length || !split(line, csv->separator, csv->field, &csv->columns))
        return lines_refuse(lines, NULL, "a heading of column names", "no CSV", err);
    for (uint32_t i = 0; columns[i].name != NULL; i++)
        if (find_column(csv, lines, &columns[i], &csv->at[i], err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

enum status csv_row(struct csv *csv, const struct lines *lines, char *line, size_t length,
                    struct error *err)
{
    char expected[64], found[64];
    uint32_t count;
    snprintf(expected, sizeof expected, "a row of %u fields, as the heading", csv->columns);
    if (strlen(line) != length || !split(line, csv->separator, csv->field, &count))
        return lines_refuse(lines, NULL, expected, "no CSV", err);
    if (count == csv->columns)
        return STATUS_OK;
    snprintf(found, sizeof found, "%u%s", count,
             lines_was_ended(lines) ? "" : ", and the file ends here: is it cut off?");
    return lines_refuse(lines, NULL, expected, found, err);
}

const char *csv_field(const struct csv *csv, uint32_t column)
{
    return csv->at[column] >= 0 ? csv->field[csv->at[column]] : "";
}

static bool digits_parse(const char **text, uint64_t most, uint64_t *value)
{
    const char *at = *text;
    for (*value = 0; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (*value > (most - digit) / 10)
            return false;
        *value = *value * 10 + digit;
    }
    bool any = at > *text;
    *text = at;
    return any;
}

enum status csv_refuse_field(const struct lines *lines, const char *key, const char *expected,
                             const char *text, struct error *err)
{
    char found[64];
    size_t length = strlen(text);
    if (length <= 40 && strspn(text, "0123456789.eE+-:TZ/ ") == length)
        return lines_refuse(lines, key, expected, text, err);
    snprintf(found, sizeof found, "a text of %zu bytes", length);
    return lines_refuse(lines, key, expected, found, err);
}

enum status csv_whole(const struct csv *csv, const struct lines *lines, uint32_t column,
                      const char *key, uint64_t least, uint64_t most, uint64_t *value,
                      struct error *err)
{
    char expected[96];
    const char *text = csv_field(csv, column), *at = text;
    if (digits_parse(&at, most, value) && *at == '\0' && *value >= least)
        return STATUS_OK;
    snprintf(expected, sizeof expected, "a whole number from %" PRIu64 " to %" PRIu64, least, most);
    return csv_refuse_field(lines, key, expected, text, err);
}

/* Text, wholly, as decimal seconds. */
static bool seconds_parse(const char *text, uint64_t *ns)
{
    uint64_t whole;
    if (!digits_parse(&text, TRACE_TIME_MOST_NS / NS_PER_S, &whole))
        return false;
    *ns = whole * NS_PER_S;
    if (*text == '\0')
        return true;
    if (*text++ != '.' || *text == '\0')
        return false;
    for (uint64_t unit = NS_PER_S / 10; *text >= '0' && *text <= '9'; text++, unit /= 10)
        *ns += (uint64_t)(*text - '0') * unit;
    return *text == '\0';
}

enum status csv_seconds(const struct csv *csv, const struct lines *lines, uint32_t column,
                        const char *key, uint64_t *ns, struct error *err)
{
    const char *text = csv_field(csv, column);
    if (seconds_parse(text, ns))
        return STATUS_OK;
    return csv_refuse_field(lines, key, "seconds, a number from 0 to 9e9", text, err);
}

static bool real_parse(const char *text, double most, double *value)
{
    char *end;
    if (*text == '\0' || strspn(text, "0123456789.eE+-") != strlen(text))
        return false;
    *value = strtod(text, &end);
    return *end == '\0' && *value >= 0.0 && *value <= most;
}

enum status csv_real_tokens(const struct csv *csv, const struct lines *lines, uint32_t column,
                            const char *key, uint64_t most, uint64_t *value, struct error *err)
{
    char expected[64];
    double real;
    if (real_parse(csv_field(csv, column), (double)most, &real)) {
        *value = (uint64_t)real;
        return STATUS_OK;
    }
    snprintf(expected, sizeof expected, "a number from 0 to %" PRIu64, most);
    return csv_refuse_field(lines, key, expected, csv_field(csv, column), err);
}

enum status csv_real_seconds(const struct csv *csv, const struct lines *lines, uint32_t column,
                             const char *key, uint64_t *ns, struct error *err)
{
    const char *text = csv_field(csv, column);
    double seconds;
    if (seconds_parse(text, ns))
        return STATUS_OK;
    if (!real_parse(text, (double)TRACE_TIME_MOST_NS / (double)NS_PER_S, &seconds))
        return csv_refuse_field(lines, key, "seconds, a number from 0 to 9e9", text, err);
    uint64_t whole = (uint64_t)seconds;
    *ns = whole * NS_PER_S + (uint64_t)((seconds - (double)whole) * 1e9 + 0.5);
    return STATUS_OK;
}
