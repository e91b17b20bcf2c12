/* traces/mooncake_row.h - the rows of Mooncake's family of traces: one JSON object a line, of
 *   {"timestamp": ms, "input_length": tokens, "output_length": tokens, "hash_ids": [id, ...]}
 * and what its readers made of it since. Two formats read them: mooncake (open loop) and
 * mooncake-delta (closed loop). Private to traces/.
 *
 *   key, and its other names      what it is; where that is from
 *   timestamp, created_time       ms, also fractions; a row without is timed by the workload, if
 * all are input_length, input_tokens    of the prompt; none: whole blocks of hash_ids
 *   output_length, output_tokens, osl   of the reply; none: 1 token; 0: no request
 *   hash_ids                      of blocks; unsigned 64-bit numbers and strings too; none: nothing
 * shared session_id                    a string or a whole number delay, delay_ms               ms
 * from the end of the session's reply before block_size, block_tokens      tokens that an id stands
 * for (512), in any row or a leading one that is no request (metadata)
 *
 * A file whose rows begin with texts instead of lengths (text_input, input_text; or messages, and
 * tools, as a chat's) has its texts hashed into blocks of import.block_tokens and counted by
 * import.bytes_per_token (prompt_hash.h); lengths and ids beside a text are passed over.
 *
 * Sources: kvcache-ai/Mooncake, FAST25-release (timestamp, input_length, output_length, hash_ids of
 * 512 tokens); ai-dynamo/dynamo, lib/mocker/src/loadgen/trace.rs, RawMooncakeRecord of early 2026
 * (the other names, u64 ids, blank lines, --trace-block-size); ai-dynamo/aiperf,
 * dataset/loader/models.py and mooncake_trace.py (floats, output_length and hash_ids optional,
 * texts, session_id and delay); AISBench/benchmark, mooncake_trace's README (output_length 1 where
 * there is none); kvcache-simulator of PyPI (block_size, neither times nor replies). */
#ifndef REPRISE_TRACES_MOONCAKE_ROW_H
#define REPRISE_TRACES_MOONCAKE_ROW_H

#include "base/random.h"
#include "traces/format.h"
#include "traces/id_repeat.h"
#include "traces/json_record.h"
#include "traces/json_scan.h"
#include "traces/prompt_hash.h"
#include "traces/tenant_read.h"

enum { MOONCAKE_BLOCK_TOKENS = 512 };

/* What is known of the file, and room for a row's keys. Zeroed, then mooncake_rows_open(). */
struct mooncake_rows {
    uint32_t block_tokens; /* that an id stands for; 0: the file has no ids */
    uint32_t told_tokens;  /* block_tokens where the file says nothing */
    bool begun, has_times; /* a request was read; whether it had a time */
    bool drew_arrivals, assumed_replies, assumed_prompts; /* for a row read so far */
    struct trace_skips *skips;
    struct prompt_hash *texts; /* of a file whose rows begin with texts; else NULL */
    uint64_t *keys;
    uint32_t keys_capacity;
    struct id_repeat repeat;
    struct tenant_reader tenants;
    struct scan_form form; /* of a regular row, and what one holds: mooncake_row_scan() */
    struct scan scan;
};

/* keys[] hold until the next row is read. */
struct mooncake_row {
    bool is_request;                                        /* false: metadata, which was counted */
    bool has_time, has_delay, has_session, has_ids, failed; /* failed: the reply has 0 tokens */
    uint64_t time_ns, delay_ns, session;                    /* session: json_id() */
    struct trace_turn turn;                                 /* its tokens */
    const uint64_t *keys;
    uint32_t block_count; /* of keys[]; all blocks where the file has ids or texts */
    uint8_t tenant;
    bool is_whole; /* the prompt is a chat's messages, which hold its history */
};

/* Looks at what comes first: the size of block, whether there are ids. */
enum status mooncake_rows_open(struct mooncake_rows *rows, struct lines *lines,
                               const struct format_settings *settings, struct error *err);
void mooncake_rows_free(struct mooncake_rows *rows);
/* What the rows did not say. */
void mooncake_rows_tell(const struct mooncake_rows *rows, struct trace_facts *facts);

/* Reads the line that `lines` gave last. STATUS_INPUT: it is no row of the family. */
enum status mooncake_row_read(struct mooncake_rows *rows, struct json_record record,
                              struct mooncake_row *row, struct error *err);

/* Reads the line as mooncake_row_read() would, if it is a regular row behind a first request; false: it is
 * to be read by that one, and nothing has changed. */
bool mooncake_row_scan(struct mooncake_rows *rows, const char *line, size_t length,
                       struct mooncake_row *row);
/* The keys of such rows. */
void mooncake_scan_open(struct scan_form *form);

/* Whether the file begins as the family does: with rows that have lengths or hash ids of their own.
 * Others that have such keys (Bailian's, chat logs) are not claimed. */
bool mooncake_rows_probe(const struct head *head);
/* Whether, besides, its rows wait for each other: sessions with delays, or without times. */
bool mooncake_rows_wait(const struct head *head);

#endif
