/* tests/traces/test_generator_blocks.c - requests of shared documents have the distributions that
 * their keys say, keys stand for prefixes, and the same seed draws the same everywhere. */
#include "tests/traces/trace_text.h"

#include <math.h>
#include <string.h>

static struct block_workload standard(void)
{
    struct block_workload workload;
    TRACE_DEFAULTS(block_workload_rows, &workload);
    return workload;
}

static struct trace *generated(const struct block_workload *workload)
{
    struct trace *trace;
    struct error err = { 0 };
    ck_assert_int_eq(trace_generate_blocks(workload, &trace, &err), STATUS_OK);
    return trace;
}

#define FROZEN UINT64_C(4010013326362074103)

START_TEST(the_same_seed_gives_the_same_requests_everywhere)
{
    struct block_workload workload = standard();
    struct trace_session session;
    struct error err = { 0 };
    uint64_t mixed = 0;
    workload.requests = 500;
    struct trace *trace = generated(&workload);
    while (trace_next(trace, &session, &err) == TRACE_ITEM) {
        mixed = mixed * 31 + session.arrival_ns + session.turns[0].reply_tokens;
        for (uint32_t i = 0; i < session.block_count; i++)
            mixed = mixed * 31 + session.block_keys[i];
    }
    trace_close(trace);
    ck_assert_msg(mixed == FROZEN, "%llu", (unsigned long long)mixed);
}
END_TEST

START_TEST(another_seed_gives_others_and_the_same_one_the_same)
{
    struct block_workload workload = standard();
    workload.requests = 200;
    char *one = trace_text(generated(&workload)), *same = trace_text(generated(&workload));
    workload.seed = 2;
    char *other = trace_text(generated(&workload));
    ck_assert_str_eq(one, same);
    ck_assert_str_ne(one, other);
    free(one), free(same), free(other);
}
END_TEST

enum { SYSTEM = 2, DOCUMENTS = 50, REQUESTS = 60000, FEW = 5 };

/* How often each document is asked for: its keys are the same from the second block on. */
static uint32_t document_of(uint64_t key)
{
    return (uint32_t)(key >> 20 & ((UINT64_C(1) << 40) - 1));
}

/* Against the law itself: 1 / rank^s over their sum, each within 5 deviations. */
static void check_popularity(double exponent)
{
    struct block_workload workload = standard();
    struct trace_session session;
    struct error err = { 0 };
    uint32_t asked[DOCUMENTS + 1] = { 0 };
    double sum = 0.0;
    workload.requests = REQUESTS;
    workload.documents = DOCUMENTS;
    workload.zipf = exponent;
    workload.system_blocks = SYSTEM;
    workload.document_blocks_cv = 0.0;
    struct trace *trace = generated(&workload);
    while (trace_next(trace, &session, &err) == TRACE_ITEM) {
        uint32_t document = document_of(session.block_keys[SYSTEM]);
        ck_assert(document >= 1 && document <= DOCUMENTS);
        asked[document]++;
    }
    trace_close(trace);
    for (uint32_t rank = 1; rank <= DOCUMENTS; rank++)
        sum += pow(rank, -exponent);
    for (uint32_t rank = 1; rank <= DOCUMENTS; rank++) {
        double share = pow(rank, -exponent) / sum;
        double deviation = sqrt(REQUESTS * share * (1.0 - share));
        ck_assert_double_eq_tol(asked[rank], REQUESTS * share, 5.0 * deviation);
    }
}

START_TEST(documents_are_asked_for_by_zipfs_law)
{
    static const double exponents[FEW] = { 0.0, 0.5, 0.9, 1.0, 1.8 };
    check_popularity(exponents[_i]);
}
END_TEST

/* Bounds: 5 standard errors. Documents are few and as long as they are, whoever asks: their mean is
 * over documents, not requests, so that here all are equally popular and many. */
START_TEST(lengths_and_arrivals_have_their_means)
{
    struct block_workload workload = standard();
    struct trace_session session;
    struct error err = { 0 };
    double blocks = 0.0, replies = 0.0, n = 20000;
    workload.requests = 20000;
    workload.documents = 1000000;
    workload.zipf = 0;
    workload.document_blocks_cv = 0.5;
    struct trace *trace = generated(&workload);
    uint64_t last_ns = 0;
    while (trace_next(trace, &session, &err) == TRACE_ITEM) {
        blocks += session.block_count;
        replies += session.turns[0].reply_tokens;
        ck_assert_uint_eq(session.turns[0].prompt_tokens, session.block_count * 512);
        ck_assert_uint_ge(session.arrival_ns, last_ns);
        last_ns = session.arrival_ns;
    }
    trace_close(trace);
    double deviation = sqrt(10.0 * 10.0 + 3.0 * 4.0); /* 20 * 0.5; geometric from 0: m (1 + m) */
    ck_assert_double_eq_tol(blocks / n, 1 + 20 + 3, 5.0 * deviation / sqrt(n));
    ck_assert_double_eq_tol(replies / n, 343, 5.0 * 343 / sqrt(n));
    ck_assert_double_eq_tol((double)last_ns / 1e9 / n * 3.4, 1.0, 5.0 / sqrt(n));
}
END_TEST

/* A key stands for its place and for all that is before it. */
START_TEST(equal_keys_mean_equal_prefixes)
{
    struct block_workload workload = standard();
    struct trace_session session;
    struct error err = { 0 };
    static uint64_t document[DOCUMENTS + 1][2000];
    static uint32_t length[DOCUMENTS + 1];
    uint32_t own = 0;
    workload.requests = 5000;
    workload.documents = DOCUMENTS;
    struct trace *trace = generated(&workload);
    uint64_t first = 0;
    for (uint32_t n = 0; trace_next(trace, &session, &err) == TRACE_ITEM; n++) {
        uint32_t number = document_of(session.block_keys[1]), end = 1;
        first = n == 0 ? session.block_keys[0] : first;
        ck_assert_uint_eq(session.block_keys[0], first);
        while (end < session.block_count && session.block_keys[end] >> 60 == 1)
            ck_assert_uint_eq(document_of(session.block_keys[end++]), number);
        ck_assert_uint_lt(end, 2000);
        if (length[number] == 0) {
            length[number] = end;
            memcpy(document[number], session.block_keys, end * sizeof *session.block_keys);
        }
        ck_assert_uint_eq(end, length[number]);
        ck_assert_mem_eq(document[number], session.block_keys, end * sizeof *session.block_keys);
        for (uint32_t i = end; i < session.block_count; i++, own++)
            ck_assert_uint_eq(document_of(session.block_keys[i]), n);
        ck_assert_uint_le(session.block_keys[session.block_count - 1], INT64_MAX);
    }
    ck_assert_uint_gt(own, 5000);
    trace_close(trace);
}
END_TEST

START_TEST(a_request_of_nothing_has_a_block_of_its_own)
{
    struct block_workload workload = standard();
    struct trace_session session;
    struct error err = { 0 };
    uint64_t last = 0;
    workload.system_blocks = 0;
    workload.document_blocks_mean = 0;
    workload.own_blocks_mean = 0;
    workload.requests = 10;
    struct trace *trace = generated(&workload);
    while (trace_next(trace, &session, &err) == TRACE_ITEM) {
        ck_assert_uint_eq(session.block_count, 1);
        ck_assert_uint_ne(session.block_keys[0], last);
        last = session.block_keys[0];
    }
    trace_close(trace);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("generator_blocks");
    TCase *tcase = tcase_create("requests");
    tcase_add_test(tcase, the_same_seed_gives_the_same_requests_everywhere);
    tcase_add_test(tcase, another_seed_gives_others_and_the_same_one_the_same);
    tcase_add_loop_test(tcase, documents_are_asked_for_by_zipfs_law, 0, FEW);
    tcase_add_test(tcase, lengths_and_arrivals_have_their_means);
    tcase_add_test(tcase, equal_keys_mean_equal_prefixes);
    tcase_add_test(tcase, a_request_of_nothing_has_a_block_of_its_own);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
