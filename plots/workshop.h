/* plots/workshop.h - where drawing happens: the folder for pictures, the folder of scripts, and a
 * temporary folder for what gnuplot is fed. Private to plots/, but for making the pictures' folder.
 */
#ifndef REPRISE_PLOTS_WORKSHOP_H
#define REPRISE_PLOTS_WORKSHOP_H

#include "base/error.h"

#define WORKSHOP_PATH_BYTES 4096

/* What a drawing works in; removed at its end. */
struct workshop {
    char folder[64], script[96], log[96];
};

enum status workshop_open(struct workshop *workshop, struct error *err);
void workshop_close(const struct workshop *workshop);

/* $REPRISE_PLOTS, else the build's own. */
const char *workshop_scripts(void);

/* Refuses what gnuplot's strings cannot hold. what: the option or variable it is from. */
enum status workshop_check_name(const char *what, const char *path, struct error *err);

/* The folder and those above it, where they are not there yet. STATUS_IO: it cannot be made or
 * written into. */
enum status workshop_make_folder(const char *folder, struct error *err);

#endif
