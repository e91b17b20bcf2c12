/* plots/roofline.h - a picture of a GPU's roof and a model's operators beneath it. */
#ifndef REPRISE_PLOTS_ROOFLINE_H
#define REPRISE_PLOTS_ROOFLINE_H

#include "models/breakdown.h"

/* Draws the layers' and the head's products and attention, of a prefill and of a decode step, by
 * FLOP a byte and FLOP a second of one GPU, under the datasheet's roof and the attained one, into
 * file, whose name ends in .png or .svg. STATUS_INPUT: another name; STATUS_IO: gnuplot is missing
 * or fails, the file cannot be written. */
enum status roofline_draw(const char *file, const struct model *model,
                          const struct hardware *hardware, uint32_t ranks,
                          const struct breakdown *prefill, const struct breakdown *decode,
                          struct error *err);

#endif
