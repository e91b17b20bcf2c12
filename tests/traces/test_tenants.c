/* tests/traces/test_tenants.c - whose sessions they are: read and written by the formats that hold
 * it, refused by line where it is wrong, kept through what changes a trace, drawn by the generator.
 */
#include "tests/support.h"
#include "tests/traces/open_trace.h"
#include "tests/traces/trace_text.h"
#include "traces/info.h"
#include "traces/tenants.h"
#include "traces/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CSV "session,arrival_s,think_s,prompt_tokens,reply_tokens"
#define MOONCAKE(time, rest)                                                                       \
    "{\"timestamp\": " #time                                                                       \
    ", \"input_length\": 500, \"output_length\": 3, \"hash_ids\": [1]" rest "}\n"
#define AGENTIC(rest)                                                                              \
    "{\"arrival_s\": 1" rest ", \"turns\": [{\"prompt_tokens\": 9, \"reply_tokens\": 4}]}\n"
#define DELTA(session, rest)                                                                       \
    "{\"session_id\": \"" session                                                                  \
    "\", \"delay\": 0, \"input_length\": 5, \"output_length\": 2" rest "}\n"

/* Names of the sessions' tenants, in order: "a b a ". Closes the trace. */
static const char *tenants_text(struct trace *trace, bool *named)
{
    static char text[4096];
    struct trace_session session;
    struct error err = { 0 };
    size_t used = 0;
    text[0] = '\0';
    while (trace_next(trace, &session, &err) == TRACE_ITEM) {
        struct trace_facts facts = trace_facts(trace);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s ",
                                 trace_tenant_name(&facts.tenants, session.tenant));
        *named = facts.tenants.count > 0;
    }
    ck_assert_msg(err.status == STATUS_OK, "%s: %s", err.key, err.expected);
    trace_close(trace);
    return text;
}

static struct trace *opened(const char *path, const char *format)
{
    struct trace *trace = NULL;
    struct error err = { 0 };
    ck_assert_msg(open_trace(path, format, &trace, &err) == STATUS_OK, "%s", err.expected);
    return trace;
}

/* ---- reading ---- */

static const struct {
    const char *format, *text, *tenants;
} read_cases[] = {
    { "session-csv", CSV ",tenant\na,0,,10,3,x\na,,1,10,3,\nb,2,,10,3,y\nc,3,,10,3,x\nc,,0,1,1,x\n",
      "x y x " },
    { "session-csv", "tenant," CSV "\nchat:1,a,0,,10,3\n", "chat:1 " },
    { "agentic", AGENTIC(", \"tenant\": \"x\"") AGENTIC(", \"tenant\": 7"), "x 7 " },
    { "mooncake", MOONCAKE(1, ", \"tenant\": \"y\"") MOONCAKE(2, ", \"tenant\": \"x\""), "y x " },
    { "mooncake-delta",
      DELTA("s", ", \"tenant\": \"y\"") DELTA("t", ", \"tenant\": \"x\"")
          DELTA("s", ", \"tenant\": \"y\""),
      "y x " },
    { "mooncake", MOONCAKE(1, ", \"tenant\": null") MOONCAKE(2, ""), "default default " },
    { "session-csv", CSV "\na,0,,10,3\n", "default " },
};
enum { READ_CASES = sizeof read_cases / sizeof *read_cases };

START_TEST(a_session_has_the_tenant_that_the_file_names)
{
    char *path = test_temp_file(read_cases[_i].text);
    bool named = false;
    ck_assert_str_eq(tenants_text(opened(path, read_cases[_i].format), &named),
                     read_cases[_i].tenants);
    ck_assert(named == (strstr(read_cases[_i].tenants, "default") == NULL));
    unlink(path);
    free(path);
}
END_TEST

static const struct {
    const char *format, *text, *expected;
    uint64_t line;
} refused[] = {
    { "session-csv", CSV ",tenant\na,0,,10,3,x\nb,2,,10,3,\n", "every session or in none", 3 },
    { "session-csv", CSV ",tenant\na,0,,10,3,\nb,2,,10,3,y\n", "every session or in none", 3 },
    { "session-csv", CSV ",tenant\na,0,,10,3,x\na,,1,10,3,y\n", "the session's tenant", 3 },
    { "session-csv", CSV ",tenant\na,0,,10,3,x/y\n", "a name of 1 to 31", 2 },
    { "session-csv", CSV ",tenant\na,0,,10,3,01234567890123456789012345678901\n",
      "a name of 1 to 31", 2 },
    { "agentic", AGENTIC("") AGENTIC(", \"tenant\": \"x\""), "every session or in none", 2 },
    { "agentic", AGENTIC(", \"tenant\": \"\""), "a name", 1 },
    { "agentic", AGENTIC(", \"tenant\": -1"), "a name", 1 },
    { "agentic", AGENTIC(", \"tenant\": [1]"), "a name", 1 },
    { "agentic", AGENTIC(", \"tenant\": \"a b\""), "a name of 1 to 31", 1 },
    { "agentic", AGENTIC(", \"tenant\": \"x\"") AGENTIC(", \"tenant\": \"x\\u0000y\""),
      "a name of 1 to 31", 2 },
    { "mooncake", MOONCAKE(1, ", \"tenant\": \"a\\u0000b\""), "a name of 1 to 31", 1 },
    { "mooncake", MOONCAKE(1, ", \"tenant\": 1") MOONCAKE(2, ""), "every session or in none", 2 },
    { "mooncake-delta", DELTA("s", ", \"tenant\": \"y\"") DELTA("s", ", \"tenant\": \"x\""),
      "the session's tenant", 2 },
};
enum { REFUSED = sizeof refused / sizeof *refused };

static void read_to_its_error(const char *path, const char *format, struct error *err)
{
    struct trace_session session;
    struct trace *trace = opened(path, format);
    while (trace_next(trace, &session, err) == TRACE_ITEM)
        ;
    trace_close(trace);
}

START_TEST(a_wrong_tenant_is_refused_by_line)
{
    struct error err = { 0 };
    char *path = test_temp_file(refused[_i].text);
    read_to_its_error(path, refused[_i].format, &err);
    ck_assert_int_eq(err.status, STATUS_INPUT);
    ck_assert_str_eq(err.key, "tenant");
    ck_assert_uint_eq(err.line, refused[_i].line);
    ck_assert_msg(strstr(err.expected, refused[_i].expected) != NULL, "%s", err.expected);
    unlink(path);
    free(path);
}
END_TEST

START_TEST(a_seventeenth_tenant_is_refused)
{
    char text[4096] = CSV ",tenant\n";
    struct error err = { 0 };
    for (int i = 0; i < 17; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "s%d,%d,,10,3,t%d\n", i, i, i);
    }
    char *path = test_temp_file(text);
    read_to_its_error(path, NULL, &err);
    ck_assert_uint_eq(err.line, 18);
    ck_assert_str_eq(err.expected, "at most 16 tenants in a trace");
    unlink(path);
    free(path);
}
END_TEST

/* ---- generated ---- */

static struct workload workload_of(uint64_t sessions)
{
    struct workload workload;
    TRACE_DEFAULTS(workload_rows, &workload);
    workload.sessions = sessions;
    return workload;
}

static struct trace *generated(const char *shares, uint64_t sessions)
{
    struct workload workload = workload_of(sessions);
    struct workload_tenants tenants;
    struct trace *trace;
    struct error err = { 0 };
    snprintf(tenants.shares, sizeof tenants.shares, "%s", shares);
    ck_assert_int_eq(trace_generate(&workload, &trace, &err), STATUS_OK);
    ck_assert_msg(trace_give_tenants(&tenants, workload.seed, &trace, &err) == STATUS_OK, "%s",
                  err.expected);
    return trace;
}

START_TEST(tenants_change_nothing_else_of_the_workload)
{
    struct trace *one = generated("", 500), *two = generated("0.7/0.3", 500);
    ck_assert(trace_hash(one) != trace_hash(two));
    ck_assert_uint_eq(trace_facts(one).tenants.count, 0);
    char *plain = trace_text(one), *given = trace_text(two);
    ck_assert_str_eq(plain, given);
    free(plain);
    free(given);
}
END_TEST

/* Four standard errors of a share of 20,000 sessions: 1.3 points. */
START_TEST(each_tenant_has_its_share_of_the_sessions)
{
    struct trace *trace = generated("chat=5/batch=3/agents=2", 20000);
    struct trace_info info;
    struct error err = { 0 };
    ck_assert_int_eq(trace_info_read(trace, NULL, &info, &err), STATUS_OK);
    trace_close(trace);
    const double share[] = { 0.5, 0.3, 0.2 };
    uint64_t sessions = 0, turns = 0, prompt_tokens = 0, reply_tokens = 0;
    ck_assert_uint_eq(info.facts.tenants.count, 3);
    ck_assert_str_eq(info.facts.tenants.name[1], "batch");
    for (int i = 0; i < 3; i++) {
        const struct trace_tenant_row *row = &info.by_tenant[i];
        ck_assert_double_eq_tol((double)row->sessions / 20000, share[i], 0.014);
        sessions += row->sessions;
        turns += row->turns;
        prompt_tokens += row->prompt_tokens;
        reply_tokens += row->reply_tokens;
    }
    ck_assert_uint_eq(sessions, info.sessions);
    ck_assert_uint_eq(turns, info.turns);
    ck_assert_uint_eq(prompt_tokens, info.prompt_tokens);
    ck_assert_uint_eq(reply_tokens, info.reply_tokens);
}
END_TEST

static const char *const no_shares[] = {
    "0.5/",    "/0.5", "a",    "a=",  "=0.5",  "a=0.5/0.5", "0.5/a=0.5",
    "a=1/a=1", "0/1",  "-1/2", "1,2", "nan/1", "a b=1",     "1/1/1/1/1/1/1/1/1/1/1/1/1/1/1/1/1",
};

START_TEST(shares_that_are_no_list_are_refused)
{
    struct tenant_list list;
    struct error err = { 0 };
    ck_assert_msg(tenant_list_parse("workload.tenants", "shares above 0", 1e-9, 1e9, no_shares[_i],
                                    &list, &err) == STATUS_INPUT,
                  "%s", no_shares[_i]);
    ck_assert_str_eq(err.key, "workload.tenants");
    ck_assert_str_eq(err.found, no_shares[_i]);
}
END_TEST

START_TEST(a_list_gives_values_by_place_or_by_name)
{
    struct tenant_list list;
    struct error err = { 0 };
    ck_assert_int_eq(tenant_list_parse("k", "v", 0, 1, "0.25/0.5", &list, &err), STATUS_OK);
    ck_assert_double_eq(tenant_list_value(&list, 1, "x", -1), 0.5);
    ck_assert_double_eq(tenant_list_value(&list, 2, "x", -1), -1);
    ck_assert_int_eq(tenant_list_parse("k", "v", 0, 1, "x=0.25/y=0", &list, &err), STATUS_OK);
    ck_assert_double_eq(tenant_list_value(&list, 7, "x", -1), 0.25);
    ck_assert_double_eq(tenant_list_value(&list, 0, "z", -1), -1);
    ck_assert_int_eq(tenant_list_parse("k", "v", 0, 1, "", &list, &err), STATUS_OK);
    ck_assert_uint_eq(list.count, 0);
}
END_TEST

/* ---- through files and changes ---- */

static struct trace *written(struct trace *trace, const char *format, char *path)
{
    struct trace_written report;
    struct error err = { 0 };
    const struct trace_writing how = { .format = format, .lossy = strcmp(format, "azure") == 0 };
    snprintf(path, 64, "/tmp/reprise-tenants-%d", (int)getpid());
    ck_assert_msg(trace_write(trace, path, &how, &report, &err) == STATUS_OK, "%s %s", err.key,
                  err.expected);
    trace_close(trace);
    ck_assert(report.loss.tenants == (strcmp(format, "azure") == 0));
    return opened(path, NULL);
}

static struct trace *requests(struct trace *trace)
{
    return trace_unroll(trace, &(struct trace_unrolling){ .block_tokens = 64, .token_ns = 1000 });
}

static const struct {
    const char *format;
    bool open;
} formats[] = {
    { "session-csv", false }, { "agentic", false }, { "mooncake", true }, { "azure", true }
};

START_TEST(tenants_are_written_and_read_back)
{
    char path[64], *before;
    bool named = false, open = formats[_i].open, held = strcmp(formats[_i].format, "azure") != 0;
    struct trace *first = generated("0.5/0.5", 60), *second = generated("0.5/0.5", 60);
    before = strdup(tenants_text(open ? requests(first) : first, &named));
    struct trace *again = written(open ? requests(second) : second, formats[_i].format, path);
    const char *after = tenants_text(again, &named);
    if (held)
        ck_assert_str_eq(after, before);
    ck_assert(named == held);
    free(before);
    unlink(path);
}
END_TEST

START_TEST(sorted_and_scaled_sessions_keep_their_tenant)
{
    char *path = test_temp_file(CSV ",tenant\na,5,,10,3,x\nb,2,,10,3,y\nc,9,,10,3,x\n");
    struct trace_import import;
    struct workload workload = workload_of(1);
    struct trace *trace;
    struct error err = { 0 };
    bool named;
    TRACE_DEFAULTS(trace_import_rows, &import);
    import.sort = true;
    import.rate = 2.0;
    ck_assert_int_eq(trace_open(path, &workload, &import, &trace, &err), STATUS_OK);
    ck_assert_str_eq(tenants_text(trace, &named), "y x x ");
    unlink(path);
    free(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tenants of traces");
    TCase *tcase = tcase_create("tenants");
    tcase_add_loop_test(tcase, a_session_has_the_tenant_that_the_file_names, 0, READ_CASES);
    tcase_add_loop_test(tcase, a_wrong_tenant_is_refused_by_line, 0, REFUSED);
    tcase_add_test(tcase, a_seventeenth_tenant_is_refused);
    tcase_add_test(tcase, tenants_change_nothing_else_of_the_workload);
    tcase_add_test(tcase, each_tenant_has_its_share_of_the_sessions);
    tcase_add_loop_test(tcase, shares_that_are_no_list_are_refused, 0,
                        sizeof no_shares / sizeof *no_shares);
    tcase_add_test(tcase, a_list_gives_values_by_place_or_by_name);
    tcase_add_loop_test(tcase, tenants_are_written_and_read_back, 0,
                        sizeof formats / sizeof *formats);
    tcase_add_test(tcase, sorted_and_scaled_sessions_keep_their_tenant);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
