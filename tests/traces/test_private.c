/* tests/traces/test_private.c - nothing of a file that people wrote comes into a message: a word is
 * put in the place of every value, every key and every field of the samples, also without the
 * quotes that would hold it, and the file is cut within it; whatever a format makes of that, no
 * error says the word. The whole program is looked at by tests/cli/test_private.sh. */
#include "tests/traces/samples.h"

#include <ctype.h>

/* Short enough that a name or a field of usual length could be taken for it. */
#define WORD "Zqx9secret"

static const char *const plants[] = {
    "\"" WORD "\"",                  /* a value of another type, or another value */
    "\"" WORD,                       /* whose quote is not closed */
    WORD,                            /* that no quote holds */
    WORD "," WORD " two," WORD,      /* more fields, names of columns */
    "\"a\": \"" WORD "\": " WORD,    /* a key where a value ought to be */
    "\"\\u12" WORD "\\q " WORD "\"", /* escapes that are none */
};
enum { PLANTS = sizeof plants / sizeof *plants, USED_BYTES = 3000, EVERY = TRIES(4) < 4 ? 5 : 1 };

static void check_untold(const struct error *err, const char *sample, const char *format,
                         const char *plant, size_t at)
{
    const char *const texts[] = { err->key, err->expected, err->found };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(strstr(texts[i], WORD) == NULL, "%s as %s, \"%s\" at byte %zu: %s", sample,
                      format != NULL ? format : "what it is", plant, at, texts[i]);
}

static void read_planted(const char *path, const char *format, const char *sample,
                         const char *plant, size_t at)
{
    char text[256];
    struct trace_facts facts;
    struct error err = { 0 };
    read_sessions(path, format, text, sizeof text, &facts, &err);
    check_untold(&err, sample, format, plant, at);
}

static bool parts(char byte)
{
    return strchr(",:{}[]\n\t ", byte) != NULL;
}

/* The value, key or field that begins at `at`: up to what parts it from the next. */
static size_t item_length(const char *text, size_t at, size_t length)
{
    size_t end = at + 1;
    if (text[at] == '"') {
        while (end < length && text[end] != '"')
            end += text[end] == '\\' ? 2 : 1;
        return (end < length ? end + 1 : length) - at;
    }
    while (end < length && !parts(text[end]))
        end++;
    return end - at;
}

static void write_planted(const char *path, const char *text, size_t at, const char *plant,
                          size_t rest, size_t length)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fwrite(text, 1, at, file);
    fputs(plant, file);
    if (rest < length)
        fwrite(text + rest, 1, length - rest, file);
    ck_assert_int_eq(fclose(file), 0);
}

/* As what it is, and as some other format each time: over a sample they all come round. */
static void read_as_some(const char *path, const char *sample, const char *plant, size_t at)
{
    static const char *const formats[] = {
        "openai",      "sharegpt",       "wildchat",      "mooncake",        "azure",
        "burstgpt",    "vidur",          "weka",          "copilot",         "bench",
        "session-csv", "agentic",        "aiperf",        "kv-events",       "lmcache",
        "bailian",     "mooncake-delta", "llmservingsim", "bailian-sessions"
    };
    static size_t turn;
    read_planted(path, NULL, sample, plant, at);
    read_planted(path, formats[turn++ % (sizeof formats / sizeof *formats)], sample, plant, at);
}

START_TEST(no_error_says_what_stands_in_the_file)
{
    const char *sample = sample_names[_i];
    char *path = test_temp_file("");
    size_t length, items = 0;
    char *text = sample_bytes(sample, &length);
    length = length < USED_BYTES ? length : USED_BYTES;
    for (size_t at = 0, end; at < length; at = end) {
        end = at + 1;
        if (parts(text[at]))
            continue;
        end = at + item_length(text, at, length);
        const char *plant = plants[items++ % PLANTS];
        if (items % EVERY != 0)
            continue;
        write_planted(path, text, at, plant, end, length);
        read_as_some(path, sample, plant, at);
        write_planted(path, text, at, plant, length, length); /* cut off behind the word */
        read_as_some(path, sample, plant, at);
    }
    ck_assert_uint_ge(items, 10);
    unlink(path);
    free(path), free(text);
}
END_TEST

/* The word as the whole file, and as its first line. */
START_TEST(no_file_is_named_by_what_stands_in_it)
{
    static const char *const files[] = {
        "%s",
        "%s\n",
        "%s,%s\n%s,%s\n",
        "{\"%s\": 1}\n",
        "{\"%s\n",
        "[{\"%s\": [{\"%s\": 1}]}]\n",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"it says \"%s\": \"%s\" there\"}]}\n",
        "{\"conversations\": [{\"from\": \"%s\", \"value\": \"%s\"}]}\n",
        "user: %s, and then\tassistant: %s\n",
    };
    char content[512];
    snprintf(content, sizeof content, files[_i], WORD, WORD, WORD, WORD);
    char *path = test_temp_file(content);
    for (int i = 0; i < 19; i++)
        read_as_some(path, files[_i], content, 0);
    unlink(path);
    free(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("private");
    TCase *tcase = tcase_create("private");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, no_error_says_what_stands_in_the_file, 0, SAMPLES);
    tcase_add_loop_test(tcase, no_file_is_named_by_what_stands_in_it, 0, 9);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
