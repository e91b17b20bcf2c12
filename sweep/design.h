/* sweep/design.h - which points of the axes' space a sweep visits.
 * Grid: every combination. Random: each axis drawn by itself. Latin hypercube (McKay, Beckman and
 * Conover, 1979): N samples in which each axis visits each N-th of its span once. The same seed
 * gives the same points on any machine (base/random.h). */
#ifndef REPRISE_SWEEP_DESIGN_H
#define REPRISE_SWEEP_DESIGN_H

#include "base/error.h"
#include "sweep/axis.h"

#include <stdint.h>

enum design_kind { DESIGN_GRID, DESIGN_RANDOM, DESIGN_LATIN_HYPERCUBE };

struct design {
    enum design_kind kind;
    uint64_t samples; /* not of a grid */
    uint64_t seed;    /* not of a grid */
};

#define DESIGN_POINTS_MOST 100000

/* Point p takes value[p * axes + a] on axis a, as --set takes it. In a grid the last axis changes
 * fastest. */
struct points {
    uint32_t count, axes;
    char **value;
};

/* STATUS_INPUT: too many points, or a grid over a range without a number of values. Whatever is
 * returned, *points is the caller's to points_free(). */
enum status design_points(const struct design *design, const struct axis *axes, uint32_t axis_count,
                          struct points *points, struct error *err);
void points_free(struct points *points);

#endif
