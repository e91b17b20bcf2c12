/* tests/sweep/test_crew.c - every item given is done once and taken back once, by however many
 * threads. */
#include "sweep/crew.h"

#include "tests/support.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define ITEMS 5000
#define WAIT_NS UINT64_C(1000000000)

struct job {
    atomic_uint times[ITEMS];
    uint64_t plain[ITEMS]; /* written by the thread, read after crew_take() */
    atomic_bool hold;      /* threads wait in their item while it is set */
};
static struct job job;

static void work(void *context, uint32_t item)
{
    struct job *doing = context;
    while (atomic_load(&doing->hold))
        nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
    doing->plain[item] = item * UINT64_C(3);
    atomic_fetch_add(&doing->times[item], 1);
}

static struct crew *started(uint32_t threads)
{
    struct crew *crew;
    struct error err = { 0 };
    memset(&job, 0, sizeof job);
    ck_assert_int_eq(crew_start(threads, work, &job, &crew, &err), STATUS_OK);
    return crew;
}

START_TEST(each_item_is_done_once_and_taken_back_once)
{
    struct crew *crew = started((uint32_t)_i);
    bool taken[ITEMS] = { false };
    for (uint32_t i = 0; i < ITEMS; i++)
        crew_give(crew, i);
    ck_assert_uint_eq(crew_owes(crew), ITEMS);
    for (uint32_t n = 0; n < ITEMS; n++) {
        uint32_t item;
        ck_assert(crew_take(crew, WAIT_NS, &item));
        ck_assert(!taken[item]);
        taken[item] = true;
        ck_assert_uint_eq(atomic_load(&job.times[item]), 1);
        ck_assert_uint_eq(job.plain[item], item * UINT64_C(3));
    }
    uint32_t none;
    ck_assert(!crew_take(crew, 0, &none));
    ck_assert_uint_eq(crew_owes(crew), 0);
    crew_end(crew);
}
END_TEST

START_TEST(one_thread_keeps_the_order)
{
    struct crew *crew = started(1);
    for (uint32_t i = 0; i < 100; i++)
        crew_give(crew, 99 - i);
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t item;
        ck_assert(crew_take(crew, WAIT_NS, &item));
        ck_assert_uint_eq(item, 99 - i);
    }
    crew_end(crew);
}
END_TEST

START_TEST(what_was_not_begun_can_be_forgotten)
{
    struct crew *crew = started(2);
    atomic_store(&job.hold, true);
    for (uint32_t i = 0; i < 100; i++)
        crew_give(crew, i);
    crew_forget_waiting(crew);
    uint32_t owed = crew_owes(crew), item;
    ck_assert_uint_le(owed, 2);
    ck_assert(!crew_take(crew, 1000000, &item));
    atomic_store(&job.hold, false);
    for (uint32_t i = 0; i < owed; i++)
        ck_assert(crew_take(crew, WAIT_NS, &item));
    crew_give(crew, 7);
    ck_assert(crew_take(crew, WAIT_NS, &item));
    ck_assert_uint_eq(item, 7);
    crew_end(crew);
}
END_TEST

START_TEST(ending_waits_for_what_is_under_way)
{
    struct crew *crew = started(3);
    for (uint32_t i = 0; i < 1000; i++)
        crew_give(crew, i);
    crew_end(crew);
    uint32_t done = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        ck_assert_uint_le(atomic_load(&job.times[i]), 1);
        done += atomic_load(&job.times[i]);
    }
    ck_assert_uint_le(done, 1000);
    crew_end(NULL);
}
END_TEST

START_TEST(a_crew_is_no_larger_than_its_work)
{
    ck_assert_uint_eq(crew_size(8, 3), 3);
    ck_assert_uint_eq(crew_size(2, 3), 2);
    ck_assert_uint_eq(crew_size(5, 0), 5);
    ck_assert_uint_ge(crew_size(0, 0), 1);
    ck_assert_uint_eq(crew_size(1000000, 0), 1024);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crew");
    TCase *tcase = tcase_create("crew");
    tcase_add_loop_test(tcase, each_item_is_done_once_and_taken_back_once, 1, 5);
    tcase_add_test(tcase, one_thread_keeps_the_order);
    tcase_add_test(tcase, what_was_not_begun_can_be_forgotten);
    tcase_add_test(tcase, ending_waits_for_what_is_under_way);
    tcase_add_test(tcase, a_crew_is_no_larger_than_its_work);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
