/* validate/accuracy/print_table.c - see print_table.h. */
#include "validate/accuracy/print_table.h"

#include "base/shown.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

struct print_table print_table_begin(FILE *out, bool markdown, const struct print_column *column)
{
    struct print_table table = { .out = out, .markdown = markdown, .column = column };
    for (int i = 0; column[i].name != NULL; i++)
        print_cell(&table, "%s", column[i].name);
    for (int i = 0; markdown && column[i].name != NULL; i++)
        fprintf(out, "%s", column[i + 1].name == NULL ? "|---|\n" : "|---");
    return table;
}

void print_cell(struct print_table *table, const char *format, ...)
{
    char raw[512], text[SHOWN_ROOM(sizeof raw)];
    va_list list;
    va_start(list, format);
    vsnprintf(raw, sizeof raw, format, list);
    va_end(list);
    shown_text(raw, strlen(raw), text, sizeof text);
    bool last = table->column[table->at + 1].name == NULL;
    if (table->markdown)
        fprintf(table->out, "| %s %s", text, last ? "|\n" : "");
    else if (last)
        fprintf(table->out, "%s\n", text);
    else
        fprintf(table->out, "%-*s ", table->column[table->at].width, text);
    table->at = last ? 0 : table->at + 1;
}

void print_error_cell(struct print_table *table, double median, double p95)
{
    if (isnan(median))
        print_cell(table, "%s", "");
    else
        print_cell(table, "%.1f / %.1f", 100.0 * median, 100.0 * p95);
}
