/* plots/ticks.h - an axis' extent and ticks with labels that people read: "30 s", "2 min", "40k".
 * gnuplot's own count in powers of ten of one unit. Private to plots/. */
#ifndef REPRISE_PLOTS_TICKS_H
#define REPRISE_PLOTS_TICKS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TICKS_MOST 16

enum tick_kind { TICK_PLAIN, TICK_DURATION /* ns */, TICK_SHARE, TICK_BYTES };

struct ticks {
    double low, high;
    bool logarithmic;
    uint32_t count;
    double at[TICKS_MOST];
    char label[TICKS_MOST][24];
};

/* An axis that shows least..most, finite and not below 0, with some room: logarithmic where they
 * are far apart and above 0, else from 0 (or from below least, where from_zero is not asked). */
struct ticks ticks_make(enum tick_kind kind, double least, double most, bool from_zero);
enum tick_kind ticks_kind(int metric);

/* As gnuplot's variables NAME_low, NAME_high, NAME_log, NAME_count and arrays NAME_at, NAME_label.
 */
void ticks_write(FILE *out, const char *name, const struct ticks *ticks);

/* NAME = "text" for a tick: gnuplot takes those for formats, in which % has a meaning. */
void ticks_put_label(FILE *out, const char *name, const char *text);

#endif
