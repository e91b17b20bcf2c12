/* traces/json_scan.c - see json_scan.h. Numbers are read eight digits at a time, within one word:
 * what their bytes are to jansson 2.14 is known where they are plain. */
#include "traces/json_scan.h"

#include "base/memory.h"
#include "traces/json_text.h"

#include <assert.h>
#include <float.h>
#include <string.h>

/* Any such whole number has 63 bits; any such decimal's digits have 53, as has the power of ten. */
enum { WHOLE_DIGITS = 18, EXACT_DIGITS = 15, WORD_DIGITS = 8 };

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
                                        1000000000000000 };

void scan_form_add(struct scan_form *form, const char *const *names, enum scan_kind kind,
                   uint32_t slot)
{
    assert(slot < SCAN_SLOTS_MOST);
    for (; *names != NULL; names++) {
        assert(form->keys < SCAN_KEYS_MOST);
        form->key[form->keys++] = (struct scan_key){ *names, (uint32_t)strlen(*names), kind, slot };
    }
}

/* ---- bytes ---- */

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

static bool take_word(struct cursor *cursor, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0)
        return false;
    cursor->at += length;
    return true;
}

/* What stands between two quotes, the first of which was taken. */
static bool take_text(struct cursor *cursor, const char **text, size_t *length)
{
    *text = cursor->at;
    while (cursor->at < cursor->end && *cursor->at >= ' ' && *cursor->at <= '~' &&
           *cursor->at != '"' && *cursor->at != '\\')
        cursor->at++;
    *length = (size_t)(cursor->at - *text);
    return take(cursor, '"');
}

/* ---- digits ---- */

/* Bytes are taken as a word where the first of them is its lowest. */
#define FIRST_IS_LOWEST (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

static inline bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
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
    uint64_t sum = 0, word;
    uint32_t digits = WORD_DIGITS;
    while (FIRST_IS_LOWEST && digits == WORD_DIGITS && cursor->end - at >= WORD_DIGITS) {
        memcpy(&word, at, sizeof word);
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

/* ---- values: what ends one is looked at where the next thing is wanted ---- */

static bool take_whole(struct cursor *cursor, int64_t *value)
{
    uint64_t number;
    bool negative = take(cursor, '-');
    uint32_t digits = take_whole_digits(cursor, &number);
    if (digits == 0 || digits > WHOLE_DIGITS)
        return false;
    *value = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

/* Both numbers are exact, so that their quotient is rounded once, as strtod() rounds. */
static bool take_number(struct cursor *cursor, double *value)
{
    uint64_t whole, decimals = 0;
    uint32_t digits = take_whole_digits(cursor, &whole), places = 0;
    if (digits == 0)
        return false;
    if (take(cursor, '.')) {
        places = take_digits(cursor, &decimals);
        if (places == 0 || FLT_EVAL_METHOD != 0)
            return false;
    }
    if ((uint64_t)digits + places > EXACT_DIGITS)
        return false;
    *value = (double)(whole * power_of_10[places] + decimals) / (double)power_of_10[places];
    return true;
}

static bool take_id(struct cursor *cursor, uint64_t *id)
{
    const char *text = cursor->at;
    uint32_t digits = take_whole_digits(cursor, id);
    if (digits > 0 && digits <= WHOLE_DIGITS)
        return true;
    if (digits > 0) {
        /* 19 digits have 64 bits. */
        if (digits > WHOLE_DIGITS + 1 || *id > INT64_MAX)
            *id = json_id_hash(text, digits);
        return true;
    }
    size_t length;
    return take(cursor, '"') && take_text(cursor, &text, &length) &&
           json_id_of_text(text, length, id);
}

static inline void add_id(struct scan *scan, uint64_t id)
{
    if (scan->id_count == scan->ids_capacity)
        memory_grow(&scan->ids, &scan->ids_capacity, (uint64_t)scan->id_count + 1,
                    sizeof *scan->ids);
    scan->ids[scan->id_count++] = id;
    scan->ids_ascend &= id >= scan->id_least;
    scan->id_least = id + 1;
}

/* Takes ids of at most 8 digits, each with the comma and the space that json.dumps() writes behind
 * it: nearly all there are, by a word and two bytes each. What is left is anything, also nothing.
 */
static void take_short_ids(struct cursor *cursor, struct scan *scan)
{
    const char *at = cursor->at;
    struct scan scanned =
        *scan; /* a copy that no id stored can be part of: it stays in registers */
    while (FIRST_IS_LOWEST && cursor->end - at >= WORD_DIGITS + 2 &&
           scanned.id_count < scanned.ids_capacity) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        uint32_t digits = digits_in(word);
        if (digits == 0 || (*at == '0' && digits > 1) || at[digits] != ',' || at[digits + 1] != ' ')
            break;
        add_id(&scanned, number_in(word, digits));
        at += digits + 2;
    }
    scan->id_count = scanned.id_count;
    scan->id_least = scanned.id_least;
    scan->ids_ascend = scanned.ids_ascend;
    cursor->at = at;
}

static bool take_ids(struct cursor *cursor, struct scan *scan)
{
    uint64_t id;
    scan->id_count = 0;
    scan->id_least = 0;
    scan->ids_ascend = true;
    if (!take(cursor, '['))
        return false;
    skip_spaces(cursor);
    if (take(cursor, ']'))
        return true;
    do {
        skip_spaces(cursor);
        take_short_ids(cursor, scan);
        if (!take_id(cursor, &id))
            return false;
        add_id(scan, id);
        skip_spaces(cursor);
    } while (take(cursor, ','));
    return take(cursor, ']');
}

static bool take_passed(struct cursor *cursor)
{
    const char *text;
    size_t length;
    double number;
    if (take(cursor, '"'))
        return take_text(cursor, &text, &length);
    if (take_word(cursor, "true") || take_word(cursor, "false") || take_word(cursor, "null"))
        return true;
    take(cursor, '-');
    return take_number(cursor, &number);
}

static bool take_value(struct cursor *cursor, const struct scan_key *key, struct scan *scan)
{
    union scan_value *value = &scan->value[key->slot];
    switch (key->kind) {
    case SCAN_WHOLE:
        return take_whole(cursor, &value->whole);
    case SCAN_NUMBER:
        return take_number(cursor, &value->number);
    case SCAN_ID:
        return take_id(cursor, &value->id);
    case SCAN_IDS:
        return take_ids(cursor, scan);
    case SCAN_TEXT:
        return take(cursor, '"') && take_text(cursor, &value->text.bytes, &value->text.length);
    case SCAN_PASSED:
        return take_passed(cursor);
    }
    return false;
}

/* ---- the object ---- */

static inline bool take_name(struct cursor *cursor, const struct scan_key *key)
{
    if ((size_t)(cursor->end - cursor->at) <= key->length || cursor->at[key->length] != '"' ||
        memcmp(cursor->at, key->name, key->length) != 0)
        return false;
    cursor->at += key->length + 1;
    return true;
}

/* The key whose name stands here; NULL: none's. Lines have their keys in one order, mostly the
 * form's: the search begins behind the key before. */
static const struct scan_key *take_key(struct cursor *cursor, const struct scan_form *form,
                                       uint32_t first)
{
    for (uint32_t tried = 0, at = first; tried < form->keys; tried++, at++) {
        const struct scan_key *key = &form->key[at < form->keys ? at : at - form->keys];
        if (take_name(cursor, key))
            return key;
    }
    return NULL;
}

bool json_scan(const struct scan_form *form, const char *line, size_t length, struct scan *scan)
{
    struct cursor cursor = { line, line + length };
    uint32_t first = 0;
    scan->given = 0;
    skip_spaces(&cursor);
    if (!take(&cursor, '{'))
        return false;
    do {
        skip_spaces(&cursor);
        const struct scan_key *key = take(&cursor, '"') ? take_key(&cursor, form, first) : NULL;
        if (key == NULL || scan_has(scan, key->slot))
            return false;
        scan->given |= UINT32_C(1) << key->slot;
        first = (uint32_t)(key - form->key) + 1;
        skip_spaces(&cursor);
        if (!take(&cursor, ':'))
            return false;
        skip_spaces(&cursor);
        if (!take_value(&cursor, key, scan))
            return false;
        skip_spaces(&cursor);
    } while (take(&cursor, ','));
    if (!take(&cursor, '}'))
        return false;
    skip_spaces(&cursor);
    return cursor.at == cursor.end;
}
