/* tests/traces/test_shared.c - a reader of a shared trace says what the trace itself says, whoever
 * else reads, and whether or not it is held. */
#include "tests/traces/samples.h"
#include "traces/shared.h"
#include "traces/tenants.h"

#include <pthread.h>

/* ---- what a trace says ---- */

static void put_facts(FILE *out, const struct trace *trace)
{
    const struct trace_facts facts = trace_facts(trace);
    fprintf(out, " | %016" PRIx64 " %.17g %d %u %" PRIu64 " %s %d", trace_hash(trace),
            trace_progress(trace), facts.open_loop, facts.block_tokens, facts.expected_turns,
            facts.format, facts.measured);
    for (int i = 0; i < SKIP_CAUSES; i++)
        fprintf(out, " %" PRIu64, facts.skips.by[i]);
    for (int i = 0; facts.assumed[i] != NULL; i++)
        fprintf(out, " (%s)", facts.assumed[i]);
    const uint64_t *engine = (const uint64_t *)(const void *)&facts.engine;
    for (size_t i = 0; i < sizeof facts.engine / sizeof *engine; i++)
        fprintf(out, " %" PRIu64, engine[i]);
    for (uint32_t i = 0; i < facts.tenants.count; i++)
        fprintf(out, " %s", facts.tenants.name[i]);
    fputc('\n', out);
}

static void put_session(FILE *out, const struct trace_session *session)
{
    fprintf(out, "%" PRIu64 " %" PRIu64 " %u+%u %u", session->id, session->arrival_ns,
            session->measured_hits, session->measured_hits_below, session->tenant);
    for (uint32_t i = 0; i < session->turn_count; i++)
        fprintf(out, " %" PRIu64 "+%u>%u", session->turns[i].think_ns,
                session->turns[i].prompt_tokens, session->turns[i].reply_tokens);
    if (session->block_keys != NULL)
        fputs(" keys", out);
    for (uint32_t i = 0; i < session->block_count; i++)
        fprintf(out, " %" PRIu64, session->block_keys[i]);
}

/* A reader and all that it has said. */
struct hearing {
    struct trace *trace;
    FILE *out;
    char *text;
    size_t bytes;
};

static struct hearing *hear(struct trace *trace)
{
    struct hearing *hearing = calloc(1, sizeof *hearing);
    ck_assert_ptr_nonnull(hearing);
    hearing->trace = trace;
    hearing->out = open_memstream(&hearing->text, &hearing->bytes);
    put_facts(hearing->out, trace);
    return hearing;
}

static enum trace_step hear_next(struct hearing *hearing)
{
    struct trace_session session;
    struct error err = { 0 };
    enum trace_step step = trace_next(hearing->trace, &session, &err);
    if (step == TRACE_ITEM)
        put_session(hearing->out, &session);
    else
        fprintf(hearing->out, "%d %d %" PRIu64 " %s %s %s %s", step, err.status, err.line, err.file,
                err.key, err.expected, err.found);
    put_facts(hearing->out, hearing->trace);
    return step;
}

/* The caller's to free(). */
static char *heard(struct hearing *hearing)
{
    ck_assert_int_eq(fclose(hearing->out), 0);
    trace_close(hearing->trace);
    char *text = hearing->text;
    free(hearing);
    return text;
}

static char *hear_all(struct trace *trace)
{
    struct hearing *hearing = hear(trace);
    while (hear_next(hearing) == TRACE_ITEM) {
    }
    hear_next(hearing); /* an end or an error is said again */
    return heard(hearing);
}

/* ---- ways to open one ---- */

static enum status open_file(void *context, struct trace **trace, struct error *err)
{
    return open_trace(context, NULL, trace, err);
}

static enum status open_faster(void *context, struct trace **trace, struct error *err)
{
    return open_imported(context, NULL, 2.5, 0.5, trace, err);
}

/* Some 1,500 sessions with tenants, more than a piece holds. */
static enum status open_generated(void *context, struct trace **trace, struct error *err)
{
    (void)context;
    const struct config_section sections[] = { { "", workload_rows, 0 }, { 0 } };
    struct workload workload;
    struct workload_tenants tenants = { .shares = "0.7/0.3" };
    enum status status = config_load(sections, NULL, &workload, err);
    workload.sessions = 1500;
    if (status == STATUS_OK)
        status = trace_generate(&workload, trace, err);
    return status == STATUS_OK ? trace_give_tenants(&tenants, 1, trace, err) : status;
}

static char *alone(const struct trace_again *again)
{
    struct trace *trace;
    struct error err = { 0 };
    ck_assert_int_eq(again->open(again->context, &trace, &err), STATUS_OK);
    return hear_all(trace);
}

static struct shared_trace *share(const struct trace_again *again, uint64_t most_bytes)
{
    struct trace *trace;
    struct error err = { 0 };
    ck_assert_int_eq(again->open(again->context, &trace, &err), STATUS_OK);
    return shared_trace_new(trace, again, most_bytes);
}

static struct trace *reader_of(struct shared_trace *shared)
{
    struct trace *trace;
    struct error err = { 0 };
    ck_assert_int_eq(shared_trace_open(shared, &trace, &err), STATUS_OK);
    return trace;
}

/* Two readers that overtake each other, and one that comes when all is read. */
static void compare(const struct trace_again *again, uint64_t most_bytes)
{
    char *expected = alone(again);
    struct shared_trace *shared = share(again, most_bytes);
    struct hearing *one = hear(reader_of(shared)), *other = hear(reader_of(shared));
    bool one_goes = true, other_goes = true;
    for (uint32_t round = 0; one_goes || other_goes; round++) {
        for (uint32_t i = 0; one_goes && i < 1 + round % 7; i++)
            one_goes = hear_next(one) == TRACE_ITEM;
        for (uint32_t i = 0; other_goes && i < 1 + round * round % 11; i++)
            other_goes = hear_next(other) == TRACE_ITEM;
    }
    hear_next(one);
    hear_next(other);
    char *texts[] = { heard(one), heard(other), hear_all(reader_of(shared)) };
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(texts[i], expected);
        free(texts[i]);
    }
    ck_assert(!shared_trace_is_read(shared));
    shared_trace_free(shared);
    free(expected);
}

#define PLENTY (UINT64_C(64) << 20)

START_TEST(readers_of_every_format_say_what_the_trace_says)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", TRACE_SAMPLES, sample_names[_i]);
    compare(&(struct trace_again){ open_file, path }, PLENTY);
    compare(&(struct trace_again){ open_faster, path }, PLENTY);
    compare(&(struct trace_again){ open_file, path }, 0);
}
END_TEST

START_TEST(a_generated_trace_in_pieces_is_the_same)
{
    compare(&(struct trace_again){ open_generated, NULL }, PLENTY);
}
END_TEST

/* It is given up at its beginning, or behind some pieces, while two read it. */
START_TEST(a_trace_that_is_too_large_is_read_as_it_goes)
{
    const struct trace_again again = { open_generated, NULL };
    struct shared_trace *whole = share(&again, PLENTY);
    free(hear_all(reader_of(whole)));
    uint64_t bytes = shared_trace_bytes(whole);
    shared_trace_free(whole);
    compare(&again, 1);
    compare(&again, bytes / 3);
    compare(&again, bytes - 1);

    struct shared_trace *shared = share(&again, bytes / 3);
    struct hearing *first = hear(reader_of(shared));
    while (hear_next(first) == TRACE_ITEM)
        ck_assert_uint_le(shared_trace_bytes(shared), bytes / 3 + bytes / 4);
    free(heard(first));
    ck_assert_uint_eq(shared_trace_bytes(shared), 0); /* of no use to anybody */
    shared_trace_free(shared);
}
END_TEST

#define LINE "{\"timestamp\": 1, \"input_length\": 6, \"output_length\": 7, \"hash_ids\": [1]}\n"

START_TEST(a_bad_line_is_told_to_those_who_come_to_it)
{
    char *path = test_temp_file(LINE LINE "{\"timestamp\": -1}\n" LINE);
    const struct trace_again again = { open_file, path };
    compare(&again, PLENTY);
    compare(&again, 0);
    struct shared_trace *shared = share(&again, PLENTY);
    struct trace *trace = reader_of(shared);
    struct trace_session session;
    struct error err = { 0 };
    ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_ITEM);
    ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_ITEM);
    ck_assert_int_eq(err.status, STATUS_OK);
    ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_ERROR);
    ck_assert_uint_eq(err.line, 3);
    trace_close(trace);
    shared_trace_free(shared);
    unlink(path);
    free(path);
}
END_TEST

START_TEST(what_is_held_is_not_read_again)
{
    char *path = test_temp_file(LINE LINE);
    const struct trace_again again = { open_file, path };
    char *expected = alone(&again);
    struct shared_trace *shared = share(&again, PLENTY);
    free(hear_all(reader_of(shared)));
    unlink(path);
    char *text = hear_all(reader_of(shared));
    ck_assert_str_eq(text, expected);
    free(text);
    shared_trace_free(shared);

    free(path);
    free(expected);
}
END_TEST

struct listener {
    struct shared_trace *shared;
    char *text;
};

static void *listen(void *context)
{
    struct listener *listener = context;
    listener->text = hear_all(reader_of(listener->shared));
    return NULL;
}

START_TEST(threads_read_the_same)
{
    enum { THREADS = 4 };
    const struct trace_again again = { open_generated, NULL };
    const uint64_t most_bytes[] = { PLENTY, 1 << 17 };
    char *expected = alone(&again);
    for (int round = 0; round < 2; round++) {
        struct shared_trace *shared = share(&again, most_bytes[round]);
        struct listener listener[THREADS];
        pthread_t thread[THREADS];
        for (int i = 0; i < THREADS; i++) {
            listener[i].shared = shared;
            ck_assert_int_eq(pthread_create(&thread[i], NULL, listen, &listener[i]), 0);
        }
        for (int i = 0; i < THREADS; i++) {
            ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
            ck_assert_str_eq(listener[i].text, expected);
            free(listener[i].text);
        }
        shared_trace_free(shared);
    }
    free(expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("a shared trace");
    TCase *tcase = tcase_create("readers");
    tcase_add_loop_test(tcase, readers_of_every_format_say_what_the_trace_says, 0, SAMPLES);
    tcase_add_test(tcase, a_generated_trace_in_pieces_is_the_same);
    tcase_add_test(tcase, a_trace_that_is_too_large_is_read_as_it_goes);
    tcase_add_test(tcase, a_bad_line_is_told_to_those_who_come_to_it);
    tcase_add_test(tcase, what_is_held_is_not_read_again);
    tcase_add_test(tcase, threads_read_the_same);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
