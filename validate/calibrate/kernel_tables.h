/* validate/calibrate/kernel_tables.h - tables of single kernels as aiconfigurator publishes them
 * (ai-dynamo/aiconfigurator, systems/data, Apache-2.0), row by row: products (columns
 * kernel_source, gemm_dtype, m, n, k, latency in ms) and experts (moe_dtype, num_tokens,
 * hidden_size, inter_size, topk, num_experts, moe_tp_size, moe_ep_size, distribution, latency in
 * ms).
 *
 * How they were measured is part of what a row says (collector/vllm/collect_gemm.py and
 * collect_moe.py there): six layers with weights of their own, one after the other in a CUDA graph,
 * so that small weights stay in the L2; fp8_block and nvfp4 one layer, fp8_block without a graph.
 */
#ifndef REPRISE_VALIDATE_CALIBRATE_KERNEL_TABLES_H
#define REPRISE_VALIDATE_CALIBRATE_KERNEL_TABLES_H

#include "base/table.h"
#include "models/operators.h"

/* What a table's heading says that it holds. */
enum table_kind {
    TABLE_UNKNOWN,
    TABLE_LAYERS, /* profile.h's three forms */
    TABLE_PRODUCTS,
    TABLE_EXPERTS,
    TABLE_ATTENTION, /* prefill's or decode's, MLA's too */
    TABLE_COLLECTIVES
};
enum table_kind table_kind(const struct table *table);

struct product_row {
    struct product product;
    double measured_ns;
};
struct product_rows {
    struct product_row *row; /* owned */
    uint32_t count, capacity;
};

/* Appends a table's rows; resident shares are of an L2 of that size. STATUS_INPUT: a column that
 * is not there, a number that is none or not above 0, a format of no known name. */
enum status product_rows_add(struct product_rows *rows, const struct table *table,
                             uint64_t l2_bytes, struct error *err);
void product_rows_free(struct product_rows *rows);

struct expert_row {
    struct experts_call call;
    uint32_t shape; /* hidden, inter, experts and choices of the model; rows of one are one */
    double measured_ns;
};
struct expert_rows {
    struct expert_row *row; /* owned */
    uint32_t count, capacity;
};

/* The same of experts. Left out: expert parallelism (which rank was measured depends on draws),
 * more than 8 ways of splitting an expert, and models whose experts are not gated (the table does
 * not tell which: those of Nemotron-3 are, by their shapes). A format's second-best kernel is left
 * out too, where a table has several: see kernel_tables.c. */
enum status expert_rows_add(struct expert_rows *rows, const struct table *table, struct error *err);
void expert_rows_free(struct expert_rows *rows);

/* Experts that have a token: of `experts`, when `tokens` choose `used` each. Balanced: as many as
 * can be. Else as the collector draws its power law: tokens of an expert log-uniform between 1 and
 * 0.8 of all (few tokens: between 0.01 and 2), scaled to the sum and rounded. */
double table_touched_experts(double tokens, double used, double experts, bool balanced);

#endif
