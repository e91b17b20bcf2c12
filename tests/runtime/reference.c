/* tests/runtime/reference.c - see reference.h. */
#include "tests/runtime/reference.h"

#include "base/memory.h"
#include "runtime/weights.h"
#include "tests/runtime/formats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT_MAX = 2048 };

struct reference {
    struct model model;
    struct weights *weights;
    float **tensor; /* [layer][expert][tensor], read when first asked for */
    double gap;
    double *keys, *values; /* [layer][token][kv_heads * key_dim()], [...][kv_heads * head_dim] */
    uint32_t context;
    double *logits;
};

static bool is_latent(const struct model *model)
{
    return model->attention == ATTENTION_LATENT;
}

/* Latent: what a head makes of the compressed vector, and then the rope key, the same for all. */
static uint32_t key_dim(const struct model *model)
{
    return model->head_dim + (is_latent(model) ? model->rope_dim : 0);
}

static uint32_t experts_or_1(const struct model *model)
{
    return model->experts > 0 ? model->experts : 1;
}

struct reference *reference_new(const struct model *model, const char *weights, uint64_t seed)
{
    struct error err = { 0 };
    struct reference *reference = memory_new(1, sizeof *reference);
    reference->model = *model;
    if (weights_open(weights, seed, model, &reference->weights, &err) != STATUS_OK)
        abort();
    uint64_t rows = (uint64_t)model->layers * CONTEXT_MAX * model->kv_heads;
    reference->tensor = memory_new((size_t)model->layers * experts_or_1(model) * TENSOR_COUNT,
                                   sizeof *reference->tensor);
    reference->keys = memory_new(rows * key_dim(model), sizeof *reference->keys);
    reference->values = memory_new(rows * model->head_dim, sizeof *reference->values);
    reference->logits = memory_new(model->vocabulary, sizeof *reference->logits);
    return reference;
}

void reference_free(struct reference *reference)
{
    const struct model *model = &reference->model;
    for (uint32_t i = 0; i < model->layers * experts_or_1(model) * TENSOR_COUNT; i++)
        free(reference->tensor[i]);
    weights_close(reference->weights);
    free(reference->tensor);
    free(reference->keys);
    free(reference->values);
    free(reference->logits);
    free(reference);
}

static const float *tensor_of(struct reference *reference, struct tensor_at at)
{
    struct error err = { 0 };
    uint32_t set = at.layer * experts_or_1(&reference->model) + at.expert;
    float **place = &reference->tensor[set * TENSOR_COUNT + (uint32_t)at.tensor];
    if (*place == NULL) {
        *place = memory_new(weights_count(&reference->model, at.tensor), sizeof **place);
        if (weights_read(reference->weights, at, *place, &err) != STATUS_OK)
            abort();
    }
    return *place;
}

static const float *tensor(struct reference *reference, enum tensor which, uint32_t layer)
{
    return tensor_of(reference, (struct tensor_at){ which, layer, 0 });
}

static double *product_of(struct reference *reference, struct tensor_at at, const double *in,
                          uint32_t inputs)
{
    const float *weights = tensor_of(reference, at);
    uint64_t outputs = weights_count(&reference->model, at.tensor) / inputs;
    double *out = memory_new(outputs, sizeof *out);
    for (uint64_t o = 0; o < outputs; o++)
        for (uint32_t i = 0; i < inputs; i++)
            out[o] += (double)weights[o * inputs + i] * in[i];
    return out;
}

static double *product(struct reference *reference, enum tensor which, uint32_t layer,
                       const double *in, uint32_t inputs)
{
    return product_of(reference, (struct tensor_at){ which, layer, 0 }, in, inputs);
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

/* The head's last elements, where not all of it has a position. */
static void rotate(const struct reference *reference, double *head, uint32_t position)
{
    const struct model *model = &reference->model;
    uint32_t dims = is_latent(model) ? model->rope_dim : model->head_dim, half = dims / 2;
    bool interleaved = weights_rope_interleaved(reference->weights);
    head += key_dim(model) - dims;
    for (uint32_t i = 0; i < half; i++) {
        double angle = position * pow(10000.0, -2.0 * i / dims);
        double *a = &head[interleaved ? 2 * i : i], *b = &head[interleaved ? 2 * i + 1 : half + i];
        double turned = *a * cos(angle) - *b * sin(angle);
        *b = *a * sin(angle) + *b * cos(angle);
        *a = turned;
    }
}

static double *key_row(const struct reference *reference, uint32_t layer, uint32_t token)
{
    uint64_t width = (uint64_t)reference->model.kv_heads * key_dim(&reference->model);
    return reference->keys + ((uint64_t)layer * CONTEXT_MAX + token) * width;
}

static double *value_row(const struct reference *reference, uint32_t layer, uint32_t token)
{
    uint64_t width = (uint64_t)reference->model.kv_heads * reference->model.head_dim;
    return reference->values + ((uint64_t)layer * CONTEXT_MAX + token) * width;
}

/* To what KV is stored in, where the model says narrower than floats. */
static void store(const struct model *model, double *row, const double *values, uint32_t width)
{
    for (uint32_t i = 0; i < width; i++)
        row[i] = model->kv_bytes_per_value == 1   ? fp8_value(fp8_nearest(values[i]))
                 : model->kv_bytes_per_value == 2 ? bf16_nearest(values[i])
                                                  : values[i];
}

/* Windowed layers as early as an even spread has them. */
static bool sees(const struct model *model, uint32_t layer, uint32_t position, uint32_t token)
{
    double share = (double)model->window_layers / model->layers;
    if (ceil((layer + 1) * share - 1e-9) == ceil(layer * share - 1e-9))
        return token <= position;
    if (model->window == WINDOW_CHUNKED)
        return token <= position &&
               token / model->window_tokens == position / model->window_tokens;
    return token <= position && position - token < model->window_tokens;
}

static void attend(struct reference *reference, uint32_t layer, uint32_t head, double *query,
                   double *out)
{
    const struct model *model = &reference->model;
    uint32_t dim = key_dim(model), value_dim = model->head_dim, position = reference->context,
             kv = head / (model->heads / model->kv_heads);
    double score[CONTEXT_MAX], key[1024], sum = 0, most = -INFINITY;
    rotate(reference, query, position);
    for (uint32_t t = 0; t <= position; t++) {
        memcpy(key, key_row(reference, layer, t) + kv * dim, dim * sizeof *key);
        rotate(reference, key, t);
        score[t] = 0;
        for (uint32_t i = 0; i < dim; i++)
            score[t] += query[i] * key[i] / sqrt(dim);
        if (!sees(model, layer, position, t))
            score[t] = -INFINITY;
        most = fmax(most, score[t]);
    }
    for (uint32_t t = 0; t <= position; t++)
        sum += score[t] = exp(score[t] - most);
    for (uint32_t t = 0; t <= position; t++)
        for (uint32_t i = 0; i < value_dim; i++)
            out[i] += score[t] / sum * value_row(reference, layer, t)[kv * value_dim + i];
}

/* ---- latent attention, as DeepSeek-V2 (arXiv 2405.04434, 2.1, 9-19) defines it: K and V of each
 * head are made of the compressed vector, not absorbed ---- */

static void rms(struct reference *reference, enum tensor which, uint32_t layer, double *values,
                uint32_t width)
{
    const float *weight = tensor(reference, which, layer);
    double squares = 0;
    for (uint32_t i = 0; i < width; i++)
        squares += values[i] * values[i] / width;
    for (uint32_t i = 0; i < width; i++)
        values[i] *= weight[i] / sqrt(squares + (double)1e-5F);
}

static double *latent_query(struct reference *reference, uint32_t layer, const double *normed)
{
    const struct model *model = &reference->model;
    if (model->query_latent_dim == 0)
        return product(reference, TENSOR_QUERY, layer, normed, model->hidden);
    double *down = product(reference, TENSOR_QUERY_DOWN, layer, normed, model->hidden);
    rms(reference, TENSOR_QUERY_NORM, layer, down, model->query_latent_dim);
    double *query = product(reference, TENSOR_QUERY, layer, down, model->query_latent_dim);
    free(down);
    return query;
}

static void store_latent(struct reference *reference, uint32_t layer, const double *normed)
{
    const struct model *model = &reference->model;
    uint32_t dim = model->head_dim;
    double *down = product(reference, TENSOR_KV_DOWN, layer, normed, model->hidden);
    rms(reference, TENSOR_KV_NORM, layer, down, model->latent_dim);
    store(model, down, down, model->latent_dim + model->rope_dim);
    double *up = product(reference, TENSOR_KV_UP, layer, down, model->latent_dim);
    for (uint32_t head = 0; head < model->heads; head++) {
        double *key = key_row(reference, layer, reference->context) + head * key_dim(model);
        double *value = value_row(reference, layer, reference->context) + head * dim;
        memcpy(key, up + 2 * head * dim, dim * sizeof *key);
        memcpy(value, up + (2 * head + 1) * dim, dim * sizeof *value);
        memcpy(key + dim, down + model->latent_dim, model->rope_dim * sizeof *key);
    }
    free(down);
    free(up);
}

static void store_kv(struct reference *reference, uint32_t layer, const double *normed)
{
    const struct model *model = &reference->model;
    uint32_t width = model->kv_heads * model->head_dim;
    double *key = product(reference, TENSOR_KEY, layer, normed, model->hidden);
    double *value = product(reference, TENSOR_VALUE, layer, normed, model->hidden);
    store(model, key_row(reference, layer, reference->context), key, width);
    store(model, value_row(reference, layer, reference->context), value, width);
    free(key);
    free(value);
}

static double *attention(struct reference *reference, uint32_t layer, const double *normed)
{
    const struct model *model = &reference->model;
    uint32_t dim = model->head_dim;
    (is_latent(model) ? store_latent : store_kv)(reference, layer, normed);
    double *query = is_latent(model)
                        ? latent_query(reference, layer, normed)
                        : product(reference, TENSOR_QUERY, layer, normed, model->hidden);
    double *heads = memory_new((size_t)model->heads * dim, sizeof *heads);
    for (uint32_t head = 0; head < model->heads; head++)
        attend(reference, layer, head, query + head * key_dim(model), heads + head * dim);
    double *out = product(reference, TENSOR_OUTPUT, layer, heads, model->heads * dim);
    free(query);
    free(heads);
    return out;
}

/* at: whose gate, up and down matrices, of that inner width. */
static double *mlp(struct reference *reference, struct tensor_at gate_at, struct tensor_at up_at,
                   struct tensor_at down_at, uint32_t width, const double *normed)
{
    const struct model *model = &reference->model;
    double *up = product_of(reference, up_at, normed, model->hidden);
    double *gate = product_of(reference, gate_at, normed, model->hidden);
    for (uint32_t i = 0; i < width; i++) {
        double x = up[i];
        up[i] = model->gated_ffn
                    ? gate[i] / (1 + exp(-gate[i])) * x
                    : 0.5 * x * (1 + tanh(0.79788456080286536 * (x + 0.044715 * x * x * x)));
    }
    double *out = product_of(reference, down_at, up, width);
    free(up);
    free(gate);
    return out;
}

static bool among(const uint32_t *chosen, uint32_t count, uint32_t expert)
{
    for (uint32_t i = 0; i < count; i++)
        if (chosen[i] == expert)
            return true;
    return false;
}

/* The best of those that are not among the first `count`. */
static uint32_t best_left(const double *score, uint32_t experts, const uint32_t *chosen,
                          uint32_t count)
{
    uint32_t best = experts;
    for (uint32_t i = 0; i < experts; i++)
        if (!among(chosen, count, i) && (best == experts || score[i] > score[best]))
            best = i;
    return best;
}

static void note_gap(struct reference *reference, const double *score, const uint32_t *chosen)
{
    const struct model *model = &reference->model;
    uint32_t left = best_left(score, model->experts, chosen, model->experts_per_token);
    for (uint32_t i = 0; i < model->experts_per_token && left < model->experts; i++)
        reference->gap = fmax(reference->gap, score[left] - score[chosen[i]]);
}

static void add_to(double *sum, const double *part, double weight, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        sum[i] += weight * part[i];
}

static double *routed_experts(struct reference *reference, uint32_t layer, const double *normed,
                              const uint32_t *told)
{
    const struct model *model = &reference->model;
    double *score = product(reference, TENSOR_ROUTER, layer, normed, model->hidden);
    double *sum = memory_new(model->hidden, sizeof *sum), together = 0;
    uint32_t chosen[64];
    for (uint32_t i = 0; i < model->experts_per_token; i++)
        chosen[i] = told != NULL ? told[i] : best_left(score, model->experts, chosen, i);
    note_gap(reference, score, chosen);
    for (uint32_t i = 0; i < model->experts_per_token; i++)
        together += exp(score[chosen[i]]);
    for (uint32_t i = 0; i < model->experts_per_token; i++) {
        double *part = mlp(reference, (struct tensor_at){ TENSOR_EXPERT_GATE, layer, chosen[i] },
                           (struct tensor_at){ TENSOR_EXPERT_UP, layer, chosen[i] },
                           (struct tensor_at){ TENSOR_EXPERT_DOWN, layer, chosen[i] },
                           model->expert_ffn, normed);
        add_to(sum, part, exp(score[chosen[i]]) / together, model->hidden);
        free(part);
    }
    free(score);
    return sum;
}

static double *ffn(struct reference *reference, uint32_t layer, const double *normed,
                   const uint32_t *told)
{
    const struct model *model = &reference->model;
    if (model->experts == 0 || layer < model->dense_layers)
        return mlp(reference, (struct tensor_at){ TENSOR_GATE, layer, 0 },
                   (struct tensor_at){ TENSOR_UP, layer, 0 },
                   (struct tensor_at){ TENSOR_DOWN, layer, 0 }, model->ffn, normed);
    double *sum = routed_experts(reference, layer, normed, told);
    if (model->shared_experts > 0) {
        double *part = mlp(reference, (struct tensor_at){ TENSOR_SHARED_GATE, layer, 0 },
                           (struct tensor_at){ TENSOR_SHARED_UP, layer, 0 },
                           (struct tensor_at){ TENSOR_SHARED_DOWN, layer, 0 },
                           model->shared_experts * model->expert_ffn, normed);
        add_to(sum, part, 1, model->hidden);
        free(part);
    }
    return sum;
}

static void add_layer(struct reference *reference, uint32_t layer, const uint32_t *told,
                      double *stream)
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
    part = ffn(reference, layer, normed, told);
    for (uint32_t i = 0; i < model->hidden; i++)
        stream[i] += part[i];
    free(part);
    free(normed);
}

const double *reference_token_through(struct reference *reference, uint32_t token,
                                      const uint32_t *chosen)
{
    const struct model *model = &reference->model;
    double *stream = memory_new(model->hidden, sizeof *stream);
    const float *row = tensor(reference, TENSOR_EMBEDDING, 0) + (uint64_t)token * model->hidden;
    for (uint32_t i = 0; i < model->hidden; i++)
        stream[i] = row[i];
    for (uint32_t layer = 0; layer < model->layers; layer++)
        add_layer(reference, layer,
                  chosen != NULL ? chosen + (size_t)layer * model->experts_per_token : NULL,
                  stream);
    double *last = norm(reference, TENSOR_LAST_NORM, 0, stream);
    free(reference->logits);
    reference->logits = product(reference, model->tied_embeddings ? TENSOR_EMBEDDING : TENSOR_HEAD,
                                0, last, model->hidden);
    free(last);
    free(stream);
    reference->context++;
    return reference->logits;
}

const double *reference_token(struct reference *reference, uint32_t token)
{
    return reference_token_through(reference, token, NULL);
}

double reference_gap(const struct reference *reference)
{
    return reference->gap;
}

uint32_t reference_context(const struct reference *reference)
{
    return reference->context;
}

void reference_cut(struct reference *reference, uint32_t tokens)
{
    const struct model *model = &reference->model;
    uint32_t left = reference->context - tokens;
    size_t rows_bytes = (size_t)left * model->kv_heads * sizeof(double);
    for (uint32_t layer = 0; layer < model->layers; layer++) {
        memmove(key_row(reference, layer, 0), key_row(reference, layer, tokens),
                rows_bytes * key_dim(model));
        memmove(value_row(reference, layer, 0), value_row(reference, layer, tokens),
                rows_bytes * model->head_dim);
    }
    reference->context = left;
}
