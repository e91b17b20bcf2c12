/* plots/plot_data.h - what a comparison's pictures show, as gnuplot's variables and data blocks.
 * Private to plots/. */
#ifndef REPRISE_PLOTS_PLOT_DATA_H
#define REPRISE_PLOTS_PLOT_DATA_H

#include "base/error.h"
#include "sweep/compared_store.h"

#include <stdint.h>
#include <stdio.h>

/* More policies than this in one picture nobody can tell apart. */
#define PLOT_POLICIES_MAX 12

/* Writes runs (how many policies) and seeds, and of each policy 1..runs:
 *   policy[i]        its label
 *   $ttft_i          seconds, share of turns; of several seeds the mean time of each share
 *   $hits_i          hours, then tokens from HBM, DRAM, SSD, computed, and from the remote pool; of the first seed
 *   arriving[i]      hours to the last arrival of that; -1: not known
 *   cut[i]           1: there it ends, though more was served; 0: too little would be left
 *   $summary         a row a policy: mean and P99 TTFT (s), the percentages of its tokens' KV that came from HBM, DRAM,
 *                    SSD and the remote pool, and that was computed; $ per million tokens, busy; half widths of the
 *                    95 % intervals of the first two and of the last over seeds, 0 where there are none
 *   curve_of[i]      the first policy whose TTFT is distributed as policy i's, within 2 % of the turns; how many
 *                    are is in curve_runs[]
 * and curves (different ones), first_seed, ttft_least, ttft_most, hours_most: what the axes must reach; pool: 1 if some
 * run found KV in a remote pool; time_*: ticks of $hits_i's axis in ns (ticks.h). $bytes and its variables: bytes_data.h.
 * A block without data has no lines, and what it would reach is 0. */
enum status plot_data_write(FILE *out, struct store *store, const struct compared_kept *kept,
                            struct error *err);

#endif
