/* tests/failures/runner.c - see runner.h. */
#define _GNU_SOURCE
#include "tests/failures/runner.h"

#include "tests/failures/visitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A run under way. */
struct run {
    const struct program *program;
    struct failures_page *page;
    char page_path[4096];
    struct run_end *end;
    pid_t child;
};

/* ---- the page ---- */

static bool make_page(struct run *run)
{
    snprintf(run->page_path, sizeof run->page_path, "%s/page", run->program->streams);
    int file = open(run->page_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || ftruncate(file, sizeof *run->page) != 0)
        return false;
    void *page = mmap(NULL, sizeof *run->page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    run->page = page;
    return page != MAP_FAILED;
}

static void tell_shim(struct failures_page *page, const struct disturbance *disturbance)
{
    const struct effect *effect = disturbance->effect;
    if (effect != NULL)
        page->failing =
            (struct failing_call){ disturbance->kind, disturbance->nth, disturbance->stack,
                                   effect->kind,      effect->error,    effect->stays,
                                   effect->jump_s };
    page->records = effect == NULL;
}

static void read_shim(const struct run *run, struct made_calls *made)
{
    const struct failures_page *page = run->page;
    for (uint32_t kind = 0; kind < call_kind_count; kind++)
        run->end->reached[kind] = atomic_load(&page->reached[kind]);
    run->end->happened = atomic_load(&page->happened);
    memcpy(run->end->frames, page->frames, sizeof page->frames);
    if (made == NULL)
        return;
    made->count = atomic_load(&page->made_count);
    if (made->count > CALLS_MOST)
        made->count = CALLS_MOST;
    made->call = malloc((made->count + 1) * sizeof *made->call);
    if (made->call == NULL)
        abort();
    memcpy(made->call, page->made, made->count * sizeof *made->call);
}

/* ---- the program ---- */

static void redirect(const char *folder, const char *name, int flags, int to)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int file = open(path, flags, 0600);
    if (file < 0 || dup2(file, to) < 0)
        _exit(126);
    close(file);
}

static _Noreturn void become(const struct run *run)
{
    const struct program *program = run->program;
    setpgid(0, 0);
    signal(SIGINT, SIG_DFL);
    redirect("/dev", "null", O_RDONLY, STDIN_FILENO);
    redirect(program->streams, "stdout", O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
    redirect(program->streams, "stderr", O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
    if (chdir(program->folder) != 0)
        _exit(126);
    setenv("LD_PRELOAD", program->shim, 1);
    setenv(PAGE_VARIABLE, run->page_path, 1);
    execv(program->argv[0], program->argv);
    _exit(126);
}

static void ignore(int signal_number)
{
    (void)signal_number; /* it is there to end waitpid() */
}

/* So often, since one that comes beside waitpid() ends nothing. */
static void set_alarm(bool on)
{
    struct sigaction action = { .sa_handler = ignore };
    sigaction(SIGALRM, &action, NULL);
    const struct timeval often = { .tv_usec = on ? 100000 : 0 };
    setitimer(ITIMER_REAL, &(struct itimerval){ often, often }, NULL);
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void watch(struct run *run)
{
    int how = 0;
    const double end_s = now_s() + run->program->limit_s;
    pid_t visitor = run->program->visited ? visitor_send(run->program->streams, run->child) : 0;
    set_alarm(true);
    while (waitpid(run->child, &how, 0) < 0 && errno == EINTR)
        if (now_s() > end_s) {
            run->end->timed_out = true;
            kill(-run->child, SIGKILL);
        }
    set_alarm(false);
    if (visitor > 0) {
        kill(visitor, SIGKILL);
        waitpid(visitor, NULL, 0);
    }
    run->end->code = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
    run->end->signal = WIFSIGNALED(how) ? WTERMSIG(how) : 0;
}

static void forget_output(const struct program *program)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/stdout", program->streams);
    unlink(path);
}

bool runner_run(const struct program *program, const struct disturbance *disturbance,
                struct run_end *end, struct made_calls *made)
{
    struct run run = { .program = program, .end = end };
    *end = (struct run_end){ .code = -1 };
    if (!make_page(&run)) {
        fprintf(stderr, "%s: %s\n", run.page_path, strerror(errno));
        return false;
    }
    run.page->depth = program->depth;
    tell_shim(run.page, disturbance);
    forget_output(program); /* the last one's address is nobody's to ask */
    fflush(stdout);         /* or the child would have it too */
    run.child = fork();
    if (run.child == 0)
        become(&run);
    if (run.child > 0)
        watch(&run);
    read_shim(&run, made);
    munmap(run.page, sizeof *run.page);
    if (run.child < 0 || end->code == PAGE_NO_DOOR) {
        fputs("calls to the kernel cannot be watched here\n", stderr);
        return false;
    }
    return true;
}
