/* cli/table.h - a table of texts: first column to the left, all others to the right. */
#ifndef REPRISE_CLI_TABLE_H
#define REPRISE_CLI_TABLE_H

#include <stdint.h>
#include <stdio.h>

struct table {
    uint32_t columns;
    uint32_t count, capacity; /* cells, row by row; the first row is the heading */
    char **cell;
};

void table_init(struct table *table, uint32_t columns);
void table_end(struct table *table);

/* Adds the next cell, printf-like; what a terminal would obey is escaped. */
__attribute__((format(printf, 2, 3))) void table_add(struct table *table, const char *format, ...);

/* Prints it no wider than width_most: columns that do not fit go into a block of their own below,
 * each with the first column. The last row must be full. */
void table_print(FILE *out, const struct table *table, uint32_t width_most);

#endif
