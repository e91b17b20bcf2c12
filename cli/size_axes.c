/* cli/size_axes.c - see size_axes.h. */
#include "cli/size_axes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Servers of today side by side; numbers that a buyer orders; capacities that servers are sold
 * with; of drives one for reading, one for many writes, one of the largest; of policies one that
 * looks ahead and one that does not. */
static const struct usual {
    const char *axis;
    bool reuse; /* of no matter where nothing can be reused */
} usual_axes[] = {
    { "hardware=h100,h200,b200", false },
    { "gpus=1,2,4,8", false },
    { "policy=scheduler-aware,lru", true },
    { "tiers.dram.capacity=0,128GB,256GB,512GB,1TB,2TB", true },
    { "ssd.drive=solidigm-d7-ps1010-7.68tb,solidigm-d7-ps1030-6.4tb,solidigm-d5-p5336-61.44tb",
      true },
    { "ssd.drives=0,1,2,4,8", true },
    { "cluster.replicas=1,2,3,4,5,6,7,8,10,12,14,16,20,24,28,32,40,48,64", false },
};

static size_t key_length(const char *axis)
{
    return strcspn(axis, "=");
}

static bool is_said(const struct config_tree *tree, const char *axis)
{
    char key[96];
    snprintf(key, sizeof key, "%.*s", (int)key_length(axis), axis);
    if (config_tree_value(tree, key) != NULL)
        return true;
    /* A capacity of SSD says how many drives there are; of none it does not matter which. */
    const char *drives = config_tree_value(tree, "ssd.drives");
    if (strcmp(key, "ssd.drive") == 0 && drives != NULL && strcmp(drives, "0") == 0)
        return true;
    return strncmp(key, "ssd.drive", 9) == 0 &&
           config_tree_value(tree, "tiers.ssd.capacity") != NULL;
}

static bool is_varied(const struct text_list *vary, const char *axis)
{
    size_t length = key_length(axis);
    for (uint32_t i = 0; i < vary->count; i++) {
        const char *given = vary->text[i];
        if (key_length(given) == length && strncmp(given, axis, length) == 0)
            return true;
        if (strncmp(given, "tiers.ssd.capacity=", 19) == 0 && strncmp(axis, "ssd.drive", 9) == 0)
            return true;
        if (strcmp(given, "ssd.drives=0") == 0 && strncmp(axis, "ssd.drive=", 10) == 0)
            return true;
    }
    return false;
}

uint32_t size_axes_choose(const struct config_tree *tree, const struct text_list *vary,
                          const struct size_workload *workload, const char **axes)
{
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof usual_axes / sizeof *usual_axes; i++) {
        const struct usual *usual = &usual_axes[i];
        if (usual->reuse && !workload->can_reuse)
            continue;
        if (!is_said(tree, usual->axis) && !is_varied(vary, usual->axis))
            axes[count++] = usual->axis;
    }
    for (uint32_t i = 0; i < vary->count; i++)
        axes[count++] = vary->text[i];
    return count;
}

enum status size_axes_settle(struct config_tree *tree, const struct size_workload *workload,
                             struct error *err)
{
    enum { WARMUP_USUAL = 10000, WARMUP_PART = 5 };
    enum status status = STATUS_OK;
    char assignment[96];
    uint64_t part = workload->turns / WARMUP_PART;
    if (config_tree_value(tree, "warmup_turns") == NULL && part < WARMUP_USUAL) {
        snprintf(assignment, sizeof assignment, "warmup_turns=%" PRIu64, part);
        status = config_tree_set(tree, assignment, err);
    }
    /* Requests that name no session, but what they begin with. */
    if (status == STATUS_OK && workload->has_keys &&
        config_tree_value(tree, "cluster.router") == NULL)
        status = config_tree_set(tree, "cluster.router=prefix-affinity", err);
    if (status == STATUS_OK && !workload->can_reuse && config_tree_value(tree, "policy") == NULL)
        status = config_tree_set(tree, "policy=none", err);
    return status;
}
