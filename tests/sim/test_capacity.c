/* tests/sim/test_capacity.c - HBM left for KV beside what engines printed on real servers:
 * tests/models/capacity_cases.csv, numbers that people published. Those of the set "built" were
 * looked at while the rules of models/hbm.c were written; those kept aside were not, and the rules
 * were corrected by those of "learned" after these had been seen to miss. */
#include "base/table.h"
#include "models/hbm.h"
#include "tests/sim/runs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CASES_MOST = 128, SETTINGS_MOST = 8 };

struct row {
    const struct table *table;
    uint32_t number;
};

static const char *text_of(struct row row, const char *name)
{
    return table_text(row.table, row.number, table_column(row.table, name));
}

static double number_of(struct row row, const char *name)
{
    struct error err = { 0 };
    double value = 0;
    enum status status =
        table_number(row.table, row.number, table_column(row.table, name), &value, &err);
    ck_assert_msg(status == STATUS_OK, "row %u: %s", row.number + 1, name);
    return value;
}

/* A server that has nothing but the case's GPUs. */
static char *server_file(struct row row)
{
    char yaml[2048];
    snprintf(yaml, sizeof yaml,
             "name: server\nsource: made up\ngpus: 8\n"
             "gpu: {device: \"%s\", hbm_bytes: %.0fMiB, hbm_bytes_per_s: 2TB/s,"
             " flop_per_s: 300TFLOP/s, gemm_efficiency: 0.7, attention_efficiency: 0.5,"
             " hbm_efficiency: 0.8, kernel_launch: 4us}\n"
             "allreduce: {bytes_per_s: 100GB/s, latency: 10us}\n"
             "engine: {iteration_overhead: 1ms, hbm_utilisation: 0.9, hbm_collectives_bytes: %s}\n"
             "pcie: {h2d_bytes_per_s: 20GB/s, d2h_bytes_per_s: 20GB/s,"
             " h2d_bytes_per_s_per_gpu: 20GB/s, d2h_bytes_per_s_per_gpu: 20GB/s, latency: 10us}\n"
             "dram: {bytes: 100GB}\n"
             "ssd: {bytes: 1TB, read_bytes_per_s: 5GB/s, write_bytes_per_s: 4GB/s,"
             " latency: 100us}\n"
             "price: {usd_per_gpu_hour: 5, usd_per_dram_gb_hour: 0.01,"
             " usd_per_ssd_gb_hour: 0.0001}\n",
             text_of(row, "device"), 1024 * number_of(row, "hbm_gib"), text_of(row, "collectives"));
    return test_temp_file(yaml);
}

static void model_name(const char *name, char path[512])
{
    static const char *const ends[] = { "json", "yaml" };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(path, 512, "%s/%s.%s", TEST_CONFIGS, name, ends[i]);
        if (access(path, R_OK) == 0)
            return;
    }
    snprintf(path, 512, "%s", name); /* a shipped one */
}

static struct experiment experiment_of_case(struct row row, const char *server)
{
    char model[512], yaml[2048], words[512];
    const char *settings[SETTINGS_MOST + 1] = { NULL };
    model_name(text_of(row, "model"), model);
    snprintf(yaml, sizeof yaml,
             "model: %s\nhardware: %s\ngpus: %s\nengine: {version: %s, hbm_utilisation: %s}\n",
             model, server, text_of(row, "gpus"), text_of(row, "version"),
             text_of(row, "utilisation"));
    snprintf(words, sizeof words, "%s", text_of(row, "settings"));
    uint32_t count = 0;
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
        ck_assert_uint_lt(count, SETTINGS_MOST);
        settings[count++] = word;
    }
    return experiment_of(yaml, settings);
}

/* (estimate - printed) / printed. */
static double error_of(struct row row)
{
    struct model model;
    struct hardware hardware;
    struct error err = { 0 };
    char *server = server_file(row);
    struct experiment experiment = experiment_of_case(row, server);
    struct engine_memory memory = experiment_memory(&experiment);
    enum status status = model_load(experiment.model, &model, &err);
    if (status == STATUS_OK)
        status = hardware_load(server, &hardware, &err);
    hardware.hbm_utilisation = experiment.hbm_utilisation;
    uint64_t bytes = 0;
    if (status == STATUS_OK)
        status = engine_kv_budget_bytes(&model, &hardware, experiment.gpus, &memory, &bytes, &err);
    unlink(server);
    free(server);
    ck_assert_msg(status == STATUS_OK, "%s: %s, %s", text_of(row, "model"), err.expected,
                  err.found);
    double printed =
        text_of(row, "tokens")[0] != '\0'
            ? number_of(row, "tokens") * (double)model_kv_bytes_per_token(&model, experiment.gpus)
            : number_of(row, "kv_gib") * experiment.gpus * (double)(1 << 30);
    printf("%-6s %-20s %-12s x%s %-10s %8.2f GiB, printed %8.2f: %+6.1f %%\n", text_of(row, "set"),
           text_of(row, "model"), text_of(row, "device"), text_of(row, "gpus"),
           text_of(row, "version"), (double)bytes / (1 << 30), printed / (1 << 30),
           100 * ((double)bytes / printed - 1));
    return (double)bytes / printed - 1;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Fills error[] with the sizes of the set's errors, sorted; returns how many. */
static uint32_t errors_of(const char *set, double error[CASES_MOST])
{
    struct table table;
    struct error err = { 0 };
    uint32_t count = 0;
    ck_assert_int_eq(table_open(TEST_CAPACITY, &table, &err), STATUS_OK);
    for (uint32_t i = 0; i < table_rows(&table); i++) {
        struct row row = { .table = &table, .number = i };
        if (strcmp(text_of(row, "set"), set) == 0) {
            ck_assert_uint_lt(count, CASES_MOST);
            error[count++] = fabs(error_of(row));
        }
    }
    table_free(&table);
    qsort(error, count, sizeof *error, by_size);
    printf("%s: %u cases, median %.2f %%, P95 %.1f %%, most %.1f %%\n", set, count,
           100 * error[count / 2], 100 * error[(uint32_t)ceil(0.95 * count) - 1],
           100 * error[count - 1]);
    return count;
}

static void check_errors(const char *set, uint32_t cases, double median, double p95)
{
    double error[CASES_MOST];
    uint32_t count = errors_of(set, error);
    ck_assert_uint_ge(count, cases);
    ck_assert_double_le(error[count / 2], median);
    ck_assert_double_le(error[(uint32_t)ceil(0.95 * count) - 1], p95);
}

START_TEST(what_was_looked_at_is_met)
{
    check_errors("built", 15, 0.02, 0.05);
}
END_TEST

/* Kept aside at first; what they missed was looked for and found in the engines' code and logs:
 * padded experts, DeepGEMM's work spaces, communicators that grow with the GPUs, a context that is
 * counted. Two stay over 4 %: 1.7 GiB that are left on an H100, and a server with LMCache. */
START_TEST(what_led_to_corrections_is_met)
{
    check_errors("learned", 8, 0.02, 0.18);
}
END_TEST

START_TEST(what_was_kept_aside_is_met)
{
    check_errors("aside", 13, 0.02, 0.06);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("capacity");
    TCase *tcase = tcase_create("published");
    tcase_add_test(tcase, what_was_looked_at_is_met);
    tcase_add_test(tcase, what_led_to_corrections_is_met);
    tcase_add_test(tcase, what_was_kept_aside_is_met);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
