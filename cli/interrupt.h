/* cli/interrupt.h - Ctrl-C, SIGTERM and SIGHUP ask a command to stop; a second one kills it. */
#ifndef REPRISE_CLI_INTERRUPT_H
#define REPRISE_CLI_INTERRUPT_H

#include <stdbool.h>

void interrupt_catch(void);
/* May be asked from any thread. */
bool interrupt_asked(void);

#endif
