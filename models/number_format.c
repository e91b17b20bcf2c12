/* models/number_format.c - see number_format.h. */
#include "models/number_format.h"

#include <stddef.h>

const char *const number_format_choices[NUMBER_FORMATS + 1] = { NUMBER_FORMAT_LIST(CHOICE_WORD)
                                                                    NULL };

/* nvfp4: 4 bits and 8 for 16; mxfp4: 8 for 32; int4: a scale of 16 bits and a zero of 4 for 128. */
static const struct {
    double weight_bytes, input_bytes;
} formats[NUMBER_FORMATS] = {
    [FORMAT_BF16] = { 2, 2 },        [FORMAT_FP8] = { 1, 1 },
    [FORMAT_FP8_BLOCK] = { 1, 1 },   [FORMAT_NVFP4] = { 0.5625, 0.5625 },
    [FORMAT_MXFP4] = { 0.53125, 2 }, [FORMAT_INT4] = { 0.51953125, 2 },
};

double number_format_weight_bytes(enum number_format format)
{
    return formats[format].weight_bytes;
}

double number_format_input_bytes(enum number_format format)
{
    return formats[format].input_bytes;
}

enum number_format number_format_of_bytes(double weight_bytes)
{
    return weight_bytes >= 2      ? FORMAT_BF16
           : weight_bytes >= 1    ? FORMAT_FP8
           : weight_bytes >= 0.54 ? FORMAT_NVFP4
                                  : FORMAT_INT4;
}

double gpu_peak_flop(struct gpu_peak peak, enum number_format format)
{
    switch (format) {
    case FORMAT_FP8:
    case FORMAT_FP8_BLOCK:
        return peak.fp8_flop;
    case FORMAT_NVFP4:
        return peak.fp4_flop;
    default:
        return peak.flop;
    }
}
