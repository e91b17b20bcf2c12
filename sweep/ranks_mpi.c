/* sweep/ranks_mpi.c - see ranks.h: over MPI, used only where mpirun started the program, so that a
 * plain start pays nothing for it.
 * Sends are MPI_Isend of copies that are freed when they are through: two ranks that send to each
 * other at the same moment never wait for each other. MPI's own waiting spins, so nothing here
 * waits: callers poll. */
#include "sweep/ranks.h"

#include "base/memory.h"

#include <limits.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_TAG 1

struct sending {
    MPI_Request request;
    void *bytes;
};

struct ranks {
    int mine, count;
    bool started;
    struct sending *sending;
    uint32_t sendings, capacity;
};

static bool under_mpirun(void)
{
    return getenv("OMPI_COMM_WORLD_SIZE") != NULL || getenv("PMI_SIZE") != NULL;
}

enum status ranks_begin(struct ranks **ranks, struct error *err)
{
    struct ranks *joined = memory_new(1, sizeof *joined);
    joined->count = 1;
    *ranks = joined;
    if (!under_mpirun())
        return STATUS_OK;
    int provided;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS ||
        provided < MPI_THREAD_FUNNELED) {
        free(joined);
        *ranks = NULL;
        return error_io(err, NULL, "start MPI", "it does not allow threads");
    }
    joined->started = true;
    MPI_Comm_rank(MPI_COMM_WORLD, &joined->mine);
    MPI_Comm_size(MPI_COMM_WORLD, &joined->count);
    return STATUS_OK;
}

static void reap(struct ranks *ranks)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < ranks->sendings; i++) {
        int through = 0;
        MPI_Test(&ranks->sending[i].request, &through, MPI_STATUS_IGNORE);
        if (through)
            free(ranks->sending[i].bytes);
        else
            ranks->sending[kept++] = ranks->sending[i];
    }
    ranks->sendings = kept;
}

void ranks_end(struct ranks *ranks)
{
    if (ranks == NULL)
        return;
    while (ranks->sendings > 0)
        reap(ranks);
    if (ranks->started)
        MPI_Finalize();
    free(ranks->sending);
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
    reap(ranks);
    memory_grow(&ranks->sending, &ranks->capacity, (uint64_t)ranks->sendings + 1,
                sizeof *ranks->sending);
    struct sending *sending = &ranks->sending[ranks->sendings++];
    sending->bytes = memory_new(1, count);
    memcpy(sending->bytes, bytes, count);
    MPI_Isend(sending->bytes, count < INT_MAX ? (int)count : INT_MAX, MPI_BYTE, to, MESSAGE_TAG,
              MPI_COMM_WORLD, &sending->request);
}

bool ranks_receive(struct ranks *ranks, int *from, void **bytes, size_t *count)
{
    if (!ranks->started || ranks->count == 1)
        return false;
    reap(ranks);
    int there = 0, size = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, MESSAGE_TAG, MPI_COMM_WORLD, &there, &status);
    if (!there)
        return false;
    MPI_Get_count(&status, MPI_BYTE, &size);
    *from = status.MPI_SOURCE;
    *count = (size_t)size;
    *bytes = memory_new(1, *count);
    MPI_Recv(*bytes, size, MPI_BYTE, *from, MESSAGE_TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return true;
}

const char *ranks_library(void)
{
    static char version[MPI_MAX_LIBRARY_VERSION_STRING];
    int length;
    MPI_Get_library_version(version, &length);
    version[strcspn(version, ",\n")] = '\0';
    return version;
}
