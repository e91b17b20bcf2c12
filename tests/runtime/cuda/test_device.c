/* tests/runtime/cuda/test_device.c - the CUDA backend where it meets what is not ours: products by
 * cuBLAS, copies by the driver. The same tests on a GPU (device_gpu.c) and on the emulated one
 * (device_emulated.c); rates are printed, and mean something on a GPU only. */
#include "tests/runtime/cuda/device.h"

#include "base/memory.h"
#include "base/units.h"
#include "tests/runtime/cuda/reference.h"
#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct backend *const cuda = &backend_cuda;

static struct device *open_device(void)
{
    struct backend_config config = { .hbm_bytes = UINT64_C(1) << 30,
                                     .dram_bytes = UINT64_C(1) << 30 };
    struct device *device;
    struct error err = { 0 };
    enum status status = cuda->open(&config, &device, &err);
    ck_assert_msg(status == STATUS_OK, "%s: %s", err.expected, err.found);
    return device;
}

static void *take(struct device *device, enum tier tier, uint64_t bytes)
{
    void *memory = NULL;
    struct error err = { 0 };
    enum status status = cuda->allocate(device, tier, bytes, &memory, &err);
    ck_assert_msg(status == STATUS_OK, "%s: %s", err.expected, err.found);
    return memory;
}

static void must_be_well(struct device *device)
{
    struct error err = { 0 };
    enum status status = cuda->check(device, &err);
    ck_assert_msg(status == STATUS_OK, "%s: %s", err.expected, err.found);
}

/* ---- products ---- */

static const struct {
    uint32_t rows, inputs, outputs;
} products[] = { { 1, 64, 64 }, { 7, 128, 96 }, { 130, 64, 101 }, { 64, 256, 8 },
                 { 3, 8, 256 }, { 17, 64, 64 }, { 513, 64, 64 } };

/* Numbers that a bf16 holds, so that only sums round. */
static float *numbers(uint64_t count, uint32_t seed)
{
    float *values = memory_new(count, sizeof *values);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t mixed = ((uint32_t)i + seed) * 2654435761U;
        values[i] = (float)(int32_t)(mixed >> 24) / 128.0F - 1.0F;
    }
    return values;
}

static void *uploaded(struct device *device, const float *values, uint64_t count)
{
    void *memory = take(device, TIER_HBM, count * sizeof(uint16_t));
    cuda->upload(device, memory, values, count);
    return memory;
}

/* Rows with slack, which holds NaN. */
static void *activations(struct device *device, const float *values, uint32_t rows, uint32_t width)
{
    uint64_t slack = (uint64_t)cuda->gemm_slack_rows * width, count = (uint64_t)rows * width;
    float *none = memory_new(slack, sizeof *none);
    for (uint64_t i = 0; i < slack; i++)
        none[i] = NAN;
    uint16_t *memory = take(device, TIER_HBM, (count + slack) * sizeof *memory);
    cuda->upload(device, memory, values, count);
    cuda->upload(device, memory + count, none, slack);
    free(none);
    return memory;
}

START_TEST(a_product_is_rows_by_the_transposed_weights)
{
    const uint32_t rows = products[_i].rows, inputs = products[_i].inputs,
                   outputs = products[_i].outputs;
    struct device *device = open_device();
    float *in = numbers((uint64_t)rows * inputs, 1),
          *weights = numbers((uint64_t)outputs * inputs, 77),
          *found = memory_new((uint64_t)rows * outputs, sizeof *found);
    double *expected = memory_new((uint64_t)rows * outputs, sizeof *expected);
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t o = 0; o < outputs; o++)
            for (uint32_t i = 0; i < inputs; i++)
                expected[r * outputs + o] +=
                    (double)in[r * inputs + i] * (double)weights[o * inputs + i];
    void *out = activations(device, found, rows, outputs);
    cuda->gemm(device, rows, inputs, outputs, activations(device, in, rows, inputs),
               uploaded(device, weights, (uint64_t)outputs * inputs), out);
    cuda->download(device, found, out, (uint64_t)rows * outputs);
    must_be_well(device);
    double error = relative_error(found, expected, (uint64_t)rows * outputs);
    ck_assert_msg(error < 4e-3, "%g", error); /* half of bf16's unit, rms, and some */
    free(in);
    free(weights);
    free(found);
    free(expected);
    cuda->close(device);
}
END_TEST

/* ---- copies ---- */

enum { PIECES = 512, PIECE_BYTES = 16 << 10 };

/* Pages that lie in any order on either side. */
static void scattered(struct copy *copies, char *to, char *from, uint32_t step)
{
    for (uint32_t i = 0; i < PIECES; i++) {
        uint64_t to_page = i * step % PIECES, from_page = i;
        copies[i] = (struct copy){ to + to_page * PIECE_BYTES, from + from_page * PIECE_BYTES,
                                   PIECE_BYTES };
    }
}

static double copy_all(struct device *device, enum stream stream, enum copy_kind kind,
                       const struct copy *copies)
{
    struct backend_event *begin = cuda->event_new(device), *end = cuda->event_new(device);
    uint64_t begin_ns = 0, end_ns = 0;
    cuda->record(device, stream, begin);
    cuda->copy(device, stream, kind, copies, PIECES);
    cuda->record(device, stream, end);
    cuda->synchronise(device, end);
    ck_assert(cuda->happened(device, begin, &begin_ns) && cuda->happened(device, end, &end_ns));
    cuda->event_free(device, begin);
    cuda->event_free(device, end);
    uint64_t took_ns = end_ns > begin_ns ? end_ns - begin_ns : 1;
    return (double)PIECES * PIECE_BYTES / ((double)took_ns / (double)NS_PER_S);
}

START_TEST(pages_go_to_dram_and_back_bit_by_bit)
{
    struct device *device = open_device();
    static struct copy copies[PIECES];
    const uint64_t bytes = (uint64_t)PIECES * PIECE_BYTES;
    char *first = take(device, TIER_DRAM, bytes), *hbm = take(device, TIER_HBM, bytes),
         *moved = take(device, TIER_HBM, bytes), *back = take(device, TIER_DRAM, bytes);
    for (uint64_t i = 0; i < bytes; i++)
        first[i] = (char)(i * 2654435761U >> 13);
    scattered(copies, hbm, first, 3);
    double loaded = copy_all(device, STREAM_LOAD, COPY_H2D, copies);
    scattered(copies, moved, hbm, 5);
    copy_all(device, STREAM_COMPUTE, COPY_D2D, copies);
    scattered(copies, back, moved, 7);
    double saved = copy_all(device, STREAM_SAVE, COPY_D2H, copies);
    must_be_well(device);
    for (uint64_t i = 0; i < PIECES; i++) /* 3 * 5 * 7 steps on */
        ck_assert_mem_eq(back + i * 105 % PIECES * PIECE_BYTES, first + i * PIECE_BYTES,
                         PIECE_BYTES);
    printf("%d pieces of %d KiB: DRAM to HBM %.2f GB/s, HBM to DRAM %.2f GB/s\n", PIECES,
           PIECE_BYTES >> 10, loaded / 1e9, saved / 1e9);
    cuda->close(device);
}
END_TEST

START_TEST(it_says_what_it_is)
{
    struct device *device = open_device();
    char text[128];
    printf("%s\n", cuda->describe(device, text, sizeof text));
    ck_assert_ptr_nonnull(strstr(text, "bf16"));
    cuda->close(device);
}
END_TEST

int main(void)
{
    if (!device_is_there())
        return TEST_SKIPPED;
    TCase *tests = tcase_create("device");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, it_says_what_it_is);
    tcase_add_loop_test(tests, a_product_is_rows_by_the_transposed_weights, 0,
                        sizeof products / sizeof *products);
    tcase_add_test(tests, pages_go_to_dram_and_back_bit_by_bit);
    Suite *suite = suite_create("CUDA device");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
