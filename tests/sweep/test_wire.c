/* tests/sweep/test_wire.c - a result that travelled is the result that was sent. */
#include "sweep/wire.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

static struct outcome sent(void)
{
    struct outcome outcome = { .result = { .trace_hash = 77,
                                           .open_loop = true,
                                           .trace_format = "mooncake",
                                           .timing_source = "by hand",
                                           .kv_bytes_per_token = 12345,
                                           .series_count = 2 } };
    outcome.result.metrics.turns = 1.0 / 3.0;
    outcome.result.metrics.cost_usd_per_mtok = 0.1;
    for (uint32_t i = 0; i < 2; i++) {
        struct series *series = &outcome.result.series[i];
        *series =
            (struct series){ .x_unit = "ns", .y_unit = i == 0 ? "share" : "", .count = 5 * i };
        snprintf(series->name, sizeof series->name, "curve_%u", i);
        series->x = calloc(6, sizeof *series->x);
        series->y = calloc(6, sizeof *series->y);
        for (uint32_t p = 0; p < series->count; p++) {
            series->x[p] = p / 7.0;
            series->y[p] = -1.0 / (p + 1);
        }
    }
    return outcome;
}

START_TEST(everything_arrives)
{
    struct outcome before = sent(), after;
    struct wire_texts texts = { 0 };
    size_t bytes;
    void *message = wire_pack(9, &before, &bytes);
    struct message_head head;
    memcpy(&head, message, sizeof head);
    ck_assert_uint_eq(head.item, 9);
    ck_assert_uint_eq(head.kind, MESSAGE_RESULT);
    ck_assert_uint_eq(head.build, wire_build());
    ck_assert(wire_unpack(message, bytes, &texts, &after));
    free(message); /* nothing may point into it */
    ck_assert_mem_eq(&after.result.metrics, &before.result.metrics, sizeof after.result.metrics);
    ck_assert_str_eq(after.result.trace_format, "mooncake");
    ck_assert_str_eq(after.result.timing_source, "by hand");
    ck_assert_uint_eq(after.result.trace_hash, 77);
    ck_assert_str_eq(after.result.series[1].name, "curve_1");
    ck_assert_str_eq(after.result.series[0].y_unit, "share");
    ck_assert_mem_eq(after.result.series[1].x, before.result.series[1].x, 5 * sizeof(double));
    ck_assert_mem_eq(after.result.series[1].y, before.result.series[1].y, 5 * sizeof(double));
    sim_result_free(&before.result);
    sim_result_free(&after.result);
    wire_texts_free(&texts);
}
END_TEST

START_TEST(a_failure_arrives_with_its_words)
{
    struct outcome before = { 0 }, after;
    struct wire_texts texts = { 0 };
    size_t bytes;
    error_input(&before.err, "f.yaml", 3, "gpus", "at most 4", "8");
    void *message = wire_pack(1, &before, &bytes);
    ck_assert(wire_unpack(message, bytes, &texts, &after));
    ck_assert_int_eq(after.err.status, STATUS_INPUT);
    ck_assert_str_eq(after.err.expected, "at most 4");
    free(message);
    wire_texts_free(&texts);
}
END_TEST

START_TEST(a_message_cut_anywhere_is_refused)
{
    struct outcome before = sent(), after;
    struct wire_texts texts = { 0 };
    size_t bytes;
    char *message = wire_pack(1, &before, &bytes);
    for (size_t length = 0; length < bytes; length += length < bytes - 300 ? 97 : 1) {
        char *cut = malloc(length + 1); /* its own block: a sanitizer sees reads beyond it */
        memcpy(cut, message, length);
        ck_assert(!wire_unpack(cut, length, &texts, &after));
        free(cut);
    }
    free(message);
    sim_result_free(&before.result);
    wire_texts_free(&texts);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire");
    TCase *tcase = tcase_create("wire");
    tcase_add_test(tcase, everything_arrives);
    tcase_add_test(tcase, a_failure_arrives_with_its_words);
    tcase_add_test(tcase, a_message_cut_anywhere_is_refused);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
