/* tests/tools/test_kernels_wait.c - in the machine code of sm_90 every kernel waits for those ahead
 * before it goes to device memory (runtime/cuda/device.cuh): what the emulator cannot see, since it
 * sees that a thread waits and not when, and since the compiler may move loads. A kernel that is
 * launched plainly alone may be left out here by its name. And blocks that count themselves fence
 * what they wrote, which no emulator needs that runs them one after the other. argv: the kernels'
 * library. */
#include "tests/support.h"
#include "tools/cubin.h"

#include <string.h>

static struct cubins kernels;

/* The low 12 bits of what ptxas makes of griddepcontrol.wait (ACQBULK). */
enum { WAIT = 0x82e };

/* Without the 3 bits of their operands' form: LD, LDG, ST, STG, atomics, copies. */
static const unsigned to_memory[] = { 0x180, 0x181, 0x185, 0x186, 0x18a, 0x18b, 0x18e,
                                      0x1a3, 0x1a8, 0x1a9, 0x1ae, 0x1b4, 0x1b7, 0x1ba };

/* Likewise: atomicInc() with its result, __threadfence(), __syncthreads(). */
enum { ATOMIC = 0x1a8, FENCE = 0x192, BARRIER = 0x11d, LOAD = 0x181, STORE = 0x186 };

static unsigned opcode(const struct cubin_kernel *kernel, uint64_t i)
{
    uint16_t bits;
    memcpy(&bits, kernel->code + 16 * i, sizeof bits);
    return bits & 0xfff;
}

static bool goes_to_memory(unsigned code)
{
    for (size_t i = 0; i < sizeof to_memory / sizeof *to_memory; i++)
        if ((code & 0x1ff) == to_memory[i])
            return true;
    return false;
}

/* By address: the wait stands at the front, where nothing has branched yet. The end where there is
 * none. */
static uint64_t first_wait(const struct cubin_kernel *kernel)
{
    uint64_t i = 0;
    while (i < kernel->instructions && opcode(kernel, i) != WAIT)
        i++;
    return i;
}

static uint64_t first_access(const struct cubin_kernel *kernel)
{
    uint64_t i = 0;
    while (i < kernel->instructions && !goes_to_memory(opcode(kernel, i)))
        i++;
    return i;
}

START_TEST(every_kernel_waits_before_it_goes_to_device_memory)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < kernels.count; i++) {
        const struct cubin_kernel *k = &kernels.kernels[i];
        if (k->architecture != 90)
            continue;
        uint64_t wait = first_wait(k), access = first_access(k);
        ck_assert_msg(wait < k->instructions, "%s does not wait", k->name);
        ck_assert_msg(wait < access, "%s goes to memory at instruction %lu and waits at %lu",
                      k->name, (unsigned long)access, (unsigned long)wait);
        found++;
    }
    ck_assert_uint_gt(found, 0);
}
END_TEST

/* Else the test above would see nothing: a kernel without accesses is only waiting_kernel. */
START_TEST(accesses_are_seen)
{
    for (uint32_t i = 0; i < kernels.count; i++)
        if (strcmp(kernels.kernels[i].name, "waiting_kernel") != 0)
            ck_assert_msg(first_access(&kernels.kernels[i]) < kernels.kernels[i].instructions,
                          "%s: no access to memory is known", kernels.kernels[i].name);
}
END_TEST

START_TEST(kernels_of_gpus_that_cannot_begin_early_do_not_wait)
{
    for (uint32_t i = 0; i < kernels.count; i++)
        if (kernels.kernels[i].architecture < 90)
            ck_assert_uint_eq(first_wait(&kernels.kernels[i]), kernels.kernels[i].instructions);
}
END_TEST

/* The nearest of a kind from `from` on, in steps of `step`; the end (or far behind it): none. */
static uint64_t nearest(const struct cubin_kernel *kernel, uint64_t from, int step, unsigned kind)
{
    uint64_t i = from;
    while (i < kernel->instructions && (opcode(kernel, i) & 0x1ff) != kind)
        i += (uint64_t)step;
    return i;
}

/* decode_merge.cuh: all threads' parts, the fence, the count, the fence, all threads' reading. */
START_TEST(decode_fences_its_parts_before_it_counts_them_and_before_it_reads_others)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < kernels.count; i++) {
        const struct cubin_kernel *k = &kernels.kernels[i];
        if (!cubin_kernel_is(k, "decode_kernel"))
            continue;
        uint64_t count = nearest(k, 0, 1, ATOMIC), end = k->instructions;
        uint64_t before = nearest(k, count, -1, FENCE), after = nearest(k, count, 1, FENCE);
        ck_assert_msg(count < end, "%s counts no parts", k->name);
        ck_assert_msg(before < end && after < end, "%s does not fence", k->name);
        ck_assert_msg(nearest(k, before, -1, BARRIER) > nearest(k, before, -1, STORE) &&
                          nearest(k, before, -1, BARRIER) < end,
                      "%s: the fence is not behind all threads' parts", k->name);
        ck_assert_msg(nearest(k, after, 1, BARRIER) < nearest(k, after, 1, LOAD),
                      "%s: parts are read before the fence", k->name);
        found++;
    }
    ck_assert_uint_gt(found, 0);
}
END_TEST

int main(int argc, char **argv)
{
    struct error err = { 0 };
    if (argc != 2 || cubins_read(argv[1], &kernels, &err) != STATUS_OK)
        return 2;
    if (kernels.count == 0 || kernels.unread > 0)
        return TEST_SKIPPED;
    TCase *tests = tcase_create("wait");
    tcase_add_test(tests, every_kernel_waits_before_it_goes_to_device_memory);
    tcase_add_test(tests, accesses_are_seen);
    tcase_add_test(tests, decode_fences_its_parts_before_it_counts_them_and_before_it_reads_others);
    tcase_add_test(tests, kernels_of_gpus_that_cannot_begin_early_do_not_wait);
    Suite *suite = suite_create("kernels wait for those ahead");
    suite_add_tcase(suite, tests);
    int code = test_main(suite);
    cubins_free(&kernels);
    return code;
}
