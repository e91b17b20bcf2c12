/* base/shown.c - see shown.h. UTF-8 is read as RFC 3629 has it: no overlong forms, no surrogates.
 */
#include "base/shown.h"

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The longest of what stands for one character: "\U000e0001". */
enum { PIECE_BYTES = 16 };

struct character {
    uint32_t code;
    size_t bytes; /* 0: no UTF-8 begins here */
};

static struct character read_character(const unsigned char *text, size_t bytes)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char first = text[0];
    size_t length = first < 0x80 ? 1 : first < 0xC0 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (length == 0 || length > bytes || first > 0xF4)
        return (struct character){ 0 };
    uint32_t code = length == 1 ? first : first & (0x7FU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return (struct character){ 0 };
        code = code << 6 | (text[i] & 0x3FU);
    }
    if (code < least[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        return (struct character){ 0 };
    return (struct character){ code, length };
}

static bool is_between(uint32_t code, uint32_t first, uint32_t last)
{
    return code >= first && code <= last;
}

/* XML knows no noncharacters: a picture with one would be no SVG. */
static bool is_obeyed(uint32_t code)
{
    return code < 0x20 || is_between(code, 0x7F, 0x9F) || code == 0x061C ||
           is_between(code, 0x200E, 0x200F) || is_between(code, 0x2028, 0x202E) ||
           is_between(code, 0x2066, 0x2069) || code == 0xFEFF || is_between(code, 0xFFF9, 0xFFFB) ||
           is_between(code, 0xFDD0, 0xFDEF) || (code & 0xFFFE) == 0xFFFE ||
           is_between(code, 0xE0000, 0xE007F);
}

static void write_escape(uint32_t code, char piece[PIECE_BYTES])
{
    static const char letters[] = "\nn\tt\rr";
    for (size_t i = 0; letters[i] != '\0'; i += 2)
        if (code == (unsigned char)letters[i]) {
            snprintf(piece, PIECE_BYTES, "\\%c", letters[i + 1]);
            return;
        }
    snprintf(piece, PIECE_BYTES,
             code < 0x80     ? "\\x%02x"
             : code > 0xFFFF ? "\\U%08x"
                             : "\\u%04x",
             (unsigned)code);
}

/* What stands for the text's next character; returns how many bytes of the text that is. */
static size_t next_piece(const unsigned char *text, size_t bytes, char piece[PIECE_BYTES])
{
    struct character character = read_character(text, bytes);
    if (character.bytes == 0) {
        snprintf(piece, PIECE_BYTES, "\\x%02x", text[0]);
        return 1;
    }
    if (is_obeyed(character.code)) {
        write_escape(character.code, piece);
    } else {
        memcpy(piece, text, character.bytes);
        piece[character.bytes] = '\0';
    }
    return character.bytes;
}

size_t shown_text(const char *text, size_t bytes, char *out, size_t room)
{
    const unsigned char *from = (const unsigned char *)text;
    char piece[PIECE_BYTES];
    size_t used = 0;
    for (size_t at = 0; at < bytes;) {
        at += next_piece(from + at, bytes - at, piece);
        size_t length = strlen(piece);
        if (used + length >= room)
            break;
        memcpy(out + used, piece, length);
        used += length;
    }
    out[used] = '\0';
    return used;
}

/* Whether what is shown of the text, its NUL included, has so much room. */
static bool has_room(const char *text, size_t room)
{
    size_t bytes = strlen(text), used = 0;
    char piece[PIECE_BYTES];
    for (size_t at = 0; at < bytes && used < room;) {
        at += next_piece((const unsigned char *)text + at, bytes - at, piece);
        used += strlen(piece);
    }
    return used < room;
}

void shown_fit(const char *text, char *out, size_t room)
{
    static const char cut[] = "...";
    bool fits = has_room(text, room);
    size_t used = shown_text(text, strlen(text), out, fits ? room : room - (sizeof cut - 1));
    if (!fits)
        memcpy(out + used, cut, sizeof cut);
}

static bool is_plain(const char *text, bool lines)
{
    const unsigned char *from = (const unsigned char *)text;
    size_t bytes = strlen(text);
    while (bytes > 0) {
        struct character character = { *from, 1 };
        bool is_ascii = *from >= 0x20 && *from < 0x7F; /* nearly all there is */
        if (!is_ascii)
            character = read_character(from, bytes);
        bool is_break = lines && (*from == '\n' || *from == '\t');
        if (character.bytes == 0 || (!is_ascii && !is_break && is_obeyed(character.code)))
            return false;
        from += character.bytes;
        bytes -= character.bytes;
    }
    return true;
}

bool shown_is_plain(const char *text)
{
    return is_plain(text, false);
}

bool shown_is_plain_lines(const char *text)
{
    return is_plain(text, true);
}

char *shown_new(const char *text)
{
    size_t bytes = strlen(text), room = SHOWN_ROOM(bytes);
    char *shown = memory_new(room, 1);
    shown_text(text, bytes, shown, room);
    return shown;
}

void shown_put(FILE *out, const char *text)
{
    char *shown = shown_new(text);
    fputs(shown, out);
    free(shown);
}

void shown_line(FILE *out, const char *before, const char *text)
{
    fputs(before, out);
    shown_put(out, text);
    fputc('\n', out);
}
