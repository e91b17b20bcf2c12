/* plots/page_parts.h - scripts that pages run in the browser, embedded from plots/page/: charts.js and charts.css draw,
 * live.js is a live report's. Pages that are served and pages that are files share them. */
#ifndef REPRISE_PLOTS_PAGE_PARTS_H
#define REPRISE_PLOTS_PAGE_PARTS_H

#include "base/embedded.h"

extern const struct embedded_file page_parts[];

#endif
