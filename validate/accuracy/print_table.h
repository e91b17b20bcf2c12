/* validate/accuracy/print_table.h - a table cell by cell, for a terminal or as markdown. Private to
 * validate/accuracy. */
#ifndef REPRISE_VALIDATE_ACCURACY_PRINT_TABLE_H
#define REPRISE_VALIDATE_ACCURACY_PRINT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

struct print_column {
    const char *name; /* NULL ends a table's columns */
    int width;        /* on a terminal; longer cells push the rest of their row */
};

struct print_table {
    FILE *out;
    bool markdown;
    const struct print_column *column;
    int at; /* the next cell's column */
};

/* Prints the heading. */
struct print_table print_table_begin(FILE *out, bool markdown, const struct print_column *column);
/* The next cell; the last one of a row ends its line. */
__attribute__((format(printf, 2, 3))) void print_cell(struct print_table *table, const char *format,
                                                      ...);
/* "5.1 / 12.0" of 0.051 and 0.12, and "" where they are not known. */
void print_error_cell(struct print_table *table, double median, double p95);

#endif
