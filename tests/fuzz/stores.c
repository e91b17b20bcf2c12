/* tests/fuzz/stores.c - a database from a stranger: opened and read as `explain`, `report`, `plot`
 * and `db` do, and merged into one's own. An input is the bytes of the file. */
#include "tests/fuzz/fuzz.h"

#include "sim/engine/turn_row.h"
#include "tests/fuzz/input.h"
#include "validate/store/store.h"
#include "validate/store/store_sweep.h"
#include "validate/store/store_turns.h"

#include <stdlib.h>
#include <string.h>

static FILE *nowhere(void)
{
    static FILE *file;
    if (file == NULL)
        file = fopen("/dev/null", "w");
    FUZZ_EXPECT(file != NULL);
    return file;
}

static void hear_sweep(const struct sweep_summary *sweep, void *context)
{
    fprintf(context, "%s", sweep->command);
}

static void hear_finding(const char *sentence, void *context)
{
    fprintf(context, "%s", sentence);
}

static void hear_difference(const struct store_run_difference *difference, void *context)
{
    fprintf(context, "%s %s", difference->metric,
            difference->no_interval != NULL ? difference->no_interval : "");
}

static void read_run(struct store *store, int64_t run)
{
    struct error err = { 0 };
    char name[64], *yaml = NULL;
    struct metrics metrics;
    struct series series = { 0 };
    struct turn_row *rows = NULL;
    uint32_t count = 0;
    store_run_name(store, run, name, sizeof name, &err);
    store_metrics(store, run, &metrics, &err);
    store_findings(store, run, hear_finding, nowhere(), &err);
    err = (struct error){ 0 };
    if (store_series(store, run, "ttft_cdf", &series, &err) == STATUS_OK) {
        free(series.x);
        free(series.y);
    }
    err = (struct error){ 0 };
    if (store_run_config(store, run, &yaml, &err) == STATUS_OK)
        free(yaml);
    err = (struct error){ 0 };
    if (store_turns(store, run, &rows, &count, &err) == STATUS_OK)
        free(rows);
}

static void read_runs(struct store *store)
{
    struct error err = { 0 };
    struct store_runs runs = { 0 };
    if (store_comparison_runs(store, 0, &runs, &err) != STATUS_OK)
        return;
    uint32_t count = runs.policies * runs.seeds;
    for (uint32_t i = 0; i < count && i < 4; i++)
        read_run(store, runs.id[i]);
    store_differences(store, runs.id, count, hear_difference, nowhere(), &err);
    store_runs_free(&runs);
}

static void read_sweeps(struct store *store)
{
    struct error err = { 0 };
    struct sweep_table table = { 0 };
    int64_t sweep = 0, run = 0;
    enum point_state state;
    store_list_sweeps(store, hear_sweep, nowhere(), &err);
    err = (struct error){ 0 };
    store_sweep_of(store, 0, &sweep, &err);
    err = (struct error){ 0 };
    if (store_load_sweep(store, sweep, &table, &err) == STATUS_OK)
        sweep_table_free(&table);
    err = (struct error){ 0 };
    store_find_point(store, "0123456789abcdef", &state, &run, &err);
    err = (struct error){ 0 };
    store_dump(store, nowhere(), &err);
}

static void run_read(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    struct error err = { 0 };
    struct store *store = NULL;
    if (store_open(input_file("r.db", bytes, size), true, &store, &err) != STATUS_OK) {
        FUZZ_EXPECT(err.expected[0] != '\0');
        return;
    }
    read_runs(store);
    read_sweeps(store);
    store_close(store);
}

/* Into an empty one, which a merge that fails leaves as it was. */
static void run_merge(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    struct error err = { 0 };
    struct store *into = NULL;
    uint64_t added = 0;
    const char *from = input_file("m.db", bytes, size);
    FUZZ_EXPECT(store_open(input_fresh("into.db"), false, &into, &err) == STATUS_OK);
    if (store_merge(into, from, &added, &err) != STATUS_OK)
        FUZZ_EXPECT(err.expected[0] != '\0');
    err = (struct error){ 0 };
    FUZZ_EXPECT(store_dump(into, nowhere(), &err) == STATUS_OK);
    store_close(into);
}

/* As the next `sim` opens it: to be written, and brought to this version's tables. */
static void run_migrate(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    struct error err = { 0 };
    struct store *store = NULL;
    if (store_open(input_file("w.db", bytes, size), false, &store, &err) != STATUS_OK)
        FUZZ_EXPECT(err.expected[0] != '\0');
    store_close(store);
}

const struct fuzz_target fuzz_stores[] = {
    { "db_read", "db", run_read, NULL },
    { "db_merge", "db", run_merge, NULL },
    { "db_migrate", "db", run_migrate, NULL },
    { .name = NULL },
};
