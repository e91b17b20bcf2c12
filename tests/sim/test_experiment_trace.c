/* tests/sim/test_experiment_trace.c - the trace of an experiment is what its keys say. */
#include "tests/sim/import_trace.h"
#include "tests/sim/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct seen {
    uint64_t sessions, turns, hash;
};

static struct seen read_all(const struct experiment *experiment)
{
    struct seen seen = { 0 };
    struct trace *trace = NULL;
    struct trace_session session;
    struct error err = { 0 };
    ck_assert_int_eq(experiment_open_trace(experiment, &trace, &err), STATUS_OK);
    for (; trace_next(trace, &session, &err) == TRACE_ITEM; seen.sessions++)
        seen.turns += session.turn_count;
    ck_assert_int_eq(err.status, STATUS_OK);
    seen.hash = trace_hash(trace);
    trace_close(trace);
    return seen;
}

START_TEST(a_file_is_read_as_the_import_keys_say)
{
    char *path = import_trace_file(), named[300];
    snprintf(named, sizeof named, "trace=%s", path);
    struct experiment experiment =
        experiment_of("{warmup_turns: 0, import: {format: " IMPORT_TRACE_FORMAT
                      ", session_gap: " IMPORT_TRACE_GAP "}}",
                      (const char *[]){ named, NULL });
    struct seen seen = read_all(&experiment);
    ck_assert_uint_eq(seen.sessions, IMPORT_TRACE_SESSIONS);
    ck_assert_uint_eq(seen.turns, IMPORT_TRACE_TURNS);

    struct sim_result result;
    struct error err = { 0 };
    ck_assert_int_eq(sim_run(&experiment, NULL, &result, &err), STATUS_OK);
    ck_assert_uint_eq(result.trace_hash, seen.hash);
    ck_assert(result.metrics.turns == IMPORT_TRACE_TURNS);
    sim_result_free(&result);

    experiment.import.session_gap_ns = 3600 * NS_PER_S;
    ck_assert_uint_eq(read_all(&experiment).sessions, 1);
    struct trace *trace;
    experiment.import.format[0] = '\0';
    ck_assert_int_eq(experiment_open_trace(&experiment, &trace, &err), STATUS_OK);
    struct trace_session session;
    ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_ERROR); /* no ids of its blocks */
    trace_close(trace);
    unlink(path);
    free(path);
}
END_TEST

START_TEST(without_a_file_it_is_the_generated_workload)
{
    struct experiment experiment = experiment_of("{workload: {sessions: 7}}", NULL);
    struct experiment other = experiment_of("{workload: {sessions: 7, seed: 2}}", NULL);
    ck_assert_uint_eq(read_all(&experiment).sessions, 7);
    ck_assert_uint_ne(read_all(&experiment).hash, read_all(&other).hash);
}
END_TEST

/* The number of tokens is a bound where a batch's input has no replies, and a result says so. */
static bool tells_of_the_trace(const char *content)
{
    char *path = test_temp_file(content), named[300];
    snprintf(named, sizeof named, "trace=%s", path);
    struct experiment experiment =
        experiment_of("{warmup_turns: 0}", (const char *[]){ named, NULL });
    struct sim_result result;
    struct error err = { 0 };
    bool told = false;
    ck_assert_int_eq(sim_run(&experiment, NULL, &result, &err), STATUS_OK);
    for (int i = 0; i < SIM_FINDINGS_MAX; i++)
        told = told || strstr(result.finding[i], "an upper bound") != NULL;
    sim_result_free(&result);
    unlink(path);
    free(path);
    return told;
}

#define ASKED "\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]"

START_TEST(what_a_trace_does_not_say_is_found_in_the_result)
{
    ck_assert(
        tells_of_the_trace("{\"custom_id\": \"r\", \"body\": {" ASKED ", \"max_tokens\": 9}}\n"));
    ck_assert(!tells_of_the_trace("{" ASKED ", \"usage\": {\"completion_tokens\": 9}}\n"));
}
END_TEST

/* ---- shared ---- */

#define REQUEST(time, tokens)                                                                      \
    "{\"timestamp\": " #time ", \"input_length\": " #tokens                                        \
    ", \"output_length\": 7, \"hash_ids\": [1, 2]}\n"

static struct experiment experiment_on(const char *path, const char *key)
{
    char named[300];
    snprintf(named, sizeof named, "trace=%s", path);
    return experiment_of("{warmup_turns: 0}", (const char *[]){ named, key, NULL });
}

static uint64_t shared_hash(struct inputs *inputs, const struct experiment *experiment)
{
    struct trace *trace = NULL;
    struct trace_session session;
    struct error err = { 0 };
    ck_assert_int_eq(inputs_open_trace(inputs, experiment, &trace, &err), STATUS_OK);
    while (trace_next(trace, &session, &err) == TRACE_ITEM) {
    }
    ck_assert_int_eq(err.status, STATUS_OK);
    uint64_t hash = trace_hash(trace);
    trace_close(trace);
    return hash;
}

static void refuse(struct inputs *inputs, const struct experiment *experiment, enum status expected)
{
    struct trace *trace = NULL;
    struct error err = { 0 };
    ck_assert_int_eq(inputs_open_trace(inputs, experiment, &trace, &err), expected);
}

/* The file is gone, so what is still there was shared. */
START_TEST(runs_share_what_their_keys_have_in_common)
{
    char *path = test_temp_file(REQUEST(0, 900) REQUEST(100, 950) REQUEST(200, 1000));
    struct inputs *inputs = inputs_new();
    struct experiment first = experiment_on(path, "gpus=1"), same = experiment_on(path, "gpus=2");
    uint64_t hash = shared_hash(inputs, &first);
    ck_assert_uint_eq(hash, read_all(&first).hash);
    unlink(path);
    ck_assert_uint_eq(shared_hash(inputs, &same), hash);
    refuse(NULL, &same, STATUS_IO);
    const char *other[] = { "import.rate=2", "import.format=mooncake", "workload.seed=7",
                            "workload.tenants=0.5/0.5" };
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        struct experiment changed = experiment_on(path, other[i]);
        refuse(inputs, &changed, STATUS_IO);
    }
    inputs_free(inputs);
    free(path);
}
END_TEST

START_TEST(those_asked_for_last_are_kept)
{
    char *path[INPUTS_TRACES_MOST + 1];
    struct experiment experiment[INPUTS_TRACES_MOST + 1];
    struct inputs *inputs = inputs_new();
    for (int i = 0; i <= INPUTS_TRACES_MOST; i++) {
        path[i] = test_temp_file(REQUEST(0, 900) REQUEST(100, 950));
        experiment[i] = experiment_on(path[i], "gpus=1");
        shared_hash(inputs, &experiment[i]);
        shared_hash(inputs, &experiment[0]);
        unlink(path[i]);
        free(path[i]);
    }
    for (int i = INPUTS_TRACES_MOST; i > 1; i--)
        shared_hash(inputs, &experiment[i]);
    shared_hash(inputs, &experiment[0]);
    refuse(inputs, &experiment[1], STATUS_IO);
    inputs_free(inputs);
}
END_TEST

START_TEST(one_trace_more_than_can_be_kept_is_read_alone)
{
    struct trace *trace[INPUTS_TRACES_MOST + 1];
    struct inputs *inputs = inputs_new();
    for (int i = 0; i <= INPUTS_TRACES_MOST; i++) {
        struct error err = { 0 };
        char *path = test_temp_file(REQUEST(0, 900) REQUEST(100, 950));
        struct experiment experiment = experiment_on(path, "gpus=1");
        ck_assert_int_eq(inputs_open_trace(inputs, &experiment, &trace[i], &err), STATUS_OK);
        unlink(path);
        free(path);
    }
    for (int i = 0; i <= INPUTS_TRACES_MOST; i++) {
        struct trace_session session;
        struct error err = { 0 };
        ck_assert_int_eq(trace_next(trace[i], &session, &err), TRACE_ITEM);
        trace_close(trace[i]);
    }
    inputs_free(inputs);
}
END_TEST

/* Also one that stops before the trace's end: its hash is of what it came to. */
START_TEST(a_run_that_shares_has_the_result_of_one_alone)
{
    char *path = test_temp_file(REQUEST(0, 900) REQUEST(100, 950) REQUEST(200, 1000));
    struct inputs *inputs = inputs_new();
    const char *keys[] = { "max_turns=0", "max_turns=2", "max_turns=1", "policy=lru" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct experiment experiment = experiment_on(path, keys[i]);
        struct sim_result alone, shared;
        struct error err = { 0 };
        ck_assert_int_eq(sim_run(&experiment, NULL, &alone, &err), STATUS_OK);
        ck_assert_int_eq(sim_run_from(inputs, 1, &experiment, NULL, &shared, &err), STATUS_OK);
        ck_assert_uint_eq(shared.trace_hash, alone.trace_hash);
        ck_assert_int_eq(memcmp(&shared.metrics, &alone.metrics, sizeof alone.metrics), 0);
        sim_result_free(&alone);
        sim_result_free(&shared);
    }
    unlink(path);
    free(path);
    inputs_free(inputs);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("an experiment's trace");
    TCase *tcase = tcase_create("trace");
    tcase_add_test(tcase, a_file_is_read_as_the_import_keys_say);
    tcase_add_test(tcase, without_a_file_it_is_the_generated_workload);
    tcase_add_test(tcase, what_a_trace_does_not_say_is_found_in_the_result);
    tcase_add_test(tcase, runs_share_what_their_keys_have_in_common);
    tcase_add_test(tcase, those_asked_for_last_are_kept);
    tcase_add_test(tcase, one_trace_more_than_can_be_kept_is_read_alone);
    tcase_add_test(tcase, a_run_that_shares_has_the_result_of_one_alone);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
