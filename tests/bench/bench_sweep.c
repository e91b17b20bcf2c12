/* tests/bench/bench_sweep.c - what many runs over one trace take: the search of `reprise size`, a
 * sweep of 200 points of the trace's first 1,000 requests, one of as many small chats, LRU's hits
 * at sixteen sizes. Each is the program's own command, so that two builds of it can be compared;
 * every time on a new database. CPU time of all threads and time by the clock, best of three. Run:
 * build/release/tests/bench/bench_sweep TRACE [PROGRAM...] */
#include "base/clock.h"
#include "base/scratch.h"
#include "tests/bench/memory_probe.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { TRIES = 3, WORDS_MOST = 32 };

#define SWEPT                                                                                      \
    "-v", "tiers.dram.capacity=64GB..2TB:log20", "-v",                                             \
        "policy=lru,fifo,s3-fifo,sieve,arc,lfu,gdsf,mru,lru+on-demand,scheduler-aware"

/* "TRACE" and "DB" stand for the files of this run. */
struct task {
    const char *name, *each; /* what is counted, of which there are */
    double count, goal_s;    /* 0: no goal */
    const char *words[WORDS_MOST];
};

static const struct task tasks[] = {
    { "size: the cheapest servers",
      "answers",
      1,
      20.0,
      { "size", "-t", "TRACE", "-m", "llama-3-8b", "-H", "h100", "--slo", "ttft_p99=5s", "--db",
        "DB" } },
    { "sweep of the trace's beginning",
      "points",
      200,
      0.0,
      { "sweep", "-t", "TRACE", "-m", "llama-3-8b", "-H", "h100", "-g", "1", "-s",
        "warmup_turns=200", "-s", "max_turns=1000", SWEPT, "--db", "DB" } },
    { "sweep of small chats",
      "points",
      200,
      0.0,
      { "sweep", "-s", "workload.sessions=200", "-s", "warmup_turns=0", SWEPT, "--db", "DB" } },
    { "LRU's hits by size",
      "sizes",
      16,
      0.0,
      { "replay", "TRACE", "-p", "lru", "--no-bound", "-b",
        "100,200,500,1k,2k,5k,10k,20k,50k,100k,200k,500k,1M,2M,5M,unlimited" } },
};

static double cpu_of_children_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "bench_sweep: %s: %s\n", what, name);
    scratch_remove_all();
    exit(3);
}

/* Its output is nobody's here, what it complains of is. */
static void run(const char *program, const struct task *task, const char *trace, const char *db)
{
    char *words[WORDS_MOST + 2];
    int count = 0, ended = 0;
    pid_t child;
    words[count++] = (char *)program;
    for (int i = 0; i < WORDS_MOST && task->words[i] != NULL; i++) {
        const char *word = task->words[i];
        words[count++] = (char *)(strcmp(word, "TRACE") == 0 ? trace
                                  : strcmp(word, "DB") == 0  ? db
                                                             : word);
    }
    words[count] = NULL;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&child, program, &actions, NULL, words, environ) != 0 ||
        waitpid(child, &ended, 0) != child || !WIFEXITED(ended) || WEXITSTATUS(ended) != 0)
        fail("it does not run or ends with an error", program);
    posix_spawn_file_actions_destroy(&actions);
}

struct taken {
    double cpu_s, clock_s;
};

static struct taken time_of(const char *program, const struct task *task, const char *trace)
{
    struct taken best = { 1e9, 1e9 };
    for (int i = 0; i < TRIES; i++) {
        char folder[SCRATCH_PATH_BYTES], db[2 * SCRATCH_PATH_BYTES];
        struct error err = { 0 };
        if (scratch_make("bench", folder, &err) != STATUS_OK)
            fail("no folder", folder);
        snprintf(db, sizeof db, "%s/bench.db", folder);
        double cpu_s = cpu_of_children_s();
        uint64_t begin_ns = clock_now_ns();
        run(program, task, trace, db);
        double clock_s = (double)(clock_now_ns() - begin_ns) * 1e-9;
        cpu_s = cpu_of_children_s() - cpu_s;
        best.cpu_s = cpu_s < best.cpu_s ? cpu_s : best.cpu_s;
        best.clock_s = clock_s < best.clock_s ? clock_s : best.clock_s;
        scratch_remove(folder);
    }
    return best;
}

/* The programs one after the other, so that what others do on the machine meets all alike. */
static void bench(const struct task *task, const char *trace, char *const *programs, double read_ns)
{
    for (; *programs != NULL; programs++) {
        struct taken taken = time_of(*programs, task, trace);
        char goal[16] = "-";
        if (task->goal_s > 0.0)
            snprintf(goal, sizeof goal, "%.0f", task->goal_s);
        printf("%-30s %8.2f %8.2f %6s %10.1f %-7s %10.2f  %s\n", task->name, taken.cpu_s,
               taken.clock_s, goal, task->count / taken.cpu_s, task->each,
               taken.cpu_s * 1e9 / read_ns / 1e6, *programs);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    static char *own[] = { "build/release/cli/reprise", NULL };
    if (argc < 2) {
        fprintf(stderr, "usage: bench_sweep TRACE [PROGRAM...]\n");
        return 2;
    }
    struct memory_probe probe = memory_probe_measure();
    memory_probe_print(stdout, &probe);
    printf("%-30s %8s %8s %6s %10s %-7s %10s  %s\n", "", "CPU s", "clock s", "goal", "a CPU s", "",
           "M reads", "program");
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        bench(&tasks[i], argv[1], argc > 2 ? argv + 2 : own, probe.dependent_ns);
    return 0;
}
