/* traces/mooncake_row.c - see mooncake_row.h. */
#include "traces/mooncake_row.h"

#include "base/keymap.h"
#include "base/memory.h"
#include "traces/mooncake_keys.h"
#include "traces/prompt_hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name by which the row has the key, with a value; NULL: it has not. */
static const char *name_in(const json_t *object, const char *const *names)
{
    for (; *names != NULL; names++) {
        const json_t *value = json_object_get(object, *names);
        if (value != NULL && !json_is_null(value))
            return *names;
    }
    return NULL;
}

static bool is_given(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return value != NULL && !json_is_null(value);
}

static bool is_text(const json_t *object)
{
    return name_in(object, text_names) != NULL || is_given(object, "messages");
}

static bool is_request(const json_t *object)
{
    return name_in(object, prompt_names) != NULL || is_given(object, "hash_ids") || is_text(object);
}

/* ---- what comes first ---- */

/* The size that a leading row says; 0: none does. What is wrong in it is refused when it is read.
 */
static uint32_t said_block_tokens(const struct head *head)
{
    const char *line;
    size_t length;
    uint32_t tokens = 0;
    for (size_t i = 0; tokens == 0 && head_line(head, i, &line, &length); i++) {
        json_t *object = json_loadb(line, length, 0, NULL);
        const char *name = name_in(object, block_names);
        const json_t *item = name != NULL ? json_object_get(object, name) : NULL;
        if (json_is_integer(item) && json_integer_value(item) > 0 &&
            json_integer_value(item) <= 65536)
            tokens = (uint32_t)json_integer_value(item);
        json_decref(object);
        if (mooncake_line_is_request(line, length))
            break;
    }
    return tokens;
}

enum status mooncake_rows_open(struct mooncake_rows *rows, struct lines *lines,
                               const struct format_settings *settings, struct error *err)
{
    const char *text;
    size_t length;
    enum lines_step step = lines_peek(lines, &text, &length, err);
    if (step == LINES_ERROR)
        return err->status;
    struct head head = step == LINES_LINE ? head_of(text, length) : head_of("", 0);
    uint32_t said = said_block_tokens(&head);
    mooncake_scan_open(&rows->form);
    rows->skips = settings->skips;
    rows->told_tokens =
        settings->id_block_tokens > 0 ? settings->id_block_tokens : MOONCAKE_BLOCK_TOKENS;
    if (settings->id_block_tokens > 0 || said == 0)
        said = rows->told_tokens;
    rows->block_tokens = head_has(&head, "\"hash_ids\"") ? said : 0;
    if (mooncake_first_request(&head, &text, &length) && mooncake_line_is_text(text, length)) {
        rows->texts = prompt_hash_new(&settings->import);
        rows->block_tokens = settings->import.block_tokens;
    }
    return STATUS_OK;
}

void mooncake_rows_free(struct mooncake_rows *rows)
{
    if (rows->texts != NULL)
        prompt_hash_free(rows->texts);
    free(rows->keys);
    free(rows->scan.ids);
    id_repeat_free(&rows->repeat);
}

void mooncake_rows_tell(const struct mooncake_rows *rows, struct trace_facts *facts)
{
    if (rows->drew_arrivals)
        facts_assume(facts, "arrivals, drawn by workload.sessions_per_s: the file has no times");
    if (rows->assumed_replies)
        facts_assume(facts, "replies of 1 token, where the file has no length of them");
    if (rows->assumed_prompts)
        facts_assume(facts, "prompts of whole blocks, where the file has no length of them");
    if (rows->texts != NULL)
        facts_assume(facts, "tokens of texts, by import.bytes_per_token");
    facts->tenants = rows->tenants.tenants;
}

/* ---- a row ---- */

/* The size of block that would give so many ids for so many tokens, for a message. */
static void suggest(char *text, size_t text_bytes, uint32_t tokens, size_t ids)
{
    text[0] = '\0';
    if (ids == 0 || ids > tokens)
        return;
    uint64_t least = (tokens + ids - 1) / ids, most = ids > 1 ? (tokens - 1) / (ids - 1) : least;
    uint64_t power = 1;
    while (power < least)
        power *= 2;
    if (least > most || least > 65536)
        return;
    snprintf(text, text_bytes, "; or blocks of %llu: --block-tokens %llu, import.block_tokens",
             (unsigned long long)(power <= most || ids == 1 ? power : least),
             (unsigned long long)(power <= most || ids == 1 ? power : least));
}

static enum status check_count(const struct mooncake_rows *rows, struct json_record record,
                               uint32_t tokens, uint32_t blocks, struct error *err)
{
    char expected[192], found[64], other[96];
    const json_t *ids = json_object_get(record.object, "hash_ids");
    size_t count = json_array_size(ids);
    if (!json_is_array(ids) || count == blocks)
        return STATUS_OK; /* what is no array, json_record_ids() refuses */
    suggest(other, sizeof other, tokens, count);
    snprintf(expected, sizeof expected,
             "an array of %u ids, one for each block of %u tokens, for %u tokens%s", blocks,
             rows->block_tokens, tokens, other);
    snprintf(found, sizeof found, "%zu", count);
    return json_record_refuse(record, "hash_ids", expected, found, err);
}

/* A block can stand in a prompt once only: its id says all that comes before it. */
static enum status read_ids(struct mooncake_rows *rows, struct json_record record, uint32_t blocks,
                            struct mooncake_row *row, struct error *err)
{
    char found[64];
    uint64_t repeated;
    if (check_count(rows, record, row->turn.prompt_tokens, blocks, err) ||
        json_record_ids(record, "hash_ids", blocks, blocks, &rows->keys, &rows->keys_capacity,
                        &row->block_count, err))
        return err->status;
    row->keys = rows->keys;
    if (!id_repeats(&rows->repeat, rows->keys, row->block_count, &repeated))
        return STATUS_OK;
    snprintf(found, sizeof found, "%llu twice", (unsigned long long)repeated);
    return json_record_refuse(record, "hash_ids",
                              "different ids: each stands for all tokens before it", found, err);
}

/* A row without ids in a file of ids shares its blocks with nobody. */
static enum status own_keys(struct mooncake_rows *rows, struct json_record record, uint32_t blocks,
                            struct mooncake_row *row, struct error *err)
{
    if (row->turn.prompt_tokens > RECORD_KEYED_TOKENS_MOST)
        return json_record_refuse(record, "hash_ids", "ids of a prompt of over 16777216 tokens",
                                  "none", err);
    memory_grow(&rows->keys, &rows->keys_capacity, blocks, sizeof *rows->keys);
    for (uint32_t i = 0; i < blocks; i++)
        rows->keys[i] = keymap_mix(keymap_mix(record.line) ^ ~(uint64_t)i) >> 1;
    row->keys = rows->keys;
    row->block_count = blocks;
    return STATUS_OK;
}

static enum status hash_messages(struct prompt_hash *texts, struct json_record record,
                                 struct error *err)
{
    char found[64];
    const json_t *messages = json_object_get(record.object, "messages");
    if (json_array_size(messages) == 0)
        return json_record_refuse(record, "messages", "an array of messages",
                                  json_kind(messages, found, sizeof found), err);
    if (is_given(record.object, "tools"))
        prompt_hash_value(texts, json_object_get(record.object, "tools"));
    for (size_t i = 0; i < json_array_size(messages); i++) {
        struct json_record message = { record.lines, record.line, json_array_get(messages, i) };
        if (prompt_hash_message(texts, message, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static enum status read_text(struct mooncake_rows *rows, struct json_record record,
                             struct mooncake_row *row, struct error *err)
{
    char found[64];
    const char *name = name_in(record.object, text_names);
    const json_t *text = name != NULL ? json_object_get(record.object, name) : NULL;
    if (rows->texts == NULL)
        return json_record_refuse(record, name != NULL ? name : "messages",
                                  "lengths, as the rows that the file begins with have", "texts",
                                  err);
    prompt_hash_begin(rows->texts);
    row->is_whole = name == NULL;
    if (name == NULL && hash_messages(rows->texts, record, err) != STATUS_OK)
        return err->status;
    if (name != NULL && json_string_length(text) == 0)
        return json_record_refuse(record, name, "a text of a byte or more",
                                  json_kind(text, found, sizeof found), err);
    if (name != NULL)
        prompt_hash_text(rows->texts, text);
    row->turn.prompt_tokens = prompt_hash_end(rows->texts, &row->keys, &row->block_count);
    return STATUS_OK;
}

static enum status read_blocks(struct mooncake_rows *rows, struct json_record record,
                               struct mooncake_row *row, struct error *err)
{
    row->has_ids = is_given(record.object, "hash_ids");
    if (rows->block_tokens == 0)
        return row->has_ids ? json_record_refuse(record, "hash_ids",
                                                 "none, as in the rows that the file begins with",
                                                 "some", err)
                            : STATUS_OK;
    uint32_t tokens = row->turn.prompt_tokens;
    uint32_t blocks = (tokens + rows->block_tokens - 1) / rows->block_tokens;
    if (row->has_ids)
        return read_ids(rows, record, blocks, row, err);
    return own_keys(rows, record, blocks, row, err);
}

static enum status check_block_tokens(const struct mooncake_rows *rows, struct json_record record,
                                      struct error *err)
{
    int64_t tokens;
    const char *name = name_in(record.object, block_names);
    if (name == NULL)
        return STATUS_OK;
    uint32_t known = rows->block_tokens;
    return json_record_whole(record, name, known > 0 ? known : 1, known > 0 ? known : 65536,
                             &tokens, err);
}

static enum status read_prompt(struct mooncake_rows *rows, struct json_record record,
                               struct mooncake_row *row, struct error *err)
{
    const char *name = name_in(record.object, prompt_names);
    int64_t tokens;
    size_t ids = json_array_size(json_object_get(record.object, "hash_ids"));
    if (name == NULL && ids > 0 && ids <= (size_t)RECORD_TOKENS_MOST / 65536) {
        tokens = (int64_t)ids * rows->block_tokens;
        rows->assumed_prompts = true;
    } else if (json_record_whole(record, name != NULL ? name : prompt_names[0], 1,
                                 RECORD_TOKENS_MOST, &tokens, err))
        return err->status;
    row->turn.prompt_tokens = (uint32_t)tokens;
    return read_blocks(rows, record, row, err);
}

static enum status read_reply(struct mooncake_rows *rows, struct json_record record,
                              struct mooncake_row *row, struct error *err)
{
    const char *name = name_in(record.object, reply_names);
    int64_t tokens = 1;
    if (name == NULL)
        rows->assumed_replies = true;
    else if (json_record_whole(record, name, 0, RECORD_TOKENS_MOST, &tokens, err))
        return err->status;
    row->failed = tokens == 0;
    row->turn.reply_tokens = (uint32_t)tokens;
    return STATUS_OK;
}

static enum status read_times(struct json_record record, struct mooncake_row *row,
                              struct error *err)
{
    const char *time = name_in(record.object, time_names);
    const char *delay = name_in(record.object, delay_names);
    row->has_time = time != NULL;
    row->has_delay = delay != NULL;
    if ((row->has_time && json_record_milliseconds(record, time, false, &row->time_ns, err)) ||
        (row->has_delay && json_record_milliseconds(record, delay, false, &row->delay_ns, err)))
        return err->status;
    return STATUS_OK;
}

static enum status read_session(struct json_record record, struct mooncake_row *row,
                                struct error *err)
{
    row->has_session = is_given(record.object, "session_id");
    if (row->has_session && !json_id(json_object_get(record.object, "session_id"), &row->session))
        return json_record_refuse(record, "session_id", "a string, or a whole number of 0 or more",
                                  "another value", err);
    return STATUS_OK;
}

enum status mooncake_row_read(struct mooncake_rows *rows, struct json_record record,
                              struct mooncake_row *row, struct error *err)
{
    *row = (struct mooncake_row){ .is_request = is_request(record.object) || rows->begun };
    if (is_given(record.object, "play_id") || is_given(record.object, "dependencies"))
        return json_record_refuse(
            record, is_given(record.object, "play_id") ? "play_id" : "dependencies",
            "rows that name none: of agentic_mooncake version 2 plays and what "
            "waits for what are not read; make it a session CSV "
            "(docs/workload.md)",
            "some", err);
    if (check_block_tokens(rows, record, err) != STATUS_OK)
        return err->status;
    if (!row->is_request) {
        rows->skips->by[SKIP_OTHER]++;
        return STATUS_OK;
    }
    rows->begun = true;
    if (read_times(record, row, err) || read_session(record, row, err) ||
        tenant_read_json(&rows->tenants, record, &row->tenant, err) ||
        read_reply(rows, record, row, err) ||
        (is_text(record.object) ? read_text : read_prompt)(rows, record, row, err))
        return err->status;
    rows->skips->by[SKIP_NO_REPLY] += row->failed;
    return STATUS_OK;
}
