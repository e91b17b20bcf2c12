/* tests/sim/placement/test_pool_part.c - a pool in parts: what users tell their parts is repeated
 * to the whole, which is then what a pool is that they told it themselves; and parts answer as it
 * does. */
#include "base/random.h"
#include "sim/placement/pool_part.h"
#include "tests/support.h"

enum { PARTS = 3, KEYS = 60, CAPACITY = 1000, TTL = 150, STEPS = 20000 };

static const struct kv_base none = { 0, 0 };

/* `told` is told everything itself. */
struct parted {
    struct pool *told, *whole, *part[PARTS];
    uint32_t repeated[PARTS];
    bool written[KEYS];
    uint32_t readers[KEYS], cut[KEYS];
    uint64_t written_tokens;
};

static void parted_init(struct parted *p, uint64_t capacity, uint64_t ttl)
{
    *p = (struct parted){ .told = pool_new(capacity, ttl), .whole = pool_new(capacity, ttl) };
}

static void divide(struct parted *p)
{
    for (uint32_t i = 0; i < PARTS; i++)
        p->part[i] = pool_part_new(p->whole, i, PARTS);
}

static void parted_free(struct parted *p)
{
    for (uint32_t i = 0; i < PARTS; i++)
        pool_part_free(p->part[i], p->whole);
    pool_free(p->told);
    pool_free(p->whole);
}

/* What has just been told the part happens to the whole, and what that gave up the parts hear of.
 */
static void repeat(struct parted *p, uint32_t part, uint64_t now)
{
    struct pool_gone gone;
    uint32_t notes = pool_part_notes(p->part[part]);
    ck_assert(pool_repeat(p->whole, p->part[part], p->repeated[part], notes, &p->written_tokens));
    p->repeated[part] = notes;
    while (pool_take_gone(p->whole, &gone)) {
        ck_assert_uint_eq(gone.user, gone.key % KEYS);
        ck_assert(pool_part_lose(p->part[gone.user % PARTS], gone.key, now) ||
                  gone.user % PARTS == part);
    }
    if (notes > 100) {
        pool_part_forget_notes(p->part[part]);
        p->repeated[part] = 0;
    }
}

/* Keys' numbers are their users'. */
static void tell(struct parted *p, struct random *random, uint64_t now, struct pool *pool,
                 bool counts)
{
    uint32_t key = (uint32_t)random_below(random, KEYS);
    uint32_t tokens = 1 + (uint32_t)random_below(random, 40);
    struct kv_base base = { p->cut[key], 0 };
    bool any = pool_tokens(p->told, key, base) > 0;
    switch (random_below(random, 5)) {
    case 0:
    case 1: {
        bool begins = pool_write_begins(pool, now, key, key, base, tokens) > 0;
        p->written[key] |= begins && counts;
        break;
    }
    case 2:
        if (p->written[key])
            pool_write_ended(pool, now, key);
        p->written[key] &= !counts;
        break;
    case 3:
        if (p->readers[key] > 0) {
            pool_read_ended(pool, key);
            p->readers[key] -= counts;
        } else if (any) {
            pool_read_begins(pool, now, key, base, tokens);
            p->readers[key] += counts;
        }
        break;
    default:
        pool_expire(pool, now);
        p->cut[key] += counts && tokens % 8 == 0 ? tokens : 0;
    }
}

static void must_agree(struct parted *p, uint64_t now)
{
    for (uint32_t key = 0; key < KEYS; key++) {
        struct kv_base base = { p->cut[key], 0 };
        pool_part_now(p->part[key % PARTS], now);
        if (pool_tokens(p->part[key % PARTS], key, base) != pool_tokens(p->told, key, base) ||
            pool_loaded_tokens(p->part[key % PARTS], key, base) !=
                pool_loaded_tokens(p->told, key, base))
            ck_abort_msg("at %d, key %u", (int)now, key);
    }
    ck_assert_uint_eq(pool_used_tokens(p->whole), pool_used_tokens(p->told));
    ck_assert_uint_eq(pool_counters(p->whole)->dropped_tokens,
                      pool_counters(p->told)->dropped_tokens);
    ck_assert_uint_eq(pool_counters(p->whole)->expired_tokens,
                      pool_counters(p->told)->expired_tokens);
    pool_verify(p->whole);
}

static void visit(void *context, uint32_t user)
{
    uint64_t *seen = context;
    *seen |= UINT64_C(1) << user;
}

/* Who may lose something by this call tells the whole, and the part catches up; others now and
 * then, too. */
static bool must_tell_itself(const struct parted *p, uint32_t user, uint64_t now)
{
    uint64_t seen = 0;
    bool fits = pool_foresee(p->whole, 40, now, visit, &seen);
    return !fits || (seen >> user & 1) != 0 || now % 7 == 0;
}

START_TEST(parts_answer_as_a_pool_that_is_told_everything)
{
    struct parted p;
    struct random random = random_from(test_seed(), 9);
    parted_init(&p, CAPACITY, TTL);
    for (uint64_t now = 1; now <= STEPS; now++) {
        struct random same = random, key = random;
        uint32_t key_of = (uint32_t)random_below(&key, KEYS), part = key_of % PARTS;
        if (now == 100)
            divide(&p);
        struct pool *pool = p.part[part] != NULL ? p.part[part] : p.whole;
        bool by_itself = pool != p.whole && must_tell_itself(&p, key_of, now);
        if (by_itself)
            pool_part_stand_back(p.whole);
        if (pool != p.whole)
            pool_part_now(pool, now);
        tell(&p, &same, now, by_itself ? p.whole : pool, false);
        tell(&p, &random, now, p.told, true);
        if (pool == p.whole)
            continue;
        if (by_itself) {
            repeat(&p, part, now);
            pool_part_catch_up(pool, p.whole, &p.written_tokens);
        }
        repeat(&p, part, now);
        must_agree(&p, now);
    }
    ck_assert(pool_counters(p.told)->dropped_tokens > 0 &&
              pool_counters(p.told)->expired_tokens > 0);
    parted_free(&p);
}
END_TEST

static void put(struct parted *p, uint64_t now, uint32_t key, uint32_t tokens)
{
    struct pool *pool = p->part[0] != NULL ? p->part[key % PARTS] : p->whole;
    if (p->part[0] != NULL)
        pool_part_now(pool, now);
    ck_assert_uint_eq(pool_write_begins(pool, now, key, key, none, tokens), tokens);
    pool_write_ended(pool, now, key);
}

/* Key 1 goes at 30 for 5, though at 40 its part was asked for it: what it said was wrong. At 20 it
 * was right. */
START_TEST(who_asked_a_part_for_what_had_gone_is_found_out)
{
    for (uint64_t asked = 20; asked <= 40; asked += 20) {
        struct parted p;
        struct pool_gone gone;
        parted_init(&p, 100, 0);
        put(&p, 10, 1, 60);
        put(&p, 11, 3, 30);
        divide(&p);
        pool_part_now(p.part[1], asked);
        ck_assert_uint_eq(pool_tokens(p.part[1], 1, none), 60);
        put(&p, 30, 5, 40);
        ck_assert(pool_repeat(p.whole, p.part[2], 0, 2, &p.written_tokens));
        ck_assert_uint_eq(p.written_tokens, 40);
        ck_assert(pool_take_gone(p.whole, &gone));
        ck_assert_uint_eq(gone.key, 1);
        ck_assert_int_eq(pool_part_lose(p.part[1], 1, 30), asked < 30);
        ck_assert_uint_eq(pool_tokens(p.part[1], 1, none), 0);
        ck_assert(!pool_take_gone(p.whole, &gone));
        parted_free(&p);
    }
}
END_TEST

/* A part books without bound; the whole has no room for both, since the first is being written. */
START_TEST(an_answer_that_the_whole_would_not_give_is_found_out)
{
    struct parted p;
    parted_init(&p, 100, 0);
    divide(&p);
    ck_assert_uint_eq(pool_write_begins(p.part[1], 1, 1, 1, none, 60), 60);
    ck_assert_uint_eq(pool_write_begins(p.part[2], 2, 2, 2, none, 60), 60);
    ck_assert_uint_eq(pool_write_begins(p.part[2], 3, 2, 2, none, 101), 0); /* as the whole */
    ck_assert(pool_repeat(p.whole, p.part[1], 0, 1, &p.written_tokens));
    ck_assert(!pool_repeat(p.whole, p.part[2], 0, 1, &p.written_tokens));
    parted_free(&p);
}
END_TEST

START_TEST(what_may_go_is_foreseen)
{
    struct parted p;
    parted_init(&p, 100, 50);
    put(&p, 10, 1, 30);
    put(&p, 20, 2, 30);
    put(&p, 30, 3, 30);
    static const struct {
        uint64_t tokens, until_ns;
        uint32_t users;
        bool fits;
    } cases[] = {
        { 10, 59, 0, true },          { 11, 59, 2, true },           { 40, 59, 2, true },
        { 41, 59, 2 | 4, true },      { 10, 60, 2, true },           { 10, 79, 2 | 4, true },
        { 100, 59, 2 | 4 | 8, true }, { 101, 59, 2 | 4 | 8, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t seen = 0;
        ck_assert_int_eq(pool_foresee(p.whole, cases[i].tokens, cases[i].until_ns, visit, &seen),
                         cases[i].fits);
        ck_assert_uint_eq(seen, cases[i].users);
    }
    ck_assert_uint_eq(pool_expires_ns(p.whole), 60);
    parted_free(&p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("placement_pool_part");
    TCase *tests = tcase_create("parts");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, parts_answer_as_a_pool_that_is_told_everything);
    tcase_add_test(tests, who_asked_a_part_for_what_had_gone_is_found_out);
    tcase_add_test(tests, an_answer_that_the_whole_would_not_give_is_found_out);
    tcase_add_test(tests, what_may_go_is_foreseen);
    return test_main(suite);
}
