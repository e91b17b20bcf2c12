/* models/timing_surface.c - see timing_surface.h. */
#include "models/timing_surface.h"

/* Place i of 2, 3, 4, 6, 8, 12, ...: whole numbers, so that no machine rounds them otherwise. */
static uint64_t place_value(uint32_t place)
{
    return (UINT64_C(2) + place % 2) << (place / 2);
}

/* The last place whose value is at most `value` >= 2. */
static uint32_t place_at(uint64_t value)
{
    uint32_t power = 63U - (uint32_t)__builtin_clzll(value);
    return 2 * (power - 1) + (uint32_t)(value >> (power - 1) & 1U);
}

/* Of the batch the first place is 1. */
static uint64_t batch_value(uint32_t place)
{
    return place == 0 ? 1 : place_value(place - 1);
}

void timing_surface_fill(struct timing_surface *surface, timing_surface_ns *ns, const void *what)
{
    for (uint32_t b = 0; b < TIMING_BATCH_PLACES; b++)
        for (uint32_t c = 0; c < TIMING_CONTEXT_PLACES; c++) {
            uint64_t batch = batch_value(b), tokens = place_value(c);
            /* Each sequence has a token at least. */
            surface->ns[b][c] = ns(what, (double)batch, (double)(tokens > batch ? tokens : batch));
        }
}

/* Between two places of the batch a line; beyond the last as there. */
static double at_batch(const struct timing_surface *surface, uint32_t batch, uint32_t context_place)
{
    uint32_t place = batch < 2 ? 0 : place_at(batch) + 1;
    if (place >= TIMING_BATCH_PLACES - 1)
        return surface->ns[TIMING_BATCH_PLACES - 1][context_place] * batch /
               (double)batch_value(TIMING_BATCH_PLACES - 1);
    double low = (double)batch_value(place), high = (double)batch_value(place + 1);
    double into = (batch - low) / (high - low);
    return surface->ns[place][context_place] +
           into * (surface->ns[place + 1][context_place] - surface->ns[place][context_place]);
}

struct timing_line timing_surface_line(const struct timing_surface *surface, uint32_t batch,
                                       uint64_t tokens, uint64_t growth)
{
    uint64_t seen = tokens < 2 ? 2 : tokens;
    uint32_t place = place_at(seen), last = TIMING_CONTEXT_PLACES - 2;
    struct timing_line line = { .repeats = UINT64_MAX };
    if (place < last)
        line.repeats = (place_value(place + 1) - seen - 1) / growth + 1;
    else
        place = last;
    double low = (double)place_value(place), high = (double)place_value(place + 1);
    double first_ns = at_batch(surface, batch, place);
    line.slope_ns = (at_batch(surface, batch, place + 1) - first_ns) / (high - low);
    line.base_ns = first_ns - low * line.slope_ns;
    return line;
}
