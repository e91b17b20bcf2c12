/* validate/accuracy/kernels_products.c - matrix products by number format, and whole layers of
 * Vidur's profiles. */
#include "validate/accuracy/kernels.h"

#include "base/table.h"
#include "validate/accuracy/points.h"
#include "validate/calibrate/fit_predict.h"
#include "validate/calibrate/kernel_tables.h"

#include <string.h>

#define FEW_TOKENS 256 /* as the fits' records part them */
#define NARROW 512     /* not fitted below: no model of today has such products */
#define SHORT_NS 20e3

struct products_table {
    const struct folder_file *file;
    const struct operators *operators;
    struct gpu_peak peak;
    struct accuracy *accuracy;
};

static bool is_narrow(const struct product *product)
{
    return product->inputs < NARROW || product->outputs < NARROW;
}

static const char *quantity(const struct product *product)
{
    if (is_narrow(product))
        return "narrow product";
    return product->tokens <= FEW_TOKENS ? "product, to 256 tokens" : "product, beyond 256";
}

static void explain(const struct products_table *table, const struct product_row *row,
                    struct accuracy_point *point)
{
    const struct product *product = &row->product;
    enum number_format in = operators_computed_in(table->operators, table->peak, product->format);
    const struct gemm_record *seen = &table->operators->gemm[in].record;
    char *cause = point->cause;
    size_t room = sizeof point->cause;
    snprintf(point->shape, sizeof point->shape, "%g tokens, %g inputs, %g outputs", product->tokens,
             product->inputs, product->outputs);
    if (in != product->format)
        snprintf(cause, room, "no fit of this format here: computed as %s",
                 number_format_choices[in]);
    else if (is_narrow(product))
        snprintf(cause, room, "narrower than %d: not fitted", NARROW);
    else if (seen->rows > 0 &&
             (product->tokens > seen->tokens_most || product->inputs > (double)seen->inputs_most ||
              product->outputs > (double)seen->outputs_most))
        snprintf(cause, room, "beyond the fitted range (%u tokens, %g inputs, %g outputs)",
                 seen->tokens_most, (double)seen->inputs_most, (double)seen->outputs_most);
    else if (row->measured_ns < SHORT_NS)
        snprintf(cause, room, "kernel under 20 us");
    else if (product->tokens < 64)
        snprintf(cause, room, "sub-tile shape: fewer rows than a tile");
    else
        snprintf(cause, room, "not explained");
}

static void add_row(const struct products_table *table, const struct product_row *row)
{
    const struct product *product = &row->product;
    enum number_format in = operators_computed_in(table->operators, table->peak, product->format);
    const struct gemm_record *record = &table->operators->gemm[in].record;
    bool few = product->tokens <= FEW_TOKENS, has = in == product->format && !is_narrow(product);
    struct accuracy_key key = kernels_key(table->file, ACCURACY_PRODUCTS);
    snprintf(key.quantity, sizeof key.quantity, "%s", quantity(product));
    snprintf(key.format, sizeof key.format, "%s", number_format_choices[product->format]);
    uint32_t group = points_group(table->accuracy, &key);
    kernels_set_origin(table->accuracy, group,
                       has ? kernels_origin(table->operators->name, table->file) : ACCURACY_UNSEEN,
                       few ? record->few_median_error : record->many_median_error,
                       few ? record->few_p95_error : record->many_p95_error);
    struct accuracy_point *point =
        points_add(table->accuracy, group, row->measured_ns,
                   operator_product_ns(table->operators, table->peak, product));
    if (point != NULL)
        explain(table, row, point);
}

enum status products_measure(const struct folder_file *file, struct accuracy *accuracy,
                             struct error *err)
{
    struct hardware hardware;
    struct table table;
    struct product_rows rows = { 0 };
    if (!kernels_hardware(file, accuracy, &hardware))
        return STATUS_OK;
    if (hardware.timing[0] == '\0') {
        points_note(accuracy, "%s: %s has no gpu.timing, passed over", file->path, hardware.name);
        return STATUS_OK;
    }
    const struct products_table products = { file, &hardware.operators, kernels_peak(&hardware),
                                             accuracy };
    if (table_open(file->path, &table, err) != STATUS_OK)
        return err->status;
    enum status status = product_rows_add(&rows, &table, hardware.operators.l2_bytes, err);
    for (uint32_t i = 0; status == STATUS_OK && i < rows.count; i++)
        add_row(&products, &rows.row[i]);
    product_rows_free(&rows);
    table_free(&table);
    return status;
}

/* ---- Vidur's layers ---- */

/* A whole layer but for attention: these operators so often (profile.h). */
#define LAYER_OPERATORS 10

struct layer {
    double measured, predicted;
    uint32_t operators;
};

static void add_layer(const struct products_table *table, const struct profile *profile,
                      const struct profile_row *first, const struct layer *layer)
{
    struct accuracy_key key = kernels_key(table->file, ACCURACY_PRODUCTS);
    if (layer->operators != LAYER_OPERATORS)
        return;
    snprintf(key.quantity, sizeof key.quantity, "%s", "layer but for attention");
    snprintf(key.format, sizeof key.format, "%s", "bf16");
    snprintf(key.engine, sizeof key.engine, "2024 library");
    snprintf(key.model, sizeof key.model, "%.40s", profile->model[first->model]);
    key.ranks = first->ranks;
    uint32_t group = points_group(table->accuracy, &key);
    kernels_set_origin(table->accuracy, group, kernels_origin(table->operators->name, table->file),
                       table->operators->record.held_out_median_error,
                       table->operators->record.held_out_p95_error);
    struct accuracy_point *point =
        points_add(table->accuracy, group, layer->measured, layer->predicted);
    if (point == NULL)
        return;
    snprintf(point->shape, sizeof point->shape, "%u tokens, %u ranks", first->tokens, first->ranks);
    snprintf(point->cause, sizeof point->cause, "%s",
             first->tokens > table->operators->record.tokens_most ? "beyond the fitted range"
                                                                  : "not explained");
}

static void add_layers(const struct products_table *table, const struct profile *profile)
{
    for (uint32_t i = 0; i < profile->count;) {
        const struct profile_row *first = &profile->row[i];
        struct layer layer = { 0 };
        for (; i < profile->count && profile->row[i].layer == first->layer; i++) {
            const struct profile_row *row = &profile->row[i];
            layer.measured += row->times * row->measured_ns;
            layer.predicted += row->times * fit_predict_ns(table->operators, table->peak, row);
            layer.operators += row->times;
        }
        add_layer(table, profile, first, &layer);
    }
}

/* Vidur's profiles are of 2024's library: its own fit, where there is one ("h100-2024"). */
enum status layers_measure(const struct folder_file *file, struct accuracy *accuracy,
                           struct error *err)
{
    char gpu[ACCURACY_NAME_BYTES], name[ACCURACY_NAME_BYTES + 8];
    struct hardware hardware;
    struct operators operators;
    struct profile profile = { 0 };
    struct error none = { 0 };
    if (!kernels_hardware(file, accuracy, &hardware))
        return STATUS_OK;
    kernels_gpu(file, gpu);
    snprintf(name, sizeof name, "%s-2024", gpu);
    if (operators_load(name, &operators, &none) != STATUS_OK)
        operators = hardware.operators;
    kernels_unread(accuracy, &none);
    const struct products_table table = { file, &operators, kernels_peak(&hardware), accuracy };
    enum status status = profile_read(file->path, gpu, &profile, err);
    if (status == STATUS_OK)
        add_layers(&table, &profile);
    profile_free(&profile);
    return status;
}
