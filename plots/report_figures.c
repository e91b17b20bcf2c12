/* plots/report_figures.c - see report_figures.h. */
#include "plots/report_figures.h"

#include "plots/html.h"

#include <string.h>
#include <unistd.h>

void figures_take(const char *path, void *context)
{
    struct figures *figures = context;
    const char *dot = strrchr(path, '.');
    if (dot != NULL && strcmp(dot, ".svg") == 0 && figures->err.status == STATUS_OK) {
        fputs("<figure>", figures->out);
        html_svg(figures->out, path, ++figures->count, &figures->err);
        fputs("</figure>\n", figures->out);
    }
    unlink(path);
}
