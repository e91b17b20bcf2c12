/* plots/gantt.h - one turn's prefill as a picture: when each layer's KV was loaded, when the layer was computed and
 * when its new KV was saved, from the timeline that `sim` or `run` wrote (docs/timeline.md). CachedAttention's
 * figures 7 to 9 explain its overlap so; here it is what happened. */
#ifndef REPRISE_PLOTS_GANTT_H
#define REPRISE_PLOTS_GANTT_H

#include "base/error.h"
#include "plots/gantt_blocks.h"

#include <stdbool.h>
#include <stdint.h>

#define GANTT_FILES_MOST 4

/* One turn in a picture: at most GANTT_FILES_MOST in one. */
struct gantt_panel {
    const struct timeline_turn *turn; /* the caller's */
    char title[GANTT_TEXT_BYTES];
};

/* Draws turns one below the other on one scale into path, PNG or SVG as its name ends. small: for a page that is
 * read on phones too. what: the option that path is from. STATUS_INPUT: another ending; STATUS_IO: gnuplot or the
 * file. */
enum status gantt_draw_turns(const struct gantt_panel *panel, uint32_t panels, bool small,
                             const char *what, const char *path, struct error *err);

/* Draws a turn of the first timeline, and the same turn of the same session of each other one, as timeline.png and
 * timeline.svg in the folder; turn 0: the one of the first that loads most. told, which may be NULL, is told of each picture.
 * STATUS_INPUT: no such file's format; a timeline that does not tell the turn's layers. STATUS_IO: a file cannot be
 * read or written, gnuplot is missing or fails. */
enum status gantt_draw(const char *const *timeline, uint32_t files, uint64_t turn,
                       const char *folder, void (*told)(const char *path, void *context),
                       void *context, struct error *err);

#endif
