/* traces/kv_records.h - the records of a recorded stream of KV events, whichever way they were
 * written down: JSON lines, or MessagePack one after the other. Private to traces/.
 *
 * MessagePack, as the ZMQ publishers of vLLM and SGLang send it. Each record may have its length
 * before it, as 4 bytes, the most significant first. A record is the payload of a message, or all
 * of its frames as an array [topic, sequence number, payload] or [sequence number, payload], in
 * which the payload is bytes. Told from JSON by the first byte: a JSON line begins with '{' or '['.
 * Source: vllm-project/vllm, vllm/distributed/kv_events.py, ZmqEventPublisher._publisher_thread()
 * (0181ea3); sgl-project/sglang, python/sglang/srt/disaggregation/kv_events.py (006d053), alike. */
#ifndef REPRISE_TRACES_KV_RECORDS_H
#define REPRISE_TRACES_KV_RECORDS_H

#include "traces/lines.h"

#include <jansson.h>

/* Where something stands, for messages: a line of JSON, or a record and its first byte. */
struct kv_where {
    const char *path;
    uint64_t line, byte; /* line: or the record's number, from 1 */
    bool binary;
};

struct kv_record {
    struct kv_where where;
    json_t *value; /* an object or an array; the receiver's to json_decref() */
    bool has_sequence;
    uint64_t sequence;
    uint64_t topic; /* of the frames' topic, a hash; 0: there is none */
};

/* Zeroed: before the first record. */
struct kv_records {
    bool begun, binary;
    unsigned char *bytes; /* read and not used: bytes[begin .. end) */
    uint32_t capacity, begin, end;
    uint64_t number, offset; /* of records given; of bytes[begin] in the stream */
};

/* Gives the next record. LINES_ERROR: lines_next()'s; no JSON or MessagePack; a record cut off, or
 * larger than MSGPACK_BYTES_MOST. */
enum lines_step kv_records_next(struct kv_records *records, struct lines *lines,
                                struct kv_record *record, struct error *err);
void kv_records_free(struct kv_records *records);

/* Refuses what stands there: error_input() with file and line; of MessagePack the record's number
 * in place of a line, and its first byte named. key may be NULL. */
enum status kv_refuse(const struct kv_where *where, const char *key, const char *expected,
                      const char *found, struct error *err);

#endif
