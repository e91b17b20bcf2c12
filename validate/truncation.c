/* validate/truncation.c - see truncation.h. */
#include "validate/truncation.h"

#include "base/memory.h"
#include "runtime/executor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 256, CUT = CONTEXT / 2, FRESH = 16, PAGE = 16, TEXTS = 8 };
enum { PAGES_OF_ONE = (CONTEXT + FRESH) / PAGE + 1 };

static struct model small_model(uint32_t layers)
{
    return (struct model){ .name = "small, random weights",
                           .layers = layers,
                           .hidden = 128,
                           .heads = 8,
                           .kv_heads = 8,
                           .head_dim = 16,
                           .ffn = 344,
                           .gated_ffn = true,
                           .vocabulary = 512,
                           .context_window_tokens = CONTEXT + FRESH,
                           .weight_bytes_per_parameter = 4,
                           .kv_bytes_per_value = 4 };
}

static enum status executor_of(struct device *device, const struct model *model, bool rotated,
                               struct executor **executor, struct error *err)
{
    struct executor_config config = { .backend = backend_find("host"),
                                      .device = device,
                                      .model = *model,
                                      .page_tokens = PAGE,
                                      .pages = PAGES_OF_ONE,
                                      .rows = CONTEXT,
                                      .contexts = 1,
                                      .seed = 1,
                                      .rotated_k_stored = rotated };
    return executor_new(&config, executor, err);
}

static uint32_t token(uint32_t text, uint32_t i, uint32_t vocabulary)
{
    return ((text * 4096 + i) * 2654435761U >> 8) % vocabulary;
}

/* Tokens from.. of the text behind `cached` ones whose KV lies from page first_page on; NULL:
 * nobody asks for the logits. */
static void forward(struct executor *executor, const struct model *model, uint32_t text,
                    uint32_t first_page, uint32_t cached, uint32_t from, uint32_t count,
                    float *logits)
{
    uint32_t pages[PAGES_OF_ONE], tokens[CONTEXT];
    for (uint32_t i = 0; i < PAGES_OF_ONE; i++)
        pages[i] = first_page + i;
    for (uint32_t i = 0; i < count; i++)
        tokens[i] = token(text, from + i, model->vocabulary);
    struct sequence sequence = { .pages = pages,
                                 .page_count = (cached + count + PAGE - 1) / PAGE,
                                 .cached_tokens = cached,
                                 .new_tokens = count };
    executor_forward(executor, &sequence, 1, tokens);
    if (logits != NULL)
        executor_logits(executor, 1, logits);
}

/* The fresh tokens' last logits behind a context whose oldest CUT tokens' KV was cut off. */
static void truncated(struct executor *executor, const struct model *model, uint32_t text,
                      float *logits)
{
    forward(executor, model, text, 0, 0, 0, CONTEXT, NULL);
    forward(executor, model, text, CUT / PAGE, CONTEXT - CUT, CONTEXT, FRESH, logits);
}

/* The same with the rest of the context computed again. */
static void recomputed(struct executor *executor, const struct model *model, uint32_t text,
                       float *logits)
{
    forward(executor, model, text, 0, 0, CUT, CONTEXT - CUT + FRESH, logits);
}

static double distance(const struct model *model, const float *logits, const float *truth)
{
    double difference = 0.0, length = 0.0;
    for (uint32_t i = 0; i < model->vocabulary; i++) {
        double off = (double)logits[i] - (double)truth[i];
        difference += off * off;
        length += (double)truth[i] * (double)truth[i];
    }
    return sqrt(difference / length);
}

static void compare(struct executor *plain, struct executor *rotated, const struct model *model,
                    struct paper_truncation *truncation)
{
    float *truth = memory_new(model->vocabulary, sizeof *truth);
    float *logits = memory_new(model->vocabulary, sizeof *logits);
    truncation->decoupled = truncation->naive = 0.0;
    for (uint32_t text = 0; text < TEXTS; text++) {
        recomputed(plain, model, text, truth);
        truncated(plain, model, text, logits);
        truncation->decoupled += distance(model, logits, truth) / TEXTS;
        truncated(rotated, model, text, logits);
        truncation->naive += distance(model, logits, truth) / TEXTS;
    }
    free(truth);
    free(logits);
}

enum status truncation_measure(struct paper_truncation *truncation, struct error *err)
{
    struct model model = small_model(truncation->layers);
    struct backend_config config = { .hbm_bytes = 256 << 20, .dram_bytes = 1 << 20, .threads = 1 };
    struct device *device = NULL;
    struct executor *plain = NULL, *rotated = NULL;
    enum status status = backend_find("host")->open(&config, &device, err);
    if (status != STATUS_OK)
        return status;
    status = executor_of(device, &model, false, &plain, err);
    if (status == STATUS_OK)
        status = executor_of(device, &model, true, &rotated, err);
    if (status == STATUS_OK)
        compare(plain, rotated, &model, truncation);
    executor_free(rotated);
    executor_free(plain);
    backend_find("host")->close(device);
    return status;
}
