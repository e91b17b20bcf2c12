/* tests/base/test_team.c - in a round each item is done once, and what one round wrote the next one
 * sees, whoever did what. */
#include "base/team.h"

#include "tests/support.h"

enum { ITEMS = 13, ROUNDS = 3000 };

/* Plain memory: a race is the thread sanitizer's to find. */
struct job {
    uint64_t count[ITEMS]; /* how often each was done */
    uint64_t chain[ITEMS]; /* of each item's and its neighbour's value in the round before */
    uint64_t before[ITEMS];
};

static void do_item(void *context, uint32_t item)
{
    struct job *job = context;
    job->count[item]++;
    job->chain[item] = job->before[item] * 3 + job->before[(item + 1) % ITEMS];
}

START_TEST(each_item_is_done_once_a_round_and_sees_the_round_before)
{
    static const uint32_t members[] = { 1, 2, 3, 8, 40 };
    struct job job = { .count = { 0 } }, alone = job;
    struct team *team = team_start(members[_i], ITEMS, do_item, &job);
    ck_assert_uint_le(team_members(team), members[_i]);
    ck_assert_uint_ge(team_members(team), 1);
    for (uint32_t i = 0; i < ITEMS; i++)
        job.before[i] = alone.before[i] = i;
    for (uint64_t round = 1; round <= ROUNDS / members[_i]; round++) {
        team_round(team);
        for (uint32_t i = 0; i < ITEMS; i++)
            do_item(&alone, i);
        for (uint32_t i = 0; i < ITEMS; i++) {
            ck_assert_uint_eq(job.count[i], round);
            ck_assert_uint_eq(job.chain[i], alone.chain[i]);
            job.before[i] = alone.before[i] = job.chain[i] + round;
        }
    }
    team_end(team);
}
END_TEST

START_TEST(a_team_that_never_works_ends)
{
    struct job job = { .count = { 0 } };
    team_end(team_start(4, ITEMS, do_item, &job));
    team_end(NULL);
    ck_assert_uint_eq(job.count[0], 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base_team");
    TCase *tcase = tcase_create("team");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, each_item_is_done_once_a_round_and_sees_the_round_before, 0, 5);
    tcase_add_test(tcase, a_team_that_never_works_ends);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
