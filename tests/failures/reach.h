/* tests/failures/reach.h - a call is come to, within the program under test: it is counted, and is it the one that
 * fails? */
#ifndef REPRISE_TESTS_FAILURES_REACH_H
#define REPRISE_TESTS_FAILURES_REACH_H

#include "tests/failures/page.h"

/* From any thread, allocates nothing, leaves errno. */
bool reach(struct failures_page *page, uint32_t kind);

#endif
