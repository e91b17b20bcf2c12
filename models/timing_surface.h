/* models/timing_surface.h - a time over a batch and its tokens of context, as a table that is read
 * in tens of ns and is linear in the tokens between two places. Private to models/. */
#ifndef REPRISE_MODELS_TIMING_SURFACE_H
#define REPRISE_MODELS_TIMING_SURFACE_H

#include "models/models.h"

/* ns(what, batch, tokens) at each place. */
typedef double timing_surface_ns(const void *what, double batch, double tokens);
void timing_surface_fill(struct timing_surface *surface, timing_surface_ns *ns, const void *what);

/* The line at `tokens`, ns = base_ns + tokens * slope_ns, and how many iterations it holds for that
 * each add `growth` >= 1 tokens, the first included. batch >= 1. */
struct timing_line {
    double base_ns, slope_ns;
    uint64_t repeats;
};
struct timing_line timing_surface_line(const struct timing_surface *surface, uint32_t batch,
                                       uint64_t tokens, uint64_t growth);

#endif
