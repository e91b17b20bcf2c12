/* cli/interrupt.c - see interrupt.h. */
#include "cli/interrupt.h"

#include "base/scratch.h"

#include <signal.h>
#include <stdatomic.h>

/* All that a signal handler can reach. Atomic: it may run in any thread, and all read them. */
static atomic_bool caught, asked;

/* SA_RESETHAND: the default action is back, and is what the raised signal does when this returns.
 */
static void handle(int signal_number)
{
    if (atomic_load(&caught) && !atomic_exchange(&asked, true)) {
        interrupt_begin();
        return;
    }
    scratch_remove_all();
    raise(signal_number);
}

/* SA_RESTART: no read() or write() of any library is cut short by it. */
void interrupt_begin(void)
{
    struct sigaction action = { .sa_handler = handle, .sa_flags = (int)SA_RESETHAND | SA_RESTART };
    struct sigaction before;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* The terminal was closed: ignored already, it is to go on (nohup). */
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
}

void interrupt_catch(void)
{
    atomic_store(&caught, true);
}

bool interrupt_asked(void)
{
    return atomic_load(&asked);
}
