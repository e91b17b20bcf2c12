/* cli/progress.c - see progress.h. The host's clock is for people only: no result depends on it. */
#include "cli/progress.h"

#include "base/clock.h"
#include "base/shown.h"
#include "base/units.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DRAW_EVERY_NS (100 * NS_PER_MS)
#define TELL_EVERY_NS (10 * NS_PER_S)
#define BAR_CELLS 30
#define WIPE "\r\033[K" /* to the line's start, and clear it to its end */

void progress_start(struct progress *progress)
{
    *progress =
        (struct progress){ .shown = isatty(STDERR_FILENO) == 1, .start_ns = clock_now_ns() };
}

char *progress_line(double share, uint64_t done, const char *what, uint64_t elapsed_ns, char *out,
                    size_t out_bytes)
{
    double clamped = share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share;
    double elapsed_s = (double)elapsed_ns / (double)NS_PER_S;
    char bar[BAR_CELLS + 1], count[32], rate[32], left[32] = "?";
    int full = (int)(clamped * BAR_CELLS);
    memset(bar, '.', BAR_CELLS);
    memset(bar, '#', (size_t)full);
    bar[BAR_CELLS] = '\0';
    units_format((double)done, UNIT_PLAIN, count, sizeof count);
    units_format(elapsed_s > 0.0 ? (double)done / elapsed_s : 0.0, UNIT_PLAIN, rate, sizeof rate);
    if (clamped > 0.0)
        units_format((double)elapsed_ns * (1.0 - clamped) / clamped, UNIT_DURATION, left,
                     sizeof left);
    snprintf(out, out_bytes, "%3.0f %% [%s] %s %s, %s %s/s, %s left", clamped * 100.0, bar, count,
             what, rate, what, left);
    return out;
}

void progress_draw(struct progress *progress, double share, uint64_t done, const char *what)
{
    uint64_t now = clock_now_ns();
    if (!progress->shown || now - progress->drawn_ns < DRAW_EVERY_NS)
        return;
    char line[160];
    progress->drawn_ns = now;
    fprintf(stderr, WIPE "%s",
            progress_line(share, done, what, now - progress->start_ns, line, sizeof line));
    fflush(stderr);
}

void progress_tell(struct progress *progress, double share, uint64_t done, const char *what,
                   const char *doing)
{
    uint64_t now = clock_now_ns();
    uint64_t since = progress->drawn_ns > 0 ? progress->drawn_ns : progress->start_ns;
    if (now - since < (progress->shown ? DRAW_EVERY_NS : TELL_EVERY_NS))
        return;
    char count[32], elapsed[32], shown[91];
    shown_fit(doing, shown, sizeof shown);
    progress->drawn_ns = now;
    units_format((double)done, UNIT_PLAIN, count, sizeof count);
    units_format((double)(now - progress->start_ns), UNIT_DURATION, elapsed, sizeof elapsed);
    if (progress->shown)
        fprintf(stderr, WIPE "%3.0f %% %s %s, %s: %s", 100.0 * share, count, what, elapsed, shown);
    else
        fprintf(stderr, "%3.0f %% %s %s, %s: %s\n", 100.0 * share, count, what, elapsed, shown);
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (!progress->shown || progress->drawn_ns == 0)
        return;
    fputs(WIPE, stderr);
    fflush(stderr);
}
