/* sweep/lessons/lesson_numbers.c - which number of which run words name, and how people read it. */
#include "sweep/lessons/lesson_parts.h"
#include "sweep/metric_show.h"

#include <math.h>
#include <string.h>

/* Below it three digits say more: "10.6 turns". */
#define COUNT_WHOLE 100.0

/* ---- which run ---- */

static int find_value(const struct lesson *lesson, const char *value)
{
    for (uint32_t k = 0; k < lesson->point_count; k++)
        if (strcmp(lesson->value[k], value) == 0)
            return (int)k;
    return -1;
}

static bool is_called(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && strncmp(name, text, length) == 0;
}

enum status lesson_find(const struct lesson *lesson, const char *key, const char *name,
                        struct lesson_place *place, struct error *err)
{
    const char *at = strchr(name, '@');
    size_t length = at != NULL ? (size_t)(at - name) : strlen(name);
    int point = at != NULL ? find_value(lesson, at + 1) : 0;
    bool turns = lesson->x_key[0] == '\0';
    for (uint32_t i = 0; at != NULL && point >= 0 && i < lesson->line_count; i++)
        if (is_called(lesson->line[i].name, name, length)) {
            *place = (struct lesson_place){ (int)i, -1, point };
            return STATUS_OK;
        }
    for (uint32_t i = 0; (at == NULL || turns) && point >= 0 && i < lesson->other_count; i++)
        if (is_called(lesson->other[i].name, name, length)) {
            *place = (struct lesson_place){ -1, (int)i, point };
            return STATUS_OK;
        }
    return error_input(err, lesson->path, 0, key, "LINE@VALUE of the picture, or another run",
                       name);
}

const struct metrics *lesson_metrics(const struct lesson *lesson, struct lesson_place place)
{
    return place.line < 0 ? &lesson->other[place.other].at[place.point]
                          : &lesson->line[place.line].at[place.point];
}

/* ---- which number of it ---- */

static enum status read_of_turn(const struct lesson *lesson, const char *key, const char *name,
                                const char *panel, struct lesson_number *number, struct error *err)
{
    bool time;
    for (uint32_t i = 0; i < lesson->shown_count; i++)
        if (strcmp(lesson->shown[i].name, panel) == 0) {
            enum status status =
                lesson_turn_value(lesson, key, name, &lesson->shown[i], &number->value, &time, err);
            number->kind = NUMBER_QUANTITY;
            number->unit = time ? UNIT_DURATION : UNIT_PLAIN;
            return status;
        }
    return error_input(err, lesson->path, 0, key, "a panel of the turn that is shown", panel);
}

enum status lesson_number(const struct lesson *lesson, const char *key, const char *name,
                          const char *run, struct lesson_number *number, struct error *err)
{
    static const char of_turn[] = "turn.";
    struct lesson_place place = { 0 };
    char section[LESSON_SECTION_BYTES];
    bool found;
    if (strncmp(run, of_turn, strlen(of_turn)) == 0)
        return read_of_turn(lesson, key, name, run + strlen(of_turn), number, err);
    if (lesson_find(lesson, key, run, &place, err) != STATUS_OK)
        return err->status;
    const struct lesson_choice choice = lesson_choice(lesson, place, section);
    if (lesson_fact(lesson, &choice, name, &found, number, err) != STATUS_OK || found)
        return err->status;
    number->kind = NUMBER_METRIC;
    if (metric_find(key, name, &number->metric, err) != STATUS_OK)
        return err->status;
    number->value = metric_value(lesson_metrics(lesson, place), number->metric);
    return STATUS_OK;
}

/* ---- for people ---- */

static char *show_count(double value, char *out, size_t out_bytes)
{
    return fabs(value) >= COUNT_WHOLE ? units_grouped(value, out, out_bytes)
                                      : units_format(value, UNIT_PLAIN, out, out_bytes);
}

char *lesson_metric_show(int metric, double value, char *out, size_t out_bytes)
{
    const char *unit = metric_rows[metric].unit;
    bool counts = strcmp(unit, "1") == 0 || strncmp(unit, "tokens", 6) == 0;
    if (!counts || !isfinite(value) || metric_is_share(metric))
        return metric_show(metric, value, out, out_bytes);
    return show_count(value, out, out_bytes);
}

/* All digits of a price, however small: "$0.000082". */
static void show_dollars(double value, char *out, size_t out_bytes)
{
    snprintf(out, out_bytes, "$%.9f", value);
    char *end = out + strlen(out);
    while (end[-1] == '0')
        *--end = '\0';
    if (end[-1] == '.')
        end[-1] = '\0';
}

char *lesson_number_show(const struct lesson_number *number, double value, char *out,
                         size_t out_bytes)
{
    if (number->kind == NUMBER_METRIC)
        return lesson_metric_show(number->metric, value, out, out_bytes);
    if (!isfinite(value))
        snprintf(out, out_bytes, "-");
    else if (number->kind == NUMBER_DOLLARS)
        show_dollars(value, out, out_bytes);
    else if (number->unit == UNIT_PLAIN)
        show_count(value, out, out_bytes);
    else
        units_format(value, number->unit, out, out_bytes);
    return out;
}
