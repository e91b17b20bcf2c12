/* tests/assertions.h - Check's assertions, without a write() for each that holds. */
#ifndef REPRISE_TESTS_ASSERTIONS_H
#define REPRISE_TESTS_ASSERTIONS_H

/* As check.h does: its macro, which this is, may be given no message, and ISO C wants one. */
#pragma GCC system_header

#include <check.h>

/* Check notes behind which assertion a test died by a write() for each that holds: of a million in
 * a loop, seconds. Here a line is noted when it holds for the first time in a process. */
#ifdef __cplusplus
extern "C" void test_holds(const char *file, int line);
#else
void test_holds(const char *file, int line);
#endif

#undef ck_assert_msg
#define ck_assert_msg(expr, ...)                                                                   \
    (expr) ? test_holds(__FILE__, __LINE__)                                                        \
           : _ck_assert_failed(__FILE__, __LINE__, "Assertion '" #expr "' failed", ##__VA_ARGS__)

#endif
