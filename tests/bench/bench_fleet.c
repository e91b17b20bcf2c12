/* tests/bench/bench_fleet.c - a fleet of servers in one run: turns a second on 1, 2, ... threads,
 * with and without a shared pool, what routers cost that look at all servers, and memory by live
 * sessions. Each run is a process of its own, so that its memory and CPU time are its. Wall time
 * needs cores that nobody else uses. Run: build/release/tests/bench/bench_fleet [SERVERS] [TURNS]
 * [THREADS] (1000, 1000000, 2); 10 million turns take some two minutes a run. */
#define _DEFAULT_SOURCE /* wait4() */
#include "base/clock.h"
#include "base/units.h"
#include "sim/sim.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The default workload's sessions have 5.75 turns; a server sustains 0.3 of them a second. */
#define SESSIONS_PER_S 0.3
#define TURNS_A_SESSION 5.75
#define GOAL_RATIO 1.7
/* Of a server: its sessions' KV of some 16 s, so that much goes and little is read. */
#define POOL_BYTES UINT64_C(20000000000)

struct run {
    double wall_s, cpu_s, peak_mb, turns;
};

static struct experiment fleet_of(uint32_t servers, double turns, enum router router, double load)
{
    struct experiment experiment;
    struct error err = { 0 };
    if (experiment_from_tree(NULL, NULL, &experiment, &err) != STATUS_OK) {
        error_print(stderr, &err);
        exit(3);
    }
    experiment.replicas = servers;
    experiment.router = router;
    experiment.warmup_turns = 1000;
    experiment.workload.sessions = (uint64_t)(turns / TURNS_A_SESSION);
    experiment.workload.sessions_per_s = servers * SESSIONS_PER_S * load;
    return experiment;
}

static void simulate(const struct experiment *experiment, uint32_t threads, struct run *run)
{
    struct sim_result result;
    struct error err = { 0 };
    uint64_t begin_ns = clock_now_ns();
    enum status status = sim_run_from(NULL, threads, experiment, NULL, &result, &err);
    if (status != STATUS_OK) {
        error_print(stderr, &err);
        _exit(error_exit_code(status));
    }
    run->wall_s = (double)(clock_now_ns() - begin_ns) * 1e-9;
    run->turns = result.metrics.turns + (double)experiment->warmup_turns;
    _exit(0);
}

static struct run run_once(const struct experiment *experiment, uint32_t threads)
{
    struct run *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct rusage usage;
    int status;
    fflush(stdout);
    pid_t child = shared != MAP_FAILED ? fork() : -1;
    if (child == 0)
        simulate(experiment, threads, shared);
    if (child < 0 || wait4(child, &status, 0, &usage) != child || status != 0)
        exit(3);
    struct run run = *shared;
    run.cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    run.peak_mb = (double)usage.ru_maxrss / 1e3;
    munmap(shared, sizeof *shared);
    return run;
}

/* The quickest of several. */
static struct run run_best(const struct experiment *experiment, uint32_t threads)
{
    enum { RUNS = 3 };
    struct run best = run_once(experiment, threads);
    for (int i = 1; i < RUNS; i++) {
        struct run run = run_once(experiment, threads);
        best = run.wall_s < best.wall_s ? run : best;
    }
    return best;
}

static void print(const char *what, const struct run *run)
{
    printf("%-44s %8.2f %8.2f %10.0f %9.1f", what, run->wall_s, run->cpu_s,
           run->turns / run->wall_s, run->peak_mb);
}

/* pool_bytes: of a server; 0: they share none. */
static void bench_threads(uint32_t servers, double turns, uint32_t most, uint64_t pool_bytes)
{
    struct experiment experiment = fleet_of(servers, turns, ROUTE_SESSION_STICKY, 1.0);
    experiment.remote_bytes = pool_bytes * servers;
    double alone_s = 0.0;
    for (uint32_t threads = 1; threads <= most; threads *= 2) {
        char what[64];
        struct run run = run_best(&experiment, threads);
        snprintf(what, sizeof what, "session-sticky%s, %u thread%s",
                 pool_bytes > 0 ? ", a pool" : "", threads, threads > 1 ? "s" : "");
        print(what, &run);
        alone_s = threads == 1 ? run.wall_s : alone_s;
        if (threads > 1)
            printf("  %.2f times", alone_s / run.wall_s);
        if (threads == 2)
            printf(" (goal: %.1f)", GOAL_RATIO);
        printf("\n");
    }
}

static void bench_routers(uint32_t servers, double turns)
{
    static const struct {
        enum router router;
        const char *name;
    } routers[] = { { ROUTE_ROUND_ROBIN, "round-robin" },
                    { ROUTE_LEAST_LOADED, "least-loaded" },
                    { ROUTE_PREFIX_AFFINITY, "prefix-affinity" } };
    for (int i = 0; i < 3; i++) {
        const struct experiment experiment = fleet_of(servers, turns, routers[i].router, 1.0);
        struct run run = run_once(&experiment, 1);
        print(routers[i].name, &run);
        printf("\n");
    }
}

/* What lives: sessions, for some five minutes each, and the KV of the last hour, which a time to
 * live of ten minutes makes reach its height soon. Twice the load has twice of both; a run that
 * goes on has no more. */
static void bench_memory(uint32_t servers, double turns)
{
    static const double loads[] = { 0.25, 0.5, 1.0, 1.0 }, lengths[] = { 0.25, 0.5, 1.0, 2.0 };
    for (int i = 0; i < 4; i++) {
        char what[64];
        struct experiment experiment =
            fleet_of(servers, lengths[i] * turns, ROUTE_SESSION_STICKY, loads[i]);
        experiment.placement.ttl_ns = 600 * NS_PER_S;
        struct run run = run_once(&experiment, 1);
        snprintf(what, sizeof what, "%u servers, %.0f sessions/s for %.0f s", servers,
                 experiment.workload.sessions_per_s,
                 (double)experiment.workload.sessions / experiment.workload.sessions_per_s);
        print(what, &run);
        printf("%s\n", i == 3 ? "  (goal: no more than above)" : "");
    }
}

int main(int argc, char **argv)
{
    uint32_t servers = argc > 1 ? (uint32_t)atoi(argv[1]) : 1000;
    double turns = argc > 2 ? atof(argv[2]) : 1e6;
    uint32_t threads = argc > 3 ? (uint32_t)atoi(argv[3]) : 2;
    printf("%u servers, some %.0f turns\n", servers, turns);
    printf("%-44s %8s %8s %10s %9s\n", "run", "wall s", "CPU s", "turns/s", "peak MB");
    bench_threads(servers, turns, threads, 0);
    bench_threads(servers, turns, threads, POOL_BYTES);
    bench_routers(servers, turns);
    bench_memory(servers / 10 > 0 ? servers / 10 : 1, turns);
    return 0;
}
