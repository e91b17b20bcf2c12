/* traces/format_lmcache.c - LMCache's log of look-ups (`lmcache server --lookup-hash-log-dir`): a
 * JSON object a line,
 *   {"timestamp": s, "request_id": "...", "model_name": "...", "chunk_size": 256, "seq_len": 1024,
 *    "dtypes": [...], "shapes": [...], "chunk_hashes": ["0xab...", ...]}
 * with a hash, of itself and all before it, for each whole chunk; what fills none can never hit,
 * and is here a block of its own. Models share nothing. Open loop; replies are not in it, and 1
 * token.
 *
 * LMCache logs no hits there. Its text logs say them (docs/workload.md shows how to add them): a
 * key "hit_tokens" in each line is read as what it measured. Source: LMCache/LMCache,
 * lmcache/v1/mp_observability/subscribers/logging/lookup_hash.py (2a7468a);
 * lmcache/tools/cache_simulator/simulator.py, README.md (090b924), which count alike. */
#include "base/keymap.h"
#include "base/memory.h"
#include "traces/format.h"
#include "traces/json_record.h"
#include "traces/record_time.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* A whole chunk without a hash takes no room in the file, but 8 B in memory: a look-up of 300 B
 * that claims 10^9 tokens would take gigabytes. So many, 128 MiB, all look-ups together. */
enum { CHUNK_TOKENS_MOST = 65536, UNNAMED_MOST = 1 << 24 };

struct lmcache {
    struct record_time time;
    struct trace_turn turn;
    uint64_t *keys, lookups, unnamed; /* whole chunks without a hash */
    uint32_t keys_capacity, chunk_tokens;
    struct trace_skips *skips; /* the file's */
    bool has_hits;             /* the first line says how many hit, and so must all */
    bool has_first;
    struct trace_session first; /* read by open(), and not given */
};

static bool lmcache_probe(const struct head *head)
{
    return head->text[0] == '{' && head_line_has(head, "\"chunk_hashes\"") &&
           head_line_has(head, "\"chunk_size\"");
}

static void lmcache_close(void *state)
{
    free(((struct lmcache *)state)->keys);
    free(state);
}

/* A chunk that the log names no hash of, and the tokens behind the last whole one, are the
 * look-up's own. */
static enum status get_keys(struct lmcache *lmcache, struct json_record record, uint32_t tokens,
                            uint32_t *count, struct error *err)
{
    const json_t *hashes = json_object_get(record.object, "chunk_hashes");
    const char *model = json_string_value(json_object_get(record.object, "model_name"));
    uint32_t whole = tokens / lmcache->chunk_tokens;
    uint64_t salt = model != NULL ? XXH64(model, strlen(model), 0) : 0;
    size_t named = json_array_size(hashes);
    *count = whole + (tokens % lmcache->chunk_tokens != 0);
    if (!json_is_array(hashes) || named > whole)
        return json_record_refuse(record, "chunk_hashes", "a hash for each whole chunk of seq_len",
                                  json_is_array(hashes) ? "more" : "no array", err);
    lmcache->unnamed += whole - named;
    if (lmcache->unnamed > UNNAMED_MOST) {
        char found[64];
        snprintf(found, sizeof found, "%" PRIu64 " chunks without one so far", lmcache->unnamed);
        return json_record_refuse(record, "chunk_hashes",
                                  "a hash for each whole chunk of seq_len, as LMCache writes",
                                  found, err);
    }
    memory_grow(&lmcache->keys, &lmcache->keys_capacity, *count, sizeof *lmcache->keys);
    for (uint32_t i = 0; i < *count; i++) {
        const json_t *hash = json_array_get(hashes, i);
        if (i < named && !json_is_string(hash))
            return json_record_refuse(record, "chunk_hashes", "texts: \"0xab...\"", "another value",
                                      err);
        lmcache->keys[i] = i < named
                               ? XXH64(json_string_value(hash), json_string_length(hash), salt) >> 1
                               : keymap_mix(~lmcache->lookups << 20 ^ i) >> 1;
    }
    return STATUS_OK;
}

static enum status get_hits(const struct lmcache *lmcache, struct json_record record,
                            uint32_t tokens, uint32_t *hits, struct error *err)
{
    int64_t hit_tokens = 0;
    if (lmcache->has_hits &&
        json_record_whole(record, "hit_tokens", 0, tokens, &hit_tokens, err) != STATUS_OK)
        return err->status;
    *hits = (uint32_t)hit_tokens / lmcache->chunk_tokens;
    return STATUS_OK;
}

/* All lines' is the first's. */
static enum status get_chunk_tokens(struct lmcache *lmcache, struct json_record record,
                                    struct error *err)
{
    int64_t tokens, known = lmcache->chunk_tokens;
    if (json_record_whole(record, "chunk_size", known > 0 ? known : 1,
                          known > 0 ? known : CHUNK_TOKENS_MOST, &tokens, err) != STATUS_OK)
        return err->status;
    if (known == 0)
        lmcache->has_hits = json_object_get(record.object, "hit_tokens") != NULL;
    lmcache->chunk_tokens = (uint32_t)tokens;
    return STATUS_OK;
}

static enum status get_lookup(void *state, struct json_record record, struct trace_session *session,
                              struct error *err)
{
    struct lmcache *lmcache = state;
    int64_t tokens;
    uint64_t ns;
    if (json_record_seconds(record, "timestamp", false, &ns, err) ||
        get_chunk_tokens(lmcache, record, err) ||
        json_record_whole(record, "seq_len", 0, RECORD_TOKENS_MOST, &tokens, err) ||
        record_time_next(&lmcache->time, record.lines, "timestamp", ns, &session->arrival_ns,
                         err) ||
        get_keys(lmcache, record, (uint32_t)tokens, &session->block_count, err) ||
        get_hits(lmcache, record, (uint32_t)tokens, &session->measured_hits, err))
        return err->status;
    lmcache->lookups++;
    lmcache->skips->by[SKIP_NO_PROMPT] += tokens == 0;
    lmcache->turn = (struct trace_turn){ .prompt_tokens = (uint32_t)tokens, .reply_tokens = 1 };
    session->turns = &lmcache->turn;
    session->turn_count = tokens > 0 ? 1 : 0;
    session->block_keys = lmcache->keys;
    return STATUS_OK;
}

static enum trace_step read_lookup(struct lmcache *lmcache, struct lines *lines,
                                   struct trace_session *session, struct error *err)
{
    char *line;
    size_t length;
    enum lines_step step;
    while ((step = lines_next(lines, &line, &length, err)) == LINES_LINE) {
        if (json_record_session(lines, line, length, get_lookup, lmcache, session, err))
            return TRACE_ERROR;
        if (session->turn_count > 0)
            return TRACE_ITEM;
    }
    return step == LINES_END ? TRACE_END : TRACE_ERROR;
}

/* The size of a chunk must be known before the first request is given; lines are too long to look
 * at one and leave it there. */
static enum status lmcache_open(struct lines *lines, const struct format_settings *settings,
                                void **state, struct error *err)
{
    struct lmcache *lmcache = *state = memory_new(1, sizeof *lmcache);
    lmcache->skips = settings->skips;
    enum trace_step step = read_lookup(lmcache, lines, &lmcache->first, err);
    lmcache->has_first = step == TRACE_ITEM;
    return step == TRACE_ERROR ? err->status : STATUS_OK;
}

static enum trace_step lmcache_next(void *state, struct lines *lines, struct trace_session *session,
                                    struct error *err)
{
    struct lmcache *lmcache = state;
    if (!lmcache->has_first)
        return read_lookup(lmcache, lines, session, err);
    *session = lmcache->first;
    lmcache->has_first = false;
    return TRACE_ITEM;
}

static void lmcache_tell(const void *state, struct trace_facts *facts)
{
    const struct lmcache *lmcache = state;
    facts->block_tokens = lmcache->chunk_tokens;
    facts_assume(facts, "replies of 1 token: the log has none");
    facts->measured = lmcache->has_hits ? TRACE_MEASURED_BY_LOOKUPS : TRACE_UNMEASURED;
}

const struct trace_format trace_format_lmcache = {
    .name = "lmcache",
    .summary =
        "JSON lines of LMCache's look-ups (--lookup-hash-log-dir): hashes of prompts' chunks",
    .facts = { .open_loop = true },
    .time_key = "timestamp",
    .probe = lmcache_probe,
    .open = lmcache_open,
    .close = lmcache_close,
    .next = lmcache_next,
    .tell = lmcache_tell,
};
