/* tests/failures/shim.c - preloaded into the program under test: allocations that fail, a time of
 * day that jumps, and, from main() on, the kernel's door watched (door.c), where the C library's
 * own streams come by too. Children are not disturbed: who draws for reprise is not under test. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "tests/failures/door.h"
#include "tests/failures/page.h"
#include "tests/failures/reach.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* The driver's page; NULL until main() is reached: what comes before is the loader's. Written once
 * each, before threads. */
static struct failures_page *page, *opened;
static uint32_t memory_kind, clock_kind;

__attribute__((constructor)) static void find_page(void)
{
    const char *path = getenv(PAGE_VARIABLE);
    int file = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    unsetenv("LD_PRELOAD");
    unsetenv(PAGE_VARIABLE);
    if (file < 0)
        return;
    void *shared = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    opened = shared != MAP_FAILED ? shared : NULL;
}

/* ---- main ---- */

typedef int main_function(int, char **, char **);
typedef int start_function(main_function *, int, char **, void (*)(void), void (*)(void),
                           void (*)(void), void *);

static main_function *real_main;

static int armed_main(int argc, char **argv, char **environment)
{
    if (opened != NULL) {
        const struct failing_call *failing = &opened->failing;
        memory_kind = call_kind_named("memory");
        clock_kind = call_kind_named("clock");
        bool at_the_door = opened->records || (failing->effect != EFFECT_NONE &&
                                               call_kinds[failing->kind].numbers[0] >= 0);
        if (at_the_door && !door_open(opened))
            _exit(PAGE_NO_DOOR);
        page = opened;
    }
    return real_main(argc, argv, environment);
}

int __libc_start_main(main_function *program, int argc, char **argv, void (*begin)(void),
                      void (*end)(void), void (*loader_end)(void), void *stack_end)
{
    start_function *start;
    *(void **)&start = dlsym(RTLD_NEXT, "__libc_start_main");
    real_main = program;
    return start(armed_main, argc, argv, begin, end, loader_end, stack_end);
}

/* ---- the time of day ---- */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int rc = real(clock, now);
    if (rc == 0 && clock == CLOCK_REALTIME && page != NULL && reach(page, clock_kind))
        now->tv_sec += page->failing.jump_s;
    return rc;
}

/* ---- allocations: not under sanitizers, whose own these are ---- */
#ifndef SHIM_WITHOUT_MEMORY

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static bool refused(void)
{
    if (page == NULL || !reach(page, memory_kind))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t bytes)
{
    return refused() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return refused() ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *block, size_t bytes)
{
    return refused() ? NULL : __libc_realloc(block, bytes);
}

void *reallocarray(void *block, size_t count, size_t bytes)
{
    size_t all;
    if (__builtin_mul_overflow(count, bytes, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, all);
}

void *memalign(size_t alignment, size_t bytes)
{
    return refused() ? NULL : __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return memalign(alignment, bytes);
}

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
    if (refused())
        return ENOMEM;
    *block = __libc_memalign(alignment, bytes);
    return *block != NULL ? 0 : ENOMEM;
}

#endif
