/* tests/failures/tracer.h - runs a program of which one call fails. Calls to the kernel are watched by ptrace(), so
 * that whatever makes them is reached: the C library's streams, SQLite, every thread. */
#ifndef REPRISE_TESTS_FAILURES_TRACER_H
#define REPRISE_TESTS_FAILURES_TRACER_H

#include "tests/failures/calls.h"

#include <stdbool.h>
#include <stdint.h>

enum { CALL_KINDS_MOST = 32 };

/* What shall happen to which call. kind: a place in call_kinds; no effect: calls are only counted. */
struct disturbance {
    uint32_t kind, nth; /* from 1 */
    const struct effect *effect;
};

struct run_end {
    bool timed_out;
    int code, signal;                  /* signal 0: it exited with code */
    uint32_t reached[CALL_KINDS_MOST]; /* calls of each kind since main() */
    bool happened;                     /* the disturbance was come to */
};

struct program {
    const char *shim;   /* the library */
    const char *folder; /* where it runs; its files stdin, stdout, stderr lie in `streams` */
    const char *streams;
    char *const *argv;
    double limit_s;
};

/* Returns false, and why on standard error, where this machine allows no tracing. */
bool tracer_run(const struct program *program, const struct disturbance *disturbance, struct run_end *end);

#endif
