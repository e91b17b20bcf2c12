/* tests/bench/bench_replay.c - block operations a second of the cache-only replay: the Mooncake
 * conversation trace COPIES times one after the other, each copy with keys of its own, at 10 K and
 * 1 M blocks, beside its goal. Only the replay is timed: the trace's keys are in memory, its copies
 * are made while replaying. Times are also told in independent reads of memory (memory_probe.h).
 * Run: build/release/tests/bench/bench_replay TRACE [COPIES [POLICY [BLOCKS]]] */
#include "base/memory.h"
#include "sim/replay/replay.h"
#include "tests/bench/memory_probe.h"
#include "tests/traces/open_trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>

struct requests {
    uint64_t *key;
    uint32_t key_count, key_capacity;
    uint32_t *length;
    uint32_t count, length_capacity;
};

enum { FEW = 10000, MANY = 1000000 };
#define GOAL_BYTES 48.0

/* M references/s on one core; 0: no goal was set. */
static double goal_of(const char *policy, uint64_t blocks)
{
    static const struct {
        const char *policy;
        double few, many;
    } goals[] = {
        { "lru", 30, 20 },     { "fifo", 30, 20 }, { "sieve", 30, 20 },
        { "s3-fifo", 15, 15 }, { "arc", 15, 15 },
    };
    for (size_t i = 0; i < sizeof goals / sizeof *goals; i++)
        if (strcmp(policy, goals[i].policy) == 0 && (blocks == FEW || blocks == MANY))
            return blocks == FEW ? goals[i].few : goals[i].many;
    return 0.0;
}

static void read_requests(const char *path, struct requests *requests)
{
    struct trace *trace = NULL;
    struct trace_session session;
    struct error err = { 0 };
    if (open_trace(path, NULL, &trace, &err) == STATUS_OK)
        while (trace_next(trace, &session, &err) == TRACE_ITEM) {
            memory_grow(&requests->key, &requests->key_capacity,
                        (uint64_t)requests->key_count + session.block_count, sizeof(uint64_t));
            memory_grow(&requests->length, &requests->length_capacity,
                        (uint64_t)requests->count + 1, sizeof(uint32_t));
            memcpy(requests->key + requests->key_count, session.block_keys,
                   session.block_count * sizeof(uint64_t));
            requests->key_count += session.block_count;
            requests->length[requests->count++] = session.block_count;
        }
    trace_close(trace);
    if (err.status != STATUS_OK) {
        error_print(stderr, &err);
        exit(error_exit_code(err.status));
    }
}

/* The copy's keys are those of the trace, moved out of the way of all other copies'. */
static void replay_copy(struct replay *replay, const struct requests *requests, uint64_t copy)
{
    uint64_t keys[4096];
    const uint64_t *key = requests->key;
    for (uint32_t r = 0; r < requests->count; r++) {
        uint32_t length = requests->length[r] < 4096 ? requests->length[r] : 4096;
        for (uint32_t i = 0; i < length; i++)
            keys[i] = key[i] + (copy << 32);
        replay_request(replay, keys, length, length * 512);
        key += requests->length[r];
    }
}

static void bench(const struct policy *policy, uint64_t blocks, const struct requests *requests,
                  uint32_t copies, const struct memory_probe *probe)
{
    struct replay_config config = { .policy = policy,
                                    .keys = POLICY_KEYS_STANDARD,
                                    .blocks = { [TIER_DRAM] = blocks } };
    struct replay_result result = { 0 };
    double best = 1e9;
    for (int run = 0; run < 3; run++) {
        struct replay *replay = replay_new(&config);
        double begin = bench_cpu_s();
        for (uint32_t copy = 0; copy < copies; copy++)
            replay_copy(replay, requests, copy);
        result = replay_finish(replay);
        double seconds = bench_cpu_s() - begin;
        best = seconds < best ? seconds : best;
        replay_free(replay);
    }
    double each_ns = best * 1e9 / (double)result.references, goal = goal_of(policy->name, blocks);
    printf("%-16s %9" PRIu64 " %12" PRIu64 " %7.2f %8.1f ", policy->name, blocks, result.all_hits,
           100.0 * (double)result.all_hits / (double)result.references, 1e3 / each_ns);
    if (goal > 0.0)
        printf("%5.0f", goal);
    else
        printf("%5s", "-");
    printf(" %7.1f %10.1f %5.0f\n", each_ns / probe->independent_ns,
           (double)result.memory_bytes / (double)result.live, GOAL_BYTES);
}

static void print_machine(uint64_t references)
{
    struct utsname machine;
    time_t now = time(NULL);
    char date[32], line[256] = "", *model = line;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "model name", 10) == 0)
            break;
    if (file != NULL)
        fclose(file);
    if (strchr(line, ':') != NULL)
        model = strchr(line, ':') + 2;
    model[strcspn(model, "\n")] = '\0';
    uname(&machine);
    strftime(date, sizeof date, "%Y-%m-%d", gmtime(&now));
    printf("%s, %s %s, one core, %s; %.2f M references, best of 3\n", model, machine.sysname,
           machine.machine, date, (double)references / 1e6);
}

int main(int argc, char **argv)
{
    struct requests requests = { 0 };
    if (argc < 2) {
        fprintf(stderr, "usage: bench_replay TRACE [COPIES [POLICY [BLOCKS]]]\n");
        return 2;
    }
    uint32_t copies = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 100;
    read_requests(argv[1], &requests);
    print_machine((uint64_t)requests.key_count * copies);
    struct memory_probe probe = memory_probe_measure();
    memory_probe_print(stdout, &probe);
    printf("%-16s %9s %12s %7s %8s %5s %7s %10s %5s\n", "policy", "blocks", "hits", "hits %",
           "M ops/s", "goal", "reads", "B a block", "goal");
    for (int i = 0; policy_at(i) != NULL; i++) {
        const struct policy *policy = policy_at(i);
        if (!policy->saves || (argc > 3 && strcmp(policy->name, argv[3]) != 0))
            continue;
        uint64_t only = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
        bench(policy, only > 0 ? only : FEW, &requests, copies, &probe);
        if (only == 0)
            bench(policy, MANY, &requests, copies, &probe);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("peak memory %.1f MB\n", (double)usage.ru_maxrss / 1e3);
    free(requests.key);
    free(requests.length);
    return 0;
}
