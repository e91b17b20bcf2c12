/* sim/policy_name.c - see policy_name.h. */
#include "sim/policy_name.h"

#include "base/config_tree.h"

#include <string.h>

enum status policy_name_parse(const char *text, struct placement_config *config, struct error *err)
{
    char eviction[CONFIG_TEXT_BYTES];
    const char *plus = strchr(text, '+');
    size_t length = plus != NULL ? (size_t)(plus - text) : strlen(text);
    memcpy(eviction, text, length);
    eviction[length] = '\0';
    config->policy = policy_find(eviction);
    if (config->policy == NULL)
        return error_input(err, NULL, 0, "policy",
                           "a policy that `reprise models` lists, and after a + how it fetches",
                           text);
    config->fetches = config->policy->fetches;
    if (plus == NULL)
        return STATUS_OK;
    if (strcmp(plus + 1, "scheduler-aware") != 0 && strcmp(plus + 1, "on-demand") != 0)
        return error_input(err, NULL, 0, "policy", "+scheduler-aware or +on-demand", text);
    config->fetches = strcmp(plus + 1, "scheduler-aware") == 0;
    return STATUS_OK;
}
