/* tests/runtime/test_remote.c - the pool's stand-in: whose pages are whose. */
#include "runtime/remote.h"
#include "tests/support.h"

enum { PAGES = 8 };

static uint32_t taken(struct remote *remote)
{
    uint32_t page;
    ck_assert(page_take(&remote->pages, &page));
    return page;
}

START_TEST(a_copy_has_the_pages_that_were_put_last_at_each_index)
{
    struct remote remote;
    remote_init(&remote, PAGES, 64, 2);
    uint32_t first = taken(&remote), second = taken(&remote), longer = taken(&remote);
    remote_put(&remote, 7, 3, first);
    remote_put(&remote, 7, 4, second);
    ck_assert_uint_eq(remote_page(&remote, 7, 3), first);
    ck_assert_uint_eq(remote_page(&remote, 7, 4), second);
    remote_put(&remote, 7, 4, longer); /* of the same tokens and more */
    ck_assert_uint_eq(remote_page(&remote, 7, 4), longer);
    ck_assert_uint_eq(remote.pages.free_count, PAGES - 2);
    remote_free(&remote);
}
END_TEST

START_TEST(a_page_that_was_replaced_stays_with_its_readers)
{
    struct remote remote;
    remote_init(&remote, PAGES, 64, 2);
    uint32_t page = taken(&remote);
    remote_put(&remote, 7, 0, page);
    page_use(&remote.pages, page); /* a server reads it */
    remote_put(&remote, 7, 0, taken(&remote));
    ck_assert_uint_eq(remote.pages.free_count, PAGES - 2);
    page_leave(&remote.pages, page);
    ck_assert_uint_eq(remote.pages.free_count, PAGES - 1);
    remote_free(&remote);
}
END_TEST

START_TEST(a_key_that_is_forgotten_has_no_page_and_comes_anew)
{
    struct remote remote;
    remote_init(&remote, PAGES, 64, 2);
    for (uint64_t round = 0; round < 100; round++) {
        for (uint64_t key = 0; key < PAGES; key++)
            remote_put(&remote, 1000 * round + key, 5, taken(&remote));
        ck_assert_uint_eq(remote.pages.free_count, 0);
        for (uint64_t key = 0; key < PAGES; key++)
            remote_forget(&remote, 1000 * round + key);
        ck_assert_uint_eq(remote.pages.free_count, PAGES);
    }
    remote_forget(&remote, 3); /* never there */
    ck_assert_uint_le(remote.high_water, PAGES + 1);
    remote_free(&remote);
}
END_TEST

/* A session whose context lost all begins far behind what was kept of it. */
START_TEST(pages_that_do_not_follow_those_that_are_there_take_their_place)
{
    struct remote remote;
    remote_init(&remote, PAGES, 64, 2);
    remote_put(&remote, 7, 0, taken(&remote));
    remote_put(&remote, 7, 1, taken(&remote));
    uint32_t page = taken(&remote);
    remote_put(&remote, 7, 9, page);
    ck_assert_uint_eq(remote_page(&remote, 7, 9), page);
    ck_assert_uint_eq(remote.pages.free_count, PAGES - 1);
    remote_free(&remote);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("remote");
    TCase *tcase = tcase_create("pages");
    tcase_add_test(tcase, a_copy_has_the_pages_that_were_put_last_at_each_index);
    tcase_add_test(tcase, a_page_that_was_replaced_stays_with_its_readers);
    tcase_add_test(tcase, a_key_that_is_forgotten_has_no_page_and_comes_anew);
    tcase_add_test(tcase, pages_that_do_not_follow_those_that_are_there_take_their_place);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
