/* tests/failures/judge.h - what a disturbed run may be like: no crash, no endless wait; an exit code that is not 0
 * unless all is as ever; a message that is true; files whole or absent; a database whole, from which the same command
 * goes on. */
#ifndef REPRISE_TESTS_FAILURES_JUDGE_H
#define REPRISE_TESTS_FAILURES_JUDGE_H

#include "tests/failures/commands.h"
#include "tests/failures/files.h"
#include "tests/failures/runner.h"

/* An undisturbed run, and what it left. */
struct reference {
    const struct command *command;
    struct run_end end;
    struct files files;
    char *printed, *content; /* its standard output; its database, NULL: none */
};

enum verdict { VERDICT_AS_EVER, VERDICT_REFUSED, VERDICT_STOPPED, VERDICT_FAULT };

/* A disturbed run in `folder`, whose standard output and error lie in `streams`. `again` runs the command once more
 * there, undisturbed, and returns its exit code. On VERDICT_FAULT: fault says what is wrong. */
struct trial {
    const struct reference *reference;
    const struct disturbance *disturbance;
    const struct run_end *end;
    const char *folder, *streams;
    int (*again)(void *context);
    void *context;
};
enum verdict judge(const struct trial *trial, char *fault, size_t fault_bytes);

#endif
