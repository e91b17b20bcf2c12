/* runtime/ssd/lane_posix.c - one request after the other by pread and pwrite: the disk waits while
 * one is hashed. */
#include "runtime/ssd/lane.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Memory in the file's place. */
static int64_t copy(const struct lane *lane, const struct ssd_request *request, char *memory,
                    size_t size_bytes, off_t offset)
{
    char *place = (char *)lane->config->memory + offset;
    memcpy(request->write ? place : memory, request->write ? memory : place, size_bytes);
    return (int64_t)size_bytes;
}

static int transfer(const struct lane *lane, struct pending *pending)
{
    const struct ssd_request *request = &pending->request;
    while (pending->done_bytes < request->size_bytes) {
        char *memory = (char *)request->memory + pending->done_bytes;
        size_t left = request->size_bytes - pending->done_bytes;
        off_t offset = (off_t)(request->offset + pending->done_bytes);
        int64_t result = lane->config->memory != NULL ? copy(lane, request, memory, left, offset)
                         : request->write             ? pwrite(lane->file, memory, left, offset)
                                                      : pread(lane->file, memory, left, offset);
        result = lane_answer(lane, request, result < 0 ? -(int64_t)errno : result);
        if (result == -EINTR)
            continue;
        if (result < 0)
            return (int)-result;
        if (result == 0) /* the file ends here */
            return EIO;
        pending->done_bytes += (uint32_t)result;
    }
    return 0;
}

void lane_run_posix(struct lane *lane)
{
    struct pending pending;
    while (lane_get(lane, true, &pending)) {
        if (pending.request.write)
            lane_hash(lane, &pending);
        int error = transfer(lane, &pending);
        if (!pending.request.write && error == 0)
            lane_hash(lane, &pending);
        lane_end(lane, &pending, error);
    }
}
