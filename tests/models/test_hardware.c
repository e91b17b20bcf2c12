/* tests/models/test_hardware.c - which files of a server are taken, and how the others are refused.
 */
#include "tests/models/cases.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(every_shipped_file_loads_and_is_named_as_its_file)
{
    struct case_names names = case_names("hardware");
    for (uint32_t i = 0; i < names.count; i++) {
        struct hardware hardware = shipped_hardware(names.name[i]);
        ck_assert_str_eq(hardware.name, names.name[i]);
        ck_assert_msg(strlen(hardware.source) > 10, "%s says no source", hardware.name);
    }
}
END_TEST

START_TEST(what_the_file_says_is_what_the_struct_holds_in_base_units)
{
    char *path = case_server_file(NULL);
    struct hardware hardware, expected = case_server();
    struct error err = { 0 };
    ck_assert_int_eq(hardware_load(path, &hardware, &err), STATUS_OK);
    ck_assert_uint_eq(hardware.hbm_bytes, expected.hbm_bytes);
    ck_assert_double_eq(hardware.hbm_bytes_per_s, expected.hbm_bytes_per_s);
    ck_assert_double_eq(hardware.flop_per_s, expected.flop_per_s);
    ck_assert_uint_eq(hardware.allreduce_latency_ns, expected.allreduce_latency_ns);
    ck_assert_uint_eq(hardware.kernel_launch_ns, expected.kernel_launch_ns);
    ck_assert_uint_eq(hardware.iteration_overhead_ns, expected.iteration_overhead_ns);
    ck_assert_uint_eq(hardware.pcie_latency_ns, 10000);
    ck_assert_double_eq(hardware.pcie_both_bytes_per_s, 0.0); /* not in the file: no bound */
    ck_assert_double_eq(hardware.ssd_both_bytes_per_s, 0.0);
    ck_assert_uint_eq(hardware.dram_bytes, 1000000000);
    ck_assert_uint_eq(hardware.ssd_bytes, 1000000000000);
    ck_assert_double_eq(hardware.ssd_read_bytes_per_s, 5e9);
    ck_assert_double_eq(hardware.ssd_write_bytes_per_s, 4e9);
    ck_assert_uint_eq(hardware.ssd_latency_ns, 100000);
    ck_assert_double_eq(hardware.prices.rent_usd_per_ssd_gb_hour, 0.000082);
    ck_assert_double_eq(prices_gpu_hour(&hardware.prices, 1), 5.0);
    ck_assert(!prices_own(&hardware.prices));
    unlink(path);
    free(path);
}
END_TEST

START_TEST(a_bad_value_is_refused_with_its_key_and_line)
{
    static const struct {
        const char *line, *key;
    } refused[] = {
        { "gpus: 0", "gpus" },
        { "gpus: 4.5", "gpus" },
        { "gpus: 1000", "gpus" },
        { "gpux: 4", "gpux" },
        { "dram: {bytes: -1GB}", "dram.bytes" },
        { "dram: {bytes: 1GB/s}", "dram.bytes" },
        { "dram: {bytes: 1e30}", "dram.bytes" },
        { "dram: {size: 1GB}", "dram.size" },
        { "dram: 1GB", "dram" },
        { "allreduce: {bytes_per_s: 0, latency: 1us}", "allreduce.bytes_per_s" },
        { "allreduce: {bytes_per_s: 1GB/s, latency: 1GB}", "allreduce.latency" },
        { "engine: {iteration_overhead: 1us, hbm_utilisation: 1.1}", "engine.hbm_utilisation" },
        { "engine: {iteration_overhead: -1us}", "engine.iteration_overhead" },
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char *path = case_server_file(refused[i].line);
        struct hardware hardware;
        struct error err = { 0 };
        ck_assert_msg(hardware_load(path, &hardware, &err) == STATUS_INPUT, "%s", refused[i].line);
        ck_assert_str_eq(err.key, refused[i].key);
        ck_assert_uint_eq(err.line, case_line(path, refused[i].line));
        ck_assert_str_eq(err.file, path);
        unlink(path);
        free(path);
    }
}
END_TEST

START_TEST(a_reserve_that_leaves_no_hbm_is_refused)
{
    char *path = case_server_file("engine: {iteration_overhead: 1us, hbm_utilisation: 0.5, "
                                  "hbm_reserved_bytes: 500kB}");
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(hardware_load(path, &hardware, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "engine.hbm_reserved_bytes");
    ck_assert_str_eq(err.found, "500000");
    unlink(path);
    free(path);
}
END_TEST

/* The paper's cost formula, 4 GPUs: storage's share of an hour's price is 9.0 % (its figure 17). */
START_TEST(the_papers_prices_give_its_share_of_storage)
{
    struct hardware hardware = shipped_hardware("paper-4xa100");
    const struct prices *prices = &hardware.prices;
    double storage = (double)hardware.dram_bytes / 1e9 * prices->rent_usd_per_dram_gb_hour +
                     (double)hardware.ssd_bytes / 1e9 * prices->rent_usd_per_ssd_gb_hour;
    double hour = hardware.gpus * prices_gpu_hour(prices, 4) + storage;
    ck_assert_double_eq_tol(storage / hour, 0.090, 0.002);
}
END_TEST

START_TEST(a_server_without_any_price_is_refused_with_what_would_do)
{
    char *path = case_server_file("price: {usd_per_gpu_hour: prices}");
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(hardware_load(path, &hardware, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "price.usd_per_gpu_hour");
    ck_assert_ptr_nonnull(strstr(err.expected, "models/prices"));
    unlink(path);
    free(path);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("models/hardware");
    TCase *tests = tcase_create("files");
    tcase_add_test(tests, every_shipped_file_loads_and_is_named_as_its_file);
    tcase_add_test(tests, what_the_file_says_is_what_the_struct_holds_in_base_units);
    tcase_add_test(tests, a_bad_value_is_refused_with_its_key_and_line);
    tcase_add_test(tests, a_reserve_that_leaves_no_hbm_is_refused);
    tcase_add_test(tests, the_papers_prices_give_its_share_of_storage);
    tcase_add_test(tests, a_server_without_any_price_is_refused_with_what_would_do);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
