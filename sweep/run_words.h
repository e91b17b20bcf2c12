/* sweep/run_words.h - what a run gives in one sentence, for whoever reads no further. */
#ifndef REPRISE_SWEEP_RUN_WORDS_H
#define REPRISE_SWEEP_RUN_WORDS_H

#include "sim/engine/metrics.h"

#include <stddef.h>

#define RUN_WORDS_BYTES 512

/* "the first token comes after 97.3 ms (mean; P99 1.15 s); 100 % of the history was reused: 39 % from HBM,
 * 61 % from DRAM; a million tokens cost $0.236 of busy server, $0.146 of a rented one."; rented where the
 * prices tell. To be put behind the run's name. Returns out, of RUN_WORDS_BYTES. */
char *run_words(const struct metrics *metrics, char *out);

#endif
