/* validate/accuracy/kernels_experts.c - routed experts of a layer, by number format. */
#include "validate/accuracy/kernels.h"

#include "base/table.h"
#include "validate/accuracy/points.h"
#include "validate/calibrate/kernel_tables.h"

#include <string.h>

#define FEW_TOKENS 256 /* as the fits' records part them */
#define SHORT_NS 20e3

struct experts_table {
    const struct folder_file *file;
    const struct operators *operators;
    struct gpu_peak peak;
    struct accuracy *accuracy;
};

static void explain(const struct expert_row *row, struct accuracy_point *point)
{
    const struct experts_call *call = &row->call;
    double each = call->touched > 0.0 ? call->pairs / call->touched : 0.0;
    char *cause = point->cause;
    size_t room = sizeof point->cause;
    snprintf(point->shape, sizeof point->shape,
             "%g tokens, hidden %g, inner %g, %g experts touched%s", call->tokens, call->hidden,
             call->inter, call->touched, call->even ? "" : ", uneven");
    if (row->measured_ns < SHORT_NS)
        snprintf(cause, room, "kernel under 20 us");
    else if (!call->even)
        snprintf(cause, room, "uneven: how many experts a draw touches is estimated");
    else if (each < 16.0)
        snprintf(cause, room, "sub-tile shape: %.3g tokens an expert", each);
    else
        snprintf(cause, room, "not explained");
}

static void add_row(const struct experts_table *table, const struct expert_row *row)
{
    const struct experts_fit *fit = &table->operators->experts[row->call.format];
    bool few = row->call.tokens <= FEW_TOKENS;
    struct accuracy_key key = kernels_key(table->file, ACCURACY_EXPERTS);
    snprintf(key.quantity, sizeof key.quantity, "%s",
             few ? "experts, to 256 tokens" : "experts, beyond 256");
    snprintf(key.format, sizeof key.format, "%s", number_format_choices[row->call.format]);
    uint32_t group = points_group(table->accuracy, &key);
    kernels_set_origin(table->accuracy, group, kernels_origin(table->operators->name, table->file),
                       few ? fit->few_median_error : fit->many_median_error,
                       few ? fit->few_p95_error : fit->many_p95_error);
    struct accuracy_point *point =
        points_add(table->accuracy, group, row->measured_ns,
                   experts_ns(fit, table->peak, table->operators->multiprocessors, &row->call));
    if (point != NULL)
        explain(row, point);
}

static bool is_computed(const struct experts_table *table, enum number_format format)
{
    return experts_fitted(&table->operators->experts[format]) &&
           gpu_peak_flop(table->peak, format) > 0.0;
}

enum status experts_measure(const struct folder_file *file, struct accuracy *accuracy,
                            struct error *err)
{
    struct hardware hardware;
    struct table table;
    struct expert_rows rows = { 0 };
    uint32_t without = 0;
    if (!kernels_hardware(file, accuracy, &hardware))
        return STATUS_OK;
    const struct experts_table experts = { file, &hardware.operators, kernels_peak(&hardware),
                                           accuracy };
    if (table_open(file->path, &table, err) != STATUS_OK)
        return err->status;
    enum status status = expert_rows_add(&rows, &table, err);
    for (uint32_t i = 0; status == STATUS_OK && i < rows.count; i++)
        if (is_computed(&experts, rows.row[i].call.format))
            add_row(&experts, &rows.row[i]);
        else
            without++;
    if (without > 0)
        points_note(accuracy, "%s: %u rows in formats of which %s has no fit of experts",
                    file->path, without, hardware.name);
    expert_rows_free(&rows);
    table_free(&table);
    return status;
}
