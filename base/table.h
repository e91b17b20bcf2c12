/* base/table.h - a whole CSV table in memory: for measurements that others publish, of up to some
 * million fields. Plain or gzip'd, told by the file's first bytes.
 *
 * RFC 4180: fields are parted by commas; a field in quotes may hold commas, line ends and quotes
 * ("" is one). Lines end with LF or CRLF. The first line names the columns; a byte-order mark
 * before it and empty lines are passed over. Every other line has as many fields as the first: a
 * table that breaks off is refused. What a column means is the reader's. */
#ifndef REPRISE_BASE_TABLE_H
#define REPRISE_BASE_TABLE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct table {
    char *path;
    char *text;      /* the file; its fields are ended by '\0' */
    uint64_t *field; /* where each begins in text: columns names, then row by row */
    uint64_t *line;  /* of each row in the file, 1-based */
    uint32_t columns, rows;
};

/* Reads the table; table_free() it only after STATUS_OK. STATUS_IO: cannot be opened, read or
 * unpacked. STATUS_INPUT: empty, over 1 GiB or 10,000 columns, a name that two have, a quote that is not ended
 * or stands within a field, a byte 0, a line of more or fewer fields than the heading. */
enum status table_open(const char *path, struct table *table, struct error *err);
void table_free(struct table *table);

/* Whether a file is to be a table by its name: it ends in ".csv" or ".csv.gz". */
bool table_is_name(const char *name);

static inline uint32_t table_rows(const struct table *table)
{
    return table->rows;
}

/* The row's first line in the file, 1-based. */
static inline uint64_t table_line(const struct table *table, uint32_t row)
{
    return table->line[row];
}

/* The column of that name, from 0; -1: there is none. */
int table_column(const struct table *table, const char *name);

/* row < table_rows(), 0 <= column < table->columns. Valid until table_free(). */
const char *table_text(const struct table *table, uint32_t row, int column);

/* That field as a finite decimal number. STATUS_INPUT, with file, line, column, what was expected
 * and what was found, for anything else; blanks around a number are anything else too. */
enum status table_number(const struct table *table, uint32_t row, int column, double *value,
                         struct error *err);

/* Refuses a field in that same form, for what only the reader can judge. Returns STATUS_INPUT. */
enum status table_refuse(const struct table *table, uint32_t row, int column, const char *expected,
                         struct error *err);

/* table_column(), refusing a table without it. */
enum status table_need(const struct table *table, const char *name, int *column, struct error *err);

#endif
