/* tests/traces/test_formats.c - each import format: what is read of five records in its publisher's
 * layout, and that a wrong record is refused by file, line and key. */
#include "tests/traces/samples.h"

#include <zstd.h>

enum { TEXT_BYTES = 4096 };

/* What the samples hold. Times in ns since the first record, or since the trace's begin. */
static const struct {
    const char *sample, *format, *named;
    bool open_loop;
    uint32_t block_tokens;
    uint64_t skipped;
    const char *sessions;
} expected[] = {
    { "agentic.jsonl", "agentic", NULL, false, 0, 0,
      "0: 0+6200>90 750000000+1400>120 41500000000+300>80; 3500000000: 0+5100>400; "
      "10125000000: 0+6200>60 22000000000+2500>210; 10125000000: 0+5100>100 95500000000+50>300; "
      "60000000000: 0+1>1; " },
    { "azure_2023.csv", "azure", NULL, true, 0, 1,
      "0: 0+374>44; 4314579000: 0+396>109; 4541877000: 0+879>55; 77299370000: 0+4808>10; " },
    { "azure_2024.csv", "azure", NULL, true, 0, 0,
      "0: 0+2162>5; 7405000: 0+2399>6; 7405000: 0+76>15; 990070000: 0+2376>4; "
      "2490070000: 0+7670>9; " },
    { "bailian.jsonl", "bailian", NULL, true, 16, 0,
      "500000000: 0+40>12; 1250000000: 0+33>5; 61114000000: 0+70>20; 61200000000: 0+32>9; "
      "90000000000: 0+100>3; " },
    /* Chat 2 continues 0 (40 + 12 tokens before it), 4 continues 2. */
    { "bailian.jsonl", "bailian-sessions", "bailian-sessions", false, 0, 0,
      "500000000: 0+40>12 60614000000+18>20 28886000000+10>3; 1250000000: 0+33>5; "
      "61200000000: 0+32>9; " },
    { "burstgpt_1.csv", "burstgpt", NULL, true, 0, 1,
      "0: 0+472>18; 40000000000: 0+1087>230; 113000000000: 0+417>276; 216000000000: 0+155>78; " },
    /* 1722ac82's second row comes 39 s after the first one's end and holds its 1352 tokens; its
     * third holds less than the 1502 before it, and so begins a session. */
    { "burstgpt_3.csv", "burstgpt", NULL, false, 0, 0,
      "0: 0+906>446 39000000000+27>123; 51000000000: 0+36>29; 144000000000: 0+935>178; "
      "190500000000: 0+200>50; " },
    /* The metadata row and the failed one are left out; what has no reply length replies 1 token.
     */
    { "mooncake_family.jsonl", "mooncake", NULL, true, 64, 2,
      "500000: 0+130>12; 1000000000: 0+128>3; 2000000000: 0+128>1; 2500000000: 0+65>1; " },
    /* 96, 60, 50 and 33 bytes, one behind each text among them, of 4 a token. */
    { "mooncake_texts.jsonl", "mooncake", NULL, true, 16, 1,
      "0: 0+24>20; 120500000: 0+15>35; 400000000: 0+13>12; 900000000: 0+8>1; " },
    /* s1's second row has its first row's ids: it holds the 630 tokens before it. */
    { "mooncake_delta.jsonl", "mooncake-delta", NULL, false, 0, 0,
      "0: 0+1024>20 5000000000+512>20 0+30>5; 250500000: 0+600>30 1250500000+570>10; " },
    /* The first request grows by its reply 0.5 s later; the third finds 11 and 12, not 13. */
    { "kv_events.jsonl", "kv-events", NULL, true, 4, 0,
      "0: 0+16>1; 3000000000: 0+16>1; 30000000000: 0+20>1; " },
    { "kv_events.msgpack", "kv-events", NULL, true, 4, 0,
      "0: 0+16>1; 3000000000: 0+16>1; 30000000000: 0+20>1; " },
    { "kv_events_dynamo.jsonl", "kv-events", NULL, true, 16, 0,
      "0: 0+48>1; 15000000000: 0+32>1; 17000000000: 0+48>1; " },
    { "lmcache.jsonl", "lmcache", NULL, true, 256, 1,
      "0: 0+1024>1; 1500000000: 0+700>1; 2250000000: 0+100>1; 9000000000: 0+1100>1; " },
    { "sessions.csv", "session-csv", NULL, false, 0, 0,
      "1: 0+120>300 30250000000+40>500; 12500000000: 0+900>10; "
      "12500000000: 0+60>70 4000000001+80>90; " },
    { "vidur.csv", "vidur", NULL, true, 0, 1,
      "0: 0+374>44; 52000: 0+396>109; 1250000000: 0+879>55; 2000000000: 0+4808>10; " },
    /* The second call's prompt is shorter than the first and its reply, 1605; the third has 169
     * tokens beyond 1731. On line 4 the second cuts the context: a session, a tool later. */
    { "llmservingsim.jsonl", "llmservingsim", NULL, false, 0, 1,
      "4059740: 0+1472>133; 5059740: 0+1472>133 127348767+1>125 200+169>9; "
      "6000000: 0+900>50; 7000000: 0+400>60 5+10>7; 9000000: 0+10>5; " },
    { "llmservingsim_ids.jsonl", "llmservingsim", NULL, true, 16, 0,
      "0: 0+33>5; 1000: 0+40>5; 2000: 0+16>1; 2000: 0+20>3; 2500: 0+4>3; " },
    { "llmservingsim_ids.jsonl", "llmservingsim-sessions", "llmservingsim-sessions", false, 0, 0,
      "0: 0+33>5; 1000: 0+40>5; 2000: 0+16>1; 2000: 0+20>3; 2500: 0+4>3; " },
    { "llmservingsim.tsv", "llmservingsim", NULL, true, 0, 1,
      "0: 0+14>99; 100000000: 0+7>30; 250000000: 0+512>1; 250000001: 0+20>40; " },
    { "weka.jsonl", "weka", NULL, true, 64, 1,
      "0: 0+130>20; 2500000000: 0+100>30; 5000000000: 0+200>20; " },
    /* 150 tokens before the second call, which comes 4 s after the first one's end. */
    { "weka.jsonl", "weka-sessions", "weka-sessions", false, 0, 1,
      "0: 0+130>20 4000000000+50>20; 2500000000: 0+100>30; " },
    { "weka.json", "weka", NULL, true, 16, 0,
      "500000000: 0+40>7; 1000000000: 0+64>9; 2000000000: 0+30>2; 3500000000: 0+16>1; " },
    { "weka.json", "weka-sessions", "weka-sessions", false, 0, 0,
      "500000000: 0+40>7 250000000+17>9; 2000000000: 0+30>2; 3500000000: 0+16>1; " },
    /* 12450 tokens after 12400 and 80: less than the context, so that one is new. */
    { "copilot.jsonl", "copilot", NULL, false, 0, 1,
      "0: 0+12000>150 750000000+250>80 56000000000+1>60; " },
    /* Not in order: A's 5000, C's 6000, A's 900 that is cut, and 5400 that goes on with 5000. */
    { "copilot_cut.jsonl", "copilot", NULL, false, 0, 0,
      "0: 0+5000>100 16000000000+300>70; 5000000000: 0+6000>20; 10000000000: 0+900>40; " },
    { "vllm_bench.json", "bench", NULL, true, 0, 1,
      "0: 0+1024>128; 500000000: 0+1000>64; 750000000: 0+819>100; 3500000001: 0+870>1; " },
    { "aiperf.jsonl", "aiperf", NULL, true, 0, 2,
      "0: 0+550>9; 67099637: 0+200>3; 2067099637: 0+260>5; " },
};
enum { EXPECTED = sizeof expected / sizeof *expected };

START_TEST(a_sample_is_told_and_read)
{
    char path[512], text[TEXT_BYTES];
    struct trace_facts facts;
    struct error err = { 0 };
    snprintf(path, sizeof path, "%s/%s", TRACE_SAMPLES, expected[_i].sample);
    ck_assert_int_eq(read_sessions(path, expected[_i].named, text, sizeof text, &facts, &err),
                     STATUS_OK);
    ck_assert_str_eq(facts.format, expected[_i].format);
    ck_assert_int_eq(facts.open_loop, expected[_i].open_loop);
    ck_assert_uint_eq(facts.block_tokens, expected[_i].block_tokens);
    ck_assert_uint_eq(trace_skips_total(&facts.skips), expected[_i].skipped);
    ck_assert_str_eq(text, expected[_i].sessions);
}
END_TEST

/* ---- texts ---- */

static void read_turns(const char *content, const struct workload *workload,
                       const struct trace_import *import, uint32_t *prompts, uint32_t *replies,
                       uint32_t *count)
{
    char *path = test_temp_file(content);
    struct trace *trace;
    struct trace_session session;
    struct error err = { 0 };
    ck_assert_int_eq(trace_open(path, workload, import, &trace, &err), STATUS_OK);
    *count = 0;
    while (trace_next(trace, &session, &err) == TRACE_ITEM)
        for (uint32_t i = 0; i < session.turn_count; i++, (*count)++) {
            prompts[*count] = session.turns[i].prompt_tokens;
            replies[*count] = session.turns[i].reply_tokens;
        }
    ck_assert_int_eq(err.status, STATUS_OK);
    trace_close(trace);
    unlink(path);
    free(path);
}

static struct workload default_workload(void)
{
    const struct config_section sections[] = { { "", workload_rows, 0 }, { 0 } };
    struct workload workload;
    struct error err = { 0 };
    ck_assert_int_eq(config_load(sections, NULL, &workload, &err), STATUS_OK);
    return workload;
}

static struct trace_import default_import(void)
{
    const struct config_section sections[] = { { "", trace_import_rows, 0 }, { 0 } };
    struct trace_import import;
    struct error err = { 0 };
    ck_assert_int_eq(config_load(sections, NULL, &import, &err), STATUS_OK);
    return import;
}

/* 41, 72, 23 and 45 bytes; 13 bytes before the first question, of 34; a stated 7; 9 + 13 bytes of
 * brief and broken JSON, 25 of the answer. */
START_TEST(tokens_of_texts_are_their_bytes_over_the_estimators_parameter)
{
    struct workload workload = default_workload();
    struct trace_import import = default_import();
    uint32_t prompts[16], replies[16], count;
    char *text = sample_text("sharegpt.json");
    import.bytes_per_token = 1;
    read_turns(text, &workload, &import, prompts, replies, &count);
    ck_assert_uint_eq(count, 4);
    ck_assert_uint_eq(prompts[0], 41);
    ck_assert_uint_eq(replies[0], 72);
    ck_assert_uint_eq(prompts[1], 23);
    ck_assert_uint_eq(replies[1], 45);
    ck_assert_uint_eq(prompts[2], 13 + 34);
    ck_assert_uint_eq(replies[2], 7);
    ck_assert_uint_eq(prompts[3], 9 + 13);
    ck_assert_uint_eq(replies[3], 25);
    import.bytes_per_token = 4;
    read_turns(text, &workload, &import, prompts, replies, &count);
    ck_assert_uint_eq(prompts[0], 10);
    ck_assert_uint_eq(replies[0], 18);
    free(text);
}
END_TEST

START_TEST(times_that_a_file_lacks_are_the_workloads)
{
    struct workload workload = default_workload();
    struct trace_import import = default_import();
    struct trace *trace;
    struct trace_session session;
    struct error err = { 0 };
    char path[512];
    snprintf(path, sizeof path, "%s/sharegpt.json", TRACE_SAMPLES);
    workload.think_time = THINK_CONSTANT;
    workload.think_mean_ns = 123;
    ck_assert_int_eq(trace_open(path, &workload, &import, &trace, &err), STATUS_OK);
    ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_ITEM);
    ck_assert_uint_eq(session.turn_count, 2);
    ck_assert_uint_eq(session.turns[1].think_ns, 123);
    ck_assert_uint_gt(session.arrival_ns, 0);
    trace_close(trace);
}
END_TEST

enum { ARRAY_ITEMS = 3000 };

/* Conversations cut by the pieces in which a file is read, at any place. */
START_TEST(a_large_array_is_read_item_by_item)
{
    size_t room = ARRAY_ITEMS * 400, at = 0;
    char *content = malloc(room);
    at += (size_t)snprintf(content, room, "[");
    for (int i = 0; i < ARRAY_ITEMS; i++)
        at += (size_t)snprintf(content + at, room - at,
                               "%s{\"conversations\": [{\"from\": \"human\", \"value\": "
                               "\"%*s\\\\\\\"]}\"}, {\"from\": \"gpt\", \"value\": \"%*s\"}]}",
                               i > 0 ? ",\n" : "", i % 97, "", 1 + i % 53, "x");
    snprintf(content + at, room - at, "]\n");
    struct workload workload = default_workload();
    struct trace_import import = default_import();
    static uint32_t prompts[ARRAY_ITEMS], replies[ARRAY_ITEMS];
    uint32_t count;
    import.bytes_per_token = 1;
    read_turns(content, &workload, &import, prompts, replies, &count);
    ck_assert_uint_eq(count, ARRAY_ITEMS);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_uint_eq(prompts[i], i % 97 + 4); /* and \"]} */
        ck_assert_uint_eq(replies[i], 1 + i % 53);
    }
    free(content);
}
END_TEST

/* ---- keys of chat logs ---- */

struct keys {
    uint64_t key[64];
    uint32_t count, prompt_tokens;
};

static void keys_of(const char *line, const struct trace_import *import, struct keys *keys)
{
    struct workload workload = default_workload();
    char *path = test_temp_file(line);
    struct trace *trace;
    struct trace_session session;
    struct error err = { 0 };
    ck_assert_int_eq(trace_open(path, &workload, import, &trace, &err), STATUS_OK);
    ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_ITEM);
    ck_assert_uint_le(session.block_count, 64);
    keys->count = session.block_count;
    keys->prompt_tokens = session.turns[0].prompt_tokens;
    memcpy(keys->key, session.block_keys, session.block_count * sizeof *keys->key);
    trace_close(trace);
    unlink(path);
    free(path);
}

static uint32_t shared_prefix(const struct keys *a, const struct keys *b)
{
    uint32_t i = 0;
    while (i < a->count && i < b->count && a->key[i] == b->key[i])
        i++;
    return i;
}

#define CHAT(second)                                                                               \
    "{\"messages\": [{\"role\": \"user\", \"content\": \"0123456789abcdef0123456789abcdef\"},"     \
    "{\"role\": \"user\", \"content\": \"" second "\"}], \"usage\": {\"completion_tokens\": 5}}\n"

/* The first message is 4 + 1 + 32 + 1 bytes with its role and two ends; blocks are of 8. */
START_TEST(chats_share_the_blocks_of_their_common_text)
{
    struct trace_import import = default_import(), salted;
    import.bytes_per_token = 1;
    import.block_tokens = 8;
    struct keys a, same, other, key;
    keys_of(CHAT("one question"), &import, &a);
    keys_of(CHAT("one question"), &import, &same);
    keys_of(CHAT("one guess"), &import, &other);
    ck_assert_uint_eq(a.prompt_tokens, 38 + 4 + 1 + 12 + 1);
    ck_assert_uint_eq(a.count, 56 / 8);
    ck_assert_uint_eq(shared_prefix(&a, &same), a.count);
    ck_assert_uint_eq(shared_prefix(&a, &other), (38 + 5 + 4) / 8);
    salted = import;
    salted.hash_seed = 1;
    keys_of(CHAT("one question"), &salted, &key);
    ck_assert_uint_eq(shared_prefix(&a, &key), 0);
}
END_TEST

START_TEST(where_a_message_ends_counts)
{
    struct trace_import import = default_import();
    import.bytes_per_token = 1;
    import.block_tokens = 4;
    struct keys joined, apart;
    keys_of("{\"messages\": [{\"role\": \"user\", \"content\": \"abuserc\"}], \"usage\": "
            "{\"completion_tokens\": 5}}\n",
            &import, &joined);
    keys_of("{\"messages\": [{\"role\": \"user\", \"content\": \"ab\"}, {\"role\": \"user\", "
            "\"content\": \"c\"}], \"usage\": {\"completion_tokens\": 5}}\n",
            &import, &apart);
    ck_assert_uint_eq(shared_prefix(&joined, &apart), 1); /* "user", then \xff ab and on */
}
END_TEST

/* Equal ids behind different ones are not the same prefix; [8, 8] is no repeated prefix. */
START_TEST(bailians_ids_are_chained)
{
    struct trace_import import = default_import();
    struct keys a, b;
    keys_of("{\"chat_id\": 0, \"parent_chat_id\": -1, \"timestamp\": 0, \"input_length\": 48, "
            "\"output_length\": 1, \"hash_ids\": [7, 8, 9]}\n",
            &import, &a);
    keys_of("{\"chat_id\": 1, \"parent_chat_id\": -1, \"timestamp\": 0, \"input_length\": 48, "
            "\"output_length\": 1, \"hash_ids\": [7, 10, 9]}\n",
            &import, &b);
    ck_assert_uint_eq(a.key[0], b.key[0]);
    ck_assert_uint_ne(a.key[1], b.key[1]);
    ck_assert_uint_ne(a.key[2], b.key[2]);
}
END_TEST

/* ---- sessions of a log ---- */

#define BURST "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens\n"

START_TEST(a_session_silent_for_longer_than_the_gap_has_ended)
{
    char text[TEXT_BYTES];
    struct trace_facts facts;
    struct error err = { 0 };
    char *path = test_temp_file(BURST "0,a,10,m,100,10\n3610,a,0,m,200,10\n7211,a,0,m,300,10\n");
    ck_assert_int_eq(read_sessions(path, NULL, text, sizeof text, &facts, &err), STATUS_OK);
    ck_assert_str_eq(text, "0: 0+100>10 3600000000000+90>10; 7211000000000: 0+300>10; ");
    unlink(path);
    free(path);
}
END_TEST

START_TEST(think_time_is_never_negative)
{
    char text[TEXT_BYTES];
    struct trace_facts facts;
    struct error err = { 0 };
    char *path = test_temp_file(BURST "0,a,10,m,100,10\n5,a,1,m,200,10\n");
    ck_assert_int_eq(read_sessions(path, NULL, text, sizeof text, &facts, &err), STATUS_OK);
    ck_assert_str_eq(text, "0: 0+100>10 0+90>10; ");
    unlink(path);
    free(path);
}
END_TEST

/* ---- refusals ---- */

#define AZURE "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6,374,44\n"
#define SESSIONS "session,arrival_s,think_s,prompt_tokens,reply_tokens\na,5,,1,2\n"
#define AGENT "{\"arrival_s\": 5, \"turns\": [{\"prompt_tokens\": 1, \"reply_tokens\": 1}]}\n"
#define SHARE "[{\"conversations\": [{\"from\": \"human\", \"value\": \"a\"},\n"
#define CHATLINE "{\"timestamp\": 5, \"messages\": [{\"role\": \"user\", \"content\": \"a\"}]"
#define BAILIAN(time, parent, input, ids)                                                          \
    "{\"chat_id\": 1, \"parent_chat_id\": " parent ", \"timestamp\": " time                        \
    ", \"input_length\": " input ", \"output_length\": 3, \"hash_ids\": " ids "}\n"

/* Each: a file, the line to be named, the key, a word of what was expected. */
static const struct {
    const char *text;
    uint64_t line;
    const char *key, *word;
} refused[] = {
    { AZURE "2023-11-16 18:15:46.5,1,1\n", 3, "TIMESTAMP", "not before" },
    { AZURE "2023-13-16 18:15:47,1,1\n", 3, "TIMESTAMP", "a time" },
    { AZURE "2023-11-16 18:15:47 UTC,1,1\n", 3, "TIMESTAMP", "a time" },
    { AZURE "17,1,1\n", 3, "TIMESTAMP", "a time" },
    { AZURE "2023-11-16 18:15:47,-1,1\n", 3, "ContextTokens", "whole" },
    { AZURE "2023-11-16 18:15:47,1.5,1\n", 3, "ContextTokens", "whole" },
    { AZURE "2023-11-16 18:15:47,1,\n", 3, "GeneratedTokens", "whole" },
    { AZURE "2023-11-16 18:15:47,1,99999999999\n", 3, "GeneratedTokens", "whole" },
    { AZURE "2023-11-16 18:15:47,1\n", 3, "", "3 fields" },
    { AZURE "\n\t\n;\n", 5, "", "3 fields" },
    { AZURE "\"2023-11-16 18:15:47,1,1\n", 3, "", "3 fields" },
    { "TIMESTAMP,ContextTokens,GeneratedTokens,ContextTokens\n", 1, "ContextTokens", "one column" },
    { "Timestamp,ContextTokens,GeneratedTokens\n", 1, "TIMESTAMP", "column of that name" },
    { BURST "5,a,1,m,1,1\n4.9,a,1,m,1,1\n", 3, "Timestamp", "not before" },
    { BURST "-5,a,1,m,1,1\n", 2, "Timestamp", "seconds" },
    { BURST "5,a,x,m,1,1\n", 2, "Elapsed time", "seconds" },
    { BURST "5,a,1,m,x,1\n", 2, "Request tokens", "whole" },
    { BURST "5,a,1,m,1,1,1\n", 2, "", "6 fields" },
    { SESSIONS "b,4,,1,2\n", 3, "arrival_s", "not before" },
    { SESSIONS "a,6,,1,2\n", 3, "arrival_s", "session's arrival" },
    { SESSIONS "b,,,1,2\n", 3, "arrival_s", "first row" },
    { SESSIONS "b,6,1,1,2\n", 3, "think_s", "first row" },
    { SESSIONS "a,,1e3,1,2\n", 3, "think_s", "seconds" },
    { SESSIONS "a,,1,0,2\n", 3, "prompt_tokens", "whole" },
    { SESSIONS ",6,,1,2\n", 3, "session", "name" },
    { AGENT "{\"arrival_s\": 4, \"turns\": [{\"prompt_tokens\": 1, \"reply_tokens\": 1}]}\n", 2,
      "arrival_s", "not before" },
    { AGENT "{\"arrival_s\": 5, \"turns\": []}\n", 2, "turns", "array" },
    { AGENT "{\"arrival_s\": 5, \"turns\": [7]}\n", 2, "turns", "objects" },
    { AGENT "{\"arrival_s\": 5, \"turns\": [{\"prompt_tokens\": 1}]}\n", 2, "reply_tokens",
      "whole" },
    { AGENT
      "{\"arrival_s\": 5, \"turns\": [{\"prompt_tokens\": 1, \"reply_tokens\": 1, \"tool_s\": "
      "1}]}\n",
      2, "tool_s", "first turn" },
    { AGENT "{\"arrival_s\": -5, \"turns\": []}\n", 2, "arrival_s", "seconds" },
    { AGENT "{\"arrival_s\": 5, \"arrival_s\": 5}\n", 2, "", "JSON" },
    { SHARE "{\"from\": \"nobody\", \"value\": \"b\"}]}]\n", 1, "from", "human" },
    { SHARE "{\"from\": \"gpt\", \"value\": 7}]}]\n", 1, "value", "text" },
    { SHARE "{\"from\": \"gpt\", \"value\": \"b\"}]}\n{}]\n", 3, "", "comma" },
    { SHARE "{\"from\": \"gpt\", \"value\": \"b\"}]},\n7]\n", 3, "", "object" },
    { SHARE "{\"from\": \"gpt\", \"value\": \"b\"}]},\n\n{\"a\": tru}]\n", 4, "", "JSON" },
    { SHARE "{\"from\": \"gpt\", \"value\": \"b\"}]},\n\n{\"a\": 1}]\n", 4, "conversations",
      "array" },
    { SHARE "{\"from\": \"gpt\", \"value\": \"b\"}]}\n", 3, "", "cut off" },
    { SHARE "{\"from\": \"gpt\", \"val", 1, "", "cut off" },
    { SHARE "{\"from\": \"gpt\", \"value\": \"b\"}]}]\n\n{}", 4, "", "nothing behind" },
    { CHATLINE "}\n{\"timestamp\": 4, \"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}\n",
      2, "timestamp", "not before" },
    { CHATLINE "}\n{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}\n", 2, "timestamp",
      "every line" },
    { CHATLINE "}\n{\"timestamp\": \"noon\", \"messages\": [{\"role\": \"user\"}]}\n", 2,
      "timestamp", "date" },
    { CHATLINE "}\n{\"timestamp\": 6, \"messages\": []}\n", 2, "messages", "array" },
    { CHATLINE "}\n{\"timestamp\": 6, \"messages\": [{\"content\": \"a\"}]}\n", 2, "role", "text" },
    { CHATLINE "}\n{\"timestamp\": 6, \"messages\": [{\"role\": \"user\", \"content\": "
               "[{\"type\": \"image_url\"}]}]}\n",
      2, "content", "texts" },
    { CHATLINE ", \"usage\": {\"completion_tokens\": -1}}\n", 1, "completion_tokens", "whole" },
    { BAILIAN("5", "-1", "16", "[1]") BAILIAN("4", "-1", "16", "[1]"), 2, "timestamp",
      "not before" },
    { BAILIAN("5", "-2", "16", "[1]"), 1, "parent_chat_id", "whole" },
    { BAILIAN("5", "-1", "33", "[1]"), 1, "hash_ids", "2 or 3" },
    { BAILIAN("5", "-1", "32", "[1, -1]"), 1, "hash_ids", "whole" },
    { BAILIAN("\"5\"", "-1", "16", "[1]"), 1, "timestamp", "seconds" },
};
enum { REFUSED = sizeof refused / sizeof *refused };

START_TEST(a_wrong_record_is_refused_by_line_and_key)
{
    char *path = test_temp_file(refused[_i].text), text[TEXT_BYTES];
    struct trace_facts facts;
    struct error err = { 0 };
    ck_assert_int_eq(read_sessions(path, NULL, text, sizeof text, &facts, &err), STATUS_INPUT);
    ck_assert_str_eq(err.file, path);
    ck_assert_msg(err.line == refused[_i].line, "line %" PRIu64 ": %s", err.line, err.expected);
    ck_assert_str_eq(err.key, refused[_i].key);
    ck_assert_msg(strstr(err.expected, refused[_i].word) != NULL, "%s", err.expected);
    unlink(path);
    free(path);
}
END_TEST

/* Each: a file of which a request or none is left, and what became of the rest. */
static const struct {
    const char *text, *format, *skipped;
} left_out[] = {
    { AZURE "2023-11-16 18:15:47,9,0\n2023-11-16 18:15:48,9,0\n", NULL,
      "2 records: without a reply" },
    { "{\"model\": \"m\"}\n{\"timestamp\": 1, \"input_length\": 9, \"output_length\": 0}\n"
      "{\"timestamp\": 1, \"input_length\": 9, \"output_length\": 2}\n",
      NULL, "2 records: 1 without a reply, 1 of another kind: headings, embeddings, warm-up" },
    { BURST "5,a,1,m,1,1\n6,a,1,m,1,0\n", NULL, "1 record: that failed, as the file says" },
    { BAILIAN("5", "-1", "16", "[1]") BAILIAN("6", "-1", "0", "[]"), NULL,
      "1 record: without a prompt" },
    { BAILIAN("5", "-1", "16", "[1]") BAILIAN("6", "-1", "0", "[]"), "bailian-sessions",
      "1 record: without a prompt" },
};

START_TEST(what_is_left_out_is_counted_by_its_cause)
{
    char *path = test_temp_file(left_out[_i].text), text[TEXT_BYTES], skipped[128];
    struct trace_facts facts;
    struct error err = { 0 };
    ck_assert_int_eq(read_sessions(path, left_out[_i].format, text, sizeof text, &facts, &err),
                     STATUS_OK);
    trace_skips_print(&facts.skips, skipped, sizeof skipped);
    ck_assert_str_eq(skipped, left_out[_i].skipped);
    unlink(path);
    free(path);
}
END_TEST

START_TEST(a_file_without_a_request_is_refused_with_the_reasons)
{
    char *path = test_temp_file(BAILIAN(
        "5", "-1", "0", "[]") "{\"chat_id\": 2, "
                              "\"parent_chat_id\": -1, \"timestamp\": 6, \"input_length\": 16, "
                              "\"output_length\": 0, \"hash_ids\": [1]}\n");
    static const char *const formats[] = { "bailian", "bailian-sessions" };
    for (int i = 0; i < 2; i++) {
        char text[TEXT_BYTES];
        struct trace_facts facts;
        struct error err = { 0 };
        ck_assert_int_eq(read_sessions(path, formats[i], text, sizeof text, &facts, &err),
                         STATUS_INPUT);
        ck_assert_str_eq(err.found, "2 records: 1 without a reply, 1 without a prompt");
        ck_assert_str_eq(err.file, path);
    }
    unlink(path);
    free(path);
}
END_TEST

START_TEST(sessions_of_bailian_are_in_order_of_time_as_well)
{
    char *path = test_temp_file(BAILIAN("5", "-1", "16", "[1]") BAILIAN("4", "-1", "16", "[1]"));
    char text[TEXT_BYTES];
    struct trace_facts facts;
    struct error err = { 0 };
    ck_assert_int_eq(read_sessions(path, "bailian-sessions", text, sizeof text, &facts, &err),
                     STATUS_INPUT);
    ck_assert_uint_eq(err.line, 2);
    unlink(path);
    free(path);
}
END_TEST

/* ---- zstd ---- */

START_TEST(a_compressed_sample_reads_as_the_plain_one)
{
    char plain_path[512], text[TEXT_BYTES], packed_text[TEXT_BYTES];
    struct trace_facts facts;
    struct error err = { 0 };
    snprintf(plain_path, sizeof plain_path, "%s/%s", TRACE_SAMPLES, sample_names[_i]);
    size_t length;
    char *content = sample_bytes(sample_names[_i], &length), *path = test_temp_file("");
    size_t bound = ZSTD_compressBound(length);
    char *packed = malloc(bound);
    size_t size = ZSTD_compress(packed, bound, content, length, 3);
    FILE *file = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(packed, 1, size, file), size);
    fclose(file);
    ck_assert_int_eq(read_sessions(plain_path, NULL, text, sizeof text, &facts, &err), STATUS_OK);
    ck_assert_int_eq(read_sessions(path, NULL, packed_text, sizeof text, &facts, &err), STATUS_OK);
    ck_assert_str_eq(text, packed_text);
    unlink(path);
    free(path), free(packed), free(content);
}
END_TEST

static bool has_sample(const char *format)
{
    char path[512], text[TEXT_BYTES];
    for (int i = 0; i < SAMPLES; i++) {
        struct trace_facts facts;
        struct error err = { 0 };
        snprintf(path, sizeof path, "%s/%s", TRACE_SAMPLES, sample_names[i]);
        if (read_sessions(path, NULL, text, sizeof text, &facts, &err) == STATUS_OK &&
            strcmp(facts.format, format) == 0)
            return true;
    }
    for (int i = 0; i < EXPECTED; i++) /* that no content tells */
        if (expected[i].named != NULL && strcmp(expected[i].named, format) == 0)
            return true;
    return false;
}

static void look_for_sample(const char *name, const char *summary, void *context)
{
    (void)summary;
    ck_assert_msg(has_sample(name), "%s: a format without a sample", name);
    ++*(uint32_t *)context;
}

START_TEST(every_format_has_a_sample)
{
    uint32_t formats = 0;
    trace_formats(look_for_sample, &formats);
    ck_assert_uint_ge(formats, 10);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("formats");
    TCase *tcase = tcase_create("samples");
    tcase_add_loop_test(tcase, a_sample_is_told_and_read, 0, EXPECTED);
    tcase_add_loop_test(tcase, a_compressed_sample_reads_as_the_plain_one, 0, SAMPLES);
    tcase_add_test(tcase, every_format_has_a_sample);
    tcase_add_test(tcase, tokens_of_texts_are_their_bytes_over_the_estimators_parameter);
    tcase_add_test(tcase, times_that_a_file_lacks_are_the_workloads);
    tcase_add_test(tcase, a_large_array_is_read_item_by_item);
    tcase_add_test(tcase, chats_share_the_blocks_of_their_common_text);
    tcase_add_test(tcase, where_a_message_ends_counts);
    tcase_add_test(tcase, bailians_ids_are_chained);
    tcase_add_test(tcase, a_session_silent_for_longer_than_the_gap_has_ended);
    tcase_add_test(tcase, think_time_is_never_negative);
    tcase_add_loop_test(tcase, a_wrong_record_is_refused_by_line_and_key, 0, REFUSED);
    tcase_add_loop_test(tcase, what_is_left_out_is_counted_by_its_cause, 0,
                        sizeof left_out / sizeof *left_out);
    tcase_add_test(tcase, a_file_without_a_request_is_refused_with_the_reasons);
    tcase_add_test(tcase, sessions_of_bailian_are_in_order_of_time_as_well);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
