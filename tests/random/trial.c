/* tests/random/trial.c - see trial.h. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "tests/random/trial.h"

#include "tests/random/work.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* CPU time: a start, and for each step (work.h). */
#define TRIAL_START_S 5.0
#ifdef __SANITIZE_ADDRESS__
#define TRIAL_STEP_S 100e-6
#else
#define TRIAL_STEP_S 5e-6
#endif
/* And for each event, once that is more than a start: far more than the longest chain takes. */
#define TRIAL_EVENT_S (4000.0 * TRIAL_STEP_S)
/* Of the memory that a run may take: a start, and for each step. */
#define TRIAL_START_BYTES UINT64_C(512000000)
#define TRIAL_STEP_BYTES 1000.0
/* A process that waits takes no CPU time: wall time, as a multiple of that. */
#define WALL_OVER_CPU 20.0

enum { SERIES_POINTS_MOST = 256, HEARD_BYTES = 16384 };

/* What the child tells, in memory that both see. */
struct told {
    bool is_done, is_same;
    enum status status;
    struct error err;
    struct sim_result result; /* its series point into x and y */
    struct row_sums rows;
    double x[SIM_SERIES_MAX][SERIES_POINTS_MOST], y[SIM_SERIES_MAX][SERIES_POINTS_MOST];
    double cpu_s, last_tell_s;
    uint64_t tells, turns_done, peak_bytes;
};

/* ---- in the child ---- */

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static bool note_progress(void *context, uint64_t turns_done, uint64_t turns_expected,
                          double share_read)
{
    struct told *told = context;
    (void)turns_expected;
    (void)share_read;
    told->tells++;
    told->turns_done = turns_done;
    told->last_tell_s = cpu_s();
    return true;
}

static void tell_result(struct told *told, const struct sim_result *result)
{
    told->result = *result;
    for (uint32_t i = 0; i < result->series_count; i++) {
        struct series *series = &told->result.series[i];
        uint32_t count = series->count < SERIES_POINTS_MOST ? series->count : SERIES_POINTS_MOST;
        memcpy(told->x[i], result->series[i].x, count * sizeof(double));
        memcpy(told->y[i], result->series[i].y, count * sizeof(double));
        *series = result->series[i];
        series->count = count;
        series->x = told->x[i];
        series->y = told->y[i];
    }
}

static bool is_same(const struct sim_result *a, const struct sim_result *b)
{
    bool same = a->series_count == b->series_count && a->events == b->events &&
                a->trace_hash == b->trace_hash &&
                memcmp(&a->metrics, &b->metrics, sizeof a->metrics) == 0;
    for (uint32_t i = 0; same && i < a->series_count; i++) {
        const struct series *one = &a->series[i], *other = &b->series[i];
        same = one->count == other->count &&
               memcmp(one->x, other->x, one->count * sizeof *one->x) == 0 &&
               memcmp(one->y, other->y, one->count * sizeof *one->y) == 0;
    }
    return same;
}

static void run(struct told *told, const struct experiment *experiment,
                struct trial_options options)
{
    run_experiment *run_one = options.run != NULL ? options.run : sim_run;
    const struct sim_progress progress = { .tell = note_progress, .context = told };
    const struct watch watch = rows_watch(&told->rows);
    struct sim_progress watched = progress;
    struct sim_result result, again;
    told->is_same = true;
    watched.watch = &watch;
    told->status = run_one(experiment, &watched, &result, &told->err);
    if (told->status == STATUS_OK) {
        tell_result(told, &result);
        /* The second one finds a heap that the first one has left, and is watched by nobody. */
        if (options.twice && run_one(experiment, &progress, &again, &told->err) == STATUS_OK) {
            told->is_same = is_same(&result, &again);
            sim_result_free(&again);
        } else if (options.twice) {
            told->is_same = false;
        }
        sim_result_free(&result);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    told->peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    told->cpu_s = cpu_s();
    told->is_done = true;
}

static void bound(int resource, rlim_t most)
{
    const struct rlimit limit = { most, most + 1 }; /* of CPU time: SIGXCPU first, then SIGKILL */
    setrlimit(resource, &limit);
}

static _Noreturn void be_the_child(struct told *told, const struct experiment *experiment,
                                   struct trial_options options, double bound_s,
                                   uint64_t bound_bytes, FILE *heard)
{
    bound(RLIMIT_CORE, 0);
    bound(RLIMIT_CPU, (rlim_t)bound_s + 1);
#ifdef __SANITIZE_ADDRESS__
    (void)bound_bytes; /* its shadow is larger than any bound */
#else
    bound(RLIMIT_AS, bound_bytes);
#endif
    alarm((unsigned)(WALL_OVER_CPU * bound_s) + 1);
    dup2(fileno(heard), STDOUT_FILENO);
    dup2(fileno(heard), STDERR_FILENO);
    run(told, experiment, options);
    exit(0); /* not _exit(): leaks are told at the end */
}

/* ---- what was wrong ---- */

static struct fault *add_fault(struct trial *trial, const char *kind)
{
    struct fault *fault = &trial->fault[trial->faults++];
    snprintf(fault->kind, sizeof fault->kind, "%s", kind);
    return fault;
}

static void read_heard(FILE *heard, char text[HEARD_BYTES])
{
    rewind(heard);
    size_t length = fread(text, 1, HEARD_BYTES - 1, heard);
    text[length] = '\0';
}

/* From `begin` to the end of its line, without what differs between runs of the same fault: the
 * path before the last slash, addresses, the process. */
static void line_as_kind(const char *prefix, const char *begin, char kind[TRIAL_KIND_BYTES])
{
    char line[TRIAL_KIND_BYTES];
    size_t length = strcspn(begin, "\n");
    snprintf(line, sizeof line, "%.*s",
             (int)(length < TRIAL_KIND_BYTES ? length : TRIAL_KIND_BYTES), begin);
    char *address = strstr(line, "0x");
    if (address != NULL)
        *address = '\0';
    snprintf(kind, TRIAL_KIND_BYTES, "%s%.*s", prefix, (int)(TRIAL_KIND_BYTES - 2 - strlen(prefix)),
             line);
}

/* The beginning of the line in which `at` lies, or of its last path's file name. */
static const char *from_file_name(const char *text, const char *at)
{
    while (at > text && at[-1] != '\n' && at[-1] != '/')
        at--;
    return at;
}

bool trial_kind_of_heard(const char *text, char kind[TRIAL_KIND_BYTES])
{
    const char *at;
    if ((at = strstr(text, ": Assertion `")) != NULL)
        line_as_kind("assertion: ", from_file_name(text, at), kind);
    else if ((at = strstr(text, ": runtime error: ")) != NULL)
        line_as_kind("undefined: ", from_file_name(text, at), kind);
    else if ((at = strstr(text, "SUMMARY: ")) != NULL)
        line_as_kind("sanitizer: ", at + strlen("SUMMARY: "), kind);
    else
        return false;
    return true;
}

static void say_death(struct trial *trial, int wait_status, const char *heard)
{
    char kind[TRIAL_KIND_BYTES];
    if (!trial_kind_of_heard(heard, kind)) {
        if (WIFSIGNALED(wait_status))
            snprintf(kind, sizeof kind, "died: signal %d", WTERMSIG(wait_status));
        else
            snprintf(kind, sizeof kind, "died: exit %d", WEXITSTATUS(wait_status));
    }
    struct fault *fault = add_fault(trial, kind);
    snprintf(fault->detail, sizeof fault->detail, "%.500s", heard);
}

/* Whether the clock still went: the engine tells of itself every some thousand events. */
static void say_late(struct trial *trial, const struct told *told)
{
    bool goes_on = told->tells > 0 && told->last_tell_s > trial->bound_s / 2.0;
    struct fault *fault =
        add_fault(trial, goes_on ? "no end: events go on" : "no end: within an event, or few");
    snprintf(fault->detail, sizeof fault->detail,
             "over %.0f s of CPU; told %" PRIu64 " times, last after %.1f s and %" PRIu64 " turns",
             trial->bound_s, told->tells, told->last_tell_s, told->turns_done);
}

static void check(struct trial *trial, struct outcome *outcome, const struct told *told)
{
    outcome->result = told->result;
    outcome->rows = told->rows;
    for (int i = 0; i < INVARIANT_COUNT; i++) {
        struct seen seen = { 0 };
        if (invariants[i].holds(outcome, &seen))
            continue;
        char kind[160];
        snprintf(kind, sizeof kind, "%.60s: %.90s", invariants[i].name, seen.what);
        snprintf(add_fault(trial, kind)->detail, 512, "%.17g, %.17g (%s)", seen.left, seen.right,
                 invariants[i].reason);
    }
    if (!told->is_same)
        add_fault(trial, "the second run differs");
}

static void say_refusal(struct trial *trial, const struct error *err)
{
    trial->is_refused = true;
    snprintf(trial->refusal, sizeof trial->refusal, "%.90s: expected %.250s, found %.250s",
             err->key, err->expected, err->found);
}

static void judge(struct trial *trial, struct outcome *outcome, const struct told *told,
                  int wait_status, uint64_t bound_bytes, const char *heard)
{
    int signal = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
    trial->cpu_s = told->cpu_s;
    trial->events = told->result.events;
    if (signal == SIGXCPU || signal == SIGALRM)
        say_late(trial, told);
    else if (!told->is_done || wait_status != 0)
        say_death(trial, wait_status, heard);
    else if (told->status == STATUS_INPUT)
        say_refusal(trial, &told->err);
    else if (told->status != STATUS_OK)
        snprintf(add_fault(trial, "an error that is no refusal")->detail, 512, "%.90s %.250s",
                 told->err.key, told->err.found);
    else
        check(trial, outcome, told);
    if (told->is_done && trial->cpu_s > 1.0 + TRIAL_EVENT_S * (double)trial->events)
        snprintf(add_fault(trial, "CPU time of an event")->detail, 512,
                 "%.2f s, %" PRIu64 " events", trial->cpu_s, trial->events);
    if (told->peak_bytes > bound_bytes)
        snprintf(add_fault(trial, "memory")->detail, 512, "%.1f MB",
                 (double)told->peak_bytes / 1e6);
}

/* ---- one trial ---- */

void trial_bounds(double steps, double *bound_s, uint64_t *bound_bytes)
{
    *bound_s = TRIAL_START_S + TRIAL_STEP_S * steps;
    *bound_bytes = TRIAL_START_BYTES + (uint64_t)(TRIAL_STEP_BYTES * steps);
}

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(3);
}

static void run_in_child(struct trial *trial, struct outcome *outcome, struct told *told,
                         struct trial_options options)
{
    double steps = work_steps(&outcome->experiment, &outcome->asked) * (options.twice ? 2.0 : 1.0);
    uint64_t bound_bytes;
    trial_bounds(steps, &trial->bound_s, &bound_bytes);
    if (options.most_cpu_s > 0.0 && options.most_cpu_s < trial->bound_s)
        trial->bound_s = options.most_cpu_s;
    FILE *heard = tmpfile();
    if (heard == NULL)
        die("a file for what a run says");
    fflush(NULL); /* or the child prints it again */
    pid_t child = fork();
    if (child < 0)
        die("fork");
    if (child == 0)
        be_the_child(told, &outcome->experiment, options, trial->bound_s, bound_bytes, heard);
    int wait_status;
    if (waitpid(child, &wait_status, 0) != child)
        die("waitpid");
    char text[HEARD_BYTES];
    read_heard(heard, text);
    fclose(heard);
    judge(trial, outcome, told, wait_status, bound_bytes, text);
}

struct trial trial_run(const struct settings *settings, struct trial_options options)
{
    struct trial trial = { 0 };
    struct outcome outcome;
    struct experiment experiment;
    struct error err = { 0 };
    enum status status = settings_experiment(settings, &experiment, &err);
    if (status == STATUS_OK)
        status = outcome_expect(&experiment, &outcome, &err);
    if (status == STATUS_INPUT) {
        say_refusal(&trial, &err);
        return trial;
    }
    struct told *told =
        mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (status != STATUS_OK || told == MAP_FAILED)
        die("memory to share, or a trace to read");
    run_in_child(&trial, &outcome, told, options);
    munmap(told, sizeof *told);
    return trial;
}

bool trial_has(const struct trial *trial, const char *kind)
{
    for (uint32_t i = 0; i < trial->faults; i++)
        if (strcmp(trial->fault[i].kind, kind) == 0)
            return true;
    return false;
}
