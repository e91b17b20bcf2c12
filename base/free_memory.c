/* base/free_memory.c - see free_memory.h: asks /proc, the cgroups and the process's limit. */
#include "base/free_memory.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, LINE_BYTES = 1024 };

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t above(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* The number behind `word` and blanks, of the first line that begins so; false: none does. */
static bool number_of(const char *path, const char *word, uint64_t *number)
{
    char line[LINE_BYTES];
    FILE *file = fopen(path, "r");
    bool found = false;
    if (file == NULL)
        return false;
    while (!found && fgets(line, sizeof line, file) != NULL)
        found = strncmp(line, word, strlen(word)) == 0 &&
                sscanf(line + strlen(word), " %" SCNu64, number) == 1;
    fclose(file);
    return found;
}

static uint64_t of_machine(const char *root)
{
    char path[PATH_BYTES];
    uint64_t available_kib, swap_kib = 0;
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    if (!number_of(path, "MemAvailable:", &available_kib))
        return UINT64_MAX;
    (void)number_of(path, "SwapFree:", &swap_kib);
    return (available_kib + swap_kib) * 1024;
}

/* One cgroup's: pages of files that it read count as its own, and are given back first. */
static uint64_t of_cgroup(const char *folder)
{
    char path[PATH_BYTES + 32];
    uint64_t most, used, inactive = 0, active = 0;
    snprintf(path, sizeof path, "%s/memory.max", folder);
    if (!number_of(path, "", &most)) /* "max", or no such file */
        return UINT64_MAX;
    snprintf(path, sizeof path, "%s/memory.current", folder);
    if (!number_of(path, "", &used))
        return UINT64_MAX;
    snprintf(path, sizeof path, "%s/memory.stat", folder);
    (void)number_of(path, "inactive_file", &inactive);
    (void)number_of(path, "active_file", &active);
    return above(most, above(used, inactive + active));
}

/* The process's cgroup of version 2 ("0::/PATH"), as a folder; false: none is known. */
static bool find_cgroup(const char *root, char folder[PATH_BYTES])
{
    char path[PATH_BYTES], line[LINE_BYTES];
    bool found = false;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    while (!found && fgets(line, sizeof line, file) != NULL)
        found = strncmp(line, "0::/", 4) == 0;
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return found && snprintf(folder, PATH_BYTES, "%s/sys/fs/cgroup%s", root, line + 3) < PATH_BYTES;
}

/* Each of them bounds those below it. */
static uint64_t of_cgroups(const char *root)
{
    char folder[PATH_BYTES];
    uint64_t bytes = UINT64_MAX;
    if (!find_cgroup(root, folder))
        return UINT64_MAX;
    size_t top = strlen(root) + strlen("/sys/fs/cgroup");
    for (char *end = folder + strlen(folder); end >= folder + top; end--)
        if (*end == '\0' || *end == '/') {
            *end = '\0';
            bytes = least(bytes, of_cgroup(folder));
        }
    return bytes;
}

static uint64_t of_limit(void)
{
    struct rlimit limit;
    uint64_t pages;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        !number_of("/proc/self/statm", "", &pages))
        return UINT64_MAX;
    return above(limit.rlim_cur, pages * (uint64_t)sysconf(_SC_PAGESIZE));
}

uint64_t free_memory_bytes_in(const char *root)
{
    return least(of_machine(root), of_cgroups(root));
}

uint64_t free_memory_bytes(void)
{
    return least(free_memory_bytes_in(""), of_limit());
}
