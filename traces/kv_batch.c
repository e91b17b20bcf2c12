/* traces/kv_batch.c - see kv_batch.h. */
#include "traces/kv_batch.h"

#include "base/keymap.h"
#include "base/memory.h"
#include "base/units.h"
#include "traces/json_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { BLOCK_TOKENS_MOST = 65536 };

/* A member of an event: its place in an array-like struct, behind the tag. */
struct field {
    const char *key;
    size_t at;
};
static const struct field hashes_field = { "block_hashes", 1 };
static const struct field parent_field = { "parent_block_hash", 2 };
static const struct field tokens_field = { "token_ids", 3 };
static const struct field size_field = { "block_size", 4 };
static const struct field stored_medium = { "medium", 6 }, removed_medium = { "medium", 2 };
static const struct field stored_group = { "group_idx", 9 }, removed_group = { "group_idx", 3 };
static const struct field kind_field = { "kv_cache_spec_kind", 10 };
static const struct field window_field = { "kv_cache_spec_sliding_window", 11 };

void kv_batch_free(struct kv_batch *batch)
{
    free(batch->hashes);
}

/* NULL: it is not there, or null, which is the same to msgspec. */
static const json_t *member(const json_t *event, struct field field)
{
    const json_t *item =
        json_is_array(event) ? json_array_get(event, field.at) : json_object_get(event, field.key);
    return json_is_null(item) ? NULL : item;
}

static enum status refuse(const struct kv_batch *batch, const char *key, const char *expected,
                          const json_t *item, struct error *err)
{
    return kv_refuse(&batch->where, key, expected, item == NULL ? "nothing" : "another value", err);
}

static enum status get_whole(const struct kv_batch *batch, const json_t *item, const char *key,
                             int64_t least, int64_t most, int64_t *value, struct error *err)
{
    char expected[96];
    *value = json_integer_value(item);
    if (json_is_integer(item) && *value >= least && *value <= most)
        return STATUS_OK;
    snprintf(expected, sizeof expected, "a whole number from %" PRId64 " to %" PRId64, least, most);
    return refuse(batch, key, expected, item, err);
}

/* ---- hashes ---- */

/* A number beyond 63 bits comes as its digits, and must equal the same number read elsewhere. */
static bool digits_to_number(const char *text, size_t length, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9 || *number > (UINT64_MAX - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return length > 0;
}

static bool hash_of(const json_t *item, uint64_t *hash)
{
    uint64_t number = (uint64_t)json_integer_value(item);
    if (json_is_string(item)) {
        const char *text = json_string_value(item);
        size_t length = json_string_length(item);
        if (!digits_to_number(text, length, &number)) {
            *hash = XXH64(text, length, 0) >> 1;
            return length > 0;
        }
    } else if (!json_is_integer(item)) {
        return false;
    }
    *hash = keymap_mix(number) >> 1;
    return true;
}

static enum status get_hash(const struct kv_batch *batch, const json_t *item, const char *key,
                            uint64_t *hash, struct error *err)
{
    return hash_of(item, hash) ? STATUS_OK
                               : refuse(batch, key, "hashes: whole numbers or texts", item, err);
}

/* `inner`: the key of the hash in each element, which is an object; NULL: the element is it. */
static enum status get_hashes(struct kv_batch *batch, const json_t *array, const char *key,
                              const char *inner, struct kv_event *event, struct error *err)
{
    size_t count = json_array_size(array);
    if (!json_is_array(array))
        return refuse(batch, key, "an array of hashes", array, err);
    memory_grow(&batch->hashes, &batch->capacity, count, sizeof *batch->hashes);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(array, i);
        if (get_hash(batch, inner != NULL ? json_object_get(item, inner) : item, key,
                     &batch->hashes[i], err) != STATUS_OK)
            return err->status;
    }
    event->hashes = batch->hashes;
    event->count = (uint32_t)count;
    return STATUS_OK;
}

static enum status get_parent(const struct kv_batch *batch, const json_t *item, const char *key,
                              struct kv_event *event, struct error *err)
{
    event->has_parent = item != NULL && !json_is_null(item);
    return event->has_parent ? get_hash(batch, item, key, &event->parent, err) : STATUS_OK;
}

/* ---- media and groups ---- */

/* vLLM: "GPU", or null where there is no other; SGLang: "GPU"; dynamo: "device". Whatever else an
 * engine names lies below. */
static enum status get_medium(const struct kv_batch *batch, const json_t *item, const char *key,
                              enum kv_medium *medium, struct error *err)
{
    const char *name = json_string_value(item);
    if (item != NULL && name == NULL)
        return refuse(batch, key, "a text", item, err);
    bool gpu = name == NULL || strcmp(name, "GPU") == 0 || strcmp(name, "gpu") == 0 ||
               strcmp(name, "device") == 0;
    *medium = gpu ? KV_GPU : KV_BELOW;
    return STATUS_OK;
}

/* Whether layers of this kind keep the KV of all tokens. vLLM's names: v1/kv_cache_interface.py,
 * KVCacheSpecKind. */
static bool attends_to_all(const json_t *event)
{
    const char *kind = json_string_value(member(event, kind_field));
    return member(event, window_field) == NULL &&
           (kind == NULL || strcmp(kind, "full_attention") == 0 ||
            strcmp(kind, "mla_attention") == 0 || strcmp(kind, "sink_full_attention") == 0);
}

/* Of a hybrid model each group of layers tells of its own blocks, by the same hashes. */
static enum status get_group(struct kv_batch *batch, const json_t *event, struct field field,
                             bool stored, bool *followed, struct error *err)
{
    const json_t *item = member(event, field);
    int64_t group;
    *followed = !stored || attends_to_all(event);
    if (item == NULL)
        return STATUS_OK;
    if (get_whole(batch, item, field.key, 0, INT32_MAX, &group, err) != STATUS_OK)
        return err->status;
    if (stored && *followed && !batch->has_group) {
        batch->has_group = true;
        batch->group = group;
    }
    *followed = *followed && batch->has_group && batch->group == group;
    return STATUS_OK;
}

/* ---- vLLM's and SGLang's events ---- */

static enum status check_tokens(const struct kv_batch *batch, const json_t *tokens,
                                const struct kv_event *event, struct error *err)
{
    char expected[64], found[32];
    size_t count = json_array_size(tokens);
    if (!json_is_array(tokens))
        return refuse(batch, tokens_field.key, "an array", tokens, err);
    if (count == 0 || count == (uint64_t)event->count * event->block_tokens)
        return STATUS_OK; /* who stores below the GPU may not know the tokens */
    snprintf(expected, sizeof expected, "%u blocks of %u tokens", event->count,
             event->block_tokens);
    snprintf(found, sizeof found, "%zu tokens", count);
    return kv_refuse(&batch->where, tokens_field.key, expected, found, err);
}

static enum status get_stored(struct kv_batch *batch, const json_t *event, struct kv_event *out,
                              struct error *err)
{
    int64_t size;
    bool followed;
    out->kind = KV_STORED;
    if (get_whole(batch, member(event, size_field), size_field.key, 1, BLOCK_TOKENS_MOST, &size,
                  err) ||
        get_hashes(batch, member(event, hashes_field), hashes_field.key, NULL, out, err) ||
        get_parent(batch, member(event, parent_field), parent_field.key, out, err) ||
        get_medium(batch, member(event, stored_medium), stored_medium.key, &out->medium, err) ||
        get_group(batch, event, stored_group, true, &followed, err))
        return err->status;
    out->block_tokens = (uint32_t)size;
    if (check_tokens(batch, member(event, tokens_field), out, err) != STATUS_OK)
        return err->status;
    if (!followed || out->count == 0)
        out->kind = KV_PASSED_OVER;
    return STATUS_OK;
}

static enum status get_removed(struct kv_batch *batch, const json_t *event, struct kv_event *out,
                               struct error *err)
{
    bool followed;
    out->kind = KV_REMOVED;
    if (get_hashes(batch, member(event, hashes_field), hashes_field.key, NULL, out, err) ||
        get_medium(batch, member(event, removed_medium), removed_medium.key, &out->medium, err) ||
        get_group(batch, event, removed_group, false, &followed, err))
        return err->status;
    if (!followed)
        out->kind = KV_PASSED_OVER;
    return STATUS_OK;
}

static enum status get_engines(struct kv_batch *batch, const json_t *event, struct kv_event *out,
                               struct error *err)
{
    const json_t *tag = member(event, (struct field){ "type", 0 });
    const char *name = json_string_value(tag);
    if (name == NULL)
        return refuse(batch, "type", "BlockStored, BlockRemoved or AllBlocksCleared", tag, err);
    if (strcmp(name, "BlockStored") == 0)
        return get_stored(batch, event, out, err);
    if (strcmp(name, "BlockRemoved") == 0)
        return get_removed(batch, event, out, err);
    out->kind = strcmp(name, "AllBlocksCleared") == 0 ? KV_CLEARED : KV_PASSED_OVER;
    return STATUS_OK;
}

/* ---- dynamo's ---- */

static enum status get_routers(struct kv_batch *batch, const json_t *event, struct kv_event *out,
                               struct error *err)
{
    const json_t *data = json_object_get(json_object_get(event, "event"), "data");
    const json_t *stored = json_object_get(data, "stored");
    const json_t *removed = json_object_get(data, "removed");
    const char *cleared = json_string_value(data);
    const json_t *tier = member(event, (struct field){ "storage_tier", 0 });
    if (get_medium(batch, tier, "storage_tier", &out->medium, err) != STATUS_OK)
        return err->status;
    if (stored != NULL) {
        out->kind = KV_STORED;
        if (get_hashes(batch, json_object_get(stored, "blocks"), "blocks", "block_hash", out, err))
            return err->status;
        out->kind = out->count > 0 ? KV_STORED : KV_PASSED_OVER;
        return get_parent(batch, json_object_get(stored, "parent_hash"), "parent_hash", out, err);
    }
    if (removed != NULL) {
        out->kind = KV_REMOVED;
        return get_hashes(batch, json_object_get(removed, "block_hashes"), "block_hashes", NULL,
                          out, err);
    }
    out->kind = KV_CLEARED;
    return cleared != NULL && strcmp(cleared, "cleared") == 0
               ? STATUS_OK
               : refuse(batch, "data", "stored, removed or cleared", data, err);
}

enum status kv_batch_event(struct kv_batch *batch, size_t i, struct kv_event *event,
                           struct error *err)
{
    const json_t *item = batch->events != NULL ? json_array_get(batch->events, i) : batch->only;
    *event = (struct kv_event){ .medium = KV_GPU };
    if (batch->events == NULL && json_object_get(item, "event") != NULL)
        return get_routers(batch, item, event, err);
    if (!json_is_array(item) && !json_is_object(item))
        return refuse(batch, "events", "events: arrays or objects", item, err);
    return get_engines(batch, item, event, err);
}

/* ---- the batch ---- */

static enum status get_time(struct kv_batch *batch, const json_t *item, const char *key,
                            uint64_t unit_ns, struct error *err)
{
    double value = json_number_value(item);
    const double most = RECORD_SECONDS_MOST * (double)(NS_PER_S / unit_ns);
    if (!json_is_number(item) || !(value >= 0.0 && value <= most))
        return refuse(batch, key, "a time, a number from 0", item, err);
    batch->time_ns = record_ns(value, unit_ns);
    return STATUS_OK;
}

static enum status add_rank(struct kv_batch *batch, const json_t *item, const char *key,
                            struct error *err)
{
    int64_t rank = 0;
    if (item != NULL && !json_is_null(item) &&
        get_whole(batch, item, key, 0, INT64_MAX, &rank, err) != STATUS_OK)
        return err->status;
    batch->server = keymap_mix(batch->server + (uint64_t)rank);
    return STATUS_OK;
}

static enum status begin_array(struct kv_batch *batch, const json_t *value, struct error *err)
{
    batch->events = json_array_get(value, 1);
    return get_time(batch, json_array_get(value, 0), "ts", NS_PER_S, err) != STATUS_OK
               ? err->status
               : add_rank(batch, json_array_get(value, 2), "data_parallel_rank", err);
}

static enum status begin_routers(struct kv_batch *batch, const json_t *value, struct error *err)
{
    const json_t *routed = json_object_get(value, "event"), *event;
    if (!json_is_object(routed) || !json_is_object(event = json_object_get(routed, "event")))
        return refuse(batch, "event", "an object with an object \"event\"", routed, err);
    batch->only = routed;
    return get_time(batch, json_object_get(value, "timestamp"), "timestamp", NS_PER_MS, err) ||
                   add_rank(batch, json_object_get(routed, "worker_id"), "worker_id", err) ||
                   add_rank(batch, json_object_get(event, "dp_rank"), "dp_rank", err)
               ? err->status
               : STATUS_OK;
}

static enum status begin_object(struct kv_batch *batch, const json_t *value, struct error *err)
{
    const json_t *rank = json_object_get(value, "data_parallel_rank");
    const json_t *topic = json_object_get(value, "topic"),
                 *sequence = json_object_get(value, "seq");
    batch->only = value;
    batch->events = json_object_get(value, "events");
    if (json_is_string(topic))
        batch->server ^= XXH64(json_string_value(topic), json_string_length(topic), 0);
    if (json_is_integer(sequence) && json_integer_value(sequence) >= 0) {
        batch->has_sequence = true;
        batch->sequence = (uint64_t)json_integer_value(sequence);
    }
    return get_time(batch, json_object_get(value, "ts"), "ts", NS_PER_S, err) != STATUS_OK
               ? err->status
               : add_rank(batch, rank != NULL ? rank : json_object_get(value, "attn_dp_rank"),
                          "data_parallel_rank", err);
}

enum status kv_batch_begin(struct kv_batch *batch, const struct kv_record *record,
                           struct error *err)
{
    enum status status;
    batch->where = record->where;
    batch->server = record->topic;
    batch->has_sequence = record->has_sequence;
    batch->sequence = record->sequence;
    batch->events = batch->only = NULL;
    if (json_is_array(record->value))
        status = begin_array(batch, record->value, err);
    else if (json_object_get(record->value, "event") != NULL)
        status = begin_routers(batch, record->value, err);
    else
        status = begin_object(batch, record->value, err);
    bool one = batch->events == NULL && batch->only != NULL;
    if (status == STATUS_OK && !one && !json_is_array(batch->events))
        return refuse(batch, "events", "an array of events", batch->events, err);
    batch->count = one ? 1 : json_array_size(batch->events);
    return status;
}
