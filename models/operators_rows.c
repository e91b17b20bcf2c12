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
#define TILE(index, name, text)                                                                    \
    NUMBER("gemm.tile." name, gemm.efficiency[index], 0, 2, "0", "share of the peak, " text)
#define STREAM(name, kind)                                                                         \
    NUMBER(name ".fixed_ns", stream[kind].fixed_ns, 0, 1e7, "2000", "per kernel"),                 \
        NUMBER(name ".value_ns", stream[kind].value_ns, 0, 1e3, "0.5", "per value of a row"),      \
        NUMBER(name ".efficiency", stream[kind].efficiency, 1e-3, 4, "0.7",                        \
               "share of HBM bandwidth"),                                                          \
        NUMBER(name ".cache_gain", stream[kind].cache_gain, 0, 10, "0.3",                          \
               "faster by this share while in L2")

const struct config_row operators_rows[] = {
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
    NUMBER("gemm.fixed_ns", gemm.fixed_ns, 0, 1e7, "3000", "per kernel"),
    NUMBER("gemm.hbm_efficiency", gemm.hbm_efficiency, 1e-3, 2, "0.9", "share of HBM bandwidth"),
    NUMBER("gemm.quantisation", gemm.quantisation, 0, 1, "0.5",
           "what an unfilled last wave costs of a full one's time, beyond its share"),
    NUMBER("gemm.epilogue_ns", gemm.epilogue_ns, 0, 1e6, "1000", "per wave of 128 x 128 tiles"),
    NUMBER("gemm.split_ns", gemm.split_ns, 0, 1e7, "1000", "of splitting the inputs"),
    NUMBER("gemm.split_traffic", gemm.split_traffic, 0, 100, "3", "times the parts' bytes"),
    NUMBER("gemm.down_gain", gemm.down_gain, -0.5, 2, "0", "the down projection is faster by this"),
    NUMBER("gemm.cache_gain", gemm.cache_gain, 0, 10, "0.1", "faster by this share while in L2"),
    NUMBER("gemm.size_slope", gemm.size_slope, -1, 1, "0.02", "slower by this power of the size"),
    TILE(0, "64x64", "64 rows by 64 columns"),
    TILE(1, "64x128", "64 rows by 128 columns"),
    TILE(2, "128x64", "128 rows by 64 columns"),
    TILE(3, "128x128", "128 rows by 128 columns"),
    TILE(4, "64x256", "64 rows by 256 columns"),
    TILE(5, "128x256", "128 rows by 256 columns"),
    TILE(6, "256x128", "256 rows by 128 columns"),
    TILE(7, "128x128_pair", "two of 128 x 128 above each other"),
    TILE(8, "128x256_pair", "two of 128 x 256 above each other"),
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
           "whole layers of models left out of the fit"),
    NUMBER("fit.held_out_p95_error", record.held_out_p95_error, 0, 10, "0",
           "whole layers of models left out of the fit"),
    { .key = NULL },
};
