/* tests/failures/page.h - what the driver and the shim within the program under test share: a page of memory, whose
 * file $REPRISE_FAILURES names. The driver writes what shall happen before it starts the program; counts are read
 * after its end, however it ended. */
#ifndef REPRISE_TESTS_FAILURES_PAGE_H
#define REPRISE_TESTS_FAILURES_PAGE_H

#include <stdatomic.h>
#include <stdint.h>

#define PAGE_VARIABLE "REPRISE_FAILURES"

struct failures_page {
    atomic_uint armed;              /* main() was reached: what comes before is the loader's */
    atomic_uint allocations;        /* reached, by every thread */
    uint32_t refuse_first, refuse_last; /* allocations that fail, counted from 1; 0: none */
    atomic_uint clock_readings;     /* of the time of day */
    uint32_t jump_at;               /* from this reading on ... */
    int64_t jump_s;                 /* ... the clock is so far off */
};

#endif
