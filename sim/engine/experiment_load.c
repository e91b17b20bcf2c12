/* sim/engine/experiment_load.c - from a tree of keys to an experiment: presets lay their keys under it. */
#include "sim/engine/policy_name.h"
#include "sim/engine/experiment.h"

#include "models/models.h"

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

enum status experiment_from_tree(const struct config_tree *tree,
                                 const struct experiment_notes *notes,
                                 struct experiment *experiment, struct error *err)
{
    struct config_tree *whole = config_tree_copy(tree);
    enum status status = lay_preset(whole, notes, err);
    if (status == STATUS_OK)
        status = config_load(experiment_sections, whole, experiment, err);
    config_tree_free(whole);
    return status;
}

void experiment_set_policy(struct experiment *experiment, const char *policy)
{
    snprintf(experiment->policy, sizeof experiment->policy, "%s", policy);
    experiment->eviction[0] = '\0';
}
