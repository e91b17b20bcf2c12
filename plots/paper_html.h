/* plots/paper_html.h - the one page of `reprise paper`. Private to plots/. */
#ifndef REPRISE_PLOTS_PAPER_HTML_H
#define REPRISE_PLOTS_PAPER_HTML_H

#include "plots/workshop.h"
#include "validate/paper/paper.h"

/* FOLDER/figurePART.FORMAT, or FOLDER/PART.FORMAT for parts that are no figure of the paper. */
void paper_picture_path(char path[WORKSHOP_PATH_BYTES], const char *folder, const char *part,
                        const char *format);

/* Writes the page to path, with the SVGs that lie in folder inside it. */
enum status paper_html_write(const struct paper *paper, const char *folder, const char *path,
                             struct error *err);

#endif
