/* tests/random/draw.c - see draw.h. What is here of single keys is how often they are set and where
 * a uniform draw would miss what matters: small workloads, tight tiers, edges of blocks. */
#include "tests/random/draw.h"

#include "models/models.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

struct drawing {
    uint64_t seed;
    const struct names *names;
    struct settings settings;
    double share; /* of the keys that are set beside the usual ones */
};

/* ---- how often a key is set ---- */

/* Keys that matter in nearly every way the engine can go. */
static const struct {
    const char *key;
    double probability;
} usual[] = {
    { "model", 0.7 },
    { "hardware", 0.5 },
    { "gpus", 1.0 },
    { "trace", 0.25 },
    { "warmup_turns", 1.0 },
    { "max_turns", 0.15 },
    { "policy", 0.85 },
    { "placement.eviction", 0.05 },
    { "placement.unit", 0.35 },
    { "placement.block_tokens", 0.35 },
    { "tiers.hbm.cache", 0.3 },
    { "tiers.dram.capacity", 0.6 },
    { "tiers.ssd.capacity", 0.5 },
    { "tiers.ssd.inclusive", 0.3 },
    { "tiers.remote.capacity", 0.25 },
    { "engine.hbm_tokens", 0.35 },
    { "engine.context_window", 0.35 },
    { "cluster.replicas", 0.3 },
    { "cluster.prefill_replicas", 0.1 },
    { "workload.sessions", 1.0 },
    { "workload.tenants", 0.35 },
    { "tenants.dram_quota", 0.2 },
    { "tenants.ssd_quota", 0.2 },
    { "workload.seed", 1.0 },
};

static double probability_of(const struct drawing *drawing, const char *key)
{
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (strcmp(usual[i].key, key) == 0)
            return usual[i].probability;
    return drawing->share;
}

/* ---- values ---- */

/* Where the schema allows what nobody could wait for. */
static const struct {
    const char *key;
    double least, most;
} bounds[] = {
    { "workload.mean_turns", 1, 12 },
    { "workload.prompt_tokens.mean", 1, 6000 },
    { "workload.reply_tokens.mean", 1, 1500 },
    { "cluster.replicas", 1, 32 },
    { "cluster.prefill_replicas", 0, 4 },
    { "engine.hbm_tokens", 1, 300000 },
    { "engine.context_window", 2, 131072 },
    { "gpus", 1, 8 },
    { "workload.concurrency", 0, 200 },
    { "workload.prompt_tokens.least", 1, 2000 },
    { "workload.prompt_tokens.most", 1, 6000 },
    { "workload.reply_tokens.least", 1, 500 },
    { "workload.reply_tokens.most", 1, 1500 },
    { "workload.shared_prefix.groups", 1, 40 },
    { "workload.shared_prefix.prompts_per_group", 1, 40 },
    { "workload.shared_prefix.system_tokens", 1, 6000 },
    { "workload.shared_prefix.question_tokens", 1, 1500 },
    { "workload.shared_prefix.reply_tokens", 1, 1500 },
    { "workload.repeated_documents.documents", 1, 40 },
    { "workload.repeated_documents.repeats", 1, 10 },
    { "workload.repeated_documents.document_tokens.mean", 1, 40000 },
    { "workload.repeated_documents.document_tokens.median_ratio", 0.3, 1 },
    { "workload.repeated_documents.question_tokens", 0, 1500 },
    { "workload.repeated_documents.reply_tokens", 1, 1500 },
    { "workload.chat.sessions", 1, 200 },
    { "workload.chat.messages.least", 2, 20 },
    { "workload.chat.messages.most", 2, 40 },
    { "workload.chat.system_tokens", 0, 6000 },
    { "workload.chat.history_tokens.mean", 0, 6000 },
    { "workload.chat.history_tokens.median_ratio", 0.3, 1 },
    { "workload.chat.history_tokens.most", 0, 20000 },
    { "workload.chat.prompt_tokens.least", 1, 2000 },
    { "workload.chat.prompt_tokens.most", 1, 6000 },
    { "workload.chat.reply_tokens.least", 1, 500 },
    { "workload.chat.reply_tokens.most", 1, 1500 },
    { "workload.agents.sessions", 1, 60 },
    { "workload.agents.requests.mean", 1, 4 },
    { "workload.agents.requests.median_ratio", 0.3, 1 },
    { "workload.agents.steps.mean", 1, 8 },
    { "workload.agents.steps.median_ratio", 0.3, 1 },
    { "workload.agents.system_tokens", 0, 40000 },
    { "workload.agents.prompt_tokens.mean", 1, 6000 },
    { "workload.agents.reply_tokens.mean", 1, 1500 },
    { "workload.agents.context_most", 1, 60000 },
    { "workload.agents.compacted_tokens", 0, 20000 },
};

static void bounds_of(const char *key, const struct config_row *row, double *least, double *most)
{
    *least = row->min;
    *most = row->max;
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (strcmp(bounds[i].key, key) == 0) {
            *least = bounds[i].least;
            *most = bounds[i].most;
        }
}

/* log and exp of base/random.h: the same draw on every machine. */
static double log_uniform(struct random *random, double least, double most)
{
    double low = exact_log(least), high = exact_log(most);
    double value = exact_exp(low + random_uniform(random) * (high - low));
    return value < least ? least : value > most ? most : value;
}

uint64_t draw_whole(struct random *random, double least, double most)
{
    return (uint64_t)(log_uniform(random, least, most) + 0.5);
}

/* The power of two below, or one beside it: blocks, chunks and windows meet there. */
static double to_edge(struct random *random, double value)
{
    double edge = 1.0;
    while (edge * 2.0 <= value)
        edge *= 2.0;
    return edge + (double)random_below(random, 3) - 1.0;
}

static bool default_of(const struct config_row *row, double *value)
{
    return row->standard != NULL && units_parse(row->standard, row->unit, value) && *value > 0.0;
}

static double draw_number(struct random *random, const struct config_row *row, double least,
                          double most)
{
    double kind = random_uniform(random), standard;
    bool is_whole = row->kind != CONFIG_DOUBLE;
    if (kind < 0.10)
        return least;
    if (kind < 0.15)
        return most;
    double low = least > 0.0 ? least : is_whole ? 1.0 : 1e-3, value;
    if (kind < 0.60 && default_of(row, &standard))
        value = standard * log_uniform(random, 1.0 / 32.0, 32.0);
    else
        value = log_uniform(random, low, most > low ? most : low);
    if (is_whole && row->unit == UNIT_PLAIN && value >= 2.0 && random_below(random, 4) == 0)
        value = to_edge(random, value);
    return value < least ? least : value > most ? most : value;
}

/* KV of one token of the experiment so far; 0: not known, since the model is refused. */
static uint64_t token_bytes(const struct settings *settings)
{
    struct experiment experiment;
    struct model model;
    struct error ignored = { 0 };
    if (settings_experiment(settings, &experiment, &ignored) != STATUS_OK ||
        model_load(experiment.model, &model, &ignored) != STATUS_OK)
        return 0;
    return model_kv_bytes_per_token(&model, experiment.gpus);
}

/* Sizes here are of KV: most are drawn as so many tokens, to the byte or one off. */
static double draw_size(struct random *random, const struct config_row *row,
                        const struct settings *settings, double least, double most)
{
    uint64_t token = token_bytes(settings);
    if (token == 0 || random_uniform(random) < 0.4)
        return draw_number(random, row, least, most);
    uint64_t tokens = draw_whole(random, 1.0, 4e6);
    if (random_below(random, 2) == 0) {
        uint64_t block = UINT64_C(1) << random_below(random, 11);
        tokens = (tokens + block - 1) / block * block;
    }
    static const int off[] = { 0, 0, 0, -1, 1 };
    double value = (double)(tokens * token) + off[random_below(random, 5)];
    return value < least ? least : value > most ? most : value;
}

/* Most small: what a fault needs is seldom more, and small ones are many in a minute. */
static uint64_t draw_sessions(struct random *random)
{
    double kind = random_uniform(random);
    if (kind < 0.5)
        return draw_whole(random, 1.0, 60.0);
    return kind < 0.85 ? draw_whole(random, 60.0, 400.0) : draw_whole(random, 400.0, 2000.0);
}

static uint64_t draw_warmup(struct random *random)
{
    double kind = random_uniform(random);
    if (kind < 0.5)
        return 0;
    return kind < 0.75 ? draw_whole(random, 1.0, 20.0) : draw_whole(random, 1.0, 10000.0);
}

/* Heads are mostly divided by powers of two; some by 3, 5 or 7. */
static uint64_t draw_gpus(struct random *random)
{
    uint64_t power = UINT64_C(1) << random_below(random, 4);
    return random_below(random, 8) == 0 ? 1 + random_below(random, 8) : power;
}

/* Counts whose ranges say nothing of what is worth drawing. false: not one of them. */
static bool draw_count(struct random *random, const char *key, uint64_t *count)
{
    if (strcmp(key, "workload.sessions") == 0)
        *count = draw_sessions(random);
    else if (strcmp(key, "warmup_turns") == 0)
        *count = draw_warmup(random);
    else if (strcmp(key, "max_turns") == 0)
        *count = draw_whole(random, 1.0, 3000.0);
    else if (strcmp(key, "gpus") == 0)
        *count = draw_gpus(random);
    else
        return false;
    return true;
}

static const char *name_from(struct random *random, const struct name_list *list)
{
    return list->name[random_below(random, list->count)];
}

/* Lists of values by tenant. false: the key takes none. */
static bool draw_tenants(struct random *random, const char *key, char value[CONFIG_TEXT_BYTES])
{
    static const struct {
        const char *key, *value[6];
    } lists[] = {
        { "tenants.priority", { "80/20", "0/100/35", "a=90", "b=10/a=11", "x=0", "35" } },
        { "tenants.dram_quota", { "0.5/0.5", "0.2", "a=0.01/b=0.3", "0", "1/0.7", "x=0.9" } },
        { "tenants.ssd_quota", { "0.5/0.5", "0.9/0.9", "b=0.05", "0/0", "0.3/1/0.1", "a=0.6" } },
        { "workload.tenants", { "1", "0.5/0.5", "9/1", "a=1/b=2/c=3", "1/1/1/1", "x=0.01/a=1" } },
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(lists[i].key, key) == 0) {
            snprintf(value, CONFIG_TEXT_BYTES, "%s", lists[i].value[random_below(random, 6)]);
            return true;
        }
    return false;
}

static bool draw_text(struct random *random, const struct names *names, const char *key,
                      char value[CONFIG_TEXT_BYTES])
{
    static const char *const fetching[] = { "", "+scheduler-aware", "+on-demand" };
    const struct name_list *list = names_of_key(names, key);
    if (draw_tenants(random, key, value))
        return true;
    if (list == NULL || list->count == 0)
        return false;
    bool is_policy = list == &names->policies;
    if (is_policy && strcmp(key, "policy") == 0 && random_below(random, 2) == 0)
        list = &names->presets;
    const char *behind =
        is_policy && list == &names->policies ? fetching[random_below(random, 3)] : "";
    snprintf(value, CONFIG_TEXT_BYTES, "%.200s%s", name_from(random, list), behind);
    return true;
}

static uint64_t count_of(const char *const *names)
{
    uint64_t count = 0;
    while (names[count] != NULL)
        count++;
    return count;
}

static void draw_numeric(struct random *random, const struct settings *settings, const char *key,
                         const struct config_row *row, char value[CONFIG_TEXT_BYTES])
{
    uint64_t count;
    double least, most;
    bounds_of(key, row, &least, &most);
    if (row->word != NULL && random_below(random, 10) == 0) {
        snprintf(value, CONFIG_TEXT_BYTES, "%s", row->word);
    } else if (draw_count(random, key, &count)) {
        snprintf(value, CONFIG_TEXT_BYTES, "%" PRIu64, count);
    } else {
        double number = row->unit == UNIT_BYTES ? draw_size(random, row, settings, least, most)
                                                : draw_number(random, row, least, most);
        snprintf(value, CONFIG_TEXT_BYTES, row->kind == CONFIG_DOUBLE ? "%.6g" : "%.0f",
                 row->kind == CONFIG_DOUBLE ? number : floor(number));
    }
}

bool draw_value(struct random *random, const struct names *names, const struct settings *settings,
                const char *key, const struct config_row *row, char value[CONFIG_TEXT_BYTES])
{
    switch (row->kind) {
    case CONFIG_TEXT:
        return draw_text(random, names, key, value);
    case CONFIG_BOOL:
        snprintf(value, CONFIG_TEXT_BYTES, "%s", random_below(random, 2) == 0 ? "false" : "true");
        break;
    case CONFIG_CHOICE:
        snprintf(value, CONFIG_TEXT_BYTES, "%s",
                 row->choices[random_below(random, count_of(row->choices))]);
        break;
    case CONFIG_U32:
    case CONFIG_U64:
    case CONFIG_DOUBLE:
        draw_numeric(random, settings, key, row, value);
        break;
    }
    return true;
}

/* ---- what is said of single keys ---- */

struct sought {
    const char *key;
    bool is_known;
};

static void look_at_key(const char *key, const struct config_row *row, void *context)
{
    struct sought *sought = context;
    (void)row;
    sought->is_known |= strcmp(key, sought->key) == 0;
}

static bool is_known(const char *key)
{
    struct sought sought = { .key = key };
    settings_rows(look_at_key, &sought);
    return sought.is_known;
}

const char *draw_unknown_key(void)
{
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (!is_known(usual[i].key))
            return usual[i].key;
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (!is_known(bounds[i].key))
            return bounds[i].key;
    return NULL;
}

/* ---- the experiment ---- */

/* Each key draws from a stream of its own, so that a new key of the schema leaves the experiments
 * of all seeds as they were, but for itself. FNV-1a. */
static uint64_t stream_of(const char *key)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *key != '\0'; key++)
        hash = (hash ^ (uint8_t)*key) * UINT64_C(1099511628211);
    return hash;
}

static void draw_row(const char *key, const struct config_row *row, void *context)
{
    struct drawing *drawing = context;
    struct random random = random_from(drawing->seed, stream_of(key));
    char value[CONFIG_TEXT_BYTES];
    if (random_uniform(&random) < probability_of(drawing, key) &&
        draw_value(&random, drawing->names, &drawing->settings, key, row, value))
        settings_set(&drawing->settings, key, value);
}

struct settings draw_experiment(uint64_t seed, double steps_most, const struct names *names)
{
    static const double shares[] = { 0.0, 0.02, 0.05, 0.1, 0.2, 0.4 };
    const double fitted = 0.95;
    struct random random = random_from(seed, 0);
    struct drawing drawing = { .seed = seed, .names = names };
    drawing.share = shares[random_below(&random, sizeof shares / sizeof *shares)];
    settings_rows(draw_row, &drawing);
    bool only_work = random_uniform(&random) >= fitted;
    fit_experiment(&drawing.settings, &random, steps_most, only_work);
    return drawing.settings;
}
