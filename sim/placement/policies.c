/* sim/placement/policies.c - the table of policies. */
#include "sim/placement/policy.h"

#include <string.h>

#define POLICY_ADDRESS(name) &policy_##name,
static const struct policy *const all_policies[] = { POLICIES(POLICY_ADDRESS) NULL };

const struct policy *policy_find(const char *name)
{
    for (int i = 0; all_policies[i] != NULL; i++)
        if (strcmp(all_policies[i]->name, name) == 0)
            return all_policies[i];
    return NULL;
}

const struct policy *policy_at(int i)
{
    return i >= 0 && (size_t)i < sizeof all_policies / sizeof *all_policies ? all_policies[i]
                                                                            : NULL;
}
