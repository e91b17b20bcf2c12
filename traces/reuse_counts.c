/* traces/reuse_counts.c - see reuse_counts.h. */
#include "traces/reuse_counts.h"

void reuse_counts_init(struct reuse_counts *counts, const uint64_t *capacity, uint32_t capacities)
{
    *counts = (struct reuse_counts){ .capacity = capacity, .capacities = capacities };
}

static uint32_t octave_of(uint64_t distance)
{
    uint32_t octave = 63 - (uint32_t)__builtin_clzll(distance);
    return octave < TRACE_OCTAVES ? octave : TRACE_OCTAVES - 1;
}

void reuse_counts_add(struct reuse_counts *counts, struct reuse_run *run, uint64_t distance,
                      double weight)
{
    counts->references += weight;
    if (distance != REUSE_NEVER)
        counts->octave[octave_of(distance)] += weight;
    if (distance > run->distance)
        run->distance = distance;
    if (run->distance == REUSE_NEVER)
        return;
    while (run->bin < counts->capacities && counts->capacity[run->bin] < run->distance)
        run->bin++;
    counts->run[run->bin] += weight;
    counts->runs += weight;
}

void reuse_counts_hits(const struct reuse_counts *counts, double *hits)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < counts->capacities; i++)
        hits[i] = sum += counts->run[i];
}
