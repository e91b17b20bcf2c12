/* models/size.c - what a model takes: parameters, bytes of weights, bytes of KV a token.
 * docs/model.md, "KV bytes". */
#include "models/matrices.h"
#include "models/models.h"

#include <assert.h>
#include <inttypes.h>

static uint64_t embedding_parameters(const struct model *model)
{
    return (uint64_t)model->vocabulary * model->hidden;
}

/* All that is looked up or makes logits; not multiplied with but for the head. */
static uint64_t table_parameters(const struct model *model)
{
    return (model->tied_embeddings ? 1 : 2) * embedding_parameters(model) +
           (uint64_t)model->learned_positions * model->hidden +
           (uint64_t)model->layer_embedding_dim * model->layers * model->vocabulary;
}

uint64_t model_parameters(const struct model *model)
{
    struct matrix matrix[TIMING_MATRICES_MAX];
    uint64_t parameters = table_parameters(model);
    uint32_t count = model_matrices(model, 1, matrix);
    for (uint32_t i = 0; i < count; i++)
        parameters += matrix[i].layers * matrix[i].inputs * matrix[i].outputs * matrix[i].count;
    return parameters;
}

uint64_t model_active_parameters(const struct model *model)
{
    struct matrix matrix[TIMING_MATRICES_MAX];
    uint64_t parameters = embedding_parameters(model); /* the output head's */
    uint32_t count = model_matrices(model, 1, matrix);
    for (uint32_t i = 0; i < count; i++)
        parameters += matrix[i].layers * matrix[i].inputs * matrix[i].outputs * matrix[i].used;
    return parameters;
}

uint64_t model_weight_bytes(const struct model *model, uint32_t ranks)
{
    struct matrix matrix[TIMING_MATRICES_MAX];
    struct matrix head = model_head(model); /* the tables that are looked up are as wide */
    double bytes = (double)table_parameters(model) * matrix_weight_bytes(&head, model);
    uint32_t count = model_matrices(model, ranks, matrix);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t copies = matrix[i].split == SPLIT_NOT ? ranks : 1;
        uint64_t held =
            copies * matrix[i].layers * matrix[i].inputs * matrix[i].outputs * matrix[i].count;
        bytes += (double)held * matrix_weight_bytes(&matrix[i], model);
    }
    return (uint64_t)bytes;
}

void model_set_weight_format(struct model *model, enum number_format format)
{
    bool experts_only = format == FORMAT_MXFP4 && model->experts > 0;
    double bytes = number_format_weight_bytes(format);
    model->weight_bytes_per_parameter =
        experts_only ? number_format_weight_bytes(FORMAT_BF16) : bytes;
    model->weight_format = 1 + (int)(experts_only ? FORMAT_BF16 : format);
    model->expert_bytes_per_parameter = experts_only ? bytes : 0;
    model->expert_format = experts_only ? 1 + (int)format : 0;
    model->head_bytes_per_parameter = number_format_weight_bytes(FORMAT_BF16);
    model->attention_bytes_per_parameter = model->state_weight_bytes_per_parameter = 0;
    model->ffn_bytes_per_parameter = model->shared_bytes_per_parameter = 0;
    model->attention_format = model->state_format = 0;
    model->ffn_format = model->shared_format = 0;
}

/* Of the layers of one kind that keep KV. */
static double kept_bytes(const struct model *model, uint32_t ranks, struct attention_heads of)
{
    assert(ranks >= 1);
    uint64_t values;
    if (model->attention == ATTENTION_LATENT)
        values = (uint64_t)ranks * (model->latent_dim + model->rope_dim);
    else
        values = (uint64_t)(of.kv_heads > ranks ? of.kv_heads : ranks) *
                 ((uint64_t)of.key_dim + of.value_dim);
    return (double)(of.kept_layers * values) * model->kv_bytes_per_value;
}

/* A key in fp8 and a scale of 4 bytes for each 128 values, on every rank (vllm
 * deepseek_v2.py, DeepseekV32IndexerCache; sglang memory_pool.py, NSATokenToKVPool). */
static uint64_t index_bytes(const struct model *model, uint32_t ranks)
{
    uint64_t scales = (model->index_dim + 127) / 128;
    return (uint64_t)ranks * model->index_layers * (model->index_dim + 4 * scales);
}

static uint64_t full_bytes(const struct model *model, uint32_t ranks)
{
    return (uint64_t)kept_bytes(model, ranks, model_full_attention(model)) +
           index_bytes(model, ranks);
}

static uint64_t window_bytes(const struct model *model, uint32_t ranks)
{
    return (uint64_t)kept_bytes(model, ranks, model_window_attention(model));
}

uint64_t model_kv_bytes_per_token(const struct model *model, uint32_t ranks)
{
    return full_bytes(model, ranks) + window_bytes(model, ranks);
}

/* Cut over the ranks by heads, but for B and C (keys) where there are fewer groups than ranks,
 * which is left out: a few per mille. */
static uint64_t state_bytes(const struct model *model)
{
    const double conv_bytes = 2;
    double values = (double)model->state_heads * model->state_head_dim * model->state_dim;
    double before =
        model->state_conv > 0 ? (double)model_state_channels(model) * (model->state_conv - 1) : 0;
    return (uint64_t)(model->state_layers *
                      (values * model->state_bytes_per_value + before * conv_bytes));
}

struct kv_shape model_kv_shape(const struct model *model, uint32_t ranks)
{
    return (struct kv_shape){ .full_bytes = full_bytes(model, ranks),
                              .window_bytes = window_bytes(model, ranks),
                              .state_bytes = state_bytes(model),
                              .window_tokens = model->window_tokens };
}

static enum status refuse_ranks(uint32_t ranks, const char *expected, struct error *err)
{
    char found[16];
    snprintf(found, sizeof found, "%" PRIu32, ranks);
    return error_input(err, NULL, 0, "gpus", expected, found);
}

static enum status check_heads(const struct model *model, struct attention_heads of, uint32_t ranks,
                               struct error *err)
{
    char expected[sizeof err->expected];
    if (of.heads % ranks != 0) {
        snprintf(expected, sizeof expected, "a divisor of the %" PRIu32 " heads of %.128s",
                 of.heads, model->name);
        return refuse_ranks(ranks, expected, err);
    }
    if (model->attention == ATTENTION_MULTI_HEAD && of.kv_heads % ranks != 0 &&
        ranks % of.kv_heads != 0) {
        snprintf(expected, sizeof expected,
                 "a divisor or a multiple of the %" PRIu32 " KV heads of %.128s", of.kv_heads,
                 model->name);
        return refuse_ranks(ranks, expected, err);
    }
    return STATUS_OK;
}

/* Every rank gets the same number of query heads, and KV heads are shared out or replicated evenly.
 */
enum status model_check_ranks(const struct model *model, const struct hardware *hardware,
                              uint32_t ranks, struct error *err)
{
    char expected[sizeof err->expected];
    if (ranks < 1 || ranks > hardware->gpus) {
        snprintf(expected, sizeof expected, "1 to the %" PRIu32 " GPUs of %.128s", hardware->gpus,
                 hardware->name);
        return refuse_ranks(ranks, expected, err);
    }
    if (check_heads(model, model_full_attention(model), ranks, err) != STATUS_OK)
        return err->status;
    if (model->window_layers > 0 &&
        check_heads(model, model_window_attention(model), ranks, err) != STATUS_OK)
        return err->status;
    if (model->state_heads % ranks != 0) {
        snprintf(expected, sizeof expected, "a divisor of the %" PRIu32 " state heads of %.128s",
                 model->state_heads, model->name);
        return refuse_ranks(ranks, expected, err);
    }
    return STATUS_OK;
}
