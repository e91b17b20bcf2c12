/* tests/validate/calibrate/test_profile_modules.c - tables of an engine's modules: shapes come from
 * the model in the file's name, a norm that sums is one kernel, and what was left out of a fit to
 * one model is predicted by what has not seen it. */
#include "base/memory.h"
#include "models/models.h"
#include "tests/support.h"
#include "validate/calibrate/calibrate_from_profile.h"
#include "validate/calibrate/fit_operators.h"
#include "validate/calibrate/fit_predict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADING "layer,tokens,time_us\n"

/* A file of that name in a folder of its own. */
struct file {
    char folder[64], path[192];
};

static struct file file_of(const char *name, const char *text)
{
    struct file file = { .folder = "/tmp/reprise-modules-XXXXXX" };
    ck_assert_ptr_nonnull(mkdtemp(file.folder));
    snprintf(file.path, sizeof file.path, "%s/%s", file.folder, name);
    FILE *out = fopen(file.path, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    ck_assert_int_eq(fclose(out), 0);
    return file;
}

static void file_remove(const struct file *file)
{
    unlink(file->path);
    rmdir(file->folder);
}

static enum status read_text(const char *name, const char *text, struct profile *profile,
                             struct error *err)
{
    struct file file = file_of(name, text);
    enum status status = profile_read(file.path, "rtxpro6000", profile, err);
    file_remove(&file);
    return status;
}

static const struct profile_row *row_of(const struct profile *profile, enum profile_operator op,
                                        uint32_t tokens)
{
    for (uint32_t i = 0; i < profile->count; i++)
        if (profile->row[i].op == op && profile->row[i].tokens == tokens)
            return &profile->row[i];
    ck_abort_msg("no %s of %u tokens", profile_operator_names[op], tokens);
    return NULL;
}

static const char all_modules[] =
    HEADING "qkv_proj,2,36\nqkv_proj,1,35\no_proj,1,25\ngate_up_proj,1,158\ndown_proj,1,85\n"
            "layernorm,1,2.2\nfinal_layernorm,1,2.4\nrotary_emb,1,2.7\nact_fn,1,2.6\n"
            "embedding,1,3\nlm_head,1,700\n";

START_TEST(shapes_are_those_of_the_model_that_the_name_has)
{
    struct profile profile;
    struct error err = { 0 };
    ck_assert_int_eq(
        read_text("lls_rtxpro6000_Llama-3.1-8B_tp1_dense.csv", all_modules, &profile, &err),
        STATUS_OK);
    /* layernorm is the mean of two kernels, the head no layer's: neither is read. */
    ck_assert_uint_eq(profile.count, 9);
    ck_assert_uint_eq(profile.layers, 2);
    ck_assert_str_eq(profile.model[0], "llama-3.1-8b");
    static const struct {
        enum profile_operator op;
        double inputs, outputs;
    } shapes[] = { { PROFILE_QKV, 4096, 6144 },       { PROFILE_ATTENTION_OUT, 4096, 4096 },
                   { PROFILE_UP, 4096, 28672 },       { PROFILE_DOWN, 14336, 4096 },
                   { PROFILE_ROPE, 10240, 5120 },     { PROFILE_ACTIVATION, 43008, 14336 },
                   { PROFILE_EMBEDDING, 8192, 4096 }, { PROFILE_NORM, 8192, 4096 } };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const struct profile_row *row = row_of(&profile, shapes[i].op, 1);
        ck_assert_double_eq(row->inputs, shapes[i].inputs);
        ck_assert_double_eq(row->outputs, shapes[i].outputs);
        ck_assert_uint_eq(row->layer, 0); /* one token's, though its lines stand apart */
    }
    ck_assert_uint_eq(row_of(&profile, PROFILE_QKV, 2)->layer, 1);
    const struct profile_row *norm = row_of(&profile, PROFILE_NORM, 1);
    ck_assert_double_eq(norm->measured_ns, 2400);
    ck_assert_double_eq(norm->summed, 8192);
    ck_assert_uint_eq(norm->times, 2);
    ck_assert_uint_eq(row_of(&profile, PROFILE_EMBEDDING, 1)->times, 0);
    ck_assert_double_eq(row_of(&profile, PROFILE_ACTIVATION, 1)->summed, 0);
    profile_free(&profile);
}
END_TEST

START_TEST(a_rank_s_shapes_are_its_part)
{
    struct profile profile;
    struct error err = { 0 };
    ck_assert_int_eq(read_text("rtxpro6000_Llama-3.1-70B_tp16.csv", all_modules, &profile, &err),
                     STATUS_OK);
    /* 64 heads and 8 of KV: 4 and a copy of 1 on each of 16 ranks. */
    ck_assert_double_eq(row_of(&profile, PROFILE_QKV, 1)->outputs, (4 + 2) * 128);
    ck_assert_double_eq(row_of(&profile, PROFILE_ATTENTION_OUT, 1)->inputs, 4 * 128);
    ck_assert_double_eq(row_of(&profile, PROFILE_DOWN, 1)->inputs, 28672.0 / 16);
    ck_assert_double_eq(row_of(&profile, PROFILE_NORM, 1)->outputs, 8192); /* whole everywhere */
    ck_assert_uint_eq(row_of(&profile, PROFILE_QKV, 1)->ranks, 16);
    profile_free(&profile);
}
END_TEST

START_TEST(what_is_no_such_table_is_refused)
{
    static const char name[] = "lls_rtxpro6000_Llama-3.1-8B_tp1_dense.csv";
    static const struct {
        const char *name, *text, *key;
        uint64_t line;
    } refused[] = {
        { "lls_rtxpro6000_dense.csv", all_modules, "file name", 0 },
        { "lls_rtxpro6000_Llama-3.1-8B_tp0_dense.csv", all_modules, "file name", 0 },
        { "lls_rtxpro6000_Llama-3.1-8B_tp3_dense.csv", all_modules, "file name", 0 },
        { "rtxpro6000_Mixtral-8x7B_tp1_dense.csv", all_modules, "file name", 0 },
        { "rtxpro6000_DeepSeek-V3_tp1_dense.csv", all_modules, "file name", 0 },
        { name, HEADING "qkv_proj,1,0\n", "time_us", 2 },
        { name, HEADING "qkv_proj,1,1\nqkv_proj,1.5,1\n", "tokens", 3 },
        { name, HEADING "qkv_proj,0,1\n", "tokens", 2 },
        { name, HEADING "qkv_proj,1,1\no_proj,1,1\nqkv_proj,1,2\n", "qkv", 0 },
        { name, HEADING "lm_head,1,1\n", "layer", 0 },
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct profile profile;
        struct error err = { 0 };
        ck_assert_int_eq(read_text(refused[i].name, refused[i].text, &profile, &err), STATUS_INPUT);
        ck_assert_str_eq(err.key, refused[i].key);
        ck_assert_uint_eq(err.line, refused[i].line);
        profile_free(&profile);
    }
    struct profile profile;
    struct error err = { 0 };
    enum status unknown = read_text("rtxpro6000_Llama-9-1T_tp1.csv", all_modules, &profile, &err);
    ck_assert_int_ne(unknown, STATUS_OK); /* as model_load() refuses it */
    profile_free(&profile);
}
END_TEST

/* ---- fits ---- */

static struct gpu_peak peak_of(const struct hardware *hardware)
{
    return (struct gpu_peak){ .flop = hardware->flop_per_s / 1e9,
                              .bytes = hardware->hbm_bytes_per_s / 1e9 };
}

/* Every module of a layer at a hundred token counts, as these operators take; a third of the token
 * counts (layer number `wrong` modulo 3) takes twice as long. wrong 3: none does. */
static struct profile profile_of(const struct operators *truth, struct gpu_peak peak,
                                 uint32_t wrong)
{
    static const struct profile_row modules[] = {
        { .op = PROFILE_QKV, .inputs = 4096, .outputs = 6144, .times = 1 },
        { .op = PROFILE_ATTENTION_OUT, .inputs = 4096, .outputs = 4096, .times = 1 },
        { .op = PROFILE_UP, .inputs = 4096, .outputs = 28672, .times = 1 },
        { .op = PROFILE_DOWN, .inputs = 14336, .outputs = 4096, .times = 1 },
        { .op = PROFILE_NORM, .inputs = 8192, .outputs = 4096, .summed = 8192, .times = 2 },
        { .op = PROFILE_ROPE, .inputs = 10240, .outputs = 5120, .times = 1 },
        { .op = PROFILE_ACTIVATION, .inputs = 43008, .outputs = 14336, .times = 1 },
    };
    enum { MODULES = sizeof modules / sizeof *modules, COUNTS = 100 };
    struct profile profile = { .models = 1, .layers = COUNTS };
    strcpy(profile.model[0], "made");
    for (uint32_t layer = 0; layer < COUNTS; layer++)
        for (int m = 0; m < MODULES; m++) {
            struct profile_row row = modules[m];
            row.layer = layer;
            row.ranks = 1;
            row.tokens = 1 + layer * 20;
            row.measured_ns = fit_predict_ns(truth, peak, &row) * (layer % 3 == wrong ? 2 : 1);
            profile_add_row(&profile, row);
        }
    return profile;
}

static struct hardware truth_hardware(void)
{
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(hardware_load("rtx-pro-6000", &hardware, &err), STATUS_OK);
    struct stream_fit *stream = hardware.operators.stream;
    stream[STREAM_NORM] = (struct stream_fit){ 2400, 0, 0.8, 1.5 };
    stream[STREAM_SUM] = stream[STREAM_NORM];
    return hardware;
}

START_TEST(a_norm_that_sums_is_one_kernel_whose_bytes_move_alike)
{
    struct hardware hardware = truth_hardware();
    struct gpu_peak peak = peak_of(&hardware);
    struct profile profile = profile_of(&hardware.operators, peak, 3);
    struct operators fitted = hardware.operators;
    fitted.stream[STREAM_NORM] = (struct stream_fit){ 5000, 1, 0.3, 0.1 };
    fitted.stream[STREAM_SUM] = (struct stream_fit){ 9000, 1, 0.1, 0 };
    fit_operators(&profile, peak, (struct fit_choice){ .stride = 1, .without = FIT_NO_MODEL },
                  &fitted, NULL);
    const struct stream_fit *norm = &fitted.stream[STREAM_NORM], *sum = &fitted.stream[STREAM_SUM];
    ck_assert_mem_eq(norm, sum, sizeof *norm); /* nobody measured a sum by itself */
    ck_assert_double_eq(norm->value_ns, 0);    /* one width cannot tell it from the start */
    struct fit_errors errors =
        fit_operator_errors(&profile, peak, &fitted, FIT_NO_MODEL, PROFILE_NORM);
    ck_assert_double_le(errors.median, 0.01);
    ck_assert_double_le(errors.p95, 0.03);
    profile_free(&profile);
}
END_TEST

START_TEST(a_sum_that_was_measured_by_itself_stays_its_own)
{
    struct hardware hardware = truth_hardware();
    struct gpu_peak peak = peak_of(&hardware);
    hardware.operators.stream[STREAM_SUM] = (struct stream_fit){ 1500, 0, 0.4, 0.2 };
    struct profile profile = profile_of(&hardware.operators, peak, 3);
    for (uint32_t tokens = 1; tokens <= 2000; tokens += 20) {
        struct profile_row row = { .op = PROFILE_SUM,
                                   .layer = profile.layers++,
                                   .ranks = 1,
                                   .tokens = tokens,
                                   .times = 1,
                                   .inputs = 12288,
                                   .outputs = 4096 };
        row.measured_ns = fit_predict_ns(&hardware.operators, peak, &row);
        profile_add_row(&profile, row);
    }
    struct operators fitted = hardware.operators;
    fit_operators(&profile, peak, (struct fit_choice){ .stride = 1, .without = FIT_NO_MODEL },
                  &fitted, NULL);
    ck_assert_double_eq_tol(fitted.stream[STREAM_SUM].fixed_ns, 1500, 30);
    struct fit_errors errors =
        fit_operator_errors(&profile, peak, &fitted, FIT_NO_MODEL, PROFILE_SUM);
    ck_assert_double_le(errors.p95, 0.02);
    profile_free(&profile);
}
END_TEST

START_TEST(token_counts_left_out_move_no_fit)
{
    struct hardware hardware = truth_hardware();
    struct gpu_peak peak = peak_of(&hardware);
    for (uint32_t third = 1; third <= FIT_THIRDS; third++) {
        struct profile profile = profile_of(&hardware.operators, peak, third - 1);
        struct operators fitted = hardware.operators;
        const struct fit_choice choice = { .stride = 1, .without = FIT_NO_MODEL, .third = third };
        fit_operators(&profile, peak, choice, &fitted, NULL);
        for (uint32_t i = 0; i < profile.count; i++) {
            const struct profile_row *row = &profile.row[i];
            double ratio =
                fit_predict_ns(&fitted, peak, row) / fit_predict_ns(&hardware.operators, peak, row);
            ck_assert_msg(fabs(ratio - 1) < 0.05, "%s of %u tokens: %g",
                          profile_operator_names[row->op], row->tokens, ratio);
        }
        profile_free(&profile);
    }
}
END_TEST

START_TEST(a_product_left_out_moves_no_fit)
{
    struct hardware hardware = truth_hardware();
    struct gpu_peak peak = peak_of(&hardware);
    struct profile profile = profile_of(&hardware.operators, peak, 3);
    for (uint32_t i = 0; i < profile.count; i++)
        profile.row[i].measured_ns *= profile.row[i].op == PROFILE_UP ? 2 : 1;
    struct operators fitted = hardware.operators;
    const struct fit_choice choice = { .stride = 1,
                                       .without = FIT_NO_MODEL,
                                       .product = 1 + PROFILE_UP };
    fit_operators(&profile, peak, choice, &fitted, NULL);
    for (int op = 0; op < PROFILE_PRODUCTS; op++) {
        struct fit_errors errors =
            fit_operator_errors(&profile, peak, &fitted, FIT_NO_MODEL, (enum profile_operator)op);
        ck_assert_double_eq_tol(errors.median, op == PROFILE_UP ? 0.5 : 0, 0.02);
    }
    profile_free(&profile);
}
END_TEST

START_TEST(a_record_tells_what_was_left_out)
{
    struct hardware hardware = truth_hardware();
    struct gpu_peak peak = peak_of(&hardware);
    struct profile profile = profile_of(&hardware.operators, peak, 3), wrong;
    struct operators fitted = hardware.operators, none[PROFILE_MODELS_MAX];
    FILE *nowhere = fopen("/dev/null", "w");
    ck_assert_int_eq(fit_hold_out(&profile, peak, 1, &fitted, none), 0);
    fit_hold_out_tokens(&profile, peak, 1, &fitted, nowhere);
    ck_assert_double_le(fitted.record.held_out_p95_error, 0.02);
    ck_assert_uint_eq(fitted.record.rows, 100);
    ck_assert_uint_eq(fitted.record.inputs_most, 14336);
    ck_assert_uint_eq(fitted.gemm[FORMAT_BF16].record.rows, 400);
    ck_assert_double_gt(fitted.gemm[FORMAT_BF16].record.many_p95_error, 0);
    ck_assert_double_le(fitted.gemm[FORMAT_BF16].record.few_p95_error, 0.1);
    /* Of token counts that take twice as long as their neighbours, half is not foreseen. */
    wrong = profile_of(&hardware.operators, peak, 1);
    fit_hold_out_tokens(&wrong, peak, 1, &fitted, nowhere);
    ck_assert_double_ge(fitted.record.held_out_p95_error, 0.45);
    fclose(nowhere);
    profile_free(&profile);
    profile_free(&wrong);
}
END_TEST

START_TEST(the_command_tells_such_a_table_by_its_heading)
{
    struct hardware hardware = truth_hardware();
    struct gpu_peak peak = peak_of(&hardware);
    struct profile profile = profile_of(&hardware.operators, peak, 3);
    static const char *const names[PROFILE_OPERATORS] = {
        "qkv_proj", "o_proj", "gate_up_proj", "down_proj", "final_layernorm", "rotary_emb", "act_fn"
    };
    char *text = memory_new(1, (size_t)profile.count * 64), *end = text;
    end += sprintf(end, HEADING);
    for (uint32_t i = 0; i < profile.count; i++)
        end += sprintf(end, "%s,%u,%.6f\n", names[profile.row[i].op], profile.row[i].tokens,
                       profile.row[i].measured_ns / 1e3);
    struct file file = file_of("rtxpro6000_Llama-3.1-8B_tp1.csv", text);
    char out[256], found[4096] = "";
    snprintf(out, sizeof out, "%s/fitted.yaml", file.folder);
    const struct profile_calibration calibration = {
        .path = file.path, .hardware = "rtx-pro-6000", .out = out, .source = "made", .stride = 1
    };
    struct operators fitted;
    struct error err = { 0 };
    FILE *report = tmpfile();
    ck_assert_int_eq(calibrate_from_profile(&calibration, report, &err), STATUS_OK);
    ck_assert_int_eq(operators_load(out, &fitted, &err), STATUS_OK);
    ck_assert_double_le(fitted.record.held_out_p95_error, 0.02);
    ck_assert_uint_eq(fitted.record.models, 1);
    rewind(report);
    ck_assert_uint_gt(fread(found, 1, sizeof found - 1, report), 0);
    ck_assert_ptr_nonnull(strstr(found, "Token counts left out"));
    ck_assert_ptr_nonnull(strstr(found, "Products left out"));
    fclose(report);
    unlink(out);
    file_remove(&file);
    free(text);
    profile_free(&profile);
}
END_TEST

/* The table itself, where it is: how near the shipped fit is to what vLLM measured. */
START_TEST(the_shipped_fit_is_near_its_table)
{
    const char *path = test_data("kernels/lls_rtxpro6000_Llama-3.1-8B_tp1_dense.csv.gz");
    struct hardware hardware;
    struct profile profile;
    struct error err = { 0 };
    ck_assert_ptr_nonnull(path);
    ck_assert_int_eq(hardware_load("rtx-pro-6000", &hardware, &err), STATUS_OK);
    ck_assert_int_eq(profile_read(path, "rtxpro6000", &profile, &err), STATUS_OK);
    struct fit_errors layers =
        fit_layer_errors(&profile, peak_of(&hardware), &hardware.operators, FIT_NO_MODEL, 1);
    ck_assert_uint_eq(layers.count, 152);
    ck_assert_double_le(layers.median, 0.02);
    ck_assert_double_le(layers.p95, 0.05);
    profile_free(&profile);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("validate/profile modules");
    TCase *tests = tcase_create("modules");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, shapes_are_those_of_the_model_that_the_name_has);
    tcase_add_test(tests, a_rank_s_shapes_are_its_part);
    tcase_add_test(tests, what_is_no_such_table_is_refused);
    tcase_add_test(tests, a_norm_that_sums_is_one_kernel_whose_bytes_move_alike);
    tcase_add_test(tests, a_sum_that_was_measured_by_itself_stays_its_own);
    tcase_add_test(tests, token_counts_left_out_move_no_fit);
    tcase_add_test(tests, a_product_left_out_moves_no_fit);
    tcase_add_test(tests, a_record_tells_what_was_left_out);
    tcase_add_test(tests, the_command_tells_such_a_table_by_its_heading);
    if (test_data("kernels/lls_rtxpro6000_Llama-3.1-8B_tp1_dense.csv.gz") != NULL)
        tcase_add_test(tests, the_shipped_fit_is_near_its_table);
    else
        printf("without REPRISE_DATA's kernels: the shipped fit is not set beside its table\n");
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
