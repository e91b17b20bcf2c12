/* models/timing_source.h - a timing's times in words: where they come from, how far off each part was
 * where nobody had looked, and what about the model lies outside of it. Private to models/. */
#ifndef REPRISE_MODELS_TIMING_SOURCE_H
#define REPRISE_MODELS_TIMING_SOURCE_H

#include "models/models.h"

/* Fills source and fitted_tokens, of hardware with fitted operators. The timing knows by then whether
 * its attention is fitted. */
void timing_say_source(struct timing *timing, const struct model *model,
                       const struct hardware *hardware, uint32_t ranks);

#endif
