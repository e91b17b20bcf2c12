/* tests/failures/door.h - the kernel's door, watched from within: each call to the kernel that a thread makes,
 * whoever makes it, comes by here first (PR_SET_SYSCALL_USER_DISPATCH). */
#ifndef REPRISE_TESTS_FAILURES_DOOR_H
#define REPRISE_TESTS_FAILURES_DOOR_H

#include "tests/failures/page.h"

/* Once, before threads; those come by here too, the children of a fork do not. False: this kernel has no such thing. */
bool door_open(struct failures_page *page);

#endif
