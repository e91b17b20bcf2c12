/* tests/sim/record/test_turn_file.c - rows of turns as files: what is in them, and when they are
 * there. */
#include "sim/record/story.h"
#include "sim/record/turn_file.h"
#include "tests/support.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

static void make_folder(void)
{
    strcpy(folder, "/tmp/reprise-turns-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    ck_assert_int_eq(rmdir(folder), 0); /* nothing is left in it */
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* A row in which each column has another value. */
static struct turn_row numbered(void)
{
    struct turn_row row;
    for (uint32_t i = 0; i < turn_column_count; i++)
        *(uint64_t *)(void *)((char *)&row + turn_columns[i].offset) = 1000 + i;
    row.measured = 1;
    row.lost_why = ABSENT_EVICTED;
    row.lost_tier = TIER_SSD;
    row.lost_for_turn = TURN_NOTHING;
    return row;
}

/* The file, which is removed. */
static char *written(const char *name, const char *policy, const struct turn_row *row)
{
    struct turn_file *file;
    struct error err = { 0 };
    static char text[8192];
    ck_assert_int_eq(turn_file_open(path_of(name), policy, &file, &err), STATUS_OK);
    ck_assert_int_ne(access(path_of(name), F_OK), 0); /* not before it is whole */
    turn_file_add(file, row);
    ck_assert_int_eq(turn_file_finish(file, &err), STATUS_OK);
    FILE *in = fopen(path_of(name), "r");
    ck_assert_ptr_nonnull(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    unlink(path_of(name));
    return text;
}

START_TEST(json_has_every_column_with_its_value)
{
    struct turn_row row = numbered();
    json_error_t failure;
    json_t *json = json_loads(written("t.jsonl", "a \"quoted\" one", &row), 0, &failure);
    ck_assert_msg(json != NULL, "%s", failure.text);
    ck_assert_str_eq(json_string_value(json_object_get(json, "policy")), "a \"quoted\" one");
    ck_assert_uint_eq(json_object_size(json), turn_column_count + 1);
    for (uint32_t i = 0; i < turn_column_count; i++) {
        const json_t *value = json_object_get(json, turn_columns[i].name);
        if (turn_columns[i].kind == TURN_COUNT &&
            strcmp(turn_columns[i].name, "lost_for_turn") != 0)
            ck_assert_int_eq(json_integer_value(value), 1000 + i);
    }
    ck_assert(json_is_true(json_object_get(json, "measured")));
    ck_assert(json_is_null(json_object_get(json, "lost_for_turn")));
    ck_assert_str_eq(json_string_value(json_object_get(json, "lost_why")), "evicted");
    ck_assert_str_eq(json_string_value(json_object_get(json, "lost_tier")), "SSD");
    json_decref(json);
}
END_TEST

static uint32_t commas(const char *line)
{
    uint32_t count = 0;
    for (; *line != '\0' && *line != '\n'; line++)
        count += *line == ',';
    return count;
}

START_TEST(csv_has_a_cell_for_each_heading)
{
    struct turn_row row = numbered();
    const char *text = written("t.csv", "lru", &row), *second = strchr(text, '\n') + 1;
    ck_assert_uint_eq(commas(text), turn_column_count);
    ck_assert_uint_eq(commas(second), turn_column_count);
    ck_assert_int_eq(strncmp(text, "policy,turn,session,", 20), 0);
    ck_assert_int_eq(strncmp(second, "lru,1000,1001,", 14), 0);
    ck_assert_ptr_nonnull(strstr(second, ",evicted,SSD,"));
}
END_TEST

START_TEST(a_policy_s_name_is_quoted_in_csv)
{
    struct turn_row row = numbered();
    const char *text = written("t.csv", "a,\"b", &row);
    ck_assert_ptr_nonnull(strstr(text, "\n\"a,\"\"b\",1000,"));
}
END_TEST

START_TEST(other_names_are_refused)
{
    const char *const names[] = { "t", "t.txt", "t.parquet", "t.zst", "csv" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct turn_file *file;
        struct error err = { 0 };
        ck_assert_int_eq(turn_file_open(path_of(names[i]), "lru", &file, &err), STATUS_INPUT);
        ck_assert_str_eq(err.key, "--turns");
    }
}
END_TEST

START_TEST(a_compressed_name_is_read_before_its_ending)
{
    const char *const names[] = { "t.csv.gz", "t.jsonl.zst" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct turn_row row = numbered();
        const char *text = written(names[i], "lru", &row);
        ck_assert(text[0] == '\x1f' || text[0] == '\x28'); /* gzip's and zstd's first byte */
    }
}
END_TEST

START_TEST(what_is_abandoned_leaves_nothing)
{
    struct turn_row row = numbered();
    struct turn_file *file;
    struct error err = { 0 };
    ck_assert_int_eq(turn_file_open(path_of("t.csv"), "lru", &file, &err), STATUS_OK);
    turn_file_add(file, &row);
    turn_file_abandon(file); /* the folder is empty at the end */
}
END_TEST

START_TEST(words_are_read_back)
{
    for (uint32_t i = 0; i < turn_column_count; i++) {
        const struct turn_column *column = &turn_columns[i];
        uint64_t value, count = column->kind == TURN_WHY ? ABSENT_COUNT : TIER_KINDS;
        for (uint64_t at = 0; column->kind >= TURN_WHY && at < count; at++) {
            ck_assert_ptr_nonnull(turn_word(column, at));
            ck_assert(turn_word_value(column, turn_word(column, at), &value));
            ck_assert_uint_eq(value, at);
        }
        if (column->kind >= TURN_WHY) {
            ck_assert(!turn_word_value(column, "no such word", &value));
            ck_assert_ptr_null(turn_word(column, TURN_NOTHING));
        }
    }
}
END_TEST

/* An evicted turn, as `reprise explain` tells it. */
START_TEST(the_story_says_who_evicted_it)
{
    struct turn_row row = { .turn = 9, .session = 3, .turn_of_session = 2, .measured = 1 };
    const struct turn_row cause = {
        .turn = 7, .session = 5, .turn_of_session = 1, .wanted_tokens = 100, .reply_tokens = 20
    };
    char *text;
    size_t length;
    row.asked_ns = 4950000000;
    row.queued_ns = row.prepared_ns = 5000000000;
    row.prefill_start_ns = 5500000000;
    row.waiting_hbm_ns = 500000000;
    row.first_token_ns = row.end_ns = 5600000000;
    row.ttft_ns = 658000000; /* 50 ms before the queue, 8 ms behind the prefill */
    row.wanted_tokens = row.computed_tokens = 64;
    row.evicted_tokens = 48;
    row.new_tokens = 16;
    row.lost_why = ABSENT_EVICTED;
    row.lost_tier = TIER_DRAM;
    row.lost_ns = 4000000000;
    row.lost_for_turn = 7;
    FILE *out = open_memstream(&text, &length);
    story_tell(out, &row, NULL, &cause);
    fclose(out);
    ck_assert_ptr_nonnull(strstr(text, "session 3's turn 2"));
    ck_assert_ptr_nonnull(
        strstr(text, "50.0 ms before the scheduler heard of it, and 8.00 ms from"));
    ck_assert_ptr_nonnull(strstr(text, "500 ms while HBM had no room"));
    ck_assert_ptr_nonnull(
        strstr(text, "48   75.0 %  computed: they had been stored, and were evicted"));
    ck_assert_ptr_nonnull(
        strstr(text, "evicted from DRAM at 4.000 s, 950 ms before this turn was asked"));
    ck_assert_ptr_nonnull(strstr(text, "room for turn 7 (session 5's turn 1, 120 tokens)"));
    ck_assert_ptr_nonnull(strstr(text, "Time to first token: 658 ms"));
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("turn file");
    TCase *tcase = tcase_create("turn file");
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_add_test(tcase, json_has_every_column_with_its_value);
    tcase_add_test(tcase, csv_has_a_cell_for_each_heading);
    tcase_add_test(tcase, a_policy_s_name_is_quoted_in_csv);
    tcase_add_test(tcase, other_names_are_refused);
    tcase_add_test(tcase, a_compressed_name_is_read_before_its_ending);
    tcase_add_test(tcase, what_is_abandoned_leaves_nothing);
    tcase_add_test(tcase, words_are_read_back);
    tcase_add_test(tcase, the_story_says_who_evicted_it);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
