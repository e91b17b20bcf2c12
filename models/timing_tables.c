/* models/timing_tables.c - see timing_tables.h. */
#include "models/timing_tables.h"

#include "base/random.h"
#include "models/timing_source.h"

#include <math.h>

struct gpu_peak timing_peak(const struct hardware *hardware)
{
    return (struct gpu_peak){ .flop = hardware->flop_per_s / 1e9,
                              .bytes = hardware->hbm_bytes_per_s / 1e9,
                              .fp8_flop = hardware->fp8_flop_per_s / 1e9,
                              .fp4_flop = hardware->fp4_flop_per_s / 1e9 };
}

/* Each token chooses `used` of `count` experts at random: so many are touched, and share the
 * tokens. */
double timing_touched_experts(const struct matrix *matrix, double tokens)
{
    if (matrix->used >= matrix->count)
        return matrix->count;
    double missed = exact_exp(tokens * exact_log(1 - (double)matrix->used / matrix->count));
    return matrix->count * (1 - missed);
}

static struct product product_of(const struct matrix *matrix, const struct model *model,
                                 uint32_t ranks, double tokens)
{
    struct product product = {
        .tokens = tokens,
        .inputs = (double)matrix->inputs / (matrix->split == SPLIT_INPUTS ? ranks : 1),
        .outputs = (double)matrix->outputs / (matrix->split == SPLIT_OUTPUTS ? ranks : 1),
        .groups = 1,
        .weight_bytes = matrix_weight_bytes(matrix, model),
        .down = matrix->down,
        .format = matrix_format(matrix, model),
    };
    if (matrix->count > 1) {
        product.groups = timing_touched_experts(matrix, tokens);
        product.tokens = tokens * matrix->used / product.groups;
    }
    return product;
}

double timing_product_ns(const struct operators *operators, struct gpu_peak peak,
                         const struct matrix *matrix, const struct model *model, uint32_t ranks,
                         double tokens)
{
    struct product product = product_of(matrix, model, ranks, tokens);
    return operator_product_ns(operators, peak, &product);
}

struct operator_parts timing_product_parts(const struct operators *operators, struct gpu_peak peak,
                                           const struct matrix *matrix, const struct model *model,
                                           uint32_t ranks, double tokens)
{
    struct product product = product_of(matrix, model, ranks, tokens);
    return operator_product_parts(operators, peak, &product);
}

static enum number_format expert_format(const struct model *model)
{
    struct matrix routed = { .count = model->experts, .part = MATRIX_EXPERTS };
    return matrix_format(&routed, model);
}

bool timing_experts_fitted(const struct operators *operators, const struct model *model)
{
    return model->experts > 1 && experts_fitted(&operators->experts[expert_format(model)]);
}

struct expert_parts timing_expert_parts(const struct operators *operators, struct gpu_peak peak,
                                        const struct model *model, uint32_t ranks, double tokens)
{
    enum number_format format = expert_format(model);
    struct matrix routed = { .count = model->experts,
                             .used = model->experts_per_token,
                             .part = MATRIX_EXPERTS };
    const struct experts_call call = { .tokens = tokens,
                                       .pairs = tokens * model->experts_per_token,
                                       .touched = timing_touched_experts(&routed, tokens),
                                       .hidden = model_expert_hidden(model),
                                       .inter = (double)model->expert_ffn / ranks,
                                       .weight_bytes = matrix_weight_bytes(&routed, model),
                                       .gated = model->gated_ffn,
                                       .format = format };
    return experts_parts(&operators->experts[format], peak, operators->multiprocessors, &call);
}

struct operator_parts timing_stream_parts(const struct operators *operators, struct gpu_peak peak,
                                          const struct stream *stream, double tokens)
{
    return operator_fused_parts(operators, peak, stream->kind, tokens, stream->values,
                                stream->sum_values, stream->width);
}

double timing_stream_ns(const struct operators *operators, struct gpu_peak peak,
                        const struct stream *stream, double tokens)
{
    return operator_fused_ns(operators, peak, stream->kind, tokens, stream->values,
                             stream->sum_values, stream->width);
}

/* What a table is made of. */
struct layer {
    const struct operators *operators;
    struct gpu_peak peak;
    const struct model *model;
    uint32_t ranks;
    struct matrix matrix[TIMING_MATRICES_MAX];
    struct stream stream[STREAMS_MAX];
    uint32_t matrices, streams;
};

static double layer_ns(const struct layer *layer, double tokens)
{
    double sum = 0;
    bool experts = timing_experts_fitted(layer->operators, layer->model), summed = false;
    for (uint32_t i = 0; i < layer->matrices; i++) {
        double share = (double)layer->matrix[i].layers / layer->model->layers;
        if (experts && layer->matrix[i].count > 1) { /* both products are one call */
            sum += summed ? 0
                          : share * timing_expert_parts(layer->operators, layer->peak, layer->model,
                                                        layer->ranks, tokens)
                                        .whole_ns;
            summed = true;
            continue;
        }
        sum += share * timing_product_ns(layer->operators, layer->peak, &layer->matrix[i],
                                         layer->model, layer->ranks, tokens);
    }
    for (uint32_t i = 0; i < layer->streams; i++)
        sum += layer->stream[i].share *
               timing_stream_ns(layer->operators, layer->peak, &layer->stream[i], tokens);
    return sum;
}

typedef double table_ns(const void *what, double tokens);

static void fill_table(struct timing_table *table, table_ns *ns, const void *what)
{
    for (uint32_t i = 0; i < TIMING_BLOCK; i++)
        table->few[i] = ns(what, i + 1);
    table->first[0] = table->few[0];
    table->last[0] = table->few[TIMING_BLOCK - 1];
    for (uint32_t i = 1; i < TIMING_BLOCKS; i++) {
        table->first[i] = ns(what, (double)TIMING_BLOCK * i + 1);
        table->last[i] = ns(what, (double)TIMING_BLOCK * (i + 1));
    }
}

static void continue_table(struct timing_table *table)
{
    table->per_token = (table->last[TIMING_BLOCKS - 1] - table->last[TIMING_BLOCKS / 2 - 1]) /
                       (TIMING_BLOCK * (TIMING_BLOCKS / 2.0));
}

/* More tokens never take less time: between the ends of two blocks a mixture's expected tiles,
 * which are no whole numbers, could; and where a message goes another way, an all-reduce. One token
 * by itself may have a kernel of its own, and a slow one: that holds up nobody. */
static void hold_up(struct timing_table *table)
{
    double before = 0;
    table->few[0] = fmin(table->few[0], table->few[1]);
    for (uint32_t i = 0; i < TIMING_BLOCK; i++)
        before = table->few[i] = fmax(before, table->few[i]);
    table->first[0] = table->few[0];
    table->last[0] = before;
    for (uint32_t i = 1; i < TIMING_BLOCKS; i++) {
        before = table->first[i] = fmax(before, table->first[i]);
        before = table->last[i] = fmax(before, table->last[i]);
    }
}

static double layer_table_ns(const void *layer, double tokens)
{
    return layer_ns(layer, tokens);
}

static void fill(struct timing_table *table, const struct layer *layer)
{
    fill_table(table, layer_table_ns, layer);
    hold_up(table);
    continue_table(table);
}

/* What an all-reduce is of. */
struct allreduced {
    const struct collective_fit *collectives;
    uint32_t ranks;
    double token_bytes;
};

/* vLLM and SGLang capture iterations of up to so many tokens in CUDA graphs (vLLM v1's default
 * cudagraph_capture_sizes; SGLang's cuda_graph_max_bs lies near it on large GPUs). */
#define CAPTURED_TOKENS 512

static double allreduce_ns(const void *what, double tokens)
{
    const struct allreduced *allreduced = what;
    return collective_allreduce_ns(allreduced->collectives, allreduced->ranks,
                                   tokens * allreduced->token_bytes,
                                   tokens <= CAPTURED_TOKENS ? COLLECTIVE_GRAPH : COLLECTIVE_EAGER);
}

void timing_tables_allreduce(struct timing *timing, const struct model *model,
                             const struct hardware *hardware, uint32_t ranks)
{
    const struct allreduced allreduced = { .collectives = &hardware->collectives,
                                           .ranks = ranks,
                                           .token_bytes = model->hidden * 2.0 };
    fill_table(&timing->allreduce_table, allreduce_ns, &allreduced);
    hold_up(&timing->allreduce_table);
    continue_table(&timing->allreduce_table);
}

/* Embedding and last norm are small: a line from one token to a full table. */
static void add_embedding(struct timing *timing, const struct layer *layer)
{
    const double most = TIMING_BLOCK * TIMING_BLOCKS, hidden = layer->model->hidden;
    for (int last_norm = 0; last_norm < 2; last_norm++) {
        enum stream_kind kind = last_norm ? STREAM_NORM : STREAM_EMBEDDING;
        double one = operator_stream_ns(layer->operators, layer->peak, kind, 1, 2 * hidden, hidden);
        double many =
            operator_stream_ns(layer->operators, layer->peak, kind, most, 2 * hidden, hidden);
        /* Logits, and so the last norm, are asked for of one token in prefill. */
        timing->iteration_ns += one;
        timing->token_ns += last_norm ? 0 : (many - one) / (most - 1);
    }
}

void timing_tables_prepare(struct timing *timing, const struct model *model,
                           const struct hardware *hardware, uint32_t ranks)
{
    struct layer layer = { .operators = &hardware->operators,
                           .peak = timing_peak(hardware),
                           .model = model,
                           .ranks = ranks };
    layer.matrices = model_matrices(model, ranks, layer.matrix);
    layer.streams =
        model_streams(model, ranks, timing_streams_without(timing, hardware, model), layer.stream);
    fill(&timing->layer_table, &layer);
    add_embedding(timing, &layer);
    timing_say_source(timing, model, hardware, ranks);
    layer.streams = 0;
    layer.matrices = 1;
    layer.matrix[0] = model_head(model);
    fill(&timing->head_table, &layer);
    timing->tabled = true;
}
