/* base/clock.c - see clock.h. */
#include "base/clock.h"

#include "base/units.h"

#include <errno.h>

uint64_t clock_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

struct timespec clock_timespec(uint64_t time_ns)
{
    return (struct timespec){ .tv_sec = (time_t)(time_ns / NS_PER_S),
                              .tv_nsec = (long)(time_ns % NS_PER_S) };
}

void clock_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

void clock_sleep_until(uint64_t time_ns)
{
    struct timespec until = clock_timespec(time_ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        continue;
}
