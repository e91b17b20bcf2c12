/* sim/engine/policy_name.c - see policy_name.h. */
#include "sim/engine/policy_name.h"

#include "base/config_tree.h"

#include <string.h>

/* The policy of the part before a plus. */
static const struct policy *eviction_of(const char *text)
{
    char eviction[CONFIG_TEXT_BYTES];
    size_t length = strcspn(text, "+");
    if (length >= sizeof eviction)
        return NULL;
    memcpy(eviction, text, length);
    eviction[length] = '\0';
    return policy_find(eviction);
}

bool policy_name_known(const char *text)
{
    return eviction_of(text) != NULL;
}

enum status policy_name_parse(const char *text, struct placement_config *config, struct error *err)
{
    const char *plus = strchr(text, '+');
    config->policy = eviction_of(text);
    if (config->policy == NULL)
        return error_input(
            err, NULL, 0, "policy",
            "a policy or preset that `reprise models` lists, and after a policy's + how "
            "it fetches",
            text);
    config->fetches = config->policy->fetches;
    if (plus == NULL)
        return STATUS_OK;
    if (strcmp(plus + 1, "scheduler-aware") != 0 && strcmp(plus + 1, "on-demand") != 0)
        return error_input(err, NULL, 0, "policy", "+scheduler-aware or +on-demand", text);
    config->fetches = strcmp(plus + 1, "scheduler-aware") == 0;
    return STATUS_OK;
}
