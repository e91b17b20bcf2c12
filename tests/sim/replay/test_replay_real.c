/* tests/sim/replay/test_replay_real.c - LRU's hits on the Mooncake conversation trace are those of
 * the data's own reference script, no policy exceeds the bounds there, and a block's books take no
 * more than promised. */
#include "base/memory.h"
#include "sim/replay/bound.h"
#include "sim/replay/replay.h"
#include "tests/support.h"
#include "tests/traces/open_trace.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_TOKENS = 512 };
#define BASE_NS 20000.0
#define SLOPE_NS 1.0

/* The trace, read once. */
struct requests_read {
    uint64_t *keys;
    uint32_t key_count, keys_capacity;
    uint32_t *counts, *prompts;
    uint32_t count, counts_capacity, prompts_capacity;
};
static struct requests_read read_once;

static void read_requests(void)
{
    struct requests_read *read = &read_once;
    struct trace *trace = NULL;
    struct trace_session session;
    struct error err = { 0 };
    const char *path = test_data("traces/mooncake_conversation.jsonl");
    ck_assert_int_eq(open_trace(path, NULL, &trace, &err), STATUS_OK);
    while (trace_next(trace, &session, &err) == TRACE_ITEM) {
        memory_grow(&read->keys, &read->keys_capacity,
                    (uint64_t)read->key_count + session.block_count, sizeof *read->keys);
        memcpy(read->keys + read->key_count, session.block_keys,
               session.block_count * sizeof *read->keys);
        read->key_count += session.block_count;
        memory_grow(&read->counts, &read->counts_capacity, (uint64_t)read->count + 1,
                    sizeof *read->counts);
        memory_grow(&read->prompts, &read->prompts_capacity, (uint64_t)read->count + 1,
                    sizeof *read->prompts);
        read->counts[read->count] = session.block_count;
        read->prompts[read->count++] = session.turns[0].prompt_tokens;
    }
    ck_assert_int_eq(err.status, STATUS_OK);
    trace_close(trace);
}

static void forget_requests(void)
{
    free(read_once.keys);
    free(read_once.counts);
    free(read_once.prompts);
}

static struct replay_result replay_under(const struct policy *policy, uint64_t blocks)
{
    struct replay_config config = { .policy = policy,
                                    .keys = POLICY_KEYS_STANDARD,
                                    .blocks = { [TIER_DRAM] = blocks },
                                    .block_tokens = BLOCK_TOKENS,
                                    .recompute_base_ns = BASE_NS,
                                    .recompute_slope_ns = SLOPE_NS };
    struct replay *replay = replay_new(&config);
    const uint64_t *keys = read_once.keys;
    for (uint32_t i = 0; i < read_once.count; i++) {
        replay_request(replay, keys, read_once.counts[i], read_once.prompts[i]);
        keys += read_once.counts[i];
    }
    struct replay_result result = replay_finish(replay);
    replay_free(replay);
    return result;
}

static struct bound *tell_requests(void)
{
    struct bound *bound = bound_new(BLOCK_TOKENS, BASE_NS, SLOPE_NS);
    const uint64_t *keys = read_once.keys;
    for (uint32_t i = 0; i < read_once.count; i++) {
        ck_assert(bound_request(bound, keys, read_once.counts[i]));
        keys += read_once.counts[i];
    }
    bound_seal(bound);
    return bound;
}

static struct replay_result replay_file(uint64_t blocks)
{
    return replay_under(&policy_lru, blocks);
}

START_TEST(lru_hits_are_the_reference_script_s)
{
    ck_assert_uint_eq(replay_file(1000).references, 288500);
    ck_assert_uint_eq(replay_file(1000).all_hits, 12831);
    ck_assert_uint_eq(replay_file(10000).all_hits, 60921);
    ck_assert_uint_eq(replay_file(30000).all_hits, 93967);
    ck_assert_uint_eq(replay_file(UINT64_MAX).all_hits, 105710);
}
END_TEST

/* MIN's hits: from a second implementation, a heap over keys in another language. */
START_TEST(no_policy_exceeds_the_bounds)
{
    static const struct {
        uint64_t blocks, hits;
    } known[] = { { 100, 20279 }, { 1000, 55019 }, { 3000, 84953 }, { 10000, 105710 } };
    struct bound *bound = tell_requests();
    for (int k = 0; k < 4; k++) {
        struct bound_result most = bound_of(bound, known[k].blocks);
        ck_assert_uint_eq(most.hits, known[k].hits);
        for (int i = 0; policy_at(i) != NULL; i++) {
            if (!policy_at(i)->saves)
                continue;
            struct replay_result result = replay_under(policy_at(i), known[k].blocks);
            ck_assert_msg(result.all_hits <= most.hits, "%s", policy_at(i)->name);
            ck_assert_msg(result.saved_ns <= most.saved_ns, "%s", policy_at(i)->name);
        }
    }
    bound_free(bound);
}
END_TEST

START_TEST(a_live_block_takes_at_most_a_hundred_bytes)
{
    struct replay_result result = replay_file(UINT64_MAX);
    ck_assert_uint_le(result.memory_bytes, 100 * result.live);
}
END_TEST

int main(void)
{
    if (test_data("traces/mooncake_conversation.jsonl") == NULL)
        return TEST_SKIPPED;
    Suite *suite = suite_create("replay_real");
    TCase *tests = tcase_create("mooncake conversation");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, read_requests, forget_requests);
    tcase_add_test(tests, lru_hits_are_the_reference_script_s);
    tcase_add_test(tests, no_policy_exceeds_the_bounds);
    tcase_add_test(tests, a_live_block_takes_at_most_a_hundred_bytes);
    return test_main(suite);
}
