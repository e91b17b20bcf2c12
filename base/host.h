/* base/host.h - the machine this process runs on, in words: recorded with every run. */
#ifndef REPRISE_BASE_HOST_H
#define REPRISE_BASE_HOST_H

#include <stdint.h>

struct host {
    char cpu[128]; /* "AMD EPYC 7763 64-Core Processor"; "unknown" where the kernel does not say */
    char kernel[128]; /* "Linux 6.1.0-18-amd64 x86_64" */
    uint32_t cores;   /* online, at least 1 */
};

struct host host_here(void);

#endif
