/* traces/kv_records.c - see kv_records.h. */
#include "traces/kv_records.h"

#include "base/json_why.h"
#include "base/memory.h"
#include "traces/json_text.h"
#include "traces/msgpack.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { LENGTH_BYTES = 4, SEQUENCE_BYTES = 8 };

void kv_records_free(struct kv_records *records)
{
    free(records->bytes);
}

enum status kv_refuse(const struct kv_where *where, const char *key, const char *expected,
                      const char *found, struct error *err)
{
    char named[96];
    if (!where->binary)
        return error_input(err, where->path, where->line, key, expected, found);
    snprintf(named, sizeof named, "record %" PRIu64 " at byte %" PRIu64 "%s%s", where->line,
             where->byte, key != NULL ? ", " : "", key != NULL ? key : "");
    return error_input(err, where->path, where->line, named, expected, found);
}

/* ---- JSON lines ---- */

static enum lines_step next_line(struct lines *lines, struct kv_record *record, struct error *err)
{
    char *line, text[JSON_WHY_BYTES];
    size_t length;
    json_error_t why;
    enum lines_step step = lines_next(lines, &line, &length, err);
    if (step != LINES_LINE)
        return step;
    *record = (struct kv_record){ .where = { lines_path(lines), lines_number(lines), 0, false } };
    record->value = json_text_parse(line, length, &why);
    if (record->value != NULL)
        return LINES_LINE;
    kv_refuse(&record->where, NULL,
              lines_was_ended(lines) ? "a JSON object or array"
                                     : "a whole line: the file is cut off",
              json_why(why.text, why.position, text, sizeof text), err);
    return LINES_ERROR;
}

/* ---- MessagePack ---- */

static size_t held(const struct kv_records *records)
{
    return records->end - records->begin;
}

static const unsigned char *front(const struct kv_records *records)
{
    return records->bytes + records->begin;
}

/* Reads until `wanted` bytes are held, or the file ends. */
static enum lines_step hold(struct kv_records *records, struct lines *lines, size_t wanted,
                            struct error *err)
{
    while (held(records) < wanted) {
        const char *piece;
        size_t length;
        enum lines_step step = lines_bytes(lines, &piece, &length, err);
        if (step != LINES_LINE)
            return step;
        if (records->begin > 0)
            memmove(records->bytes, front(records), held(records));
        records->end -= records->begin;
        records->begin = 0;
        memory_grow(&records->bytes, &records->capacity, (uint64_t)records->end + length, 1);
        memcpy(records->bytes + records->end, piece, length);
        records->end += (uint32_t)length;
        lines_take(lines, length);
    }
    return LINES_LINE;
}

static enum lines_step refuse_record(const struct kv_record *record, const char *expected,
                                     const char *found, struct error *err)
{
    kv_refuse(&record->where, NULL, expected, found, err);
    return LINES_ERROR;
}

/* Finds the next value's length. Twice as many bytes are wanted each time that it is not whole, so
 * that a record of many pieces is not measured once a piece. */
static enum lines_step measure(struct kv_records *records, struct lines *lines,
                               const struct kv_record *record, size_t *used, struct error *err)
{
    for (size_t wanted = 1;; wanted = 2 * held(records)) {
        enum lines_step read = hold(records, lines, wanted, err);
        if (read == LINES_ERROR)
            return read;
        enum msgpack_step step = held(records) > 0
                                     ? msgpack_measure(front(records), held(records), used)
                                     : MSGPACK_SHORT;
        if (step == MSGPACK_VALUE)
            return LINES_LINE;
        if (step == MSGPACK_WRONG)
            return refuse_record(record, "a MessagePack value of at most 16 MiB", "none", err);
        if (read == LINES_END)
            return refuse_record(record, "a whole record", "a file that ends in the middle of it",
                                 err);
    }
}

/* Takes a length of 4 bytes, if the record has one: no batch begins with so small a byte. */
static enum lines_step take_length(struct kv_records *records, struct lines *lines,
                                   const struct kv_record *record, size_t *length,
                                   struct error *err)
{
    *length = 0;
    if (front(records)[0] > MSGPACK_BYTES_MOST >> 24)
        return LINES_LINE;
    if (hold(records, lines, LENGTH_BYTES, err) == LINES_ERROR)
        return LINES_ERROR;
    if (held(records) < LENGTH_BYTES)
        return refuse_record(record, "a whole record", "a file that ends in the middle of it", err);
    for (int i = 0; i < LENGTH_BYTES; i++)
        *length = *length << 8 | front(records)[i];
    records->begin += LENGTH_BYTES;
    records->offset += LENGTH_BYTES;
    if (*length == 0 || *length > MSGPACK_BYTES_MOST)
        return refuse_record(record, "a record of 1 byte to 16 MiB", "another length before it",
                             err);
    return LINES_LINE;
}

/* Of bytes[0..length), a whole value: the payload, if they are the frames of a message. */
static bool find_payload(const unsigned char *bytes, size_t length, struct kv_record *record,
                         size_t *begin, size_t *count)
{
    uint32_t elements;
    size_t at, used, inner = 0, inner_count = 0;
    *begin = 0;
    *count = length;
    if (!msgpack_array(bytes, length, &elements, &at) || elements < 2 || elements > 3)
        return true;
    for (uint32_t i = 0; i + 1 < elements; i++) {
        if (i + 2 == elements && msgpack_bytes(bytes + at, length - at, &inner, &inner_count) &&
            inner_count == SEQUENCE_BYTES) {
            record->has_sequence = true;
            for (size_t byte = 0; byte < SEQUENCE_BYTES; byte++)
                record->sequence = record->sequence << 8 | bytes[at + inner + byte];
        }
        if (msgpack_measure(bytes + at, length - at, &used) != MSGPACK_VALUE)
            return false;
        if (i == 0 && elements == 3)
            record->topic = XXH64(bytes + at, used, 0);
        at += used;
    }
    if (!msgpack_bytes(bytes + at, length - at, &inner, &inner_count)) {
        record->has_sequence = false;
        record->topic = 0;
        return true; /* no frames: a batch */
    }
    *begin = at + inner;
    *count = inner_count;
    return msgpack_measure(bytes + *begin, *count, &used) == MSGPACK_VALUE && used == *count;
}

static enum lines_step next_value(struct kv_records *records, struct lines *lines,
                                  struct kv_record *record, struct error *err)
{
    size_t stated, used, begin, count;
    enum lines_step step = hold(records, lines, 1, err);
    if (step == LINES_ERROR || (step == LINES_END && held(records) == 0))
        return step;
    *record = (struct kv_record){ .where = { lines_path(lines), ++records->number, records->offset,
                                             true } };
    if (take_length(records, lines, record, &stated, err) != LINES_LINE ||
        measure(records, lines, record, &used, err) != LINES_LINE)
        return LINES_ERROR;
    if (stated != 0 && stated != used)
        return refuse_record(record, "a record as long as said before it", "another length", err);
    if (!find_payload(front(records), used, record, &begin, &count))
        return refuse_record(record, "a payload that is one MessagePack value", "none", err);
    record->value = msgpack_json(front(records) + begin, count);
    records->begin += (uint32_t)used;
    records->offset += used;
    if (record->value == NULL)
        return refuse_record(record, "maps of named values, nested at most 16 deep", "others", err);
    return LINES_LINE;
}

/* ---- either ---- */

enum lines_step kv_records_next(struct kv_records *records, struct lines *lines,
                                struct kv_record *record, struct error *err)
{
    if (!records->begun) {
        const char *text;
        size_t length;
        enum lines_step step = lines_peek(lines, &text, &length, err);
        if (step != LINES_LINE)
            return step;
        unsigned char first = (unsigned char)text[strspn(text, " \t")];
        records->binary = first != '{' && first != '[';
        records->begun = true;
    }
    enum lines_step step =
        records->binary ? next_value(records, lines, record, err) : next_line(lines, record, err);
    if (step != LINES_LINE || json_is_object(record->value) || json_is_array(record->value))
        return step;
    json_decref(record->value);
    return refuse_record(record, "an object or an array", "another value", err);
}
