/* validate/accuracy/served_version.c - which shipped version of an engine stands for the one that
 * ran. */
#include "validate/accuracy/served.h"

#include "models/models.h"

#include <stdlib.h>
#include <string.h>

/* vLLM's releases by the month from which on InferenceMAX ran them, for rows that do not say
 * theirs. */
static const struct {
    const char *month, *version;
} vllm_months[] = { { "2026-03", "0.17" }, { "2026-02", "0.15" }, { "2025-12", "0.12" },
                    { "2025-10", "0.11" }, { "2025-07", "0.10" }, { "", "0.8" } };

/* "0.15.1" as 15, "1.2.0rc6" as 1002; without a number (a nightly build) later than all. */
static long number_of(const char *version)
{
    char *rest;
    long major = strtol(version, &rest, 10);
    if (rest == version)
        return 999999;
    return 1000 * major + (*rest == '.' ? strtol(rest + 1, NULL, 10) : 0);
}

struct nearest {
    const char *backend;
    long wanted, found;
    char *name;
};

static void look(const char *name, void *context)
{
    struct nearest *nearest = context;
    size_t length = strlen(nearest->backend);
    if (strncmp(name, nearest->backend, length) != 0 || name[length] != '-')
        return;
    long number = number_of(name + length + 1);
    /* "vllm-2023" is a year, and of no numbered release. */
    if (number >= 1000 * 1000)
        return;
    long better = labs(number - nearest->wanted) - labs(nearest->found - nearest->wanted);
    if (nearest->name[0] == '\0' || better < 0 || (better == 0 && number > nearest->found)) {
        snprintf(nearest->name, ACCURACY_NAME_BYTES, "%s", name);
        nearest->found = number;
    }
}

static const char *by_month(const char *backend, const char *month)
{
    size_t at = 0;
    if (strcmp(backend, "vllm") != 0 || month[0] == '\0')
        return "";
    while (strcmp(month, vllm_months[at].month) < 0)
        at++;
    return vllm_months[at].version;
}

bool served_version(const char *backend, const char *version, const char *month,
                    char name[ACCURACY_NAME_BYTES])
{
    struct error err = { 0 };
    const char *taken = version[0] != '\0' ? version : by_month(backend, month);
    struct nearest nearest = { .backend = backend, .wanted = number_of(taken), .name = name };
    name[0] = '\0';
    return models_list("versions", look, &nearest, &err) == STATUS_OK && name[0] != '\0';
}
