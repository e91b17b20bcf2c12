/* tests/traces/test_mooncake.c - Mooncake's JSON lines: the reference counts, streaming, refusals.
 */
#include "base/random.h"
#include "tests/support.h"
#include "tests/traces/open_trace.h"
#include "traces/info.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define LINE1                                                                                      \
    "{\"timestamp\": 0, \"input_length\": 600, \"output_length\": 5, \"hash_ids\": [1, 2]}\n"
#define LINE2                                                                                      \
    "{\"timestamp\": 10, \"input_length\": 1024, \"output_length\": 7, \"hash_ids\": [1, 3]}\n"

#define DELTA                                                                                      \
    "{\"session_id\": \"a\", \"timestamp\": 5, \"input_length\": 600, \"output_length\": 5, "      \
    "\"hash_ids\": [1, 2]}\n"                                                                      \
    "{\"session_id\": \"b\", \"timestamp\": 5, \"delay\": 0, \"input_length\": 6, "                \
    "\"output_length\": 5}\n"

static enum status read_all(const char *path, struct trace_info *info, struct error *err)
{
    struct trace *trace;
    enum status status = open_trace(path, NULL, &trace, err);
    if (status != STATUS_OK)
        return status;
    status = trace_info_read(trace, NULL, info, err);
    trace_close(trace);
    return status;
}

START_TEST(a_request_is_a_session_of_one_turn_with_its_blocks)
{
    char *path = test_temp_file(LINE1 LINE2);
    struct trace *trace;
    struct trace_session session;
    struct error err = { 0 };
    ck_assert_int_eq(open_trace(path, NULL, &trace, &err), STATUS_OK);
    ck_assert(trace_facts(trace).open_loop);
    ck_assert_uint_eq(trace_facts(trace).block_tokens, 512);
    ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_ITEM);
    ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_ITEM);
    ck_assert_uint_eq(session.id, 1);
    ck_assert_uint_eq(session.arrival_ns, 10000000);
    ck_assert_uint_eq(session.turn_count, 1);
    ck_assert_uint_eq(session.turns[0].prompt_tokens, 1024);
    ck_assert_uint_eq(session.turns[0].reply_tokens, 7);
    ck_assert_uint_eq(session.block_count, 2);
    ck_assert_uint_eq(session.block_keys[1], 3);
    ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_END);
    trace_close(trace);
    unlink(path);
    free(path);
}
END_TEST

/* Each: a file whose last line must be refused by its number, and a word of the message. */
static const struct {
    const char *text, *key, *word;
    uint64_t line;
} refused[] = {
    { LINE1 "{\"timestamp\": 1\n", "", "JSON", 2 },
    { LINE1 LINE2 "{\"timestamp\": 20, \"input_length\": 5", "", "cut off", 3 },
    { LINE1 "[1]\n", "", "object", 2 },
    { LINE1 "\n \r\n.\n", "", "JSON", 4 },
    { LINE2 LINE1, "timestamp", "not before", 2 },
    { LINE1 "{\"timestamp\": -1, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]}\n",
      "timestamp", "milliseconds", 2 },
    { LINE1
      "{\"timestamp\": 9.1e12, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]}\n",
      "timestamp", "milliseconds", 2 },
    { LINE1
      "{\"timestamp\": \"20\", \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]}\n",
      "timestamp", "milliseconds", 2 },
    { LINE1 "{\"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]}\n", "timestamp",
      "every row", 2 },
    { LINE1 "{\"timestamp\": null, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]}\n",
      "timestamp", "every row", 2 },
    { LINE1 "{\"delay\": 5, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]}\n",
      "delay", "mooncake-delta", 2 },
    { LINE1 "{\"timestamp\": 1, \"input_length\": 0, \"output_length\": 1, \"hash_ids\": []}\n",
      "input_length", "whole", 2 },
    { LINE1 "{\"timestamp\": 1, \"output_length\": 1, \"hash_ids\": []}\n", "input_length", "whole",
      2 },
    { LINE1 "{\"timestamp\": 1, \"model\": \"m\"}\n", "input_length", "whole", 2 },
    { LINE1
      "{\"timestamp\": 1, \"input_length\": \"9\", \"output_length\": 1, \"hash_ids\": [1]}\n",
      "input_length", "whole", 2 },
    { LINE1 "{\"timestamp\": 1, \"input_tokens\": 1.5, \"output_length\": 1, \"hash_ids\": [1]}\n",
      "input_tokens", "whole", 2 },
    { LINE1 "{\"timestamp\": 1, \"input_length\": 99999999999, \"output_length\": 1, \"hash_ids\": "
            "[1]}\n",
      "input_length", "whole", 2 },
    { LINE1 "{\"timestamp\": 1, \"input_length\": 9, \"output_length\": -1, \"hash_ids\": [1]}\n",
      "output_length", "whole", 2 },
    { LINE1 "{\"timestamp\": 1, \"input_length\": 9, \"osl\": 0.5, \"hash_ids\": [1]}\n", "osl",
      "whole", 2 },
    { LINE1 "{\"timestamp\": 1, \"input_length\": 513, \"output_length\": 1, \"hash_ids\": [1]}\n",
      "hash_ids", "2 ids", 2 },
    { LINE1 "{\"timestamp\": 1, \"input_length\": 9, \"output_length\": 1, \"hash_ids\": [1, 2]}\n",
      "hash_ids", "1 ids", 2 },
    { LINE1 "{\"timestamp\": 1, \"input_length\": 200, \"output_length\": 1, \"hash_ids\": [1, 2, "
            "3, 4]}\n",
      "hash_ids", "--block-tokens 64", 2 },
    { LINE1
      "{\"timestamp\": 1, \"input_length\": 600, \"output_length\": 0, \"hash_ids\": [1, 2, 3]}\n",
      "hash_ids", "--block-tokens 256", 2 },
    { LINE1 "{\"timestamp\": 1, \"input_length\": 600, \"output_length\": 1, \"hash_ids\": [1]}\n",
      "hash_ids", "--block-tokens 1024", 2 },
    { LINE1 "{\"timestamp\": 1, \"input_length\": 100, \"output_length\": 1, \"hash_ids\": [1, 2, "
            "3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}\n",
      "hash_ids", "--block-tokens 9", 2 },
    { LINE1 "{\"timestamp\": 1, \"input_length\": 9, \"output_length\": 1, \"hash_ids\": 7}\n",
      "hash_ids", "array", 2 },
    { LINE1 "{\"timestamp\": 1, \"input_length\": 9, \"output_length\": 1, \"hash_ids\": [-7]}\n",
      "hash_ids", "0 or more", 2 },
    { LINE1 "{\"timestamp\": 1, \"input_length\": 9, \"output_length\": 1, \"hash_ids\": [1.5]}\n",
      "hash_ids", "0 or more", 2 },
    { LINE1 "{\"timestamp\": 1, \"input_length\": 9, \"output_length\": 1, \"hash_ids\": [\"\"]}\n",
      "hash_ids", "0 or more", 2 },
    { LINE1 "{\"timestamp\": 1, \"input_length\": 9, \"output_length\": 1, \"hash_ids\": "
            "[-18446744073709551615]}\n",
      "", "JSON", 2 },
    { LINE1
      "{\"timestamp\": 1, \"input_length\": 600, \"output_length\": 1, \"hash_ids\": [7, 7]}\n",
      "hash_ids", "different", 2 },
    { LINE1 "{\"timestamp\": 1, \"input_length\": 600, \"output_length\": 1, \"hash_ids\": "
            "[18446744073709551615, \"18446744073709551615\"]}\n",
      "hash_ids", "different", 2 },
    { LINE1 "{\"timestamp\": 1, \"block_size\": 64, \"input_length\": 9, \"output_length\": 1, "
            "\"hash_ids\": [1]}\n",
      "block_size", "512 to 512", 2 },
    { LINE1 "{\"timestamp\": 1, \"session_id\": [], \"input_length\": 9, \"output_length\": 1, "
            "\"hash_ids\": [1]}\n",
      "session_id", "a string", 2 },
    { "{\"block_size\": 0}\n" LINE1, "block_size", "whole", 1 },
    { "{\"block_size\": 64}\n" LINE1, "hash_ids", "64 tokens", 2 },
    { DELTA "{\"session_id\": \"c\", \"input_length\": 6, \"output_length\": 5}\n", "timestamp",
      "every session", 3 },
    { DELTA "{\"session_id\": \"c\", \"timestamp\": 9, \"delay\": 1, \"input_length\": 6, "
            "\"output_length\": 5}\n",
      "delay", "first row", 3 },
    { DELTA "{\"session_id\": \"a\", \"delay\": -1, \"input_length\": 6, \"output_length\": 5}\n",
      "delay", "milliseconds", 3 },
    { DELTA
      "{\"session_id\": \"a\", \"timestamp\": 4, \"input_length\": 6, \"output_length\": 5}\n",
      "timestamp", "not before", 3 },
    { DELTA "{\"session_id\": \"a\", \"delay\": 4, \"input_length\": 605, \"output_length\": 5, "
            "\"hash_ids\": [1, 2]}\n",
      "input_length", "605 tokens", 3 },
    { DELTA "{\"session_id\": \"a\", \"delay\": 4, \"input_length\": 605, \"output_length\": 5, "
            "\"hash_ids\": [1]}\n",
      "hash_ids", "2 ids", 3 },
};

START_TEST(a_malformed_line_is_refused_by_its_number)
{
    char *path = test_temp_file(refused[_i].text);
    struct trace_info info;
    struct error err = { 0 };
    ck_assert_int_eq(read_all(path, &info, &err), STATUS_INPUT);
    ck_assert_str_eq(err.file, path);
    ck_assert_uint_eq(err.line, refused[_i].line);
    ck_assert_str_eq(err.key, refused[_i].key);
    ck_assert_msg(strstr(err.expected, refused[_i].word) != NULL, "%s", err.expected);
    unlink(path);
    free(path);
}
END_TEST

START_TEST(a_file_that_is_no_trace_is_refused)
{
    struct trace *trace;
    struct error err = { 0 }, empty_err = { 0 }, missing_err = { 0 };
    char *path = test_temp_file("TIMESTAMP,ContextTokens\n"), *empty = test_temp_file("");
    ck_assert_int_eq(open_trace(path, NULL, &trace, &err), STATUS_INPUT);
    ck_assert_ptr_nonnull(strstr(err.expected, "session,arrival_s,think_s"));
    ck_assert_str_eq(err.found, "the columns TIMESTAMP, ContextTokens");
    ck_assert_int_eq(open_trace(empty, NULL, &trace, &empty_err), STATUS_INPUT);
    unlink(empty);
    ck_assert_int_eq(open_trace(empty, NULL, &trace, &missing_err), STATUS_IO);
    struct error format_err = { 0 };
    ck_assert_int_eq(open_trace(path, "parquet", &trace, &format_err), STATUS_INPUT);
    unlink(path);
    free(path);
    free(empty);
}
END_TEST

static char *many_lines(uint32_t count, struct random *random)
{
    size_t room = (size_t)count * 400 + 1, at = 0;
    char *text = malloc(room);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t blocks = 1 + (uint32_t)random_below(random, 12), id = 0;
        at += (size_t)snprintf(text + at, room - at,
                               "{\"timestamp\": %u, \"input_length\": %u, \"output_length\": 3, "
                               "\"hash_ids\": [",
                               i * 7, blocks * 512);
        for (uint32_t b = 0; b < blocks; b++) { /* a random walk down a tree: keys of one parent */
            id = id * 3 + 1 + (uint32_t)random_below(random, 3);
            at += (size_t)snprintf(text + at, room - at, "%s%u", b > 0 ? ", " : "", id);
        }
        at += (size_t)snprintf(text + at, room - at, "]}\n");
    }
    return text;
}

static char *compressed_file(const char *text, size_t cut)
{
    size_t size = strlen(text), bound = ZSTD_compressBound(size);
    char *packed = malloc(bound);
    size_t packed_size = ZSTD_compress(packed, bound, text, size, 3);
    char *path = test_temp_file("");
    FILE *file = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(packed, 1, packed_size - cut, file), packed_size - cut);
    fclose(file);
    free(packed);
    return path;
}

START_TEST(a_compressed_trace_reads_as_the_plain_one_and_a_cut_one_is_refused)
{
    struct random random = random_from(test_seed(), 3);
    char *text = many_lines(5000, &random);
    char *plain = test_temp_file(text), *packed = compressed_file(text, 0);
    char *cut = compressed_file(text, 1000);
    struct trace_info info, packed_info;
    struct error err = { 0 };
    ck_assert_int_eq(read_all(plain, &info, &err), STATUS_OK);
    ck_assert_int_eq(read_all(packed, &packed_info, &err), STATUS_OK);
    ck_assert_uint_eq(info.sessions, 5000);
    ck_assert_uint_eq(info.hash, packed_info.hash);
    ck_assert(info.reuse.hits[5] == packed_info.reuse.hits[5]);
    ck_assert_int_eq(read_all(cut, &info, &err), STATUS_INPUT);
    ck_assert_ptr_nonnull(strstr(err.expected, "zstd"));
    unlink(plain), unlink(packed), unlink(cut);
    free(plain), free(packed), free(cut), free(text);
}
END_TEST

START_TEST(damaged_files_end_in_a_refusal_or_are_read_never_in_a_crash)
{
    struct random random = random_from(test_seed(), 5);
    char *good = many_lines(8, &random);
    size_t size = strlen(good);
    for (int round = 0; round < 1500; round++) {
        char *bad = strdup(good);
        for (uint64_t n = 1 + random_below(&random, 4); n > 0; n--)
            bad[random_below(&random, size)] = (char)(1 + random_below(&random, 255));
        char *path = test_temp_file(bad);
        struct trace_info info;
        struct error err = { 0 };
        enum status status = read_all(path, &info, &err);
        ck_assert(status == STATUS_OK || (status == STATUS_INPUT && err.expected[0] != '\0'));
        unlink(path);
        free(path), free(bad);
    }
    free(good);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("mooncake");
    TCase *tcase = tcase_create("format");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_request_is_a_session_of_one_turn_with_its_blocks);
    tcase_add_loop_test(tcase, a_malformed_line_is_refused_by_its_number, 0,
                        sizeof refused / sizeof *refused);
    tcase_add_test(tcase, a_file_that_is_no_trace_is_refused);
    tcase_add_test(tcase, a_compressed_trace_reads_as_the_plain_one_and_a_cut_one_is_refused);
    tcase_add_test(tcase, damaged_files_end_in_a_refusal_or_are_read_never_in_a_crash);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
