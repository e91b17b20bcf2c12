/* tests/bench/bench_sim.c - how long whole runs take on one core: the default experiment, a real
 * trace with tiers, a million turns of chat, chats in blocks under engines' presets; each beside
 * its goal, where there is one, and in reads of memory (memory_probe.h), so that other days'
 * numbers compare. A trace is opened and read as a user's. Run: build/release/tests/bench/bench_sim
 * [RUNS [MOONCAKE_TRACE]] */
#include "sim/sim.h"
#include "tests/bench/memory_probe.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* goal: CPU s, or with per_s turns a second. */
struct load {
    const char *name, *settings;
    double goal_s, goal_per_s;
    bool of_trace;
};

#define LLAMA "model=llama-3-8b hardware=h100 gpus=1 "
static const struct load loads[] = {
    { "default, scheduler-aware", "", 0.15, 0, false },
    { "default, lru", "policy=lru", 0, 0, false },
    { "default, none", "policy=none", 0, 0, false },
    { "Mooncake, vllm-offload-lru", LLAMA "policy=vllm-offload-lru", 0, 1e5, true },
    { "Mooncake, vllm-lru", LLAMA "policy=vllm-lru", 0, 0, true },
    { "chat 1 M turns, lru",
      LLAMA "policy=lru workload.sessions=176000 workload.sessions_per_s=0.4", 3, 0, false },
    { "chat 1 M turns, scheduler-aware",
      LLAMA "policy=scheduler-aware workload.sessions=176000 workload.sessions_per_s=0.4", 3, 0,
      false },
    { "chat in blocks, vllm-lru",
      LLAMA "policy=vllm-lru workload.sessions=6000 workload.sessions_per_s=0.2", 0, 0, false },
    { "chat in blocks, vllm-offload-lru", LLAMA "policy=vllm-offload-lru workload.sessions=6000", 0,
      0, false },
};

static void must(enum status status, struct error *err)
{
    if (status == STATUS_OK)
        return;
    error_print(stderr, err);
    exit(error_exit_code(status));
}

static struct experiment experiment_of(const struct load *load, const char *trace)
{
    char text[512];
    struct config_tree *tree = NULL;
    struct experiment experiment;
    struct error err = { 0 };
    must(config_tree_parse("{}", "bench", &tree, &err), &err);
    snprintf(text, sizeof text, "%s", load->settings);
    for (char *part = strtok(text, " "); part != NULL; part = strtok(NULL, " "))
        must(config_tree_set(tree, part, &err), &err);
    if (load->of_trace) {
        snprintf(text, sizeof text, "trace=%s", trace);
        must(config_tree_set(tree, text, &err), &err);
        must(config_tree_set(tree, "warmup_turns=0", &err), &err);
    }
    must(experiment_from_tree(tree, NULL, &experiment, &err), &err);
    config_tree_free(tree);
    return experiment;
}

static void bench(const struct load *load, const char *trace, int runs,
                  const struct memory_probe *memory)
{
    struct experiment experiment = experiment_of(load, trace);
    double best = 1e9, turns = 0.0, events = 0.0;
    for (int i = 0; i < runs; i++) {
        struct sim_result result;
        struct error err = { 0 };
        double begin = bench_cpu_s();
        must(sim_run(&experiment, NULL, &result, &err), &err);
        double seconds = bench_cpu_s() - begin;
        best = seconds < best ? seconds : best;
        turns = result.metrics.turns + (double)experiment.warmup_turns;
        events = (double)result.events;
        sim_result_free(&result);
    }
    char goal[32] = "";
    if (load->goal_s > 0)
        snprintf(goal, sizeof goal, "%.2f s", load->goal_s);
    if (load->goal_per_s > 0)
        snprintf(goal, sizeof goal, "%.0f/s", load->goal_per_s);
    printf("%-34s %8.3f %9.0f %10.0f %10.0f %12.1f %10s\n", load->name, best, turns, turns / best,
           events / best, best * 1e9 / turns / memory->dependent_ns, goal);
}

int main(int argc, char **argv)
{
    int runs = argc > 1 ? atoi(argv[1]) : 3;
    const char *trace = argc > 2 ? argv[2] : NULL;
    struct memory_probe memory = memory_probe_measure();
    memory_probe_print(stdout, &memory);
    printf("%-34s %8s %9s %10s %10s %12s %10s\n", "CPU time, best of the runs", "s", "turns",
           "turns/s", "events/s", "reads a turn", "goal");
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
        if (!loads[i].of_trace || trace != NULL)
            bench(&loads[i], trace, runs, &memory);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("peak memory %.1f MB\n", (double)usage.ru_maxrss / 1e3);
    return 0;
}
