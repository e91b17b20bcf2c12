/* tests/validate/accuracy/test_accuracy.c - errors of small tables whose answers are known by hand:
 * which files are read, how points become errors, what a goal says, what a served run is simulated
 * as. */
#include "validate/accuracy/accuracy.h"

#include "models/models.h"
#include "tests/support.h"
#include "validate/accuracy/folder.h"
#include "validate/accuracy/points.h"
#include "validate/accuracy/rollup.h"
#include "validate/accuracy/served.h"
#include "validate/accuracy/timed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- a folder of small tables ---- */

struct data {
    char path[64];
    char file[8][256];
    int files;
};

static struct data data_new(void)
{
    struct data data = { .path = "/tmp/reprise-accuracy-XXXXXX" };
    ck_assert_ptr_nonnull(mkdtemp(data.path));
    return data;
}

static void data_add(struct data *data, const char *name, const char *content)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", data->path, name);
    strcpy(data->file[data->files++], path);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(fputs(content, out), 0);
    ck_assert_int_eq(fclose(out), 0);
}

static void data_free(struct data *data)
{
    for (int i = 0; i < data->files; i++)
        unlink(data->file[i]);
    ck_assert_int_eq(rmdir(data->path), 0);
}

static struct accuracy measured(const struct data *data)
{
    struct accuracy accuracy;
    struct error err = { 0 };
    const char *path = data->path;
    enum status status = accuracy_measure(&path, 1, 1, &accuracy, &err);
    ck_assert_msg(status == STATUS_OK, "%s:%u: %s: %s, found %s", err.file, (unsigned)err.line,
                  err.key, err.expected, err.found);
    return accuracy;
}

static struct error refused(const struct data *data, enum status expected)
{
    struct accuracy accuracy;
    struct error err = { 0 };
    const char *path = data->path;
    ck_assert_int_eq(accuracy_measure(&path, 1, 1, &accuracy, &err), expected);
    accuracy_free(&accuracy);
    return err;
}

static bool has_note(const struct accuracy *accuracy, const char *part)
{
    for (uint32_t i = 0; i < accuracy->notes; i++)
        if (strstr(accuracy->note[i], part) != NULL)
            return true;
    return false;
}

/* ---- points ---- */

static uint32_t group_of(struct accuracy *accuracy, enum accuracy_family family,
                         const char *quantity)
{
    struct accuracy_key key = { .family = family };
    strcpy(key.quantity, quantity);
    return points_group(accuracy, &key);
}

START_TEST(errors_are_the_median_and_p95_of_the_absolute_and_the_median_of_the_signed)
{
    struct accuracy accuracy = { 0 };
    uint32_t group = group_of(&accuracy, ACCURACY_ATTENTION, "prefill");
    points_add(&accuracy, group, 100, 90);  /* -0.1 */
    points_add(&accuracy, group, 100, 120); /* +0.2 */
    points_add(&accuracy, group, 200, 260); /* +0.3 */
    struct accuracy_errors errors = accuracy_group_errors(&accuracy.group[group]);
    ck_assert_uint_eq(errors.count, 3);
    ck_assert_double_eq_tol(errors.median, 0.2, 1e-12);
    ck_assert_double_eq_tol(errors.p95, 0.29, 1e-12); /* 0.9 of the way from 0.2 to 0.3 */
    ck_assert_double_eq_tol(errors.bias, 0.2, 1e-12);
    accuracy_free(&accuracy);
}
END_TEST

START_TEST(the_ten_points_that_are_furthest_off_are_kept_worst_first)
{
    struct accuracy accuracy = { 0 };
    uint32_t group = group_of(&accuracy, ACCURACY_PRODUCTS, "product");
    for (int i = 1; i <= 30; i++) {
        int off = i * 7 % 31; /* 1 to 30 in some order */
        struct accuracy_point *point = points_add(&accuracy, group, 100, 100 + off);
        if (point != NULL)
            snprintf(point->shape, sizeof point->shape, "%d", off);
    }
    const struct accuracy_worst *worst = &accuracy.worst[ACCURACY_PRODUCTS];
    ck_assert_uint_eq(worst->count, ACCURACY_WORST);
    for (uint32_t i = 0; i < worst->count; i++)
        ck_assert_int_eq(atoi(worst->point[i].shape), 30 - (int)i);
    ck_assert_uint_eq(accuracy.worst[ACCURACY_ATTENTION].count, 0);
    accuracy_free(&accuracy);
}
END_TEST

START_TEST(groups_are_put_together_by_the_members_that_they_share)
{
    struct accuracy accuracy = { 0 };
    struct accuracy_key key = { .family = ACCURACY_SERVED, .quantity = "TPOT", .engine = "vllm 1" };
    struct rollup_row *row;
    for (uint32_t load = 4; load > 0; load /= 2) {
        key.load = load;
        points_add(&accuracy, points_group(&accuracy, &key), 100, 100 + load);
    }
    ck_assert_uint_eq(rollup(&accuracy, ACCURACY_SERVED, "TPOT", ROLLUP_ENGINE, &row), 1);
    ck_assert_uint_eq(row->errors.count, 3);
    ck_assert_double_eq_tol(row->errors.median, 0.02, 1e-12);
    ck_assert_double_eq_tol(row->predicted, 102, 1e-9);
    free(row);
    ck_assert_uint_eq(rollup(&accuracy, ACCURACY_SERVED, "", ROLLUP_ENGINE | ROLLUP_LOAD, &row), 3);
    ck_assert_uint_eq(row[0].key.load, 1); /* sorted */
    ck_assert_uint_eq(row[2].key.load, 4);
    free(row);
    accuracy_free(&accuracy);
}
END_TEST

/* ---- goals ---- */

static const struct accuracy_goal *attention_goal(void)
{
    ck_assert_str_eq(accuracy_goals[0].name, "attention over 20 us");
    return &accuracy_goals[0];
}

START_TEST(a_goal_without_points_has_no_verdict_and_one_is_met_up_to_its_bound)
{
    struct accuracy accuracy = { 0 };
    ck_assert_int_eq(accuracy_judge(&accuracy, attention_goal()).verdict, ACCURACY_NO_DATA);
    uint32_t group = group_of(&accuracy, ACCURACY_ATTENTION, "decode");
    points_add(&accuracy, group, 1000, 1069);
    ck_assert_int_eq(accuracy_judge(&accuracy, attention_goal()).verdict, ACCURACY_MET);
    points_add(&accuracy, group, 1000, 1072);
    ck_assert_int_eq(accuracy_judge(&accuracy, attention_goal()).verdict, ACCURACY_MISSED);
    accuracy_free(&accuracy);
}
END_TEST

START_TEST(a_goal_is_missed_by_its_95th_percentile_alone)
{
    struct accuracy accuracy = { 0 };
    uint32_t group = group_of(&accuracy, ACCURACY_ATTENTION, "decode");
    for (int i = 0; i < 20; i++)
        points_add(&accuracy, group, 1000, i < 18 ? 1010 : 1250);
    ck_assert_int_eq(accuracy_judge(&accuracy, attention_goal()).verdict, ACCURACY_MISSED);
    accuracy_free(&accuracy);
}
END_TEST

/* What a fit says of rows that it saw is no proof: its held-out errors are. */
START_TEST(a_fitted_group_is_judged_by_what_was_left_out_of_its_fit)
{
    struct accuracy accuracy = { 0 };
    uint32_t group = group_of(&accuracy, ACCURACY_ATTENTION, "decode");
    points_add(&accuracy, group, 1000, 1000);
    accuracy.group[group].origin = ACCURACY_FITTED;
    ck_assert_int_eq(accuracy_judge(&accuracy, attention_goal()).verdict, ACCURACY_NO_DATA);
    accuracy.group[group].held_out_median = 0.08;
    accuracy.group[group].held_out_p95 = 0.1;
    ck_assert_int_eq(accuracy_judge(&accuracy, attention_goal()).verdict, ACCURACY_MISSED);
    accuracy.group[group].held_out_median = 0.05;
    ck_assert_int_eq(accuracy_judge(&accuracy, attention_goal()).verdict, ACCURACY_MET);
    accuracy_free(&accuracy);
}
END_TEST

/* ---- which files ---- */

START_TEST(a_files_name_says_gpu_engine_and_version)
{
    struct data data = data_new();
    struct folder folder = { 0 };
    struct accuracy accuracy = { 0 };
    struct error err = { 0 };
    data_add(&data, "aic_h100_sxm_vllm0.24.0_gemm.csv.gz", "");
    data_add(&data, "aic_l40s_nccl2.27.3.csv", "");
    data_add(&data, "lls_run_rtxpro6000_Llama-3.1-8B.jsonl", "");
    data_add(&data, "aic_new_thing.csv", "");
    ck_assert_int_eq(folder_add(data.path, &folder, &accuracy, &err), STATUS_OK);
    ck_assert_int_eq(folder_check(data.path, &folder, &accuracy, &err), STATUS_OK);
    ck_assert_uint_eq(folder.files, 3);
    ck_assert_int_eq(folder.file[0].kind, FOLDER_GEMM);
    ck_assert_str_eq(folder.file[0].gpu, "h100_sxm");
    ck_assert_str_eq(folder.file[0].engine, "vllm");
    ck_assert_str_eq(folder.file[0].version, "0.24.0");
    ck_assert_int_eq(folder.file[1].kind, FOLDER_NCCL);
    ck_assert_str_eq(folder.file[1].gpu, "l40s");
    ck_assert_int_eq(folder.file[2].kind, FOLDER_REQUESTS);
    ck_assert_str_eq(folder.file[2].model, "Llama-3.1-8B");
    ck_assert(has_note(&accuracy, "aic_new_thing.csv"));
    ck_assert(has_note(&accuracy, "no table of experts"));
    ck_assert(!has_note(&accuracy, "no table of matrix products"));
    folder_free(&folder);
    accuracy_free(&accuracy);
    data_free(&data);
}
END_TEST

START_TEST(a_folder_without_tables_is_refused_and_one_that_is_not_there_cannot_be_read)
{
    struct data data = data_new();
    data_add(&data, "README.md", "nothing");
    ck_assert_ptr_nonnull(strstr(refused(&data, STATUS_INPUT).expected, "tables"));
    data_free(&data);
    refused(&data, STATUS_IO);
}
END_TEST

/* ---- kernels ---- */

#define CUSTOM "kernel_source,backend,num_gpus,message_size,latency\n"

START_TEST(an_all_reduce_of_the_gpu_that_was_fitted_is_fitted_and_an_h200s_is_unseen)
{
    struct data data = data_new();
    struct hardware hardware;
    struct error err = { 0 };
    char rows[256];
    ck_assert_int_eq(hardware_load("h100", &hardware, &err), STATUS_OK);
    double ns = collective_allreduce_ns(&hardware.collectives, 4, 16384, COLLECTIVE_GRAPH);
    snprintf(rows, sizeof rows, CUSTOM "x,vllm_graph,4,8192,%.9f\n", ns / 1e6);
    data_add(&data, "aic_h100_sxm_vllm0.24.0_custom_allreduce.csv", rows);
    data_add(&data, "aic_h200_sxm_vllm0.24.0_custom_allreduce.csv", rows);
    struct accuracy accuracy = measured(&data);
    ck_assert_uint_eq(accuracy.groups, 2);
    for (uint32_t i = 0; i < 2; i++)
        ck_assert_double_le(accuracy_group_errors(&accuracy.group[i]).median, 1e-6);
    ck_assert_int_eq(accuracy.group[0].origin, ACCURACY_FITTED);
    ck_assert_double_gt(accuracy.group[0].held_out_p95, 0.0);
    ck_assert_int_eq(accuracy.group[1].origin, ACCURACY_UNSEEN);
    ck_assert(isnan(accuracy.group[1].held_out_p95));
    accuracy_free(&accuracy);
    data_free(&data);
}
END_TEST

START_TEST(a_malformed_table_is_refused_by_its_line)
{
    struct data data = data_new();
    data_add(&data, "aic_h100_sxm_vllm0.24.0_custom_allreduce.csv",
             CUSTOM "x,vllm_graph,4,8192,soon\n");
    ck_assert_uint_eq(refused(&data, STATUS_INPUT).line, 2);
    data_free(&data);
}
END_TEST

/* ---- served runs ---- */

#define SERVED                                                                                     \
    "id,silicon_data_source,backend,backend_version,model_path,system,precision,mode,isl,osl,"     \
    "gemm_quant_mode,moe_quant_mode,batch_size,tp_size,attention_dp_size,moe_tp_size,"             \
    "moe_ep_size,silicon_ttft_ms,silicon_tpot_ms\n"
#define DUMP "\"db; measured=2025-10-29T00:00:00.000Z\""

static struct served served_of(const char *rows)
{
    char text[4096];
    struct served served;
    struct error err = { 0 };
    snprintf(text, sizeof text, SERVED "%s", rows);
    char *path = test_temp_file(text);
    ck_assert_msg(served_read(path, &served, &err) == STATUS_OK, "%s: %s", err.key, err.expected);
    unlink(path);
    free(path);
    return served;
}

START_TEST(a_row_says_model_format_ranks_and_how_its_requests_came)
{
    struct served served = served_of(
        "a," DUMP
        ",vllm,,meta-llama/Llama-3.1-70B,h100_sxm,fp8,agg,1024,1024,fp8,,16,4,1,4,1,90,12\n"
        "b,x/aic-auto-gap-analysis/y,trtllm,1.0.0,Qwen/"
        "Qwen3-32B,h100_sxm,,agg,512,128,,,8,2,,1,1,90,8\n"
        "c," DUMP
        ",trtllm,1.2.0rc6,openai/gpt-oss-120b,b200_sxm,fp4,agg,1024,1024,nvfp4,,8,64,1,8,8,9,3\n");
    const struct served_row *row = served.row;
    ck_assert_uint_eq(served.rows, 3);
    ck_assert_str_eq(row[0].run.model, "llama-3.1-70b");
    ck_assert_str_eq(row[0].run.format, "fp8");
    ck_assert_str_eq(row[0].run.engine, "vllm of 2025-10");
    ck_assert(row[0].uniform);
    ck_assert_uint_eq(row[0].requests, 160);
    ck_assert_double_eq_tol(served_reply_tokens(&row[0]), (819 + 1024) / 2.0, 1e-9);
    ck_assert_str_eq(row[1].run.format, "bf16");
    ck_assert(!row[1].uniform);
    ck_assert_double_eq_tol(served_reply_tokens(&row[1]), 128, 1e-9);
    ck_assert_str_eq(row[2].run.format, "mxfp4"); /* whatever it is called */
    ck_assert_uint_eq(row[2].run.ranks, 8);       /* 64 tensor times expert ranks */
    served_free(&served);
}
END_TEST

START_TEST(what_cannot_be_simulated_says_why_and_a_run_that_stands_twice_counts_once)
{
    struct served served = served_of(
        "a," DUMP
        ",vllm,,meta-llama/Llama-3.1-70B,h100_sxm,fp8,agg,1024,1024,fp8,,16,4,1,4,1,90,12\n"
        "b,other,vllm,,meta-llama/Llama-3.1-70B,h100_sxm,fp8,agg,1024,1024,fp8,,16,4,1,4,1,90,12\n"
        "c," DUMP ",vllm,,none/Unheard-Of-7B,h100_sxm,fp8,agg,1024,1024,fp8,,16,4,1,4,1,91,12\n"
        "d," DUMP ",vllm,,openai/gpt-oss-120b,h100_sxm,fp8,disagg,1024,1024,fp8,,,,,,,92,12\n"
        "e," DUMP ",vllm,,openai/gpt-oss-120b,h100_sxm,fp8,agg,1024,1024,fp8,,16,4,4,1,16,93,12\n"
        "f," DUMP ",vllm,,openai/gpt-oss-120b,mi300x,fp8,agg,1024,1024,fp8,,16,4,1,4,1,94,12\n");
    static const char *const why[] = { "", "Unheard-Of", "mode disagg", "data-parallel", "mi300x" };
    ck_assert_uint_eq(served.rows, 5);
    ck_assert_str_eq(served.row[0].run.skipped, "");
    for (uint32_t i = 1; i < 5; i++) {
        char lower[64];
        snprintf(lower, sizeof lower, "%s", why[i]);
        for (char *c = lower; *c != '\0'; c++)
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        ck_assert_msg(strstr(served.row[i].run.skipped, lower) != NULL, "%s: %s",
                      served.row[i].run.id, served.row[i].run.skipped);
    }
    served_free(&served);
}
END_TEST

/* A row measured as the simulator has it is off by nothing; one that took half as long, by twice.
 */
START_TEST(a_served_run_is_simulated_with_as_many_requests_in_flight)
{
    static const char format[] =
        "%s," DUMP ",vllm,,meta-llama/Llama-3.1-8B,h100_sxm,,agg,256,64,,,4,1,1,1,1,%.9f,%.9f\n";
    struct data data = data_new();
    char first[2048], second[2048];
    snprintf(first, sizeof first, SERVED);
    snprintf(first + strlen(first), sizeof first - strlen(first), format, "a", 1.0, 1.0);
    data_add(&data, "aic_silicon_e2e.csv", first);
    struct accuracy accuracy = measured(&data);
    ck_assert_uint_eq(accuracy.runs, 1);
    double ttft_ms = accuracy.run[0].predicted_ttft_ns / 1e6;
    double tpot_ms = accuracy.run[0].predicted_tpot_ns / 1e6;
    ck_assert_double_gt(ttft_ms, tpot_ms);
    accuracy_free(&accuracy);
    snprintf(second, sizeof second, SERVED);
    snprintf(second + strlen(second), sizeof second - strlen(second), format, "a", ttft_ms,
             tpot_ms / 2.0);
    data_add(&data, "aic_silicon_e2e.csv", second);
    accuracy = measured(&data);
    for (uint32_t i = 0; i < accuracy.groups; i++) {
        const struct accuracy_group *group = &accuracy.group[i];
        double bias = accuracy_group_errors(group).bias;
        ck_assert_uint_eq(group->key.load, 4);
        if (strcmp(group->key.quantity, "TTFT") == 0)
            ck_assert_double_eq_tol(bias, 0.0, 1e-6);
        if (strcmp(group->key.quantity, "TPOT") == 0)
            ck_assert_double_eq_tol(bias, 1.0, 1e-6);
    }
    accuracy_free(&accuracy);
    data.files--; /* written twice */
    data_free(&data);
}
END_TEST

/* A burst of eight prompts takes longer to its mean first token than one alone. */
START_TEST(requests_in_flight_come_together)
{
    struct data data = data_new();
    data_add(&data, "aic_silicon_e2e.csv",
             SERVED
             "a," DUMP ",vllm,,meta-llama/Llama-3.1-8B,h100_sxm,,agg,1024,64,,,1,1,1,1,1,1,1\n"
             "b," DUMP ",vllm,,meta-llama/Llama-3.1-8B,h100_sxm,,agg,1024,64,,,8,1,1,1,1,1,1\n");
    struct accuracy accuracy = measured(&data);
    ck_assert_uint_eq(accuracy.runs, 2);
    ck_assert_double_gt(accuracy.run[1].predicted_ttft_ns, 1.2 * accuracy.run[0].predicted_ttft_ns);
    ck_assert_double_gt(accuracy.run[1].predicted_tpot_ns, 1.1 * accuracy.run[0].predicted_tpot_ns);
    accuracy_free(&accuracy);
    data_free(&data);
}
END_TEST

START_TEST(a_row_that_its_neighbours_contradict_says_so)
{
    struct served served = served_of(
        "a," DUMP ",vllm,1,openai/gpt-oss-120b,h100_sxm,,agg,1024,1024,,,32,4,1,4,1,90,16\n"
        "b," DUMP ",vllm,1,openai/gpt-oss-120b,h100_sxm,,agg,1024,1024,,,64,4,1,4,1,99,9.7\n"
        "c," DUMP ",vllm,1,openai/gpt-oss-120b,h100_sxm,,agg,1024,1024,,,4,4,1,4,1,40,4\n");
    for (uint32_t i = 0; i < 3; i++) {
        served.row[i].run.predicted_ttft_ns = served.row[i].run.ttft_ns;
        served.row[i].run.predicted_tpot_ns = served.row[i].run.tpot_ns;
        served_explain(&served, &served.row[i]);
    }
    ck_assert_ptr_nonnull(strstr(served.row[0].run.cause, "contradicts"));
    ck_assert_ptr_nonnull(strstr(served.row[1].run.cause, "contradicts"));
    ck_assert_str_eq(served.row[2].run.cause, "not explained");
    served_free(&served);
}
END_TEST

START_TEST(the_version_that_is_simulated_is_the_nearest_to_the_one_that_ran)
{
    char name[ACCURACY_NAME_BYTES];
    ck_assert(served_version("vllm", "0.15.1", "", name));
    ck_assert_str_eq(name, "vllm-0.15");
    ck_assert(served_version("vllm", "0.17.0", "", name)); /* as near to both: the newer */
    ck_assert_str_eq(name, "vllm-0.19");
    ck_assert(served_version("vllm", "0.18.0", "", name));
    ck_assert_str_eq(name, "vllm-0.19");
    ck_assert(served_version("vllm", "nightly-5b8c", "", name));
    ck_assert_str_eq(name, "vllm-0.19");
    ck_assert(served_version("vllm", "", "2025-12", name));
    ck_assert_str_eq(name, "vllm-0.12");
    ck_assert(served_version("trtllm", "1.2.0rc6.post1", "", name));
    ck_assert_str_eq(name, "trtllm-1.0");
    ck_assert(!served_version("none", "1", "", name));
}
END_TEST

/* ---- single requests ---- */

#define REQUEST(queued, first, last)                                                               \
    "{\"input_toks\": 100, \"output_toks\": 11, \"queued_ts\": " queued                            \
    ", \"first_token_ts\": " first ", \"last_token_ts\": " last "}\n"

START_TEST(single_requests_are_sorted_and_counted_from_the_first)
{
    char *path =
        test_temp_file(REQUEST("12.5", "12.6", "13.0") "\n" REQUEST("12.0", "12.25", "13.25"));
    struct timed_requests requests;
    struct error err = { 0 };
    ck_assert_int_eq(timed_read(path, &requests, &err), STATUS_OK);
    ck_assert_uint_eq(requests.count, 2);
    ck_assert_uint_eq(requests.request[0].queued_ns, 0);
    ck_assert_uint_eq(requests.request[0].first_token_ns, 250000000);
    ck_assert_uint_eq(requests.request[1].queued_ns, 500000000);
    timed_free(&requests);
    unlink(path);
    free(path);
}
END_TEST

START_TEST(a_first_token_before_its_request_is_refused_by_its_line)
{
    char *path = test_temp_file(REQUEST("12.5", "12.6", "13.0") REQUEST("12.0", "11.0", "13.25"));
    struct timed_requests requests;
    struct error err = { 0 };
    ck_assert_int_eq(timed_read(path, &requests, &err), STATUS_INPUT);
    ck_assert_uint_eq(err.line, 2);
    ck_assert_str_eq(err.key, "first_token_ts");
    timed_free(&requests);
    unlink(path);
    free(path);
}
END_TEST

START_TEST(each_request_of_a_run_is_set_beside_its_own)
{
    struct data data = data_new();
    data_add(&data, "lls_run_h100_Llama-3.1-8B.jsonl",
             REQUEST("0.0", "0.1", "0.2") REQUEST("60.0", "60.4", "60.6"));
    struct accuracy accuracy = measured(&data);
    ck_assert_uint_eq(accuracy.groups, 3);
    for (uint32_t i = 0; i < accuracy.groups; i++) {
        const struct accuracy_group *group = &accuracy.group[i];
        ck_assert_uint_eq(group->count, 2);
        /* Alone on the server, both take as long, whatever was measured. */
        ck_assert_double_eq_tol(group->predicted[0], group->predicted[1], 1.0);
        if (strcmp(group->key.quantity, "TTFT") == 0)
            ck_assert_double_eq_tol(group->measured[1], 0.4e9, 10.0);
        if (strcmp(group->key.quantity, "TPOT") == 0)
            ck_assert_double_eq_tol(group->measured[1], 0.02e9, 10.0);
    }
    accuracy_free(&accuracy);
    data_free(&data);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("accuracy");
    TCase *tcase = tcase_create("accuracy");
    tcase_add_test(tcase,
                   errors_are_the_median_and_p95_of_the_absolute_and_the_median_of_the_signed);
    tcase_add_test(tcase, the_ten_points_that_are_furthest_off_are_kept_worst_first);
    tcase_add_test(tcase, groups_are_put_together_by_the_members_that_they_share);
    tcase_add_test(tcase, a_goal_without_points_has_no_verdict_and_one_is_met_up_to_its_bound);
    tcase_add_test(tcase, a_goal_is_missed_by_its_95th_percentile_alone);
    tcase_add_test(tcase, a_fitted_group_is_judged_by_what_was_left_out_of_its_fit);
    tcase_add_test(tcase, a_files_name_says_gpu_engine_and_version);
    tcase_add_test(tcase,
                   a_folder_without_tables_is_refused_and_one_that_is_not_there_cannot_be_read);
    tcase_add_test(tcase,
                   an_all_reduce_of_the_gpu_that_was_fitted_is_fitted_and_an_h200s_is_unseen);
    tcase_add_test(tcase, a_malformed_table_is_refused_by_its_line);
    tcase_add_test(tcase, a_row_says_model_format_ranks_and_how_its_requests_came);
    tcase_add_test(tcase,
                   what_cannot_be_simulated_says_why_and_a_run_that_stands_twice_counts_once);
    tcase_add_test(tcase, a_served_run_is_simulated_with_as_many_requests_in_flight);
    tcase_add_test(tcase, requests_in_flight_come_together);
    tcase_add_test(tcase, a_row_that_its_neighbours_contradict_says_so);
    tcase_add_test(tcase, the_version_that_is_simulated_is_the_nearest_to_the_one_that_ran);
    tcase_add_test(tcase, single_requests_are_sorted_and_counted_from_the_first);
    tcase_add_test(tcase, a_first_token_before_its_request_is_refused_by_its_line);
    tcase_add_test(tcase, each_request_of_a_run_is_set_beside_its_own);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
