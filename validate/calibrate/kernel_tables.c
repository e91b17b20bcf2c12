/* validate/calibrate/kernel_tables.c - see kernel_tables.h. */
#include "validate/calibrate/kernel_tables.h"

#include "base/memory.h"
#include "validate/calibrate/profile_modules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool has(const struct table *table, const char *column)
{
    return table_column(table, column) >= 0;
}

enum table_kind table_kind(const struct table *table)
{
    if (has(table, "time_stats.attn_pre_proj.median") || has(table, "operator") ||
        profile_is_modules(table))
        return TABLE_LAYERS;
    if (has(table, "gemm_dtype"))
        return TABLE_PRODUCTS;
    if (has(table, "moe_dtype"))
        return TABLE_EXPERTS;
    if (has(table, "attn_dtype") || has(table, "mla_dtype") || has(table, "kv_prefill") ||
        has(table, "time_stats.attn_prefill.median"))
        return TABLE_ATTENTION;
    if (has(table, "message_size") || has(table, "time_stats.all_reduce.median"))
        return TABLE_COLLECTIVES;
    return TABLE_UNKNOWN;
}

/* ---- what both read ---- */

static const struct {
    const char *name;
    enum number_format format;
} dtypes[] = {
    { "bfloat16", FORMAT_BF16 },       { "float16", FORMAT_BF16 }, { "fp8", FORMAT_FP8 },
    { "fp8_block", FORMAT_FP8_BLOCK }, { "nvfp4", FORMAT_NVFP4 },  { "w4a16_mxfp4", FORMAT_MXFP4 },
    { "int4_wo", FORMAT_INT4 },
};

static enum status format_of(const struct table *table, uint32_t row, int column,
                             enum number_format *format, struct error *err)
{
    const char *text = table_text(table, row, column);
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(text, dtypes[i].name) == 0) {
            *format = dtypes[i].format;
            return STATUS_OK;
        }
    return table_refuse(table, row, column,
                        "bfloat16, float16, fp8, fp8_block, nvfp4, w4a16_mxfp4 or int4_wo", err);
}

static enum status positive(const struct table *table, uint32_t row, int column, double *value,
                            struct error *err)
{
    if (table_number(table, row, column, value, err) != STATUS_OK)
        return err->status;
    return *value > 0 && *value <= 1e12 ? STATUS_OK
                                        : table_refuse(table, row, column, "a number above 0", err);
}

static enum status columns_of(const struct table *table, const char *const *name, int *column,
                              struct error *err)
{
    for (int i = 0; name[i] != NULL; i++)
        if (table_need(table, name[i], &column[i], err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

/* ---- products ---- */

/* Six layers' weights passed one after the other: what the L2 keeps of them falls steeply once they
 * are more than it holds. */
static double resident_share(double weight_bytes, double layers, uint64_t l2_bytes)
{
    double part = layers * weight_bytes / (double)l2_bytes, part2 = part * part;
    return 1 / (1 + part2 * part2);
}

static struct product product_of(enum number_format format, const double *shape, uint64_t l2_bytes)
{
    double weight_bytes = number_format_weight_bytes(format);
    double layers = format == FORMAT_FP8_BLOCK || format == FORMAT_NVFP4 ? 1 : 6;
    return (struct product){
        .tokens = shape[0],
        .outputs = shape[1],
        .inputs = shape[2],
        .groups = 1,
        .weight_bytes = weight_bytes,
        .format = format,
        .quantised_apart = true,
        .launched_by_cpu = format == FORMAT_FP8_BLOCK,
        .resident = resident_share(shape[1] * shape[2] * weight_bytes, layers, l2_bytes),
    };
}

enum status product_rows_add(struct product_rows *rows, const struct table *table,
                             uint64_t l2_bytes, struct error *err)
{
    static const char *const names[] = { "gemm_dtype", "m", "n", "k", "latency", NULL };
    int column[5];
    if (columns_of(table, names, column, err) != STATUS_OK)
        return err->status;
    memory_grow(&rows->row, &rows->capacity, (uint64_t)rows->count + table_rows(table),
                sizeof *rows->row);
    for (uint32_t i = 0; i < table_rows(table); i++) {
        enum number_format format = FORMAT_BF16;
        double value[4];
        if (format_of(table, i, column[0], &format, err) != STATUS_OK)
            return err->status;
        for (int j = 0; j < 4; j++)
            if (positive(table, i, column[j + 1], &value[j], err) != STATUS_OK)
                return err->status;
        rows->row[rows->count++] =
            (struct product_row){ product_of(format, value, l2_bytes), value[3] * 1e6 };
    }
    return STATUS_OK;
}

void product_rows_free(struct product_rows *rows)
{
    free(rows->row);
    *rows = (struct product_rows){ 0 };
}

/* ---- experts ---- */

#define SIZE_MOST 4e9 /* of what is made a whole number of 32 bits */

/* E of them, whose share of the pairs is log-uniform from `least` to `most`: an expert whose share
 * rounds to 0 has none, and what rounding loses goes to those that have most. */
static double log_uniform_touched(double pairs, double experts, double least, double most)
{
    double span = log(most / least), mean = (most - least) / span;
    double scale = pairs / experts / mean, half = 0.5 / scale; /* of the draw that rounds up */
    double rounded = experts * fmin(1, fmax(0, 1 - log(fmax(half / least, 1)) / span));
    double lost = pairs * fmin(1, fmax(0, (half - least) / (most - least)));
    return fmin(fmax(rounded, lost), fmin(pairs, experts));
}

double table_touched_experts(double tokens, double used, double experts, bool balanced)
{
    double pairs = tokens * used;
    if (balanced)
        return fmin(pairs, experts);
    double touched = pairs > experts
                         ? log_uniform_touched(pairs, experts, 1, fmax(0.8 * tokens, 1.01))
                         : log_uniform_touched(pairs, experts, 0.01, 2);
    return fmin(experts, fmax(touched, used));
}

enum {
    MOE_DTYPE,
    TOKENS,
    HIDDEN,
    INTER,
    USED,
    EXPERTS,
    TP,
    EP,
    LATENCY,
    DISTRIBUTION,
    MOE_COLUMNS
};

/* Of several kernels for a format, not the one that served engines take: with fp8_block and mxfp4
 * (gpt-oss) vLLM takes Triton's on an H100, and FlashInfer's CUTLASS kernel for fp8 was timed
 * without its autotuner, which vLLM runs when it starts (model_executor/warmup/kernel_warmup.py): a
 * quarter of the HBM rate that fp8_block's attains with the same bytes. */
static bool second_best(const struct table *table, uint32_t row, enum number_format format)
{
    int column = table_column(table, "kernel_source");
    const char *kernel = column >= 0 ? table_text(table, row, column) : "";
    bool fp8 = format == FORMAT_FP8 || format == FORMAT_FP8_BLOCK;
    return (fp8 && strstr(kernel, "cutlass") != NULL) ||
           (format == FORMAT_MXFP4 && strstr(kernel, "marlin") != NULL);
}

static bool left_out(const struct table *table, uint32_t row, enum number_format format,
                     const double *value)
{
    bool ungated = value[USED] == 22 || value[HIDDEN] == 2688; /* Nemotron-3's, relu squared */
    return value[EP] > 1 || value[TP] > 8 || ungated || second_best(table, row, format);
}

static void add_expert_row(struct expert_rows *rows, enum number_format format, bool balanced,
                           const double *value)
{
    struct expert_row row = { .call = { .tokens = value[TOKENS],
                                        .pairs = value[TOKENS] * value[USED],
                                        .touched = table_touched_experts(value[TOKENS], value[USED],
                                                                         value[EXPERTS], balanced),
                                        .hidden = value[HIDDEN],
                                        .inter = value[INTER] / value[TP],
                                        .weight_bytes = number_format_weight_bytes(format),
                                        .gated = true,
                                        .even = balanced,
                                        .format = format },
                              .shape = (uint32_t)value[HIDDEN] * 31 + (uint32_t)value[INTER] * 17 +
                                       (uint32_t)value[EXPERTS] * 7 + (uint32_t)value[USED],
                              .measured_ns = value[LATENCY] * 1e6 };
    rows->row[rows->count++] = row;
}

enum status expert_rows_add(struct expert_rows *rows, const struct table *table, struct error *err)
{
    static const char *const names[] = { "moe_dtype", "num_tokens",   "hidden_size", "inter_size",
                                         "topk",      "num_experts",  "moe_tp_size", "moe_ep_size",
                                         "latency",   "distribution", NULL };
    int column[MOE_COLUMNS];
    if (columns_of(table, names, column, err) != STATUS_OK)
        return err->status;
    memory_grow(&rows->row, &rows->capacity, (uint64_t)rows->count + table_rows(table),
                sizeof *rows->row);
    for (uint32_t i = 0; i < table_rows(table); i++) {
        enum number_format format = FORMAT_BF16;
        double value[MOE_COLUMNS];
        if (format_of(table, i, column[MOE_DTYPE], &format, err) != STATUS_OK)
            return err->status;
        for (int j = TOKENS; j <= LATENCY; j++) {
            if (positive(table, i, column[j], &value[j], err) != STATUS_OK)
                return err->status;
            if (value[j] > SIZE_MOST)
                return table_refuse(table, i, column[j], "a number of at most 4,000,000,000", err);
        }
        bool balanced = strcmp(table_text(table, i, column[DISTRIBUTION]), "balanced") == 0;
        if (!left_out(table, i, format, value))
            add_expert_row(rows, format, balanced, value);
    }
    return STATUS_OK;
}

void expert_rows_free(struct expert_rows *rows)
{
    free(rows->row);
    *rows = (struct expert_rows){ 0 };
}
