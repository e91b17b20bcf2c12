/* models/number_format.h - the number formats that weights are served in, what they take, and how
 * fast a GPU computes in each.
 *
 * bf16, fp8 (a scale per tensor or channel), fp8_block (a scale per 128 x 128 weights and per 128
 * inputs of a token: DeepSeek-V3, arXiv 2412.19437) and nvfp4 (4 bits and an fp8 scale for 16
 * values) are multiplied as they are, with inputs quantised to the same format. mxfp4 (4 bits and
 * 8 for 32 values, OCP Microscaling 1.0) and int4 (GPTQ, AWQ) are of the weights alone: a kernel
 * unpacks them on the way and computes in bf16 (Marlin, arXiv 2408.11743). So does a GPU whose
 * units do not know a format. */
#ifndef REPRISE_MODELS_NUMBER_FORMAT_H
#define REPRISE_MODELS_NUMBER_FORMAT_H

#include "base/choice.h"

#define NUMBER_FORMAT_LIST(X)                                                                      \
    X(FORMAT_BF16, "bf16")                                                                         \
    X(FORMAT_FP8, "fp8")                                                                           \
    X(FORMAT_FP8_BLOCK, "fp8_block")                                                               \
    X(FORMAT_NVFP4, "nvfp4")                                                                       \
    X(FORMAT_MXFP4, "mxfp4")                                                                       \
    X(FORMAT_INT4, "int4")
enum number_format { NUMBER_FORMAT_LIST(CHOICE_MEMBER) NUMBER_FORMATS };
extern const char *const number_format_choices[NUMBER_FORMATS + 1]; /* ended by NULL */

/* Bytes of a weight with its scales, and of an input as the product reads it. */
double number_format_weight_bytes(enum number_format format);
double number_format_input_bytes(enum number_format format);

/* The format that weights of so many bytes are most likely in, where nothing else tells: 2 or more
 * bf16, 1 or more fp8, 0.54 or more nvfp4, else int4. */
enum number_format number_format_of_bytes(double weight_bytes);

/* A GPU's datasheet, per ns: dense products in bf16 or fp16, in fp8, in nvfp4 (0: it has no such
 * units), and bytes of HBM. */
struct gpu_peak {
    double flop, bytes;
    double fp8_flop, fp4_flop;
};

/* The peak that a format's products run at; 0: the GPU has no units for it. */
double gpu_peak_flop(struct gpu_peak peak, enum number_format format);

#endif
