/* plots/size_tables.h - a search's answer as tables of a page. Private to plots/. */
#ifndef REPRISE_PLOTS_SIZE_TABLES_H
#define REPRISE_PLOTS_SIZE_TABLES_H

#include "sweep/size.h"

#include <stdio.h>

/* What is bought, in pieces; the bill, line by line; the same servers billed each way. */
void size_table_order(FILE *out, const struct size_answer *answer, uint32_t point);
void size_table_invoice(FILE *out, const struct size_answer *answer, uint32_t point);
void size_table_billings(FILE *out, const struct size_answer *answer, uint32_t point);

/* What was asked and what the point reaches. */
void size_table_promises(FILE *out, const struct size_question *question,
                         const struct size_answer *answer, uint32_t point);

/* The recommended beside the cheapest with less kept, and today's. */
enum status size_table_worth(FILE *out, const struct size_question *question,
                             const struct size_answer *answer, struct error *err);
/* The cheapest of each server; nothing where there is only one. */
void size_table_hardware(FILE *out, const struct size_question *question,
                         const struct size_answer *answer);
void size_table_neighbours(FILE *out, const struct size_question *question,
                           const struct size_answer *answer, uint32_t point);
void size_table_front(FILE *out, const struct size_question *question,
                      const struct size_answer *answer, uint32_t point);

void size_table_loads(FILE *out, const struct size_question *question,
                      const struct size_result *result);
void size_table_prices(FILE *out, const struct size_question *question,
                       const struct size_answer *answer);
void size_table_idle(FILE *out, const struct size_question *question,
                     const struct size_result *result);

#endif
