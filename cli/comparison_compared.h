/* cli/comparison_compared.h - the runs of a comparison beside each other: what its words and tables are told from. */
#ifndef REPRISE_CLI_COMPARISON_COMPARED_H
#define REPRISE_CLI_COMPARISON_COMPARED_H

#include "cli/comparison.h"

/* Makes the means of several seeds and fills in comparison->compared, with all differences that are told, found once.
 * After comparison_run(). STATUS_INPUT, STATUS_IO: the hardware's file is no longer there. */
enum status comparison_compare(struct comparison *comparison, struct error *err);

#endif
