/* tools/print_reference.c - writes docs/config.md, docs/metrics.md, docs/models.md and docs/turns.md
 * from the tables in the code and its tests: print_reference config > docs/config.md;  print_reference
 * metrics > docs/metrics.md; ... Tests hold these files against it. */
#include "sim/sim.h"
#include "tools/print_models.h"

#include <stdio.h>
#include <string.h>

static void print_config(void)
{
    printf(
        "# Keys of an experiment\n\n"
        "Made by `build/release/tools/print_reference config`; do not edit. Keys may be nested or "
        "dotted in\nYAML; `--set KEY=VALUE` lays one over the file. An unknown key is "
        "refused.\n\n");
    config_print_rows(stdout, experiment_sections, true);
}

static void print_tenant_metrics(void)
{
    printf("\n## By tenant\n\n"
           "Of each tenant that the trace names ([workload.md](workload.md), \"Tenants\"): a list "
           "`tenants` of each run in\n`--json`, a second table below the first, the store's "
           "`tenant_metric`. Empty where there is one tenant, whose\nnumbers are the run's. A "
           "meaning is of the tenant's own turns and KV; counts, tokens and bytes add up to the "
           "run's.\n\n"
           "| metric | unit | meaning |\n|---|---|---|\n");
    for (int i = 0; i < TENANT_METRIC_COUNT; i++)
        printf("| `%s` | %s | %s |\n", tenant_metric_rows[i].name, tenant_metric_rows[i].unit,
               tenant_metric_rows[i].meaning);
}

static void print_metrics(void)
{
    printf(
        "# Metrics of a run\n\n"
        "Made by `build/release/tools/print_reference metrics`; do not edit. Names are the keys of "
        "`reprise sim\n--json` and of the store. Measuring begins when the first turn after the "
        "warm-up starts; measured turns are\nthose that start from then on. What is not said of "
        "them is of all that happens from then on, the warm-up's\nlast turns included. Quantiles "
        "are within 0.2 %%; counts, sums and means are exact.\n\n"
        "| metric | unit | meaning |\n|---|---|---|\n");
    for (int i = 0; i < METRIC_COUNT; i++)
        printf("| `%s` | %s | %s |\n", metric_rows[i].name, metric_rows[i].unit,
               metric_rows[i].meaning);
    print_tenant_metrics();
    printf(
        "\n## Hit rates and their denominators\n\n"
        "| rate | over |\n|---|---|\n"
        "| `hit_rate_tokens` | all prompt and history tokens: first turns count against it |\n"
        "| `hit_rate_history_tokens` | history tokens: what could be reused at all |\n"
        "| `hit_rate_blocks` | units (sessions, or blocks of a prefix) that a turn wanted |\n"
        "| `hit_rate_turns` | all turns |\n"
        "| `hit_rate_later_turns` | turns that are not their session's first |\n\n"
        "An open-loop trace does not tell a prompt's history from its new part: there the history "
        "is 0 and its\ntwo rates with it.\n\n"
        "## Curves\n\n"
        "`ttft_cdf`, `prefill_cdf` (x ns, y share of turns); `hits_hbm_over_time`, "
        "`hits_dram_over_time`,\n`hits_ssd_over_time`, `hits_remote_over_time`, "
        "`misses_over_time` (x ns since measuring began, y tokens in\nthat bin); "
        "`queue_over_time` (y turns waiting, mean of the bin).\n");
}

static const char *kind_of(const struct turn_column *column)
{
    static const char *const kinds[] = { [TURN_COUNT] = "number", [TURN_FLAG] = "0, 1",
                                         [TURN_WHY] = "word", [TURN_TIER] = "tier" };
    return kinds[column->kind];
}

static void print_turns(void)
{
    printf(
        "# Rows of turns\n\n"
        "Made by `build/release/tools/print_reference turns`; do not edit. `reprise sim --turns "
        "FILE` and `reprise run\n--turns FILE` write a row for each turn whose reply has ended, in "
        "the order of ends, the warm-up's too\n(`measured`): as CSV or, by the file's name, as JSON "
        "lines; a name that ends in `.gz` or `.zst` behind that is\ncompressed. Of several policies "
        "each has its file (`turns.csv` becomes `turns-lru.csv`), and of several seeds (`turns-lru-1.csv`). `--keep-turns` puts the\nsame "
        "columns into the database's table `turn`, and `reprise explain` tells one of them in "
        "words. Watching\na run changes none of its results; the same experiment gives the same "
        "bytes. A run that writes rows remembers\nwhat its trace asked and its tiers lost, some 50 bytes "
        "a block or session: a quarter of a GB for a million turns of\nshort chats in blocks. With "
        "`--keep-turns` rows wait in memory for the run's end, 400 bytes each.\n\n"
        "For Parquet: `duckdb -c \"copy 'turns.csv' to 'turns.parquet'\"`; Debian has no C library "
        "for it.\n\n"
        "Times are nanoseconds since the run began, unless the meaning says that they are "
        "durations. An empty cell\n(`null`) is nothing known, or none. The first column of a file, "
        "`policy`, is the run's name.\n\n"
        "| column | kind | unit | meaning |\n|---|---|---|---|\n");
    for (uint32_t i = 0; i < turn_column_count; i++)
        printf("| `%s` | %s | %s | %s |\n", turn_columns[i].name, kind_of(&turn_columns[i]),
               turn_columns[i].unit, turn_columns[i].meaning);
    printf("\n`reprise replay --turns FILE` writes the same columns, a row a request: blocks as tokens, those of the "
           "prompt.\nWhat needs time is empty there; `lost_ns` is when the request came for which it was "
           "evicted.\n");
    printf("\nOf each row: `waiting_*` sum to `prefill_start_ns - queued_ns`; `reused_*_tokens` to "
           "`reused_tokens`; what\nfollows `computed_tokens` to that; and both to "
           "`wanted_tokens`. Rows that are `measured` sum to the run's metrics.\nThousands of random "
           "experiments are held to that (`tests/random`).\n");
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "config") == 0)
        print_config();
    else if (argc == 2 && strcmp(argv[1], "metrics") == 0)
        print_metrics();
    else if (argc == 2 && strcmp(argv[1], "turns") == 0)
        print_turns();
    else if (argc == 2 && strcmp(argv[1], "models") == 0)
        return print_models();
    else
        return 2;
    return 0;
}
