/* plots/size_page.h - the answer of a search as one HTML page to be shown: the recommendation, the
 * invoice, what it saves, load, prices, pictures with the promise as a line, and what it rests on.
 */
#ifndef REPRISE_PLOTS_SIZE_PAGE_H
#define REPRISE_PLOTS_SIZE_PAGE_H

#include "sweep/size.h"

/* Writes the page to path. STATUS_IO: gnuplot is missing or fails, the file cannot be written. */
enum status size_page_write(const char *path, const struct size_question *question,
                            const struct size_result *result, struct error *err);

#endif
