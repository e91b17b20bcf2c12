/* models/timing_mixing.h - how long a layer takes for what passes tokens on from one to another:
 * attention to everything, within a window, or the scan over a state. By kernels fitted to
 * measurements where the hardware has them (models/attention.h), else by a roofline. Private to
 * models/. All times are of the average layer on one rank, ns. */
#ifndef REPRISE_MODELS_TIMING_MIXING_H
#define REPRISE_MODELS_TIMING_MIXING_H

#include "models/models.h"

void timing_mixing_prepare(struct timing *timing, const struct model *model,
                           const struct hardware *hardware, uint32_t ranks);

/* `sequences` prompts of new_tokens each behind cached_tokens each. */
double timing_mixing_prefill_ns(const struct timing *timing, double sequences, uint64_t new_tokens,
                                uint64_t cached_tokens);

/* The same in one launch with the turns that decode beside it (0: none), all of them together. */
double timing_mixing_both_ns(const struct timing *timing, double sequences, uint64_t new_tokens,
                             uint64_t cached_tokens, uint32_t decodes, uint64_t context_tokens,
                             uint64_t window_tokens);

/* A token of each of `batch` sequences, as struct decode_time, but of one layer. */
struct decode_time timing_mixing_decode(const struct timing *timing, uint32_t batch,
                                        uint64_t context_tokens, uint64_t window_tokens);

#endif
