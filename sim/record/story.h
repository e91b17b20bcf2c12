/* sim/record/story.h - one turn's row told in words: what it waited for, what of its context was reused and from
 * where, why the rest was not. */
#ifndef REPRISE_SIM_RECORD_STORY_H
#define REPRISE_SIM_RECORD_STORY_H

#include "sim/engine/turn_row.h"

#include <stdio.h>

/* before: the session's turn before it; cause: the turn for which its KV was given up (row->lost_for_turn).
 * NULL: not known, or there is none. */
void story_tell(FILE *out, const struct turn_row *row, const struct turn_row *before,
                const struct turn_row *cause);

#endif
