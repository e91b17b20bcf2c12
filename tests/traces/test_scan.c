/* tests/traces/test_scan.c - the scan of regular lines (json_scan.h): what it takes is what jansson
 * and the readers of rows make of it, and what is not plain it leaves to them. */
#include "base/random.h"
#include "tests/support.h"
#include "tests/traces/both_readers.h"
#include "traces/json_record.h"
#include "traces/json_scan.h"
#include "traces/mooncake_row.h"
#include "traces/prefix_key.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- one line ---- */

enum { WHOLE, NUMBER, ID, IDS, TEXT, PASSED };

static const char *const names[][3] = { [WHOLE] = { "whole", "other_whole" },
                                        [NUMBER] = { "number" },
                                        [ID] = { "id" },
                                        [IDS] = { "ids" },
                                        [TEXT] = { "text" },
                                        [PASSED] = { "passed" } };

static struct scan_form test_form(void)
{
    static const enum scan_kind kinds[] = { SCAN_WHOLE, SCAN_NUMBER, SCAN_ID,
                                            SCAN_IDS,   SCAN_TEXT,   SCAN_PASSED };
    struct scan_form form = { 0 };
    for (uint32_t slot = 0; slot < sizeof kinds / sizeof *kinds; slot++)
        scan_form_add(&form, names[slot], kinds[slot], slot);
    return form;
}

static const json_t *value_of(const json_t *object, uint32_t slot)
{
    const json_t *value = json_object_get(object, names[slot][0]);
    return value != NULL || names[slot][1] == NULL ? value
                                                   : json_object_get(object, names[slot][1]);
}

static void check_ids(const struct scan *scan, const json_t *array)
{
    uint64_t id, before = 0;
    bool ascend = true;
    ck_assert_uint_eq(scan->id_count, json_array_size(array));
    for (uint32_t i = 0; i < scan->id_count; i++, before = id) {
        ck_assert(json_id(json_array_get(array, i), &id));
        ck_assert_uint_eq(scan->ids[i], id);
        ascend = ascend && (i == 0 || id > before);
    }
    ck_assert_int_eq(scan->ids_ascend, ascend);
}

static void check_value(const struct scan *scan, const json_t *value, uint32_t slot)
{
    const union scan_value *scanned = &scan->value[slot];
    uint64_t id;
    ck_assert_int_eq(scan_has(scan, slot), value != NULL);
    if (value == NULL || slot == PASSED)
        return;
    if (slot == WHOLE) {
        ck_assert(json_is_integer(value));
        ck_assert_int_eq(scanned->whole, json_integer_value(value));
    } else if (slot == NUMBER) {
        ck_assert(json_is_number(value));
        ck_assert(scanned->number == json_number_value(value));
    } else if (slot == ID) {
        ck_assert(json_id(value, &id));
        ck_assert_uint_eq(scanned->id, id);
    } else if (slot == IDS) {
        check_ids(scan, value);
    } else {
        ck_assert_uint_eq(scanned->text.length, json_string_length(value));
        ck_assert_mem_eq(scanned->text.bytes, json_string_value(value), scanned->text.length);
    }
}

/* Whether it is scanned; then jansson must say the same. The bytes end with their block, so that
 * sanitizers see one read behind them. */
static bool is_scanned(const struct scan_form *form, struct scan *scan, const char *line,
                       size_t length)
{
    json_error_t why;
    char *bytes = memcpy(malloc(length + 1), line, length);
    bytes = realloc(bytes, length > 0 ? length : 1);
    bool scanned = json_scan(form, bytes, length, scan);
    json_t *object = scanned ? json_text_parse(bytes, length, &why) : NULL;
    if (scanned) {
        ck_assert_msg(json_is_object(object), "%.*s", (int)length, line);
        size_t given = 0;
        for (uint32_t slot = 0; slot <= PASSED; slot++) {
            given += scan_has(scan, slot);
            check_value(scan, value_of(object, slot), slot);
        }
        ck_assert_uint_eq(given, json_object_size(object));
    }
    json_decref(object);
    free(bytes);
    return scanned;
}

/* + : it is scanned; - : it is left to the general reader. */
static const char *const lines[] = {
    "+{\"whole\": 0}",
    "+{\"whole\":-12,\"number\":0.5,\"ids\":[]}",
    "+  {  \"ids\"  :  [  1  ,  2  ]  ,  \"text\"  :  \"a b\"  }  ",
    "+{\"other_whole\": 999999999999999999, \"number\": 999999999999999}",
    "+{\"number\": 1234567.00000001, \"id\": 9223372036854775807}",
    "+{\"number\": 0.1, \"id\": 9223372036854775808}",
    "+{\"number\": 61.114, \"id\": 18446744073709551616, \"passed\": \"text\"}",
    "+{\"id\": \"007\", \"passed\": true, \"ids\": [\"a\", \"12\", 12345678, 123456789, 0]}",
    "+{\"id\": \"12345678901234567890\", \"passed\": -0.25}",
    "+{\"ids\": [0, 1, 12, 123, 1234, 12345, 123456, 1234567, 12345678, 12345678901]}",
    "+{\"ids\": [99999999, 100000000, 999999999999999999, 1000000000000000000]}",
    "+{\"ids\": [9999999999999999999, 10000000000000000000, 123456789012345678901234567890]}",
    "+{\"ids\":[1,2,3,3]}",
    "-{\"whole\": 1, \"whole\": 1}",
    "-{\"whole\": 1, \"other_whole\": 1}",
    "-{\"whole\": 01}",
    "-{\"whole\": 1000000000000000000}",
    "-{\"whole\": -9223372036854775808}",
    "-{\"whole\": 1.0}",
    "-{\"whole\": 1e2}",
    "-{\"whole\": null}",
    "-{\"whole\": +1}",
    "-{\"whole\": \"1\"}",
    "-{\"whole\": -}",
    "-{\"whole\": 1 2}",
    "-{\"number\": -1}",
    "-{\"number\": .5}",
    "-{\"number\": 5.}",
    "-{\"number\": 1234567890.123456}",
    "-{\"number\": 12345678901234567890123}",
    "-{\"number\": 1.5e3}",
    "-{\"number\": 00.5}",
    "-{\"number\": NaN}",
    "-{\"id\": \"\"}",
    "-{\"id\": -1}",
    "-{\"id\": 1.5}",
    "-{\"id\": \"\\u0041\"}",
    "-{\"id\": \"\xc3\xa9\"}",
    "-{\"id\": \"\x7f\"}",
    "-{\"id\": \"a\tb\"}",
    "-{\"id\": \"a}",
    "-{\"ids\": [1, 2}",
    "-{\"ids\": [1, 12345678",
    "-{\"ids\": [1, 12345678,",
    "-{\"ids\": [1, 2,]}",
    "-{\"ids\": [1, , 2]}",
    "-{\"ids\": [1, 02]}",
    "-{\"ids\": [1, -2]}",
    "-{\"ids\": [1, 2.0]}",
    "-{\"ids\": [1, [2]]}",
    "-{\"ids\": [1, null]}",
    "-{\"ids\": 1}",
    "-{\"ids\": [00, 1, 2, 3, 4, 5]}",
    "-{\"text\": \"a\\\"b\"}",
    "-{\"passed\": {}}",
    "-{\"passed\": truer}",
    "-{\"unknown\": 1}",
    "-{\"whol\": 1}",
    "-{\"wholes\": 1}",
    "-{\"whole\" 1}",
    "-{whole: 1}",
    "-{}",
    "-[1]",
    "-{\"whole\": 1,}",
    "-{\"whole\": 1}}",
    "-{\"whole\": 1} x",
    "-{\"whole\": 1}\t",
    "-\t{\"whole\": 1}",
    "-{\"whole\":\n1}",
    "-{\"whole\": 1",
    "-",
};

START_TEST(plain_lines_are_scanned_and_no_others)
{
    struct scan_form form = test_form();
    struct scan scan = { 0 };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(is_scanned(&form, &scan, lines[i] + 1, strlen(lines[i] + 1)) ==
                          (lines[i][0] == '+'),
                      "%s", lines[i]);
    ck_assert(!is_scanned(&form, &scan, "{\"text\": \"a\0b\"}", 15));
    free(scan.ids);
}
END_TEST

static void damage(struct random *random, char *line, size_t *length)
{
    static const char signs[] = "0123456789{}[]\",:. \\-+eE\t\n\xff";
    char *at = line + random_below(random, *length);
    char sign = signs[random_below(random, sizeof signs)];
    switch (random_below(random, 3)) {
    case 0:
        *at = sign;
        break;
    case 1:
        memmove(at, at + 1, (size_t)(line + *length - at) - 1);
        *length -= *length > 1;
        break;
    default:
        memmove(at + 1, at, (size_t)(line + *length - at));
        *at = sign;
        ++*length;
    }
}

/* The table's lines, damaged up to three times: what is still scanned means the same to jansson. */
START_TEST(what_is_scanned_of_damaged_lines_is_what_jansson_reads)
{
    struct scan_form form = test_form();
    struct scan scan = { 0 };
    struct random random = random_from(test_seed(), 1);
    uint32_t scanned = 0, tries = TRIES(60000);
    for (uint32_t i = 0; i < tries; i++) {
        char line[256];
        const char *from = lines[random_below(&random, sizeof lines / sizeof *lines - 1)] + 1;
        size_t length = strlen(from);
        memcpy(line, from, length);
        for (uint64_t times = 1 + random_below(&random, 3); times > 0 && length > 0; times--)
            damage(&random, line, &length);
        scanned += is_scanned(&form, &scan, line, length);
    }
    ck_assert_uint_gt(scanned, tries / 50);
    free(scan.ids);
}
END_TEST

/* Digits of any length, at any place of a word. */
START_TEST(numbers_are_what_strtod_makes_of_them)
{
    struct scan_form form = test_form();
    struct scan scan = { 0 };
    struct random random = random_from(test_seed(), 2);
    for (uint32_t i = 0; i < TRIES(30000); i++) {
        char line[256];
        uint64_t whole = random_below(&random, UINT64_MAX) >> random_below(&random, 64);
        uint64_t other = random_below(&random, UINT64_MAX) >> random_below(&random, 64);
        int places = 1 + (int)random_below(&random, 8);
        uint64_t bound = 1;
        for (int k = 0; k < places; k++)
            bound *= 10;
        int length = snprintf(line, sizeof line,
                              "%*s{\"ids\": [%" PRIu64 ", %" PRIu64 ",%" PRIu64
                              "], \"number\": %" PRIu64 ".%0*" PRIu64 "}",
                              (int)random_below(&random, 9), "", whole, other, whole % 100,
                              other % 10000000, places, whole % bound);
        ck_assert_msg(is_scanned(&form, &scan, line, (size_t)length), "%s", line);
    }
    free(scan.ids);
}
END_TEST

/* Of any width, parted in one way, now and then in another. */
static int list_of(struct random *random, char *text, size_t room, uint32_t ids)
{
    static const char *const partings[] = { ", ", ",", " ,  " };
    uint64_t usual = random_below(random, 2), width = random_below(random, 64);
    int length = snprintf(text, room, "[");
    for (uint32_t i = 0; i < ids; i++) {
        uint64_t id = random_u64(random) >> (width + random_below(random, 64 - width));
        const char *parting =
            partings[random_below(random, 30) > 0 ? usual : random_below(random, 3)];
        const char *more = id > 0 && random_below(random, 40) == 0 ? "12345" : "";
        length += snprintf(text + length, room - (size_t)length, "%s%" PRIu64 "%s",
                           i > 0 ? parting : "", id, more);
    }
    return length + snprintf(text + length, room - (size_t)length, "]");
}

START_TEST(long_lists_are_what_jansson_reads_and_their_prefixes_are_those_of_prefix_key)
{
    struct scan_form form = test_form(), prefixes = { 0 };
    struct scan scan = { 0 }, scan_prefixes = { 0 };
    struct random random = random_from(test_seed(), 4);
    scan_form_add(&prefixes, names[IDS], SCAN_PREFIXES, IDS);
    for (uint32_t i = 0; i < TRIES(3000); i++) {
        char list[4096], line[4200];
        list_of(&random, list, sizeof list, (uint32_t)random_below(&random, 100));
        int length = snprintf(line, sizeof line, "{\"ids\": %s}", list);
        ck_assert_msg(is_scanned(&form, &scan, line, (size_t)length), "%s", line);
        ck_assert(json_scan(&prefixes, line, (size_t)length, &scan_prefixes));
        ck_assert_uint_eq(scan_prefixes.id_count, scan.id_count);
        for (uint32_t k = 0, before = 0; k < scan.id_count; before = k++)
            ck_assert_uint_eq(scan_prefixes.ids[k],
                              prefix_key(k > 0 ? scan_prefixes.ids[before] : 0, scan.ids[k]));
    }
    free(scan.ids);
    free(scan_prefixes.ids);
}
END_TEST

/* Lines have their keys in one order, and then in another. */
START_TEST(keys_may_come_in_any_order)
{
    static const char *const parts[] = { "\"whole\": 1", "\"id\": 2", "\"ids\": [3, 4]",
                                         "\"number\": 5.5", "\"text\": \"six\"" };
    enum { PARTS = sizeof parts / sizeof *parts };
    struct scan_form form = test_form();
    struct scan scan = { 0 };
    struct random random = random_from(test_seed(), 5);
    for (uint32_t i = 0; i < TRIES(2000); i++) {
        char line[256] = "";
        uint64_t first = random_below(&random, PARTS), step = 1 + random_below(&random, PARTS - 1);
        for (uint64_t k = 0; k < PARTS; k++)
            snprintf(line + strlen(line), sizeof line - strlen(line), "%s%s", k > 0 ? ", " : "{",
                     parts[(first + k * step) % PARTS]);
        snprintf(line + strlen(line), sizeof line - strlen(line), "}");
        ck_assert_msg(is_scanned(&form, &scan, line, strlen(line)), "%s", line);
    }
    free(scan.ids);
}
END_TEST

/* ---- rows of Mooncake's family ---- */

#define FIRST                                                                                      \
    "{\"timestamp\": 0, \"input_length\": 1000, \"output_length\": 5, \"hash_ids\": [1, 2]}\n"

/* + : read by the scan; - : by the general reader. Behind FIRST, or behind what stands first in the
 * row. */
static const char *const rows_of_ids[] = {
    "+{\"timestamp\": 1, \"input_length\": 1000, \"output_length\": 5, \"hash_ids\": [1, 2]}",
    "+{\"created_time\": 1.5, \"input_tokens\": 1024, \"osl\": 5, \"hash_ids\": [2, 1]}",
    "+{\"input_length\": 512, \"output_tokens\": 1, \"hash_ids\": [\"a\"], \"session_id\": \"s\"}",
    "+{\"delay\": 0.25, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [7], "
    "\"session_id\": 7}",
    "+{\"timestamp\": 1, \"input_length\": 1, \"output_length\": 1, \"block_size\": 512, "
    "\"hash_ids\": [7]}",
    "-{\"timestamp\": 1, \"input_length\": 1, \"output_length\": 1, \"block_size\": 511, "
    "\"hash_ids\": [7]}",
    "-{\"timestamp\": 1, \"input_length\": 1, \"output_length\": 1, \"tenant\": \"a\", "
    "\"hash_ids\": [7]}",
    "-{\"timestamp\": 1, \"input_length\": 1000, \"output_length\": 5, \"hash_ids\": [1, 1]}",
    "-{\"timestamp\": 1, \"input_length\": 1500, \"output_length\": 5, \"hash_ids\": [2, 1, 2]}",
    "-{\"timestamp\": 1, \"input_length\": 1000, \"output_length\": 0, \"hash_ids\": [1, 2]}",
    "-{\"timestamp\": 1, \"input_length\": 0, \"output_length\": 1, \"hash_ids\": []}",
    "-{\"timestamp\": 1, \"input_length\": 1000, \"output_length\": 5, \"hash_ids\": [1]}",
    "-{\"timestamp\": 1, \"input_length\": 1000, \"output_length\": 5, \"hash_ids\": [1, 2, 3]}",
    "-{\"timestamp\": 1, \"input_length\": 1000, \"output_length\": 5}",
    "-{\"timestamp\": 1, \"output_length\": 5, \"hash_ids\": [1, 2]}",
    "-{\"timestamp\": 1, \"input_length\": 1000, \"hash_ids\": [1, 2]}",
    "-{\"timestamp\": 9000000000001, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1]}",
    "-{\"timestamp\": 1, \"input_length\": 1073741825, \"output_length\": 1, \"hash_ids\": [1]}",
    "-{\"timestamp\": 1, \"input_length\": 1, \"output_length\": 1073741825, \"hash_ids\": [1]}",
    "-{\"timestamp\": 1, \"input_length\": 1, \"output_length\": -1, \"hash_ids\": [1]}",
    "-{\"timestamp\": 1, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [1], \"model\": "
    "\"m\"}",
};

static enum status first_row(struct mooncake_rows *rows, struct lines *lines,
                             struct trace_skips *skips, struct error *err)
{
    const struct format_settings settings = { .skips = skips };
    const char *line;
    size_t length;
    json_t *object;
    struct mooncake_row row;
    if (mooncake_rows_open(rows, lines, &settings, err) != STATUS_OK ||
        lines_view(lines, &line, &length, err) != LINES_LINE)
        return STATUS_INPUT;
    ck_assert(!mooncake_row_scan(rows, line, length, &row)); /* the first is the general reader's */
    ck_assert_int_eq(json_record_parse(lines, line, length, &object, err), STATUS_OK);
    enum status status =
        mooncake_row_read(rows, (struct json_record){ lines, 1, object }, &row, err);
    json_decref(object);
    return status;
}

static void check_same_row(const struct mooncake_row *a, const struct mooncake_row *b)
{
    ck_assert_int_eq(a->is_request, b->is_request);
    ck_assert_int_eq(a->has_time, b->has_time);
    ck_assert_int_eq(a->has_delay, b->has_delay);
    ck_assert_int_eq(a->has_session, b->has_session);
    ck_assert_int_eq(a->has_ids, b->has_ids);
    ck_assert_int_eq(a->failed, b->failed);
    ck_assert_int_eq(a->is_whole, b->is_whole);
    ck_assert_uint_eq(a->time_ns, b->time_ns);
    ck_assert_uint_eq(a->delay_ns, b->delay_ns);
    ck_assert_uint_eq(a->session, b->session);
    ck_assert_uint_eq(a->tenant, b->tenant);
    ck_assert_uint_eq(a->turn.prompt_tokens, b->turn.prompt_tokens);
    ck_assert_uint_eq(a->turn.reply_tokens, b->turn.reply_tokens);
    ck_assert_uint_eq(a->block_count, b->block_count);
    for (uint32_t i = 0; i < a->block_count; i++)
        ck_assert_uint_eq(a->keys[i], b->keys[i]);
}

/* Whether the second row is scanned; then the general reader's must be the same. */
static bool row_is_scanned(const char *first, const char *second)
{
    char text[1024];
    snprintf(text, sizeof text, "%s%s\n", first, second);
    char *path = test_temp_file(text);
    struct mooncake_rows rows = { 0 };
    struct mooncake_row scanned, read;
    struct trace_skips skips = { 0 };
    struct lines *file;
    struct error err = { 0 };
    const char *line;
    size_t length;
    json_t *object;
    ck_assert_int_eq(lines_open(path, &file, &err), STATUS_OK);
    ck_assert_int_eq(first_row(&rows, file, &skips, &err), STATUS_OK);
    ck_assert_int_eq(lines_view(file, &line, &length, &err), LINES_LINE);
    /* What a scan before left behind must not be read. */
    const char *regular = rows_of_ids[0] + 1;
    mooncake_row_scan(&rows, regular, strlen(regular), &scanned);
    bool is_scanned = mooncake_row_scan(&rows, line, length, &scanned);
    if (is_scanned) {
        ck_assert_int_eq(json_record_parse(file, line, length, &object, &err), STATUS_OK);
        struct json_record record = { file, lines_number(file), object };
        ck_assert_int_eq(mooncake_row_read(&rows, record, &read, &err), STATUS_OK);
        check_same_row(&scanned, &read);
        json_decref(object);
    }
    mooncake_rows_free(&rows);
    lines_close(file);
    unlink(path);
    free(path);
    return is_scanned;
}

START_TEST(regular_rows_are_scanned_and_are_what_the_general_reader_reads)
{
    for (size_t i = 0; i < sizeof rows_of_ids / sizeof *rows_of_ids; i++)
        ck_assert_msg(row_is_scanned(FIRST, rows_of_ids[i] + 1) == (rows_of_ids[i][0] == '+'), "%s",
                      rows_of_ids[i]);
}
END_TEST

START_TEST(rows_without_ids_and_of_tenants_are_scanned_where_the_file_has_them_so)
{
    static const char lengths[] = "{\"timestamp\": 1, \"input_length\": 5, \"output_length\": 5}";
    static const char named[] = "{\"timestamp\": 1, \"input_length\": 5, \"output_length\": 5, "
                                "\"tenant\": \"a\", \"hash_ids\": [1]}\n";
    static const char other[] = "{\"timestamp\": 1, \"input_length\": 5, \"output_length\": 5, "
                                "\"tenant\": \"ab\", \"hash_ids\": [1]}";
    static const char text[] =
        "{\"timestamp\": 1, \"text_input\": \"abc\", \"output_length\": 5}\n";
    char line[256];
    snprintf(line, sizeof line, "%s\n", lengths);
    ck_assert(row_is_scanned(line, lengths));
    ck_assert(!row_is_scanned(FIRST, lengths));
    ck_assert(!row_is_scanned(line, "{\"input_length\": 1073741825, \"output_length\": 1}"));
    ck_assert(row_is_scanned(line, rows_of_ids[0] + 1));
    ck_assert(row_is_scanned(named, named));
    ck_assert(!row_is_scanned(named, other));
    ck_assert(!row_is_scanned(named, rows_of_ids[0] + 1));
    ck_assert(!row_is_scanned(text, lengths));
}
END_TEST

/* ---- whole files ---- */

static const char bailian[] =
    "{\"chat_id\": 1, \"parent_chat_id\": -1, \"timestamp\": 0.5, \"input_length\": 40, "
    "\"output_length\": 7, \"type\": \"text\", \"turn\": 1, \"hash_ids\": [4, 5, 6]}\n"
    "{\"chat_id\": 2, \"parent_chat_id\": 1, \"timestamp\": 61.114, \"input_length\": 52, "
    "\"output_length\": 7, \"type\": \"text\", \"turn\": 2, \"hash_ids\": [4, 5, 7]}\n"
    "{\"chat_id\": 3, \"parent_chat_id\": -1, \"timestamp\": 61.2, \"input_length\": 0, "
    "\"output_length\": 7, \"type\": \"text\", \"turn\": 1, \"hash_ids\": []}\n"
    "{\"chat_id\": 4, \"parent_chat_id\": 2, \"timestamp\": 70.25, \"input_length\": 16, "
    "\"output_length\": 1, \"type\": \"file\", \"turn\": 3, \"hash_ids\": [9]}\n";
static const char mooncake[] = FIRST
    "{\"timestamp\": 1, \"input_length\": 1000, \"output_length\": 5, \"hash_ids\": [3, 2]}\n"
    "{\"timestamp\": 1.5, \"input_length\": 9, \"output_length\": 0, \"hash_ids\": [1]}\n"
    "{\"timestamp\": 2000, \"input_length\": 513, \"output_length\": 5, \"hash_ids\": [\"a\", 2]}\n"
    "{\"timestamp\": 2000, \"input_length\": 5, \"output_length\": 5, \"hash_ids\": [17]}\n";
static const char delta[] =
    "{\"session_id\": \"a\", \"timestamp\": 5, \"input_length\": 600, \"output_length\": 5}\n"
    "{\"session_id\": 7, \"timestamp\": 5, \"input_length\": 6, \"output_length\": 5}\n"
    "{\"session_id\": \"a\", \"delay\": 7.5, \"input_length\": 6, \"output_length\": 5}\n"
    "{\"session_id\": 7, \"timestamp\": 9, \"input_length\": 60, \"output_length\": 5}\n";

static const struct {
    const char *format, *text;
} files[] = { { "mooncake", mooncake },
              { "mooncake-delta", delta },
              { "mooncake-delta", mooncake },
              { "bailian", bailian },
              { "bailian-sessions", bailian } };

static struct reading read_text(const char *path, const char *format, const char *text,
                                size_t length)
{
    struct reading reading = { 0 };
    struct trace *trace;
    unlink(path); /* to truncate one that was written would wait for the disk */
    FILE *file = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(text, 1, length, file), length);
    fclose(file);
    if (open_trace(path, format, &trace, &reading.err) == STATUS_OK)
        reading = read_to_the_end(trace);
    return reading;
}

static void check_alike(const char *path, const char *format, const char *text, size_t length)
{
    size_t tabbed_length;
    char *tabbed = with_tabs(text, length, &tabbed_length);
    struct reading scanned = read_text(path, format, text, length);
    struct reading read = read_text(path, format, tabbed, tabbed_length);
    ck_assert_msg(read_alike(&scanned, &read), "%s: %s: %s, %s\n%.*s", format, scanned.err.key,
                  scanned.err.found, read.err.found, (int)length, text);
    free(tabbed);
}

/* Behind a line that has all. */
#define BAILIAN_ROW(chat, parent, input, output, ids)                                              \
    "{\"chat_id\": " #chat ", \"parent_chat_id\": " #parent                                        \
    ", \"timestamp\": 71, \"input_length\": " #input ", \"output_length\": " #output               \
    ", \"hash_ids\": " ids "}\n"
static const char *const odd_rows[] = {
    BAILIAN_ROW(-1, -1, 16, 1, "[1]"),
    BAILIAN_ROW(1, -2, 16, 1, "[1]"),
    BAILIAN_ROW(1, 1, -1, 1, "[]"),
    BAILIAN_ROW(1, 1, 16, -1, "[1]"),
    BAILIAN_ROW(1, 1, 16, 1073741825, "[1]"),
    BAILIAN_ROW(1, 1, 1073741825, 1, "[1]"),
    BAILIAN_ROW(1, 1, 40, 1, "[1]"),
    BAILIAN_ROW(1, 1, 40, 1, "[1, 2]"),
    BAILIAN_ROW(1, 1, 40, 1, "[1, 2, 3, 4]"),
    BAILIAN_ROW(1, 1, 40, 1, "[1, 1]"),
    BAILIAN_ROW(1, 1, 0, 1, "[]"),
    "{\"parent_chat_id\": 1, \"timestamp\": 71, \"input_length\": 16, \"output_length\": 1, "
    "\"hash_ids\": [1]}\n",
    "{\"chat_id\": 7, \"parent_chat_id\": 1, \"timestamp\": 9000000001, \"input_length\": 16, "
    "\"output_length\": 1, \"hash_ids\": [1]}\n",
    "{\"chat_id\": 7, \"parent_chat_id\": 1, \"timestamp\": 71, \"input_length\": 16, "
    "\"output_length\": 1}\n",
};

START_TEST(odd_rows_of_bailian_are_read_alike)
{
    char *path = test_temp_file("");
    for (size_t i = 0; i < sizeof odd_rows / sizeof *odd_rows; i++) {
        char text[1024];
        size_t length = (size_t)snprintf(text, sizeof text, "%s%s", bailian, odd_rows[i]);
        check_alike(path, "bailian", text, length);
        check_alike(path, "bailian-sessions", text, length);
    }
    unlink(path);
    free(path);
}
END_TEST

/* Ids that come so late that the file is known to have none. */
START_TEST(ids_in_a_file_without_them_are_refused_alike)
{
    enum { LINE_BYTES = 64, TIMES = 4000 };
    static const char lengths[] = "{\"timestamp\": 1, \"input_length\": 5, \"output_length\": 5}\n";
    char *text = calloc(TIMES + 4, LINE_BYTES), *path = test_temp_file("");
    size_t used = 0;
    for (int i = 0; i < TIMES; i++)
        used += (size_t)snprintf(text + used, LINE_BYTES, "%s", lengths);
    used += (size_t)snprintf(text + used, 2 * LINE_BYTES, "%s\n", rows_of_ids[0] + 1);
    check_alike(path, "mooncake", text, used);
    unlink(path);
    free(path);
    free(text);
}
END_TEST

START_TEST(files_as_they_are_and_damaged_are_read_alike)
{
    struct random random = random_from(test_seed(), 3);
    char *path = test_temp_file("");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        check_alike(path, files[i].format, files[i].text, strlen(files[i].text));
        for (uint32_t round = 0; round < TRIES(400); round++) {
            char text[2048];
            size_t length = strlen(files[i].text);
            memcpy(text, files[i].text, length);
            for (uint64_t times = 1 + random_below(&random, 3); times > 0; times--)
                damage(&random, text, &length);
            check_alike(path, files[i].format, text, length);
        }
    }
    unlink(path);
    free(path);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("scan");
    TCase *tcase = tcase_create("lines");
    tcase_add_test(tcase, plain_lines_are_scanned_and_no_others);
    tcase_add_test(tcase, what_is_scanned_of_damaged_lines_is_what_jansson_reads);
    tcase_add_test(tcase, numbers_are_what_strtod_makes_of_them);
    tcase_add_test(tcase,
                   long_lists_are_what_jansson_reads_and_their_prefixes_are_those_of_prefix_key);
    tcase_add_test(tcase, keys_may_come_in_any_order);
    tcase_add_test(tcase, regular_rows_are_scanned_and_are_what_the_general_reader_reads);
    tcase_add_test(tcase, rows_without_ids_and_of_tenants_are_scanned_where_the_file_has_them_so);
    tcase_add_test(tcase, odd_rows_of_bailian_are_read_alike);
    tcase_add_test(tcase, ids_in_a_file_without_them_are_refused_alike);
    tcase_add_test(tcase, files_as_they_are_and_damaged_are_read_alike);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
