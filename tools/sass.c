/* tools/sass.c - see sass.h. */
#include "tools/sass.h"

#include <string.h>

/* Opcodes, without the form. */
enum {
    OP_HMMA = 0x03c,
    OP_LDSM = 0x03b,
    OP_MUFU = 0x108,
    OP_BAR = 0x11d,
    OP_BRA = 0x147,
    OP_LDG = 0x181,
    OP_LDL = 0x183,
    OP_LDS = 0x184,
    OP_STL = 0x187,
    OP_STS = 0x188,
    OP_LDGSTS = 0x1ae,
    OP_SYNCS = 0x1a7,
    OP_UTMALDG = 0x1b4,
    OP_SETREG = 0x1c8,
    OP_HGMMA = 0x1f0,
    OP_DADD = 0x029,
    OP_DMUL = 0x028,
    OP_DFMA = 0x02b,
};

static uint64_t low(const struct cubin_kernel *kernel, uint64_t i)
{
    uint64_t word;
    memcpy(&word, kernel->code + 16 * i, sizeof word);
    return word;
}

static uint64_t high(const struct cubin_kernel *kernel, uint64_t i)
{
    uint64_t word;
    memcpy(&word, kernel->code + 16 * i + 8, sizeof word);
    return word;
}

static unsigned opcode(const struct cubin_kernel *kernel, uint64_t i)
{
    return low(kernel, i) & 0x1ff;
}

/* Loads say how wide they are in bits 73 to 75: 4 is 4 bytes, 5 is 8, 6 is 16. */
static bool is_16_bytes(const struct cubin_kernel *kernel, uint64_t i)
{
    return (high(kernel, i) >> 9 & 7) == 6;
}

/* ptxas has each copy follow a load to nowhere ("LDS RZ, [RZ]"), which moves nothing. */
static bool is_to_nowhere(const struct cubin_kernel *kernel, uint64_t i)
{
    return opcode(kernel, i) == OP_LDS && (low(kernel, i) >> 16 & 0xff) == 0xff;
}

struct sass_counts sass_count(const struct cubin_kernel *kernel, uint64_t begin, uint64_t end)
{
    static const struct {
        unsigned op;
        enum sass_kind kind;
    } kinds[] = { { OP_HMMA, SASS_HMMA },       { OP_HGMMA, SASS_HGMMA }, { OP_LDS, SASS_LDS },
                  { OP_LDSM, SASS_LDSM },       { OP_STS, SASS_STS },     { OP_LDG, SASS_LDG },
                  { OP_LDGSTS, SASS_LDGSTS },   { OP_MUFU, SASS_MUFU },   { OP_BAR, SASS_BAR },
                  { OP_UTMALDG, SASS_UTMALDG }, { OP_SYNCS, SASS_SYNCS }, { OP_LDL, SASS_LOCAL },
                  { OP_STL, SASS_LOCAL },       { OP_DADD, SASS_DOUBLE }, { OP_DMUL, SASS_DOUBLE },
                  { OP_DFMA, SASS_DOUBLE },     { OP_SETREG, SASS_SETREG } };
    struct sass_counts counts = { .all = end - begin };
    for (uint64_t i = begin; i < end; i++) {
        unsigned op = opcode(kernel, i);
        if (is_to_nowhere(kernel, i))
            continue;
        for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++)
            counts.of[kinds[k].kind] += op == kinds[k].op;
        counts.of[SASS_LDG_16] += op == OP_LDG && is_16_bytes(kernel, i);
        counts.of[SASS_LDGSTS_16] += op == OP_LDGSTS && is_16_bytes(kernel, i);
    }
    return counts;
}

/* Where the branch at i leads, in instructions: relative to the next one, in units of 4 bytes, in
 * bits 34 to 81; from sm_90 on these are all but the lowest 8, which are bits 16 to 23. */
static int64_t target(const struct cubin_kernel *kernel, uint64_t i)
{
    uint64_t words = low(kernel, i) >> 34 | high(kernel, i) << 30;
    int64_t offset = (int64_t)(words << 16) >> 16; /* of 48 bits */
    if (kernel->architecture >= 90)
        offset = offset * 256 + (int64_t)(low(kernel, i) >> 16 & 0xff);
    return (int64_t)i + 1 + offset / 4;
}

static bool is_tile_loop(const struct sass_counts *c)
{
    return c->of[SASS_HMMA] + c->of[SASS_HGMMA] > 0 &&
           c->of[SASS_BAR] + c->of[SASS_SYNCS] + c->of[SASS_LDGSTS] > 0;
}

struct sass_counts sass_tile_loop(const struct cubin_kernel *kernel)
{
    struct sass_counts best = { 0 };
    for (uint64_t i = 0; i < kernel->instructions; i++) {
        if (opcode(kernel, i) != OP_BRA)
            continue;
        int64_t begin = target(kernel, i);
        if (begin < 0 || begin >= (int64_t)i)
            continue;
        struct sass_counts counts = sass_count(kernel, (uint64_t)begin, i + 1);
        if (is_tile_loop(&counts) && (best.all == 0 || counts.all < best.all))
            best = counts;
    }
    return best;
}
