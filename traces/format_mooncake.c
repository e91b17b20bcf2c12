/* traces/format_mooncake.c - the traces that Mooncake published: one JSON object a line,
 *   {"timestamp": ms, "input_length": tokens, "output_length": tokens, "hash_ids": [id, ...]}
 * where id i stands for the i-th 512 tokens of the prompt and all before them (the last may be
 * partial). The ids cover prompts only: blocks that hold replies cannot be recognised in them, so
 * reuse of replies is seen only where a later prompt repeats them. A key "block_tokens", which
 * `reprise trace convert` adds, says another size of block. Source: kvcache-ai/Mooncake,
 * FAST25-release. */
#include "base/memory.h"
#include "base/units.h"
#include "traces/format.h"
#include "traces/json_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_TOKENS = 512 };

struct mooncake {
    struct trace_turn turn;
    uint64_t *keys, *sorted;
    uint32_t keys_capacity, sorted_capacity, block_tokens;
};

/* The size of block must be known before the first request is given. */
static enum status first_block_tokens(struct lines *lines, uint32_t *tokens, struct error *err)
{
    const char *text;
    size_t length;
    *tokens = BLOCK_TOKENS;
    if (lines_peek(lines, &text, &length, err) != LINES_LINE)
        return err->status;
    const char *newline = memchr(text, '\n', length);
    json_t *object = json_loadb(text, newline != NULL ? (size_t)(newline - text) : length, 0, NULL);
    const json_t *item = json_object_get(object, "block_tokens");
    if (json_is_integer(item) && json_integer_value(item) > 0 && json_integer_value(item) <= 65536)
        *tokens = (uint32_t)json_integer_value(item);
    json_decref(object); /* what is wrong in it is refused when it is read as a request */
    return STATUS_OK;
}

static enum status mooncake_open(struct lines *lines, const struct format_settings *settings,
                                 void **state, struct error *err)
{
    (void)settings;
    struct mooncake *mooncake = *state = memory_new(1, sizeof *mooncake);
    return first_block_tokens(lines, &mooncake->block_tokens, err);
}

static void mooncake_close(void *state)
{
    struct mooncake *mooncake = state;
    free(mooncake->keys);
    free(mooncake->sorted);
    free(mooncake);
}

static bool mooncake_probe(const struct head *head)
{
    return head->text[0] == '{' && head_line_has(head, "\"hash_ids\"") &&
           !head_line_has(head, "\"chat_id\"");
}

/* A block can stand in a prompt once only: its id says all that comes before it. */
static enum status get_keys(struct mooncake *mooncake, struct json_record record,
                            uint32_t prompt_tokens, uint32_t *count, struct error *err)
{
    char found[64];
    uint64_t repeated;
    uint32_t blocks = (prompt_tokens + mooncake->block_tokens - 1) / mooncake->block_tokens;
    if (json_record_ids(record, "hash_ids", blocks, blocks, &mooncake->keys,
                        &mooncake->keys_capacity, count, err) != STATUS_OK)
        return err->status;
    if (!ids_repeat(mooncake->keys, *count, &mooncake->sorted, &mooncake->sorted_capacity,
                    &repeated))
        return STATUS_OK;
    snprintf(found, sizeof found, "%llu twice", (unsigned long long)repeated);
    return json_record_refuse(record, "hash_ids",
                              "different ids: each stands for all tokens before it", found, err);
}

static enum status check_block_tokens(const struct mooncake *mooncake, struct json_record record,
                                      struct error *err)
{
    int64_t tokens;
    if (json_object_get(record.object, "block_tokens") == NULL)
        return STATUS_OK;
    return json_record_whole(record, "block_tokens", mooncake->block_tokens, mooncake->block_tokens,
                             &tokens, err);
}

static enum status get_request(void *state, struct json_record record,
                               struct trace_session *session, struct error *err)
{
    struct mooncake *mooncake = state;
    int64_t timestamp_ms, input, output;
    if (json_record_whole(record, "timestamp", 0, INT64_C(1000000000000), &timestamp_ms, err) ||
        json_record_whole(record, "input_length", 1, RECORD_TOKENS_MOST, &input, err) ||
        json_record_whole(record, "output_length", 1, RECORD_TOKENS_MOST, &output, err) ||
        check_block_tokens(mooncake, record, err))
        return err->status;
    mooncake->turn =
        (struct trace_turn){ .prompt_tokens = (uint32_t)input, .reply_tokens = (uint32_t)output };
    session->arrival_ns = (uint64_t)timestamp_ms * NS_PER_MS;
    session->turn_count = 1;
    session->turns = &mooncake->turn;
    enum status status = get_keys(mooncake, record, (uint32_t)input, &session->block_count, err);
    session->block_keys = mooncake->keys;
    return status;
}

static enum status mooncake_parse(void *state, const struct lines *lines, char *line, size_t length,
                                  struct trace_session *session, struct error *err)
{
    return json_record_session(lines, line, length, get_request, state, session, err);
}

static void mooncake_tell(const void *state, struct trace_facts *facts)
{
    facts->block_tokens = ((const struct mooncake *)state)->block_tokens;
}

/* ---- writing ---- */

static void mooncake_write(struct text_out *out, const struct trace_facts *facts,
                           const struct trace_session *session)
{
    text_out_text(out, "{\"timestamp\": ");
    text_out_whole(out, (session->arrival_ns + NS_PER_MS / 2) / NS_PER_MS);
    text_out_text(out, ", \"input_length\": ");
    text_out_whole(out, session->turns[0].prompt_tokens);
    text_out_text(out, ", \"output_length\": ");
    text_out_whole(out, session->turns[0].reply_tokens);
    if (facts->block_tokens != BLOCK_TOKENS) {
        text_out_text(out, ", \"block_tokens\": ");
        text_out_whole(out, facts->block_tokens);
    }
    text_out_text(out, ", \"hash_ids\": [");
    for (uint32_t i = 0; i < session->block_count; i++) {
        if (i > 0)
            text_out_text(out, ", ");
        text_out_whole(out, session->block_keys[i]);
    }
    text_out_text(out, "]}\n");
}

static const struct trace_format_out mooncake_out = { .blocks = true,
                                                      .time_ns = NS_PER_MS,
                                                      .session = mooncake_write };

const struct trace_format trace_format_mooncake = {
    .name = "mooncake",
    .summary = "JSON lines of kvcache-ai/Mooncake: prompts as ids of 512-token prefix blocks",
    .facts = { .open_loop = true },
    .time_key = "timestamp",
    .probe = mooncake_probe,
    .open = mooncake_open,
    .close = mooncake_close,
    .parse = mooncake_parse,
    .tell = mooncake_tell,
    .out = &mooncake_out,
};
