/* tests/traces/test_dialects.c - formats of simulators, agents' recorders and batch jobs: which
 * prefixes they share, what begins a session, and what is refused, by line and key. What their
 * samples hold is in test_formats.c. */
#include "tests/traces/samples.h"

enum { TEXT_BYTES = 4096, REQUESTS = 16 };

/* A file's requests as they come. */
struct read {
    uint64_t arrival_ns[REQUESTS], first_key[REQUESTS], last_key[REQUESTS];
    uint32_t prompt[REQUESTS], reply[REQUESTS], keys[REQUESTS];
    uint32_t count;
    struct trace_facts facts;
};

static void read_all(struct trace *trace, struct read *read)
{
    struct trace_session session;
    struct error err = { 0 };
    enum trace_step step;
    *read = (struct read){ 0 };
    while ((step = trace_next(trace, &session, &err)) == TRACE_ITEM) {
        uint32_t i = read->count++;
        ck_assert_uint_lt(i, REQUESTS);
        check_session(&session, trace_facts(trace));
        read->arrival_ns[i] = session.arrival_ns;
        read->prompt[i] = session.turns[0].prompt_tokens;
        read->reply[i] = session.turns[0].reply_tokens;
        read->keys[i] = session.block_count;
        read->first_key[i] = session.block_count > 0 ? session.block_keys[0] : 0;
        read->last_key[i] =
            session.block_count > 0 ? session.block_keys[session.block_count - 1] : 0;
    }
    ck_assert_msg(step == TRACE_END, "%s: %s %s", err.key, err.expected, err.found);
    read->facts = trace_facts(trace);
    trace_close(trace);
}

static void read_text(const char *content, const char *format, struct read *read)
{
    char *path = test_temp_file(content);
    struct trace *trace;
    struct error err = { 0 };
    ck_assert_msg(open_trace(path, format, &trace, &err) == STATUS_OK, "%s %s", err.expected,
                  err.found);
    read_all(trace, read);
    unlink(path);
    free(path);
}

static void read_sample(const char *name, struct read *read)
{
    char *text = sample_text(name);
    read_text(text, NULL, read);
    free(text);
}

/* ---- OpenAI's batch input ---- */

/* "user", "Hello" and their ends are 11 bytes, "Once upon a time" 17, 4 bytes a token. */
START_TEST(a_batchs_replies_are_as_long_as_it_lets_them)
{
    struct read read;
    read_sample("openai_batch.jsonl", &read);
    ck_assert_uint_eq(read.count, 4);
    ck_assert_uint_eq(read.reply[0], 1000);
    ck_assert_uint_eq(read.reply[1], 7);
    ck_assert_uint_eq(read.reply[2], 20);
    ck_assert_uint_eq(read.reply[3], 30);
    ck_assert_uint_eq(read.prompt[1], 3);
    ck_assert_uint_eq(read.prompt[2], 4);
    ck_assert_uint_eq(trace_skips_total(&read.facts.skips), 1);
    ck_assert_ptr_nonnull(strstr(read.facts.assumed[0], "import.bytes_per_token"));
    ck_assert_ptr_nonnull(strstr(read.facts.assumed[1], "arrivals"));
    ck_assert_ptr_nonnull(strstr(read.facts.assumed[2], "upper bound"));
}
END_TEST

#define RESPONSE(instructions)                                                                     \
    "{\"custom_id\": \"r\", \"url\": \"/v1/responses\", \"body\": {\"instructions\": "             \
    "\"" instructions "\", \"input\": \"Hello\", \"max_output_tokens\": 3}}\n"

START_TEST(instructions_are_of_the_prompt)
{
    struct read read;
    read_text(RESPONSE("Be brief") RESPONSE("Be brief") RESPONSE("Be bold"), NULL, &read);
    ck_assert_uint_eq(read.last_key[0], read.last_key[1]);
    ck_assert_uint_ne(read.last_key[0], read.last_key[2]);
}
END_TEST

/* A batch's input and output joined: what failed is no request of max_tokens. */
START_TEST(a_request_of_a_batch_that_failed_is_left_out)
{
    struct read read;
    read_text("{\"custom_id\": \"a\", \"body\": {\"messages\": [{\"role\": \"user\", \"content\": "
              "\"a\"}], \"max_tokens\": 5}, \"response\": {\"status_code\": 500}}\n"
              "{\"custom_id\": \"b\", \"body\": {\"messages\": [{\"role\": \"user\", \"content\": "
              "\"b\"}], \"max_tokens\": 5}, \"response\": {\"body\": {\"usage\": "
              "{\"completion_tokens\": 3}}}}\n",
              NULL, &read);
    ck_assert_uint_eq(read.count, 1);
    ck_assert_uint_eq(read.reply[0], 3);
    ck_assert_uint_eq(trace_skips_total(&read.facts.skips), 1);
    ck_assert_ptr_null(read.facts.assumed[2]); /* no bound: tokens and arrivals alone */
}
END_TEST

START_TEST(a_log_with_times_and_replies_assumes_tokens_alone)
{
    struct read read;
    read_sample("openai.jsonl", &read);
    ck_assert_ptr_nonnull(strstr(read.facts.assumed[0], "import.bytes_per_token"));
    ck_assert_ptr_null(read.facts.assumed[1]);
}
END_TEST

/* ---- LLMServingSim ---- */

/* 16 ids are the same in requests 0, 1 and 3; what has no ids is nobody else's. */
START_TEST(equal_token_ids_are_equal_blocks)
{
    struct read read;
    read_sample("llmservingsim_ids.jsonl", &read);
    ck_assert_uint_eq(read.first_key[0], read.first_key[1]);
    ck_assert_uint_eq(read.first_key[0], read.first_key[3]);
    ck_assert_uint_ne(read.first_key[0], read.first_key[2]);
    ck_assert_uint_ne(read.last_key[0], read.last_key[1]);
    read_text("{\"input_toks\": 20, \"output_toks\": 1, \"arrival_time_ns\": 0, \"input_tok_ids\": "
              "[7]}\n{\"input_toks\": 20, \"output_toks\": 1, \"arrival_time_ns\": 0, "
              "\"input_tok_ids\": [7]}\n",
              NULL, &read);
    ck_assert_uint_ne(read.first_key[0], read.first_key[1]);
}
END_TEST

/* ---- Weka ---- */

#define CONVERSATION(id, scope, requests)                                                          \
    "{\"id\": \"" id "\", \"block_size\": 16, \"hash_id_scope\": \"" scope                         \
    "\", \"requests\": [" requests "]}\n"
#define CALL(t, in, ids)                                                                           \
    "{\"t\": " t ", \"type\": \"n\", \"model\": \"m\", \"in\": " in                                \
    ", \"out\": 5, \"hash_ids\": " ids "}"

START_TEST(local_ids_are_their_conversations_own_and_global_ones_are_shared)
{
    struct read local, global;
    read_text(CONVERSATION("a", "local", CALL("0", "32", "[1, 2]"))
                  CONVERSATION("b", "local", CALL("0", "32", "[1, 2]")),
              NULL, &local);
    read_text(CONVERSATION("a", "global", CALL("0", "32", "[1, 2]"))
                  CONVERSATION("b", "global", CALL("0", "32", "[1, 2]")),
              NULL, &global);
    ck_assert_uint_ne(local.first_key[0], local.first_key[1]);
    ck_assert_uint_eq(global.first_key[0], global.first_key[1]);
    ck_assert_uint_eq(global.last_key[0], global.last_key[1]);
    read_text(CONVERSATION("a", "global", CALL("0", "32", "[1, 2]") ", " CALL("0", "32", "[1, 3]")),
              NULL, &global);
    ck_assert_uint_ne(global.last_key[0], global.last_key[1]);
}
END_TEST

/* Two prompts of 40 tokens with ids of their two whole blocks, one of 16 with an id too many. */
START_TEST(tokens_beyond_the_ids_are_shared_with_nobody)
{
    struct read read;
    read_text(CONVERSATION("a", "local",
                           CALL("0", "40", "[1, 2]") ", " CALL("1", "40", "[1, 2]") ", " CALL(
                               "2", "16", "[1, 2]")),
              NULL, &read);
    ck_assert_uint_eq(read.keys[0], 3);
    ck_assert_uint_eq(read.first_key[0], read.first_key[1]);
    ck_assert_uint_ne(read.last_key[0], read.last_key[1]);
    ck_assert_uint_eq(read.keys[2], 1);
    ck_assert_uint_eq(read.last_key[2], read.first_key[0]);
}
END_TEST

/* Each conversation lasts an hour, so that all of them overlap. */
START_TEST(requests_of_conversations_that_overlap_are_in_order)
{
    struct read read;
    read_text(CONVERSATION("a", "local", CALL("3600", "16", "[1]") ", " CALL("0", "16", "[1]"))
                  CONVERSATION("b", "local", CALL("0", "17", "[1]") ", " CALL("3600", "17", "[1]")),
              NULL, &read);
    ck_assert_uint_eq(read.count, 4);
    ck_assert_uint_eq(read.arrival_ns[0], 0);
    ck_assert_uint_eq(read.prompt[1], 17);
    ck_assert_uint_eq(read.prompt[2], 16);
    ck_assert_uint_eq(read.arrival_ns[2], UINT64_C(3600000000000));
    ck_assert_uint_eq(read.arrival_ns[3] - read.arrival_ns[2], read.arrival_ns[1]);
}
END_TEST

/* One object over several lines is read as one a line is. */
START_TEST(a_conversation_may_be_printed_over_several_lines)
{
    struct read read;
    read_text("{\n  \"id\": \"a\",\n  \"block_size\": 16,\n  \"requests\": [\n    " CALL(
                  "0", "16", "[1]") ",\n    " CALL("1.5", "33", "[1, 2]") "\n  ]\n}\n",
              NULL, &read);
    ck_assert_uint_eq(read.count, 2);
    ck_assert_uint_eq(read.arrival_ns[1], UINT64_C(1500000000));
    ck_assert_uint_eq(read.facts.block_tokens, 16);
}
END_TEST

/* A call that was asked before the one before had ended is of another session. */
START_TEST(calls_that_overlap_are_sessions_apart)
{
    char text[TEXT_BYTES];
    struct trace_facts facts;
    struct error err = { 0 };
    char *path =
        test_temp_file(CONVERSATION("a", "local",
                                    "{\"t\": 0, \"in\": 16, \"out\": 4, \"api_time\": 3}, "
                                    "{\"t\": 2, \"in\": 20, \"out\": 4, \"api_time\": 3}, "
                                    "{\"t\": 4, \"in\": 18, \"out\": 4, \"api_time\": 3}"));
    ck_assert_int_eq(read_sessions(path, "weka-sessions", text, sizeof text, &facts, &err),
                     STATUS_OK);
    ck_assert_str_eq(text, "0: 0+16>4 1000000000+1>4; 2000000000: 0+20>4; ");
    unlink(path);
    free(path);
}
END_TEST

/* ---- conversations and benchmarks ---- */

/* The gaps between the answers' times: a date and time on line 1, ms since 1970 on line 2. */
START_TEST(think_times_are_wildchats_own_where_it_has_them)
{
    char path[512];
    struct trace *trace;
    struct trace_session session;
    struct error err = { 0 };
    snprintf(path, sizeof path, "%s/wildchat.jsonl", TRACE_SAMPLES);
    ck_assert_int_eq(open_trace(path, NULL, &trace, &err), STATUS_OK);
    ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_ITEM);
    ck_assert_uint_eq(session.turn_count, 2);
    ck_assert_uint_eq(session.turns[1].think_ns, UINT64_C(180500000000));
    ck_assert_uint_eq(session.turns[0].prompt_tokens, 10); /* 41 bytes */
    ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_ITEM);
    ck_assert_uint_eq(session.turns[1].think_ns, UINT64_C(60250000000));
    ck_assert_str_eq(trace_facts(trace).format, "wildchat");
    trace_close(trace);
}
END_TEST

/* A question is not answered before it was asked, whatever the clocks say. */
START_TEST(answers_whose_times_go_back_have_no_think_time)
{
    char text[TEXT_BYTES];
    struct trace_facts facts;
    struct error err = { 0 };
    char *path = test_temp_file(
        "{\"conversation\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", "
        "\"content\": \"b\", \"timestamp\": 9000}, {\"role\": \"user\", \"content\": \"c\"}, "
        "{\"role\": \"assistant\", \"content\": \"d\", \"timestamp\": 8000}]}\n");
    ck_assert_int_eq(read_sessions(path, NULL, text, sizeof text, &facts, &err), STATUS_OK);
    ck_assert_ptr_nonnull(strstr(text, "0+1>1 0+1>1; "));
    unlink(path);
    free(path);
}
END_TEST

/* The first run lasts 4 s, or longer if its drawn arrivals do. */
START_TEST(runs_of_a_benchmark_follow_each_other)
{
    struct read read;
    read_sample("sglang_bench.jsonl", &read);
    ck_assert_uint_eq(read.count, 3);
    ck_assert_uint_eq(read.prompt[0], 512);
    ck_assert_uint_eq(read.reply[1], 16);
    ck_assert_uint_eq(read.prompt[2], 77);
    ck_assert_uint_ge(read.arrival_ns[2], UINT64_C(4000000000));
    ck_assert_ptr_nonnull(strstr(read.facts.assumed[0], "start_times"));
    read_sample("vllm_bench.json", &read);
    ck_assert_ptr_null(read.facts.assumed[0]);
}
END_TEST

/* ---- refusals ---- */

#define VIDUR "arrived_at,num_prefill_tokens,num_decode_tokens\n5,10,20\n"
#define SIM "{\"input_toks\": 4, \"output_toks\": 5, \"arrival_time_ns\": 7}\n"
#define SIM_IDS                                                                                    \
    "{\"input_toks\": 2, \"output_toks\": 5, \"arrival_time_ns\": 7, \"input_tok_ids\": [1, 2]}\n"
#define WEKA CONVERSATION("a", "local", CALL("0", "16", "[1]"))
#define BATCH(body)                                                                                \
    "{\"custom_id\": \"r\", \"url\": \"/v1/chat/completions\", \"body\": {" body "}}\n"
#define WILDCHAT(message)                                                                          \
    "{\"conversation\": [{\"role\": \"user\", \"content\": \"a\"}, {" message "}]}\n"
#define COPILOT(call) "{\"turns\": [{\"llm_calls\": [{" call "}]}]}\n"
#define BENCH(rest)                                                                                \
    "{\"input_lens\": [1, 2], \"output_lens\": [3, 4]}\n{\"input_lens\": [1, 2], " rest "}\n"
#define AIPERF(start, value)                                                                       \
    "{\"metadata\": {\"request_start_ns\": " start "}, \"metrics\": {\"input_sequence_length\": "  \
    "{\"value\": " value "}, \"output_sequence_length\": {\"value\": 1}}, \"error\": null}\n"
#define SECRET "a-secret-that-somebody-wrote"

/* Each: a file, the line to be named, the key, a word of what was expected. */
static const struct {
    const char *text;
    uint64_t line;
    const char *key, *word;
} refused[] = {
    { VIDUR "4,10,20\n", 3, "arrived_at", "not before" },
    { VIDUR "inf,10,20\n", 3, "arrived_at", "seconds" },
    { VIDUR "6,-1,20\n", 3, "num_prefill_tokens", "a number" },
    { VIDUR "6,10,1e10\n", 3, "num_decode_tokens", "a number" },
    { VIDUR "6,10,0x10\n", 3, "num_decode_tokens", "a number" },
    { VIDUR "6,10\n", 3, "", "3 fields" },
    { SIM "{\"input_toks\": 4, \"output_toks\": 5}\n", 2, "arrival_time_ns", "whole" },
    { SIM "{\"input_toks\": 4, \"output_toks\": 5, \"arrival_time_ns\": 6}\n", 2, "arrival_time_ns",
      "not before" },
    { SIM "{\"input_toks\": 4.5, \"output_toks\": 5, \"arrival_time_ns\": 8}\n", 2, "input_toks",
      "whole" },
    { SIM "{\"arrival_time_ns\": 8, \"sub_requests\": 3}\n", 2, "sub_requests", "array" },
    { SIM "{\"arrival_time_ns\": 8, \"sub_requests\": [3]}\n", 2, "sub_requests", "objects" },
    { SIM "{\"arrival_time_ns\": 8, \"sub_requests\": [{\"input_toks\": 1, \"output_toks\": 1, "
          "\"tool_duration_ns\": -1}]}\n",
      2, "tool_duration_ns", "whole" },
    { SIM "{\"input_toks\": 4\n", 2, "", "object" },
    { SIM_IDS "{\"arrival_time_ns\": 8, \"sub_requests\": []}\n", 2, "sub_requests",
      "llmservingsim-sessions" },
    { SIM_IDS "{\"input_toks\": 2, \"output_toks\": 5, \"arrival_time_ns\": 7, "
              "\"input_tok_ids\": [1, \"2\"]}\n",
      2, "input_tok_ids", "whole" },
    { "input_toks\toutput_toks\tarrival_time_ns\n1\t2\tx\n", 2, "arrival_time_ns", "whole" },
    { WEKA CONVERSATION("b", "here", CALL("0", "16", "[1]")), 2, "hash_id_scope", "global" },
    { WEKA "{\"id\": \"b\", \"block_size\": 32, \"requests\": []}\n", 2, "block_size", "16 to 16" },
    { WEKA "{\"id\": \"b\", \"block_size\": 16, \"requests\": {}}\n", 2, "requests", "array" },
    { WEKA CONVERSATION("b", "local", "7"), 2, "requests", "objects" },
    { WEKA CONVERSATION("b", "local", CALL("-1", "16", "[1]")), 2, "t", "seconds" },
    { WEKA CONVERSATION("b", "local", CALL("0", "-16", "[1]")), 2, "in", "whole" },
    { WEKA CONVERSATION("b", "local", CALL("0", "16", "[-1]")), 2, "hash_ids", "whole" },
    { WEKA CONVERSATION("b", "local", CALL("0", "16", "7")), 2, "hash_ids", "array" },
    { WEKA "{\"id\": \"b\", \"block_size\": 16, \"requests\": [\n", 2, "", "object" },
    { WILDCHAT("\"role\": \"" SECRET "\", \"content\": \"b\""), 1, "role", "assistant" },
    { WILDCHAT("\"role\": \"assistant\", \"content\": [\"" SECRET "\"]"), 1, "content", "a text" },
    { WILDCHAT("\"role\": \"assistant\", \"content\": \"b\", \"timestamp\": \"" SECRET "\""), 1,
      "timestamp", "a date" },
    { WILDCHAT("\"role\": \"assistant\", \"content\": \"b\"") "{\"conversation\": \"" SECRET
                                                              "\"}\n",
      2, "conversation", "array" },
    { "[{\"conversations\": [{\"from\": \"" SECRET "\", \"value\": \"a\"}]}]", 1, "from", "human" },
    { COPILOT("\"timestamp\": \"soon\""), 1, "timestamp", "a date" },
    { COPILOT("\"timestamp\": \"2026-06-01T09:00:00Z\", \"duration_ms\": -1"), 1, "duration_ms",
      "milliseconds" },
    { COPILOT("\"timestamp\": \"2026-06-01T09:00:00Z\", \"tokens\": {\"prompt\": 1.5}"), 1,
      "prompt", "whole" },
    { "{\"turns\": [{\"llm_calls\": 5}]}\n", 1, "llm_calls", "array" },
    { "{\"turns\": [{\"llm_calls\": []}]}\n{\"turns\": 5}\n", 2, "turns", "array" },
    { BENCH("\"output_lens\": [1]"), 2, "output_lens", "an array of 2" },
    { BENCH("\"output_lens\": [1, \"" SECRET "\"]"), 2, "output_lens", "whole" },
    { BENCH("\"output_lens\": [1, 2], \"start_times\": [1, -2]"), 2, "start_times", "seconds" },
    { BENCH("\"output_lens\": [1, 2], \"duration\": \"long\""), 2, "duration", "seconds" },
    { "{\"request_throughput\": 2.5, \"mean_ttft_ms\": 31.5}\n", 1, "input_lens",
      "--save-detailed" },
    { AIPERF("5", "1") AIPERF("0", "1"), 2, "request_start_ns", "whole" },
    { AIPERF("5", "1") AIPERF("5", "\"1\""), 2, "input_sequence_length", "a number" },
    { BATCH("\"messages\": [{\"role\": \"user\", \"content\": \"" SECRET "\"}]"), 1, "max_tokens",
      "max_completion_tokens" },
    { BATCH("\"messages\": [{\"role\": \"user\", \"content\": \"" SECRET "\"}], \"max_tokens\": 0"),
      1, "max_tokens", "whole" },
    { BATCH("\"messages\": [{\"role\": 5, \"content\": \"" SECRET "\"}], \"max_tokens\": 1"), 1,
      "role", "a text" },
    { BATCH("\"prompt\": [\"" SECRET "\", \"b\"], \"max_tokens\": 1"), 1, "prompt", "one text" },
    { "{\"custom_id\": \"r\", \"response\": {\"body\": {\"usage\": {\"completion_tokens\": 3}}}}\n",
      1, "messages", "output" },
    { BATCH("\"input\": 5, \"max_tokens\": 1"), 1, "input", "a text" },
    { "{\"timestamp\": \"" SECRET "\", \"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}\n",
      1, "timestamp", "seconds" },
    { "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"} secret]}\n", 1, "", "object" },
    { "[{\"conversations\": [{\"from\": \"human\", \"value\": \"a\"} secret]}]", 1, "", "object" },
    { "{\"messages\": [{\"role\": \"user\", \"content\": \"" SECRET "\" " SECRET "\n", 1, "",
      "object" },
};
enum { REFUSED = sizeof refused / sizeof *refused };

/* What somebody wrote is not in the message, whatever is wrong around it. */
START_TEST(a_wrong_record_is_refused_by_line_and_key_without_its_texts)
{
    char *path = test_temp_file(refused[_i].text), text[TEXT_BYTES];
    struct trace_facts facts;
    struct error err = { 0 };
    ck_assert_int_eq(read_sessions(path, NULL, text, sizeof text, &facts, &err), STATUS_INPUT);
    ck_assert_str_eq(err.file, path);
    ck_assert_msg(err.line == refused[_i].line, "line %" PRIu64 ": %s", err.line, err.expected);
    ck_assert_str_eq(err.key, refused[_i].key);
    ck_assert_msg(strstr(err.expected, refused[_i].word) != NULL, "%s", err.expected);
    ck_assert_msg(strstr(err.found, "secret") == NULL, "%s", err.found);
    unlink(path);
    free(path);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("dialects");
    TCase *tcase = tcase_create("dialects");
    tcase_add_test(tcase, a_batchs_replies_are_as_long_as_it_lets_them);
    tcase_add_test(tcase, instructions_are_of_the_prompt);
    tcase_add_test(tcase, a_request_of_a_batch_that_failed_is_left_out);
    tcase_add_test(tcase, a_log_with_times_and_replies_assumes_tokens_alone);
    tcase_add_test(tcase, equal_token_ids_are_equal_blocks);
    tcase_add_test(tcase, local_ids_are_their_conversations_own_and_global_ones_are_shared);
    tcase_add_test(tcase, tokens_beyond_the_ids_are_shared_with_nobody);
    tcase_add_test(tcase, requests_of_conversations_that_overlap_are_in_order);
    tcase_add_test(tcase, a_conversation_may_be_printed_over_several_lines);
    tcase_add_test(tcase, calls_that_overlap_are_sessions_apart);
    tcase_add_test(tcase, think_times_are_wildchats_own_where_it_has_them);
    tcase_add_test(tcase, answers_whose_times_go_back_have_no_think_time);
    tcase_add_test(tcase, runs_of_a_benchmark_follow_each_other);
    tcase_add_loop_test(tcase, a_wrong_record_is_refused_by_line_and_key_without_its_texts, 0,
                        REFUSED);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
