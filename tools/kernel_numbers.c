/* tools/kernel_numbers.c - `kernel_numbers [-a] FILE`: what nvcc made of the CUDA kernels, as a
 * table of one row a kernel and architecture; see the script kernel-numbers. Of a template the
 * instance that Llama 3 8B takes (bf16, heads of 128, pairs by halves; latents of 512); -a: all. */
#include "tools/sass.h"

#include <stdlib.h>
#include <string.h>

#define SKIPPED 77

/* ---- what a launch adds ---- */

/* Dynamic shared memory of attention's kernels, which their launches ask for: prefill.cu,
 * prefill_hopper.cu, decode.cu and latent.cu, but for some hundred bytes. 0: not known here. */
static uint32_t dynamic_bytes(const struct cubin_kernel *k)
{
    const uint32_t dim = cubin_kernel_number(k, 0), element = 2;
    if (cubin_kernel_is(k, "prefill_kernel"))
        return (128 + 2 * 64) * dim * element;
    if (cubin_kernel_is(k, "prefill_hopper_kernel")) /* D, KEYS, STAGES, VALUE_STAGES */
        return (128 + cubin_kernel_number(k, 1) *
                          (cubin_kernel_number(k, 2) + cubin_kernel_number(k, 3))) *
               dim * element;
    if (cubin_kernel_is(k, "decode_kernel")) { /* D, STAGES, BLOCKS */
        const bool fp8 = strstr(k->name, "fp8") != NULL;
        return 2 * 64 * dim *
               (fp8 ? cubin_kernel_number(k, 1) + element : cubin_kernel_number(k, 1) * element);
    }
    if (cubin_kernel_is(k, "latent_kernel"))
        return (16 + 64) * (dim + 64) * element + 16 * 64 * element;
    return 0;
}

/* Blocks of a multiprocessor at once: 65,536 registers, given by 8 a thread; 2,048 threads; 164 KiB
 * (sm_80) or 228 KiB of shared memory, of which a block takes one more. CUDA C++ Programming Guide,
 * "Compute Capabilities". */
static uint32_t resident_blocks(const struct cubin_kernel *k)
{
    const uint32_t registers = (k->registers + 7) / 8 * 8 * k->threads;
    const uint64_t shared = k->shared_bytes + dynamic_bytes(k) + 1024;
    const uint64_t all_shared = (k->architecture >= 90 ? 228 : 164) * UINT64_C(1024);
    if (registers == 0)
        return 0;
    uint64_t blocks = 65536 / registers;
    blocks = 2048 / k->threads < blocks ? 2048 / k->threads : blocks;
    blocks = all_shared / shared < blocks ? all_shared / shared : blocks;
    return (uint32_t)(blocks < 32 ? blocks : 32);
}

/* ---- one instance of each ---- */

/* How much of what Llama 3 8B takes an instance has. */
static uint32_t likeness(const struct cubin_kernel *k)
{
    const uint32_t stages = k->architecture >= 90 ? 3 : 2; /* decode.cu: by shared memory */
    const bool has[] = {
        strstr(k->name, "fp16") == NULL,
        strstr(k->name, "fp8") == NULL,
        cubin_kernel_number(k, 0) == (cubin_kernel_is(k, "latent_kernel") ? 512U : 128U),
        strstr(k->name, "halves") != NULL,
        strstr(k->name, "true") == NULL,
        !cubin_kernel_is(k, "decode_kernel") || cubin_kernel_number(k, 1) == stages
    };
    uint32_t score = 0;
    for (size_t i = 0; i < sizeof has / sizeof *has; i++) /* the first matters most */
        score = 2 * score + (has[i] ? 1 : 0);
    return score;
}

static bool same_family(const struct cubin_kernel *a, const struct cubin_kernel *b)
{
    size_t length = strcspn(a->name, "<");
    return a->architecture == b->architecture && a->specific == b->specific &&
           strcspn(b->name, "<") == length && strncmp(a->name, b->name, length) == 0;
}

static bool is_shown(const struct cubins *all, uint32_t i)
{
    for (uint32_t other = 0; other < all->count; other++)
        if (other != i && same_family(&all->kernels[i], &all->kernels[other])) {
            uint32_t its = likeness(&all->kernels[i]), another = likeness(&all->kernels[other]);
            if (another > its || (another == its && other < i))
                return false;
        }
    return true;
}

/* ---- the table ---- */

static int by_name(const void *left, const void *right)
{
    const struct cubin_kernel *a = left, *b = right;
    int names = strcmp(a->name, b->name);
    return names != 0 ? names
                      : (int)(a->architecture + a->specific) - (int)(b->architecture + b->specific);
}

static void print_resources(const struct cubin_kernel *k)
{
    const uint64_t local = sass_count(k, 0, k->instructions).of[SASS_LOCAL];
    char architecture[16], blocks[16] = "-", dynamic[16] = "-";
    snprintf(architecture, sizeof architecture, "sm_%u%s", k->architecture, k->specific ? "a" : "");
    if (k->threads > 0)
        snprintf(blocks, sizeof blocks, "%u", resident_blocks(k));
    if (dynamic_bytes(k) > 0)
        snprintf(dynamic, sizeof dynamic, "%.1f", dynamic_bytes(k) / 1024.0);
    printf("%-52s %-6s %4u %5u %5lu %7.1f %7s %6s %5lu\n", k->name, architecture, k->registers,
           k->stack_bytes, (unsigned long)local, (double)k->shared_bytes / 1024, dynamic, blocks,
           (unsigned long)k->instructions);
}

static void print_loop(const struct cubin_kernel *k)
{
    const struct sass_counts c = sass_tile_loop(k);
    const uint64_t *of = c.of;
    if (c.all == 0)
        return;
    printf("%-52s sm_%u%-2s %5lu %6lu %5lu %5lu %5lu %5lu %5lu %5lu %5lu\n", k->name,
           k->architecture, k->specific ? "a" : "", (unsigned long)c.all,
           (unsigned long)(of[SASS_HMMA] + of[SASS_HGMMA]),
           (unsigned long)(of[SASS_LDS] + of[SASS_LDSM]), (unsigned long)of[SASS_STS],
           (unsigned long)of[SASS_LDG], (unsigned long)of[SASS_LDGSTS],
           (unsigned long)of[SASS_MUFU], (unsigned long)(of[SASS_BAR] + of[SASS_SYNCS]),
           (unsigned long)of[SASS_LOCAL]);
}

static void print_all(struct cubins *cubins, bool all)
{
    qsort(cubins->kernels, cubins->count, sizeof *cubins->kernels, by_name);
    printf("%-52s %-6s %4s %5s %5s %7s %7s %6s %5s\n", "kernel", "", "regs", "stack", "local",
           "static", "dynamic", "blocks", "code");
    for (uint32_t i = 0; i < cubins->count; i++)
        if (all || is_shown(cubins, i))
            print_resources(&cubins->kernels[i]);
    printf("\n%-52s %-6s %5s %6s %5s %5s %5s %5s %5s %5s %5s\n", "loop over tiles", "", "all",
           "tensor", "LDS", "STS", "LDG", "copy", "MUFU", "BAR", "local");
    for (uint32_t i = 0; i < cubins->count; i++)
        if (all || is_shown(cubins, i))
            print_loop(&cubins->kernels[i]);
}

int main(int argc, char **argv)
{
    const bool all = argc > 1 && strcmp(argv[1], "-a") == 0;
    if (argc != (all ? 3 : 2)) {
        fprintf(stderr, "kernel_numbers [-a] FILE\n");
        return 2;
    }
    struct cubins cubins;
    struct error err = { 0 };
    enum status status = cubins_read(argv[argc - 1], &cubins, &err);
    if (status != STATUS_OK) {
        error_print(stderr, &err);
        cubins_free(&cubins);
        return error_exit_code(status);
    }
    const bool skipped = cubins.count == 0;
    if (skipped)
        printf("skipped: no GPU's code in %s that can be read\n", argv[argc - 1]);
    else
        print_all(&cubins, all);
    cubins_free(&cubins);
    return skipped ? SKIPPED : 0;
}
