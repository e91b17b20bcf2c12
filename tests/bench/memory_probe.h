/* tests/bench/memory_probe.h - how long this machine's memory takes now: what a benchmark's times are divided by,
 * so that numbers of different days and machines compare. */
#ifndef REPRISE_TESTS_BENCH_MEMORY_PROBE_H
#define REPRISE_TESTS_BENCH_MEMORY_PROBE_H

#include <stdio.h>

/* CPU time of one read of a random cache line of 64 MB (large pages where the system gives them). */
struct memory_probe {
    double dependent_ns;   /* the next one's place is what this one read: memory's latency */
    double independent_ns; /* all places are known: as many at once as the core can have */
};

/* Best of several; some 0.5 s. Ends the process where there is no memory. */
struct memory_probe memory_probe_measure(void);

/* "memory: ..." and a line's end. */
void memory_probe_print(FILE *out, const struct memory_probe *probe);

/* CPU time of this process so far, in s: others may use the core, too. */
double bench_cpu_s(void);

#endif
