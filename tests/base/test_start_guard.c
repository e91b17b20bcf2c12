/* tests/base/test_start_guard.c - a library that ends the process while it starts ends it as
 * reprise does. */
#include "base/start_guard.h"

#include "tests/support.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void crash(void)
{
    raise(SIGSEGV);
}

static void stop(void)
{
    exit(1);
}

static void *crash_in_a_thread(void *none)
{
    crash();
    return none;
}

static void crash_elsewhere(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, crash_in_a_thread, NULL) == 0)
        pthread_join(thread, NULL);
}

static void (*const ends[])(void) = { crash, stop, abort, crash_elsewhere };
enum { ENDS = sizeof ends / sizeof *ends };

/* How a process ends that does this, every signal being blocked, and what it said. */
static int ended(void (*action)(void), char said[256])
{
    int words[2], status;
    ck_assert_int_eq(pipe(words), 0);
    pid_t child = fork();
    if (child == 0) {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, NULL);
        dup2(words[1], STDERR_FILENO);
        action();
        _exit(0);
    }
    close(words[1]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ssize_t length = read(words[0], said, 255);
    said[length > 0 ? length : 0] = '\0';
    close(words[0]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void (*guarded_end)(void);

static void guarded(void)
{
    struct start_guard outer, guard;
    start_guard_begin(&outer, "do more");
    start_guard_begin(&guard, "load it");
    guarded_end();
}

START_TEST(a_crash_and_an_exit_are_told)
{
    char said[256];
    guarded_end = ends[_i];
    ck_assert_int_eq(ended(guarded, said), 3);
    ck_assert_str_eq(said, "reprise: cannot load it: it ended as it started, as where memory is "
                           "refused to it\n");
}
END_TEST

static void after(void)
{
    struct start_guard guard;
    struct sigaction action;
    sigset_t before, mask;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    start_guard_begin(&guard, "load it");
    start_guard_end(&guard);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    sigaction(SIGABRT, NULL, &action);
    exit(action.sa_handler == SIG_DFL && sigismember(&mask, SIGABRT) == 1 ? 7 : 8);
}

START_TEST(behind_its_end_nothing_is_left_of_it)
{
    char said[256];
    ck_assert_int_eq(ended(after, said), 7);
    ck_assert_str_eq(said, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/start_guard");
    TCase *tests = tcase_create("start_guard");
    tcase_add_loop_test(tests, a_crash_and_an_exit_are_told, 0, ENDS);
    tcase_add_test(tests, behind_its_end_nothing_is_left_of_it);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
