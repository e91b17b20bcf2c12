/* models/hf_quant_formats.c - what weights take in each format, with scales and zero points, and
 * which products they are multiplied by.
 *
 * Sources: OCP Microscaling 1.0 (mxfp4, mxfp8: 8 bits for 32 values); NVIDIA's nvfp4 (8 for 16);
 * vllm-project/compressed-tensors, quantization/quant_args.py and compressors/; NVIDIA's
 * Model-Optimizer, torch/export/convert_hf_config.py (a2fbac7); GPTQ's and AWQ's packing as vLLM
 * reads it (model_executor/layers/quantization/gptq_marlin.py, awq_marlin.py). */
#include "models/hf_quant.h"

#include <string.h>
#include <strings.h>

#define FP8_SCALE_BYTES 4.0 /* DeepSeek-V3's weight_scale_inv: float32 */
#define SCALE_BYTES 2.0     /* of groups: bf16 or fp16 */

struct quant_format quant_wide(void)
{
    return (struct quant_format){ .bytes = 2, .format = 1 + FORMAT_BF16 };
}

/* Weights alone are unpacked by the kernel, whatever their bits (Marlin): int4's format stands for
 * them all. */
struct quant_format quant_integers(uint32_t bits, uint32_t group, bool zero)
{
    double bytes = bits / 8.0;
    if (bits >= 16)
        return quant_wide();
    if (group > 0)
        bytes += (SCALE_BYTES + (zero ? bits / 8.0 : 0)) / group;
    return (struct quant_format){ .bytes = bytes, .format = 1 + FORMAT_INT4 };
}

struct quant_format quant_fp8(uint64_t block)
{
    if (block == 0)
        return (struct quant_format){ .bytes = 1, .format = 1 + FORMAT_FP8 };
    return (struct quant_format){ .bytes = 1 + FP8_SCALE_BYTES / (double)block,
                                  .format = 1 + FORMAT_FP8_BLOCK };
}

struct quant_format quant_nvfp4(bool weights_alone)
{
    enum number_format format = weights_alone ? FORMAT_MXFP4 : FORMAT_NVFP4;
    return (struct quant_format){ .bytes = number_format_weight_bytes(FORMAT_NVFP4),
                                  .format = 1 + (int)format };
}

struct quant_format quant_mxfp4(void)
{
    return (struct quant_format){ .bytes = number_format_weight_bytes(FORMAT_MXFP4),
                                  .format = 1 + FORMAT_MXFP4 };
}

struct quant_format quant_mxfp8(void)
{
    return (struct quant_format){ .bytes = 1 + 1.0 / 32, .format = 1 + FORMAT_FP8_BLOCK };
}

/* Tensor units multiply int8 as fast as fp8 (H100's and B200's datasheets: TOPS beside TFLOPS). */
struct quant_format quant_int8(bool weights_alone)
{
    return (struct quant_format){ .bytes = 1,
                                  .format = 1 + (weights_alone ? FORMAT_INT4 : FORMAT_FP8) };
}

static bool text_is(const json_t *object, const char *field, const char *text)
{
    const char *value = json_string_value(json_object_get(object, field));
    return value != NULL && strcasecmp(value, text) == 0;
}

static uint64_t block_of(const json_t *weights)
{
    const json_t *block = json_object_get(weights, "block_structure");
    json_int_t rows = json_integer_value(json_array_get(block, 0));
    json_int_t columns = json_integer_value(json_array_get(block, 1));
    return rows > 0 && columns > 0 && rows < 65536 && columns < 65536
               ? (uint64_t)rows * (uint64_t)columns
               : 128 * 128;
}

/* Groups of 16 are nvfp4's, of 32 mxfp4's and mxfp8's. */
static bool floats_of_args(json_int_t bits, json_int_t group, const json_t *weights,
                           const char *named, bool alone, struct quant_format *format)
{
    bool mx = named != NULL && strncasecmp(named, "mx", 2) == 0;
    if (bits == 4 && (mx || group == 32))
        *format = quant_mxfp4();
    else if (bits == 4 && (group == 16 || group == 0))
        *format = quant_nvfp4(alone);
    else if (bits == 8 && (mx || group == 32))
        *format = quant_mxfp8();
    else if (bits == 8 && text_is(weights, "strategy", "block"))
        *format = quant_fp8(block_of(weights));
    else if (bits == 8)
        *format = quant_fp8(group > 0 ? (uint64_t)group : 0);
    else
        return false;
    if (bits == 8 && alone)
        format->format = 1 + FORMAT_INT4;
    return true;
}

bool quant_of_args(const json_t *weights, const char *named, bool alone,
                   struct quant_format *format)
{
    json_int_t bits = json_integer_value(json_object_get(weights, "num_bits"));
    json_int_t group = json_integer_value(json_object_get(weights, "group_size"));
    bool zero = json_is_false(json_object_get(weights, "symmetric"));
    bool integers = !text_is(weights, "type", "float");
    if (bits < 1 || bits > 16 || group > 65536)
        return false;
    if (group < 0) /* -1: a row */
        group = 0;
    if (!integers)
        return floats_of_args(bits, group, weights, named, alone, format);
    if (json_object_get(weights, "type") != NULL && !text_is(weights, "type", "int"))
        return false;
    if (bits == 8 && !alone)
        *format = quant_int8(false);
    else
        *format = quant_integers((uint32_t)bits, (uint32_t)group, zero);
    return true;
}

/* Algorithms of modelopt (export/convert_hf_config.py) and TensorRT-LLM (quantization/mode.py,
 * QuantAlgo). AWQ's pre_quant_scale has a value a row: not counted. */
bool quant_of_algo(const char *algo, uint32_t group, struct quant_format *format)
{
    const uint32_t integers = group > 0 ? group : 128;
    const struct {
        const char *name;
        struct quant_format format;
    } algos[] = {
        { "FP8", quant_fp8(0) },
        { "FP8_PER_CHANNEL_PER_TOKEN", quant_fp8(0) },
        { "FP8_PC_PT", quant_fp8(0) },
        { "FP8_PB_WO", quant_fp8(128 * 128) },
        { "FP8_PB_REAL", quant_fp8(128 * 128) },
        { "FP8_BLOCK", quant_fp8(128 * 128) },
        { "FP8_BLOCK_SCALES", quant_fp8(128 * 128) },
        { "NVFP4", quant_nvfp4(false) },
        { "NVFP4_AWQ", quant_nvfp4(false) },
        { "NVFP4_SVD", quant_nvfp4(false) },
        { "NVFP4_SVDQUANT", quant_nvfp4(false) },
        { "W4A8_NVFP4_FP8", quant_nvfp4(false) },
        { "W4A16_NVFP4", quant_nvfp4(true) },
        { "MXFP4", quant_mxfp4() },
        { "W4A16_MXFP4", quant_mxfp4() },
        { "W4A8_MXFP4_FP8", quant_mxfp4() },
        { "W4A8_MXFP4_MXFP8", quant_mxfp4() },
        { "MXFP8", quant_mxfp8() },
        { "W4A16", quant_integers(4, 0, false) },
        { "W4A16_AWQ", quant_integers(4, integers, false) },
        { "W4A16_GPTQ", quant_integers(4, integers, true) },
        { "W4A8_AWQ", quant_integers(4, integers, false) },
        { "INT4_AWQ", quant_integers(4, integers, false) },
        { "W8A16", quant_int8(true) },
        { "W8A16_GPTQ", quant_integers(8, integers, true) },
        { "INT8_WO", quant_int8(true) },
        { "INT8_SQ", quant_int8(false) },
        { "INT8", quant_int8(false) },
        { "W8A8_SQ_PER_CHANNEL", quant_int8(false) },
        { "NO_QUANT", quant_wide() },
        { "NONE", quant_wide() },
    };
    for (size_t i = 0; i < sizeof algos / sizeof *algos; i++)
        if (strcasecmp(algos[i].name, algo) == 0) {
            *format = algos[i].format;
            return true;
        }
    return false;
}
