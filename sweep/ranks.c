/* sweep/ranks.c - see ranks.h: alone, or over MPI by a module that is opened where mpirun started
 * the program: a plain start neither waits for MPI nor needs it. */
#include "sweep/ranks.h"

#include "base/memory.h"
#include "base/module.h"
#include "sweep/ranks_door.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct ranks {
    const struct ranks_door *door; /* NULL: alone */
    struct ranks_world *world;
    int mine, count;
};

/* As Open MPI and those that MPICH's launcher starts are told it. */
static int started_by_mpirun(void)
{
    const char *size = getenv("OMPI_COMM_WORLD_SIZE");
    size = size != NULL ? size : getenv("PMI_SIZE");
    return size != NULL ? atoi(size) : 0;
}

static enum status open_door(const struct ranks_door **door, struct error *err)
{
#ifdef REPRISE_STAMP
    const void *opened;
    enum status status = module_open("reprise-mpi", REPRISE_STAMP, &opened, err);
    *door = status == STATUS_OK ? opened : NULL;
    return status;
#else
    (void)door;
    return error_input(err, NULL, 0, "mpirun",
                       "a reprise that was built with MPI (libopenmpi-dev at configure time)",
                       "one built without");
#endif
}

/* Under mpirun each process that is not told so would take itself for the only one, and do the
 * whole sweep. */
enum status ranks_begin(struct ranks **ranks, struct error *err)
{
    struct ranks *joined = memory_new(1, sizeof *joined);
    joined->count = 1;
    enum status status = STATUS_OK;
    if (started_by_mpirun() > 1) {
        status = open_door(&joined->door, err);
        if (status == STATUS_OK)
            status = joined->door->begin(&joined->world, &joined->mine, &joined->count, err);
    }
    if (status != STATUS_OK) {
        free(joined);
        joined = NULL;
    }
    *ranks = joined;
    return status;
}

void ranks_end(struct ranks *ranks)
{
    if (ranks != NULL && ranks->door != NULL)
        ranks->door->end(ranks->world);
    free(ranks);
}

int ranks_mine(const struct ranks *ranks)
{
    return ranks->mine;
}

int ranks_count(const struct ranks *ranks)
{
    return ranks->count;
}

void ranks_send(struct ranks *ranks, int to, const void *bytes, size_t count)
{
    assert(ranks->door != NULL);
    ranks->door->send(ranks->world, to, bytes, count);
}

bool ranks_receive(struct ranks *ranks, int *from, void **bytes, size_t *count)
{
    if (ranks->count == 1)
        return false;
    return ranks->door->receive(ranks->world, from, bytes, count);
}

enum status ranks_library(char *text, size_t text_bytes, struct error *err)
{
    const struct ranks_door *door = NULL;
    enum status status = open_door(&door, err);
    if (status == STATUS_OK)
        door->library(text, text_bytes);
    return status;
}
