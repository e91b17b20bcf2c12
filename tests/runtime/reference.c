/* tests/runtime/reference.c - see reference.h. */
#include "tests/runtime/reference.h"

#include "base/memory.h"
#include "runtime/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT_MAX = 2048 };

struct reference {
    struct model model;
    struct weights *weights;
    float **tensor;        /* [layer * TENSOR_COUNT + tensor], read when first asked for */
    double *keys, *values; /* [layer][token][kv_heads * head_dim] */
    uint32_t context;
    double *logits;
};

struct reference *reference_new(const struct model *model, const char *weights, uint64_t seed)
{
    struct error err = { 0 };
    struct reference *reference = memory_new(1, sizeof *reference);
    reference->model = *model;
    if (weights_open(weights, seed, model, &reference->weights, &err) != STATUS_OK)
        abort();
    uint64_t rows = (uint64_t)model->layers * CONTEXT_MAX * model->kv_heads * model->head_dim;
    reference->tensor = memory_new((size_t)model->layers * TENSOR_COUNT, sizeof *reference->tensor);
    reference->keys = memory_new(rows, sizeof *reference->keys);
    reference->values = memory_new(rows, sizeof *reference->values);
    reference->logits = memory_new(model->vocabulary, sizeof *reference->logits);
    return reference;
}

void reference_free(struct reference *reference)
{
    for (uint32_t i = 0; i < reference->model.layers * TENSOR_COUNT; i++)
        free(reference->tensor[i]);
    weights_close(reference->weights);
    free(reference->tensor);
    free(reference->keys);
    free(reference->values);
    free(reference->logits);
    free(reference);
}

static const float *tensor(struct reference *reference, enum tensor which, uint32_t layer)
{
    struct error err = { 0 };
    float **place = &reference->tensor[layer * TENSOR_COUNT + (uint32_t)which];
    if (*place == NULL) {
        *place = memory_new(weights_count(&reference->model, which), sizeof **place);
        if (weights_read(reference->weights, which, layer, *place, &err) != STATUS_OK)
            abort();
    }
    return *place;
}

static double *product(struct reference *reference, enum tensor which, uint32_t layer,
                       const double *in, uint32_t inputs)
{
    const float *weights = tensor(reference, which, layer);
    uint64_t outputs = weights_count(&reference->model, which) / inputs;
    double *out = memory_new(outputs, sizeof *out);
    for (uint64_t o = 0; o < outputs; o++)
        for (uint32_t i = 0; i < inputs; i++)
            out[o] += (double)weights[o * inputs + i] * in[i];
    return out;
}

static double *norm(struct reference *reference, enum tensor which, uint32_t layer,
                    const double *in)
{
    uint32_t width = reference->model.hidden;
    const float *weight = tensor(reference, which, layer);
    double *out = memory_new(width, sizeof *out), mean = 0, squares = 0;
    for (uint32_t i = 0; i < width && !reference->model.gated_ffn; i++)
        mean += in[i] / width;
    for (uint32_t i = 0; i < width; i++)
        squares += (in[i] - mean) * (in[i] - mean) / width;
    for (uint32_t i = 0; i < width; i++)
        out[i] = (in[i] - mean) / sqrt(squares + (double)1e-5F) * weight[i];
    return out;
}

static void rotate(const struct reference *reference, double *head, uint32_t position)
{
    uint32_t dims = reference->model.head_dim, half = dims / 2;
    bool interleaved = weights_rope_interleaved(reference->weights);
    for (uint32_t i = 0; i < half; i++) {
        double angle = position * pow(10000.0, -2.0 * i / dims);
        double *a = &head[interleaved ? 2 * i : i], *b = &head[interleaved ? 2 * i + 1 : half + i];
        double turned = *a * cos(angle) - *b * sin(angle);
        *b = *a * sin(angle) + *b * cos(angle);
        *a = turned;
    }
}

static double *kv_row(const struct reference *reference, double *of, uint32_t layer, uint32_t token)
{
    uint64_t width = (uint64_t)reference->model.kv_heads * reference->model.head_dim;
    return of + ((uint64_t)layer * CONTEXT_MAX + token) * width;
}

static void attend(struct reference *reference, uint32_t layer, uint32_t head, double *query,
                   double *out)
{
    const struct model *model = &reference->model;
    uint32_t dim = model->head_dim, position = reference->context,
             kv = head / (model->heads / model->kv_heads);
    double score[CONTEXT_MAX], key[1024], sum = 0, most = -INFINITY;
    rotate(reference, query, position);
    for (uint32_t t = 0; t <= position; t++) {
        memcpy(key, kv_row(reference, reference->keys, layer, t) + kv * dim, dim * sizeof *key);
        rotate(reference, key, t);
        score[t] = 0;
        for (uint32_t i = 0; i < dim; i++)
            score[t] += query[i] * key[i] / sqrt(dim);
        most = fmax(most, score[t]);
    }
    for (uint32_t t = 0; t <= position; t++)
        sum += score[t] = exp(score[t] - most);
    for (uint32_t t = 0; t <= position; t++)
        for (uint32_t i = 0; i < dim; i++)
            out[i] += score[t] / sum * kv_row(reference, reference->values, layer, t)[kv * dim + i];
}

static double *attention(struct reference *reference, uint32_t layer, const double *normed)
{
    const struct model *model = &reference->model;
    uint32_t hidden = model->hidden, dim = model->head_dim;
    size_t row_bytes = (size_t)model->kv_heads * dim * sizeof(double);
    double *query = product(reference, TENSOR_QUERY, layer, normed, hidden);
    double *key = product(reference, TENSOR_KEY, layer, normed, hidden);
    double *value = product(reference, TENSOR_VALUE, layer, normed, hidden);
    memcpy(kv_row(reference, reference->keys, layer, reference->context), key, row_bytes);
    memcpy(kv_row(reference, reference->values, layer, reference->context), value, row_bytes);
    double *heads = memory_new((size_t)model->heads * dim, sizeof *heads);
    for (uint32_t head = 0; head < model->heads; head++)
        attend(reference, layer, head, query + head * dim, heads + head * dim);
    double *out = product(reference, TENSOR_OUTPUT, layer, heads, model->heads * dim);
    free(query);
    free(key);
    free(value);
    free(heads);
    return out;
}

static double *ffn(struct reference *reference, uint32_t layer, const double *normed)
{
    const struct model *model = &reference->model;
    double *up = product(reference, TENSOR_UP, layer, normed, model->hidden);
    double *gate = product(reference, TENSOR_GATE, layer, normed, model->hidden);
    for (uint32_t i = 0; i < model->ffn; i++) {
        double x = up[i];
        up[i] = model->gated_ffn
                    ? gate[i] / (1 + exp(-gate[i])) * x
                    : 0.5 * x * (1 + tanh(0.79788456080286536 * (x + 0.044715 * x * x * x)));
    }
    double *out = product(reference, TENSOR_DOWN, layer, up, model->ffn);
    free(up);
    free(gate);
    return out;
}

static void add_layer(struct reference *reference, uint32_t layer, double *stream)
{
    const struct model *model = &reference->model;
    double *normed = norm(reference, TENSOR_ATTENTION_NORM, layer, stream);
    double *part = attention(reference, layer, normed);
    for (uint32_t i = 0; i < model->hidden; i++)
        stream[i] += part[i];
    if (!model->parallel_attention) {
        free(normed);
        normed = norm(reference, TENSOR_FFN_NORM, layer, stream);
    }
    free(part);
    part = ffn(reference, layer, normed);
    for (uint32_t i = 0; i < model->hidden; i++)
        stream[i] += part[i];
    free(part);
    free(normed);
}

const double *reference_token(struct reference *reference, uint32_t token)
{
    const struct model *model = &reference->model;
    double *stream = memory_new(model->hidden, sizeof *stream);
    const float *row = tensor(reference, TENSOR_EMBEDDING, 0) + (uint64_t)token * model->hidden;
    for (uint32_t i = 0; i < model->hidden; i++)
        stream[i] = row[i];
    for (uint32_t layer = 0; layer < model->layers; layer++)
        add_layer(reference, layer, stream);
    double *last = norm(reference, TENSOR_LAST_NORM, 0, stream);
    free(reference->logits);
    reference->logits = product(reference, model->tied_embeddings ? TENSOR_EMBEDDING : TENSOR_HEAD,
                                0, last, model->hidden);
    free(last);
    free(stream);
    reference->context++;
    return reference->logits;
}

uint32_t reference_context(const struct reference *reference)
{
    return reference->context;
}

void reference_cut(struct reference *reference, uint32_t tokens)
{
    size_t width = (size_t)reference->model.kv_heads * reference->model.head_dim;
    uint32_t left = reference->context - tokens;
    for (uint32_t layer = 0; layer < reference->model.layers; layer++) {
        memmove(kv_row(reference, reference->keys, layer, 0),
                kv_row(reference, reference->keys, layer, tokens), left * width * sizeof(double));
        memmove(kv_row(reference, reference->values, layer, 0),
                kv_row(reference, reference->values, layer, tokens), left * width * sizeof(double));
    }
    reference->context = left;
}
