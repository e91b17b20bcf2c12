/* tests/sweep/test_design.c - grids hold every combination, samples fill their space as promised.
 */
#include "sweep/design.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#define AXES 2

static void parse(struct axis axes[AXES], const char *first, const char *second)
{
    struct error err = { 0 };
    ck_assert_int_eq(axis_parse(first, &axes[0], &err), STATUS_OK);
    ck_assert_int_eq(axis_parse(second, &axes[1], &err), STATUS_OK);
}

static struct points points_of(enum design_kind kind, uint32_t samples, uint64_t seed,
                               const struct axis axes[AXES])
{
    struct design design = { .kind = kind, .samples = samples, .seed = seed };
    struct points points;
    struct error err = { 0 };
    ck_assert_int_eq(design_points(&design, axes, AXES, &points, &err), STATUS_OK);
    return points;
}

START_TEST(a_grid_is_every_combination_the_last_axis_fastest)
{
    struct axis axes[AXES];
    parse(axes, "gpus=1,2", "policy=a,b,c");
    struct points points = points_of(DESIGN_GRID, 0, 0, axes);
    static const char *const expected[] = { "1 a", "1 b", "1 c", "2 a", "2 b", "2 c" };
    ck_assert_uint_eq(points.count, 6);
    for (uint32_t p = 0; p < 6; p++) {
        char text[16];
        snprintf(text, sizeof text, "%s %s", points.value[2 * p], points.value[2 * p + 1]);
        ck_assert_str_eq(text, expected[p]);
    }
    points_free(&points);
    axis_free(&axes[0]);
    axis_free(&axes[1]);
}
END_TEST

START_TEST(a_latin_hypercube_visits_each_part_of_each_axis_once)
{
    enum { SAMPLES = 50 };
    struct axis axes[AXES];
    parse(axes, "workload.sessions_per_s=1..51:lin", "policy=a,b,c,d,e");
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct points points = points_of(DESIGN_LATIN_HYPERCUBE, SAMPLES, seed, axes);
        bool seen[SAMPLES] = { false };
        int names[5] = { 0 };
        for (uint32_t p = 0; p < SAMPLES; p++) {
            int part = (int)(strtod(points.value[2 * p], NULL) - 1.0);
            ck_assert(part >= 0 && part < SAMPLES && !seen[part]);
            seen[part] = true;
            names[points.value[2 * p + 1][0] - 'a']++;
        }
        for (int i = 0; i < 5; i++)
            ck_assert_int_eq(names[i], SAMPLES / 5);
        points_free(&points);
    }
    axis_free(&axes[0]);
    axis_free(&axes[1]);
}
END_TEST

START_TEST(random_samples_are_spread_evenly)
{
    enum { SAMPLES = 20000 };
    struct axis axes[AXES];
    parse(axes, "workload.sessions_per_s=0..1:lin", "policy=a,b");
    struct points points = points_of(DESIGN_RANDOM, SAMPLES, test_seed(), axes);
    double sum = 0.0;
    int first = 0;
    for (uint32_t p = 0; p < SAMPLES; p++) {
        sum += strtod(points.value[2 * p], NULL);
        first += points.value[2 * p + 1][0] == 'a';
    }
    /* Five standard deviations: 1 / sqrt(12 N), 1 / (2 sqrt(N)). */
    ck_assert_double_eq_tol(sum / SAMPLES, 0.5, 0.0102);
    ck_assert_double_eq_tol((double)first / SAMPLES, 0.5, 0.0177);
    points_free(&points);
    axis_free(&axes[0]);
    axis_free(&axes[1]);
}
END_TEST

static bool same(const struct points *a, const struct points *b, uint32_t axis)
{
    for (uint32_t p = 0; p < a->count; p++)
        if (strcmp(a->value[a->axes * p + axis], b->value[b->axes * p + axis]) != 0)
            return false;
    return true;
}

START_TEST(a_seed_gives_its_points_and_an_axis_its_own_draws)
{
    struct axis axes[AXES], other[AXES];
    parse(axes, "workload.sessions_per_s=0..1:lin", "tiers.dram.capacity=64GB..2TB:log");
    parse(other, "workload.sessions_per_s=0..1:lin", "gpus=1,2");
    for (int kind = DESIGN_RANDOM; kind <= DESIGN_LATIN_HYPERCUBE; kind++) {
        struct points first = points_of(kind, 30, 1, axes), again = points_of(kind, 30, 1, axes);
        struct points seed = points_of(kind, 30, 2, axes), axis = points_of(kind, 30, 1, other);
        ck_assert(same(&first, &again, 0) && same(&first, &again, 1));
        ck_assert(!same(&first, &seed, 0));
        ck_assert(same(&first, &axis, 0));
        points_free(&first);
        points_free(&again);
        points_free(&seed);
        points_free(&axis);
    }
    for (int a = 0; a < AXES; a++) {
        axis_free(&axes[a]);
        axis_free(&other[a]);
    }
}
END_TEST

START_TEST(a_grid_of_a_range_and_too_many_points_are_refused)
{
    struct axis axes[AXES];
    struct points points;
    struct error err = { 0 };
    struct design grid = { .kind = DESIGN_GRID },
                  many = { .kind = DESIGN_RANDOM, .samples = 99999999999 };
    parse(axes, "workload.sessions_per_s=0..1:lin", "gpus=1,2");
    ck_assert_int_eq(design_points(&grid, axes, AXES, &points, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "workload.sessions_per_s");
    points_free(&points);
    err = (struct error){ 0 };
    ck_assert_int_eq(design_points(&many, axes, AXES, &points, &err), STATUS_INPUT);
    ck_assert_str_eq(err.found, "99999999999"); /* as it was given */
    points_free(&points);
    axis_free(&axes[0]);
    axis_free(&axes[1]);
}
END_TEST

START_TEST(no_axis_is_one_point)
{
    struct points points;
    struct error err = { 0 };
    struct design grid = { .kind = DESIGN_GRID };
    ck_assert_int_eq(design_points(&grid, NULL, 0, &points, &err), STATUS_OK);
    ck_assert_uint_eq(points.count, 1);
    points_free(&points);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("design");
    TCase *tcase = tcase_create("design");
    tcase_add_test(tcase, a_grid_is_every_combination_the_last_axis_fastest);
    tcase_add_test(tcase, a_latin_hypercube_visits_each_part_of_each_axis_once);
    tcase_add_test(tcase, random_samples_are_spread_evenly);
    tcase_add_test(tcase, a_seed_gives_its_points_and_an_axis_its_own_draws);
    tcase_add_test(tcase, a_grid_of_a_range_and_too_many_points_are_refused);
    tcase_add_test(tcase, no_axis_is_one_point);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
