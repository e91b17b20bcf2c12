/* runtime/executor_weights.c - tensors from their source into HBM: which of them stand together as
 * one matrix, and how they get there. */
#include "runtime/executor_weights.h"

#include "base/memory.h"
#include "runtime/weights.h"

#include <assert.h>
#include <stdlib.h>

/* Tensors that are one matrix in HBM, one below the other. */
enum { PARTS_MOST = 3 };
struct matrix {
    enum tensor tensor[PARTS_MOST];
    uint32_t parts;
    uint32_t experts; /* that have one each, all one below the other; 1: not an expert's */
    size_t place;     /* of its address, in struct layer_weights or struct executor_weights */
};

#define OF_LAYER(member) offsetof(struct layer_weights, member)
#define OF_MODEL(member) offsetof(struct executor_weights, member)

enum { MATRICES_MOST = 16 };
struct matrices {
    struct matrix matrix[MATRICES_MOST];
    uint32_t count;
};

static void need(struct matrices *matrices, struct matrix matrix)
{
    assert(matrices->count < MATRICES_MOST);
    matrices->matrix[matrices->count++] = matrix;
}

/* gate: of a gated feed-forward, with `up` one matrix. */
static void need_up(struct matrices *matrices, const struct model *model, enum tensor gate,
                    enum tensor up, uint32_t experts, size_t place)
{
    if (model->gated_ffn)
        need(matrices, (struct matrix){ { gate, up }, 2, experts, place });
    else
        need(matrices, (struct matrix){ { up }, 1, experts, place });
}

static struct matrices once_a_model(const struct model *model)
{
    struct matrices list = { 0 };
    need(&list, (struct matrix){ { TENSOR_EMBEDDING }, 1, 1, OF_MODEL(embedding) });
    if (!model->tied_embeddings)
        need(&list, (struct matrix){ { TENSOR_HEAD }, 1, 1, OF_MODEL(head) });
    need(&list, (struct matrix){ { TENSOR_LAST_NORM }, 1, 1, OF_MODEL(last_norm) });
    return list;
}

static void need_latent(struct matrices *list, const struct model *model)
{
    if (model->query_latent_dim > 0) {
        need(list, (struct matrix){ { TENSOR_QUERY_DOWN }, 1, 1, OF_LAYER(query_down) });
        need(list, (struct matrix){ { TENSOR_QUERY_NORM }, 1, 1, OF_LAYER(query_norm) });
    }
    need(list, (struct matrix){ { TENSOR_QUERY }, 1, 1, OF_LAYER(qkv) });
    need(list, (struct matrix){ { TENSOR_KV_DOWN }, 1, 1, OF_LAYER(kv_down) });
    need(list, (struct matrix){ { TENSOR_KV_NORM }, 1, 1, OF_LAYER(kv_norm) });
    need(list, (struct matrix){ { TENSOR_KV_UP }, 1, 1, OF_LAYER(kv_up) });
}

static void need_experts(struct matrices *list, const struct model *model)
{
    uint32_t experts = model->experts;
    need(list, (struct matrix){ { TENSOR_ROUTER }, 1, 1, OF_LAYER(router) });
    need_up(list, model, TENSOR_EXPERT_GATE, TENSOR_EXPERT_UP, experts, OF_LAYER(expert_up));
    need(list, (struct matrix){ { TENSOR_EXPERT_DOWN }, 1, experts, OF_LAYER(expert_down) });
    if (model->shared_experts == 0)
        return;
    need_up(list, model, TENSOR_SHARED_GATE, TENSOR_SHARED_UP, 1, OF_LAYER(up));
    need(list, (struct matrix){ { TENSOR_SHARED_DOWN }, 1, 1, OF_LAYER(down) });
}

static struct matrices of_layer(const struct model *model, uint32_t layer)
{
    struct matrices list = { 0 };
    need(&list, (struct matrix){ { TENSOR_ATTENTION_NORM }, 1, 1, OF_LAYER(attention_norm) });
    if (!model->parallel_attention)
        need(&list, (struct matrix){ { TENSOR_FFN_NORM }, 1, 1, OF_LAYER(ffn_norm) });
    if (model->attention == ATTENTION_LATENT)
        need_latent(&list, model);
    else
        need(&list,
             (struct matrix){ { TENSOR_QUERY, TENSOR_KEY, TENSOR_VALUE }, 3, 1, OF_LAYER(qkv) });
    need(&list, (struct matrix){ { TENSOR_OUTPUT }, 1, 1, OF_LAYER(output) });
    if (layer_has_experts(model, layer)) {
        need_experts(&list, model);
        return list;
    }
    need_up(&list, model, TENSOR_GATE, TENSOR_UP, 1, OF_LAYER(up));
    need(&list, (struct matrix){ { TENSOR_DOWN }, 1, 1, OF_LAYER(down) });
    return list;
}

/* ---- sizes ---- */

static uint64_t matrix_values(const struct model *model, const struct matrix *matrix)
{
    uint64_t values = 0;
    for (uint32_t i = 0; i < matrix->parts; i++)
        values += weights_count(model, matrix->tensor[i]);
    return values * matrix->experts;
}

static uint64_t all_values(const struct model *model, const struct matrices *matrices)
{
    uint64_t values = 0;
    for (uint32_t i = 0; i < matrices->count; i++)
        values += matrix_values(model, &matrices->matrix[i]);
    return values;
}

uint64_t executor_weights_bytes(const struct backend *backend, const struct model *model)
{
    const struct matrices once = once_a_model(model);
    uint64_t values = all_values(model, &once);
    for (uint32_t i = 0; i < model->layers; i++) {
        const struct matrices layer = of_layer(model, i);
        values += all_values(model, &layer);
    }
    return values * backend->element_bytes;
}

bool executor_weights_fit(const struct executor_weights *weights, const struct model *model)
{
    const struct model *own = &weights->model;
    if (own->layers != model->layers || own->dense_layers != model->dense_layers ||
        own->experts != model->experts || own->gated_ffn != model->gated_ffn ||
        own->parallel_attention != model->parallel_attention ||
        own->tied_embeddings != model->tied_embeddings)
        return false;
    for (int tensor = 0; tensor < TENSOR_COUNT; tensor++)
        if (weights_count(own, (enum tensor)tensor) != weights_count(model, (enum tensor)tensor))
            return false;
    return true;
}

/* ---- loading ---- */

/* Tensors on their way: memory of the host's that the largest so far needed. Of GB, so that one
 * block is used again and again: the kernel makes its pages once. */
struct loader {
    struct executor_weights *into;
    struct weights *from;
    void *memory;
    uint64_t capacity_bytes;
};

static void *loader_need(struct loader *loader, uint64_t size_bytes)
{
    if (size_bytes > loader->capacity_bytes) {
        free(loader->memory);
        loader->memory = memory_new(1, size_bytes);
        loader->capacity_bytes = size_bytes;
    }
    return loader->memory;
}

static enum status take(struct executor_weights *weights, uint64_t values, void **memory,
                        struct error *err)
{
    const struct backend *backend = weights->backend;
    enum status status =
        backend->allocate(weights->device, TIER_HBM, values * backend->element_bytes, memory, err);
    if (status != STATUS_OK)
        return status;
    memory_grow(&weights->taken, &weights->taken_capacity, (uint64_t)weights->taken_count + 1,
                sizeof *weights->taken);
    weights->taken[weights->taken_count++] = *memory;
    return STATUS_OK;
}

/* bf16 go as they are to a device whose elements they are: half of the bytes that floats take on
 * their way through the host's memory and over the link. */
static enum status load_tensor(struct loader *loader, struct tensor_at at, char *to,
                               struct error *err)
{
    struct executor_weights *into = loader->into;
    const struct backend *backend = into->backend;
    uint64_t count = weights_count(&into->model, at.tensor);
    bool narrow = backend->upload_bf16 != NULL;
    void *values = loader_need(loader, count * (narrow ? sizeof(uint16_t) : sizeof(float)));
    enum status status = narrow ? weights_read_bf16(loader->from, at, values, err)
                                : weights_read(loader->from, at, values, err);
    if (status == STATUS_OK && narrow)
        backend->upload_bf16(into->device, to, values, count);
    else if (status == STATUS_OK)
        backend->upload(into->device, to, values, count);
    return status;
}

static enum status load_matrix(struct loader *loader, const struct matrix *matrix, uint32_t layer,
                               void **memory, struct error *err)
{
    struct executor_weights *into = loader->into;
    enum status status = take(into, matrix_values(&into->model, matrix), memory, err);
    if (status != STATUS_OK)
        return status;
    char *to = *memory;
    for (uint32_t expert = 0; expert < matrix->experts; expert++)
        for (uint32_t i = 0; i < matrix->parts; i++) {
            const struct tensor_at at = { matrix->tensor[i], layer, expert };
            status = load_tensor(loader, at, to, err);
            if (status != STATUS_OK)
                return status;
            to += weights_count(&into->model, at.tensor) * into->backend->element_bytes;
        }
    return STATUS_OK;
}

static enum status load_all(struct loader *loader, const struct matrices *matrices, uint32_t layer,
                            void *places, struct error *err)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < matrices->count && status == STATUS_OK; i++) {
        const struct matrix *matrix = &matrices->matrix[i];
        void **place = (void **)(void *)((char *)places + matrix->place);
        status = load_matrix(loader, matrix, layer, place, err);
    }
    return status;
}

static enum status load_model(struct loader *loader, struct error *err)
{
    struct executor_weights *into = loader->into;
    const struct model *model = &into->model;
    const struct matrices once = once_a_model(model);
    into->rope_interleaved = weights_rope_interleaved(loader->from);
    enum status status = load_all(loader, &once, 0, into, err);
    if (model->tied_embeddings)
        into->head = into->embedding;
    for (uint32_t i = 0; i < model->layers && status == STATUS_OK; i++) {
        const struct matrices layer = of_layer(model, i);
        status = load_all(loader, &layer, i, &into->layers[i], err);
    }
    return status;
}

enum status executor_weights_new(const struct backend *backend, struct device *device,
                                 const struct model *model, const char *path, uint64_t seed,
                                 struct executor_weights **weights, struct error *err)
{
    struct loader loader = { 0 };
    enum status status = weights_open(path, seed, model, &loader.from, err);
    if (status != STATUS_OK)
        return status;
    struct executor_weights *made = memory_new(1, sizeof *made);
    made->backend = backend;
    made->device = device;
    made->model = *model;
    made->layers = memory_new(model->layers, sizeof *made->layers);
    loader.into = made;
    status = load_model(&loader, err);
    weights_close(loader.from);
    free(loader.memory);
    if (status != STATUS_OK) {
        executor_weights_free(made);
        return status;
    }
    *weights = made;
    return STATUS_OK;
}

void executor_weights_free(struct executor_weights *weights)
{
    if (weights == NULL)
        return;
    for (uint32_t i = 0; i < weights->taken_count; i++)
        weights->backend->release(weights->device, TIER_HBM, weights->taken[i]);
    free(weights->taken);
    free(weights->layers);
    free(weights);
}
