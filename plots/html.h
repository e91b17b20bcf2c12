/* plots/html.h - pieces of a page that needs no other file and no network. Private to plots/. */
#ifndef REPRISE_PLOTS_HTML_H
#define REPRISE_PLOTS_HTML_H

#include "base/error.h"

#include <stdint.h>
#include <stdio.h>

/* text with what HTML would take for its own escaped, also as an attribute's value in double quotes, and what shown.h escapes; line
 * feeds and tabs stay. */
void html_text(FILE *out, const char *text);

/* A cell of a table, printf-like, escaped as html_text() does; a row ends with html_row_end(). */
__attribute__((format(printf, 2, 3))) void html_cell(FILE *out, const char *format, ...);
void html_row_end(FILE *out);
/* A table's beginning with its headings, which end with NULL, and its end. Where it is too wide it
 * scrolls by itself; its first column may take several lines. */
void html_table_begin(FILE *out, const char *const *headings);
void html_table_end(FILE *out);

/* The document's beginning, up to <main>: styles for screens of any width and for paper. */
void html_begin(FILE *out, const char *title);
void html_end(FILE *out);

/* The SVG file as part of the page. Its ids get the number in front: gnuplot names them alike in
 * every picture, and a page may hold each id once. STATUS_IO: it cannot be read. */
enum status html_svg(FILE *out, const char *path, uint32_t number, struct error *err);

#endif
