/* tools/cubin.h - GPU kernels as nvcc left them in an object, library or program: machine code and
 * what each takes of a multiprocessor. Needs none of CUDA's programs.
 *
 * Sources: fat binaries as CUDA's fatbinary_section.h has them (magic 0xba55ed50) and, behind that
 * header, as nvcc 13's own output shows (cubins as they are, or zstd frames); cubins are ELF of
 * machine EM_CUDA, whose .nv.info sections hold attributes of (format, attribute, size, values). */
#ifndef REPRISE_TOOLS_CUBIN_H
#define REPRISE_TOOLS_CUBIN_H

#include "base/error.h"

#include <stdbool.h>

struct cubin_kernel {
    uint32_t architecture; /* 80, 90 */
    bool specific;         /* sm_90a: for that GPU alone */
    char *name;            /* demangled, shortened: "prefill_kernel<bf16, 128, false>" */
    const uint8_t *code;   /* instructions of 16 bytes */
    uint64_t instructions;
    uint32_t registers;    /* of a thread */
    uint32_t stack_bytes;  /* of a thread, in local memory: arrays, spilled registers */
    uint64_t shared_bytes; /* static, of a block; without what CUDA takes for itself */
    uint32_t threads;      /* the most of a block, by its launch bounds; 0: none were set */
};

struct cubins {
    uint8_t *file;
    uint8_t **unpacked; /* cubins that were compressed */
    uint32_t unpacked_count, unpacked_capacity;
    struct cubin_kernel *kernels;
    uint32_t count, capacity;
    uint32_t unread; /* cubins in it that are compressed in a way that is not known here */
};

/* All kernels of a file, in its order: a cubin, or anything that holds fat binaries.
 * STATUS_INPUT: a cubin that is cut off. */
enum status cubins_read(const char *path, struct cubins *out, struct error *err);
void cubins_free(struct cubins *cubins);

/* Whether it is an instance of that template, or the kernel of that name. */
bool cubin_kernel_is(const struct cubin_kernel *kernel, const char *family);
/* Of an instance's template arguments that are numbers the `which`-th, from 0; 0: there is none. */
uint32_t cubin_kernel_number(const struct cubin_kernel *kernel, uint32_t which);

#endif
