/* sweep/point_key.c - see point_key.h. */
#include "sweep/point_key.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum file_kind { FILE_MODEL, FILE_HARDWARE, FILE_DRIVE, FILE_TRACE };

/* Files of a sweep are few: a list is enough. */
struct file_hash {
    enum file_kind kind;
    char *name;
    uint64_t hash;
};

struct point_keys {
    struct file_hash *file;
    uint32_t count, capacity;
    struct inputs *inputs;
};

struct point_keys *point_keys_new(struct inputs *inputs)
{
    struct point_keys *keys = memory_new(1, sizeof *keys);
    keys->inputs = inputs;
    return keys;
}

void point_keys_free(struct point_keys *keys)
{
    if (keys == NULL)
        return;
    for (uint32_t i = 0; i < keys->count; i++)
        free(keys->file[i].name);
    free(keys->file);
    free(keys);
}

char *experiment_text(const struct experiment *experiment)
{
    return config_values_text(experiment_sections, experiment);
}

static uint64_t hash_values(const struct config_row *rows, const void *values)
{
    const struct config_section sections[] = { { .prefix = "", .rows = rows }, { .rows = NULL } };
    char *text = config_values_text(sections, values);
    uint64_t hash = XXH64(text, strlen(text), 0);
    free(text);
    return hash;
}

static enum status hash_model(struct inputs *inputs, const struct experiment *experiment,
                              uint64_t *hash, struct error *err)
{
    (void)inputs;
    struct model model;
    enum status status = model_load(experiment->model, &model, err);
    if (status == STATUS_OK)
        *hash = hash_values(model_rows, &model);
    return status;
}

static enum status hash_drive_file(const char *name, uint64_t *hash, struct error *err)
{
    struct drive drive;
    enum status status = drive_load(name, &drive, err);
    if (status == STATUS_OK)
        *hash = hash_values(drive_rows, &drive);
    return status;
}

/* With the drive that it names. */
static enum status hash_hardware(struct inputs *inputs, const struct experiment *experiment,
                                 uint64_t *hash, struct error *err)
{
    (void)inputs;
    struct hardware hardware;
    enum status status = hardware_load(experiment->hardware, &hardware, err);
    uint64_t drive;
    if (status == STATUS_OK)
        status = hash_drive_file(hardware.drive, &drive, err);
    /* Its rows name the files of measured times and of prices; what these say is loaded into zeroed
     * memory. */
    if (status == STATUS_OK)
        *hash = XXH64(&hardware.prices, sizeof hardware.prices,
                      XXH64(&hardware.measured, sizeof hardware.measured,
                            hash_values(hardware_rows, &hardware))) ^
                drive;
    return status;
}

static enum status hash_drive(struct inputs *inputs, const struct experiment *experiment,
                              uint64_t *hash, struct error *err)
{
    (void)inputs;
    return hash_drive_file(experiment->drive, hash, err);
}

/* The whole file's, also where a run stops early: what a run reads ahead must not matter. */
static enum status hash_trace(struct inputs *inputs, const struct experiment *experiment,
                              uint64_t *hash, struct error *err)
{
    struct trace *trace = NULL;
    enum status status = inputs_open_trace(inputs, experiment, &trace, err);
    if (status != STATUS_OK)
        return status;
    struct trace_session session;
    enum trace_step step = TRACE_ITEM;
    while (step == TRACE_ITEM)
        step = trace_next(trace, &session, err);
    *hash = trace_hash(trace);
    trace_close(trace);
    return step == TRACE_END ? STATUS_OK : err->status;
}

static const char *file_name(const struct experiment *experiment, enum file_kind kind)
{
    const char *const names[] = { [FILE_MODEL] = experiment->model,
                                  [FILE_HARDWARE] = experiment->hardware,
                                  [FILE_DRIVE] = experiment->drive,
                                  [FILE_TRACE] = experiment->trace };
    return names[kind];
}

/* A trace is known by its file alone: what is hashed are its bytes, however they are imported. */
static enum status hash_file(struct point_keys *keys, enum file_kind kind,
                             const struct experiment *experiment, uint64_t *hash, struct error *err)
{
    static enum status (*const hash_of[])(struct inputs *, const struct experiment *, uint64_t *,
                                          struct error *) = { [FILE_MODEL] = hash_model,
                                                              [FILE_HARDWARE] = hash_hardware,
                                                              [FILE_DRIVE] = hash_drive,
                                                              [FILE_TRACE] = hash_trace };
    const char *name = file_name(experiment, kind);
    *hash = 0;
    /* A generated trace: the configuration says it all. The hardware's own disks: its hash does. */
    if ((kind == FILE_TRACE || kind == FILE_DRIVE) && *name == '\0')
        return STATUS_OK;
    for (uint32_t i = 0; i < keys->count; i++)
        if (keys->file[i].kind == kind && strcmp(keys->file[i].name, name) == 0) {
            *hash = keys->file[i].hash;
            return STATUS_OK;
        }
    enum status status = hash_of[kind](keys->inputs, experiment, hash, err);
    if (status != STATUS_OK)
        return status;
    memory_grow(&keys->file, &keys->capacity, (uint64_t)keys->count + 1, sizeof *keys->file);
    keys->file[keys->count++] =
        (struct file_hash){ .kind = kind, .name = memory_text(name), .hash = *hash };
    return STATUS_OK;
}

enum status point_key(struct point_keys *keys, const struct experiment *experiment,
                      char key[POINT_KEY_BYTES], struct error *err)
{
    uint64_t model, hardware, drive, trace;
    enum status status = hash_file(keys, FILE_MODEL, experiment, &model, err);
    if (status == STATUS_OK)
        status = hash_file(keys, FILE_HARDWARE, experiment, &hardware, err);
    if (status == STATUS_OK)
        status = hash_file(keys, FILE_DRIVE, experiment, &drive, err);
    if (status == STATUS_OK)
        status = hash_file(keys, FILE_TRACE, experiment, &trace, err);
    if (status != STATUS_OK)
        return status;
    char *text = experiment_text(experiment), *whole = NULL;
    size_t bytes = 0;
    FILE *out = memory_stream(&whole, &bytes);
    fprintf(out, "reprise %s\n%016" PRIx64 "\n%016" PRIx64 "\n%016" PRIx64 "\n%016" PRIx64 "\n%s",
            REPRISE_VERSION, model, hardware, drive, trace, text);
    memory_stream_close(out, &whole);
    XXH128_hash_t hash = XXH3_128bits(whole, bytes);
    snprintf(key, POINT_KEY_BYTES, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
             (uint64_t)hash.low64);
    free(whole);
    free(text);
    return STATUS_OK;
}
