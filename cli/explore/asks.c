/* cli/explore/asks.c - see asks.h. */
#include "cli/explore/asks.h"
#include "cli/explore/asks_parts.h"
#include "cli/explore/turn.h"

#include "base/clock.h"
#include "base/embedded.h"
#include "base/json_why.h"
#include "base/memory.h"
#include "plots/page_parts.h"
#include "sweep/metric_show.h"
#include "sweep/point_key.h"
#include "sweep/result_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct embedded_file explore_page[];

enum { HTTP_OK = 200, HTTP_BAD_REQUEST = 400, HTTP_NOT_FOUND = 404 };

/* ---- answers ---- */

struct door_answer asks_json(unsigned status, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | RESULT_JSON_FLAGS);
    json_decref(object);
    if (text == NULL)
        memory_exhausted();
    return (struct door_answer){ .status = status,
                                 .type = "application/json",
                                 .bytes = text,
                                 .size = strlen(text),
                                 .owned = text };
}

/* "reprise: gpus: expected ..., found ...", without the program's name and the line's end. */
static void error_text(const struct error *err, char *text, size_t text_bytes)
{
    static const char name[] = "reprise: ";
    char *whole = NULL;
    size_t bytes;
    FILE *out = memory_stream(&whole, &bytes);
    error_print(out, err);
    memory_stream_close(out, &whole);
    whole[strcspn(whole, "\n")] = '\0';
    snprintf(text, text_bytes, "%s", whole + (sizeof name - 1));
    free(whole);
}

struct door_answer asks_error(unsigned status, const struct error *err)
{
    static const char set[] = "--set "; /* as which config_tree_set() names a key */
    struct error shown = *err;
    char text[1024];
    if (strncmp(err->file, set, sizeof set - 1) == 0) {
        snprintf(shown.key, sizeof shown.key, "%s", err->file + sizeof set - 1);
        shown.file[0] = '\0';
    }
    error_text(&shown, text, sizeof text);
    return asks_json(status,
                     json_pack("{s:{s:s, s:s, s:s, s:s}}", "error", "key", shown.key, "expected",
                               shown.expected, "found", shown.found, "text", text));
}

static struct door_answer refuse_body(const char *key, const char *expected, const char *found)
{
    struct error err = { 0 };
    error_input(&err, NULL, 0, key, expected, found);
    return asks_error(HTTP_BAD_REQUEST, &err);
}

static struct door_answer plain(unsigned status, const char *words)
{
    return (struct door_answer){
        .status = status, .type = "text/plain; charset=utf-8", .bytes = words, .size = strlen(words)
    };
}

/* ---- an experiment of keys ---- */

static enum status lay(struct config_tree *tree, const json_t *set, struct error *err)
{
    const char *key;
    json_t *value;
    enum status status = STATUS_OK;
    json_object_foreach((json_t *)set, key, value)
    {
        if (status != STATUS_OK)
            break;
        const char *text = json_string_value(value);
        size_t bytes = strlen(key) + strlen(text) + sizeof "=";
        char *assignment = memory_new(bytes, 1);
        snprintf(assignment, bytes, "%s=%s", key, text);
        status = config_tree_set(tree, assignment, err);
        free(assignment);
    }
    return status;
}

static void note(void *context, const char *sentence)
{
    if (context != NULL)
        json_array_append_new(context, json_string(sentence));
}

enum status asks_experiment(const struct asks *asks, const json_t *set, json_t *notes,
                            struct experiment *experiment, struct error *err)
{
    const struct experiment_notes heard = { .tell = note, .context = notes };
    struct config_tree *tree = NULL;
    enum status status = config_tree_parse("{}", "the page", &tree, err);
    if (status == STATUS_OK)
        status = lay(tree, set, err);
    if (status == STATUS_OK)
        status = names_check(asks->names, tree, err);
    if (status == STATUS_OK)
        status = experiment_from_tree(tree, &heard, experiment, err);
    config_tree_free(tree);
    return status;
}

/* ---- a run ---- */

/* Metrics as people read them, by name. */
static json_t *shown_json(const struct metrics *metrics)
{
    json_t *object = json_object();
    char text[64];
    for (int i = 0; i < METRIC_COUNT; i++)
        json_object_set_new(
            object, metric_rows[i].name,
            json_string(metric_show(i, metric_value(metrics, i), text, sizeof text)));
    return object;
}

static json_t *run_json(const struct experiment *experiment, const struct sim_result *result,
                        bool curves)
{
    json_t *object = json_pack("{s:o}", "run", result_json(experiment, result));
    if (!curves)
        return object;
    char *yaml = experiment_text(experiment);
    json_object_set_new(object, "series", result_json_series(result));
    json_object_set_new(object, "shown", shown_json(&result->metrics));
    json_object_set_new(object, "experiment", result_json_experiment(experiment));
    json_object_set_new(object, "yaml", json_string(yaml));
    free(yaml);
    return object;
}

struct door_answer asks_run_answer(enum job_end end, json_t *object, const struct error *err)
{
    if (end == JOB_DONE)
        return asks_json(HTTP_OK, object);
    json_decref(object);
    return end == JOB_STOPPED ? asks_json(HTTP_OK, json_pack("{s:b}", "stopped", 1))
                              : asks_error(HTTP_OK, err);
}

/* What is told of a run that was done; frees it. */
static enum job_end tell_run(const struct experiment *experiment, struct sim_result *result,
                             bool curves, json_t **object, struct error *err)
{
    json_t *words = NULL;
    enum status status = curves ? asks_words(experiment, result, &words, err) : STATUS_OK;
    *object = run_json(experiment, result, curves);
    if (words != NULL)
        json_object_set_new(*object, "words", words);
    sim_result_free(result);
    return status == STATUS_OK ? JOB_DONE : JOB_FAILED;
}

static struct door_answer run(const struct asks *asks, const struct job_place *place,
                              const json_t *set, bool curves)
{
    struct experiment experiment;
    struct sim_result result;
    struct turn_choice turn = { 0 };
    const struct watch watch = turn_watch(&turn);
    const struct job_heard heard = { .watch = curves ? &watch : NULL };
    struct error err = { 0 };
    const uint64_t start_ns = clock_now_ns();
    json_t *notes = json_array(), *object = NULL;
    enum job_end end = JOB_FAILED;
    if (asks_experiment(asks, set, notes, &experiment, &err) == STATUS_OK)
        end = jobs_run(asks->jobs, place, &experiment, &heard, &result, &err);
    if (end == JOB_DONE)
        end = tell_run(&experiment, &result, curves, &object, &err);
    if (end == JOB_DONE) {
        json_object_set(object, "notes", notes);
        json_object_set_new(object, "turn", turn_json(&turn));
        json_object_set_new(object, "took_ns",
                            json_integer((json_int_t)(clock_now_ns() - start_ns)));
    }
    json_decref(notes);
    return asks_run_answer(end, object, &err);
}

/* ---- what is in a body ---- */

/* The page that asks, "" where it has no name; and who waits there. */
static void read_page(const struct door_ask *ask, const json_t *body, struct job_place *place)
{
    const char *page = json_string_value(json_object_get(body, "page"));
    snprintf(place->page, sizeof place->page, "%s", page != NULL ? page : "");
    place->is_gone = ask->is_gone;
    place->asker = ask->asker;
}

/* false: *refusal says why. */
static bool read_place(const struct door_ask *ask, const json_t *body, struct job_place *place,
                       struct door_answer *refusal)
{
    const char *word = json_string_value(json_object_get(body, "slot"));
    read_page(ask, body, place);
    for (int i = 0; word != NULL && i < JOB_SLOT_COUNT; i++)
        if (strcmp(word, job_slot_words[i]) == 0) {
            place->slot = (enum job_slot)i;
            return true;
        }
    *refusal = refuse_body("slot", "one of a, b, words, turn, cost, report", word);
    return false;
}

static bool is_set(const json_t *set)
{
    const char *key;
    json_t *value;
    bool texts = json_is_object(set);
    json_object_foreach((json_t *)set, key, value)
    {
        texts = texts && json_is_string(value) &&
                strlen(json_string_value(value)) == json_string_length(value);
    }
    return texts;
}

static struct door_answer ask_run(const struct asks *asks, const struct door_ask *ask,
                                  const json_t *body)
{
    struct door_answer refusal;
    struct job_place place;
    const json_t *set = json_object_get(body, "set");
    if (!read_place(ask, body, &place, &refusal))
        return refusal;
    if (!is_set(set))
        return refuse_body("set", "an object of texts by key", NULL);
    return run(asks, &place, set, json_is_true(json_object_get(body, "curves")));
}

static struct door_answer ask_cancel(const struct asks *asks, const struct door_ask *ask,
                                     const json_t *body)
{
    struct door_answer refusal;
    struct job_place place;
    if (!read_place(ask, body, &place, &refusal))
        return refusal;
    jobs_cancel(asks->jobs, &place);
    return asks_json(HTTP_OK, json_object());
}

/* Whether there are one or two experiments in it. */
static bool are_sets(const json_t *sets)
{
    size_t count = json_array_size(sets);
    bool whole = count >= 1 && count <= ASKS_SETS_MOST;
    for (size_t i = 0; i < count; i++)
        whole = whole && is_set(json_array_get(sets, i));
    return whole;
}

static struct door_answer refuse_sets(void)
{
    return refuse_body("sets", "one or two objects of texts by key", NULL);
}

static struct door_answer ask_report(const struct asks *asks, const struct door_ask *ask,
                                     const json_t *body)
{
    const json_t *sets = json_object_get(body, "sets");
    struct job_place place = { .slot = SLOT_REPORT };
    if (!are_sets(sets))
        return refuse_sets();
    read_page(ask, body, &place);
    return asks_report(asks, &place, sets);
}

static struct door_answer ask_compare(const struct asks *asks, const struct door_ask *ask,
                                      const json_t *body)
{
    const json_t *sets = json_object_get(body, "sets");
    struct job_place place = { .slot = SLOT_WORDS };
    if (!are_sets(sets) || json_array_size(sets) != ASKS_SETS_MOST)
        return refuse_body("sets", "two objects of texts by key", NULL);
    read_page(ask, body, &place);
    return asks_compare(asks, &place, sets);
}

static struct door_answer ask_turn(const struct asks *asks, const struct door_ask *ask,
                                   const json_t *body)
{
    const json_t *sets = json_object_get(body, "sets");
    json_int_t session = json_integer_value(json_object_get(body, "session"));
    json_int_t turn = json_integer_value(json_object_get(body, "turn_of_session"));
    struct job_place place = { .slot = SLOT_TURN };
    if (!are_sets(sets))
        return refuse_sets();
    if (session < 0 || turn < 1)
        return refuse_body("turn_of_session", "a session's number from 0 on, and its turn's from 1",
                           NULL);
    read_page(ask, body, &place);
    const struct asks_turn asked = { (uint64_t)session, (uint64_t)turn };
    return asks_turn(asks, &place, sets, &asked);
}

static struct door_answer begin_trace(const struct asks *asks, const char *name)
{
    struct error err = { 0 };
    uint32_t number;
    if (uploads_begin(asks->uploads, name, &number, &err) != STATUS_OK)
        return asks_error(HTTP_OK, &err);
    return asks_json(HTTP_OK, json_pack("{s:i}", "file", (int)number));
}

static struct door_answer ask_trace(const struct asks *asks, const struct door_ask *ask,
                                    const json_t *body)
{
    (void)ask;
    const char *name = json_string_value(json_object_get(body, "name"));
    const char *part = json_string_value(json_object_get(body, "part"));
    json_int_t number = json_integer_value(json_object_get(body, "file"));
    json_int_t at = json_integer_value(json_object_get(body, "at"));
    struct error err = { 0 };
    if (name != NULL)
        return begin_trace(asks, name);
    if (part == NULL)
        return refuse_body("part", "bytes in base64", NULL);
    if (number < 0 || number > UPLOADS_MOST || at < 0)
        return refuse_body("file", "a file that was begun, and a place in it", NULL);
    if (uploads_append(asks->uploads, (uint32_t)number, (uint64_t)at, part, &err) != STATUS_OK)
        return asks_error(HTTP_OK, &err);
    if (!json_is_true(json_object_get(body, "last")))
        return asks_json(HTTP_OK, json_object());
    const char *path = uploads_path(asks->uploads, (uint32_t)number);
    names_add_trace(asks->names, path);
    return asks_json(HTTP_OK, json_pack("{s:s}", "trace", path));
}

static struct door_answer ask_progress(const struct asks *asks, const struct door_ask *ask,
                                       const json_t *body)
{
    json_t *object = json_object();
    struct job_place place;
    read_page(ask, body, &place);
    for (int i = 0; i < JOB_SLOT_COUNT; i++) {
        place.slot = (enum job_slot)i;
        const struct job_progress at = jobs_progress(asks->jobs, &place);
        json_object_set_new(object, job_slot_words[i],
                            json_pack("{s:b, s:I, s:f}", "running", at.running, "turns",
                                      (json_int_t)at.turns, "share", at.share));
    }
    return asks_json(HTTP_OK, object);
}

/* ---- paths ---- */

static const char *type_of(const char *name)
{
    static const char *const types[][2] = { { ".html", "text/html; charset=utf-8" },
                                            { ".css", "text/css; charset=utf-8" },
                                            { ".js", "text/javascript; charset=utf-8" } };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof *types; i++)
        if (strcmp(dot, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

static struct door_answer answer_file(const char *name)
{
    const struct embedded_file *file = embedded_find(explore_page, name);
    if (file == NULL)
        file = embedded_find(page_parts, name);
    if (file == NULL)
        return plain(HTTP_NOT_FOUND, "Not Found");
    return (struct door_answer){ .status = HTTP_OK,
                                 .type = type_of(name),
                                 .bytes = (const char *)file->bytes,
                                 .size = file->size };
}

static struct door_answer answer_get(const struct asks *asks, const char *path)
{
    if (strcmp(path, "api/start") == 0)
        return asks_start(asks);
    return answer_file(*path != '\0' ? path : "index.html");
}

static struct door_answer answer_post(const struct asks *asks, const struct door_ask *ask)
{
    static const struct {
        const char *path;
        struct door_answer (*answer)(const struct asks *asks, const struct door_ask *ask,
                                     const json_t *body);
    } posts[] = { { "api/run", ask_run },           { "api/cancel", ask_cancel },
                  { "api/progress", ask_progress }, { "api/trace", ask_trace },
                  { "api/compare", ask_compare },   { "api/turn", ask_turn },
                  { "api/report", ask_report } };
    for (size_t i = 0; i < sizeof posts / sizeof *posts; i++) {
        json_error_t error;
        char why[JSON_WHY_BYTES];
        if (strcmp(ask->path, posts[i].path) != 0)
            continue;
        json_t *body = json_loadb(ask->body, ask->body_bytes, JSON_REJECT_DUPLICATES, &error);
        const struct door_answer answer =
            body != NULL ? posts[i].answer(asks, ask, body)
                         : refuse_body("body", "JSON",
                                       json_why(error.text, error.position, why, sizeof why));
        json_decref(body);
        return answer;
    }
    return plain(HTTP_NOT_FOUND, "Not Found");
}

struct door_answer asks_answer(void *context, const struct door_ask *ask)
{
    return ask->post ? answer_post(context, ask) : answer_get(context, ask->path);
}

/* ---- beginning and end ---- */

enum status asks_new(const struct config_tree *start, const char *const *traces,
                     uint32_t trace_count, struct asks **asks, struct error *err)
{
    struct names *names = NULL;
    enum status status = names_load(start, traces, trace_count, &names, err);
    if (status != STATUS_OK)
        return status;
    struct asks *made = memory_new(1, sizeof *made);
    *made = (struct asks){ .start = config_tree_copy(start),
                           .names = names,
                           .jobs = jobs_new(),
                           .uploads = uploads_new() };
    *asks = made;
    return STATUS_OK;
}

void asks_free(struct asks *asks)
{
    if (asks == NULL)
        return;
    uploads_free(asks->uploads);
    jobs_free(asks->jobs);
    names_free(asks->names);
    config_tree_free(asks->start);
    free(asks);
}

void asks_stop(struct asks *asks)
{
    jobs_stop(asks->jobs);
}
