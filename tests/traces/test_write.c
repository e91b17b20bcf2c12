/* tests/traces/test_write.c - what is written is read back as it was; what a format cannot hold is
 * refused; a file is there whole or not at all. */
#include "tests/traces/open_trace.h"
#include "tests/traces/trace_text.h"
#include "traces/write.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A new folder, for what is written. */
static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/reprise-write-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static uint32_t files_in_folder(bool remove)
{
    char path[400];
    uint32_t count = 0;
    DIR *opened = opendir(folder);
    for (struct dirent *entry; (entry = readdir(opened)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        count++;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (remove)
            unlink(path);
    }
    closedir(opened);
    return count;
}

static void remove_folder(void)
{
    files_in_folder(true);
    rmdir(folder);
}

static const char *path_of(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static struct trace *opened(const char *path, const char *format)
{
    struct trace *trace;
    struct error err = { 0 };
    ck_assert_msg(open_trace(path, format, &trace, &err) == STATUS_OK, "%s: %s", path,
                  err.expected);
    return trace;
}

static struct trace *sample(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", TRACE_SAMPLES, name);
    return opened(path, NULL);
}

static enum status write_as(struct trace *trace, const char *path, const char *format, bool lossy,
                            struct trace_written *written, struct error *err)
{
    const struct trace_writing how = { .format = format, .lossy = lossy };
    enum status status = trace_write(trace, path, &how, written, err);
    trace_close(trace);
    return status;
}

/* ---- round trips ---- */

static const struct {
    const char *sample, *format, *file;
} round_trips[] = {
    { "agentic.jsonl", "agentic", "out.jsonl" },
    { "agentic.jsonl", "session-csv", "out.csv" },
    { "burstgpt_3.csv", "session-csv", "out.csv" },
    { "burstgpt_3.csv", "agentic", "out.jsonl" },
    { "sessions.csv", "session-csv", "out.csv.zst" },
    { "sharegpt.json", "agentic", "out.jsonl.gz" },
    { "sharegpt.json", "session-csv", "out.csv" },
    { "azure_2023.csv", "azure", "out.csv" }, /* its first request comes at 0 */
    { "azure_2024.csv", "azure", "out.csv.zst" },
    { "azure_2023.csv", "session-csv", "out.csv" },
    { "burstgpt_1.csv", "azure", "out.csv" },
    { "example.jsonl", "mooncake", "out.jsonl" },
    { "example.jsonl", "mooncake", "out.jsonl.zst" },
    { "bailian.jsonl", "mooncake", "out.jsonl" }, /* 16 tokens a block; times are whole ms */
};
enum { ROUND_TRIPS = sizeof round_trips / sizeof *round_trips };

START_TEST(what_is_written_is_read_back)
{
    struct trace_written written;
    struct error err = { 0 };
    char *before = trace_text(sample(round_trips[_i].sample));
    const char *path = path_of(round_trips[_i].file);
    ck_assert_msg(write_as(sample(round_trips[_i].sample), path, round_trips[_i].format, false,
                           &written, &err) == STATUS_OK,
                  "%s %s", err.key, err.expected);
    ck_assert_uint_eq(files_in_folder(false), 1);
    struct trace *read = opened(path, NULL);
    ck_assert_str_eq(trace_facts(read).format, round_trips[_i].format);
    char *after = trace_text(read);
    ck_assert_str_eq(after, before);
    ck_assert_uint_gt(written.sessions, 0);
    free(before);
    free(after);
}
END_TEST

START_TEST(a_generated_workload_is_read_back_to_the_ns)
{
    struct workload workload;
    struct trace *trace;
    struct trace_written written;
    struct error err = { 0 };
    TRACE_DEFAULTS(workload_rows, &workload);
    workload.sessions = 2000;
    ck_assert_int_eq(trace_generate(&workload, &trace, &err), STATUS_OK);
    char *before = trace_text(trace);
    ck_assert_int_eq(trace_generate(&workload, &trace, &err), STATUS_OK);
    ck_assert_int_eq(write_as(trace, path_of("w.csv"), "session-csv", false, &written, &err),
                     STATUS_OK);
    ck_assert_uint_eq(written.sessions, 2000);
    ck_assert_uint_gt(written.turns, 8000);
    char *after = trace_text(opened(path_of("w.csv"), NULL));
    ck_assert_str_eq(after, before);
    free(before);
    free(after);
}
END_TEST

START_TEST(losses_are_told)
{
    struct trace_written written;
    struct error err = { 0 };
    ck_assert_int_eq(
        write_as(sample("example.jsonl"), path_of("a.csv"), "session-csv", true, &written, &err),
        STATUS_OK);
    ck_assert(written.loss.blocks && written.loss.loop && !written.loss.begin);
    ck_assert_uint_eq(written.loss.time_ns, 0);
    ck_assert_int_eq(
        write_as(sample("example.jsonl"), path_of("b.csv"), "azure", true, &written, &err),
        STATUS_OK);
    ck_assert(written.loss.blocks && !written.loss.loop && written.loss.begin);
    ck_assert_int_eq(
        write_as(sample("example.jsonl"), path_of("c.jsonl"), "mooncake", false, &written, &err),
        STATUS_OK);
    ck_assert(!written.loss.blocks && !written.loss.loop && !written.loss.begin);
    ck_assert_uint_eq(written.loss.time_ns, 1000000);
}
END_TEST

/* ---- refusals ---- */

static const struct {
    const char *sample, *format, *word;
} refused[] = {
    { "sessions.csv", "mooncake", "open loop" },  { "sessions.csv", "azure", "open loop" },
    { "azure_2023.csv", "mooncake", "shared" },   { "example.jsonl", "session-csv", "block keys" },
    { "example.jsonl", "agentic", "block keys" }, { "example.jsonl", "azure", "block keys" },
    { "sessions.csv", "openai", "mooncake" }, /* read, not written: those that are */
    { "sessions.csv", "parquet", "session-csv" },
};
enum { REFUSED = sizeof refused / sizeof *refused };

START_TEST(what_a_format_cannot_hold_is_refused_and_nothing_is_left)
{
    struct trace_written written;
    struct error err = { 0 };
    ck_assert_int_eq(write_as(sample(refused[_i].sample), path_of("out"), refused[_i].format, false,
                              &written, &err),
                     STATUS_INPUT);
    ck_assert_msg(strstr(err.expected, refused[_i].word) != NULL, "%s", err.expected);
    ck_assert_uint_eq(files_in_folder(false), 0);
}
END_TEST

#define GOOD "session,arrival_s,think_s,prompt_tokens,reply_tokens\na,1,,5,6\n"

START_TEST(a_malformed_input_leaves_the_file_that_was_there)
{
    char *bad = test_temp_file(GOOD "b,2,,0,6\n"), *good = test_temp_file(GOOD);
    struct trace_written written;
    struct error err = { 0 };
    ck_assert_int_eq(
        write_as(opened(good, NULL), path_of("x.csv"), "session-csv", false, &written, &err),
        STATUS_OK);
    ck_assert_int_eq(
        write_as(opened(bad, NULL), path_of("x.csv"), "session-csv", false, &written, &err),
        STATUS_INPUT);
    ck_assert_uint_eq(err.line, 3);
    ck_assert_uint_eq(files_in_folder(false), 1);
    char *text = trace_text(opened(path_of("x.csv"), NULL));
    ck_assert_str_eq(text, "1000000000: 0+5>6\n");
    free(text);
    unlink(bad), unlink(good);
    free(bad), free(good);
}
END_TEST

START_TEST(a_file_is_written_over_itself)
{
    char *path = test_temp_file(GOOD);
    struct trace_written written;
    struct error err = { 0 };
    ck_assert_int_eq(write_as(opened(path, NULL), path, "agentic", false, &written, &err),
                     STATUS_OK);
    char *text = trace_text(opened(path, "agentic"));
    ck_assert_str_eq(text, "1000000000: 0+5>6\n");
    free(text);
    unlink(path);
    free(path);
}
END_TEST

static bool three_times(void *context)
{
    return ++*(int *)context < 3;
}

START_TEST(what_is_stopped_leaves_nothing)
{
    int asked = 0;
    const struct trace_writing how = { .format = "session-csv",
                                       .go_on = three_times,
                                       .context = &asked };
    struct workload workload;
    struct trace *trace;
    struct trace_written written;
    struct error err = { 0 };
    TRACE_DEFAULTS(workload_rows, &workload);
    ck_assert_int_eq(trace_generate(&workload, &trace, &err), STATUS_OK);
    ck_assert_int_eq(trace_write(trace, path_of("x.csv"), &how, &written, &err),
                     STATUS_INTERRUPTED);
    ck_assert_int_eq(asked, 3);
    ck_assert_uint_eq(files_in_folder(false), 0);
    trace_close(trace);
}
END_TEST

/* What no format would read again. */
START_TEST(times_that_cannot_be_read_are_not_written)
{
    struct workload workload;
    struct trace *trace;
    struct trace_written written;
    struct error err = { 0 };
    TRACE_DEFAULTS(workload_rows, &workload);
    workload.sessions_per_s = 1e-6;
    workload.sessions = 20000;
    ck_assert_int_eq(trace_generate(&workload, &trace, &err), STATUS_OK);
    ck_assert_int_eq(write_as(trace, path_of("x.csv"), "session-csv", false, &written, &err),
                     STATUS_INPUT);
    ck_assert_str_eq(err.key, "arrival");
    ck_assert_uint_eq(files_in_folder(false), 0);
}
END_TEST

START_TEST(a_place_that_takes_no_file_is_told)
{
    struct trace_written written;
    struct error err = { 0 }, other_err = { 0 };
    ck_assert_int_eq(write_as(sample("sessions.csv"), path_of("nowhere/x.csv"), "session-csv",
                              false, &written, &err),
                     STATUS_IO);
    ck_assert_int_eq(
        write_as(sample("sessions.csv"), folder, "session-csv", false, &written, &other_err),
        STATUS_IO);
    ck_assert_uint_eq(files_in_folder(false), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("write");
    TCase *tcase = tcase_create("files");
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_add_loop_test(tcase, what_is_written_is_read_back, 0, ROUND_TRIPS);
    tcase_add_test(tcase, a_generated_workload_is_read_back_to_the_ns);
    tcase_add_test(tcase, losses_are_told);
    tcase_add_loop_test(tcase, what_a_format_cannot_hold_is_refused_and_nothing_is_left, 0,
                        REFUSED);
    tcase_add_test(tcase, a_malformed_input_leaves_the_file_that_was_there);
    tcase_add_test(tcase, a_file_is_written_over_itself);
    tcase_add_test(tcase, what_is_stopped_leaves_nothing);
    tcase_add_test(tcase, times_that_cannot_be_read_are_not_written);
    tcase_add_test(tcase, a_place_that_takes_no_file_is_told);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
