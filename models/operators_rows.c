/* models/operators_rows.c - the keys of models/timing/NAME.yaml. */
#include "models/operators.h"

#include <stddef.h>

#define AT(member) offsetof(struct operators, member)

/* Coefficients are seldom typed by hand: a default is "the GPU does as the datasheet says", from
 * where a fit starts anyway. */
#define NUMBER(name, member, least, most, standard_text, text)                                     \
    {                                                                                              \
        .key = name, .kind = CONFIG_DOUBLE, .offset = AT(member), .min = least, .max = most,       \
        .standard = standard_text, .help = text                                                    \
    }
#define COUNT(name, member, text)                                                                  \
    {                                                                                              \
        .key = name, .kind = CONFIG_U32, .offset = AT(member), .min = 0, .max = 4e9,               \
        .standard = "0", .help = text                                                              \
    }
#define WIDTH(name, member, text)                                                                  \
    {                                                                                              \
        .key = name, .kind = CONFIG_U64, .offset = AT(member), .min = 0, .max = 1e9,               \
        .standard = "0", .help = text                                                              \
    }
#define STREAM(name, kind)                                                                         \
    NUMBER(name ".fixed_ns", stream[kind].fixed_ns, 0, 1e7, "2000", "per kernel"),                 \
        NUMBER(name ".value_ns", stream[kind].value_ns, 0, 1e3, "0.5", "per value of a row"),      \
        NUMBER(name ".efficiency", stream[kind].efficiency, 1e-3, 4, "0.7",                        \
               "share of HBM bandwidth"),                                                          \
        NUMBER(name ".cache_gain", stream[kind].cache_gain, 0, 10, "0.3",                          \
               "faster by this share while in L2")

static const struct config_row common_rows[] = {
    { .key = "name",
      .kind = CONFIG_TEXT,
      .offset = AT(name),
      .help = "as in models/timing/NAME.yaml, and what its profiles' names begin with" },
    { .key = "source",
      .kind = CONFIG_TEXT,
      .offset = AT(source),
      .help = "where the measurements come from" },
    { .key = "multiprocessors",
      .kind = CONFIG_U32,
      .offset = AT(multiprocessors),
      .min = 1,
      .max = 1024,
      .help = "of the GPU, datasheet" },
    { .key = "l2_bytes",
      .kind = CONFIG_U64,
      .unit = UNIT_BYTES,
      .offset = AT(l2_bytes),
      .min = 1,
      .max = 1e12,
      .help = "L2 cache, datasheet" },
    STREAM("norm", STREAM_NORM),
    STREAM("rope", STREAM_ROPE),
    STREAM("activation", STREAM_ACTIVATION),
    STREAM("sum", STREAM_SUM),
    STREAM("embedding", STREAM_EMBEDDING),
    COUNT("fit.rows", record.rows, "measured token counts, over models and ranks"),
    COUNT("fit.models", record.models, "whose profiles were fitted"),
    COUNT("fit.tokens_most", record.tokens_most, "range: 1 to this many tokens"),
    COUNT("fit.ranks_most", record.ranks_most, "range: 1 to this many tensor-parallel ranks"),
    WIDTH("fit.inputs_least", record.inputs_least, "range of a rank's products"),
    WIDTH("fit.inputs_most", record.inputs_most, "range of a rank's products"),
    WIDTH("fit.outputs_least", record.outputs_least, "range of a rank's products"),
    WIDTH("fit.outputs_most", record.outputs_most, "range of a rank's products"),
    NUMBER("fit.median_error", record.median_error, 0, 10, "0", "whole layers, fitted rows"),
    NUMBER("fit.p95_error", record.p95_error, 0, 10, "0", "whole layers, fitted rows"),
    NUMBER("fit.held_out_median_error", record.held_out_median_error, 0, 10, "0",
           "whole layers of models (of one: of token counts) left out of the fit"),
    NUMBER("fit.held_out_p95_error", record.held_out_p95_error, 0, 10, "0",
           "whole layers of models (of one: of token counts) left out of the fit"),
    { .key = NULL },
};

/* ---- formats ---- */

#undef AT
#define AT(member) offsetof(struct gemm_fit, member)
#define TILE(index, name, text)                                                                    \
    NUMBER("tile." name, efficiency[index], 0, 2, "0", "share of the peak, " text)
#define TEXT(name, member, text)                                                                   \
    {                                                                                              \
        .key = name, .kind = CONFIG_TEXT, .offset = AT(member), .standard = "", .help = text       \
    }
#define ERRORS(of)                                                                                 \
    NUMBER("fit.few_median_error", of few_median_error, 0, 10, "0",                                \
           "of shapes left out of the fit, to 256 tokens"),                                        \
        NUMBER("fit.few_p95_error", of few_p95_error, 0, 10, "0",                                  \
               "of shapes left out of the fit, to 256 tokens"),                                    \
        NUMBER("fit.many_median_error", of many_median_error, 0, 10, "0",                          \
               "of shapes left out of the fit, beyond 256 tokens"),                                \
        NUMBER("fit.many_p95_error", of many_p95_error, 0, 10, "0",                                \
               "of shapes left out of the fit, beyond 256 tokens")

const struct config_row gemm_rows[] = {
    TEXT("source", source, "where these products' measurements come from"),
    TEXT("date", date, "of the library that was measured"),
    NUMBER("fixed_ns", fixed_ns, 0, 1e7, "3000", "per kernel"),
    NUMBER("hbm_efficiency", hbm_efficiency, 1e-3, 2, "0.9", "share of HBM bandwidth"),
    NUMBER("hbm_ramp", hbm_ramp, 0, 20, "0", "slower by this share while the weights are few"),
    NUMBER("hbm_ramp_ns", hbm_ramp_ns, 1, 1e9, "6000", "weights of so long are half way up"),
    NUMBER("hbm_rows", hbm_rows, 0, 20, "0", "slower by this share where a tile has many rows"),
    NUMBER("one_token_gain", one_token_gain, -0.9, 10, "0",
           "one token's weights are read faster by this share"),
    NUMBER("one_token_ns", one_token_ns, 0, 1e7, "0", "and take so much longer"),
    NUMBER("l2_gain", l2_gain, 0, 100, "0", "weights in the L2 are faster by this share"),
    NUMBER("quantisation", quantisation, 0, 1, "0.5",
           "what an unfilled last wave costs of a full one's time, beyond its share"),
    NUMBER("epilogue_ns", epilogue_ns, 0, 1e6, "1000", "per wave of 128 x 128 tiles"),
    NUMBER("splits_most", splits_most, 1, 4, "4", "of the inputs over tiles"),
    NUMBER("split_ns", split_ns, 0, 1e7, "1000", "of splitting the inputs"),
    NUMBER("split_traffic", split_traffic, 0, 100, "3", "times the parts' bytes"),
    NUMBER("down_gain", down_gain, -0.5, 2, "0", "the down projection is faster by this"),
    NUMBER("cache_gain", cache_gain, 0, 10, "0.1", "faster by this share while in L2"),
    NUMBER("size_slope", size_slope, -1, 1, "0.02", "slower by this power of the size"),
    NUMBER("small_tokens", small_tokens, 0, 1e6, "0",
           "takes 64 x 64 up to so many; 0: the fastest"),
    NUMBER("medium_tokens", medium_tokens, 0, 1e6, "0",
           "and 64 rows up to so many; 0: the fastest"),
    TILE(0, "64x64", "64 rows by 64 columns"),
    TILE(1, "64x128", "64 rows by 128 columns"),
    TILE(2, "128x64", "128 rows by 64 columns"),
    TILE(3, "128x128", "128 rows by 128 columns"),
    TILE(4, "64x256", "64 rows by 256 columns"),
    TILE(5, "128x256", "128 rows by 256 columns"),
    TILE(6, "256x128", "256 rows by 128 columns"),
    TILE(7, "128x128_pair", "two of 128 x 128 above each other"),
    TILE(8, "128x256_pair", "two of 128 x 256 above each other"),
    NUMBER("quantise_ns", quantise_ns, 0, 1e7, "2000", "per kernel that quantises inputs"),
    NUMBER("quantise_row_ns", quantise_row_ns, 0, 1e4, "0", "and per row"),
    NUMBER("quantise_efficiency", quantise_efficiency, 1e-3, 10, "0.6", "share of HBM bandwidth"),
    NUMBER("launch_ns", launch_ns, 0, 1e9, "0", "the CPU's, where no CUDA graph hides it"),
    NUMBER("launch_few_ns", launch_few_ns, 0, 1e9, "0", "the same below 32 tokens"),
    COUNT("fit.rows", record.rows, "measured products"),
    COUNT("fit.tokens_most", record.tokens_most, "range: 1 to this many tokens"),
    WIDTH("fit.inputs_least", record.inputs_least, "range"),
    WIDTH("fit.inputs_most", record.inputs_most, "range"),
    WIDTH("fit.outputs_least", record.outputs_least, "range"),
    WIDTH("fit.outputs_most", record.outputs_most, "range"),
    ERRORS(record.),
    { .key = NULL },
};

#undef AT
#define AT(member) offsetof(struct experts_fit, member)

const struct config_row experts_rows[] = {
    TEXT("source", source, "where these experts' measurements come from"),
    NUMBER("fixed_ns", fixed_ns, 0, 1e7, "20000", "per call"),
    NUMBER("expert_ns", expert_ns, 0, 1e6, "0", "per touched expert"),
    NUMBER("pair_ns", pair_ns, 0, 1e4, "0", "per token and expert of it"),
    NUMBER("hbm_efficiency", hbm_efficiency, 1e-3, 2, "0.85", "share of HBM bandwidth, weights"),
    NUMBER("stream_efficiency", stream_efficiency, 1e-3, 10, "0.5",
           "share of HBM bandwidth, rows gathered and written"),
    NUMBER("tile.16", efficiency[0], 0, 2, "0", "share of the peak, 16 rows"),
    NUMBER("tile.64", efficiency[1], 0, 2, "0", "share of the peak, 64 rows"),
    NUMBER("tile.128", efficiency[2], 0, 2, "0", "share of the peak, 128 rows"),
    COUNT("fit.rows", rows, "measured calls"),
    COUNT("fit.shapes", shapes, "of models' experts"),
    ERRORS(),
    { .key = NULL },
};

#define PRODUCTS(name, format)                                                                     \
    {                                                                                              \
        .prefix = name ".", .rows = gemm_rows, .offset = offsetof(struct operators, gemm[format])  \
    }
#define EXPERTS(name, format)                                                                      \
    {                                                                                              \
        .prefix = "experts." name ".", .rows = experts_rows,                                       \
        .offset = offsetof(struct operators, experts[format])                                      \
    }

const struct config_section operators_sections[] = {
    { .prefix = "", .rows = common_rows },
    PRODUCTS("gemm", FORMAT_BF16),
    PRODUCTS("fp8", FORMAT_FP8),
    PRODUCTS("fp8_block", FORMAT_FP8_BLOCK),
    PRODUCTS("nvfp4", FORMAT_NVFP4),
    EXPERTS("bf16", FORMAT_BF16),
    EXPERTS("fp8", FORMAT_FP8),
    EXPERTS("fp8_block", FORMAT_FP8_BLOCK),
    EXPERTS("nvfp4", FORMAT_NVFP4),
    EXPERTS("mxfp4", FORMAT_MXFP4),
    EXPERTS("int4", FORMAT_INT4),
    { .rows = NULL },
};

static bool is_fitted(const struct operators *operators, const struct config_section *section)
{
    const void *fit = (const char *)operators + section->offset;
    return section->rows == common_rows ||
           (section->rows == gemm_rows ? gemm_fitted(fit) : experts_fitted(fit));
}

void operators_written(const struct operators *operators, struct config_section *sections)
{
    for (const struct config_section *section = operators_sections; section->rows != NULL;
         section++)
        if (is_fitted(operators, section))
            *sections++ = *section;
    sections->rows = NULL;
}

/* Where a library takes its tile by the tokens, there is one for any number of them. */
enum status operators_check(const struct operators *operators, const char *path, struct error *err)
{
    for (const struct config_section *section = operators_sections; section->rows != NULL;
         section++) {
        const struct gemm_fit *fit = (const void *)((const char *)operators + section->offset);
        if (section->rows != gemm_rows || fit->medium_tokens <= 0)
            continue;
        double large = 0;
        for (int i = 0; i < TILES; i++)
            large += tiles[i].rows > 64 ? fit->efficiency[i] : 0;
        char key[64];
        snprintf(key, sizeof key, "%smedium_tokens", section->prefix);
        if (fit->efficiency[0] <= 0 || fit->efficiency[1] + fit->efficiency[4] <= 0 || large <= 0)
            return error_input(err, path, 0, key,
                               "tiles of 64x64, of 64 rows and wider, and of more rows", "fewer");
    }
    return STATUS_OK;
}
