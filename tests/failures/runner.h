/* tests/failures/runner.h - runs a program of which one call fails, by the shim that is preloaded into it. */
#ifndef REPRISE_TESTS_FAILURES_RUNNER_H
#define REPRISE_TESTS_FAILURES_RUNNER_H

#include "tests/failures/page.h"

#include <stdbool.h>
#include <stdint.h>

/* What shall happen to which call. kind: a place in call_kinds; nth: of this kind, from 1, or, where stack is not 0, of
 * those on it; no effect: calls are only recorded. */
struct disturbance {
    uint32_t kind, nth;
    uint64_t stack;
    const struct effect *effect;
};

/* Calls in the order in which they were made. */
struct made_calls {
    struct made_call *call;
    uint32_t count;
};

struct run_end {
    bool timed_out;
    int code, signal;                  /* signal 0: it exited with code */
    uint32_t reached[CALL_KINDS_MOST]; /* calls of each kind since main() */
    bool happened;                     /* the disturbance was come to */
    uint64_t frames[FRAMES_MOST];      /* where in the program */
};

struct program {
    const char *shim;   /* the library */
    const char *folder; /* where it runs; its files stdout, stderr lie in `streams` */
    const char *streams;
    char *const *argv;
    double limit_s;
    bool visited; /* see commands.h */
    uint32_t depth; /* see page.h */
};

/* Returns false, and why on standard error, where this machine allows no watching. made: all calls of an undisturbed
 * run, for the caller to free; else NULL. */
bool runner_run(const struct program *program, const struct disturbance *disturbance, struct run_end *end,
                struct made_calls *made);

#endif
