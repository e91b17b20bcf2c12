/* cli/progress.h - one line on a terminal's standard error, drawn again at most ten times a second.
 * Where standard error is no terminal nothing is printed, but for what progress_tell() says. */
#ifndef REPRISE_CLI_PROGRESS_H
#define REPRISE_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    bool shown;
    uint64_t start_ns, drawn_ns; /* of a clock that never goes back */
};

void progress_start(struct progress *progress);
/* share in [0, 1] of the work is done: `done` of what is counted in `what` ("turns", "runs"). */
void progress_draw(struct progress *progress, double share, uint64_t done, const char *what);
/* The same, of work whose pieces differ: says which is under way. Where standard error is no terminal,
 * that is a line of its own, every ten seconds. */
void progress_tell(struct progress *progress, double share, uint64_t done, const char *what,
                   const char *now);
void progress_end(struct progress *progress); /* wipes the line */

/* The line, "  43 % [####......] 120k turns, 35.2k turns/s, 12.0 s left"; returns out. */
char *progress_line(double share, uint64_t done, const char *what, uint64_t elapsed_ns, char *out,
                    size_t out_bytes);

#endif
