/* cli/process.h - what holds for the whole process, whichever command it runs. */
#ifndef REPRISE_CLI_PROCESS_H
#define REPRISE_CLI_PROCESS_H

/* Called once, before anything else:
 * - no file that is opened later becomes standard input, output or error, where one of these is closed: a message would go
 *   into a database. Writing to a closed standard output fails, as it should.
 * - a reader that went away is an error of write(), told like any other.
 * - a signal that ends the process takes its scratch folders along.
 * - libraries that allocate end the process where there is no memory, as base/memory.h does. */
void process_begin(void);

#endif
