/* tests/runtime/test_disk_share.c - what a transfer may have out, with answers known by hand. */
#include "runtime/disk_share.h"
#include "tests/support.h"

/* A page has 32 slices; the disk takes 16 requests. */
static struct disk_share share_of(uint32_t slices, uint32_t pages)
{
    return (struct disk_share){ .depth = 16, .page_slices = 32, .slices = slices, .pages = pages };
}

START_TEST(a_lone_transfer_has_all_of_the_disk)
{
    struct disk_share load = share_of(1, 0), fetch = share_of(0, 1);
    ck_assert_uint_eq(disk_share_window(&load, true), 16);
    ck_assert_uint_eq(disk_share_window(&fetch, false), 1);
    fetch.page_slices = 4; /* as many bytes as the load has */
    ck_assert_uint_eq(disk_share_window(&fetch, false), 4);
}
END_TEST

START_TEST(several_of_a_kind_share_it_and_each_has_one_at_least)
{
    struct disk_share loads = share_of(2, 0), three = share_of(0, 3), many = share_of(0, 40);
    ck_assert_uint_eq(disk_share_window(&loads, true), 8);
    ck_assert_uint_eq(disk_share_window(&three, false), 1);
    three.page_slices = 2;
    ck_assert_uint_eq(disk_share_window(&three, false), 2);
    ck_assert_uint_eq(disk_share_window(&many, false), 1);
}
END_TEST

START_TEST(where_slices_and_pages_meet_both_have_the_same_bytes_out)
{
    struct disk_share both = share_of(1, 1), small = both;
    ck_assert_uint_eq(disk_share_window(&both, false), 1); /* a page */
    ck_assert_uint_eq(disk_share_window(&both, true), 32); /* and as much of slices */
    small.page_slices = 2;
    ck_assert_uint_eq(disk_share_window(&small, true), 8);
    ck_assert_uint_eq(disk_share_window(&small, false), 4);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("disk_share");
    TCase *tcase = tcase_create("window");
    tcase_add_test(tcase, a_lone_transfer_has_all_of_the_disk);
    tcase_add_test(tcase, several_of_a_kind_share_it_and_each_has_one_at_least);
    tcase_add_test(tcase, where_slices_and_pages_meet_both_have_the_same_bytes_out);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
