/* models/timing_range.h - whether an iteration lies within what a timing was fitted or measured on.
 * Beyond, times are continued as lines: plausible, and nobody has looked. */
#ifndef REPRISE_MODELS_TIMING_RANGE_H
#define REPRISE_MODELS_TIMING_RANGE_H

#include "models/models.h"

#define TIMING_RANGE_BYTES 80

/* Fitted operators: more tokens in the iteration, of prefill and decode together, than were
 * measured. Times measured on the machine: more new or cached tokens in a prefill, or more
 * sequences in a decode step. An analytic roofline has no range: false. */
bool timing_is_extrapolated(const struct timing *timing, uint64_t prefill_new,
                            uint64_t prefill_cached, uint32_t decode_batch);

/* That range in words: "4096 tokens"; returns text. */
const char *timing_range_text(const struct timing *timing, char text[TIMING_RANGE_BYTES]);

#endif
