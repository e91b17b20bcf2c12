/* cli/limits.h - what the system limits a process to (ulimit), so that each limit is met by words and exit code 3
 * and not by a signal. Memory: base/memory.h; threads, files: whoever asks for one. */
#ifndef REPRISE_CLI_LIMITS_H
#define REPRISE_CLI_LIMITS_H

#include "base/error.h"

/* Called once, before any thread is started. From then on a file that grows past its limit is an error of
 * write(), told like any other; CPU time that is used up ends the process with a message and 3; and the stacks are as
 * large as the program takes them to be. STATUS_IO: they cannot be. */
enum status limits_begin(struct error *err);

#endif
