/* tests/failures/page.h - what the driver and the shim within the program under test share: memory, whose file
 * $REPRISE_FAILURES names. The driver writes what shall happen before it starts the program; what happened is read
 * after its end, however it ended. */
#ifndef REPRISE_TESTS_FAILURES_PAGE_H
#define REPRISE_TESTS_FAILURES_PAGE_H

#include "tests/failures/calls.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PAGE_VARIABLE "REPRISE_FAILURES"

enum { CALL_KINDS_MOST = 32, CALLS_MOST = 1 << 20, FRAMES_MOST = 24 };
enum { PAGE_NO_DOOR = 125 }; /* the exit code where calls to the kernel cannot be watched */

/* A call that was made, and on which stack: a hash of the places that it returns to, the same in every run. */
struct made_call {
    uint32_t kind;
    uint64_t stack;
};

/* The call that fails: the nth of its kind, from 1; of those on one stack, where that is not 0. */
struct failing_call {
    uint32_t kind, nth;
    uint64_t stack;
    enum effect_kind effect;
    int error;
    bool stays;
    int64_t jump_s;
};

struct failures_page {
    struct failing_call failing;
    uint32_t depth; /* so many places make a stack, from the innermost; 0: all */
    bool records;   /* each call with its stack */
    atomic_uint reached[CALL_KINDS_MOST], on_stack;
    atomic_bool happened;
    uint64_t frames[FRAMES_MOST]; /* of the one that failed: places in the program's file; ended by 0 */
    atomic_uint made_count;
    struct made_call made[CALLS_MOST]; /* touched by who records alone: else a hole in the file */
};

#endif
