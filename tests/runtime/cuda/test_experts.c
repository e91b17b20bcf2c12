/* tests/runtime/cuda/test_experts.c - routing, the experts' products and their sum by the CUDA
 * kernels equal their definitions, whatever numbers of rows the experts have. On a GPU, or emulated
 * (rig.h); in each of the ways that must not change a bit. */
#include "base/memory.h"
#include "base/random.h"
#include "tests/runtime/cuda/reference.h"
#include "tests/runtime/cuda/rig.h"
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint16_t *random_elements(enum element element, uint64_t count, uint64_t stream)
{
    struct random random = random_from(test_seed(), stream);
    uint16_t *bits = memory_new(count, sizeof *bits);
    for (uint64_t i = 0; i < count; i++)
        bits[i] = element_bits(element, (float)random_normal(&random));
    return bits;
}

/* A routing in device memory, and a copy of its arrays here. */
struct routed {
    uint32_t rows, slots;
    void *memory;
    struct routing device, here;
    void *here_memory;
};

static struct routed routed_new(uint32_t rows, uint32_t experts, uint32_t per_token)
{
    uint64_t bytes = routing_bytes(rows, experts, per_token);
    struct routed r = { .rows = rows, .slots = rows * per_token, .memory = rig_new(bytes) };
    r.here_memory = memory_new(1, bytes);
    r.device = routing_in(r.memory, rows, experts, per_token);
    r.here = routing_in(r.here_memory, rows, experts, per_token);
    return r;
}

static void routed_read(struct routed *r)
{
    rig_read(r->here_memory, r->memory, routing_bytes(r->rows, r->here.experts, r->here.per_token));
}

static void routed_free(struct routed *r)
{
    rig_free(r->memory);
    free(r->here_memory);
}

/* Routes by a matrix that gives expert `favourite` most rows; the others get few or none. */
static struct routed route_unevenly(uint32_t rows, uint32_t experts, uint32_t per_token,
                                    uint32_t favourite)
{
    enum { WIDTH = 8 };
    struct routed r = routed_new(rows, experts, per_token);
    uint16_t *in = random_elements(ELEMENT_BF16, (uint64_t)rows * WIDTH, 1);
    uint16_t *router = random_elements(ELEMENT_BF16, (uint64_t)experts * WIDTH, 2);
    for (uint32_t row = 0; row < rows; row++)
        in[row * WIDTH] = element_bits(ELEMENT_BF16, 1.0F);
    for (uint32_t e = 0; e < experts; e++) /* whole multiples of 8 that random ones do not reach */
        router[e * WIDTH] = element_bits(ELEMENT_BF16, e == favourite ? 64.0F
                                                       : e % 3 == 0   ? 0.0F
                                                                      : -32.0F);
    void *gpu_in = rig_copy_of(in, sizeof *in * rows * WIDTH);
    void *gpu_router = rig_copy_of(router, sizeof *router * experts * WIDTH);
    kernel_route(ELEMENT_BF16, &r.device, rows, WIDTH, gpu_in, gpu_router, rig_stream());
    routed_read(&r);
    rig_free(gpu_in);
    rig_free(gpu_router);
    free(in);
    free(router);
    return r;
}

static uint32_t expert_of(const struct routing *routing, uint32_t slot)
{
    uint32_t expert = 0;
    while (routing->first[expert + 1] <= slot)
        expert++;
    return expert;
}

static double dot(enum element element, const uint16_t *a, const uint16_t *b, uint32_t count)
{
    double sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += (double)element_value(element, a[i]) * (double)element_value(element, b[i]);
    return sum;
}

static void assert_products(enum element element, const struct routed *r, bool by_row,
                            uint32_t inputs, uint32_t outputs, const uint16_t *in,
                            const uint16_t *weights, const uint16_t *found)
{
    double rounding = element == ELEMENT_BF16 ? 1.0 / 256 : 1.0 / 2048;
    for (uint32_t slot = 0; slot < r->slots; slot++) {
        uint64_t from = by_row ? r->here.row[slot] : slot;
        uint64_t expert = expert_of(&r->here, slot);
        for (uint32_t o = 0; o < outputs; o++) {
            double expected =
                dot(element, in + from * inputs, weights + (expert * outputs + o) * inputs, inputs);
            double value = (double)element_value(element, found[(uint64_t)slot * outputs + o]);
            ck_assert_msg(fabs(value - expected) <= rounding * fabs(expected) + 1e-4,
                          "slot %u of expert %u, output %u: %g, expected %g", slot,
                          (unsigned)expert, o, value, expected);
        }
    }
}

/* Widths that are no multiple of a tile's or a stage's; experts with no rows, with a few, with more
 * than a tile. few: rows of a decode iteration, for which another tile is taken. */
static void check_products(enum element element, uint32_t rows, uint32_t experts, bool by_row)
{
    const uint32_t inputs = 200, outputs = 136, per_token = 2;
    struct routed r = route_unevenly(rows, experts, per_token, 1);
    uint64_t in_count = (uint64_t)(by_row ? rows : r.slots) * inputs;
    uint64_t weight_count = (uint64_t)experts * outputs * inputs;
    uint64_t out_bytes = (uint64_t)r.slots * outputs * sizeof(uint16_t);
    uint16_t *in = random_elements(element, in_count, 3);
    uint16_t *weights = random_elements(element, weight_count, 4);
    uint16_t *first = memory_new(1, out_bytes), *found = memory_new(1, out_bytes);
    void *gpu_in = rig_copy_of(in, in_count * sizeof *in);
    void *gpu_weights = rig_copy_of(weights, weight_count * sizeof *weights);
    for (unsigned way = 0; way < rig_ways(); way++) {
        void *out = rig_new(out_bytes);
        rig_way(way);
        kernel_expert_gemm(element, &r.device, by_row, rows, inputs, outputs, gpu_in, gpu_weights,
                           out, rig_stream());
        rig_read(found, out, out_bytes);
        rig_free(out);
        if (way == 0) {
            assert_products(element, &r, by_row, inputs, outputs, in, weights, found);
            memcpy(first, found, out_bytes);
        }
        ck_assert_mem_eq(found, first, out_bytes);
    }
    rig_free(gpu_in);
    rig_free(gpu_weights);
    free(in);
    free(weights);
    free(first);
    free(found);
    routed_free(&r);
}

START_TEST(an_experts_product_is_of_its_own_rows_and_matrix)
{
    enum element element = (enum element)_i;
    check_products(element, 150, 5, true); /* 150 rows of one expert: more than a tile of 128 */
    check_products(element, 150, 5, false);
    check_products(element, 20, 40, true);
    check_products(element, 1, 5, false);
}
END_TEST

START_TEST(routing_is_the_same_in_every_order_of_threads)
{
    enum { ROWS = 70, EXPERTS = 37, EACH = 6, WIDTH = 40 };
    struct routed r = routed_new(ROWS, EXPERTS, EACH), again = routed_new(ROWS, EXPERTS, EACH);
    uint64_t bytes = routing_bytes(ROWS, EXPERTS, EACH);
    uint16_t *in = random_elements(ELEMENT_BF16, ROWS * WIDTH, 5);
    uint16_t *router = random_elements(ELEMENT_BF16, EXPERTS * WIDTH, 6);
    void *gpu_in = rig_copy_of(in, sizeof *in * ROWS * WIDTH);
    void *gpu_router = rig_copy_of(router, sizeof *router * EXPERTS * WIDTH);
    for (unsigned way = 0; way < rig_ways(); way++) {
        struct routed *now = way == 0 ? &r : &again;
        rig_way(way);
        kernel_route(ELEMENT_BF16, &now->device, ROWS, WIDTH, gpu_in, gpu_router, rig_stream());
        routed_read(now);
        if (way > 0) {
            ck_assert_mem_eq(again.here.score, r.here.score, ROWS * EXPERTS * sizeof(float));
            ck_assert_mem_eq(again.here.weight, r.here.weight, ROWS * EACH * sizeof(float));
            ck_assert_mem_eq(again.here.slot, r.here.slot, ROWS * EACH * sizeof(uint32_t));
        }
    }
    for (uint32_t row = 0; row < ROWS; row++)
        for (uint32_t e = 0; e < EXPERTS; e++)
            ck_assert_double_eq_tol((double)r.here.score[row * EXPERTS + e],
                                    dot(ELEMENT_BF16, in + row * WIDTH, router + e * WIDTH, WIDTH),
                                    1e-4);
    ck_assert_uint_eq(bytes, routing_bytes(ROWS, EXPERTS, EACH));
    rig_free(gpu_in);
    rig_free(gpu_router);
    free(in);
    free(router);
    routed_free(&r);
    routed_free(&again);
}
END_TEST

/* Of which no iteration is made, but warming up may come by: KV that was never stored. */
START_TEST(scores_that_are_no_numbers_still_choose_different_experts)
{
    enum { ROWS = 9, EXPERTS = 5, EACH = 3, WIDTH = 8 };
    struct routed r = routed_new(ROWS, EXPERTS, EACH);
    void *in = rig_new(ROWS * WIDTH * sizeof(uint16_t)); /* NaN */
    void *router = rig_new(EXPERTS * WIDTH * sizeof(uint16_t));
    kernel_route(ELEMENT_BF16, &r.device, ROWS, WIDTH, in, router, rig_stream());
    routed_read(&r);
    for (uint32_t i = 0; i < ROWS * EACH; i++)
        ck_assert_uint_eq(r.here.chosen[i], i % EACH);
    rig_free(in);
    rig_free(router);
    routed_free(&r);
}
END_TEST

START_TEST(combining_weighs_in_fp32_and_rounds_once)
{
    enum element element = (enum element)_i;
    enum { ROWS = 21, WIDTH = 72, EACH = 2 };
    const uint64_t count = ROWS * WIDTH, in_count = count * EACH;
    for (int added = 0; added < 2; added++) {
        struct routed r = route_unevenly(ROWS, 6, EACH, 2);
        uint16_t *in = random_elements(element, in_count, 7);
        uint16_t *sum = random_elements(element, count, 8), found[ROWS * WIDTH];
        void *gpu_in = rig_copy_of(in, in_count * sizeof *in);
        void *gpu_sum = rig_copy_of(sum, count * sizeof *sum);
        kernel_combine(element, &r.device, ROWS, WIDTH, gpu_in, added, gpu_sum, rig_stream());
        rig_read(found, gpu_sum, sizeof found);
        for (uint64_t i = 0; i < count; i++) {
            float expected = added ? element_value(element, sum[i]) : 0.0F;
            for (uint64_t j = i / WIDTH * EACH; j < (i / WIDTH + 1) * EACH; j++)
                expected += r.here.weight[j] *
                            element_value(element, in[r.here.slot[j] * WIDTH + i % WIDTH]);
            /* A GPU fuses the product and the sum. */
            ck_assert_float_eq_tol(element_value(element, found[i]),
                                   element_value(element, element_bits(element, expected)),
                                   fabsf(expected) / 128 + 1e-6F);
        }
        rig_free(gpu_in);
        rig_free(gpu_sum);
        free(in);
        free(sum);
        routed_free(&r);
    }
}
END_TEST

int main(void)
{
    if (!rig_open())
        return TEST_SKIPPED;
    TCase *products = tcase_create("products");
    tcase_set_timeout(products, 100);
    tcase_add_loop_test(products, an_experts_product_is_of_its_own_rows_and_matrix, 0, 2);
    tcase_add_loop_test(products, combining_weighs_in_fp32_and_rounds_once, 0, 2);
    TCase *routing = tcase_create("routing");
    tcase_set_timeout(routing, 100);
    tcase_add_test(routing, routing_is_the_same_in_every_order_of_threads);
    tcase_add_test(routing, scores_that_are_no_numbers_still_choose_different_experts);
    Suite *suite = suite_create("CUDA experts");
    suite_add_tcase(suite, products);
    suite_add_tcase(suite, routing);
    return test_main(suite);
}
