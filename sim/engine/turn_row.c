/* sim/engine/turn_row.c - the columns as a table, and the words in them. */
#include "sim/engine/turn_row.h"

#include "sim/placement/tier.h"

#include <string.h>

#define COLUMN(member, kind, unit, meaning)                                                        \
    { #member, unit, meaning, TURN_##kind, offsetof(struct turn_row, member) },
const struct turn_column turn_columns[] = { TURN_COLUMNS(COLUMN) };
const uint32_t turn_column_count = sizeof turn_columns / sizeof *turn_columns;

#define WHY(why, word) [why] = word,
static const char *const whys[ABSENT_COUNT] = { TURN_WHYS(WHY) };

const char *turn_word(const struct turn_column *column, uint64_t value)
{
    if (column->kind == TURN_WHY)
        return value < ABSENT_COUNT ? whys[value] : NULL;
    return value < TIER_KINDS ? tier_name((enum tier)value) : NULL;
}

bool turn_word_value(const struct turn_column *column, const char *word, uint64_t *value)
{
    for (*value = 0; turn_word(column, *value) != NULL; (*value)++)
        if (strcmp(turn_word(column, *value), word) == 0)
            return true;
    return false;
}
