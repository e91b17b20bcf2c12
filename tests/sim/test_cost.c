/* tests/sim/test_cost.c - dollars: a hand-made case, and the storage shares that figure 17 reports.
 */
#include "sim/engine/cost.h"

#include "tests/support.h"

static struct hardware paper_server(void)
{
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(hardware_load("paper-4xa100", &hardware, &err), STATUS_OK);
    return hardware;
}

START_TEST(an_hour_of_the_papers_server_costs_the_sum_of_its_prices)
{
    struct hardware hardware = paper_server();
    struct cost cost = cost_of(&hardware, 2, UINT64_C(128000000000), UINT64_C(10240000000000),
                               UINT64_C(3600000000000));
    ck_assert_double_eq_tol(cost.gpu_usd, 10.0, 1e-9);
    ck_assert_double_eq_tol(cost.dram_usd, 128 * 0.0088, 1e-9);
    ck_assert_double_eq_tol(cost.ssd_usd, 10240 * 0.000082, 1e-9);
}
END_TEST

/* paper.md, figure 17: 16.4 % of the cost on 2 GPUs (13B), 9.0 % on 4. */
START_TEST(storages_share_of_the_cost_is_the_published_one)
{
    struct hardware hardware = paper_server();
    const struct {
        uint32_t gpus;
        double share;
    } published[] = { { 2, 0.164 }, { 4, 0.090 } };
    for (int i = 0; i < 2; i++) {
        struct cost cost = cost_of(&hardware, published[i].gpus, UINT64_C(128000000000),
                                   UINT64_C(10240000000000), UINT64_C(1000000000));
        double storage = cost.dram_usd + cost.ssd_usd;
        ck_assert_double_eq_tol(storage / (storage + cost.gpu_usd), published[i].share, 0.0005);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("cost");
    TCase *tcase = tcase_create("prices");
    tcase_add_test(tcase, an_hour_of_the_papers_server_costs_the_sum_of_its_prices);
    tcase_add_test(tcase, storages_share_of_the_cost_is_the_published_one);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
