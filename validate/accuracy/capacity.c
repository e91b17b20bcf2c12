/* validate/accuracy/capacity.c - see capacity.h. */
#include "validate/accuracy/capacity.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/scratch.h"
#include "base/table.h"
#include "models/hbm.h"
#include "sim/engine/experiment.h"
#include "sim/engine/setup.h"
#include "validate/accuracy/points.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GIB 1073741824.0
#define WORD_BYTES_MOST 100 /* an experiment of them fits its text */

enum column {
    COLUMN_SET,
    COLUMN_MODEL,
    COLUMN_HBM,
    COLUMN_DEVICE,
    COLUMN_COLLECTIVES,
    COLUMN_GPUS,
    COLUMN_VERSION,
    COLUMN_UTILISATION,
    COLUMN_SETTINGS,
    COLUMN_TOKENS,
    COLUMN_KV,
    COLUMNS
};
static const char *const names[COLUMNS] = { "set",         "model",  "hbm_gib", "device",
                                            "collectives", "gpus",   "version", "utilisation",
                                            "settings",    "tokens", "kv_gib" };

struct cases {
    const struct folder_file *file;
    const struct table *table;
    int column[COLUMNS];
    uint32_t at;
};

static const char *text(const struct cases *cases, enum column column)
{
    return table_text(cases->table, cases->at, cases->column[column]);
}

static enum status number(const struct cases *cases, enum column column, double *value,
                          struct error *err)
{
    return table_number(cases->table, cases->at, cases->column[column], value, err);
}

/* A server that has nothing but the case's GPUs. */
static enum status write_server(const struct cases *cases, const char *path, struct error *err)
{
    double hbm_gib = 0.0;
    if (number(cases, COLUMN_HBM, &hbm_gib, err) != STATUS_OK)
        return err->status;
    FILE *out = fopen(path, "w");
    if (out == NULL)
        return error_io(err, path, "create", strerror(errno));
    fprintf(out,
            "name: server\nsource: a count that an engine printed\ngpus: 64\n"
            "gpu: {device: \"%s\", hbm_bytes: %.0fMiB, hbm_bytes_per_s: 2TB/s,"
            " flop_per_s: 300TFLOP/s, gemm_efficiency: 0.7, attention_efficiency: 0.5,"
            " hbm_efficiency: 0.8, kernel_launch: 4us}\n"
            "allreduce: {bytes_per_s: 100GB/s, latency: 10us}\n"
            "engine: {iteration_overhead: 1ms, hbm_utilisation: 0.9,"
            " hbm_collectives_bytes: %s}\n"
            "pcie: {h2d_bytes_per_s: 20GB/s, d2h_bytes_per_s: 20GB/s,"
            " h2d_bytes_per_s_per_gpu: 20GB/s, d2h_bytes_per_s_per_gpu: 20GB/s, latency: 10us}\n"
            "dram: {bytes: 100GB}\n"
            "ssd: {bytes: 1TB, read_bytes_per_s: 5GB/s, write_bytes_per_s: 4GB/s,"
            " latency: 100us}\n"
            "price: {usd_per_gpu_hour: 5, usd_per_dram_gb_hour: 0.01,"
            " usd_per_ssd_gb_hour: 0.0001}\n",
            text(cases, COLUMN_DEVICE), 1024.0 * hbm_gib, text(cases, COLUMN_COLLECTIVES));
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed)
        return error_io(err, path, "write", strerror(errno));
    return STATUS_OK;
}

static void model_path(const struct cases *cases, char path[1024])
{
    static const char *const ends[] = { "json", "yaml" };
    const char *name = text(cases, COLUMN_MODEL), *table = cases->file->path;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        snprintf(path, 1024, "%.*sconfigs/%s.%s", path_folder_bytes(table), table, name, ends[i]);
        if (access(path, R_OK) == 0)
            return;
    }
    snprintf(path, 1024, "%s", name);
}

static enum status make_experiment(const struct cases *cases, const char *server,
                                   struct experiment *experiment, struct error *err)
{
    char yaml[2048], model[1024], *words = memory_text(text(cases, COLUMN_SETTINGS));
    struct config_tree *tree = NULL;
    model_path(cases, model);
    snprintf(yaml, sizeof yaml,
             "model: %s\nhardware: %s\ngpus: %s\nengine: {version: %s, hbm_utilisation: %s}\n",
             model, server, text(cases, COLUMN_GPUS), text(cases, COLUMN_VERSION),
             text(cases, COLUMN_UTILISATION));
    enum status status = config_tree_parse(yaml, cases->file->path, &tree, err);
    for (char *rest = words, *word;
         status == STATUS_OK && (word = strtok_r(NULL, " ", &rest)) != NULL;)
        status = config_tree_set(tree, word, err);
    if (status == STATUS_OK)
        status = experiment_from_tree(tree, NULL, experiment, err);
    free(words);
    config_tree_free(tree);
    return status;
}

static enum status estimate(const struct cases *cases, const char *server, struct model *model,
                            struct experiment *experiment, uint64_t *bytes, struct error *err)
{
    struct hardware hardware;
    if (make_experiment(cases, server, experiment, err) != STATUS_OK ||
        model_load(experiment->model, model, err) != STATUS_OK ||
        hardware_load(server, &hardware, err) != STATUS_OK)
        return err->status;
    hardware.hbm_utilisation = experiment->hbm_utilisation;
    struct engine_memory memory = experiment_memory(experiment);
    return engine_kv_budget_bytes(model, &hardware, experiment->gpus, &memory, bytes, err);
}

static enum status printed_bytes(const struct cases *cases, const struct model *model,
                                 uint32_t gpus, double *bytes, struct error *err)
{
    double value = 0.0;
    bool tokens = text(cases, COLUMN_TOKENS)[0] != '\0';
    if (number(cases, tokens ? COLUMN_TOKENS : COLUMN_KV, &value, err) != STATUS_OK)
        return err->status;
    *bytes = value * (tokens ? (double)model_kv_bytes_per_token(model, gpus) : gpus * GIB);
    if (*bytes <= 0.0)
        return table_refuse(cases->table, cases->at,
                            cases->column[tokens ? COLUMN_TOKENS : COLUMN_KV], "above 0", err);
    return STATUS_OK;
}

static void add_case(const struct cases *cases, uint32_t gpus, double printed, double estimated,
                     struct accuracy *accuracy)
{
    struct accuracy_key key = { .family = ACCURACY_CAPACITY, .ranks = gpus };
    bool aside = strcmp(text(cases, COLUMN_SET), "aside") == 0;
    snprintf(key.quantity, sizeof key.quantity, "%s", aside ? "kept aside" : "looked at");
    snprintf(key.gpu, sizeof key.gpu, "%.40s", text(cases, COLUMN_DEVICE));
    snprintf(key.engine, sizeof key.engine, "%.40s", text(cases, COLUMN_VERSION));
    uint32_t group = points_group(accuracy, &key);
    accuracy->group[group].origin = aside ? ACCURACY_UNSEEN : ACCURACY_FITTED;
    struct accuracy_point *point = points_add(accuracy, group, printed, estimated);
    if (point == NULL)
        return;
    snprintf(point->shape, sizeof point->shape, "%.60s, %u GPUs", text(cases, COLUMN_MODEL), gpus);
    snprintf(point->cause, sizeof point->cause, "%s", "not explained");
}

/* They become values of YAML, and the model's the name of a file. */
static enum status check_words(const struct cases *cases, struct error *err)
{
    static const enum column words[] = { COLUMN_MODEL, COLUMN_DEVICE,  COLUMN_COLLECTIVES,
                                         COLUMN_GPUS,  COLUMN_VERSION, COLUMN_UTILISATION };
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._+()-";
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *word = text(cases, words[i]);
        if (word[strspn(word, letters)] != '\0' || strlen(word) > WORD_BYTES_MOST)
            return table_refuse(cases->table, cases->at, cases->column[words[i]],
                                "at most 100 letters, digits, blanks and . _ + ( ) -", err);
    }
    return STATUS_OK;
}

static enum status measure_case(const struct cases *cases, struct accuracy *accuracy,
                                struct error *err)
{
    char folder[SCRATCH_PATH_BYTES] = "", server[SCRATCH_PATH_BYTES + 16];
    struct model model;
    struct experiment experiment = { 0 };
    uint64_t estimated = 0;
    double printed = 0.0;
    enum status status = check_words(cases, err);
    if (status == STATUS_OK)
        status = scratch_make("server", folder, err);
    snprintf(server, sizeof server, "%s/server.yaml", folder);
    if (status == STATUS_OK)
        status = write_server(cases, server, err);
    if (status == STATUS_OK)
        status = estimate(cases, server, &model, &experiment, &estimated, err);
    scratch_remove(folder);
    if (status == STATUS_OK)
        status = printed_bytes(cases, &model, experiment.gpus, &printed, err);
    if (status == STATUS_OK)
        add_case(cases, experiment.gpus, printed, (double)estimated, accuracy);
    return status;
}

enum status capacity_measure(const struct folder_file *file, struct accuracy *accuracy,
                             struct error *err)
{
    struct table table;
    struct cases cases = { .file = file, .table = &table };
    if (table_open(file->path, &table, err) != STATUS_OK)
        return err->status;
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < COLUMNS; i++)
        status = table_need(&table, names[i], &cases.column[i], err);
    for (; status == STATUS_OK && cases.at < table_rows(&table); cases.at++)
        status = measure_case(&cases, accuracy, err);
    table_free(&table);
    return status;
}
