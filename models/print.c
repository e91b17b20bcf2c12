/* models/print.c - a model on a server, for people: `reprise models show`. */
#include "base/units.h"
#include "models/hbm.h"
#include "models/models.h"

#include <inttypes.h>

#define QUANTITY_BYTES 32

static void print_quantity(FILE *out, const char *label, double value, enum unit_kind kind)
{
    char text[QUANTITY_BYTES];
    fprintf(out, "  %-32s %s\n", label, units_format(value, kind, text, sizeof text));
}

/* What is not the same in every layer. */
static void print_kinds(FILE *out, const struct model *model, uint32_t ranks)
{
    struct kv_shape shape = model_kv_shape(model, ranks);
    if (model->window_layers > 0) {
        print_quantity(out, "of it in layers with a window", (double)shape.window_bytes,
                       UNIT_BYTES);
        fprintf(out, "  %-32s %" PRIu32 " of %" PRIu32 " see %" PRIu32 " tokens\n",
                "attention layers", model->window_layers, model_attention_layers(model),
                model->window_tokens);
    }
    if (model->state_layers > 0) {
        print_quantity(out, "state per sequence, all GPUs", (double)shape.state_bytes, UNIT_BYTES);
        fprintf(out, "  %-32s %" PRIu32 " of %" PRIu32 "\n", "layers with a state",
                model->state_layers, model->layers);
    }
}

/* More than a sequence's own: what ranks hold the same of. */
static void print_copies(FILE *out, const struct model *model, uint32_t ranks)
{
    uint64_t one = model_kv_bytes_per_token(model, 1), all = model_kv_bytes_per_token(model, ranks);
    char text[QUANTITY_BYTES];
    if (all <= one)
        return;
    units_format((double)one, UNIT_BYTES, text, sizeof text);
    bool latent = model->attention == ATTENTION_LATENT;
    fprintf(out, "  %-32s %.3g, of %s: %s\n", "which is copies", (double)all / (double)one, text,
            latent ? "each GPU holds all of MLA's" : "fewer KV heads than GPUs");
}

static void print_model(FILE *out, const struct model *model, uint32_t ranks)
{
    fprintf(out, "%s\n  %s\n", model->name, model->source);
    if (model->notes[0] != '\0')
        fprintf(out, "  %s\n", model->notes);
    print_quantity(out, "parameters", (double)model_parameters(model), UNIT_PLAIN);
    print_quantity(out, "multiplied with per token", (double)model_active_parameters(model),
                   UNIT_PLAIN);
    print_quantity(out, "weights, all GPUs", (double)model_weight_bytes(model, ranks), UNIT_BYTES);
    print_quantity(out, "KV per token, all GPUs", (double)model_kv_bytes_per_token(model, ranks),
                   UNIT_BYTES);
    print_copies(out, model, ranks);
    print_kinds(out, model, ranks);
    fprintf(out, "  %-32s %" PRIu32 " tokens\n", "context window", model->context_window_tokens);
}

static void print_hardware(FILE *out, const struct hardware *hardware)
{
    fprintf(out, "%s\n  %s\n", hardware->name, hardware->source);
    fprintf(out, "  %-32s %" PRIu32 "\n", "GPUs in the server", hardware->gpus);
    print_quantity(out, "HBM per GPU", (double)hardware->hbm_bytes, UNIT_BYTES);
    print_quantity(out, "HBM rate per GPU", hardware->hbm_bytes_per_s, UNIT_BYTES_PER_S);
    print_quantity(out, "peak per GPU", hardware->flop_per_s, UNIT_FLOP_PER_S);
    print_quantity(out, "DRAM for KV", (double)hardware->dram_bytes, UNIT_BYTES);
    print_quantity(out, "SSD for KV", (double)hardware->ssd_bytes, UNIT_BYTES);
    print_quantity(out, "SSD read", hardware->ssd_read_bytes_per_s, UNIT_BYTES_PER_S);
    print_quantity(out, "SSD write", hardware->ssd_write_bytes_per_s, UNIT_BYTES_PER_S);
}

static double link_bytes_per_s(const struct hardware *hardware, uint32_t ranks)
{
    double gpus_in_use = ranks * hardware->h2d_bytes_per_s_per_gpu;
    return gpus_in_use < hardware->h2d_bytes_per_s ? gpus_in_use : hardware->h2d_bytes_per_s;
}

/* Loading beside computing is what a cache of KV stands or falls by. */
static void print_prefill(FILE *out, const struct model *model, const struct hardware *hardware,
                          const struct timing *timing, uint32_t ranks)
{
    double kv_bytes = (double)model_kv_bytes_per_token(model, ranks);
    double link = link_bytes_per_s(hardware, ranks);
    fprintf(out, "  %-12s %14s %14s\n", "tokens", "prefill", "load their KV");
    for (uint64_t tokens = 512; tokens <= model->context_window_tokens; tokens *= 2) {
        struct prefill_time time = timing_prefill(timing, tokens, 0);
        char computed[QUANTITY_BYTES], loaded[QUANTITY_BYTES] = "no link";
        units_format((double)(timing->layers * time.layer_ns + time.overhead_ns), UNIT_DURATION,
                     computed, sizeof computed);
        if (link > 0)
            units_format((double)tokens * kv_bytes / link * (double)NS_PER_S, UNIT_DURATION, loaded,
                         sizeof loaded);
        fprintf(out, "  %-12" PRIu64 " %14s %14s\n", tokens, computed, loaded);
    }
}

static void print_decode(FILE *out, const struct timing *timing)
{
    static const uint32_t batches[] = { 1, 8, 24, 64, 256 };
    const uint64_t context_tokens = 1024;
    fprintf(out, "  %-12s %14s\n", "batch", "decode, 1,024 tokens of context each");
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        const uint64_t context = batches[i] * context_tokens;
        const uint64_t window = batches[i] * timing_window_context(timing, context_tokens);
        struct decode_time time = timing_decode(timing, batches[i], context, window);
        char text[QUANTITY_BYTES];
        units_format(decode_time_ns(&time, context, window), UNIT_DURATION, text, sizeof text);
        fprintf(out, "  %-12" PRIu32 " %14s\n", batches[i], text);
    }
}

/* What the hardware's file reserves is no estimate. */
static void print_budget(FILE *out, const struct model *model, const struct hardware *hardware,
                         uint32_t ranks, const struct engine_memory *engine, uint64_t budget_bytes)
{
    bool derived = hardware->hbm_reserved_bytes == HBM_RESERVED_DERIVED;
    print_quantity(out, "HBM that the engine needs per GPU",
                   (double)engine_reserved_bytes(model, hardware, ranks, engine), UNIT_BYTES);
    print_quantity(out, "HBM for KV", (double)budget_bytes, UNIT_BYTES);
    struct kv_shape shape = model_kv_shape(model, ranks);
    uint32_t block = engine_state_block_tokens(model, ranks, engine->state_block_multiple);
    if (block > engine->block_tokens)
        fprintf(out, "  %-32s %" PRIu32 " tokens, whose KV in a layer holds a state\n",
                "block of the engine", block);
    char contexts[64] = "";
    if (shape.window_bytes > 0 || shape.state_bytes > 0)
        snprintf(contexts, sizeof contexts, " in contexts of %" PRIu32,
                 model->context_window_tokens);
    fprintf(out, "  %-32s %" PRIu64 " tokens%s%s\n", "which holds",
            engine_held_tokens(&shape, engine->block_tokens, model->context_window_tokens,
                               budget_bytes),
            contexts, derived ? ", an estimate: " ENGINE_KV_ERROR : "");
}

void models_print(FILE *out, const struct model *model, const struct hardware *hardware,
                  uint32_t ranks, const struct engine_memory *engine,
                  const struct timing_host *host)
{
    struct error err = { 0 };
    uint64_t budget_bytes;
    bool fits =
        engine_kv_budget_bytes(model, hardware, ranks, engine, &budget_bytes, &err) == STATUS_OK;
    /* Where heads cannot be shared out over so many GPUs, as one GPU holds it. */
    struct error none = { 0 };
    bool shared_out = model_check_ranks(model, hardware, ranks, &none) == STATUS_OK;
    print_model(out, model, shared_out ? ranks : 1);
    print_hardware(out, hardware);
    if (!fits) {
        fprintf(out, "does not run on %" PRIu32 " of its GPUs: expected %s, found %s\n", ranks,
                err.expected, err.found);
        return;
    }
    struct timing timing = timing_new(model, hardware, ranks);
    if (host != NULL)
        timing_set_host(&timing, *host);
    fprintf(out, "on %" PRIu32 " of its GPUs, times by %s\n", ranks, timing.source);
    print_budget(out, model, hardware, ranks, engine, budget_bytes);
    print_prefill(out, model, hardware, &timing, ranks);
    print_decode(out, &timing);
}
