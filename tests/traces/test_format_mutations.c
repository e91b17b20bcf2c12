/* tests/traces/test_format_mutations.c - files that are damaged at random: each format reads what
 * is still a trace, and refuses the rest with a message that names the line; it never crashes (the
 * sanitized build sees more than a crash) and gives no session that breaks the contract. */
#include "base/random.h"
#include "tests/traces/samples.h"

enum { ROUNDS = TRIES(150), TEXT_BYTES = 512 };

struct bytes {
    char *text;
    size_t length, room;
};

static size_t place(struct random *random, size_t length)
{
    return length > 0 ? random_below(random, length) : 0;
}

static void remove_bytes(struct bytes *bytes, size_t at, size_t count)
{
    if (count > bytes->length - at)
        count = bytes->length - at;
    memmove(bytes->text + at, bytes->text + at + count, bytes->length - at - count);
    bytes->length -= count;
}

static void insert_bytes(struct bytes *bytes, size_t at, const char *from, size_t count)
{
    if (count > bytes->room - bytes->length)
        return;
    memmove(bytes->text + at + count, bytes->text + at, bytes->length - at);
    memcpy(bytes->text + at, from, count);
    bytes->length += count;
}

/* What breaks parsers: signs of the formats themselves, numbers at the edges, bytes of no text. */
static void insert_nasty(struct bytes *bytes, struct random *random)
{
    static const char *const nasty[] = {
        "\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\n",
        "\\",
        ":",
        "-1",
        "0",
        "1e999",
        "18446744073709551616",
        "\"session_id\": 1,",
        "\"delay\": 2.5,",
        "\"block_size\": 16,",
        "9223372036854775807",
        "1073741825",
        "0.0000000001",
        "null",
        "\xff\xfe",
        "\xc3",
        "\r\n",
        "true",
        "\"\"",
        "[[[[[[[[",
        "4294967296",
        "NaN",
        "1970-01-01 00:00:00",
        "\\u0000",
        " ",
    };
    const char *chosen = nasty[random_below(random, sizeof nasty / sizeof *nasty)];
    insert_bytes(bytes, place(random, bytes->length), chosen, strlen(chosen));
}

static void copy_line(struct bytes *bytes, struct random *random)
{
    char line[4096];
    size_t from = place(random, bytes->length);
    while (from > 0 && bytes->text[from - 1] != '\n')
        from--;
    size_t length = 0;
    while (from + length < bytes->length && length < sizeof line &&
           bytes->text[from + length] != '\n')
        length++;
    if (from + length < bytes->length && length < sizeof line)
        length++;
    memcpy(line, bytes->text + from, length);
    size_t to = place(random, bytes->length);
    while (to > 0 && bytes->text[to - 1] != '\n')
        to--;
    insert_bytes(bytes, to, line, length);
}

static void mutate(struct bytes *bytes, struct random *random)
{
    size_t at = place(random, bytes->length);
    switch (random_below(random, 6)) {
    case 0:
        if (bytes->length > 0)
            bytes->text[at] = (char)random_below(random, 256);
        break;
    case 1:
        remove_bytes(bytes, at, 1 + random_below(random, 20));
        break;
    case 2:
        bytes->length = at; /* cut off */
        break;
    case 3:
        copy_line(bytes, random);
        break;
    default:
        insert_nasty(bytes, random);
    }
}

static void write_bytes(const char *path, const struct bytes *bytes)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes->text, 1, bytes->length, file), bytes->length);
    ck_assert_int_eq(fclose(file), 0);
}

/* The format that the undamaged sample is of: a damaged heading is then refused by it. */
static const char *format_of(const char *name)
{
    char path[512];
    struct trace *trace;
    struct error err = { 0 };
    snprintf(path, sizeof path, "%s/%s", TRACE_SAMPLES, name);
    ck_assert_int_eq(open_trace(path, NULL, &trace, &err), STATUS_OK);
    const char *format = trace_facts(trace).format;
    trace_close(trace);
    return format;
}

static void read_damaged(const char *path, const char *format, const char *sample, uint64_t seed,
                         uint32_t round)
{
    char text[TEXT_BYTES];
    struct trace_facts facts;
    struct error err = { 0 };
    enum status status = read_sessions(path, format, text, sizeof text, &facts, &err);
    if (status == STATUS_OK)
        return;
    ck_assert_msg(status == STATUS_INPUT, "%s, seed %" PRIu64 ", round %u", sample, seed, round);
    ck_assert_msg(err.line > 0 || strcmp(err.found, "an empty file") == 0,
                  "%s, seed %" PRIu64 ", round %u: no line: %s", sample, seed, round, err.expected);
    ck_assert_str_eq(err.file, path);
}

START_TEST(a_damaged_file_is_read_or_refused_by_its_line)
{
    const uint64_t seed = test_seed();
    const char *sample = sample_names[_i], *format = format_of(sample);
    struct random random = random_from(seed, (uint64_t)_i);
    size_t length;
    char *whole = sample_bytes(sample, &length), *path = test_temp_file("");
    size_t used = length < 4000 ? length : 4000;
    struct bytes bytes = { malloc(used * 4), used, used * 4 };
    for (uint32_t round = 0; round < ROUNDS; round++) {
        memcpy(bytes.text, whole, used);
        bytes.length = used;
        for (uint64_t times = 1 + random_below(&random, 4); times > 0; times--)
            mutate(&bytes, &random);
        write_bytes(path, &bytes);
        read_damaged(path, NULL, sample, seed, round);
        read_damaged(path, format, sample, seed, round);
        read_damaged(path, "bailian-sessions", sample, seed, round);
        read_damaged(path, "mooncake-delta", sample, seed, round);
    }
    unlink(path);
    free(path), free(whole), free(bytes.text);
}
END_TEST

START_TEST(every_format_reads_or_refuses_every_sample)
{
    static const char *const formats[] = { "mooncake",
                                           "mooncake-delta",
                                           "bailian",
                                           "bailian-sessions",
                                           "azure",
                                           "burstgpt",
                                           "session-csv",
                                           "agentic",
                                           "sharegpt",
                                           "openai",
                                           "vidur",
                                           "llmservingsim",
                                           "llmservingsim-sessions",
                                           "weka",
                                           "weka-sessions",
                                           "wildchat",
                                           "copilot",
                                           "bench",
                                           "aiperf",
                                           "kv-events",
                                           "lmcache" };
    char path[512], text[TEXT_BYTES];
    snprintf(path, sizeof path, "%s/%s", TRACE_SAMPLES, sample_names[_i]);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct trace_facts facts;
        struct error err = { 0 };
        enum status status = read_sessions(path, formats[i], text, sizeof text, &facts, &err);
        ck_assert(status == STATUS_OK || (status == STATUS_INPUT && err.line > 0));
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("format_mutations");
    TCase *tcase = tcase_create("damaged");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_damaged_file_is_read_or_refused_by_its_line, 0, SAMPLES);
    tcase_add_loop_test(tcase, every_format_reads_or_refuses_every_sample, 0, SAMPLES);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
