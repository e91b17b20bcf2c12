/* tests/sim/plain_server.h - a server and a model whose every time is a round number, so that a run
 * can be worked out on paper:
 *   KV             1,000 bytes a token, in 10 layers
 *   a prefill      100 us and 10 us for each token that is computed, whatever is cached
 *   a decode step  1 ms, whatever the batch; by ./context.yaml 10 us more for each token of context
 *   DRAM to HBM    1 us a token, and as much back; no latency
 *   SSD            2 us a token to read, 4 us to write; no latency
 *   prices         $3.60 an hour for a GPU and for a GB of DRAM, $0.36 for a GB of SSD: 10^-12 and
 *                  10^-13 dollars a ns; by ./owned.yaml a GPU is also sold, for $100 a month
 * By ./broken.yaml the SSD moves nothing, by ./narrow.yaml DRAM to HBM takes 20 us a token. Times are measured up to 1,001 new tokens. */
#ifndef REPRISE_TESTS_SIM_PLAIN_SERVER_H
#define REPRISE_TESTS_SIM_PLAIN_SERVER_H

#include "sim/engine/metrics.h"

/* The files, in a new folder that is the working one: model=./model.yaml. And they are gone. As
 * fixtures of a TCase. */
void plain_server_write(void);
void plain_server_remove(void);

/* What serves the turns, rows of a session CSV without its heading, on one GPU under LRU, with 1 GB of
 * DRAM and no SSD; a prefill waits for all of its KV, nothing is warm-up, nothing expires. settings,
 * parted by blanks, are laid over that. */
struct metrics plain_server_run(const char *turns, const char *settings);

#endif
