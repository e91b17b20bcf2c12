/* sweep/ranks_mpi.c - see ranks_door.h: the module reprise-mpi.
 * Sends are MPI_Isend of copies that are freed when they are through: two ranks that send to each
 * other at the same moment never wait for each other. MPI's own waiting spins, so nothing here
 * waits: callers poll. */
#include "sweep/ranks_door.h"

#include "base/memory.h"
#include "base/module.h"

#include <limits.h>
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_TAG 1

struct sending {
    MPI_Request request;
    void *bytes;
};

struct ranks_world {
    struct sending *sending;
    uint32_t sendings, capacity;
};

static enum status begin(struct ranks_world **world, int *mine, int *count, struct error *err)
{
    int provided;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS ||
        provided < MPI_THREAD_FUNNELED)
        return error_io(err, NULL, "start MPI", "it does not allow threads");
    *world = memory_new(1, sizeof **world);
    MPI_Comm_rank(MPI_COMM_WORLD, mine);
    MPI_Comm_size(MPI_COMM_WORLD, count);
    return STATUS_OK;
}

static void reap(struct ranks_world *world)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < world->sendings; i++) {
        int through = 0;
        MPI_Test(&world->sending[i].request, &through, MPI_STATUS_IGNORE);
        if (through)
            free(world->sending[i].bytes);
        else
            world->sending[kept++] = world->sending[i];
    }
    world->sendings = kept;
}

static void end(struct ranks_world *world)
{
    while (world->sendings > 0)
        reap(world);
    MPI_Finalize();
    free(world->sending);
    free(world);
}

static void send_bytes(struct ranks_world *world, int to, const void *bytes, size_t count)
{
    reap(world);
    memory_grow(&world->sending, &world->capacity, (uint64_t)world->sendings + 1,
                sizeof *world->sending);
    struct sending *sending = &world->sending[world->sendings++];
    sending->bytes = memory_new(1, count);
    memcpy(sending->bytes, bytes, count);
    MPI_Isend(sending->bytes, count < INT_MAX ? (int)count : INT_MAX, MPI_BYTE, to, MESSAGE_TAG,
              MPI_COMM_WORLD, &sending->request);
} /* NOLINT(clang-analyzer-optin.mpi.MPI-Checker): reap() waits for it */

static bool receive(struct ranks_world *world, int *from, void **bytes, size_t *count)
{
    reap(world);
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

static void library(char *text, size_t text_bytes)
{
    char version[MPI_MAX_LIBRARY_VERSION_STRING];
    int length;
    MPI_Get_library_version(version, &length);
    version[strcspn(version, ",\n")] = '\0';
    snprintf(text, text_bytes, "%s", version);
}

static const struct ranks_door door = {
    .begin = begin, .end = end, .send = send_bytes, .receive = receive, .library = library
};

extern const struct module reprise_module;
const struct module reprise_module = { .stamp = REPRISE_STAMP, .door = &door };
