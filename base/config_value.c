/* base/config_value.c - one value of a row's kind: from text, to text, and what to say is expected.
 */
#include "base/config_entries.h"
#include "base/shown.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BOUND_BYTES 32

static char *format_bound(double bound, enum unit_kind unit, char out[BOUND_BYTES])
{
    /* Bounds of plain numbers are often exact counts; the others are far off, and read better
     * short. */
    if (unit == UNIT_PLAIN)
        return units_number(bound, out, BOUND_BYTES);
    return units_format(bound, unit, out, BOUND_BYTES);
}

static const char *noun_of(const struct config_row *row)
{
    if (row->unit != UNIT_PLAIN)
        return units_expected(row->unit);
    return row->kind == CONFIG_DOUBLE ? "a number" : "a whole number";
}

static void describe_number(const struct config_row *row, char out[CONFIG_PHRASE_BYTES])
{
    char min[BOUND_BYTES], max[BOUND_BYTES];
    snprintf(out, CONFIG_PHRASE_BYTES, "%s%s from %s to %s%s%s", noun_of(row),
             row->unit == UNIT_PLAIN ? "" : ",", format_bound(row->min, row->unit, min),
             format_bound(row->max, row->unit, max), row->word != NULL ? ", or the word " : "",
             row->word != NULL ? row->word : "");
}

static void describe_choices(const struct config_row *row, char out[CONFIG_PHRASE_BYTES])
{
    size_t length = (size_t)snprintf(out, CONFIG_PHRASE_BYTES, "one of ");
    for (int i = 0; row->choices[i] != NULL && length < CONFIG_PHRASE_BYTES; i++)
        length += (size_t)snprintf(out + length, CONFIG_PHRASE_BYTES - length, "%s%s",
                                   i > 0 ? ", " : "", row->choices[i]);
}

char *config_row_expected(const struct config_row *row, char out[CONFIG_PHRASE_BYTES])
{
    switch (row->kind) {
    case CONFIG_U32:
    case CONFIG_U64:
    case CONFIG_DOUBLE:
        describe_number(row, out);
        break;
    case CONFIG_BOOL:
        snprintf(out, CONFIG_PHRASE_BYTES, "true or false");
        break;
    case CONFIG_TEXT:
        snprintf(out, CONFIG_PHRASE_BYTES, "a text of at most %d bytes", CONFIG_TEXT_BYTES - 1);
        break;
    case CONFIG_CHOICE:
        describe_choices(row, out);
        break;
    }
    return out;
}

static bool in_range(const struct config_row *row, double value)
{
    return value >= row->min && value <= row->max;
}

/* All 64 bits of a number in digits, which a double does not hold: seeds use them. */
static bool read_digits(const char *text, uint64_t *value)
{
    errno = 0;
    *value = strtoull(text, NULL, 10);
    return errno == 0;
}

static bool is_word(const struct config_row *row, const char *text)
{
    return row->word != NULL && strcmp(text, row->word) == 0;
}

static bool read_whole(const struct config_row *row, const char *text, uint64_t *value)
{
    if (is_word(row, text)) {
        *value = UINT64_MAX;
        return true;
    }
    if (*text != '\0' && text[strspn(text, "0123456789")] == '\0')
        return read_digits(text, value) && in_range(row, (double)*value);

    double number;
    if (!units_parse(text, row->unit, &number) || !in_range(row, number))
        return false;
    double whole = round(number);
    /* A fraction of a byte or ns comes of a unit ("1.5kB", "0.1GiB"); of a count it is a mistake.
     */
    if ((row->unit == UNIT_PLAIN && whole != number) || whole < 0 || whole >= 0x1p64)
        return false;
    *value = (uint64_t)whole;
    return true;
}

static bool read_u32(const struct config_row *row, const char *text, uint32_t *value)
{
    uint64_t wide;
    if (!read_whole(row, text, &wide) || wide > UINT32_MAX)
        return false;
    *value = (uint32_t)wide;
    return true;
}

static bool read_double(const struct config_row *row, const char *text, double *value)
{
    if (is_word(row, text)) {
        *value = HUGE_VAL;
        return true;
    }
    return units_parse(text, row->unit, value) && in_range(row, *value);
}

/* The index of text in names (ended by NULL), or -1. */
static int index_of(const char *const *names, const char *text)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], text) == 0)
            return i;
    return -1;
}

static bool read_bool(const char *text, bool *value)
{
    static const char *const words[] = { "false", "true", "no", "yes", "off", "on", NULL };
    int index = index_of(words, text);
    *value = index % 2 == 1;
    return index >= 0;
}

static bool read_text(const char *text, char value[CONFIG_TEXT_BYTES])
{
    size_t length = strlen(text);
    if (length >= CONFIG_TEXT_BYTES || !shown_is_plain(text))
        return false;
    memcpy(value, text, length + 1);
    return true;
}

static bool read_choice(const struct config_row *row, const char *text, int *value)
{
    *value = index_of(row->choices, text);
    return *value >= 0;
}

bool config_value_read(const struct config_row *row, const char *text, void *value)
{
    switch (row->kind) {
    case CONFIG_U32:
        return read_u32(row, text, value);
    case CONFIG_U64:
        return read_whole(row, text, value);
    case CONFIG_DOUBLE:
        return read_double(row, text, value);
    case CONFIG_BOOL:
        return read_bool(text, value);
    case CONFIG_TEXT:
        return read_text(text, value);
    case CONFIG_CHOICE:
        return read_choice(row, text, value);
    }
    return false;
}

static void print_u64(const struct config_row *row, uint64_t value, char out[CONFIG_PHRASE_BYTES])
{
    if (row->word != NULL && value == UINT64_MAX)
        snprintf(out, CONFIG_PHRASE_BYTES, "%s", row->word);
    else
        snprintf(out, CONFIG_PHRASE_BYTES, "%" PRIu64, value);
}

static void print_double(const struct config_row *row, double value, char out[CONFIG_PHRASE_BYTES])
{
    if (row->word != NULL && value == HUGE_VAL)
        snprintf(out, CONFIG_PHRASE_BYTES, "%s", row->word);
    else
        units_number(value, out, CONFIG_PHRASE_BYTES);
}

char *config_value_print(const struct config_row *row, const void *value,
                         char out[CONFIG_PHRASE_BYTES])
{
    switch (row->kind) {
    case CONFIG_U32:
        snprintf(out, CONFIG_PHRASE_BYTES, "%" PRIu32, *(const uint32_t *)value);
        break;
    case CONFIG_U64:
        print_u64(row, *(const uint64_t *)value, out);
        break;
    case CONFIG_DOUBLE:
        print_double(row, *(const double *)value, out);
        break;
    case CONFIG_BOOL:
        snprintf(out, CONFIG_PHRASE_BYTES, "%s", *(const bool *)value ? "true" : "false");
        break;
    case CONFIG_TEXT:
        snprintf(out, CONFIG_PHRASE_BYTES, "%s", (const char *)value);
        break;
    case CONFIG_CHOICE:
        snprintf(out, CONFIG_PHRASE_BYTES, "%s", row->choices[*(const int *)value]);
        break;
    }
    return out;
}
