/* plots/gnuplot_text.h - the one way by which a text gets into a script of gnuplot's. gnuplot runs shells for system(),
 * backquotes and names that begin with | or <, ends strings at lines' ends and replaces @NAME: names of models, runs and
 * keys are anybody's. Scripts draw such texts `noenhanced`, and give none to eval. Private to plots/, but for tests. */
#ifndef REPRISE_PLOTS_GNUPLOT_TEXT_H
#define REPRISE_PLOTS_GNUPLOT_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* Room for so many bytes as a string of gnuplot's. */
#define GNUPLOT_STRING_ROOM(bytes) (8 * (bytes) + 3)

/* Writes text, which may hold any bytes, as one string of gnuplot's in double quotes into out[room] and returns its length.
 * The string is one line, of letters, digits, spaces, harmless punctuation, valid UTF-8 and "\0ooo" for all other
 * characters; what gnuplot reads is the text as base/shown.h shows it. What does not fit is cut, and the string still ends
 * with its quote; room is 3 or more. */
size_t gnuplot_string(const char *text, size_t bytes, char *out, size_t room);

/* The same onto a stream, and NAME = "..." with a line's end; name is a variable of ours. */
void gnuplot_put_string(FILE *out, const char *text);
void gnuplot_put_variable(FILE *out, const char *name, const char *text);

#endif
