/* base/start_guard.c - see start_guard.h. */
#include "base/start_guard.h"

#include "base/last_words.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static const int crashes[START_GUARD_SIGNALS] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };

/* What would be said now; NULL: nothing is guarded. The process has one end. */
static _Atomic(const char *) guarded;

static void tell(void)
{
    const char *words = atomic_load(&guarded);
    if (words != NULL)
        last_words(words);
}

static void on_crash(int number)
{
    (void)number; /* the handler is gone: where nothing is guarded any more, it crashes again */
    tell();
}

static void watch_exit(void)
{
    static atomic_flag watched = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&watched))
        (void)atexit(tell); /* without it: the library's own exit code */
}

void start_guard_begin(struct start_guard *guard, const char *what)
{
    struct sigaction action = { .sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND };
    sigset_t set;
    sigemptyset(&set);
    snprintf(guard->words, sizeof guard->words,
             "cannot %s: it ended as it started, as where memory is refused to it", what);
    watch_exit();
    guard->outer = atomic_exchange(&guarded, guard->words);
    for (int i = 0; i < START_GUARD_SIGNALS; i++) {
        sigaction(crashes[i], &action, &guard->before[i]);
        sigaddset(&set, crashes[i]);
    }
    pthread_sigmask(SIG_UNBLOCK, &set, &guard->mask); /* a crash that is blocked has no handler */
}

void start_guard_end(struct start_guard *guard)
{
    pthread_sigmask(SIG_SETMASK, &guard->mask, NULL);
    for (int i = 0; i < START_GUARD_SIGNALS; i++)
        sigaction(crashes[i], &guard->before[i], NULL);
    atomic_store(&guarded, guard->outer);
}
