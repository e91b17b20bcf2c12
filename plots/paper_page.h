/* plots/paper_page.h - pictures of the paper's figures, ours beside the published, and one page of
 * all. */
#ifndef REPRISE_PLOTS_PAPER_PAGE_H
#define REPRISE_PLOTS_PAPER_PAGE_H

#include "base/error.h"
#include "validate/paper/paper.h"

/* Of a reported paper: figureNAME.png and .svg for each part that has panels, and index.html with
 * all rows, checks and pictures inline (no other file or network is needed to read it). Calls
 * wrote(path) for each file. STATUS_IO: gnuplot is missing or fails, the folder cannot be written.
 */
enum status paper_page_draw(const struct paper *paper, const char *folder,
                            void (*wrote)(const char *path, void *context), void *context,
                            struct error *err);

#endif
