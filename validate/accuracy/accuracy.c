/* validate/accuracy/accuracy.c - a folder's tables handed to the families that read them. */
#include "validate/accuracy/accuracy.h"

#include "validate/accuracy/folder.h"
#include "validate/accuracy/kernels.h"
#include "validate/accuracy/points.h"
#include "validate/accuracy/timed.h"
#include "validate/accuracy/served.h"

static enum status measure_file(const struct folder_file *file, uint64_t threads,
                                struct accuracy *accuracy, struct error *err)
{
    switch (file->kind) {
    case FOLDER_SERVED:
        return served_measure(file->path, threads, accuracy, err);
    case FOLDER_PREFILL:
    case FOLDER_DECODE:
    case FOLDER_PREFILL_LATENT:
    case FOLDER_DECODE_LATENT:
    case FOLDER_GRID:
        return attention_measure(file, accuracy, err);
    case FOLDER_CUSTOM_ALLREDUCE:
    case FOLDER_NCCL:
    case FOLDER_VIDUR_ALLREDUCE:
        return collectives_measure(file, accuracy, err);
    case FOLDER_REQUESTS:
        return timed_measure(file, accuracy, err);
    default:
        return STATUS_OK;
    }
}

enum status accuracy_measure(const char *path, uint64_t threads, struct accuracy *accuracy,
                             struct error *err)
{
    struct folder folder;
    *accuracy = (struct accuracy){ 0 };
    snprintf(accuracy->folder, sizeof accuracy->folder, "%s", path);
    enum status status = folder_list(path, &folder, accuracy, err);
    for (uint32_t i = 0; status == STATUS_OK && i < folder.files; i++)
        status = measure_file(&folder.file[i], threads, accuracy, err);
    folder_free(&folder);
    return status;
}
