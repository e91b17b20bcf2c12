/* traces/format_mooncake.c - the traces that Mooncake published: one JSON object a line,
 *   {"timestamp": ms, "input_length": tokens, "output_length": tokens, "hash_ids": [id, ...]}
 * where id i stands for the i-th 512 tokens of the prompt and all before them (the last may be
 * partial). The ids cover prompts only: blocks that hold replies cannot be recognised in them, so
 * reuse of replies is not seen. Source: kvcache-ai/Mooncake, FAST25-release. */
#include "base/memory.h"
#include "base/units.h"
#include "traces/format.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_TOKENS = 512 };

struct mooncake {
    struct trace_turn turn;
    uint64_t *keys, *sorted;
    uint32_t keys_capacity, sorted_capacity;
};

static void *mooncake_open(void)
{
    return memory_new(1, sizeof(struct mooncake));
}

static void mooncake_close(void *state)
{
    struct mooncake *mooncake = state;
    free(mooncake->keys);
    free(mooncake->sorted);
    free(mooncake);
}

static bool mooncake_probe(const char *line, size_t length)
{
    return length > 0 && line[0] == '{' && strstr(line, "\"hash_ids\"") != NULL;
}

static enum status refuse(const struct lines *lines, const char *key, const char *expected,
                          const char *found, struct error *err)
{
    return error_input(err, lines_path(lines), lines_number(lines), key, expected, found);
}

static enum status get_whole(const json_t *object, const char *key, json_int_t least,
                             json_int_t most, const struct lines *lines, json_int_t *value,
                             struct error *err)
{
    char expected[96], found[64];
    const json_t *item = json_object_get(object, key);
    snprintf(expected, sizeof expected, "a whole number from %" JSON_INTEGER_FORMAT
             " to %" JSON_INTEGER_FORMAT, least, most);
    if (item == NULL)
        return refuse(lines, key, expected, "no such key", err);
    if (!json_is_integer(item))
        return refuse(lines, key, expected, "another type", err);
    *value = json_integer_value(item);
    if (*value >= least && *value <= most)
        return STATUS_OK;
    snprintf(found, sizeof found, "%" JSON_INTEGER_FORMAT, *value);
    return refuse(lines, key, expected, found, err);
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* A block can stand in a prompt once only: its id says all that comes before it. */
static enum status refuse_repeats(struct mooncake *mooncake, uint32_t count,
                                  const struct lines *lines, struct error *err)
{
    memory_grow(&mooncake->sorted, &mooncake->sorted_capacity, count, sizeof *mooncake->sorted);
    memcpy(mooncake->sorted, mooncake->keys, count * sizeof *mooncake->keys);
    qsort(mooncake->sorted, count, sizeof *mooncake->sorted, compare_keys);
    for (uint32_t i = 1; i < count; i++) {
        if (mooncake->sorted[i] != mooncake->sorted[i - 1])
            continue;
        char found[64];
        snprintf(found, sizeof found, "%llu twice", (unsigned long long)mooncake->sorted[i]);
        return refuse(lines, "hash_ids", "different ids: each stands for all tokens before it", found,
                      err);
    }
    return STATUS_OK;
}

static enum status get_keys(struct mooncake *mooncake, const json_t *object, uint32_t prompt_tokens,
                            const struct lines *lines, uint32_t *count, struct error *err)
{
    char expected[96], found[32];
    const json_t *ids = json_object_get(object, "hash_ids");
    uint32_t blocks = (prompt_tokens + BLOCK_TOKENS - 1) / BLOCK_TOKENS;
    snprintf(expected, sizeof expected, "an array of %u ids: one for each %d tokens of %u", blocks,
             BLOCK_TOKENS, prompt_tokens);
    if (!json_is_array(ids))
        return refuse(lines, "hash_ids", expected, "no array", err);
    snprintf(found, sizeof found, "%zu", json_array_size(ids));
    if (json_array_size(ids) != blocks)
        return refuse(lines, "hash_ids", expected, found, err);
    memory_grow(&mooncake->keys, &mooncake->keys_capacity, blocks, sizeof *mooncake->keys);
    for (uint32_t i = 0; i < blocks; i++) {
        const json_t *id = json_array_get(ids, i);
        if (!json_is_integer(id) || json_integer_value(id) < 0)
            return refuse(lines, "hash_ids", "whole numbers of 0 or more", "another value", err);
        mooncake->keys[i] = (uint64_t)json_integer_value(id);
    }
    *count = blocks;
    return refuse_repeats(mooncake, blocks, lines, err);
}

static enum status get_request(struct mooncake *mooncake, const json_t *object,
                               const struct lines *lines, struct trace_session *session,
                               struct error *err)
{
    json_int_t timestamp_ms, input, output;
    if (get_whole(object, "timestamp", 0, INT64_C(1000000000000), lines, &timestamp_ms, err) ||
        get_whole(object, "input_length", 1, 1 << 30, lines, &input, err) ||
        get_whole(object, "output_length", 1, 1 << 30, lines, &output, err))
        return err->status;
    mooncake->turn = (struct trace_turn){ .prompt_tokens = (uint32_t)input,
                                          .reply_tokens = (uint32_t)output };
    session->arrival_ns = (uint64_t)timestamp_ms * NS_PER_MS;
    session->turn_count = 1;
    session->turns = &mooncake->turn;
    enum status status =
        get_keys(mooncake, object, (uint32_t)input, lines, &session->block_count, err);
    session->block_keys = mooncake->keys;
    return status;
}

static enum status mooncake_parse(void *state, const struct lines *lines, char *line, size_t length,
                                  struct trace_session *session, struct error *err)
{
    json_error_t why;
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &why);
    if (object == NULL)
        return refuse(lines, NULL,
                      lines_was_ended(lines) ? "a JSON object" : "a whole line: the file is cut off",
                      why.text, err);
    enum status status = json_is_object(object)
                             ? get_request(state, object, lines, session, err)
                             : refuse(lines, NULL, "a JSON object", "another JSON value", err);
    json_decref(object);
    return status;
}

const struct trace_format trace_format_mooncake = {
    .name = "mooncake",
    .summary = "JSON lines of kvcache-ai/Mooncake: prompts as ids of 512-token prefix blocks",
    .probe = mooncake_probe,
    .open = mooncake_open,
    .close = mooncake_close,
    .parse = mooncake_parse,
    .facts = { .open_loop = true, .block_tokens = BLOCK_TOKENS, .format = "mooncake" },
};
