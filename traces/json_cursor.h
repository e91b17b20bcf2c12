/* traces/json_cursor.h - takes plain bytes of a line from its front: spaces, signs, texts, digits. Numbers are read
 * eight digits at a time, within one word. Private to json_scan.c and json_ids.c. */
#ifndef REPRISE_TRACES_JSON_CURSOR_H
#define REPRISE_TRACES_JSON_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const char *at, *end;
};

static inline void skip_spaces(struct cursor *cursor)
{
    while (cursor->at < cursor->end && *cursor->at == ' ')
        cursor->at++;
}

static inline bool take(struct cursor *cursor, char byte)
{
    bool is_there = cursor->at < cursor->end && *cursor->at == byte;
    cursor->at += is_there;
    return is_there;
}

/* What stands between two quotes, the first of which was taken. */
static inline bool take_text(struct cursor *cursor, const char **text, size_t *length)
{
    *text = cursor->at;
    while (cursor->at < cursor->end && *cursor->at >= ' ' && *cursor->at <= '~' &&
           *cursor->at != '"' && *cursor->at != '\\')
        cursor->at++;
    *length = (size_t)(cursor->at - *text);
    return take(cursor, '"');
}

/* ---- digits ---- */

/* Any whole number of so many digits has 63 bits. */
enum { WHOLE_DIGITS = 18, WORD_DIGITS = 8 };

/* Bytes are taken as a word where the first of them is its lowest. */
#define FIRST_IS_LOWEST (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

static const uint64_t power_of_10[] = { 1,
                                        10,
                                        100,
                                        1000,
                                        10000,
                                        100000,
                                        1000000,
                                        10000000,
                                        100000000,
                                        1000000000,
                                        10000000000,
                                        100000000000,
                                        1000000000000,
                                        10000000000000,
                                        100000000000000,
                                        1000000000000000,
                                        10000000000000000 };

static inline bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static inline uint64_t word_at(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Of a word. A digit's byte is 0 to 9 without the bits of '0', and the sum keeps its highest bit
 * clear; carries reach only bytes behind another. */
static inline uint32_t digits_in(uint64_t word)
{
    uint64_t plain = word ^ UINT64_C(0x3030303030303030);
    uint64_t others =
        ((plain + UINT64_C(0x7676767676767676)) | plain) & UINT64_C(0x8080808080808080);
    return others == 0 ? WORD_DIGITS : (uint32_t)__builtin_ctzll(others) / 8;
}

/* Of its first `digits` (1 to 8) bytes: behind zeros for the rest, pairs are summed, then pairs of
 * pairs. */
static inline uint64_t number_in(uint64_t word, uint32_t digits)
{
    word = (word ^ UINT64_C(0x3030303030303030)) << (64 - 8 * digits);
    word = (word * 10 + (word >> 8)) & UINT64_C(0x00FF00FF00FF00FF);
    word = (word * 100 + (word >> 16)) & UINT64_C(0x0000FFFF0000FFFF);
    return (word * 10000 + (word >> 32)) & UINT64_C(0xFFFFFFFF);
}

/* Takes all digits; their number, modulo 2^64 where they are too many. */
static inline uint32_t take_digits(struct cursor *cursor, uint64_t *number)
{
    const char *begin = cursor->at, *at = begin;
    uint64_t sum = 0;
    uint32_t digits = WORD_DIGITS;
    while (FIRST_IS_LOWEST && digits == WORD_DIGITS && cursor->end - at >= WORD_DIGITS) {
        uint64_t word = word_at(at);
        digits = digits_in(word);
        if (digits > 0)
            sum = sum * power_of_10[digits] + number_in(word, digits);
        at += digits;
    }
    for (; at < cursor->end && is_digit(*at); at++)
        sum = sum * 10 + (uint64_t)(*at - '0');
    cursor->at = at;
    *number = sum;
    size_t count = (size_t)(at - begin);
    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

/* A whole number's, which JSON lets begin with 0 only if it is one. */
static inline uint32_t take_whole_digits(struct cursor *cursor, uint64_t *number)
{
    bool zero = cursor->at < cursor->end && *cursor->at == '0';
    uint32_t digits = take_digits(cursor, number);
    return zero && digits > 1 ? 0 : digits;
}

#endif
