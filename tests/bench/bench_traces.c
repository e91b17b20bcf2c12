/* tests/bench/bench_traces.c - how fast traces are read: bytes a second of each format whose
 * regular lines have a reader of their own, plain and compressed, and block references a second of
 * what `reprise trace info` counts. Lines are made here. Rates are by CPU time, of all threads
 * together, best of three; where one thread unpacks and another parses, the clock says less on an
 * idle machine. Run: build/release/tests/bench/bench_traces [MEGABYTES] */
#include "base/memory.h"
#include "base/random.h"
#include "tests/bench/memory_probe.h"
#include "tests/traces/open_trace.h"
#include "traces/info.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define GOAL_BYTES_PER_S 1e9
#define GOAL_REFERENCES_PER_S (1e8 / 30)
enum { RUNS = 3, SHARED_MOST = 40, OWN_MOST = 24 };

struct made {
    FILE *out;
    struct random random;
    uint64_t row, references, next_id; /* ids below it were given */
};

/* A prefix that others have too, then blocks of its own; as in the published traces. */
static uint32_t put_ids(struct made *made, uint64_t (*show)(uint64_t id))
{
    uint32_t shared = (uint32_t)random_below(&made->random, SHARED_MOST);
    uint32_t own = 1 + (uint32_t)random_below(&made->random, OWN_MOST);
    uint64_t first = random_below(&made->random, made->next_id + 1);
    for (uint32_t i = 0; i < shared && first + i < made->next_id; i++, made->references++)
        fprintf(made->out, "%s%" PRIu64, i > 0 ? ", " : "", show(first + i));
    shared = first + shared < made->next_id ? shared : (uint32_t)(made->next_id - first);
    for (uint32_t i = 0; i < own; i++, made->references++)
        fprintf(made->out, "%s%" PRIu64, shared + i > 0 ? ", " : "", show(made->next_id++));
    return shared + own;
}

static uint64_t as_it_is(uint64_t id)
{
    return id;
}

/* As engines hash their blocks: 64 bits, of which jansson reads 63. */
static uint64_t as_hash(uint64_t id)
{
    return (id + 1) * UINT64_C(0x9E3779B97F4A7C15);
}

/* Lengths stand before the ids, and are known behind them. */
static void put_row(struct made *made, const char *before, uint64_t (*show)(uint64_t),
                    uint32_t size)
{
    char *ids;
    size_t bytes;
    FILE *out = made->out;
    made->out = memory_stream(&ids, &bytes);
    uint32_t blocks = put_ids(made, show);
    memory_stream_close(made->out, &ids);
    made->out = out;
    fprintf(out, "%s\"input_length\": %u, \"output_length\": %" PRIu64 ", \"hash_ids\": [%s]}\n",
            before, blocks * size - (uint32_t)random_below(&made->random, size),
            1 + random_below(&made->random, 1000), ids);
    free(ids);
    made->row++;
}

static void mooncake_row(struct made *made)
{
    char before[64];
    snprintf(before, sizeof before, "{\"timestamp\": %" PRIu64 ", ", made->row * 87);
    put_row(made, before, as_it_is, 512);
}

static void hashes_row(struct made *made)
{
    char before[64];
    snprintf(before, sizeof before, "{\"timestamp\": %" PRIu64 ".5, ", made->row * 87);
    put_row(made, before, as_hash, 512);
}

static void bailian_row(struct made *made)
{
    char before[160];
    snprintf(before, sizeof before,
             "{\"chat_id\": %" PRIu64 ", \"parent_chat_id\": -1, \"timestamp\": %.3f, "
             "\"type\": \"text\", \"turn\": 1, ",
             made->row, (double)made->row * 0.087);
    put_row(made, before, as_it_is, 16);
}

static uint64_t make(const char *path, double bytes, void (*row)(struct made *made),
                     uint64_t *references)
{
    struct made made = { .out = fopen(path, "w"), .random = random_from(1, 0) };
    if (made.out == NULL) {
        perror(path);
        exit(3);
    }
    while ((double)ftell(made.out) < bytes)
        row(&made);
    long written = ftell(made.out);
    fclose(made.out);
    *references = made.references;
    return (uint64_t)written;
}

struct seconds {
    double cpu, wall;
};

static double clock_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void check(const struct error *err)
{
    if (err->status == STATUS_OK)
        return;
    error_print(stderr, err);
    exit(error_exit_code(err->status));
}

static void read_all(struct trace *trace, struct error *err)
{
    struct trace_session session;
    while (trace_next(trace, &session, err) == TRACE_ITEM)
        ;
}

static void read_info(struct trace *trace, struct error *err)
{
    struct trace_info info;
    trace_info_read(trace, NULL, &info, err);
}

static struct seconds best_of(const char *path, void (*work)(struct trace *, struct error *))
{
    struct seconds best = { 1e9, 1e9 };
    for (int run = 0; run < RUNS; run++) {
        struct error err = { 0 };
        struct trace *trace = NULL;
        double cpu = bench_cpu_s(), wall = clock_s();
        open_trace(path, NULL, &trace, &err);
        check(&err);
        work(trace, &err);
        trace_close(trace);
        check(&err);
        cpu = bench_cpu_s() - cpu;
        wall = clock_s() - wall;
        best.cpu = cpu < best.cpu ? cpu : best.cpu;
        best.wall = wall < best.wall ? wall : best.wall;
    }
    return best;
}

static void pack(const char *program, const char *from, const char *to)
{
    char command[1024];
    snprintf(command, sizeof command, "%s -q -c %s > %s", program, from, to);
    if (system(command) != 0) /* paths are of mkdtemp() */
        fprintf(stderr, "%s: not there, or it failed\n", program);
}

static void tell(const char *what, double amount, struct seconds seconds, double goal,
                 const char *unit)
{
    printf("%-26s %9.3f %9.3f %9.3f %8s", what, amount / seconds.cpu, seconds.cpu, seconds.wall,
           unit);
    if (goal > 0.0)
        printf("   goal %.3g: %.2f of it", goal, amount / seconds.cpu / goal);
    printf("\n");
}

static const struct {
    const char *name;
    void (*row)(struct made *made);
} kinds[] = { { "mooncake", mooncake_row },
              { "mooncake, 64-bit hashes", hashes_row },
              { "bailian", bailian_row } };

static void bench_kind(const char path[static 64], size_t kind, double megabytes)
{
    static const char *const packers[] = { "zstd", "gzip" };
    char what[64], packed[128];
    uint64_t references, bytes = make(path, megabytes * 1e6, kinds[kind].row, &references);
    tell(kinds[kind].name, (double)bytes / 1e9, best_of(path, read_all), GOAL_BYTES_PER_S / 1e9,
         "GB/s");
    for (size_t i = 0; kind == 0 && i < sizeof packers / sizeof *packers; i++) {
        snprintf(packed, sizeof packed, "%s.%s", path, packers[i]);
        snprintf(what, sizeof what, "  by %s", packers[i]);
        pack(packers[i], path, packed);
        tell(what, (double)bytes / 1e9, best_of(packed, read_all), 0.0, "GB/s");
        unlink(packed);
    }
    tell("  trace info", (double)references / 1e6, best_of(path, read_info),
         GOAL_REFERENCES_PER_S / 1e6, "M refs/s");
    unlink(path);
}

int main(int argc, char **argv)
{
    double megabytes = argc > 1 ? strtod(argv[1], NULL) : 200.0;
    char folder[] = "/tmp/bench_traces.XXXXXX", path[64];
    if (!(megabytes > 0.0) || mkdtemp(folder) == NULL) {
        fprintf(stderr, "usage: bench_traces [MEGABYTES]\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/trace.jsonl", folder);
    printf("%-26s %9s %9s %9s   (rates and goals by CPU time)\n", "", "rate", "CPU s", "clock s");
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
        bench_kind(path, kind, megabytes);
    rmdir(folder);
    const struct memory_probe probe = memory_probe_measure();
    memory_probe_print(stdout, &probe);
    return 0;
}
