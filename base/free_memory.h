/* base/free_memory.h - how much more memory this process can have. Linux promises more than there is, and who then uses it
 * is ended without a word (its OOM killer); who holds what grows with a user's file asks first. */
#ifndef REPRISE_BASE_FREE_MEMORY_H
#define REPRISE_BASE_FREE_MEMORY_H

#include <stdint.h>

/* The least of what the machine has left (MemAvailable and free swap), what the cgroup and those around it allow
 * (version 2), and what the process's own limit leaves (RLIMIT_AS). UINT64_MAX: nobody says. It may be less a moment later.
 * Costs some tens of us. */
uint64_t free_memory_bytes(void);

/* The same of a machine whose /proc and /sys/fs/cgroup stand in that folder, without the process's limit; "": this one. */
uint64_t free_memory_bytes_in(const char *root);

#endif
