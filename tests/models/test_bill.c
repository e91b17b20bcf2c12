/* tests/models/test_bill.c - an invoice added up by hand, line by line and each way, and every
 * shipped file of prices. */
#include "models/bill.h"

#include "models/models.h"
#include "tests/support.h"

#include <math.h>
#include <string.h>

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

/* Three servers of 4 GPUs, two of which store: 100 GB of DRAM and 2 drives of 500 GB each; a pool
 * of 1,000 GB. */
static const struct bought three = { .servers = 3,
                                     .gpus = 4,
                                     .stores = 2,
                                     .keeps_kv = true,
                                     .dram_bytes = 100000000000,
                                     .ssd_bytes = 1000000000000,
                                     .pool_bytes = 1000000000000,
                                     .drives = 2,
                                     .usd_per_drive = 480,
                                     .watts_per_drive = 25 };

static const struct prices by_hand = { .currency = "USD",
                                       .per_usd = 1,
                                       .discount = 0.25,
                                       .rent_usd_per_gpu_hour = 5,
                                       .rent_usd_per_gpu_hour_of_4 = 4,
                                       .rent_usd_per_gpu_hour_of_1 = 3,
                                       .rent_dram_gb_per_gpu = 20,
                                       .rent_ssd_gb_per_gpu = 100,
                                       .rent_usd_per_dram_gb_hour = 0.01,
                                       .rent_usd_per_ssd_gb_hour = 0.001,
                                       .usd_per_gpu = 24000,
                                       .usd_per_server_per_gpu = 8000,
                                       .usd_per_dram_gb = 16,
                                       .usd_per_ssd_gb = 1,
                                       .years = 2,
                                       .support_per_year = 0.12,
                                       .rack_usd_per_kw_month = 200,
                                       .gpu_busy_watts = 600,
                                       .gpu_idle_watts = 100,
                                       .server_watts_per_gpu = 200,
                                       .dram_watts_per_gb = 0.5,
                                       .ssd_watts_per_tb = 10,
                                       .pue = 1.5,
                                       .usd_per_kwh = 0.1 };

/* Busy for 0.4 of the time, 2 million tokens and 50 sessions an hour. */
static const struct bill_load load = { .busy_share = 0.4,
                                       .tokens_per_hour = 2e6,
                                       .sessions_per_hour = 50 };

static void check_line(const struct bill *bill, enum bill_item item, double count, double once,
                       double month)
{
    const struct bill_line *line = &bill->line[item];
    ck_assert_msg(fabs(line->count - count) < 1e-6, "%s: %g of %g", bill_item_name(item),
                  line->count, count);
    ck_assert_msg(fabs(line->usd_once - once) < 1e-6, "%s: $%g of $%g once", bill_item_name(item),
                  line->usd_once, once);
    ck_assert_msg(fabs(line->usd_per_month - month) < 1e-6, "%s: $%g of $%g a month",
                  bill_item_name(item), line->usd_per_month, month);
}

START_TEST(what_is_owned_is_added_up_line_by_line)
{
    struct bill bill = bill_of(&three, &by_hand, BILL_OWNED, &load);
    /* A quarter off what is bought; 24 months. */
    check_line(&bill, BILL_GPUS, 12, 216000, 9000);  /* 12 * 24000 * 0.75 */
    check_line(&bill, BILL_SERVERS, 3, 72000, 3000); /* 12 * 8000 * 0.75 */
    check_line(&bill, BILL_DRAM, 200, 2400, 100);    /* 200 * 16 * 0.75 */
    check_line(&bill, BILL_DRIVES, 4, 1440, 60);     /* 4 * 480 * 0.75 */
    check_line(&bill, BILL_SSD, 0, 0, 0);            /* it is the drives */
    check_line(&bill, BILL_POOL, 1000, 12000, 500);  /* 1000 * 16 * 0.75, once */
    check_line(&bill, BILL_SUPPORT, 1, 0, 3038.4);   /* 303840 * 0.12 / 12 */
    /* At most 12 * 800 + 1200 * 0.5 + 4 * 25 = 10.3 kW; at 300 W a GPU 12 * 500 + 700 = 6.7 kW. */
    check_line(&bill, BILL_RACK, 10.3, 0, 2060);
    check_line(&bill, BILL_ELECTRICITY, 6.7 * 1.5 * 730.5, 0, 6.7 * 1.5 * 730.5 * 0.1);
    const double month = 9000 + 3000 + 100 + 60 + 500 + 3038.4 + 2060 + 734.1525;
    ck_assert_double_eq_tol(bill.usd_per_month, month, 1e-6);
    ck_assert_double_eq_tol(bill.usd_once, 303840, 1e-6);
    ck_assert_double_eq_tol(bill.storage_usd_per_month, 660, 1e-6);
    ck_assert_double_eq_tol(bill.usd_per_mtok, month / 730.5 / 2, 1e-9);
    ck_assert_double_eq_tol(bill.usd_per_session, month / 730.5 / 50, 1e-9);
}
END_TEST

START_TEST(what_is_rented_has_what_comes_with_its_gpus)
{
    struct bill bill = bill_of(&three, &by_hand, BILL_RENTED, &load);
    /* Instances of 4; 20 GB of the 100 and 600 GB of the 1,000 are paid for besides. */
    check_line(&bill, BILL_GPUS, 12, 0, 0.75 * 12 * 4 * 730.5); /* a quarter off rent, too */
    check_line(&bill, BILL_SERVERS, 0, 0, 0);
    check_line(&bill, BILL_DRAM, 2 * 20, 0, 0.75 * 40 * 0.01 * 730.5);
    check_line(&bill, BILL_SSD, 2 * 600, 0, 0.75 * 1200 * 0.001 * 730.5);
    check_line(&bill, BILL_POOL, 1000, 0, 0.75 * 1000 * 0.01 * 730.5);
    ck_assert_double_eq_tol(bill.usd_per_month, 0.75 * (48 + 0.4 + 1.2 + 10) * 730.5, 1e-6);
    ck_assert_double_eq(bill.usd_once, 0);
    struct bill busy = bill_of(&three, &by_hand, BILL_BUSY, &load);
    ck_assert_double_eq_tol(busy.usd_per_month, 0.4 * bill.usd_per_month, 1e-6);
    ck_assert_double_eq_tol(prices_gpu_hour(&by_hand, 1), 3, 1e-12);
    ck_assert_double_eq_tol(prices_gpu_hour(&by_hand, 8), 5, 1e-12);
}
END_TEST

START_TEST(drives_of_no_known_price_are_paid_by_the_gigabyte)
{
    struct bought bought = three;
    bought.usd_per_drive = bought.watts_per_drive = 0;
    struct bill bill = bill_of(&bought, &by_hand, BILL_OWNED, &load);
    check_line(&bill, BILL_DRIVES, 4, 1500, 62.5); /* 2,000 GB at $1, a quarter off */
    bought.drives = 0;
    bill = bill_of(&bought, &by_hand, BILL_OWNED, &load);
    check_line(&bill, BILL_DRIVES, 0, 0, 0);
    check_line(&bill, BILL_SSD, 2000, 1500, 62.5);
}
END_TEST

START_TEST(the_lines_of_every_shipped_file_sum_to_its_month)
{
    static const char *const names[] = {
        "h100", "h200", "b200", "a100", "l40s", "mi300x", "paper"
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct prices prices = loaded(names[i]);
        for (int billing = 0; billing < BILLINGS; billing++) {
            if (!billing_known((enum billing)billing, &prices))
                continue;
            struct bill bill = bill_of(&three, &prices, (enum billing)billing, &load);
            double sum = 0;
            for (int item = 0; item < BILL_ITEM_COUNT; item++)
                sum += bill.line[item].usd_per_month;
            ck_assert_double_eq_tol(sum, bill.usd_per_month, 1e-9);
            ck_assert_double_gt(sum, 0);
        }
    }
}
END_TEST

START_TEST(twice_the_servers_cost_twice_and_the_pool_once)
{
    struct bought six = three;
    six.servers = 6;
    six.stores = 4;
    for (int billing = 0; billing < BILLINGS; billing++) {
        struct bill one = bill_of(&three, &by_hand, (enum billing)billing, &load);
        struct bill two = bill_of(&six, &by_hand, (enum billing)billing, &load);
        for (int item = BILL_GPUS; item <= BILL_SSD; item++)
            ck_assert_double_eq_tol(two.line[item].usd_per_month, 2 * one.line[item].usd_per_month,
                                    1e-6);
        ck_assert_double_eq_tol(two.line[BILL_POOL].usd_per_month,
                                one.line[BILL_POOL].usd_per_month, 1e-9);
    }
}
END_TEST

START_TEST(the_papers_hour_is_its_relation)
{
    struct prices prices = loaded("paper");
    const struct bought paper = { .servers = 1,
                                  .gpus = 2,
                                  .stores = 1,
                                  .keeps_kv = true,
                                  .dram_bytes = 128000000000,
                                  .ssd_bytes = 10240000000000 };
    const double hour = 2 * 5 + 128 * 0.0088 + 10240 * 0.000082;
    struct bill rented = bill_of(&paper, &prices, BILL_RENTED, &load);
    ck_assert_double_eq_tol(rented.usd_per_month, hour * 730.5, 1e-6);
    ck_assert_double_eq_tol(rented.usd_per_mtok, hour / 2, 1e-9);
    ck_assert_int_eq(billing_standard(&prices), BILL_RENTED);
}
END_TEST

START_TEST(sums_are_shown_in_the_currency)
{
    struct prices prices = by_hand;
    char text[48];
    ck_assert_str_eq(prices_money(&prices, 1234567.4, text, sizeof text), "$1,234,567");
    ck_assert_str_eq(prices_money(&prices, 0.0612345, text, sizeof text), "$0.06123");
    strcpy(prices.currency, "EUR");
    prices.per_usd = 0.9;
    ck_assert_str_eq(prices_money(&prices, 1000, text, sizeof text), "EUR 900.00");
    ck_assert_str_eq(prices_money(&prices, -2000, text, sizeof text), "EUR -1,800");
}
END_TEST

/* ---- files ---- */

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
    ck_assert_int_ge(count, 9);
}
END_TEST

/* The prices that stand where nobody names any: those of today, by the server's own file. */
START_TEST(servers_of_today_have_todays_prices)
{
    static const char *const names[] = { "h100", "h200", "b200", "a100-80gb", "l40s", "mi300x" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct hardware hardware;
        struct error err = { 0 };
        ck_assert_int_eq(hardware_load(names[i], &hardware, &err), STATUS_OK);
        ck_assert_msg(strcmp(hardware.prices.date, "2026") > 0, "%s: prices of %s", names[i],
                      hardware.prices.date);
        ck_assert(prices_own(&hardware.prices) && prices_rent(&hardware.prices));
        ck_assert_double_gt(hardware.prices.rack_usd_per_kw_month, 0);
    }
}
END_TEST

START_TEST(what_a_server_says_goes_before_its_file_and_the_user_before_both)
{
    struct hardware hardware;
    struct prices prices;
    struct error err = { 0 };
    const char *change[] = { "owned.years=5" };
    ck_assert_int_eq(hardware_load("h100", &hardware, &err), STATUS_OK);
    hardware.usd_per_gpu_hour = 2.5;
    ck_assert_int_eq(hardware_prices(&hardware, change, 1, &prices, &err), STATUS_OK);
    ck_assert_double_eq(prices_gpu_hour(&prices, 1), 2.5);
    ck_assert_double_eq(prices_gpu_hour(&prices, 8), 2.5);
    ck_assert_double_eq(prices.years, 5);
    ck_assert_double_eq(prices.usd_per_gpu, hardware.prices.usd_per_gpu);
    const char *rent[] = { "rent.usd_per_gpu_hour=1" };
    ck_assert_int_eq(hardware_prices(&hardware, rent, 1, &prices, &err), STATUS_OK);
    ck_assert_double_eq(prices_gpu_hour(&prices, 8), 1);
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
    tcase_add_test(tcase, what_is_owned_is_added_up_line_by_line);
    tcase_add_test(tcase, what_is_rented_has_what_comes_with_its_gpus);
    tcase_add_test(tcase, drives_of_no_known_price_are_paid_by_the_gigabyte);
    tcase_add_test(tcase, the_lines_of_every_shipped_file_sum_to_its_month);
    tcase_add_test(tcase, twice_the_servers_cost_twice_and_the_pool_once);
    tcase_add_test(tcase, the_papers_hour_is_its_relation);
    tcase_add_test(tcase, sums_are_shown_in_the_currency);
    tcase_add_test(tcase, every_shipped_file_loads_and_says_source_and_date);
    tcase_add_test(tcase, servers_of_today_have_todays_prices);
    tcase_add_test(tcase, what_a_server_says_goes_before_its_file_and_the_user_before_both);
    tcase_add_test(tcase, single_prices_can_be_changed_and_wrong_ones_are_refused);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
