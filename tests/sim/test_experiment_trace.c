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

int main(void)
{
    Suite *suite = suite_create("an experiment's trace");
    TCase *tcase = tcase_create("trace");
    tcase_add_test(tcase, a_file_is_read_as_the_import_keys_say);
    tcase_add_test(tcase, without_a_file_it_is_the_generated_workload);
    tcase_add_test(tcase, what_a_trace_does_not_say_is_found_in_the_result);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
