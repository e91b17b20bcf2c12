/* tests/cli/explore/test_asks.c - what the page asks for and is told. Without HTTP: test_door.c has
 * that. */
#include "cli/explore/asks.h"

#include "plots/gantt_blocks.h"
#include "plots/timeline_turn.h"
#include "sim/record/record.h"
#include "sweep/result_json.h"
#include "tests/support.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define QUICK "\"workload.sessions\":\"40\",\"warmup_turns\":\"0\""
/* Minutes, if nobody stops it. */
#define LONG "\"workload.sessions\":\"9000000\",\"warmup_turns\":\"0\""

static struct asks *asks_of(const char *yaml, const char *trace)
{
    struct error err = { 0 };
    struct config_tree *tree = NULL;
    struct asks *asks = NULL;
    ck_assert_int_eq(config_tree_parse(yaml, "test", &tree, &err), STATUS_OK);
    ck_assert_int_eq(asks_new(tree, &trace, trace != NULL, &asks, &err), STATUS_OK);
    config_tree_free(tree);
    return asks;
}

/* The answer's object, the caller's; its status in *status. */
static json_t *tell(struct asks *asks, bool post, const char *path, const char *body,
                    unsigned *status)
{
    const struct door_ask ask = {
        .post = post, .path = path, .body = body, .body_bytes = strlen(body)
    };
    struct door_answer answer = asks_answer(asks, &ask);
    json_t *object = json_loadb(answer.bytes, answer.size, 0, NULL);
    *status = answer.status;
    free(answer.owned);
    return object;
}

/* A member of the answer's error. */
static const char *of_error(const json_t *answer, const char *member)
{
    return json_string_value(json_object_get(json_object_get(answer, "error"), member));
}

/* ---- files ---- */

START_TEST(no_path_leads_out_of_the_page)
{
    static const char *const paths[] = { "../explore.js",   "..",         "/etc/passwd",
                                         "page/index.html", "api/",       "api/start/",
                                         "explore.c",       "index.html/" };
    struct asks *asks = asks_of("{}", NULL);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const struct door_ask get = { .path = paths[i], .body = "" };
        const struct door_ask post = {
            .post = true, .path = paths[i], .body = "{}", .body_bytes = 2
        };
        ck_assert_uint_eq(asks_answer(asks, &get).status, 404);
        ck_assert_uint_eq(asks_answer(asks, &post).status, 404);
    }
    asks_free(asks);
}
END_TEST

START_TEST(the_page_is_whole_and_asks_nobody_else)
{
    static const char *const files[] = { "",          "explore.css", "charts.js",
                                         "state.js",  "controls.js", "results.js",
                                         "explore.js" };
    struct asks *asks = asks_of("{}", NULL);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const struct door_ask ask = { .path = files[i], .body = "" };
        struct door_answer answer = asks_answer(asks, &ask);
        ck_assert_uint_eq(answer.status, 200);
        char *text = strndup(answer.bytes, answer.size);
        ck_assert_uint_eq(strlen(text), answer.size);
        /* A name of XML's own spaces is no address that a browser asks. */
        for (const char *at = strstr(text, "http"); at != NULL; at = strstr(at + 1, "http"))
            ck_assert_msg(strncmp(at, "http://www.w3.org/2000/svg", 26) == 0 ||
                              (strncmp(at, "http:", 5) != 0 && strncmp(at, "https:", 6) != 0),
                          "%s: %.40s", files[i], at);
        free(text);
    }
    asks_free(asks);
}
END_TEST

START_TEST(only_files_that_were_named_are_read)
{
    static const struct {
        const char *set, *key;
    } refused[] = {
        { "\"trace\":\"/etc/passwd\"", "trace" },
        { "\"model\":\"/etc/passwd\"", "model" },
        { "\"model\":\"../llm/llama-13b\"", "model" },
        { "\"hardware\":\"./here.yaml\"", "hardware" },
        { "\"ssd.drive\":\"../drive/x\"", "ssd.drive" },
        { "\"engine.version\":\"../versions/vllm-0.19\"", "engine.version" },
        { "\"policy\":\"../engines/vllm-lru\"", "policy" },
    };
    struct asks *asks = asks_of("{}", "/no/such/trace.jsonl");
    char body[256];
    unsigned status;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        snprintf(body, sizeof body, "{\"slot\":\"a\",\"set\":{%s}}", refused[i].set);
        json_t *answer = tell(asks, true, "api/run", body, &status);
        ck_assert_uint_eq(status, 200);
        ck_assert_str_eq(of_error(answer, "key"), refused[i].key);
        ck_assert_ptr_nonnull(strstr(of_error(answer, "expected"), "named when"));
        json_decref(answer);
    }
    /* Named on the command line: it is looked for, and is not there. */
    json_t *answer = tell(asks, true, "api/run",
                          "{\"slot\":\"a\",\"set\":{\"trace\":\"/no/such/trace.jsonl\"}}", &status);
    ck_assert_ptr_nonnull(strstr(of_error(answer, "text"), "/no/such/trace.jsonl: cannot"));
    json_decref(answer);
    asks_free(asks);
}
END_TEST

/* ---- refusals ---- */

START_TEST(a_body_that_is_not_as_agreed_is_refused_by_its_key)
{
    static const struct {
        const char *path, *body, *key;
    } bodies[] = {
        { "api/run", "{\"slot\"", "body" },
        { "api/run", "", "body" },
        { "api/run", "{\"slot\":\"a\",\"slot\":\"b\",\"set\":{}}", "body" },
        { "api/run", "[]", "slot" },
        { "api/run", "{\"slot\":\"c\",\"set\":{}}", "slot" },
        { "api/run", "{\"slot\":\"a\"}", "set" },
        { "api/run", "{\"slot\":\"a\",\"set\":{\"gpus\":2}}", "set" },
        { "api/cancel", "{}", "slot" },
        { "api/compare", "{\"sets\":[{}]}", "sets" },
        { "api/turn", "{\"session\":1,\"turn_of_session\":1}", "sets" },
        { "api/turn", "{\"sets\":[{}],\"session\":-1,\"turn_of_session\":1}", "turn_of_session" },
        { "api/turn", "{\"sets\":[{}],\"session\":1}", "turn_of_session" },
        { "api/report", "{\"sets\":[]}", "sets" },
        { "api/report", "{\"sets\":[{},{},{}]}", "sets" },
        { "api/report", "{\"sets\":[{},7]}", "sets" },
    };
    struct asks *asks = asks_of("{}", NULL);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        unsigned status;
        json_t *answer = tell(asks, true, bodies[i].path, bodies[i].body, &status);
        ck_assert_uint_eq(status, 400);
        ck_assert_str_eq(of_error(answer, "key"), bodies[i].key);
        json_decref(answer);
    }
    asks_free(asks);
}
END_TEST

START_TEST(what_is_wrong_with_an_experiment_is_told_at_its_key)
{
    static const struct {
        const char *set, *key, *found;
    } wrong[] = {
        { "\"gpus\":\"many\"", "gpus", "many" },     /* its kind */
        { "\"gpus\":\"0\"", "gpus", "0" },           /* its range */
        { "\"gpus\":\"64\"", "gpus", "64" },         /* the server's */
        { "\"no.such\":\"1\"", "no.such", "" },      /* no key */
        { "\"policy\":\"best\"", "policy", "best" }, /* no policy */
    };
    struct asks *asks = asks_of("{}", NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char body[128];
        unsigned status;
        snprintf(body, sizeof body, "{\"slot\":\"a\",\"set\":{%s}}", wrong[i].set);
        json_t *answer = tell(asks, true, "api/run", body, &status);
        ck_assert_uint_eq(status, 200);
        ck_assert_str_eq(of_error(answer, "key"), wrong[i].key);
        if (wrong[i].found[0] != '\0')
            ck_assert_str_eq(of_error(answer, "found"), wrong[i].found);
        json_decref(answer);
    }
    asks_free(asks);
}
END_TEST

/* ---- beginnings and results ---- */

START_TEST(the_page_begins_with_the_command_lines_keys)
{
    struct asks *asks = asks_of("{gpus: 4, tiers: {dram: {capacity: 64GB}}}", "my/trace.jsonl");
    unsigned status;
    json_t *start = tell(asks, false, "api/start", "", &status);
    const json_t *set = json_object_get(start, "set");
    ck_assert_uint_eq(json_object_size(set), 2);
    ck_assert_str_eq(json_string_value(json_object_get(set, "gpus")), "4");
    ck_assert_str_eq(json_string_value(json_object_get(set, "tiers.dram.capacity")), "64GB");
    const json_t *traces = json_object_get(json_object_get(start, "names"), "trace");
    ck_assert_uint_eq(json_array_size(traces), 2); /* and none: a generated workload */
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(traces, 1), "name")),
                     "my/trace.jsonl");
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(traces, 1), "about")),
                     "trace.jsonl");
    ck_assert_uint_eq(json_array_size(json_object_get(start, "metrics")), METRIC_COUNT);
    json_decref(start);
    asks_free(asks);
}
END_TEST

START_TEST(a_run_gives_what_the_simulator_gives)
{
    struct asks *asks = asks_of("{}", NULL);
    struct config_tree *tree = NULL;
    struct experiment experiment;
    struct sim_result result;
    struct error err = { 0 };
    unsigned status;
    ck_assert_int_eq(config_tree_parse("{workload.sessions: 40, warmup_turns: 0, policy: lru}", "t",
                                       &tree, &err),
                     STATUS_OK);
    ck_assert_int_eq(experiment_from_tree(tree, NULL, &experiment, &err), STATUS_OK);
    ck_assert_int_eq(sim_run(&experiment, NULL, &result, &err), STATUS_OK);
    json_t *answer =
        tell(asks, true, "api/run",
             "{\"slot\":\"a\",\"curves\":true,\"set\":{" QUICK ",\"policy\":\"lru\"}}", &status);
    json_t *run = result_json(&experiment, &result), *series = result_json_series(&result);
    ck_assert(json_equal(run, json_object_get(answer, "run")));
    ck_assert(json_equal(series, json_object_get(answer, "series")));
    ck_assert_uint_gt(json_array_size(series), 0);
    /* The YAML makes the same experiment again. */
    struct config_tree *again = NULL;
    ck_assert_int_eq(
        config_tree_parse(json_string_value(json_object_get(answer, "yaml")), "y", &again, &err),
        STATUS_OK);
    ck_assert_str_eq(config_tree_value(again, "policy"), "lru");
    json_decref(run);
    json_decref(series);
    json_decref(answer);
    config_tree_free(tree);
    config_tree_free(again);
    sim_result_free(&result);
    asks_free(asks);
}
END_TEST

/* ---- words ---- */

/* How many sentences are of that kind; *last is one of them. */
static size_t count_of(const json_t *words, const char *of, const json_t **last)
{
    size_t count = 0, at;
    json_t *told;
    json_array_foreach((json_t *)words, at, told)
    {
        if (strcmp(json_string_value(json_object_get(told, "of")), of) != 0)
            continue;
        *last = told;
        count++;
    }
    return count;
}

static const char *text_of(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

/* A verdict says how sure a lead is where turns were paired. */
static bool judges_chance(const json_t *words)
{
    static const char *const judged[] = { "no difference seen", "not certain", "cannot tell" };
    bool judges = false;
    for (size_t i = 0; i < json_array_size(words); i++)
        for (size_t j = 0; j < sizeof judged / sizeof *judged; j++)
            judges = judges || strstr(text_of(json_array_get(words, i), "sentence"), judged[j]);
    return judges;
}

START_TEST(two_are_told_by_their_policies_or_else_by_letters_and_other_loads_are_said)
{
    static const struct {
        const char *other, *name;
        bool same_load;
    } cases[] = {
        { "\"policy\":\"none\"", "scheduler-aware", true },
        { "\"tiers.dram.capacity\":\"0\",\"tiers.ssd.capacity\":\"0\"", "A", true },
        { "\"workload.mean_turns\":\"3\"", "A", false },
    };
    struct asks *asks = asks_of("{}", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[256];
        unsigned status;
        const json_t *told = NULL;
        snprintf(body, sizeof body, "{\"sets\":[{" QUICK "},{" QUICK ",%s}]}", cases[i].other);
        json_t *answer = tell(asks, true, "api/compare", body, &status);
        const json_t *words = json_object_get(answer, "words");
        ck_assert_uint_eq(count_of(words, "policy", &told), 2);
        ck_assert_uint_ge(count_of(words, "verdict", &told), 3);
        ck_assert_uint_eq(count_of(words, "policy", &told), 2);
        ck_assert_str_eq(text_of(json_array_get(words, 0), "subject"), cases[i].name);
        ck_assert(json_is_true(json_object_get(answer, "same_load")) == cases[i].same_load);
        if (!cases[i].same_load)
            ck_assert(!judges_chance(words)); /* their turns are not the same ones */
        else if (i == 0)
            ck_assert(judges_chance(words));
        json_decref(answer);
    }
    asks_free(asks);
}
END_TEST

/* ---- a turn's picture ---- */

static void simulate(const char *yaml, const struct watch *watch, struct experiment *experiment)
{
    const struct sim_progress progress = { .watch = watch };
    struct config_tree *tree = NULL;
    struct sim_result result;
    struct error err = { 0 };
    ck_assert_int_eq(config_tree_parse(yaml, "t", &tree, &err), STATUS_OK);
    ck_assert_int_eq(experiment_from_tree(tree, NULL, experiment, &err), STATUS_OK);
    ck_assert_int_eq(sim_run(experiment, &progress, &result, &err), STATUS_OK);
    sim_result_free(&result);
    config_tree_free(tree);
}

/* The longest that layers waited in any measured iteration: plainly, from all of them. */
struct longest {
    bool measuring;
    uint64_t wait_ns, warmup_wait_ns;
};

static void note_measures(void *context, uint64_t time_ns)
{
    struct longest *longest = context;
    (void)time_ns;
    longest->measuring = true;
}

static void note_iteration(void *context, const struct watch_iteration *told)
{
    struct longest *longest = context;
    uint64_t *most_ns = longest->measuring ? &longest->wait_ns : &longest->warmup_wait_ns;
    if (told->wait_ns > *most_ns)
        *most_ns = told->wait_ns;
}

static json_int_t whole_of(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

START_TEST(the_turn_that_is_told_waited_longest)
{
    struct asks *asks = asks_of("{}", NULL);
    struct longest longest = { 0 };
    const struct watch watch = { .context = &longest,
                                 .iterated = note_iteration,
                                 .measures = note_measures };
    struct experiment experiment;
    unsigned status;
    simulate("{workload.sessions: 200, warmup_turns: 800, workload.seed: 5, "
             "engine.read_buffer_layers: 0}",
             &watch, &experiment);
    ck_assert_uint_gt(longest.warmup_wait_ns, longest.wait_ns); /* which is not what is asked for */
    json_t *answer = tell(
        asks, true, "api/run",
        "{\"slot\":\"a\",\"curves\":true,\"set\":{\"workload.sessions\":\"200\","
        "\"warmup_turns\":\"800\",\"workload.seed\":\"5\",\"engine.read_buffer_layers\":\"0\"}}",
        &status);
    const json_t *turn = json_object_get(answer, "turn");
    ck_assert_uint_gt(longest.wait_ns, 0);
    ck_assert_uint_eq((uint64_t)whole_of(turn, "wait_ns"), longest.wait_ns);
    ck_assert_int_gt(whole_of(turn, "turn"), 800); /* a measured one */
    json_decref(answer);
    asks_free(asks);
}
END_TEST

struct heard_blocks {
    const json_t *blocks;
    size_t count, of_lane[GANTT_LANE_COUNT];
};

static void compare_block(void *context, const struct gantt_block *block)
{
    struct heard_blocks *heard = context;
    const json_t *told = json_array_get(heard->blocks, heard->count++);
    ck_assert_int_eq(json_integer_value(json_array_get(told, 0)), block->lane);
    ck_assert_int_eq(json_integer_value(json_array_get(told, 1)), block->kind);
    ck_assert_double_eq(json_real_value(json_array_get(told, 2)), block->begin_ms);
    ck_assert_double_eq(json_real_value(json_array_get(told, 3)), block->end_ms);
    ck_assert_int_eq(json_integer_value(json_array_get(told, 4)), block->layer);
    heard->of_lane[block->lane]++;
}

/* The turn as `sim --timeline` tells it of the whole run. */
static void tell_timeline(const char *yaml, const char *path)
{
    const struct record_asked asked = { .timeline = path, .span = { 0, UINT64_MAX } };
    struct record record;
    struct experiment experiment;
    struct error err = { 0 };
    ck_assert_int_eq(record_open(&record, &asked, "scheduler-aware", &err), STATUS_OK);
    simulate(yaml, record_watch(&record), &experiment);
    ck_assert_int_eq(record_finish(&record, &err), STATUS_OK);
    record_free(&record);
}

#define DRAWN                                                                                      \
    "\"workload.sessions\":\"60\",\"warmup_turns\":\"0\",\"workload.sessions_per_s\":\"0.3\""

static json_t *ask_turn(struct asks *asks, const json_t *turn, json_int_t further)
{
    char body[512];
    unsigned status;
    snprintf(body, sizeof body,
             "{\"sets\":[{" DRAWN "},{" DRAWN ",\"policy\":\"none\"}],\"session\":%lld,"
             "\"turn_of_session\":%lld}",
             (long long)whole_of(turn, "session"),
             (long long)(whole_of(turn, "turn_of_session") + further));
    json_t *answer = tell(asks, true, "api/turn", body, &status);
    ck_assert_uint_eq(status, 200);
    return answer;
}

START_TEST(a_turn_is_drawn_as_plot_draws_it_from_a_timeline_load_compute_and_save)
{
    char path[64];
    struct asks *asks = asks_of("{}", NULL);
    struct timeline_turn whole;
    struct error err = { 0 };
    unsigned status;
    snprintf(path, sizeof path, "/tmp/test-asks-%d.json", (int)getpid());
    tell_timeline("{workload.sessions: 60, warmup_turns: 0, workload.sessions_per_s: 0.3}", path);
    json_t *run = tell(asks, true, "api/run",
                       "{\"slot\":\"a\",\"curves\":true,\"set\":{" DRAWN "}}", &status);
    const json_t *turn = json_object_get(run, "turn");
    json_t *answer = ask_turn(asks, turn, 0);
    const json_t *panels = json_object_get(answer, "panels");
    ck_assert_uint_eq(json_array_size(panels), 2); /* the same turn of both */
    const json_t *first = json_array_get(panels, 0), *second = json_array_get(panels, 1);
    const struct gantt_range range = {
        json_number_value(json_object_get(answer, "least_ms")),
        json_number_value(json_object_get(answer, "most_ms")),
    };
    ck_assert_int_eq(timeline_turn_read(path, (uint64_t)whole_of(turn, "turn"), NULL, &whole, &err),
                     STATUS_OK);
    struct heard_blocks heard = { .blocks = json_object_get(first, "blocks") };
    gantt_blocks(&whole, range, compare_block, &heard);
    ck_assert_uint_eq(heard.count, json_array_size(heard.blocks));
    for (int lane = 0; lane < GANTT_LANE_COUNT; lane++)
        ck_assert_uint_gt(heard.of_lane[lane], 0);
    char title[GANTT_TEXT_BYTES];
    ck_assert_str_eq(json_string_value(json_object_get(first, "title")),
                     gantt_title(&whole, title));
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_object_get(second, "title")), "none: session "));
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_object_get(second, "title")), " 0 tokens reused"));
    json_decref(answer);
    answer = ask_turn(asks, turn, 1000); /* no session has so many */
    ck_assert(json_is_null(json_array_get(json_object_get(answer, "panels"), 0)));
    json_decref(answer);
    json_decref(run);
    timeline_turn_free(&whole);
    unlink(path);
    asks_free(asks);
}
END_TEST

/* ---- a trace of one's own ---- */

/* The bytes in base64, by the book: three make four. */
static void base64_write(const char *bytes, size_t count, char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        unsigned char three[3] = { 0 };
        memcpy(three, bytes + i, count - i < 3 ? count - i : 3);
        uint32_t bits = (uint32_t)three[0] << 16 | (uint32_t)three[1] << 8 | three[2];
        for (int d = 0; d < 4; d++)
            *text++ = i + (size_t)d > count ? '=' : digits[bits >> (18 - 6 * d) & 63];
    }
    *text = '\0';
}

static json_t *give_part(struct asks *asks, json_int_t file, size_t at, const char *bytes,
                         size_t count, bool last, unsigned *status)
{
    char part[512], body[1024];
    base64_write(bytes, count, part);
    snprintf(body, sizeof body, "{\"file\":%lld,\"at\":%zu,\"part\":\"%s\",\"last\":%s}",
             (long long)file, at, part, last ? "true" : "false");
    return tell(asks, true, "api/trace", body, status);
}

static json_int_t begin_file(struct asks *asks, const char *name)
{
    char body[256];
    unsigned status;
    snprintf(body, sizeof body, "{\"name\":\"%s\"}", name);
    json_t *begun = tell(asks, true, "api/trace", body, &status);
    json_int_t file = json_integer_value(json_object_get(begun, "file"));
    json_decref(begun);
    ck_assert_int_gt(file, 0);
    return file;
}

static const char own_trace[] =
    "session,arrival,think,prompt,reply\n1,0,0,100,20\n1,0,5,50,20\n2,1,0,80,30\n";

/* In parts of each length, so that every padding of base64 is met. */
START_TEST(a_trace_that_is_handed_over_is_the_same_file_in_a_private_folder)
{
    struct asks *asks = asks_of("{}", NULL);
    json_int_t file = begin_file(asks, "../my trace.csv");
    size_t whole = sizeof own_trace - 1, step = (size_t)_i + 1;
    char path[256] = "", read[sizeof own_trace] = "";
    unsigned status;
    for (size_t at = 0; at < whole; at += step) {
        size_t count = whole - at < step ? whole - at : step;
        json_t *answer =
            give_part(asks, file, at, own_trace + at, count, at + count == whole, &status);
        ck_assert_ptr_null(json_object_get(answer, "error"));
        if (at + count == whole)
            snprintf(path, sizeof path, "%s", json_string_value(json_object_get(answer, "trace")));
        json_decref(answer);
    }
    FILE *in = fopen(path, "r");
    ck_assert_ptr_nonnull(in);
    ck_assert_uint_eq(fread(read, 1, sizeof read, in), whole);
    fclose(in);
    ck_assert_str_eq(read, own_trace);
    ck_assert_ptr_nonnull(
        strstr(path, "/1-.._my_trace.csv")); /* in the folder, whatever its name */
    char folder[256];
    struct stat facts;
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    ck_assert_int_eq(stat(folder, &facts), 0);
    ck_assert_uint_eq(facts.st_mode & 0777, 0700);
    asks_free(asks);
    ck_assert_int_ne(stat(folder, &facts), 0);
}
END_TEST

START_TEST(a_trace_that_is_handed_over_can_be_run_and_none_else_of_its_folder)
{
    struct asks *asks = asks_of("{}", NULL);
    unsigned status;
    char body[512];
    FILE *sample = fopen(SAMPLE_TRACE, "r");
    char bytes[300];
    ck_assert_ptr_nonnull(sample);
    json_int_t file = begin_file(asks, "sample.jsonl");
    json_t *answer = NULL;
    size_t at = 0, count;
    while ((count = fread(bytes, 1, sizeof bytes, sample)) > 0) {
        json_decref(answer);
        answer = give_part(asks, file, at, bytes, count, false, &status);
        at += count;
    }
    fclose(sample);
    json_decref(answer);
    answer = give_part(asks, file, at, "", 0, true, &status);
    const char *path = json_string_value(json_object_get(answer, "trace"));
    for (int other = 0; other < 2; other++) {
        snprintf(body, sizeof body,
                 "{\"slot\":\"a\",\"set\":{\"warmup_turns\":\"0\",\"trace\":\"%s%s\"}}", path,
                 other ? ".other" : "");
        json_t *run = tell(asks, true, "api/run", body, &status);
        ck_assert_int_eq(json_object_get(run, "run") != NULL, !other);
        json_decref(run);
    }
    json_decref(answer);
    asks_free(asks);
}
END_TEST

START_TEST(a_part_that_does_not_fit_is_refused_by_its_key)
{
    static const struct {
        const char *body, *key;
    } parts[] = {
        { "{\"file\":1,\"at\":5,\"part\":\"AAAA\"}", "at" },
        { "{\"file\":2,\"at\":0,\"part\":\"AAAA\"}", "file" },
        { "{\"file\":0,\"at\":0,\"part\":\"AAAA\"}", "file" },
        { "{\"file\":-1,\"at\":0,\"part\":\"AAAA\"}", "file" },
        { "{\"file\":1,\"at\":0,\"part\":\"AAA\"}", "part" },
        { "{\"file\":1,\"at\":0,\"part\":\"A!AA\"}", "part" },
        { "{\"file\":1,\"at\":0,\"part\":\"AA=A\"}", "part" },
        { "{\"file\":1,\"at\":0}", "part" },
        { "{}", "part" },
    };
    struct asks *asks = asks_of("{}", NULL);
    begin_file(asks, "x.csv");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        unsigned status;
        json_t *answer = tell(asks, true, "api/trace", parts[i].body, &status);
        ck_assert_str_eq(of_error(answer, "key"), parts[i].key);
        json_decref(answer);
    }
    asks_free(asks);
}
END_TEST

/* ---- newer asks ---- */

struct asking {
    struct asks *asks;
    const char *body;
    json_t *answer;
};

static void *ask_in_thread(void *context)
{
    struct asking *asking = context;
    unsigned status;
    asking->answer = tell(asking->asks, true, "api/run", asking->body, &status);
    return NULL;
}

static void wait_until_running(struct asks *asks, const char *slot)
{
    const struct timespec moment = { .tv_nsec = 2000000 };
    for (;;) {
        unsigned status;
        json_t *told = tell(asks, true, "api/progress", "{}", &status);
        json_int_t turns =
            json_integer_value(json_object_get(json_object_get(told, slot), "turns"));
        json_decref(told);
        if (turns > 0)
            return;
        nanosleep(&moment, NULL);
    }
}

static bool was_stopped(const json_t *answer)
{
    return json_is_true(json_object_get(answer, "stopped"));
}

START_TEST(a_newer_run_stops_the_older_of_its_page_and_slot_and_no_other)
{
    struct asking older = { asks_of("{}", NULL), "{\"slot\":\"a\",\"set\":{" LONG "}}", NULL };
    pthread_t thread;
    unsigned status;
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_in_thread, &older), 0);
    wait_until_running(older.asks, "a");
    static const char *const beside[] = { "{\"slot\":\"b\",\"set\":{" QUICK "}}",
                                          "{\"page\":\"2\",\"slot\":\"a\",\"set\":{" QUICK "}}" };
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        json_t *answer = tell(older.asks, true, "api/run", beside[i], &status);
        ck_assert_ptr_nonnull(json_object_get(answer, "run"));
        json_decref(answer);
    }
    json_t *progress = tell(older.asks, true, "api/progress", "{}", &status);
    ck_assert(json_is_true(json_object_get(json_object_get(progress, "a"), "running")));
    json_t *newer =
        tell(older.asks, true, "api/run", "{\"slot\":\"a\",\"set\":{" QUICK "}}", &status);
    ck_assert_ptr_nonnull(json_object_get(newer, "run"));
    pthread_join(thread, NULL);
    ck_assert(was_stopped(older.answer));
    json_decref(progress);
    json_decref(newer);
    json_decref(older.answer);
    asks_free(older.asks);
}
END_TEST

START_TEST(more_pages_than_there_is_room_for_are_served_too)
{
    struct asking long_one = { asks_of("{}", NULL), "{\"slot\":\"a\",\"set\":{" LONG "}}", NULL };
    pthread_t thread;
    unsigned status;
    char body[128];
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_in_thread, &long_one), 0);
    wait_until_running(long_one.asks, "a");
    for (int page = 0; page < 200; page++) { /* the long one's place is not taken from it */
        snprintf(body, sizeof body, "{\"page\":\"%d\",\"slot\":\"a\"}", page);
        json_decref(tell(long_one.asks, true, "api/cancel", body, &status));
    }
    json_t *progress = tell(long_one.asks, true, "api/progress", "{}", &status);
    ck_assert(json_is_true(json_object_get(json_object_get(progress, "a"), "running")));
    json_decref(progress);
    json_decref(tell(long_one.asks, true, "api/cancel", "{\"slot\":\"a\"}", &status));
    pthread_join(thread, NULL);
    json_decref(long_one.answer);
    asks_free(long_one.asks);
}
END_TEST

/* By whom: 0: a person; 1: the program's end. */
START_TEST(a_run_can_be_stopped)
{
    struct asking asking = { asks_of("{}", NULL), "{\"slot\":\"a\",\"set\":{" LONG "}}", NULL };
    pthread_t thread;
    unsigned status;
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_in_thread, &asking), 0);
    wait_until_running(asking.asks, "a");
    if (_i == 0)
        json_decref(tell(asking.asks, true, "api/cancel", "{\"slot\":\"a\"}", &status));
    else
        asks_stop(asking.asks);
    pthread_join(thread, NULL);
    ck_assert(was_stopped(asking.answer));
    json_t *later =
        tell(asking.asks, true, "api/run", "{\"slot\":\"a\",\"set\":{" QUICK "}}", &status);
    ck_assert(was_stopped(later) == (_i == 1));
    json_decref(later);
    json_decref(asking.answer);
    asks_free(asking.asks);
}
END_TEST

static bool has_gone(const void *asker)
{
    return asker != NULL;
}

START_TEST(a_run_for_which_nobody_waits_any_more_ends)
{
    static const char body[] = "{\"slot\":\"a\",\"set\":{" LONG "}}";
    struct asks *asks = asks_of("{}", NULL);
    const struct door_ask ask = { .post = true,
                                  .path = "api/run",
                                  .body = body,
                                  .body_bytes = sizeof body - 1,
                                  .is_gone = has_gone,
                                  .asker = body };
    struct door_answer answer = asks_answer(asks, &ask);
    ck_assert_str_eq(answer.bytes, "{\"stopped\":true}");
    free(answer.owned);
    asks_free(asks);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("asks");
    TCase *asks = tcase_create("asks");
    tcase_add_test(asks, no_path_leads_out_of_the_page);
    tcase_add_test(asks, the_page_is_whole_and_asks_nobody_else);
    tcase_add_test(asks, only_files_that_were_named_are_read);
    tcase_add_test(asks, a_body_that_is_not_as_agreed_is_refused_by_its_key);
    tcase_add_test(asks, what_is_wrong_with_an_experiment_is_told_at_its_key);
    tcase_add_test(asks, the_page_begins_with_the_command_lines_keys);
    tcase_add_test(asks, a_run_gives_what_the_simulator_gives);
    tcase_add_test(asks,
                   two_are_told_by_their_policies_or_else_by_letters_and_other_loads_are_said);
    tcase_add_test(asks, the_turn_that_is_told_waited_longest);
    tcase_add_test(asks, a_turn_is_drawn_as_plot_draws_it_from_a_timeline_load_compute_and_save);
    tcase_add_loop_test(asks, a_trace_that_is_handed_over_is_the_same_file_in_a_private_folder, 0,
                        5);
    tcase_add_test(asks, a_trace_that_is_handed_over_can_be_run_and_none_else_of_its_folder);
    tcase_add_test(asks, a_part_that_does_not_fit_is_refused_by_its_key);
    tcase_add_test(asks, a_newer_run_stops_the_older_of_its_page_and_slot_and_no_other);
    tcase_add_test(asks, more_pages_than_there_is_room_for_are_served_too);
    tcase_add_loop_test(asks, a_run_can_be_stopped, 0, 2);
    tcase_add_test(asks, a_run_for_which_nobody_waits_any_more_ends);
    suite_add_tcase(suite, asks);
    return test_main(suite);
}
