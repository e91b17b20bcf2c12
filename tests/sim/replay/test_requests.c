/* tests/sim/replay/test_requests.c - sessions become requests for their blocks, in order of time.
 */
#include "sim/replay/requests.h"
#include "tests/support.h"
#include "tests/traces/open_trace.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 16 };

static struct requests *open_text(const char *csv, struct trace **trace, char **path)
{
    struct requests *requests = NULL;
    struct error err = { 0 };
    *path = test_temp_file(csv);
    ck_assert_int_eq(open_trace(*path, NULL, trace, &err), STATUS_OK);
    ck_assert_int_eq(requests_new(*trace, BLOCK, &requests, &err), STATUS_OK);
    return requests;
}

/* Session a asks at 0 s, 10 s and 30 s; b at 5 s and 10.5 s. A reply takes no time. */
static const char two_sessions[] = "session,arrival_s,think_s,prompt_tokens,reply_tokens\n"
                                   "a,0,0,20,13\n"
                                   "a,,10,30,1\n"
                                   "a,,20,1,15\n"
                                   "b,5,0,15,1\n"
                                   "b,,5.5,16,16\n";

START_TEST(turns_come_in_order_of_time_with_the_full_blocks_of_their_contexts)
{
    static const struct {
        uint64_t session;
        uint32_t blocks, prompt_tokens;
    } expected[] = { { 0, 2, 20 }, { 1, 1, 15 }, { 0, 4, 63 }, { 1, 3, 32 }, { 0, 5, 65 } };
    struct trace *trace;
    struct asked asked;
    struct error err = { 0 };
    char *path;
    struct requests *requests = open_text(two_sessions, &trace, &path);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(requests_next(requests, &asked, &err), TRACE_ITEM);
        ck_assert_uint_eq(asked.count, expected[i].blocks);
        ck_assert_uint_eq(asked.prompt_tokens, expected[i].prompt_tokens);
        for (uint32_t block = 0; block < asked.count; block++)
            ck_assert_uint_eq(asked.keys[block], expected[i].session << 32 | block);
    }
    ck_assert_int_eq(requests_next(requests, &asked, &err), TRACE_END);
    requests_free(requests);
    trace_close(trace);
    unlink(path);
    free(path);
}
END_TEST

START_TEST(a_bad_line_is_told_when_it_is_reached)
{
    struct trace *trace;
    struct asked asked;
    struct error err = { 0 };
    char *path;
    struct requests *requests = open_text("session,arrival_s,think_s,prompt_tokens,reply_tokens\n"
                                          "a,0,0,20,13\n"
                                          "b,1,0,many,1\n",
                                          &trace, &path);
    while (requests_next(requests, &asked, &err) == TRACE_ITEM)
        continue;
    ck_assert_int_eq(err.status, STATUS_INPUT);
    ck_assert_uint_eq(err.line, 3);
    requests_free(requests);
    trace_close(trace);
    unlink(path);
    free(path);
}
END_TEST

static struct workload standard(void)
{
    const struct config_section sections[] = { { .prefix = "", .rows = workload_rows }, { 0 } };
    struct workload workload;
    struct error err = { 0 };
    ck_assert_int_eq(config_load(sections, NULL, &workload, &err), STATUS_OK);
    return workload;
}

/* Each turn once, each session's in their order: contexts only grow. */
START_TEST(every_turn_of_a_workload_is_asked_once_and_in_order)
{
    enum { SESSIONS = 500 };
    static uint32_t blocks_before[SESSIONS];
    struct workload workload = standard();
    struct trace *trace;
    struct requests *requests;
    struct asked asked;
    struct trace_session session;
    struct error err = { 0 };
    uint64_t turns = 0;
    workload.sessions = SESSIONS;
    memset(blocks_before, 0, sizeof blocks_before);
    ck_assert_int_eq(trace_generate(&workload, &trace, &err), STATUS_OK);
    ck_assert_int_eq(requests_new(trace, BLOCK, &requests, &err), STATUS_OK);
    for (; requests_next(requests, &asked, &err) == TRACE_ITEM; turns++) {
        if (asked.count == 0)
            continue;
        uint64_t session = asked.keys[0] >> 32;
        ck_assert_uint_lt(session, SESSIONS);
        ck_assert_uint_ge(asked.count, blocks_before[session]);
        blocks_before[session] = asked.count;
    }
    ck_assert_int_eq(err.status, STATUS_OK);
    requests_free(requests);
    trace_close(trace);
    ck_assert_int_eq(trace_generate(&workload, &trace, &err), STATUS_OK);
    while (trace_next(trace, &session, &err) == TRACE_ITEM)
        turns -= session.turn_count;
    ck_assert_uint_eq(turns, 0);
    trace_close(trace);
}
END_TEST

START_TEST(single_requests_without_keys_are_refused)
{
    struct trace *trace;
    struct requests *requests = NULL;
    struct error err = { 0 };
    char *path = test_temp_file("TIMESTAMP,ContextTokens,GeneratedTokens\n"
                                "2023-11-16 18:15:46.6805900,374,44\n");
    ck_assert_int_eq(open_trace(path, NULL, &trace, &err), STATUS_OK);
    ck_assert_int_eq(requests_new(trace, BLOCK, &requests, &err), STATUS_INPUT);
    ck_assert_ptr_null(requests);
    trace_close(trace);
    unlink(path);
    free(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("replay_requests");
    TCase *tests = tcase_create("requests");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, turns_come_in_order_of_time_with_the_full_blocks_of_their_contexts);
    tcase_add_test(tests, a_bad_line_is_told_when_it_is_reached);
    tcase_add_test(tests, every_turn_of_a_workload_is_asked_once_and_in_order);
    tcase_add_test(tests, single_requests_without_keys_are_refused);
    return test_main(suite);
}
