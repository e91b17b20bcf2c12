/* traces/prompt_hash.c - see prompt_hash.h. */
#include "traces/prompt_hash.h"

#include "base/memory.h"
#include "traces/draws.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct prompt_hash {
    XXH64_state_t *state;
    double bytes_per_token;
    uint64_t seed, hashed_bytes, block_bytes;
    uint64_t *keys;
    uint32_t keys_capacity, key_count, block_tokens;
};

struct prompt_hash *prompt_hash_new(const struct trace_import *import)
{
    struct prompt_hash *hash = memory_new(1, sizeof *hash);
    hash->state = XXH64_createState();
    if (hash->state == NULL)
        memory_exhausted();
    hash->seed = import->hash_seed;
    hash->block_tokens = import->block_tokens;
    hash->bytes_per_token = import->bytes_per_token;
    double bytes = import->block_tokens * import->bytes_per_token + 0.5;
    hash->block_bytes = bytes < 1.0 ? 1 : (uint64_t)bytes;
    return hash;
}

void prompt_hash_free(struct prompt_hash *hash)
{
    XXH64_freeState(hash->state);
    free(hash->keys);
    free(hash);
}

void prompt_hash_begin(struct prompt_hash *hash)
{
    XXH64_reset(hash->state, hash->seed);
    hash->hashed_bytes = 0;
    hash->key_count = 0;
}

static void add_key(struct prompt_hash *hash)
{
    memory_grow(&hash->keys, &hash->keys_capacity, (uint64_t)hash->key_count + 1,
                sizeof *hash->keys);
    hash->keys[hash->key_count++] = XXH64_digest(hash->state) >> 1;
}

static void hash_bytes(struct prompt_hash *hash, const char *bytes, size_t length)
{
    while (length > 0) {
        size_t room = hash->block_bytes - hash->hashed_bytes % hash->block_bytes;
        size_t piece = length < room ? length : room;
        XXH64_update(hash->state, bytes, piece);
        hash->hashed_bytes += piece;
        bytes += piece;
        length -= piece;
        if (hash->hashed_bytes % hash->block_bytes == 0)
            add_key(hash);
    }
}

void prompt_hash_text(struct prompt_hash *hash, const json_t *text)
{
    hash_bytes(hash, json_string_value(text), json_string_length(text));
    hash_bytes(hash, "\xff", 1);
}

void prompt_hash_value(struct prompt_hash *hash, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    if (text == NULL)
        return;
    hash_bytes(hash, text, strlen(text));
    hash_bytes(hash, "\xff", 1);
    memset(text, 0, strlen(text));
    free(text);
}

enum status prompt_hash_content(struct prompt_hash *hash, struct json_record message,
                                struct error *err)
{
    char found[64];
    const json_t *content = json_object_get(message.object, "content");
    if (content == NULL || json_is_null(content))
        return STATUS_OK;
    if (json_is_string(content)) {
        prompt_hash_text(hash, content);
        return STATUS_OK;
    }
    if (!json_is_array(content))
        return json_record_refuse(message, "content", "a text, or an array of them",
                                  json_kind(content, found, sizeof found), err);
    for (size_t i = 0; i < json_array_size(content); i++) {
        const json_t *text = json_object_get(json_array_get(content, i), "text");
        if (!json_is_string(text))
            return json_record_refuse(message, "content", "texts: others have no token count here",
                                      "a part that is no text", err);
        prompt_hash_text(hash, text);
    }
    return STATUS_OK;
}

uint32_t prompt_hash_tokens(const struct prompt_hash *hash, uint64_t bytes)
{
    return whole_tokens((double)bytes / hash->bytes_per_token);
}

uint64_t prompt_hash_bytes(const struct prompt_hash *hash)
{
    return hash->hashed_bytes;
}

enum status prompt_hash_said(struct prompt_hash *hash, struct json_record message,
                             struct error *err)
{
    static const char *const calls[] = { "tool_calls",
                                         "function_call" }; /* the latter: until 2023 */
    if (prompt_hash_content(hash, message, err) != STATUS_OK)
        return err->status;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        const json_t *call = json_object_get(message.object, calls[i]);
        if (call != NULL && !json_is_null(call))
            prompt_hash_value(hash, call);
    }
    return STATUS_OK;
}

enum status prompt_hash_message(struct prompt_hash *hash, struct json_record message,
                                struct error *err)
{
    char found[64];
    const json_t *role = json_object_get(message.object, "role");
    if (!json_is_string(role))
        return json_record_refuse(message, "role", "a text", json_kind(role, found, sizeof found),
                                  err);
    prompt_hash_text(hash, role);
    return prompt_hash_said(hash, message, err);
}

uint32_t prompt_hash_end(struct prompt_hash *hash, const uint64_t **keys, uint32_t *key_count)
{
    uint64_t whole = hash->hashed_bytes / hash->block_bytes * hash->block_tokens;
    uint64_t rest = hash->hashed_bytes % hash->block_bytes;
    uint32_t rest_tokens = rest > 0 ? prompt_hash_tokens(hash, rest) : 0;
    if (rest > 0)
        add_key(hash);
    *keys = hash->keys;
    *key_count = hash->key_count;
    return (uint32_t)(whole +
                      (rest_tokens < hash->block_tokens ? rest_tokens : hash->block_tokens));
}
