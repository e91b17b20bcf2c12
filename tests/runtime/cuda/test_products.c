/* tests/runtime/cuda/test_products.c - how the CUDA backend has cublasLt multiply: what is asked of
 * it and when, and which of its answers is taken; on an emulated GPU, by a fake cuBLAS whose
 * answers take the time that a test gives them. What products are is test_device.c's. */
#include "runtime/backend.h"
#include "tests/runtime/cuda/fake_cuda.h"
#include "tests/support.h"

extern const struct backend backend_cuda;
static const struct backend *const cuda = &backend_cuda;

enum { WIDTH = 8 };

/* Memory for products of up to `rows` by a matrix of WIDTH x WIDTH, or as large. */
struct square {
    struct device *device;
    void *in, *weights, *out;
};

static struct square square_on(const struct fake_cuda *machine, uint32_t rows)
{
    const struct backend_config config = { .hbm_bytes = 1 << 20, .dram_bytes = 0 };
    const uint64_t bytes = (uint64_t)(rows + cuda->gemm_slack_rows) * WIDTH * sizeof(uint16_t);
    struct square square;
    struct error err = { 0 };
    fake_cuda_is(machine);
    ck_assert_int_eq(cuda->open(&config, &square.device, &err), STATUS_OK);
    void **const memory[] = { &square.in, &square.weights, &square.out };
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(cuda->allocate(square.device, TIER_HBM, bytes, memory[i], &err),
                         STATUS_OK);
    return square;
}

static void square_warm(const struct square *square, uint32_t rows)
{
    cuda->warm(square->device, WIDTH, WIDTH, rows, square->in, square->weights, square->out);
}

/* By which of cuBLAS's answers. */
static uint32_t square_multiply(const struct square *square, uint32_t rows)
{
    struct error err = { 0 };
    cuda->gemm(square->device, rows, WIDTH, WIDTH, square->in, square->weights, square->out);
    ck_assert_int_eq(cuda->check(square->device, &err), STATUS_OK);
    return fake_cuda_counts().answer;
}

/* 1 to 16, then steps of 16 up to 512, then of 64. */
START_TEST(a_product_of_a_shape_is_chosen_once_and_shapes_are_few)
{
    enum { MOST = 1024 };
    const struct fake_cuda machine = fake_cuda_default();
    const struct square square = square_on(&machine, MOST);
    square_warm(&square, MOST);
    ck_assert_uint_eq(fake_cuda_counts().heuristics, 16 + 31 + 8);
    for (uint32_t rows = 1; rows <= MOST; rows += rows < 600 ? 1 : 37)
        square_multiply(&square, rows);
    ck_assert_uint_eq(fake_cuda_counts().heuristics, 16 + 31 + 8);
    cuda->gemm(square.device, MOST / 4, 2 * WIDTH, WIDTH, square.in, square.weights, square.out);
    ck_assert_uint_eq(fake_cuda_counts().heuristics, 16 + 31 + 8 + 1);
    struct error err = { 0 };
    ck_assert_int_eq(cuda->check(square.device, &err), STATUS_OK);
    cuda->close(square.device);
}
END_TEST

/* ---- the fastest of what cuBLAS offers ---- */

enum { FIRST_ANSWER = 1 }; /* for which there is workspace */

/* A machine whose products take ms each, or that share of it by one of cuBLAS's answers. */
static struct fake_cuda machine_with_faster(double ms, uint32_t answer, double share)
{
    struct fake_cuda machine = fake_cuda_default();
    machine.answers = FAKE_ANSWERS;
    machine.still_clock = true;
    for (uint32_t i = 0; i < FAKE_ANSWERS; i++)
        machine.product_ms[i] = i == answer ? share * ms : ms;
    return machine;
}

static const double short_and_long_ms[] = { 0.005, 2.0 };

/* Few rows of short products, which are tried often: an emulated GPU under sanitizers shall be done
 * before the time for trials is over. */
START_TEST(a_warm_product_is_the_fastest_of_what_cublas_offers)
{
    static const uint32_t rows[2][3] = { { 1, 16, 40 }, { 16, 512, 600 } };
    enum { ROWS = sizeof *rows / sizeof **rows };
    const int is_long = _i % 2;
    const uint32_t answer = FIRST_ANSWER + (uint32_t)_i / 2, most = rows[is_long][ROWS - 1];
    const struct fake_cuda machine = machine_with_faster(short_and_long_ms[is_long], answer, 0.9);
    const struct square square = square_on(&machine, most);
    square_warm(&square, most);
    const uint32_t trials = fake_cuda_counts().products;
    for (size_t i = 0; i < ROWS; i++)
        ck_assert_uint_eq(square_multiply(&square, rows[is_long][i]), answer);
    square_warm(&square, most); /* is warm: nothing is tried again */
    ck_assert_uint_eq(fake_cuda_counts().products, trials + ROWS);
    cuda->close(square.device);
}
END_TEST

START_TEST(cublas_first_is_kept_where_another_is_hardly_faster)
{
    const struct fake_cuda machine =
        machine_with_faster(short_and_long_ms[_i], FIRST_ANSWER + 1, 0.99);
    const struct square square = square_on(&machine, 40);
    square_warm(&square, 40);
    ck_assert_uint_eq(square_multiply(&square, 40), FIRST_ANSWER);
    cuda->close(square.device);
}
END_TEST

/* A device's first shape, whose kernels are all loaded by its first samples. */
START_TEST(a_short_product_is_tried_as_often_where_its_kernels_are_loaded_first)
{
    uint32_t trials[2];
    for (int loads = 0; loads < 2; loads++) {
        struct fake_cuda machine = machine_with_faster(0.005, FIRST_ANSWER + 1, 0.95);
        machine.load_ms = loads * 3.0;
        const struct square square = square_on(&machine, 1);
        square_warm(&square, 1);
        trials[loads] = fake_cuda_counts().products;
        ck_assert_uint_eq(square_multiply(&square, 1), FIRST_ANSWER + 1);
        cuda->close(square.device);
    }
    /* One sample more, which says that the product is short. */
    ck_assert_uint_eq(trials[1], trials[0] + FAKE_ANSWERS - FIRST_ANSWER);
}
END_TEST

/* And stays, warmed or not: what it computed is computed the same again. */
START_TEST(a_product_that_was_not_warmed_takes_cublas_first_and_does_not_wait)
{
    const struct fake_cuda machine = machine_with_faster(1.0, FIRST_ANSWER + 1, 0.5);
    const struct square square = square_on(&machine, 40);
    struct backend_event *done = cuda->event_new(square.device);
    ck_assert_uint_eq(square_multiply(&square, 40), FIRST_ANSWER);
    ck_assert_uint_eq(fake_cuda_counts().products, 1);
    cuda->record(square.device, STREAM_COMPUTE, done);
    ck_assert(!cuda->happened(square.device, done, NULL));
    square_warm(&square, 48);
    ck_assert_uint_eq(square_multiply(&square, 40), FIRST_ANSWER);
    ck_assert_uint_eq(square_multiply(&square, 20), FIRST_ANSWER + 1);
    cuda->event_free(square.device, done);
    cuda->close(square.device);
}
END_TEST

START_TEST(what_cublas_offers_and_does_not_take_is_passed_by)
{
    struct fake_cuda machine = machine_with_faster(1.0, FIRST_ANSWER, 0.9);
    machine.refused_answer = FIRST_ANSWER;
    machine.product_ms[FIRST_ANSWER + 2] = 0.95;
    const struct square square = square_on(&machine, 8);
    square_warm(&square, 8);
    ck_assert_uint_eq(square_multiply(&square, 8), FIRST_ANSWER + 2);
    cuda->close(square.device);
}
END_TEST

/* Each product takes 5 ms in truth, so that 0.4 s of trials are at most 80 products and what the
 * last shape takes beyond; all others are run once. Few rows are tried first, then from coarse to
 * fine. */
START_TEST(trials_end_when_they_took_long_and_what_is_left_takes_cublas_first)
{
    enum { SHAPES = 16 + 31 + 120, MOST = 8192, ONE_SHAPE = 4 * 3 + 2 };
    struct fake_cuda machine = machine_with_faster(1.0, FIRST_ANSWER + 1, 0.5);
    machine.product_us = 5000;
    const struct square square = square_on(&machine, MOST);
    square_warm(&square, MOST);
    ck_assert_uint_eq(fake_cuda_counts().heuristics, SHAPES);
    ck_assert_uint_le(fake_cuda_counts().products, SHAPES + 80 + ONE_SHAPE);
    ck_assert_uint_eq(square_multiply(&square, 1), FIRST_ANSWER + 1);
    ck_assert_uint_eq(square_multiply(&square, MOST), FIRST_ANSWER);
    cuda->close(square.device);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("products");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_product_of_a_shape_is_chosen_once_and_shapes_are_few);
    tcase_add_loop_test(tests, a_warm_product_is_the_fastest_of_what_cublas_offers, 0,
                        2 * (FAKE_ANSWERS - FIRST_ANSWER));
    tcase_add_loop_test(tests, cublas_first_is_kept_where_another_is_hardly_faster, 0, 2);
    tcase_add_test(tests, a_short_product_is_tried_as_often_where_its_kernels_are_loaded_first);
    tcase_add_test(tests, a_product_that_was_not_warmed_takes_cublas_first_and_does_not_wait);
    tcase_add_test(tests, what_cublas_offers_and_does_not_take_is_passed_by);
    tcase_add_test(tests, trials_end_when_they_took_long_and_what_is_left_takes_cublas_first);
    Suite *suite = suite_create("products, emulated");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
