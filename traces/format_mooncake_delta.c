/* traces/format_mooncake_delta.c - rows of Mooncake's family (mooncake_row.h) that wait for each
 * other:
 *   {"session_id": "s", "timestamp": 0, "input_length": 500, "output_length": 20, "hash_ids": [1]}
 *   {"session_id": "s", "delay": 5000, "input_length": 512, "output_length": 20, "hash_ids": [3]}
 * A session's first row has its time; a later one is asked `delay` ms after the end of the reply
 * before, or without a delay so long after it as its timestamp is after the one before. Closed
 * loop. A row holds the turn's new tokens. One whose hash_ids begin with the same id as the row
 * before it holds the whole prompt instead, history and replies included; so do a chat's messages,
 * whose turn adds what the estimate of their tokens exceeds the history by, at least 1. A row
 * without session_id is a session. Sessions may stand in any order and their rows between each
 * other: all numbers of the file are held in memory (collection.h), prompts' ids are not. That
 * sessions share prefixes is lost: a closed loop has no block keys here.
 *
 * Sources: AISimulate's and dynamo's trace format mooncake-delta (ai-dynamo/dynamo, mocker and
 * replay, 2026); ai-dynamo/aiperf, dataset/agentic_code_gen/writer.py (each row's input_length is
 * new tokens, ids are fresh but the first row's); dynamo's loadgen/trace.rs for whole prompts, for
 * delays from timestamps, and that a first row has no delay. */
#include "base/keymap.h"
#include "base/memory.h"
#include "traces/collection.h"
#include "traces/draws.h"
#include "traces/mooncake_row.h"
#include "traces/record_time.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct open_session {
    uint64_t key; /* first: the keymap reads it here */
    uint64_t last_ns, first_id, history_tokens;
    uint32_t number; /* the collection's */
    uint32_t turns;
    bool has_ids, has_last;
    uint8_t tenant;
};

struct delta {
    struct mooncake_rows rows;
    struct format_settings settings;
    struct random arrivals;
    uint64_t arrival_ns;
    struct collection *collection;
    struct open_session *open; /* [0] is none */
    uint32_t capacity, count;
    struct keymap map;
    bool has_times, is_read;
};

static bool mooncake_delta_probe(const struct head *head)
{
    return mooncake_rows_probe(head) && mooncake_rows_wait(head);
}

static enum status mooncake_delta_open(struct lines *lines, const struct format_settings *settings,
                                       void **state, struct error *err)
{
    struct delta *delta = *state = memory_new(1, sizeof *delta);
    delta->settings = *settings;
    delta->arrivals = random_from(settings->workload.seed, 0);
    delta->collection = collection_new();
    keymap_init(&delta->map, 1024);
    return mooncake_rows_open(&delta->rows, lines, settings, err);
}

static void mooncake_delta_close(void *state)
{
    struct delta *delta = state;
    mooncake_rows_free(&delta->rows);
    collection_free(delta->collection);
    keymap_free(&delta->map);
    free(delta->open);
    free(delta);
}

/* ---- a session's first row ---- */

static enum status first_arrival(struct delta *delta, struct json_record record,
                                 const struct mooncake_row *row, uint64_t *arrival_ns,
                                 struct error *err)
{
    if (delta->count == 0)
        delta->has_times = row->has_time;
    if (delta->has_times != row->has_time)
        return json_record_refuse(record, "timestamp",
                                  "a time in the first row of every session or of none",
                                  row->has_time ? "one" : "none", err);
    if (row->delay_ns > 0)
        return json_record_refuse(record, "delay", "0 or nothing in a session's first row", "more",
                                  err);
    *arrival_ns = row->time_ns;
    if (row->has_time)
        return STATUS_OK;
    delta->rows.drew_arrivals = true;
    delta->arrival_ns += draw_gap_ns(&delta->arrivals, delta->settings.workload.sessions_per_s);
    *arrival_ns = delta->arrival_ns;
    return STATUS_OK;
}

static enum status begin_session(struct delta *delta, struct json_record record,
                                 const struct mooncake_row *row, uint32_t *handle,
                                 struct error *err)
{
    uint64_t arrival_ns = 0;
    if (first_arrival(delta, record, row, &arrival_ns, err) != STATUS_OK)
        return err->status;
    *handle = ++delta->count;
    memory_grow(&delta->open, &delta->capacity, (uint64_t)*handle + 1, sizeof *delta->open);
    delta->open[*handle] = (struct open_session){
        .key = row->session,
        .number = collection_add(delta->collection, arrival_ns, NULL, 0),
        .tenant = row->tenant,
    };
    collection_set_tenant(delta->collection, delta->open[*handle].number, row->tenant);
    if (row->has_session)
        keymap_add(&delta->map, (struct keymap_keys){ delta->open, sizeof *delta->open }, *handle);
    return STATUS_OK;
}

/* ---- a later row ---- */

static enum status think_time(struct json_record record, const struct open_session *session,
                              const struct mooncake_row *row, uint64_t *think_ns, struct error *err)
{
    *think_ns = row->delay_ns;
    if (row->has_delay || !row->has_time || !session->has_last)
        return STATUS_OK;
    if (row->time_ns < session->last_ns)
        return json_record_refuse(record, "timestamp",
                                  "a time not before the session's row above it", "an earlier one",
                                  err);
    *think_ns = row->time_ns - session->last_ns;
    return STATUS_OK;
}

/* The tokens that the history does not hold yet. */
static enum status new_tokens(struct json_record record, const struct open_session *session,
                              const struct mooncake_row *row, uint32_t *tokens, struct error *err)
{
    char expected[128], found[32];
    *tokens = row->turn.prompt_tokens;
    bool is_whole = row->has_ids && session->has_ids && row->keys[0] == session->first_id;
    if (!row->is_whole && !is_whole)
        return STATUS_OK;
    bool adds = *tokens > session->history_tokens;
    if (adds || row->is_whole) { /* a chat's tokens are an estimate, its replies' may be a limit */
        *tokens = adds ? *tokens - (uint32_t)session->history_tokens : 1;
        return STATUS_OK;
    }
    snprintf(expected, sizeof expected,
             "more than the history, %" PRIu64 " tokens, which its hash_ids say that it holds",
             session->history_tokens);
    snprintf(found, sizeof found, "%" PRIu32, *tokens);
    return json_record_refuse(record, "input_length", expected, found, err);
}

static enum status add_row(struct delta *delta, struct json_record record,
                           const struct mooncake_row *row, struct error *err)
{
    const struct keymap_keys keys = { delta->open, sizeof *delta->open };
    uint32_t handle =
        row->has_session && delta->count > 0 ? keymap_find(&delta->map, keys, row->session) : 0;
    struct trace_turn turn = row->turn;
    if (handle == 0 && begin_session(delta, record, row, &handle, err) != STATUS_OK)
        return err->status;
    struct open_session *session = &delta->open[handle];
    if (row->tenant != session->tenant)
        return json_record_refuse(record, "tenant", "the session's tenant", "another", err);
    if (session->turns > 0 && (think_time(record, session, row, &turn.think_ns, err) ||
                               new_tokens(record, session, row, &turn.prompt_tokens, err)))
        return err->status;
    session->has_last |= row->has_time;
    if (row->has_time)
        session->last_ns = row->time_ns;
    if (row->failed)
        return STATUS_OK;
    session->has_ids = row->has_ids;
    session->first_id = row->has_ids ? row->keys[0] : 0;
    session->history_tokens += (uint64_t)turn.prompt_tokens + turn.reply_tokens;
    session->turns++;
    collection_add_turn(delta->collection, session->number, &turn);
    return STATUS_OK;
}

/* ---- the file ---- */

static enum status read_line(struct delta *delta, const struct lines *lines, const char *line,
                             size_t length, struct error *err)
{
    struct mooncake_row row;
    json_t *object = NULL;
    struct json_record record = { lines, lines_number(lines), NULL };
    bool is_regular = mooncake_row_scan(&delta->rows, line, length, &row);
    if (!is_regular && json_record_parse(lines, line, length, &object, err) != STATUS_OK)
        return err->status;
    record.object = object;
    enum status status =
        is_regular ? STATUS_OK : mooncake_row_read(&delta->rows, record, &row, err);
    if (status == STATUS_OK && row.is_request)
        status = add_row(delta, record, &row, err);
    if (status == STATUS_OK)
        status = collection_check_room(delta->collection, lines,
                                       "read it in parts, of whole sessions each", err);
    json_decref(object);
    return status;
}

static enum status read_all(struct delta *delta, struct lines *lines, struct error *err)
{
    const char *line;
    size_t length;
    enum lines_step step;
    while ((step = lines_view(lines, &line, &length, err)) == LINES_LINE)
        if (read_line(delta, lines, line, length, err) != STATUS_OK)
            return err->status;
    delta->is_read = true;
    collection_order(delta->collection);
    return step == LINES_END ? STATUS_OK : err->status;
}

static enum trace_step mooncake_delta_next(void *state, struct lines *lines,
                                           struct trace_session *session, struct error *err)
{
    struct delta *delta = state;
    if (!delta->is_read && read_all(delta, lines, err) != STATUS_OK)
        return TRACE_ERROR;
    return collection_take(delta->collection, session) ? TRACE_ITEM : TRACE_END;
}

static void mooncake_delta_tell(const void *state, struct trace_facts *facts)
{
    mooncake_rows_tell(&((const struct delta *)state)->rows, facts);
}

const struct trace_format trace_format_mooncake_delta = {
    .name = "mooncake-delta",
    .summary = "Mooncake's rows with session_id and delay: sessions that follow their replies",
    .time_key = "timestamp",
    .probe = mooncake_delta_probe,
    .open = mooncake_delta_open,
    .close = mooncake_delta_close,
    .next = mooncake_delta_next,
    .tell = mooncake_delta_tell,
};
