/* plots/size_terms.h - a search's terms in words for who buys servers and does not simulate them.
 * Private to plots/. */
#ifndef REPRISE_PLOTS_SIZE_TERMS_H
#define REPRISE_PLOTS_SIZE_TERMS_H

#include "sweep/size.h"

#include <stddef.h>

/* All return out. */

/* "TTFT P99", "answers in time". */
char *size_metric_title(int metric, char *out, size_t out_bytes);
/* "time until an answer's first word: 99 in 100 are no slower". */
char *size_metric_words(int metric, char *out, size_t out_bytes);
/* "at most 11.0 s". */
char *size_limit_words(const struct promise *promise, char *out, size_t out_bytes);

/* "bought and written off over 4 years, ...". */
char *size_billing_words(enum billing billing, const struct prices *prices, char *out,
                         size_t out_bytes);
/* "$ a month", "EUR per million tokens". */
char *size_objective_words(enum objective objective, const struct prices *prices, char *out,
                           size_t out_bytes);
/* The sum without its currency: "32,865". */
char *size_money_bare(const struct prices *prices, double usd, char *out, size_t out_bytes);

/* The promise that pictures show: that on ttft_p99 if there is one, else the first. */
const struct promise *size_shown_promise(const struct size_question *question);

#endif
