/* tests/validate/calibrate/test_calibration.c - what is concluded from a calibration's samples,
 * made up from a machine that is known. */
#include "tests/support.h"
#include "validate/calibrate/calibration.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { REPEATS = 5 };

static void put(struct calibration_samples *samples, const char *what, double x, double y,
                double value_ns)
{
    for (int i = 0; i < REPEATS; i++) {
        memory_grow(&samples->sample, &samples->capacity, (uint64_t)samples->count + 1,
                    sizeof *samples->sample);
        /* Repeats differ by up to 0.2 %. */
        samples->sample[samples->count++] =
            (struct sample){ what, x, y, value_ns * (1.0 + 0.001 * (i - 2) / 2.0) };
    }
}

/* Gigabytes a second are bytes a nanosecond. */
struct machine {
    double h2d, d2h, both;      /* both: INFINITY, or what the directions share */
    double small_copies_slower; /* ns that a copy of up to 1 MB takes besides */
    double disk_both;           /* what its disk moves both ways; 0: not measured */
};

static double less(double a, double b)
{
    return a < b ? a : b;
}

/* Two equal copies that share max-min fairly: when each ends. */
static void put_both(struct calibration_samples *samples, const struct machine *m, double bytes)
{
    double slower = less(m->h2d, m->d2h), half = m->both / 2.0;
    double slow_rate = less(slower, half);
    double fast_rate = less(m->h2d > m->d2h ? m->h2d : m->d2h, m->both - slow_rate);
    double fast_ns = bytes / fast_rate;
    double slow_ns = fast_ns + (bytes - slow_rate * fast_ns) / slower;
    put(samples, "copy_h2d_both", bytes, 65536, 10e3 + (m->h2d >= m->d2h ? fast_ns : slow_ns));
    put(samples, "copy_d2h_both", bytes, 65536, 10e3 + (m->h2d >= m->d2h ? slow_ns : fast_ns));
}

static struct calibration_samples measured(const struct machine *m)
{
    struct calibration_samples samples = { 0 };
    for (double x = 1; x <= 4; x *= 2)
        for (double y = 0; y <= 64; y += 32) {
            put(&samples, "prefill_layer", x, y, 1000 * x + y);
            put(&samples, "prefill_overhead", x, y, 500);
        }
    for (double context = 16; context <= 128; context *= 2)
        put(&samples, "decode", 1, context, 5000 + 2 * context);
    for (double bytes = 65536; bytes <= 268435456; bytes *= 4) {
        double more_ns = bytes <= 1048576 ? m->small_copies_slower : 0.0;
        put(&samples, "copy_h2d", bytes, 65536, 10e3 + bytes / m->h2d + more_ns);
        put(&samples, "copy_d2h", bytes, 65536, 10e3 + bytes / m->d2h + more_ns);
        put_both(&samples, m, bytes);
    }
    /* A disk of 4 bytes/ns for pages and 2 for slices with many out; 80 us alone. */
    for (double depth = 1; depth <= 16; depth *= 4)
        for (int page = 0; page < 2; page++) {
            double bytes = page ? 2097152 : 65536, at_best_ns = bytes / (page ? 4.0 : 2.0);
            double time_ns = depth == 16 ? at_best_ns : at_best_ns + 80e3 / depth;
            put(&samples, "ssd_read", bytes, depth, time_ns);
            put(&samples, "ssd_write", bytes, depth, time_ns);
        }
    if (m->disk_both > 0.0) { /* a quarter of it is read */
        put(&samples, "ssd_read_both", 65536, 16, 65536 / (m->disk_both / 4));
        put(&samples, "ssd_write_both", 2097152, 16, 2097152 / (m->disk_both * 3 / 4));
    }
    return samples;
}

static struct calibration_fits fitted(const struct machine *m)
{
    static const struct model model = { .layers = 1 };
    struct calibration_samples samples = measured(m);
    struct calibration_fits fits;
    struct error err = { 0 };
    ck_assert_int_eq(calibration_fit(&samples, &model, &fits, &err), STATUS_OK);
    free(samples.sample);
    return fits;
}

START_TEST(links_are_found_and_what_both_directions_share)
{
    static const struct {
        struct machine machine;
        double both;
    } cases[] = {
        { { 50, 50, 83, 0, 0 }, 83 }, /* an H100's: 41.5 each */
        { { 50, 40, 60, 0, 0 }, 60 }, /* 30 each */
        { { 50, 20, 60, 0, 0 }, 60 }, /* 20, which is all it can, and 40 */
        { { 20, 50, 60, 0, 0 }, 60 }, { { 50, 50, INFINITY, 0, 0 }, 0 }, /* independent */
        { { 50, 50, 98, 0, 0 }, 0 },                                     /* as good as */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct machine *m = &cases[i].machine;
        struct calibration_fits fits = fitted(m);
        ck_assert_double_eq_tol(fits.h2d_bytes_per_s / 1e9, m->h2d, 0.01 * m->h2d);
        ck_assert_double_eq_tol(fits.d2h_bytes_per_s / 1e9, m->d2h, 0.01 * m->d2h);
        ck_assert_double_eq_tol(fits.h2d_latency_ns, 10e3, 200);
        ck_assert_double_eq_tol(fits.both_bytes_per_s / 1e9, cases[i].both,
                                0.02 * cases[i].both + 1e-9);
        free(fits.fit);
    }
}
END_TEST

/* A launch of a chunk and one that decodes, all with 32 tokens cached. A layer takes 1,000 ns a new
 * token and 1 a cached one; a row more is 998.5 (2m rows over none, m over 1.5m); a token of
 * context 2 as decode alone has it. 2 new tokens: 2,032, 998.5, 500 and 2 * 33. What two of three
 * take besides is what a layer does. */
START_TEST(launches_that_prefill_and_decode_are_held_against_what_the_simulator_says)
{
    static const struct model model = { .layers = 1 };
    const struct machine machine = { 50, 50, INFINITY, 0, 0 };
    struct calibration_samples samples = measured(&machine);
    struct calibration_fits fits;
    struct error err = { 0 };
    samples.mixed_context_tokens = 32;
    put(&samples, "mixed", 2, 1, 2032 + 998.5 + 500 + 66 + 300);
    put(&samples, "mixed", 1, 1, 1032 + 998.5 + 500 + 66 + 300);
    put(&samples, "mixed", 3, 1, 1.1 * (3032 + 998.5 + 500 + 66 + 300));
    ck_assert_int_eq(calibration_fit(&samples, &model, &fits, &err), STATUS_OK);
    ck_assert_double_eq_tol(fits.measured.mixed_layer_ns, 300, 3);
    ck_assert_uint_eq(fits.mixed, 3);
    ck_assert_double_eq_tol(fits.mixed_least, 0.0, 0.003);
    ck_assert_double_eq_tol(fits.mixed_greatest, 0.10, 0.003);
    ck_assert_double_eq_tol(fits.mixed_mean, 0.10 / 3, 0.003);
    free(fits.fit);
    free(samples.sample);
}
END_TEST

START_TEST(small_copies_have_their_own_time_and_do_not_pull_the_rate)
{
    const struct machine machine = { 50, 50, INFINITY, 20e3, 0 };
    struct calibration_fits fits = fitted(&machine);
    ck_assert_double_eq_tol(fits.h2d_bytes_per_s / 1e9, 50, 0.5);
    ck_assert_double_eq_tol(fits.h2d_latency_ns, 30e3, 300);
    free(fits.fit);
}
END_TEST

START_TEST(a_disk_reads_slices_and_writes_pages_with_many_out)
{
    const struct machine machine = { 50, 50, INFINITY, 0, 0 };
    struct calibration_fits fits = fitted(&machine);
    ck_assert_double_eq_tol(fits.ssd_read_bytes_per_s / 1e9, 2, 0.01);
    ck_assert_double_eq_tol(fits.ssd_write_bytes_per_s / 1e9, 4, 0.01);
    ck_assert_double_eq_tol(fits.ssd_latency_ns, 80e3, 200);
    free(fits.fit);
}
END_TEST

START_TEST(what_a_disk_moves_both_ways_is_a_bound_where_it_is_less_than_both_alone)
{
    /* 2 and 4 alone: 6 together, of which 5 % are no less. Both may move less than the 4 of one. */
    static const double cases[][2] = { { 0, 0 }, { 6, 0 }, { 5.8, 0 }, { 5, 5 }, { 3, 3 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct machine machine = { 50, 50, INFINITY, 0, cases[i][0] };
        struct calibration_fits fits = fitted(&machine);
        ck_assert_double_eq_tol(fits.ssd_both_bytes_per_s / 1e9, cases[i][1], 0.01);
        free(fits.fit);
    }
}
END_TEST

START_TEST(what_was_not_measured_is_refused_by_name)
{
    static const char *const names[] = { "prefill_layer", "decode", "copy_d2h_both", "ssd_read" };
    const struct machine machine = { 50, 50, INFINITY, 0, 0 };
    static const struct model model = { .layers = 1 };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct calibration_samples samples = measured(&machine);
        struct calibration_fits fits;
        struct error err = { 0 };
        for (uint32_t s = 0; s < samples.count; s++)
            if (strcmp(samples.sample[s].what, names[i]) == 0)
                samples.sample[s].what = "nothing";
        ck_assert_int_eq(calibration_fit(&samples, &model, &fits, &err), STATUS_INPUT);
        ck_assert_str_eq(err.key, names[i]);
        free(samples.sample);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("calibration");
    tcase_add_test(tests, links_are_found_and_what_both_directions_share);
    tcase_add_test(tests,
                   launches_that_prefill_and_decode_are_held_against_what_the_simulator_says);
    tcase_add_test(tests, small_copies_have_their_own_time_and_do_not_pull_the_rate);
    tcase_add_test(tests, a_disk_reads_slices_and_writes_pages_with_many_out);
    tcase_add_test(tests, what_a_disk_moves_both_ways_is_a_bound_where_it_is_less_than_both_alone);
    tcase_add_test(tests, what_was_not_measured_is_refused_by_name);
    Suite *suite = suite_create("calibration");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
