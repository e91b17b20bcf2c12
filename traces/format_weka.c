/* traces/format_weka.c - traces of Claude Code and other agents as WEKA's kv-cache-tester and
 * AIPerf's weka_trace have them (semianalysisai/cc-traces-weka): a JSON object a conversation, one
 * a file or one a line,
 *   {"id": "t1", "block_size": 64, "hash_id_scope": "local", "requests": [
 *     {"t": 0.0, "type": "n", "model": "m", "in": 130, "out": 20, "hash_ids": [1, 2, 3],
 *      "api_time": 1.0, "think_time": 0.0},
 *     {"t": 9.0, "type": "subagent", "agent_id": "a", "requests": [...]}, ...]}
 * t counts from the conversation's begin, in sub-agents as well, in seconds; "in" is the whole
 * prompt. hash_ids are of its whole blocks, and chained by who wrote them or not: here each is
 * chained to those before it. Ids beyond the prompt's end are cut; tokens beyond its ids are shared
 * with nobody. Scope "local": ids are of this conversation and its sub-agents alone; "global": of
 * all conversations.
 *
 * The file does not say when one conversation begins beside another: the first does at 0, others
 * after gaps of workload.sessions_per_s, and their requests are put in order. Two formats of one
 * file. weka: open loop, each request at its time with its blocks. weka-sessions, if named: closed
 * loop without blocks; a request goes on with the chain that it extends (chains.h), of its model
 * and agent, think time being its t after the end (t + api_time) of the one before. A sub-agent is
 * a session of its own at its recorded time; nobody waits for its end.
 *
 * Source: callanjfox/kv-cache-tester's README (fields, "full blocks only"); ai-dynamo/aiperf, the
 * weka adapter's models ("hash_id_scope", nested subagents). */
#include "base/memory.h"
#include "base/units.h"
#include "traces/chains.h"
#include "traces/conversations.h"
#include "traces/format.h"
#include "traces/prefix_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { BLOCK_TOKENS = 64, AGENTS_DEEP_MOST = 16 };

struct weka {
    struct conversations conversations;
    struct trace_skips *skips;
    struct chains *chains; /* weka-sessions only, else NULL */
    struct chains_call *calls;
    uint32_t calls_capacity, call_count;
    uint32_t block_tokens, keys_capacity;
    uint64_t *keys;
    uint64_t begin_ns, salt, agents, requests;
};

static bool weka_probe(const struct head *head)
{
    size_t spaces = strspn(head->text, " \t\r\n");
    return (head->text[spaces] == '{' || head->text[spaces] == '[') &&
           head_has(head, "\"requests\"") && head_has(head, "\"hash_ids\"") &&
           head_has(head, "\"block_size\"");
}

/* The size of block must be known before the first request is given. */
static enum status first_block_tokens(struct lines *lines, uint32_t *tokens, struct error *err)
{
    const char *text;
    size_t length;
    *tokens = BLOCK_TOKENS;
    if (lines_peek(lines, &text, &length, err) == LINES_ERROR)
        return err->status;
    const char *key = length > 0 ? strstr(text, "\"block_size\"") : NULL;
    unsigned size;
    if (key != NULL && sscanf(key, "\"block_size\" : %5u", &size) == 1 && size > 0 && size <= 65536)
        *tokens = size; /* what is wrong in it is refused when the object is read */
    return STATUS_OK;
}

static enum status weka_open(struct lines *lines, const struct format_settings *settings,
                             void **state, struct error *err)
{
    struct weka *weka = *state = memory_new(1, sizeof *weka);
    conversations_begin(&weka->conversations, &settings->workload);
    weka->skips = settings->skips;
    return first_block_tokens(lines, &weka->block_tokens, err);
}

static enum status sessions_open(struct lines *lines, const struct format_settings *settings,
                                 void **state, struct error *err)
{
    (void)lines, (void)err;
    struct weka *weka = *state = memory_new(1, sizeof *weka);
    conversations_begin(&weka->conversations, &settings->workload);
    weka->skips = settings->skips;
    weka->chains = chains_new();
    return STATUS_OK;
}

static void weka_close(void *state)
{
    struct weka *weka = state;
    conversations_free(&weka->conversations);
    if (weka->chains != NULL)
        chains_free(weka->chains);
    free(weka->calls);
    free(weka->keys);
    free(weka);
}

/* ---- a request ---- */

static enum status get_keys(struct weka *weka, struct json_record record, uint32_t prompt_tokens,
                            uint32_t *count, struct error *err)
{
    char found[64];
    const json_t *ids = json_object_get(record.object, "hash_ids");
    uint64_t key = weka->salt;
    *count = (uint32_t)(((uint64_t)prompt_tokens + weka->block_tokens - 1) / weka->block_tokens);
    memory_grow(&weka->keys, &weka->keys_capacity, *count, sizeof *weka->keys);
    if (ids != NULL && !json_is_array(ids))
        return json_record_refuse(record, "hash_ids", "an array of ids",
                                  json_kind(ids, found, sizeof found), err);
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const json_t *id = json_array_get(ids, i);
        if (!json_is_integer(id) || json_integer_value(id) < 0)
            return json_record_refuse(record, "hash_ids", "whole numbers from 0", "another value",
                                      err);
        if (i < *count)
            weka->keys[i] = key = prefix_key(key, (uint64_t)json_integer_value(id));
    }
    for (size_t i = json_array_size(ids); i < *count; i++)
        weka->keys[i] = key = prefix_key_alone(key, weka->requests);
    return STATUS_OK;
}

static enum status give_request(struct weka *weka, struct json_record record,
                                const struct chains_call *call, struct error *err)
{
    const struct trace_turn turn = { .prompt_tokens = call->prompt_tokens,
                                     .reply_tokens = call->reply_tokens };
    struct trace_session session = { .arrival_ns = weka->begin_ns + call->start_ns,
                                     .turns = &turn,
                                     .turn_count = 1 };
    if (get_keys(weka, record, call->prompt_tokens, &session.block_count, err) != STATUS_OK)
        return err->status;
    session.block_keys = weka->keys;
    pending_add(weka->conversations.pending, &session);
    return STATUS_OK;
}

static enum status read_call(struct weka *weka, struct json_record record, uint64_t agent,
                             struct error *err)
{
    uint64_t start_ns, api_ns;
    int64_t input, output;
    if (json_record_seconds(record, "t", false, &start_ns, err) ||
        json_record_seconds(record, "api_time", true, &api_ns, err) ||
        json_record_whole(record, "in", 0, RECORD_KEYED_TOKENS_MOST, &input, err) ||
        json_record_whole(record, "out", 0, RECORD_TOKENS_MOST, &output, err))
        return err->status;
    weka->requests++;
    if (input == 0 || output == 0) {
        weka->skips->by[SKIP_NO_REPLY]++;
        return STATUS_OK;
    }
    const json_t *model = json_object_get(record.object, "model");
    const struct chains_call call = {
        .start_ns = start_ns,
        .end_ns = start_ns + api_ns,
        .lane = json_is_string(model)
                    ? XXH64(json_string_value(model), json_string_length(model), agent)
                    : agent,
        .prompt_tokens = (uint32_t)input,
        .reply_tokens = (uint32_t)output,
    };
    if (weka->chains == NULL)
        return give_request(weka, record, &call, err);
    memory_grow(&weka->calls, &weka->calls_capacity, (uint64_t)weka->call_count + 1,
                sizeof *weka->calls);
    weka->calls[weka->call_count++] = call;
    return STATUS_OK;
}

/* ---- a conversation ---- */

static enum status read_requests(struct weka *weka, struct json_record record, uint32_t deep,
                                 struct error *err)
{
    char found[64];
    const json_t *requests = json_object_get(record.object, "requests");
    uint64_t agent = weka->agents++;
    if (!json_is_array(requests) || deep > AGENTS_DEEP_MOST)
        return json_record_refuse(record, "requests", "an array of requests, at most 16 deep",
                                  json_kind(requests, found, sizeof found), err);
    for (size_t i = 0; i < json_array_size(requests); i++) {
        struct json_record request = { record.lines, record.line, json_array_get(requests, i) };
        const char *type = json_string_value(json_object_get(request.object, "type"));
        if (!json_is_object(request.object))
            return json_record_refuse(record, "requests", "objects", "another value", err);
        if (type != NULL && strcmp(type, "subagent") == 0)
            read_requests(weka, request, deep + 1, err);
        else
            read_call(weka, request, agent, err);
        if (err->status != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static enum status read_scope(struct weka *weka, struct json_record record, struct error *err)
{
    char found[64];
    const json_t *item = json_object_get(record.object, "hash_id_scope");
    const char *scope = json_string_value(item);
    int64_t tokens;
    bool global = scope != NULL && strcmp(scope, "global") == 0;
    if (item != NULL && !global && (scope == NULL || strcmp(scope, "local") != 0))
        return json_record_refuse(record, "hash_id_scope", "local or global",
                                  json_kind(item, found, sizeof found), err);
    weka->salt = global ? 0 : keymap_mix(weka->agents + 1);
    if (weka->chains != NULL)
        return STATUS_OK;
    return json_record_whole(record, "block_size", weka->block_tokens, weka->block_tokens, &tokens,
                             err);
}

static enum status read_conversation(void *state, struct json_record record, struct error *err)
{
    struct weka *weka = state;
    weka->begin_ns = conversations_arrival(&weka->conversations);
    weka->call_count = 0;
    if (read_scope(weka, record, err) != STATUS_OK ||
        read_requests(weka, record, 0, err) != STATUS_OK)
        return err->status;
    if (weka->chains == NULL)
        return STATUS_OK;
    chains_add_all(weka->chains, weka->calls, weka->call_count);
    chains_end(weka->chains, weka->begin_ns, weka->conversations.pending);
    return STATUS_OK;
}

static enum trace_step weka_next(void *state, struct lines *lines, struct trace_session *session,
                                 struct error *err)
{
    struct weka *weka = state;
    return conversations_next(&weka->conversations, lines, read_conversation, weka, session, err);
}

static void weka_tell(const void *state, struct trace_facts *facts)
{
    const struct weka *weka = state;
    facts->block_tokens = weka->chains == NULL ? weka->block_tokens : 0;
    facts_assume(facts, "when each conversation begins, drawn by workload.sessions_per_s");
}

const struct trace_format trace_format_weka = {
    .name = "weka",
    .summary = "agents' conversations as WEKA and AIPerf have them: prompts as ids of blocks",
    .facts = { .open_loop = true },
    .time_key = "t",
    .probe = weka_probe,
    .open = weka_open,
    .close = weka_close,
    .next = weka_next,
    .tell = weka_tell,
};

const struct trace_format trace_format_weka_sessions = {
    .name = "weka-sessions",
    .summary = "the same file as sessions that follow their replies, without blocks; to be named",
    .time_key = "t",
    .open = sessions_open,
    .close = weka_close,
    .next = weka_next,
    .tell = weka_tell,
};
