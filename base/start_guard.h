/* base/start_guard.h - around the start of what is not ours, a library's constructors: where memory is refused to it, it may end
 * the process in its own way (gfortran's exits with 1, OpenBLAS crashes). With a guard it ends as reprise does. */
#ifndef REPRISE_BASE_START_GUARD_H
#define REPRISE_BASE_START_GUARD_H

#include <signal.h>

#define START_GUARD_SIGNALS 5

struct start_guard {
    /* Private: */
    char words[192];
    const char *outer;
    sigset_t mask;
    struct sigaction before[START_GUARD_SIGNALS];
};

/* Until start_guard_end(), in any thread: a crash, abort() or exit() ends the process with last_words() and exit code 3, which
 * say that it could not `what` ("load OpenBLAS"). From one thread at a time; guards may stand within each other. */
void start_guard_begin(struct start_guard *guard, const char *what);
void start_guard_end(struct start_guard *guard);

#endif
