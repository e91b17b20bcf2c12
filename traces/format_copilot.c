/* traces/format_copilot.c - GitHub Copilot Coding Agent Traces 2026: a JSON object a line and
 * session,
 *   {"session_id": "...", "date": "2026-06-01", "turns": [{"turn_id": "...", "llm_calls": [
 *     {"timestamp": "2026-06-01T09:00:00.250Z", "duration_ms": 1500.0, "model": "Model A",
 *      "tokens": {"prompt": 12000, "completion": 150, "cached": 11000}}, ...],
 *     "tool_batches": [...]}]}
 * Metadata only: it has no texts, and says nothing of prefixes that sessions share. A call holds
 * its whole prompt; it goes on with the session whose context it extends (chains.h), of its model.
 * Think time is from the end of the call before, timestamp + duration_ms: tools and people
 * together. Calls without tokens failed and are left out; tokens.cached is passed over. The
 * sessions are a uniform sample of what was served, so that their dates say nothing of a server's
 * load: each begins after a gap of workload.sessions_per_s, the first at 0. Closed loop. Source:
 * Azure/AzurePublicDataset a77ce7b, GitHubCopilotCodingAgentDataset2026.md and
 * analysis/GitHubCopilotCodingAgents/schema.json, trace_loader.py (CC-BY; arXiv 2608.00101). */
#include "base/memory.h"
#include "base/units.h"
#include "traces/chains.h"
#include "traces/conversations.h"
#include "traces/format.h"
#include "traces/record_time.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct copilot {
    struct conversations conversations;
    struct trace_skips *skips;
    struct chains *chains;
    struct chains_call *calls; /* of the session being read; times since 1970 until all are there */
    uint32_t calls_capacity, call_count;
};

static bool copilot_probe(const struct head *head)
{
    return head->text[0] == '{' && head_has(head, "\"llm_calls\"");
}

static enum status copilot_open(struct lines *lines, const struct format_settings *settings,
                                void **state, struct error *err)
{
    (void)lines, (void)err;
    struct copilot *copilot = *state = memory_new(1, sizeof *copilot);
    conversations_begin(&copilot->conversations, &settings->workload);
    copilot->skips = settings->skips;
    copilot->chains = chains_new();
    return STATUS_OK;
}

static void copilot_close(void *state)
{
    struct copilot *copilot = state;
    conversations_free(&copilot->conversations);
    chains_free(copilot->chains);
    free(copilot->calls);
    free(copilot);
}

static enum status get_start(struct json_record record, uint64_t *start_ns, uint64_t *duration_ns,
                             struct error *err)
{
    char found[64];
    const json_t *time = json_object_get(record.object, "timestamp");
    const json_t *duration = json_object_get(record.object, "duration_ms");
    double ms = json_number_value(duration);
    if (!json_is_string(time) || !datetime_parse(json_string_value(time), start_ns))
        return json_record_refuse(record, "timestamp", "a date and time",
                                  json_kind(time, found, sizeof found), err);
    if (duration != NULL && !json_is_null(duration) &&
        (!json_is_number(duration) || ms < 0.0 || ms > RECORD_SECONDS_MOST))
        return json_record_refuse(record, "duration_ms", "milliseconds, a number from 0 to 9e9",
                                  json_kind(duration, found, sizeof found), err);
    *duration_ns = (uint64_t)(ms * (double)NS_PER_MS + 0.5);
    return STATUS_OK;
}

/* 0: there are none, the call failed. */
static enum status get_tokens(struct json_record tokens, const char *key, int64_t *count,
                              struct error *err)
{
    const json_t *item = json_object_get(tokens.object, key);
    *count = 0;
    if (item == NULL || json_is_null(item))
        return STATUS_OK;
    return json_record_whole(tokens, key, 0, RECORD_TOKENS_MOST, count, err);
}

static enum status read_call(struct copilot *copilot, struct json_record record, struct error *err)
{
    struct json_record tokens = { record.lines, record.line,
                                  json_object_get(record.object, "tokens") };
    const json_t *model = json_object_get(record.object, "model");
    uint64_t start_ns = 0, duration_ns = 0;
    int64_t prompt, reply;
    if (!json_is_object(record.object))
        return json_record_refuse(record, "llm_calls", "objects", "another value", err);
    if (get_start(record, &start_ns, &duration_ns, err) ||
        get_tokens(tokens, "prompt", &prompt, err) || get_tokens(tokens, "completion", &reply, err))
        return err->status;
    if (prompt == 0 || reply == 0) {
        copilot->skips->by[SKIP_NO_REPLY]++;
        return STATUS_OK;
    }
    memory_grow(&copilot->calls, &copilot->calls_capacity, (uint64_t)copilot->call_count + 1,
                sizeof *copilot->calls);
    copilot->calls[copilot->call_count++] = (struct chains_call){
        .start_ns = start_ns,
        .end_ns = start_ns + duration_ns,
        .lane = json_is_string(model)
                    ? XXH64(json_string_value(model), json_string_length(model), 0)
                    : 0,
        .prompt_tokens = (uint32_t)prompt,
        .reply_tokens = (uint32_t)reply,
    };
    return STATUS_OK;
}

static enum status read_turns(struct copilot *copilot, struct json_record record, struct error *err)
{
    char found[64];
    const json_t *turns = json_object_get(record.object, "turns");
    if (!json_is_array(turns))
        return json_record_refuse(record, "turns", "an array of turns",
                                  json_kind(turns, found, sizeof found), err);
    for (size_t i = 0; i < json_array_size(turns); i++) {
        const json_t *calls = json_object_get(json_array_get(turns, i), "llm_calls");
        if (calls == NULL || json_is_null(calls))
            continue;
        if (!json_is_array(calls))
            return json_record_refuse(record, "llm_calls", "an array of calls",
                                      json_kind(calls, found, sizeof found), err);
        for (size_t c = 0; c < json_array_size(calls); c++) {
            struct json_record call = { record.lines, record.line, json_array_get(calls, c) };
            if (read_call(copilot, call, err) != STATUS_OK)
                return err->status;
        }
    }
    return STATUS_OK;
}

static enum status read_session(void *state, struct json_record record, struct error *err)
{
    struct copilot *copilot = state;
    copilot->call_count = 0;
    if (read_turns(copilot, record, err) != STATUS_OK)
        return err->status;
    if (copilot->call_count == 0)
        return STATUS_OK;
    uint64_t begin_ns = conversations_arrival(&copilot->conversations);
    uint64_t first_ns = UINT64_MAX;
    for (uint32_t i = 0; i < copilot->call_count; i++)
        if (copilot->calls[i].start_ns < first_ns)
            first_ns = copilot->calls[i].start_ns;
    for (uint32_t i = 0; i < copilot->call_count; i++) {
        copilot->calls[i].start_ns -= first_ns;
        copilot->calls[i].end_ns -= first_ns;
    }
    chains_add_all(copilot->chains, copilot->calls, copilot->call_count);
    chains_end(copilot->chains, begin_ns, copilot->conversations.pending);
    return STATUS_OK;
}

static enum trace_step copilot_next(void *state, struct lines *lines, struct trace_session *session,
                                    struct error *err)
{
    struct copilot *copilot = state;
    return conversations_next(&copilot->conversations, lines, read_session, copilot, session, err);
}

static void copilot_tell(const void *state, struct trace_facts *facts)
{
    (void)state;
    facts_assume(facts,
                 "when each session begins, drawn by workload.sessions_per_s: they are a sample");
}

const struct trace_format trace_format_copilot = {
    .name = "copilot",
    .summary = "JSON lines of GitHub Copilot's coding agents 2026 (AzurePublicDataset): sessions",
    .time_key = "timestamp",
    .probe = copilot_probe,
    .open = copilot_open,
    .close = copilot_close,
    .next = copilot_next,
    .tell = copilot_tell,
};
