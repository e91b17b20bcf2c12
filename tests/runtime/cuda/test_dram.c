/* tests/runtime/cuda/test_dram.c - DRAM of the CUDA backend stays pinned when it is released, and
 * is given again as if it were new; on an emulated GPU. */
#include "runtime/backend.h"
#include "tests/runtime/cuda/fake_cuda.h"
#include "tests/support.h"

#include <string.h>

extern const struct backend backend_cuda;
static const struct backend *const cuda = &backend_cuda;

static const uint64_t MEGABYTE = UINT64_C(1) << 20;
static const uint64_t CAPACITY = UINT64_C(16) << 20;

static struct device *open_on(const struct fake_cuda *machine)
{
    struct backend_config config = { .hbm_bytes = CAPACITY, .dram_bytes = CAPACITY };
    struct device *device;
    struct error err = { 0 };
    fake_cuda_is(machine);
    ck_assert_int_eq(cuda->open(&config, &device, &err), STATUS_OK);
    return device;
}

static struct device *open_default(void)
{
    const struct fake_cuda machine = fake_cuda_default();
    return open_on(&machine);
}

static char *take(struct device *device, uint64_t bytes)
{
    void *memory = NULL;
    struct error err = { 0 };
    enum status status = cuda->allocate(device, TIER_DRAM, bytes, &memory, &err);
    ck_assert_msg(status == STATUS_OK, "%s: %s", err.expected, err.found);
    return memory;
}

static void give(struct device *device, void *memory)
{
    cuda->release(device, TIER_DRAM, memory);
}

static void must_be_refused(struct device *device, uint64_t bytes, const char *why)
{
    void *memory = NULL;
    struct error err = { 0 };
    ck_assert_int_eq(cuda->allocate(device, TIER_DRAM, bytes, &memory, &err), STATUS_IO);
    ck_assert_msg(strstr(err.found, why) != NULL, "%s", err.found);
}

static bool is_zero(const char *memory, uint64_t bytes)
{
    return memory[0] == 0 && memcmp(memory, memory + 1, bytes - 1) == 0;
}

START_TEST(runs_one_after_the_other_pin_once_and_each_finds_zeros)
{
    struct device *device = open_default();
    static const uint64_t sizes[] = { 16, 16, 9, 8, 16, 13 }; /* half or more of what is kept */
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const uint64_t bytes = sizes[i] * MEGABYTE - (i % 2) * 100;
        char *memory = take(device, bytes);
        ck_assert_uint_eq((uintptr_t)memory % 4096, 0);
        ck_assert(is_zero(memory, bytes));
        memset(memory, 0x5a, bytes);
        give(device, memory);
    }
    ck_assert_uint_eq(fake_cuda_counts().pinnings, 1);
    cuda->close(device);
    ck_assert_uint_eq(fake_cuda_counts().pinned_ranges, 0);
}
END_TEST

/* As where a run was interrupted: nobody waited for its copies. */
START_TEST(what_a_queued_copy_was_still_to_write_does_not_reach_the_next)
{
    struct device *device = open_default();
    const uint64_t bytes = 4 * MEGABYTE;
    void *hbm = NULL;
    struct error err = { 0 };
    ck_assert_int_eq(cuda->allocate(device, TIER_HBM, bytes, &hbm, &err), STATUS_OK);
    memset(hbm, 0x77, bytes);
    char *memory = take(device, bytes);
    cuda->copy(device, STREAM_SAVE, COPY_D2H, &(struct copy){ memory, hbm, bytes }, 1);
    give(device, memory);
    memory = take(device, bytes);
    struct backend_event *saved = cuda->event_new(device);
    cuda->record(device, STREAM_SAVE, saved);
    cuda->synchronise(device, saved);
    ck_assert(is_zero(memory, bytes));
    cuda->event_free(device, saved);
    cuda->close(device);
}
END_TEST

START_TEST(of_what_is_kept_the_smallest_that_is_large_enough_is_given)
{
    struct device *device = open_default();
    char *small = take(device, 3 * MEGABYTE), *large = take(device, 5 * MEGABYTE);
    give(device, small);
    give(device, large);
    ck_assert_ptr_eq(take(device, 3 * MEGABYTE), small);
    ck_assert_ptr_eq(take(device, 3 * MEGABYTE), large);
    ck_assert_uint_eq(fake_cuda_counts().pinnings, 2);
    cuda->close(device);
}
END_TEST

START_TEST(a_size_that_nothing_kept_fits_is_pinned_anew)
{
    struct device *device = open_default();
    give(device, take(device, 5 * MEGABYTE));
    take(device, 2 * MEGABYTE); /* less than half of it */
    ck_assert_uint_eq(fake_cuda_counts().pinnings, 2);
    take(device, 6 * MEGABYTE); /* more than it */
    ck_assert_uint_eq(fake_cuda_counts().pinnings, 3);
    ck_assert_uint_eq(fake_cuda_counts().pinned_bytes, 13 * MEGABYTE);
    take(device, 4 * MEGABYTE);
    ck_assert_uint_eq(fake_cuda_counts().pinnings, 3);
    cuda->close(device);
    ck_assert_uint_eq(fake_cuda_counts().pinned_ranges, 0);
}
END_TEST

START_TEST(kept_and_given_together_are_held_to_the_capacity)
{
    struct device *device = open_default();
    give(device, take(device, 12 * MEGABYTE));
    char *memory = take(device, 5 * MEGABYTE);
    ck_assert_uint_eq(fake_cuda_counts().pinned_bytes, 5 * MEGABYTE);
    give(device, memory);
    take(device, 16 * MEGABYTE);
    ck_assert_uint_eq(fake_cuda_counts().pinned_bytes, 16 * MEGABYTE);
    cuda->close(device);
}
END_TEST

START_TEST(what_is_kept_is_not_counted_as_used_and_what_is_given_by_what_was_asked)
{
    struct device *device = open_default();
    give(device, take(device, 10 * MEGABYTE));
    char *given = take(device, 8 * MEGABYTE); /* in a place of 10 */
    char *rest = take(device, 8 * MEGABYTE);
    must_be_refused(device, 1, "0 B of its 16777216 bytes are left");
    give(device, rest);
    give(device, given);
    take(device, 16 * MEGABYTE);
    must_be_refused(device, 1, "0 B of its 16777216 bytes are left");
    cuda->close(device);
}
END_TEST

START_TEST(where_the_machine_has_no_more_what_is_kept_goes_first)
{
    struct fake_cuda machine = fake_cuda_default();
    machine.pinnable_bytes = 8 * MEGABYTE;
    struct device *device = open_on(&machine);
    give(device, take(device, 6 * MEGABYTE));
    char *memory = take(device, 5 * MEGABYTE / 2);
    ck_assert(is_zero(memory, 5 * MEGABYTE / 2));
    ck_assert_uint_eq(fake_cuda_counts().pinned_bytes, 5 * MEGABYTE / 2);
    must_be_refused(device, 6 * MEGABYTE, "out of memory");
    give(device, memory);
    must_be_refused(device, 9 * MEGABYTE, "out of memory");
    ck_assert_uint_eq(fake_cuda_counts().pinned_ranges, 0);
    take(device, 8 * MEGABYTE);
    cuda->close(device);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("dram");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, runs_one_after_the_other_pin_once_and_each_finds_zeros);
    tcase_add_test(tests, what_a_queued_copy_was_still_to_write_does_not_reach_the_next);
    tcase_add_test(tests, of_what_is_kept_the_smallest_that_is_large_enough_is_given);
    tcase_add_test(tests, a_size_that_nothing_kept_fits_is_pinned_anew);
    tcase_add_test(tests, kept_and_given_together_are_held_to_the_capacity);
    tcase_add_test(tests, what_is_kept_is_not_counted_as_used_and_what_is_given_by_what_was_asked);
    tcase_add_test(tests, where_the_machine_has_no_more_what_is_kept_goes_first);
    Suite *suite = suite_create("DRAM, emulated");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
