/* tests/traces/test_mooncake_real.c - the published conversation trace: reference values made by an
 * independent script (hits: a request's leading run of cached blocks, every block then touched). */
#include "tests/support.h"
#include "traces/traces.h"

static struct trace_info info_of(uint64_t lru_blocks)
{
    struct trace *trace;
    struct trace_info info;
    struct error err = { 0 };
    const char *path = test_data("traces/mooncake_conversation.jsonl");
    ck_assert_int_eq(trace_open(path, NULL, &trace, &err), STATUS_OK);
    ck_assert_int_eq(trace_info_read(trace, lru_blocks, &info, &err), STATUS_OK);
    trace_close(trace);
    return info;
}

START_TEST(counts_and_unbounded_hits_are_the_references)
{
    struct trace_info info = info_of(0);
    ck_assert_uint_eq(info.turns, 12031);
    ck_assert_uint_eq(info.blocks, 288500);
    ck_assert_uint_eq(info.unbounded_hits, 105710);
}
END_TEST

START_TEST(lru_hits_are_the_references)
{
    ck_assert_uint_eq(info_of(1000).lru_hits, 12831);
    ck_assert_uint_eq(info_of(10000).lru_hits, 60921);
    ck_assert_uint_eq(info_of(30000).lru_hits, 93967);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("mooncake_real");
    TCase *tcase = tcase_create("reference");
    tcase_add_test(tcase, counts_and_unbounded_hits_are_the_references);
    tcase_add_test(tcase, lru_hits_are_the_references);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_data("traces/mooncake_conversation.jsonl") != NULL ? test_main(suite())
                                                                   : TEST_SKIPPED;
}
