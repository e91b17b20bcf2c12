/* base/host.c - see host.h: asks /proc and uname. */
#include "base/host.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The value of a line "model name : AMD EPYC", or NULL. Cuts the line's end off. */
static const char *cpu_of_line(char *line)
{
    char *colon = strchr(line, ':');
    if (strncmp(line, "model name", strlen("model name")) != 0 || colon == NULL)
        return NULL;
    colon[strcspn(colon, "\n")] = '\0';
    return colon + 1 + strspn(colon + 1, " \t");
}

static void set_cpu(struct host *host)
{
    snprintf(host->cpu, sizeof host->cpu, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (file == NULL)
        return;
    char line[256];
    while (fgets(line, sizeof line, file) != NULL) {
        const char *cpu = cpu_of_line(line);
        if (cpu == NULL)
            continue;
        snprintf(host->cpu, sizeof host->cpu, "%.*s", (int)sizeof host->cpu - 1, cpu);
        break;
    }
    fclose(file);
}

struct host host_here(void)
{
    struct host host = { .kernel = "unknown", .cores = 1 };
    set_cpu(&host);
    struct utsname name;
    if (uname(&name) == 0)
        snprintf(host.kernel, sizeof host.kernel, "%.20s %.60s %.20s", name.sysname, name.release,
                 name.machine);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (cores > 1)
        host.cores = (uint32_t)cores;
    return host;
}
