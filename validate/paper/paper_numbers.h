/* validate/paper/paper_numbers.h - the published numbers, by their keys in paper.yaml. Private to
 * its folder. */
#ifndef REPRISE_VALIDATE_PAPER_PAPER_NUMBERS_H
#define REPRISE_VALIDATE_PAPER_PAPER_NUMBERS_H

#include "base/error.h"

/* Every key of paper.yaml, and no other, must be given. */
#define PAPER_NUMBERS_MAX 96

struct paper_numbers {
    double value[PAPER_NUMBERS_MAX]; /* in the order of the table in paper_numbers.c */
};

/* Reads path; NULL: paper.yaml of the folder $REPRISE_PAPER, else of the one the build knows. */
enum status paper_numbers_read(const char *path, struct paper_numbers *numbers, struct error *err);

/* "figure13.hit_rate.llama-13b": as printed there; durations in ns, sizes in bytes. Asserts that it
 * is a key of the table. */
double paper_number(const struct paper_numbers *numbers, const char *key);

#endif
