/* sweep/ranks_none.c - see ranks.h: a build without MPI. */
#include "sweep/ranks.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

struct ranks {
    int unused;
};

/* Under mpirun each process would take itself for the only one and do the whole sweep. */
enum status ranks_begin(struct ranks **ranks, struct error *err)
{
    const char *size = getenv("OMPI_COMM_WORLD_SIZE");
    if (size != NULL && atoi(size) > 1)
        return error_input(err, NULL, 0, "mpirun",
                           "a reprise that was built with MPI (libopenmpi-dev at configure time)",
                           "one built without");
    *ranks = memory_new(1, sizeof **ranks);
    return STATUS_OK;
}

void ranks_end(struct ranks *ranks)
{
    free(ranks);
}

int ranks_mine(const struct ranks *ranks)
{
    (void)ranks;
    return 0;
}

int ranks_count(const struct ranks *ranks)
{
    (void)ranks;
    return 1;
}

void ranks_send(struct ranks *ranks, int to, const void *bytes, size_t count)
{
    (void)ranks, (void)to, (void)bytes, (void)count;
    assert(false);
}

bool ranks_receive(struct ranks *ranks, int *from, void **bytes, size_t *count)
{
    (void)ranks, (void)from, (void)bytes, (void)count;
    return false;
}

const char *ranks_library(void)
{
    return NULL;
}
