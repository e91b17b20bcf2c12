/* traces/msgpack.c - see msgpack.h. */
#include "traces/msgpack.h"

#include "base/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { NIL, FALSE_, TRUE_, UNSIGNED, SIGNED, REAL, TEXT, BYTES, ARRAY, MAP, EXT, NO_KIND };

/* A value's first bytes taken apart. */
struct header {
    enum kind kind;
    uint64_t number; /* a whole number's bits, a real's; elements of an array, pairs of a map */
    size_t bytes;    /* of the header, a number's digits included */
    uint64_t body;   /* bytes that follow it: of a text, bytes, an ext */
};

static uint64_t big_endian(const unsigned char *bytes, size_t count)
{
    uint64_t number = 0;
    for (size_t i = 0; i < count; i++)
        number = number << 8 | bytes[i];
    return number;
}

/* How a first byte of 0xc0 to 0xdf is read: what it begins, the bytes of the number behind it, and
 * what an ext has beside its body, its type. */
static const struct {
    uint8_t kind, digits, fixed;
} forms[32] = {
    { NIL, 0, 0 },      { NO_KIND, 0, 0 },  { FALSE_, 0, 0 },   { TRUE_, 0, 0 },
    { BYTES, 1, 0 },    { BYTES, 2, 0 },    { BYTES, 4, 0 },    { EXT, 1, 1 },
    { EXT, 2, 1 },      { EXT, 4, 1 },      { REAL, 4, 0 },     { REAL, 8, 0 },
    { UNSIGNED, 1, 0 }, { UNSIGNED, 2, 0 }, { UNSIGNED, 4, 0 }, { UNSIGNED, 8, 0 },
    { SIGNED, 1, 0 },   { SIGNED, 2, 0 },   { SIGNED, 4, 0 },   { SIGNED, 8, 0 },
    { EXT, 0, 2 },      { EXT, 0, 3 },      { EXT, 0, 5 },      { EXT, 0, 9 },
    { EXT, 0, 17 },     { TEXT, 1, 0 },     { TEXT, 2, 0 },     { TEXT, 4, 0 },
    { ARRAY, 2, 0 },    { ARRAY, 4, 0 },    { MAP, 2, 0 },      { MAP, 4, 0 },
};

/* The kinds whose first byte holds the number too. false: it is none of them. */
static bool read_short(unsigned char first, struct header *header)
{
    *header = (struct header){ .bytes = 1 };
    if (first < 0x80 || first >= 0xe0) {
        header->kind = first < 0x80 ? UNSIGNED : SIGNED;
        header->number = first < 0x80 ? first : (uint64_t)(int64_t)(int8_t)first;
    } else if (first < 0xa0) {
        header->kind = first < 0x90 ? MAP : ARRAY;
        header->number = first & 0x0f;
    } else if (first < 0xc0) {
        header->kind = TEXT;
        header->body = first & 0x1f;
    } else {
        return false;
    }
    return true;
}

static void extend_sign(struct header *header, size_t digits)
{
    assert(digits >= 1 && digits <= 8); /* as the table of headers has them */
    unsigned unused = 64 - 8 * (unsigned)digits;
    header->number = (uint64_t)((int64_t)(header->number << unused) >> unused);
}

static enum msgpack_step read_header(const unsigned char *bytes, size_t length,
                                     struct header *header)
{
    if (length == 0)
        return MSGPACK_SHORT;
    if (read_short(bytes[0], header))
        return MSGPACK_VALUE;
    size_t digits = forms[bytes[0] - 0xc0].digits, fixed = forms[bytes[0] - 0xc0].fixed;
    header->kind = forms[bytes[0] - 0xc0].kind;
    if (header->kind == NO_KIND)
        return MSGPACK_WRONG;
    if (length < 1 + digits)
        return MSGPACK_SHORT;
    header->number = big_endian(bytes + 1, digits);
    header->bytes = 1 + digits;
    if (header->kind == TEXT || header->kind == BYTES || header->kind == EXT)
        header->body = header->number + fixed;
    if (header->kind == SIGNED)
        extend_sign(header, digits);
    return MSGPACK_VALUE;
}

enum msgpack_step msgpack_measure(const unsigned char *bytes, size_t length, size_t *used)
{
    size_t at = 0;
    for (uint64_t left = 1; left > 0; left--) {
        struct header header;
        enum msgpack_step step = read_header(bytes + at, length - at, &header);
        if (step != MSGPACK_VALUE)
            return step;
        if (header.kind == ARRAY || header.kind == MAP)
            left += header.number << (header.kind == MAP);
        at += header.bytes;
        /* Each value to come takes a byte at least: what a header claims is bounded here. */
        if (header.body + left > MSGPACK_BYTES_MOST || at + header.body > MSGPACK_BYTES_MOST)
            return MSGPACK_WRONG;
        if (header.body > length - at)
            return MSGPACK_SHORT;
        at += (size_t)header.body;
    }
    *used = at;
    return MSGPACK_VALUE;
}

/* ---- as JSON ---- */

struct cursor {
    const unsigned char *bytes;
    size_t at, length;
};

static json_t *take(struct cursor *cursor, uint32_t depth);

static json_t *hexadecimal(const unsigned char *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    char *text = memory_new(2 * count + 1, 1);
    for (size_t i = 0; i < count; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    json_t *string = json_stringn(text, 2 * count);
    free(text);
    return string;
}

static json_t *whole(const struct header *header)
{
    char digits[24];
    if (header->kind == SIGNED || header->number <= INT64_MAX)
        return json_integer((json_int_t)header->number);
    snprintf(digits, sizeof digits, "%" PRIu64, header->number);
    return json_string(digits);
}

static json_t *real(const struct header *header)
{
    double value;
    if (header->bytes == 5) {
        uint32_t bits = (uint32_t)header->number;
        float narrow;
        memcpy(&narrow, &bits, sizeof narrow);
        value = (double)narrow;
    } else {
        memcpy(&value, &header->number, sizeof value);
    }
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *take_array(struct cursor *cursor, uint64_t count, uint32_t depth)
{
    json_t *array = json_array();
    for (uint64_t i = 0; i < count; i++)
        if (json_array_append_new(array, take(cursor, depth + 1)) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static bool take_pair(struct cursor *cursor, json_t *object, uint32_t depth)
{
    json_t *key = take(cursor, depth + 1);
    const char *name = json_string_value(key);
    bool is_new = name != NULL && json_object_get(object, name) == NULL;
    bool set = is_new && json_object_set_new(object, name, take(cursor, depth + 1)) == 0;
    json_decref(key);
    return set;
}

static json_t *take_map(struct cursor *cursor, uint64_t count, uint32_t depth)
{
    json_t *object = json_object();
    for (uint64_t i = 0; i < count; i++)
        if (!take_pair(cursor, object, depth)) {
            json_decref(object);
            return NULL;
        }
    return object;
}

/* Bytes that are no text may have been written as one by old encoders. */
static json_t *text_of(const unsigned char *bytes, size_t count)
{
    json_t *text = json_stringn((const char *)bytes, count);
    return text != NULL ? text : hexadecimal(bytes, count);
}

static json_t *take(struct cursor *cursor, uint32_t depth)
{
    struct header header;
    if (depth > MSGPACK_DEPTH_MOST ||
        read_header(cursor->bytes + cursor->at, cursor->length - cursor->at, &header) !=
            MSGPACK_VALUE)
        return NULL;
    cursor->at += header.bytes;
    const unsigned char *body = cursor->bytes + cursor->at;
    if (header.body > cursor->length - cursor->at)
        return NULL;
    cursor->at += (size_t)header.body;
    switch (header.kind) {
    case FALSE_:
    case TRUE_:
        return json_boolean(header.kind == TRUE_);
    case UNSIGNED:
    case SIGNED:
        return whole(&header);
    case REAL:
        return real(&header);
    case TEXT:
        return text_of(body, (size_t)header.body);
    case BYTES:
        return hexadecimal(body, (size_t)header.body);
    case ARRAY:
        return take_array(cursor, header.number, depth);
    case MAP:
        return take_map(cursor, header.number, depth);
    default:
        return json_null();
    }
}

json_t *msgpack_json(const unsigned char *bytes, size_t length)
{
    struct cursor cursor = { bytes, 0, length };
    return take(&cursor, 0);
}

bool msgpack_array(const unsigned char *bytes, size_t length, uint32_t *count, size_t *first)
{
    struct header header;
    if (read_header(bytes, length, &header) != MSGPACK_VALUE || header.kind != ARRAY)
        return false;
    *count = (uint32_t)header.number;
    *first = header.bytes;
    return true;
}

bool msgpack_bytes(const unsigned char *bytes, size_t length, size_t *begin, size_t *count)
{
    struct header header;
    if (read_header(bytes, length, &header) != MSGPACK_VALUE || header.kind != BYTES ||
        header.body > length - header.bytes)
        return false;
    *begin = header.bytes;
    *count = (size_t)header.body;
    return true;
}
