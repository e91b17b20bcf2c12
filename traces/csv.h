/* traces/csv.h - reading comma-separated values (RFC 4180 without newlines in quotes), its columns
 * found by the heading's names. Private to traces/. */
#ifndef REPRISE_TRACES_CSV_H
#define REPRISE_TRACES_CSV_H

#include "traces/lines.h"

enum { CSV_COLUMNS_MAX = 64 };

struct csv_column {
    const char *name; /* as in the heading; NULL ends a list */
    bool optional;
};

/* Which fields of a row the caller's columns are: at[i] of the i-th; -1: not in this file. */
struct csv {
    char separator; /* between fields; 0: a comma. Set before csv_heading() */
    int at[CSV_COLUMNS_MAX];
    uint32_t columns; /* in the heading */
    char *field[CSV_COLUMNS_MAX];
};

/* Reads the heading from `lines`: every column that is not optional must be there, none twice. */
enum status csv_heading(struct csv *csv, struct lines *lines, const struct csv_column *columns,
                        struct error *err);

/* Cuts a row, in place, into as many fields as the heading has. */
enum status csv_row(struct csv *csv, const struct lines *lines, char *line, size_t length,
                    struct error *err);

/* The field of the caller's i-th column; "" where the file has none. */
const char *csv_field(const struct csv *csv, uint32_t column);

/* Refuses a field. What is no number and no time may be what somebody wrote: it is told by its length
 * alone. */
enum status csv_refuse_field(const struct lines *lines, const char *key, const char *expected,
                             const char *text, struct error *err);

/* The column's value; messages name it by `key`. */
enum status csv_whole(const struct csv *csv, const struct lines *lines, uint32_t column,
                      const char *key, uint64_t least, uint64_t most, uint64_t *value,
                      struct error *err);
/* Decimal seconds from 0, exact to the ns; what is finer is cut. */
enum status csv_seconds(const struct csv *csv, const struct lines *lines, uint32_t column,
                        const char *key, uint64_t *ns, struct error *err);

/* The same, also of numbers as pandas writes them: 374.0, 5.2e-05. Tokens: what is beyond the point
 * is cut, as pandas' astype(int) does; seconds: rounded to the ns where they have an exponent. */
enum status csv_real_tokens(const struct csv *csv, const struct lines *lines, uint32_t column,
                            const char *key, uint64_t most, uint64_t *value, struct error *err);
enum status csv_real_seconds(const struct csv *csv, const struct lines *lines, uint32_t column,
                             const char *key, uint64_t *ns, struct error *err);

#endif
