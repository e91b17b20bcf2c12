/* tests/base/test_keymap.c - the hash table against a plain array; keys made to collide. */
#include "base/keymap.h"

#include "base/memory.h"
#include "base/random.h"
#include "tests/support.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* As callers have it: the key lies in a larger record. */
struct record {
    uint32_t before;
    uint64_t key;
    uint32_t after;
};

struct fixture {
    struct record *records;
    struct keymap map;
};

static struct fixture fixture_new(uint32_t records, uint32_t expected)
{
    struct fixture f = { .records = memory_new(records, sizeof *f.records) };
    keymap_init(&f.map, expected);
    return f;
}

static void fixture_free(struct fixture *f)
{
    keymap_free(&f->map);
    free(f->records);
}

static struct keymap_keys keys_of(const struct fixture *f)
{
    return (struct keymap_keys){ &f->records->key, sizeof *f->records };
}

static void add(struct fixture *f, uint32_t handle, uint64_t key)
{
    f->records[handle].key = key;
    keymap_add(&f->map, keys_of(f), handle);
}

START_TEST(an_empty_table_finds_nothing)
{
    struct fixture f = fixture_new(1, 0);
    ck_assert_uint_eq(keymap_find(&f.map, keys_of(&f), 0), 0);
    ck_assert_uint_eq(keymap_find(&f.map, keys_of(&f), UINT64_MAX), 0);
    fixture_free(&f);
}
END_TEST

START_TEST(every_key_may_be_used_also_0_and_the_highest)
{
    struct fixture f = fixture_new(3, 0);
    add(&f, 1, 0);
    add(&f, 2, UINT64_MAX);
    ck_assert_uint_eq(keymap_find(&f.map, keys_of(&f), 0), 1);
    ck_assert_uint_eq(keymap_find(&f.map, keys_of(&f), UINT64_MAX), 2);
    keymap_remove(&f.map, keys_of(&f), 0);
    ck_assert_uint_eq(keymap_find(&f.map, keys_of(&f), 0), 0);
    ck_assert_uint_eq(keymap_find(&f.map, keys_of(&f), UINT64_MAX), 2);
    fixture_free(&f);
}
END_TEST

START_TEST(a_table_made_for_n_does_not_grow_up_to_n)
{
    for (uint32_t expected = 0; expected < 3000; expected += 97) {
        struct fixture f = fixture_new(expected + 1, expected);
        uint32_t mask = f.map.mask;
        for (uint32_t handle = 1; handle <= expected; handle++)
            add(&f, handle, handle);
        ck_assert_uint_eq(f.map.mask, mask);
        fixture_free(&f);
    }
}
END_TEST

START_TEST(a_table_grows_when_it_is_three_quarters_full_and_not_before)
{
    struct fixture f = fixture_new(10001, 0);
    for (uint32_t handle = 1; handle <= 10000; handle++) {
        uint64_t slots = (uint64_t)f.map.mask + 1;
        bool full = f.map.count == slots / 4 * 3;
        add(&f, handle, handle * UINT64_C(64));
        ck_assert_uint_eq((uint64_t)f.map.mask + 1, full ? 2 * slots : slots);
    }
    fixture_free(&f);
}
END_TEST

/* The longest run of slots in use: what the slowest miss looks through. */
static uint32_t longest_run(const struct keymap *map)
{
    uint32_t run = 0, longest = 0;
    for (uint64_t at = 0; at <= map->mask; at++) {
        run = map->slot[at].handle != 0 ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

START_TEST(regular_keys_do_not_crowd)
{
    /* Counted, in the upper half only, and in steps of a power of two: what ids look like. */
    static const uint64_t step[] = { 1, UINT64_C(1) << 32, 4096, UINT64_C(0x0001000100010001) };
    for (size_t i = 0; i < sizeof step / sizeof step[0]; i++) {
        struct fixture f = fixture_new(50001, 0);
        for (uint32_t handle = 1; handle <= 50000; handle++)
            add(&f, handle, handle * step[i]);
        ck_assert_uint_lt(longest_run(&f.map), 300);
        fixture_free(&f);
    }
}
END_TEST

/* The invariant of keymap.h: each handle once, and reachable from its home without a gap. */
static void check_invariant(const struct fixture *f)
{
    uint32_t used = 0;
    for (uint64_t at = 0; at <= f->map.mask; at++) {
        uint32_t handle = f->map.slot[at].handle;
        if (handle == 0)
            continue;
        used++;
        ck_assert_uint_eq(keymap_find(&f->map, keys_of(f), f->records[handle].key), handle);
    }
    ck_assert_uint_eq(used, f->map.count);
}

#define HANDLES 200

/* Adds what is out and removes what is in, at random; present[] is the slow model. */
static void compare_with_array(uint64_t (*key_of)(uint32_t handle))
{
    const uint64_t seed = test_seed();
    struct random random = random_from(seed, 1);
    struct fixture f = fixture_new(HANDLES + 1, 0);
    bool present[HANDLES + 1] = { false };
    for (int step = 0; step < 20000; step++) {
        uint32_t handle = 1 + (uint32_t)random_below(&random, HANDLES);
        if (present[handle])
            keymap_remove(&f.map, keys_of(&f), key_of(handle));
        else
            add(&f, handle, key_of(handle));
        present[handle] = !present[handle];

        uint32_t probe = 1 + (uint32_t)random_below(&random, HANDLES);
        keymap_prefetch(&f.map, key_of(probe)); /* must change nothing */
        ck_assert_msg(keymap_find(&f.map, keys_of(&f), key_of(probe)) ==
                          (present[probe] ? probe : 0),
                      "seed %" PRIu64 ", step %d, handle %" PRIu32, seed, step, probe);
        if (step % 100 == 0)
            check_invariant(&f);
    }
    fixture_free(&f);
}

static uint64_t counted_key(uint32_t handle)
{
    return handle;
}

/* Keys whose homes, in a table of up to 1024 slots, are the last three: every run wraps around. The
 * mix is undone step by step, each of which is a bijection. */
static uint64_t colliding_key(uint32_t handle)
{
    uint64_t mixed = ((uint64_t)handle << 32) | (1023 - handle % 3);
    mixed ^= mixed >> 33;
    mixed *= UINT64_C(0x9CB4B2F8129337DB); /* inverse of 0xC4CEB9FE1A85EC53 */
    mixed ^= mixed >> 33;
    mixed *= UINT64_C(0x4F74430C22A54005); /* inverse of 0xFF51AFD7ED558CCD */
    return mixed ^ (mixed >> 33);
}

START_TEST(the_colliding_keys_of_this_test_do_collide)
{
    struct keymap map = { .mask = 1023 };
    for (uint32_t handle = 1; handle <= HANDLES; handle++)
        ck_assert_uint_eq(keymap_hash(colliding_key(handle)) & map.mask, 1023 - handle % 3);
}
END_TEST

START_TEST(any_sequence_of_calls_agrees_with_an_array)
{
    compare_with_array(counted_key);
}
END_TEST

START_TEST(runs_that_wrap_around_the_end_agree_with_an_array)
{
    compare_with_array(colliding_key);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/keymap");
    TCase *tcase = tcase_create("keymap");
    tcase_add_test(tcase, an_empty_table_finds_nothing);
    tcase_add_test(tcase, every_key_may_be_used_also_0_and_the_highest);
    tcase_add_test(tcase, a_table_made_for_n_does_not_grow_up_to_n);
    tcase_add_test(tcase, a_table_grows_when_it_is_three_quarters_full_and_not_before);
    tcase_add_test(tcase, regular_keys_do_not_crowd);
    tcase_add_test(tcase, the_colliding_keys_of_this_test_do_collide);
    tcase_add_test(tcase, any_sequence_of_calls_agrees_with_an_array);
    tcase_add_test(tcase, runs_that_wrap_around_the_end_agree_with_an_array);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
