/* tests/sweep/test_bill.c - dollars and SSD life by hand, and every shipped price file. */
#include "sweep/bill.h"

#include "base/units.h"
#include "tests/support.h"

#include <math.h>
#include <string.h>

#define HOUR_NS 3.6e12

static struct prices loaded(const char *name)
{
    struct prices prices;
    struct error err = { 0 };
    if (prices_load(name, NULL, 0, &prices, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("%s was refused", name);
    }
    return prices;
}

/* Ten hours, busy for four, 20 million tokens, 1,000 sessions, 24 TB written. */
static struct metrics ten_hours(void)
{
    struct metrics metrics;
    memset(&metrics, 0, sizeof metrics);
    metrics.turns = 5000;
    metrics.sessions = 1000;
    metrics.elapsed_ns = 10 * HOUR_NS;
    metrics.gpu_busy_ns = 4 * HOUR_NS;
    metrics.gpu_utilisation = 0.4;
    metrics.wanted_tokens = 15e6;
    metrics.reply_tokens = 5e6;
    metrics.ssd_written_bytes = 24e12;
    return metrics;
}

static const struct bought paper_server = { .gpus = 2, .replicas = 1, .keeps_kv = true,
                                            .dram_bytes = 128000000000, .ssd_bytes = 10240000000000 };

START_TEST(the_papers_hour_is_its_relation)
{
    struct prices prices = loaded("paper");
    struct metrics metrics = ten_hours();
    const double hour = 2 * 5 + 128 * 0.0088 + 10240 * 0.000082;
    struct bill rented = bill_of(&paper_server, &prices, BILL_RENTED, &metrics);
    struct bill busy = bill_of(&paper_server, &prices, BILL_BUSY, &metrics);
    ck_assert_double_eq_tol(rented.usd_per_hour, hour, 1e-9);
    ck_assert_double_eq_tol(rented.usd_per_mtok, hour * 10 / 20, 1e-9);
    ck_assert_double_eq_tol(rented.usd_per_session, hour * 10 / 1000, 1e-9);
    ck_assert_double_eq_tol(rented.usd_per_month, hour * 730.5, 1e-6);
    ck_assert_double_eq_tol(busy.usd_per_mtok, hour * 4 / 20, 1e-9);
}
END_TEST

START_TEST(owning_is_writing_off_support_and_electricity)
{
    struct prices prices = { .usd_per_gpu = 8766, .usd_per_server_per_gpu = 0, .usd_per_dram_gb = 10,
                             .usd_per_ssd_gb = 1, .years = 2, .support_per_year = 0.1,
                             .gpu_busy_watts = 600, .gpu_idle_watts = 100,
                             .server_watts_per_gpu = 200, .dram_watts_per_gb = 1,
                             .ssd_watts_per_tb = 10, .pue = 1.5, .usd_per_kwh = 0.1,
                             .ssd_writes_per_day = 1, .ssd_warranty_years = 5 };
    struct metrics metrics = ten_hours();
    struct bill bill = bill_of(&paper_server, &prices, BILL_OWNED, &metrics);
    /* An hour takes (1/2 + 0.1) / 8766 of the price; a GPU draws 100 + 0.4 * 500 + 200 = 500 W. */
    ck_assert_double_eq_tol(bill.gpu_usd_per_hour, 2 * 0.6 + 2 * 0.5 * 1.5 * 0.1, 1e-9);
    ck_assert_double_eq_tol(bill.dram_usd_per_hour, 1280 * 0.6 / 8766 + 0.128 * 1.5 * 0.1, 1e-9);
    ck_assert_double_eq_tol(bill.ssd_usd_per_hour, 10240 * 0.6 / 8766 + 0.1024 * 1.5 * 0.1, 1e-9);
    ck_assert_double_eq_tol(bill.invoice_usd, 2 * 8766 + 1280 + 10240, 1e-6);
}
END_TEST

START_TEST(rated_writes_last_as_long_as_they_are_spread)
{
    struct prices prices = loaded("paper"); /* 1 a day for 5 years */
    struct metrics metrics = ten_hours();
    struct bill bill = bill_of(&paper_server, &prices, BILL_RENTED, &metrics);
    double a_day = 24.0 / 10.24 * 24 / 10;
    ck_assert_double_eq_tol(bill.ssd_writes_per_day, a_day, 1e-9);
    ck_assert_double_eq_tol(bill.ssd_years, 5 / a_day, 1e-9);
    metrics.ssd_written_bytes = 0;
    bill = bill_of(&paper_server, &prices, BILL_RENTED, &metrics);
    ck_assert(isinf(bill.ssd_years));
}
END_TEST

START_TEST(replicas_cost_their_number_and_serve_it)
{
    struct prices prices = loaded("h100");
    struct metrics metrics = ten_hours();
    struct bought three = paper_server;
    three.replicas = 3;
    for (int billing = BILL_BUSY; billing <= BILL_OWNED; billing++) {
        struct bill one = bill_of(&paper_server, &prices, billing, &metrics);
        struct bill all = bill_of(&three, &prices, billing, &metrics);
        ck_assert_double_eq_tol(all.usd_per_hour, 3 * one.usd_per_hour, 1e-9);
        ck_assert_double_eq_tol(all.usd_per_mtok, one.usd_per_mtok, 1e-9);
        ck_assert_double_eq(all.ssd_years, one.ssd_years);
    }
}
END_TEST

START_TEST(what_a_policy_does_not_use_is_not_bought)
{
    struct experiment experiment;
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(experiment_from_tree(NULL, NULL, &experiment, &err), STATUS_OK);
    ck_assert_int_eq(hardware_load("paper-4xa100", &hardware, &err), STATUS_OK);
    struct bought bought = bought_for(&experiment, &hardware, 2);
    ck_assert(bought.keeps_kv);
    ck_assert_uint_eq(bought.dram_bytes, hardware.dram_bytes);
    ck_assert_uint_eq(bought.replicas, 2);
    strcpy(experiment.policy, "none");
    bought = bought_for(&experiment, &hardware, 2);
    ck_assert(!bought.keeps_kv);
    ck_assert_uint_eq(bought.dram_bytes + bought.ssd_bytes, 0);
    strcpy(experiment.policy, "lru+on-demand");
    experiment.dram_bytes = experiment.ssd_bytes = 0;
    ck_assert(!bought_for(&experiment, &hardware, 1).keeps_kv);
}
END_TEST

static void load_one(const char *name, void *context)
{
    struct prices prices = loaded(name);
    ck_assert_str_eq(prices.name, name);
    ck_assert_uint_gt(strlen(prices.source), 10);
    ck_assert_uint_ge(strlen(prices.date), 7);
    ck_assert_double_gt(prices.rent_usd_per_gpu_hour, 0);
    (*(int *)context)++;
}

START_TEST(every_shipped_file_loads_and_says_source_and_date)
{
    int count = 0;
    struct error err = { 0 };
    ck_assert_int_eq(models_list("prices", load_one, &count, &err), STATUS_OK);
    ck_assert_int_ge(count, 4);
}
END_TEST

START_TEST(single_prices_can_be_changed_and_wrong_ones_are_refused)
{
    struct prices prices;
    struct error err = { 0 };
    const char *change[] = { "owned.usd_per_dram_gb=6", "owned.years=5" };
    ck_assert_int_eq(prices_load("h100", change, 2, &prices, &err), STATUS_OK);
    ck_assert_double_eq(prices.usd_per_dram_gb, 6);
    ck_assert_double_eq(prices.years, 5);
    ck_assert_int_eq(prices_load("h100", (const char *[]){ "owned.yeers=5" }, 1, &prices, &err),
                     STATUS_INPUT);
    err = (struct error){ 0 };
    ck_assert_int_eq(prices_load("no-such", NULL, 0, &prices, &err), STATUS_INPUT);
    enum billing billing;
    err = (struct error){ 0 };
    prices = loaded("paper");
    ck_assert_int_eq(billing_parse("owned", &prices, &billing, &err), STATUS_INPUT);
    err = (struct error){ 0 };
    ck_assert_int_eq(billing_parse("rented", &prices, &billing, &err), STATUS_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bill");
    TCase *tcase = tcase_create("bill");
    tcase_add_test(tcase, the_papers_hour_is_its_relation);
    tcase_add_test(tcase, owning_is_writing_off_support_and_electricity);
    tcase_add_test(tcase, rated_writes_last_as_long_as_they_are_spread);
    tcase_add_test(tcase, replicas_cost_their_number_and_serve_it);
    tcase_add_test(tcase, what_a_policy_does_not_use_is_not_bought);
    tcase_add_test(tcase, every_shipped_file_loads_and_says_source_and_date);
    tcase_add_test(tcase, single_prices_can_be_changed_and_wrong_ones_are_refused);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
