/* base/csv_cell.h - a text as a cell of CSV (RFC 4180). Numbers need none of this. */
#ifndef REPRISE_BASE_CSV_CELL_H
#define REPRISE_BASE_CSV_CELL_H

#include <stdio.h>

/* In quotes, and those doubled, where a comma, a quote or a blank at its ends asks for it; what shown.h escapes is escaped. A
 * text that a spreadsheet would take for a formula (it begins with = + - @ and is no number) gets an apostrophe in front, by
 * which spreadsheets know a text. The caller frees it. */
char *csv_cell(const char *text);

/* The same onto a stream. */
void csv_cell_put(FILE *out, const char *text);

#endif
