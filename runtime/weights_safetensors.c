/* runtime/weights_safetensors.c - one safetensors file (format: github.com/huggingface/safetensors,
 * README, "Format": u64 length, JSON header, data) with the tensor names of Hugging Face's Llama,
 * Mistral and Qwen2 classes, of DeepSeek's latent attention, and for experts of Mixtral's,
 * DeepSeek's and Qwen3's (modeling_mixtral.py, modeling_deepseek_v3.py, modeling_qwen3_moe.py);
 * F32, F16 or BF16. Not taken: files cut into shards, biases of Q, K, V and of the router, gated
 * shared experts.
 */
#include "runtime/weights_source.h"

#include "base/memory.h"
#include "base/spread.h"

#include <assert.h>
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
    [TENSOR_QUERY_DOWN] = "self_attn.q_a_proj",
    [TENSOR_QUERY_NORM] = "self_attn.q_a_layernorm",
    [TENSOR_KV_DOWN] = "self_attn.kv_a_proj_with_mqa",
    [TENSOR_KV_NORM] = "self_attn.kv_a_layernorm",
    [TENSOR_KV_UP] = "self_attn.kv_b_proj",
};

/* Mixtral's class numbers an expert's matrices: w1 gate, w3 up, w2 down. */
static const char *const expert_names[2][TENSOR_COUNT] = {
    [false] = { [TENSOR_ROUTER] = "mlp.gate",
                [TENSOR_EXPERT_GATE] = "mlp.experts.%u.gate_proj",
                [TENSOR_EXPERT_UP] = "mlp.experts.%u.up_proj",
                [TENSOR_EXPERT_DOWN] = "mlp.experts.%u.down_proj",
                [TENSOR_SHARED_GATE] = "mlp.shared_experts.gate_proj",
                [TENSOR_SHARED_UP] = "mlp.shared_experts.up_proj",
                [TENSOR_SHARED_DOWN] = "mlp.shared_experts.down_proj" },
    [true] = { [TENSOR_ROUTER] = "block_sparse_moe.gate",
               [TENSOR_EXPERT_GATE] = "block_sparse_moe.experts.%u.w1",
               [TENSOR_EXPERT_UP] = "block_sparse_moe.experts.%u.w3",
               [TENSOR_EXPERT_DOWN] = "block_sparse_moe.experts.%u.w2" },
};

/* names[]'s with the expert's number in it. */
static void in_layer(const char *name, uint32_t expert, char *text, size_t text_bytes)
{
    const char *number = strstr(name, "%u");
    if (number == NULL)
        snprintf(text, text_bytes, "%s", name);
    else
        snprintf(text, text_bytes, "%.*s%u%s", (int)(number - name), name, expert, number + 2);
}

static const char *tensor_name(const struct weights *weights, struct tensor_at at, char *text,
                               size_t text_bytes)
{
    enum tensor tensor = at.tensor;
    if (tensor == TENSOR_EMBEDDING)
        return "model.embed_tokens.weight";
    if (tensor == TENSOR_LAST_NORM)
        return "model.norm.weight";
    if (tensor == TENSOR_HEAD)
        return "lm_head.weight";
    const char *name = layer_names[tensor];
    if (tensor == TENSOR_QUERY && weights->model.query_latent_dim > 0)
        name = "self_attn.q_b_proj";
    if (name == NULL)
        name = expert_names[weights->mixtral][tensor];
    if (name == NULL) /* Mixtral's class has no shared experts */
        name = expert_names[false][tensor];
    assert(name != NULL);
    char inside[64];
    in_layer(name, at.expert, inside, sizeof inside);
    snprintf(text, text_bytes, "model.layers.%u.%s.weight", at.layer, inside);
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

static enum status find(const struct weights *weights, struct tensor_at at, struct place *place,
                        struct error *err)
{
    char text[128];
    const char *name = tensor_name(weights, at, text, sizeof text);
    const json_t *entry = json_object_get(weights->header, name);
    if (entry == NULL && at.tensor == TENSOR_HEAD)
        return find(weights, (struct tensor_at){ TENSOR_EMBEDDING, 0, 0 }, place, err);
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
                             .count = weights_count(&weights->model, at.tensor),
                             .type = type };
    if (end - begin != place->count * width)
        return error_input(err, weights->path, 0, name, "the model's shape", "another size");
    return STATUS_OK;
}

static enum status read_tensor(struct weights *weights, struct tensor_at at, float *to,
                               struct error *err)
{
    struct place place = { .type = "" };
    enum status status = find(weights, at, &place, err);
    if (status != STATUS_OK)
        return status;
    if (strcmp(place.type, "F32") == 0)
        return weights_read_at(weights, place.offset, to, place.count * 4, err);
    return read_halves(weights, place.offset, place.count, place.type[0] == 'B', to, err);
}

static enum status read_tensor_bf16(struct weights *weights, struct tensor_at at, uint16_t *to,
                                    struct error *err)
{
    struct place place = { .type = "" };
    enum status status = find(weights, at, &place, err);
    if (status != STATUS_OK)
        return status;
    if (place.type[0] == 'B')
        return weights_read_at(weights, place.offset, to, place.count * 2, err);
    return weights_round(weights, at, to, err);
}

/* Tensors that say that a layer computes what the executor does not. */
static enum status check_absent(const struct weights *weights, struct error *err)
{
    static const struct {
        const char *name, *expected;
    } absent[] = {
        { "self_attn.q_proj.bias", "no biases, which the executor has not" },
        { "mlp.gate.e_score_correction_bias", "no bias of the router, which the executor has not" },
        { "mlp.shared_expert_gate.weight", "shared experts without a gate of their own" },
    };
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        char name[96];
        uint32_t layer = i == 0 ? 0 : weights->model.dense_layers;
        snprintf(name, sizeof name, "model.layers.%u.%s", layer, absent[i].name);
        if (json_object_get(weights->header, name) != NULL)
            return error_input(err, weights->path, 0, name, absent[i].expected, "one");
    }
    return STATUS_OK;
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
        weights->header = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    if (status != STATUS_OK)
        return status;
    if (!json_is_object(weights->header))
        return error_input(err, weights->path, 0, NULL, "a safetensors header of JSON", "none");
    status = check_absent(weights, err);
    if (status != STATUS_OK)
        return status;
    char router[96];
    snprintf(router, sizeof router, "model.layers.%u.%s.weight", weights->model.dense_layers,
             expert_names[1][TENSOR_ROUTER]);
    weights->mixtral = json_object_get(weights->header, router) != NULL;
    weights->data_offset = sizeof length + length;
    weights->read = read_tensor;
    weights->read_bf16 = read_tensor_bf16;
    return STATUS_OK;
}

void weights_close_safetensors(struct weights *weights)
{
    json_decref(weights->header);
}
