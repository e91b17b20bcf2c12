/* cli/interrupt.h - Ctrl-C: the first asks the work to end and keeps what is finished, the second ends
 * the process. */
#ifndef REPRISE_CLI_INTERRUPT_H
#define REPRISE_CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGINT and SIGTERM are noted instead of ending the process. */
void interrupt_watch(void);
bool interrupt_asked(void);

#endif
