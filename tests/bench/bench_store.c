/* tests/bench/bench_store.c - 10,000 small runs in one database: what storing one takes, alone in
 * its transaction (a sweep's worst case) and ten at a time, and what reading all of them takes.
 * Run: build/release/tests/bench/bench_store [FOLDER] */
#include "base/clock.h"
#include "base/memory.h"
#include "sweep/point_key.h"
#include "validate/store/store_sweep.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RUNS = 10000 };

static double seconds_since(uint64_t begin_ns)
{
    return (double)(clock_now_ns() - begin_ns) * 1e-9;
}

static void must(enum status status, const struct error *err)
{
    if (status == STATUS_OK)
        return;
    error_print(stderr, err);
    exit(error_exit_code(status));
}

static struct store *opened(const char *path, int64_t *sweep)
{
    struct error err = { 0 };
    struct store *store;
    const char *axes[] = { "workload.seed" };
    struct store_sweep row = { .hash = "bench", .command = "bench", .axes = 1, .axis_keys = axes };
    unlink(path);
    must(store_open(path, false, &store, &err), &err);
    must(store_begin_sweep(store, &row, sweep, &err), &err);
    return store;
}

/* Values differ, so that the index of values is filled in no order. */
static void fill(struct sim_result *result, uint32_t number)
{
    double values[METRIC_COUNT];
    for (int i = 0; i < METRIC_COUNT; i++)
        values[i] = (double)((number * UINT64_C(2654435761) + (uint64_t)i * 40503) % 1000003);
    memcpy(&result->metrics, values, sizeof values);
    result->trace_format = "bench";
    snprintf(result->timing_source, sizeof result->timing_source, "bench");
}

static void put(struct store *store, int64_t sweep, const char *yaml, uint32_t first,
                uint32_t count)
{
    struct error err = { 0 };
    struct sim_result *results = memory_new(count, sizeof *results);
    struct store_point *points = memory_new(count, sizeof *points);
    char(*keys)[POINT_KEY_BYTES] = memory_new(count, sizeof *keys);
    for (uint32_t i = 0; i < count; i++) {
        fill(&results[i], first + i);
        snprintf(keys[i], sizeof keys[i], "%016x%016x", (first + i) * 2654435761u, first + i);
        points[i] = (struct store_point){
            .key = keys[i], .run = { .name = "bench", .config_yaml = yaml, .result = &results[i] }
        };
    }
    must(store_put_points(store, sweep, points, count, &err), &err);
    free(keys);
    free(points);
    free(results);
}

static void add_members(struct store *store, int64_t sweep)
{
    struct error err = { 0 };
    for (uint32_t i = 0; i < RUNS; i += 1000) {
        static struct store_member members[1000];
        static char keys[1000][POINT_KEY_BYTES], values[1000][16];
        static const char *value[1000];
        for (uint32_t j = 0; j < 1000; j++) {
            snprintf(keys[j], sizeof keys[j], "%016x%016x", (i + j) * 2654435761u, i + j);
            snprintf(values[j], sizeof values[j], "%u", i + j);
            value[j] = values[j];
            members[j] = (struct store_member){ i + j, i + j, 0, keys[j], &value[j] };
        }
        must(store_add_members(store, sweep, members, 1000, &err), &err);
    }
}

int main(int argc, char **argv)
{
    char path[4096];
    struct error err = { 0 };
    struct experiment experiment;
    struct sweep_table table;
    int64_t sweep;
    snprintf(path, sizeof path, "%s/reprise-bench.db", argc > 1 ? argv[1] : "/tmp");
    must(experiment_from_tree(NULL, NULL, &experiment, &err), &err);
    char *yaml = experiment_text(&experiment);
    for (uint32_t together = 1; together <= 10; together *= 10) {
        struct store *store = opened(path, &sweep);
        uint64_t begin_ns = clock_now_ns();
        for (uint32_t i = 0; i < RUNS; i += together)
            put(store, sweep, yaml, i, together);
        printf("%2u a transaction: %.3f ms a run\n", together,
               seconds_since(begin_ns) / RUNS * 1e3);
        begin_ns = clock_now_ns();
        add_members(store, sweep);
        printf("planned as members: %.3f s\n", seconds_since(begin_ns));
        begin_ns = clock_now_ns();
        must(store_load_sweep(store, sweep, &table, &err), &err);
        printf("all read: %.3f s\n", seconds_since(begin_ns));
        sweep_table_free(&table);
        store_close(store);
    }
    free(yaml);
    unlink(path);
    return 0;
}
