/* base/clock.h - real time, for the runtime, benchmarks and what people are shown; nothing that is
 * simulated asks it. Times are ns on CLOCK_MONOTONIC: they never go back, and their zero means
 * nothing. */
#ifndef REPRISE_BASE_CLOCK_H
#define REPRISE_BASE_CLOCK_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

uint64_t clock_now_ns(void);

/* Returns at that time or after it, at once if it has passed. */
void clock_sleep_until(uint64_t time_ns);

/* As calls that wait take it. */
struct timespec clock_timespec(uint64_t time_ns);

/* A condition whose waits end by this clock: they last as long as they say, whatever becomes of the time of day. */
void clock_condition_init(pthread_cond_t *condition);

#endif
