/* tests/failures/calls.h - the kinds of calls that are made to fail, and how each can. Here: this list, no more.
 * X(name, how it fails, the kernel's calls of this kind) */
#ifndef REPRISE_TESTS_FAILURES_CALLS_H
#define REPRISE_TESTS_FAILURES_CALLS_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>

enum effect_kind {
    EFFECT_NONE,
    EFFECT_ERROR,     /* the call is not made and fails */
    EFFECT_SHORT,     /* made, of half the bytes */
    EFFECT_KILL,      /* SIGKILL instead: the program's end at this very place */
    EFFECT_INTERRUPT, /* SIGINT just before */
    EFFECT_MEMORY,    /* no call to the kernel, as the next one */
    EFFECT_CLOCK,
};

/* One way in which a call fails. */
struct effect {
    const char *name;
    enum effect_kind kind;
    int error;     /* the errno */
    bool stays;    /* and all after it; else it alone */
    bool harmless; /* to be lived with: the result is as ever */
    int64_t jump_s;
};

enum { CALL_NUMBERS_MOST = 12, EFFECTS_MOST = 8 };

struct call_kind {
    const char *name;
    struct effect effects[EFFECTS_MOST];   /* ended by one without name */
    int64_t numbers[CALL_NUMBERS_MOST]; /* of system calls; ended by -1 */
};

extern const struct call_kind call_kinds[];
extern const uint32_t call_kind_count;

/* Which kind a system call is of; call_kind_count: none. */
uint32_t call_kind_of(uint64_t number);
uint32_t call_kind_named(const char *name);

#endif
