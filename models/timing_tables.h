/* models/timing_tables.h - a timing's tables, filled from fitted operators. Private to models/. */
#ifndef REPRISE_MODELS_TIMING_TABLES_H
#define REPRISE_MODELS_TIMING_TABLES_H

#include "models/matrices.h"

/* Fills the tables (products and element-wise operators of the average layer; logits), adds
 * embedding and last norm to iteration_ns and token_ns, and says the source. */
void timing_tables_prepare(struct timing *timing, const struct model *model,
                           const struct hardware *hardware, uint32_t ranks);

/* Fills the table of an all-reduce of the tokens' hidden states. */
void timing_tables_allreduce(struct timing *timing, const struct model *model,
                             const struct hardware *hardware, uint32_t ranks);

/* One matrix of a layer that has it, for so many tokens in the batch. */
double timing_product_ns(const struct operators *operators, struct gpu_peak peak,
                         const struct matrix *matrix, const struct model *model, uint32_t ranks,
                         double tokens);

/* What that time is made of. */
struct operator_parts timing_product_parts(const struct operators *operators, struct gpu_peak peak,
                                           const struct matrix *matrix, const struct model *model,
                                           uint32_t ranks, double tokens);

/* Whether the model's routed experts have a fit of their own, which holds both of their products
 * and all around them. */
bool timing_experts_fitted(const struct operators *operators, const struct model *model);
/* The routed experts of a layer that has them; defined where they are fitted. */
struct expert_parts timing_expert_parts(const struct operators *operators, struct gpu_peak peak,
                                        const struct model *model, uint32_t ranks, double tokens);

/* Element-wise operators that no other fit holds. */
static inline struct streams_without timing_streams_without(const struct timing *timing,
                                                            const struct hardware *hardware,
                                                            const struct model *model)
{
    return (struct streams_without){
        .storing = timing->attention_fitted,
        .expert_activation = hardware->timing[0] != '\0' &&
                             timing_experts_fitted(&hardware->operators, model)
    };
}

/* An element-wise operator: the parts of its kernel, and how long it takes. */
struct operator_parts timing_stream_parts(const struct operators *operators, struct gpu_peak peak,
                                          const struct stream *stream, double tokens);
double timing_stream_ns(const struct operators *operators, struct gpu_peak peak,
                        const struct stream *stream, double tokens);

/* Experts that at least one of the tokens chose, on average; 1 where all use the same matrix. */
double timing_touched_experts(const struct matrix *matrix, double tokens);

struct gpu_peak timing_peak(const struct hardware *hardware);

/* tokens >= 1, whole. */
static inline double timing_table_ns(const struct timing_table *table, double tokens)
{
    if (tokens <= TIMING_BLOCK)
        return table->few[(uint32_t)tokens - 1];
    if (tokens > TIMING_BLOCK * TIMING_BLOCKS)
        return table->last[TIMING_BLOCKS - 1] +
               (tokens - TIMING_BLOCK * TIMING_BLOCKS) * table->per_token;
    uint32_t index = (uint32_t)tokens - 1, block = index / TIMING_BLOCK;
    double into = (double)(index % TIMING_BLOCK) / (TIMING_BLOCK - 1);
    return table->first[block] + into * (table->last[block] - table->first[block]);
}

#endif
