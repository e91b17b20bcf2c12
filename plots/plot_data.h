/* plots/plot_data.h - what a comparison's pictures show, as gnuplot's variables and data blocks.
 * Private to plots/. */
#ifndef REPRISE_PLOTS_PLOT_DATA_H
#define REPRISE_PLOTS_PLOT_DATA_H

#include "base/error.h"
#include "validate/store/store.h"

#include <stdint.h>
#include <stdio.h>

/* More runs than this in one picture nobody can tell apart. */
#define PLOT_RUNS_MAX 12

/* Writes, of each run 1..runs:
 *   policy[i]        its label
 *   $ttft_i          seconds, share of turns
 *   $hits_i          hours, then tokens from HBM, DRAM, SSD, computed, and from the remote pool
 *   $bytes           a row a run: bytes of load DRAM-HBM, load SSD-HBM, fetch SSD-DRAM,
 *                    save HBM-DRAM, save HBM-SSD, demote DRAM-SSD
 *   $summary         a row a run: mean and P99 TTFT (s), the percentages of its tokens' KV that came from
 *                    HBM, DRAM, SSD and the remote pool, and that was computed; $ per million tokens, busy
 *   curve_of[i]      the first run whose TTFT is distributed as run i's, within 2 % of the turns; how many
 *                    are is in curve_runs[]
 * and curves (different ones), ttft_least, ttft_most, hours_most, bytes_most (on one link): what the axes must reach; pool: 1 if
 * some run found KV in a remote pool.
 * A block without data has no lines, and what it would reach is 0. */
enum status plot_data_write(FILE *out, struct store *store, const int64_t *ids, uint32_t runs,
                            struct error *err);

/* Writes text as gnuplot's string; text must hold no control characters. */
void plot_data_write_text(FILE *out, const char *text);

#endif
