/* tests/random/fit.c - what must hold between the keys of an experiment, so that few draws are
 * refused, and how much work one may be. Each rule changes one key or two. */
#include "sim/engine/disks.h"
#include "tests/random/draw.h"
#include "tests/random/work.h"

#include <inttypes.h>
#include <string.h>

/* A rule sees the experiment as it was before this round, and the keys by which it may change it.
 */
struct fitting {
    struct settings *settings;
    struct random *random;
    double steps_most;
    struct experiment experiment;
    struct model model;
    struct hardware hardware;
};

static void set_whole(struct fitting *fitting, const char *key, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, value);
    settings_set(fitting->settings, key, text);
}

/* ---- the machine ---- */

/* HBM for KV with so many GPUs; 0: the model does not fit. */
static uint64_t budget_bytes(const struct fitting *fitting, uint32_t gpus)
{
    struct hardware hardware = fitting->hardware;
    struct error ignored = { 0 };
    uint64_t bytes = 0;
    if (gpus > hardware.gpus)
        return 0;
    if (fitting->experiment.hbm_tokens > 0)
        return model_check_ranks(&fitting->model, &hardware, gpus, &ignored) == STATUS_OK ? 1 : 0;
    if (fitting->experiment.hbm_utilisation > 0.0)
        hardware.hbm_utilisation = fitting->experiment.hbm_utilisation;
    const struct engine_memory memory = experiment_memory(&fitting->experiment);
    if (engine_kv_budget_bytes(&fitting->model, &hardware, gpus, &memory, &bytes, &ignored) !=
        STATUS_OK)
        return 0;
    return bytes;
}

static void fit_machine(struct fitting *fitting)
{
    if (budget_bytes(fitting, fitting->experiment.gpus) > 0)
        return;
    for (uint32_t gpus = fitting->hardware.gpus; gpus > 0; gpus--)
        if (budget_bytes(fitting, gpus) > 0) {
            set_whole(fitting, "gpus", gpus);
            return;
        }
    /* Too little of HBM, or a model for a larger server. */
    if (settings_value(fitting->settings, "engine.hbm_utilisation") != NULL)
        settings_remove(fitting->settings, "engine.hbm_utilisation");
    else
        settings_remove(fitting->settings, "model");
    set_whole(fitting, "gpus", fitting->hardware.gpus);
}

static uint32_t window_tokens(const struct fitting *fitting)
{
    return fitting->experiment.context_window_tokens > 0 ? fitting->experiment.context_window_tokens
                                                         : fitting->model.context_window_tokens;
}

/* What a context takes of HBM: no more than a_token for each token and the states. */
struct taken {
    struct kv_shape shape;
    uint64_t a_token, states;
};

static struct taken taken_of(const struct fitting *fitting)
{
    const struct experiment *experiment = &fitting->experiment;
    struct taken taken = { .shape = model_kv_shape(&fitting->model, experiment->gpus) };
    taken.a_token = taken.shape.full_bytes + taken.shape.window_bytes;
    taken.states = 2 * taken.shape.state_bytes;
    if (!experiment->hybrid_kv) {
        taken.shape.full_bytes = taken.a_token;
        taken.shape.window_bytes = 0;
    }
    /* A block's snapshot of the state is part of a stored token. */
    if (taken.states > 0 && experiment->unit != PLACE_SESSIONS)
        taken.a_token += taken.shape.state_bytes / experiment->block_tokens + 1;
    return taken;
}

/* A printed number is one that the GPUs can hold. */
static void fit_measured(struct fitting *fitting)
{
    const struct experiment *experiment = &fitting->experiment;
    if (experiment->hbm_tokens == 0 || experiment->gpus > fitting->hardware.gpus)
        return;
    struct taken taken = taken_of(fitting);
    uint64_t most = engine_held_tokens(
        &taken.shape, experiment->hbm_block_tokens, window_tokens(fitting),
        engine_kv_most_bytes(&fitting->model, &fitting->hardware, experiment->gpus));
    if (most == 0)
        settings_remove(fitting->settings, "engine.hbm_tokens");
    else if (experiment->hbm_tokens > most)
        set_whole(fitting, "engine.hbm_tokens", most);
}

/* Tokens of context that HBM surely holds. */
static uint64_t hbm_tokens(const struct fitting *fitting)
{
    const struct experiment *experiment = &fitting->experiment;
    struct taken taken = taken_of(fitting);
    uint64_t bytes = experiment->hbm_tokens > 0
                         ? engine_held_bytes(&taken.shape, experiment->hbm_block_tokens,
                                             window_tokens(fitting), experiment->hbm_tokens)
                         : budget_bytes(fitting, experiment->gpus);
    return bytes > taken.states ? (bytes - taken.states) / taken.a_token : 0;
}

/* So few tokens that they fit: as many contexts of them as their KV takes in whole blocks. */
static void draw_measured(struct fitting *fitting)
{
    uint64_t tokens = draw_whole(fitting->random, 2.0, 64.0);
    struct taken taken = taken_of(fitting);
    uint64_t context = engine_held_bytes(&taken.shape, fitting->experiment.hbm_block_tokens,
                                         (uint32_t)tokens, tokens);
    uint64_t contexts = 1 + (tokens * taken.a_token + taken.states) / context;
    set_whole(fitting, "engine.hbm_tokens", tokens * contexts);
    set_whole(fitting, "engine.context_window", tokens);
}

/* A turn may fill the window, and must then fit into HBM by itself. */
static void fit_window(struct fitting *fitting)
{
    uint64_t fits = hbm_tokens(fitting);
    uint32_t window = window_tokens(fitting);
    if (fits < 2) {
        draw_measured(fitting);
        return;
    }
    if (window >= 2 && window <= fits)
        return;
    const uint64_t choices[] = { fits, fits, fits - 1, fits / 2, fits / 3 };
    uint64_t chosen = choices[random_below(fitting->random, 5)];
    set_whole(fitting, "engine.context_window", chosen < 2 ? 2 : chosen < 131072 ? chosen : 131072);
}

/* ---- tiers and servers ---- */

static void fit_writes(struct fitting *fitting)
{
    const struct experiment *experiment = &fitting->experiment;
    if (experiment->placement.write[TIER_DRAM] != WRITE_THROUGH && experiment->hbm_cache_bytes == 0)
        set_whole(fitting, "tiers.hbm.cache", draw_whole(fitting->random, 1e6, 1e12));
    if (!experiment->placement.inclusive[TIER_DRAM] &&
        experiment->placement.write[TIER_DRAM] != WRITE_BACK)
        settings_set(fitting->settings, "tiers.dram.inclusive", "true");
    if (!experiment->placement.inclusive[TIER_SSD] &&
        experiment->placement.write[TIER_SSD] != WRITE_BACK)
        settings_set(fitting->settings, "tiers.ssd.inclusive", "true");
}

static void fit_policy(struct fitting *fitting)
{
    const struct policy_keys *keys = &fitting->experiment.placement.policy;
    if (keys->s3_fifo_promote_uses > keys->s3_fifo_max_uses)
        set_whole(fitting, "placement.s3_fifo.max_uses", keys->s3_fifo_promote_uses);
}

/* DRAM passes on what goes to the pool; a preset's DRAM may be none, whatever is asked. */
static void fit_remote(struct fitting *fitting)
{
    if (fitting->experiment.remote_bytes == 0 || fitting->experiment.dram_bytes > 0)
        return;
    if (settings_value(fitting->settings, "tiers.dram.capacity") != NULL &&
        random_below(fitting->random, 2) == 0)
        settings_remove(fitting->settings, "tiers.dram.capacity");
    else
        set_whole(fitting, "tiers.remote.capacity", 0);
}

/* Drives that do not hold what is asked; none hold nothing. */
static void fit_drives(struct fitting *fitting)
{
    struct disks disks;
    struct error err = { 0 };
    if (disks_for(&fitting->experiment, &fitting->hardware, &disks, &err) == STATUS_OK ||
        strcmp(err.key, "tiers.ssd.capacity") != 0)
        return;
    if (fitting->experiment.drives == UINT64_MAX || random_below(fitting->random, 2) == 0)
        set_whole(fitting, "tiers.ssd.capacity",
                  fitting->experiment.drives == 0 ? 0 : draw_whole(fitting->random, 1e9, 1e12));
    else
        settings_set(fitting->settings, "ssd.drives", "fit");
}

static void fit_cluster(struct fitting *fitting)
{
    const struct experiment *experiment = &fitting->experiment;
    if (experiment->prefill_replicas == 0)
        return;
    if (experiment->prefill_replicas >= experiment->replicas)
        set_whole(fitting, "cluster.replicas",
                  experiment->prefill_replicas + 1 + random_below(fitting->random, 3));
    settings_set(fitting->settings, "engine.allocation", "reserve");
}

/* ---- what is asked ---- */

static void fit_workload(struct fitting *fitting)
{
    const struct workload *workload = &fitting->experiment.workload;
    char text[32];
    double least = 1.0 + workload->multi_turn_share;
    if (workload->multi_turn_share == 0.0 && workload->mean_turns > 1.0)
        settings_set(fitting->settings, "workload.mean_turns", "1");
    else if (workload->mean_turns < least) {
        snprintf(text, sizeof text, "%.6g", least + 0.001);
        settings_set(fitting->settings, "workload.mean_turns", text);
    }
}

/* The longest is no shorter than the shortest. */
static void fit_most(struct fitting *fitting, const char *key, uint32_t least, uint32_t most)
{
    if (most < least)
        set_whole(fitting, key, least);
}

static void fit_shape(struct fitting *fitting)
{
    const struct workload_shape *shape = &fitting->experiment.shape;
    const struct chat_shape *chat = &shape->chat;
    const struct agents_shape *agents = &shape->agents;
    uint64_t compacted = (uint64_t)agents->system_tokens + agents->compacted_tokens;
    if (shape->shape == SHAPE_SHARED_PREFIX || shape->shape == SHAPE_REPEATED_DOCUMENTS)
        settings_remove(fitting->settings, "workload.loop");
    fit_most(fitting, "workload.chat.messages.most", chat->messages_least, chat->messages_most);
    fit_most(fitting, "workload.chat.prompt_tokens.most", chat->prompt_tokens_least,
             chat->prompt_tokens_most);
    fit_most(fitting, "workload.chat.reply_tokens.most", chat->reply_tokens_least,
             chat->reply_tokens_most);
    if (agents->context_tokens_most <= compacted)
        set_whole(fitting, "workload.agents.context_most", compacted + 1);
}

static void fit_trace(struct fitting *fitting)
{
    struct experiment told = fitting->experiment;
    struct asked asked;
    struct error ignored = { 0 };
    if (told.trace[0] == '\0')
        return;
    told.import.format[0] = '\0';
    if (asked_read(&told, &asked, &ignored) != STATUS_OK)
        return;
    if (fitting->experiment.import.format[0] != '\0')
        settings_set(fitting->settings, "import.format", asked.format);
    if (asked.block_tokens > 0 && told.unit == PLACE_SESSIONS)
        settings_set(fitting->settings, "placement.unit", "auto");
}

/* ---- work ---- */

/* The key of how many there are of the generated workload, if there is more than one of it. */
static const char *amount_key(const struct experiment *experiment, uint64_t *count)
{
    static const char *const keys[][2] = {
        [SHAPE_SHAREGPT] = { "workload.sessions" },
        [SHAPE_SHARED_PREFIX] = { "workload.shared_prefix.groups",
                                  "workload.shared_prefix.prompts_per_group" },
        [SHAPE_REPEATED_DOCUMENTS] = { "workload.repeated_documents.documents",
                                       "workload.repeated_documents.repeats" },
        [SHAPE_CHAT] = { "workload.chat.sessions" },
        [SHAPE_AGENTS] = { "workload.agents.sessions" },
    };
    struct experiment copy = *experiment;
    const struct workload_shape *shape = &copy.shape;
    const uint64_t *sessions = workload_sessions(&copy.workload, &copy.shape);
    uint64_t two[2] = { shape->documents.documents, shape->documents.repeats };
    if (shape->shape == SHAPE_SHARED_PREFIX) {
        two[0] = shape->shared_prefix.groups;
        two[1] = shape->shared_prefix.prompts_per_group;
    }
    *count = sessions != NULL ? *sessions : two[0] > 1 ? two[0] : two[1];
    return *count > 1 ? keys[shape->shape][sessions == NULL && two[0] == 1] : NULL;
}

/* Agents as published are more than can be looked at: fewer, shorter ones are told unread. */
static bool fit_agents(struct fitting *fitting)
{
    enum { STEPS_MOST = 400, CONTEXT_MOST = 60000 };
    const struct agents_shape *agents = &fitting->experiment.shape.agents;
    if (fitting->experiment.trace[0] != '\0' || fitting->experiment.shape.shape != SHAPE_AGENTS)
        return false;
    if (agents->context_tokens_most > CONTEXT_MOST)
        set_whole(fitting, "workload.agents.context_most", CONTEXT_MOST);
    else if ((double)agents->sessions * agents->requests.mean * agents->steps.mean <= STEPS_MOST)
        return false;
    else if (agents->sessions > 1)
        set_whole(fitting, "workload.agents.sessions", agents->sessions / 2);
    else
        settings_set(fitting->settings, "workload.agents.requests.mean", "1");
    return true;
}

static void fit_amount(struct fitting *fitting)
{
    if (fit_agents(fitting))
        return;
    struct asked asked;
    struct error ignored = { 0 };
    bool drawn = fitting->experiment.trace[0] == '\0';
    uint64_t count = 0;
    const char *key = drawn ? amount_key(&fitting->experiment, &count) : NULL;
    if (asked_read(&fitting->experiment, &asked, &ignored) != STATUS_OK ||
        work_steps(&fitting->experiment, &asked) <= fitting->steps_most)
        return;
    if (key != NULL)
        set_whole(fitting, key, count / 2);
    else if (!drawn && asked.turns > 1)
        set_whole(fitting, "max_turns", asked.turns / 2);
    else
        set_whole(fitting, "engine.context_window", asked.window_tokens / 2 + 1);
}

/* ---- all of it ---- */

/* false: it cannot be read, and is left as it is. */
static bool read_fitting(struct fitting *fitting)
{
    struct error ignored = { 0 };
    if (settings_experiment(fitting->settings, &fitting->experiment, &ignored) != STATUS_OK ||
        model_load(fitting->experiment.model, &fitting->model, &ignored) != STATUS_OK ||
        hardware_load(fitting->experiment.hardware, &fitting->hardware, &ignored) != STATUS_OK)
        return false;
    int format = fitting->experiment.weight_format, kv = fitting->experiment.kv_dtype;
    if (format != 0)
        model_set_weight_format(&fitting->model, (enum number_format)(format - 1));
    if (kv != KV_AS_MODEL)
        fitting->model.kv_bytes_per_value = kv == KV_FP8 ? 1.0 : 2.0;
    return true;
}

void fit_experiment(struct settings *settings, struct random *random, double steps_most,
                    bool only_work)
{
    static void (*const rules[])(struct fitting *) = { fit_amount,  fit_machine,  fit_measured,
                                                       fit_window,  fit_writes,   fit_remote,
                                                       fit_cluster, fit_workload, fit_shape,
                                                       fit_trace,   fit_drives,   fit_policy };
    /* What a rule sets may need another one, and the amount is halved some times. */
    enum { ROUNDS = 40, RULES = sizeof rules / sizeof *rules };
    struct fitting fitting = { .settings = settings, .random = random, .steps_most = steps_most };
    for (int round = 0; round < ROUNDS && read_fitting(&fitting); round++) {
        struct settings before = *settings;
        for (int i = 0; i < (only_work ? 1 : RULES); i++)
            rules[i](&fitting);
        if (memcmp(&before, settings, sizeof before) == 0)
            return;
    }
}
