/* tests/runtime/reference.h - a transformer as one would write it on a blackboard, in double, one
 * token and one head at a time: what the executor is compared with. Shares nothing with it but the
 * weights. */
#ifndef REPRISE_TESTS_RUNTIME_REFERENCE_H
#define REPRISE_TESTS_RUNTIME_REFERENCE_H

#include "models/models.h"

struct reference;

struct reference *reference_new(const struct model *model, const char *weights, uint64_t seed);
void reference_free(struct reference *reference);

/* Appends the token to the context and gives the logits that follow it (the reference's own
 * memory). */
const double *reference_token(struct reference *reference, uint32_t token);
/* The same, but in layers with experts the token goes through those of chosen, [layer]
 * [experts_per_token], weighted by their own scores. Experts differ: where two have all but the
 * same score, a rounding makes another choice and so another result, and neither is wrong. So a
 * device's result is compared with that of its choice, and its choice by reference_gap(). */
const double *reference_token_through(struct reference *reference, uint32_t token,
                                      const uint32_t *chosen);
/* Of all choices that it was told: the most by which an expert that was left out scored above one
 * that was taken. 0: it would have chosen the same. Scores have a deviation of about 1. */
double reference_gap(const struct reference *reference);
uint32_t reference_context(const struct reference *reference);
/* Drops the oldest tokens' K (not yet rotated) and V: those that stay count their positions anew.
 */
void reference_cut(struct reference *reference, uint32_t tokens);

#endif
