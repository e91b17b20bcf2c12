/* tests/traces/test_kv_engine.c - a small engine whose hits are known records its events; what is
 * read of them is what it hit. The engine is an LRU cache of blocks that keeps prefixes closed: a
 * request touches its last block first, as vLLM frees them (kv_cache_manager.py, free()). */
#include "base/random.h"
#include "tests/traces/kv_log.h"
#include "traces/info.h"

enum { BLOCKS_MOST = 4096, CHAIN_MOST = 24, TOKENS = 16 };

struct engine {
    uint32_t capacity, resident;
    uint64_t used[BLOCKS_MOST]; /* when it was touched last; 0: not there */
    uint64_t clock, hits, references, stored, again, requests;
    bool was[BLOCKS_MOST];
    json_t *events;
    FILE *json, *packed;
};

static json_t *hash_of_block(uint32_t block)
{
    /* Both signs and large numbers, as SGLang has them. */
    int64_t hash = (int64_t)(((uint64_t)block + 1) * UINT64_C(0x9E3779B97F4A7C15));
    return json_integer(hash);
}

static void evict(struct engine *engine)
{
    uint32_t oldest = BLOCKS_MOST;
    for (uint32_t i = 0; i < BLOCKS_MOST; i++)
        if (engine->used[i] != 0 &&
            (oldest == BLOCKS_MOST || engine->used[i] < engine->used[oldest]))
            oldest = i;
    engine->used[oldest] = 0;
    engine->resident--;
    json_array_append_new(engine->events,
                          json_pack("[s[o]s]", "BlockRemoved", hash_of_block(oldest), "GPU"));
}

/* Blocks chain[from..to) of a request are stored, as one event. */
static void tell_stored(struct engine *engine, const uint32_t *chain, uint32_t from, uint32_t to)
{
    json_t *hashes = json_array(), *tokens = json_array();
    for (uint32_t i = from; i < to; i++)
        json_array_append_new(hashes, hash_of_block(chain[i]));
    for (uint32_t i = 0; i < (to - from) * TOKENS; i++)
        json_array_append_new(tokens, json_integer(i));
    json_array_append_new(engine->events,
                          json_pack("[sooois?s]", "BlockStored", hashes,
                                    from > 0 ? hash_of_block(chain[from - 1]) : json_null(), tokens,
                                    TOKENS, NULL, "GPU"));
}

static void write_batch(struct engine *engine, double time_s)
{
    json_t *batch = json_pack("[foi]", time_s, engine->events, 0);
    json_dumpf(batch, engine->json, 0);
    fputc('\n', engine->json);
    pack(engine->packed, batch);
    json_decref(batch);
    engine->events = json_array();
}

/* chunks: how many events tell what a request stored. */
static void serve(struct engine *engine, const uint32_t *chain, uint32_t count, uint32_t chunk,
                  double time_s)
{
    uint32_t hits = 0;
    while (hits < count && engine->used[chain[hits]] != 0)
        hits++;
    for (uint32_t i = hits; i-- > 0;)
        engine->used[chain[i]] = ++engine->clock;
    for (uint32_t from = hits; from < count; from += chunk) {
        uint32_t to = from + chunk < count ? from + chunk : count;
        for (uint32_t i = from; i < to; i++) {
            if (engine->resident == engine->capacity)
                evict(engine);
            engine->used[chain[i]] = ++engine->clock;
            engine->resident++;
            engine->again += engine->was[chain[i]];
            engine->was[chain[i]] = true;
            engine->stored++;
        }
        tell_stored(engine, chain, from, to);
        write_batch(engine, time_s + 0.5 * from);
    }
    for (uint32_t i = count; i-- > 0;)
        engine->used[chain[i]] = ++engine->clock;
    /* One that found everything is not in the log. */
    engine->hits += hits < count ? hits : 0;
    engine->references += hits < count ? count : 0;
    engine->requests += hits < count;
}

struct logs {
    struct engine engine;
    char *json, *packed;
};

/* Requests of some documents, in several lengths; with `own`, each has blocks of its own behind
 * them. */
static void record(struct logs *logs, uint64_t seed, bool own)
{
    struct engine *engine = &logs->engine;
    struct random random = random_from(seed, own);
    uint32_t chain[CHAIN_MOST], fresh = 1000;
    memset(engine, 0, sizeof *engine);
    logs->json = test_temp_file("");
    logs->packed = test_temp_file("");
    engine->json = fopen(logs->json, "wb");
    engine->packed = fopen(logs->packed, "wb");
    engine->events = json_array();
    engine->capacity = 60;
    for (int request = 0; request < 400; request++) {
        uint32_t document = (uint32_t)random_below(&random, 12);
        uint32_t count = 1 + (uint32_t)random_below(&random, 16);
        for (uint32_t i = 0; i < count; i++)
            chain[i] = i < 2 ? i : 16 * document + i; /* two blocks of a system prompt */
        for (uint32_t i = 0; own && i < 1 + (uint32_t)request % 3; i++)
            chain[count++] = fresh++;
        serve(engine, chain, count, 1 + (uint32_t)random_below(&random, 8), 100.0 * request);
    }
    json_decref(engine->events);
    ck_assert_int_eq(fclose(engine->json), 0);
    ck_assert_int_eq(fclose(engine->packed), 0);
}

static void forget(struct logs *logs)
{
    unlink(logs->json), unlink(logs->packed);
    free(logs->json), free(logs->packed);
}

START_TEST(events_tell_what_the_engine_hit)
{
    struct trace_import import = default_import();
    struct logs logs;
    record(&logs, test_seed() + (uint64_t)_i, _i % 2 != 0);
    struct log_read read = read_log(logs.json, &import);
    ck_assert_int_eq(read.err.status, STATUS_OK);
    ck_assert_uint_gt(logs.engine.hits, 0);
    ck_assert_uint_eq(read.hits, logs.engine.hits);
    ck_assert_uint_eq(read.blocks, logs.engine.references);
    ck_assert_uint_eq(read.requests, logs.engine.requests);
    ck_assert_uint_eq(read.facts.engine.stored_blocks, logs.engine.stored);
    ck_assert_uint_eq(read.facts.engine.stored_again_blocks, logs.engine.again);
    ck_assert_uint_eq(read.facts.engine.resident_peak_blocks, logs.engine.capacity);
    ck_assert_uint_eq(read.facts.engine.unknown_parents, 0);
    ck_assert_uint_eq(read.facts.engine.removed_unknown_blocks, 0);
    forget(&logs);
}
END_TEST

START_TEST(both_encodings_are_the_same_trace)
{
    struct trace_import import = default_import();
    struct logs logs;
    record(&logs, test_seed(), true);
    struct log_read json = read_log(logs.json, &import), packed = read_log(logs.packed, &import);
    ck_assert_int_eq(packed.err.status, STATUS_OK);
    ck_assert_str_eq(packed.facts.format, "kv-events");
    ck_assert_str_eq(packed.text, json.text);
    ck_assert_uint_eq(packed.keys, json.keys);
    ck_assert_int_eq(memcmp(&packed.facts.engine, &json.facts.engine, sizeof json.facts.engine), 0);
    forget(&logs);
}
END_TEST

/* No request is unseen where each has blocks of its own: then nothing is left to be unlike. */
START_TEST(lru_of_the_measured_size_hits_what_the_engine_hit)
{
    struct trace_import import = default_import();
    struct trace_reuse_config config = trace_reuse_standard();
    struct trace_info info;
    struct trace *trace;
    struct error err = { 0 };
    struct logs logs;
    record(&logs, test_seed() + (uint64_t)_i, true);
    config.asked[0] = read_log(logs.packed, &import).facts.engine.resident_peak_blocks;
    config.asked_count = 1;
    config.deepest_first = true;
    ck_assert_int_eq(open_log(logs.packed, &import, &trace, &err), STATUS_OK);
    ck_assert_int_eq(trace_info_read(trace, &config, &info, &err), STATUS_OK);
    trace_close(trace);
    ck_assert_uint_eq(info.measured_hits, logs.engine.hits);
    ck_assert_double_eq(trace_reuse_hits(&info.reuse, config.asked[0]), (double)logs.engine.hits);
    ck_assert_double_gt(info.reuse.unbounded_hits, (double)logs.engine.hits);
    forget(&logs);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("kv_engine");
    TCase *tcase = tcase_create("engine");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, events_tell_what_the_engine_hit, 0, 6);
    tcase_add_test(tcase, both_encodings_are_the_same_trace);
    tcase_add_loop_test(tcase, lru_of_the_measured_size_hits_what_the_engine_hit, 0, 4);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
