/* tests/sim/test_preemption.c - what the core promises a driver that takes jobs out of order, books
 * HBM as the reply grows, and pushes jobs out of HBM. */
#include "base/random.h"
#include "sim/placement/placement.h"
#include "tests/support.h"

#include <inttypes.h>

enum { BLOCK = 16, BYTES_PER_TOKEN = 10 };

static struct placement *core_with(const char *policy, uint32_t hbm_tokens, uint32_t dram_tokens,
                                   uint32_t unit_tokens)
{
    struct placement_config config = {
        .policy = policy_find(policy),
        .fetches = policy_find(policy)->fetches,
        .unit_tokens = unit_tokens,
        .bytes_per_token = BYTES_PER_TOKEN,
        .keys = { .write = { [TIER_SSD] = WRITE_BACK, [TIER_REMOTE] = WRITE_BACK },
                  .inclusive = { [TIER_DRAM] = true, [TIER_SSD] = true },
                  .fetches_in_flight = 2,
                  .policy = { .scheduler_aware_fetching_window = 1.0,
                              .scheduler_aware_eviction_window = 1.0 } }
    };
    config.capacity_bytes[TIER_HBM] = (uint64_t)hbm_tokens * BYTES_PER_TOKEN;
    config.capacity_bytes[TIER_DRAM] = (uint64_t)dram_tokens * BYTES_PER_TOKEN;
    config.capacity_bytes[TIER_SSD] = 20000 * BYTES_PER_TOKEN;
    return placement_new(&config);
}

static struct placement *core_of(uint32_t hbm_tokens, uint32_t unit_tokens)
{
    return core_with("lru", hbm_tokens, 4000, unit_tokens);
}

static uint32_t ask(struct placement *core, uint64_t key)
{
    return placement_queue(core, 0, &key, 1, 0, 1);
}

static enum prepare prepare(struct placement *core, uint32_t job, uint32_t total_tokens)
{
    struct placement_hits hits;
    return placement_prepare(core, 0, job, 0, total_tokens, TIER_SSD, &hits);
}

/* Ends every transfer that the core has begun; returns the last job it released. */
static uint32_t end_all_transfers(struct placement *core)
{
    struct action action;
    uint32_t released = 0;
    while (placement_take(core, &action, 1) > 0) {
        if (action.id != 0)
            placement_transfer_ended(core, 0, action.id);
        if (action.kind == ACTION_RELEASE)
            released = action.job;
    }
    return released;
}

START_TEST(a_job_may_be_taken_from_the_middle_of_the_queue)
{
    struct placement *core = core_of(1000, UINT32_MAX);
    uint32_t first = ask(core, 1), second = ask(core, 2), third = ask(core, 3);
    ck_assert_int_eq(prepare(core, second, 100), PREPARE_DONE);
    placement_verify(core);
    ck_assert_int_eq(prepare(core, third, 100), PREPARE_DONE);
    ck_assert_int_eq(prepare(core, first, 100), PREPARE_DONE);
    placement_verify(core);
    ck_assert_uint_eq(placement_used_bytes(core, TIER_HBM), 300 * BYTES_PER_TOKEN);
    placement_free(core);
}
END_TEST

START_TEST(hbm_grows_until_there_is_none_and_shrinks_back)
{
    struct placement *core = core_of(100, UINT32_MAX);
    uint32_t job = ask(core, 1);
    ck_assert_int_eq(prepare(core, job, 60), PREPARE_DONE);
    ck_assert(placement_resize(core, 0, job, 100, true));
    ck_assert(!placement_resize(core, 0, job, 101, true));
    ck_assert_uint_eq(placement_used_bytes(core, TIER_HBM), 100 * BYTES_PER_TOKEN);
    ck_assert(placement_resize(core, 0, job, 70, true));
    ck_assert_uint_eq(placement_used_bytes(core, TIER_HBM), 70 * BYTES_PER_TOKEN);
    placement_verify(core);
    placement_free(core);
}
END_TEST

START_TEST(a_preempted_job_frees_its_hbm_at_once_and_keeps_its_turn)
{
    struct placement *core = core_of(100, UINT32_MAX);
    uint32_t victim = ask(core, 1);
    ck_assert_int_eq(prepare(core, victim, 80), PREPARE_DONE);
    placement_save(core, 0, victim, 50); /* a save of 50 tokens is now in flight */
    uint32_t later = ask(core, 2);
    uint32_t again = placement_preempt(core, 0, victim, 80);
    placement_verify(core);
    ck_assert_uint_eq(placement_used_bytes(core, TIER_HBM), 0);
    ck_assert_int_eq(prepare(core, later, 20), PREPARE_DONE);
    /* What was being saved arrives, and is what the job finds when it is prepared again. */
    ck_assert_int_eq(prepare(core, again, 80), PREPARE_WAIT);
    ck_assert_uint_eq(end_all_transfers(core), victim);
    ck_assert_uint_eq(placement_peek(core, again, 0, TIER_SSD).tokens[TIER_DRAM], 50);
    ck_assert_int_eq(prepare(core, again, 80), PREPARE_DONE);
    placement_verify(core);
    placement_free(core);
}
END_TEST

START_TEST(what_waits_for_room_to_be_saved_is_given_up_with_the_job)
{
    struct placement *core = core_of(9000, UINT32_MAX);
    uint32_t first = ask(core, 1), second = ask(core, 2);
    ck_assert_int_eq(prepare(core, first, 4000), PREPARE_DONE);
    ck_assert_int_eq(prepare(core, second, 4000), PREPARE_DONE);
    placement_save(core, 0, first, 4000);
    end_all_transfers(core); /* the first one's KV fills DRAM */
    placement_finish(core, 0, first);
    placement_save(core, 0, second, 4000);
    ck_assert(placement_saving(core, second)); /* until the first is demoted */
    placement_preempt(core, 0, second, 4000);
    placement_verify(core);
    end_all_transfers(core);
    placement_verify(core);
    ck_assert_uint_eq(placement_used_bytes(core, TIER_HBM), 0);
    placement_free(core);
}
END_TEST

/* ---- sharing of blocks in HBM ---- */

/* Runs a job over the first `blocks` of the keys 1, 2, 3... to its end; its KV stays in HBM. */
static void leave_in_hbm(struct placement *core, uint32_t blocks, uint32_t tokens)
{
    const uint64_t keys[] = { 1, 2, 3, 4 };
    struct placement_hits hits;
    uint32_t job = placement_queue(core, 0, keys, blocks, tokens, blocks);
    ck_assert_int_eq(placement_prepare(core, 0, job, 0, tokens, TIER_SSD, &hits), PREPARE_DONE);
    placement_save(core, 0, job, tokens);
    placement_finish(core, 0, job);
    end_all_transfers(core);
}

static uint64_t hbm_of_two_sharers(uint32_t blocks, uint32_t tokens, uint32_t total_tokens)
{
    const uint64_t keys[] = { 1, 2, 3, 4 };
    struct placement_config config = {
        .policy = policy_find("lru"),
        .unit_tokens = BLOCK,
        .bytes_per_token = BYTES_PER_TOKEN,
        .hbm_cache_bytes = 1000 * BYTES_PER_TOKEN,
        .keys = { .write = { [TIER_SSD] = WRITE_BACK, [TIER_REMOTE] = WRITE_BACK },
                  .inclusive = { [TIER_DRAM] = true, [TIER_SSD] = true },
                  .fetches_in_flight = 2 }
    };
    for (int tier = 0; tier < TIER_COUNT; tier++)
        config.capacity_bytes[tier] = 1000 * BYTES_PER_TOKEN;
    struct placement *core = placement_new(&config);
    struct placement_hits hits;
    leave_in_hbm(core, blocks, tokens);
    for (int i = 0; i < 2; i++) {
        uint32_t job = placement_queue(core, 0, keys, blocks, tokens, blocks);
        ck_assert_int_eq(placement_prepare(core, 0, job, 0, total_tokens, TIER_SSD, &hits),
                         PREPARE_DONE);
        ck_assert_uint_eq(hits.tokens[TIER_HBM], tokens);
        placement_verify(core);
    }
    uint64_t used = placement_used_bytes(core, TIER_HBM) / BYTES_PER_TOKEN;
    placement_free(core);
    return used;
}

START_TEST(full_blocks_are_shared_and_a_partial_one_is_copied_by_each_that_writes_on)
{
    /* 32 tokens are 2 full blocks: once for all, and 10 own tokens each. */
    ck_assert_uint_eq(hbm_of_two_sharers(2, 32, 42), 32 + 2 * 10);
    /* Of 40 tokens the last 8 are a partial block: each has its own copy of them. */
    ck_assert_uint_eq(hbm_of_two_sharers(3, 40, 50), 40 + 2 * (10 + 8));
}
END_TEST

/* ---- any sequence of calls ---- */

enum { JOBS = 12, SESSIONS = 5 };
enum phase { ABSENT, QUEUED, RUNNING };
struct any_job {
    enum phase phase;
    uint32_t job, key, blocks, total_tokens;
};

struct any_case {
    struct placement *core;
    struct random random;
    struct any_job job[JOBS];
    uint32_t transfer[512], transfers;
    bool sessions;
};

static void take_actions(struct any_case *c)
{
    struct action action;
    while (placement_take(c->core, &action, 1) > 0)
        if (action.id != 0)
            c->transfer[c->transfers++] = action.id;
}

static bool key_is_taken(const struct any_case *c, uint32_t key)
{
    for (int i = 0; i < JOBS; i++)
        if (c->job[i].phase != ABSENT && c->job[i].key == key)
            return true;
    return false;
}

static void queue_any(struct any_case *c, struct any_job *job)
{
    uint64_t keys[16];
    job->key = (uint32_t)random_below(&c->random, SESSIONS) + 1;
    job->blocks = c->sessions ? 1 : (uint32_t)random_below(&c->random, 8) + 1;
    if (c->sessions && key_is_taken(c, job->key)) /* a session asks one turn at a time */
        return;
    for (uint32_t i = 0; i < job->blocks; i++)
        keys[i] = c->sessions ? job->key : job->key * 100 + i;
    job->total_tokens = c->sessions ? 60 : job->blocks * BLOCK;
    job->job = placement_queue(c->core, 0, keys, job->blocks, job->total_tokens, job->blocks);
    job->phase = QUEUED;
}

static bool has_loads(struct any_case *c)
{
    return c->transfers > 0; /* more than needed, and simple */
}

static void run_any(struct any_case *c, struct any_job *job)
{
    switch (random_below(&c->random, 4)) {
    case 0:
        placement_save(c->core, 0, job->job, job->total_tokens);
        break;
    case 1:
        if (placement_resize(c->core, 0, job->job, job->total_tokens + BLOCK, true) &&
            random_below(&c->random, 2) == 0)
            ck_assert(placement_resize(c->core, 0, job->job, job->total_tokens, true));
        break;
    case 2:
        if (!has_loads(c)) {
            job->job = placement_preempt(c->core, 0, job->job, job->total_tokens);
            job->phase = QUEUED;
        }
        break;
    default:
        if (!has_loads(c)) {
            placement_finish(c->core, 0, job->job);
            job->phase = ABSENT;
        }
    }
}

static void do_any(struct any_case *c)
{
    struct any_job *job = &c->job[random_below(&c->random, JOBS)];
    struct placement_hits hits;
    if (c->transfers > 0 && random_below(&c->random, 2) == 0) {
        uint32_t at = (uint32_t)random_below(&c->random, c->transfers);
        uint32_t id = c->transfer[at];
        c->transfer[at] = c->transfer[--c->transfers];
        placement_transfer_ended(c->core, 0, id);
    } else if (job->phase == ABSENT) {
        queue_any(c, job);
    } else if (job->phase == QUEUED) {
        if (placement_prepare(c->core, 0, job->job, 0, job->total_tokens, TIER_SSD, &hits) ==
            PREPARE_DONE)
            job->phase = RUNNING;
    } else {
        run_any(c, job);
    }
    take_actions(c);
}

/* Among them which jobs of the queue look-ahead need not look at again: every second pair has a
 * DRAM that holds two sessions, so that what is wanted goes to SSD and is fetched. */
START_TEST(the_books_agree_after_any_sequence_of_calls)
{
    const uint64_t seed = test_seed() + (uint64_t)_i;
    struct any_case c = { .random = random_from(seed, 1), .sessions = _i % 2 == 0 };
    uint32_t unit_tokens = c.sessions ? UINT32_MAX : BLOCK;
    c.core = _i % 4 < 2 ? core_of(400, unit_tokens)
                        : core_with("scheduler-aware", 400, 500, unit_tokens);
    for (int step = 0; step < 4000; step++) {
        do_any(&c);
        placement_verify(c.core);
    }
    placement_free(c.core);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("preemption");
    TCase *tcase = tcase_create("core");
    tcase_add_test(tcase, a_job_may_be_taken_from_the_middle_of_the_queue);
    tcase_add_test(tcase, hbm_grows_until_there_is_none_and_shrinks_back);
    tcase_add_test(tcase, a_preempted_job_frees_its_hbm_at_once_and_keeps_its_turn);
    tcase_add_test(tcase, what_waits_for_room_to_be_saved_is_given_up_with_the_job);
    tcase_add_test(tcase,
                   full_blocks_are_shared_and_a_partial_one_is_copied_by_each_that_writes_on);
    tcase_add_loop_test(tcase, the_books_agree_after_any_sequence_of_calls, 0, 12);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
