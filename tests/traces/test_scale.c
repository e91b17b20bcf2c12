/* tests/traces/test_scale.c - a trace with more load or less keeps its sessions as they were, and
 * in order; turns become requests whose blocks are the history's. */
#include "tests/traces/open_trace.h"
#include "tests/traces/trace_text.h"
#include "traces/info.h"
#include "traces/write.h"

#include <string.h>

static struct trace *sessions(uint64_t count)
{
    struct workload workload;
    struct trace *trace;
    struct error err = { 0 };
    TRACE_DEFAULTS(workload_rows, &workload);
    workload.sessions = count;
    ck_assert_int_eq(trace_generate(&workload, &trace, &err), STATUS_OK);
    return trace;
}

static struct trace *documents(uint64_t count)
{
    struct block_workload workload;
    struct trace *trace;
    struct error err = { 0 };
    TRACE_DEFAULTS(block_workload_rows, &workload);
    workload.requests = count;
    ck_assert_int_eq(trace_generate_blocks(&workload, &trace, &err), STATUS_OK);
    return trace;
}

static struct trace *conversations(uint64_t count)
{
    return trace_unroll(sessions(count),
                        &(struct trace_unrolling){ .block_tokens = 64, .token_ns = 0 });
}

static struct trace *scaled(struct trace *(*source)(uint64_t count), uint64_t count,
                            struct trace_scale scale)
{
    return trace_scaled(source(count), &scale);
}

/* Arrivals in order; closes the trace. */
static struct trace_info info_of(struct trace *trace)
{
    struct trace_info info;
    struct error err = { 0 };
    ck_assert_int_eq(trace_info_read(trace, NULL, &info, &err), STATUS_OK);
    trace_close(trace);
    return info;
}

static void check_order(struct trace *trace)
{
    struct trace_session session;
    struct error err = { 0 };
    uint64_t last_ns = 0;
    while (trace_next(trace, &session, &err) == TRACE_ITEM) {
        ck_assert_uint_ge(session.arrival_ns, last_ns);
        last_ns = session.arrival_ns;
    }
    trace_close(trace);
}

/* ---- scale ---- */

START_TEST(a_scale_of_one_changes_nothing)
{
    char *before = trace_text(documents(300));
    char *after = trace_text(scaled(documents, 300, (struct trace_scale){ 1.0, 1.0, 1.0, 0, 1 }));
    ck_assert_str_eq(after, before);
    free(before);
    free(after);
}
END_TEST

START_TEST(a_rate_divides_arrivals_and_leaves_think_times)
{
    struct trace *trace = sessions(200),
                 *fast = scaled(sessions, 200, (struct trace_scale){ 2.5, 1.0, 1.0, 0, 1 });
    struct trace_session one, other;
    struct error err = { 0 };
    while (trace_next(trace, &one, &err) == TRACE_ITEM) {
        ck_assert_int_eq(trace_next(fast, &other, &err), TRACE_ITEM);
        ck_assert_double_eq_tol((double)other.arrival_ns, (double)one.arrival_ns / 2.5, 1.0);
        ck_assert_uint_eq(other.turn_count, one.turn_count);
        for (uint32_t i = 0; i < one.turn_count; i++) {
            ck_assert_uint_eq(other.turns[i].think_ns, one.turns[i].think_ns);
            ck_assert_uint_eq(other.turns[i].prompt_tokens, one.turns[i].prompt_tokens);
        }
    }
    ck_assert_int_eq(trace_next(fast, &other, &err), TRACE_END);
    trace_close(trace);
    trace_close(fast);
}
END_TEST

START_TEST(think_times_scale_by_themselves)
{
    struct trace *trace = sessions(200),
                 *slow = scaled(sessions, 200, (struct trace_scale){ 1.0, 3.0, 1.0, 0, 1 });
    struct trace_session one, other;
    struct error err = { 0 };
    while (trace_next(trace, &one, &err) == TRACE_ITEM) {
        ck_assert_int_eq(trace_next(slow, &other, &err), TRACE_ITEM);
        ck_assert_uint_eq(other.arrival_ns, one.arrival_ns);
        for (uint32_t i = 0; i < one.turn_count; i++)
            ck_assert_uint_eq(other.turns[i].think_ns, 3 * one.turns[i].think_ns);
    }
    trace_close(trace);
    trace_close(slow);
}
END_TEST

/* All of the scaled trace, or why it is refused. */
static enum status read_scaled(struct trace_scale scale, struct error *err)
{
    struct trace *trace = scaled(sessions, 200, scale);
    struct trace_session session;
    enum trace_step step;
    *err = (struct error){ 0 };
    while ((step = trace_next(trace, &session, err)) == TRACE_ITEM) {
        ck_assert_uint_le(session.arrival_ns, TRACE_TIME_MOST_NS);
        for (uint32_t i = 0; i < session.turn_count; i++)
            ck_assert_uint_le(session.turns[i].think_ns, TRACE_TIME_MOST_NS);
    }
    trace_close(trace);
    return step == TRACE_END ? STATUS_OK : err->status;
}

/* The first number of what was expected. */
static double factor_of(const struct error *err)
{
    double factor = 0.0;
    sscanf(err->expected + strcspn(err->expected, "0123456789"), "%lf", &factor);
    return factor;
}

static void check_late(bool rate, struct trace_scale scale)
{
    double *factor = rate ? &scale.rate : &scale.think;
    struct error err;
    ck_assert_int_eq(read_scaled(scale, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, rate ? "rate" : "think");
    double fits = factor_of(&err);
    *factor = fits;
    ck_assert_int_eq(read_scaled(scale, &err), STATUS_OK);
    *factor = rate ? fits * 0.9999 : fits * 1.0001;
    ck_assert_int_eq(read_scaled(scale, &err), STATUS_INPUT);
}

/* Whether the first session is beyond the end already or, just so, the last alone. */
START_TEST(what_outruns_time_is_refused_with_the_factor_that_fits)
{
    check_late(true, (struct trace_scale){ 1e-12, 1.0, 1.0, 0, 1 });
    check_late(true, (struct trace_scale){ 1e-9, 1.0, 2.5, 600 * NS_PER_S, 1 });
    check_late(false, (struct trace_scale){ 1.0, 1e12, 1.0, 0, 1 });
}
END_TEST

/* Keys say how a file's times are read; what a result depends on besides is the file. */
START_TEST(an_import_scales_times_and_keeps_the_files_hash)
{
    struct trace_session one, other;
    struct error err = { 0 };
    struct trace *trace = NULL, *fast = NULL;
    ck_assert_int_eq(open_trace(TRACE_SAMPLES "/sessions.csv", NULL, &trace, &err), STATUS_OK);
    ck_assert_int_eq(open_imported(TRACE_SAMPLES "/sessions.csv", NULL, 4.0, 0.5, &fast, &err),
                     STATUS_OK);
    while (trace_next(trace, &one, &err) == TRACE_ITEM) {
        ck_assert_int_eq(trace_next(fast, &other, &err), TRACE_ITEM);
        ck_assert_double_eq_tol((double)other.arrival_ns, (double)one.arrival_ns / 4.0, 1.0);
        for (uint32_t i = 0; i < one.turn_count; i++)
            ck_assert_double_eq_tol((double)other.turns[i].think_ns,
                                    (double)one.turns[i].think_ns / 2.0, 1.0);
    }
    ck_assert_int_eq(trace_next(fast, &other, &err), TRACE_END);
    ck_assert_uint_eq(trace_hash(fast), trace_hash(trace));
    trace_close(trace);
    trace_close(fast);
}
END_TEST

START_TEST(copies_share_nothing_with_each_other)
{
    struct trace_scale scale = {
        .rate = 1, .think = 1, .sessions = 3, .shift_most_ns = 60 * NS_PER_S
    };
    struct trace_info one = info_of(documents(400)), three = info_of(scaled(documents, 400, scale));
    ck_assert_uint_eq(three.turns, 3 * one.turns);
    ck_assert_uint_eq(three.blocks, 3 * one.blocks);
    ck_assert(three.reuse.distinct_blocks == 3 * one.reuse.distinct_blocks);
    ck_assert(three.reuse.unbounded_hits == 3 * one.reuse.unbounded_hits);
    check_order(scaled(documents, 400, scale));
    check_order(scaled(sessions, 400, scale));
}
END_TEST

/* Without shifts each session comes a thousand times at its time; with them all still come, in
 * order. */
START_TEST(a_thousand_copies_come_from_one_reading)
{
    struct trace_scale scale = { .rate = 1, .think = 1, .sessions = 1000 };
    struct trace *one = sessions(20), *all = scaled(sessions, 20, scale);
    struct trace_session session, copy;
    struct error err = { 0 };
    while (trace_next(one, &session, &err) == TRACE_ITEM)
        for (int i = 0; i < 1000; i++) {
            ck_assert_int_eq(trace_next(all, &copy, &err), TRACE_ITEM);
            ck_assert_uint_eq(copy.arrival_ns, session.arrival_ns);
            ck_assert_uint_eq(copy.turn_count, session.turn_count);
        }
    ck_assert_int_eq(trace_next(all, &copy, &err), TRACE_END);
    trace_close(one);
    trace_close(all);
    scale.shift_most_ns = 3600 * NS_PER_S;
    ck_assert_uint_eq(info_of(scaled(sessions, 20, scale)).sessions, 20000);
    check_order(scaled(sessions, 20, scale));
    check_order(scaled(documents, 20, scale));
}
END_TEST

/* 5 deviations of the count of sessions kept; a session has 5.75 turns. */
START_TEST(a_share_keeps_that_share_of_sessions)
{
    struct trace_scale scale = { .rate = 1, .think = 1, .sessions = 0.25, .seed = 7 };
    struct trace_info info = info_of(scaled(sessions, 4000, scale));
    ck_assert_double_eq_tol((double)info.sessions, 1000.0, 5 * 27.4);
    scale.sessions = 1.25;
    ck_assert_double_eq_tol((double)info_of(scaled(sessions, 4000, scale)).sessions, 5000.0,
                            5 * 27.4);
}
END_TEST

/* Were requests drawn one by one, a quarter of them would find a quarter of their histories. */
START_TEST(requests_that_continue_each_other_are_kept_together)
{
    struct trace_scale scale = { .rate = 1, .think = 1, .sessions = 0.25, .seed = 7 };
    struct trace_info all = info_of(conversations(4000));
    struct trace_info kept = info_of(scaled(conversations, 4000, scale));
    double hit_rate = all.reuse.unbounded_hits / (double)all.blocks;
    ck_assert_double_eq_tol((double)kept.turns / (double)all.turns, 0.25, 0.06);
    ck_assert_double_eq_tol(kept.reuse.unbounded_hits / (double)kept.blocks, hit_rate, 0.05);
}
END_TEST

/* ... but requests that only begin alike are no conversation: they are drawn one by one. */
START_TEST(requests_of_one_system_prompt_are_not_all_kept_or_dropped)
{
    struct trace_scale scale = { .rate = 1, .think = 1, .sessions = 0.5 };
    for (scale.seed = 1; scale.seed <= 5; scale.seed++) {
        struct trace_info kept = info_of(scaled(documents, 2000, scale));
        ck_assert_double_eq_tol((double)kept.sessions, 1000.0, 250.0);
    }
}
END_TEST

/* ---- unroll ---- */

#define TWO                                                                                        \
    "session,arrival_s,think_s,prompt_tokens,reply_tokens\n"                                       \
    "a,0,,20,12\na,,5,10,30\na,,1,1,1\nb,2,,8,4\n"

/* a: 20 of 16-token blocks 2; then 20 + 12 + 10 = 42, after 12 tokens of a second and 5 s; then
 * 42 + 30 + 1 = 73, after 30 s and 1 s. Its full blocks are there again, partial ones are not. */
START_TEST(turns_are_requests_whose_full_blocks_come_again)
{
    char *path = test_temp_file(TWO);
    struct trace *trace;
    struct trace_session session;
    struct error err = { 0 };
    uint64_t key[4];
    ck_assert_int_eq(open_trace(path, NULL, &trace, &err), STATUS_OK);
    trace =
        trace_unroll(trace, &(struct trace_unrolling){ .block_tokens = 16, .token_ns = NS_PER_S });
    ck_assert(trace_facts(trace).open_loop && trace_facts(trace).block_tokens == 16);
    static const struct {
        uint64_t arrival_s;
        uint32_t prompt, reply, blocks;
    } expected[] = { { 0, 20, 12, 2 }, { 2, 8, 4, 1 }, { 17, 42, 30, 3 }, { 48, 73, 1, 5 } };
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_ITEM);
        ck_assert_uint_eq(session.arrival_ns, expected[i].arrival_s * NS_PER_S);
        ck_assert_uint_eq(session.turn_count, 1);
        ck_assert_uint_eq(session.turns[0].prompt_tokens, expected[i].prompt);
        ck_assert_uint_eq(session.turns[0].reply_tokens, expected[i].reply);
        ck_assert_uint_eq(session.block_count, expected[i].blocks);
        ck_assert_uint_le(session.block_keys[0], INT64_MAX);
        if (i == 0)
            key[0] = session.block_keys[0], key[1] = session.block_keys[1];
        if (i == 1)
            ck_assert_uint_ne(session.block_keys[0], key[0]);
        if (i == 2)
            key[2] = session.block_keys[1], key[3] = session.block_keys[2];
    }
    ck_assert_uint_eq(session.block_keys[0], key[0]);
    ck_assert_uint_ne(session.block_keys[1], key[1]); /* was partial then */
    ck_assert_uint_eq(session.block_keys[1], key[2]);
    ck_assert_uint_ne(session.block_keys[2], key[3]);
    ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_END);
    trace_close(trace);
    unlink(path);
    free(path);
}
END_TEST

/* All turns at their times, sorted by a plain sort. */
struct moment {
    uint64_t due_ns, prompt;
};

static int by_time(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;
    if (x->due_ns != y->due_ns)
        return x->due_ns < y->due_ns ? -1 : 1;
    return x->prompt < y->prompt ? -1 : x->prompt > y->prompt;
}

START_TEST(requests_come_in_the_order_of_their_times)
{
    enum { MOST = 20000 };
    static struct moment moment[MOST];
    struct trace *trace = sessions(1000);
    struct trace_session session;
    struct error err = { 0 };
    uint32_t count = 0, at = 0;
    while (trace_next(trace, &session, &err) == TRACE_ITEM) {
        uint64_t due_ns = session.arrival_ns, history = 0;
        for (uint32_t i = 0; i < session.turn_count; i++) {
            const struct trace_turn *turn = &session.turns[i];
            due_ns += turn->think_ns;
            ck_assert_uint_lt(count, MOST);
            moment[count++] = (struct moment){ due_ns, history + turn->prompt_tokens };
            history += turn->prompt_tokens + turn->reply_tokens;
            due_ns += turn->reply_tokens * 30 * NS_PER_MS;
        }
    }
    trace_close(trace);
    qsort(moment, count, sizeof *moment, by_time);
    trace = trace_unroll(sessions(1000), &(struct trace_unrolling){ .block_tokens = 16,
                                                                    .token_ns = 30 * NS_PER_MS });
    for (; trace_next(trace, &session, &err) == TRACE_ITEM; at++) {
        ck_assert_uint_eq(session.arrival_ns, moment[at].due_ns);
        ck_assert_uint_eq(session.turns[0].prompt_tokens, moment[at].prompt);
    }
    ck_assert_uint_eq(at, count);
    trace_close(trace);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("scale");
    TCase *tcase = tcase_create("scale");
    tcase_add_test(tcase, a_scale_of_one_changes_nothing);
    tcase_add_test(tcase, a_rate_divides_arrivals_and_leaves_think_times);
    tcase_add_test(tcase, think_times_scale_by_themselves);
    tcase_add_test(tcase, what_outruns_time_is_refused_with_the_factor_that_fits);
    tcase_add_test(tcase, an_import_scales_times_and_keeps_the_files_hash);
    tcase_add_test(tcase, copies_share_nothing_with_each_other);
    tcase_add_test(tcase, a_thousand_copies_come_from_one_reading);
    tcase_add_test(tcase, a_share_keeps_that_share_of_sessions);
    tcase_add_test(tcase, requests_that_continue_each_other_are_kept_together);
    tcase_add_test(tcase, requests_of_one_system_prompt_are_not_all_kept_or_dropped);
    suite_add_tcase(suite, tcase);
    TCase *unroll = tcase_create("unroll");
    tcase_add_test(unroll, turns_are_requests_whose_full_blocks_come_again);
    tcase_add_test(unroll, requests_come_in_the_order_of_their_times);
    suite_add_tcase(suite, unroll);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
