/* tests/failures/stack.h - from where a call comes. */
#ifndef REPRISE_TESTS_FAILURES_STACK_H
#define REPRISE_TESTS_FAILURES_STACK_H

#include <stdint.h>

/* A hash of the innermost places that the call returns to, depth of them (0: all), never 0. frames, `most` of them, if not NULL: those in the
 * program itself as places in its file (addr2line's), innermost first, ended by 0. Allocates nothing. */
uint64_t stack_hash(uint32_t depth, uint64_t *frames, uint32_t most);

#endif
