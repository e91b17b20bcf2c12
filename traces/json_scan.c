/* traces/json_scan.c - see json_scan.h. What plain bytes are to jansson 2.14 is known. */
#include "traces/json_scan.h"

#include "traces/json_cursor.h"
#include "traces/json_ids.h"

#include <assert.h>
#include <float.h>
#include <string.h>

/* Any such decimal's digits have 53 bits, as has the power of ten. */
enum { EXACT_DIGITS = 15 };

void scan_form_add(struct scan_form *form, const char *const *names, enum scan_kind kind,
                   uint32_t slot)
{
    assert(slot < SCAN_SLOTS_MOST);
    for (; *names != NULL; names++) {
        assert(form->keys < SCAN_KEYS_MOST);
        form->key[form->keys++] = (struct scan_key){ *names, (uint32_t)strlen(*names), kind, slot };
    }
}

static bool take_word(struct cursor *cursor, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0)
        return false;
    cursor->at += length;
    return true;
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
        return json_id_take(cursor, &value->id);
    case SCAN_IDS:
    case SCAN_PREFIXES:
        return json_ids_take(cursor, key->kind == SCAN_PREFIXES, scan);
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

/* The key whose name stands here; NULL: none's. *guess: where in the form it mostly is, and then
 * where it was. */
static const struct scan_key *take_key(struct cursor *cursor, const struct scan_form *form,
                                       uint8_t *guess)
{
    for (uint32_t tried = 0, at = *guess; tried < form->keys; tried++, at++) {
        at = at < form->keys ? at : 0;
        if (take_name(cursor, &form->key[at])) {
            *guess = (uint8_t)at;
            return &form->key[at];
        }
    }
    return NULL;
}

bool json_scan(const struct scan_form *form, const char *line, size_t length, struct scan *scan)
{
    struct cursor cursor = { line, line + length };
    uint32_t taken = 0; /* at most a key for each slot, and one more */
    scan->given = 0;
    skip_spaces(&cursor);
    if (!take(&cursor, '{'))
        return false;
    do {
        skip_spaces(&cursor);
        const struct scan_key *key =
            take(&cursor, '"') ? take_key(&cursor, form, &scan->order[taken++]) : NULL;
        if (key == NULL || scan_has(scan, key->slot))
            return false;
        scan->given |= UINT32_C(1) << key->slot;
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
