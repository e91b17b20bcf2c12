/* tests/validate/calibrate/test_fit_attention.c - tables of attention are read or refused; a fit
 * finds what made its data, and says what it does not know; on published tables it is as good as
 * docs/timing.md says on heads and lengths that it did not see (skipped without $REPRISE_DATA). */
#include "models/models.h"
#include "tests/support.h"
#include "validate/calibrate/fit_attention.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHAPES                                                                                     \
    "kernel_source,batch_size,isl,step,num_heads,num_key_value_heads,head_dim,window_size,"        \
    "attn_dtype,kv_cache_dtype,latency\n"
#define LATENT                                                                                     \
    "kernel_source,mla_dtype,kv_cache_dtype,num_heads,batch_size,isl,tp_size,step,latency\n"
#define ENGINE "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n"

/* ---- a folder of tables ---- */

struct folder {
    char path[256];
    char *file[4];
    uint32_t files;
};

static struct folder new_folder(void)
{
    struct folder folder = { .path = "/tmp/test_attention.XXXXXX" };
    ck_assert_ptr_nonnull(mkdtemp(folder.path));
    return folder;
}

static FILE *new_file(struct folder *folder, const char *name)
{
    char *path = calloc(1, 512);
    folder->file[folder->files++] = path;
    snprintf(path, 512, "%s/%s", folder->path, name);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    return out;
}

static const char *put(struct folder *folder, const char *name, const char *content)
{
    FILE *out = new_file(folder, name);
    fputs(content, out);
    ck_assert_int_eq(fclose(out), 0);
    return folder->file[folder->files - 1];
}

static void remove_folder(const struct folder *folder)
{
    for (uint32_t i = 0; i < folder->files; i++) {
        unlink(folder->file[i]);
        free(folder->file[i]);
    }
    ck_assert_int_eq(rmdir(folder->path), 0);
}

/* ---- reading ---- */

START_TEST(three_forms_are_read_each_in_its_own_units)
{
    struct folder folder = new_folder();
    put(&folder, "aic_h100_sxm_attention.csv",
        SHAPES "fa3,4,512,0,32,8,128,0,bfloat16,bfloat16,0.5\n"
               "fa3,2,1,1023,16,2,64,128,bfloat16,fp8,0.02\n"
               "vllm_triton_attn,2,1,1023,16,2,192,0,bfloat16,fp8,9\n");
    put(&folder, "aic_h100_sxm_mla.csv", LATENT "mla,bfloat16,bfloat16,16,8,256,8,0,0.25\n");
    put(&folder, "lls_h100_Llama-3.1-8B_tp2_attention.csv", ENGINE "16,4096,8,99,120\n");
    put(&folder, "aic_a100_sxm_attention.csv", SHAPES "fa2,1,16,0,1,1,128,0,bfloat16,bfloat16,1\n");
    struct attention_profile profile;
    struct error err = { 0 };
    ck_assert_int_eq(attention_profile_read(folder.path, "h100", &profile, &err), STATUS_OK);
    ck_assert_uint_eq(profile.count, 4); /* neither Triton's nor the A100's */
    const struct attention_launch *prefill = &profile.launch[0], *decode = &profile.launch[1];
    ck_assert_int_eq(prefill->part, ATTENTION_PREFILL);
    ck_assert_double_eq(prefill->sequences, 4);
    ck_assert_double_eq(prefill->new_tokens, 512);
    ck_assert_double_eq(prefill->kv_bytes, 2);
    ck_assert_double_eq(prefill->measured_ns, 500000);
    ck_assert_int_eq(decode->part, ATTENTION_DECODE);
    ck_assert_double_eq(decode->decode_context, 2 * 1024);
    ck_assert_double_eq(decode->kv_bytes, 1);
    ck_assert_double_eq(decode->window_tokens, 128);
    ck_assert(profile.launch[2].latent);
    const struct attention_launch *mixed = &profile.launch[3];
    ck_assert_int_eq(mixed->part, ATTENTION_MIXED);
    ck_assert(mixed->cold && !decode->cold);
    ck_assert_double_eq(mixed->heads, 16); /* two ranks */
    ck_assert_double_eq(mixed->kv_heads, 4);
    ck_assert_double_eq(mixed->decode_context, 8 * 100); /* with the new token */
    ck_assert_double_eq(mixed->measured_ns, 120000);
    attention_profile_free(&profile);
    remove_folder(&folder);
}
END_TEST

START_TEST(another_gpu_s_table_is_refused_by_name)
{
    struct folder folder = new_folder();
    const char *path = put(&folder, "aic_a100_sxm_attention.csv",
                           SHAPES "fa2,1,16,0,1,1,128,0,bfloat16,bfloat16,1\n");
    struct attention_profile profile;
    struct error err = { 0 }, of_folder = { 0 };
    ck_assert_int_eq(attention_profile_read(path, "h100", &profile, &err), STATUS_INPUT);
    ck_assert_ptr_nonnull(strstr(err.expected, "h100"));
    ck_assert_int_eq(attention_profile_read(folder.path, "h100", &profile, &of_folder),
                     STATUS_INPUT);
    attention_profile_free(&profile);
    remove_folder(&folder);
}
END_TEST

/* Reading the content is refused at its second line with that column and value. */
static void refused(const char *name, const char *content, const char *column, const char *found)
{
    struct folder folder = new_folder();
    const char *path = put(&folder, name, content);
    struct attention_profile profile;
    struct error err = { 0 };
    ck_assert_int_eq(attention_profile_read(path, "h100", &profile, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, column);
    ck_assert_str_eq(err.found, found);
    ck_assert_uint_eq(err.line, 2);
    attention_profile_free(&profile);
    remove_folder(&folder);
}

START_TEST(what_is_no_launch_is_refused_with_its_line_and_column)
{
    refused("x_h100_a.csv", SHAPES "fa3,1,16,0,1,1,128,0,bfloat16,bfloat16,0\n", "latency", "0");
    refused("x_h100_a.csv", SHAPES "fa3,1,16,0,1,1,128,0,bfloat16,int3,1\n", "kv_cache_dtype",
            "int3");
    refused("x_h100_a.csv", SHAPES "fa3,0,16,0,1,1,128,0,bfloat16,bfloat16,1\n", "batch_size", "0");
    refused("x_h100_Llama-3.1-8B_tp1_a.csv", ENGINE "0,0,0,0,1\n", "n_decode", "0");
}
END_TEST

START_TEST(a_table_of_no_such_form_or_model_is_refused)
{
    struct folder folder = new_folder();
    const char *form = put(&folder, "x_h100_gemm.csv", "m,n,k,latency\n1,1,1,1\n");
    ck_assert(!attention_profile_is(form));
    const char *model = put(&folder, "x_h100_Nobody-1B_tp1_attention.csv", ENGINE "1,0,0,0,1\n");
    ck_assert(attention_profile_is(model));
    ck_assert(!attention_profile_is(folder.path)); /* nor is a folder that has others too */
    struct attention_profile profile;
    struct error first = { 0 }, second = { 0 };
    ck_assert_int_eq(attention_profile_read(form, "h100", &profile, &first), STATUS_INPUT);
    ck_assert_int_eq(attention_profile_read(model, "h100", &profile, &second), STATUS_INPUT);
    ck_assert_str_eq(second.found, "nobody-1b");
    remove_folder(&folder);
}
END_TEST

/* ---- fitting what a known GPU made ---- */

static struct hardware hardware_of(const char *name)
{
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(hardware_load(name, &hardware, &err), STATUS_OK);
    return hardware;
}

static struct gpu_peak peak_of(const struct hardware *hardware)
{
    return (struct gpu_peak){ .flop = hardware->flop_per_s / 1e9,
                              .bytes = hardware->hbm_bytes_per_s / 1e9 };
}

/* A launch's line, as long as the fit says that it takes. */
static void write_line(FILE *out, const struct attention_fit *fit, struct gpu_peak peak,
                       const struct attention_launch *launch)
{
    bool decode = launch->part == ATTENTION_DECODE;
    double batch = decode ? launch->decode_sequences : launch->sequences;
    fprintf(out, "fa2,%.0f,%.0f,%.0f,%.0f,%.0f,128,0,bfloat16,bfloat16,%.9f\n", batch,
            decode ? 1 : launch->new_tokens, decode ? launch->decode_context / batch - 1 : 0,
            launch->heads, launch->kv_heads, attention_predict_ns(fit, peak, launch) / 1e6);
}

static void write_launches(FILE *out, const struct attention_fit *fit, struct gpu_peak peak)
{
    fputs(SHAPES, out);
    for (double heads = 2; heads <= 32; heads *= 2)
        for (double kv = 1; kv <= heads; kv *= 4)
            for (double batch = 1; batch <= 64; batch *= 4)
                for (double length = 64; length <= 16384; length *= 2) {
                    struct attention_launch prefill = { .part = ATTENTION_PREFILL,
                                                        .heads = heads,
                                                        .kv_heads = kv,
                                                        .head_dim = 128,
                                                        .kv_bytes = 2,
                                                        .sequences = batch,
                                                        .new_tokens = length };
                    struct attention_launch decode = prefill;
                    decode.part = ATTENTION_DECODE;
                    decode.decode_sequences = batch;
                    decode.decode_context = batch * length;
                    write_line(out, fit, peak, &prefill);
                    write_line(out, fit, peak, &decode);
                }
}

/* The shipped A100 with other coefficients, which a fit starts from knowing nothing of. */
static struct attention_fit another_gpu(const struct attention_fit *shipped)
{
    struct attention_fit made = *shipped;
    made.wide.prefill_ns = 15000;
    made.wide.decode_ns = 6000;
    made.wide.longest = 1.2;
    made.wide.width[1].efficiency = 0.4;
    made.wide.width[1].decode_efficiency = 0.6;
    made.wide.width[1].decode_tile_ns = 5000;
    return made;
}

START_TEST(a_fit_finds_the_gpu_that_made_its_launches)
{
    struct hardware a100 = hardware_of("a100-80gb");
    struct gpu_peak peak = peak_of(&a100);
    struct attention_fit made = another_gpu(&a100.attention), found = a100.attention;
    struct folder folder = new_folder();
    FILE *out = new_file(&folder, "made_a100_attention.csv");
    write_launches(out, &made, peak);
    ck_assert_int_eq(fclose(out), 0);
    struct attention_profile profile;
    struct error err = { 0 };
    ck_assert_int_eq(attention_profile_read(folder.path, "a100", &profile, &err), STATUS_OK);
    struct attention_choice lengths = { .rows_most = 1000, .hidden = HIDE_LENGTHS, .fold = 1 };
    fit_attention(&profile, peak, lengths, &found);
    double worst = 0, sum = 0;
    uint32_t hidden = 0;
    for (uint32_t i = 0; i < profile.count; i++) {
        const struct attention_launch *launch = &profile.launch[i];
        double error = fabs(attention_predict_ns(&found, peak, launch) / launch->measured_ns - 1);
        if (!attention_is_hidden(launch, lengths))
            continue;
        hidden++;
        sum += error;
        worst = fmax(worst, error);
    }
    ck_assert_uint_gt(hidden, 100);
    ck_assert_msg(sum / hidden < 0.02 && worst < 0.15, "mean %g, worst %g", sum / hidden, worst);
    ck_assert(fabs(found.wide.width[1].efficiency / 0.4 - 1) < 0.1);
    ck_assert(fabs(found.wide.width[1].decode_efficiency / 0.6 - 1) < 0.1);
    ck_assert(fabs(found.wide.decode_ns / 6000 - 1) < 0.2);
    /* Of heads of 64 it has heard nothing: they stay as the default says. */
    ck_assert_double_eq(found.wide.width[0].efficiency, a100.attention.wide.width[0].efficiency);
    attention_profile_free(&profile);
    remove_folder(&folder);
}
END_TEST

START_TEST(hidden_parts_are_disjoint_and_together_all)
{
    uint32_t hidden[3] = { 0 };
    for (double heads = 1; heads <= 64; heads++)
        for (double length = 1; length < 20000; length *= 2) {
            struct attention_launch launch = {
                .heads = heads, .kv_heads = 1, .head_dim = 128, .sequences = 1, .new_tokens = length
            };
            uint32_t times = 0;
            for (uint32_t fold = 0; fold < ATTENTION_FOLDS; fold++) {
                bool is =
                    attention_is_hidden(&launch, (struct attention_choice){ 0, HIDE_HEADS, fold });
                times += is;
                hidden[fold] += is;
            }
            ck_assert_uint_eq(times, 1);
        }
    for (uint32_t fold = 0; fold < ATTENTION_FOLDS; fold++)
        ck_assert_uint_gt(hidden[fold], 64 * 15 / 6);
}
END_TEST

/* ---- published tables ---- */

/* Fits a folder of links to the named tables by the command, and reads the file that it wrote. */
static struct attention_record published(const char *server, const char *const *tables)
{
    struct folder folder = new_folder();
    for (; *tables != NULL; tables++) {
        char relative[256];
        snprintf(relative, sizeof relative, "kernels/%s", *tables);
        char *path = calloc(1, 512);
        snprintf(path, 512, "%s/%s", folder.path, *tables);
        folder.file[folder.files++] = path;
        ck_assert_int_eq(symlink(test_data(relative), path), 0);
    }
    char written[300];
    snprintf(written, sizeof written, "%s/fit.yaml", folder.path);
    FILE *report = tmpfile();
    struct error err = { 0 };
    struct profile_calibration calibration = {
        .path = folder.path, .hardware = server, .out = written, .stride = 1
    };
    ck_assert_int_eq(calibrate_attention(&calibration, report, &err), STATUS_OK);
    ck_assert_int_gt(ftell(report), 500);
    fclose(report);
    struct hardware hardware = hardware_of(server);
    struct attention_fit fit = { .multiprocessors = 0 };
    struct config_tree *tree;
    const struct config_section sections[] = { { "", attention_rows, 0 }, { .rows = NULL } };
    ck_assert_int_eq(config_tree_read(written, &tree, &err), STATUS_OK);
    ck_assert_int_eq(config_load(sections, tree, &fit, &err), STATUS_OK);
    config_tree_free(tree);
    ck_assert_uint_eq(fit.multiprocessors, hardware.attention.multiprocessors);
    unlink(written);
    remove_folder(&folder);
    return fit.record;
}

START_TEST(on_a_published_a100_unseen_heads_and_lengths_are_within_the_goals)
{
    const char *const tables[] = { "aic_a100_sxm_vllm0.14.0_context_attention.csv.gz",
                                   "aic_a100_sxm_vllm0.14.0_generation_attention.csv.gz", NULL };
    struct attention_record record = published("a100-80gb", tables);
    ck_assert_uint_gt(record.rows, 8000);
    ck_assert(record.prefill.median < 0.07 && record.prefill.p95 < 0.2);
    ck_assert(record.decode.median < 0.07 && record.decode.p95 < 0.21);
}
END_TEST

START_TEST(in_a_published_engine_cached_prefixes_and_mixed_batches_are_within_the_goals)
{
    const char *const tables[] = { "lls_rtxpro6000_Llama-3.1-8B_tp1_attention.csv.gz", NULL };
    struct attention_record record = published("rtx-pro-6000", tables);
    ck_assert(record.cached.median < 0.1 && record.cached.p95 < 0.25);
    ck_assert(record.mixed.median < 0.1 && record.mixed.p95 < 0.25);
    ck_assert(record.decode.median < 0.07 && record.decode.p95 < 0.2);
}
END_TEST

static TCase *published_tables(void)
{
    TCase *tables = tcase_create("published");
    tcase_set_timeout(tables, 120);
    tcase_add_test(tables, on_a_published_a100_unseen_heads_and_lengths_are_within_the_goals);
    tcase_add_test(tables,
                   in_a_published_engine_cached_prefixes_and_mixed_batches_are_within_the_goals);
    return tables;
}

int main(void)
{
    Suite *suite = suite_create("validate_fit_attention");
    TCase *reading = tcase_create("reading");
    tcase_add_test(reading, three_forms_are_read_each_in_its_own_units);
    tcase_add_test(reading, another_gpu_s_table_is_refused_by_name);
    tcase_add_test(reading, what_is_no_launch_is_refused_with_its_line_and_column);
    tcase_add_test(reading, a_table_of_no_such_form_or_model_is_refused);
    suite_add_tcase(suite, reading);
    TCase *fitting = tcase_create("fitting");
    tcase_set_timeout(fitting, 60);
    tcase_add_test(fitting, a_fit_finds_the_gpu_that_made_its_launches);
    tcase_add_test(fitting, hidden_parts_are_disjoint_and_together_all);
    suite_add_tcase(suite, fitting);
    if (test_data("kernels/lls_rtxpro6000_Llama-3.1-8B_tp1_attention.csv.gz") != NULL)
        suite_add_tcase(suite, published_tables());
    else
        puts("published tables: skipped, not in $REPRISE_DATA");
    return test_main(suite);
}
