/* runtime/executor_latent.c - see executor_latent.h. */
#include "runtime/executor_latent.h"

/* ---- sizes ---- */

uint64_t latent_query_width(const struct model *model)
{
    return (uint64_t)model->heads * (model->head_dim + model->rope_dim);
}

static uint64_t compressed_width(const struct model *model)
{
    return (uint64_t)model->latent_dim + model->rope_dim;
}

uint64_t latent_width(const struct model *model, enum latent_array array)
{
    switch (array) {
    case LATENT_QUERY_DOWN:
        return model->query_latent_dim;
    case LATENT_COMPRESSED:
        return compressed_width(model);
    case LATENT_QUERY:
        return (uint64_t)model->heads * model->latent_dim;
    default:
        return 0;
    }
}

uint64_t latent_values(const struct model *model)
{
    uint64_t values = 0;
    for (int i = 0; i < LATENT_ARRAYS; i++)
        values += latent_width(model, (enum latent_array)i);
    return values;
}

/* ---- products ---- */

struct matrix_product {
    uint64_t inputs, outputs;
    const void *in, *weights;
    void *out;
};

enum { PRODUCTS_MOST = 3, QUERY_DOWN = 0 };
struct product_list {
    struct matrix_product product[PRODUCTS_MOST];
    uint32_t count;
};

/* In their order; the queries' compression, where there is one, is QUERY_DOWN. */
static struct product_list products_of(const struct latent_layer *layer)
{
    const struct model *model = layer->model;
    const struct layer_weights *weights = layer->weights;
    void *const *array = layer->activations->array;
    bool compressed = model->query_latent_dim > 0;
    struct product_list list = { 0 };
    if (compressed)
        list.product[list.count++] =
            (struct matrix_product){ model->hidden, model->query_latent_dim, layer->normed,
                                     weights->query_down, array[LATENT_QUERY_DOWN] };
    list.product[list.count++] = (struct matrix_product){
        compressed ? model->query_latent_dim : model->hidden, latent_query_width(model),
        compressed ? array[LATENT_QUERY_DOWN] : layer->normed, weights->qkv, layer->query
    };
    list.product[list.count++] =
        (struct matrix_product){ model->hidden, compressed_width(model), layer->normed,
                                 weights->kv_down, array[LATENT_COMPRESSED] };
    return list;
}

void latent_warm(const struct latent_layer *layer, uint32_t most_rows)
{
    const struct product_list list = products_of(layer);
    for (uint32_t i = 0; i < list.count; i++) {
        const struct matrix_product *p = &list.product[i];
        layer->backend->warm(layer->device, (uint32_t)p->inputs, (uint32_t)p->outputs, most_rows,
                             p->in, p->weights, p->out);
    }
}

/* A head's key matrix, head_dim * latent_dim, which stands the right way round for a query to go
 * into the latent space. */
static struct head_products into_latent(const struct model *model)
{
    return (struct head_products){ .heads = model->heads,
                                   .inputs = model->head_dim,
                                   .outputs = model->latent_dim,
                                   .inputs_first = true,
                                   .in_row = (uint32_t)latent_query_width(model),
                                   .in_head = model->head_dim + model->rope_dim,
                                   .out_row = model->heads * model->latent_dim,
                                   .out_head = model->latent_dim,
                                   .weights_head =
                                       UINT64_C(2) * model->head_dim * model->latent_dim };
}

/* Its value matrix, behind the key matrix. */
static struct head_products out_of_latent(const struct model *model)
{
    return (struct head_products){ .heads = model->heads,
                                   .inputs = model->latent_dim,
                                   .outputs = model->head_dim,
                                   .in_row = model->heads * model->latent_dim,
                                   .in_head = model->latent_dim,
                                   .out_row = model->heads * model->head_dim,
                                   .out_head = model->head_dim,
                                   .weights_head =
                                       UINT64_C(2) * model->head_dim * model->latent_dim };
}

/* ---- the layer ---- */

static void make_queries_and_kv(const struct latent_layer *layer, uint32_t rows)
{
    const struct product_list list = products_of(layer);
    void *down = layer->activations->array[LATENT_QUERY_DOWN];
    for (uint32_t i = 0; i < list.count; i++) {
        const struct matrix_product *p = &list.product[i];
        layer->backend->gemm(layer->device, rows, (uint32_t)p->inputs, (uint32_t)p->outputs, p->in,
                             p->weights, p->out);
        if (i == QUERY_DOWN && layer->model->query_latent_dim > 0)
            layer->backend->norm(layer->device, NORM_RMS, rows, layer->model->query_latent_dim,
                                 layer->epsilon, down, layer->weights->query_norm, NULL, down);
    }
}

void latent_attend(const struct latent_layer *layer, uint32_t rows)
{
    const struct backend *backend = layer->backend;
    const struct model *model = layer->model;
    const struct head_products in = into_latent(model), out = out_of_latent(model);
    const char *keys = layer->weights->kv_up;
    const char *values =
        keys + (uint64_t)model->head_dim * model->latent_dim * backend->element_bytes;
    void *latent = layer->activations->array[LATENT_QUERY];
    make_queries_and_kv(layer, rows);
    backend->store_latent(layer->device, layer->shape, layer->index, layer->epsilon,
                          layer->activations->array[LATENT_COMPRESSED], layer->weights->kv_norm,
                          layer->pool);
    backend->gemm_heads(layer->device, &in, rows, layer->query, keys, latent);
    backend->latent_attention(layer->device, layer->shape, layer->index, layer->query, latent,
                              layer->pool, latent);
    backend->gemm_heads(layer->device, &out, rows, latent, values, layer->attended);
}
