/* cli/interrupt.c - see interrupt.h. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

/* The one thing that a signal handler can reach. Atomic: it may run in any thread, and all read it.
 */
static atomic_bool asked;

static void handle(int signal_number)
{
    (void)signal_number;
    atomic_store(&asked, true);
}

void interrupt_catch(void)
{
    /* Reset by the first one, so that the second finds the default action. */
    struct sigaction action = { .sa_handler = handle, .sa_flags = (int)SA_RESETHAND };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL); /* the terminal was closed */
}

bool interrupt_asked(void)
{
    return atomic_load(&asked);
}
