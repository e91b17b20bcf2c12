/* traces/msgpack.h - values of MessagePack out of bytes that nobody vouches for. Private to
 * traces/.
 *
 * What an engine publishes in this encoding it could as well publish as JSON, so a value becomes a
 * json_t and one reader serves both. Why not Debian's libmsgpack-dev: it reserves room for as many
 * elements as a header claims, before one of them is there (msgpack/msgpack-c, src/unpack.c,
 * template_callback_array), so that five bytes ask for 100 GB. Here room follows bytes that are
 * there. Source of the encoding: msgpack/msgpack, spec.md (2013 revision, with bin and ext). */
#ifndef REPRISE_TRACES_MSGPACK_H
#define REPRISE_TRACES_MSGPACK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MSGPACK_BYTES_MOST = 16 << 20, MSGPACK_DEPTH_MOST = 16 };

enum msgpack_step {
    MSGPACK_VALUE,
    MSGPACK_SHORT, /* its end is not among these bytes */
    MSGPACK_WRONG  /* no value, or one of more than MSGPACK_BYTES_MOST bytes */
};

/* How many bytes the value takes that begins at bytes[0]. Allocates nothing. *used is set with
 * MSGPACK_VALUE. */
enum msgpack_step msgpack_measure(const unsigned char *bytes, size_t length, size_t *used);

/* The value that msgpack_measure() found whole there, the caller's to json_decref(). Whole numbers
 * beyond 63 bits become their digits as a string, bytes their hexadecimal digits, ext and numbers
 * that are none (NaN) null: as a careful writer of JSON would have it. NULL: nested deeper than
 * MSGPACK_DEPTH_MOST, or a map with a key that is no text or stands twice. */
json_t *msgpack_json(const unsigned char *bytes, size_t length);

/* If the value there is an array: the number of its elements, and where the first begins; else
 * false. */
bool msgpack_array(const unsigned char *bytes, size_t length, uint32_t *count, size_t *first);

/* If the value there is bytes (bin): where they lie; else false. */
bool msgpack_bytes(const unsigned char *bytes, size_t length, size_t *begin, size_t *count);

#endif
