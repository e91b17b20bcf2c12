/* plots/gnuplot_text.c - see gnuplot_text.h. */
#include "plots/gnuplot_text.h"

#include "base/memory.h"
#include "base/shown.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Characters that mean nothing to gnuplot in any place: not " ' ` \ @ $ # { } ^ & ~ | < > ! ? and
 * control characters. */
static bool is_harmless(unsigned char byte)
{
    return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') ||
           (byte != '\0' && strchr(" .,:;/()+-_=%[]*", byte) != NULL);
}

/* Bytes of the character that begins here; the text is UTF-8. */
static size_t character_bytes(const char *at)
{
    size_t bytes = 1;
    while (((unsigned char)at[bytes] & 0xC0) == 0x80)
        bytes++;
    return bytes;
}

/* Four digits, of which the first is 0: gnuplot takes no more than those for the number. */
static void write_piece(const char *at, size_t length, char piece[8])
{
    if (is_harmless((unsigned char)*at))
        snprintf(piece, 8, "%.*s", (int)length, at);
    else
        snprintf(piece, 8, "\\%04o", (unsigned)(unsigned char)*at);
}

size_t gnuplot_string(const char *text, size_t bytes, char *out, size_t room)
{
    size_t shown_room = SHOWN_ROOM(bytes), used = 0;
    char *shown = memory_new(shown_room, 1);
    shown_text(text, bytes, shown, shown_room);
    out[used++] = '"';
    for (const char *at = shown; *at != '\0';) {
        char piece[8];
        size_t length = character_bytes(at);
        write_piece(at, length, piece);
        size_t piece_bytes = strlen(piece);
        if (used + piece_bytes + 2 > room)
            break;
        memcpy(out + used, piece, piece_bytes);
        used += piece_bytes;
        at += length;
    }
    out[used++] = '"';
    out[used] = '\0';
    free(shown);
    return used;
}

void gnuplot_put_string(FILE *out, const char *text)
{
    size_t bytes = strlen(text), room = GNUPLOT_STRING_ROOM(bytes);
    char *string = memory_new(room, 1);
    gnuplot_string(text, bytes, string, room);
    fputs(string, out);
    free(string);
}

void gnuplot_put_variable(FILE *out, const char *name, const char *text)
{
    fprintf(out, "%s = ", name);
    gnuplot_put_string(out, text);
    fputc('\n', out);
}
