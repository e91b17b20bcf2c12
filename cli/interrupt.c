/* cli/interrupt.c - one flag that a signal sets. It is the program's only global: a signal handler
 * gets no argument. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t asked;

static void note(int signal_number)
{
    (void)signal_number;
    asked = 1;
}

void interrupt_watch(void)
{
    /* SA_RESETHAND: the second signal finds the default again, which ends the process. */
    struct sigaction action = { .sa_handler = note, .sa_flags = (int)SA_RESETHAND };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interrupt_asked(void)
{
    return asked != 0;
}
