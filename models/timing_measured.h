/* models/timing_measured.h - a timing source of measured points. Private to models/; the hardware's
 * key timing.measured names its file. */
#ifndef REPRISE_MODELS_TIMING_MEASURED_H
#define REPRISE_MODELS_TIMING_MEASURED_H

#include "models/models.h"

/* STATUS_IO: cannot be read. STATUS_INPUT: a malformed line, by its number; an incomplete grid. */
enum status measured_timing_read(const char *path, struct measured_timing *measured,
                                 struct error *err);
/* Whether the points are of this model's shape. */
bool measured_timing_of(const struct measured_timing *measured, const struct model *model);
struct prefill_time measured_timing_prefill(const struct measured_timing *measured,
                                            uint64_t new_tokens, uint64_t cached_tokens);
struct decode_time measured_timing_decode(const struct measured_timing *measured, uint32_t batch);
/* One launch of all tokens reads the weights once: a prefill of as many tokens in all, whose attention
 * is the prefill's own (as many pairs), and what the decoding turns' contexts take. The decoding turns'
 * rows of the head are not counted. */
struct prefill_time measured_timing_mixed(const struct measured_timing *measured,
                                          uint64_t prefill_new, uint64_t prefill_cached,
                                          uint32_t decode_batch, uint64_t decode_context);

#endif
