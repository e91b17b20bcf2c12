/* tests/failures/visitor.h - who asks of a page that the program under test serves. */
#ifndef REPRISE_TESTS_FAILURES_VISITOR_H
#define REPRISE_TESTS_FAILURES_VISITOR_H

#include <sys/types.h>

/* In a process of its own, whose id is returned: waits for the address that the program prints (the file stdout in
 * `streams`), asks for the page, what it begins with, and a run; then ends the program by SIGINT. */
pid_t visitor_send(const char *streams, pid_t program);

#endif
