/* base/csv_cell.c - see csv_cell.h. */
#include "base/csv_cell.h"

#include "base/memory.h"
#include "base/shown.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_number(const char *text)
{
    static const char signs[] = "0123456789+-.eE";
    char *end;
    (void)strtod(text, &end);
    return end != text && *end == '\0' && text[strspn(text, signs)] == '\0';
}

/* Spreadsheets look behind blanks too. */
static bool is_formula(const char *text)
{
    const char *first = text + strspn(text, " ");
    return *first != '\0' && strchr("=+-@", *first) != NULL && !is_number(first);
}

static bool needs_quotes(const char *text)
{
    size_t length = strlen(text);
    return strpbrk(text, ",\"") != NULL || *text == ' ' || (length > 0 && text[length - 1] == ' ');
}

char *csv_cell(const char *text)
{
    char *shown = shown_new(text), *cell = memory_new(2 * strlen(shown) + 4, 1), *at = cell;
    bool quotes = needs_quotes(shown);
    if (quotes)
        *at++ = '"';
    if (is_formula(shown))
        *at++ = '\'';
    for (const char *from = shown; *from != '\0'; from++) {
        if (*from == '"')
            *at++ = '"';
        *at++ = *from;
    }
    if (quotes)
        *at++ = '"';
    free(shown);
    return cell; /* memory_new() gives zeros: it is ended */
}

void csv_cell_put(FILE *out, const char *text)
{
    char *cell = csv_cell(text);
    fputs(cell, out);
    free(cell);
}
