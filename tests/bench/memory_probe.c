/* tests/bench/memory_probe.c - see memory_probe.h: a ring through all cache lines in random order,
 * and random lines. */
#define _DEFAULT_SOURCE /* madvise() */
#include "tests/bench/memory_probe.h"

#include "base/memory.h"
#include "base/random.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum {
    LINES = 1 << 20,
    LARGE_PAGE = 2 << 20,
    RUNS = 3,
    DEPENDENT_READS = 1 << 19,
    INDEPENDENT_READS = 1 << 22
};

struct line {
    uint64_t next, unused[7];
};
_Static_assert(sizeof(struct line) == 64, "a cache line");

double bench_cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Sattolo's shuffle: one ring through all of them. */
static struct line *make_ring(void)
{
    struct line *line = aligned_alloc(LARGE_PAGE, LINES * sizeof *line);
    struct random random = random_from(1, 1);
    if (line == NULL)
        memory_exhausted();
    (void)madvise(line, LINES * sizeof *line, MADV_HUGEPAGE);
    for (uint64_t i = 0; i < LINES; i++)
        line[i].next = i;
    for (uint64_t i = LINES - 1; i > 0; i--) {
        uint64_t other = random_below(&random, i), next = line[i].next;
        line[i].next = line[other].next;
        line[other].next = next;
    }
    return line;
}

static uint64_t follow(const struct line *line)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < DEPENDENT_READS; i++)
        at = line[at].next;
    return at;
}

static uint64_t add(const struct line *line)
{
    uint64_t sum = 0, place = 1;
    for (uint32_t i = 0; i < INDEPENDENT_READS; i++) {
        place = place * UINT64_C(6364136223846793005) + 1442695040888963407;
        sum += line[place >> 44].next;
    }
    return sum;
}
_Static_assert(LINES == 1 << (64 - 44), "add() takes as many bits as there are lines");

static double best_ns(uint64_t (*reads)(const struct line *line), const struct line *line,
                      uint32_t count)
{
    static volatile uint64_t kept; /* so that reads are not left out */
    double best = 1e9;
    for (int run = 0; run < RUNS; run++) {
        double begin = bench_cpu_s();
        kept = reads(line);
        double seconds = bench_cpu_s() - begin;
        best = seconds < best ? seconds : best;
    }
    (void)kept;
    return best * 1e9 / count;
}

struct memory_probe memory_probe_measure(void)
{
    struct line *line = make_ring();
    struct memory_probe probe = { .dependent_ns = best_ns(follow, line, DEPENDENT_READS),
                                  .independent_ns = best_ns(add, line, INDEPENDENT_READS) };
    free(line);
    return probe;
}

void memory_probe_print(FILE *out, const struct memory_probe *probe)
{
    fprintf(out,
            "memory: a random read of 64 MB takes %.1f ns, or %.1f ns where many are under way\n",
            probe->dependent_ns, probe->independent_ns);
}
