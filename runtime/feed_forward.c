/* runtime/feed_forward.c - see feed_forward.h. */
#include "runtime/feed_forward.h"

/* ---- sizes ---- */

static uint64_t parts(const struct model *model) /* of the product before the activation */
{
    return model->gated_ffn ? 2 : 1;
}

static uint64_t shared_width(const struct model *model)
{
    return (uint64_t)model->shared_experts * model->expert_ffn;
}

static bool has_dense_layers(const struct model *model)
{
    return model->experts == 0 || model->dense_layers > 0;
}

/* The widest of the feed-forwards that all rows go through: dense layers' and the shared experts'.
 */
static uint64_t width_of_rows(const struct model *model)
{
    uint64_t dense = has_dense_layers(model) ? model->ffn : 0, shared = shared_width(model);
    return dense > shared ? dense : shared;
}

struct sizes {
    uint64_t wide, active, routed, routing; /* bytes */
};

static struct sizes sizes_of(const struct executor_config *config)
{
    const struct model *model = &config->model;
    uint64_t element = config->backend->element_bytes;
    uint64_t rows = (uint64_t)config->rows + config->backend->gemm_slack_rows;
    uint64_t slots = model->experts > 0 ? (uint64_t)config->rows * model->experts_per_token : 0;
    uint64_t of_rows = rows * width_of_rows(model), of_slots = slots * model->expert_ffn;
    uint64_t inner = of_rows > of_slots ? of_rows : of_slots;
    return (struct sizes){ .wide = parts(model) * inner * element,
                           .active = inner * element,
                           .routed = slots * model->hidden * element,
                           .routing = slots == 0 ? 0
                                                 : routing_bytes(config->rows, model->experts,
                                                                 model->experts_per_token) };
}

uint64_t feed_forward_bytes(const struct executor_config *config)
{
    struct sizes sizes = sizes_of(config);
    return sizes.wide + sizes.active + sizes.routed + sizes.routing;
}

/* ---- memory ---- */

enum status feed_forward_open(struct feed_forward *ffn, const struct executor_config *config,
                              struct error *err)
{
    const struct model *model = &config->model;
    const struct sizes sizes = sizes_of(config);
    const struct {
        void **memory;
        uint64_t bytes;
    } wanted[] = { { &ffn->wide, sizes.wide },
                   { &ffn->active, sizes.active },
                   { &ffn->routed, sizes.routed },
                   { &ffn->routing_memory, sizes.routing } };
    enum status status = STATUS_OK;
    ffn->config = config;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted && status == STATUS_OK; i++)
        if (wanted[i].bytes > 0)
            status = config->backend->allocate(config->device, TIER_HBM, wanted[i].bytes,
                                               wanted[i].memory, err);
    if (status == STATUS_OK && ffn->routing_memory != NULL)
        ffn->routing =
            routing_in(ffn->routing_memory, config->rows, model->experts, model->experts_per_token);
    return status;
}

void feed_forward_free(struct feed_forward *ffn)
{
    void *const taken[] = { ffn->wide, ffn->active, ffn->routed, ffn->routing_memory };
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (taken[i] != NULL)
            ffn->config->backend->release(ffn->config->device, TIER_HBM, taken[i]);
}

/* ---- running ---- */

static void activate(const struct feed_forward *ffn, uint64_t rows, uint64_t width)
{
    const struct executor_config *config = ffn->config;
    config->backend->activate(config->device,
                              config->model.gated_ffn ? ACTIVATION_SWIGLU : ACTIVATION_GELU,
                              (uint32_t)rows, (uint32_t)width, ffn->wide, ffn->active);
}

static void run_dense(const struct feed_forward *ffn, const struct layer_weights *layer,
                      uint64_t width, uint32_t rows, const void *in, void *out)
{
    const struct executor_config *config = ffn->config;
    const struct model *model = &config->model;
    config->backend->gemm(config->device, rows, model->hidden, (uint32_t)(parts(model) * width), in,
                          layer->up, ffn->wide);
    activate(ffn, rows, width);
    config->backend->gemm(config->device, rows, (uint32_t)width, model->hidden, ffn->active,
                          layer->down, out);
}

/* The shared experts' result first, to which the routed ones' are then added in one go: summed in
 * fp32 and rounded once. */
static void run_experts(const struct feed_forward *ffn, const struct layer_weights *layer,
                        uint32_t rows, const void *in, void *out)
{
    const struct executor_config *config = ffn->config;
    const struct backend *backend = config->backend;
    const struct model *model = &config->model;
    const struct routing *routing = &ffn->routing;
    if (model->shared_experts > 0)
        run_dense(ffn, layer, shared_width(model), rows, in, out);
    backend->route(config->device, routing, rows, model->hidden, in, layer->router);
    backend->expert_gemm(config->device, routing, true, rows, model->hidden,
                         (uint32_t)(parts(model) * model->expert_ffn), in, layer->expert_up,
                         ffn->wide);
    activate(ffn, (uint64_t)rows * model->experts_per_token, model->expert_ffn);
    backend->expert_gemm(config->device, routing, false, rows, model->expert_ffn, model->hidden,
                         ffn->active, layer->expert_down, ffn->routed);
    backend->combine(config->device, routing, rows, model->hidden, ffn->routed,
                     model->shared_experts > 0, out);
}

void feed_forward_run(struct feed_forward *ffn, const struct layer_weights *layer, bool experts,
                      uint32_t rows, const void *in, void *out)
{
    if (experts)
        run_experts(ffn, layer, rows, in, out);
    else
        run_dense(ffn, layer, ffn->config->model.ffn, rows, in, out);
}

static void warm_dense(const struct feed_forward *ffn, const struct layer_weights *layer,
                       uint64_t width, const void *in, void *out)
{
    const struct executor_config *config = ffn->config;
    const struct model *model = &config->model;
    config->backend->warm(config->device, model->hidden, (uint32_t)(parts(model) * width),
                          config->rows, in, layer->up, ffn->wide);
    config->backend->warm(config->device, (uint32_t)width, model->hidden, config->rows, ffn->active,
                          layer->down, out);
}

void feed_forward_warm(struct feed_forward *ffn, const struct executor_weights *weights,
                       const void *in, void *out)
{
    const struct model *model = &ffn->config->model;
    if (has_dense_layers(model))
        warm_dense(ffn, &weights->layers[0], model->ffn, in, out);
    if (model->shared_experts > 0)
        warm_dense(ffn, &weights->layers[model->dense_layers], shared_width(model), in, out);
}
