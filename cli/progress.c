/* cli/progress.c - the progress line. The host's clock is read here and nowhere near a simulation. */
#include "cli/progress.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct part {
    uint64_t turns;
    double share;
};

struct progress {
    pthread_mutex_t lock;
    bool shown;
    double began_s, drawn_s;
    uint32_t runs;
    struct part *part;
};

static double clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

struct progress *progress_new(uint32_t runs)
{
    struct progress *progress = memory_new(1, sizeof *progress);
    pthread_mutex_init(&progress->lock, NULL);
    progress->shown = isatty(STDERR_FILENO) == 1;
    progress->began_s = progress->drawn_s = clock_s();
    progress->runs = runs;
    progress->part = memory_new(runs, sizeof *progress->part);
    return progress;
}

static void draw(const struct progress *progress, double now_s)
{
    enum { WIDTH = 30 };
    double share = 0.0, turns = 0.0, elapsed_s = now_s - progress->began_s;
    for (uint32_t i = 0; i < progress->runs; i++) {
        share += progress->part[i].share / progress->runs;
        turns += (double)progress->part[i].turns;
    }
    share = share < 1.0 ? share : 1.0;
    char bar[WIDTH + 1];
    for (int i = 0; i < WIDTH; i++)
        bar[i] = (double)i < share * WIDTH ? '#' : '.';
    bar[WIDTH] = '\0';
    fprintf(stderr, "\r[%s] %3.0f %%  %.0f turns/s  ", bar, 100.0 * share, turns / elapsed_s);
    if (share > 0.01)
        fprintf(stderr, "%.0f s left  ", elapsed_s * (1.0 - share) / share);
    fflush(stderr);
}

void progress_tell(struct progress *progress, uint32_t run, uint64_t turns, double share)
{
    if (!progress->shown)
        return;
    pthread_mutex_lock(&progress->lock);
    progress->part[run] = (struct part){ turns, share };
    double now_s = clock_s();
    if (now_s - progress->drawn_s >= 0.1) {
        progress->drawn_s = now_s;
        draw(progress, now_s);
    }
    pthread_mutex_unlock(&progress->lock);
}

void progress_free(struct progress *progress)
{
    if (progress->shown)
        fprintf(stderr, "\r%78s\r", "");
    pthread_mutex_destroy(&progress->lock);
    free(progress->part);
    free(progress);
}
