/* sim/record/timeline.c - see timeline.h. A lane is a thread of its process, on which complete
 * events must not overlap: where several of a kind do (transfers that share a link, turns), the
 * kind has as many lanes as are needed, and each event goes to the first that is free. */
#include "sim/record/timeline.h"

#include "base/keymap.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text_out.h"
#include "base/units.h"
#include "sim/engine/moved.h"
#include "sim/record/json_quoted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Kinds of lanes, in the order in which they are shown. A process of each server has all but turns.
 */
#define LANES(X)                                                                                   \
    X(LANE_GPU, "GPU")                                                                             \
    X(LANE_LAYERS, "layers")                                                                       \
    X(LANE_H2D, "link: host to GPU")                                                               \
    X(LANE_D2H, "link: GPU to host")                                                               \
    X(LANE_SSD_READ, "link: SSD read")                                                             \
    X(LANE_SSD_WRITE, "link: SSD write")                                                           \
    X(LANE_NETWORK_IN, "link: network in")                                                         \
    X(LANE_NETWORK, "link: network out")                                                           \
    X(LANE_HBM, "HBM gives up")                                                                    \
    X(LANE_DRAM, "DRAM gives up")                                                                  \
    X(LANE_SSD, "SSD gives up")                                                                    \
    X(LANE_TURNS, "turns")
#define LANE(lane, name) lane,
enum lane_kind { LANES(LANE) LANE_COUNT };
#undef LANE
#define NAME(lane, name) [lane] = name,
static const char *const lane_name[LANE_COUNT] = { LANES(NAME) };
#undef NAME

/* Lanes of one kind and process: when the last event on each ends. */
struct lanes {
    uint64_t *busy_until_ns;
    uint32_t count, capacity;
};
enum { LANES_OF_A_KIND = 1000 }; /* thread numbers set aside for a kind */

struct process {
    struct lanes of[LANE_COUNT];
    bool named;
};

/* Where a session's last told turn lies, for the arrow from it. */
struct told_turn {
    uint64_t session; /* first: the keymap reads it here */
    uint64_t turn_of_session, end_ns;
    uint32_t thread;
};

struct timeline_file {
    struct text_out *out;
    struct timeline_span span;
    bool has_told; /* anything of the span */
    struct process *process; /* 0: turns; server + 1 */
    uint32_t processes;
    struct told_turn *told; /* by session; told[0] is none */
    struct keymap sessions;
    uint32_t told_count, told_capacity;
    bool any; /* an event was written */
};

/* ---- JSON ---- */

static void text(struct timeline_file *file, const char *what)
{
    text_out_text(file->out, what);
}

/* Microseconds, exact. */
static void write_us(struct timeline_file *file, uint64_t time_ns)
{
    char fraction[8];
    snprintf(fraction, sizeof fraction, ".%03u", (unsigned)(time_ns % NS_PER_US));
    text_out_whole(file->out, time_ns / NS_PER_US);
    text(file, fraction);
}

static void member(struct timeline_file *file, const char *name, uint64_t value)
{
    text(file, name);
    text_out_whole(file->out, value);
}

/* "{"ph": ..., "pid": ..., "tid": ...": the beginning of every event. */
static void begin_event(struct timeline_file *file, const char *phase, uint32_t process,
                        uint32_t thread)
{
    text(file, file->any ? ",\n{\"ph\": \"" : "\n{\"ph\": \"");
    text(file, phase);
    member(file, "\", \"pid\": ", process);
    member(file, ", \"tid\": ", thread);
    file->any = true;
}

static void metadata(struct timeline_file *file, const char *what, uint32_t process,
                     uint32_t thread, const char *label)
{
    begin_event(file, "M", process, thread);
    text(file, ", \"name\": \"");
    text(file, what);
    text(file, "\", \"args\": {\"name\": \"");
    text(file, label);
    text(file, "\"}}");
}

/* ---- lanes ---- */

static struct process *process_of(struct timeline_file *file, uint32_t at)
{
    memory_grow(&file->process, &file->processes, (uint64_t)at + 1, sizeof *file->process);
    struct process *process = &file->process[at];
    char label[32] = "turns";
    if (process->named)
        return process;
    if (at > 0)
        snprintf(label, sizeof label, "server %u", at - 1);
    metadata(file, "process_name", at, 0, label);
    process->named = true;
    return process;
}

static uint32_t thread_of(enum lane_kind kind, uint32_t at)
{
    return (uint32_t)kind * LANES_OF_A_KIND + at % LANES_OF_A_KIND + 1;
}

static void name_lane(struct timeline_file *file, uint32_t at, enum lane_kind kind, uint32_t lane)
{
    char label[64];
    if (lane == 0)
        snprintf(label, sizeof label, "%s", lane_name[kind]);
    else
        snprintf(label, sizeof label, "%s (%u)", lane_name[kind], lane + 1);
    metadata(file, "thread_name", at, thread_of(kind, lane), label);
}

/* The first lane of the kind that is free from then on, to be busy until the end. */
static uint32_t lane_for(struct timeline_file *file, uint32_t at, enum lane_kind kind,
                         uint64_t begin_ns, uint64_t end_ns)
{
    struct lanes *lanes = &process_of(file, at)->of[kind];
    uint32_t lane = 0;
    while (lane < lanes->count && lanes->busy_until_ns[lane] > begin_ns)
        lane++;
    if (lane == lanes->count) {
        memory_grow(&lanes->busy_until_ns, &lanes->capacity, (uint64_t)lane + 1,
                    sizeof *lanes->busy_until_ns);
        lanes->count++;
        name_lane(file, at, kind, lane);
    }
    lanes->busy_until_ns[lane] = end_ns;
    return thread_of(kind, lane);
}

/* Whether the span has it; what it has is noted. */
static bool is_told(struct timeline_file *file, uint64_t begin_ns, uint64_t end_ns)
{
    bool is_within = end_ns >= file->span.from_ns && begin_ns <= file->span.to_ns;
    file->has_told |= is_within;
    return is_within;
}

/* A complete event, whose args follow: the caller writes them and closes it. */
static void complete(struct timeline_file *file, uint32_t process, uint32_t thread,
                     uint64_t begin_ns, uint64_t end_ns)
{
    begin_event(file, "X", process, thread);
    text(file, ", \"ts\": ");
    write_us(file, begin_ns);
    text(file, ", \"dur\": ");
    write_us(file, end_ns - begin_ns);
}

static void instant(struct timeline_file *file, uint32_t process, uint32_t thread, uint64_t time_ns)
{
    begin_event(file, "i", process, thread);
    text(file, ", \"s\": \"t\", \"ts\": ");
    write_us(file, time_ns);
}

/* ---- what is told ---- */

void timeline_iteration(void *context, const struct watch_iteration *iteration)
{
    struct timeline_file *file = context;
    uint32_t at = iteration->server + 1;
    char name[64];
    if (!is_told(file, iteration->begin_ns, iteration->end_ns))
        return;
    if (iteration->chunks == 0)
        snprintf(name, sizeof name, "decode %u", iteration->decodes);
    else if (iteration->decodes == 0)
        snprintf(name, sizeof name, "prefill");
    else
        snprintf(name, sizeof name, "prefill, decode %u", iteration->decodes);
    complete(file, at, lane_for(file, at, LANE_GPU, iteration->begin_ns, iteration->end_ns),
             iteration->begin_ns, iteration->end_ns);
    text(file, ", \"cat\": \"iteration\", \"name\": \"");
    text(file, name);
    member(file, "\", \"args\": {\"iterations\": ", iteration->repeats);
    member(file, ", \"decode_ns\": ", iteration->decode_ns);
    member(file, ", \"wait_ns\": ", iteration->wait_ns);
    text(file, ", \"prefills\": [");
    for (uint32_t i = 0; i < iteration->chunks; i++) {
        member(file, i > 0 ? ", {\"turn\": " : "{\"turn\": ", iteration->chunk[i].turn);
        member(file, ", \"tokens\": ", iteration->chunk[i].tokens);
        text(file, "}");
    }
    text(file, "]}}");
}

void timeline_stall(void *context, uint32_t server, uint64_t begin_ns, uint64_t end_ns)
{
    struct timeline_file *file = context;
    if (!is_told(file, begin_ns, end_ns))
        return;
    complete(file, server + 1, lane_for(file, server + 1, LANE_GPU, begin_ns, end_ns), begin_ns,
             end_ns);
    text(file, ", \"cat\": \"stall\", \"name\": \"waits for saving\"}");
}

void timeline_layers(void *context, const struct watch_layers *layers)
{
    struct timeline_file *file = context;
    uint32_t at = layers->server + 1;
    if (layers->layers == 0 ||
        !is_told(file, layers->begin_ns[0], layers->end_ns[layers->layers - 1]))
        return;
    for (uint32_t i = 0; i < layers->layers; i++) {
        uint64_t begin_ns = layers->begin_ns[i], end_ns = layers->end_ns[i];
        char name[32];
        snprintf(name, sizeof name, "layer %u", i);
        complete(file, at, lane_for(file, at, LANE_LAYERS, begin_ns, end_ns), begin_ns, end_ns);
        text(file, ", \"cat\": \"layer\", \"name\": \"");
        text(file, name);
        member(file, "\", \"args\": {\"turn\": ", layers->turn);
        member(file, ", \"layer\": ", i);
        if (layers->arrival_ns[i] > 0)
            member(file, ", \"arrival_ns\": ", layers->arrival_ns[i]);
        if (layers->arrival_ns[i] > 0 && layers->load_begin_ns != NULL)
            member(file, ", \"load_begin_ns\": ", layers->load_begin_ns[i]);
        text(file, "}}");
    }
}

static const char *kind_name(enum action_kind kind)
{
    static const char *const names[] = { [ACTION_LOAD] = "load",
                                         [ACTION_SAVE] = "save",
                                         [ACTION_FETCH] = "fetch",
                                         [ACTION_DEMOTE] = "demote",
                                         [ACTION_WRITE] = "write" };
    return names[kind];
}

static void write_copy(struct timeline_file *file, enum lane_kind lane,
                       const struct watch_copy *copy)
{
    uint32_t at = copy->server + 1;
    complete(file, at, lane_for(file, at, lane, copy->begin_ns, copy->end_ns), copy->begin_ns,
             copy->end_ns);
    text(file, ", \"cat\": \"");
    text(file, kind_name(copy->kind));
    text(file, "\", \"name\": \"");
    text(file, kind_name(copy->kind));
    text(file, " ");
    text(file, tier_name(copy->from));
    text(file, " to ");
    text(file, tier_name(copy->to));
    member(file, "\", \"args\": {\"bytes\": ", copy->size_bytes);
    if (copy->turn > 0)
        member(file, ", \"turn\": ", copy->turn);
    if (copy->for_turn > 0)
        member(file, ", \"for_turn\": ", copy->for_turn);
    text(file, "}}");
}

/* On the lane of each link that it crosses. */
void timeline_copy(void *context, const struct watch_copy *copy)
{
    static const enum lane_kind lane_of[LINK_COUNT] = {
        [LINK_SSD_READ] = LANE_SSD_READ, [LINK_SSD_WRITE] = LANE_SSD_WRITE,
        [LINK_H2D] = LANE_H2D,           [LINK_D2H] = LANE_D2H,
        [LINK_NETWORK] = LANE_NETWORK,   [LINK_NETWORK_IN] = LANE_NETWORK_IN
    };
    struct timeline_file *file = context;
    uint32_t links = moved_links(copy->from, copy->to);
    if (!is_told(file, copy->begin_ns, copy->end_ns))
        return;
    for (int link = 0; link < LINK_COUNT; link++)
        if (links & LINK_BIT(link))
            write_copy(file, lane_of[link], copy);
}

static const char *loss_name(enum loss why)
{
    static const char *const names[] = { [LOSS_DROPPED] = "evicted",
                                         [LOSS_MOVED] = "another tier has it",
                                         [LOSS_EXPIRED] = "expired",
                                         [LOSS_INVALIDATED] = "invalidated" };
    return names[why];
}

void timeline_drop(void *context, const struct watch_drop *drop)
{
    struct timeline_file *file = context;
    enum lane_kind kind = (enum lane_kind)((int)LANE_HBM + (int)drop->from);
    if (drop->from >= TIER_COUNT || !is_told(file, drop->time_ns, drop->time_ns))
        return;
    instant(file, drop->server + 1,
            lane_for(file, drop->server + 1, kind, drop->time_ns, drop->time_ns), drop->time_ns);
    text(file, ", \"cat\": \"drop\", \"name\": \"drop\", \"args\": {\"why\": \"");
    text(file, loss_name(drop->why));
    text(file, "\"");
    if (drop->turn > 0) {
        member(file, ", \"session\": ", drop->session);
        member(file, ", \"turn_of_session\": ", drop->turn_of_session);
        member(file, ", \"turn\": ", drop->turn);
    }
    member(file, ", \"tokens\": ", drop->tokens);
    member(file, ", \"bytes\": ", drop->size_bytes);
    if (drop->left_in != TIER_KINDS) {
        text(file, ", \"left_in\": \"");
        text(file, tier_name(drop->left_in));
        text(file, "\"");
    }
    if (drop->for_turn > 0)
        member(file, ", \"for_turn\": ", drop->for_turn);
    text(file, "}}");
}

void timeline_queue(void *context, uint32_t server, uint64_t time_ns, uint32_t waiting)
{
    struct timeline_file *file = context;
    if (!is_told(file, time_ns, time_ns))
        return;
    process_of(file, server + 1);
    begin_event(file, "C", server + 1, 0);
    text(file, ", \"ts\": ");
    write_us(file, time_ns);
    member(file, ", \"name\": \"turns waiting\", \"args\": {\"turns\": ", waiting);
    text(file, "}}");
}

void timeline_measures(void *context, uint64_t time_ns)
{
    struct timeline_file *file = context;
    process_of(file, 0);
    begin_event(file, "i", 0, 0);
    text(file, ", \"s\": \"g\", \"ts\": ");
    write_us(file, time_ns);
    text(file, ", \"cat\": \"run\", \"name\": \"measuring begins\"}");
}

/* ---- turns ---- */

static void part(struct timeline_file *file, uint32_t thread, const struct turn_row *row,
                 const char *name, uint64_t begin_ns, uint64_t end_ns)
{
    if (end_ns <= begin_ns)
        return;
    complete(file, 0, thread, begin_ns, end_ns);
    text(file, ", \"cat\": \"turn\", \"name\": \"");
    text(file, name);
    member(file, "\", \"args\": {\"turn\": ", row->turn);
    text(file, "}}");
}

/* An end of the arrow to a turn from its session's turn before: "s" there, "f" here. */
static void arrow(struct timeline_file *file, const char *phase, uint32_t thread, uint64_t time_ns,
                  const struct turn_row *row)
{
    begin_event(file, phase, 0, thread);
    text(file, phase[0] == 'f' ? ", \"bp\": \"e\", \"ts\": " : ", \"ts\": ");
    write_us(file, time_ns);
    member(file, ", \"cat\": \"session\", \"name\": \"session\", \"id\": \"", row->session);
    member(file, ".", row->turn_of_session);
    text(file, "\"}");
}

static struct told_turn *told_of(struct timeline_file *file, uint64_t session)
{
    struct keymap_keys keys = { file->told, sizeof *file->told };
    uint32_t at = keymap_find(&file->sessions, keys, session);
    if (at != 0)
        return &file->told[at];
    at = file->told_count++;
    memory_grow(&file->told, &file->told_capacity, file->told_count, sizeof *file->told);
    file->told[at] = (struct told_turn){ .session = session };
    keys.records = file->told;
    keymap_add(&file->sessions, keys, at);
    return &file->told[at];
}

/* Both ends at once, as the later turn is told: the earlier one may be its session's last, or the
 * span's or the run's, and an arrow without an end is none. */
static void arrow_here(struct timeline_file *file, uint32_t thread, const struct turn_row *row)
{
    struct told_turn *before = told_of(file, row->session);
    if (before->turn_of_session > 0 && before->turn_of_session + 1 == row->turn_of_session) {
        arrow(file, "s", before->thread, before->end_ns, row);
        arrow(file, "f", thread, row->asked_ns, row);
    }
    *before = (struct told_turn){ row->session, row->turn_of_session, row->end_ns, thread };
}

void timeline_turn(void *context, const struct turn_row *row)
{
    struct timeline_file *file = context;
    if (!is_told(file, row->asked_ns, row->end_ns))
        return;
    uint32_t thread = lane_for(file, 0, LANE_TURNS, row->asked_ns, row->end_ns);
    char name[96];
    snprintf(name, sizeof name, "session %llu, turn %llu", (unsigned long long)row->session,
             (unsigned long long)row->turn_of_session);
    complete(file, 0, thread, row->asked_ns, row->end_ns);
    text(file, ", \"cat\": \"turn\", \"name\": \"");
    text(file, name);
    text(file, "\", \"args\": {");
    for (uint32_t i = 0; i < turn_column_count; i++) {
        const struct turn_column *column = &turn_columns[i];
        uint64_t value = turn_value(row, column);
        if (value == TURN_NOTHING)
            continue;
        text(file, i > 0 ? ", \"" : "\"");
        text(file, column->name);
        text(file, "\": ");
        if (turn_word(column, value) != NULL && column->kind >= TURN_WHY) {
            text(file, "\"");
            text(file, turn_word(column, value));
            text(file, "\"");
        } else {
            text_out_whole(file->out, value);
        }
    }
    text(file, "}}");
    part(file, thread, row, "queued", row->asked_ns, row->prefill_start_ns);
    part(file, thread, row, "prefill", row->prefill_start_ns, row->first_token_ns);
    part(file, thread, row, "decode", row->first_token_ns, row->end_ns);
    arrow_here(file, thread, row);
}

/* ---- the file ---- */

static bool is_json_name(const char *path)
{
    const char *name = path_name(path);
    size_t length = strlen(name);
    return (length > 5 && strcmp(name + length - 5, ".json") == 0) ||
           (length > 8 && strcmp(name + length - 8, ".json.gz") == 0);
}

static void write_head(struct timeline_file *file, const char *run)
{
    char *quoted = json_quoted(run);
    text(file,
         "{\"displayTimeUnit\": \"ms\", \"otherData\": {\"program\": \"reprise\", \"policy\": ");
    text(file, quoted);
    text(file, "},\n\"traceEvents\": [");
    free(quoted);
}

enum status timeline_open(const char *path, const char *run, struct timeline_span span,
                          struct timeline_file **file, struct error *err)
{
    struct text_out *out;
    *file = NULL;
    if (!is_json_name(path))
        return error_input(err, path, 0, "--timeline", "a name that ends in .json or .json.gz",
                           path);
    if (text_out_open(path, &out, err) != STATUS_OK)
        return err->status;
    *file = memory_new(1, sizeof **file);
    **file = (struct timeline_file){ .out = out, .span = span, .told_count = 1 };
    keymap_init(&(*file)->sessions, 64);
    write_head(*file, run);
    return STATUS_OK;
}

static void timeline_free(struct timeline_file *file)
{
    for (uint32_t i = 0; i < file->processes; i++)
        for (int kind = 0; kind < LANE_COUNT; kind++)
            free(file->process[i].of[kind].busy_until_ns);
    free(file->process);
    keymap_free(&file->sessions);
    free(file->told);
    free(file);
}

enum status timeline_finish(struct timeline_file *file, bool *is_empty, struct error *err)
{
    *is_empty = !file->has_told;
    text(file, "\n]}\n");
    enum status status = text_out_finish(file->out, err);
    timeline_free(file);
    return status;
}

void timeline_abandon(struct timeline_file *file)
{
    if (file == NULL)
        return;
    text_out_abandon(file->out);
    timeline_free(file);
}
