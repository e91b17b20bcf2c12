/* tests/failures/tracer.c - see tracer.h. x86-64: where a call's number and result lie is the
 * processor's. */
#define _GNU_SOURCE
#include "tests/failures/tracer.h"

#include "tests/failures/page.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MOST = 256, DISK_BLOCK = 4096 };

/* A run under way. */
struct trace {
    const struct program *program;
    const struct disturbance *disturbance;
    struct failures_page *page;
    char page_path[4096];
    struct run_end *end;
    pid_t child;
    pid_t failing[THREADS_MOST]; /* threads whose call under way was taken away; 0: free */
};

/* ---- what one call comes to ---- */

static bool is_disturbed(const struct trace *trace, uint32_t kind)
{
    const struct disturbance *disturbance = trace->disturbance;
    const struct effect *effect = disturbance->effect;
    if (effect == NULL || kind != disturbance->kind)
        return false;
    uint32_t reached = trace->end->reached[kind];
    return reached == disturbance->nth || (effect->stays && reached > disturbance->nth);
}

static pid_t *place_of(struct trace *trace, pid_t thread)
{
    for (uint32_t i = 0; i < THREADS_MOST; i++)
        if (trace->failing[i] == thread)
            return &trace->failing[i];
    return NULL;
}

static void take_away(struct trace *trace, pid_t thread)
{
    pid_t *place = place_of(trace, 0);
    if (place == NULL)
        return;
    *place = thread;
    ptrace(PTRACE_POKEUSER, thread, offsetof(struct user, regs.orig_rax), -1L);
}

/* The third argument of read(), write() and their like is how much: bytes, or pieces of a list. */
static void shorten(pid_t thread, uint64_t memory, uint64_t count)
{
    uint64_t fewer = (count + 1) / 2;
    /* Direct I/O, which a disk gives by blocks alone. */
    if (memory % DISK_BLOCK == 0 && count % DISK_BLOCK == 0)
        fewer = (fewer + DISK_BLOCK - 1) / DISK_BLOCK * DISK_BLOCK;
    ptrace(PTRACE_POKEUSER, thread, offsetof(struct user, regs.rdx), fewer);
}

static void disturb(struct trace *trace, pid_t thread, const struct __ptrace_syscall_info *info)
{
    trace->end->happened = true;
    switch (trace->disturbance->effect->kind) {
    case EFFECT_ERROR:
        take_away(trace, thread);
        break;
    case EFFECT_SHORT:
        shorten(thread, info->entry.args[1], info->entry.args[2]);
        break;
    case EFFECT_KILL:
        kill(trace->child, SIGKILL);
        break;
    case EFFECT_INTERRUPT:
        kill(trace->child, SIGINT);
        break;
    default:
        break;
    }
}

/* Standard error is no file on the disk that is full, and the only place where that can be told; an
 * eventfd is a number in the kernel, which no disk fails. */
static bool is_spared(const struct trace *trace, const struct __ptrace_syscall_info *info)
{
    uint64_t number = info->entry.nr;
    bool writes = number == SYS_write || number == SYS_writev;
    if (!writes && number != SYS_read)
        return false;
    char link[64], target[32] = "";
    snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)trace->child, (int)info->entry.args[0]);
    ssize_t length = readlink(link, target, sizeof target - 1);
    return (writes && info->entry.args[0] == STDERR_FILENO) ||
           (length > 0 && strncmp(target, "anon_inode:", strlen("anon_inode:")) == 0);
}

static void on_call(struct trace *trace, pid_t thread)
{
    struct __ptrace_syscall_info info;
    if (atomic_load(&trace->page->armed) == 0 ||
        ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0)
        return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        uint32_t kind = call_kind_of(info.entry.nr);
        if (kind == call_kind_count || is_spared(trace, &info))
            return;
        trace->end->reached[kind]++;
        if (is_disturbed(trace, kind))
            disturb(trace, thread, &info);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
        pid_t *place = place_of(trace, thread);
        if (place == NULL)
            return;
        *place = 0;
        ptrace(PTRACE_POKEUSER, thread, offsetof(struct user, regs.rax),
               -(long)trace->disturbance->effect->error);
    }
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

static _Noreturn void become(const struct trace *trace, bool traced)
{
    const struct program *program = trace->program;
    setpgid(0, 0);
    signal(SIGINT, SIG_DFL);
    redirect("/dev", "null", O_RDONLY, STDIN_FILENO);
    redirect(program->streams, "stdout", O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
    redirect(program->streams, "stderr", O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
    if (chdir(program->folder) != 0)
        _exit(126);
    setenv("LD_PRELOAD", program->shim, 1);
    setenv(PAGE_VARIABLE, trace->page_path, 1);
    if (traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(125);
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

static void note_end(struct run_end *end, int how)
{
    end->code = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
    end->signal = WIFSIGNALED(how) ? WTERMSIG(how) : 0;
}

/* Signals go on to the program; what ptrace() itself says of threads and programs does not. */
static int passed_on(int how)
{
    int told = WSTOPSIG(how);
    if (told == (SIGTRAP | 0x80) || how >> 16 != 0 || told == SIGSTOP || told == SIGTRAP)
        return 0;
    return told;
}

static void watch(struct trace *trace, bool traced)
{
    int how;
    const double end_s = now_s() + trace->program->limit_s;
    set_alarm(true);
    for (;;) {
        if (now_s() > end_s) {
            trace->end->timed_out = true;
            kill(-trace->child, SIGKILL);
        }
        pid_t thread = waitpid(traced ? -1 : trace->child, &how, traced ? __WALL : 0);
        if (thread < 0 && errno == EINTR)
            continue;
        if (thread < 0)
            break;
        if (WIFEXITED(how) || WIFSIGNALED(how)) {
            if (thread == trace->child)
                note_end(trace->end, how);
            continue;
        }
        if (WSTOPSIG(how) == (SIGTRAP | 0x80))
            on_call(trace, thread);
        ptrace(PTRACE_SYSCALL, thread, NULL, (void *)(intptr_t)passed_on(how));
    }
    set_alarm(false);
}

static bool begin(struct trace *trace, bool traced)
{
    trace->child = fork();
    if (trace->child == 0)
        become(trace, traced);
    int how;
    if (!traced)
        return trace->child > 0;
    if (trace->child < 0 || waitpid(trace->child, &how, 0) != trace->child || !WIFSTOPPED(how) ||
        ptrace(PTRACE_SETOPTIONS, trace->child, NULL,
               PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
                   PTRACE_O_EXITKILL) != 0) {
        fprintf(stderr, "no program can be traced here: %s\n", strerror(errno));
        return false;
    }
    ptrace(PTRACE_SYSCALL, trace->child, NULL, NULL);
    return true;
}

static bool make_page(struct trace *trace)
{
    snprintf(trace->page_path, sizeof trace->page_path, "%s/page", trace->program->streams);
    int file = open(trace->page_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || ftruncate(file, sizeof *trace->page) != 0)
        return false;
    void *page = mmap(NULL, sizeof *trace->page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    trace->page = page;
    return page != MAP_FAILED;
}

static void tell_shim(struct failures_page *page, const struct disturbance *disturbance)
{
    const struct effect *effect = disturbance->effect;
    if (effect != NULL && effect->kind == EFFECT_MEMORY) {
        page->refuse_first = disturbance->nth;
        page->refuse_last = effect->stays ? UINT32_MAX : disturbance->nth;
    }
    if (effect != NULL && effect->kind == EFFECT_CLOCK) {
        page->jump_at = disturbance->nth;
        page->jump_s = effect->jump_s;
    }
}

static void read_shim(const struct trace *trace)
{
    struct run_end *end = trace->end;
    for (uint32_t kind = 0; kind < call_kind_count; kind++) {
        if (strcmp(call_kinds[kind].name, "memory") == 0)
            end->reached[kind] = atomic_load(&trace->page->allocations);
        if (strcmp(call_kinds[kind].name, "clock") == 0)
            end->reached[kind] = atomic_load(&trace->page->clock_readings);
    }
    const struct effect *effect = trace->disturbance->effect;
    if (effect != NULL && (effect->kind == EFFECT_MEMORY || effect->kind == EFFECT_CLOCK))
        end->happened = end->reached[trace->disturbance->kind] >= trace->disturbance->nth;
}

bool tracer_run(const struct program *program, const struct disturbance *disturbance,
                struct run_end *end)
{
    struct trace trace = { .program = program, .disturbance = disturbance, .end = end };
    *end = (struct run_end){ .code = -1 };
    if (!make_page(&trace)) {
        fprintf(stderr, "%s: %s\n", trace.page_path, strerror(errno));
        return false;
    }
    tell_shim(trace.page, disturbance);
    bool traced = disturbance->effect == NULL || call_kinds[disturbance->kind].numbers[0] >= 0;
    bool begun = begin(&trace, traced);
    if (begun)
        watch(&trace, traced);
    read_shim(&trace);
    munmap(trace.page, sizeof *trace.page);
    return begun;
}
