/* validate/paper/paper_numbers.c - the keys of paper.yaml, and reading them. */
#include "validate/paper/paper_numbers.h"

#include "base/config_tree.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EACH_MODEL(group)                                                                          \
    { group ".llama-13b", UNIT_PLAIN }, { group ".llama-65b", UNIT_PLAIN },                        \
        { group ".llama-2-70b", UNIT_PLAIN },                                                      \
    {                                                                                              \
        group ".falcon-40b", UNIT_PLAIN                                                            \
    }

static const struct {
    const char *key;
    enum unit_kind unit;
} table[] = {
    { "setup.sessions", UNIT_PLAIN },
    { "setup.warmup_turns", UNIT_PLAIN },
    { "setup.sessions_per_s", UNIT_PLAIN },
    { "setup.batch", UNIT_PLAIN },
    EACH_MODEL("setup.gpus"),
    { "setup.ttl", UNIT_DURATION },
    { "ablation.gpus", UNIT_PLAIN },
    { "ablation.batch", UNIT_PLAIN },
    { "ablation.history_tokens", UNIT_PLAIN },
    { "ablation.new_tokens", UNIT_PLAIN },
    { "ablation.decode_steps", UNIT_PLAIN },
    { "reference_point.tokens", UNIT_PLAIN },
    { "reference_point.prefill_ms", UNIT_PLAIN },
    { "reference_point.load_ms", UNIT_PLAIN },
    { "reference_point.kv_gib_per_s", UNIT_PLAIN },
    { "reference_point.hbm_fill_s", UNIT_PLAIN },
    EACH_MODEL("figure13.hit_rate"),
    EACH_MODEL("figure14.ttft_reduction"),
    EACH_MODEL("figure15.prefill_gain"),
    EACH_MODEL("figure16.gpu_time_gain"),
    EACH_MODEL("figure17.cost_reduction"),
    EACH_MODEL("figure17.storage_share"),
    { "figure19.no_buffer", UNIT_PLAIN },
    { "figure19.buffer_15_layers", UNIT_PLAIN },
    { "figure20.least", UNIT_PLAIN },
    { "figure20.most", UNIT_PLAIN },
    { "figure21.hit_rate_10tb.scheduler-aware", UNIT_PLAIN },
    { "figure21.hit_rate_10tb.lru", UNIT_PLAIN },
    { "figure21.hit_rate_10tb.fifo", UNIT_PLAIN },
    { "figure21.points_over_lru_2tb", UNIT_PLAIN },
    { "figure21.points_over_fifo_2tb", UNIT_PLAIN },
    { "figure21.dram_share.scheduler-aware", UNIT_PLAIN },
    { "figure21.dram_share.others_least", UNIT_PLAIN },
    { "figure21.dram_share.others_most", UNIT_PLAIN },
    { "figure21.gpu_time_gain_most", UNIT_PLAIN },
    EACH_MODEL("figure22.points_lost"),
    { "figure23.low_ratio", UNIT_PLAIN },
    { "figure23.low_hit_rate", UNIT_PLAIN },
    { "figure23.high_ratio", UNIT_PLAIN },
    { "figure23.high_hit_rate", UNIT_PLAIN },
    EACH_MODEL("figure24.hbm"),
    EACH_MODEL("figure24.dram"),
    { "figure24.hbm_cache", UNIT_BYTES },
    { "figure25.low.sessions_per_s", UNIT_PLAIN },
    { "figure25.low.hit_rate", UNIT_PLAIN },
    { "figure25.low.ttft_s", UNIT_PLAIN },
    { "figure25.low.prefill_tokens_per_s", UNIT_PLAIN },
    { "figure25.low.gpu_hours", UNIT_PLAIN },
    { "figure25.high.sessions_per_s", UNIT_PLAIN },
    { "figure25.high.hit_rate", UNIT_PLAIN },
    { "figure25.high.ttft_s", UNIT_PLAIN },
    { "figure25.high.prefill_tokens_per_s", UNIT_PLAIN },
    { "figure25.high.gpu_hours", UNIT_PLAIN },
    { "tables.decoupled_difference_most", UNIT_PLAIN },
    { "tables.naive_least", UNIT_PLAIN },
    { "unknowns.think_time.low", UNIT_DURATION },
    { "unknowns.think_time.standard", UNIT_DURATION },
    { "unknowns.think_time.high", UNIT_DURATION },
    { "unknowns.stored_bytes.low", UNIT_PLAIN },
    { "unknowns.stored_bytes.standard", UNIT_PLAIN },
    { "unknowns.stored_bytes.high", UNIT_PLAIN },
};
enum { NUMBERS = sizeof table / sizeof *table };
_Static_assert(NUMBERS <= PAPER_NUMBERS_MAX, "struct paper_numbers is too small");

static void standard_path(char *path, size_t path_bytes)
{
    const char *folder = getenv("REPRISE_PAPER");
    if (folder == NULL || *folder == '\0')
        folder = REPRISE_PAPER_FOLDER;
    snprintf(path, path_bytes, "%s/paper.yaml", folder);
}

enum status paper_numbers_read(const char *path, struct paper_numbers *numbers, struct error *err)
{
    struct config_row rows[NUMBERS + 1] = { { .key = NULL } };
    for (int i = 0; i < NUMBERS; i++)
        rows[i] = (struct config_row){ .key = table[i].key,
                                       .kind = CONFIG_DOUBLE,
                                       .unit = table[i].unit,
                                       .offset = offsetof(struct paper_numbers, value) +
                                                 (size_t)i * sizeof(double),
                                       .min = 0,
                                       .max = 1e18,
                                       .help = "as printed in the paper" };
    char standard[1024];
    standard_path(standard, sizeof standard);
    struct config_tree *tree = NULL;
    const struct config_section sections[] = { { .prefix = "", .rows = rows }, { .rows = NULL } };
    enum status status = config_tree_read(path != NULL ? path : standard, &tree, err);
    if (status == STATUS_OK)
        status = config_load(sections, tree, numbers, err);
    config_tree_free(tree);
    return status;
}

double paper_number(const struct paper_numbers *numbers, const char *key)
{
    for (int i = 0; i < NUMBERS; i++)
        if (strcmp(table[i].key, key) == 0)
            return numbers->value[i];
    assert(false && "a key of paper.yaml");
    abort();
}
