/* traces/json_record.c - see json_record.h. */
#include "traces/json_record.h"

#include "base/json_why.h"
#include "base/memory.h"
#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status json_record_refuse(struct json_record record, const char *key, const char *expected,
                               const char *found, struct error *err)
{
    return error_input(err, lines_path(record.lines), record.line, key, expected, found);
}

const char *json_kind(const json_t *item, char *text, size_t text_bytes)
{
    switch (item != NULL ? json_typeof(item) : JSON_NULL) {
    case JSON_STRING:
        snprintf(text, text_bytes, "a text of %zu bytes", json_string_length(item));
        break;
    case JSON_ARRAY:
        snprintf(text, text_bytes, "an array of %zu", json_array_size(item));
        break;
    case JSON_OBJECT:
        snprintf(text, text_bytes, "an object of %zu keys", json_object_size(item));
        break;
    case JSON_NULL:
        snprintf(text, text_bytes, "%s", item != NULL ? "null" : "no such key");
        break;
    default:
        snprintf(text, text_bytes, "%s", json_is_number(item) ? "a number" : "true or false");
    }
    return text;
}

enum status json_record_parse(const struct lines *lines, const char *line, size_t length,
                              json_t **object, struct error *err)
{
    json_error_t why;
    char text[JSON_WHY_BYTES];
    json_t *value = json_text_parse(line, length, &why);
    if (value == NULL)
        return lines_refuse(lines, NULL,
                            lines_was_ended(lines) ? "a JSON object"
                                                   : "a whole line: the file is cut off",
                            json_why(why.text, why.position, text, sizeof text), err);
    if (!json_is_object(value)) {
        json_decref(value);
        return lines_refuse(lines, NULL, "a JSON object", "another JSON value", err);
    }
    *object = value;
    return STATUS_OK;
}

enum status json_record_session(const struct lines *lines, const char *line, size_t length,
                                enum status (*read)(void *state, struct json_record record,
                                                    struct trace_session *session,
                                                    struct error *err),
                                void *state, struct trace_session *session, struct error *err)
{
    json_t *object = NULL;
    if (json_record_parse(lines, line, length, &object, err) != STATUS_OK)
        return err->status;
    struct json_record record = { lines, lines_number(lines), object };
    enum status status = read(state, record, session, err);
    json_decref(object);
    return status;
}

enum status json_record_whole(struct json_record record, const char *key, int64_t least,
                              int64_t most, int64_t *value, struct error *err)
{
    char expected[96], found[64];
    const json_t *item = json_object_get(record.object, key);
    snprintf(expected, sizeof expected, "a whole number from %" PRId64 " to %" PRId64, least, most);
    if (item == NULL)
        return json_record_refuse(record, key, expected, "no such key", err);
    if (!json_is_integer(item))
        return json_record_refuse(record, key, expected, "another type", err);
    *value = json_integer_value(item);
    if (*value >= least && *value <= most)
        return STATUS_OK;
    snprintf(found, sizeof found, "%" PRId64, *value);
    return json_record_refuse(record, key, expected, found, err);
}

/* Whole ones and the rest apart: the product of a large number with the unit is not exact. */
uint64_t record_ns(double value, uint64_t unit_ns)
{
    uint64_t whole = (uint64_t)value;
    return whole * unit_ns + (uint64_t)((value - (double)whole) * (double)unit_ns + 0.5);
}

bool record_time(double value, uint64_t unit_ns, uint64_t *ns)
{
    if (value < 0.0 || value * (double)unit_ns > RECORD_SECONDS_MOST * (double)NS_PER_S)
        return false;
    *ns = record_ns(value, unit_ns);
    return true;
}

/* The time under key, of which one is unit_ns. */
static enum status record_time_of(struct json_record record, const char *key, bool optional,
                                  uint64_t unit_ns, const char *expected, uint64_t *ns,
                                  struct error *err)
{
    char found[64];
    const json_t *item = json_object_get(record.object, key);
    *ns = 0;
    if (item == NULL || json_is_null(item))
        return optional ? STATUS_OK : json_record_refuse(record, key, expected, "no such key", err);
    if (!json_is_number(item))
        return json_record_refuse(record, key, expected, "another type", err);
    if (record_time(json_number_value(item), unit_ns, ns))
        return STATUS_OK;
    snprintf(found, sizeof found, "%.17g", json_number_value(item));
    return json_record_refuse(record, key, expected, found, err);
}

enum status json_record_seconds(struct json_record record, const char *key, bool optional,
                                uint64_t *ns, struct error *err)
{
    return record_time_of(record, key, optional, NS_PER_S, "seconds, a number from 0 to 9e9", ns,
                          err);
}

enum status json_record_milliseconds(struct json_record record, const char *key, bool optional,
                                     uint64_t *ns, struct error *err)
{
    return record_time_of(record, key, optional, NS_PER_MS, "milliseconds, a number from 0 to 9e12",
                          ns, err);
}

enum status json_record_ids(struct json_record record, const char *key, uint32_t count_least,
                            uint32_t count_most, uint64_t **ids, uint32_t *capacity,
                            uint32_t *count, struct error *err)
{
    char expected[96], found[32];
    const json_t *array = json_object_get(record.object, key);
    if (count_least == count_most)
        snprintf(expected, sizeof expected, "an array of %u ids, one for each block", count_most);
    else
        snprintf(expected, sizeof expected, "an array of %u or %u ids, one for each block",
                 count_least, count_most);
    if (!json_is_array(array))
        return json_record_refuse(record, key, expected, "no array", err);
    size_t size = json_array_size(array);
    snprintf(found, sizeof found, "%zu", size);
    if (size < count_least || size > count_most)
        return json_record_refuse(record, key, expected, found, err);
    memory_grow(ids, capacity, count_most, sizeof **ids);
    for (size_t i = 0; i < size; i++) {
        if (!json_id(json_array_get(array, i), &(*ids)[i]))
            return json_record_refuse(record, key, "whole numbers of 0 or more, or strings",
                                      "another value", err);
    }
    *count = (uint32_t)size;
    return STATUS_OK;
}
