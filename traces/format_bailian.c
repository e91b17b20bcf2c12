/* traces/format_bailian.c - Alibaba Bailian's traces: one JSON object a line,
 *   {"chat_id": 159, "parent_chat_id": 55, "timestamp": 61.114, "input_length": 521,
 *    "output_length": 132, "type": "text", "turn": 2, "hash_ids": [1089, ...]}
 * with an id for each 16 tokens of the prompt. Its authors hash each block by itself, so that equal
 * ids do not by themselves mean equal prefixes: here each id is chained to those before it, which
 * makes them prefix keys, and changes nothing if they were so already.
 *
 * Two formats of one file. bailian: open loop, each request at its time with its blocks (reuse of
 * replies is seen where a later prompt repeats them). bailian-sessions, if named: closed loop
 * without block keys, where parent_chat_id's request is continued; the trace does not say how long
 * a reply took, so that think time holds the service's time as well.
 *
 * Source: alibaba-edu/qwen-bailian-usagetraces-anon, README.md and
 * docs/qa-context-growth-pattern.md (Apache-2.0; KVCache Cache in the Wild, ATC'25). */
#include "base/memory.h"
#include "traces/assemble.h"
#include "traces/format.h"
#include "traces/json_record.h"
#include "traces/json_scan.h"
#include "traces/prefix_key.h"
#include "traces/record_time.h"

#include <stdlib.h>

enum { BLOCK_TOKENS = 16 };

struct bailian {
    struct trace_turn turn;
    uint64_t *keys;
    uint32_t keys_capacity;
    struct assembly *assembly; /* bailian-sessions only */
    struct trace_skips *skips; /* the file's */
    uint64_t last_ns;
    struct scan_form form; /* of a regular line, and what one holds */
    struct scan scan;
};

/* What is common to both. */
struct request {
    uint64_t time_ns;
    int64_t chat, parent, prompt_tokens, reply_tokens;
};

/* ---- regular lines ---- */

enum line_slot {
    SLOT_CHAT,
    SLOT_PARENT,
    SLOT_TIME,
    SLOT_PROMPT,
    SLOT_REPLY,
    SLOT_IDS,
    SLOTS_NEEDED,
    SLOT_TYPE = SLOTS_NEEDED,
    SLOT_TURN
};

static void open_form(struct scan_form *form)
{
    static const struct {
        const char *names[2];
        enum scan_kind kind;
    } keys[] = { [SLOT_CHAT] = { { "chat_id" }, SCAN_WHOLE },
                 [SLOT_PARENT] = { { "parent_chat_id" }, SCAN_WHOLE },
                 [SLOT_TIME] = { { "timestamp" }, SCAN_NUMBER },
                 [SLOT_PROMPT] = { { "input_length" }, SCAN_WHOLE },
                 [SLOT_REPLY] = { { "output_length" }, SCAN_WHOLE },
                 [SLOT_IDS] = { { "hash_ids" }, SCAN_PREFIXES },
                 [SLOT_TYPE] = { { "type" }, SCAN_PASSED },
                 [SLOT_TURN] = { { "turn" }, SCAN_PASSED } };
    for (uint32_t slot = 0; slot < sizeof keys / sizeof *keys; slot++)
        scan_form_add(form, keys[slot].names, keys[slot].kind, slot);
}

static bool is_length(int64_t tokens)
{
    return tokens >= 0 && tokens <= RECORD_TOKENS_MOST;
}

/* false: get_request() is to say what the line holds. */
static bool scan_request(struct bailian *bailian, const char *line, size_t length,
                         struct request *request)
{
    const struct scan *scan = &bailian->scan;
    const union scan_value *value = scan->value;
    const uint32_t needed = (UINT32_C(1) << SLOTS_NEEDED) - 1;
    if (!json_scan(&bailian->form, line, length, &bailian->scan) ||
        (scan->given & needed) != needed)
        return false;
    *request = (struct request){ .chat = value[SLOT_CHAT].whole,
                                 .parent = value[SLOT_PARENT].whole,
                                 .prompt_tokens = value[SLOT_PROMPT].whole,
                                 .reply_tokens = value[SLOT_REPLY].whole };
    return request->chat >= 0 && request->parent >= -1 && is_length(request->prompt_tokens) &&
           is_length(request->reply_tokens) &&
           record_time(value[SLOT_TIME].number, NS_PER_S, &request->time_ns);
}

/* ---- the file ---- */

static bool bailian_probe(const struct head *head)
{
    return head->text[0] == '{' && head_line_has(head, "\"chat_id\"") &&
           head_line_has(head, "\"hash_ids\"");
}

static enum status bailian_open(struct lines *lines, const struct format_settings *settings,
                                void **state, struct error *err)
{
    (void)lines, (void)err;
    struct bailian *bailian = *state = memory_new(1, sizeof *bailian);
    bailian->assembly = assembly_new(settings->import.session_gap_ns);
    bailian->skips = settings->skips;
    open_form(&bailian->form);
    return STATUS_OK;
}

static void bailian_close(void *state)
{
    struct bailian *bailian = state;
    assembly_free(bailian->assembly);
    free(bailian->keys);
    free(bailian->scan.ids);
    free(bailian);
}

static enum status get_request(struct json_record record, struct request *request,
                               struct error *err)
{
    if (json_record_seconds(record, "timestamp", false, &request->time_ns, err) ||
        json_record_whole(record, "chat_id", 0, INT64_MAX - 1, &request->chat, err) ||
        json_record_whole(record, "parent_chat_id", -1, INT64_MAX - 1, &request->parent, err) ||
        json_record_whole(record, "input_length", 0, RECORD_TOKENS_MOST, &request->prompt_tokens,
                          err) ||
        json_record_whole(record, "output_length", 0, RECORD_TOKENS_MOST, &request->reply_tokens,
                          err))
        return err->status;
    return STATUS_OK;
}

static bool is_usable(const struct request *request)
{
    return request->prompt_tokens > 0 && request->reply_tokens > 0;
}

static void skip(struct bailian *bailian, const struct request *request)
{
    bailian->skips->by[request->prompt_tokens == 0 ? SKIP_NO_PROMPT : SKIP_NO_REPLY]++;
}

static uint32_t blocks_of(const struct request *request)
{
    return ((uint32_t)request->prompt_tokens + BLOCK_TOKENS - 1) / BLOCK_TOKENS;
}

/* Whole blocks may be all that a version lists. */
static uint32_t ids_least(const struct request *request)
{
    return (uint32_t)request->prompt_tokens / BLOCK_TOKENS;
}

/* A partial block without an id has a key of its own, behind those that the whole ones have. */
static void add_partial_key(const struct request *request, uint64_t *keys, uint32_t *count)
{
    uint64_t before = *count > 0 ? keys[*count - 1] : 0;
    if (*count < blocks_of(request))
        keys[(*count)++] = prefix_key_alone(before, (uint64_t)request->chat);
}

static enum status get_keys(struct bailian *bailian, struct json_record record,
                            const struct request *request, struct trace_session *session,
                            struct error *err)
{
    uint32_t *count = &session->block_count;
    uint64_t before = 0;
    if (json_record_ids(record, "hash_ids", ids_least(request), blocks_of(request), &bailian->keys,
                        &bailian->keys_capacity, count, err) != STATUS_OK)
        return err->status;
    for (uint32_t i = 0; i < *count; i++)
        before = bailian->keys[i] = prefix_key(before, bailian->keys[i]);
    add_partial_key(request, bailian->keys, count);
    session->block_keys = bailian->keys;
    return STATUS_OK;
}

/* Of a regular line; false: json_record_ids() is to refuse it. */
static bool scan_keys(struct bailian *bailian, const struct request *request,
                      struct trace_session *session)
{
    struct scan *scan = &bailian->scan;
    session->block_count = scan->id_count;
    if (scan->id_count < ids_least(request) || scan->id_count > blocks_of(request))
        return false;
    memory_grow(&scan->ids, &scan->ids_capacity, (uint64_t)scan->id_count + 1, sizeof *scan->ids);
    add_partial_key(request, scan->ids, &session->block_count);
    session->block_keys = scan->ids;
    return true;
}

static enum status read_line(struct bailian *bailian, const struct lines *lines, const char *line,
                             size_t length, struct request *request, struct trace_session *session,
                             struct error *err)
{
    json_t *object;
    if (scan_request(bailian, line, length, request) && scan_keys(bailian, request, session))
        return STATUS_OK;
    if (json_record_parse(lines, line, length, &object, err) != STATUS_OK)
        return err->status;
    struct json_record record = { lines, lines_number(lines), object };
    enum status status = get_request(record, request, err);
    if (status == STATUS_OK)
        status = get_keys(bailian, record, request, session, err);
    json_decref(object);
    return status;
}

static enum status bailian_parse(void *state, const struct lines *lines, const char *line,
                                 size_t length, struct trace_session *session, struct error *err)
{
    struct bailian *bailian = state;
    struct request request = { 0 };
    enum status status = read_line(bailian, lines, line, length, &request, session, err);
    bailian->turn = (struct trace_turn){ .prompt_tokens = (uint32_t)request.prompt_tokens,
                                         .reply_tokens = (uint32_t)request.reply_tokens };
    session->arrival_ns = request.time_ns;
    session->turns = &bailian->turn;
    session->turn_count = is_usable(&request) ? 1 : 0;
    if (status == STATUS_OK && session->turn_count == 0)
        skip(bailian, &request);
    return status;
}

/* ---- sessions ---- */

static enum status add_request(struct bailian *bailian, const struct lines *lines,
                               const struct request *request, struct error *err)
{
    struct record_time time = { .begun = true, .last_ns = bailian->last_ns };
    uint64_t ns;
    if (record_time_next(&time, lines, "timestamp", request->time_ns, &ns, err) != STATUS_OK)
        return err->status;
    bailian->last_ns = ns;
    if (!is_usable(request)) {
        skip(bailian, request);
        return STATUS_OK;
    }
    const struct assembly_request adding = {
        .time_ns = ns,
        .continues = request->parent >= 0 ? (uint64_t)request->parent + 1 : 0,
        .key = (uint64_t)request->chat + 1,
        .prompt_tokens = (uint32_t)request->prompt_tokens,
        .reply_tokens = (uint32_t)request->reply_tokens,
    };
    assembly_add(bailian->assembly, &adding);
    return STATUS_OK;
}

/* Ids are not looked at. */
static enum status read_request(struct bailian *bailian, const struct lines *lines,
                                const char *line, size_t length, struct request *request,
                                struct error *err)
{
    json_t *object;
    if (scan_request(bailian, line, length, request))
        return STATUS_OK;
    if (json_record_parse(lines, line, length, &object, err) != STATUS_OK)
        return err->status;
    struct json_record record = { lines, lines_number(lines), object };
    enum status status = get_request(record, request, err);
    json_decref(object);
    return status;
}

static enum trace_step sessions_next(void *state, struct lines *lines,
                                     struct trace_session *session, struct error *err)
{
    struct bailian *bailian = state;
    while (!assembly_take(bailian->assembly, session)) {
        struct request request = { 0 };
        const char *line;
        size_t length;
        enum lines_step step = lines_view(lines, &line, &length, err);
        if (step == LINES_END) {
            assembly_end(bailian->assembly);
            return assembly_take(bailian->assembly, session) ? TRACE_ITEM : TRACE_END;
        }
        if (step == LINES_ERROR || read_request(bailian, lines, line, length, &request, err) ||
            add_request(bailian, lines, &request, err) != STATUS_OK)
            return TRACE_ERROR;
    }
    return TRACE_ITEM;
}

const struct trace_format trace_format_bailian = {
    .name = "bailian",
    .summary =
        "JSON lines of Alibaba's qwen-bailian-usagetraces: prompts as ids of 16-token blocks",
    .facts = { .open_loop = true, .block_tokens = BLOCK_TOKENS },
    .time_key = "timestamp",
    .probe = bailian_probe,
    .open = bailian_open,
    .close = bailian_close,
    .parse = bailian_parse,
};

const struct trace_format trace_format_bailian_sessions = {
    .name = "bailian-sessions",
    .summary = "the same file as sessions that follow their replies, without blocks; to be named",
    .time_key = "timestamp",
    .needs_order = true,
    .open = bailian_open,
    .close = bailian_close,
    .next = sessions_next,
};
