/* runtime/weights_llama2c.c - checkpoints of llama2.c (github.com/karpathy/llama2.c, run.c, the
 * version 0 that stories15M.bin has): seven int32, then fp32 tensors, each kind for all layers
 * together. A negative vocabulary says that the output head is not the embedding. */
#include "runtime/weights_source.h"

#include <inttypes.h>

enum { HEADER_BYTES = 7 * 4 };

static enum status check_field(const struct weights *weights, const char *key, uint32_t expected,
                               int32_t found, struct error *err)
{
    char want[24], have[24];
    if (found >= 0 && (uint32_t)found == expected)
        return STATUS_OK;
    snprintf(want, sizeof want, "%" PRIu32, expected);
    snprintf(have, sizeof have, "%" PRId32, found);
    return error_input(err, weights->path, 0, key, want, have);
}

/* The file's order; each but the first, the last norm and the head for all layers. */
static const enum tensor file_order[] = {
    TENSOR_EMBEDDING, TENSOR_ATTENTION_NORM, TENSOR_QUERY, TENSOR_KEY,  TENSOR_VALUE,
    TENSOR_OUTPUT,    TENSOR_FFN_NORM,       TENSOR_GATE,  TENSOR_DOWN, TENSOR_UP,
    TENSOR_LAST_NORM,
};

static bool one_a_layer(enum tensor tensor)
{
    return tensor != TENSOR_EMBEDDING && tensor != TENSOR_LAST_NORM && tensor != TENSOR_HEAD;
}

static enum status read_tensor(struct weights *weights, struct tensor_at at, float *to,
                               struct error *err)
{
    const struct model *model = &weights->model;
    enum tensor tensor = at.tensor;
    if (tensor == TENSOR_HEAD && !weights->own_head)
        tensor = TENSOR_EMBEDDING;
    uint64_t before = 0;
    size_t i = 0;
    for (; i < sizeof file_order / sizeof *file_order && file_order[i] != tensor; i++)
        before +=
            weights_count(model, file_order[i]) * (one_a_layer(file_order[i]) ? model->layers : 1);
    if (tensor ==
        TENSOR_HEAD) /* behind two tables of RoPE's, head_dim / 2 values a position each */
        before += (uint64_t)weights->sequence_tokens * model->head_dim;
    uint64_t count = weights_count(model, tensor);
    before += one_a_layer(tensor) ? at.layer * count : 0;
    return weights_read_at(weights, HEADER_BYTES + before * sizeof *to, to, count * sizeof *to,
                           err);
}

enum status weights_open_llama2c(struct weights *weights, struct error *err)
{
    int32_t header[7];
    enum status status = weights_read_at(weights, 0, header, sizeof header, err);
    if (status != STATUS_OK)
        return status;
    const struct model *model = &weights->model;
    weights->own_head = header[5] < 0;
    int32_t vocabulary = header[5] < 0 && header[5] > INT32_MIN ? -header[5] : header[5];
    const struct {
        const char *key;
        uint32_t expected;
        int32_t found;
    } fields[] = {
        { "hidden", model->hidden, header[0] },     { "ffn", model->ffn, header[1] },
        { "layers", model->layers, header[2] },     { "heads", model->heads, header[3] },
        { "kv_heads", model->kv_heads, header[4] }, { "vocabulary", model->vocabulary, vocabulary },
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        status = check_field(weights, fields[i].key, fields[i].expected, fields[i].found, err);
        if (status != STATUS_OK)
            return status;
    }
    if (!model->gated_ffn || model->parallel_attention || model->attention == ATTENTION_LATENT ||
        model->experts > 0 || header[6] < 1)
        return error_input(err, weights->path, 0, NULL, "a Llama architecture in the model's file",
                           model->name);
    weights->interleaved = true;
    weights->sequence_tokens = (uint32_t)header[6];
    weights->read = read_tensor;
    return STATUS_OK;
}
