/* validate/accuracy/accuracy.c - a folder's tables handed to the families that read them. */
#include "validate/accuracy/accuracy.h"

#include "validate/accuracy/capacity.h"
#include "validate/accuracy/folder.h"
#include "validate/accuracy/kernels.h"
#include "validate/accuracy/points.h"
#include "validate/accuracy/served.h"
#include "validate/accuracy/timed.h"

static enum status measure_file(const struct folder *folder, const struct folder_file *file,
                                uint64_t threads, struct accuracy *accuracy, struct error *err)
{
    switch (file->kind) {
    case FOLDER_GEMM:
        return products_measure(file, accuracy, err);
    case FOLDER_LAYERS:
        return layers_measure(file, accuracy, err);
    case FOLDER_EXPERTS:
        return experts_measure(file, accuracy, err);
    case FOLDER_PREFILL:
    case FOLDER_DECODE:
    case FOLDER_PREFILL_LATENT:
    case FOLDER_DECODE_LATENT:
        return attention_measure(file, accuracy, err);
    case FOLDER_GRID:
        if (attention_measure(file, accuracy, err) != STATUS_OK)
            return err->status;
        return iterations_measure(folder, file, accuracy, err);
    case FOLDER_CUSTOM_ALLREDUCE:
    case FOLDER_NCCL:
    case FOLDER_VIDUR_ALLREDUCE:
        return collectives_measure(file, accuracy, err);
    case FOLDER_REQUESTS:
        return timed_measure(file, accuracy, err);
    case FOLDER_SERVED:
        return served_measure(file->path, threads, accuracy, err);
    case FOLDER_CAPACITY:
        return capacity_measure(file, accuracy, err);
    case FOLDER_DENSE: /* with its attention */
        break;
    case FOLDER_GRID_V0:
        points_note(accuracy, "%s: of a stand-alone profiler whose decode splits no KV; not read",
                    file->path);
        break;
    case FOLDER_SPLITWISE:
        points_note(accuracy, "%s: an eager engine of 2023, not read", file->path);
        break;
    }
    return STATUS_OK;
}

enum status accuracy_measure(const char *const *paths, uint32_t count, uint64_t threads,
                             struct accuracy *accuracy, struct error *err)
{
    struct folder folder = { 0 };
    enum status status = STATUS_OK;
    *accuracy = (struct accuracy){ 0 };
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++)
        status = folder_add(paths[i], &folder, accuracy, err);
    if (status == STATUS_OK)
        status = folder_check(paths[0], &folder, accuracy, err);
    for (uint32_t i = 0; status == STATUS_OK && i < folder.files; i++)
        status = measure_file(&folder, &folder.file[i], threads, accuracy, err);
    if (status == STATUS_OK && accuracy->unread.status != STATUS_OK) {
        *err = accuracy->unread;
        status = err->status;
    }
    folder_free(&folder);
    return status;
}
