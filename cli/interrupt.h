/* cli/interrupt.h - Ctrl-C, SIGTERM and SIGHUP end the process, and its scratch folders with it; where a command catches
 * them, the first one asks it to stop and a second one ends it. */
#ifndef REPRISE_CLI_INTERRUPT_H
#define REPRISE_CLI_INTERRUPT_H

#include <stdbool.h>

/* Once, at the process's begin. SIGHUP stays ignored where it is (nohup). */
void interrupt_begin(void);

void interrupt_catch(void);
/* May be asked from any thread. */
bool interrupt_asked(void);

#endif
