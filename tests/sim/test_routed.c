/* tests/sim/test_routed.c - what a router remembers of having sent: against a list of all that was
 * ever sent, and through runs whose requests share a prefix and come at once. */
#include "base/random.h"
#include "sim/engine/routed.h"
#include "tests/sim/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SESSIONS = 12, KEYS = 40, STEPS = 20000 };

/* All that was sent, in order; the slow way to remember. */
struct sent {
    uint64_t key, turn;
    uint32_t session, tokens;
};

/* Tokens of the last one with that key, if its turn has not ended. */
static uint32_t slow_tokens(const struct sent *sent, uint32_t count, const struct sessions *all,
                            uint64_t key)
{
    while (count-- > 0)
        if (sent[count].key == key)
            return all->item[sent[count].session].asked == sent[count].turn ? sent[count].tokens
                                                                            : 0;
    return 0;
}

static uint64_t turn_begins(struct sessions *all, uint32_t session)
{
    return all->item[session].asked = ++all->turns_asked;
}

START_TEST(what_is_under_way_is_known_and_what_has_ended_is_not)
{
    static struct sent sent[STEPS];
    static struct session item[SESSIONS];
    struct sessions all = { .item = item };
    struct routed routed;
    struct random random = random_from(test_seed(), 5);
    uint32_t count = 0;
    routed_init(&routed, 1 << 20);
    for (uint32_t session = 0; session < SESSIONS; session++)
        turn_begins(&all, session);
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t session = (uint32_t)random_below(&random, SESSIONS);
        if (random_below(&random, 8) == 0) {
            item[session].asked = 0; /* ends, and maybe asks again */
            if (random_below(&random, 2) == 0)
                turn_begins(&all, session);
        } else if (item[session].asked != 0) {
            uint64_t key = 1000 + random_below(&random, KEYS);
            uint32_t tokens = 1 + (uint32_t)random_below(&random, 16);
            sent[count++] = (struct sent){ key, item[session].asked, session, tokens };
            routed_note(&routed, &all, session, key, tokens);
        }
        uint64_t asked = 1000 + random_below(&random, KEYS);
        ck_assert_uint_eq(routed_tokens(&routed, &all, asked),
                          slow_tokens(sent, count, &all, asked));
    }
    /* Never more than were under way at once. */
    ck_assert_uint_le(routed.count, KEYS);
    routed_free(&routed);
}
END_TEST

START_TEST(of_more_than_may_be_remembered_the_oldest_is_forgotten)
{
    struct session item[1] = { { .asked = 1 } };
    struct sessions all = { .item = item };
    struct routed routed;
    routed_init(&routed, 3);
    const uint64_t keys[] = { 1, 2, 3, 1, 4 }; /* 1 is sent again: 2 is the oldest */
    for (size_t i = 0; i < 5; i++)
        routed_note(&routed, &all, 0, keys[i], 16);
    ck_assert_uint_eq(routed.count, 3);
    ck_assert_uint_eq(routed_tokens(&routed, &all, 2), 0);
    ck_assert_uint_eq(routed_tokens(&routed, &all, 1), 16);
    ck_assert_uint_eq(routed_tokens(&routed, &all, 3), 16);
    ck_assert_uint_eq(routed_tokens(&routed, &all, 4), 16);
    routed_free(&routed);
}
END_TEST

START_TEST(the_room_of_turns_that_ended_is_used_again)
{
    struct session item[1] = { { .asked = 0 } };
    struct sessions all = { .item = item };
    struct routed routed;
    routed_init(&routed, 1000);
    for (uint64_t turn = 1; turn <= 500; turn++) {
        item[0].asked = turn;
        for (uint64_t block = 0; block < 4; block++)
            routed_note(&routed, &all, 0, 10 * turn + block, 16);
    }
    ck_assert_uint_le(routed.count, 8);
    routed_free(&routed);
}
END_TEST

/* ---- runs ---- */

/* `count` requests, 10 ms apart, each of `shared` common blocks of 512 and one of its own. */
static char *burst(uint32_t count, uint32_t shared, uint32_t own)
{
    char *text = malloc(1 << 20);
    size_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        used += (size_t)sprintf(text + used,
                                "{\"timestamp\": %u, \"input_length\": %u, "
                                "\"output_length\": 20, \"hash_ids\": [",
                                10 * i, (shared + own) * 512);
        for (uint32_t block = 0; block < shared; block++)
            used += (size_t)sprintf(text + used, "%u, ", block + 1);
        for (uint32_t block = 0; block < own; block++)
            used += (size_t)sprintf(text + used, "%s%u", block > 0 ? ", " : "",
                                    100000 + 100 * i + block);
        used += (size_t)sprintf(text + used, "]}\n");
    }
    char *path = test_temp_file(text);
    free(text);
    return path;
}

static struct metrics run_burst(const char *path, const char *keys)
{
    char yaml[1024];
    snprintf(yaml, sizeof yaml,
             "trace: %s\nwarmup_turns: 0\nmodel: llama-3-8b\nhardware: h100\ngpus: 1\n"
             "policy: vllm-lru\ncluster.router: prefix-affinity\n",
             path);
    return run_all(yaml, keys);
}

START_TEST(a_burst_with_one_prefix_goes_where_its_first_request_went)
{
    char *path = burst(8, 16, 1);
    struct metrics alone = run_burst(path, "cluster.replicas=1");
    ck_assert_double_gt(alone.hit_rate_tokens, 0.6);
    for (int servers = 2; servers <= 8; servers *= 2) {
        char keys[64];
        snprintf(keys, sizeof keys, "cluster.replicas=%d", servers);
        ck_assert_double_eq(run_burst(path, keys).hit_rate_tokens, alone.hit_rate_tokens);
    }
    unlink(path);
    free(path);
}
END_TEST

/* A tier below HBM takes no hits away: what the first request computes, others find when they
 * start, however far ahead loads are begun. */
START_TEST(a_burst_hits_as_much_where_loads_are_begun_ahead)
{
    static const char *const presets[] = { "vllm-offload-lru", "mooncake-store", "kvbm" };
    char *path = burst(8, 16, 1);
    double alone = run_burst(path, "cluster.replicas=1").hit_rate_tokens;
    for (int i = 0; i < 3; i++) {
        char keys[96];
        snprintf(keys, sizeof keys, "cluster.replicas=1 policy=%s", presets[i]);
        ck_assert_double_ge(run_burst(path, keys).hit_rate_tokens, alone);
    }
    unlink(path);
    free(path);
}
END_TEST

/* A system prompt of a third of each prompt is no reason. */
START_TEST(a_prefix_that_is_too_small_a_share_does_not_gather_a_burst)
{
    char *path = burst(8, 4, 8);
    struct metrics spread = run_burst(path, "cluster.replicas=4");
    struct metrics gathered = run_burst(path, "cluster.replicas=4 cluster.router_share=0.2");
    ck_assert_double_eq(spread.router_imbalance, 1.0);
    ck_assert_double_eq(gathered.router_imbalance, 4.0);
    unlink(path);
    free(path);
}
END_TEST

/* 60 at once: with 4 more than on an idle server the load decides, unless it is no multiple. */
START_TEST(beyond_a_number_and_a_ratio_the_load_decides)
{
    char *path = burst(60, 16, 1);
    const char *loyal = "cluster.replicas=3 cluster.router_slack=1000";
    const char *ratio = "cluster.replicas=3 cluster.router_slack=4 cluster.router_ratio=1000000";
    const char *fair = "cluster.replicas=3 cluster.router_slack=4";
    ck_assert_double_eq(run_burst(path, loyal).router_imbalance, 3.0);
    struct metrics balanced = run_burst(path, fair);
    ck_assert_double_lt(balanced.router_imbalance, 1.5);
    /* Where each server has the prefix, it is found on each. */
    ck_assert_double_gt(balanced.hit_rate_tokens, 0.6);
    /* Only a server without any turn is a million times less loaded. */
    ck_assert_double_gt(run_burst(path, ratio).router_imbalance, balanced.router_imbalance);
    unlink(path);
    free(path);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("routed");
    TCase *tests = tcase_create("routed");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_is_under_way_is_known_and_what_has_ended_is_not);
    tcase_add_test(tests, of_more_than_may_be_remembered_the_oldest_is_forgotten);
    tcase_add_test(tests, the_room_of_turns_that_ended_is_used_again);
    tcase_add_test(tests, a_burst_with_one_prefix_goes_where_its_first_request_went);
    tcase_add_test(tests, a_burst_hits_as_much_where_loads_are_begun_ahead);
    tcase_add_test(tests, a_prefix_that_is_too_small_a_share_does_not_gather_a_burst);
    tcase_add_test(tests, beyond_a_number_and_a_ratio_the_load_decides);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
