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

enum { HANDLES = 200 };

/* The key of that hash: each step of the mix is a bijection, and is undone. */
static uint64_t key_of_hash(uint64_t hash)
{
    hash ^= hash >> 33;
    hash *= UINT64_C(0x9CB4B2F8129337DB); /* inverse of 0xC4CEB9FE1A85EC53 */
    hash ^= hash >> 33;
    hash *= UINT64_C(0x4F74430C22A54005); /* inverse of 0xFF51AFD7ED558CCD */
    return hash ^ (hash >> 33);
}

/* Keys whose homes, in a table of up to 1024 slots, are the last three: every run wraps around. */
static uint64_t colliding_key(uint32_t handle)
{
    return key_of_hash((uint64_t)(1023 - handle % 3) << 54 | handle);
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
        run = map->slot[at] != 0 ? run + 1 : 0;
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

static uint32_t home_of(const struct fixture *f, uint32_t at)
{
    return keymap_home(&f->map, keymap_hash(f->records[keymap_handle(&f->map, at)].key));
}

/* The invariant of keymap.h: each handle once, reachable from its home without a gap, homes in
 * order. */
static void check_invariant(const struct fixture *f)
{
    uint32_t used = 0, mask = f->map.mask;
    for (uint32_t at = 0; at <= mask; at++) {
        if (f->map.slot[at] == 0)
            continue;
        uint32_t handle = keymap_handle(&f->map, at), before = (at - 1) & mask;
        used++;
        ck_assert_uint_eq(keymap_find(&f->map, keys_of(f), f->records[handle].key), handle);
        if (f->map.slot[before] != 0)
            ck_assert_uint_ge(((before - home_of(f, before)) & mask) + 1,
                              (at - home_of(f, at)) & mask);
    }
    ck_assert_uint_eq(used, f->map.count);
}

/* Adds and removes at random, half of the handles being in. */
static void churn(struct fixture *f, struct random *random, uint32_t handles, uint32_t steps)
{
    bool *in = memory_new(handles + 1, sizeof *in);
    for (uint32_t step = 0; step < steps; step++) {
        uint32_t handle = 1 + (uint32_t)random_below(random, handles);
        if (in[handle])
            keymap_remove(&f->map, keys_of(f), f->records[handle].key);
        else
            add(f, handle, random_u64(random));
        in[handle] = !in[handle];
    }
    free(in);
}

START_TEST(homes_stay_in_order_while_a_full_table_changes_and_grows)
{
    struct random random = random_from(test_seed(), 2);
    static const uint32_t handles[] = { 24, 3000, 24000,
                                        190000 }; /* 0.73 of the slots, the half of them */
    struct fixture f = fixture_new(190001, 0);
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++) {
        keymap_clear(&f.map);
        churn(&f, &random, handles[i], 4 * handles[i]);
        check_invariant(&f);
    }
    fixture_free(&f);
}
END_TEST

START_TEST(a_search_reads_hardly_any_key_but_its_own)
{
    struct fixture f = fixture_new(100001, 0);
    uint32_t others = 0;
    for (uint32_t handle = 1; handle <= 100000; handle++)
        add(&f, handle, handle);
    for (uint32_t handle = 1; handle <= 100000; handle++)
        others += keymap_guess(&f.map, handle) != handle;
    ck_assert_uint_lt(others, 200); /* by chance: 2^-10 of those of the same home */
    fixture_free(&f);
}
END_TEST

START_TEST(a_handle_far_above_the_count_makes_the_table_large_enough)
{
    struct fixture f = fixture_new(100001, 0);
    add(&f, 7, 1);
    add(&f, 100000, 2);
    ck_assert_uint_eq(keymap_find(&f.map, keys_of(&f), 1), 7);
    ck_assert_uint_eq(keymap_find(&f.map, keys_of(&f), 2), 100000);
    fixture_free(&f);
}
END_TEST

START_TEST(a_cleared_table_is_empty_and_as_large_as_before)
{
    struct fixture f = fixture_new(101, 0);
    for (uint32_t handle = 1; handle <= 100; handle++)
        add(&f, handle, handle);
    uint64_t bytes = keymap_bytes(&f.map);
    keymap_clear(&f.map);
    ck_assert_uint_eq(f.map.count, 0);
    ck_assert_uint_eq(keymap_find(&f.map, keys_of(&f), 50), 0);
    ck_assert_uint_eq(keymap_bytes(&f.map), bytes);
    fixture_free(&f);
}
END_TEST

/* A key of that home. */
static uint64_t key_at(const struct keymap *map, uint32_t home, uint32_t handle)
{
    return key_of_hash((uint64_t)home << (64 - map->bits) | handle);
}

/* Removes the first one that was added: all others must then move up, and be found. */
static void check_all_move_up(struct fixture *f, uint32_t handles)
{
    keymap_remove(&f->map, keys_of(f), f->records[1].key);
    check_invariant(f);
    for (uint32_t handle = 2; handle <= handles; handle++)
        ck_assert_uint_eq(keymap_find(&f->map, keys_of(f), f->records[handle].key), handle);
}

START_TEST(keys_of_one_home_may_lie_further_away_than_slots_say)
{
    struct fixture f = fixture_new(41, 700);
    for (uint32_t handle = 1; handle <= 40; handle++)
        add(&f, handle, key_at(&f.map, 500, handle));
    check_all_move_up(&f, 40);
    fixture_free(&f);
}
END_TEST

START_TEST(keys_may_be_moved_further_away_than_slots_say)
{
    struct fixture f = fixture_new(41, 700);
    for (uint32_t handle = 1; handle <= 20; handle++)
        add(&f, handle, key_at(&f.map, 500, handle));
    for (uint32_t handle = 21; handle <= 30; handle++)
        add(&f, handle, key_at(&f.map, 501, handle));
    for (uint32_t handle = 31; handle <= 40; handle++) /* themselves near enough */
        add(&f, handle, key_at(&f.map, 500, handle));
    check_all_move_up(&f, 40);
    fixture_free(&f);
}
END_TEST

START_TEST(a_table_grows_where_slots_have_no_bit_more_for_it)
{
    enum { FIRST_OUTSIDE = 1 << 27 };
    uint64_t *key = memory_new(FIRST_OUTSIDE + 1, sizeof *key);
    struct keymap_keys keys = { key, sizeof *key };
    struct keymap map;
    keymap_init(&map, FIRST_OUTSIDE / 4 * 3);
    ck_assert_uint_eq(map.mask, FIRST_OUTSIDE - 1);
    for (uint32_t handle = 1; handle <= HANDLES; handle++) {
        key[handle] = handle;
        keymap_add(&map, keys, handle);
    }
    key[FIRST_OUTSIDE] = HANDLES + 1;
    keymap_add(&map, keys, FIRST_OUTSIDE);
    ck_assert_uint_eq(keymap_find(&map, keys, HANDLES + 1), FIRST_OUTSIDE);
    for (uint32_t handle = 1; handle <= HANDLES; handle++)
        ck_assert_uint_eq(keymap_find(&map, keys, handle), handle);
    keymap_free(&map);
    free(key);
}
END_TEST

/* Larger tables than tests can fill: what is in them of few keys must not depend on their size. */
START_TEST(tables_of_more_slots_than_a_hash_has_bits_for_find_and_remove)
{
    for (uint32_t expected = UINT32_C(1) << 25; expected <= UINT32_C(1) << 27; expected *= 2) {
        struct fixture f = fixture_new(HANDLES + 1, expected);
        for (uint32_t handle = 1; handle <= HANDLES; handle++)
            add(&f, handle, key_at(&f.map, handle % 16, handle));
        for (uint32_t handle = 1; handle <= HANDLES; handle++)
            ck_assert_uint_eq(keymap_find(&f.map, keys_of(&f), f.records[handle].key), handle);
        for (uint32_t handle = 1; handle <= HANDLES; handle += 2)
            keymap_remove(&f.map, keys_of(&f), f.records[handle].key);
        for (uint32_t handle = 1; handle <= HANDLES; handle++)
            ck_assert_uint_eq(keymap_find(&f.map, keys_of(&f), f.records[handle].key),
                              handle % 2 == 0 ? handle : 0);
        fixture_free(&f);
    }
}
END_TEST

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

START_TEST(the_colliding_keys_of_this_test_do_collide)
{
    struct fixture f = fixture_new(1, 700);
    ck_assert_uint_eq(f.map.mask, 1023);
    for (uint32_t handle = 1; handle <= HANDLES; handle++) {
        uint32_t hash = keymap_hash(colliding_key(handle));
        ck_assert_uint_eq(keymap_home(&f.map, hash), 1023 - handle % 3);
    }
    fixture_free(&f);
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
    tcase_add_test(tcase, homes_stay_in_order_while_a_full_table_changes_and_grows);
    tcase_add_test(tcase, a_search_reads_hardly_any_key_but_its_own);
    tcase_add_test(tcase, a_handle_far_above_the_count_makes_the_table_large_enough);
    tcase_add_test(tcase, a_cleared_table_is_empty_and_as_large_as_before);
    tcase_add_test(tcase, keys_of_one_home_may_lie_further_away_than_slots_say);
    tcase_add_test(tcase, keys_may_be_moved_further_away_than_slots_say);
    tcase_add_test(tcase, the_colliding_keys_of_this_test_do_collide);
    tcase_add_test(tcase, any_sequence_of_calls_agrees_with_an_array);
    tcase_add_test(tcase, runs_that_wrap_around_the_end_agree_with_an_array);
    suite_add_tcase(suite, tcase);
    TCase *large = tcase_create("large");
    tcase_set_timeout(large, 60); /* half a gigabyte is looked through, of which little is there */
    tcase_add_test(large, a_table_grows_where_slots_have_no_bit_more_for_it);
    tcase_add_test(large, tables_of_more_slots_than_a_hash_has_bits_for_find_and_remove);
    suite_add_tcase(suite, large);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
