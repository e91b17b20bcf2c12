/* models/timing_source.c - see timing_source.h. */
#include "models/timing_source.h"

#include "models/matrices.h"
#include "models/timing_tables.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void say(struct timing *timing, const char *format,
                                                      ...)
{
    size_t used = strlen(timing->source);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(timing->source + used, sizeof timing->source - used, format, arguments);
    va_end(arguments);
}

/* "; WHAT of FILE 4.1/14.6 %": median and 95th percentile where the fit had not seen. */
static void say_fit(struct timing *timing, const char *what, const char *file, double median,
                    double p95)
{
    say(timing, "; %s of %.32s", what, file);
    if (p95 > 0)
        say(timing, " %.1f/%.1f %%", 100 * median, 100 * p95);
}

static bool shapes_inside(const struct model *model, uint32_t ranks,
                          const struct fit_record *record)
{
    struct matrix matrices[TIMING_MATRICES_MAX];
    uint32_t count = model_matrices(model, ranks, matrices);
    for (uint32_t i = 0; i < count; i++) {
        const struct matrix *matrix = &matrices[i];
        uint64_t inputs = matrix->inputs / (matrix->split == SPLIT_INPUTS ? ranks : 1);
        uint64_t outputs = matrix->outputs / (matrix->split == SPLIT_OUTPUTS ? ranks : 1);
        if (inputs < record->inputs_least || inputs > record->inputs_most ||
            outputs < record->outputs_least || outputs > record->outputs_most)
            return false;
    }
    return true;
}

/* Products by themselves, or in layers. */
static void say_products(struct timing *timing, const struct operators *operators,
                         enum number_format format)
{
    const struct gemm_record *products = &operators->gemm[format].record;
    const struct fit_record *layers = &operators->record;
    char what[64];
    snprintf(what, sizeof what, "%s products", number_format_choices[format]);
    if (products->few_p95_error > 0)
        say_fit(timing, what, operators->name, products->few_median_error, products->few_p95_error);
    else
        say_fit(timing, "layers", operators->name, layers->held_out_median_error,
                layers->held_out_p95_error);
}

static void say_attention(struct timing *timing, const struct hardware *hardware)
{
    const struct attention_record *record = &hardware->attention.record;
    if (!timing->attention_fitted)
        say(timing, "; attention by a roofline, not measured");
    else if (timing->attention_latent)
        say_fit(timing, "MLA", hardware->attention.name, record->latent.median, record->latent.p95);
    else
        say_fit(timing, "attention", hardware->attention.name, record->decode.median,
                record->decode.p95);
}

static void say_allreduce(struct timing *timing, const struct hardware *hardware, uint32_t ranks)
{
    const struct collective_record *record = &hardware->collectives.record;
    if (ranks == 1)
        return;
    if (hardware->allreduce_timing[0] == '\0')
        say(timing, "; all-reduce by latency and bandwidth, not measured");
    else
        say_fit(timing, "all-reduce", hardware->collectives.name,
                record->held_out_graph_median_error, record->held_out_graph_p95_error);
}

static void say_outside(struct timing *timing, const struct model *model,
                        const struct hardware *hardware, uint32_t ranks, enum number_format format,
                        enum number_format computed)
{
    const struct operators *operators = &hardware->operators;
    if (computed != format)
        say(timing, "; outside the fit: weights in %s, computed as %s",
            number_format_choices[format], number_format_choices[computed]);
    if (model->experts > 0 && !timing_experts_fitted(operators, model))
        say(timing, "; outside the fit: %" PRIu32 " experts", model->experts);
    if (model->state_layers > 0)
        say(timing, "; outside the fit: %" PRIu32 " layers with a state", model->state_layers);
    if (ranks > operators->record.ranks_most)
        say(timing, "; outside the fit: %" PRIu32 " ranks", ranks);
    if (!shapes_inside(model, ranks, &operators->record))
        say(timing, "; outside the fit: shapes of products");
}

void timing_say_source(struct timing *timing, const struct model *model,
                       const struct hardware *hardware, uint32_t ranks)
{
    const struct operators *operators = &hardware->operators;
    struct matrix plain = { .count = 1, .used = 1 };
    enum number_format format = matrix_format(&plain, model);
    enum number_format computed = operators_computed_in(operators, timing_peak(hardware), format);
    uint32_t most = operators->gemm[computed].record.tokens_most;
    uint32_t tabled = TIMING_BLOCK * TIMING_BLOCKS; /* beyond, tables are continued as a line */
    most = most > 0 ? most : operators->record.tokens_most;
    timing->fitted_tokens = most < tabled ? most : tabled;
    snprintf(timing->source, sizeof timing->source,
             "fitted kernels (1-%" PRIu64 " tokens; median/P95 error where a fit had not seen",
             timing->fitted_tokens);
    say_products(timing, operators, computed);
    say_attention(timing, hardware);
    say_allreduce(timing, hardware, ranks);
    say(timing, ")");
    say_outside(timing, model, hardware, ranks, format, computed);
}
