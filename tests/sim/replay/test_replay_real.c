/* tests/sim/replay/test_replay_real.c - LRU's hits on the Mooncake conversation trace are those of
 * the data's own reference script, and a block's books take no more than promised. */
#include "sim/replay/replay.h"
#include "tests/support.h"
#include "traces/traces.h"

static struct replay_result replay_file(uint64_t blocks)
{
    struct replay_config config = { .policy = &policy_lru, .blocks = { [TIER_DRAM] = blocks } };
    struct replay *replay = replay_new(&config);
    struct trace *trace = NULL;
    struct trace_session session;
    struct error err = { 0 };
    const char *path = test_data("traces/mooncake_conversation.jsonl");
    ck_assert_int_eq(trace_open(path, NULL, &trace, &err), STATUS_OK);
    while (trace_next(trace, &session, &err) == TRACE_ITEM)
        replay_request(replay, session.block_keys, session.block_count);
    struct replay_result result = replay_finish(replay);
    ck_assert_int_eq(err.status, STATUS_OK);
    trace_close(trace);
    replay_free(replay);
    return result;
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
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, lru_hits_are_the_reference_script_s);
    tcase_add_test(tests, a_live_block_takes_at_most_a_hundred_bytes);
    return test_main(suite);
}
