/* cli/progress.h - one line on a terminal's stderr: how far, how fast, how long yet. Silent where
 * stderr is no terminal. */
#ifndef REPRISE_CLI_PROGRESS_H
#define REPRISE_CLI_PROGRESS_H

#include <stdint.h>

struct progress;

/* runs: how many parts the work has, each told by its number. */
struct progress *progress_new(uint32_t runs);
/* Part `run` has done `turns` turns, which is `share` of it. Any thread; draws ten times a second. */
void progress_tell(struct progress *progress, uint32_t run, uint64_t turns, double share);
/* Wipes the line. */
void progress_free(struct progress *progress);

#endif
