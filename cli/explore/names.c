/* cli/explore/names.c - see names.h. */
#include "cli/explore/names.h"

#include "base/memory.h"
#include "base/path.h"
#include "models/versions.h"
#include "sim/sim.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct names {
    pthread_mutex_t lock; /* a trace may come while others look */
    json_t *by_key;
    json_t *list; /* that is being filled; by_key's */
    struct error *err;
};

/* ---- one name each ---- */

static json_t *add(struct names *names, const char *name, const char *about)
{
    json_t *entry = json_pack("{s:s, s:s}", "name", name, "about", about);
    json_array_append_new(names->list, entry);
    return entry;
}

static void add_model(const char *name, void *context)
{
    struct names *names = context;
    struct model model;
    char about[96];
    if (names->err->status != STATUS_OK || model_load(name, &model, names->err) != STATUS_OK)
        return;
    double billions = (double)model_parameters(&model) / 1e9;
    snprintf(about, sizeof about, "%.3g billion parameters, window of %u tokens", billions,
             model.context_window_tokens);
    add(names, name, about);
}

static void add_hardware(const char *name, void *context)
{
    struct names *names = context;
    struct hardware hardware;
    char hbm[32], dram[32], ssd[32], about[160];
    if (names->err->status != STATUS_OK ||
        hardware_load_keys(name, &hardware, names->err) != STATUS_OK)
        return;
    snprintf(about, sizeof about, "%u GPUs of %s, %s DRAM and %s SSD for KV", hardware.gpus,
             units_format((double)hardware.hbm_bytes, UNIT_BYTES, hbm, sizeof hbm),
             units_format((double)hardware.dram_bytes, UNIT_BYTES, dram, sizeof dram),
             units_format((double)hardware.ssd_bytes, UNIT_BYTES, ssd, sizeof ssd));
    json_t *entry = add(names, name, about);
    json_object_set_new(entry, "gpus", json_integer(hardware.gpus));
    json_object_set_new(entry, "hbm_bytes", json_integer((json_int_t)hardware.hbm_bytes));
    json_object_set_new(entry, "dram_bytes", json_integer((json_int_t)hardware.dram_bytes));
    json_object_set_new(entry, "ssd_bytes", json_integer((json_int_t)hardware.ssd_bytes));
    json_object_set_new(entry, "hbm_utilisation", json_real(hardware.hbm_utilisation));
}

static void add_drive(const char *name, void *context)
{
    struct names *names = context;
    struct drive drive;
    char bytes[32];
    if (names->err->status != STATUS_OK || drive_load(name, &drive, names->err) != STATUS_OK)
        return;
    units_format((double)drive.capacity_bytes, UNIT_BYTES, bytes, sizeof bytes);
    json_object_set_new(add(names, name, bytes), "bytes",
                        json_integer((json_int_t)drive.capacity_bytes));
}

static void add_version(const char *name, void *context)
{
    struct names *names = context;
    char summary[CONFIG_TEXT_BYTES];
    if (names->err->status == STATUS_OK &&
        engine_version_summary(name, summary, names->err) == STATUS_OK)
        add(names, name, summary);
}

static void add_preset(const char *name, void *context)
{
    struct names *names = context;
    char summary[CONFIG_TEXT_BYTES];
    if (names->err->status == STATUS_OK && preset_summary(name, summary, names->err) == STATUS_OK)
        json_object_set_new(add(names, name, summary), "preset", json_true());
}

static void add_policy(const char *name, const char *summary, void *context)
{
    add(context, name, summary);
}

static void add_trace(struct names *names, const char *path)
{
    add(names, path, path_name(path));
}

/* ---- lists ---- */

static bool has(const json_t *list, const char *name)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry) if (strcmp(json_string_value(json_object_get(entry, "name")),
                                                  name) == 0) return true;
    return false;
}

/* Begins the key's list; what stands for nothing named comes first. */
static void begin(struct names *names, const char *key, const char *none, const char *about)
{
    names->list = json_array();
    json_object_set_new(names->by_key, key, names->list);
    if (none != NULL)
        add(names, none, about);
}

static void end(struct names *names, const char *key, const struct config_tree *start)
{
    const char *given = config_tree_value(start, key);
    if (given != NULL && !has(names->list, given))
        add(names, given, "as the command line says");
}

static enum status list_kind(struct names *names, const char *kind,
                             void (*visit)(const char *name, void *context))
{
    return models_list(kind, visit, names, names->err) == STATUS_OK ? names->err->status
                                                                    : STATUS_IO;
}

static enum status fill(struct names *names, const struct config_tree *start)
{
    begin(names, "model", NULL, NULL);
    enum status status = list_kind(names, "llm", add_model);
    end(names, "model", start);
    begin(names, "hardware", NULL, NULL);
    if (status == STATUS_OK)
        status = list_kind(names, "hardware", add_hardware);
    const char *given = config_tree_value(start, "hardware");
    if (status == STATUS_OK && given != NULL && !has(names->list, given))
        add_hardware(given, names);
    begin(names, "ssd.drive", "", "the hardware's own disks");
    if (status == STATUS_OK)
        status = list_kind(names, "drive", add_drive);
    end(names, "ssd.drive", start);
    begin(names, "engine.version", "hardware", "what this server runs today");
    add(names, ENGINE_VERSION_NONE, "the paper's engine");
    if (status == STATUS_OK)
        status = list_kind(names, "versions", add_version);
    end(names, "engine.version", start);
    begin(names, "policy", NULL, NULL);
    sim_policies(add_policy, names);
    if (status == STATUS_OK)
        status = list_kind(names, "engines", add_preset);
    end(names, "policy", start);
    return status;
}

static void fill_traces(struct names *names, const struct config_tree *start,
                        const char *const *traces, uint32_t trace_count)
{
    begin(names, "trace", "", "a generated workload");
    const char *given = config_tree_value(start, "trace");
    if (given != NULL && !has(names->list, given))
        add_trace(names, given);
    for (uint32_t i = 0; i < trace_count; i++)
        if (!has(names->list, traces[i]))
            add_trace(names, traces[i]);
}

enum status names_load(const struct config_tree *start, const char *const *traces,
                       uint32_t trace_count, struct names **names, struct error *err)
{
    struct names *loaded = memory_new(1, sizeof *loaded);
    pthread_mutex_init(&loaded->lock, NULL);
    loaded->by_key = json_object();
    loaded->err = err;
    fill_traces(loaded, start, traces, trace_count);
    enum status status = fill(loaded, start);
    if (status == STATUS_OK)
        *names = loaded;
    else
        names_free(loaded);
    return status;
}

void names_free(struct names *names)
{
    if (names == NULL)
        return;
    json_decref(names->by_key);
    pthread_mutex_destroy(&names->lock);
    free(names);
}

json_t *names_json(struct names *names)
{
    pthread_mutex_lock(&names->lock);
    json_t *copy = json_deep_copy(names->by_key);
    pthread_mutex_unlock(&names->lock);
    return copy;
}

void names_add_trace(struct names *names, const char *path)
{
    pthread_mutex_lock(&names->lock);
    names->list = json_object_get(names->by_key, "trace");
    add_trace(names, path);
    pthread_mutex_unlock(&names->lock);
}

/* A policy may also be EVICTION+FETCHING: what is no list's is no path either. */
static bool may_name(const char *key, const json_t *list, const char *value)
{
    return has(list, value) || (strcmp(key, "policy") == 0 && strchr(value, '/') == NULL);
}

static enum status check(const struct names *names, const struct config_tree *tree,
                         struct error *err)
{
    const char *key;
    json_t *list;
    json_object_foreach(names->by_key, key, list)
    {
        const char *value = config_tree_value(tree, key);
        if (value != NULL && !may_name(key, list, value))
            return error_input(err, NULL, 0, key,
                               "what is shipped, or was named when reprise explore was started",
                               value);
    }
    return STATUS_OK;
}

enum status names_check(struct names *names, const struct config_tree *tree, struct error *err)
{
    pthread_mutex_lock(&names->lock);
    enum status status = check(names, tree, err);
    pthread_mutex_unlock(&names->lock);
    return status;
}
