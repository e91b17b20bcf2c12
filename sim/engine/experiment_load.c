/* sim/engine/experiment_load.c - from a tree of keys to an experiment: presets lay their keys under
 * it. */
#include "sim/engine/experiment.h"
#include "sim/engine/policy_name.h"

#include "models/versions.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct teller {
    const struct experiment_notes *notes;
    const char *preset;
};

static void tell_lost(void *context, const char *key, const char *given, const char *taken)
{
    const struct teller *teller = context;
    char sentence[3 * CONFIG_TEXT_BYTES];
    snprintf(sentence, sizeof sentence, "%s: %s stays %s, which makes it what it is (not %s)",
             teller->preset, key, taken, given);
    teller->notes->tell(teller->notes->context, sentence);
}

/* Beside policies that have the server's SSD, a preset that has none by default is no like for
 * like. */
static void tell_no_ssd(const struct config_tree *tree, const struct teller *teller)
{
    const char *ssd = config_tree_value(tree, "tiers.ssd.capacity");
    char sentence[3 * CONFIG_TEXT_BYTES];
    if (teller->notes == NULL || ssd == NULL || strcmp(ssd, "0") != 0)
        return;
    snprintf(sentence, sizeof sentence,
             "%s: no SSD, as the engine has by default (tiers.ssd.capacity)", teller->preset);
    teller->notes->tell(teller->notes->context, sentence);
}

static enum status lay_preset(struct config_tree *tree, const struct experiment_notes *notes,
                              struct error *err)
{
    char name[CONFIG_TEXT_BYTES];
    const char *policy = config_tree_value(tree, "policy");
    if (policy == NULL || policy_name_known(policy) || strlen(policy) >= sizeof name ||
        !preset_exists(policy))
        return STATUS_OK;
    if (models_check_inside(NULL, "policy", policy, err) != STATUS_OK)
        return err->status;
    snprintf(name, sizeof name, "%s", policy); /* the tree's own text may move */
    struct teller teller = { .notes = notes, .preset = name };
    struct config_lost lost = { .tell = tell_lost, .context = &teller };
    bool asked = config_tree_value(tree, "tiers.ssd.capacity") != NULL;
    enum status status = preset_lay(name, tree, notes != NULL ? &lost : NULL, err);
    const char *dram = config_tree_value(tree, "tiers.dram.capacity");
    bool is_hbm_alone = dram != NULL && strcmp(dram, "0") == 0;
    if (status == STATUS_OK && !asked && !is_hbm_alone) /* not of what has HBM alone */
        tell_no_ssd(tree, &teller);
    return status;
}

/* ---- the engine's version ---- */

static const char as_hardware[] = "hardware"; /* standard of engine.version */

static bool names_version(const char *version)
{
    return version[0] != '\0' && strcmp(version, ENGINE_VERSION_NONE) != 0;
}

/* What the version says stands where nothing else does; it depends on the server, which also says
 * which version it is where the experiment leaves that open. */
static enum status lay_on_server(struct config_tree *tree, struct experiment *experiment,
                                 struct error *err)
{
    struct hardware hardware;
    char version[CONFIG_TEXT_BYTES];
    enum status status = hardware_load_keys(experiment->hardware, &hardware, err);
    if (status != STATUS_OK)
        return status;
    bool open = strcmp(experiment->version, as_hardware) == 0;
    snprintf(version, sizeof version, "%s",
             open ? engine_version_of(&hardware) : experiment->version);
    /* What is decoded elsewhere cannot be pushed out and computed again where it is (setup.c). */
    if (experiment->prefill_replicas > 0 && config_tree_value(tree, "engine.allocation") == NULL)
        status = config_tree_set(tree, "engine.allocation=reserve", err);
    if (status == STATUS_OK)
        status = models_check_inside(NULL, "engine.version", version, err);
    if (status == STATUS_OK && names_version(version)) {
        status = engine_version_lay(version, &hardware, experiment->gpus, tree, err);
        if (status == STATUS_OK)
            status = config_load(experiment_sections, tree, experiment, err);
    }
    snprintf(experiment->version, sizeof experiment->version, "%s", version);
    return status;
}

static enum status lay_version(struct config_tree *tree, struct experiment *experiment,
                               struct error *err)
{
    enum status status = config_load(experiment_sections, tree, experiment, err);
    if (status != STATUS_OK)
        return status;
    if (names_version(experiment->version))
        status = lay_on_server(tree, experiment, err);
    if (!names_version(experiment->version))
        snprintf(experiment->version, sizeof experiment->version, ENGINE_VERSION_NONE);
    return status;
}

const char *experiment_engine(const struct experiment *experiment)
{
    assert(strcmp(experiment->version, as_hardware) != 0); /* experiment_from_tree() made it */
    return names_version(experiment->version) ? experiment->version : NULL;
}

/* What the engine printed is what HBM's share led to: it is not derived from one again. */
static void tell_ignored(const struct config_tree *tree, const struct experiment *experiment,
                         const struct experiment_notes *notes)
{
    const char *share = tree != NULL ? config_tree_value(tree, "engine.hbm_utilisation") : NULL;
    char sentence[3 * CONFIG_TEXT_BYTES];
    if (notes == NULL || share == NULL || experiment->hbm_tokens == 0)
        return;
    snprintf(sentence, sizeof sentence,
             "engine.hbm_utilisation %s is ignored: engine.hbm_tokens says what HBM holds", share);
    notes->tell(notes->context, sentence);
}

/* ---- all together ---- */

enum status experiment_from_tree(const struct config_tree *tree,
                                 const struct experiment_notes *notes,
                                 struct experiment *experiment, struct error *err)
{
    struct config_tree *whole = NULL;
    enum status status = STATUS_OK;
    if (tree != NULL)
        whole = config_tree_copy(tree);
    else
        status = config_tree_parse("{}", "defaults", &whole, err);
    if (status == STATUS_OK)
        status = lay_preset(whole, notes, err);
    if (status == STATUS_OK)
        status = lay_version(whole, experiment, err);
    if (status == STATUS_OK)
        tell_ignored(tree, experiment, notes);
    config_tree_free(whole);
    return status;
}

enum status experiment_check_texts(const struct experiment *experiment, struct error *err)
{
    struct placement_config config;
    struct tenant_lists lists;
    const char *policy =
        experiment->eviction[0] != '\0' ? experiment->eviction : experiment->policy;
    if (policy_name_parse(policy, &config, err) || trace_import_check(&experiment->import, err) ||
        workload_tenants_check(&experiment->tenants_given, err) ||
        tenant_lists_parse(&experiment->tenants, &lists, err))
        return err->status;
    return STATUS_OK;
}

enum status experiment_check_policy_keys(const struct experiment *experiment, struct error *err)
{
    const struct policy_keys *keys = &experiment->placement.policy;
    char expected[64], found[16];
    if (keys->s3_fifo_promote_uses <= keys->s3_fifo_max_uses)
        return STATUS_OK;
    snprintf(expected, sizeof expected, "placement.s3_fifo.max_uses (%u) or less",
             keys->s3_fifo_max_uses);
    snprintf(found, sizeof found, "%u", keys->s3_fifo_promote_uses);
    return error_input(err, NULL, 0, "placement.s3_fifo.promote_uses", expected, found);
}

void experiment_set_policy(struct experiment *experiment, const char *policy)
{
    snprintf(experiment->policy, sizeof experiment->policy, "%s", policy);
    experiment->eviction[0] = '\0';
}

struct engine_memory experiment_memory(const struct experiment *experiment)
{
    return (struct engine_memory){ .rule = experiment->hbm_rule,
                                   .tokens = experiment->chunk_tokens,
                                   .sequences = experiment->batch,
                                   .sampler_bytes = experiment->sampler_bytes,
                                   .process_bytes = experiment->process_bytes,
                                   .withheld_bytes = experiment->hbm_withheld_bytes,
                                   .block_tokens = experiment->hbm_block_tokens,
                                   .state_block_multiple = experiment->state_block_multiple };
}
