/* sweep/batch.c - see batch.h. */
#include "sweep/batch.h"

#include "base/memory.h"
#include "sweep/point_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "gpus: expected at most the 4 of paper-4xa100, found "8"", as error_print() has it but for the
 * program's name. */
static void describe(const struct error *err, char *out, size_t out_bytes)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = memory_stream(&text, &bytes);
    error_print(stream, err);
    memory_stream_close(stream, &text);
    static const char prefix[] = "reprise: ";
    const char *start = strncmp(text, prefix, strlen(prefix)) == 0 ? text + strlen(prefix) : text;
    snprintf(out, out_bytes, "%.*s", (int)strcspn(start, "\n"), start);
    free(text);
}

void batch_add(struct batch *batch, const char *key, const char *name,
               const struct experiment *experiment, struct outcome *outcome)
{
    memory_grow(&batch->item, &batch->capacity, (uint64_t)batch->count + 1, sizeof *batch->item);
    struct batch_item *item = &batch->item[batch->count++];
    item->key = key;
    item->outcome = *outcome;
    item->config_yaml = experiment_text(experiment);
    item->seed = experiment->workload.seed;
    snprintf(item->name, sizeof item->name, "%s", name);
    item->failure[0] = '\0';
    if (outcome->err.status != STATUS_OK)
        describe(&outcome->err, item->failure, sizeof item->failure);
}

static void clear(struct batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        free(batch->item[i].config_yaml);
        if (batch->item[i].outcome.err.status == STATUS_OK)
            sim_result_free(&batch->item[i].outcome.result);
    }
    batch->count = 0;
}

enum status batch_flush(struct batch *batch, struct error *err)
{
    if (batch->count == 0)
        return STATUS_OK;
    struct store_point *points = memory_new(batch->count, sizeof *points);
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct batch_item *item = &batch->item[i];
        points[i] = (struct store_point){ .key = item->key,
                                          .failure = *item->failure != '\0' ? item->failure : NULL,
                                          .run = { .name = item->name,
                                                   .config_yaml = item->config_yaml,
                                                   .seed = item->seed,
                                                   .result = &item->outcome.result } };
    }
    enum status status = store_put_points(batch->store, batch->sweep, points, batch->count, err);
    free(points);
    clear(batch);
    return status;
}

void batch_free(struct batch *batch)
{
    clear(batch);
    free(batch->item);
    batch->item = NULL;
    batch->capacity = 0;
}
