/* sweep/axis.c - see axis.h. */
#include "sweep/axis.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/units.h"
#include "sim/sim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct config_row *axis_row(const char *key)
{
    for (const struct config_section *section = experiment_sections; section->rows != NULL;
         section++) {
        size_t prefix = strlen(section->prefix);
        if (strncmp(key, section->prefix, prefix) != 0)
            continue;
        for (const struct config_row *row = section->rows; row->key != NULL; row++)
            if (strcmp(row->key, key + prefix) == 0)
                return row;
    }
    return NULL;
}

static bool is_number(const struct config_row *row)
{
    return row->kind == CONFIG_U32 || row->kind == CONFIG_U64 || row->kind == CONFIG_DOUBLE;
}

static bool is_whole(const struct config_row *row)
{
    return row->kind == CONFIG_U32 || row->kind == CONFIG_U64;
}

static enum status refuse(const struct axis *axis, const char *expected, const char *found,
                          struct error *err)
{
    char key[AXIS_KEY_BYTES];
    snprintf(key, sizeof key, "--vary %.80s", axis->key);
    return error_input(err, NULL, 0, key, expected, found);
}

/* ---- values ---- */

/* Takes value, which is allocated. */
static void add_owned(struct axis *axis, char *value)
{
    for (uint32_t i = 0; i < axis->count; i++)
        if (strcmp(axis->value[i], value) == 0) {
            free(value);
            return;
        }
    memory_grow(&axis->value, &axis->capacity, (uint64_t)axis->count + 1, sizeof *axis->value);
    axis->value[axis->count++] = value;
}

static char *number_text(const struct axis *axis, double value)
{
    char text[64];
    units_number(is_whole(axis->row) ? round(value) : value, text, sizeof text);
    return memory_text(text);
}

static double three_digits(double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.2e", value);
    return strtod(text, NULL);
}

/* share of the way from low to high; the ends exactly. */
static double between(const struct axis *axis, double share)
{
    if (share <= 0.0)
        return axis->low;
    if (share >= 1.0)
        return axis->high;
    if (!axis->logarithmic)
        return axis->low + share * (axis->high - axis->low);
    double low = exact_log(axis->low);
    return exact_exp(low + share * (exact_log(axis->high) - low));
}

static void add_steps(struct axis *axis, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        double value = between(axis, (double)i / (double)(count - 1));
        bool end = i == 0 || i == count - 1;
        add_owned(axis, number_text(axis, end ? value : three_digits(value)));
    }
}

char *axis_value_at(const struct axis *axis, double share)
{
    if (axis->continuous)
        return number_text(axis, between(axis, share));
    uint32_t i = (uint32_t)(share * axis->count);
    return memory_text(axis->value[i < axis->count ? i : axis->count - 1]);
}

/* ---- reading ---- */

/* "log6" gives true and 6, "lin" false and 0. */
static bool parse_spacing(const char *text, bool *logarithmic, uint32_t *count)
{
    *logarithmic = strncmp(text, "log", 3) == 0;
    if (!*logarithmic && strncmp(text, "lin", 3) != 0)
        return false;
    *count = 0;
    if (text[3] == '\0')
        return true;
    char *end;
    unsigned long number = strtoul(text + 3, &end, 10);
    *count = (uint32_t)number;
    return text[3] >= '0' && text[3] <= '9' && *end == '\0' && number >= 2 &&
           number <= AXIS_VALUES_MOST;
}

/* Beyond it the next whole number is none that a double holds. */
#define WHOLE_MOST 0x1p53

static enum status add_whole_numbers(struct axis *axis, const char *item, struct error *err)
{
    double count = axis->high - axis->low + 1;
    if (!is_whole(axis->row) || axis->row->unit != UNIT_PLAIN || count > AXIS_VALUES_MOST)
        return refuse(axis, "how many values: LOW..HIGH:logN or :linN", item, err);
    if (axis->high > WHOLE_MOST)
        return refuse(axis, "whole numbers up to 9,007,199,254,740,992", item, err);
    for (uint32_t i = 0; axis->low + i <= axis->high; i++)
        add_owned(axis, number_text(axis, axis->low + i));
    return STATUS_OK;
}

static enum status check_ends(const struct axis *axis, const char *item, struct error *err)
{
    if (!(axis->low < axis->high))
        return refuse(axis, "a range from a lower to a higher value", item, err);
    if (axis->logarithmic && axis->low <= 0.0)
        return refuse(axis,
                      "a logarithmic range that begins above 0 (0 may be given by itself: "
                      "0,LOW..HIGH:logN)",
                      item, err);
    return STATUS_OK;
}

/* item is LOW..HIGH[:SPACING], cut into its parts here. */
static enum status add_range(struct axis *axis, const char *item, char *low, char *high, bool alone,
                             struct error *err)
{
    uint32_t count = 0;
    char *spacing = strchr(high, ':');
    if (spacing != NULL)
        *spacing++ = '\0';
    if (!units_parse(low, axis->row->unit, &axis->low) ||
        !units_parse(high, axis->row->unit, &axis->high))
        return refuse(axis, units_expected(axis->row->unit), item, err);
    axis->logarithmic = false;
    if (spacing != NULL && !parse_spacing(spacing, &axis->logarithmic, &count))
        return refuse(axis, "logN, linN (N from 2 to 10000), log or lin behind the colon", item,
                      err);
    enum status status = check_ends(axis, item, err);
    if (status != STATUS_OK)
        return status;
    if (spacing == NULL)
        return add_whole_numbers(axis, item, err);
    if (count > 0) {
        add_steps(axis, count);
        return STATUS_OK;
    }
    axis->continuous = true;
    return alone ? STATUS_OK
                 : refuse(axis, "a range without a number of values by itself", item, err);
}

static enum status add_item(struct axis *axis, char *item, bool alone, struct error *err)
{
    if (*item == '\0')
        return refuse(axis, "values with commas between them", item, err);
    char *dots = is_number(axis->row) ? strstr(item, "..") : NULL;
    if (dots == NULL) {
        add_owned(axis, memory_text(item));
        return STATUS_OK;
    }
    char *whole = memory_text(item);
    *dots = '\0';
    enum status status = add_range(axis, whole, item, dots + 2, alone, err);
    free(whole);
    return status;
}

static enum status add_items(struct axis *axis, const char *text, struct error *err)
{
    char *copy = memory_text(text), *item = copy;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && item != NULL) {
        char *comma = strchr(item, ',');
        if (comma != NULL)
            *comma = '\0';
        status = add_item(axis, item, item == copy && comma == NULL, err);
        item = comma != NULL ? comma + 1 : NULL;
        if (status == STATUS_OK && axis->count > AXIS_VALUES_MOST)
            status = refuse(axis, "at most 10000 values", text, err);
    }
    free(copy);
    return status;
}

enum status axis_parse(const char *text, struct axis *axis, struct error *err)
{
    memset(axis, 0, sizeof *axis);
    const char *equals = strchr(text, '=');
    size_t length = equals != NULL ? (size_t)(equals - text) : 0;
    if (length == 0 || length >= sizeof axis->key)
        return error_input(err, NULL, 0, "--vary", "KEY=VALUE,... or KEY=LOW..HIGH:logN", text);
    memcpy(axis->key, text, length);
    axis->row = axis_row(axis->key);
    if (axis->row == NULL && strcmp(axis->key, "replicas") == 0)
        return refuse(axis, "cluster.replicas, the number of servers", axis->key, err);
    if (axis->row == NULL)
        return refuse(axis, "a key of an experiment: `reprise sim --help-config` lists them",
                      axis->key, err);
    return add_items(axis, equals + 1, err);
}

void axis_free(struct axis *axis)
{
    for (uint32_t i = 0; i < axis->count; i++)
        free(axis->value[i]);
    free(axis->value);
    *axis = (struct axis){ 0 };
}

char *axis_show(const struct config_row *row, const char *value, char *out, size_t out_bytes)
{
    double number;
    bool read = row != NULL && is_number(row) && units_parse(value, row->unit, &number);
    if (read && is_whole(row) && row->unit == UNIT_PLAIN)
        return units_number(number, out, out_bytes); /* a count is shown whole: 1024, not 1.02k */
    if (read)
        return units_format(number, row->unit, out, out_bytes);
    snprintf(out, out_bytes, "%s", value);
    return out;
}
