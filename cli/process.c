/* cli/process.c - see process.h. */
#include "cli/process.h"

#include "base/memory.h"
#include "cli/interrupt.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

/* open() gives the lowest number that is free. Input and output are opened the wrong way round, so
 * that using them fails; errors have nobody who could be told of it. */
static void hold_standard_streams(void)
{
    static const int modes[] = { O_WRONLY, O_RDONLY, O_WRONLY };
    for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++)
        if (fcntl(number, F_GETFD) < 0)
            (void)!open("/dev/null", modes[number]);
}

/* SQLite's own, which it counts its bytes by; written once, before any other thread. */
static struct sqlite3_mem_methods sqlite_memory;

static void *sqlite_block(int bytes)
{
    void *block = sqlite_memory.xMalloc(bytes);
    if (block == NULL)
        memory_exhausted();
    return block;
}

static void *sqlite_resized(void *old, int bytes)
{
    void *block = sqlite_memory.xRealloc(old, bytes);
    if (block == NULL)
        memory_exhausted();
    return block;
}

static void guard_libraries(void)
{
    json_set_alloc_funcs(memory_block, free);
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory) != SQLITE_OK)
        return;
    struct sqlite3_mem_methods guarded = sqlite_memory;
    guarded.xMalloc = sqlite_block;
    guarded.xRealloc = sqlite_resized;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &guarded);
}

void process_begin(void)
{
    hold_standard_streams();
    signal(SIGPIPE, SIG_IGN);
    interrupt_begin();
    guard_libraries();
}
