/* tests/base/test_free_memory.c - how much memory is left, by machines made of files, and by this
 * process's limit. */
#include "base/free_memory.h"

#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char root[] = "/tmp/reprise-free-XXXXXX";

static void put(const char *path, const char *content)
{
    char name[512];
    snprintf(name, sizeof name, "%s%s", root, path);
    for (char *slash = strchr(name + strlen(root) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(name, 0700);
        *slash = '/';
    }
    FILE *file = fopen(name, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert(fputs(content, file) >= 0 && fclose(file) == 0);
}

static void begin(void)
{
    strcpy(root + strlen(root) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void end(void)
{
    char command[600];
    snprintf(command, sizeof command, "rm -r %s", root);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(nothing_that_is_said_is_no_bound)
{
    ck_assert(free_memory_bytes_in(root) == UINT64_MAX);
}
END_TEST

START_TEST(a_machine_has_what_is_available_and_its_free_swap)
{
    put("/proc/meminfo", "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:    3000 kB\n");
    ck_assert_uint_eq(free_memory_bytes_in(root), 3000 * 1024);
    put("/proc/meminfo", "MemAvailable:    3000 kB\nSwapTotal: 900 kB\nSwapFree: 500 kB\n");
    ck_assert_uint_eq(free_memory_bytes_in(root), 3500 * 1024);
}
END_TEST

/* In the second one, pages of files fill what is allowed, and give way. */
START_TEST(the_tightest_cgroup_around_the_process_counts)
{
    put("/proc/meminfo", "MemAvailable: 3000000 kB\n");
    put("/proc/self/cgroup", "1:cpu:/elsewhere\n0::/pod/one\n");
    put("/sys/fs/cgroup/pod/one/memory.max", "max\n");
    put("/sys/fs/cgroup/pod/one/memory.current", "700\n");
    ck_assert_uint_eq(free_memory_bytes_in(root), UINT64_C(3000000) * 1024);
    put("/sys/fs/cgroup/pod/memory.max", "1000000\n");
    put("/sys/fs/cgroup/pod/memory.current", "990000\n");
    ck_assert_uint_eq(free_memory_bytes_in(root), 10000);
    put("/sys/fs/cgroup/pod/memory.stat", "anon 5\ninactive_file 200000\nactive_file 100000\n");
    ck_assert_uint_eq(free_memory_bytes_in(root), 310000);
    put("/sys/fs/cgroup/pod/one/memory.max", "600\n"); /* used up */
    ck_assert_uint_eq(free_memory_bytes_in(root), 0);
}
END_TEST

START_TEST(a_cgroup_at_the_top_is_found)
{
    put("/proc/self/cgroup", "0::/\n");
    put("/sys/fs/cgroup/memory.max", "5000\n");
    put("/sys/fs/cgroup/memory.current", "2000\n");
    ck_assert_uint_eq(free_memory_bytes_in(root), 3000);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__ /* which has taken more than any limit */
START_TEST(this_process_has_no_more_than_its_limit)
{
    const struct rlimit limit = { UINT64_C(1) << 30, UINT64_C(1) << 30 };
    ck_assert_uint_gt(free_memory_bytes(), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    ck_assert_uint_lt(free_memory_bytes(), limit.rlim_cur);
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("base/free_memory");
    TCase *tcase = tcase_create("free memory");
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, nothing_that_is_said_is_no_bound);
    tcase_add_test(tcase, a_machine_has_what_is_available_and_its_free_swap);
    tcase_add_test(tcase, the_tightest_cgroup_around_the_process_counts);
    tcase_add_test(tcase, a_cgroup_at_the_top_is_found);
    suite_add_tcase(suite, tcase);
#ifndef __SANITIZE_ADDRESS__
    TCase *process = tcase_create("process");
    tcase_add_test(process, this_process_has_no_more_than_its_limit);
    suite_add_tcase(suite, process);
#endif
    return test_main(suite);
}
