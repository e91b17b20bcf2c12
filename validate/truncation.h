/* validate/truncation.h - what cutting a context's oldest half off does to what follows, on the
 * runtime's own attention: KV stored before position encoding (decoupled) still gives what
 * computing the rest again gives; KV stored with positions in it does not.
 *
 * Logits, not perplexity: the weights are random, since none are shipped. Both kinds of truncated
 * KV also remember what was cut (deeper layers' KV was made with it), and recomputing does not. */
#ifndef REPRISE_VALIDATE_TRUNCATION_H
#define REPRISE_VALIDATE_TRUNCATION_H

#include "validate/paper/paper.h"

/* Fills in the errors of a model of that many layers. STATUS_IO: no memory for the device. */
enum status truncation_measure(struct paper_truncation *truncation, struct error *err);

#endif
