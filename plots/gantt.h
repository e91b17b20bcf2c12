/* plots/gantt.h - one turn's prefill as a picture: when each layer's KV was loaded, when the layer was computed and
 * when its new KV was saved, from the timeline that `sim` or `run` wrote (docs/timeline.md). CachedAttention's
 * figures 7 to 9 explain its overlap so; here it is what happened. */
#ifndef REPRISE_PLOTS_GANTT_H
#define REPRISE_PLOTS_GANTT_H

#include "base/error.h"

#include <stdint.h>

#define GANTT_FILES_MOST 4

/* Draws the turn of each timeline, one below the other on one scale, as timeline.png and timeline.svg in the folder;
 * turn 0: of the first timeline the one that loads most. told, which may be NULL, is told of each picture.
 * STATUS_INPUT: no such file's format; a timeline that does not tell the turn's layers. STATUS_IO: a file cannot be
 * read or written, gnuplot is missing or fails. */
enum status gantt_draw(const char *const *timeline, uint32_t files, uint64_t turn,
                       const char *folder, void (*told)(const char *path, void *context),
                       void *context, struct error *err);

#endif
