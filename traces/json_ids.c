/* traces/json_ids.c - see json_ids.h. Where an id ends is told without its number, so that the next
 * one's reading does not wait for it; a prefix key waits for the one before, and is made meanwhile.
 */
#include "traces/json_ids.h"

#include "base/memory.h"
#include "traces/json_id_hash.h"
#include "traces/json_text.h"
#include "traces/prefix_key.h"

enum { DIGITS_OF_64_BITS = 20 };
/* What is read of an id and what parts it from the next. */
enum { SHORT_BYTES = WORD_DIGITS + 2, WIDE_BYTES = 3 * WORD_DIGITS + 2 };

/* 19 digits have 64 bits. Hashing a length that is known takes less time. */
static inline uint64_t id_of(const char *text, uint32_t digits, uint64_t number)
{
    bool is_whole = digits <= WHOLE_DIGITS || (digits == WHOLE_DIGITS + 1 && number <= INT64_MAX);
    if (is_whole)
        return number;
    return digits == DIGITS_OF_64_BITS  ? json_id_hash(text, DIGITS_OF_64_BITS)
           : digits == WHOLE_DIGITS + 1 ? json_id_hash(text, WHOLE_DIGITS + 1)
                                        : json_id_hash(text, digits);
}

bool json_id_take(struct cursor *cursor, uint64_t *id)
{
    const char *text = cursor->at;
    uint64_t number;
    size_t length;
    uint32_t digits = take_whole_digits(cursor, &number);
    if (digits > 0) {
        *id = id_of(text, digits, number);
        return true;
    }
    return take(cursor, '"') && take_text(cursor, &text, &length) &&
           json_id_of_text(text, length, id);
}

/* ---- lists ---- */

/* Where the next id goes, and what is kept of those before it. */
struct list {
    uint64_t *to, *room_end;
    uint64_t least; /* that it may be, if they ascend */
    struct prefix_chain chain;
    bool ascend;
};

static inline void put(struct list *list, bool prefixes, uint64_t id)
{
    if (prefixes) {
        *list->to++ = prefix_chain_next(&list->chain, id);
        return;
    }
    list->ascend &= id >= list->least;
    list->least = id + 1;
    *list->to++ = id;
}

static void make_room(struct scan *scan, struct list *list)
{
    scan->id_count = (uint32_t)(list->to - scan->ids);
    memory_grow(&scan->ids, &scan->ids_capacity, (uint64_t)scan->id_count + 1, sizeof *scan->ids);
    list->to = scan->ids + scan->id_count;
    list->room_end = scan->ids + scan->ids_capacity;
}

/* Of what begins with a word of digits and one more; those of three words at most. */
static inline uint32_t wide_digits(const char *text)
{
    uint32_t digits = WORD_DIGITS + digits_in(word_at(text + WORD_DIGITS));
    return digits < 2 * WORD_DIGITS ? digits : digits + digits_in(word_at(text + 2 * WORD_DIGITS));
}

/* Of 9 to 24 digits. */
static inline uint64_t wide_id(const char *text, uint32_t digits)
{
    uint32_t before = digits - WORD_DIGITS;
    uint64_t number = number_in(word_at(text + before), WORD_DIGITS), scale = power_of_10[8];
    if (before > WORD_DIGITS) {
        before -= WORD_DIGITS;
        number += number_in(word_at(text + before), WORD_DIGITS) * scale;
        scale = power_of_10[16];
    }
    return id_of(text, digits, number_in(word_at(text), before) * scale + number);
}

/* What parts two ids, as two bytes of which `mask` tells those that must be so: one comparison,
 * which makes reading short ids 6 % faster than two. */
struct parting {
    uint16_t bytes, mask;
};

static struct parting parting_of(uint32_t gap)
{
    struct parting parting;
    memcpy(&parting.bytes, gap == 2 ? ", " : ",", sizeof parting.bytes);
    memcpy(&parting.mask, gap == 2 ? "\xff\xff" : "\xff", sizeof parting.mask);
    return parting;
}

static inline bool is_parted(struct parting parting, const char *at)
{
    uint16_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    return (bytes & parting.mask) == parting.bytes;
}

/* Takes ids that are digits with a comma behind them and, where `gap` is 2, a space: nearly all
 * there are. What is left is anything, also nothing. */
static inline void take_plain_ids(struct cursor *cursor, uint32_t gap, bool prefixes,
                                  struct list *list)
{
    const struct parting parting = parting_of(gap);
    const char *at = cursor->at;
    while (FIRST_IS_LOWEST && cursor->end - at >= SHORT_BYTES && list->to < list->room_end) {
        uint64_t word = word_at(at), id;
        uint32_t digits = digits_in(word);
        bool is_wide = digits == WORD_DIGITS && is_digit(at[WORD_DIGITS]);
        if (is_wide && cursor->end - at < WIDE_BYTES)
            break;
        if (is_wide)
            digits = wide_digits(at);
        if (digits == 0 || (*at == '0' && digits > 1) || !is_parted(parting, at + digits))
            break;
        id = is_wide ? wide_id(at, digits) : number_in(word, digits);
        put(list, prefixes, id);
        at += digits + gap;
    }
    cursor->at = at;
}

static inline bool take_list(struct cursor *cursor, struct scan *scan, bool prefixes)
{
    struct list list = { scan->ids, scan->ids + scan->ids_capacity, .ascend = true };
    if (!take(cursor, '['))
        return false;
    skip_spaces(cursor);
    bool is_empty = take(cursor, ']');
    bool more = !is_empty;
    while (more) {
        uint64_t id;
        skip_spaces(cursor);
        if (scan->gap > 0)
            take_plain_ids(cursor, scan->gap, prefixes, &list);
        skip_spaces(cursor);
        if (!json_id_take(cursor, &id))
            return false;
        if (list.to == list.room_end)
            make_room(scan, &list);
        put(&list, prefixes, id);
        skip_spaces(cursor);
        more = take(cursor, ',');
        if (more)
            scan->gap = cursor->at < cursor->end && *cursor->at == ' ' ? 2 : 1;
    }
    scan->id_count = (uint32_t)(list.to - scan->ids);
    scan->ids_ascend = list.ascend;
    return is_empty || take(cursor, ']');
}

/* Compiled for each. */
bool json_ids_take(struct cursor *cursor, bool prefixes, struct scan *scan)
{
    return prefixes ? take_list(cursor, scan, true) : take_list(cursor, scan, false);
}
