/* traces/format_openai.c - logs of completions in OpenAI's form, and input of its batch API, a JSON
 * object a line:
 *   {"timestamp": s, "messages": [{"role": "user", "content": "..."}, ...], "tools": [...],
 *    "usage": {"completion_tokens": n}, "choices": [{"message": {"role": "assistant", ...}}]}
 *   {"custom_id": "r-1", "method": "POST", "url": "/v1/chat/completions", "body": {"messages": ...,
 *    "max_completion_tokens": n}}
 * The prompt may stand in "request" or "body", "usage" and "choices" in "response" or in its
 * "body". It is "messages" (chat completions), "prompt" (completions), or "instructions" and
 * "input" (responses). The time is "timestamp", "created" or "created_at", of the line or of what
 * it holds: seconds as a number, or a date and time; if the first line has none, arrivals are the
 * workload's. With no choices, the last message is the reply if the assistant said it.
 *
 * What is said is hashed into prefix block keys while it is read, and never kept (prompt_hash.h):
 * one ratio of bytes to tokens for all requests. So prompts are counted by that estimate, whatever
 * usage.prompt_tokens says; replies by usage.completion_tokens where it is there. A batch's input
 * has no replies: max_completion_tokens, max_output_tokens or max_tokens stands for them, an upper
 * bound, and facts say so. Embeddings, moderations and scores decode
 * nothing and are left out. Open loop.
 * Contents that are no text are refused. Source: the OpenAI API reference's chat completion,
 * completion, response and batch objects (platform.openai.com/docs/api-reference/batch/
 * request-input: custom_id, method, url, body). */
#include "base/memory.h"
#include "traces/draws.h"
#include "traces/format.h"
#include "traces/json_record.h"
#include "traces/prompt_hash.h"
#include "traces/record_time.h"

#include <stdlib.h>
#include <string.h>

struct openai {
    struct format_settings settings;
    struct record_time time;
    bool begun, has_times, bounded;
    struct random arrivals;
    uint64_t arrival_ns;
    struct trace_turn turn;
    struct prompt_hash *hash;
};

/* A batch's input may ask other endpoints only: its first line then has no messages. */
static bool openai_probe(const struct head *head)
{
    return head->text[0] == '{' &&
           (head_line_has(head, "\"messages\"") ||
            (head_line_has(head, "\"custom_id\"") && head_line_has(head, "\"body\"")));
}

static enum status openai_open(struct lines *lines, const struct format_settings *settings,
                               void **state, struct error *err)
{
    (void)lines, (void)err;
    struct openai *openai = *state = memory_new(1, sizeof *openai);
    openai->settings = *settings;
    openai->time.any_order = settings->import.sort;
    openai->arrivals = random_from(settings->workload.seed, 0);
    openai->hash = prompt_hash_new(&settings->import);
    return STATUS_OK;
}

static void openai_close(void *state)
{
    struct openai *openai = state;
    prompt_hash_free(openai->hash);
    free(openai);
}

/* key's value in the line itself, or in one of the objects within it. */
static const json_t *find(const json_t *line, const char *key)
{
    const json_t *response = json_object_get(line, "response");
    const json_t *places[] = { line, json_object_get(line, "request"),
                               json_object_get(line, "body"), response,
                               json_object_get(response, "body") };
    const json_t *value = NULL;
    for (size_t i = 0; value == NULL && i < sizeof places / sizeof *places; i++)
        value = json_object_get(places[i], key);
    return value;
}

/* What decodes nothing has no reply to wait for, and no KV that a later request reads. */
static bool decodes(const json_t *line)
{
    static const char *const without[] = { "/embeddings", "/moderations", "/score",
                                           "/rerank",     "/pooling",     "/classify" };
    const char *url = json_string_value(find(line, "url"));
    bool any = true;
    for (size_t i = 0; url != NULL && i < sizeof without / sizeof *without; i++)
        any = any && strstr(url, without[i]) == NULL;
    return any;
}

/* ---- times and replies ---- */

static enum status get_time(struct openai *openai, struct json_record record,
                            struct trace_session *session, struct error *err)
{
    static const char expected[] = "seconds since 1970, or a date and time";
    char found[64];
    const json_t *time = find(record.object, "timestamp");
    uint64_t ns;
    if (time == NULL)
        time = find(record.object, "created");
    if (time == NULL)
        time = find(record.object, "created_at");
    if (!openai->begun)
        openai->has_times = time != NULL;
    openai->begun = true;
    if (openai->has_times != (time != NULL))
        return json_record_refuse(record, "timestamp", "a time in every line or in none",
                                  openai->has_times ? "none" : "one", err);
    if (time == NULL) {
        openai->arrival_ns +=
            draw_gap_ns(&openai->arrivals, openai->settings.workload.sessions_per_s);
        session->arrival_ns = openai->arrival_ns;
        return STATUS_OK;
    }
    double seconds = json_number_value(time);
    if (json_is_number(time) && seconds >= 0.0 && seconds <= RECORD_SECONDS_MOST)
        ns = (uint64_t)seconds * UINT64_C(1000000000) +
             (uint64_t)((seconds - (double)(uint64_t)seconds) * 1e9 + 0.5);
    else if (!json_is_string(time) || !datetime_parse(json_string_value(time), &ns))
        return json_record_refuse(record, "timestamp", expected,
                                  json_kind(time, found, sizeof found), err);
    return record_time_next(&openai->time, record.lines, "timestamp", ns, &session->arrival_ns,
                            err);
}

/* The prompt is messages[0..*prompt_count); *reply is the reply, NULL where the log has none. */
static void find_reply(const json_t *line, const json_t *messages, size_t *prompt_count,
                       const json_t **reply)
{
    const json_t *choice = json_array_get(find(line, "choices"), 0);
    *prompt_count = json_array_size(messages);
    *reply = json_object_get(choice, "message");
    if (*reply != NULL || *prompt_count == 0)
        return;
    const json_t *last = json_array_get(messages, *prompt_count - 1);
    const char *role = json_string_value(json_object_get(last, "role"));
    if (role != NULL && strcmp(role, "assistant") == 0) {
        *reply = last;
        (*prompt_count)--;
    }
}

/* A line of a batch's input: what is asked, and nothing of what came of it. */
static bool is_batch_input(const json_t *line)
{
    return json_is_object(json_object_get(line, "body")) &&
           json_object_get(line, "response") == NULL && json_object_get(line, "error") == NULL &&
           find(line, "choices") == NULL && find(line, "usage") == NULL;
}

static enum status get_reply_bound(struct openai *openai, struct json_record record,
                                   struct error *err)
{
    static const char *const keys[] = { "max_completion_tokens", "max_output_tokens",
                                        "max_tokens" };
    struct json_record body = { record.lines, record.line, json_object_get(record.object, "body") };
    int64_t tokens;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *bound = json_object_get(body.object, keys[i]);
        if (bound == NULL || json_is_null(bound))
            continue;
        if (json_record_whole(body, keys[i], 1, RECORD_TOKENS_MOST, &tokens, err) != STATUS_OK)
            return err->status;
        openai->turn.reply_tokens = (uint32_t)tokens;
        openai->bounded = true;
        return STATUS_OK;
    }
    return json_record_refuse(
        record, "max_tokens",
        "max_completion_tokens, max_output_tokens or max_tokens in the body: a "
        "batch's input has no replies, and nothing else says how long they are",
        "none of them", err);
}

static enum status get_used_tokens(struct openai *openai, struct json_record usage, const char *key,
                                   struct error *err)
{
    int64_t tokens;
    if (json_record_whole(usage, key, 0, RECORD_TOKENS_MOST, &tokens, err) != STATUS_OK)
        return err->status;
    openai->turn.reply_tokens = (uint32_t)tokens;
    return STATUS_OK;
}

/* The reply is measured before the prompt is hashed: both are by the same hash. */
static enum status get_reply_tokens(struct openai *openai, struct json_record record,
                                    const json_t *reply, struct error *err)
{
    struct json_record usage = { record.lines, record.line, find(record.object, "usage") };
    struct json_record message = { record.lines, record.line, reply };
    openai->turn.reply_tokens = 0;
    if (json_object_get(usage.object, "completion_tokens") != NULL)
        return get_used_tokens(openai, usage, "completion_tokens", err);
    if (json_object_get(usage.object, "output_tokens") != NULL)
        return get_used_tokens(openai, usage, "output_tokens", err);
    if (reply == NULL)
        return is_batch_input(record.object) ? get_reply_bound(openai, record, err) : STATUS_OK;
    prompt_hash_begin(openai->hash);
    if (prompt_hash_said(openai->hash, message, err) != STATUS_OK)
        return err->status;
    uint64_t bytes = prompt_hash_bytes(openai->hash);
    openai->turn.reply_tokens = bytes > 0 ? prompt_hash_tokens(openai->hash, bytes) : 0;
    return STATUS_OK;
}

/* ---- prompts ---- */

/* items: of a chat's messages, or of a response's input, where those without a role are calls of
 * tools and what they gave. */
static enum status hash_messages(struct openai *openai, struct json_record record,
                                 const json_t *messages, size_t count, bool items,
                                 struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct json_record message = { record.lines, record.line, json_array_get(messages, i) };
        const json_t *role = json_object_get(message.object, "role");
        if (items && role == NULL && json_is_object(message.object)) {
            prompt_hash_value(openai->hash, message.object);
            continue;
        }
        if (prompt_hash_message(openai->hash, message, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/* A completion's prompt, or a response's input: one text, or (items) an array of messages. */
static enum status hash_input(struct openai *openai, struct json_record record, const char *key,
                              bool items, struct error *err)
{
    char found[64];
    const json_t *input = find(record.object, key);
    const json_t *only = json_array_size(input) == 1 ? json_array_get(input, 0) : NULL;
    if (json_is_string(input) || (!items && json_is_string(only))) {
        prompt_hash_text(openai->hash, json_is_string(input) ? input : only);
        return STATUS_OK;
    }
    if (items && json_array_size(input) > 0)
        return hash_messages(openai, record, input, json_array_size(input), true, err);
    return json_record_refuse(
        record, key, items ? "a text, or an array of messages" : "one text: a line is a request",
        json_kind(input, found, sizeof found), err);
}

static enum status hash_prompt(struct openai *openai, struct json_record record,
                               const json_t *messages, size_t count, struct error *err)
{
    char found[64];
    const json_t *tools = find(record.object, "tools");
    const json_t *instructions = find(record.object, "instructions");
    prompt_hash_begin(openai->hash);
    if (tools != NULL && !json_is_null(tools))
        prompt_hash_value(openai->hash, tools);
    if (json_is_string(instructions))
        prompt_hash_text(openai->hash, instructions);
    if (json_array_size(messages) > 0)
        return hash_messages(openai, record, messages, count, false, err);
    if (messages == NULL && find(record.object, "prompt") != NULL)
        return hash_input(openai, record, "prompt", false, err);
    if (messages == NULL && find(record.object, "input") != NULL)
        return hash_input(openai, record, "input", true, err);
    return json_record_refuse(record, "messages",
                              "an array of messages, a prompt or an input: a batch's output "
                              "alone has none",
                              json_kind(messages, found, sizeof found), err);
}

static enum status get_request(void *state, struct json_record record,
                               struct trace_session *session, struct error *err)
{
    struct openai *openai = state;
    const json_t *messages = find(record.object, "messages"), *reply;
    size_t count;
    if (get_time(openai, record, session, err) != STATUS_OK)
        return err->status;
    if (!decodes(record.object)) {
        openai->settings.skips->by[SKIP_OTHER]++;
        return STATUS_OK;
    }
    find_reply(record.object, messages, &count, &reply);
    if (get_reply_tokens(openai, record, reply, err) != STATUS_OK ||
        hash_prompt(openai, record, messages, count, err) != STATUS_OK)
        return err->status;
    openai->turn.prompt_tokens =
        prompt_hash_end(openai->hash, &session->block_keys, &session->block_count);
    session->turns = &openai->turn;
    session->turn_count = openai->turn.prompt_tokens > 0 && openai->turn.reply_tokens > 0 ? 1 : 0;
    return STATUS_OK;
}

static enum status openai_parse(void *state, const struct lines *lines, const char *line,
                                size_t length, struct trace_session *session, struct error *err)
{
    return json_record_session(lines, line, length, get_request, state, session, err);
}

static void openai_tell(const void *state, struct trace_facts *facts)
{
    const struct openai *openai = state;
    facts->block_tokens = openai->settings.import.block_tokens;
    facts_assume(facts, "tokens, by import.bytes_per_token, where the file has no counts");
    if (openai->begun && !openai->has_times)
        facts_assume(facts, "arrivals, drawn by workload.sessions_per_s: the file has none");
    if (openai->bounded)
        facts_assume(facts, "replies as long as max_tokens lets them: an upper bound");
}

const struct trace_format trace_format_openai = {
    .name = "openai",
    .summary = "logs of completions and batch input, a JSON object a line: hashed into blocks",
    .facts = { .open_loop = true },
    .time_key = "timestamp",
    .since_first = true,
    .probe = openai_probe,
    .open = openai_open,
    .close = openai_close,
    .parse = openai_parse,
    .tell = openai_tell,
};
