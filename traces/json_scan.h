/* traces/json_scan.h - a line that is a JSON object of plain values, taken to a format's keys in one
 * pass and without an allocation: what regular traces are made of. On anything else the scan gives
 * up, and the caller has the general parser (json_record.h) read the line, so that values and
 * refusals are the same with it and without it. Private to traces/.
 *
 * It gives up on keys that the format does not list and on one that is there twice, also by another
 * of its names; on null, nesting, escapes, bytes that are no printable ASCII, exponents, a minus
 * where none is expected, whole numbers of over 18 digits that are no ids, decimals of over 15, white
 * space other than spaces, and whatever is no JSON. */
#ifndef REPRISE_TRACES_JSON_SCAN_H
#define REPRISE_TRACES_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCAN_KEYS_MOST = 20, SCAN_SLOTS_MOST = 10 };

enum scan_kind {
    SCAN_WHOLE,  /* a whole number, of either sign */
    SCAN_NUMBER, /* a number of 0 or more, as strtod() rounds it */
    SCAN_ID,     /* as json_id() has it */
    SCAN_IDS,    /* an array of them; one key of a form may be of this kind, or of the next */
    SCAN_PREFIXES, /* the same, made prefix keys as the ids are read: prefix_key() */
    SCAN_TEXT,
    SCAN_PASSED /* a number, text or constant that nobody asks for */
};

struct scan_key {
    const char *name;
    uint32_t length;
    enum scan_kind kind;
    uint32_t slot; /* of its value; names of one thing have one slot */
};

/* The keys that a format's lines may have. Zeroed: none. Names are not copied. */
struct scan_form {
    struct scan_key key[SCAN_KEYS_MOST];
    uint32_t keys;
};
/* Adds names, up to a NULL, of one thing. */
void scan_form_add(struct scan_form *form, const char *const *names, enum scan_kind kind,
                   uint32_t slot);

union scan_value {
    int64_t whole;
    double number;
    uint64_t id;
    struct {
        const char *bytes; /* of the line */
        size_t length;
    } text;
};

/* What a line holds. Zeroed before the first one, and of one form. */
struct scan {
    uint32_t given; /* bit s: slot s has a value */
    union scan_value value[SCAN_SLOTS_MOST];
    uint64_t *ids; /* memory_grow()'s; the caller's to free() */
    uint32_t ids_capacity, id_count;
    bool ids_ascend; /* each id is above the one before it, so that none is there twice */
    uint8_t order[SCAN_KEYS_MOST]; /* private: the keys of the line before, which mostly come again */
    uint32_t gap;    /* private: bytes between the last two ids that were parted; 0: not known */
};

static inline bool scan_has(const struct scan *scan, uint32_t slot)
{
    return (scan->given >> slot & 1) != 0;
}

/* false: it gave up, and what is in *scan means nothing. */
bool json_scan(const struct scan_form *form, const char *line, size_t length, struct scan *scan);

#endif
