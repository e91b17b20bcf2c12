/* base/table.c - see table.h. The file is read whole, then parted in place: a field in quotes only
 * gets shorter. */
#include "base/table.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/plain_file.h"
#include "base/read_end.h"
#include "base/shown.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PIECE_BYTES_LEAST (1u << 14) /* most tables are small */
#define PIECE_BYTES_MOST (1u << 20)
#define COLUMNS_MOST 10000         /* each name is compared with all before it */
#define TEXT_BYTES_MOST (1u << 30) /* a hundred times the largest table that is read here */

/* ---- the file ---- */

static unsigned piece_bytes(uint64_t read_bytes)
{
    return read_bytes < PIECE_BYTES_LEAST  ? PIECE_BYTES_LEAST
           : read_bytes > PIECE_BYTES_MOST ? PIECE_BYTES_MOST
                                           : (unsigned)read_bytes;
}

/* zlib passes through what is not gzip'd. The text is ended by a '\0' after size_bytes. */
static enum status read_all(const char *path, char **text, uint64_t *size_bytes, struct error *err)
{
    gzFile file;
    if (plain_file_open_gzip(path, &file, err) != STATUS_OK)
        return err->status;
    uint32_t capacity = 0;
    int got = 1;
    *text = NULL;
    for (*size_bytes = 0; got > 0; *size_bytes += (uint64_t)got) {
        unsigned piece = piece_bytes(*size_bytes);
        memory_grow(text, &capacity, *size_bytes + piece + 1, 1);
        got = gzread(file, *text + *size_bytes, piece);
        if (got < 0 || *size_bytes > TEXT_BYTES_MOST)
            break;
    }
    if (*size_bytes > TEXT_BYTES_MOST)
        error_input(err, path, 0, NULL, "a table of at most 1 GiB, unpacked", "more");
    return read_end_gzip(file, path, err);
}

/* ---- its fields ---- */

struct parting {
    struct table *table;
    char *next, *end;
    uint64_t line;
    uint64_t fields;
    uint32_t field_capacity, line_capacity;
};

static enum status refuse(const struct parting *parting, const char *key, const char *expected,
                          const char *found, struct error *err)
{
    return error_input(err, parting->table->path, parting->line, key, expected, found);
}

/* Ends the text of a field in quotes and moves next behind the closing one. */
static enum status unquote(struct parting *parting, struct error *err)
{
    char *write = parting->next, *read = parting->next + 1;
    uint64_t line = parting->line;
    for (; read < parting->end; read++) {
        if (*read == '"' && read[1] != '"') {
            parting->next = read + 1;
            parting->line = line;
            char after = *parting->next;
            *write = '\0';
            if (after != ',' && after != '\n' && after != '\r' && parting->next < parting->end)
                return refuse(parting, "quotes", "a comma or the line's end after a quoted field",
                              (char[]){ after, '\0' }, err);
            return STATUS_OK;
        }
        if (*read == '"')
            read++;
        else if (*read == '\0')
            return refuse(parting, "text", "text without a byte 0", NULL, err);
        line += *read == '\n' ? 1 : 0;
        *write++ = *read;
    }
    return refuse(parting, "quotes", "a quote that ends the field", "the file's end", err);
}

static enum status bare(struct parting *parting, struct error *err)
{
    size_t length = strcspn(parting->next, ",\r\n\"");
    parting->next += length;
    if (*parting->next == '"')
        return refuse(parting, "quotes", "quotes around a whole field", "\"", err);
    return STATUS_OK;
}

/* One field, and the comma or line end behind it: *last says which. */
static enum status part_field(struct parting *parting, bool *last, struct error *err)
{
    struct table *table = parting->table;
    memory_grow(&table->field, &parting->field_capacity, parting->fields + 1, sizeof *table->field);
    bool quoted = *parting->next == '"';
    table->field[parting->fields++] = (uint64_t)(parting->next - table->text);
    if ((quoted ? unquote : bare)(parting, err) != STATUS_OK)
        return err->status;
    char *after = parting->next;
    *last = *after != ',';
    if (*after == '\0' && after < parting->end)
        return refuse(parting, "text", "text without a byte 0", NULL, err);
    if (*after == '\r' && after[1] == '\n')
        parting->next++;
    else if (*after == '\r')
        return refuse(parting, "line", "a line ended by LF or CR LF", "CR alone", err);
    *after = '\0';
    parting->next += parting->next < parting->end ? 1 : 0;
    return STATUS_OK;
}

static enum status part_line(struct parting *parting, uint32_t *fields, struct error *err)
{
    bool last = false;
    uint64_t first = parting->fields;
    for (*fields = 0; !last; (*fields)++)
        if (part_field(parting, &last, err) != STATUS_OK)
            return err->status;
    /* Names of GPUs, models and columns are told, and go into other files. */
    for (uint64_t i = first; i < parting->fields; i++) {
        const char *field = parting->table->text + parting->table->field[i];
        if (!shown_is_plain_lines(field))
            return refuse(parting, "text", "UTF-8 without control characters", field, err);
    }
    parting->line++;
    return STATUS_OK;
}

static bool pass_over_empty_line(struct parting *parting)
{
    size_t length = parting->next[0] == '\n'                               ? 1
                    : parting->next[0] == '\r' && parting->next[1] == '\n' ? 2
                                                                           : 0;
    parting->next += length;
    parting->line += length > 0 ? 1 : 0;
    return length > 0;
}

static enum status part_heading(struct parting *parting, struct error *err)
{
    struct table *table = parting->table;
    while (pass_over_empty_line(parting))
        ;
    if (parting->next == parting->end)
        return refuse(parting, "heading", "a line of column names", "an empty file", err);
    if (part_line(parting, &table->columns, err) != STATUS_OK)
        return err->status;
    if (table->columns > COLUMNS_MOST) {
        parting->line--;
        return refuse(parting, "heading", "at most 10,000 columns", "more", err);
    }
    for (uint32_t i = 0; i < table->columns; i++) {
        const char *name = table->text + table->field[i];
        if (table_column(table, name) != (int)i) {
            parting->line--;
            return refuse(parting, "heading", "a name for one column only", name, err);
        }
    }
    return STATUS_OK;
}

static enum status part_row(struct parting *parting, struct error *err)
{
    struct table *table = parting->table;
    uint64_t line = parting->line;
    uint32_t fields;
    char expected[64], found[16];
    if (part_line(parting, &fields, err) != STATUS_OK)
        return err->status;
    if (fields != table->columns) {
        snprintf(expected, sizeof expected, "%" PRIu32 " fields, as in the heading",
                 table->columns);
        snprintf(found, sizeof found, "%" PRIu32, fields);
        return error_input(err, table->path, line, "line", expected, found);
    }
    memory_grow(&table->line, &parting->line_capacity, (uint64_t)table->rows + 1,
                sizeof *table->line);
    table->line[table->rows++] = line;
    return STATUS_OK;
}

static enum status part_all(struct table *table, uint64_t size_bytes, struct error *err)
{
    struct parting parting = {
        .table = table, .next = table->text, .end = table->text + size_bytes, .line = 1
    };
    if (size_bytes >= 3 && memcmp(table->text, "\xEF\xBB\xBF", 3) == 0)
        parting.next += 3;
    enum status status = part_heading(&parting, err);
    while (status == STATUS_OK && parting.next < parting.end)
        if (!pass_over_empty_line(&parting))
            status = part_row(&parting, err);
    return status;
}

enum status table_open(const char *path, struct table *table, struct error *err)
{
    uint64_t size_bytes = 0;
    *table = (struct table){ .path = memory_text(path) };
    enum status status = read_all(path, &table->text, &size_bytes, err);
    if (status == STATUS_OK)
        status = part_all(table, size_bytes, err);
    if (status != STATUS_OK)
        table_free(table);
    return status;
}

void table_free(struct table *table)
{
    free(table->path);
    free(table->text);
    free(table->field);
    free(table->line);
    *table = (struct table){ 0 };
}

/* ---- reading it ---- */

bool table_is_name(const char *name)
{
    return path_ends_in(name, ".csv") || path_ends_in(name, ".csv.gz");
}

int table_column(const struct table *table, const char *name)
{
    for (uint32_t i = 0; i < table->columns; i++)
        if (strcmp(table->text + table->field[i], name) == 0)
            return (int)i;
    return -1;
}

const char *table_text(const struct table *table, uint32_t row, int column)
{
    return table->text + table->field[((uint64_t)row + 1) * table->columns + (uint32_t)column];
}

enum status table_refuse(const struct table *table, uint32_t row, int column, const char *expected,
                         struct error *err)
{
    return error_input(err, table->path, table->line[row], table->text + table->field[column],
                       expected, table_text(table, row, column));
}

enum status table_number(const struct table *table, uint32_t row, int column, double *value,
                         struct error *err)
{
    const char *text = table_text(table, row, column);
    char *end;
    bool decimal = text[0] != '\0' && text[strspn(text, "0123456789+-.eE")] == '\0';
    *value = decimal ? strtod(text, &end) : NAN;
    if (!decimal || *end != '\0' || !isfinite(*value))
        return table_refuse(table, row, column, "a number", err);
    return STATUS_OK;
}

enum status table_need(const struct table *table, const char *name, int *column, struct error *err)
{
    *column = table_column(table, name);
    if (*column < 0)
        return error_input(err, table->path, 1, name, "a column of that name", "none");
    return STATUS_OK;
}
