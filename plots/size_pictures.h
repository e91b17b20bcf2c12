/* plots/size_pictures.h - pictures of a search's answer, as figures of a page; the promise is a
 * line in each that has a place for it. Private to plots/. */
#ifndef REPRISE_PLOTS_SIZE_PICTURES_H
#define REPRISE_PLOTS_SIZE_PICTURES_H

#include "sweep/size.h"

#include <stdio.h>

enum size_picture {
    SIZE_PICTURE_LOADS,   /* the shown promise's metric of the same servers under other loads */
    SIZE_PICTURE_SERVERS, /* it against the number of servers of the point's kind */
    SIZE_PICTURE_PARETO,  /* it against what each point costs a month */
    SIZE_PICTURE_HEAT,   /* it over DRAM and SSD, the rest as the point has it; where all was run */
    SIZE_PICTURE_PRICES, /* what prices do to the cost */
    SIZE_PICTURES
};

struct size_scene {
    const struct size_question *question;
    const struct size_result *result;
    uint32_t point;     /* the one that is recommended, or the nearest */
    const char *folder; /* temporary */
};

/* Draws the picture and writes it as a <figure>; writes nothing where there is nothing to show.
 * STATUS_IO: gnuplot is missing or fails. */
enum status size_picture_write(FILE *out, const struct size_scene *scene, enum size_picture picture,
                               struct error *err);

#endif
