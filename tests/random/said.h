/* tests/random/said.h - what must hold of what a command says: JSON that any reader takes, numbers
 * that are numbers, metrics that add up, rows that are the same in each format. */
#ifndef REPRISE_TESTS_RANDOM_SAID_H
#define REPRISE_TESTS_RANDOM_SAID_H

#include "tests/random/script.h"

/* Each writes what is wrong into wrong: a short kind of fault, for which other seeds may have it
 * too. Returns whether it is as it should be. */
#define SAID_BYTES 150

bool said_is_json(const char *text, uint64_t bytes, enum says says, char wrong[SAID_BYTES]);
/* No number that is none among the words; no name of none. quotes: what keys mean, of which some say
 * "inf". */
bool said_is_text(const char *text, bool quotes, char wrong[SAID_BYTES]);
/* What exit code 2 must say: why, in words, on stderr, and nothing on stdout. */
bool said_is_refusal(const char *out, const char *err, char wrong[SAID_BYTES]);
/* Lines of JSON and CSV are the same rows; what they sum to is in runs, which `sim --json` said. */
bool said_are_rows(const char *runs, const char *jsonl, const char *csv, char wrong[SAID_BYTES]);

#endif
