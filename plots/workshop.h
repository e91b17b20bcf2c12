/* plots/workshop.h - where drawing happens: in a folder of its own, that nobody else reads or writes, from which pictures go
 * to their places when they are whole. gnuplot is told names of ours alone, not those of the user's files. Private to plots/,
 * but for making the pictures' folder. */
#ifndef REPRISE_PLOTS_WORKSHOP_H
#define REPRISE_PLOTS_WORKSHOP_H

#include "base/error.h"
#include "base/scratch.h"
#include "base/whole_file.h"

#include <stdio.h>

#define WORKSHOP_PATH_BYTES 4096

/* What a drawing works in; removed at its end. */
struct workshop {
    char folder[SCRATCH_PATH_BYTES], script[SCRATCH_PATH_BYTES + 16], log[SCRATCH_PATH_BYTES + 16];
    struct whole_file file;
    FILE *out; /* the script, while it is written */
};

/* Begins the script: scripts = the folder of our own ones ($REPRISE_PLOTS, else the build's). STATUS_IO: there is no such
 * folder, or none can be made. */
enum status workshop_open(struct workshop *workshop, struct error *err);
void workshop_close(struct workshop *workshop);

/* Adds a picture to the script, "NAME.FORMAT" (svg or png), drawn by scripts of ours: style.gp, then `canvas`, where it is
 * not NULL, then page ("page_hits.gp"). */
void workshop_add(struct workshop *workshop, const char *name, const char *format,
                  const char *canvas, const char *page);

/* Ends the script and has gnuplot draw. */
enum status workshop_draw(struct workshop *workshop, struct error *err);

/* The picture as the file `path`. STATUS_IO: it cannot be written, or was cut short. */
enum status workshop_give(const struct workshop *workshop, const char *name, const char *format,
                          const char *path, struct error *err);

/* Refuses a path with which those of pictures would be too long. what: the option it is from. */
enum status workshop_check_name(const char *what, const char *path, struct error *err);

/* The folder and those above it, where they are not there yet. STATUS_IO: it cannot be made or
 * written into. */
enum status workshop_make_folder(const char *folder, struct error *err);

#endif
