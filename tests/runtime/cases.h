/* tests/runtime/cases.h - small architectures, and an executor with one context of consecutive
 * pages. */
#ifndef REPRISE_TESTS_RUNTIME_CASES_H
#define REPRISE_TESTS_RUNTIME_CASES_H

#include "runtime/executor.h"
#include "tests/support.h"

enum { CASE_PAGE_TOKENS = 16, CASE_PAGES = 128, CASE_SEED = 7 };

/* Grouped-query, gated (Llama, Mistral); multi-query, attention beside a plain FFN, tied (Falcon);
 * multi-head; from CASE_LATENT on latent (MLA; dense), without and with compressed queries
 * (DeepSeek-V2-Lite, -V3); and from CASE_NARROW on what stores KV narrower and sees windows. */
enum { CASE_MODELS = 8, CASE_LATENT = 3, CASE_NARROW = 5 };
struct model case_model(int i);

/* Mixtral's kind: every layer has experts, two of them a token. DeepSeek's: a dense layer first,
 * then shared experts beside three routed ones. */
enum { CASE_EXPERT_MODELS = 2 };
struct model case_expert_model(int i);

struct runtime_case {
    const struct backend *backend;
    struct device *device;
    struct executor *executor;
    struct model model;
};

/* weights may be NULL. */
struct runtime_case case_open(const struct backend *backend, const struct model *model,
                              const char *weights, bool rotated_k_stored);
void case_close(struct runtime_case *c);

/* The i-th token of every test's text. */
uint32_t case_token(const struct model *model, uint32_t i);
/* Runs tokens from .. from + new - 1 of the text as the context's tokens cached .. cached + new -
 * 1, in pages first_page, first_page + 1, ...; returns the last one's logits, the caller's to
 * free(). */
float *case_run(struct runtime_case *c, uint32_t first_page, uint32_t skip, uint32_t cached,
                uint32_t from, uint32_t new_tokens);

/* |a - b| / |b| in the Euclidean norm. */
double case_distance(const struct model *model, const float *a, const double *b);
double case_distance_f(const struct model *model, const float *a, const float *b);
/* What is called equal: the square root of the sum of squares of rounding over some hundred sums.
 */
double case_tolerance(const struct backend *backend);
/* The same for logits of a model that may store KV narrower. */
double case_tolerance_of(const struct backend *backend, const struct model *model);

#endif
