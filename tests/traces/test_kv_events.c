/* tests/traces/test_kv_events.c - what is made of engines' KV events, form by form, and what is
 * refused, by the line or by the record and its byte. */
#include "tests/traces/kv_log.h"
#include "tests/traces/samples.h"
#include "traces/msgpack.h"
#include "traces/write.h"

/* A line that stores blocks of 2 tokens. */
#define STORED(ts, hashes, parent)                                                                 \
    "[" ts ", [[\"BlockStored\", [" hashes "], " parent ", [], 2, null]]]\n"
#define REMOVED(ts, hashes) "[" ts ", [[\"BlockRemoved\", [" hashes "]]]]\n"
#define ONE STORED("1", "1", "null")

/* What is read of a log with the standard import: "arrival_ms:hits[+below]/blocks" a request. */
static const struct {
    const char *what, *text, *requests;
} readings[] = {
    { "parents of the first block that is stored are hits",
      STORED("1", "1,2,3", "null") STORED("50", "4", "2"), "0:0/3 49000:2/3 " },
    { "blocks behind the end of a chain within the gap are the same request's",
      STORED("1", "1,2", "null") STORED("11", "3", "2") STORED("21", "4", "3"), "0:0/4 " },
    { "later ones are another's, which hits all before",
      STORED("1", "1,2", "null") STORED("11.001", "3", "2"), "0:0/2 10001:2/3 " },
    { "blocks behind the middle of a chain are another's",
      STORED("1", "1,2", "null") STORED("1.5", "3", "1"), "0:0/2 500:1/2 " },
    { "one event a page, as SGLang has them, in one batch",
      "[1, [[\"BlockStored\", [-1], null, [5, 6], 2, null, \"GPU\"], [\"BlockStored\", [2], -1, "
      "[7, 8], 2, null, \"GPU\"]], 0]\n",
      "0:0/2 " },
    { "a stream of objects, as vLLM's main has them",
      "{\"ts\": 1, \"events\": [{\"type\": \"BlockStored\", \"block_hashes\": [\"ab\", \"cd\"], "
      "\"parent_block_hash\": null, \"token_ids\": [1,2,3,4], \"block_size\": 2, \"lora_id\": "
      "null, "
      "\"medium\": null, \"lora_name\": null}]}\n"
      "{\"ts\": 20, \"events\": [{\"type\": \"BlockRemoved\", \"block_hashes\": [\"cd\"], "
      "\"medium\": "
      "null}, {\"type\": \"AllBlocksCleared\"}]}\n"
      "{\"ts\": 30, \"events\": [{\"type\": \"BlockStored\", \"block_hashes\": [\"ef\"], "
      "\"parent_block_hash\": \"ab\", \"token_ids\": [1,2], \"block_size\": 2, \"lora_id\": 3}]}\n",
      "0:0/2 29000:1/2 " },
    { "an event a line",
      "{\"ts\": 1.5, \"type\": \"BlockStored\", \"block_hashes\": [1], \"parent_block_hash\": "
      "null, "
      "\"token_ids\": [9], \"block_size\": 1}\n",
      "0:0/1 " },
    { "other media are no references of the GPU, and their blocks are hits below it",
      "[1, [[\"BlockStored\", [1,2], null, [], 2, null, \"CPU\"]]]\n" STORED("2", "1,2,3", "null"),
      "1000:0+2/3 " },
    { "below the GPU a run ends with the first block that is not there",
      "[1, [[\"BlockStored\", [1,3], null, [], 2, null, \"CPU\"]]]\n" STORED("2", "1,2,3", "null"),
      "1000:0+1/3 " },
    { "blocks of other groups of layers are passed over",
      "[1, [[\"BlockStored\", [1], null, [], 544, null, \"GPU\", null, null, 1, \"mamba\", null], "
      "[\"BlockStored\", [2], null, [], 16, null, \"GPU\", null, null, 2, null, "
      "128], "
      "[\"BlockStored\", [3], null, [], 2, null, \"GPU\", null, null, 0, \"full_attention\"], "
      "[\"BlockRemoved\", [3], \"GPU\", 2]]]\n" STORED("50", "4", "3"),
      "0:0/1 49000:1/2 " },
    { "ranks share nothing",
      "[1, [[\"BlockStored\", [1], null, [], 2, null]], 0]\n"
      "[1.5, [[\"BlockStored\", [1], null, [], 2, null]], 1]\n"
      "[1.4, [[\"BlockStored\", [2], 1, [], 2, null]], 0]\n",
      "0:0/2 500:0/1 " },
    { "clocks of ranks may cross",
      "[1, [[\"BlockStored\", [1], null, [], 2, null]], 0]\n"
      "[1.5, [[\"BlockStored\", [1], null, [], 2, null]], 1]\n"
      "[1.4, [[\"BlockStored\", [2], null, [], 2, null]], 0]\n",
      "0:0/1 500:0/1 500:0/1 " },
    { "a parent that no event stored was there before the log began",
      STORED("1", "2", "1") STORED("50", "3", "1"), "0:1/2 49000:1/2 " },
    { "blank lines, and hashes beyond 63 bits",
      STORED("1", "18446744073709551615", "null") "\n\r\n" STORED("50", "18446744073709551614",
                                                                  "18446744073709551615"),
      "0:0/1 49000:1/2 " },
};
enum { READINGS = sizeof readings / sizeof *readings };

START_TEST(a_log_is_read_as_requests)
{
    struct trace_import import = default_import();
    struct log_read read = read_text(readings[_i].text, &import);
    ck_assert_msg(read.err.status == STATUS_OK, "%s: %s, found %s", readings[_i].what,
                  read.err.expected, read.err.found);
    ck_assert_msg(strcmp(read.text, readings[_i].requests) == 0, "%s: %s", readings[_i].what,
                  read.text);
}
END_TEST

/* ---- the cache's books ---- */

static struct trace_engine_log books(const char *text)
{
    struct trace_import import = default_import();
    struct log_read read = read_text(text, &import);
    ck_assert_int_eq(read.err.status, STATUS_OK);
    ck_assert_int_eq(read.facts.measured, TRACE_MEASURED_BY_EVENTS);
    return read.facts.engine;
}

START_TEST(copies_of_a_block_are_one_until_the_last_is_removed)
{
    struct trace_engine_log log =
        books(STORED("1", "1,2", "null") STORED("2", "1,2", "null") REMOVED("3", "2")
                  STORED("20", "3", "null") REMOVED("21", "1,2,3") REMOVED("22", "1,9"));
    ck_assert_uint_eq(log.stored_blocks, 5);
    ck_assert_uint_eq(log.stored_twice_blocks, 2);
    ck_assert_uint_eq(log.stored_again_blocks, 0);
    ck_assert_uint_eq(log.removed_blocks, 6);
    ck_assert_uint_eq(log.removed_unknown_blocks, 1); /* 1 has a copy left */
    ck_assert_uint_eq(log.resident_peak_blocks, 3);
}
END_TEST

/* As in a model whose layers attend to all tokens, in two groups: the same hashes twice. */
START_TEST(one_group_of_layers_is_followed)
{
#define IN_GROUP(group) "null, [], 2, null, \"GPU\", null, null, " group ", \"full_attention\"]"
    struct trace_engine_log log =
        books("[1, [[\"BlockStored\", [1,2], " IN_GROUP("3") ", [\"BlockStored\", [1,2], " IN_GROUP(
            "4") ", [\"BlockRemoved\", [1], \"GPU\", 4], [\"BlockRemoved\", [2], \"GPU\", 3]]]\n");
    ck_assert_uint_eq(log.stored_blocks, 2);
    ck_assert_uint_eq(log.removed_blocks, 1);
    ck_assert_uint_eq(log.passed_over_events, 2);
}
END_TEST

START_TEST(what_is_stored_after_it_went_is_stored_again)
{
    struct trace_engine_log log = books(STORED("1", "1,2", "null") REMOVED("2", "2") STORED(
        "20", "2", "1") "[30, [[\"AllBlocksCleared\"]]]\n" STORED("40", "1,2", "null"));
    ck_assert_uint_eq(log.stored_again_blocks, 3);
    ck_assert_uint_eq(log.stored_twice_blocks, 0);
    ck_assert_uint_eq(log.clearings, 1);
    ck_assert_uint_eq(log.resident_peak_blocks, 2);
}
END_TEST

START_TEST(sequence_numbers_tell_what_is_lost)
{
    static const char event[] = "\"events\": [[\"BlockStored\", [1], null, [], 2, null]]}\n";
    char text[512];
    snprintf(text, sizeof text,
             "{\"seq\": 4, \"ts\": 1, %s{\"seq\": 5, \"ts\": 2, %s{\"seq\": 9, \"ts\": 3, %s"
             "{\"seq\": 0, \"ts\": 4, %s",
             event, event, event, event);
    ck_assert_uint_eq(books(text).lost_batches, 3); /* 6, 7 and 8; then the engine began anew */
}
END_TEST

START_TEST(one_server_of_several_can_be_read_alone)
{
    static const char text[] = "[1, [[\"BlockStored\", [1,2,3], null, [], 2, null]], 0]\n"
                               "[2, [[\"BlockStored\", [1], null, [], 2, null]], 5]\n"
                               "[50, [[\"BlockStored\", [4], 1, [], 2, null]], 5]\n";
    struct trace_import import = default_import();
    import.server = 2;
    struct log_read read = read_text(text, &import);
    ck_assert_int_eq(read.err.status, STATUS_OK);
    ck_assert_str_eq(read.text, "1000:0/1 49000:1/2 ");
    ck_assert_uint_eq(read.facts.engine.servers, 2);
    ck_assert_uint_eq(read.facts.engine.resident_peak_blocks, 2);
    import.server = 3;
    ck_assert_int_eq(read_text(text, &import).err.status, STATUS_INPUT);
}
END_TEST

START_TEST(the_gap_is_the_imports)
{
    struct trace_import import = default_import();
    const char *text = STORED("1", "1", "null") STORED("2", "2", "1");
    ck_assert_str_eq(read_text(text, &import).text, "0:0/2 ");
    import.chain_gap_ns = 999999999;
    ck_assert_str_eq(read_text(text, &import).text, "0:0/1 1000:1/2 ");
}
END_TEST

/* ---- refused ---- */

static const struct {
    const char *text, *key;
    uint64_t line;
} refusals[] = {
    { ONE "[1, [[\"BlockStored\"\n", "", 2 },
    { ONE "[1]\n", "events", 2 },
    { ONE "[1, 2]\n", "events", 2 },
    { ONE "[1, [3]]\n", "events", 2 },
    { ONE "[1, [[4, 5]]]\n", "type", 2 },
    { ONE "[-1, []]\n", "ts", 2 },
    { ONE "[\"now\", []]\n", "ts", 2 },
    { ONE "[0.5, []]\n", "ts", 2 },
    { ONE "[2, [], -1]\n", "data_parallel_rank", 2 },
    { ONE "\n" STORED("2", "true", "null"), "block_hashes", 3 },
    { ONE "[2, [[\"BlockStored\", 7, null, [], 2]]]\n", "block_hashes", 2 },
    { ONE "[2, [[\"BlockStored\", [7], [], [], 2]]]\n", "parent_block_hash", 2 },
    { ONE "[2, [[\"BlockStored\", [7], null, [1,2,3], 2]]]\n", "token_ids", 2 },
    { ONE "[2, [[\"BlockStored\", [7], null, null, 2]]]\n", "token_ids", 2 },
    { ONE "[2, [[\"BlockStored\", [7], null, [], 0]]]\n", "block_size", 2 },
    { ONE "[2, [[\"BlockStored\", [7], null, [], 4]]]\n", "block_size", 2 },
    { ONE "[2, [[\"BlockStored\", [7], null, [], 2, null, 3]]]\n", "medium", 2 },
    { ONE "[2, [[\"BlockRemoved\", null]]]\n", "block_hashes", 2 },
    { ONE "[2, [[\"BlockRemoved\", [1], \"GPU\", -2]]]\n", "group_idx", 2 },
    /* Hashes that are of a block alone: the same behind two parents, or behind itself. */
    { STORED("1", "1,2", "null") STORED("2", "3,2", "null"), "parent_block_hash", 2 },
    { STORED("1", "1,1", "null"), "parent_block_hash", 1 },
    { STORED("1", "1", "1"), "parent_block_hash", 1 },
    { STORED("1", "2", "1") STORED("2", "1", "2"), "parent_block_hash", 2 },
    { "{\"ts\": 1, \"events\": {\"type\": \"BlockStored\"}}\n", "events", 1 },
    { "{\"timestamp\": 1, \"event\": {\"worker_id\": 1, \"event\": {\"event_id\": 1, \"data\": "
      "\"gone\"}}}\n",
      "data", 1 },
    { "{\"timestamp\": 1, \"event\": {\"worker_id\": 1, \"event\": {\"event_id\": 1, \"data\": "
      "{\"stored\": {\"parent_hash\": null, \"blocks\": [3]}}}}}\n",
      "blocks", 1 },
    { REMOVED("1", "1"), "", 1 },
};
enum { REFUSALS = sizeof refusals / sizeof *refusals };

START_TEST(a_wrong_line_is_refused_by_its_number_and_key)
{
    struct trace_import import = default_import();
    struct log_read read = read_text(refusals[_i].text, &import);
    ck_assert_msg(read.err.status == STATUS_INPUT, "%d: %s", _i, refusals[_i].text);
    ck_assert_msg(read.err.line == refusals[_i].line, "%d: line %" PRIu64, _i, read.err.line);
    ck_assert_msg(strcmp(read.err.key, refusals[_i].key) == 0, "%d: %s", _i, read.err.key);
}
END_TEST

/* ---- MessagePack ---- */

/* The sample's records, each with its length or its frames around it. */
static char *wrapped_sample(bool frames, size_t *length)
{
    size_t whole, used;
    char *bytes = sample_bytes("kv_events.msgpack", &whole), *wrapped = NULL;
    FILE *out = open_memstream(&wrapped, length);
    uint64_t sequence = 7;
    for (size_t at = 0; at < whole; at += used) {
        ck_assert_int_eq(msgpack_measure((unsigned char *)bytes + at, whole - at, &used),
                         MSGPACK_VALUE);
        if (frames) {
            fputs("\x93\xc4", out), fputc(0, out); /* an empty topic */
            fputs("\xc4\x08", out);
            for (int byte = 7; byte >= 0; byte--)
                fputc((int)(sequence >> (8 * byte) & 255), out);
            pack_number(out, 0xc5, used, 2);
            sequence += 2; /* one is lost each time */
        } else {
            for (int byte = 3; byte >= 0; byte--)
                fputc((int)(used >> (8 * byte) & 255), out);
        }
        fwrite(bytes + at, 1, used, out);
    }
    fclose(out);
    free(bytes);
    return wrapped;
}

static struct log_read read_bytes(const char *bytes, size_t length)
{
    struct trace_import import = default_import();
    char *path = file_of_bytes(bytes, length);
    struct log_read read = read_log(path, &import);
    unlink(path);
    free(path);
    return read;
}

START_TEST(messages_may_have_their_length_or_their_frames_around_them)
{
    size_t lengths[3];
    char *plain = sample_bytes("kv_events.msgpack", &lengths[0]);
    char *prefixed = wrapped_sample(false, &lengths[1]),
         *framed = wrapped_sample(true, &lengths[2]);
    struct log_read a = read_bytes(plain, lengths[0]), b = read_bytes(prefixed, lengths[1]),
                    c = read_bytes(framed, lengths[2]);
    ck_assert_str_eq(a.text, "0:0/4 3000:2/4 30000:2+2/5 ");
    ck_assert_str_eq(b.text, a.text);
    ck_assert_str_eq(c.text, a.text);
    ck_assert_uint_eq(b.keys, a.keys);
    ck_assert_uint_eq(c.keys, a.keys);
    ck_assert_uint_eq(a.facts.engine.lost_batches, 0);
    ck_assert_uint_eq(c.facts.engine.lost_batches, 4);
    free(plain), free(prefixed), free(framed);
}
END_TEST

START_TEST(the_json_sample_has_the_same_keys)
{
    char path[512];
    size_t length;
    struct trace_import import = default_import();
    char *bytes = sample_bytes("kv_events.msgpack", &length);
    snprintf(path, sizeof path, "%s/kv_events.jsonl", TRACE_SAMPLES);
    ck_assert_uint_eq(read_log(path, &import).keys, read_bytes(bytes, length).keys);
    free(bytes);
}
END_TEST

START_TEST(what_the_log_does_not_say_is_told)
{
    char path[512];
    struct trace_import import = default_import();
    snprintf(path, sizeof path, "%s/kv_events.msgpack", TRACE_SAMPLES);
    struct log_read read = read_log(path, &import);
    ck_assert_ptr_nonnull(strstr(read.facts.assumed[0], "replies of 1 token"));
    ck_assert_ptr_null(read.facts.assumed[1]);
    snprintf(path, sizeof path, "%s/kv_events_dynamo.jsonl", TRACE_SAMPLES);
    import.block_tokens = 32;
    read = read_log(path, &import);
    ck_assert_uint_eq(read.facts.block_tokens, 32);
    ck_assert_ptr_nonnull(strstr(read.facts.assumed[1], "import.block_tokens"));
    ck_assert_ptr_null(read.facts.assumed[2]);
}
END_TEST

/* Cut off anywhere but behind a record, it is refused by the record and the byte where it began. */
START_TEST(a_stream_that_is_cut_off_is_refused_by_its_record)
{
    size_t length, used = 0, begin = 0, at = 0, records = 0;
    char *bytes = sample_bytes("kv_events.msgpack", &length), expected[64];
    for (size_t cut = 1; cut <= length; cut++) {
        if (cut > at) {
            begin = at;
            msgpack_measure((unsigned char *)bytes + at, length - at, &used);
            at += used;
            records++;
        }
        /* Below some bytes nothing tells what it is. */
        if (cut < 40)
            continue;
        struct log_read read = read_bytes(bytes, cut);
        if (cut == at) {
            ck_assert_int_eq(read.err.status, STATUS_OK);
            continue;
        }
        snprintf(expected, sizeof expected, "record %zu at byte %zu", records, begin);
        ck_assert_int_eq(read.err.status, STATUS_INPUT);
        ck_assert_str_eq(read.err.key, expected);
        ck_assert_uint_eq(read.err.line, records);
    }
    free(bytes);
}
END_TEST

START_TEST(a_wrong_length_before_a_record_is_refused)
{
    size_t length;
    char *bytes = wrapped_sample(false, &length);
    bytes[3]++;
    struct log_read read = read_bytes(bytes, length);
    ck_assert_int_eq(read.err.status, STATUS_INPUT);
    ck_assert_str_eq(read.err.key, "record 1 at byte 0");
    free(bytes);
}
END_TEST

/* Read in pieces of 128 KiB, and by itself larger than several. */
START_TEST(a_record_of_many_pieces_is_read)
{
    enum { BLOCKS = 8000 };
    json_t *hashes = json_array(), *tokens = json_array();
    for (int i = 0; i < BLOCKS; i++) {
        json_array_append_new(hashes, json_integer(i + 1000));
        for (int token = 0; token < 4; token++)
            json_array_append_new(tokens, json_integer(50000 + i));
    }
    json_t *batch = json_pack("[f[[sonoi]]]", 1.0, "BlockStored", hashes, tokens, 4);
    char *bytes = NULL;
    size_t length;
    FILE *out = open_memstream(&bytes, &length);
    pack(out, batch);
    pack(out, batch);
    fclose(out);
    ck_assert_uint_gt(length, 512 * 1024);
    struct log_read read = read_bytes(bytes, length);
    ck_assert_int_eq(read.err.status, STATUS_OK);
    ck_assert_str_eq(read.text, "0:0/8000 0:0/8000 ");
    json_decref(batch);
    free(bytes);
}
END_TEST

/* ---- a trace made of it ---- */

START_TEST(what_no_engine_was_asked_is_not_measured)
{
    struct trace_import import = default_import();
    char path[512];
    struct error err = { 0 };
    struct trace *log;
    struct trace_session session;
    const struct trace_scale twice = { .rate = 1.0, .think = 1.0, .sessions = 2.0 };
    snprintf(path, sizeof path, "%s/kv_events.jsonl", TRACE_SAMPLES);
    ck_assert_int_eq(open_log(path, &import, &log, &err), STATUS_OK);
    struct trace *scaled = trace_scaled(log, &twice);
    while (trace_next(scaled, &session, &err) == TRACE_ITEM)
        ck_assert_uint_eq(session.measured_hits, 0);
    ck_assert_int_eq(trace_facts(scaled).measured, TRACE_UNMEASURED);
    trace_close(scaled);
    import.rate = 2.0; /* the same requests, closer together */
    ck_assert_uint_eq(read_log(path, &import).hits, 4);
    ck_assert_int_eq(read_log(path, &import).facts.measured, TRACE_MEASURED_BY_EVENTS);
}
END_TEST

/* ---- LMCache's look-ups ---- */

#define LOOKUP(more) "{\"timestamp\": 1.5, \"chunk_size\": 4, \"seq_len\": 9, " more "}\n"
#define HASHES "\"chunk_hashes\": [\"0xa\", \"0xb\"]"

START_TEST(a_look_up_tells_its_hits_where_they_were_added)
{
    struct trace_import import = default_import();
    struct log_read read =
        read_text(LOOKUP(HASHES) LOOKUP(HASHES ", \"model_name\": \"m\""), &import);
    ck_assert_str_eq(read.text, "0:0/3 0:0/3 ");
    ck_assert_int_eq(read.facts.measured, TRACE_UNMEASURED);
    read = read_text(LOOKUP(HASHES ", \"hit_tokens\": 0") LOOKUP(HASHES ", \"hit_tokens\": 8"),
                     &import);
    ck_assert_str_eq(read.text, "0:0/3 0:2/3 ");
    ck_assert_int_eq(read.facts.measured, TRACE_MEASURED_BY_LOOKUPS);
    ck_assert_uint_eq(
        read_text(LOOKUP(HASHES ", \"hit_tokens\": 0") LOOKUP(HASHES), &import).err.line, 2);
}
END_TEST

static uint64_t unbounded_hits(const char *text)
{
    struct trace_import import = default_import();
    char *path = test_temp_file(text);
    struct trace *trace;
    struct trace_session session;
    struct error err = { 0 };
    uint64_t seen[64], count = 0, hits = 0;
    ck_assert_int_eq(open_log(path, &import, &trace, &err), STATUS_OK);
    while (trace_next(trace, &session, &err) == TRACE_ITEM)
        for (uint32_t i = 0; i < session.block_count; i++) {
            for (uint64_t j = 0; j < count; j++)
                hits += seen[j] == session.block_keys[i];
            seen[count++] = session.block_keys[i];
        }
    trace_close(trace);
    unlink(path);
    free(path);
    return hits;
}

START_TEST(models_and_partial_chunks_share_nothing)
{
    ck_assert_uint_eq(unbounded_hits(LOOKUP(HASHES) LOOKUP(HASHES)), 2);
    ck_assert_uint_eq(unbounded_hits(LOOKUP(HASHES ", \"model_name\": \"m\"")
                                         LOOKUP(HASHES ", \"model_name\": \"n\"")),
                      0);
    /* A hash that is missing, as those of the last tokens, is no hit. */
    ck_assert_uint_eq(unbounded_hits(LOOKUP(HASHES) LOOKUP("\"chunk_hashes\": [\"0xa\"]")), 1);
}
END_TEST

/* What is left behind the last whole chunk has no hash in any log: each look-up's is none of the
 * many that are refused. */
START_TEST(whole_chunks_without_a_hash_are_bounded_and_no_others)
{
    struct trace_import import = default_import();
    char text[256];
    for (uint32_t more = 0; more < 2; more++) {
        snprintf(text, sizeof text,
                 "{\"timestamp\": 1, \"chunk_size\": 4, \"seq_len\": %u, \"chunk_hashes\": []}\n",
                 4 * ((1U << 24) + more) + 3);
        ck_assert_int_eq(read_text(text, &import).err.status, more == 0 ? STATUS_OK : STATUS_INPUT);
    }
}
END_TEST

/* A million tokens are more hashes than a format's first look at a file goes. */
START_TEST(a_look_up_of_a_long_context_may_come_first)
{
    enum { CHUNKS = 4000 };
    struct trace_import import = default_import();
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    fprintf(out, "{\"timestamp\": 1, \"chunk_size\": 256, \"seq_len\": %d, \"chunk_hashes\": [",
            CHUNKS * 256);
    for (int i = 0; i < CHUNKS; i++)
        fprintf(out, "%s\"0x%064x\"", i > 0 ? ", " : "", i);
    fprintf(out, "]}\n");
    fclose(out);
    ck_assert_str_eq(read_text(text, &import).text, "0:0/4000 ");
    free(text);
}
END_TEST

static const struct {
    const char *text, *key;
} wrong_lookups[] = {
    { "{\"timestamp\": 1.5, \"chunk_size\": 8, \"seq_len\": 9, " HASHES "}\n", "chunk_size" },
    { "{\"timestamp\": 1.5, \"chunk_size\": 4, \"seq_len\": 7, " HASHES "}\n", "chunk_hashes" },
    { "{\"timestamp\": 1.5, \"chunk_size\": 4, \"seq_len\": -1, " HASHES "}\n", "seq_len" },
    { "{\"timestamp\": 1.4, \"chunk_size\": 4, \"seq_len\": 9, " HASHES "}\n", "timestamp" },
    { LOOKUP("\"chunk_hashes\": [1, 2]"), "chunk_hashes" },
    { LOOKUP("\"chunk_hashes\": null"), "chunk_hashes" },
    /* 100 B that would take gigabytes */
    { "{\"timestamp\": 1.5, \"chunk_size\": 4, \"seq_len\": 1073741824, " HASHES "}\n",
      "chunk_hashes" },
};

START_TEST(a_wrong_look_up_is_refused_by_its_line_and_key)
{
    struct trace_import import = default_import();
    char text[512];
    snprintf(text, sizeof text, "%s%s", LOOKUP(HASHES), wrong_lookups[_i].text);
    struct log_read read = read_text(text, &import);
    ck_assert_int_eq(read.err.status, STATUS_INPUT);
    ck_assert_uint_eq(read.err.line, 2);
    ck_assert_str_eq(read.err.key, wrong_lookups[_i].key);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("kv_events");
    TCase *tcase = tcase_create("events");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_log_is_read_as_requests, 0, READINGS);
    tcase_add_test(tcase, copies_of_a_block_are_one_until_the_last_is_removed);
    tcase_add_test(tcase, one_group_of_layers_is_followed);
    tcase_add_test(tcase, what_is_stored_after_it_went_is_stored_again);
    tcase_add_test(tcase, sequence_numbers_tell_what_is_lost);
    tcase_add_test(tcase, one_server_of_several_can_be_read_alone);
    tcase_add_test(tcase, the_gap_is_the_imports);
    tcase_add_loop_test(tcase, a_wrong_line_is_refused_by_its_number_and_key, 0, REFUSALS);
    tcase_add_test(tcase, messages_may_have_their_length_or_their_frames_around_them);
    tcase_add_test(tcase, the_json_sample_has_the_same_keys);
    tcase_add_test(tcase, what_the_log_does_not_say_is_told);
    tcase_add_test(tcase, a_stream_that_is_cut_off_is_refused_by_its_record);
    tcase_add_test(tcase, a_wrong_length_before_a_record_is_refused);
    tcase_add_test(tcase, a_record_of_many_pieces_is_read);
    tcase_add_test(tcase, what_no_engine_was_asked_is_not_measured);
    tcase_add_test(tcase, a_look_up_tells_its_hits_where_they_were_added);
    tcase_add_test(tcase, models_and_partial_chunks_share_nothing);
    tcase_add_test(tcase, a_look_up_of_a_long_context_may_come_first);
    tcase_add_test(tcase, whole_chunks_without_a_hash_are_bounded_and_no_others);
    tcase_add_loop_test(tcase, a_wrong_look_up_is_refused_by_its_line_and_key, 0,
                        sizeof wrong_lookups / sizeof *wrong_lookups);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
