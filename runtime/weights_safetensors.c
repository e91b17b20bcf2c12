/* runtime/weights_safetensors.c - one safetensors file (format: github.com/huggingface/safetensors,
 * README, "Format": u64 length, JSON header, data) with the tensor names of Hugging Face's Llama,
 * Mistral and Qwen2 classes; F32, F16 or BF16. Not taken: files cut into shards, biases of Q, K, V.
 */
#include "runtime/weights_source.h"

#include "base/memory.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX_BYTES = 100 << 20 };

static const char *const layer_names[TENSOR_COUNT] = {
    [TENSOR_ATTENTION_NORM] = "input_layernorm",
    [TENSOR_QUERY] = "self_attn.q_proj",
    [TENSOR_KEY] = "self_attn.k_proj",
    [TENSOR_VALUE] = "self_attn.v_proj",
    [TENSOR_OUTPUT] = "self_attn.o_proj",
    [TENSOR_FFN_NORM] = "post_attention_layernorm",
    [TENSOR_GATE] = "mlp.gate_proj",
    [TENSOR_UP] = "mlp.up_proj",
    [TENSOR_DOWN] = "mlp.down_proj",
};

static const char *tensor_name(enum tensor tensor, uint32_t layer, char *text, size_t text_bytes)
{
    if (tensor == TENSOR_EMBEDDING)
        return "model.embed_tokens.weight";
    if (tensor == TENSOR_LAST_NORM)
        return "model.norm.weight";
    if (tensor == TENSOR_HEAD)
        return "lm_head.weight";
    snprintf(text, text_bytes, "model.layers.%u.%s.weight", layer, layer_names[tensor]);
    return text;
}

static float half_value(uint16_t bits)
{
    int exponent = bits >> 10 & 0x1F;
    float fraction = (float)(bits & 0x3FF), sign = (bits & 0x8000) != 0 ? -1.0F : 1.0F;
    if (exponent == 0x1F)
        return fraction == 0.0F ? sign * INFINITY : NAN;
    if (exponent == 0)
        return sign * ldexpf(fraction, -24);
    return sign * ldexpf(1024.0F + fraction, exponent - 25);
}

static float bfloat_value(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

static enum status read_halves(struct weights *weights, uint64_t offset, uint64_t count, bool brain,
                               float *to, struct error *err)
{
    uint16_t *half = memory_new(count, sizeof *half);
    enum status status = weights_read_at(weights, offset, half, count * sizeof *half, err);
    for (uint64_t i = 0; i < count && status == STATUS_OK; i++)
        to[i] = brain ? bfloat_value(half[i]) : half_value(half[i]);
    free(half);
    return status;
}

static enum status read_tensor(struct weights *weights, enum tensor tensor, uint32_t layer,
                               float *to, struct error *err)
{
    char text[96];
    const char *name = tensor_name(tensor, layer, text, sizeof text);
    const json_t *entry = json_object_get(weights->header, name);
    if (entry == NULL && tensor == TENSOR_HEAD)
        return read_tensor(weights, TENSOR_EMBEDDING, 0, to, err);
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    const json_t *offsets = json_object_get(entry, "data_offsets");
    uint64_t begin = (uint64_t)json_integer_value(json_array_get(offsets, 0));
    uint64_t end = (uint64_t)json_integer_value(json_array_get(offsets, 1));
    if (type == NULL || end < begin)
        return error_input(err, weights->path, 0, name, "a tensor of this name", "none");
    uint64_t count = weights_count(&weights->model, tensor), at = weights->data_offset + begin;
    uint64_t width = strcmp(type, "F32") == 0 ? 4 : 2;
    if (width == 2 && strcmp(type, "F16") != 0 && strcmp(type, "BF16") != 0)
        return error_input(err, weights->path, 0, name, "F32, F16 or BF16", type);
    if (end - begin != count * width)
        return error_input(err, weights->path, 0, name, "the model's shape", "another size");
    if (width == 4)
        return weights_read_at(weights, at, to, count * 4, err);
    return read_halves(weights, at, count, type[0] == 'B', to, err);
}

enum status weights_open_safetensors(struct weights *weights, struct error *err)
{
    uint64_t length = 0;
    enum status status = weights_read_at(weights, 0, &length, sizeof length, err);
    if (status != STATUS_OK)
        return status;
    if (length > HEADER_MAX_BYTES)
        return error_input(err, weights->path, 0, NULL, "a safetensors header", "one over 100 MB");
    char *text = memory_new(length + 1, 1);
    status = weights_read_at(weights, sizeof length, text, length, err);
    if (status == STATUS_OK)
        weights->header = json_loadb(text, length, 0, NULL);
    free(text);
    if (status != STATUS_OK)
        return status;
    if (!json_is_object(weights->header))
        return error_input(err, weights->path, 0, NULL, "a safetensors header of JSON", "none");
    if (json_object_get(weights->header, "model.layers.0.self_attn.q_proj.bias") != NULL)
        return error_input(err, weights->path, 0, "model.layers.0.self_attn.q_proj.bias",
                           "no biases, which the executor has not", "one");
    weights->data_offset = sizeof length + length;
    weights->read = read_tensor;
    return STATUS_OK;
}

void weights_close_safetensors(struct weights *weights)
{
    json_decref(weights->header);
}
