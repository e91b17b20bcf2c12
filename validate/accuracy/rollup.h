/* validate/accuracy/rollup.h - groups put together by what their keys have in common. Private to
 * validate/accuracy. */
#ifndef REPRISE_VALIDATE_ACCURACY_ROLLUP_H
#define REPRISE_VALIDATE_ACCURACY_ROLLUP_H

#include "validate/accuracy/accuracy.h"

/* Members of a key that groups of one row share. */
enum rollup_member {
    ROLLUP_GPU = 1,
    ROLLUP_ENGINE = 2,
    ROLLUP_MODEL = 4,
    ROLLUP_FORMAT = 8,
    ROLLUP_RANKS = 16,
    ROLLUP_LOAD = 32
};

struct rollup_row {
    struct accuracy_key key;              /* members that are not shared are empty */
    bool fitted;                          /* some of its groups */
    double held_out_median, held_out_p95; /* the worst of its groups' records; NAN: none */
    double measured, predicted;           /* medians */
    struct accuracy_errors errors;
};

/* Rows of that family and quantity ("": any, and then rows differ by it), in the order in which the
 * folder has them; by load they are sorted. members: a set of rollup_member. *rows is the caller's
 * to free(). */
uint32_t rollup(const struct accuracy *accuracy, enum accuracy_family family, const char *quantity,
                unsigned members, struct rollup_row **rows);

#endif
