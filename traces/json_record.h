/* traces/json_record.h - reading one record that is a JSON object, and refusing what is wrong in it
 * by line and key. Private to traces/. */
#ifndef REPRISE_TRACES_JSON_RECORD_H
#define REPRISE_TRACES_JSON_RECORD_H

#include "traces/json_text.h"
#include "traces/lines.h"
#include "traces/traces.h"

#include <jansson.h>

/* Most tokens of a prompt or a reply, most seconds of a time. */
#define RECORD_TOKENS_MOST (INT64_C(1) << 30)
#define RECORD_SECONDS_MOST ((double)TRACE_TIME_MOST_NS / (double)NS_PER_S)
/* Of a prompt whose blocks get keys though the file lists none: what a line makes of memory is
 * bounded. Above any context window. */
#define RECORD_KEYED_TOKENS_MOST (INT64_C(1) << 24)

/* What is being read, for messages: an object, and the line on which it begins. */
struct json_record {
    const struct lines *lines;
    uint64_t line;
    const json_t *object;
};

/* Parses the line that `lines` gave last: a JSON object without duplicate keys. *object is the
 * caller's to json_decref() with STATUS_OK. */
enum status json_record_parse(const struct lines *lines, const char *line, size_t length,
                              json_t **object, struct error *err);

/* Parses that line and lets `read` make a session of it: what a format's parse() does whose lines
 * are objects. */
enum status json_record_session(const struct lines *lines, const char *line, size_t length,
                                enum status (*read)(void *state, struct json_record record,
                                                    struct trace_session *session,
                                                    struct error *err),
                                void *state, struct trace_session *session, struct error *err);

/* What kind of value it is and how long, for messages: never the value itself, which may be what
 * somebody wrote. NULL: "no such key". Gives text. */
const char *json_kind(const json_t *item, char *text, size_t text_bytes);

enum status json_record_refuse(struct json_record record, const char *key, const char *expected,
                               const char *found, struct error *err);

/* The whole number under key, from least to most. */
enum status json_record_whole(struct json_record record, const char *key, int64_t least,
                              int64_t most, int64_t *value, struct error *err);

/* That many times unit_ns, to the nearest ns; no more than RECORD_SECONDS_MOST. */
uint64_t record_ns(double value, uint64_t unit_ns);

/* The same; false: it is below 0, or more than that. */
bool record_time(double value, uint64_t unit_ns, uint64_t *ns);

/* The seconds under key, a number from 0, as ns. With `optional`, a missing key or null is 0. */
enum status json_record_seconds(struct json_record record, const char *key, bool optional,
                                uint64_t *ns, struct error *err);

/* The same of milliseconds, the whole ones exact; up to the same time. */
enum status json_record_milliseconds(struct json_record record, const char *key, bool optional,
                                     uint64_t *ns, struct error *err);

/* The array under key, of ids as json_id() has them, into *ids (memory_grow()'s). */
enum status json_record_ids(struct json_record record, const char *key, uint32_t count_least,
                            uint32_t count_most, uint64_t **ids, uint32_t *capacity,
                            uint32_t *count, struct error *err);

#endif
