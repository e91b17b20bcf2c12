/* validate/accuracy/points.h - how a family adds what it measured. Private to its folder. */
#ifndef REPRISE_VALIDATE_ACCURACY_POINTS_H
#define REPRISE_VALIDATE_ACCURACY_POINTS_H

#include "validate/accuracy/accuracy.h"

/* The group of that key, made (unseen, without held-out errors) if there is none; its index. */
uint32_t points_group(struct accuracy *accuracy, const struct accuracy_key *key);

bool points_is_key(const struct accuracy_key *one, const struct accuracy_key *other);

/* Adds a point, both in ns and above 0. Where it is among the family's worst: its place there, of
 * which the caller fills in shape and cause before the next call; else NULL. */
struct accuracy_point *points_add(struct accuracy *accuracy, uint32_t group, double measured,
                                  double predicted);

/* A sentence for people, printf-like. */
__attribute__((format(printf, 2, 3))) void points_note(struct accuracy *accuracy,
                                                       const char *format, ...);

/* Errors of count pairs; fills `error`, room for as many, with its own work. */
struct accuracy_errors points_errors(double *error, uint32_t count);

#endif
