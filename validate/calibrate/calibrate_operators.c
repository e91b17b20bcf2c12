/* validate/calibrate/calibrate_operators.c - see calibrate_operators.h. */
#include "validate/calibrate/calibrate_operators.h"

#include "base/path.h"
#include "base/whole_file.h"
#include "validate/calibrate/fit_kernels.h"

#include <inttypes.h>
#include <string.h>

static enum status write_file(const char *path, const struct operators *operators,
                              struct error *err)
{
    struct config_section sections[OPERATORS_SECTIONS_MAX];
    operators_written(operators, sections);
    struct whole_file file;
    if (whole_file_open(&file, path, err) != STATUS_OK)
        return err->status;
    fprintf(file.out,
            "# Made by `reprise calibrate --from-profile`; docs/timing.md has its errors. A\n"
            "# coefficient's meaning: models/operators.h.\n");
    config_print_values(file.out, sections, operators);
    return whole_file_close(&file, err);
}

static struct gpu_peak peak_of(const struct hardware *hardware)
{
    return (struct gpu_peak){ .flop = hardware->flop_per_s / 1e9,
                              .bytes = hardware->hbm_bytes_per_s / 1e9,
                              .fp8_flop = hardware->fp8_flop_per_s / 1e9,
                              .fp4_flop = hardware->fp4_flop_per_s / 1e9 };
}

/* What is measured and what of it was fitted. */
struct work {
    const struct profile_calibration *calibration;
    const struct hardware *hardware;
    const struct profile_tables *tables;
    struct operators operators; /* fitted in place */
    const char *source;
    FILE *report;
};

static enum status fit_layers(struct work *work, struct error *err)
{
    struct profile profile = { 0 };
    struct operators held_out[PROFILE_MODELS_MAX];
    struct fit_intervals intervals;
    struct gpu_peak peak = peak_of(work->hardware);
    uint32_t stride = work->calibration->stride;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < work->tables->count; i++)
        if (work->tables->item[i].kind == TABLE_LAYERS) {
            status = profile_add(&profile, &work->tables->item[i].table, work->tables->gpu, err);
        }
    if (status == STATUS_OK && profile.count > 0) {
        struct gemm_fit *products = &work->operators.gemm[FORMAT_BF16];
        /* Not fitted here: what another profile told is not kept. */
        products->hbm_ramp = products->hbm_rows = 0;
        products->one_token_gain = products->one_token_ns = 0;
        products->record = (struct gemm_record){ 0 };
        products->date[0] = '\0';
        snprintf(products->source, sizeof products->source, "%s", work->source);
        snprintf(work->operators.source, sizeof work->operators.source, "%s", work->source);
        fit_operators(&profile, peak,
                      (struct fit_choice){ .stride = stride, .without = FIT_NO_MODEL },
                      &work->operators, &intervals);
        bool unseen = fit_hold_out(&profile, peak, stride, &work->operators, held_out) != 0;
        if (!unseen)
            fit_hold_out_tokens(&profile, peak, stride, &work->operators, work->report);
        fit_print_report(work->report, &profile, peak, &work->operators, &intervals,
                         unseen ? held_out : NULL);
    }
    profile_free(&profile);
    return status;
}

/* "aic_h100_sxm_vllm0.24.0_gemm.csv.gz": "vllm0.24.0". */
static void library_of(const char *path, char *library, size_t library_bytes)
{
    const char *word = path_name(path);
    static const char *const engine[] = { "vllm", "sglang", "trtllm" };
    library[0] = '\0';
    for (; word != NULL; word = strchr(word, '_') != NULL ? strchr(word, '_') + 1 : NULL)
        for (size_t i = 0; i < sizeof engine / sizeof *engine; i++)
            if (strncmp(word, engine[i], strlen(engine[i])) == 0)
                snprintf(library, library_bytes, "%.*s", (int)strcspn(word, "_"), word);
}

#define RANKS_ANY 64

/* Of products not of whole layers: what the record then says of layers was of others. */
static void record_products(struct operators *operators)
{
    const struct gemm_record *products = &operators->gemm[FORMAT_BF16].record;
    struct fit_record *record = &operators->record;
    record->inputs_least = products->inputs_least;
    record->inputs_most = products->inputs_most;
    record->outputs_least = products->outputs_least;
    record->outputs_most = products->outputs_most;
    if (record->rows == 0) {
        record->tokens_most = products->tokens_most;
        record->ranks_most = RANKS_ANY; /* a rank's product is a product, however many there are */
    }
    record->median_error = record->p95_error = 0;
    record->held_out_median_error = record->held_out_p95_error = 0;
}

static enum status fit_kernel_tables(struct work *work, struct error *err)
{
    struct product_rows products = { 0 };
    struct expert_rows experts = { 0 };
    char library[64] = "";
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < work->tables->count; i++) {
        const struct profile_table *item = &work->tables->item[i];
        if (item->kind != TABLE_PRODUCTS && item->kind != TABLE_EXPERTS)
            continue;
        library_of(item->table.path, library, sizeof library);
        status = item->kind == TABLE_PRODUCTS
                     ? product_rows_add(&products, &item->table, work->operators.l2_bytes, err)
                     : expert_rows_add(&experts, &item->table, err);
    }
    struct fit_origin origin = { work->source, library };
    if (status == STATUS_OK && products.count > 0) {
        fit_product_tables(&products, peak_of(work->hardware), &origin, &work->operators,
                           work->report);
        record_products(&work->operators);
    }
    if (status == STATUS_OK && experts.count > 0)
        fit_expert_tables(&experts, peak_of(work->hardware), &origin, &work->operators,
                          work->report);
    product_rows_free(&products);
    expert_rows_free(&experts);
    return status;
}

enum status calibrate_operators(const struct profile_calibration *calibration,
                                const struct hardware *hardware,
                                const struct profile_tables *tables, FILE *report,
                                struct error *err)
{
    if (hardware->timing[0] == '\0')
        return error_input(err, NULL, 0, "--hardware",
                           "hardware with a gpu.timing that names the GPU's facts",
                           calibration->hardware);
    const char *name = path_name(calibration->path);
    struct work work = { .calibration = calibration,
                         .hardware = hardware,
                         .tables = tables,
                         .operators = hardware->operators,
                         .source = calibration->source != NULL ? calibration->source
                                   : name[0] != '\0'           ? name
                                                               : calibration->path,
                         .report = report };
    if (fit_layers(&work, err) != STATUS_OK || fit_kernel_tables(&work, err) != STATUS_OK)
        return err->status;
    return calibration->out != NULL ? write_file(calibration->out, &work.operators, err)
                                    : STATUS_OK;
}
