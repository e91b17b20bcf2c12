/* tests/support.c - see support.h. Fails loudly: a test that cannot be set up has not passed. */
#include "tests/support.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIXED_SEED UINT64_C(20240710)

static _Noreturn void die(const char *what, const char *which)
{
    fprintf(stderr, "test support: cannot %s %s: %s\n", what, which, strerror(errno));
    exit(1);
}

/* Lines that share a place take turns: noted more often. */
void test_holds(const char *file, int line)
{
    enum { PLACES = 1024 };
    static _Atomic int noted[PLACES];
    _Atomic int *place = &noted[((uintptr_t)file / 8 * 7 + (unsigned)line) % PLACES];
    if (atomic_load_explicit(place, memory_order_relaxed) == line)
        return;
    atomic_store_explicit(place, line, memory_order_relaxed);
    _mark_point(file, line);
}

uint64_t test_seed(void)
{
    const char *text = getenv("REPRISE_SEED");
    if (text == NULL)
        return FIXED_SEED;
    char *end;
    errno = 0;
    uint64_t seed = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0)
        die("read $REPRISE_SEED", text);
    return seed;
}

bool test_small(void)
{
    const char *text = getenv("REPRISE_SMALL");
    return text != NULL && *text != '\0' && strcmp(text, "0") != 0;
}

const char *test_data(const char *relative)
{
    static char path[4096];
    const char *folder = getenv("REPRISE_DATA");
    if (folder == NULL)
        return NULL;
    int length = snprintf(path, sizeof path, "%s/%s", folder, relative);
    if (length < 0 || (size_t)length >= sizeof path || access(path, R_OK) != 0)
        return NULL;
    return path;
}

char *test_temp_file(const char *content)
{
    const char *folder = getenv("TMPDIR");
    if (folder == NULL || *folder == '\0')
        folder = "/tmp";
    size_t bytes = strlen(folder) + sizeof "/reprise-test-XXXXXX";
    char *path = malloc(bytes);
    if (path == NULL)
        die("name a file in", folder);
    snprintf(path, bytes, "%s/reprise-test-XXXXXX", folder);
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL || fputs(content, file) == EOF || fclose(file) != 0)
        die("write", path);
    return path;
}

int test_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner), run = srunner_ntests_run(runner);
    srunner_free(runner);
    if (run == 0)
        fprintf(stderr, "no test ran: does $CK_RUN_CASE name a case of this suite?\n");
    return failed == 0 && run > 0 ? 0 : 1;
}
