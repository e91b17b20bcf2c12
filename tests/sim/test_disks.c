/* tests/sim/test_disks.c - what an experiment's SSD tier is made of, and that a run is as fast and
 * wears as much as its drives' data sheets say. */
#include "sim/engine/disks.h"
#include "sim/engine/setup.h"
#include "tests/sim/plain_server.h"
#include "tests/sim/runs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TB UINT64_C(1000000000000)
#define KIB 1024
#define DRIVE_7_68 "ssd.drive=samsung-pm9d3a-7.68tb"

/* Settings parted by blanks, over the keys' standards. */
static struct experiment experiment_with(const char *settings)
{
    char text[512];
    const char *list[8] = { NULL };
    int count = 0;
    snprintf(text, sizeof text, "%s", settings);
    for (char *at = strtok(text, " "); at != NULL; at = strtok(NULL, " "))
        list[count++] = at;
    return experiment_of("{}", list);
}

/* 10 TB that read 5 and write 4 GB/s, of a drive that is not the standard one. */
static struct hardware server(void)
{
    struct hardware hardware = { .ssd_bytes = 10 * TB,
                                 .ssd_read_bytes_per_s = 5e9,
                                 .ssd_write_bytes_per_s = 4e9,
                                 .ssd_both_bytes_per_s = 6e9,
                                 .ssd_latency_ns = 100000,
                                 .drive = "micron-7450-max-3.2tb" };
    return hardware;
}

static struct disks disks_with(const char *settings)
{
    struct experiment experiment = experiment_with(settings);
    struct hardware hardware = server();
    struct disks disks;
    struct error err = { 0 };
    ck_assert_int_eq(disks_for(&experiment, &hardware, &disks, &err), STATUS_OK);
    return disks;
}

static struct disk_rates rates_with(const char *settings, uint64_t request_bytes, uint32_t depth)
{
    struct disks disks = disks_with(settings);
    struct hardware hardware = server();
    return disks_rates(&disks, &hardware, request_bytes, depth);
}

/* ---- how many, and what they hold ---- */

START_TEST(without_a_name_they_are_the_hardwares_own_for_any_capacity)
{
    struct disks disks = disks_with("ssd.queue_depth=1");
    ck_assert(!disks.named);
    ck_assert_str_eq(disks.drive.name, "micron-7450-max-3.2tb");
    ck_assert_uint_eq(disks.capacity_bytes, 10 * TB);
    ck_assert_uint_eq(disks.count, 4); /* of 3.2 TB */
    disks = disks_with("tiers.ssd.capacity=3.3TB");
    ck_assert_uint_eq(disks.count, 2);
    ck_assert_uint_eq(disks_with("tiers.ssd.capacity=3.2TB").count, 1);
    ck_assert_uint_eq(disks_with("tiers.ssd.capacity=3200TB").count, 1000);
    ck_assert_uint_eq(disks_with("tiers.ssd.capacity=0").count, 0);
}
END_TEST

START_TEST(as_many_named_ones_as_the_capacity_takes)
{
    struct disks disks = disks_with(DRIVE_7_68);
    ck_assert(disks.named);
    ck_assert_uint_eq(disks.count, 2); /* for the hardware's 10 TB */
    ck_assert_uint_eq(disks.capacity_bytes, 10 * TB);
    disks = disks_with(DRIVE_7_68 " tiers.ssd.capacity=23.04TB ssd.drives=fit");
    ck_assert_uint_eq(disks.count, 3);
    ck_assert_uint_eq(disks.capacity_bytes, 23040000000000);
    ck_assert_uint_eq(disks_with(DRIVE_7_68 " tiers.ssd.capacity=0").count, 0);
}
END_TEST

START_TEST(capacity_follows_the_number_up_to_what_is_asked)
{
    struct disks disks = disks_with(DRIVE_7_68 " ssd.drives=3");
    ck_assert_uint_eq(disks.count, 3);
    ck_assert_uint_eq(disks.capacity_bytes, 3 * UINT64_C(7680000000000));
    disks = disks_with(DRIVE_7_68 " ssd.drives=3 tiers.ssd.capacity=1TB");
    ck_assert_uint_eq(disks.count, 3);
    ck_assert_uint_eq(disks.capacity_bytes, TB);
    disks = disks_with(DRIVE_7_68 " ssd.drives=3 tiers.ssd.capacity=23.04TB");
    ck_assert_uint_eq(disks.capacity_bytes, 3 * UINT64_C(7680000000000));
}
END_TEST

START_TEST(a_number_without_a_name_is_of_the_drive_that_the_hardware_names)
{
    struct disks disks = disks_with("ssd.drives=5");
    ck_assert(disks.named);
    ck_assert_str_eq(disks.drive.name, "micron-7450-max-3.2tb");
    ck_assert_uint_eq(disks.capacity_bytes, 16 * TB);
}
END_TEST

START_TEST(no_drives_are_no_tier)
{
    struct disks disks = disks_with(DRIVE_7_68 " ssd.drives=0");
    ck_assert_uint_eq(disks.count, 0);
    ck_assert_uint_eq(disks.capacity_bytes, 0);
    disks = disks_with("ssd.drives=2 tiers.ssd.capacity=0");
    ck_assert_uint_eq(disks.count, 0);
    ck_assert_uint_eq(disks.capacity_bytes, 0);
}
END_TEST

START_TEST(drives_that_do_not_hold_the_capacity_are_refused)
{
    static const struct {
        const char *settings, *expected, *found;
    } refused[] = {
        { DRIVE_7_68 " ssd.drives=2 tiers.ssd.capacity=20TB",
          "at most 15.4 TB, which 2 of samsung-pm9d3a-7.68tb hold (ssd.drives)", "20.0 TB" },
        { "ssd.drives=1 tiers.ssd.capacity=4TB",
          "at most 3.20 TB, which 1 of micron-7450-max-3.2tb hold (ssd.drives)", "4.00 TB" },
        { "ssd.drive=wd-sn850x-2tb tiers.ssd.capacity=129TB",
          "at most 128 TB, which 64 of wd-sn850x-2tb hold (ssd.drives)", "129 TB" },
        { "ssd.drives=0 tiers.ssd.capacity=4TB", "0: there are no drives (ssd.drives)", "4.00 TB" },
    };
    struct hardware hardware = server();
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct experiment experiment = experiment_with(refused[i].settings);
        struct disks disks;
        struct error err = { 0 };
        ck_assert_int_eq(disks_for(&experiment, &hardware, &disks, &err), STATUS_INPUT);
        ck_assert_str_eq(err.key, "tiers.ssd.capacity");
        ck_assert_str_eq(err.expected, refused[i].expected);
        ck_assert_str_eq(err.found, refused[i].found);
    }
}
END_TEST

START_TEST(an_unknown_drive_is_refused_with_the_known_ones)
{
    struct experiment experiment = experiment_with("ssd.drive=floppy");
    struct hardware hardware = server();
    struct disks disks;
    struct error err = { 0 };
    ck_assert_int_eq(disks_for(&experiment, &hardware, &disks, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "ssd.drive");
    ck_assert_ptr_nonnull(strstr(err.expected, "micron-7450-max-3.2tb"));
}
END_TEST

/* ---- their rates ---- */

START_TEST(the_hardwares_own_disks_have_its_rates_whatever_the_request)
{
    struct disk_rates rates = rates_with("tiers.ssd.capacity=1TB", 512, 1);
    ck_assert_double_eq(rates.read_bytes_per_s, 5e9);
    ck_assert_double_eq(rates.write_bytes_per_s, 4e9);
    ck_assert_double_eq(rates.both_bytes_per_s, 6e9);
    ck_assert_uint_eq(rates.read_latency_ns, 100000);
    ck_assert_uint_eq(rates.write_latency_ns, 100000);
}
END_TEST

START_TEST(rates_follow_the_number_and_the_latency_does_not)
{
    struct disk_rates one = rates_with(DRIVE_7_68 " ssd.drives=1", 128 * KIB, 32);
    ck_assert_double_eq(one.read_bytes_per_s, 12e9);
    ck_assert_double_eq(one.write_bytes_per_s, 6.8e9);
    ck_assert_double_eq(one.both_bytes_per_s, 0.0);
    ck_assert_uint_eq(one.read_latency_ns, 65000);
    ck_assert_uint_eq(one.write_latency_ns, 15000);
    for (int count = 2; count <= 64; count *= 2) {
        char settings[128];
        snprintf(settings, sizeof settings, DRIVE_7_68 " ssd.drives=%d", count);
        struct disk_rates many = rates_with(settings, 128 * KIB, 32);
        ck_assert_double_eq(many.read_bytes_per_s, count * 12e9);
        ck_assert_double_eq(many.write_bytes_per_s, count * 6.8e9);
        ck_assert_uint_eq(many.read_latency_ns, one.read_latency_ns);
    }
}
END_TEST

/* Requests of a 4 KiB block, and of the largest that are made. */
START_TEST(small_blocks_are_bound_by_iops_and_large_ones_by_the_sequential_rate)
{
    uint64_t small = disks_request_bytes(4, KIB), large = disks_request_bytes(256, 800 * KIB);
    ck_assert_uint_eq(small, 4 * KIB);
    ck_assert_uint_eq(large, 128 * KIB);
    ck_assert_uint_eq(disks_request_bytes(UINT32_MAX, 1), 128 * KIB); /* sessions */
    ck_assert_uint_eq(disks_request_bytes(127, KIB), 127 * KIB);
    ck_assert_uint_eq(disks_request_bytes(UINT32_MAX - 1, UINT64_C(1) << 40), 128 * KIB);
    struct disk_rates rates = rates_with(DRIVE_7_68 " ssd.drives=2", small, 256);
    ck_assert_double_eq(rates.read_bytes_per_s, 2 * 2e6 * 4 * KIB);
    ck_assert_double_eq(rates.write_bytes_per_s, 2 * 250e3 * 4 * KIB);
    ck_assert_double_eq(rates_with(DRIVE_7_68 " ssd.drives=2", large, 256).read_bytes_per_s, 24e9);
    /* One request at a time. */
    rates = rates_with(DRIVE_7_68 " ssd.drives=2", small, 1);
    ck_assert_double_eq_tol(rates.read_bytes_per_s, 2 * 4 * KIB / 65e-6, 1.0);
}
END_TEST

START_TEST(what_a_sheet_does_not_say_is_the_hardwares)
{
    struct disks disks = { .named = true, .count = 3 };
    struct hardware hardware = server();
    struct disk_rates rates = disks_rates(&disks, &hardware, 128 * KIB, 32);
    ck_assert_double_eq(rates.read_bytes_per_s, 5e9);
    ck_assert_double_eq(rates.write_bytes_per_s, 4e9);
    ck_assert_double_eq(rates.both_bytes_per_s, 6e9);
    ck_assert_uint_eq(rates.read_latency_ns, 100000);
    disks.drive.read_bytes_per_s = 1e9;
    rates = disks_rates(&disks, &hardware, 128 * KIB, 32);
    ck_assert_double_eq(rates.read_bytes_per_s, 3e9);
    ck_assert_double_eq(rates.write_bytes_per_s, 4e9);
    ck_assert_double_eq(rates.both_bytes_per_s, 6e9);
}
END_TEST

/* ---- runs, by hand: 111 tokens of 1,000 bytes are written, loaded, and 222 are written in all
 * ---- */

#define TWO_TURNS "a,0,,100,11\na,,5,100,11\n"
#define ON_SSD "tiers.dram.capacity=0 tiers.ssd.capacity=hardware "

/* plain.yaml, whose disks have a bound on both directions. */
static void write_bound_server(void)
{
    char line[512];
    FILE *from = fopen("plain.yaml", "r"), *to = fopen("both.yaml", "w");
    ck_assert(from != NULL && to != NULL);
    while (fgets(line, sizeof line, from) != NULL) {
        char *brace = strncmp(line, "ssd: {", 6) == 0 ? line + 6 : line;
        fprintf(to, "%.*s%s%s", (int)(brace - line), line,
                brace > line ? "both_bytes_per_s: 300MB/s, " : "", brace);
    }
    fclose(from);
    ck_assert_int_eq(fclose(to), 0);
}

/* 250 MB/s, 25,000 requests a second. */
static void write_drives(void)
{
    plain_server_write();
    FILE *file = fopen("slow.yaml", "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file,
            "name: slow\nsource: made up\ncapacity: 1GB\nread_bytes_per_s: 250MB/s\n"
            "write_bytes_per_s: 250MB/s\nread_iops: 25000\nendurance: 1TB\nwarranty_years: 5\n"
            "endurance_write_bytes: 4000\nendurance_large: 32TB\n");
    ck_assert_int_eq(fclose(file), 0);
    write_bound_server();
}

static void remove_drives(void)
{
    unlink("slow.yaml");
    unlink("both.yaml");
    plain_server_remove();
}

static struct metrics run_on(const char *settings)
{
    char all[512];
    snprintf(all, sizeof all, ON_SSD "ssd.drive=./slow.yaml %s", settings);
    return plain_server_run(TWO_TURNS, all);
}

START_TEST(a_load_takes_what_the_drives_take)
{
    ck_assert_double_eq_tol(run_on("ssd.drives=1").gpu_load_wait_ns, 444e3, 1e3);
    ck_assert_double_eq_tol(run_on("ssd.drives=2").gpu_load_wait_ns, 222e3, 1e3);
    /* PCIe has 1 GB/s. */
    ck_assert_double_eq_tol(run_on("ssd.drives=8").gpu_load_wait_ns, 111e3, 1e3);
    ck_assert_double_eq(run_on("ssd.drives=0").hit_tokens_ssd, 0.0);
}
END_TEST

/* Blocks of 4 kB are 100 MB/s, and of 20 kB all that the drive has. */
START_TEST(a_load_of_small_blocks_takes_as_long_as_their_number)
{
    const char *blocks = "ssd.drives=1 placement.unit=block placement.block_tokens=";
    char small[128], large[128];
    snprintf(small, sizeof small, "%s4", blocks);
    snprintf(large, sizeof large, "%s20", blocks);
    ck_assert_double_eq_tol(run_on(small).gpu_load_wait_ns, 1110e3, 1e3);
    ck_assert_double_eq_tol(run_on(large).gpu_load_wait_ns, 444e3, 1e3);
}
END_TEST

/* What links are made of: servers' own disks, and drives of another latency each way. */
START_TEST(the_engine_is_set_up_with_what_its_drives_come_to)
{
    const char *settings[] = { "model=llama-3-8b", "hardware=h100", "gpus=1", NULL, NULL };
    for (int named = 0; named < 2; named++) {
        settings[3] = named ? DRIVE_7_68 : "tiers.ssd.capacity=8TB";
        struct experiment experiment = experiment_of("{}", settings);
        struct engine_setup setup;
        struct trace *trace = NULL;
        struct error err = { 0 };
        ck_assert_int_eq(engine_setup_open(&experiment, &setup, &trace, &err), STATUS_OK);
        trace_close(trace);
        const struct hardware *own = &setup.hardware; /* 30.72 TB, which four hold */
        ck_assert_uint_eq(setup.placement.capacity_bytes[TIER_SSD],
                          named ? 30720000000000 : 8000000000000);
        ck_assert_double_eq(setup.link_bytes_per_s[LINK_SSD_READ],
                            named ? 4 * 12e9 : own->ssd_read_bytes_per_s);
        ck_assert_double_eq(setup.link_bytes_per_s[LINK_SSD_WRITE],
                            named ? 4 * 6.8e9 : own->ssd_write_bytes_per_s);
        ck_assert_uint_eq(setup.link_latency_ns[LINK_SSD_READ],
                          named ? 65000 : own->ssd_latency_ns);
        ck_assert_uint_eq(setup.link_latency_ns[LINK_SSD_WRITE],
                          named ? 15000 : own->ssd_latency_ns);
    }
}
END_TEST

/* The server's bound on both directions is of its own disks. */
START_TEST(a_servers_bound_on_both_directions_is_no_named_drives)
{
    for (int named = 0; named < 2; named++) {
        struct experiment experiment =
            experiment_of("{model: ./model.yaml, hardware: ./both.yaml, gpus: 1}",
                          (const char *[]){ named ? DRIVE_7_68 : "ssd.queue_depth=1", NULL });
        struct engine_setup setup;
        struct trace *trace = NULL;
        struct error err = { 0 };
        ck_assert_int_eq(engine_setup_open(&experiment, &setup, &trace, &err), STATUS_OK);
        trace_close(trace);
        ck_assert_double_eq(setup.both_bytes_per_s[PAIR_SSD], named ? 0.0 : 300e6);
    }
}
END_TEST

/* Sessions are written in large pieces, small blocks as the rating has it. */
START_TEST(drives_wear_by_their_number_and_by_the_size_of_writes)
{
    struct metrics one = run_on("ssd.drives=1"), four = run_on("ssd.drives=4");
    double day = one.ssd_written_per_day_bytes;
    ck_assert_double_eq_tol(day, 222e3 * 86400e9 / one.elapsed_ns, 1.0);
    ck_assert_double_eq_tol(one.ssd_years, 32e12 / day / 365.25, 1e-6);
    ck_assert_double_eq_tol(four.ssd_years, 4 * 32e12 / four.ssd_written_per_day_bytes / 365.25,
                            1e-6);
    ck_assert_double_eq_tol(four.ssd_dwpd, four.ssd_written_per_day_bytes / 4e9, 1e-9);

    struct metrics servers = run_on("ssd.drives=4 cluster.replicas=2");
    ck_assert_double_eq_tol(servers.ssd_years,
                            8 * 32e12 / servers.ssd_written_per_day_bytes / 365.25, 1e-6);

    struct metrics small = run_on("ssd.drives=1 placement.unit=block placement.block_tokens=4");
    ck_assert_double_eq_tol(small.ssd_years, 1e12 / small.ssd_written_per_day_bytes / 365.25, 1e-6);
}
END_TEST

/* ---- shipped drives ---- */

/* KV comes from SSD, at its own pace: 7, 12 and 14.8 GB/s. */
START_TEST(shipped_drives_load_in_the_order_of_their_read_rates)
{
    static const char *const drives[] = { "solidigm-d5-p5336-61.44tb", "samsung-pm9d3a-7.68tb",
                                          "samsung-pm1753-15.36tb" };
    double before_ns = INFINITY;
    for (int i = 0; i < 3; i++) {
        char settings[256];
        snprintf(settings, sizeof settings,
                 "policy=lru engine.reuse=always engine.preloading=none "
                 "tiers.dram.capacity=0 tiers.ssd.capacity=4TB ssd.drive=%s",
                 drives[i]);
        struct metrics metrics = run_all("warmup_turns: 50\nworkload: {sessions: 60, "
                                         "sessions_per_s: 0.2}\n",
                                         settings);
        ck_assert_double_gt(metrics.hit_tokens_ssd, 0.0);
        ck_assert_double_lt(metrics.gpu_load_wait_ns, before_ns);
        before_ns = metrics.gpu_load_wait_ns;
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("disks");
    TCase *number = tcase_create("number");
    tcase_add_test(number, without_a_name_they_are_the_hardwares_own_for_any_capacity);
    tcase_add_test(number, as_many_named_ones_as_the_capacity_takes);
    tcase_add_test(number, capacity_follows_the_number_up_to_what_is_asked);
    tcase_add_test(number, a_number_without_a_name_is_of_the_drive_that_the_hardware_names);
    tcase_add_test(number, no_drives_are_no_tier);
    tcase_add_test(number, drives_that_do_not_hold_the_capacity_are_refused);
    tcase_add_test(number, an_unknown_drive_is_refused_with_the_known_ones);
    suite_add_tcase(suite, number);
    TCase *rates = tcase_create("rates");
    tcase_add_test(rates, the_hardwares_own_disks_have_its_rates_whatever_the_request);
    tcase_add_test(rates, rates_follow_the_number_and_the_latency_does_not);
    tcase_add_test(rates, small_blocks_are_bound_by_iops_and_large_ones_by_the_sequential_rate);
    tcase_add_test(rates, what_a_sheet_does_not_say_is_the_hardwares);
    suite_add_tcase(suite, rates);
    TCase *runs = tcase_create("runs");
    tcase_add_checked_fixture(runs, write_drives, remove_drives);
    tcase_add_test(runs, the_engine_is_set_up_with_what_its_drives_come_to);
    tcase_add_test(runs, a_servers_bound_on_both_directions_is_no_named_drives);
    tcase_add_test(runs, a_load_takes_what_the_drives_take);
    tcase_add_test(runs, a_load_of_small_blocks_takes_as_long_as_their_number);
    tcase_add_test(runs, drives_wear_by_their_number_and_by_the_size_of_writes);
    suite_add_tcase(suite, runs);
    TCase *shipped = tcase_create("shipped");
    tcase_set_timeout(shipped, 60);
    tcase_add_test(shipped, shipped_drives_load_in_the_order_of_their_read_rates);
    suite_add_tcase(suite, shipped);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
