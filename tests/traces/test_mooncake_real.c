/* tests/traces/test_mooncake_real.c - the published conversation trace: reference values made by an
 * independent script (hits: a request's leading run of cached blocks, every block then touched). */
#include "tests/support.h"
#include "tests/traces/open_trace.h"
#include "traces/info.h"

static struct trace_info info_of(const struct trace_reuse_config *config)
{
    struct trace *trace;
    struct trace_info info;
    struct error err = { 0 };
    const char *path = test_data("traces/mooncake_conversation.jsonl");
    ck_assert_int_eq(open_trace(path, NULL, &trace, &err), STATUS_OK);
    ck_assert_int_eq(trace_info_read(trace, config, &info, &err), STATUS_OK);
    trace_close(trace);
    return info;
}

START_TEST(counts_and_unbounded_hits_are_the_references)
{
    struct trace_info info = info_of(NULL);
    ck_assert_uint_eq(info.turns, 12031);
    ck_assert_uint_eq(info.blocks, 288500);
    ck_assert_uint_eq((uint64_t)info.reuse.unbounded_hits, 105710);
}
END_TEST

static void check_references(const struct trace_reuse *reuse)
{
    ck_assert_uint_eq((uint64_t)trace_reuse_hits(reuse, 1000), 12831);
    ck_assert_uint_eq((uint64_t)trace_reuse_hits(reuse, 10000), 60921);
    ck_assert_uint_eq((uint64_t)trace_reuse_hits(reuse, 30000), 93967);
}

START_TEST(lru_hits_are_the_references)
{
    struct trace_info info = info_of(NULL);
    ck_assert(info.reuse.whole);
    check_references(&info.reuse);
}
END_TEST

START_TEST(lru_hits_are_the_references_where_only_30000_blocks_are_exact)
{
    struct trace_reuse_config config = trace_reuse_standard();
    config.exact_blocks = 30000;
    struct trace_info info = info_of(&config);
    ck_assert(!info.reuse.whole);
    check_references(&info.reuse);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("mooncake_real");
    TCase *tcase = tcase_create("reference");
    tcase_add_test(tcase, counts_and_unbounded_hits_are_the_references);
    tcase_add_test(tcase, lru_hits_are_the_references);
    tcase_add_test(tcase, lru_hits_are_the_references_where_only_30000_blocks_are_exact);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_data("traces/mooncake_conversation.jsonl") != NULL ? test_main(suite())
                                                                   : TEST_SKIPPED;
}
