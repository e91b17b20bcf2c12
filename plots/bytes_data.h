/* plots/bytes_data.h - what moved over which link, as gnuplot's data: a bar a policy and link, by the tier at the other
 * end. Private to plots/. */
#ifndef REPRISE_PLOTS_BYTES_DATA_H
#define REPRISE_PLOTS_BYTES_DATA_H

#include "sweep/compared.h"

#include <stdio.h>

/* Writes
 *   $bytes           a row a part of a bar: place of its bar (downwards, from 0), begin and end (bytes), tier at the other
 *                    end (1 HBM, 2 DRAM, 3 SSD, 4 pool)
 *   byte_bars        how many bars; byte_place[], byte_label[], byte_total[] (bytes) of each
 *   byte_names       how many policies moved anything; byte_name_place[] and byte_name[] of each, above its bars
 *   byte_rows        how many places there are
 *   byte_tiers[]     whether the tier is in any bar
 *   byte_idle        "none": policies that moved nothing, parted by commas
 *   x_*              the axis (ticks.h)
 * A link over which a policy moved nothing has no bar. */
void bytes_data_write(FILE *out, const struct compared *compared);

#endif
