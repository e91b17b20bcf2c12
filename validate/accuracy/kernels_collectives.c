/* validate/accuracy/kernels_collectives.c - all-reduces: within CUDA graphs, called in a loop,
 * NCCL's. */
#include "validate/accuracy/kernels.h"

#include "validate/accuracy/points.h"
#include "validate/calibrate/fit_collectives.h"

#include <string.h>

static const char *quantity(enum collective_table table)
{
    switch (table) {
    case COLLECTIVE_TABLE_GRAPH:
        return "all-reduce in a CUDA graph";
    case COLLECTIVE_TABLE_CALLED:
        return "all-reduce, called in a loop";
    case COLLECTIVE_TABLE_NCCL:
        return "all-reduce, nccl-tests";
    case COLLECTIVE_TABLE_PYTORCH:
    case COLLECTIVE_TABLES:
        break;
    }
    return "NCCL called by PyTorch, 2024";
}

/* Whether the engine takes another kernel for twice or half of the message. */
static bool is_near_a_change(const struct collective_fit *fit, const struct collective_row *row)
{
    enum collective_path path = collective_path_of(fit, row->ranks, row->bytes);
    return collective_path_of(fit, row->ranks, 2.0 * row->bytes) != path ||
           collective_path_of(fit, row->ranks, 0.5 * row->bytes) != path;
}

static void explain(const struct collective_fit *fit, const struct collective_row *row,
                    struct accuracy_point *point)
{
    char *cause = point->cause;
    size_t room = sizeof point->cause;
    snprintf(point->shape, sizeof point->shape, "%.0f bytes on %u ranks", row->bytes, row->ranks);
    if (row->table == COLLECTIVE_TABLE_PYTORCH)
        snprintf(cause, room, "the CPU's launches in it, and whole microseconds: never fitted");
    else if (row->bytes < fit->record.bytes_least || row->bytes > fit->record.bytes_most)
        snprintf(cause, room, "beyond the fitted range (%.0f to %.0f bytes)",
                 fit->record.bytes_least, fit->record.bytes_most);
    else if (row->ranks > 8 || (row->ranks & (row->ranks - 1)) != 0)
        snprintf(cause, room, "a number of ranks that was not measured");
    else if (row->table != COLLECTIVE_TABLE_NCCL && is_near_a_change(fit, row))
        snprintf(cause, room, "near the size at which the engine takes another kernel");
    else if (row->measured_ns < 20e3)
        snprintf(cause, room, "launch floor: under 20 us");
    else
        snprintf(cause, room, "not explained");
}

static void add_row(const struct folder_file *file, const struct collective_fit *fit,
                    const struct collective_row *row, struct accuracy *accuracy)
{
    struct accuracy_key key = kernels_key(file, ACCURACY_COLLECTIVES);
    bool nccl = row->table == COLLECTIVE_TABLE_NCCL;
    snprintf(key.quantity, sizeof key.quantity, "%s", quantity(row->table));
    key.ranks = row->ranks;
    uint32_t group = points_group(accuracy, &key);
    enum accuracy_origin origin =
        row->table == COLLECTIVE_TABLE_PYTORCH ? ACCURACY_UNSEEN : kernels_origin(fit->name, file);
    kernels_set_origin(
        accuracy, group, origin,
        nccl ? fit->record.held_out_nccl_median_error : fit->record.held_out_graph_median_error,
        nccl ? fit->record.held_out_nccl_p95_error : fit->record.held_out_graph_p95_error);
    struct accuracy_point *point =
        points_add(accuracy, group, row->measured_ns, fit_collective_predict_ns(fit, row));
    if (point != NULL)
        explain(fit, row, point);
}

enum status collectives_measure(const struct folder_file *file, struct accuracy *accuracy,
                                struct error *err)
{
    char gpu[ACCURACY_NAME_BYTES];
    struct hardware hardware;
    struct collective_profile profile = { 0 };
    if (!kernels_hardware(file, accuracy, &hardware))
        return STATUS_OK;
    if (hardware.allreduce_timing[0] == '\0') {
        points_note(accuracy, "%s: %s has no allreduce.timing, passed over", file->path,
                    hardware.name);
        return STATUS_OK;
    }
    kernels_gpu(file, gpu);
    enum status status = collective_profile_read(file->path, gpu, &profile, err);
    for (uint32_t i = 0; status == STATUS_OK && i < profile.count; i++)
        add_row(file, &hardware.collectives, &profile.row[i], accuracy);
    collective_profile_free(&profile);
    return status;
}
