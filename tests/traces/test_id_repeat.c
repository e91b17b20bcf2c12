/* tests/traces/test_id_repeat.c - an id that stands twice is found, whatever the ids, and the least
 * is named. */
#include "base/random.h"
#include "tests/support.h"
#include "traces/id_repeat.h"

#include <stdlib.h>

/* By comparing all. */
static bool slow_repeats(const uint64_t *ids, uint32_t count, uint64_t *least)
{
    *least = UINT64_MAX;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (ids[i] == ids[k] && ids[i] < *least)
                *least = ids[i];
    return *least != UINT64_MAX;
}

START_TEST(repeats_are_those_of_comparing_all)
{
    struct random random = random_from(test_seed(), 0);
    struct id_repeat room = { 0 };
    uint32_t repeated = 0, tries = TRIES(3000);
    for (uint32_t round = 0; round < tries; round++) {
        uint64_t ids[60], least, slow_least;
        uint32_t count = (uint32_t)random_below(&random, 60);
        uint64_t most = 1 + random_below(&random, 4000);
        for (uint32_t i = 0; i < count; i++)
            ids[i] = random_below(&random, most) << 40 * (i % 2);
        bool repeats = id_repeats(&room, ids, count, &least);
        ck_assert_int_eq(repeats, slow_repeats(ids, count, &slow_least));
        ck_assert(!repeats || least == slow_least);
        repeated += repeats;
    }
    ck_assert_uint_gt(repeated, tries / 10);
    ck_assert_uint_lt(repeated, tries - tries / 10);
    id_repeat_free(&room);
}
END_TEST

/* 2^k a thousand times over lies in one place of any table by multiplication: that would be 10^10
 * steps. */
START_TEST(ids_that_collide_take_no_longer_than_sorting)
{
    enum { COUNT = 200000 };
    struct id_repeat room = { 0 };
    uint64_t repeated, *ids = calloc(COUNT, sizeof *ids);
    const uint64_t inverse = UINT64_C(0xF1DE83E19937733D); /* of the multiplier, modulo 2^64 */
    for (uint64_t i = 0, at = COUNT; at-- > 0; i++)
        ids[i] = (at * inverse) & INT64_MAX;
    ck_assert(!id_repeats(&room, ids, COUNT, &repeated));
    ids[7] = ids[9];
    ck_assert(id_repeats(&room, ids, COUNT, &repeated));
    ck_assert_uint_eq(repeated, ids[9]);
    free(ids);
    id_repeat_free(&room);
}
END_TEST

static uint64_t *descending(uint32_t count)
{
    uint64_t *ids = malloc(count * sizeof *ids);
    for (uint32_t i = 0; i < count; i++)
        ids[i] = (uint64_t)(count - i) << 32 | 1000000;
    return ids;
}

static void look_often(struct id_repeat *room)
{
    uint64_t repeated, *few = descending(16);
    for (int look = 0; look < 100; look++)
        ck_assert(!id_repeats(room, few, 16, &repeated));
    free(few);
}

/* What earlier looks have left in the table is nothing to a later one: a sanitizer sees what would
 * be read of ids that are not there. */
START_TEST(looks_are_apart)
{
    struct id_repeat room = { 0 };
    uint64_t repeated, *many = descending(100);
    ck_assert(!id_repeats(&room, many, 100, &repeated));
    room.look = UINT32_MAX - 1; /* so that numbers of looks begin anew */
    look_often(&room);
    many[3] = many[90]; /* sorts, in the table's room */
    ck_assert(id_repeats(&room, many, 100, &repeated));
    ck_assert_uint_eq(repeated, many[90]);
    room.look = 0;
    look_often(&room);
    free(many);
    id_repeat_free(&room);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("id_repeat");
    TCase *tcase = tcase_create("ids");
    tcase_add_test(tcase, repeats_are_those_of_comparing_all);
    tcase_add_test(tcase, looks_are_apart);
    tcase_add_test(tcase, ids_that_collide_take_no_longer_than_sorting);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
