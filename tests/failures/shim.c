/* tests/failures/shim.c - preloaded into the program under test: allocations that fail, a time of
 * day that jumps, and word to the driver that main() is reached. Other calls fail at the kernel's
 * door (tracer.c), which a preloaded library cannot watch: the C library's own streams do not come
 * by here. Children are not disturbed: who draws for reprise is not under test. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include "tests/failures/page.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* The driver's page; NULL until the shim is ready. Written once, before main(). */
static struct failures_page *page;

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
    page = shared != MAP_FAILED ? shared : NULL;
}

/* ---- main ---- */

typedef int main_function(int, char **, char **);
typedef int start_function(main_function *, int, char **, void (*)(void), void (*)(void),
                           void (*)(void), void *);

static main_function *real_main;

static int armed_main(int argc, char **argv, char **environment)
{
    if (page != NULL)
        atomic_store(&page->armed, 1);
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
    if (rc == 0 && clock == CLOCK_REALTIME && page != NULL && atomic_load(&page->armed) != 0 &&
        atomic_fetch_add(&page->clock_readings, 1) + 1 >= page->jump_at && page->jump_at > 0)
        now->tv_sec += page->jump_s;
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
    if (page == NULL || atomic_load(&page->armed) == 0)
        return false;
    unsigned reached = atomic_fetch_add(&page->allocations, 1) + 1;
    bool fails = reached >= page->refuse_first && reached <= page->refuse_last;
    if (fails)
        errno = ENOMEM;
    return fails;
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
