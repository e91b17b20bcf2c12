/* sweep/axis.h - one thing that a sweep varies: a key of the experiment and the values it takes.
 *
 *   KEY=ITEM,ITEM,...    each ITEM a value as --set takes it, or a range of a key that is a number:
 *   LOW..HIGH:logN       N values, each the same factor above the one before, both ends included
 *   LOW..HIGH:linN       N values, each the same step above the one before
 *   LOW..HIGH            every whole number, of a key without a unit
 *   LOW..HIGH:log, :lin  any value between, for samples; must be the key's only item
 *
 * Values between the ends are rounded to 3 significant digits, and to whole numbers where the key
 * takes those: nobody buys 127,451,983,124 bytes of DRAM. */
#ifndef REPRISE_SWEEP_AXIS_H
#define REPRISE_SWEEP_AXIS_H

#include "base/config_tree.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define AXIS_KEY_BYTES 96
#define AXIS_VALUES_MOST 10000

struct axis {
    char key[AXIS_KEY_BYTES];
    const struct config_row *row; /* of experiment_sections */
    bool continuous, logarithmic; /* continuous: no values, any between low and high */
    double low, high;             /* in the row's base unit */
    uint32_t count, capacity;
    char **value; /* as --set takes them, in the order given, none twice */
};

/* Reads "KEY=ITEM,...". STATUS_INPUT: an unknown key, a range of a key that is no number... On any
 * return *axis is the caller's to axis_free(). Whether a value is in the key's range is told when
 * an experiment is made of it. */
enum status axis_parse(const char *text, struct axis *axis, struct error *err);
void axis_free(struct axis *axis);

/* The value at share in [0, 1) of the axis: of a continuous one between its ends, else one of its
 * values, all equally wide. The caller frees it. */
char *axis_value_at(const struct axis *axis, double share);

/* The row of an experiment's key; NULL: no such key. */
const struct config_row *axis_row(const char *key);

/* A value for people ("128 GB"); returns out. */
char *axis_show(const struct config_row *row, const char *value, char *out, size_t out_bytes);

#endif
