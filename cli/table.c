/* cli/table.c - see table.h. Widths count bytes: cells are ASCII. */
#include "cli/table.h"

#include "base/memory.h"
#include "base/shown.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define GAP 2

void table_init(struct table *table, uint32_t columns)
{
    *table = (struct table){ .columns = columns };
}

void table_end(struct table *table)
{
    for (uint32_t i = 0; i < table->count; i++)
        free(table->cell[i]);
    free(table->cell);
}

void table_add(struct table *table, const char *format, ...)
{
    char text[300], cell[SHOWN_ROOM(sizeof text)];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    memory_grow(&table->cell, &table->capacity, (uint64_t)table->count + 1, sizeof *table->cell);
    shown_text(text, strlen(text), cell, sizeof cell);
    table->cell[table->count++] = memory_text(cell);
}

static uint32_t column_width(const struct table *table, uint32_t column)
{
    size_t width = 0;
    for (uint32_t i = column; i < table->count; i += table->columns)
        if (strlen(table->cell[i]) > width)
            width = strlen(table->cell[i]);
    return (uint32_t)width;
}

static bool row_is_empty(const struct table *table, uint32_t row)
{
    for (uint32_t column = 0; column < table->columns; column++)
        if (table->cell[row + column][0] != '\0')
            return false;
    return true;
}

/* Columns [first, last) behind column 0. */
static void print_block(FILE *out, const struct table *table, uint32_t first, uint32_t last)
{
    for (uint32_t row = 0; row < table->count; row += table->columns) {
        if (row_is_empty(table, row)) { /* no trailing blanks */
            fputc('\n', out);
            continue;
        }
        fprintf(out, "%-*s", (int)column_width(table, 0), table->cell[row]);
        for (uint32_t column = first; column < last; column++)
            fprintf(out, "%*s", (int)column_width(table, column) + GAP, table->cell[row + column]);
        fputc('\n', out);
    }
}

void table_print(FILE *out, const struct table *table, uint32_t width_most)
{
    assert(table->count % table->columns == 0);
    for (uint32_t first = 1, last = 1; first < table->columns; first = last) {
        uint32_t width = column_width(table, 0);
        /* One column at least, however wide. */
        while (last < table->columns &&
               (last == first || width + GAP + column_width(table, last) <= width_most))
            width += GAP + column_width(table, last++);
        if (first > 1)
            fputc('\n', out);
        print_block(out, table, first, last);
    }
}
