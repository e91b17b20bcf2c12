/* sweep/ranks_door.h - what the module reprise-mpi offers to ranks.c: messages over MPI. Only the main
 * thread may call. Private to sweep/. */
#ifndef REPRISE_SWEEP_RANKS_DOOR_H
#define REPRISE_SWEEP_RANKS_DOOR_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct ranks_world; /* the module's own */

/* Each but library() as the function of that name in ranks.h. */
struct ranks_door {
    /* Begins MPI, once a process. */
    enum status (*begin)(struct ranks_world **world, int *mine, int *count, struct error *err);
    void (*end)(struct ranks_world *world);
    void (*send)(struct ranks_world *world, int to, const void *bytes, size_t count);
    bool (*receive)(struct ranks_world *world, int *from, void **bytes, size_t *count);
    void (*library)(char *text, size_t text_bytes); /* "Open MPI v4.1.4"; may come before begin() */
};

#endif
