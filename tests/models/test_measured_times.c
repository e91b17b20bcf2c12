/* tests/models/test_measured_times.c - measured times as a timing source: points come back as they
 * are, between them lies the bilinear surface, and only the model they are of takes them. */
#include "tests/models/cases.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* case_model()'s shape; layer = 1000 + 10 new + 2 new cached: bilinear, so exact everywhere. */
static const char points[] = "# made up\n"
                             "shape,2,8,4,2,2,16,32\n"
                             "prefill,1,0,1010,500\n"
                             "prefill,1,100,1210,500\n"
                             "prefill,50,0,1500,990\n"
                             "prefill,50,100,11500,990\n"
                             "decode,1,1000,2\n"
                             "decode,4,4000,8\n";

static char *times_path, *server_path;

static void write_files(const char *times)
{
    char line[512];
    times_path = test_temp_file(times);
    snprintf(line, sizeof line, "timing.measured: %s", strrchr(times_path, '/') + 1); /* beside */
    server_path = case_server_file(line);
}

static void remove_files(void)
{
    unlink(times_path);
    unlink(server_path);
    free(times_path);
    free(server_path);
}

static struct timing timing_of(const struct model *model)
{
    struct hardware server;
    struct error err = { 0 };
    enum status status = hardware_load(server_path, &server, &err);
    ck_assert_msg(status == STATUS_OK, "%s: %s, %s", err.file, err.expected, err.found);
    return timing_new(model, &server, 1);
}

START_TEST(a_measured_point_comes_back_and_between_points_lies_the_surface)
{
    struct model model = case_model();
    write_files(points);
    struct timing timing = timing_of(&model);
    ck_assert_str_eq(timing.source, "measured (calibration)");
    ck_assert_uint_eq(timing_prefill(&timing, 50, 100).layer_ns, 11500);
    ck_assert_uint_eq(timing_prefill(&timing, 1, 0).overhead_ns, 500);
    for (uint64_t new_tokens = 1; new_tokens <= 120; new_tokens += 7)
        for (uint64_t cached = 0; cached <= 300; cached += 30) {
            uint64_t layer_ns = timing_prefill(&timing, new_tokens, cached).layer_ns;
            ck_assert_uint_eq(layer_ns, 1000 + 10 * new_tokens + 2 * new_tokens * cached);
        }
    ck_assert_double_eq_tol(timing_decode(&timing, 2, 0, 0).base_ns, 2000, 1e-9);
    ck_assert_double_eq_tol(timing_decode(&timing, 3, 0, 0).per_token_ns, 6, 1e-9);
    /* Beyond the last batch: its line goes on, what a token of context takes stays. */
    ck_assert_double_eq_tol(timing_decode(&timing, 10, 0, 0).base_ns, 10000, 1e-9);
    ck_assert_double_eq_tol(timing_decode(&timing, 10, 0, 0).per_token_ns, 8, 1e-9);
    ck_assert_uint_eq(timing_mixed(&timing, &(struct timing_work){ .prefills = 50 > 0,
                                                                   .prefill_new = 50,
                                                                   .prefill_cached = 100,
                                                                   .decodes = 0,
                                                                   .decode_context = 0 })
                          .layer_ns,
                      11500);
    remove_files();
}
END_TEST

/* Layer = 1000 + 20 new + 2 cached. Prefills of 2m rows over none and of m over 1.5m, which have as
 * many pairs, differ by 20m - 3m: 17 a row. */
static const char mixed_points[] = "shape,2,8,4,2,2,16,32\n"
                                   "mixed,30\n"
                                   "prefill,1,0,1020,500\n"
                                   "prefill,1,100,1220,500\n"
                                   "prefill,50,0,2000,990\n"
                                   "prefill,50,100,2200,990\n"
                                   "decode,1,1000,2\n"
                                   "decode,4,4000,8\n";

/* Four that decode beside a prefill: its own time, a row for each, 8 ns a token of context by two
 * layers, and what such a launch takes besides. Not the decode iteration's weights once more. */
START_TEST(decoding_beside_a_prefill_takes_rows_and_context_not_the_weights_again)
{
    struct model model = case_model();
    write_files(mixed_points);
    struct timing timing = timing_of(&model);
    struct prefill_time mixed =
        timing_mixed(&timing, &(struct timing_work){ .prefills = 50 > 0,
                                                     .prefill_new = 50,
                                                     .prefill_cached = 100,
                                                     .decodes = 4,
                                                     .decode_context = 500 });
    ck_assert_uint_eq(mixed.layer_ns, 1000 + 20 * 50 + 2 * 100 + 4 * 17 + 8 * 500 / 2 + 30);
    ck_assert_uint_eq(mixed.overhead_ns, 990);
    ck_assert_uint_eq(timing_mixed(&timing, &(struct timing_work){ .prefills = 1 > 0,
                                                                   .prefill_new = 1,
                                                                   .prefill_cached = 0,
                                                                   .decodes = 4,
                                                                   .decode_context = 500 })
                          .layer_ns,
                      1000 + 20 + 4 * 17 + 8 * 500 / 2 + 30);
    /* No more rows than were measured, and no row for less than nothing. */
    ck_assert_uint_eq(timing_mixed(&timing, &(struct timing_work){ .prefills = 1 > 0,
                                                                   .prefill_new = 1,
                                                                   .prefill_cached = 0,
                                                                   .decodes = 400,
                                                                   .decode_context = 0 })
                          .layer_ns,
                      1000 + 20 + 400 * 17 + 30);
    ck_assert_uint_eq(timing_mixed(&timing, &(struct timing_work){ .prefills = 0 > 0,
                                                                   .prefill_new = 0,
                                                                   .prefill_cached = 0,
                                                                   .decodes = 4,
                                                                   .decode_context = 500 })
                          .layer_ns,
                      (4000 + 8 * 500) / 2);
    remove_files();
    write_files(points);
    timing = timing_of(&model);
    ck_assert_uint_eq(timing_mixed(&timing, &(struct timing_work){ .prefills = 50 > 0,
                                                                   .prefill_new = 50,
                                                                   .prefill_cached = 100,
                                                                   .decodes = 4,
                                                                   .decode_context = 500 })
                          .layer_ns,
                      11500 + 8 * 500 / 2);
    remove_files();
}
END_TEST

START_TEST(another_model_takes_the_roofline)
{
    struct model model = case_model();
    model.hidden = 16;
    write_files(points);
    ck_assert_str_eq(timing_of(&model).source, "roofline (analytic)");
    remove_files();
}
END_TEST

/* A file without the line, as older ones are, is a dense model's. */
START_TEST(a_mixture_takes_times_of_its_own_experts_only)
{
    static const struct {
        const char *line;
        bool of_mixture, of_dense;
    } cases[] = { { "", false, true },
                  { "experts,8,2,1,24,1\n", true, false },
                  { "experts,8,3,1,24,1\n", false, false },
                  { "experts,8,2,1,24,0\n", false, false } };
    struct model dense = case_model(), mixture = dense;
    mixture.experts = 8;
    mixture.experts_per_token = 2;
    mixture.shared_experts = 1;
    mixture.expert_ffn = 24;
    mixture.dense_layers = 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        snprintf(text, sizeof text, "%s%s", points, cases[i].line);
        write_files(text);
        ck_assert_int_eq(timing_of(&mixture).is_measured, cases[i].of_mixture);
        ck_assert_int_eq(timing_of(&dense).is_measured, cases[i].of_dense);
        remove_files();
    }
}
END_TEST

START_TEST(a_disk_that_was_held_to_no_rate_is_told_and_only_that)
{
    char text[512];
    for (int freed = 0; freed < 2; freed++) {
        struct hardware server;
        struct error err = { 0 };
        snprintf(text, sizeof text, "%s%s", points, freed ? "disk,free\n" : "held,5,6\n");
        write_files(text);
        ck_assert_int_eq(hardware_load(server_path, &server, &err), STATUS_OK);
        ck_assert_int_eq(server.measured.disk_free, freed);
        remove_files();
    }
}
END_TEST

static const struct {
    const char *text;
    uint64_t line; /* 0: of the whole */
} refused[] = {
    { "shape,2,8,4,2,2,16,32\nprefill,1,0,nonsense,5\n", 2 },
    { "prefill,50,0,1,1\nprefill,1,0,1,1\n", 2 }, /* not in order */
    { "disk,sold\n", 1 },
    { "experts,0,0,0,0,0\n", 1 }, /* a dense model has no such line */
    { "experts,8,2\n", 1 },
    { "prefill,1,0,-5,0\n", 1 },             /* no time is negative */
    { "decode,1,10,1\ndecode,1,10,1\n", 2 }, /* twice */
    { "prefill,1,0,10,1\nprefill,1,9,10,1\nprefill,5,0,10,1\ndecode,1,10,1\n", 0 }, /* a hole */
};

START_TEST(a_malformed_file_is_refused_by_its_line)
{
    struct hardware server;
    struct error err = { 0 };
    write_files(refused[_i].text);
    ck_assert_int_eq(hardware_load(server_path, &server, &err), STATUS_INPUT);
    ck_assert_str_eq(err.file, times_path);
    ck_assert_uint_eq(err.line, refused[_i].line);
    remove_files();
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("measured times");
    TCase *tcase = tcase_create("points");
    tcase_add_test(tcase, a_measured_point_comes_back_and_between_points_lies_the_surface);
    tcase_add_test(tcase, decoding_beside_a_prefill_takes_rows_and_context_not_the_weights_again);
    tcase_add_test(tcase, another_model_takes_the_roofline);
    tcase_add_test(tcase, a_mixture_takes_times_of_its_own_experts_only);
    tcase_add_test(tcase, a_disk_that_was_held_to_no_rate_is_told_and_only_that);
    tcase_add_loop_test(tcase, a_malformed_file_is_refused_by_its_line, 0,
                        sizeof refused / sizeof *refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
