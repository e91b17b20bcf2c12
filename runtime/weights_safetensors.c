/* runtime/weights_safetensors.c - one safetensors file (format: github.com/huggingface/safetensors,
 * README, "Format": u64 length, JSON header, data) with the tensor names of Hugging Face's Llama,
 * Mistral and Qwen2 classes; F32, F16 or BF16. Not taken: files cut into shards, biases of Q, K, V.
 */
#include "runtime/weights_source.h"

#include "base/memory.h"
#include "base/spread.h"

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

struct widening {
    const uint16_t *from;
    float *to;
    bool brain;
};

static void widen_part(void *context, uint64_t begin, uint64_t end)
{
    const struct widening *w = context;
    for (uint64_t i = begin; i < end; i++)
        w->to[i] = w->brain ? bfloat_value(w->from[i]) : half_value(w->from[i]);
}

static enum status read_halves(struct weights *weights, uint64_t offset, uint64_t count, bool brain,
                               float *to, struct error *err)
{
    uint16_t *half = memory_new(count, sizeof *half);
    enum status status = weights_read_at(weights, offset, half, count * sizeof *half, err);
    if (status == STATUS_OK)
        spread(count, 1 << 18, widen_part, &(struct widening){ half, to, brain });
    free(half);
    return status;
}

/* Where a tensor's values are in the file. */
struct place {
    uint64_t offset, count;
    const char *type; /* F32, F16 or BF16 */
};

static enum status find(const struct weights *weights, enum tensor tensor, uint32_t layer,
                        struct place *place, struct error *err)
{
    char text[96];
    const char *name = tensor_name(tensor, layer, text, sizeof text);
    const json_t *entry = json_object_get(weights->header, name);
    if (entry == NULL && tensor == TENSOR_HEAD)
        return find(weights, TENSOR_EMBEDDING, 0, place, err);
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    const json_t *offsets = json_object_get(entry, "data_offsets");
    uint64_t begin = (uint64_t)json_integer_value(json_array_get(offsets, 0));
    uint64_t end = (uint64_t)json_integer_value(json_array_get(offsets, 1));
    if (type == NULL || end < begin)
        return error_input(err, weights->path, 0, name, "a tensor of this name", "none");
    uint64_t width = strcmp(type, "F32") == 0 ? 4 : 2;
    if (width == 2 && strcmp(type, "F16") != 0 && strcmp(type, "BF16") != 0)
        return error_input(err, weights->path, 0, name, "F32, F16 or BF16", type);
    *place = (struct place){ .offset = weights->data_offset + begin,
                             .count = weights_count(&weights->model, tensor),
                             .type = type };
    if (end - begin != place->count * width)
        return error_input(err, weights->path, 0, name, "the model's shape", "another size");
    return STATUS_OK;
}

static enum status read_tensor(struct weights *weights, enum tensor tensor, uint32_t layer,
                               float *to, struct error *err)
{
    struct place place;
    enum status status = find(weights, tensor, layer, &place, err);
    if (status != STATUS_OK)
        return status;
    if (strcmp(place.type, "F32") == 0)
        return weights_read_at(weights, place.offset, to, place.count * 4, err);
    return read_halves(weights, place.offset, place.count, place.type[0] == 'B', to, err);
}

static enum status read_tensor_bf16(struct weights *weights, enum tensor tensor, uint32_t layer,
                                    uint16_t *to, struct error *err)
{
    struct place place;
    enum status status = find(weights, tensor, layer, &place, err);
    if (status != STATUS_OK)
        return status;
    if (place.type[0] == 'B')
        return weights_read_at(weights, place.offset, to, place.count * 2, err);
    return weights_round(weights, tensor, layer, to, err);
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
    weights->read_bf16 = read_tensor_bf16;
    return STATUS_OK;
}

void weights_close_safetensors(struct weights *weights)
{
    json_decref(weights->header);
}
