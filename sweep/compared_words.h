/* sweep/compared_words.h - a comparison in sentences, for whoever reads no further: what each policy gives, which is
 * best for what, and what makes the numbers doubtful or holds turns up; and its differences as texts. */
#ifndef REPRISE_SWEEP_COMPARED_WORDS_H
#define REPRISE_SWEEP_COMPARED_WORDS_H

#include "sweep/compared.h"

enum words_of { WORDS_POLICY, WORDS_VERDICT, WORDS_OVERLOAD, WORDS_FINDING };

/* Calls tell for each sentence: one a policy; the verdict where there are several; that all are overloaded; what was
 * found of each run, once where several share it. subject: what it is about ("lru", "lru, fifo", "Mean TTFT"), to be
 * put before it with a colon; "": nothing. Texts hold until tell returns. */
void compared_words(const struct compared *compared,
                    void (*tell)(void *context, enum words_of of, const char *subject,
                                 const char *sentence),
                    void *context);

#define DIFFERENCE_TEXT_BYTES 192

/* "-4.21 ms, -5.02 to -3.40", "no difference seen: -1.2 to 0.9 ms"; without an interval "-4.21 ms, no interval", or "-",
 * of which difference_doubt_text() says why. row: of difference_rows. Returns out. */
char *difference_text(int row, const struct difference *difference, char out[DIFFERENCE_TEXT_BYTES]);

#define COMPARED_TEXT_BYTES 1024

/* Why the difference has no interval, and what would give one; returns out. */
char *difference_doubt_text(const struct compared *compared, const struct against *against,
                            enum paired_doubt doubt, char out[COMPARED_TEXT_BYTES]);

/* "difference to lru, the first policy named, and its 95 % interval, turn by turn (1000 resamples of their time in
 * blocks of 12.3 min)": what a table of differences shows; returns out. Some are told. */
char *compared_method_text(const struct compared *compared, char out[COMPARED_TEXT_BYTES]);

/* How the table's P99s and their differences may differ; NULL: they do not. */
const char *compared_p99_text(const struct compared *compared);

#endif
