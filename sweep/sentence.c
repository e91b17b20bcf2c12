/* sweep/sentence.c - see sentence.h. */
#include "sweep/sentence.h"

#include <stdarg.h>
#include <stdio.h>

struct sentence sentence_in(char *text, size_t bytes)
{
    text[0] = '\0';
    return (struct sentence){ .text = text, .bytes = bytes };
}

void say(struct sentence *sentence, const char *format, ...)
{
    size_t left = sentence->bytes - sentence->length;
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(sentence->text + sentence->length, left, format, arguments);
    va_end(arguments);
    if (written > 0)
        sentence->length += (size_t)written < left ? (size_t)written : left - 1;
}
