/* tests/random/names.c - see names.h. */
#include "tests/random/names.h"

#include "base/memory.h"
#include "models/models.h"
#include "sim/sim.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAMPLES "traces/samples"

static void add(const char *name, void *context)
{
    struct name_list *list = context;
    memory_grow(&list->name, &list->capacity, (uint64_t)list->count + 1, sizeof *list->name);
    snprintf(list->name[list->count++], CONFIG_TEXT_BYTES, "%s", name);
}

static void add_with_summary(const char *name, const char *summary, void *context)
{
    (void)summary;
    add(name, context);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static struct name_list of_models(const char *kind)
{
    struct name_list list = { 0 };
    struct error err = { 0 };
    if (models_list(kind, add, &list, &err) != STATUS_OK) {
        error_print(stderr, &err);
        exit(error_exit_code(err.status));
    }
    return list;
}

static struct name_list of_samples(void)
{
    struct name_list list = { 0 };
    DIR *folder = opendir(SAMPLES);
    if (folder == NULL) {
        perror(SAMPLES);
        exit(3);
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char path[CONFIG_TEXT_BYTES];
        if (entry->d_name[0] == '.' || strstr(entry->d_name, ".md") != NULL)
            continue;
        snprintf(path, sizeof path, SAMPLES "/%.200s", entry->d_name);
        add(path, &list);
    }
    closedir(folder);
    qsort(list.name, list.count, sizeof *list.name, compare_names);
    return list;
}

struct names names_read(void)
{
    if (chdir(REPRISE_ROOT) != 0) {
        perror(REPRISE_ROOT);
        exit(3);
    }
    struct names names = { .models = of_models("llm"),
                           .hardware = of_models("hardware"),
                           .drives = of_models("drive"),
                           .presets = of_models("engines"),
                           .versions = of_models("versions"),
                           .samples = of_samples() };
    sim_policies(add_with_summary, &names.policies);
    trace_formats(add_with_summary, &names.formats);
    return names;
}

void names_free(struct names *names)
{
    free(names->models.name);
    free(names->hardware.name);
    free(names->drives.name);
    free(names->policies.name);
    free(names->presets.name);
    free(names->versions.name);
    free(names->samples.name);
    free(names->formats.name);
}

const struct name_list *names_of_key(const struct names *names, const char *key)
{
    const struct {
        const char *key;
        const struct name_list *list;
    } lists[] = {
        { "model", &names->models },          { "hardware", &names->hardware },
        { "trace", &names->samples },         { "policy", &names->policies },
        { "ssd.drive", &names->drives },      { "placement.eviction", &names->policies },
        { "import.format", &names->formats },
        { "engine.version", &names->versions },
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(lists[i].key, key) == 0)
            return lists[i].list;
    return NULL;
}
