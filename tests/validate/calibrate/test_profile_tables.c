/* tests/validate/calibrate/test_profile_tables.c - a table is of the GPU that its name says:
 * another's is refused by name, and never fitted without a word. */
#include "base/memory.h"
#include "tests/support.h"
#include "validate/calibrate/calibrate_from_profile.h"
#include "validate/calibrate/profile_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static const char gemm[] = "kernel_source,gemm_dtype,m,n,k,latency\nx,bfloat16,1,4096,4096,0.02\n";
static const char layers[] = "model,operator,ranks,tokens,inputs,outputs,time_us\n"
                             "x,qkv,1,16,4096,4096,20\n";

/* A folder of its own with these files, each of that text. */
struct folder {
    char path[64];
    char *file[8];
    int files;
};

static struct folder folder_new(void)
{
    struct folder folder = { .path = "/tmp/reprise-tables-XXXXXX" };
    ck_assert_ptr_nonnull(mkdtemp(folder.path));
    return folder;
}

static const char *put(struct folder *folder, const char *name, const char *text)
{
    char *path = folder->file[folder->files++] = memory_new(1, strlen(folder->path) + 64);
    sprintf(path, "%s/%.60s", folder->path, name);
    bool zipped = strstr(name, ".gz") != NULL;
    gzFile file = gzopen(path, zipped ? "wb" : "wbT");
    ck_assert_int_eq(gzputs(file, text), (int)strlen(text));
    ck_assert_int_eq(gzclose(file), Z_OK);
    return path;
}

static void folder_remove(struct folder *folder)
{
    for (int i = 0; i < folder->files; i++) {
        unlink(folder->file[i]);
        free(folder->file[i]);
    }
    rmdir(folder->path);
}

START_TEST(a_name_tells_its_gpu_by_a_word)
{
    static const char *const named[][2] = {
        { "aic_h100_sxm_vllm0.24.0_gemm.csv.gz", "h100" },
        { "/data/a100_Llama-2-7b-hf_mlp.csv", "a100" },
        { "vidur_a100_dgx_all_reduce.csv", "a100" },
        { "lls_rtxpro6000_Llama-3.1-8B_tp1_dense.csv", "rtxpro6000" },
        { "/home/h100/mine.csv", "" },
        { "my-h1000.csv", "" },
        { "b1.5-mine.csv", "" },
        { "npu7_gemm.csv", "npu7" }, /* the hardware's own name */
    };
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        char found[32];
        profile_gpu_of_name(named[i][0], "npu7", found, sizeof found);
        ck_assert_str_eq(found, named[i][1]);
    }
}
END_TEST

START_TEST(a_servers_gpu_is_told_by_its_name_or_else_by_its_files)
{
    static const char *const servers[][2] = { { "h100", "h100" },         { "h200", "h200" },
                                              { "a100-80gb", "a100" },    { "h100-1x", "h100" },
                                              { "paper-4xa100", "a100" }, { "l40s", "l40s" } };
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        struct hardware hardware;
        struct error err = { 0 };
        char gpu[PROFILE_GPU_BYTES];
        ck_assert_int_eq(hardware_load(servers[i][0], &hardware, &err), STATUS_OK);
        profile_gpu_of(&hardware, gpu);
        ck_assert_str_eq(gpu, servers[i][1]);
    }
}
END_TEST

static struct error calibration_of(const char *path, const char *hardware, char **report)
{
    struct error err = { 0 };
    size_t length;
    FILE *out = open_memstream(report, &length);
    struct profile_calibration calibration = { .path = path, .hardware = hardware, .stride = 1 };
    calibrate_from_profile(&calibration, out, &err);
    fclose(out);
    return err;
}

static void refused_as(const char *path, const char *hardware, const char *found)
{
    char *report;
    struct error err = calibration_of(path, hardware, &report);
    ck_assert_int_eq(err.status, STATUS_INPUT);
    ck_assert_str_eq(err.key, "--from-profile");
    ck_assert_str_eq(err.found, found);
    ck_assert_ptr_nonnull(strstr(err.expected, hardware));
    free(report);
}

START_TEST(tables_of_another_gpu_alone_are_refused)
{
    struct folder folder = folder_new();
    const char *file = put(&folder, "a100_Llama-2-7b-hf_mlp.csv", layers);
    refused_as(folder.path, "h100", "a100");
    refused_as(file, "h100", "a100");
    refused_as(put(&folder, "aic_h100_sxm_vllm0.24.0_gemm.csv.gz", gemm), "h200", "h100");
    folder_remove(&folder);
}
END_TEST

START_TEST(of_a_folder_the_gpus_own_tables_are_taken)
{
    struct folder folder = folder_new();
    put(&folder, "aic_a100_sxm_gemm.csv", gemm);
    put(&folder, "aic_h100_sxm_gemm.csv.gz", gemm);
    put(&folder, "mine.csv", gemm);
    put(&folder, "notes.txt", "h100");
    struct profile_tables tables;
    struct error err = { 0 };
    ck_assert_int_eq(profile_tables_open(folder.path, "h100", &tables, &err), STATUS_OK);
    ck_assert_uint_eq(tables.count, 1);
    ck_assert(tables.item[0].says_gpu);
    ck_assert_int_eq((int)tables.item[0].kind, TABLE_PRODUCTS);
    ck_assert_uint_eq(table_rows(&tables.item[0].table), 1);
    ck_assert_uint_eq(tables.of_others, 1);
    profile_tables_close(&tables);
    folder_remove(&folder);
}
END_TEST

START_TEST(a_table_that_names_no_gpu_is_taken_and_said_so)
{
    struct folder folder = folder_new();
    const char *file = put(&folder, "mine.csv", layers);
    char *report;
    struct error err = calibration_of(file, "h100", &report);
    ck_assert_int_eq(err.status, STATUS_OK);
    ck_assert_ptr_nonnull(strstr(report, "its name says none"));
    free(report);
    folder_remove(&folder);
}
END_TEST

START_TEST(a_heading_that_nobody_knows_is_refused_alone_and_left_out_among_others)
{
    struct folder folder = folder_new();
    const char *file = put(&folder, "h100_power.csv", "watt,second\n1,2\n");
    char *report;
    struct error err = calibration_of(file, "h100", &report);
    ck_assert_int_eq(err.status, STATUS_INPUT);
    ck_assert_str_eq(err.key, "heading");
    free(report);
    err = calibration_of(folder.path, "h100", &report);
    ck_assert_int_eq(err.status, STATUS_INPUT);
    free(report);
    put(&folder, "h100_layers.csv", layers);
    err = calibration_of(folder.path, "h100", &report);
    ck_assert_int_eq(err.status, STATUS_OK);
    ck_assert_ptr_nonnull(strstr(report, "h100_power.csv"));
    free(report);
    folder_remove(&folder);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("validate/profile_tables");
    TCase *tests = tcase_create("tables");
    tcase_add_test(tests, a_name_tells_its_gpu_by_a_word);
    tcase_add_test(tests, a_servers_gpu_is_told_by_its_name_or_else_by_its_files);
    tcase_add_test(tests, tables_of_another_gpu_alone_are_refused);
    tcase_add_test(tests, of_a_folder_the_gpus_own_tables_are_taken);
    tcase_add_test(tests, a_table_that_names_no_gpu_is_taken_and_said_so);
    tcase_add_test(tests, a_heading_that_nobody_knows_is_refused_alone_and_left_out_among_others);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
