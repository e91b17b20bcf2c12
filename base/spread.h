/* base/spread.h - one loop over several threads, for work that is nothing but memory: filling,
 * converting, touching pages. What is done where must not matter to the result. */
#ifndef REPRISE_BASE_SPREAD_H
#define REPRISE_BASE_SPREAD_H

#include <stdint.h>

/* Calls part(context, begin, end) for ranges that together are 0 .. count - 1, each of at least
 * `least` but for the last, in up to 16 threads, one a core; returns when all have. A thread that
 * cannot be started is done without. */
void spread(uint64_t count, uint64_t least,
            void (*part)(void *context, uint64_t begin, uint64_t end), void *context);

#endif
