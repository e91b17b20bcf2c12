/* sweep/wire.c - see wire.h. */
#include "sweep/wire.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

uint64_t wire_build(void)
{
    char text[128];
    snprintf(text, sizeof text, "%s %zu %zu %zu", REPRISE_VERSION, sizeof(struct experiment),
             sizeof(struct sim_result), sizeof(struct outcome));
    return XXH64(text, strlen(text), 0);
}

/* ---- packing ---- */

static void put(FILE *out, const void *bytes, size_t count)
{
    if (fwrite(bytes, 1, count, out) != count)
        memory_exhausted(); /* a stream in memory: nothing else can be full */
}

static void put_text(FILE *out, const char *text)
{
    uint32_t length = text != NULL ? (uint32_t)strlen(text) : 0;
    put(out, &length, sizeof length);
    put(out, text != NULL ? text : "", length);
}

static void put_series(FILE *out, const struct series *series)
{
    put_text(out, series->x_unit);
    put_text(out, series->y_unit);
    put(out, series->x, series->count * sizeof *series->x);
    put(out, series->y, series->count * sizeof *series->y);
}

void *wire_pack(uint32_t item, const struct outcome *outcome, size_t *bytes)
{
    char *message = NULL;
    FILE *out = memory_stream(&message, bytes);
    struct message_head head = { .kind = MESSAGE_RESULT, .item = item, .build = wire_build() };
    put(out, &head, sizeof head);
    put(out, outcome, sizeof *outcome);
    put_text(out, outcome->result.trace_format);
    for (uint32_t i = 0; i < outcome->result.series_count; i++)
        put_series(out, &outcome->result.series[i]);
    memory_stream_close(out, &message);
    return message;
}

/* ---- unpacking ---- */

struct reader {
    const char *at, *end;
    bool cut; /* the message ended too soon */
    struct wire_texts *texts;
};

static void get(struct reader *reader, void *bytes, size_t count)
{
    reader->cut = reader->cut || (size_t)(reader->end - reader->at) < count;
    if (reader->cut)
        return;
    memcpy(bytes, reader->at, count);
    reader->at += count;
}

static const char *keep(struct wire_texts *texts, const char *text, uint32_t length)
{
    for (uint32_t i = 0; i < texts->count; i++)
        if (strlen(texts->text[i]) == length && memcmp(texts->text[i], text, length) == 0)
            return texts->text[i];
    memory_grow(&texts->text, &texts->capacity, (uint64_t)texts->count + 1, sizeof *texts->text);
    return texts->text[texts->count++] = memory_text_of(text, length);
}

static const char *get_text(struct reader *reader)
{
    uint32_t length = 0;
    get(reader, &length, sizeof length);
    if (reader->cut || (size_t)(reader->end - reader->at) < length) {
        reader->cut = true;
        return "";
    }
    const char *text = keep(reader->texts, reader->at, length);
    reader->at += length;
    return text;
}

static double *get_values(struct reader *reader, uint32_t count)
{
    if ((size_t)(reader->end - reader->at) / sizeof(double) < count)
        reader->cut = true;
    double *values = memory_new(reader->cut ? 0 : count, sizeof *values);
    get(reader, values, count * sizeof *values);
    return values;
}

bool wire_unpack(const void *message, size_t bytes, struct wire_texts *texts,
                 struct outcome *outcome)
{
    struct reader reader = { .at = message, .end = (const char *)message + bytes, .texts = texts };
    struct message_head head;
    struct outcome read;
    get(&reader, &head, sizeof head);
    get(&reader, &read, sizeof read);
    if (reader.cut || read.result.series_count > SIM_SERIES_MAX)
        return false;
    uint32_t series = read.result.series_count;
    read.result.trace_format = get_text(&reader);
    for (uint32_t i = 0; i < series; i++) {
        struct series *curve = &read.result.series[i];
        curve->x_unit = get_text(&reader);
        curve->y_unit = get_text(&reader);
        curve->x = get_values(&reader, curve->count);
        curve->y = get_values(&reader, curve->count);
    }
    if (reader.cut) {
        sim_result_free(&read.result);
        return false;
    }
    *outcome = read;
    return true;
}

void wire_texts_free(struct wire_texts *texts)
{
    for (uint32_t i = 0; i < texts->count; i++)
        free(texts->text[i]);
    free(texts->text);
    *texts = (struct wire_texts){ 0 };
}
