/* cli/limits.c - see limits.h. */
#define _GNU_SOURCE /* pthread_setattr_default_np */
#include "cli/limits.h"

#include "base/scratch.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Four times what any command was seen to want; what systems give as a rule. */
static const rlim_t STACK_LEAST_BYTES = 1 << 20, STACK_USUAL_BYTES = 8 << 20;

/* The system kills the process soon after, without a word; the database is whole, as after any
 * kill. */
static void tell_time_is_up(int signal_number)
{
    static const char message[] = "reprise: the CPU time that `ulimit -t` allows is used up\n";
    (void)signal_number;
    (void)!write(STDERR_FILENO, message, sizeof message - 1);
    scratch_remove_all();
    _exit(error_exit_code(STATUS_IO));
}

/* A thread's stack is what the limit was when the process began, not what it was raised to. */
static void give_threads(size_t stack_bytes)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return;
    if (pthread_attr_setstacksize(&attributes, stack_bytes) == 0)
        pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
}

static enum status have_stack(struct error *err)
{
    struct rlimit limit;
    char what[64];
    if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= STACK_LEAST_BYTES)
        return STATUS_OK;
    snprintf(what, sizeof what, "run with a stack of %llu KiB",
             (unsigned long long)limit.rlim_cur / 1024);
    limit.rlim_cur = limit.rlim_max < STACK_USUAL_BYTES ? limit.rlim_max : STACK_USUAL_BYTES;
    if (limit.rlim_cur < STACK_LEAST_BYTES || setrlimit(RLIMIT_STACK, &limit) != 0)
        return error_io(err, NULL, what, "1024 are wanted, and `ulimit -s` allows no more");
    give_threads((size_t)limit.rlim_cur);
    return STATUS_OK;
}

enum status limits_begin(struct error *err)
{
    struct sigaction time_is_up = { .sa_handler = tell_time_is_up };
    sigemptyset(&time_is_up.sa_mask);
    sigaction(SIGXCPU, &time_is_up, NULL);
    signal(SIGXFSZ, SIG_IGN);
    return have_stack(err);
}
