/* sim/engine/experiment_load.c - from a tree of keys to an experiment: presets lay their keys under it. */
#include "sim/engine/policy_name.h"
#include "sim/engine/experiment.h"

#include "models/versions.h"

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

static enum status lay_preset(struct config_tree *tree, const struct experiment_notes *notes,
                              struct error *err)
{
    char name[CONFIG_TEXT_BYTES];
    const char *policy = config_tree_value(tree, "policy");
    if (policy == NULL || policy_name_known(policy) || strlen(policy) >= sizeof name ||
        !preset_exists(policy))
        return STATUS_OK;
    snprintf(name, sizeof name, "%s", policy); /* the tree's own text may move */
    struct teller teller = { .notes = notes, .preset = name };
    struct config_lost lost = { .tell = tell_lost, .context = &teller };
    return preset_lay(name, tree, notes != NULL ? &lost : NULL, err);
}

/* What the version says stands where nothing else does; it depends on the server. */
static enum status lay_version(struct config_tree *tree, struct experiment *experiment,
                               struct error *err)
{
    struct hardware hardware;
    enum status status = config_load(experiment_sections, tree, experiment, err);
    if (status != STATUS_OK || experiment->version[0] == '\0')
        return status;
    status = hardware_load(experiment->hardware, &hardware, err);
    if (status == STATUS_OK)
        status = engine_version_lay(experiment->version, &hardware, experiment->gpus, tree, err);
    return status == STATUS_OK ? config_load(experiment_sections, tree, experiment, err) : status;
}

enum status experiment_from_tree(const struct config_tree *tree,
                                 const struct experiment_notes *notes,
                                 struct experiment *experiment, struct error *err)
{
    struct config_tree *whole = config_tree_copy(tree);
    enum status status = lay_preset(whole, notes, err);
    if (status == STATUS_OK)
        status = lay_version(whole, experiment, err);
    config_tree_free(whole);
    return status;
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
                                   .withheld_bytes = experiment->hbm_withheld_bytes };
}
