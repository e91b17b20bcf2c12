/* tools/sass.h - counting instructions of sm_80 and sm_90 by their opcodes.
 *
 * An instruction is 16 bytes; its opcode the low 9 bits, the 3 above say in what form operands
 * come. Which number is which was found by what ptxas makes of known PTX, and tests/tools holds it
 * to that with the ptxas at hand; `cuobjdump -sass` says the same where there is one.
 *
 * A loop is found by its backward branch: all from the target to the branch. ptxas puts waiting
 * loops and slow paths behind the code and lets them jump back into the middle, which is a backward
 * branch, too. So the loop over tiles is the one with the fewest instructions that has tensor-core
 * instructions and waits for others (a barrier of the block or in shared memory) or copies: loops
 * inside of it have not. Inner loops count once, whatever their trips. */
#ifndef REPRISE_TOOLS_SASS_H
#define REPRISE_TOOLS_SASS_H

#include "tools/cubin.h"

enum sass_kind {
    SASS_HMMA,    /* mma.sync */
    SASS_HGMMA,   /* wgmma */
    SASS_LDS,     /* ld.shared */
    SASS_LDSM,    /* ldmatrix */
    SASS_STS,     /* st.shared */
    SASS_LDG,     /* ld.global */
    SASS_LDG_16,  /* of them, of 16 bytes a thread */
    SASS_LDGSTS,  /* cp.async */
    SASS_LDGSTS_16,
    SASS_UTMALDG, /* cp.async.bulk.tensor: by tensor map */
    SASS_MUFU,    /* exponentials, reciprocals */
    SASS_BAR,     /* barriers of threads, all of a block's or named ones */
    SASS_SYNCS,   /* barriers in shared memory */
    SASS_LOCAL,   /* loads and stores of local memory: spilled registers */
    SASS_DOUBLE,  /* arithmetic of doubles */
    SASS_SETREG,  /* setmaxnreg */
    SASS_KINDS
};

struct sass_counts {
    uint64_t all, of[SASS_KINDS];
};

/* Of instructions [begin, end). */
struct sass_counts sass_count(const struct cubin_kernel *kernel, uint64_t begin, uint64_t end);

/* The loop over tiles, as above; all is 0 where there is none. */
struct sass_counts sass_tile_loop(const struct cubin_kernel *kernel);

#endif
