/* tests/bench/bench_replay.c - block operations a second of the cache-only replay: the Mooncake
 * conversation trace COPIES times one after the other, each copy with keys of its own, at 10 K and
 * 1 M blocks. Only the replay is timed: the trace's keys are in memory, its copies are made while
 * replaying. Run: build/release/tests/bench/bench_replay TRACE [COPIES [POLICY]] */
#include "base/memory.h"
#include "sim/replay/replay.h"
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

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* others may use the core too */
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
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
                  uint32_t copies)
{
    struct replay_config config = { .policy = policy,
                                    .keys = POLICY_KEYS_STANDARD,
                                    .blocks = { [TIER_DRAM] = blocks } };
    struct replay_result result = { 0 };
    double best = 1e9;
    for (int run = 0; run < 3; run++) {
        struct replay *replay = replay_new(&config);
        double begin = seconds_now();
        for (uint32_t copy = 0; copy < copies; copy++)
            replay_copy(replay, requests, copy);
        result = replay_finish(replay);
        double seconds = seconds_now() - begin;
        best = seconds < best ? seconds : best;
        replay_free(replay);
    }
    printf("%-16s %9" PRIu64 " %12" PRIu64 " %8.2f %8.1f %10.1f\n", policy->name, blocks,
           result.all_hits, 100.0 * (double)result.all_hits / (double)result.references,
           (double)result.references / best / 1e6,
           (double)result.memory_bytes / (double)result.live);
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
        fprintf(stderr, "usage: bench_replay TRACE [COPIES [POLICY]]\n");
        return 2;
    }
    uint32_t copies = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 100;
    read_requests(argv[1], &requests);
    print_machine((uint64_t)requests.key_count * copies);
    printf("%-16s %9s %12s %8s %8s %10s\n", "policy", "blocks", "hits", "hits %", "M ops/s",
           "B a block");
    for (int i = 0; policy_at(i) != NULL; i++) {
        const struct policy *policy = policy_at(i);
        if (!policy->saves || (argc > 3 && strcmp(policy->name, argv[3]) != 0))
            continue;
        bench(policy, 10000, &requests, copies);
        bench(policy, 1000000, &requests, copies);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("peak memory %.1f MB\n", (double)usage.ru_maxrss / 1e3);
    free(requests.key);
    free(requests.length);
    return 0;
}
