/* traces/format_openai.c - logs of chat completions in OpenAI's form, a JSON object a line:
 *   {"timestamp": s, "messages": [{"role": "user", "content": "..."}, ...], "tools": [...],
 *    "usage": {"completion_tokens": n}, "choices": [{"message": {"role": "assistant", ...}}]}
 * "messages" and "tools" may stand in "request" or "body" (the batch API's form), "usage" and
 * "choices" in "response" or in its "body". The time is "timestamp" or "created", of the line or of
 * what it holds: seconds as a number, or a date and time; if the first line has none, arrivals are
 * the workload's. With no choices, the last message is the reply if the assistant said it.
 *
 * What is said is hashed into prefix block keys while it is read, and never kept: block i's key is
 * xxHash64, salted by import.hash_seed, of all bytes up to its end. A block is import.block_tokens
 * times import.bytes_per_token bytes of roles, contents, tool calls and tool descriptions; one
 * ratio for all requests, since equal prefixes must give equal keys. So prompts are counted by that
 * estimate, whatever usage.prompt_tokens says; replies by usage.completion_tokens where it is
 * there. Open loop. Contents that are no text are refused. Source: the OpenAI API reference's chat
 * completion and batch objects. */
#include "base/memory.h"
#include "traces/draws.h"
#include "traces/format.h"
#include "traces/json_record.h"
#include "traces/record_time.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct openai {
    struct format_settings settings;
    struct record_time time;
    bool begun, has_times;
    struct random arrivals;
    uint64_t arrival_ns;
    struct trace_turn turn;
    XXH64_state_t *hash;
    uint64_t hashed_bytes, block_bytes;
    uint64_t *keys;
    uint32_t keys_capacity, key_count;
};

static bool openai_probe(const struct head *head)
{
    return head->text[0] == '{' && head_line_has(head, "\"messages\"");
}

static enum status openai_open(struct lines *lines, const struct format_settings *settings,
                               void **state, struct error *err)
{
    (void)lines, (void)err;
    struct openai *openai = *state = memory_new(1, sizeof *openai);
    openai->settings = *settings;
    openai->time.any_order = settings->import.sort;
    openai->arrivals = random_from(settings->workload.seed, 0);
    openai->hash = XXH64_createState();
    double bytes = settings->import.block_tokens * settings->import.bytes_per_token + 0.5;
    openai->block_bytes = bytes < 1.0 ? 1 : (uint64_t)bytes;
    return STATUS_OK;
}

static void openai_close(void *state)
{
    struct openai *openai = state;
    XXH64_freeState(openai->hash);
    free(openai->keys);
    free(openai);
}

/* ---- hashing ---- */

static void add_key(struct openai *openai)
{
    memory_grow(&openai->keys, &openai->keys_capacity, (uint64_t)openai->key_count + 1,
                sizeof *openai->keys);
    openai->keys[openai->key_count++] = XXH64_digest(openai->hash) >> 1; /* JSON's 63 bits */
}

static void hash_bytes(struct openai *openai, const char *bytes, size_t length)
{
    while (length > 0) {
        size_t room = openai->block_bytes - openai->hashed_bytes % openai->block_bytes;
        size_t piece = length < room ? length : room;
        XXH64_update(openai->hash, bytes, piece);
        openai->hashed_bytes += piece;
        bytes += piece;
        length -= piece;
        if (openai->hashed_bytes % openai->block_bytes == 0)
            add_key(openai);
    }
}

/* With a byte behind it that UTF-8 does not have, so that where a text ends counts. */
static void hash_text(struct openai *openai, const json_t *text)
{
    hash_bytes(openai, json_string_value(text), json_string_length(text));
    hash_bytes(openai, "\xff", 1);
}

static void hash_value(struct openai *openai, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    if (text == NULL)
        return;
    hash_bytes(openai, text, strlen(text));
    hash_bytes(openai, "\xff", 1);
    memset(text, 0, strlen(text));
    free(text);
}

static enum status hash_content(struct openai *openai, struct json_record message,
                                struct error *err)
{
    const json_t *content = json_object_get(message.object, "content");
    if (content == NULL || json_is_null(content)) /* a call of tools only */
        return STATUS_OK;
    if (json_is_string(content)) {
        hash_text(openai, content);
        return STATUS_OK;
    }
    if (!json_is_array(content))
        return json_record_refuse(message, "content", "a text, or an array of them", "another type",
                                  err);
    for (size_t i = 0; i < json_array_size(content); i++) {
        const json_t *text = json_object_get(json_array_get(content, i), "text");
        if (!json_is_string(text))
            return json_record_refuse(message, "content", "texts: others have no token count here",
                                      "a part that is no text", err);
        hash_text(openai, text);
    }
    return STATUS_OK;
}

static enum status hash_message(struct openai *openai, struct json_record message,
                                struct error *err)
{
    const json_t *role = json_object_get(message.object, "role");
    const json_t *calls = json_object_get(message.object, "tool_calls");
    if (!json_is_string(role))
        return json_record_refuse(message, "role", "a text", "none", err);
    hash_text(openai, role);
    if (hash_content(openai, message, err) != STATUS_OK)
        return err->status;
    if (calls != NULL && !json_is_null(calls))
        hash_value(openai, calls);
    return STATUS_OK;
}

static uint32_t tokens_of_bytes(const struct openai *openai, uint64_t bytes)
{
    return whole_tokens((double)bytes / openai->settings.import.bytes_per_token);
}

/* ---- a line's parts ---- */

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

static enum status get_time(struct openai *openai, struct json_record record,
                            struct trace_session *session, struct error *err)
{
    static const char expected[] = "seconds since 1970, or a date and time";
    const json_t *time = find(record.object, "timestamp");
    uint64_t ns;
    if (time == NULL)
        time = find(record.object, "created");
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
                                  json_is_string(time) ? json_string_value(time) : "another value",
                                  err);
    return record_time_next(&openai->time, record.lines, "timestamp", ns, &session->arrival_ns,
                            err);
}

/* Bytes of a reply, by hashing it and giving up the hash. */
static enum status reply_bytes(struct openai *openai, struct json_record message, uint64_t *bytes,
                               struct error *err)
{
    uint64_t before = openai->hashed_bytes;
    uint32_t keys_before = openai->key_count;
    enum status status = hash_content(openai, message, err);
    const json_t *calls = json_object_get(message.object, "tool_calls");
    if (status == STATUS_OK && calls != NULL && !json_is_null(calls))
        hash_value(openai, calls);
    *bytes = openai->hashed_bytes - before;
    openai->hashed_bytes = before;
    openai->key_count = keys_before;
    return status;
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

static enum status get_reply_tokens(struct openai *openai, struct json_record record,
                                    const json_t *reply, struct error *err)
{
    struct json_record usage = { record.lines, record.line, find(record.object, "usage") };
    int64_t tokens;
    uint64_t bytes = 0;
    openai->turn.reply_tokens = 0;
    if (json_object_get(usage.object, "completion_tokens") != NULL) {
        if (json_record_whole(usage, "completion_tokens", 0, RECORD_TOKENS_MOST, &tokens, err))
            return err->status;
        openai->turn.reply_tokens = (uint32_t)tokens;
        return STATUS_OK;
    }
    if (reply == NULL)
        return STATUS_OK;
    struct json_record message = { record.lines, record.line, reply };
    if (reply_bytes(openai, message, &bytes, err) != STATUS_OK)
        return err->status;
    openai->turn.reply_tokens = bytes > 0 ? tokens_of_bytes(openai, bytes) : 0;
    return STATUS_OK;
}

static enum status hash_prompt(struct openai *openai, struct json_record record,
                               const json_t *messages, size_t count, struct error *err)
{
    XXH64_reset(openai->hash, openai->settings.import.hash_seed);
    openai->hashed_bytes = 0;
    openai->key_count = 0;
    const json_t *tools = find(record.object, "tools");
    if (tools != NULL && !json_is_null(tools))
        hash_value(openai, tools);
    for (size_t i = 0; i < count; i++) {
        struct json_record message = { record.lines, record.line, json_array_get(messages, i) };
        if (hash_message(openai, message, err) != STATUS_OK)
            return err->status;
    }
    if (openai->hashed_bytes % openai->block_bytes != 0)
        add_key(openai);
    return STATUS_OK;
}

static enum status get_request(void *state, struct json_record record,
                               struct trace_session *session, struct error *err)
{
    struct openai *openai = state;
    const json_t *messages = find(record.object, "messages"), *reply;
    size_t count;
    if (get_time(openai, record, session, err) != STATUS_OK)
        return err->status;
    if (json_array_size(messages) == 0)
        return json_record_refuse(record, "messages", "an array of messages",
                                  messages != NULL ? "another value" : "no such key", err);
    find_reply(record.object, messages, &count, &reply);
    if (hash_prompt(openai, record, messages, count, err) != STATUS_OK ||
        get_reply_tokens(openai, record, reply, err) != STATUS_OK)
        return err->status;
    /* As many tokens as the keys are blocks of, whatever rounding says. */
    uint32_t block_tokens = openai->settings.import.block_tokens;
    uint64_t whole = openai->hashed_bytes / openai->block_bytes * block_tokens;
    uint64_t rest = openai->hashed_bytes % openai->block_bytes;
    uint32_t rest_tokens = rest > 0 ? tokens_of_bytes(openai, rest) : 0;
    whole += rest_tokens < block_tokens ? rest_tokens : block_tokens;
    openai->turn.prompt_tokens = (uint32_t)whole;
    session->turns = &openai->turn;
    session->turn_count = whole > 0 && openai->turn.reply_tokens > 0 ? 1 : 0;
    session->block_keys = openai->keys;
    session->block_count = openai->key_count;
    return STATUS_OK;
}

static enum status openai_parse(void *state, const struct lines *lines, char *line, size_t length,
                                struct trace_session *session, struct error *err)
{
    return json_record_session(lines, line, length, get_request, state, session, err);
}

static void openai_tell(const void *state, struct trace_facts *facts)
{
    facts->block_tokens = ((const struct openai *)state)->settings.import.block_tokens;
}

const struct trace_format trace_format_openai = {
    .name = "openai",
    .summary = "logs of chat completions, a JSON object a line: hashed into blocks while read",
    .facts = { .open_loop = true },
    .time_key = "timestamp",
    .since_first = true,
    .probe = openai_probe,
    .open = openai_open,
    .close = openai_close,
    .parse = openai_parse,
    .tell = openai_tell,
};
