/* tests/sim/placement/test_pool.c - the remote pool by itself, against a plain list of what it
 * should hold; and cores that share one. */
#include "base/random.h"
#include "tests/sim/placement/scenario.h"
#include "tests/support.h"

#include <string.h>

/* ---- by itself ---- */

static const struct kv_base none = { 0, 0 };

START_TEST(what_was_written_is_there_when_its_writing_has_ended)
{
    struct pool *pool = pool_new(100, 0);
    ck_assert_uint_eq(pool_write_begins(pool, 1, 0, 7, none, 40), 40);
    ck_assert_uint_eq(pool_tokens(pool, 7, none), 0);
    ck_assert_uint_eq(pool_write_begins(pool, 2, 0, 7, none, 40), 0); /* one writer a key */
    pool_write_ended(pool, 3, 7);
    ck_assert_uint_eq(pool_tokens(pool, 7, none), 40);
    ck_assert_uint_eq(pool_write_begins(pool, 4, 0, 7, none, 40), 0);
    ck_assert_uint_eq(pool_write_begins(pool, 5, 0, 7, none, 65), 25); /* what it lacks */
    pool_write_ended(pool, 6, 7);
    ck_assert_uint_eq(pool_used_tokens(pool), 65);
    pool_verify(pool);
    pool_free(pool);
}
END_TEST

static void put(struct pool *pool, uint64_t now_ns, uint64_t key, uint32_t tokens)
{
    ck_assert_uint_eq(pool_write_begins(pool, now_ns, 0, key, none, tokens), tokens);
    pool_write_ended(pool, now_ns, key);
}

START_TEST(what_was_read_least_recently_goes_and_what_is_read_stays)
{
    struct pool *pool = pool_new(100, 0);
    put(pool, 1, 1, 50);
    put(pool, 2, 2, 30);
    pool_read_begins(pool, 3, 1, none, 50);
    ck_assert_uint_eq(pool_write_begins(pool, 4, 0, 3, none, 60),
                      0); /* 1 is read: too little can go */
    pool_read_ended(pool, 1);
    put(pool, 5, 4, 10); /* 2 went for nothing */
    ck_assert_uint_eq(pool_tokens(pool, 2, none), 0);
    ck_assert_uint_eq(pool_counters(pool)->dropped_tokens, 30);
    put(pool, 6, 5, 41);
    ck_assert_uint_eq(pool_tokens(pool, 1, none), 0);
    ck_assert_uint_eq(pool_tokens(pool, 4, none), 10);
    pool_verify(pool);
    pool_free(pool);
}
END_TEST

START_TEST(a_driver_that_asks_hears_of_every_key_of_which_nothing_is_left)
{
    struct pool *pool = pool_new(100, 10);
    uint64_t key;
    put(pool, 1, 1, 50);
    put(pool, 2, 2, 50);
    ck_assert(!pool_take_drop(pool, &key));
    pool_tell_drops(pool);
    put(pool, 3, 3, 60); /* both go */
    ck_assert(pool_take_drop(pool, &key) && key == 1);
    ck_assert(pool_take_drop(pool, &key) && key == 2);
    ck_assert(!pool_take_drop(pool, &key));
    put(pool, 4, 1, 30); /* and one is back */
    ck_assert(!pool_take_drop(pool, &key));
    pool_expire(pool, 13);
    ck_assert(pool_take_drop(pool, &key) && key == 3);
    ck_assert(!pool_take_drop(pool, &key));
    ck_assert_uint_eq(pool_tokens(pool, 1, none), 30);
    pool_free(pool);
}
END_TEST

START_TEST(copies_count_from_their_base)
{
    const struct kv_base cut = { 20, 0 }, twice = { 30, 0 }, useless = { 0, 1 };
    struct pool *pool = pool_new(100, 0);
    put(pool, 1, 1, 50);
    ck_assert_uint_eq(pool_tokens(pool, 1, cut), 30);
    ck_assert_uint_eq(pool_write_begins(pool, 2, 0, 1, cut, 60), 30);
    ck_assert_uint_eq(pool_used_tokens(pool), 60);
    ck_assert_uint_eq(pool_tokens(pool, 1, none), 0); /* from before it was cut */
    pool_read_begins(pool, 3, 1, twice, 5);           /* what is on its way is void */
    pool_write_ended(pool, 3, 1);
    pool_read_ended(pool, 1);
    ck_assert_uint_eq(pool_tokens(pool, 1, twice), 20);
    ck_assert_uint_eq(pool_loaded_tokens(pool, 1, twice), 5);
    ck_assert_uint_eq(pool_used_tokens(pool), 20);
    ck_assert_uint_eq(pool_write_begins(pool, 4, 0, 1, cut, 80), 0); /* a server that lags behind */
    ck_assert_uint_eq(pool_tokens(pool, 1, useless), 0);
    ck_assert_uint_eq(pool_write_begins(pool, 5, 0, 1, useless, 10), 10);
    pool_write_ended(pool, 6, 1);
    ck_assert_uint_eq(pool_tokens(pool, 1, twice), 0);
    ck_assert_uint_eq(pool_used_tokens(pool), 10);
    ck_assert_uint_eq(pool_counters(pool)->cut_tokens, 50 + 30); /* of 90 that were written */
    pool_verify(pool);
    pool_free(pool);
}
END_TEST

START_TEST(what_nobody_touched_for_its_time_to_live_expires)
{
    struct pool *pool = pool_new(100, 50);
    put(pool, 10, 1, 20);
    put(pool, 20, 2, 20);
    pool_read_begins(pool, 30, 1, none, 20);
    pool_read_ended(pool, 1);
    pool_expire(pool, 69);
    ck_assert_uint_eq(pool_used_tokens(pool), 40);
    pool_expire(pool, 70);
    ck_assert_uint_eq(pool_tokens(pool, 2, none), 0);
    ck_assert_uint_eq(pool_tokens(pool, 1, none), 20);
    pool_expire(pool, 80);
    ck_assert_uint_eq(pool_used_tokens(pool), 0);
    ck_assert_uint_eq(pool_counters(pool)->expired_tokens, 40);
    pool_free(pool);
}
END_TEST

/* ---- against a list ---- */

enum { KEYS = 40, CAPACITY = 300, STEPS = 20000 };

/* cut: tokens off each key's context by now, and behind[]: off what the pool has of it. */
struct plain {
    uint32_t tokens[KEYS], goal[KEYS], readers[KEYS], cut[KEYS], behind[KEYS];
    uint64_t touched[KEYS], begun; /* tokens that were to be written, ever */
    bool written[KEYS], gone[KEYS];
};

static uint64_t used(const struct plain *plain)
{
    uint64_t sum = 0;
    for (int k = 0; k < KEYS; k++)
        sum += plain->written[k] ? plain->goal[k] : plain->tokens[k];
    return sum;
}

/* Of the key's tokens that the pool has, those behind `cut`. */
static uint32_t left(const struct plain *plain, int key, uint32_t cut)
{
    uint32_t more = cut - plain->behind[key];
    if (cut < plain->behind[key])
        return 0;
    return plain->tokens[key] > more ? plain->tokens[key] - more : 0;
}

static void cut_off(struct plain *plain, int key, uint32_t cut)
{
    uint32_t lost = plain->tokens[key] - left(plain, key, cut);
    plain->gone[key] |= plain->written[key] && cut != plain->behind[key];
    plain->behind[key] = cut;
    plain->tokens[key] -= lost;
    plain->goal[key] -= lost;
}

static bool is_known(const struct plain *plain, int key)
{
    return plain->tokens[key] > 0 || plain->written[key] || plain->readers[key] > 0;
}

static uint32_t plain_write(struct plain *plain, uint64_t now, int key, uint32_t cut,
                            uint32_t tokens)
{
    if (!is_known(plain, key))
        plain->behind[key] = cut;
    if (cut < plain->behind[key])
        return 0;
    if (is_known(plain, key))
        plain->touched[key] = now;
    if (plain->written[key] || tokens <= left(plain, key, cut))
        return 0;
    cut_off(plain, key, cut);
    uint32_t missing = tokens - plain->tokens[key];
    while (CAPACITY - used(plain) < missing) {
        int oldest = -1;
        for (int k = 0; k < KEYS; k++)
            if (k != key && plain->tokens[k] > 0 && !plain->written[k] && plain->readers[k] == 0 &&
                (oldest < 0 || plain->touched[k] < plain->touched[oldest]))
                oldest = k;
        if (oldest < 0)
            return 0;
        plain->tokens[oldest] = 0;
    }
    plain->written[key] = true;
    plain->gone[key] = false;
    plain->goal[key] = tokens;
    plain->touched[key] = now;
    plain->begun += missing;
    return missing;
}

static void end_write(struct pool *pool, struct plain *plain, uint64_t now, int key)
{
    pool_write_ended(pool, now, (uint64_t)key);
    plain->tokens[key] = plain->gone[key] ? plain->tokens[key] : plain->goal[key];
    plain->written[key] = false;
    plain->touched[key] = now;
}

static void do_random_call(struct pool *pool, struct plain *plain, struct random *random,
                           uint64_t now)
{
    int key = (int)random_below(random, KEYS);
    uint32_t tokens = 1 + (uint32_t)random_below(random, 40);
    uint32_t lag = random_below(random, 8) == 0 ? (uint32_t)random_below(random, 9) : 0;
    uint32_t cut = plain->cut[key] > lag ? plain->cut[key] - lag : 0;
    switch (random_below(random, 5)) {
    case 0:
    case 1:
        ck_assert_uint_eq(
            pool_write_begins(pool, now, 0, (uint64_t)key, (struct kv_base){ cut, 0 }, tokens),
            plain_write(plain, now, key, cut, tokens));
        break;
    case 2:
        if (plain->written[key])
            end_write(pool, plain, now, key);
        break;
    case 3:
        if (plain->readers[key] > 0 && random_below(random, 2) == 0) {
            pool_read_ended(pool, (uint64_t)key);
            plain->readers[key]--;
        } else if (left(plain, key, cut) > 0) {
            pool_read_begins(pool, now, (uint64_t)key, (struct kv_base){ cut, 0 }, tokens);
            cut_off(plain, key, cut);
            plain->readers[key]++;
            plain->touched[key] = now;
        }
        break;
    default:
        plain->cut[key] += random_below(random, 4) == 0 ? tokens / 2 : 0;
    }
}

START_TEST(any_sequence_of_calls_agrees_with_the_list)
{
    struct random random = random_from(test_seed(), 3);
    struct plain plain = { 0 };
    struct pool *pool = pool_new(CAPACITY, 0);
    for (uint64_t now = 1; now <= STEPS; now++) {
        do_random_call(pool, &plain, &random, now);
        for (int k = 0; k < KEYS; k++)
            if (pool_tokens(pool, (uint64_t)k, (struct kv_base){ plain.cut[k], 0 }) !=
                left(&plain, k, plain.cut[k]))
                ck_abort_msg("step %d, key %d", (int)now, k);
        if (pool_used_tokens(pool) != used(&plain))
            ck_abort_msg("step %d", (int)now);
        const struct pool_counters *gone = pool_counters(pool);
        if (used(&plain) + gone->dropped_tokens + gone->cut_tokens != plain.begun)
            ck_abort_msg("step %d: what came is neither there nor counted as gone", (int)now);
        pool_verify(pool);
    }
    pool_free(pool);
}
END_TEST

/* ---- shared by two cores ---- */

/* Returns the bytes that they read from the pool. */
static uint64_t run_two(struct placement_config config, uint64_t seed)
{
    struct scenario scenario[2];
    config.pool = pool_new(80 * 16, config.keys.ttl_ns);
    for (int i = 0; i < 2; i++)
        scenario_init(&scenario[i], &config, seed + (uint64_t)i, 7);
    for (int step = 0; step < 700; step++) {
        struct scenario *one = &scenario[step / 3 % 2], *other = &scenario[1 - step / 3 % 2];
        one->now_ns = one->now_ns > other->now_ns ? one->now_ns : other->now_ns;
        scenario_step(one);
        for (int i = 0; i < 2 && step == 200; i++)
            scenario_measure(&scenario[i]);
    }
    for (int i = 0; i < 2; i++) {
        scenario[i].now_ns =
            scenario[0].now_ns > scenario[1].now_ns ? scenario[0].now_ns : scenario[1].now_ns;
        scenario_drain(&scenario[i]);
        scenario_check_counters(&scenario[i]);
        scenario_end(&scenario[i]);
    }
    uint64_t read_bytes = 0;
    for (int i = 0; i < 2; i++)
        read_bytes += placement_counters(scenario[i].core)->load_remote_hbm_bytes +
                      placement_counters(scenario[i].core)->fetch_remote_dram_bytes;
    for (int i = 0; i < 2; i++)
        scenario_free(&scenario[i]);
    pool_free(config.pool);
    return read_bytes;
}

START_TEST(cores_that_share_it_keep_capacities_pins_and_bytes)
{
    uint64_t read_bytes[2] = { 0 };
    for (unsigned mode = 0; mode < 24; mode++) {
        const char *const policies[] = { "lru", "scheduler-aware", "arc" };
        struct placement_config config =
            scenario_config(policy_find(policies[mode / 8]), mode % 2 != 0);
        const int dram[] = { WRITE_THROUGH, WRITE_BACK, WRITE_LAZY };
        bool through = mode / 2 % 2 != 0;
        config.keys.write[TIER_REMOTE] = through ? WRITE_THROUGH : WRITE_BACK;
        config.fetches = mode % 3 == 0;
        config.keys.write[TIER_SSD] = mode % 5 == 0 ? WRITE_THROUGH : WRITE_BACK;
        config.keys.write[TIER_DRAM] = dram[mode % 3];
        config.keys.write_ahead_tokens = 100;
        config.keys.count_units = 50;
        config.keys.admit_uses[TIER_REMOTE] = mode % 7 == 0 ? 2 : 1;
        config.keys.ttl_ns = mode % 4 == 0 ? 40000 : 0;
        if (mode / 4 % 2 == 0)
            config.capacity_bytes[TIER_SSD] = 0;
        read_bytes[through] += run_two(config, test_seed() + mode);
    }
    ck_assert(read_bytes[false] > 0 && read_bytes[true] > 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("placement_pool");
    TCase *tests = tcase_create("pool");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, what_was_written_is_there_when_its_writing_has_ended);
    tcase_add_test(tests, what_was_read_least_recently_goes_and_what_is_read_stays);
    tcase_add_test(tests, a_driver_that_asks_hears_of_every_key_of_which_nothing_is_left);
    tcase_add_test(tests, copies_count_from_their_base);
    tcase_add_test(tests, what_nobody_touched_for_its_time_to_live_expires);
    tcase_add_test(tests, any_sequence_of_calls_agrees_with_the_list);
    tcase_add_test(tests, cores_that_share_it_keep_capacities_pins_and_bytes);
    return test_main(suite);
}
