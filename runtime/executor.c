/* runtime/executor.c - activations in HBM, and the order of a layer's operators. */
#include "runtime/executor.h"

#include "base/memory.h"
#include "runtime/executor_kv.h"
#include "runtime/executor_latent.h"
#include "runtime/feed_forward.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const float NORM_EPSILON = 1e-5F;

struct executor {
    struct executor_config config;
    struct attention_dims shape;
    const struct executor_weights *weights;
    struct executor_weights *own_weights; /* NULL: the caller's are used */
    void *pool;
    /* Activations, rows of them. */
    void *stream, *normed, *qkv, *attended, *narrow;
    struct latent_activations latent; /* where attention is; qkv are the queries then */
    struct feed_forward ffn;
    void *last, *logits; /* one row a context */
    uint32_t *last_row;
    uint32_t rows, count; /* of the present iteration */
    void **taken;         /* what was allocated */
    uint32_t taken_count, taken_capacity;
};

/* ---- sizes ---- */

static bool is_latent(const struct model *model)
{
    return model->attention == ATTENTION_LATENT;
}

static uint64_t qkv_width(const struct model *model)
{
    if (is_latent(model))
        return latent_query_width(model);
    return ((uint64_t)model->heads + 2 * model->kv_heads) * model->head_dim;
}

uint64_t executor_bytes(const struct executor_config *config)
{
    const struct model *model = &config->model;
    uint64_t width = model->hidden, query = (uint64_t)model->heads * model->head_dim;
    uint64_t weights = config->loaded == NULL ? executor_weights_bytes(config->backend, model) : 0;
    uint64_t row = 3 * width + qkv_width(model) + query;
    row += is_latent(model) ? latent_values(model) : 0;
    uint64_t context = width + model->vocabulary, slack = config->backend->gemm_slack_rows;
    return weights + feed_forward_bytes(config) +
           (row * (config->rows + slack) + context * (config->contexts + slack)) *
               config->backend->element_bytes +
           executor_pool_bytes(config);
}

enum status executor_supports(const struct backend *backend, const struct model *model,
                              struct error *err)
{
    if (model->state_layers > 0 || model->ffn_only_layers > 0)
        return error_input(err, NULL, 0, "model", "layers that all have attention",
                           "states or layers without attention");
    if (model->window_heads > 0 || model->window_kv_heads > 0 || model->window_head_dim > 0)
        return error_input(err, NULL, 0, "model", "layers of the same heads",
                           "others with a window");
    if (model->value_dim > 0 || model->values_are_keys || model->shared_kv_layers > 0)
        return error_input(err, NULL, 0, "model", "a key and a value of one width in each layer",
                           "others, or KV that layers share");
    if (model->index_layers > 0 || model->ffn_layers > 0 || model->layer_embedding_dim > 0)
        return error_input(err, NULL, 0, "model", "layers of attention and a feed-forward alone",
                           "an indexer, layers without either, or embeddings of layers");
    if (model->expert_hidden > 0 || model->shared_expert_ffn > 0 || model->gated_attention ||
        (!is_latent(model) && model->query_latent_dim > 0))
        return error_input(err, NULL, 0, "model", "experts and queries as wide as the stream's",
                           "latent or gated ones");
    if (is_latent(model) && model->window_layers > 0)
        return error_input(err, NULL, 0, "model", "windows or latent attention", "both");
    if (model->learned_positions > 0)
        return error_input(err, NULL, 0, "model", "rotary positions", "learned ones");
    if (model->head_dim % 2 != 0)
        return error_input(err, NULL, 0, "model", "an even head_dim", "an odd one");
    if (model->rope_dim % 2 != 0)
        return error_input(err, NULL, 0, "model", "an even rope_dim", "an odd one");
    return executor_kv_supports(backend, model, err);
}

/* ---- setting up ---- */

static enum status take(struct executor *executor, uint64_t values, void **memory,
                        struct error *err)
{
    const struct executor_config *config = &executor->config;
    enum status status = config->backend->allocate(
        config->device, TIER_HBM, values * config->backend->element_bytes, memory, err);
    if (status != STATUS_OK)
        return status;
    memory_grow(&executor->taken, &executor->taken_capacity, (uint64_t)executor->taken_count + 1,
                sizeof *executor->taken);
    executor->taken[executor->taken_count++] = *memory;
    return STATUS_OK;
}

static enum status take_latent(struct executor *executor, uint64_t rows, struct error *err)
{
    enum status status = STATUS_OK;
    for (int i = 0; i < LATENT_ARRAYS && status == STATUS_OK; i++) {
        uint64_t width = latent_width(&executor->config.model, (enum latent_array)i);
        if (width > 0)
            status = take(executor, rows * width, &executor->latent.array[i], err);
    }
    return status;
}

static enum status take_activations(struct executor *executor, struct error *err)
{
    const struct executor_config *config = &executor->config;
    const struct model *model = &config->model;
    uint64_t slack = config->backend->gemm_slack_rows;
    uint64_t rows = config->rows + slack, contexts = config->contexts + slack;
    const struct {
        void **memory;
        uint64_t values;
    } wanted[] = {
        { &executor->pool, executor_pool_bytes(config) / config->backend->element_bytes },
        { &executor->stream, rows * model->hidden },
        { &executor->normed, rows * model->hidden },
        { &executor->narrow, rows * model->hidden },
        { &executor->qkv, rows * qkv_width(model) },
        { &executor->attended, rows * model->heads * model->head_dim },
        { &executor->last, contexts * model->hidden },
        { &executor->logits, contexts * model->vocabulary },
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted && status == STATUS_OK; i++)
        status = take(executor, wanted[i].values, wanted[i].memory, err);
    if (status == STATUS_OK && is_latent(model))
        status = take_latent(executor, rows, err);
    return status == STATUS_OK ? feed_forward_open(&executor->ffn, config, err) : status;
}

static enum status have_weights(struct executor *executor, struct error *err)
{
    const struct executor_config *config = &executor->config;
    enum status status = STATUS_OK;
    if (config->loaded == NULL)
        status = executor_weights_new(config->backend, config->device, &config->model,
                                      config->weights, config->seed, &executor->own_weights, err);
    executor->weights = config->loaded != NULL ? config->loaded : executor->own_weights;
    if (status != STATUS_OK)
        return status;
    assert(executor_weights_fit(executor->weights, &config->model));
    executor->shape.rope.interleaved = executor->weights->rope_interleaved;
    return STATUS_OK;
}

enum status executor_new(const struct executor_config *config, struct executor **executor,
                         struct error *err)
{
    enum status status = executor_supports(config->backend, &config->model, err);
    if (status != STATUS_OK)
        return status;
    struct executor *made = memory_new(1, sizeof *made);
    const struct model *model = &config->model;
    made->config = *config;
    made->shape = executor_shape_of(config->backend, model, config->page_tokens);
    made->shape.rope.at_store = config->rotated_k_stored;
    const uint32_t widths[] = { model->hidden, model->ffn, model->expert_ffn,
                                model->query_latent_dim };
    if (config->backend->supports != NULL)
        status = config->backend->supports(&made->shape, widths, 4, err);
    if (status != STATUS_OK) {
        free(made);
        return status;
    }
    made->last_row = memory_new(config->contexts, sizeof *made->last_row);
    status = take_activations(made, err);
    if (status == STATUS_OK)
        status = have_weights(made, err);
    if (status != STATUS_OK) {
        executor_free(made);
        return status;
    }
    *executor = made;
    return STATUS_OK;
}

void executor_free(struct executor *executor)
{
    if (executor == NULL)
        return;
    for (uint32_t i = 0; i < executor->taken_count; i++)
        executor->config.backend->release(executor->config.device, TIER_HBM, executor->taken[i]);
    feed_forward_free(&executor->ffn);
    executor_weights_free(executor->own_weights);
    free(executor->taken);
    free(executor->last_row);
    free(executor);
}

void *executor_pool(const struct executor *executor)
{
    return executor->pool;
}

const struct attention_dims *executor_shape(const struct executor *executor)
{
    return &executor->shape;
}

const struct routing *executor_routing(const struct executor *executor)
{
    return executor->ffn.routing_memory != NULL ? &executor->ffn.routing : NULL;
}

/* ---- an iteration ---- */

static enum norm_kind norm_kind(const struct executor *executor)
{
    return executor->config.model.gated_ffn ? NORM_RMS : NORM_LAYER;
}

static void norm(struct executor *executor, uint32_t rows, const void *in, const void *weight,
                 void *out)
{
    const struct executor_config *config = &executor->config;
    config->backend->norm(config->device, norm_kind(executor), rows, config->model.hidden,
                          NORM_EPSILON, in, weight, NULL, out);
}

static void gemm(struct executor *executor, uint32_t rows, uint64_t inputs, uint64_t outputs,
                 const void *in, const void *weights, void *out)
{
    executor->config.backend->gemm(executor->config.device, rows, (uint32_t)inputs,
                                   (uint32_t)outputs, in, weights, out);
}

/* What a part of a layer gave, to the residual stream. */
static void add(struct executor *executor)
{
    uint64_t values = (uint64_t)executor->rows * executor->config.model.hidden;
    executor->config.backend->add(executor->config.device, values, executor->narrow,
                                  executor->stream);
}

static void add_and_norm(struct executor *executor, const void *weight, void *out)
{
    const struct executor_config *config = &executor->config;
    if (config->backend->add_norm != NULL)
        config->backend->add_norm(config->device, norm_kind(executor), executor->rows,
                                  config->model.hidden, NORM_EPSILON, executor->narrow,
                                  executor->stream, weight, NULL, out);
    else {
        add(executor);
        norm(executor, executor->rows, executor->stream, weight, out);
    }
}

static struct latent_layer latent_layer(struct executor *executor, uint32_t index)
{
    const struct executor_config *config = &executor->config;
    return (struct latent_layer){ .backend = config->backend,
                                  .device = config->device,
                                  .model = &config->model,
                                  .shape = &executor->shape,
                                  .epsilon = NORM_EPSILON,
                                  .weights = &executor->weights->layers[index],
                                  .index = index,
                                  .activations = &executor->latent,
                                  .normed = executor->normed,
                                  .query = executor->qkv,
                                  .pool = executor->pool,
                                  .attended = executor->attended };
}

/* From what was normed to `attended`, its own KV stored on the way. */
static void attend(struct executor *executor, uint32_t index, uint32_t rows)
{
    const struct executor_config *config = &executor->config;
    const struct model *model = &config->model;
    if (is_latent(model)) {
        const struct latent_layer layer = latent_layer(executor, index);
        latent_attend(&layer, rows);
        return;
    }
    gemm(executor, rows, model->hidden, qkv_width(model), executor->normed,
         executor->weights->layers[index].qkv, executor->qkv);
    config->backend->store_kv(config->device, &executor->shape, index, executor->qkv,
                              executor->pool);
    config->backend->attention(config->device, &executor->shape, index, executor->qkv,
                               executor->pool, executor->attended);
}

static void attention_part(struct executor *executor, uint32_t index, uint32_t rows)
{
    const struct model *model = &executor->config.model;
    attend(executor, index, rows);
    gemm(executor, rows, (uint64_t)model->heads * model->head_dim, model->hidden,
         executor->attended, executor->weights->layers[index].output, executor->narrow);
}

/* Where each context has one row, as in decode, the rows are their last. */
static bool all_are_last(const struct executor *executor)
{
    return executor->rows == executor->count;
}

/* With what is normed next: the first norm of the layer behind it, or the last of all. */
static void end_layer(struct executor *executor, uint32_t index)
{
    if (index + 1 < executor->config.model.layers)
        add_and_norm(executor, executor->weights->layers[index + 1].attention_norm,
                     executor->normed);
    else if (all_are_last(executor))
        add_and_norm(executor, executor->weights->last_norm, executor->last);
    else
        add(executor);
}

/* The layer's first norm is made: by executor_begin(), or with the sum of the layer before. */
void executor_layer(struct executor *executor, uint32_t index)
{
    uint32_t rows = executor->rows;
    attention_part(executor, index, rows);
    /* Side by side, both parts read the norm that was made before either was added. */
    if (executor->config.model.parallel_attention)
        add(executor);
    else
        add_and_norm(executor, executor->weights->layers[index].ffn_norm, executor->normed);
    feed_forward_run(&executor->ffn, &executor->weights->layers[index],
                     layer_has_experts(&executor->config.model, index), rows, executor->normed,
                     executor->narrow);
    end_layer(executor, index);
}

void executor_begin(struct executor *executor, const struct sequence *sequences, uint32_t count,
                    const uint32_t *tokens)
{
    const struct executor_config *config = &executor->config;
    assert(count >= 1 && count <= config->contexts);
    executor->rows = 0;
    executor->count = count;
    for (uint32_t i = 0; i < count; i++) {
        executor->rows += sequences[i].new_tokens;
        executor->last_row[i] = executor->rows - 1;
    }
    assert(executor->rows <= config->rows);
    config->backend->set_batch(config->device, sequences, count);
    config->backend->embed(config->device, executor->weights->embedding, config->model.hidden,
                           tokens, executor->rows, executor->stream);
    norm(executor, executor->rows, executor->stream, executor->weights->layers[0].attention_norm,
         executor->normed);
}

void executor_end(struct executor *executor)
{
    const struct executor_config *config = &executor->config;
    const struct model *model = &config->model;
    if (!all_are_last(executor)) {
        config->backend->gather_rows(config->device, executor->stream, model->hidden,
                                     executor->last_row, executor->count, executor->last);
        norm(executor, executor->count, executor->last, executor->weights->last_norm,
             executor->last);
    }
    gemm(executor, executor->count, model->hidden, model->vocabulary, executor->last,
         executor->weights->head, executor->logits);
}

void executor_forward(struct executor *executor, const struct sequence *sequences, uint32_t count,
                      const uint32_t *tokens)
{
    executor_begin(executor, sequences, count, tokens);
    for (uint32_t i = 0; i < executor->config.model.layers; i++)
        executor_layer(executor, i);
    executor_end(executor);
}

/* ---- warming up ---- */

static void warm_products(struct executor *executor)
{
    const struct executor_config *config = &executor->config;
    const struct model *model = &config->model;
    const struct layer_weights *layer = &executor->weights->layers[0]; /* as all are */
    uint64_t query = (uint64_t)model->heads * model->head_dim;
    const struct {
        uint64_t inputs, outputs;
        uint32_t rows;
        const void *in, *weights;
        void *out;
    } products[] = {
        { model->hidden, qkv_width(model), is_latent(model) ? 0 : config->rows, executor->normed,
          layer->qkv, executor->qkv },
        { query, model->hidden, config->rows, executor->attended, layer->output, executor->narrow },
        { model->hidden, model->vocabulary, config->contexts, executor->last,
          executor->weights->head, executor->logits },
    };
    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        config->backend->warm(config->device, (uint32_t)products[i].inputs,
                              (uint32_t)products[i].outputs, products[i].rows, products[i].in,
                              products[i].weights, products[i].out);
    feed_forward_warm(&executor->ffn, executor->weights, executor->normed, executor->narrow);
    if (is_latent(model)) {
        const struct latent_layer latent = latent_layer(executor, 0);
        latent_warm(&latent, config->rows);
    }
}

/* `count` contexts of that length, all in the pool's first pages: what they hold is not read. */
static void warm_iteration(struct executor *executor, const uint32_t *pages, uint32_t count,
                           uint32_t cached, uint32_t new_tokens)
{
    const struct executor_config *config = &executor->config;
    uint32_t rows = count * new_tokens, tokens = cached + new_tokens;
    if (rows > config->rows)
        return;
    struct sequence *sequences = memory_new(count, sizeof *sequences);
    uint32_t *zeros = memory_new(rows, sizeof *zeros);
    for (uint32_t i = 0; i < count; i++)
        sequences[i] =
            (struct sequence){ pages, (tokens + config->page_tokens - 1) / config->page_tokens, 0,
                               cached, new_tokens };
    executor_forward(executor, sequences, count, zeros);
    free(sequences);
    free(zeros);
}

/* 1, 2, 4... and the most; 0 behind it. */
static uint32_t doubled(uint32_t number, uint32_t most)
{
    return number >= most ? 0 : number < most - number ? 2 * number : most;
}

/* How attention is cut, and so how many parts there are, varies with the number of new tokens and
 * of contexts; the most of a workspace may be needed anywhere. So both double up to their most. */
static void warm_iterations(struct executor *executor, uint32_t longest)
{
    const struct executor_config *config = &executor->config;
    uint32_t *pages = memory_new(config->pages, sizeof *pages);
    for (uint32_t i = 0; i < config->pages; i++)
        pages[i] = i;
    uint32_t most = config->rows < longest ? config->rows : longest;
    for (uint32_t rows = most < 8 ? most : 8; rows > 0; rows = doubled(rows, most))
        warm_iteration(executor, pages, 1, longest - rows, rows);
    for (uint32_t count = 1; count > 0; count = doubled(count, config->contexts))
        for (uint32_t rows = 1; rows <= 2 && rows <= longest; rows++) /* two: a reply's last */
            warm_iteration(executor, pages, count, longest - rows, rows);
    free(pages);
}

void executor_warm(struct executor *executor, uint32_t context_tokens)
{
    const struct executor_config *config = &executor->config;
    if (config->backend->warm == NULL)
        return;
    uint64_t room = (uint64_t)config->pages * config->page_tokens;
    warm_products(executor);
    warm_iterations(executor, room < context_tokens ? (uint32_t)room : context_tokens);
    struct backend_event *warm = config->backend->event_new(config->device);
    config->backend->record(config->device, STREAM_COMPUTE, warm);
    config->backend->synchronise(config->device, warm);
    config->backend->event_free(config->device, warm);
}

void executor_logits(struct executor *executor, uint32_t sequences, float *logits)
{
    const struct executor_config *config = &executor->config;
    config->backend->download(config->device, logits, executor->logits,
                              (uint64_t)sequences * config->model.vocabulary);
}
