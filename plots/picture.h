/* plots/picture.h - one picture of one page, PNG or SVG as its name ends. Private to plots/. */
#ifndef REPRISE_PLOTS_PICTURE_H
#define REPRISE_PLOTS_PICTURE_H

#include "base/error.h"

#include <stdio.h>

/* Draws page (a script beside style.gp, such as "page_trace.gp") into path. put writes the page's
 * data and variables as gnuplot; what: the option that path is from. The picture is whole, or what was
 * there stays. STATUS_INPUT: a name that ends in neither, or that gnuplot cannot hold; STATUS_IO: the
 * place cannot be written, gnuplot is missing or fails. */
enum status picture_draw(const char *what, const char *path, const char *page,
                         void (*put)(FILE *out, const void *data), const void *data,
                         struct error *err);

#endif
