/* tests/sim/test_cost.c - dollars of runs: what is bought, the load they are told of, and the
 * storage shares that figure 17 reports. */
#include "sim/engine/cost.h"

#include "tests/support.h"

#include <math.h>
#include <string.h>

#define HOUR_NS 3.6e12

static struct hardware paper_server(void)
{
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(hardware_load("paper-4xa100", &hardware, &err), STATUS_OK);
    return hardware;
}

static struct experiment paper_experiment(void)
{
    struct experiment experiment;
    struct error err = { 0 };
    ck_assert_int_eq(experiment_from_tree(NULL, NULL, &experiment, &err), STATUS_OK);
    return experiment;
}

static struct bought bought_for(const struct experiment *experiment,
                                const struct hardware *hardware)
{
    struct bought bought;
    struct error err = { 0 };
    ck_assert_int_eq(cost_bought(experiment, hardware, &bought, &err), STATUS_OK);
    return bought;
}

static struct metrics an_hour_busy(void)
{
    return (struct metrics){ .turns = 1, .gpu_busy_ns = HOUR_NS, .elapsed_ns = HOUR_NS };
}

START_TEST(an_hour_of_the_papers_server_costs_the_sum_of_its_prices)
{
    struct hardware hardware = paper_server();
    struct experiment experiment = paper_experiment();
    struct bought bought = bought_for(&experiment, &hardware);
    struct metrics metrics = an_hour_busy();
    cost_set(&bought, &hardware.prices, &metrics);
    ck_assert_double_eq_tol(metrics.cost_gpu_usd, 10.0, 1e-9);
    ck_assert_double_eq_tol(metrics.cost_dram_usd, 128 * 0.0088, 1e-9);
    ck_assert_double_eq_tol(metrics.cost_ssd_usd, 10000 * 0.000082, 1e-9);
    ck_assert_double_eq(metrics.cost_remote_usd, 0.0);
}
END_TEST

/* paper.md, figure 17: 16.4 % of the cost on 2 GPUs (13B), 9.0 % on 4. */
START_TEST(storages_share_of_the_cost_is_the_published_one)
{
    struct hardware hardware = paper_server();
    struct experiment experiment = paper_experiment();
    const struct {
        uint32_t gpus;
        double share;
    } published[] = { { 2, 0.164 }, { 4, 0.090 } };
    experiment.ssd_bytes = UINT64_C(10240000000000);
    for (int i = 0; i < 2; i++) {
        experiment.gpus = published[i].gpus;
        struct bought bought = bought_for(&experiment, &hardware);
        struct metrics metrics = an_hour_busy();
        cost_set(&bought, &hardware.prices, &metrics);
        double storage = metrics.cost_dram_usd + metrics.cost_ssd_usd;
        ck_assert_double_eq_tol(storage / metrics.cost_usd, published[i].share, 0.0005);
    }
}
END_TEST

START_TEST(what_a_policy_does_not_use_is_not_bought)
{
    struct hardware hardware = paper_server();
    struct experiment experiment = paper_experiment();
    experiment.replicas = 3;
    struct bought bought = bought_for(&experiment, &hardware);
    ck_assert(bought.keeps_kv);
    ck_assert_uint_eq(bought.dram_bytes, hardware.dram_bytes);
    ck_assert_uint_eq(bought.servers, 3);
    ck_assert_uint_eq(bought.stores, 3);
    strcpy(experiment.policy, "none");
    bought = bought_for(&experiment, &hardware);
    ck_assert(!bought.keeps_kv);
    ck_assert_uint_eq(bought.dram_bytes + bought.ssd_bytes + bought.stores, 0);
    strcpy(experiment.policy, "lru+on-demand");
    experiment.dram_bytes = experiment.ssd_bytes = 0;
    ck_assert(!bought_for(&experiment, &hardware).keeps_kv);
    /* A preset that says in its own keys that nothing is kept. */
    strcpy(experiment.eviction, "none");
    ck_assert_uint_eq(bought_for(&experiment, &hardware).stores, 0);
}
END_TEST

START_TEST(servers_that_only_decode_buy_no_storage)
{
    struct hardware hardware = paper_server();
    struct experiment experiment = paper_experiment();
    experiment.replicas = 5;
    experiment.prefill_replicas = 2;
    experiment.remote_bytes = 7;
    struct bought bought = bought_for(&experiment, &hardware);
    ck_assert_uint_eq(bought.servers, 5);
    ck_assert_uint_eq(bought.stores, 2);
    ck_assert_uint_eq(bought.pool_bytes, 7);
}
END_TEST

START_TEST(named_drives_are_bought_by_the_piece)
{
    struct hardware hardware = paper_server();
    struct experiment experiment = paper_experiment();
    struct drive drive;
    struct error err = { 0 };
    strcpy(experiment.drive, "samsung-pm9d3a-7.68tb");
    ck_assert_int_eq(drive_load(experiment.drive, &drive, &err), STATUS_OK);
    experiment.drives = 3;
    struct bought bought = bought_for(&experiment, &hardware);
    ck_assert_uint_eq(bought.drives, 3);
    ck_assert_uint_eq(bought.ssd_bytes, 3 * drive.capacity_bytes);
    ck_assert_double_eq(bought.usd_per_drive, drive.usd);
    ck_assert_double_gt(drive.usd, 0);
    experiment.drives = 0;
    ck_assert_uint_eq(bought_for(&experiment, &hardware).ssd_bytes, 0);
}
END_TEST

/* Half an hour of load, 20 million tokens, that took an hour to serve: the tokens of a month are
 * those of its hours of load. */
START_TEST(the_load_is_what_is_offered_not_what_it_took_to_serve)
{
    struct bought bought = { .servers = 2, .gpus = 4 };
    struct metrics metrics = { .turns = 1,
                               .elapsed_ns = HOUR_NS,
                               .gpu_busy_ns = 0.5 * HOUR_NS,
                               .wanted_tokens = 15e6,
                               .reply_tokens = 5e6,
                               .offered_ns = 0.5 * HOUR_NS,
                               .offered_tokens = 16e6,
                               .offered_sessions = 100 };
    struct bill_load load = cost_load(&bought, BILL_OWNED, &metrics);
    ck_assert_double_eq_tol(load.tokens_per_hour, 32e6, 1e-3);
    ck_assert_double_eq_tol(load.sessions_per_hour, 200, 1e-9);
    /* 0.5 h for 20 million tokens; 32 million an hour take 0.8 h, of two servers. */
    ck_assert_double_eq_tol(load.busy_share, 0.4, 1e-12);
    /* All at once: over the time it took. What is busy is the run's own hours, too. */
    for (int billing = BILL_BUSY; billing <= BILL_RENTED; billing++) {
        metrics.offered_ns = billing == BILL_BUSY ? 0.5 * HOUR_NS : 0;
        metrics.offered_tokens = billing == BILL_BUSY ? 16e6 : 0;
        load = cost_load(&bought, (enum billing)billing, &metrics);
        ck_assert_double_eq_tol(load.tokens_per_hour, 20e6, 1e-3);
        ck_assert_double_eq_tol(load.busy_share, 0.25, 1e-12);
    }
}
END_TEST

/* Twenty million tokens are what the load offers in 37.5 minutes, though serving them took an hour.
 */
START_TEST(its_pace_is_without_the_drain)
{
    struct metrics metrics = { .elapsed_ns = HOUR_NS,
                               .wanted_tokens = 15e6,
                               .reply_tokens = 5e6,
                               .offered_ns = 0.5 * HOUR_NS,
                               .offered_tokens = 16e6 };
    ck_assert_double_eq_tol(cost_pace_ns(&metrics), 0.625 * HOUR_NS, 1e-3);
    metrics.offered_ns = metrics.offered_tokens = 0;
    ck_assert_double_eq(cost_pace_ns(&metrics), HOUR_NS);
}
END_TEST

START_TEST(a_runs_dollars_are_those_of_its_bill)
{
    struct hardware hardware;
    struct experiment experiment = paper_experiment();
    struct error err = { 0 };
    struct metrics metrics = { .turns = 1,
                               .elapsed_ns = HOUR_NS,
                               .gpu_busy_ns = 0.5 * HOUR_NS,
                               .wanted_tokens = 15e6,
                               .reply_tokens = 5e6,
                               .offered_ns = 0.5 * HOUR_NS,
                               .offered_tokens = 16e6,
                               .offered_sessions = 100 };
    ck_assert_int_eq(hardware_load("h100", &hardware, &err), STATUS_OK);
    experiment.replicas = 2;
    struct bought bought = bought_for(&experiment, &hardware);
    cost_set(&bought, &hardware.prices, &metrics);
    struct bill owned = cost_bill(&bought, &hardware.prices, BILL_OWNED, &metrics);
    struct bill rented = cost_bill(&bought, &hardware.prices, BILL_RENTED, &metrics);
    struct bill busy = cost_bill(&bought, &hardware.prices, BILL_BUSY, &metrics);
    ck_assert_double_eq(metrics.owned_usd_per_month, owned.usd_per_month);
    ck_assert_double_eq(metrics.owned_usd_per_mtok, owned.usd_per_mtok);
    ck_assert_double_eq(metrics.rented_usd_per_month, rented.usd_per_month);
    ck_assert_double_eq(metrics.rented_usd_per_mtok, rented.usd_per_mtok);
    ck_assert_double_eq_tol(metrics.cost_usd_per_mtok, busy.usd_per_mtok, 1e-12);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cost");
    TCase *tcase = tcase_create("prices");
    tcase_add_test(tcase, an_hour_of_the_papers_server_costs_the_sum_of_its_prices);
    tcase_add_test(tcase, storages_share_of_the_cost_is_the_published_one);
    tcase_add_test(tcase, what_a_policy_does_not_use_is_not_bought);
    tcase_add_test(tcase, servers_that_only_decode_buy_no_storage);
    tcase_add_test(tcase, named_drives_are_bought_by_the_piece);
    tcase_add_test(tcase, the_load_is_what_is_offered_not_what_it_took_to_serve);
    tcase_add_test(tcase, its_pace_is_without_the_drain);
    tcase_add_test(tcase, a_runs_dollars_are_those_of_its_bill);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
