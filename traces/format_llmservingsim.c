/* traces/format_llmservingsim.c - LLMServingSim's workloads. Since version 1.1 a JSON object a
 * line, requests and agents' sessions beside each other:
 *   {"input_toks": 1472, "output_toks": 133, "arrival_time_ns": 4059740, "input_tok_ids": [...]}
 *   {"session_id": "s0", "arrival_time_ns": 5059740, "sub_requests": [
 *     {"input_toks": 1472, "output_toks": 133, "tool_duration_ns": 127348767}, ...]}
 * and before that a table with tabs between input_toks, output_toks and arrival_time_ns.
 *
 * A sub-request is asked tool_duration_ns of the one before after that one's reply has ended; its
 * input_toks are its whole prompt, system prompt and turns before it included, and what it adds is
 * found as in chains.h. Where a session's context is cut, what follows is a session of its own; it
 * begins when the tools before it have run, which leaves out the time of the replies between.
 *
 * Two loops. A file whose first line has input_tok_ids, and the table, are an open loop; ids are
 * hashed into blocks of import.block_tokens, and tokens without id (the prompt is longer than its
 * ids, or has none) are shared with nobody. Other files, and llmservingsim-sessions, if named, are
 * a closed loop without blocks, in which a request is a session of one turn. output_tok_ids are
 * passed over. Source: casys-kaist/LLMServingSim 5daddb2, docs/docs/workloads/jsonl-format.md and
 * agentic-sessions.md; fcc9de1, inference_serving/scheduler.py, for the table. */
#include "base/memory.h"
#include "traces/chains.h"
#include "traces/conversations.h"
#include "traces/csv.h"
#include "traces/format.h"
#include "traces/prefix_key.h"

#include <stdlib.h>
#include <string.h>

#define NS_MOST INT64_C(9000000000000000000)
enum { INPUT, OUTPUT, ARRIVAL };
static const struct csv_column columns[] = { [INPUT] = { "input_toks", false },
                                             [OUTPUT] = { "output_toks", false },
                                             [ARRIVAL] = { "arrival_time_ns", false },
                                             { NULL, false } };

struct llmservingsim {
    bool table, blocks;
    uint32_t block_tokens;
    struct csv csv; /* the table's */
    struct conversations conversations;
    struct trace_skips *skips;
    struct chains *chains;
    struct trace_turn turn;
    uint64_t *keys, requests;
    uint32_t keys_capacity;
};

static bool llmservingsim_probe(const struct head *head)
{
    return (head_line_has(head, "input_toks") && head_line_has(head, "output_toks")) ||
           (head->text[0] == '{' && head_line_has(head, "\"sub_requests\""));
}

static enum status sessions_open(struct lines *lines, const struct format_settings *settings,
                                 void **state, struct error *err)
{
    const char *head;
    size_t length;
    struct llmservingsim *sim = *state = memory_new(1, sizeof *sim);
    conversations_begin(&sim->conversations, &settings->workload);
    sim->skips = settings->skips;
    sim->chains = chains_new();
    sim->block_tokens = settings->import.block_tokens;
    if (lines_peek(lines, &head, &length, err) == LINES_ERROR)
        return err->status;
    sim->table = head[0] != '{';
    const char *end = strchr(head, '\n'), *tab = strchr(head, '\t');
    sim->csv.separator = tab != NULL && (end == NULL || tab < end) ? '\t' : ',';
    return sim->table ? csv_heading(&sim->csv, lines, columns, err) : STATUS_OK;
}

static enum status llmservingsim_open(struct lines *lines, const struct format_settings *settings,
                                      void **state, struct error *err)
{
    const char *head;
    size_t length;
    if (sessions_open(lines, settings, state, err) != STATUS_OK)
        return err->status;
    struct llmservingsim *sim = *state;
    if (sim->table)
        return STATUS_OK;
    if (lines_peek(lines, &head, &length, err) == LINES_ERROR)
        return err->status;
    const char *end = memchr(head, '\n', length);
    const struct head first = { head, length, end != NULL ? (size_t)(end - head) : length };
    sim->blocks =
        head_line_has(&first, "\"input_tok_ids\"") && !head_line_has(&first, "\"sub_requests\"");
    return STATUS_OK;
}

static void llmservingsim_close(void *state)
{
    struct llmservingsim *sim = state;
    conversations_free(&sim->conversations);
    chains_free(sim->chains);
    free(sim->keys);
    free(sim);
}

/* ---- requests ---- */

/* Keys of the prompt's blocks: of its ids as far as they go, then of nobody else's tokens. */
static enum status get_keys(struct llmservingsim *sim, struct json_record record,
                            uint32_t prompt_tokens, uint32_t *count, struct error *err)
{
    const json_t *ids = json_object_get(record.object, "input_tok_ids");
    uint64_t key = 0;
    *count = (uint32_t)(((uint64_t)prompt_tokens + sim->block_tokens - 1) / sim->block_tokens);
    memory_grow(&sim->keys, &sim->keys_capacity, *count, sizeof *sim->keys);
    for (uint32_t i = 0; i < prompt_tokens; i++) {
        const json_t *id = i < json_array_size(ids) ? json_array_get(ids, i) : NULL;
        if (id != NULL && (!json_is_integer(id) || json_integer_value(id) < 0))
            return json_record_refuse(record, "input_tok_ids", "whole numbers from 0",
                                      "another value", err);
        key = id != NULL ? prefix_key(key, (uint64_t)json_integer_value(id))
                         : prefix_key_alone(key, sim->requests);
        sim->keys[i / sim->block_tokens] = key;
    }
    return STATUS_OK;
}

static enum status get_tokens(struct json_record record, int64_t *input, int64_t *output,
                              struct error *err)
{
    if (json_record_whole(record, "input_toks", 0, RECORD_KEYED_TOKENS_MOST, input, err) ||
        json_record_whole(record, "output_toks", 0, RECORD_TOKENS_MOST, output, err))
        return err->status;
    return STATUS_OK;
}

static enum status read_request(struct llmservingsim *sim, struct json_record record,
                                uint64_t arrival_ns, struct error *err)
{
    int64_t input = 0, output = 0;
    struct trace_session session = { .arrival_ns = arrival_ns, .turn_count = 1 };
    if (get_tokens(record, &input, &output, err) != STATUS_OK)
        return err->status;
    sim->requests++;
    if (input == 0 || output == 0) {
        sim->skips->by[SKIP_NO_REPLY]++;
        return STATUS_OK;
    }
    if (sim->blocks &&
        get_keys(sim, record, (uint32_t)input, &session.block_count, err) != STATUS_OK)
        return err->status;
    session.block_keys = sim->keys;
    sim->turn =
        (struct trace_turn){ .prompt_tokens = (uint32_t)input, .reply_tokens = (uint32_t)output };
    session.turns = &sim->turn;
    pending_add(sim->conversations.pending, &session);
    return STATUS_OK;
}

/* ---- sessions ---- */

static enum status read_sub_requests(struct llmservingsim *sim, struct json_record record,
                                     const json_t *calls, uint64_t arrival_ns, struct error *err)
{
    uint64_t since_ns = 0;
    for (size_t i = 0; i < json_array_size(calls); i++) {
        struct json_record call = { record.lines, record.line, json_array_get(calls, i) };
        int64_t input = 0, output = 0, tool_ns = 0;
        if (!json_is_object(call.object))
            return json_record_refuse(record, "sub_requests", "objects", "another value", err);
        if (get_tokens(call, &input, &output, err) != STATUS_OK ||
            (json_object_get(call.object, "tool_duration_ns") != NULL &&
             json_record_whole(call, "tool_duration_ns", 0, NS_MOST - (int64_t)since_ns, &tool_ns,
                               err) != STATUS_OK))
            return err->status;
        if (input == 0 || output == 0)
            sim->skips->by[SKIP_NO_REPLY]++;
        else
            chains_add(sim->chains, &(struct chains_call){ .start_ns = since_ns,
                                                           .prompt_tokens = (uint32_t)input,
                                                           .reply_tokens = (uint32_t)output });
        since_ns += (uint64_t)tool_ns;
    }
    chains_end(sim->chains, arrival_ns, sim->conversations.pending);
    return STATUS_OK;
}

static enum status read_line(void *state, struct json_record record, struct error *err)
{
    struct llmservingsim *sim = state;
    char found[64];
    int64_t arrival_ns;
    const json_t *calls = json_object_get(record.object, "sub_requests");
    if (json_record_whole(record, "arrival_time_ns", 0, NS_MOST, &arrival_ns, err) != STATUS_OK)
        return err->status;
    sim->conversations.until_ns = (uint64_t)arrival_ns;
    if (calls == NULL)
        return read_request(sim, record, (uint64_t)arrival_ns, err);
    if (!json_is_array(calls))
        return json_record_refuse(record, "sub_requests", "an array of requests",
                                  json_kind(calls, found, sizeof found), err);
    if (sim->blocks)
        return json_record_refuse(record, "sub_requests",
                                  "requests, as on line 1: sessions that wait for replies are read "
                                  "with import.format=llmservingsim-sessions, without blocks",
                                  json_kind(calls, found, sizeof found), err);
    return read_sub_requests(sim, record, calls, (uint64_t)arrival_ns, err);
}

/* ---- the table ---- */

static enum status read_row(struct llmservingsim *sim, const struct lines *lines, char *line,
                            size_t length, struct trace_session *session, struct error *err)
{
    uint64_t input, output;
    if (csv_row(&sim->csv, lines, line, length, err) != STATUS_OK ||
        csv_whole(&sim->csv, lines, INPUT, "input_toks", 0, RECORD_TOKENS_MOST, &input, err) ||
        csv_whole(&sim->csv, lines, OUTPUT, "output_toks", 0, RECORD_TOKENS_MOST, &output, err) ||
        csv_whole(&sim->csv, lines, ARRIVAL, "arrival_time_ns", 0, NS_MOST, &session->arrival_ns,
                  err))
        return err->status;
    sim->turn =
        (struct trace_turn){ .prompt_tokens = (uint32_t)input, .reply_tokens = (uint32_t)output };
    session->turns = &sim->turn;
    session->turn_count = input > 0 && output > 0 ? 1 : 0;
    sim->skips->by[SKIP_NO_REPLY] += session->turn_count == 0;
    return STATUS_OK;
}

static enum trace_step llmservingsim_next(void *state, struct lines *lines,
                                          struct trace_session *session, struct error *err)
{
    struct llmservingsim *sim = state;
    if (!sim->table)
        return conversations_next(&sim->conversations, lines, read_line, sim, session, err);
    do {
        char *line;
        size_t length;
        enum lines_step step = lines_next(lines, &line, &length, err);
        if (step != LINES_LINE)
            return step == LINES_END ? TRACE_END : TRACE_ERROR;
        if (read_row(sim, lines, line, length, session, err) != STATUS_OK)
            return TRACE_ERROR;
    } while (session->turn_count == 0);
    return TRACE_ITEM;
}

static void llmservingsim_tell(const void *state, struct trace_facts *facts)
{
    const struct llmservingsim *sim = state;
    facts->open_loop = sim->table || sim->blocks;
    facts->block_tokens = sim->blocks ? sim->block_tokens : 0;
}

const struct trace_format trace_format_llmservingsim = {
    .name = "llmservingsim",
    .summary = "workloads of casys-kaist/LLMServingSim: requests, and agents' sessions",
    .time_key = "arrival_time_ns",
    .probe = llmservingsim_probe,
    .open = llmservingsim_open,
    .close = llmservingsim_close,
    .next = llmservingsim_next,
    .tell = llmservingsim_tell,
};

const struct trace_format trace_format_llmservingsim_sessions = {
    .name = "llmservingsim-sessions",
    .summary = "the same file as sessions that follow their replies, without blocks; to be named",
    .time_key = "arrival_time_ns",
    .open = sessions_open,
    .close = llmservingsim_close,
    .next = llmservingsim_next,
    .tell = llmservingsim_tell,
};
