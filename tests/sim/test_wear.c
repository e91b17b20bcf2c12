/* tests/sim/test_wear.c - SSD life by hand, and when a run says that a tier is misused. */
#include "sim/engine/wear.h"
#include "tests/sim/runs.h"

#include <string.h>

#define DAY_NS 86400e9

static const struct drive one_tb = { .name = "one",
                                     .capacity_bytes = 1000000000000,
                                     .endurance_bytes = 1000000000000000,
                                     .warranty_years = 5 };

START_TEST(a_drive_written_once_a_day_lasts_its_rated_writes)
{
    /* Three drives; 3 TB a day are one drive write a day; 1,000 such days. */
    struct wear wear = wear_of(&one_tb, 3, 131072, 1.0, 6e12, 2 * DAY_NS);
    ck_assert_uint_eq(wear.drives, 3);
    ck_assert_double_eq_tol(wear.bytes_per_day, 3e12, 1.0);
    ck_assert_double_eq_tol(wear.writes_per_day, 1.0, 1e-12);
    ck_assert_double_eq_tol(wear.years, 1000.0 / 365.25, 1e-9);
}
END_TEST

START_TEST(amplified_writes_wear_faster_and_more_servers_share_them)
{
    struct wear plain = wear_of(&one_tb, 1, 131072, 1.0, 1e12, DAY_NS);
    struct wear amplified = wear_of(&one_tb, 1, 131072, 2.5, 1e12, DAY_NS);
    struct wear four = wear_of(&one_tb, 4, 131072, 1.0, 1e12, DAY_NS);
    ck_assert_double_eq_tol(amplified.years, plain.years / 2.5, 1e-9);
    ck_assert_double_eq_tol(four.years, plain.years * 4.0, 1e-9);
    ck_assert_double_eq(amplified.bytes_per_day, plain.bytes_per_day);
}
END_TEST

/* DWPD is what is written, however large its pieces. */
START_TEST(small_writes_wear_as_rated_and_large_ones_less)
{
    struct drive drive = one_tb;
    drive.endurance_write_bytes = 4096;
    drive.endurance_large_bytes = 4000000000000000;
    struct wear small = wear_of(&drive, 1, 4096, 1.0, 1e12, DAY_NS);
    struct wear large = wear_of(&drive, 1, 131072, 1.0, 1e12, DAY_NS);
    ck_assert_double_eq_tol(small.years, 1000.0 / 365.25, 1e-9);
    ck_assert_double_eq_tol(large.years, 4000.0 / 365.25, 1e-9);
    ck_assert_double_eq(small.writes_per_day, large.writes_per_day);
}
END_TEST

START_TEST(nothing_written_or_no_drives_is_no_wear)
{
    ck_assert_double_eq(wear_of(&one_tb, 1, 4096, 1.0, 0.0, DAY_NS).years, 0.0);
    struct wear none = wear_of(&one_tb, 0, 4096, 1.0, 1e12, DAY_NS);
    ck_assert_uint_eq(none.drives, 0);
    ck_assert_double_eq(none.bytes_per_day + none.writes_per_day + none.years, 0.0);
}
END_TEST

START_TEST(findings_say_what_is_wrong_most_important_first)
{
    struct metrics metrics = { .fetch_ssd_dram_bytes = 100.0,
                               .fetched_unused_bytes = 63.0,
                               .stored_bytes = 100.0,
                               .stored_never_loaded_bytes = 91.0,
                               .ssd_years = 1.5 };
    char text[320];
    ck_assert(wear_finding(&metrics, &one_tb, 0, text, sizeof text));
    ck_assert_ptr_nonnull(strstr(text, "DRAM is thrashing: 63 % of what is fetched is evicted"));
    ck_assert_ptr_nonnull(strstr(text, "tiers.dram.capacity"));
    ck_assert(wear_finding(&metrics, &one_tb, 1, text, sizeof text));
    ck_assert_ptr_nonnull(strstr(text, "91 % of what is stored is never loaded"));
    ck_assert(wear_finding(&metrics, &one_tb, 2, text, sizeof text));
    ck_assert_ptr_nonnull(strstr(text, "1.5 years"));
    ck_assert(!wear_finding(&metrics, &one_tb, 3, text, sizeof text));
    ck_assert(!wear_finding(&(struct metrics){ 0 }, &one_tb, 0, text, sizeof text));
}
END_TEST

/* What is fetched is used, unless DRAM is too small for the queue's KV and the batch's. */
START_TEST(a_small_dram_gives_up_what_it_fetched_and_a_large_one_does_not)
{
    struct metrics small = run_all(SMALL, "tiers.dram.capacity=32GB");
    struct metrics large = run_all(SMALL, "tiers.dram.capacity=10TB");
    ck_assert_double_gt(small.fetched_unused_bytes, 0.0);
    ck_assert_double_le(small.fetched_unused_bytes, small.fetch_ssd_dram_bytes);
    ck_assert_double_eq(large.fetched_unused_bytes, 0.0);
    ck_assert_double_gt(small.ssd_years, 0.0);
}
END_TEST

/* Contexts that overflow all the time: the warm-up's KV goes while others' is measured. */
START_TEST(no_more_is_in_vain_than_was_stored_while_measured)
{
    struct metrics metrics =
        run("warmup_turns: 20\nworkload.sessions: 80\nengine.context_window: 17\n", NULL);
    ck_assert_double_gt(metrics.stored_never_loaded_bytes, 0.0);
    ck_assert_double_le(metrics.stored_never_loaded_bytes, metrics.stored_bytes);
}
END_TEST

START_TEST(every_shipped_drive_keeps_its_rated_writes_a_day)
{
    static const char *const names[] = { "samsung-pm9d3a-7.68tb", "micron-7450-max-3.2tb",
                                         "samsung-990-pro-2tb" };
    const double rated[] = { 1.0, 3.0, 1200.0 / (2.0 * 5.0 * 365.0) };
    for (int i = 0; i < 3; i++) {
        struct drive drive;
        struct error err = { 0 };
        ck_assert_int_eq(drive_load(names[i], &drive, &err), STATUS_OK);
        double per_day = (double)drive.endurance_bytes / (double)drive.capacity_bytes /
                         (drive.warranty_years * 365.0);
        ck_assert_double_eq_tol(per_day, rated[i], 0.001);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("wear");
    TCase *tcase = tcase_create("ssd");
    tcase_add_test(tcase, a_drive_written_once_a_day_lasts_its_rated_writes);
    tcase_add_test(tcase, amplified_writes_wear_faster_and_more_servers_share_them);
    tcase_add_test(tcase, small_writes_wear_as_rated_and_large_ones_less);
    tcase_add_test(tcase, nothing_written_or_no_drives_is_no_wear);
    tcase_add_test(tcase, findings_say_what_is_wrong_most_important_first);
    tcase_add_test(tcase, a_small_dram_gives_up_what_it_fetched_and_a_large_one_does_not);
    tcase_add_test(tcase, no_more_is_in_vain_than_was_stored_while_measured);
    tcase_add_test(tcase, every_shipped_drive_keeps_its_rated_writes_a_day);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
