/* cli/models_show.c - see models_show.h. No arithmetic of times here: that is
 * models/breakdown.c's. */
#include "cli/models_show.h"

#include "base/units.h"
#include "cli/breakdown_print.h"
#include "plots/roofline.h"
#include "sim/engine/experiment.h"
#include "sim/engine/setup.h"

#include <inttypes.h>
#include <stdio.h>

#define USUAL_TOKENS 2048

static enum status refuse(const char *option, const char *expected, uint64_t found,
                          struct error *err)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, found);
    return error_input(err, NULL, 0, option, expected, text);
}

static enum status check_range(const char *option, uint64_t least, uint64_t most, uint64_t found,
                               struct error *err)
{
    char expected[64];
    if (found >= least && found <= most)
        return STATUS_OK;
    snprintf(expected, sizeof expected, "%" PRIu64 " to %" PRIu64, least, most);
    return refuse(option, expected, found, err);
}

static uint64_t usual(uint64_t given, uint64_t window)
{
    return given > 0 ? given : window < USUAL_TOKENS ? window : USUAL_TOKENS;
}

static enum status check(const struct models_show *show, struct error *err)
{
    const uint64_t most = UINT64_C(1) << 30;
    enum status status = check_range("--tokens", 0, most, show->tokens, err);
    if (status == STATUS_OK)
        status = check_range("--cached", 0, most, show->cached, err);
    if (status == STATUS_OK)
        status = check_range("--batch", 1, 1 << 20, show->batch, err);
    if (status == STATUS_OK)
        status = check_range("--context", 0, most, show->context, err);
    return status;
}

/* What is known of a model that does not fit is shown before it is refused. */
static enum status find_room(const struct models_show *show, const struct model *model,
                             const struct hardware *hardware, const struct engine_memory *engine,
                             uint64_t *budget_bytes, struct error *err)
{
    uint32_t ranks = (uint32_t)show->gpus;
    enum status status = engine_kv_budget_bytes(model, hardware, ranks, engine, budget_bytes, err);
    if (status != STATUS_OK && !show->json)
        models_print(stdout, model, hardware, ranks, engine, NULL);
    return status;
}

static enum status set(struct config_tree *tree, const char *key, const char *value,
                       struct error *err)
{
    char text[2 * CONFIG_TEXT_BYTES];
    snprintf(text, sizeof text, "%s=%s", key, value);
    return config_tree_set(tree, text, err);
}

/* What the engine's version needs of HBM on this server, and its share of it. */
static enum status load_engine(const struct models_show *show, struct hardware *hardware,
                               struct engine_memory *engine, struct timing_host *host,
                               struct error *err)
{
    struct config_tree *tree = NULL;
    struct experiment experiment;
    char gpus[32];
    snprintf(gpus, sizeof gpus, "%" PRIu64, show->gpus);
    if (config_tree_parse("{}", "models show", &tree, err) != STATUS_OK)
        return err->status;
    if (set(tree, "hardware", show->hardware, err) == STATUS_OK &&
        set(tree, "gpus", gpus, err) == STATUS_OK &&
        set(tree, "engine.version", show->engine, err) == STATUS_OK &&
        experiment_from_tree(tree, NULL, &experiment, err) == STATUS_OK) {
        *engine = experiment_memory(&experiment);
        *host = engine_host(&experiment, hardware);
        if (experiment.hbm_utilisation > 0.0)
            hardware->hbm_utilisation = experiment.hbm_utilisation;
    }
    config_tree_free(tree);
    return err->status;
}

enum status models_show(const char *name, const struct models_show *show, struct error *err)
{
    struct model model;
    struct hardware hardware;
    struct engine_memory engine = { 0 };
    struct timing_host host = { 0 };
    uint64_t budget_bytes = 0;
    if (model_load(name, &model, err) || hardware_load(show->hardware, &hardware, err) ||
        check_range("--gpus", 1, hardware.gpus, show->gpus, err) ||
        load_engine(show, &hardware, &engine, &host, err) || check(show, err) ||
        find_room(show, &model, &hardware, &engine, &budget_bytes, err))
        return err->status;
    uint32_t ranks = (uint32_t)show->gpus, batch = (uint32_t)show->batch;
    uint64_t window = model.context_window_tokens;
    struct breakdown prefill = breakdown_prefill(&model, &hardware, &host, ranks,
                                                 usual(show->tokens, window), show->cached);
    struct breakdown decode = breakdown_decode(&model, &hardware, &host, ranks, batch,
                                               batch * usual(show->context, window));
    struct kv_shape shape = model_kv_shape(&model, ranks);
    uint64_t budget_tokens =
        engine_held_tokens(&shape, engine.block_tokens, model.context_window_tokens, budget_bytes);
    if (show->json) {
        breakdown_print_json(stdout, &model, &hardware, ranks, budget_bytes, budget_tokens,
                             &prefill, &decode);
    } else {
        models_print(stdout, &model, &hardware, ranks, &engine, &host);
        breakdown_print_table(stdout, &model, &hardware, ranks, budget_tokens, &prefill, &decode);
    }
    if (show->plot == NULL)
        return STATUS_OK;
    return roofline_draw(show->plot, &model, &hardware, ranks, &prefill, &decode, err);
}
