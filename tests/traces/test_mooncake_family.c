/* tests/traces/test_mooncake_family.c - what was made of Mooncake's rows since: ids of 64 bits and
 * of text, other sizes of block, rows without ids, times or lengths, in any order, metadata, and
 * sessions whose rows wait for each other. */
#include "tests/support.h"
#include "tests/traces/trace_text.h"
#include "traces/info.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROW(time, input, ids)                                                                      \
    "{\"timestamp\": " time ", \"input_length\": " input                                           \
    ", \"output_length\": 5, \"hash_ids\": " ids "}\n"

struct import_case {
    const char *format;
    uint32_t block_tokens;
    bool sort;
};

static struct trace *opened(const char *path, const struct import_case *how, struct error *err)
{
    struct workload workload;
    struct trace_import import;
    struct trace *trace = NULL;
    TRACE_DEFAULTS(workload_rows, &workload);
    TRACE_DEFAULTS(trace_import_rows, &import);
    snprintf(import.format, sizeof import.format, "%s", how->format != NULL ? how->format : "");
    import.block_tokens = how->block_tokens;
    import.sort = how->sort;
    return trace_open(path, &workload, &import, &trace, err) == STATUS_OK ? trace : NULL;
}

static enum status read_all(const char *path, struct trace_info *info, struct error *err)
{
    const struct import_case plain = { NULL, 0, false };
    struct trace *trace = opened(path, &plain, err);
    if (trace != NULL && trace_info_read(trace, NULL, info, err) == STATUS_OK)
        err->status = STATUS_OK;
    trace_close(trace);
    return err->status;
}

/* The trace of a file that holds the text, as trace_text() has it; the caller's to free(). */
static char *read_text(const char *content, const struct import_case *how)
{
    struct error err = { 0 };
    char *path = test_temp_file(content);
    struct trace *trace = opened(path, how, &err);
    ck_assert_msg(trace != NULL, "%s: %s, found %s", err.key, err.expected, err.found);
    char *text = trace_text(trace);
    unlink(path);
    free(path);
    return text;
}

static const struct import_case plain = { NULL, 0, false }, sorted = { NULL, 0, true };

static void ck_text(const char *content, const struct import_case *how, const char *expected)
{
    char *text = read_text(content, how);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(ids_of_64_bits_and_strings_are_equal_where_they_were)
{
    char *path = test_temp_file(
        ROW("0", "1500", "[18446744073709551615, 9223372036854775807, \"x}\\\"9\"]") ROW(
            "1", "1500", "[\"18446744073709551615\", \"9223372036854775807\", \"x}\\\"9\"]")
            ROW("2", "1500", "[18446744073709551614, 7, 340282366920938463463374607431768211455]"));
    struct error err = { 0 };
    struct trace *trace = opened(path, &plain, &err);
    struct trace_session session;
    uint64_t first[3];
    ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_ITEM);
    memcpy(first, session.block_keys, sizeof first);
    ck_assert_uint_eq(first[1], INT64_MAX);
    ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_ITEM);
    ck_assert_mem_eq(first, session.block_keys, sizeof first);
    ck_assert_msg(trace_next(trace, &session, &err) == TRACE_ITEM, "%s", err.expected);
    ck_assert_uint_eq(session.block_keys[1], 7);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_le(session.block_keys[i], INT64_MAX);
        ck_assert(session.block_keys[0] != first[i] && session.block_keys[2] != first[i]);
    }
    trace_close(trace);
    unlink(path);
    free(path);
}
END_TEST

START_TEST(blocks_have_the_size_that_is_told_or_said)
{
    const struct import_case told = { NULL, 64, false };
    ck_text(ROW("0", "200", "[1, 2, 3, 4]"), &told, "0: 0+200>5 | 1 2 3 4\n");
    ck_text("{\"block_size\": 64}\n" ROW("0", "200", "[1, 2, 3, 4]"), &plain,
            "0: 0+200>5 | 1 2 3 4\n");
    ck_text("{\"block_tokens\": 64, \"hash_ids\": [1, 2], \"timestamp\": 2}\n", &plain,
            "2000000: 0+128>1 | 1 2\n");
}
END_TEST

START_TEST(rows_without_ids_share_nothing)
{
    struct error err = { 0 };
    struct trace_info info;
    char *path = test_temp_file(ROW(
        "0", "600", "[1, 2]") "{\"timestamp\": 1, \"input_length\": 600, \"output_length\": 5}\n"
                              "{\"timestamp\": 2, \"input_length\": 600, \"output_length\": 5}\n");
    ck_assert_int_eq(read_all(path, &info, &err), STATUS_OK);
    ck_assert_uint_eq(info.blocks, 6);
    ck_assert_double_eq(info.reuse.distinct_blocks, 6.0);
    unlink(path);
    free(path);
    ck_text("{\"timestamp\": 1.5, \"input_length\": 600, \"output_length\": 5}\n", &plain,
            "1500000: 0+600>5\n"); /* a file without ids has no blocks at all */
}
END_TEST

START_TEST(rows_without_times_arrive_as_the_workload_says_in_their_order)
{
    static const char rows[] = "{\"hash_ids\": [2, 3], \"input_length\": 600}\n"
                               "{\"hash_ids\": [2], \"input_length\": 512}\n";
    struct error err = { 0 };
    struct trace_session first, second;
    char *path = test_temp_file(rows);
    struct trace *trace = opened(path, &plain, &err);
    ck_assert_int_eq(trace_next(trace, &first, &err), TRACE_ITEM);
    ck_assert_int_eq(trace_next(trace, &second, &err), TRACE_ITEM);
    ck_assert_uint_gt(first.arrival_ns, 0);
    ck_assert_uint_gt(second.arrival_ns, first.arrival_ns);
    ck_assert_uint_eq(second.block_count, 1);
    struct trace_facts facts = trace_facts(trace);
    ck_assert_ptr_nonnull(strstr(facts.assumed[0], "arrivals"));
    ck_assert_ptr_nonnull(strstr(facts.assumed[1], "1 token"));
    ck_assert_ptr_null(facts.assumed[2]);
    trace_close(trace);
    unlink(path);
    free(path);
}
END_TEST

START_TEST(any_order_is_read_as_the_sorted_file)
{
    const struct import_case azure = { "azure", 0, true };
    ck_text(ROW("9", "9", "[1]") ROW("0.25", "600", "[2, 3]") ROW("9", "8", "[4]"), &sorted,
            "250000: 0+600>5 | 2 3\n9000000: 0+9>5 | 1\n9000000: 0+8>5 | 4\n");
    ck_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:03,7,1\n"
            "2024-05-10 00:00:01,8,1\n2024-05-10 00:00:02,9,0\n",
            &azure, "0: 0+8>1\n2000000000: 0+7>1\n");
    ck_text("session,arrival_s,think_s,prompt_tokens,reply_tokens\nb,5,,1,2\nb,,4,3,4\na,1,,5,6\n",
            &sorted, "1000000000: 0+5>6\n5000000000: 0+1>2 4000000000+3>4\n");
}
END_TEST

START_TEST(what_is_assembled_in_order_of_time_is_not_sorted)
{
    struct error err = { 0 };
    char *path = test_temp_file("Timestamp,Session ID,Elapsed time,Model,Request tokens,"
                                "Response tokens\n5,a,1,m,1,1\n");
    ck_assert_ptr_null(opened(path, &sorted, &err));
    ck_assert_str_eq(err.key, "import.sort");
    unlink(path);
    free(path);
}
END_TEST

START_TEST(times_since_1970_count_from_the_first_row)
{
    ck_text(ROW("1763000000000.5", "9", "[1]") ROW("1763000000001", "9", "[1]"), &plain,
            "0: 0+9>5 | 1\n500000: 0+9>5 | 1\n");
    ck_text(ROW("1763000000001", "9", "[1]") ROW("1763000000000", "9", "[1]"), &sorted,
            "0: 0+9>5 | 1\n1000000: 0+9>5 | 1\n");
}
END_TEST

#define TURN(session, rest) "{\"session_id\": " session ", \"output_length\": 5, " rest "}\n"

START_TEST(sessions_wait_for_their_replies)
{
    /* Between each other, out of order; a delay that follows from timestamps; a session of its own.
     */
    ck_text(
        TURN("\"b\"", "\"timestamp\": 70, \"input_length\": 10") TURN(
            "\"a\"", "\"timestamp\": 50, \"input_length\": 20")
            TURN("\"b\"", "\"delay\": 0.5, \"input_length\": 30") TURN(
                "\"a\"",
                "\"timestamp\": 60, \"input_length\": 40") "{\"timestamp\": 55, \"input_length\": "
                                                           "50, \"output_length\": 5}\n",
        &plain, "50000000: 0+20>5 10000000+40>5\n55000000: 0+50>5\n70000000: 0+10>5 500000+30>5\n");
    /* A failed turn is left out, and so is a session of failed ones. */
    ck_text(
        TURN("1",
             "\"timestamp\": 7, \"input_length\": 10") "{\"session_id\": 1, \"delay\": 1, "
                                                       "\"input_length\": 9, \"output_length\": "
                                                       "0}\n{\"session_id\": 2, \"timestamp\": 3, "
                                                       "\"input_length\": 9, \"output_length\": "
                                                       "0}\n",
        &plain, "7000000: 0+10>5\n");
}
END_TEST

START_TEST(sessions_without_times_are_told_and_arrive_as_the_workload_says)
{
    char *text =
        read_text(TURN("\"a\"", "\"input_length\": 10") TURN("\"a\"", "\"input_length\": 20")
                      TURN("\"b\"", "\"input_length\": 30"),
                  &plain);
    ck_assert_msg(strstr(text, ": 0+10>5 0+20>5\n") != NULL, "%s", text);
    ck_assert_msg(strstr(text, ": 0+30>5\n") != NULL, "%s", text);
    free(text);
}
END_TEST

/* Named so, rows with times of their own are an open loop's too, whatever session they are of. */
START_TEST(sessions_with_times_in_every_row_are_requests)
{
    ck_text(TURN("\"a\"", "\"timestamp\": 1, \"input_length\": 10, \"hash_ids\": [1]")
                TURN("\"a\"", "\"timestamp\": 9, \"input_length\": 20, \"hash_ids\": [1]"),
            &plain, "1000000: 0+10>5 | 1\n9000000: 0+20>5 | 1\n");
}
END_TEST

#define CHAT(time, messages, rest)                                                                 \
    "{" time ", \"messages\": [" messages "], \"output_length\": 5" rest "}\n"
#define SAID(role, words) "{\"role\": \"" role "\", \"content\": \"" words "\"}"
#define LONG "a text of sixty-four bytes and more, so that there is a block of it that is whole"

/* Blocks of 64 bytes: the first two share the first, the third has the same role and another text.
 */
START_TEST(texts_are_hashed_into_blocks)
{
    struct error err = { 0 };
    struct trace_info info;
    char *path = test_temp_file(
        CHAT("\"timestamp\": 1", SAID("user", LONG), "")
            CHAT("\"timestamp\": 2", SAID("user", LONG) ", " SAID("assistant", "well"), "")
                CHAT("\"timestamp\": 3", SAID("user", "x" LONG),
                     "") "{\"timestamp\": 4, \"text_input\": \"" LONG "\", \"input_length\": 7}\n");
    ck_assert_int_eq(read_all(path, &info, &err), STATUS_OK);
    ck_assert_uint_eq(info.facts.block_tokens, 16);
    ck_assert_uint_eq(info.blocks, 8);
    ck_assert_double_eq(info.reuse.unbounded_hits, 1.0);
    unlink(path);
    free(path);
}
END_TEST

/* 87 bytes are 22 tokens, 205 are 51: of which 27 are the history, and the last prompt is shorter.
 */
START_TEST(a_chats_messages_hold_its_history)
{
    ck_text(CHAT("\"timestamp\": 1", SAID("user", LONG), ", \"session_id\": \"a\"")
                CHAT("\"delay\": 2",
                     SAID("user", LONG) ", " SAID("assistant",
                                                  "well, twenty letters") ", " SAID("user", LONG),
                     ", \"session_id\": \"a\"")
                    CHAT("\"delay\": 3", SAID("user", "cut"), ", \"session_id\": \"a\""),
            &plain, "1000000: 0+22>5 2000000+24>5 3000000+1>5\n");
}
END_TEST

START_TEST(texts_and_lengths_are_not_of_one_file)
{
    static const char *const files[] = {
        ROW("0", "600", "[1, 2]") "{\"timestamp\": 1, \"text_input\": \"a secret\"}\n",
        "{\"timestamp\": 0, \"text_input\": \"a\"}\n{\"timestamp\": 1, \"text_input\": "
        "{\"secret\": "
        "1}}\n",
        "{\"timestamp\": 0, \"text_input\": \"a\"}\n{\"timestamp\": 1, \"messages\": "
        "[\"secret\"]}\n",
    };
    static const char *const keys[] = { "text_input", "text_input", "role" };
    for (int i = 0; i < 3; i++) {
        struct trace_info info;
        struct error err = { 0 };
        char *path = test_temp_file(files[i]);
        ck_assert_int_eq(read_all(path, &info, &err), STATUS_INPUT);
        ck_assert_uint_eq(err.line, 2);
        ck_assert_str_eq(err.key, keys[i]);
        ck_assert_msg(strstr(err.found, "secret") == NULL, "%s", err.found);
        unlink(path);
        free(path);
    }
}
END_TEST

START_TEST(a_message_quotes_no_text)
{
    char *path = test_temp_file(
        ROW("0", "600", "[1, 2]") "{\"timestamp\": 1, \"prompt\": \"a secret\" \"b secret\"}\n");
    struct trace_info info;
    struct error err = { 0 };
    ck_assert_int_eq(read_all(path, &info, &err), STATUS_INPUT);
    ck_assert_uint_eq(err.line, 2);
    ck_assert_msg(strstr(err.found, "secret") == NULL && strstr(err.found, "byte") != NULL, "%s",
                  err.found);
    unlink(path);
    free(path);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("mooncake_family");
    TCase *tcase = tcase_create("rows");
    tcase_add_test(tcase, ids_of_64_bits_and_strings_are_equal_where_they_were);
    tcase_add_test(tcase, blocks_have_the_size_that_is_told_or_said);
    tcase_add_test(tcase, rows_without_ids_share_nothing);
    tcase_add_test(tcase, rows_without_times_arrive_as_the_workload_says_in_their_order);
    tcase_add_test(tcase, any_order_is_read_as_the_sorted_file);
    tcase_add_test(tcase, what_is_assembled_in_order_of_time_is_not_sorted);
    tcase_add_test(tcase, times_since_1970_count_from_the_first_row);
    tcase_add_test(tcase, sessions_wait_for_their_replies);
    tcase_add_test(tcase, sessions_without_times_are_told_and_arrive_as_the_workload_says);
    tcase_add_test(tcase, sessions_with_times_in_every_row_are_requests);
    tcase_add_test(tcase, texts_are_hashed_into_blocks);
    tcase_add_test(tcase, a_chats_messages_hold_its_history);
    tcase_add_test(tcase, texts_and_lengths_are_not_of_one_file);
    tcase_add_test(tcase, a_message_quotes_no_text);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
