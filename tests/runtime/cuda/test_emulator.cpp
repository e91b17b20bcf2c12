/* tests/runtime/cuda/test_emulator.cpp - that the emulator shows the mistakes it is there to show:
 * small kernels with and without each. */
#include "tests/runtime/cuda/emulator.h"
#include "tests/runtime/cuda/emulator_control.h"

#include "runtime/cuda/tensor_core.cuh"

extern "C" {
#include "tests/support.h"
}

#include <csignal>
#include <vector>

/* Reverses 64 numbers by way of shared memory. */
static void reverse(const int *in, int *out, bool barrier)
{
    int *shared = reinterpret_cast<int *>(dynamic_shared());
    shared[threadIdx.x] = in[threadIdx.x];
    if (barrier)
        __syncthreads();
    out[threadIdx.x] = shared[63 - threadIdx.x];
}

static std::vector<int> reversed(emulate_order order, bool barrier)
{
    std::vector<int> in(64), out(64);
    for (int i = 0; i < 64; i++)
        in[static_cast<size_t>(i)] = i;
    emulate_as(order, EMULATE_COPIES_LATE, 1);
    const int *from = in.data();
    int *to = out.data();
    emulate_launch(dim3(1), dim3(64), 64 * sizeof(int), [=] { reverse(from, to, barrier); });
    return out;
}

START_TEST(a_missing_barrier_changes_the_result_with_the_order)
{
    ck_assert(reversed(EMULATE_ASCENDING, true) == reversed(EMULATE_DESCENDING, true));
    ck_assert(reversed(EMULATE_ASCENDING, true) == reversed(EMULATE_SHUFFLED, true));
    ck_assert(reversed(EMULATE_ASCENDING, false) != reversed(EMULATE_DESCENDING, false));
}
END_TEST

/* One thread's copy; waited for, or not. */
static void copy_one(const float *in, float *out, bool wait)
{
    float *shared = reinterpret_cast<float *>(dynamic_shared());
    if (threadIdx.x == 0) {
        copy_async(shared, in, true);
        copy_commit();
        if (wait)
            copy_wait<0>();
        out[0] = shared[0];
        copy_wait<0>();
    }
}

static float copied(emulate_copies copies, bool wait)
{
    alignas(16) static const float in[4] = { 7, 8, 9, 10 };
    float out = 0, *to = &out;
    emulate_as(EMULATE_ASCENDING, copies, 1);
    emulate_launch(dim3(1), dim3(32), 16, [=] { copy_one(in, to, wait); });
    return out;
}

START_TEST(a_copy_not_waited_for_is_not_there)
{
    ck_assert(copied(EMULATE_COPIES_LATE, true) == 7.0f);
    ck_assert(copied(EMULATE_COPIES_EARLY, false) == 7.0f); /* good luck, as on a GPU */
    ck_assert(std::isnan(copied(EMULATE_COPIES_LATE, false)));
}
END_TEST

START_TEST(a_barrier_that_some_threads_skip_ends_the_process)
{
    emulate_launch(dim3(1), dim3(64), 0, [] {
        if (threadIdx.x != 5)
            __syncthreads();
    });
}
END_TEST

/* A kernel that may begin early; thread 5 waits for the kernels ahead, or not. */
static void launch_early(bool all_wait)
{
    KERNEL_LAUNCH_EARLY(
        [](bool all) {
            if (all || threadIdx.x != 5)
                wait_for_kernels_ahead();
        },
        dim3(2), dim3(32), 0, nullptr, all_wait);
}

START_TEST(threads_that_all_wait_for_the_kernels_ahead_may_begin_early)
{
    launch_early(true);
}
END_TEST

START_TEST(a_thread_that_does_not_wait_for_the_kernels_ahead_ends_the_process)
{
    launch_early(false);
}
END_TEST

/* One mma against the product by definition; the operands by the lanes' own arithmetic. */
static void multiply(const float *a, const float *b, float *d)
{
    unsigned g = threadIdx.x / 4, t = threadIdx.x % 4;
    const auto pair = [](const float *at, unsigned step) { return pack2<bf16>(at[0], at[step]); };
    const uint32_t left[4] = { pair(a + g * 16 + 2 * t, 1), pair(a + (g + 8) * 16 + 2 * t, 1),
                               pair(a + g * 16 + 2 * t + 8, 1),
                               pair(a + (g + 8) * 16 + 2 * t + 8, 1) };
    const uint32_t right[2] = { pair(b + 2 * t * 8 + g, 8), pair(b + (2 * t + 8) * 8 + g, 8) };
    float sum[4] = { 0, 0, 0, 0 };
    mma<bf16>(sum, left, right);
    d[g * 8 + 2 * t] = sum[0];
    d[g * 8 + 2 * t + 1] = sum[1];
    d[(g + 8) * 8 + 2 * t] = sum[2];
    d[(g + 8) * 8 + 2 * t + 1] = sum[3];
}

START_TEST(an_mma_is_a_matrix_product)
{
    float a[16 * 16], b[16 * 8], d[16 * 8], *a_at = a, *b_at = b, *d_at = d;
    for (int i = 0; i < 256; i++)
        a[i] = static_cast<float>(i * 7 % 31 - 15);
    for (int i = 0; i < 128; i++)
        b[i] = static_cast<float>(i * 11 % 29 - 14);
    emulate_launch(dim3(1), dim3(32), 0, [=] { multiply(a_at, b_at, d_at); });
    for (int row = 0; row < 16; row++)
        for (int column = 0; column < 8; column++) {
            float expected = 0;
            for (int k = 0; k < 16; k++)
                expected += a[row * 16 + k] * b[k * 8 + column];
            ck_assert(d[row * 8 + column] == expected); /* whole numbers: exact */
        }
}
END_TEST

int main()
{
    TCase *tests = tcase_create("emulator");
    tcase_add_test(tests, a_missing_barrier_changes_the_result_with_the_order);
    tcase_add_test(tests, a_copy_not_waited_for_is_not_there);
    tcase_add_test_raise_signal(tests, a_barrier_that_some_threads_skip_ends_the_process, SIGABRT);
    tcase_add_test(tests, threads_that_all_wait_for_the_kernels_ahead_may_begin_early);
    tcase_add_test_raise_signal(
        tests, a_thread_that_does_not_wait_for_the_kernels_ahead_ends_the_process, SIGABRT);
    tcase_add_test(tests, an_mma_is_a_matrix_product);
    Suite *suite = suite_create("CUDA emulator");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
