/* tests/traces/test_info.c - turn, length, think-time and arrival statistics of traces known by
 * hand. */
#include "tests/traces/open_trace.h"
#include "tests/traces/trace_text.h"
#include "traces/info.h"
#include "traces/write.h"

#include <string.h>

static struct trace_info info_of(struct trace *trace)
{
    struct trace_info info;
    struct error err = { 0 };
    ck_assert_msg(trace_info_read(trace, NULL, &info, &err) == STATUS_OK, "%s", err.expected);
    trace_close(trace);
    return info;
}

static struct trace_info info_of_text(const char *text)
{
    char *path = test_temp_file(text);
    struct trace *trace;
    struct error err = { 0 };
    ck_assert_int_eq(open_trace(path, NULL, &trace, &err), STATUS_OK);
    struct trace_info info = info_of(trace);
    unlink(path);
    free(path);
    return info;
}

#define HEADING "session,arrival_s,think_s,prompt_tokens,reply_tokens\n"

START_TEST(turns_lengths_and_think_times_are_counted)
{
    struct trace_info info = info_of_text(HEADING "a,0,,100,10\na,,4,50,20\na,,8,30,5\n"
                                                  "b,10,,7,3\n"
                                                  "c,20,,11,1\nc,,6,9,1\n");
    ck_assert_uint_eq(info.sessions, 3);
    ck_assert_uint_eq(info.turns, 6);
    ck_assert_uint_eq(info.multi_turn_sessions, 2);
    ck_assert_uint_eq(info.prompt_tokens, 207);
    ck_assert_uint_eq(info.reply_tokens, 40);
    ck_assert(info.turns_a_session.mean == 2.0 && info.turns_a_session.most == 3);
    ck_assert_uint_eq(info.turns_a_session.p50, 2);
    ck_assert_uint_eq(info.think_ns.count, 3);
    ck_assert(info.think_ns.mean == 6e9);
    ck_assert_uint_eq(info.think_ns.most, 8 * NS_PER_S);
    /* Contexts: 100, 160, 210; 7; 11, 21. */
    ck_assert_uint_eq(info.context.most, 210);
    ck_assert_double_eq_tol(info.context.mean, 509.0 / 6.0, 1e-9);
    ck_assert_uint_eq(info.context.p50, 21);
    ck_assert_uint_eq(info.duration_ns, 20 * NS_PER_S);
    ck_assert(info.gap_ns.mean == 1e10);
    ck_assert_double_eq_tol(info.gap_cv, 0.0, 1e-6);
    ck_assert_uint_eq(info.minute_most, 3);
    ck_assert_uint_eq(info.by_turn[1].turns, 2);
    ck_assert(info.by_turn[1].new_tokens_mean == 29.5);
    ck_assert(info.by_turn[1].context_tokens_mean == 90.5);
}
END_TEST

START_TEST(turns_are_told_by_their_number)
{
    static const uint64_t turns[TRACE_TURN_ROWS] = { 1, 1, 1, 1, 4, 8, 16, 7 };
    static const uint32_t first[TRACE_TURN_ROWS] = { 1, 2, 3, 4, 5, 9, 17, 33 };
    char text[4096] = HEADING;
    for (int i = 0; i < 39; i++)
        strcat(text, i == 0 ? "a,0,,1,1\n" : "a,,0,1,1\n");
    struct trace_info info = info_of_text(text);
    for (uint32_t row = 0; row < TRACE_TURN_ROWS; row++) {
        ck_assert_uint_eq(info.by_turn[row].turns, turns[row]);
        ck_assert_uint_eq(trace_turn_row_first(row), first[row]);
        /* Turn t has t new tokens and t - 1 of replies; a row's mean is its middle. */
        double middle = first[row] + ((double)turns[row] - 1.0) / 2.0;
        ck_assert_double_eq_tol(info.by_turn[row].context_tokens_mean, 2.0 * middle - 1.0, 1e-9);
    }
}
END_TEST

START_TEST(bursts_are_told_from_a_steady_stream)
{
    char steady[8192] = HEADING, bursts[8192] = HEADING, line[64];
    for (int i = 0; i < 100; i++) {
        snprintf(line, sizeof line, "s%d,%d,,1,1\n", i, 3 * i);
        strcat(steady, line);
        snprintf(line, sizeof line, "s%d,%d,,1,1\n", i, 30 * (i / 10)); /* ten at once */
        strcat(bursts, line);
    }
    ck_assert_double_eq_tol(info_of_text(steady).gap_cv, 0.0, 1e-6);
    ck_assert_uint_eq(info_of_text(steady).minute_most, 20);
    ck_assert_double_gt(info_of_text(bursts).gap_cv, 2.5);
}
END_TEST

START_TEST(poisson_arrivals_have_a_deviation_of_their_mean)
{
    struct workload workload;
    struct trace *trace;
    struct error err = { 0 };
    TRACE_DEFAULTS(workload_rows, &workload);
    ck_assert_int_eq(trace_generate(&workload, &trace, &err), STATUS_OK);
    struct trace_info info = info_of(trace);
    ck_assert_double_eq_tol(info.gap_cv, 1.0, 5.0 / 94.0); /* 9,000 gaps: 5 / sqrt(9000) */
    ck_assert_double_eq_tol(info.think_ns.mean / 60e9, 1.0, 5.0 / 204.0);
    ck_assert_double_eq_tol((double)info.think_ns.p50 / 60e9, 0.6931, 0.03); /* ln 2 */
}
END_TEST

#define REQUEST(ms, tokens, ids)                                                                   \
    "{\"timestamp\": " #ms ", \"input_length\": " #tokens                                          \
    ", \"output_length\": 1, \"hash_ids\": [" ids "]}\n"

/* 2 continues 1 by its block 3 (1's last, 4, was partial): hits 1, 2, 3. 3 begins as they do: hits
 * 1, and 2 begins nothing of its own. 4 continues 2 by its last block: hits 1, 2, 3, 5, 6. 5 is
 * asked from where 2 went on already: hits 1, 2, 3 that three share. */
START_TEST(a_requests_own_history_is_told_from_shared_prefixes)
{
    struct trace_info info = info_of_text(
        REQUEST(0, 2000, "1, 2, 3, 4") REQUEST(1, 2560, "1, 2, 3, 5, 6") REQUEST(2, 1500, "1, 7, 8")
            REQUEST(3, 3000, "1, 2, 3, 5, 6, 9") REQUEST(4, 2048, "1, 2, 3, 10"));
    ck_assert_uint_eq(info.reuse.continued, 2);
    ck_assert(info.reuse.history_hits == 3 + 5);
    ck_assert(info.reuse.shared_hits == 1 + 3);
    ck_assert(info.reuse.unbounded_hits == 12);
}
END_TEST

/* Of turns known to continue each other: all whose history has a full block. */
START_TEST(turns_of_sessions_are_found_again_in_their_blocks)
{
    struct workload workload;
    struct trace *trace;
    struct trace_session session;
    struct error err = { 0 };
    uint64_t continued = 0;
    TRACE_DEFAULTS(workload_rows, &workload);
    workload.sessions = 1000;
    ck_assert_int_eq(trace_generate(&workload, &trace, &err), STATUS_OK);
    while (trace_next(trace, &session, &err) == TRACE_ITEM) {
        uint64_t prompt = 0, reply = 0;
        for (uint32_t i = 0; i < session.turn_count; i++) {
            continued += i > 0 && prompt >= 16;
            prompt += reply + session.turns[i].prompt_tokens;
            reply = session.turns[i].reply_tokens;
        }
    }
    trace_close(trace);
    ck_assert_int_eq(trace_generate(&workload, &trace, &err), STATUS_OK);
    struct trace_info info = info_of(
        trace_unroll(trace, &(struct trace_unrolling){ .block_tokens = 16, .token_ns = 0 }));
    ck_assert_double_eq_tol((double)info.reuse.continued / (double)continued, 1.0, 0.01);
    ck_assert(info.reuse.shared_hits <= 0.01 * info.reuse.history_hits);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("info");
    TCase *tcase = tcase_create("statistics");
    tcase_add_test(tcase, turns_lengths_and_think_times_are_counted);
    tcase_add_test(tcase, turns_are_told_by_their_number);
    tcase_add_test(tcase, bursts_are_told_from_a_steady_stream);
    tcase_add_test(tcase, poisson_arrivals_have_a_deviation_of_their_mean);
    tcase_add_test(tcase, a_requests_own_history_is_told_from_shared_prefixes);
    tcase_add_test(tcase, turns_of_sessions_are_found_again_in_their_blocks);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
