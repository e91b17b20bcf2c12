/* tests/runtime/cuda/test_operators.c - norms, activations, sums, rows by index and conversions by
 * the CUDA kernels equal their definitions. On a GPU, or emulated (rig.h). */
#include "base/memory.h"
#include "base/random.h"
#include "tests/runtime/cuda/reference.h"
#include "tests/runtime/cuda/rig.h"
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The loop test's index is the element type. Results differ from the definition by the rounding of
 * the result alone: half a unit in the last of 8 (bf16) or 11 (fp16) bits, and what fp32 sums lose.
 */
static double rounding(enum element element)
{
    return element == ELEMENT_BF16 ? 1.0 / 256 + 1e-5 : 1.0 / 2048 + 1e-5;
}

/* A random array: its elements' bits in device memory, and their values here. */
struct operand {
    void *device;
    double *value;
    uint64_t count;
};

static struct operand operand_new(enum element element, uint64_t count, double mean,
                                  uint64_t stream)
{
    struct random random = random_from(test_seed(), stream);
    uint16_t *bits = memory_new(count, sizeof *bits);
    struct operand out = { .value = memory_new(count, sizeof *out.value), .count = count };
    for (uint64_t i = 0; i < count; i++) {
        bits[i] = element_bits(element, (float)(mean + 2 * random_normal(&random)));
        out.value[i] = (double)element_value(element, bits[i]);
    }
    out.device = rig_copy_of(bits, count * sizeof *bits);
    free(bits);
    return out;
}

static void operand_free(struct operand *operand)
{
    rig_free(operand->device);
    free(operand->value);
}

/* Reads count elements at `device` and frees them. */
static void assert_elements(enum element element, void *device, const double *expected,
                            uint64_t count)
{
    uint16_t *bits = memory_new(count, sizeof *bits);
    rig_read(bits, device, count * sizeof *bits);
    for (uint64_t i = 0; i < count; i++) {
        double found = (double)element_value(element, bits[i]);
        double allowed = rounding(element) * fabs(expected[i]) + 1e-6;
        ck_assert_msg(fabs(found - expected[i]) <= allowed, "element %lu: %g, expected %g",
                      (unsigned long)i, found, expected[i]);
    }
    free(bits);
    rig_free(device);
}

static void norm_row(const double *in, uint32_t width, bool centred, double epsilon,
                     const double *weight, const double *bias, double *out)
{
    double mean = 0, variance = 0;
    for (uint32_t i = 0; centred && i < width; i++)
        mean += in[i] / width;
    for (uint32_t i = 0; i < width; i++)
        variance += (in[i] - mean) * (in[i] - mean) / width;
    for (uint32_t i = 0; i < width; i++)
        out[i] =
            (in[i] - mean) / sqrt(variance + epsilon) * weight[i] + (bias != NULL ? bias[i] : 0);
}

/* Widths below, at and above what 256 threads take at once. A mean of 50 beside a deviation of 2: a
 * LayerNorm that took the difference of large sums would show. */
START_TEST(norms_are_their_definitions)
{
    static const uint32_t widths[] = { 8, 288, 2048, 2056, 5120 };
    enum element element = (enum element)_i;
    for (uint32_t w = 0; w < sizeof widths / sizeof *widths; w++)
        for (uint32_t kind = 0; kind < 4; kind++) {
            const uint32_t rows = 3, width = widths[w];
            bool centred = kind & 1, biased = kind & 2;
            struct operand in = operand_new(element, (uint64_t)rows * width, centred ? 50 : 0, 0);
            struct operand weight = operand_new(element, width, 1, 1);
            struct operand bias = operand_new(element, width, 0, 2);
            double *expected = memory_new(in.count, sizeof *expected);
            for (uint32_t r = 0; r < rows; r++)
                norm_row(in.value + (uint64_t)r * width, width, centred, 1e-5, weight.value,
                         biased ? bias.value : NULL, expected + (uint64_t)r * width);
            /* In place, as the interface allows. */
            const struct kernel_norm norm = { .element = element,
                                              .centred = centred,
                                              .rows = rows,
                                              .width = width,
                                              .epsilon = 1e-5F,
                                              .in = in.device,
                                              .weight = weight.device,
                                              .bias = biased ? bias.device : NULL,
                                              .out = in.device };
            kernel_norm(&norm, rig_stream());
            /* The output bias can cancel the rest: what is lost is relative to the terms. */
            void *device = in.device;
            uint16_t *bits = memory_new(in.count, sizeof *bits);
            rig_read(bits, device, in.count * sizeof *bits);
            for (uint64_t i = 0; i < in.count; i++)
                ck_assert_double_le(fabs((double)element_value(element, bits[i]) - expected[i]),
                                    rounding(element) * fabs(expected[i]) + 2e-4);
            free(bits);
            operand_free(&in);
            operand_free(&weight);
            operand_free(&bias);
            free(expected);
        }
}
END_TEST

static void assert_same_bits(const void *a, const void *b, uint64_t count)
{
    uint16_t *left = memory_new(count, sizeof *left), *right = memory_new(count, sizeof *right);
    rig_read(left, a, count * sizeof *left);
    rig_read(right, b, count * sizeof *right);
    ck_assert_mem_eq(left, right, count * sizeof *left);
    free(left);
    free(right);
}

START_TEST(a_sum_and_its_norm_at_once_are_bit_by_bit_the_two_one_after_the_other)
{
    static const uint32_t widths[] = { 8, 288, 2056, 5120 };
    enum element element = (enum element)_i;
    for (uint32_t w = 0; w < sizeof widths / sizeof *widths; w++)
        for (uint32_t kind = 0; kind < 4; kind++) {
            const uint32_t rows = 3, width = widths[w];
            const uint64_t count = (uint64_t)rows * width;
            struct operand in = operand_new(element, count, 1, 10),
                           sum = operand_new(element, count, 0, 11),
                           again = operand_new(element, count, 0, 11),
                           weight = operand_new(element, width, 1, 12),
                           bias = operand_new(element, width, 0, 13);
            void *out = rig_new(count * sizeof(uint16_t)), *two = rig_new(count * sizeof(uint16_t));
            struct kernel_norm norm = { .element = element,
                                        .centred = kind & 1,
                                        .rows = rows,
                                        .width = width,
                                        .epsilon = 1e-5F,
                                        .in = in.device,
                                        .sum = sum.device,
                                        .weight = weight.device,
                                        .bias = kind & 2 ? bias.device : NULL,
                                        .out = out };
            kernel_norm(&norm, rig_stream());
            kernel_add(element, count, in.device, again.device, rig_stream());
            norm.in = again.device;
            norm.sum = NULL;
            norm.out = two;
            kernel_norm(&norm, rig_stream());
            assert_same_bits(sum.device, again.device, count);
            assert_same_bits(out, two, count);
            rig_free(out);
            rig_free(two);
            operand_free(&in);
            operand_free(&sum);
            operand_free(&again);
            operand_free(&weight);
            operand_free(&bias);
        }
}
END_TEST

START_TEST(swiglu_is_silu_of_the_gate_times_up)
{
    enum element element = (enum element)_i;
    const uint32_t rows = 5, width = 344;
    struct operand in = operand_new(element, (uint64_t)rows * 2 * width, 0, 3);
    double *expected = memory_new((uint64_t)rows * width, sizeof *expected);
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t i = 0; i < width; i++) {
            double gate = in.value[(uint64_t)r * 2 * width + i];
            double up = in.value[(uint64_t)r * 2 * width + width + i];
            expected[(uint64_t)r * width + i] = gate / (1 + exp(-gate)) * up;
        }
    void *out = rig_new((uint64_t)rows * width * sizeof(uint16_t));
    kernel_swiglu(element, rows, width, in.device, out, rig_stream());
    assert_elements(element, out, expected, (uint64_t)rows * width);
    operand_free(&in);
    free(expected);
}
END_TEST

START_TEST(gelu_is_its_tanh_form)
{
    enum element element = (enum element)_i;
    struct operand in = operand_new(element, 4096, 0, 4);
    double *expected = memory_new(in.count, sizeof *expected);
    const double pi = 3.14159265358979323846;
    for (uint64_t i = 0; i < in.count; i++) {
        double x = in.value[i];
        expected[i] = 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)));
    }
    void *out = rig_new(in.count * sizeof(uint16_t));
    kernel_gelu(element, in.count, in.device, out, rig_stream());
    uint16_t *bits = memory_new(in.count, sizeof *bits);
    rig_read(bits, out, in.count * sizeof *bits);
    for (uint64_t i = 0; i < in.count; i++) /* 1 + tanh(x) cancels for x far below 0, in fp32 */
        ck_assert_double_le(fabs((double)element_value(element, bits[i]) - expected[i]),
                            rounding(element) * fabs(expected[i]) + 1e-6);
    free(bits);
    rig_free(out);
    operand_free(&in);
    free(expected);
}
END_TEST

START_TEST(add_sums_in_fp32_and_rounds_once)
{
    enum element element = (enum element)_i;
    struct operand in = operand_new(element, 8 * 1001, 0, 5);
    struct operand sum = operand_new(element, 8 * 1001, 3, 6);
    kernel_add(element, in.count, in.device, sum.device, rig_stream());
    uint16_t *bits = memory_new(in.count, sizeof *bits);
    rig_read(bits, sum.device, in.count * sizeof *bits);
    for (uint64_t i = 0; i < in.count; i++)
        ck_assert_uint_eq(bits[i], element_bits(element, (float)in.value[i] + (float)sum.value[i]));
    free(bits);
    operand_free(&in);
    operand_free(&sum);
}
END_TEST

START_TEST(gathered_rows_are_the_tables_bits)
{
    enum element element = (enum element)_i;
    const uint32_t width = 72, row[] = { 9, 0, 3, 3, 8 }, rows = 5;
    struct operand table = operand_new(element, 10 * (uint64_t)width, 0, 7);
    uint32_t *row_device = rig_copy_of(row, sizeof row);
    void *out = rig_new((uint64_t)rows * width * sizeof(uint16_t));
    kernel_gather_rows(element, width, table.device, row_device, rows, out, rig_stream());
    double *expected = memory_new((uint64_t)rows * width, sizeof *expected);
    for (uint32_t r = 0; r < rows; r++)
        memcpy(expected + (uint64_t)r * width, table.value + (uint64_t)row[r] * width,
               width * sizeof *expected);
    assert_elements(element, out, expected, (uint64_t)rows * width);
    free(expected);
    rig_free(row_device);
    operand_free(&table);
}
END_TEST

/* Any count, ties, subnormals, the largest numbers and what is beyond them. */
START_TEST(conversions_round_to_nearest_even)
{
    enum element element = (enum element)_i;
    enum { COUNT = 5003 };
    static float in[COUNT], back[COUNT];
    const float special[] = { 0.0f,     -0.0f,    1.00390625f,   1.01171875f,   65504.0f,
                              65519.0f, 65520.0f, 5.9604645e-8f, 2.9802322e-8f, 3e-8f,
                              6.1e-5f,  1e30f,    -1e30f };
    struct random random = random_from(test_seed(), 8);
    for (uint32_t i = 0; i < COUNT; i++)
        in[i] = i < sizeof special / sizeof *special
                    ? special[i]
                    : (float)(random_normal(&random) * exp(8 * random_normal(&random)));
    float *in_device = rig_copy_of(in, sizeof in), *back_device = rig_new(sizeof back);
    uint16_t *bits_device = rig_new(COUNT * sizeof(uint16_t)), *bits = memory_new(COUNT, 2);
    kernel_from_float(element, COUNT, in_device, bits_device, rig_stream());
    kernel_to_float(element, COUNT, bits_device, back_device, rig_stream());
    rig_read(bits, bits_device, COUNT * sizeof *bits);
    rig_read(back, back_device, sizeof back);
    for (uint32_t i = 0; i < COUNT; i++) {
        ck_assert_msg(bits[i] == element_bits(element, in[i]), "%a became 0x%x, expected 0x%x",
                      (double)in[i], bits[i], element_bits(element, in[i]));
        float value = element_value(element, bits[i]);
        ck_assert(memcmp(&back[i], &value, sizeof value) == 0);
    }
    free(bits);
    rig_free(in_device);
    rig_free(back_device);
    rig_free(bits_device);
}
END_TEST

int main(void)
{
    if (!rig_open())
        return TEST_SKIPPED;
    TCase *norms = tcase_create("norms");
    tcase_set_timeout(norms, 100);
    tcase_add_loop_test(norms, norms_are_their_definitions, 0, 2);
    tcase_add_loop_test(
        norms, a_sum_and_its_norm_at_once_are_bit_by_bit_the_two_one_after_the_other, 0, 2);
    TCase *elements = tcase_create("elements");
    tcase_set_timeout(elements, 100);
    tcase_add_loop_test(elements, swiglu_is_silu_of_the_gate_times_up, 0, 2);
    tcase_add_loop_test(elements, gelu_is_its_tanh_form, 0, 2);
    tcase_add_loop_test(elements, add_sums_in_fp32_and_rounds_once, 0, 2);
    tcase_add_loop_test(elements, gathered_rows_are_the_tables_bits, 0, 2);
    tcase_add_loop_test(elements, conversions_round_to_nearest_even, 0, 2);
    Suite *suite = suite_create("CUDA operators");
    suite_add_tcase(suite, norms);
    suite_add_tcase(suite, elements);
    return test_main(suite);
}
