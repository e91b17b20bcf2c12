/* traces/format_agentic.c - sessions of agents, which wait for tools between turns: reprise's own
 * format, one JSON object a line and session,
 *   {"session": "a", "arrival_s": 1.5, "turns": [
 *     {"prompt_tokens": 900, "reply_tokens": 40},
 *     {"prompt_tokens": 700, "reply_tokens": 60, "tool_s": 2.25},
 *     {"prompt_tokens": 30, "reply_tokens": 200, "tool_s": 0.5, "think_s": 12}]}
 * (on one line). prompt_tokens are new in the turn: a tool's result, a user's words. tool_s is how
 * long the tool ran and think_s how long a person thought; the turn is asked when both are over,
 * counted from the end of the reply before. "tenant" (a name) may say whose the session is.
 * "session" and other keys are passed over. Closed loop. Token counts of published agent traces
 * (AIPerf's multi-turn JSONL: session_id, turns, delay in ms) map to it turn by turn. */
#include "base/memory.h"
#include "traces/format.h"
#include "traces/json_record.h"
#include "traces/tenant_read.h"

#include <stdio.h>
#include <stdlib.h>

enum { TURNS_MOST = 1 << 20 };

struct agentic {
    struct trace_turn *turns;
    uint32_t turns_capacity;
    struct tenant_reader tenants;
};

static bool agentic_probe(const struct head *head)
{
    return head->text[0] == '{' && head_line_has(head, "\"arrival_s\"") &&
           head_line_has(head, "\"turns\"");
}

static enum status agentic_open(struct lines *lines, const struct format_settings *settings,
                                void **state, struct error *err)
{
    (void)lines, (void)settings, (void)err;
    *state = memory_new(1, sizeof(struct agentic));
    return STATUS_OK;
}

static void agentic_close(void *state)
{
    free(((struct agentic *)state)->turns);
    free(state);
}

static enum status get_turn(struct json_record record, bool first, struct trace_turn *turn,
                            struct error *err)
{
    int64_t prompt, reply;
    uint64_t tool_ns, think_ns;
    if (!json_is_object(record.object))
        return json_record_refuse(record, "turns", "objects", "another value", err);
    if (json_record_whole(record, "prompt_tokens", 1, RECORD_TOKENS_MOST, &prompt, err) ||
        json_record_whole(record, "reply_tokens", 1, RECORD_TOKENS_MOST, &reply, err) ||
        json_record_seconds(record, "tool_s", true, &tool_ns, err) ||
        json_record_seconds(record, "think_s", true, &think_ns, err))
        return err->status;
    /* Nothing was before the first turn: its time is the arrival. */
    if (first && tool_ns + think_ns > 0)
        return json_record_refuse(record, tool_ns > 0 ? "tool_s" : "think_s",
                                  "0 or nothing in the first turn", "more", err);
    *turn = (struct trace_turn){ .think_ns = tool_ns + think_ns,
                                 .prompt_tokens = (uint32_t)prompt,
                                 .reply_tokens = (uint32_t)reply };
    return STATUS_OK;
}

static enum status get_session(void *state, struct json_record record,
                               struct trace_session *session, struct error *err)
{
    struct agentic *agentic = state;
    char found[32];
    const json_t *turns = json_object_get(record.object, "turns");
    size_t count = json_array_size(turns);
    if (json_record_seconds(record, "arrival_s", false, &session->arrival_ns, err) != STATUS_OK)
        return err->status;
    if (count == 0 || count > TURNS_MOST) {
        snprintf(found, sizeof found, "%zu", count);
        return json_record_refuse(record, "turns", "an array of 1 to 1048576 turns",
                                  json_is_array(turns) ? found : "no array", err);
    }
    memory_grow(&agentic->turns, &agentic->turns_capacity, count, sizeof *agentic->turns);
    for (size_t i = 0; i < count; i++) {
        struct json_record turn = { record.lines, record.line, json_array_get(turns, i) };
        if (get_turn(turn, i == 0, &agentic->turns[i], err) != STATUS_OK)
            return err->status;
    }
    session->turns = agentic->turns;
    session->turn_count = (uint32_t)count;
    return tenant_read_json(&agentic->tenants, record, &session->tenant, err);
}

static void agentic_tell(const void *state, struct trace_facts *facts)
{
    facts->tenants = ((const struct agentic *)state)->tenants.tenants;
}

static enum status agentic_parse(void *state, const struct lines *lines, const char *line,
                                 size_t length, struct trace_session *session, struct error *err)
{
    return json_record_session(lines, line, length, get_session, state, session, err);
}

/* ---- writing ---- */

/* Read as doubles, times are whole ns up to 97 days, and off by less than 1 us up to 270 years. */
static void agentic_write(struct text_out *out, const struct trace_facts *facts,
                          const struct trace_session *session)
{
    text_out_text(out, "{\"session\": \"");
    text_out_whole(out, session->id);
    text_out_text(out, "\"");
    tenant_write_json(out, facts, session);
    text_out_text(out, ", \"arrival_s\": ");
    text_out_seconds(out, session->arrival_ns);
    text_out_text(out, ", \"turns\": [");
    for (uint32_t i = 0; i < session->turn_count; i++) {
        text_out_text(out, i > 0 ? ", {\"prompt_tokens\": " : "{\"prompt_tokens\": ");
        text_out_whole(out, session->turns[i].prompt_tokens);
        text_out_text(out, ", \"reply_tokens\": ");
        text_out_whole(out, session->turns[i].reply_tokens);
        if (session->turns[i].think_ns > 0) {
            text_out_text(out, ", \"think_s\": ");
            text_out_seconds(out, session->turns[i].think_ns);
        }
        text_out_text(out, "}");
    }
    text_out_text(out, "]}\n");
}

static const struct trace_format_out agentic_out = {
    .turns = true, .tenants = true, .time_ns = 1, .session = agentic_write
};

const struct trace_format trace_format_agentic = {
    .name = "agentic",
    .summary = "JSON lines, one a session: turns with the delays of tools and people between them",
    .time_key = "arrival_s",
    .probe = agentic_probe,
    .open = agentic_open,
    .close = agentic_close,
    .parse = agentic_parse,
    .tell = agentic_tell,
    .out = &agentic_out,
};
