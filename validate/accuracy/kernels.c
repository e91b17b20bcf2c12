/* validate/accuracy/kernels.c - what the families of kernels have in common. */
#include "validate/accuracy/kernels.h"

#include "validate/accuracy/points.h"

#include <string.h>

void kernels_unread(struct accuracy *accuracy, const struct error *err)
{
    if (err->status == STATUS_IO && accuracy->unread.status == STATUS_OK)
        accuracy->unread = *err;
}

bool kernels_hardware(const struct folder_file *file, struct accuracy *accuracy,
                      struct hardware *hardware)
{
    const char *name = folder_hardware(file->gpu);
    struct error err = { 0 };
    if (name == NULL)
        points_note(accuracy, "%s: a GPU of no shipped server, passed over", file->path);
    else if (hardware_load(name, hardware, &err) == STATUS_IO)
        kernels_unread(accuracy, &err);
    else if (err.status != STATUS_OK)
        points_note(accuracy, "%s: the server %s is not shipped, passed over", file->path, name);
    else
        return true;
    return false;
}

struct gpu_peak kernels_peak(const struct hardware *hardware)
{
    return (struct gpu_peak){ .flop = hardware->flop_per_s / 1e9,
                              .bytes = hardware->hbm_bytes_per_s / 1e9,
                              .fp8_flop = hardware->fp8_flop_per_s / 1e9,
                              .fp4_flop = hardware->fp4_flop_per_s / 1e9 };
}

void kernels_gpu(const struct folder_file *file, char gpu[ACCURACY_NAME_BYTES])
{
    snprintf(gpu, ACCURACY_NAME_BYTES, "%s", file->gpu);
    gpu[strcspn(gpu, "_")] = '\0';
}

struct accuracy_key kernels_key(const struct folder_file *file, enum accuracy_family family)
{
    struct accuracy_key key = { .family = family };
    snprintf(key.gpu, sizeof key.gpu, "%s", file->gpu);
    snprintf(key.engine, sizeof key.engine, "%.24s%s%.20s", file->engine,
             file->engine[0] != '\0' ? " " : "", file->version);
    return key;
}

/* "h100-nvlink" and "h100" are of an H100, "rtxpro6000" of an RTX PRO 6000. */
enum accuracy_origin kernels_origin(const char *fit, const struct folder_file *file)
{
    char gpu[ACCURACY_NAME_BYTES];
    kernels_gpu(file, gpu);
    size_t length = strlen(gpu);
    bool of_it = strncmp(fit, gpu, length) == 0 && (fit[length] == '\0' || fit[length] == '-');
    return of_it ? ACCURACY_FITTED : ACCURACY_UNSEEN;
}

void kernels_set_origin(struct accuracy *accuracy, uint32_t index, enum accuracy_origin origin,
                        double held_out_median, double held_out_p95)
{
    struct accuracy_group *group = &accuracy->group[index];
    group->origin = origin;
    if (origin == ACCURACY_FITTED && held_out_median > 0.0) {
        group->held_out_median = held_out_median;
        group->held_out_p95 = held_out_p95;
    }
}
