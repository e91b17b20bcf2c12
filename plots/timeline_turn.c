/* plots/timeline_turn.c - see timeline_turn.h. */
#include "plots/timeline_turn.h"

#include "base/json_why.h"
#include "base/memory.h"
#include "base/read_end.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* ---- the file ---- */

#define TIMELINE_BYTES_MOST (UINT64_C(256) << 20) /* as JSON; in memory some ten times that */

struct reading {
    gzFile file;
    uint64_t bytes;
};

/* gzip reads what is not compressed as it is. */
static size_t read_some(void *buffer, size_t bytes, void *data)
{
    struct reading *reading = data;
    int got = gzread(reading->file, buffer, (unsigned)bytes);
    reading->bytes += got > 0 ? (uint64_t)got : 0;
    return got >= 0 && reading->bytes <= TIMELINE_BYTES_MOST ? (size_t)got : (size_t)-1;
}

static enum status read_json(const char *path, json_t **json, struct error *err)
{
    json_error_t failure;
    char why[JSON_WHY_BYTES];
    errno = 0;
    struct reading reading = { .file = gzopen(path, "rb") };
    if (reading.file == NULL)
        return error_io(err, path, "read", strerror(errno != 0 ? errno : ENOMEM));
    *json = json_load_callback(read_some, &reading, 0, &failure);
    if (reading.bytes > TIMELINE_BYTES_MOST)
        error_input(err, path, 0, NULL,
                    "a timeline of at most 256 MiB, unpacked (--timeline-span tells less)", "more");
    if (read_end_gzip(reading.file, path, err) != STATUS_OK)
        return err->status;
    if (*json != NULL && json_is_array(json_object_get(*json, "traceEvents")))
        return STATUS_OK;
    uint64_t line = *json == NULL && failure.line > 0 ? (uint64_t)failure.line : 0;
    return error_input(
        err, path, line, "traceEvents", "a timeline that `reprise sim --timeline` wrote",
        *json == NULL ? json_why(failure.text, failure.position, why, sizeof why) : "other JSON");
}

/* ---- events ---- */

static const char *text_of(const json_t *event, const char *name)
{
    const char *text = json_string_value(json_object_get(event, name));
    return text != NULL ? text : "";
}

static double arg_of(const json_t *event, const char *name)
{
    return json_number_value(json_object_get(json_object_get(event, "args"), name));
}

/* As a whole number that is told; 0 and the largest for what none is. */
static uint64_t whole_of(const json_t *event, const char *name)
{
    const double value = arg_of(event, name);
    return !(value > 0.0) ? 0 : value < 0x1p64 ? (uint64_t)value : UINT64_MAX;
}

static uint32_t whole_32_of(const json_t *event, const char *name)
{
    const uint64_t value = whole_of(event, name);
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static bool is_of(const json_t *event, const char *category)
{
    return strcmp(text_of(event, "cat"), category) == 0;
}

/* Whole ns, as what ends with another thing does so only without the rounding of us. */
static double ns_of(const json_t *event, const char *name)
{
    return round(1000.0 * json_number_value(json_object_get(event, name)));
}

static double begin_ns(const json_t *event)
{
    return ns_of(event, "ts");
}

static double end_ns(const json_t *event)
{
    return begin_ns(event) + ns_of(event, "dur");
}

/* A turn's own event has its row. */
static bool is_row(const json_t *event)
{
    return is_of(event, "turn") &&
           json_object_get(json_object_get(event, "args"), "reused_tokens") != NULL;
}

static double loaded_of(const json_t *row)
{
    return arg_of(row, "reused_dram_tokens") + arg_of(row, "reused_ssd_tokens") +
           arg_of(row, "reused_remote_tokens");
}

struct choice {
    uint64_t turn;
    const struct timeline_turn *like;
};

static bool is_chosen(const json_t *row, const struct choice *choice)
{
    const struct timeline_turn *like = choice->like;
    return like != NULL ? arg_of(row, "session") == (double)like->session &&
                              arg_of(row, "turn_of_session") == (double)like->turn_of_session
                        : choice->turn != 0 && arg_of(row, "turn") == (double)choice->turn;
}

/* Turns whose layers are told, as the members of an object. */
static json_t *turns_with_layers(const json_t *events)
{
    json_t *turns = json_object();
    const json_t *event;
    size_t at;
    char turn[32];
    json_array_foreach(events, at, event)
    {
        if (!is_of(event, "layer"))
            continue;
        snprintf(turn, sizeof turn, "%.0f", arg_of(event, "turn"));
        json_object_set_new(turns, turn, json_true());
    }
    return turns;
}

static bool has_layers(const json_t *turns, const json_t *row)
{
    char turn[32];
    snprintf(turn, sizeof turn, "%.0f", arg_of(row, "turn"));
    return json_object_get(turns, turn) != NULL;
}

/* Of all turns, the one that loads most of those that can be drawn. */
static const json_t *find_most(const json_t *events)
{
    json_t *turns = turns_with_layers(events);
    const json_t *found = NULL, *event;
    size_t at;
    json_array_foreach(events, at, event)
    {
        if (is_row(event) && has_layers(turns, event) &&
            (found == NULL || loaded_of(event) > loaded_of(found)))
            found = event;
    }
    json_decref(turns);
    return found;
}

static const json_t *find_row(const json_t *events, const struct choice *choice)
{
    const json_t *event;
    size_t at;
    json_array_foreach(events, at, event)
    {
        if (is_row(event) && is_chosen(event, choice))
            return event;
    }
    return NULL;
}

static void note_row(const json_t *row, struct timeline_turn *told)
{
    told->turn = whole_of(row, "turn");
    told->session = whole_of(row, "session");
    told->server = whole_of(row, "server");
    told->turn_of_session = whole_of(row, "turn_of_session");
    told->wanted_tokens = arg_of(row, "wanted_tokens");
    told->reused_tokens = arg_of(row, "reused_tokens");
    told->computed_tokens = arg_of(row, "computed_tokens");
    told->prefill_start_ns = arg_of(row, "prefill_start_ns");
    told->first_token_ns = arg_of(row, "first_token_ns");
}

static void note_layer(const json_t *event, struct timeline_turn *told)
{
    memory_grow(&told->layer, &told->layer_capacity, (uint64_t)told->layers + 1,
                sizeof *told->layer);
    told->layer[told->layers++] =
        (struct timeline_layer){ .layer = whole_32_of(event, "layer"),
                                 .begin_ns = begin_ns(event),
                                 .end_ns = end_ns(event),
                                 .load_begin_ns = arg_of(event, "load_begin_ns"),
                                 .arrival_ns = arg_of(event, "arrival_ns") };
}

static struct timeline_copy copy_of(const json_t *event)
{
    struct timeline_copy copy = { .begin_ns = begin_ns(event),
                                  .end_ns = end_ns(event),
                                  .bytes = arg_of(event, "bytes") };
    snprintf(copy.name, sizeof copy.name, "%s", text_of(event, "name"));
    return copy;
}

/* A transfer over two links has an event on each: it is noted once. */
static void note_copy(const json_t *event, struct timeline_copy **copy, uint32_t *count,
                      uint32_t *capacity)
{
    struct timeline_copy here = copy_of(event);
    for (uint32_t i = 0; i < *count; i++)
        if ((*copy)[i].begin_ns == here.begin_ns && (*copy)[i].end_ns == here.end_ns &&
            strcmp((*copy)[i].name, here.name) == 0)
            return;
    memory_grow(copy, capacity, (uint64_t)*count + 1, sizeof **copy);
    (*copy)[(*count)++] = here;
}

/* A server's process has the number behind its own. */
static bool is_on_server(const json_t *event, const struct timeline_turn *told)
{
    return json_number_value(json_object_get(event, "pid")) == (double)(told->server + 1);
}

static void note_around(const json_t *event, struct timeline_turn *told)
{
    struct timeline_work work = { begin_ns(event), end_ns(event), is_of(event, "stall") };
    if (!is_on_server(event, told) ||
        (work.end_ns > told->prefill_start_ns && work.begin_ns < told->first_token_ns))
        return;
    memory_grow(&told->around, &told->around_capacity, (uint64_t)told->arounds + 1,
                sizeof *told->around);
    told->around[told->arounds++] = work;
}

static void note_events(const json_t *events, struct timeline_turn *told)
{
    const json_t *event;
    size_t at;
    json_array_foreach(events, at, event)
    {
        if (is_of(event, "iteration") || is_of(event, "stall"))
            note_around(event, told);
        if (arg_of(event, "turn") != (double)told->turn)
            continue;
        if (is_of(event, "layer"))
            note_layer(event, told);
        else if (is_of(event, "load"))
            note_copy(event, &told->load, &told->loads, &told->load_capacity);
        else if (is_of(event, "save"))
            note_copy(event, &told->save, &told->saves, &told->save_capacity);
    }
}

/* Of a turn that is prefilled again, having been pushed out of HBM, the row's wait is that of all
 * its prefills: what is of the one up to the first token, its iterations tell. */
static void note_iteration(const json_t *event, struct timeline_turn *told)
{
    double from_ns = begin_ns(event), to_ns = end_ns(event);
    bool computes = false;
    for (uint32_t i = 0; i < told->layers; i++) {
        struct timeline_layer *layer = &told->layer[i];
        if (layer->begin_ns < from_ns || layer->end_ns > to_ns)
            continue;
        layer->iteration_begin_ns = from_ns;
        computes = true;
    }
    if (computes && from_ns < told->first_token_ns)
        told->load_wait_ns += arg_of(event, "wait_ns");
}

/* Behind its layers, which are told before or after the iteration that computes them. */
static void note_iterations(const json_t *events, struct timeline_turn *told)
{
    const json_t *event;
    size_t at;
    json_array_foreach(events, at, event)
    {
        if (is_of(event, "iteration") && is_on_server(event, told))
            note_iteration(event, told);
    }
}

static enum status refuse_turn(const char *path, const struct choice *choice, struct error *err)
{
    char found[64] = "none";
    if (choice->like != NULL)
        snprintf(found, sizeof found, "no turn %" PRIu64 " of session %" PRIu64,
                 choice->like->turn_of_session, choice->like->session);
    else if (choice->turn != 0)
        snprintf(found, sizeof found, "%" PRIu64, choice->turn);
    return error_input(err, path, 0, "--turn",
                       "a turn that the timeline tells (--timeline-span tells more)", found);
}

static enum status note_turn(const char *path, const json_t *json, const struct choice *choice,
                             struct timeline_turn *told, struct error *err)
{
    const json_t *events = json_object_get(json, "traceEvents");
    bool any = choice->turn == 0 && choice->like == NULL;
    const json_t *row = any ? find_most(events) : find_row(events, choice);
    char found[32];
    if (row == NULL)
        return refuse_turn(path, choice, err);
    snprintf(told->policy, sizeof told->policy, "%s",
             text_of(json_object_get(json, "otherData"), "policy"));
    note_row(row, told);
    note_events(events, told);
    note_iterations(events, told);
    snprintf(found, sizeof found, "%" PRIu64, told->turn);
    if (told->layers == 0)
        return error_input(
            err, path, 0, "--turn",
            "a turn whose layers the timeline tells: the first of its iteration, or one that loads",
            found);
    return STATUS_OK;
}

enum status timeline_turn_read(const char *path, uint64_t turn, const struct timeline_turn *like,
                               struct timeline_turn *told, struct error *err)
{
    const struct choice choice = { turn, like };
    json_t *json = NULL;
    *told = (struct timeline_turn){ 0 };
    enum status status = read_json(path, &json, err);
    if (status == STATUS_OK)
        status = note_turn(path, json, &choice, told, err);
    json_decref(json);
    return status;
}

void timeline_turn_free(struct timeline_turn *told)
{
    free(told->layer);
    free(told->load);
    free(told->save);
    free(told->around);
    *told = (struct timeline_turn){ 0 };
}
