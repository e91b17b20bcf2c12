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
uint32_t reference_context(const struct reference *reference);
/* Drops the oldest tokens' K (not yet rotated) and V: those that stay count their positions anew.
 */
void reference_cut(struct reference *reference, uint32_t tokens);

#endif
