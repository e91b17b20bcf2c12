/* models/timing_range.c - see timing_range.h. */
#include "models/timing_range.h"

#include <inttypes.h>

bool timing_is_extrapolated(const struct timing *timing, uint64_t prefill_new,
                            uint64_t prefill_cached, uint32_t decode_batch)
{
    const struct measured_timing *measured = &timing->measured;
    if (!timing->is_measured)
        return timing->fitted_tokens > 0 && prefill_new + decode_batch > timing->fitted_tokens;
    return (prefill_new > 0 &&
            ((double)prefill_new > measured->new_tokens[measured->news - 1] ||
             (double)prefill_cached > measured->cached_tokens[measured->cacheds - 1])) ||
           (double)decode_batch > measured->batch[measured->batches - 1];
}

const char *timing_range_text(const struct timing *timing, char text[TIMING_RANGE_BYTES])
{
    const struct measured_timing *measured = &timing->measured;
    if (timing->is_measured)
        snprintf(text, TIMING_RANGE_BYTES, "%.0f new and %.0f cached tokens and %.0f sequences",
                 measured->new_tokens[measured->news - 1],
                 measured->cached_tokens[measured->cacheds - 1],
                 measured->batch[measured->batches - 1]);
    else
        snprintf(text, TIMING_RANGE_BYTES, "%" PRIu64 " tokens", timing->fitted_tokens);
    return text;
}
