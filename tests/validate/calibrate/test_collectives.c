/* tests/validate/calibrate/test_collectives.c - tables of all-reduces are read or refused; a fit
 * finds what made its data; on published tables it is as good as its goals where it did not see a
 * size. */
#include "models/models.h"
#include "tests/support.h"
#include "validate/calibrate/calibrate_collectives.h"
#include "validate/calibrate/fit_collectives.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- a folder of tables ---- */

#define CUSTOM "kernel_source,backend,num_gpus,message_size,latency\n"
#define NCCL "op_name,nccl_dtype,num_gpus,message_size,latency\n"
#define VIDUR ",time_stats.all_reduce.median,rank,num_workers,size,collective,devices_per_node\n"

struct folder {
    char path[256];
    char *file[4];
    uint32_t files;
};

static struct folder new_folder(void)
{
    struct folder folder = { .path = "/tmp/test_collectives.XXXXXX" };
    ck_assert_ptr_nonnull(mkdtemp(folder.path));
    return folder;
}

static const char *put(struct folder *folder, const char *name, const char *content)
{
    char *path = calloc(1, 512);
    folder->file[folder->files++] = path;
    snprintf(path, 512, "%s/%s", folder->path, name);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs(content, out);
    ck_assert_int_eq(fclose(out), 0);
    return path;
}

static void remove_folder(const struct folder *folder)
{
    for (uint32_t i = 0; i < folder->files; i++) {
        unlink(folder->file[i]);
        free(folder->file[i]);
    }
    ck_assert_int_eq(rmdir(folder->path), 0);
}

START_TEST(three_forms_are_read_each_in_its_own_units)
{
    struct folder folder = new_folder();
    put(&folder, "aic_h100_sxm_custom_allreduce.csv",
        CUSTOM "vLLM,vllm_graph,2,128,0.004\nvLLM,vllm_eager,2,128,0.02\n");
    put(&folder, "aic_h100_sxm_nccl2.csv",
        NCCL
        "all_gather,half,2,128,0.5\nall_reduce,half,4,128,0.006\nall_reduce,int8,8,128,0.007\n");
    put(&folder, "h100_dgx_all_reduce.csv",
        VIDUR "0,0.03,0,2,2048,all_reduce,2\n1,0.05,0,2,2048,all_reduce,1\n");
    put(&folder, "aic_a100_sxm_nccl2.csv", NCCL "all_reduce,half,4,128,0.1\n"); /* another GPU */
    struct collective_profile profile;
    struct error err = { 0 };
    ck_assert_int_eq(collective_profile_read(folder.path, "h100", &profile, &err), STATUS_OK);
    const struct collective_row expected[] = {
        { COLLECTIVE_TABLE_GRAPH, 2, 256, 4000 }, /* elements of 2 bytes, ms */
        { COLLECTIVE_TABLE_CALLED, 2, 256, 20000 },
        { COLLECTIVE_TABLE_NCCL, 4, 256, 6000 },
        { COLLECTIVE_TABLE_NCCL, 8, 128, 7000 },
        { COLLECTIVE_TABLE_PYTORCH, 2, 2048, 30000 }, /* bytes; the second is over two servers */
    };
    ck_assert_uint_eq(profile.count, sizeof expected / sizeof *expected);
    for (uint32_t i = 0; i < profile.count; i++) {
        ck_assert_int_eq(profile.row[i].table, expected[i].table);
        ck_assert_uint_eq(profile.row[i].ranks, expected[i].ranks);
        ck_assert_double_eq(profile.row[i].bytes, expected[i].bytes);
        ck_assert_double_eq_tol(profile.row[i].measured_ns, expected[i].measured_ns, 1e-6);
    }
    collective_profile_free(&profile);
    remove_folder(&folder);
}
END_TEST

START_TEST(tables_of_another_gpu_are_refused_by_name)
{
    struct folder folder = new_folder();
    const char *file = put(&folder, "aic_a100_sxm_nccl2.csv", NCCL "all_reduce,half,4,128,0.1\n");
    struct collective_profile profile;
    struct error err = { 0 };
    ck_assert_int_eq(collective_profile_read(folder.path, "h100", &profile, &err), STATUS_INPUT);
    ck_assert_ptr_nonnull(strstr(err.expected, "h100"));
    ck_assert_str_eq(err.found, "aic_a100_sxm_nccl2.csv");
    collective_profile_free(&profile);
    err = (struct error){ 0 };
    ck_assert_int_eq(collective_profile_read(file, "h100", &profile, &err), STATUS_INPUT);
    collective_profile_free(&profile);
    err = (struct error){ 0 };
    ck_assert_int_eq(collective_profile_read(file, "a100", &profile, &err), STATUS_OK);
    collective_profile_free(&profile);
    remove_folder(&folder);
}
END_TEST

START_TEST(what_is_no_measurement_is_refused_with_its_line)
{
    static const char *const wrong[] = {
        NCCL "all_reduce,half,4,128,0.1\nall_reduce,half,4,128,0\n",
        NCCL "all_reduce,half,4,128,0.1\nall_reduce,half,4,many,0.1\n",
        NCCL "all_reduce,half,4,128,0.1\nall_reduce,half,2.5,128,0.1\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct folder folder = new_folder();
        const char *file = put(&folder, "a100_nccl.csv", wrong[i]);
        struct collective_profile profile;
        struct error err = { 0 };
        ck_assert_int_eq(collective_profile_read(file, "a100", &profile, &err), STATUS_INPUT);
        ck_assert_uint_eq(err.line, 3);
        collective_profile_free(&profile);
        remove_folder(&folder);
    }
}
END_TEST

/* ---- fitting ---- */

static struct collective_fit shipped(const char *server)
{
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(hardware_load(server, &hardware, &err), STATUS_OK);
    return hardware.collectives;
}

/* Rows that the fit makes itself, with every 9th twice as long as it should be. */
static struct collective_profile made_by(const struct collective_fit *fit, bool outliers)
{
    static const enum collective_table tables[] = { COLLECTIVE_TABLE_GRAPH, COLLECTIVE_TABLE_NCCL,
                                                    COLLECTIVE_TABLE_CALLED };
    struct collective_profile profile = { .row = calloc(256, sizeof *profile.row) };
    for (uint32_t t = 0; t < 3; t++)
        for (uint32_t i = 0; i < COLLECTIVE_RANKS; i++)
            for (double bytes = 512; bytes < 1e9; bytes *= 2) {
                struct collective_row *row = &profile.row[profile.count++];
                *row = (struct collective_row){ tables[t], collective_ranks[i], bytes, 0 };
                row->measured_ns = fit_collective_predict_ns(fit, row);
                if (outliers && profile.count % 9 == 0)
                    row->measured_ns *= 2;
            }
    return profile;
}

static void finds_what_made_it(bool outliers)
{
    const struct collective_fit truth = shipped("h100");
    struct collective_profile profile = made_by(&truth, outliers);
    struct collective_fit fit = truth;
    for (uint32_t i = 0; i < COLLECTIVE_RANKS; i++) /* knows only what goes where */
        for (uint32_t path = 0; path < COLLECTIVE_PATHS; path++)
            fit.curve[i][path] =
                (struct collective_curve){ .most_bytes = truth.curve[i][path].most_bytes };
    fit.copy_latency_ns = fit.copy_bytes_per_s = fit.custom_call_ns = 0;
    fit_collectives(&profile, COLLECTIVE_FOLD_NONE, &fit);
    uint32_t nccl = 0, pulled = 0;
    for (uint32_t i = 0; i < profile.count; i++) {
        const struct collective_row *row = &profile.row[i];
        double made = fit_collective_predict_ns(&truth, row);
        double ratio = fit_collective_predict_ns(&fit, row) / made;
        if (!outliers)
            ck_assert_double_eq_tol(ratio, 1, 0.04);
        if (row->table == COLLECTIVE_TABLE_NCCL) {
            nccl++;
            pulled += ratio < 0.97 || ratio > 1.03;
        }
    }
    ck_assert_uint_le(pulled, nccl / 4); /* the rest of a curve does not follow its outliers */
    collective_profile_free(&profile);
}

START_TEST(a_fit_finds_the_coefficients_that_made_its_data)
{
    finds_what_made_it(false);
}
END_TEST

START_TEST(sizes_that_took_twice_as_long_once_do_not_pull_it)
{
    finds_what_made_it(true);
}
END_TEST

START_TEST(a_size_that_was_left_out_is_predicted_without_having_been_seen)
{
    struct collective_fit fit = shipped("a100-80gb"), held_out[COLLECTIVE_FOLDS];
    struct collective_profile profile = made_by(&fit, false);
    for (uint32_t i = 0; i < profile.count; i++) /* a size that nothing else tells of */
        if (profile.row[i].table == COLLECTIVE_TABLE_NCCL && profile.row[i].bytes == 512 * 1024)
            profile.row[i].measured_ns *= 3;
    fit_collectives_whole(&profile, &fit, held_out);
    int fold = fit_collective_fold(&profile, 512 * 1024);
    ck_assert_int_ne(fold, fit_collective_fold(&profile, 1024 * 1024));
    double unseen_ns = collective_nccl_ns(&held_out[fold], 2, 512 * 1024);
    for (uint32_t i = 0; i < profile.count; i++)
        if (profile.row[i].table == COLLECTIVE_TABLE_NCCL && profile.row[i].ranks == 2 &&
            profile.row[i].bytes == 512 * 1024)
            ck_assert_double_lt(unseen_ns, 0.4 * profile.row[i].measured_ns);
    ck_assert_double_lt(fit.record.held_out_graph_median_error, 0.02);
    collective_profile_free(&profile);
}
END_TEST

START_TEST(a_server_without_a_fit_is_refused)
{
    struct profile_calibration calibration = { .path = "/tmp", .hardware = "paper-4xa100" };
    struct error err = { 0 };
    ck_assert_int_eq(calibrate_collectives(&calibration, stdout, &err), STATUS_INPUT);
    ck_assert_ptr_nonnull(strstr(err.expected, "allreduce.timing"));
}
END_TEST

START_TEST(a_fit_is_written_as_a_file_that_loads)
{
    struct folder folder = new_folder();
    put(&folder, "aic_a100_custom_allreduce.csv",
        CUSTOM
        "v,vllm_graph,2,128,0.005\nv,vllm_graph,2,1000000,0.015\nv,vllm_graph,2,3000000,0.035\n");
    char out[512];
    snprintf(out, sizeof out, "%s/fitted.yaml", folder.path);
    struct profile_calibration calibration = {
        .path = folder.path, .hardware = "a100-80gb", .out = out, .source = "made here"
    };
    struct error err = { 0 };
    FILE *report = fopen("/dev/null", "w");
    ck_assert_int_eq(calibrate_collectives(&calibration, report, &err), STATUS_OK);
    fclose(report);
    struct config_tree *tree = NULL;
    struct collective_fit fit = { 0 };
    const struct config_section sections[] = { { .prefix = "", .rows = collective_rows },
                                               { .rows = NULL } };
    ck_assert_int_eq(config_tree_read(out, &tree, &err), STATUS_OK);
    ck_assert_int_eq(config_load(sections, tree, &fit, &err), STATUS_OK);
    config_tree_free(tree);
    ck_assert_str_eq(fit.source, "made here");
    ck_assert_double_eq_tol(fit.curve[0][COLLECTIVE_ONE_SHOT].bytes_per_s, 200e9, 4e9);
    unlink(out);
    remove_folder(&folder);
}
END_TEST

/* ---- published tables ---- */

/* Issue 17's goals: half of all within 8 %, 95 in 100 within 20 %, of sizes that no fit saw. */
static void meets_its_goals(const char *server, const char *gpu, double graph_p95, double nccl_p95)
{
    char folder[1024];
    snprintf(folder, sizeof folder, "%s", test_data("kernels"));
    struct collective_fit fit = shipped(server), held_out[COLLECTIVE_FOLDS];
    struct collective_profile profile;
    struct error err = { 0 };
    ck_assert_int_eq(collective_profile_read(folder, gpu, &profile, &err), STATUS_OK);
    struct collective_errors as_shipped =
        fit_collective_errors(&profile, &fit, NULL, COLLECTIVE_TABLE_GRAPH, 0, 0);
    ck_assert_double_le(as_shipped.median, 0.08);
    ck_assert_double_le(as_shipped.p95, 0.20);
    fit_collectives_whole(&profile, &fit, held_out);
    const struct collective_record *record = &fit.record;
    printf("%s, sizes left out: in graphs %.1f / %.1f %%, NCCL %.1f / %.1f %%\n", server,
           100 * record->held_out_graph_median_error, 100 * record->held_out_graph_p95_error,
           100 * record->held_out_nccl_median_error, 100 * record->held_out_nccl_p95_error);
    ck_assert_double_le(record->held_out_graph_median_error, 0.08);
    ck_assert_double_le(record->held_out_graph_p95_error, graph_p95);
    ck_assert_double_le(record->held_out_nccl_median_error, 0.08);
    ck_assert_double_le(record->held_out_nccl_p95_error, nccl_p95);
    collective_profile_free(&profile);
}

START_TEST(sizes_left_out_are_predicted_between_gpus_with_nvlink)
{
    meets_its_goals("a100-80gb", "a100", 0.20, 0.22);
    meets_its_goals("h100", "h100", 0.20, 0.20);
    meets_its_goals("b200", "b200", 0.20, 0.22);
}
END_TEST

/* Eight of them cross sockets: rates jump by half from size to size, which no curve follows. */
START_TEST(sizes_left_out_are_predicted_over_pcie_but_less_well)
{
    meets_its_goals("l40s", "l40s", 0.20, 0.35);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("validate/collectives");
    TCase *tables = tcase_create("tables");
    tcase_add_test(tables, three_forms_are_read_each_in_its_own_units);
    tcase_add_test(tables, tables_of_another_gpu_are_refused_by_name);
    tcase_add_test(tables, what_is_no_measurement_is_refused_with_its_line);
    suite_add_tcase(suite, tables);
    TCase *fits = tcase_create("fits");
    tcase_set_timeout(fits, 60);
    tcase_add_test(fits, a_fit_finds_the_coefficients_that_made_its_data);
    tcase_add_test(fits, sizes_that_took_twice_as_long_once_do_not_pull_it);
    tcase_add_test(fits, a_size_that_was_left_out_is_predicted_without_having_been_seen);
    tcase_add_test(fits, a_server_without_a_fit_is_refused);
    tcase_add_test(fits, a_fit_is_written_as_a_file_that_loads);
    suite_add_tcase(suite, fits);
    if (test_data("kernels") != NULL) {
        TCase *published = tcase_create("published");
        tcase_set_timeout(published, 120);
        tcase_add_test(published, sizes_left_out_are_predicted_between_gpus_with_nvlink);
        tcase_add_test(published, sizes_left_out_are_predicted_over_pcie_but_less_well);
        suite_add_tcase(suite, published);
    }
    return suite;
}

int main(void)
{
    return test_main(suite());
}
