/* tests/bench/bench_sim.c - how long the default experiment takes (52K turns, 13B, each iteration
 * simulated), for each policy, on one core. Run: build/release/tests/bench/bench_sim [RUNS] */
#include "base/clock.h"
#include "sim/sim.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static double seconds_since(uint64_t begin_ns)
{
    return (double)(clock_now_ns() - begin_ns) * 1e-9;
}

static double run_once(const struct experiment *experiment, struct sim_result *result)
{
    struct error err = { 0 };
    uint64_t begin_ns = clock_now_ns();
    enum status status = sim_run(experiment, NULL, result, &err);
    if (status != STATUS_OK) {
        error_print(stderr, &err);
        exit(error_exit_code(status));
    }
    return seconds_since(begin_ns);
}

int main(int argc, char **argv)
{
    static const char *const policies[] = { "scheduler-aware", "lru", "fifo", "none" };
    int runs = argc > 1 ? atoi(argv[1]) : 5;
    struct experiment experiment;
    struct error err = { 0 };
    if (experiment_from_tree(NULL, NULL, &experiment, &err) != STATUS_OK) {
        error_print(stderr, &err);
        return 3;
    }
    printf("%-16s %9s %9s %10s %12s\n", "policy", "best s", "turns/s", "events", "events/s");
    for (int p = 0; p < 4; p++) {
        strcpy(experiment.policy, policies[p]);
        double best = 1e9, turns = 0.0, events = 0.0;
        for (int i = 0; i < runs; i++) {
            struct sim_result result;
            double seconds = run_once(&experiment, &result);
            best = seconds < best ? seconds : best;
            turns = result.metrics.turns + (double)experiment.warmup_turns;
            events = (double)result.events;
            sim_result_free(&result);
        }
        printf("%-16s %9.3f %9.0f %10.0f %12.0f\n", policies[p], best, turns / best, events,
               events / best);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("peak memory %.1f MB\n", (double)usage.ru_maxrss / 1e3);
    return 0;
}
