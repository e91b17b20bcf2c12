/* tests/failures/cases.h - which of the calls of an undisturbed run shall fail. Two calls on the same stack mostly go
 * the same way when they fail: of each stack a few are taken. */
#ifndef REPRISE_TESTS_FAILURES_CASES_H
#define REPRISE_TESTS_FAILURES_CASES_H

#include "tests/failures/runner.h"

struct choice {
    uint32_t each;  /* calls on each stack: the first, the last, then those between; 0: all calls */
    uint32_t most;  /* of those, spread; 0: no bound */
    uint32_t first; /* where spreading begins: another sample */
    uint32_t nth;   /* this call of its kind alone; 0: not */
    bool fresh;     /* on stacks alone of which no command before had any */
};

/* Of one kind of call, without effects. */
struct cases {
    struct disturbance *item;
    uint32_t count, stacks;
};

/* Stacks of all commands so far; zeroed memory is none. */
struct seen_stacks {
    uint64_t *hash;
    uint32_t count, capacity;
};
void seen_stacks_free(struct seen_stacks *seen);

/* For the caller to free with cases_free(). */
void cases_choose(const struct made_calls *made, uint32_t kind, const struct choice *choice,
                  struct seen_stacks *seen, struct cases *cases);
void cases_free(struct cases *cases);

#endif
