/* tests/support.h - what every test program needs, and nothing of any folder under test. */
#ifndef REPRISE_TESTS_SUPPORT_H
#define REPRISE_TESTS_SUPPORT_H

#include "tests/assertions.h"

#include <stdbool.h>
#include <stdint.h>

/* What a test that lacks its data returns from main: ctest reports it as skipped. */
#define TEST_SKIPPED 77

/* Of so many random cases, as many as a test tries: all in the release build, which searches; a
 * quarter under sanitizers, which take several times as long a case and look for what any shows.
 * OF_RESULTS: cases that say nothing of memory that others do not, none under sanitizers. */
#ifdef __SANITIZE_ADDRESS__
#define TRIES(cases) (((cases) + 3) / 4)
#define OF_RESULTS(cases) 0
#else
#define TRIES(cases) (cases)
#define OF_RESULTS(cases) (cases)
#endif

/* $REPRISE_SEED, else fixed: a failure that names its seed can be replayed. */
uint64_t test_seed(void);

/* $REPRISE_SMALL is set, and not to 0: shapes shall be as small as still takes every branch, since
 * a tool makes each launch some hundred times as long (compute-sanitizer; docs/testing.md). */
bool test_small(void);

/* The path of a file under $REPRISE_DATA; NULL when the variable is unset or the file is not there.
 * Holds until the next call. */
const char *test_data(const char *relative);

/* A new file with that content in $TMPDIR, else /tmp. The caller unlinks the path and frees it. */
char *test_temp_file(const char *content);

/* Runs the suite, printing failures; what main returns: 0, or 1 if any test failed, or none ran,
 * as when $CK_RUN_CASE names no case of it. */
int test_main(Suite *suite);

#endif
