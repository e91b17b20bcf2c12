/* tests/sweep/test_plan.c - a plan's runs, and the keys by which finished ones are known. */
#include "sweep/plan.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum status make(const char *yaml, const char *const *vary, uint32_t count,
                        uint32_t replications, struct plan *plan, struct error *err)
{
    struct config_tree *tree;
    struct design grid = { .kind = DESIGN_GRID };
    ck_assert_int_eq(config_tree_parse(yaml, "test", &tree, err), STATUS_OK);
    enum status status = plan_make(tree, vary, count, &grid, replications, NULL, plan, err);
    config_tree_free(tree);
    return status;
}

static struct plan made(const char *yaml, const char *const *vary, uint32_t count,
                        uint32_t replications)
{
    struct plan plan;
    struct error err = { 0 };
    if (make(yaml, vary, count, replications, &plan, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("plan refused");
    }
    return plan;
}

static const char *const two_axes[] = { "tiers.dram.capacity=64GB,128GB", "policy=lru,none" };

START_TEST(every_point_becomes_an_experiment_with_the_axes_laid_over_the_base)
{
    struct plan plan = made("{policy: fifo, gpus: 4}", two_axes, 2, 1);
    ck_assert_uint_eq(plan.count, 4);
    ck_assert_uint_eq(plan.runs[1].experiment.dram_bytes, 64000000000);
    ck_assert_str_eq(plan.runs[1].experiment.policy, "none");
    ck_assert_uint_eq(plan.runs[2].experiment.dram_bytes, 128000000000);
    ck_assert_uint_eq(plan.runs[3].experiment.gpus, 4);
    char name[64];
    ck_assert_str_eq(plan_run_name(&plan, 2, name, sizeof name), "128 GB, lru");
    plan_free(&plan);
}
END_TEST

START_TEST(replications_are_seeds_one_after_the_other)
{
    struct plan plan = made("{workload.seed: 40}", two_axes, 2, 3);
    ck_assert_uint_eq(plan.count, 12);
    for (uint32_t i = 0; i < plan.count; i++) {
        ck_assert_uint_eq(plan.runs[i].point, i / 3);
        ck_assert_uint_eq(plan.runs[i].replication, i % 3);
        ck_assert_uint_eq(plan.runs[i].experiment.workload.seed, 40 + i % 3);
    }
    plan_free(&plan);
}
END_TEST

START_TEST(keys_tell_all_runs_apart_and_are_the_same_every_time)
{
    struct plan plan = made("{}", two_axes, 2, 2), again = made("{}", two_axes, 2, 2);
    for (uint32_t i = 0; i < plan.count; i++)
        for (uint32_t j = 0; j < plan.count; j++)
            ck_assert_int_eq(strcmp(plan.runs[i].key, again.runs[j].key) == 0, i == j);
    ck_assert_str_eq(plan.hash, again.hash);
    plan_free(&again);
    again = made("{gpus: 4}", two_axes, 2, 2);
    ck_assert_str_ne(plan.hash, again.hash);
    plan_free(&again);
    plan_free(&plan);
}
END_TEST

START_TEST(the_same_point_has_the_same_key_in_another_sweep)
{
    struct plan plan = made("{}", two_axes, 2, 1);
    struct plan other =
        made("{policy: none}", (const char *[]){ "tiers.dram.capacity=128GB" }, 1, 1);
    ck_assert_str_eq(other.runs[0].key, plan.runs[3].key);
    plan_free(&other);
    plan_free(&plan);
}
END_TEST

static const char request[] = "{\"timestamp\": 0, \"input_length\": 512, \"output_length\": %d, "
                              "\"hash_ids\": [1]}\n";

START_TEST(the_traces_content_is_in_the_key)
{
    char text[256], yaml[512];
    snprintf(text, sizeof text, request, 10);
    char *path = test_temp_file(text);
    snprintf(yaml, sizeof yaml, "{trace: %s, max_turns: 1}", path);
    struct plan before = made(yaml, NULL, 0, 1);
    snprintf(text, sizeof text, request, 11);
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    struct plan after = made(yaml, NULL, 0, 1);
    ck_assert_str_ne(before.runs[0].key, after.runs[0].key);
    struct plan plan;
    struct error err = { 0 };
    ck_assert_int_eq(make(yaml, NULL, 0, 2, &plan, &err), STATUS_INPUT); /* no seed to change */
    ck_assert_str_eq(err.key, "--replications");
    plan_free(&plan);
    plan_free(&before);
    plan_free(&after);
    unlink(path);
    free(path);
}
END_TEST

START_TEST(the_servers_and_models_values_are_in_the_key_whatever_their_names)
{
    struct hardware hardware;
    struct error err = { 0 };
    const struct config_section sections[] = { { .prefix = "", .rows = hardware_rows },
                                               { .rows = NULL } };
    ck_assert_int_eq(hardware_load("h100", &hardware, &err), STATUS_OK);
    char *made_of = test_temp_file(""), *path = malloc(strlen(made_of) + 6), yaml[512];
    sprintf(path, "%s.yaml", made_of);
    char keys[2][POINT_KEY_BYTES];
    for (int i = 0; i < 2; i++) {
        FILE *file = fopen(path, "w");
        hardware.ssd_latency_ns += 1;
        config_print_values(file, sections, &hardware);
        fclose(file);
        snprintf(yaml, sizeof yaml, "{hardware: %s}", path);
        struct plan plan = made(yaml, NULL, 0, 1);
        strcpy(keys[i], plan.runs[0].key);
        plan_free(&plan);
    }
    ck_assert_str_ne(keys[0], keys[1]);
    unlink(path);
    unlink(made_of);
    free(path);
    free(made_of);
}
END_TEST

/* Named by the experiment, or by its server. */
START_TEST(the_drives_values_are_in_the_key_whoever_names_it)
{
    static const char *const names[] = { "hardware: %s", "ssd.drive: %s" };
    struct hardware hardware;
    struct drive drive;
    struct error err = { 0 };
    const struct config_section servers[] = { { .prefix = "", .rows = hardware_rows },
                                              { .rows = NULL } };
    const struct config_section drives[] = { { .prefix = "", .rows = drive_rows },
                                             { .rows = NULL } };
    ck_assert_int_eq(hardware_load("h100", &hardware, &err), STATUS_OK);
    ck_assert_int_eq(drive_load(hardware.drive, &drive, &err), STATUS_OK);
    char *of_drive = test_temp_file(""), *of_server = test_temp_file("");
    char drive_path[256], server_path[256], yaml[512];
    snprintf(drive_path, sizeof drive_path, "%s.yaml", of_drive);
    snprintf(server_path, sizeof server_path, "%s.yaml", of_server);
    snprintf(hardware.drive, sizeof hardware.drive, "%s", drive_path);
    FILE *file = fopen(server_path, "w");
    config_print_values(file, servers, &hardware);
    fclose(file);
    char keys[4][POINT_KEY_BYTES];
    for (int i = 0; i < 4; i++) {
        file = fopen(drive_path, "w");
        drive.endurance_bytes += 1000000000000;
        config_print_values(file, drives, &drive);
        fclose(file);
        snprintf(yaml, sizeof yaml, names[i / 2], i / 2 == 0 ? server_path : drive_path);
        struct plan plan = made(yaml, NULL, 0, 1);
        strcpy(keys[i], plan.runs[0].key);
        plan_free(&plan);
    }
    ck_assert_str_ne(keys[0], keys[1]);
    ck_assert_str_ne(keys[2], keys[3]);
    const char *paths[] = { drive_path, server_path, of_drive, of_server };
    for (int i = 0; i < 4; i++)
        unlink(paths[i]);
    free(of_drive);
    free(of_server);
}
END_TEST

START_TEST(a_refused_value_and_a_key_on_two_axes_are_told)
{
    struct plan plan;
    struct error err = { 0 };
    const char *bad[] = { "gpus=1,900" }, *twice[] = { "gpus=1,2", "gpus=4" };
    ck_assert_int_eq(make("{}", bad, 1, 1, &plan, &err), STATUS_INPUT);
    ck_assert_str_eq(err.found, "900");
    plan_free(&plan);
    err = (struct error){ 0 };
    ck_assert_int_eq(make("{}", twice, 2, 1, &plan, &err), STATUS_INPUT);
    ck_assert_str_eq(err.expected, "each key once");
    plan_free(&plan);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan");
    TCase *tcase = tcase_create("plan");
    tcase_add_test(tcase, every_point_becomes_an_experiment_with_the_axes_laid_over_the_base);
    tcase_add_test(tcase, replications_are_seeds_one_after_the_other);
    tcase_add_test(tcase, keys_tell_all_runs_apart_and_are_the_same_every_time);
    tcase_add_test(tcase, the_same_point_has_the_same_key_in_another_sweep);
    tcase_add_test(tcase, the_traces_content_is_in_the_key);
    tcase_add_test(tcase, the_servers_and_models_values_are_in_the_key_whatever_their_names);
    tcase_add_test(tcase, the_drives_values_are_in_the_key_whoever_names_it);
    tcase_add_test(tcase, a_refused_value_and_a_key_on_two_axes_are_told);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
