/* traces/info.c - what a trace holds: counts, reuse of an unbounded cache and of an LRU of N
 * blocks. The LRU here is plain and its own: what the placement core says of the same trace is
 * tested against it. */
#include "base/keymap.h"
#include "base/memory.h"
#include "base/units.h"
#include "traces/traces.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Every block seen, most recently touched at the list's back. With a limit, those in the cache
 * only. */
struct block {
    uint64_t key; /* first: the keymap reads it here */
    uint32_t prev, next;
};

struct block_cache {
    struct block *block; /* [0] is the list's anchor: next = least, prev = most recently touched */
    uint32_t capacity, count;
    uint64_t limit; /* blocks; 0: none */
    struct keymap map;
};

static struct keymap_keys cache_keys(const struct block_cache *cache)
{
    return (struct keymap_keys){ .records = cache->block, .stride = sizeof *cache->block };
}

static void cache_init(struct block_cache *cache, uint64_t limit)
{
    memset(cache, 0, sizeof *cache);
    cache->limit = limit;
    memory_grow(&cache->block, &cache->capacity, 1, sizeof *cache->block);
    keymap_init(&cache->map, 1024);
}

static void cache_free(struct block_cache *cache)
{
    free(cache->block);
    keymap_free(&cache->map);
}

static void unlink_block(struct block_cache *cache, uint32_t handle)
{
    struct block *block = cache->block;
    block[block[handle].prev].next = block[handle].next;
    block[block[handle].next].prev = block[handle].prev;
}

static void link_last(struct block_cache *cache, uint32_t handle)
{
    struct block *block = cache->block;
    block[handle].prev = block[0].prev;
    block[handle].next = 0;
    block[block[0].prev].next = handle;
    block[0].prev = handle;
}

/* Touches the block: it is then in the cache, most recent. */
static void cache_touch(struct block_cache *cache, uint64_t key)
{
    uint32_t handle = keymap_find(&cache->map, cache_keys(cache), key);
    if (handle != 0) {
        unlink_block(cache, handle);
    } else if (cache->limit > 0 && cache->count >= cache->limit) {
        handle = cache->block[0].next;
        unlink_block(cache, handle);
        keymap_remove(&cache->map, cache_keys(cache), cache->block[handle].key);
        cache->block[handle].key = key;
        keymap_add(&cache->map, cache_keys(cache), handle);
    } else {
        handle = ++cache->count;
        memory_grow(&cache->block, &cache->capacity, (uint64_t)handle + 1, sizeof *cache->block);
        cache->block[handle].key = key;
        keymap_add(&cache->map, cache_keys(cache), handle);
    }
    link_last(cache, handle);
}

/* Blocks of the leading run that are cached; then touches every block in order. */
static uint64_t cache_request(struct block_cache *cache, const uint64_t *keys, uint32_t count)
{
    uint32_t hits = 0;
    for (uint32_t i = 0; i < count; i++)
        keymap_prefetch(&cache->map, keys[i]);
    while (hits < count && keymap_find(&cache->map, cache_keys(cache), keys[hits]) != 0)
        hits++;
    for (uint32_t i = 0; i < count; i++)
        cache_touch(cache, keys[i]);
    return hits;
}

static void add_turns(struct trace_info *info, const struct trace_session *session)
{
    uint64_t tokens = 0;
    for (uint32_t i = 0; i < session->turn_count; i++) {
        const struct trace_turn *turn = &session->turns[i];
        info->prompt_tokens += turn->prompt_tokens;
        info->reply_tokens += turn->reply_tokens;
        if (turn->prompt_tokens > info->prompt_tokens_max)
            info->prompt_tokens_max = turn->prompt_tokens;
        if (turn->reply_tokens > info->reply_tokens_max)
            info->reply_tokens_max = turn->reply_tokens;
        tokens += (uint64_t)turn->prompt_tokens + turn->reply_tokens;
    }
    info->turns += session->turn_count;
    info->multi_turn_sessions += session->turn_count > 1;
    info->sessions_over_2k += tokens > 2048;
    info->sessions_over_4k += tokens > 4096;
}

enum status trace_info_read(struct trace *trace, uint64_t lru_blocks, struct trace_info *info,
                            struct error *err)
{
    struct block_cache all, lru;
    struct trace_session session;
    enum trace_step step;
    uint64_t first_ns = 0;
    memset(info, 0, sizeof *info);
    cache_init(&all, 0);
    cache_init(&lru, lru_blocks);
    while ((step = trace_next(trace, &session, err)) == TRACE_ITEM) {
        if (info->sessions++ == 0)
            first_ns = session.arrival_ns;
        info->duration_ns = session.arrival_ns - first_ns;
        add_turns(info, &session);
        info->blocks += session.block_count;
        info->unbounded_hits += cache_request(&all, session.block_keys, session.block_count);
        if (lru_blocks > 0)
            info->lru_hits += cache_request(&lru, session.block_keys, session.block_count);
    }
    info->facts = trace_facts(trace);
    info->distinct_blocks = all.count;
    info->lru_blocks = lru_blocks;
    info->hash = trace_hash(trace);
    cache_free(&all);
    cache_free(&lru);
    return step == TRACE_ERROR ? err->status : STATUS_OK;
}

/* ---- printing ---- */

static double share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0.0;
}

static void print_blocks(FILE *out, const struct trace_info *info)
{
    fprintf(out,
            "blocks               %" PRIu64 " references of %u tokens, %" PRIu64 " different\n",
            info->blocks, info->facts.block_tokens, info->distinct_blocks);
    fprintf(out,
            "prefix hits          %" PRIu64 " of %" PRIu64 " blocks (%.2f %%), unbounded cache\n",
            info->unbounded_hits, info->blocks, 100.0 * share(info->unbounded_hits, info->blocks));
    if (info->lru_blocks > 0)
        fprintf(out,
                "                     %" PRIu64 " of %" PRIu64 " blocks (%.2f %%), LRU of %" PRIu64
                " blocks\n",
                info->lru_hits, info->blocks, 100.0 * share(info->lru_hits, info->blocks),
                info->lru_blocks);
}

void trace_info_print_table(FILE *out, const struct trace_info *info)
{
    char duration[32];
    bool open_loop = info->facts.open_loop;
    units_format((double)info->duration_ns, UNIT_DURATION, duration, sizeof duration);
    fprintf(out, "format               %s (%s)\n", info->facts.format,
            open_loop ? "open loop: requests at recorded times"
                      : "closed loop: a turn follows the reply before it");
    fprintf(out, "%s %" PRIu64 "\n", open_loop ? "requests            " : "sessions            ",
            info->sessions);
    if (info->facts.skipped > 0)
        fprintf(out, "skipped              %" PRIu64 " records: failed requests, or without a reply\n",
                info->facts.skipped);
    if (!open_loop)
        fprintf(out,
                "turns                %" PRIu64
                " (%.2f a session; %.1f %% of sessions have several)\n",
                info->turns, share(info->turns, info->sessions),
                100.0 * share(info->multi_turn_sessions, info->sessions));
    fprintf(out, "arrivals span        %s (%.3g/s)\n", duration,
            info->duration_ns > 0
                ? (double)info->sessions / ((double)info->duration_ns / (double)NS_PER_S)
                : 0.0);
    fprintf(out, "prompt tokens        %" PRIu64 " (mean %.0f, longest %" PRIu64 ")\n",
            info->prompt_tokens, share(info->prompt_tokens, info->turns), info->prompt_tokens_max);
    fprintf(out, "reply tokens         %" PRIu64 " (mean %.0f, longest %" PRIu64 ")\n",
            info->reply_tokens, share(info->reply_tokens, info->turns), info->reply_tokens_max);
    if (!open_loop)
        fprintf(out, "session length       %.1f %% over 2K tokens, %.1f %% over 4K\n",
                100.0 * share(info->sessions_over_2k, info->sessions),
                100.0 * share(info->sessions_over_4k, info->sessions));
    if (info->blocks > 0)
        print_blocks(out, info);
    else
        fprintf(out,
                "blocks               none: the trace does not say which prefixes are shared\n");
}

static void set_whole(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

void trace_info_print_json(FILE *out, const struct trace_info *info)
{
    json_t *object = json_object();
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, info->hash);
    json_object_set_new(object, "format", json_string(info->facts.format));
    json_object_set_new(object, "arrivals",
                        json_string(info->facts.open_loop ? "open-loop" : "closed-loop"));
    set_whole(object, "requests", info->turns);
    set_whole(object, "sessions", info->sessions);
    set_whole(object, "skipped_records", info->facts.skipped);
    set_whole(object, "multi_turn_sessions", info->multi_turn_sessions);
    set_whole(object, "sessions_over_2k_tokens", info->sessions_over_2k);
    set_whole(object, "sessions_over_4k_tokens", info->sessions_over_4k);
    set_whole(object, "duration_ns", info->duration_ns);
    set_whole(object, "prompt_tokens", info->prompt_tokens);
    set_whole(object, "prompt_tokens_max", info->prompt_tokens_max);
    set_whole(object, "reply_tokens", info->reply_tokens);
    set_whole(object, "reply_tokens_max", info->reply_tokens_max);
    set_whole(object, "block_tokens", info->facts.block_tokens);
    set_whole(object, "blocks", info->blocks);
    set_whole(object, "distinct_blocks", info->distinct_blocks);
    set_whole(object, "unbounded_hits", info->unbounded_hits);
    json_object_set_new(object, "unbounded_hit_rate",
                        json_real(share(info->unbounded_hits, info->blocks)));
    if (info->lru_blocks > 0) {
        set_whole(object, "lru_blocks", info->lru_blocks);
        set_whole(object, "lru_hits", info->lru_hits);
        json_object_set_new(object, "lru_hit_rate", json_real(share(info->lru_hits, info->blocks)));
    }
    json_object_set_new(object, "trace_hash", json_string(hash));
    json_dumpf(object, out, JSON_INDENT(2));
    fputc('\n', out);
    json_decref(object);
}
