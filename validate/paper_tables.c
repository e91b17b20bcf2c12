/* validate/paper_tables.c - what tables 1 and 2 are about, on the runtime's own attention: after
 * the oldest half of a context is cut off, KV stored before position encoding (decoupled) still
 * gives what computing the rest again gives; KV stored with positions in it does not.
 *
 * Logits, not perplexity: the weights are random, since none are shipped. Both kinds of truncated
 * KV also remember what was cut (deeper layers' KV was made with it), and recomputing does not;
 * with one layer nothing is remembered, and decoupled truncation must be recomputing up to
 * rounding. */
#include "base/memory.h"
#include "runtime/executor.h"
#include "validate/paper_plan.h"

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
    struct executor_config config = { .backend = backend_at(0),
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

/* Distances to recomputing, of the length of its logits; means over texts. */
struct errors {
    double decoupled, naive;
};

static struct errors compare(struct executor *plain, struct executor *rotated,
                             const struct model *model)
{
    struct errors errors = { 0 };
    float *truth = memory_new(model->vocabulary, sizeof *truth);
    float *logits = memory_new(model->vocabulary, sizeof *logits);
    for (uint32_t text = 0; text < TEXTS; text++) {
        recomputed(plain, model, text, truth);
        truncated(plain, model, text, logits);
        errors.decoupled += distance(model, logits, truth) / TEXTS;
        truncated(rotated, model, text, logits);
        errors.naive += distance(model, logits, truth) / TEXTS;
    }
    free(truth);
    free(logits);
    return errors;
}

static struct errors measure(struct paper *paper, uint32_t layers)
{
    struct model model = small_model(layers);
    struct backend_config config = { .hbm_bytes = 256 << 20, .dram_bytes = 1 << 20, .threads = 1 };
    struct device *device = NULL;
    struct executor *plain = NULL, *rotated = NULL;
    struct errors errors = { NAN, NAN };
    if (backend_at(0)->open(&config, &device, &paper->err) != STATUS_OK)
        return errors;
    if (executor_of(device, &model, false, &plain, &paper->err) == STATUS_OK &&
        executor_of(device, &model, true, &rotated, &paper->err) == STATUS_OK)
        errors = compare(plain, rotated, &model);
    executor_free(rotated);
    executor_free(plain);
    backend_at(0)->close(device);
    return errors;
}

static void truncation(struct paper *paper)
{
    static const uint32_t depths[] = { 1, 4 };
    if (!paper->reporting)
        return;
    paper_row(paper, "", paper_published(paper, "tables.decoupled_difference_most"), NAN,
              "perplexity: decoupled KV truncated, against recomputing (at most)");
    paper_row(paper, "", paper_published(paper, "tables.naive_least"), NAN,
              "perplexity: KV truncated with its positions (at least)");
    for (int i = 0; i < 2; i++) {
        struct errors errors = measure(paper, depths[i]);
        paper_row(paper, "%", NAN, 100.0 * errors.decoupled,
                  "logits off recomputing, decoupled KV truncated, layers: %u", depths[i]);
        paper_row(paper, "%", NAN, 100.0 * errors.naive,
                  "logits off recomputing, KV with positions truncated, layers: %u", depths[i]);
        if (depths[i] == 1)
            paper_check(paper, errors.decoupled < 1e-5 && errors.naive > 1e-2,
                        "one layer: decoupled truncation is recomputing, naive is not",
                        "logits off by %.1e and by %.1e of their length", errors.decoupled,
                        errors.naive);
        else
            paper_check(paper, errors.decoupled < errors.naive,
                        "more layers: decoupled truncation is nearer to recomputing than naive",
                        "logits off by %.2f and by %.2f of their length", errors.decoupled,
                        errors.naive);
    }
}

const struct paper_part paper_tables = {
    .name = "tables",
    .title = "Tables 1 and 2: truncated KV",
    .note = "On the runtime's own attention, a small model of random weights: its logits after the "
            "oldest half was cut off, against computing the rest again. Perplexity needs trained "
            "weights and was not run.",
    .work = truncation,
};
