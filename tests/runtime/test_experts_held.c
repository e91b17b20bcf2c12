/* tests/runtime/test_experts_held.c - how long experts take on the device that the host stands for:
 * what is multiplied are the rows that were routed, what is read are the experts that have any. */
#include "runtime/backend.h"
#include "tests/support.h"

#include <stdlib.h>

enum { EXPERTS = 8, EACH = 2, HIDDEN = 32, INNER = 64, ROWS_MOST = 64 };

struct rig {
    const struct backend *host;
    struct device *device;
    struct routing routing;
    void *in, *router, *weights, *out;
};

static void *hbm(struct rig *rig, uint64_t bytes)
{
    struct error err = { 0 };
    void *memory = NULL;
    ck_assert_int_eq(rig->host->allocate(rig->device, TIER_HBM, bytes, &memory, &err), STATUS_OK);
    return memory;
}

/* Row i of the input is row i of the identity, modulo HIDDEN; so column i of the router is what it
 * scores. Rows go to experts i and i + 1. */
static struct rig rig_open(struct held_rates held)
{
    struct rig rig = { .host = backend_find("host") };
    struct error err = { 0 };
    struct backend_config config = {
        .hbm_bytes = 1 << 20, .dram_bytes = 4096, .threads = 1, .held = held
    };
    float in[ROWS_MOST * HIDDEN] = { 0 }, router[EXPERTS * HIDDEN] = { 0 };
    ck_assert_int_eq(rig.host->open(&config, &rig.device, &err), STATUS_OK);
    rig.in = hbm(&rig, sizeof in);
    rig.router = hbm(&rig, sizeof router);
    rig.weights = hbm(&rig, sizeof(float) * EXPERTS * HIDDEN * INNER);
    rig.out = hbm(&rig, sizeof(float) * ROWS_MOST * EACH * INNER);
    rig.routing =
        routing_in(hbm(&rig, routing_bytes(ROWS_MOST, EXPERTS, EACH)), ROWS_MOST, EXPERTS, EACH);
    for (uint32_t i = 0; i < ROWS_MOST; i++)
        in[i * HIDDEN + i % HIDDEN] = 1.0F;
    for (uint32_t i = 0; i < HIDDEN; i++) {
        router[i % EXPERTS * HIDDEN + i] = 1.0F;
        router[(i + 1) % EXPERTS * HIDDEN + i] = 1.0F;
    }
    rig.host->upload(rig.device, rig.in, in, ROWS_MOST * HIDDEN);
    rig.host->upload(rig.device, rig.router, router, EXPERTS * HIDDEN);
    return rig;
}

/* Of the experts' product alone, ms. */
static double product_ms(struct rig *rig, uint32_t rows)
{
    struct backend_event *begin = rig->host->event_new(rig->device),
                         *end = rig->host->event_new(rig->device);
    uint64_t begin_ns = 0, end_ns = 0;
    rig->host->route(rig->device, &rig->routing, rows, HIDDEN, rig->in, rig->router);
    rig->host->record(rig->device, STREAM_COMPUTE, begin);
    rig->host->expert_gemm(rig->device, &rig->routing, true, rows, HIDDEN, INNER, rig->in,
                           rig->weights, rig->out);
    rig->host->record(rig->device, STREAM_COMPUTE, end);
    rig->host->synchronise(rig->device, end);
    rig->host->happened(rig->device, begin, &begin_ns);
    rig->host->happened(rig->device, end, &end_ns);
    rig->host->event_free(rig->device, begin);
    rig->host->event_free(rig->device, end);
    return (double)(end_ns - begin_ns) / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* An event is told late by what sleeping overshoots, at either end. What is told apart here differs
 * by half. */
static void assert_takes(struct rig *rig, uint32_t rows, double ms)
{
    enum { TIMES = 5 };
    double took[TIMES];
    for (int i = 0; i < TIMES; i++)
        took[i] = product_ms(rig, rows);
    qsort(took, TIMES, sizeof *took, compare);
    ck_assert_double_eq_tol(took[TIMES / 2], ms, 0.15 * ms + 1);
}

START_TEST(bytes_are_those_of_the_experts_that_have_rows)
{
    const double matrix_bytes = sizeof(float) * HIDDEN * INNER;
    struct rig rig = rig_open((struct held_rates){ .bytes_per_s = matrix_bytes / 5e-3 });
    assert_takes(&rig, 1, 2 * 5);
    assert_takes(&rig, 2, 3 * 5); /* of which the second is both rows' */
    assert_takes(&rig, ROWS_MOST, EXPERTS * 5);
    rig.host->close(rig.device);
}
END_TEST

START_TEST(arithmetic_is_that_of_the_rows_that_were_routed)
{
    const double row_flop = 2.0 * HIDDEN * INNER;
    struct rig rig = rig_open((struct held_rates){ .flop_per_s = row_flop / 0.5e-3 });
    assert_takes(&rig, 16, 16 * EACH * 0.5);
    assert_takes(&rig, ROWS_MOST, ROWS_MOST * EACH * 0.5);
    rig.host->close(rig.device);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("held");
    tcase_add_test(tests, bytes_are_those_of_the_experts_that_have_rows);
    tcase_add_test(tests, arithmetic_is_that_of_the_rows_that_were_routed);
    Suite *suite = suite_create("experts held to a roofline");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
